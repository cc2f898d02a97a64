// AVX-512 with VPOPCNTDQ: eight 64-bit lanes hold one word of eight rows, so no sum runs across lanes.
//
// A tile is four windows by 32 rows: 16 accumulators, 4 vectors of weights and one broadcast word stay in registers, and
// each loaded vector serves four windows.
#include <immintrin.h>

#include "kernel_table.hpp"

namespace xnorflow {
namespace {

constexpr int kTile = 4;
constexpr int kVectors = 4;
constexpr int64_t kXnorBlock = 8 * kVectors;
constexpr int kIntVectors = 2;
constexpr int64_t kIntBlock = 16 * kIntVectors;

template <int I>
struct Index {
  static constexpr int value = I;
};

// Calls f(Index<0>) .. f(Index<N-1>): indices known at compile time keep arrays of accumulators in registers, where
// GCC 12 leaves those of a plain loop in memory (measured: half the speed).
template <int N, int I = 0, class F>
[[gnu::always_inline]] inline void unroll(const F& f) {
  if constexpr (I < N) {
    f(Index<I>{});
    unroll<N, I + 1>(f);
  }
}

inline __mmask8 first_lanes8(int64_t n) { return n >= 8 ? __mmask8{0xff} : static_cast<__mmask8>(n <= 0 ? 0U : (1U << n) - 1U); }

inline __mmask16 first_lanes16(int64_t n) { return n >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>(n <= 0 ? 0U : (1U << n) - 1U); }

template <int P>
void xnor_tile(const PackedWindows& windows, int64_t i, const uint64_t* w, int64_t rows, int64_t mh, int64_t mw, int32_t* acc) {
  __m512i disagree[P][kVectors];
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    unroll<kVectors>([&](auto v) __attribute__((always_inline)) { disagree[p.value][v.value] = _mm512_setzero_si512(); });
  });
  for (int64_t r = 0; r < windows.runs; ++r) {
    const uint64_t* x[P];
    unroll<P>([&](auto p) __attribute__((always_inline)) { x[p.value] = windows.x + windows.start[i + p.value] + windows.run[r]; });
    for (int64_t j = 0; j < windows.run_words; ++j, w += kXnorBlock) {
      __m512i row[kVectors];
      unroll<kVectors>([&](auto v) __attribute__((always_inline)) { row[v.value] = _mm512_loadu_si512(w + 8 * v.value); });
      unroll<P>([&](auto p) __attribute__((always_inline)) {
        const __m512i word = _mm512_set1_epi64(static_cast<int64_t>(x[p.value][j]));
        unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
          const __m512i differ = _mm512_xor_si512(word, row[v.value]);
          disagree[p.value][v.value] = _mm512_add_epi64(disagree[p.value][v.value], _mm512_popcnt_epi64(differ));
        });
      });
    }
  }
  const __m512i all = _mm512_set1_epi64(mw);
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
      const __m512i sum = _mm512_sub_epi64(all, _mm512_slli_epi64(disagree[p.value][v.value], 1));
      _mm512_mask_cvtepi64_storeu_epi32(acc + (i + p.value) * mh + 8 * v.value, first_lanes8(rows - 8 * v.value), sum);
    });
  });
}

void xnor(const PackedWindows& windows, const uint64_t* weights, int64_t mh, int64_t mw, int32_t* acc) {
  const int64_t k = windows.runs * windows.run_words;
  for (int64_t m = 0; m < mh; m += kXnorBlock) {
    const uint64_t* w = weights + m * k;
    int64_t i = 0;
    for (; i + kTile <= windows.count; i += kTile) xnor_tile<kTile>(windows, i, w, mh - m, mh, mw, acc + m);
    for (; i < windows.count; ++i) xnor_tile<1>(windows, i, w, mh - m, mh, mw, acc + m);
  }
}

template <int P>
void integer_tile(const uint32_t* x, int64_t k, const uint32_t* w, int64_t rows, int64_t mh, int32_t* acc) {
  __m512i sum[P][kIntVectors];
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    unroll<kIntVectors>([&](auto v) __attribute__((always_inline)) { sum[p.value][v.value] = _mm512_setzero_si512(); });
  });
  for (int64_t j = 0; j < k; ++j, w += kIntBlock) {
    __m512i row[kIntVectors];
    unroll<kIntVectors>([&](auto v) __attribute__((always_inline)) { row[v.value] = _mm512_loadu_si512(w + 16 * v.value); });
    unroll<P>([&](auto p) __attribute__((always_inline)) {
      const __m512i value = _mm512_set1_epi32(static_cast<int32_t>(x[p.value * k + j]));
      unroll<kIntVectors>([&](auto v) __attribute__((always_inline)) {
        sum[p.value][v.value] = _mm512_add_epi32(sum[p.value][v.value], _mm512_mullo_epi32(value, row[v.value]));
      });
    });
  }
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    unroll<kIntVectors>([&](auto v) __attribute__((always_inline)) {
      _mm512_mask_storeu_epi32(acc + p.value * mh + 16 * v.value, first_lanes16(rows - 16 * v.value), sum[p.value][v.value]);
    });
  });
}

void integer(const uint32_t* x, int64_t count, int64_t k, const uint32_t* weights, int64_t mh, int32_t* acc) {
  for (int64_t m = 0; m < mh; m += kIntBlock) {
    const uint32_t* w = weights + m * k;
    int64_t i = 0;
    for (; i + kTile <= count; i += kTile) integer_tile<kTile>(x + i * k, k, w, mh - m, mh, acc + i * mh + m);
    for (; i < count; ++i) integer_tile<1>(x + i * k, k, w, mh - m, mh, acc + i * mh + m);
  }
}

void threshold(const int32_t* acc, int64_t count, int64_t mh, const int32_t* level, const uint64_t* flip, uint64_t* out) {
  for (int64_t i = 0; i < count; ++i, acc += mh)
    for (int64_t m = 0; m < mh; m += 64) {
      uint64_t bits = 0;
      for (int64_t c = 0; c < 64 && m + c < mh; c += 16) {
        const __mmask16 lanes = first_lanes16(mh - m - c);
        const __m512i value = _mm512_maskz_loadu_epi32(lanes, acc + m + c), limit = _mm512_maskz_loadu_epi32(lanes, level + m + c);
        bits |= static_cast<uint64_t>(_mm512_mask_cmpge_epi32_mask(lanes, value, limit)) << c;
      }
      *out++ = bits ^ flip[m / 64];
    }
}

}  // namespace

const KernelTable kAvx512 = {"avx512", kXnorBlock, kIntBlock, xnor, integer, threshold};

}  // namespace xnorflow
