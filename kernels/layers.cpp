#include "layers.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

namespace xnorflow {
namespace {

// Accumulators of one chunk: 64 KiB at most stay in the cache between the kernel and the thresholds.
constexpr int64_t kChunkElements = 16384;
constexpr int64_t kChunkWindows = 256;

int64_t chunk_windows(int64_t mh) { return std::clamp<int64_t>(kChunkElements / std::max<int64_t>(mh, 1) / 4 * 4, 4, kChunkWindows); }

// (mh, k) row-major to [ceil(mh / block)][k][block], rows past mh zero.
template <class T>
std::vector<T> interleave(const std::vector<T>& rows, int64_t mh, int64_t k, int64_t block) {
  const int64_t blocks = (mh + block - 1) / block;
  std::vector<T> out(static_cast<size_t>(blocks * k * block));
  for (int64_t m = 0; m < mh; ++m)
    for (int64_t j = 0; j < k; ++j) out[static_cast<size_t>((m / block * k + j) * block + m % block)] = rows[static_cast<size_t>(m * k + j)];
  return out;
}

std::vector<uint64_t> pack_rows(std::span<const int8_t> weights, int64_t mh, int64_t taps, int64_t channels) {
  const int64_t words = words_for(channels);
  std::vector<uint64_t> rows(static_cast<size_t>(mh * taps * words));
  for (int64_t pixel = 0; pixel < mh * taps; ++pixel)
    for (int64_t c = 0; c < channels; ++c) {
      const bool set = weights[static_cast<size_t>(pixel * channels + c)] > 0;
      rows[static_cast<size_t>(pixel * words + c / kWordBits)] |= static_cast<uint64_t>(set) << c % kWordBits;
    }
  return rows;
}

// Where windows first .. first + count - 1 begin. Divides once a row, not once a window.
std::vector<int64_t> starts(const Geometry& g, int64_t first, int64_t count) {
  const int64_t ow = g.out_w(), step = g.window.sw * g.pixel;
  std::vector<int64_t> out(static_cast<size_t>(count));
  for (int64_t i = 0; i < count;) {
    const int64_t row = g.start(first + i), end = std::min(count, i + ow - (first + i) % ow);
    for (int64_t x = 0; i < end; ++i, ++x) out[static_cast<size_t>(i)] = row + x * step;
  }
  return out;
}

// One run of a window as 32-bit patterns; packed words become -1 and +1.
template <class T>
uint32_t* widen(const T* x, int64_t length, int64_t channels, int64_t pixel, uint32_t* out) {
  if constexpr (std::is_same_v<T, uint64_t>) {
    for (int64_t p = 0; p < length; p += pixel)
      for (int64_t c = 0; c < channels; ++c) *out++ = (x[p + c / kWordBits] >> c % kWordBits & 1U) != 0 ? 1U : ~0U;
  } else {
    for (int64_t e = 0; e < length; ++e) *out++ = static_cast<uint32_t>(x[e]);
  }
  return out;
}

}  // namespace

BitThreshold::BitThreshold(std::span<const int64_t> thresholds, std::span<const uint8_t> negate)
    : level_(thresholds.size()), flip_(static_cast<size_t>(words_for(static_cast<int64_t>(thresholds.size())))) {
  constexpr int64_t least = std::numeric_limits<int32_t>::min(), greatest = std::numeric_limits<int32_t>::max();
  for (size_t c = 0; c < thresholds.size(); ++c) {
    bool flip = negate[c] != 0;
    // Clamped first, so that 1 - t cannot overflow; nothing changes, for both sides are beyond every int32.
    const int64_t t = std::clamp<int64_t>(thresholds[c], 2 * least, 2 * greatest);
    const int64_t level = flip ? 1 - t : t;
    flip ^= level > greatest;
    level_[c] = static_cast<int32_t>(level < least || level > greatest ? least : level);
    flip_[c / kWordBits] |= static_cast<uint64_t>(flip) << c % kWordBits;
  }
}

template <class T>
void sign_bits(const KernelTable& table, const T* x, int64_t pixels, const BitThreshold& threshold, uint64_t* out) {
  const int64_t channels = threshold.channels(), step = std::max<int64_t>(kChunkElements / channels, 1);
  std::vector<int32_t> chunk(static_cast<size_t>(std::min(step, pixels) * channels));
  for (int64_t first = 0; first < pixels; first += step) {
    const int64_t count = std::min(step, pixels - first);
    std::copy_n(x + first * channels, count * channels, chunk.begin());
    table.threshold(chunk.data(), count, channels, threshold.level(), threshold.flip(), out + first * words_for(channels));
  }
}

template void sign_bits(const KernelTable&, const uint8_t*, int64_t, const BitThreshold&, uint64_t*);
template void sign_bits(const KernelTable&, const int8_t*, int64_t, const BitThreshold&, uint64_t*);
template void sign_bits(const KernelTable&, const int16_t*, int64_t, const BitThreshold&, uint64_t*);
template void sign_bits(const KernelTable&, const int32_t*, int64_t, const BitThreshold&, uint64_t*);

Layer::Layer(const KernelTable& table, int64_t mh, const Window& window, int64_t channels, Border border)
    : table_(table), mh_(mh), window_(window), channels_(channels), border_(std::move(border)) {}

void Layer::add_border(const Geometry& g, int64_t first, int64_t count, int32_t* acc) const {
  if (border_.table.empty()) return;
  const int64_t oh = g.out_h(), ow = g.out_w();
  const int64_t columns = *std::max_element(border_.col_class.begin(), border_.col_class.end()) + 1;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = border_.row_class[static_cast<size_t>((first + i) / ow % oh)];
    const int64_t column = border_.col_class[static_cast<size_t>((first + i) % ow)];
    const int32_t* constant = border_.table.data() + (row * columns + column) * mh_;
    for (int32_t *sum = acc + i * mh_, *end = sum + mh_; sum < end; ++sum, ++constant)
      *sum = static_cast<int32_t>(static_cast<uint32_t>(*sum) + static_cast<uint32_t>(*constant));
  }
}

template <class Compute>
void Layer::fill_chunks(const Geometry& g, int32_t* acc, const Compute& compute) const {
  const int64_t total = g.windows(), step = chunk_windows(mh_);
  for (int64_t first = 0; first < total; first += step) {
    const int64_t count = std::min(step, total - first);
    compute(first, count, acc + first * mh_);
    add_border(g, first, count, acc + first * mh_);
  }
}

template <class Compute>
void Layer::pack_chunks(const Geometry& g, const BitThreshold& threshold, uint64_t* out, const Compute& compute) const {
  const int64_t total = g.windows(), step = chunk_windows(mh_), words = words_for(mh_);
  std::vector<int32_t> acc(static_cast<size_t>(std::min(step, total) * mh_));
  for (int64_t first = 0; first < total; first += step) {
    const int64_t count = std::min(step, total - first);
    compute(first, count, acc.data());
    add_border(g, first, count, acc.data());
    table_.threshold(acc.data(), count, mh_, threshold.level(), threshold.flip(), out + first * words);
  }
}

XnorLayer::XnorLayer(const KernelTable& table, std::span<const int8_t> weights, int64_t mh, const Window& window, int64_t channels, Border border)
    : Layer(table, mh, window, channels, std::move(border)) {
  const int64_t taps = window.kh * window.kw;
  weights_ = interleave(pack_rows(weights, mh, taps, channels), mh, taps * words_for(channels), table.xnor_block);
}

void XnorLayer::windows(const Geometry& g, const Runs& runs, const uint64_t* x, int64_t first, int64_t count, int32_t* acc) const {
  const std::vector<int64_t> start = starts(g, first, count);
  const PackedWindows packed{x, start.data(), count, runs.offset.data(), static_cast<int64_t>(runs.offset.size()), runs.length};
  table_.xnor(packed, weights_.data(), mh_, window_.kh * window_.kw * channels_, acc);
}

void XnorLayer::accumulate(const Geometry& g, const uint64_t* x, int32_t* acc) const {
  const Runs runs(g);
  fill_chunks(g, acc, [&](int64_t first, int64_t count, int32_t* chunk) { windows(g, runs, x, first, count, chunk); });
}

void XnorLayer::bits(const Geometry& g, const uint64_t* x, const BitThreshold& threshold, uint64_t* out) const {
  const Runs runs(g);
  pack_chunks(g, threshold, out, [&](int64_t first, int64_t count, int32_t* chunk) { windows(g, runs, x, first, count, chunk); });
}

IntLayer::IntLayer(const KernelTable& table, std::span<const int32_t> weights, int64_t mh, const Window& window, int64_t channels, Border border)
    : Layer(table, mh, window, channels, std::move(border)) {
  const std::vector<uint32_t> rows(weights.begin(), weights.end());
  weights_ = interleave(rows, mh, columns(), table.int_block);
}

template <class T>
void IntLayer::windows(const Geometry& g, const Runs& runs, const T* x, int64_t first, int64_t count, int32_t* acc) const {
  std::vector<uint32_t> gathered(static_cast<size_t>(count * columns()));
  uint32_t* next = gathered.data();
  for (const int64_t start : starts(g, first, count))
    for (const int64_t run : runs.offset) next = widen(x + start + run, runs.length, channels_, g.pixel, next);
  table_.integer(gathered.data(), count, columns(), weights_.data(), mh_, acc);
}

template <class T>
void IntLayer::accumulate(const Geometry& g, const T* x, int32_t* acc) const {
  const Runs runs(g);
  fill_chunks(g, acc, [&](int64_t first, int64_t count, int32_t* chunk) { windows(g, runs, x, first, count, chunk); });
}

template <class T>
void IntLayer::bits(const Geometry& g, const T* x, const BitThreshold& threshold, uint64_t* out) const {
  const Runs runs(g);
  pack_chunks(g, threshold, out, [&](int64_t first, int64_t count, int32_t* chunk) { windows(g, runs, x, first, count, chunk); });
}

template void IntLayer::accumulate(const Geometry&, const uint8_t*, int32_t*) const;
template void IntLayer::accumulate(const Geometry&, const int8_t*, int32_t*) const;
template void IntLayer::accumulate(const Geometry&, const int16_t*, int32_t*) const;
template void IntLayer::accumulate(const Geometry&, const int32_t*, int32_t*) const;
template void IntLayer::accumulate(const Geometry&, const int64_t*, int32_t*) const;
template void IntLayer::accumulate(const Geometry&, const uint64_t*, int32_t*) const;

template void IntLayer::bits(const Geometry&, const uint8_t*, const BitThreshold&, uint64_t*) const;
template void IntLayer::bits(const Geometry&, const int8_t*, const BitThreshold&, uint64_t*) const;
template void IntLayer::bits(const Geometry&, const int16_t*, const BitThreshold&, uint64_t*) const;
template void IntLayer::bits(const Geometry&, const int32_t*, const BitThreshold&, uint64_t*) const;
template void IntLayer::bits(const Geometry&, const int64_t*, const BitThreshold&, uint64_t*) const;
template void IntLayer::bits(const Geometry&, const uint64_t*, const BitThreshold&, uint64_t*) const;

}  // namespace xnorflow
