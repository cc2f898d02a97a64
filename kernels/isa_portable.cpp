// Portable C++: 64-bit words and std::popcount, for any CPU.
#include <bit>

#include "depthwise_loops.hpp"
#include "kernel_table.hpp"
#include "portable_loops.hpp"
#include "tile_loops.hpp"

namespace xnorflow {
namespace {

void xnor(const XnorRow& row, const uint64_t* laid, const Sink& sink) {
  for (int64_t i = 0; i < row.count; ++i) {
    int32_t disagree[kXnorBlock] = {};
    const uint64_t* w = laid;
    for (int64_t r = 0; r < row.runs; ++r) {
      const uint64_t* x = row.x + i * row.step + row.run[r];
      for (int64_t j = 0; j < row.run_words; ++j, w += kXnorBlock)
        for (int64_t c = 0; c < kXnorBlock; ++c) disagree[c] += std::popcount(x[j] ^ w[c]);
    }
    put(sink, i, disagree);
  }
}

uint32_t low(uint32_t pair) { return static_cast<uint32_t>(static_cast<int16_t>(pair & 0xffffU)); }

uint32_t high(uint32_t pair) { return static_cast<uint32_t>(static_cast<int16_t>(pair >> 16)); }

void pairs(const IntRow<int16_t>& row, const uint32_t* weights, int64_t mh, int32_t* acc, int64_t step) {
  for (int64_t i = 0; i < row.count; ++i)
    for (int64_t m = 0; m < mh; m += kBlock) {
      const uint32_t* w = weights + m * row.runs * row.run_words;
      uint32_t sum[kBlock] = {};
      for (int64_t r = 0; r < row.runs; ++r) {
        const int16_t* x = row.x + i * row.step + row.run[r];
        for (const int16_t* end = x + 2 * row.run_words; x < end; x += 2, w += kBlock) {
          const uint32_t first = static_cast<uint32_t>(x[0]), second = static_cast<uint32_t>(x[1]);
          for (int64_t c = 0; c < kBlock; ++c) sum[c] += first * low(w[c]) + second * high(w[c]);
        }
      }
      for (int64_t c = 0; c < kBlock && m + c < mh; ++c) acc[i * step + m + c] = static_cast<int32_t>(sum[c]);
    }
}

}  // namespace

const KernelTable kPortable = {"portable", kBlock, kXnorBlock, lay, xnor, depthwise_loop, integer, pairs, threshold, pack_row, pack_columns, kTileLoops<int32_t>};

}  // namespace xnorflow
