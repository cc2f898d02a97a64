#include "layers.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "pool.hpp"

namespace xnorflow {
namespace {

// Accumulators of one chunk: 64 KiB at most stay in the cache between the kernel and the thresholds.
constexpr int64_t kChunkElements = 16384;
constexpr int64_t kChunkWindows = 256;

constexpr int64_t kTasksPerThread = 4;
constexpr int64_t kVectorRow = 64;

int64_t chunk_windows(int64_t mh) { return std::clamp<int64_t>(kChunkElements / std::max<int64_t>(mh, 1) / 4 * 4, 4, kChunkWindows); }

// (mh, k) row-major to [ceil(mh / block)][k][block], rows past mh zero.
Aligned<uint32_t> interleave(const std::vector<uint32_t>& rows, int64_t mh, int64_t k, int64_t block) {
  const int64_t blocks = (mh + block - 1) / block;
  Aligned<uint32_t> out(static_cast<size_t>(blocks * k * block));
  for (int64_t m = 0; m < mh; ++m)
    for (int64_t j = 0; j < k; ++j) out[static_cast<size_t>((m / block * k + j) * block + m % block)] = rows[static_cast<size_t>(m * k + j)];
  return out;
}

// Columns two by two in the halves of a word, the first in the lower; an odd last column of a run of k is joined with zero.
std::vector<uint32_t> pair_columns(std::span<const int32_t> weights, int64_t runs, int64_t k) {
  const int64_t pairs = (k + 1) / 2;
  std::vector<uint32_t> out(static_cast<size_t>(runs * pairs));
  for (int64_t r = 0; r < runs; ++r)
    for (int64_t j = 0; j < k; ++j)
      out[static_cast<size_t>(r * pairs + j / 2)] |= (static_cast<uint32_t>(weights[static_cast<size_t>(r * k + j)]) & 0xffffU) << j % 2 * 16;
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

// One run of a window as values of type U; packed words become -1 and +1.
template <class U, class T>
U* widen(const T* x, int64_t length, int64_t channels, int64_t pixel, U* out) {
  if constexpr (std::is_same_v<T, uint64_t>) {
    for (int64_t p = 0; p < length; p += pixel)
      for (int64_t c = 0; c < channels; ++c) *out++ = (x[p + c / kWordBits] >> c % kWordBits & 1U) != 0 ? U{1} : static_cast<U>(-1);
  } else {
    for (int64_t e = 0; e < length; ++e) *out++ = static_cast<U>(x[e]);
  }
  return out;
}

// Windows that begin at `start`, one after the other, each of their runs filled up with zeros to `length` values of type U.
template <class U, class T>
std::vector<U> gather(const std::vector<int64_t>& start, const Runs& runs, const T* x, int64_t channels, int64_t pixel, int64_t length) {
  std::vector<U> out(start.size() * runs.offset.size() * static_cast<size_t>(length));
  U* next = out.data();
  for (const int64_t first : start)
    for (const int64_t run : runs.offset) {
      widen(x + first + run, runs.length, channels, pixel, next);
      next += length;
    }
  return out;
}

// Whether every value of a type is one of int16.
template <class T>
constexpr bool kNarrow = std::is_same_v<T, uint64_t> || sizeof(T) == 1 || std::is_same_v<T, int16_t>;

// Splits [0, total) into parts of `step` and does them on several threads.
template <class F>
void chunks(int64_t total, int64_t step, int64_t threads, const F& part) {
  parallel((total + step - 1) / step, threads, [&](int64_t i) { part(i * step, std::min(step, total - i * step)); });
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
    : table_(table),
      mh_(mh),
      window_(window),
      channels_(channels),
      border_(std::move(border)),
      border_columns_(border_.table.empty() ? 0 : *std::max_element(border_.col_class.begin(), border_.col_class.end()) + 1) {}

XnorLayer::XnorLayer(const KernelTable& table, std::span<const int8_t> weights, int64_t mh, const Window& window, int64_t channels, Border border,
                     Reach reach)
    : Layer(table, mh, window, channels, std::move(border)), reach_(reach) {
  if (depthwise()) lay_depthwise(weights);
  else lay(weights);
}

void XnorLayer::lay(std::span<const int8_t> weights) {
  const std::vector<uint64_t> rows = pack_rows(weights, mh_, taps(), channels_);
  const int64_t size = words() * table_.xnor_layout;
  weights_.resize(static_cast<size_t>(blocks() * size));
  for (int64_t b = 0; b < blocks(); ++b)
    table_.lay(rows.data() + b * kXnorBlock * words(), std::min(kXnorBlock, mh_ - b * kXnorBlock), words(), weights_.data() + b * size);
}

// [block][tap]
void XnorLayer::lay_depthwise(std::span<const int8_t> weights) {
  weights_.resize(static_cast<size_t>(blocks() * taps()));
  for (int64_t c = 0; c < channels_; ++c)
    for (int64_t t = 0; t < taps(); ++t)
      weights_[static_cast<size_t>(c / kWordBits * taps() + t)] |= static_cast<uint64_t>(weights[static_cast<size_t>(c * taps() + t)] > 0) << c % kWordBits;
}

// of(m, constant) for every class of the border and every row m, where acc = constant - 2 * disagreements; -1 past mh.
template <class F>
Aligned<int32_t> XnorLayer::constants(const F& of) const {
  const int64_t padded = blocks() * kXnorBlock, classes = border_classes();
  Aligned<int32_t> out(static_cast<size_t>(classes * padded), -1);
  for (int64_t k = 0; k < classes; ++k)
    for (int64_t m = 0; m < mh_; ++m) {
      const int32_t extra = border_.table.empty() ? 0 : border_.table[static_cast<size_t>(k * mh_ + m)];
      out[static_cast<size_t>(k * padded + m)] = static_cast<int32_t>(of(m, taps() * (depthwise() ? 1 : channels_) + extra));
    }
  return out;
}

XnorSink XnorLayer::accumulators() const {
  XnorSink sink(Output::kInt32, mh_, border_classes());
  sink.constants_ = constants([](int64_t, int64_t constant) { return constant; });
  sink.flip_.resize(static_cast<size_t>(blocks()));
  return sink;
}

// acc >= level where 2 * disagreements <= constant - level; the shift rounds down.
XnorSink XnorLayer::bits(const BitThreshold& threshold) const {
  XnorSink sink(Output::kBits, mh_, border_classes());
  sink.constants_ = constants([&](int64_t m, int64_t constant) { return (constant - int64_t{threshold.level()[m]}) >> 1; });
  sink.flip_.assign(threshold.flip(), threshold.flip() + blocks());
  return sink;
}

XnorSink XnorLayer::floats(std::span<const float> scale, std::span<const float> bias) const {
  XnorSink sink = accumulators();
  sink.output_ = Output::kFloat;
  sink.scale_.assign(scale.begin(), scale.end());
  sink.bias_.assign(bias.begin(), bias.end());
  sink.scale_.resize(static_cast<size_t>(blocks() * kXnorBlock));
  sink.bias_.resize(static_cast<size_t>(blocks() * kXnorBlock));
  return sink;
}

void XnorLayer::tile(const XnorRow& row, int64_t y, int64_t x, int64_t block, const XnorSink& from, void* out, int64_t step) const {
  const int64_t channel = block * kXnorBlock, padded = blocks() * kXnorBlock;
  Sink sink{from.output_, from.constants_.data() + channel, nullptr, padded, from.flip_[static_cast<size_t>(block)], nullptr, nullptr, out, step,
            std::min(kXnorBlock, mh_ - channel)};
  if (border_columns_ > 0) {
    sink.constants += border_.row_class[static_cast<size_t>(y)] * border_columns_ * padded;
    sink.column_class = border_.col_class.data() + x;
  }
  if (from.output_ == Output::kFloat) sink.scale = from.scale_.data() + channel, sink.bias = from.bias_.data() + channel;
  if (!depthwise()) return table_.xnor(row, weights_.data() + block * words() * table_.xnor_layout, sink);
  XnorRow own = row;
  own.x += block;
  table_.depthwise(own, blocks(), weights_.data() + block * taps(), sink);
}

// Rows first .. last - 1 of windows, of which there are `windows` in all, times one block.
void XnorLayer::block_rows(const Geometry& g, const Runs& runs, int64_t windows, const uint64_t* x, const XnorSink& from, const Place& place,
                           int64_t block, int64_t first, int64_t last) const {
  const int64_t oh = g.out_h(), channel = block * kXnorBlock;
  const int64_t element = from.output_ == Output::kBits ? 8 : 4, begin = from.output_ == Output::kBits ? block : channel;
  XnorRow row{nullptr, g.out_w(), g.window.sw * g.pixel, runs.offset.data(), static_cast<int64_t>(runs.offset.size()), runs.length};
  for (int64_t r = first; r < last; ++r) {
    const int64_t image = r / oh, y = r % oh;
    row.count = std::min(g.out_w(), windows - r * g.out_w());
    row.x = x + (image * g.h + y * g.window.sh) * g.w * g.pixel;
    tile(row, y, 0, block, from, static_cast<char*>(place.out) + (image * place.image + y * place.row + begin) * element, place.pixel);
  }
}

void XnorLayer::run(const Geometry& given, const uint64_t* x, const XnorSink& sink, const Place& to, int64_t threads) const {
  Geometry g = given;
  Place place = to;
  const int64_t windows = given.windows();
  if (given.covers() && border_.table.empty()) {
    // One window an image: images side by side make rows of windows, so that tiles of several windows fill.
    g = {(given.n + kVectorRow - 1) / kVectorRow, 1, kVectorRow, given.h * given.w * given.pixel, {}};
    place = {to.out, to.image, 0, kVectorRow * to.image};
  }
  const Runs runs(g);
  const int64_t rows = g.n * g.out_h(), step = std::max<int64_t>(rows * blocks() / (kTasksPerThread * threads), 1);
  const int64_t parts = (rows + step - 1) / step;
  parallel(blocks() * parts, threads, [&](int64_t i) {
    const int64_t first = i % parts * step;
    block_rows(g, runs, windows, x, sink, place, i / parts, first, std::min(rows, first + step));
  });
}

IntLayer::IntLayer(const KernelTable& table, std::span<const int32_t> weights, int64_t mh, const Window& window, int64_t channels, Border border)
    : Layer(table, mh, window, channels, std::move(border)) {
  const std::vector<uint32_t> rows(weights.begin(), weights.end());
  narrow_ = std::all_of(weights.begin(), weights.end(), [](int32_t w) { return w == static_cast<int16_t>(w); });
  weights_ = interleave(rows, mh, columns(), table.int_block);
  if (narrow_) pairs_ = interleave(pair_columns(weights, mh * runs(), run()), mh, runs() * ((run() + 1) / 2), table.int_block);
}

void IntLayer::add_border(int64_t y, int64_t x, int64_t first, int64_t rows, int32_t* acc) const {
  if (border_columns_ == 0) return;
  const int64_t row = border_.row_class[static_cast<size_t>(y)], column = border_.col_class[static_cast<size_t>(x)];
  const int32_t* constant = border_.table.data() + (row * border_columns_ + column) * mh_ + first;
  for (int64_t m = 0; m < rows; ++m) acc[m] = static_cast<int32_t>(static_cast<uint32_t>(acc[m]) + static_cast<uint32_t>(constant[m]));
}

void IntLayer::tile(const IntRow<int16_t>& row, int64_t y, int64_t x, int64_t block, int32_t* acc, int64_t step) const {
  const int64_t first = block * kXnorBlock, rows = std::min(kXnorBlock, mh_ - first);
  table_.pairs(row, pairs_.data() + first * row.runs * row.run_words, rows, acc, step);
  for (int64_t i = 0; i < row.count; ++i) add_border(y, x + i, first, rows, acc + i * step);
}

void IntLayer::tile(const IntRow<uint32_t>& row, int64_t y, int64_t x, int64_t block, int32_t* acc, int64_t step) const {
  const int64_t first = block * kXnorBlock, rows = std::min(kXnorBlock, mh_ - first);
  table_.integer(row, weights_.data() + first * row.runs * row.run_words, rows, acc, step);
  for (int64_t i = 0; i < row.count; ++i) add_border(y, x + i, first, rows, acc + i * step);
}

template <class T>
void IntLayer::windows(const Geometry& g, const Runs& runs, const T* x, int64_t first, int64_t count, int32_t* acc) const {
  const std::vector<int64_t> start = starts(g, first, count);
  const int64_t none = 0, oh = g.out_h(), ow = g.out_w(), pairs = this->runs() * ((run() + 1) / 2);
  bool done = false;
  if constexpr (kNarrow<T>) {
    if (narrow_) {
      const std::vector<int16_t> x16 = gather<int16_t>(start, runs, x, channels_, g.pixel, (run() + 1) / 2 * 2);
      table_.pairs({x16.data(), count, 2 * pairs, &none, 1, pairs}, pairs_.data(), mh_, acc, mh_);
      done = true;
    }
  }
  if (!done) {
    const std::vector<uint32_t> x32 = gather<uint32_t>(start, runs, x, channels_, g.pixel, run());
    table_.integer({x32.data(), count, columns(), &none, 1, columns()}, weights_.data(), mh_, acc, mh_);
  }
  for (int64_t i = first; i < first + count; ++i) add_border(i / ow % oh, i % ow, 0, mh_, acc + (i - first) * mh_);
}

template <class T>
void IntLayer::accumulate(const Geometry& g, const T* x, int32_t* acc, int64_t threads) const {
  const Runs runs(g);
  chunks(g.windows(), chunk_windows(mh_), threads, [&](int64_t first, int64_t count) { windows(g, runs, x, first, count, acc + first * mh_); });
}

template <class T>
void IntLayer::bits(const Geometry& g, const T* x, const BitThreshold& threshold, uint64_t* out, int64_t threads) const {
  const Runs runs(g);
  chunks(g.windows(), chunk_windows(mh_), threads, [&](int64_t first, int64_t count) {
    std::vector<int32_t> acc(static_cast<size_t>(count * mh_));
    windows(g, runs, x, first, count, acc.data());
    table_.threshold(acc.data(), count, mh_, threshold.level(), threshold.flip(), out + first * words_for(mh_));
  });
}

template void IntLayer::accumulate(const Geometry&, const uint8_t*, int32_t*, int64_t) const;
template void IntLayer::accumulate(const Geometry&, const int8_t*, int32_t*, int64_t) const;
template void IntLayer::accumulate(const Geometry&, const int16_t*, int32_t*, int64_t) const;
template void IntLayer::accumulate(const Geometry&, const int32_t*, int32_t*, int64_t) const;
template void IntLayer::accumulate(const Geometry&, const int64_t*, int32_t*, int64_t) const;
template void IntLayer::accumulate(const Geometry&, const uint64_t*, int32_t*, int64_t) const;

template void IntLayer::bits(const Geometry&, const uint8_t*, const BitThreshold&, uint64_t*, int64_t) const;
template void IntLayer::bits(const Geometry&, const int8_t*, const BitThreshold&, uint64_t*, int64_t) const;
template void IntLayer::bits(const Geometry&, const int16_t*, const BitThreshold&, uint64_t*, int64_t) const;
template void IntLayer::bits(const Geometry&, const int32_t*, const BitThreshold&, uint64_t*, int64_t) const;
template void IntLayer::bits(const Geometry&, const int64_t*, const BitThreshold&, uint64_t*, int64_t) const;
template void IntLayer::bits(const Geometry&, const uint64_t*, const BitThreshold&, uint64_t*, int64_t) const;

}  // namespace xnorflow
