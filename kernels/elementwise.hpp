// The nodes that are not matrix products: packing, windows, pooling, thresholds, tables, argmax. Obvious loops.
#pragma once

#include <algorithm>
#include <cstdint>

#include "layout.hpp"

namespace xnorflow {

inline bool test_bit(const uint64_t* words, int64_t index) { return (words[index / kWordBits] >> index % kWordBits & 1U) != 0; }

// Bit 1 where the value is 0 or more.
template <class T>
void pack(const T* values, int64_t pixels, int64_t channels, uint64_t* out) {
  const int64_t words = words_for(channels);
  for (int64_t p = 0; p < pixels; ++p, values += channels, out += words)
    for (int64_t j = 0; j < words; ++j) {
      const int64_t begin = j * kWordBits, end = std::min(begin + kWordBits, channels);
      uint64_t bits = 0;
      for (int64_t c = begin; c < end; ++c) bits |= static_cast<uint64_t>(values[c] >= 0) << (c - begin);
      out[j] = bits;
    }
}

inline void unpack(const uint64_t* words, int64_t pixels, int64_t channels, int8_t* out) {
  for (int64_t p = 0; p < pixels; ++p, words += words_for(channels))
    for (int64_t c = 0; c < channels; ++c) *out++ = test_bit(words, c) ? int8_t{1} : int8_t{-1};
}

// Each window's bits side by side without gaps: out is (windows, words_for(kh * kw * channels)). Flattening is the
// window that covers the image.
inline void gather_bits(const Geometry& g, const uint64_t* x, int64_t channels, uint64_t* out) {
  const Runs runs(g);
  const int64_t words = words_for(g.window.kh * g.window.kw * channels);
  for (int64_t i = 0; i < g.windows(); ++i, out += words) {
    std::fill_n(out, words, uint64_t{0});
    int64_t to = 0;
    for (const int64_t run : runs.offset)
      for (const uint64_t* pixel = x + g.start(i) + run, *end = pixel + runs.length; pixel < end; pixel += g.pixel)
        for (int64_t c = 0; c < channels; c += kWordBits) {
          const int64_t used = std::min(kWordBits, channels - c), shift = to % kWordBits;
          out[to / kWordBits] |= pixel[c / kWordBits] << shift;
          if (shift + used > kWordBits) out[to / kWordBits + 1] |= pixel[c / kWordBits] >> (kWordBits - shift);
          to += used;
        }
  }
}

// The greatest pixel of each window, element by element.
template <class T>
void max_pool(const Geometry& g, const T* x, T* out) {
  const Runs runs(g);
  for (int64_t i = 0; i < g.windows(); ++i, out += g.pixel) {
    const T* window = x + g.start(i);
    std::copy_n(window, g.pixel, out);
    for (const int64_t run : runs.offset)
      for (int64_t e = 0; e < runs.length; ++e) out[e % g.pixel] = std::max(out[e % g.pixel], window[run + e]);
  }
}

// The greatest of -1 and +1 is the OR of their bits.
inline void max_pool_bits(const Geometry& g, const uint64_t* x, uint64_t* out) {
  const Runs runs(g);
  for (int64_t i = 0; i < g.windows(); ++i, out += g.pixel) {
    std::fill_n(out, g.pixel, uint64_t{0});
    for (const int64_t run : runs.offset)
      for (int64_t e = 0; e < runs.length; ++e) out[e % g.pixel] |= x[g.start(i) + run + e];
  }
}

// base + step * #{l : s * x >= thresholds[c][l]}, s = -1 in negated channels; thresholds ascend, so the first one that
// is not reached ends the count.
template <class T>
void threshold(const T* x, int64_t pixels, int64_t channels, const int64_t* thresholds, int64_t levels, const uint8_t* negate,
               int64_t base, int64_t step, int64_t* out) {
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t value = negate[c] != 0 ? -static_cast<int64_t>(*x++) : static_cast<int64_t>(*x++);
      const int64_t* row = thresholds + c * levels;
      *out++ = base + step * (std::upper_bound(row, row + levels, value) - row);
    }
}

// values[c or 0][bit pattern of x]; entries is a power of two.
template <class T>
void look_up(const T* x, int64_t pixels, int64_t channels, const int64_t* values, int64_t entries, bool shared, int64_t* out) {
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t code = static_cast<int64_t>(static_cast<uint64_t>(*x++) & static_cast<uint64_t>(entries - 1));
      *out++ = values[(shared ? 0 : c * entries) + code];
    }
}

// The sum of taps pixels that follow each other, channel by channel.
template <class T>
void sum_pixels(const T* x, int64_t windows, int64_t taps, int64_t channels, int64_t* out) {
  for (int64_t w = 0; w < windows; ++w, out += channels) {
    std::fill_n(out, channels, int64_t{0});
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t c = 0; c < channels; ++c) out[c] += static_cast<int64_t>(*x++);
  }
}

struct Limits {
  int64_t low, high;
};

// limit(a + b), element by element.
template <class T>
void add(const T* a, const T* b, int64_t count, Limits limits, int64_t* out) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = std::clamp(static_cast<int64_t>(a[i]) + static_cast<int64_t>(b[i]), limits.low, limits.high);
}

// limit((a * b) >> shift), element by element; the shift keeps the sign.
template <class T>
void multiply(const T* a, const T* b, int64_t count, int64_t shift, Limits limits, int64_t* out) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = std::clamp((static_cast<int64_t>(a[i]) * static_cast<int64_t>(b[i])) >> shift, limits.low, limits.high);
}

// limit((x * factors[frame][channel]) >> shift): each pixel of a frame times the frame's factors.
template <class T>
void gate(const T* x, const T* factors, int64_t frames, int64_t pixels, int64_t channels, int64_t shift, Limits limits, int64_t* out) {
  for (int64_t f = 0; f < frames; ++f, factors += channels)
    for (int64_t p = 0; p < pixels; ++p, x += channels, out += channels) multiply(x, factors, channels, shift, limits, out);
}

// limit((mul[c][p] * x + add[c][p]) >> shift), p = 1 where pieces is 2 and x < knee[c], else 0; the shift keeps the sign.
template <class T>
void affine(const T* x, int64_t pixels, int64_t channels, const int64_t* mul, const int64_t* add, const int64_t* knee, int64_t pieces,
            int64_t shift, Limits limits, int64_t* out) {
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t value = *x++;
      const int64_t at = c * pieces + (pieces == 2 && value < knee[c] ? 1 : 0);
      *out++ = std::clamp((mul[at] * value + add[at]) >> shift, limits.low, limits.high);
    }
}

// Index of the greatest; the lowest of equals.
template <class T>
void arg_max(const T* x, int64_t vectors, int64_t channels, int64_t* out) {
  for (int64_t v = 0; v < vectors; ++v, x += channels) out[v] = std::max_element(x, x + channels) - x;
}

}  // namespace xnorflow
