// What instruction sets without kernels of their own for it do, in plain C++. A file of one instruction set includes this for
// itself: all have internal linkage, so that no other file can get its copy.
#pragma once

#include "kernel_table.hpp"

namespace xnorflow {
namespace {

// [k][block]: one word of every row, then the next.
void lay(const uint64_t* packed, int64_t rows, int64_t k, uint64_t* out) {
  for (int64_t j = 0; j < k; ++j)
    for (int64_t m = 0; m < kXnorBlock; ++m) out[j * kXnorBlock + m] = m < rows ? packed[m * k + j] : 0;
}

// The disagreements of window i.
void put(const Sink& sink, int64_t i, const int32_t (&disagree)[kXnorBlock]) {
  const int32_t* constant = sink.constants + (sink.column_class == nullptr ? 0 : sink.column_class[i] * sink.class_step);
  if (sink.output == Output::kBits) {
    uint64_t bits = 0;
    for (int64_t c = 0; c < kXnorBlock; ++c) bits |= static_cast<uint64_t>(disagree[c] <= constant[c]) << c;
    static_cast<uint64_t*>(sink.out)[i * sink.step] = bits ^ sink.flip;
  } else if (sink.output == Output::kInt32) {
    int32_t* out = static_cast<int32_t*>(sink.out) + i * sink.step;
    for (int64_t c = 0; c < sink.rows; ++c) out[c] = constant[c] - 2 * disagree[c];
  } else {
    float* out = static_cast<float*>(sink.out) + i * sink.step;
    for (int64_t c = 0; c < sink.rows; ++c) {
      const float scaled = static_cast<float>(constant[c] - 2 * disagree[c]) * sink.scale[c];
      out[c] = scaled + sink.bias[c];
    }
  }
}

// Rows of integer weights that lie side by side.
constexpr int64_t kBlock = 8;

void integer(const IntRow<uint32_t>& row, const uint32_t* weights, int64_t mh, int32_t* acc, int64_t step) {
  for (int64_t i = 0; i < row.count; ++i)
    for (int64_t m = 0; m < mh; m += kBlock) {
      const uint32_t* w = weights + m * row.runs * row.run_words;
      uint32_t sum[kBlock] = {};
      for (int64_t r = 0; r < row.runs; ++r) {
        const uint32_t* x = row.x + i * row.step + row.run[r];
        for (int64_t j = 0; j < row.run_words; ++j, w += kBlock)
          for (int64_t c = 0; c < kBlock; ++c) sum[c] += x[j] * w[c];
      }
      for (int64_t c = 0; c < kBlock && m + c < mh; ++c) acc[i * step + m + c] = static_cast<int32_t>(sum[c]);
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

void pack_row(const float* x, int64_t count, float level, uint64_t* out) {
  for (int64_t c = 0; c < count; ++c) {
    if (c % 64 == 0) out[c / 64] = 0;
    out[c / 64] |= static_cast<uint64_t>(x[c] >= level) << c % 64;
  }
}

void pack_columns(const float* x, int64_t stride, int64_t channels, int64_t pixels, float level, uint64_t* out, int64_t step) {
  for (int64_t p = 0; p < pixels; ++p) {
    uint64_t bits = 0;
    for (int64_t c = 0; c < channels; ++c) bits |= static_cast<uint64_t>(x[c * stride + p] >= level) << c;
    out[p * step] = bits;
  }
}

}  // namespace
}  // namespace xnorflow
