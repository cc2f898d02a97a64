// The loops of a tile (tile_table.hpp), written so that a compiler makes vectors of them. A file of one instruction set includes
// them for itself: all have internal linkage, so that no other file can get its copy.
#pragma once

#include "tile_table.hpp"

namespace xnorflow {
namespace {

template <class T, class Sum>
inline T limited(Sum value, TileLimits<T> limits) {
  const Sum low = limits.low, high = limits.high;
  const Sum least = value < low ? low : value;
  return static_cast<T>(least > high ? high : least);
}

template <class T, class Sum>
void affine_loop(const T* __restrict x, int64_t pixels, int64_t channels, const AffineTerms<T>& terms, T* out) {
  const AffineTerms<T> t = terms;
  const int shift = static_cast<int>(t.shift);
  for (int64_t p = 0; p < pixels; ++p, x += channels, out += channels) {
    if (t.knee == nullptr) {
      for (int64_t c = 0; c < channels; ++c) out[c] = limited<T, Sum>((Sum{t.mul[c]} * Sum{x[c]} + Sum{t.add[c]}) >> shift, t.limits);
    } else {
      for (int64_t c = 0; c < channels; ++c) {
        const bool below = x[c] < t.knee[c];
        const T mul = below ? t.mul_below[c] : t.mul[c], add = below ? t.add_below[c] : t.add[c];
        out[c] = limited<T, Sum>((Sum{mul} * Sum{x[c]} + Sum{add}) >> shift, t.limits);
      }
    }
  }
}

template <class T, class Sum>
void add_loop(const T* a, const T* b, int64_t count, TileLimits<T> limits, T* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = limited<T, Sum>(Sum{a[i]} + Sum{b[i]}, limits);
}

template <class T, class Sum>
void multiply_loop(const T* a, const T* b, int64_t count, int64_t shift, TileLimits<T> limits, T* out) {
  const int bits = static_cast<int>(shift);
  for (int64_t i = 0; i < count; ++i) out[i] = limited<T, Sum>((Sum{a[i]} * Sum{b[i]}) >> bits, limits);
}

template <class T, class Sum>
void gate_loop(const T* x, const T* factors, int64_t pixels, int64_t channels, int64_t shift, TileLimits<T> limits, T* out) {
  for (int64_t p = 0; p < pixels; ++p) multiply_loop<T, Sum>(x + p * channels, factors, channels, shift, limits, out + p * channels);
}

template <class T>
void greatest_loop(const T* a, const T* b, int64_t count, T* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = a[i] < b[i] ? b[i] : a[i];
}

template <class T>
void levels_loop(const T* x, int64_t pixels, int64_t channels, const LevelTerms<T>& terms, T* out) {
  const LevelTerms<T> t = terms;
  T count[64];
  for (int64_t p = 0; p < pixels; ++p, x += channels, out += channels) {
    for (int64_t c = 0; c < channels; ++c) count[c] = 0;
    for (int64_t l = 0; l < t.levels; ++l) {
      const T *level = t.level + l * t.pitch, *flip = t.flip + l * t.pitch;
      for (int64_t c = 0; c < channels; ++c) count[c] -= (x[c] >= level[c] ? T{-1} : T{0}) ^ flip[c];
    }
    for (int64_t c = 0; c < channels; ++c) out[c] = t.base + t.step * count[c];
  }
}

template <class T, class E>
void load_loop(const void* memory, int64_t pixels, int64_t step, int64_t channels, T* out) {
  const E* x = static_cast<const E*>(memory);
  if (step == channels) channels *= pixels, pixels = 1;
  for (int64_t p = 0; p < pixels; ++p, x += step, out += channels)
    for (int64_t c = 0; c < channels; ++c) out[c] = static_cast<T>(x[c]);
}

template <class T, class E>
void store_loop(const T* x, int64_t pixels, int64_t step, int64_t channels, void* memory) {
  E* out = static_cast<E*>(memory);
  if (step == channels) channels *= pixels, pixels = 1;
  for (int64_t p = 0; p < pixels; ++p, x += channels, out += step)
    for (int64_t c = 0; c < channels; ++c) out[c] = static_cast<E>(x[c]);
}

template <class T>
constexpr TileTable<T> kTileLoops = {
    {affine_loop<T, T>, affine_loop<T, int64_t>},
    {add_loop<T, T>, add_loop<T, int64_t>},
    {multiply_loop<T, T>, multiply_loop<T, int64_t>},
    {gate_loop<T, T>, gate_loop<T, int64_t>},
    greatest_loop<T>,
    levels_loop<T>,
    {nullptr, load_loop<T, uint8_t>, load_loop<T, int8_t>, load_loop<T, int16_t>, load_loop<T, int32_t>, load_loop<T, int64_t>, load_loop<T, uint16_t>,
     load_loop<T, uint32_t>, load_loop<T, uint64_t>},
    {nullptr, store_loop<T, uint8_t>, store_loop<T, int8_t>, store_loop<T, int16_t>, store_loop<T, int32_t>, store_loop<T, int64_t>, nullptr, nullptr,
     nullptr}};

}  // namespace
}  // namespace xnorflow
