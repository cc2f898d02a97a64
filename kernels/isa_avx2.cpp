// AVX2: bits are counted by look-up, four at a time, and the table is the activations'.
//
// popcount(x XOR w) over four bits is entry w of a table of sixteen that depends on x alone. A vector of 32 bytes holds four
// bits of 32 rows, so one byte shuffle looks up 128 products and one addition sums them, where counting the bits of
// x XOR w takes eight instructions for 256. The tables of all 256 bytes x are constants (8 KiB).
//
// A tile is four windows by 64 rows: 8 byte accumulators, 4 vectors of weights and a table stay in registers. Byte
// accumulators are moved to 16 bits every three words (3 * 64 < 256), and these to 32 before they can reach 2^16.
#include <immintrin.h>

#include <cstddef>

#include "depthwise_loops.hpp"
#include "kernel_table.hpp"
#include "tile_loops.hpp"

namespace xnorflow {
namespace {

constexpr int kTile = 4;
constexpr int kVectors = 2;
constexpr int64_t kIntBlock = 16;
constexpr int64_t kWordsPerFlush = 3;
constexpr int64_t kFlushesPerDrain = 340;  // 340 * 3 * 64 = 65,280

struct alignas(64) Tables {
  uint8_t low[256][16], high[256][16];
};

constexpr Tables make_tables() {
  Tables tables{};
  for (unsigned x = 0; x < 256; ++x)
    for (unsigned w = 0; w < 16; ++w)
      for (unsigned b = 0; b < 4; ++b) {
        tables.low[x][w] = static_cast<uint8_t>(tables.low[x][w] + ((x >> b ^ w >> b) & 1U));
        tables.high[x][w] = static_cast<uint8_t>(tables.high[x][w] + ((x >> (b + 4) ^ w >> b) & 1U));
      }
  return tables;
}

constexpr Tables kTables = make_tables();

template <int I>
struct Index {
  static constexpr int value = I;
};

// Calls f(Index<0>) .. f(Index<N-1>): indices known at compile time keep arrays of accumulators in registers.
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

[[gnu::always_inline]] inline __m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

[[gnu::always_inline]] inline void store(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }

[[gnu::always_inline]] inline __m256i table(const uint8_t (&entries)[16]) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(entries)));
}

// Row of a block that lies in byte `lane` of vector v. Even lanes hold 16 rows and odd lanes the next 16, so that the
// even and the odd bytes, as vectors of 16 bits, are in the order of the rows.
int64_t row_of(int64_t v, int64_t lane) { return v * 32 + lane % 2 * 16 + lane / 2; }

// [8 * k bytes of a row][lower, upper four bits][64 rows], one byte each.
void lay(const uint64_t* packed, int64_t rows, int64_t k, uint64_t* out) {
  uint8_t* bytes = reinterpret_cast<uint8_t*>(out);
  for (int64_t j = 0; j < 16 * k; ++j)
    for (int64_t lane = 0; lane < kXnorBlock; ++lane) {
      const int64_t m = row_of(lane / 32, lane % 32);
      *bytes++ = m < rows ? packed[m * k + j / 16] >> (j % 16 * 4) & 15U : 0;
    }
}

template <int P>
using Bytes = __m256i[P][kVectors];

// Adds bytes in place and in this order: GCC 12, left free to gather the sums, has too few registers for them.
[[gnu::always_inline]] inline void add(__m256i& sum, __m256i bytes) {
  sum = _mm256_add_epi8(sum, bytes);
  asm volatile("" : "+x"(sum));
}

// Four bits of each window looked up by four bits of all rows: the offsets are those of the windows' tables.
template <int P>
[[gnu::always_inline]] inline void add_half(const uint8_t (*tables)[16], const size_t (&byte)[P], const uint8_t* w, Bytes<P>& sum) {
  const __m256i first = load(w), second = load(w + 32);
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    const __m256i entries = table(tables[byte[p.value]]);
    add(sum[p.value][0], _mm256_shuffle_epi8(entries, first));
    add(sum[p.value][1], _mm256_shuffle_epi8(entries, second));
  });
}

// One byte of each window, looked up by both halves of one byte of all rows.
template <int P>
[[gnu::always_inline]] inline void add_byte(const uint8_t* x, int64_t step, const uint8_t* w, Bytes<P>& sum) {
  size_t byte[P];
  unroll<P>([&](auto p) __attribute__((always_inline)) { byte[p.value] = x[p.value * step]; });
  add_half<P>(kTables.low, byte, w, sum);
  add_half<P>(kTables.high, byte, w + kXnorBlock, sum);
}

// Disagreements of a tile in 16 bits, and what of them was already moved to 32: [window][row].
struct Counts {
  alignas(32) uint16_t narrow[kTile][kXnorBlock];
  alignas(32) int32_t wide[kTile][kXnorBlock];
};

template <int P>
[[gnu::always_inline]] inline void flush(Counts& counts, Bytes<P>& sum) {
  unroll_tile<P>([&](auto p, auto v) __attribute__((always_inline)) {
    uint16_t* narrow = counts.narrow[p.value] + 32 * v.value;
    const __m256i bytes = sum[p.value][v.value];
    store(narrow, _mm256_add_epi16(load(narrow), _mm256_and_si256(bytes, _mm256_set1_epi16(0xff))));
    store(narrow + 16, _mm256_add_epi16(load(narrow + 16), _mm256_srli_epi16(bytes, 8)));
    sum[p.value][v.value] = _mm256_setzero_si256();
  });
}

template <int P>
void drain(Counts& counts) {
  for (int p = 0; p < P; ++p)
    for (int64_t c = 0; c < kXnorBlock; ++c) {
      counts.wide[p][c] += counts.narrow[p][c];
      counts.narrow[p][c] = 0;
    }
}

template <int P>
[[gnu::noinline]] void count(const XnorRow& row, const uint64_t* first, const uint64_t* laid, Counts& counts) {
  const uint8_t* w = reinterpret_cast<const uint8_t*>(laid);
  const int64_t step = row.step * 8;
  Bytes<P> sum;
  unroll_tile<P>([&](auto p, auto v) __attribute__((always_inline)) { sum[p.value][v.value] = _mm256_setzero_si256(); });
  int64_t words = kWordsPerFlush, flushes = kFlushesPerDrain;
  for (int64_t r = 0; r < row.runs; ++r) {
    const uint8_t* x = reinterpret_cast<const uint8_t*>(first + row.run[r]);
    for (const uint8_t* end = x + 8 * row.run_words; x < end;) {
      for (const uint8_t* last = x + 8; x < last; ++x, w += 2 * kXnorBlock) add_byte<P>(x, step, w, sum);
      if (--words != 0) continue;
      words = kWordsPerFlush;
      flush<P>(counts, sum);
      if (--flushes != 0) continue;
      flushes = kFlushesPerDrain;
      drain<P>(counts);
    }
  }
  flush<P>(counts, sum);
  drain<P>(counts);
}

void put_bits(const Sink& sink, int64_t i, const int32_t* constant, const int32_t* disagree) {
  uint64_t more = 0;
  for (int64_t c = 0; c < kXnorBlock; c += 8) {
    const __m256i above = _mm256_cmpgt_epi32(load(disagree + c), load(constant + c));
    more |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(above)))) << c;
  }
  static_cast<uint64_t*>(sink.out)[i * sink.step] = ~more ^ sink.flip;
}

__m256i accumulator(const int32_t* constant, const int32_t* disagree) { return _mm256_sub_epi32(load(constant), _mm256_slli_epi32(load(disagree), 1)); }

void put_int32(const Sink& sink, int64_t i, const int32_t* constant, const int32_t* disagree) {
  int32_t* out = static_cast<int32_t*>(sink.out) + i * sink.step;
  int64_t c = 0;
  for (; c + 8 <= sink.rows; c += 8) store(out + c, accumulator(constant + c, disagree + c));
  for (; c < sink.rows; ++c) out[c] = constant[c] - 2 * disagree[c];
}

void put_float(const Sink& sink, int64_t i, const int32_t* constant, const int32_t* disagree) {
  float* out = static_cast<float*>(sink.out) + i * sink.step;
  int64_t c = 0;
  for (; c + 8 <= sink.rows; c += 8) {
    const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(accumulator(constant + c, disagree + c)), _mm256_loadu_ps(sink.scale + c));
    _mm256_storeu_ps(out + c, _mm256_add_ps(scaled, _mm256_loadu_ps(sink.bias + c)));
  }
  for (; c < sink.rows; ++c) {
    const float scaled = static_cast<float>(constant[c] - 2 * disagree[c]) * sink.scale[c];
    out[c] = scaled + sink.bias[c];
  }
}

template <int P>
void xnor_tile(const XnorRow& row, int64_t i, const uint64_t* laid, const Sink& sink) {
  Counts counts{};
  count<P>(row, row.x + i * row.step, laid, counts);
  for (int64_t p = 0; p < P; ++p) {
    const int32_t* constant = sink.constants + (sink.column_class == nullptr ? 0 : sink.column_class[i + p] * sink.class_step);
    switch (sink.output) {
      case Output::kBits: put_bits(sink, i + p, constant, counts.wide[p]); break;
      case Output::kInt32: put_int32(sink, i + p, constant, counts.wide[p]); break;
      case Output::kFloat: put_float(sink, i + p, constant, counts.wide[p]); break;
    }
  }
}

void xnor(const XnorRow& row, const uint64_t* laid, const Sink& sink) {
  int64_t i = 0;
  for (; i + kTile <= row.count; i += kTile) xnor_tile<kTile>(row, i, laid, sink);
  switch (row.count - i) {
    case 1: return xnor_tile<1>(row, i, laid, sink);
    case 2: return xnor_tile<2>(row, i, laid, sink);
    case 3: return xnor_tile<3>(row, i, laid, sink);
    default: return;
  }
}

// Products of whole words, or of pairs of int16 summed by two; k counts words.
struct Whole {
  using Element = uint32_t;
  static __m256i spread(const uint32_t* x) { return _mm256_set1_epi32(static_cast<int32_t>(*x)); }
  static __m256i times(__m256i x, __m256i w) { return _mm256_mullo_epi32(x, w); }
  static constexpr int64_t kElements = 1;
};
struct Pair {
  using Element = int16_t;
  static __m256i spread(const int16_t* x) {
    int32_t pair;
    __builtin_memcpy(&pair, x, sizeof pair);
    return _mm256_set1_epi32(pair);
  }
  static __m256i times(__m256i x, __m256i w) { return _mm256_madd_epi16(x, w); }
  static constexpr int64_t kElements = 2;
};

template <class Product>
using Row = IntRow<typename Product::Element>;

template <class Product, int P>
void integer_tile(const Row<Product>& row, int64_t i, const uint32_t* w, int64_t rows, int32_t* acc, int64_t step) {
  Bytes<P> sum;
  unroll_tile<P>([&](auto p, auto v) __attribute__((always_inline)) { sum[p.value][v.value] = _mm256_setzero_si256(); });
  for (int64_t r = 0; r < row.runs; ++r) {
    const typename Product::Element* x = row.x + i * row.step + row.run[r];
    for (const uint32_t* end = w + row.run_words * kIntBlock; w < end; w += kIntBlock, x += Product::kElements) {
      const __m256i columns[kVectors] = {load(w), load(w + 8)};
      unroll<P>([&](auto p) __attribute__((always_inline)) {
        const __m256i value = Product::spread(x + p.value * row.step);
        unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
          sum[p.value][v.value] = _mm256_add_epi32(sum[p.value][v.value], Product::times(value, columns[v.value]));
        });
      });
    }
  }
  unroll<P>([&](auto p) __attribute__((always_inline)) {
    int32_t* out = acc + (i + p.value) * step;
    if (rows >= kIntBlock) {
      store(out, sum[p.value][0]);
      store(out + 8, sum[p.value][1]);
    } else {
      int32_t sums[kIntBlock];
      store(sums, sum[p.value][0]);
      store(sums + 8, sum[p.value][1]);
      for (int64_t c = 0; c < rows; ++c) out[c] = sums[c];
    }
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
      const int64_t end = m + 64 < mh ? m + 64 : mh;
      uint64_t bits = 0;
      int64_t c = m;
      for (; c + 8 <= end; c += 8) {
        const __m256i below = _mm256_cmpgt_epi32(load(level + c), load(acc + c));
        const int mask = ~_mm256_movemask_ps(_mm256_castsi256_ps(below)) & 0xff;
        bits |= static_cast<uint64_t>(mask) << (c - m);
      }
      for (; c < end; ++c) bits |= static_cast<uint64_t>(acc[c] >= level[c]) << (c - m);
      *out++ = bits ^ flip[m / 64];
    }
}

uint64_t at_least(const float* x, __m256 level) {
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(x), level, _CMP_GE_OQ)));
}

void pack_row(const float* x, int64_t count, float level, uint64_t* out) {
  const __m256 limit = _mm256_set1_ps(level);
  for (; count > 0; count -= 64, x += 64) {
    uint64_t bits = 0;
    int64_t c = 0;
    for (; c + 8 <= count && c < 64; c += 8) bits |= at_least(x + c, limit) << c;
    for (; c < count && c < 64; ++c) bits |= static_cast<uint64_t>(x[c] >= level) << c;
    *out++ = bits;
  }
}

// 8 * N pixels of up to 32 channels: each channel moves the pixels' bits up by one and adds its own below them, the last
// channel first.
template <int N>
void pack_half(const float* x, int64_t stride, int64_t channels, __m256 level, uint32_t* out) {
  __m256i bits[N];
  unroll<N>([&](auto n) __attribute__((always_inline)) { bits[n.value] = _mm256_setzero_si256(); });
  for (int64_t c = channels - 1; c >= 0; --c)
    unroll<N>([&](auto n) __attribute__((always_inline)) {
      const __m256 set = _mm256_cmp_ps(_mm256_loadu_ps(x + c * stride + 8 * n.value), level, _CMP_GE_OQ);
      bits[n.value] = _mm256_sub_epi32(_mm256_add_epi32(bits[n.value], bits[n.value]), _mm256_castps_si256(set));
    });
  unroll<N>([&](auto n) __attribute__((always_inline)) { store(out + 8 * n.value, bits[n.value]); });
}

template <int N>
void pack_pixels(const float* x, int64_t stride, int64_t channels, float level, uint64_t* out, int64_t step) {
  alignas(32) uint32_t low[8 * N], high[8 * N];
  const __m256 limit = _mm256_set1_ps(level);
  pack_half<N>(x, stride, channels < 32 ? channels : 32, limit, low);
  pack_half<N>(x + 32 * stride, stride, channels - 32, limit, high);
  for (int64_t p = 0; p < 8 * N; ++p) out[p * step] = low[p] | static_cast<uint64_t>(high[p]) << 32;
}

void pack_columns(const float* x, int64_t stride, int64_t channels, int64_t pixels, float level, uint64_t* out, int64_t step) {
  int64_t p = 0;
  for (; p + 32 <= pixels; p += 32) pack_pixels<4>(x + p, stride, channels, level, out + p * step, step);
  for (; p + 8 <= pixels; p += 8) pack_pixels<1>(x + p, stride, channels, level, out + p * step, step);
  for (; p < pixels; ++p) {
    uint64_t bits = 0;
    for (int64_t c = 0; c < channels; ++c) bits |= static_cast<uint64_t>(x[c * stride + p] >= level) << c;
    out[p * step] = bits;
  }
}

}  // namespace

// Half bytes of weights take a byte each: twice the words of the packed rows.
const KernelTable kAvx2 = {"avx2", kIntBlock, 2 * kXnorBlock, lay, xnor, depthwise_loop, products<Whole>, products<Pair>, threshold, pack_row, pack_columns, kTileLoops<int32_t>};

}  // namespace xnorflow
