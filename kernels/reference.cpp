// The reference: one bit at a time, in the words of the definition. Slow on purpose; every other table must equal it.
#include "kernel_table.hpp"
#include "layout.hpp"
#include "tile_loops.hpp"

namespace xnorflow {
namespace {

int bit(uint64_t word, int64_t index) { return static_cast<int>(word >> index & 1U); }

void lay(const uint64_t* packed, int64_t rows, int64_t k, uint64_t* out) {
  for (int64_t m = 0; m < kXnorBlock; ++m)
    for (int64_t j = 0; j < k; ++j) out[m * k + j] = m < rows ? packed[m * k + j] : 0;
}

void put(const Sink& sink, int64_t i, int64_t c, int32_t disagree) {
  const int64_t column = sink.column_class == nullptr ? 0 : sink.column_class[i];
  const int32_t constant = sink.constants[column * sink.class_step + c];
  if (sink.output == Output::kBits) {
    const int set = static_cast<int>(disagree <= constant) ^ bit(sink.flip, c);
    static_cast<uint64_t*>(sink.out)[i * sink.step] |= static_cast<uint64_t>(set) << c;
    return;
  }
  const int32_t acc = constant - 2 * disagree;
  if (sink.output == Output::kInt32) {
    static_cast<int32_t*>(sink.out)[i * sink.step + c] = acc;
  } else {
    const float scaled = static_cast<float>(acc) * sink.scale[c];
    static_cast<float*>(sink.out)[i * sink.step + c] = scaled + sink.bias[c];
  }
}

void xnor(const XnorRow& row, const uint64_t* laid, const Sink& sink) {
  const int64_t k = row.runs * row.run_words;
  for (int64_t i = 0; i < row.count; ++i) {
    if (sink.output == Output::kBits) static_cast<uint64_t*>(sink.out)[i * sink.step] = 0;
    for (int64_t c = 0; c < sink.rows; ++c) {
      int32_t disagree = 0;
      for (int64_t j = 0; j < k; ++j) {
        const uint64_t x = row.x[i * row.step + row.run[j / row.run_words] + j % row.run_words];
        for (int64_t b = 0; b < kWordBits; ++b) disagree += bit(x, b) != bit(laid[c * k + j], b);
      }
      put(sink, i, c, disagree);
    }
  }
}

void depthwise(const XnorRow& row, int64_t pixel, const uint64_t* weights, const Sink& sink) {
  const int64_t taps_a_run = row.run_words / pixel;
  for (int64_t i = 0; i < row.count; ++i) {
    if (sink.output == Output::kBits) static_cast<uint64_t*>(sink.out)[i * sink.step] = 0;
    for (int64_t c = 0; c < sink.rows; ++c) {
      int32_t disagree = 0;
      for (int64_t t = 0; t < row.runs * taps_a_run; ++t)
        disagree += bit(row.x[i * row.step + row.run[t / taps_a_run] + t % taps_a_run * pixel], c) != bit(weights[t], c);
      put(sink, i, c, disagree);
    }
  }
}

void integer(const IntRow<uint32_t>& row, const uint32_t* weights, int64_t mh, int32_t* acc, int64_t step) {
  const int64_t k = row.runs * row.run_words;
  for (int64_t i = 0; i < row.count; ++i)
    for (int64_t m = 0; m < mh; ++m) {
      uint32_t sum = 0;
      for (int64_t j = 0; j < k; ++j) sum += row.x[i * row.step + row.run[j / row.run_words] + j % row.run_words] * weights[m * k + j];
      acc[i * step + m] = static_cast<int32_t>(sum);
    }
}

uint32_t low(uint32_t pair) { return static_cast<uint32_t>(static_cast<int16_t>(pair & 0xffffU)); }

uint32_t high(uint32_t pair) { return static_cast<uint32_t>(static_cast<int16_t>(pair >> 16)); }

void pairs(const IntRow<int16_t>& row, const uint32_t* weights, int64_t mh, int32_t* acc, int64_t step) {
  const int64_t k = row.runs * row.run_words;
  for (int64_t i = 0; i < row.count; ++i)
    for (int64_t m = 0; m < mh; ++m) {
      uint32_t sum = 0;
      for (int64_t j = 0; j < k; ++j) {
        const int16_t* pair = row.x + i * row.step + row.run[j / row.run_words] + 2 * (j % row.run_words);
        sum += static_cast<uint32_t>(pair[0]) * low(weights[m * k + j]) + static_cast<uint32_t>(pair[1]) * high(weights[m * k + j]);
      }
      acc[i * step + m] = static_cast<int32_t>(sum);
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

const KernelTable kReference = {"reference", 1, kXnorBlock, lay, xnor, depthwise, integer, pairs, threshold, pack_row, pack_columns, kTileLoops<int32_t>};

}  // namespace xnorflow
