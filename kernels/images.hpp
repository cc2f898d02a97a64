// Images of numbers to packed images, with a margin for padding.
#pragma once

#include <cstdint>

#include "kernel_table.hpp"

namespace xnorflow {

// A batch of images in memory: extents, and the distances in elements between neighbours along each axis.
template <class T>
struct Images {
  const T* data;
  int64_t n, c, h, w;
  int64_t step_n, step_c, step_h, step_w;
};

// Rows and columns around an image, and the value that stands there: +1, or else -1.
struct Margin {
  int64_t top, bottom, left, right;
  bool plus;
};

// out (n, top + h + bottom, left + w + right, words): +1 where x >= level, -1 elsewhere and where x is NaN. Channels or
// columns must be adjacent: step_c or step_w is 1.
void pack_images(const KernelTable& table, const Images<float>& x, float level, const Margin& margin, uint64_t* out, int64_t threads);

// The same for bytes, any strides.
void pack_images(const KernelTable& table, const Images<uint8_t>& x, int64_t level, const Margin& margin, uint64_t* out, int64_t threads);

// A packed image inside a margin: x (n, h, w, words) to out (n, top + h + bottom, left + w + right, words).
void pad_bits(const uint64_t* x, int64_t n, int64_t h, int64_t w, int64_t channels, const Margin& margin, uint64_t* out, int64_t threads);

}  // namespace xnorflow
