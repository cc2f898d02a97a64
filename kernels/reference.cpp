// The reference: one bit at a time, in the words of the definition. Slow on purpose; every other table must equal it.
#include "kernel_table.hpp"
#include "layout.hpp"

namespace xnorflow {
namespace {

int bit(uint64_t word, int64_t index) { return static_cast<int>(word >> index & 1U); }

void xnor(const PackedWindows& windows, const uint64_t* weights, int64_t mh, int64_t mw, int32_t* acc) {
  const int64_t k = windows.runs * windows.run_words;
  for (int64_t i = 0; i < windows.count; ++i)
    for (int64_t m = 0; m < mh; ++m) {
      int64_t disagree = 0;
      for (int64_t j = 0; j < k; ++j) {
        const uint64_t x = windows.x[windows.start[i] + windows.run[j / windows.run_words] + j % windows.run_words];
        for (int64_t b = 0; b < kWordBits; ++b) disagree += bit(x, b) != bit(weights[m * k + j], b);
      }
      acc[i * mh + m] = static_cast<int32_t>(mw - 2 * disagree);
    }
}

void integer(const uint32_t* x, int64_t count, int64_t k, const uint32_t* weights, int64_t mh, int32_t* acc) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t m = 0; m < mh; ++m) {
      uint32_t sum = 0;
      for (int64_t j = 0; j < k; ++j) sum += x[i * k + j] * weights[m * k + j];
      acc[i * mh + m] = static_cast<int32_t>(sum);
    }
}

void threshold(const int32_t* acc, int64_t count, int64_t mh, const int32_t* level, const uint64_t* flip, uint64_t* out) {
  const int64_t words = words_for(mh);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < words; ++j) out[i * words + j] = 0;
    for (int64_t m = 0; m < mh; ++m) {
      const bool set = (acc[i * mh + m] >= level[m]) != (bit(flip[m / kWordBits], m % kWordBits) != 0);
      out[i * words + m / kWordBits] |= static_cast<uint64_t>(set) << m % kWordBits;
    }
  }
}

}  // namespace

const KernelTable kReference = {"reference", 1, 1, xnor, integer, threshold};

}  // namespace xnorflow
