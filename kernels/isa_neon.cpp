// NEON, which every 64-bit ARM has: VCNT counts the bits of bytes, sixteen at a time.
//
// A tile is two windows by 16 rows: 16 accumulators of two rows each, whose sixteen bytes count up to 255 bits before they are
// added up. Integers are multiplied four rows at a time; the rest is portable C++, which compilers make NEON of.
#include <arm_neon.h>

#include "depthwise_loops.hpp"
#include "kernel_table.hpp"
#include "portable_loops.hpp"
#include "tile_loops.hpp"

namespace xnorflow {
namespace {

constexpr int64_t kTileRows = 16;
constexpr int64_t kVectors = kTileRows / 2;
// Words whose bits a byte can count: 8 a word, 255 at most.
constexpr int64_t kMostWords = 31;

template <int64_t P>
using Bytes = uint8x16_t[P][kVectors];

// Adds up the counts of bytes, and forgets them.
template <int64_t P>
inline void drain(Bytes<P>& bytes, int32_t* disagree) {
  for (int64_t p = 0; p < P; ++p)
    for (int64_t v = 0; v < kVectors; ++v) {
      const uint64x2_t sums = vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(bytes[p][v])));
      int32_t* rows = disagree + p * kXnorBlock + 2 * v;
      rows[0] += static_cast<int32_t>(vgetq_lane_u64(sums, 0));
      rows[1] += static_cast<int32_t>(vgetq_lane_u64(sums, 1));
      bytes[p][v] = vdupq_n_u8(0);
    }
}

// P windows from x on, times the 16 rows whose words lie at w, into those rows of `disagree`.
template <int64_t P>
inline void count_rows(const XnorRow& row, const uint64_t* x, const uint64_t* w, int32_t* disagree) {
  Bytes<P> bytes;
  for (auto& window : bytes)
    for (auto& vector : window) vector = vdupq_n_u8(0);
  int64_t counted = 0;
  for (int64_t r = 0; r < row.runs; ++r)
    for (int64_t j = 0; j < row.run_words; ++j, w += kXnorBlock) {
      if (counted++ == kMostWords) drain<P>(bytes, disagree), counted = 1;
      uint64x2_t word[P];
      for (int64_t p = 0; p < P; ++p) word[p] = vdupq_n_u64(x[p * row.step + row.run[r] + j]);
      for (int64_t v = 0; v < kVectors; ++v) {
        const uint64x2_t weights = vld1q_u64(w + 2 * v);
        for (int64_t p = 0; p < P; ++p) bytes[p][v] = vaddq_u8(bytes[p][v], vcntq_u8(vreinterpretq_u8_u64(veorq_u64(word[p], weights))));
      }
    }
  drain<P>(bytes, disagree);
}

template <int64_t P>
inline void windows(const XnorRow& row, const uint64_t* laid, const Sink& sink, int64_t i) {
  int32_t disagree[P][kXnorBlock] = {};
  for (int64_t first = 0; first < kXnorBlock; first += kTileRows) count_rows<P>(row, row.x + i * row.step, laid + first, &disagree[0][first]);
  for (int64_t p = 0; p < P; ++p) put(sink, i + p, disagree[p]);
}

void xnor(const XnorRow& row, const uint64_t* laid, const Sink& sink) {
  int64_t i = 0;
  for (; i + 2 <= row.count; i += 2) windows<2>(row, laid, sink, i);
  if (i < row.count) windows<1>(row, laid, sink, i);
}

// Eight rows: the low and the high halves of their words are the weights of a pair's two numbers.
void pairs(const IntRow<int16_t>& row, const uint32_t* weights, int64_t mh, int32_t* acc, int64_t step) {
  for (int64_t i = 0; i < row.count; ++i)
    for (int64_t m = 0; m < mh; m += kBlock) {
      const uint32_t* w = weights + m * row.runs * row.run_words;
      int32x4_t low = vdupq_n_s32(0), high = low;
      for (int64_t r = 0; r < row.runs; ++r) {
        const int16_t* x = row.x + i * row.step + row.run[r];
        for (const int16_t* end = x + 2 * row.run_words; x < end; x += 2, w += kBlock) {
          const int16x8_t four = vreinterpretq_s16_u32(vld1q_u32(w)), more = vreinterpretq_s16_u32(vld1q_u32(w + 4));
          const int16x8_t first = vuzp1q_s16(four, more), second = vuzp2q_s16(four, more);
          low = vmlal_n_s16(vmlal_n_s16(low, vget_low_s16(first), x[0]), vget_low_s16(second), x[1]);
          high = vmlal_n_s16(vmlal_n_s16(high, vget_high_s16(first), x[0]), vget_high_s16(second), x[1]);
        }
      }
      int32_t sums[kBlock];
      vst1q_s32(sums, low);
      vst1q_s32(sums + 4, high);
      for (int64_t c = 0; c < kBlock && m + c < mh; ++c) acc[i * step + m + c] = sums[c];
    }
}

}  // namespace

const KernelTable kNeon = {"neon", kBlock, kXnorBlock, lay, xnor, depthwise_loop, integer, pairs, threshold, pack_row, pack_columns, kTileLoops<int32_t>};

}  // namespace xnorflow
