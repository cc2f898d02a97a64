// Portable C++: 64-bit words and std::popcount, for any CPU.
#include <bit>

#include "kernel_table.hpp"

namespace xnorflow {
namespace {

void xnor(const PackedWindows& windows, const uint64_t* weights, int64_t mh, int64_t mw, int32_t* acc) {
  const int64_t k = windows.runs * windows.run_words;
  for (int64_t i = 0; i < windows.count; ++i)
    for (int64_t m = 0; m < mh; ++m) {
      const uint64_t* w = weights + m * k;
      int64_t disagree = 0;
      for (int64_t r = 0; r < windows.runs; ++r) {
        const uint64_t* x = windows.x + windows.start[i] + windows.run[r];
        for (int64_t j = 0; j < windows.run_words; ++j) disagree += std::popcount(x[j] ^ *w++);
      }
      acc[i * mh + m] = static_cast<int32_t>(mw - 2 * disagree);
    }
}

constexpr int64_t kBlock = 8;

void integer(const uint32_t* x, int64_t count, int64_t k, const uint32_t* weights, int64_t mh, int32_t* acc) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t m = 0; m < mh; m += kBlock) {
      const uint32_t* w = weights + m * k;
      uint32_t sum[kBlock] = {};
      for (int64_t j = 0; j < k; ++j)
        for (int64_t c = 0; c < kBlock; ++c) sum[c] += x[i * k + j] * w[j * kBlock + c];
      for (int64_t c = 0; c < kBlock && m + c < mh; ++c) acc[i * mh + m + c] = static_cast<int32_t>(sum[c]);
    }
}

void threshold(const int32_t* acc, int64_t count, int64_t mh, const int32_t* level, const uint64_t* flip, uint64_t* out) {
  for (int64_t i = 0; i < count; ++i, acc += mh)
    for (int64_t m = 0; m < mh; m += 64) {
      uint64_t bits = 0;
      for (int64_t c = 0; c < 64 && m + c < mh; ++c) bits |= static_cast<uint64_t>(acc[m + c] >= level[m + c]) << c;
      *out++ = bits ^ flip[m / 64];
    }
}

}  // namespace

const KernelTable kPortable = {"portable", 1, kBlock, xnor, integer, threshold};

}  // namespace xnorflow
