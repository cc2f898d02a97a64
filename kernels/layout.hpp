// How -1/+1 tensors lie in memory, and why XNOR and popcount multiply them.
//
// A pixel (or vector) of C channels is ceil(C/64) words of 64 bits; channel c is bit c % 64 of word c / 64. Bit 1 is +1,
// bit 0 is -1. Bits at and above C in the last word, the tail, are 0 in activations and in weights alike.
//
// Over M products of +-1 values, a product is +1 where the bits agree. With d = popcount(x XOR w) disagreements,
//   sum = (M - d) - d = M - 2d.
// Tail bits agree by construction (0 XOR 0) and so add nothing to d: no mask is needed, whatever C is. A window of
// KH x KW pixels concatenates their words, tails included; M counts channels, not bits.
//
// Padding with -1 or +1 is data: padded pixels lie in the image. Zero padding is -1 in the image plus a constant that each
// output position adds back, because a padded tap contributed -w where it should have contributed nothing (Border).
//
// Integer layers accumulate modulo 2^32. The graph's types guarantee that every true sum fits in 32 bits signed, so the
// wrapped result is the true one whatever the intermediate sums did.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace xnorflow {

inline constexpr int64_t kWordBits = 64;

inline int64_t words_for(int64_t channels) { return (channels + kWordBits - 1) / kWordBits; }

// A kernel sliding over an image; vertical value first.
struct Window {
  int64_t kh = 1, kw = 1, sh = 1, sw = 1, dh = 1, dw = 1;
};

// A batch of images and the windows on it. `pixel` is the distance between pixels, in words or in elements.
struct Geometry {
  int64_t n, h, w, pixel;
  Window window;

  int64_t out_h() const { return (h - (window.kh - 1) * window.dh - 1) / window.sh + 1; }
  int64_t out_w() const { return (w - (window.kw - 1) * window.dw - 1) / window.sw + 1; }
  int64_t windows() const { return n * out_h() * out_w(); }
  bool fits() const { return h > (window.kh - 1) * window.dh && w > (window.kw - 1) * window.dw; }

  // Whether the window is the image, and so the run of all its memory.
  bool covers() const { return window.kh == h && window.kw == w && window.dh == 1 && window.dw == 1; }

  // Where a window begins; windows count through rows, then images.
  int64_t start(int64_t index) const {
    const int64_t ow = out_w(), oh = out_h();
    const int64_t x = index % ow, y = index / ow % oh, image = index / (ow * oh);
    return ((image * h + y * window.sh) * w + x * window.sw) * pixel;
  }
};

// A window as runs of adjacent memory, relative to its start: a row of the kernel, or a pixel where columns are dilated.
struct Runs {
  std::vector<int64_t> offset;
  int64_t length;

  explicit Runs(const Geometry& g) {
    const bool adjacent = g.window.dw == 1;
    length = adjacent ? g.window.kw * g.pixel : g.pixel;
    for (int64_t y = 0; y < g.window.kh; ++y)
      for (int64_t x = 0; x < (adjacent ? 1 : g.window.kw); ++x)
        offset.push_back((y * g.window.dh * g.w + x * g.window.dw) * g.pixel);
  }
};

}  // namespace xnorflow
