// What is done to a tile: some pixels of a row by up to 64 channels, as integers of type T, pixel after pixel without gaps.
// Each instruction set compiles its own copy for int32 (tile_loops.hpp). Constants of a channel lie at the tile's first.
#pragma once

#include <cstdint>

namespace xnorflow {

// How elements of a stream lie in memory: packed bits, or integers. Unsigned types beyond uint8 come from callers alone.
enum class Element : int32_t { kBits, kU8, kI8, kI16, kI32, kI64, kU16, kU32, kU64 };
inline constexpr int64_t kElements = 9;

template <class T>
struct TileLimits {
  T low, high;
};

// limit((mul[c] * x + add[c]) >> shift); where `knee` is given and x < knee[c], with the second slope and addend.
template <class T>
struct AffineTerms {
  const T *mul, *add, *knee, *mul_below, *add_below;
  int64_t shift;
  TileLimits<T> limits;
};

// base + step * #{l : (x >= level[l][c]) XOR flip[l][c]}: levels lie `pitch` elements apart; flips are 0 or -1.
template <class T>
struct LevelTerms {
  const T *level, *flip;
  int64_t levels, pitch;
  T base, step;
};

// Functions in pairs compute in T, or the second of them in int64.
template <class T>
struct TileTable {
  void (*affine[2])(const T* x, int64_t pixels, int64_t channels, const AffineTerms<T>& terms, T* out);
  void (*add[2])(const T* a, const T* b, int64_t count, TileLimits<T> limits, T* out);
  void (*multiply[2])(const T* a, const T* b, int64_t count, int64_t shift, TileLimits<T> limits, T* out);
  // Each pixel times the same factors.
  void (*gate[2])(const T* x, const T* factors, int64_t pixels, int64_t channels, int64_t shift, TileLimits<T> limits, T* out);
  void (*greatest)(const T* a, const T* b, int64_t count, T* out);
  void (*levels)(const T* x, int64_t pixels, int64_t channels, const LevelTerms<T>& terms, T* out);
  // Pixels `step` elements apart in memory; null for bits.
  void (*load[kElements])(const void* x, int64_t pixels, int64_t step, int64_t channels, T* out);
  void (*store[kElements])(const T* x, int64_t pixels, int64_t step, int64_t channels, void* out);
};

}  // namespace xnorflow
