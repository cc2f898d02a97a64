// AVX2: four 64-bit lanes hold one word of four rows; bits are counted by nibble look-up.
#include <immintrin.h>

#include "kernel_table.hpp"

namespace xnorflow {
namespace {

constexpr int kVectors = 4;
constexpr int64_t kXnorBlock = 4 * kVectors;
constexpr int64_t kIntBlock = 16;
// A byte counter grows by at most 8 a word, so 31 words fit below 256.
constexpr int64_t kWordsPerFlush = 31;

inline __m256i count_bytes(__m256i v) {
  const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble));
  const __m256i high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
  return _mm256_add_epi8(low, high);
}

inline __m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

void xnor_block(const PackedWindows& windows, int64_t i, const uint64_t* w, uint64_t (&disagree)[kXnorBlock]) {
  __m256i total0 = _mm256_setzero_si256(), total1 = total0, total2 = total0, total3 = total0;
  for (int64_t r = 0; r < windows.runs; ++r) {
    const uint64_t* x = windows.x + windows.start[i] + windows.run[r];
    for (int64_t begin = 0; begin < windows.run_words; begin += kWordsPerFlush) {
      const int64_t end = begin + kWordsPerFlush < windows.run_words ? begin + kWordsPerFlush : windows.run_words;
      __m256i bytes0 = _mm256_setzero_si256(), bytes1 = bytes0, bytes2 = bytes0, bytes3 = bytes0;
      for (int64_t j = begin; j < end; ++j, w += kXnorBlock) {
        const __m256i word = _mm256_set1_epi64x(static_cast<int64_t>(x[j]));
        bytes0 = _mm256_add_epi8(bytes0, count_bytes(_mm256_xor_si256(word, load(w))));
        bytes1 = _mm256_add_epi8(bytes1, count_bytes(_mm256_xor_si256(word, load(w + 4))));
        bytes2 = _mm256_add_epi8(bytes2, count_bytes(_mm256_xor_si256(word, load(w + 8))));
        bytes3 = _mm256_add_epi8(bytes3, count_bytes(_mm256_xor_si256(word, load(w + 12))));
      }
      const __m256i zero = _mm256_setzero_si256();
      total0 = _mm256_add_epi64(total0, _mm256_sad_epu8(bytes0, zero));
      total1 = _mm256_add_epi64(total1, _mm256_sad_epu8(bytes1, zero));
      total2 = _mm256_add_epi64(total2, _mm256_sad_epu8(bytes2, zero));
      total3 = _mm256_add_epi64(total3, _mm256_sad_epu8(bytes3, zero));
    }
  }
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(disagree), total0);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(disagree + 4), total1);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(disagree + 8), total2);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(disagree + 12), total3);
}

void xnor(const PackedWindows& windows, const uint64_t* weights, int64_t mh, int64_t mw, int32_t* acc) {
  const int64_t k = windows.runs * windows.run_words;
  for (int64_t m = 0; m < mh; m += kXnorBlock)
    for (int64_t i = 0; i < windows.count; ++i) {
      uint64_t disagree[kXnorBlock];
      xnor_block(windows, i, weights + m * k, disagree);
      for (int64_t c = 0; c < kXnorBlock && m + c < mh; ++c) acc[i * mh + m + c] = static_cast<int32_t>(mw - 2 * static_cast<int64_t>(disagree[c]));
    }
}

void integer(const uint32_t* x, int64_t count, int64_t k, const uint32_t* weights, int64_t mh, int32_t* acc) {
  for (int64_t m = 0; m < mh; m += kIntBlock)
    for (int64_t i = 0; i < count; ++i) {
      const uint32_t* w = weights + m * k;
      __m256i sum0 = _mm256_setzero_si256(), sum1 = sum0;
      for (int64_t j = 0; j < k; ++j, w += kIntBlock) {
        const __m256i value = _mm256_set1_epi32(static_cast<int32_t>(x[i * k + j]));
        sum0 = _mm256_add_epi32(sum0, _mm256_mullo_epi32(value, load(w)));
        sum1 = _mm256_add_epi32(sum1, _mm256_mullo_epi32(value, load(w + 8)));
      }
      int32_t sums[kIntBlock];
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), sum0);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + 8), sum1);
      for (int64_t c = 0; c < kIntBlock && m + c < mh; ++c) acc[i * mh + m + c] = sums[c];
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

}  // namespace

const KernelTable kAvx2 = {"avx2", kXnorBlock, kIntBlock, xnor, integer, threshold};

}  // namespace xnorflow
