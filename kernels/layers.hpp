// Matrix-vector and convolution layers over the kernel tables: weights are re-laid once, windows are never materialised.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "aligned.hpp"
#include "kernel_table.hpp"
#include "layout.hpp"

namespace xnorflow {

// The constant that zero padding adds back: table[row_class[y]][col_class[x]][m]. Empty vectors mean none.
struct Border {
  std::vector<int32_t> row_class, col_class, table;
};

// One threshold a channel, as the kernels take it: bit = (acc >= level) XOR flip.
//
// A negated channel asks -acc >= t, which is acc <= -t, which is NOT (acc >= 1 - t): level 1 - t, flipped. A level below
// every int32 is always met: so is the least int32. One above every int32 never is: the least int32, flipped.
class BitThreshold {
 public:
  BitThreshold(std::span<const int64_t> thresholds, std::span<const uint8_t> negate);
  int64_t channels() const { return static_cast<int64_t>(level_.size()); }
  const int32_t* level() const { return level_.data(); }
  const uint64_t* flip() const { return flip_.data(); }

 private:
  std::vector<int32_t> level_;
  std::vector<uint64_t> flip_;
};

// Values that int32 holds, (pixels, threshold.channels()), to packed bits.
template <class T>
void sign_bits(const KernelTable& table, const T* x, int64_t pixels, const BitThreshold& threshold, uint64_t* out);

// What both kinds of layer share: the shape and the border.
class Layer {
 public:
  int64_t mh() const { return mh_; }
  int64_t channels() const { return channels_; }
  const Window& window() const { return window_; }
  const Border& border() const { return border_; }
  int64_t blocks() const { return words_for(mh_); }

 protected:
  Layer(const KernelTable& table, int64_t mh, const Window& window, int64_t channels, Border border);

  const KernelTable& table_;
  int64_t mh_;
  Window window_;
  int64_t channels_;
  Border border_;
  int64_t border_columns_;
};

// What an XnorLayer's accumulators become, prepared once: per class of the border and per channel, padded to whole blocks.
class XnorSink {
 public:
  Output output() const { return output_; }
  int64_t channels() const { return channels_; }
  int64_t classes() const { return classes_; }

 private:
  friend class XnorLayer;
  XnorSink(Output output, int64_t channels, int64_t classes) : output_(output), channels_(channels), classes_(classes) {}

  Output output_;
  int64_t channels_, classes_;
  Aligned<int32_t> constants_;
  Aligned<float> scale_, bias_;
  std::vector<uint64_t> flip_;
};

// Where the results lie: a pixel of the output, `pixel` elements (words where they are bits) from the next, `row` from the
// one below and `image` from that of the next image.
struct Place {
  void* out;
  int64_t pixel, row, image;
};

// Which inputs an output channel of a layer sees: all, or the one of its own number.
enum class Reach { kAll, kDepthwise };

// Bipolar weights on packed bipolar images.
class XnorLayer : public Layer {
 public:
  // weights: values -1 and +1, (mh, kh * kw * channels) with columns in (kh, kw, c) order, or (channels, kh * kw) where depthwise.
  XnorLayer(const KernelTable& table, std::span<const int8_t> weights, int64_t mh, const Window& window, int64_t channels, Border border,
            Reach reach = Reach::kAll);

  // Classes of positions that the border tells apart.
  int64_t border_classes() const { return border_.table.empty() ? 1 : static_cast<int64_t>(border_.table.size()) / mh_; }

  XnorSink accumulators() const;
  XnorSink bits(const BitThreshold& threshold) const;
  // float(acc) * scale[m] + bias[m], each operation rounded by itself; mh elements each.
  XnorSink floats(std::span<const float> scale, std::span<const float> bias) const;

  // g.pixel counts words.
  void run(const Geometry& g, const uint64_t* x, const XnorSink& sink, const Place& place, int64_t threads) const;

  // Windows that follow each other in row y of the output from column x on, times one block of rows. `out` is the first window's
  // first channel of the block, `step` the elements (words where they are bits) to the next window's.
  void tile(const XnorRow& row, int64_t y, int64_t x, int64_t block, const XnorSink& from, void* out, int64_t step) const;

 private:
  bool depthwise() const { return reach_ == Reach::kDepthwise; }
  int64_t taps() const { return window_.kh * window_.kw; }
  // Of the weights of a row.
  int64_t words() const { return taps() * words_for(channels_); }
  void lay(std::span<const int8_t> weights);
  void lay_depthwise(std::span<const int8_t> weights);
  template <class F>
  Aligned<int32_t> constants(const F& of) const;
  void block_rows(const Geometry& g, const Runs& runs, int64_t windows, const uint64_t* x, const XnorSink& from, const Place& place, int64_t block,
                  int64_t first, int64_t last) const;

  Reach reach_;
  Aligned<uint64_t> weights_;
};

// Integer weights on integer images, exact modulo 2^32 (layout.hpp).
class IntLayer : public Layer {
 public:
  // weights: (mh, kh * kw * channels), columns in (kh, kw, c) order.
  IntLayer(const KernelTable& table, std::span<const int32_t> weights, int64_t mh, const Window& window, int64_t channels, Border border);

  // g.pixel counts elements (T an integer type), or words (T = uint64_t: packed bipolar input). acc is (windows, mh); out is
  // (windows, words_for(mh)).
  template <class T>
  void accumulate(const Geometry& g, const T* x, int32_t* acc, int64_t threads) const;
  template <class T>
  void bits(const Geometry& g, const T* x, const BitThreshold& threshold, uint64_t* out, int64_t threads) const;

  // As XnorLayer's, on images of int16 where the layer is narrow, else of 32 bits. A row of int16 may be read one element past a run.
  void tile(const IntRow<int16_t>& row, int64_t y, int64_t x, int64_t block, int32_t* acc, int64_t step) const;
  void tile(const IntRow<uint32_t>& row, int64_t y, int64_t x, int64_t block, int32_t* acc, int64_t step) const;
  bool narrow() const { return narrow_; }
  // Pieces of a window, each of `run` elements.
  int64_t runs() const { return window_.dw == 1 ? window_.kh : window_.kh * window_.kw; }
  int64_t run() const { return columns() / runs(); }

 private:
  // Accumulators of windows first .. first + count - 1, the border's constants added.
  template <class T>
  void windows(const Geometry& g, const Runs& runs, const T* x, int64_t first, int64_t count, int32_t* acc) const;
  // To the accumulators of one window, from row `first` of the weights on.
  void add_border(int64_t y, int64_t x, int64_t first, int64_t rows, int32_t* acc) const;

  int64_t columns() const { return window_.kh * window_.kw * channels_; }

  // Whether all weights fit in int16: then narrow inputs are multiplied in pairs.
  bool narrow_;
  Aligned<uint32_t> weights_, pairs_;
};

}  // namespace xnorflow
