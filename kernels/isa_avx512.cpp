// AVX-512 with VPOPCNTDQ: sixteen 32-bit lanes hold half a word of sixteen rows, so no sum runs across lanes.
//
// A tile is four windows by 64 rows: 16 accumulators, 4 vectors of weights and one broadcast half word stay in registers,
// and each loaded vector serves four windows.
#include <immintrin.h>

#include "depthwise_loops.hpp"
#include "kernel_table.hpp"
#include "tile_loops.hpp"

namespace xnorflow {
namespace {

constexpr int kTile = 4;
constexpr int kVectors = 4;
constexpr int kIntVectors = 2;
constexpr int64_t kIntBlock = 16 * kIntVectors;

// Packed words are read by halves.
using Half [[gnu::may_alias]] = uint32_t;

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

// Calls f(Index<p>, Index<v>) for all p < P and v < kVectors.
template <int P, class F>
[[gnu::always_inline]] inline void unroll_tile(const F& f) {
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    unroll<kVectors>([&](auto v) __attribute__((always_inline)) { f(p, v); });
  });
}

inline __mmask16 first_lanes(int64_t n) { return n >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>(n <= 0 ? 0U : (1U << n) - 1U); }

// [2 * k halves][64 rows], even halves the lower ones.
void lay(const uint64_t* packed, int64_t rows, int64_t k, uint64_t* out) {
  Half* half = reinterpret_cast<Half*>(out);
  for (int64_t j = 0; j < 2 * k; ++j)
    for (int64_t m = 0; m < kXnorBlock; ++m)
      half[j * kXnorBlock + m] = m < rows ? static_cast<uint32_t>(packed[m * k + j / 2] >> (j % 2 * 32)) : 0;
}

template <int P>
using Counts = __m512i[P][kVectors];

template <int P>
[[gnu::always_inline]] inline void count(const XnorRow& row, const uint64_t* x, const uint64_t* laid, Counts<P>& disagree) {
  unroll_tile<P>([&](auto p, auto v) __attribute__((always_inline)) { disagree[p.value][v.value] = _mm512_setzero_si512(); });
  const Half* w = reinterpret_cast<const Half*>(laid);
  const int64_t step = 2 * row.step;
  for (int64_t r = 0; r < row.runs; ++r) {
    const Half* half = reinterpret_cast<const Half*>(x + row.run[r]);
    for (const Half* end = half + 2 * row.run_words; half < end; ++half, w += kXnorBlock) {
      __m512i rows[kVectors];
      unroll<kVectors>([&](auto v) __attribute__((always_inline)) { rows[v.value] = _mm512_load_si512(w + 16 * v.value); });
      unroll<P>([&](auto p) __attribute__((always_inline)) {
        const __m512i word = _mm512_set1_epi32(static_cast<int32_t>(half[p.value * step]));
        unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
          const __m512i differ = _mm512_xor_si512(word, rows[v.value]);
          disagree[p.value][v.value] = _mm512_add_epi32(disagree[p.value][v.value], _mm512_popcnt_epi32(differ));
        });
      });
    }
  }
}

template <int P>
[[gnu::always_inline]] inline void put_bits(const Sink& sink, int64_t i, const int32_t* const (&constant)[P], const Counts<P>& disagree) {
  uint64_t* out = static_cast<uint64_t*>(sink.out) + i * sink.step;
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    uint64_t bits = sink.flip;
    unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
      const __m512i most = _mm512_load_si512(constant[p.value] + 16 * v.value);
      bits ^= static_cast<uint64_t>(_mm512_cmple_epi32_mask(disagree[p.value][v.value], most)) << 16 * v.value;
    });
    out[p.value * sink.step] = bits;
  });
}

template <Output O, int P>
[[gnu::always_inline]] inline void put_numbers(const Sink& sink, int64_t i, const int32_t* const (&constant)[P], const Counts<P>& disagree) {
  unroll_tile<P>([&](auto p, auto v) __attribute__((always_inline)) {
    const __mmask16 lanes = first_lanes(sink.rows - 16 * v.value);
    const int64_t at = (i + p.value) * sink.step + 16 * v.value;
    const __m512i all = _mm512_load_si512(constant[p.value] + 16 * v.value);
    const __m512i acc = _mm512_sub_epi32(all, _mm512_slli_epi32(disagree[p.value][v.value], 1));
    if constexpr (O == Output::kInt32) {
      _mm512_mask_storeu_epi32(static_cast<int32_t*>(sink.out) + at, lanes, acc);
    } else {
      const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_load_ps(sink.scale + 16 * v.value));
      _mm512_mask_storeu_ps(static_cast<float*>(sink.out) + at, lanes, _mm512_add_ps(scaled, _mm512_load_ps(sink.bias + 16 * v.value)));
    }
  });
}

template <Output O, int P>
[[gnu::noinline]] void xnor_tile(const XnorRow& row, int64_t i, const uint64_t* laid, const Sink& sink) {
  Counts<P> disagree;
  count<P>(row, row.x + i * row.step, laid, disagree);
  const int32_t* constant[P];
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    constant[p.value] = sink.constants + (sink.column_class == nullptr ? 0 : sink.column_class[i + p.value] * sink.class_step);
  });
  if constexpr (O == Output::kBits) {
    put_bits<P>(sink, i, constant, disagree);
  } else {
    put_numbers<O, P>(sink, i, constant, disagree);
  }
}

template <Output O>
void xnor_row(const XnorRow& row, const uint64_t* laid, const Sink& sink) {
  int64_t i = 0;
  for (; i + kTile <= row.count; i += kTile) xnor_tile<O, kTile>(row, i, laid, sink);
  switch (row.count - i) {
    case 1: return xnor_tile<O, 1>(row, i, laid, sink);
    case 2: return xnor_tile<O, 2>(row, i, laid, sink);
    case 3: return xnor_tile<O, 3>(row, i, laid, sink);
    default: return;
  }
}

void xnor(const XnorRow& row, const uint64_t* laid, const Sink& sink) {
  switch (sink.output) {
    case Output::kBits: return xnor_row<Output::kBits>(row, laid, sink);
    case Output::kInt32: return xnor_row<Output::kInt32>(row, laid, sink);
    case Output::kFloat: return xnor_row<Output::kFloat>(row, laid, sink);
  }
}

// Products of whole words, or of pairs of int16 summed by two; k counts words.
struct Whole {
  using Element = uint32_t;
  static __m512i spread(const uint32_t* x) { return _mm512_set1_epi32(static_cast<int32_t>(*x)); }
  static __m512i times(__m512i x, __m512i w) { return _mm512_mullo_epi32(x, w); }
  static constexpr int64_t kElements = 1;
};
struct Pair {
  using Element = int16_t;
  static __m512i spread(const int16_t* x) {
    int32_t pair;
    __builtin_memcpy(&pair, x, sizeof pair);
    return _mm512_set1_epi32(pair);
  }
  static __m512i times(__m512i x, __m512i w) { return _mm512_madd_epi16(x, w); }
  static constexpr int64_t kElements = 2;
};

template <class Product>
using Row = IntRow<typename Product::Element>;

template <class Product, int P>
void integer_tile(const Row<Product>& row, int64_t i, const uint32_t* w, int64_t rows, int32_t* acc, int64_t step) {
  __m512i sum[P][kIntVectors];
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    unroll<kIntVectors>([&](auto v) __attribute__((always_inline)) { sum[p.value][v.value] = _mm512_setzero_si512(); });
  });
  for (int64_t r = 0; r < row.runs; ++r) {
    const typename Product::Element* x = row.x + i * row.step + row.run[r];
    for (const uint32_t* end = w + row.run_words * kIntBlock; w < end; w += kIntBlock, x += Product::kElements) {
      __m512i columns[kIntVectors];
      unroll<kIntVectors>([&](auto v) __attribute__((always_inline)) { columns[v.value] = _mm512_loadu_si512(w + 16 * v.value); });
      unroll<P>([&](auto p) __attribute__((always_inline)) {
        const __m512i value = Product::spread(x + p.value * row.step);
        unroll<kIntVectors>([&](auto v) __attribute__((always_inline)) {
          sum[p.value][v.value] = _mm512_add_epi32(sum[p.value][v.value], Product::times(value, columns[v.value]));
        });
      });
    }
  }
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    unroll<kIntVectors>([&](auto v) __attribute__((always_inline)) {
      _mm512_mask_storeu_epi32(acc + (i + p.value) * step + 16 * v.value, first_lanes(rows - 16 * v.value), sum[p.value][v.value]);
    });
  });
}

template <class Product>
void products(const Row<Product>& row, const uint32_t* weights, int64_t mh, int32_t* acc, int64_t step) {
  for (int64_t m = 0; m < mh; m += kIntBlock) {
    const uint32_t* w = weights + m * row.runs * row.run_words;
    int64_t i = 0;
    for (; i + kTile <= row.count; i += kTile) integer_tile<Product, kTile>(row, i, w, mh - m, acc + m, step);
    for (; i < row.count; ++i) integer_tile<Product, 1>(row, i, w, mh - m, acc + m, step);
  }
}

void threshold(const int32_t* acc, int64_t count, int64_t mh, const int32_t* level, const uint64_t* flip, uint64_t* out) {
  for (int64_t i = 0; i < count; ++i, acc += mh)
    for (int64_t m = 0; m < mh; m += 64) {
      uint64_t bits = 0;
      for (int64_t c = 0; c < 64 && m + c < mh; c += 16) {
        const __mmask16 lanes = first_lanes(mh - m - c);
        const __m512i value = _mm512_maskz_loadu_epi32(lanes, acc + m + c), limit = _mm512_maskz_loadu_epi32(lanes, level + m + c);
        bits |= static_cast<uint64_t>(_mm512_mask_cmpge_epi32_mask(lanes, value, limit)) << c;
      }
      *out++ = bits ^ flip[m / 64];
    }
}

void pack_row(const float* x, int64_t count, float level, uint64_t* out) {
  const __m512 limit = _mm512_set1_ps(level);
  for (; count > 0; count -= 64, x += 64) {
    uint64_t bits = 0;
    for (int64_t c = 0; c < 64 && c < count; c += 16) {
      const __mmask16 lanes = first_lanes(count - c);
      bits |= static_cast<uint64_t>(_mm512_mask_cmp_ps_mask(lanes, _mm512_maskz_loadu_ps(lanes, x + c), limit, _CMP_GE_OQ)) << c;
    }
    *out++ = bits;
  }
}

// Up to 16 * N pixels of up to 32 channels: each channel moves the pixels' bits up by one and adds its own below them, the
// last channel first. `last` are the lanes of the last vector.
template <int N>
void pack_half(const float* x, int64_t stride, int64_t channels, __m512 level, __mmask16 last, uint32_t* out) {
  const __m512i one = _mm512_set1_epi32(1);
  __m512i bits[N];
  unroll<N>([&](auto n) __attribute__((always_inline)) { bits[n.value] = _mm512_setzero_si512(); });
  for (int64_t c = channels - 1; c >= 0; --c)
    unroll<N>([&](auto n) __attribute__((always_inline)) {
      const __mmask16 lanes = n.value == N - 1 ? last : __mmask16{0xffff};
      const __m512 value = _mm512_maskz_loadu_ps(lanes, x + c * stride + 16 * n.value);
      const __m512i moved = _mm512_add_epi32(bits[n.value], bits[n.value]);
      bits[n.value] = _mm512_mask_or_epi32(moved, _mm512_cmp_ps_mask(value, level, _CMP_GE_OQ), moved, one);
    });
  unroll<N>([&](auto n) __attribute__((always_inline)) { _mm512_store_si512(out + 16 * n.value, bits[n.value]); });
}

template <int N>
void pack_pixels(const float* x, int64_t stride, int64_t channels, int64_t pixels, float level, uint64_t* out, int64_t step) {
  alignas(64) uint32_t low[16 * N], high[16 * N];
  const __m512 limit = _mm512_set1_ps(level);
  const __mmask16 last = first_lanes(pixels - 16 * (N - 1));
  pack_half<N>(x, stride, channels < 32 ? channels : 32, limit, last, low);
  pack_half<N>(x + 32 * stride, stride, channels - 32, limit, last, high);
  for (int64_t p = 0; p < pixels; ++p) out[p * step] = low[p] | static_cast<uint64_t>(high[p]) << 32;
}

void pack_columns(const float* x, int64_t stride, int64_t channels, int64_t pixels, float level, uint64_t* out, int64_t step) {
  for (; pixels > 0; pixels -= 64, x += 64, out += 64 * step) {
    const int64_t part = pixels < 64 ? pixels : 64;
    switch ((part + 15) / 16) {
      case 1: pack_pixels<1>(x, stride, channels, part, level, out, step); break;
      case 2: pack_pixels<2>(x, stride, channels, part, level, out, step); break;
      case 3: pack_pixels<3>(x, stride, channels, part, level, out, step); break;
      default: pack_pixels<4>(x, stride, channels, part, level, out, step); break;
    }
  }
}

}  // namespace

const KernelTable kAvx512 = {"avx512", kIntBlock, kXnorBlock, lay, xnor, depthwise_loop, products<Whole>, products<Pair>, threshold, pack_row, pack_columns, kTileLoops<int32_t>};

}  // namespace xnorflow
