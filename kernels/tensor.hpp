// Where a stream of a program lies: one layout for arrays of the arena and of callers, for images, vectors and parts of either.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "layout.hpp"
#include "tile_table.hpp"

namespace xnorflow {

inline constexpr std::array<int64_t, kElements> kElementBytes = {8, 1, 1, 2, 4, 8, 2, 4, 8};

// Strides and origin count elements, or words where the elements are bits. A view of an image in its margin, or of some of its
// channels, has the same place and strides, and another origin.
struct Tensor {
  Element element;
  // Bytes from the arena's beginning, for each frame of the arena; or -1 - the number of an array of the caller's.
  int64_t place;
  int64_t height, width, channels;
  int64_t origin, pixel, row, frame;

  int64_t bytes() const { return kElementBytes[static_cast<size_t>(element)]; }
  bool bits() const { return element == Element::kBits; }
  // Elements in front of a channel, the first of its word.
  int64_t offset(int64_t channel) const { return bits() ? channel / kWordBits : channel; }
};

// An array of the caller's at the frame that a run begins with.
struct External {
  std::byte* data;
  Element element;
};

// What a run of a program works on.
struct Memory {
  std::byte* arena;
  int64_t capacity;  // frames that the arena has room for
  int64_t frames;
  std::vector<External> externals;

  const External* external(const Tensor& t) const { return t.place < 0 ? &externals[static_cast<size_t>(-1 - t.place)] : nullptr; }
  Element element(const Tensor& t) const { return t.place < 0 ? external(t)->element : t.element; }
  int64_t bytes(const Tensor& t) const { return kElementBytes[static_cast<size_t>(element(t))]; }
  std::byte* at(const Tensor& t, int64_t frame, int64_t y, int64_t x, int64_t channel) const {
    std::byte* base = t.place < 0 ? external(t)->data : arena + t.place * capacity;
    return base + (t.origin + frame * t.frame + y * t.row + x * t.pixel + t.offset(channel)) * bytes(t);
  }
};

}  // namespace xnorflow
