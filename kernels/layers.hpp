// Matrix-vector and convolution layers over the kernel tables: weights are re-laid once, windows are never materialised.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

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

// What both kinds of layer share: the shape, the border and the walk over windows.
class Layer {
 public:
  int64_t mh() const { return mh_; }
  int64_t channels() const { return channels_; }
  const Window& window() const { return window_; }
  const Border& border() const { return border_; }

 protected:
  Layer(const KernelTable& table, int64_t mh, const Window& window, int64_t channels, Border border);

  // Adds the border's constants to the accumulators of windows first .. first + count - 1.
  void add_border(const Geometry& g, int64_t first, int64_t count, int32_t* acc) const;

  // Calls compute(first, count, acc) chunk by chunk, corrects the border and packs acc through the thresholds.
  template <class Compute>
  void pack_chunks(const Geometry& g, const BitThreshold& threshold, uint64_t* out, const Compute& compute) const;

  // Calls compute(first, count, acc) chunk by chunk on the caller's accumulators and corrects the border.
  template <class Compute>
  void fill_chunks(const Geometry& g, int32_t* acc, const Compute& compute) const;

  const KernelTable& table_;
  int64_t mh_;
  Window window_;
  int64_t channels_;
  Border border_;
};

// Bipolar weights on packed bipolar images.
class XnorLayer : public Layer {
 public:
  // weights: (mh, kh * kw * channels), values -1 and +1, columns in (kh, kw, c) order.
  XnorLayer(const KernelTable& table, std::span<const int8_t> weights, int64_t mh, const Window& window, int64_t channels, Border border);

  // g.pixel counts words. acc is (windows, mh); out is (windows, words_for(mh)).
  void accumulate(const Geometry& g, const uint64_t* x, int32_t* acc) const;
  void bits(const Geometry& g, const uint64_t* x, const BitThreshold& threshold, uint64_t* out) const;

 private:
  void windows(const Geometry& g, const Runs& runs, const uint64_t* x, int64_t first, int64_t count, int32_t* acc) const;

  std::vector<uint64_t> weights_;
};

// Integer weights on integer images, exact modulo 2^32 (layout.hpp).
class IntLayer : public Layer {
 public:
  // weights: (mh, kh * kw * channels), columns in (kh, kw, c) order.
  IntLayer(const KernelTable& table, std::span<const int32_t> weights, int64_t mh, const Window& window, int64_t channels, Border border);

  // g.pixel counts elements (T an integer type), or words (T = uint64_t: packed bipolar input).
  template <class T>
  void accumulate(const Geometry& g, const T* x, int32_t* acc) const;
  template <class T>
  void bits(const Geometry& g, const T* x, const BitThreshold& threshold, uint64_t* out) const;

 private:
  template <class T>
  void windows(const Geometry& g, const Runs& runs, const T* x, int64_t first, int64_t count, int32_t* acc) const;

  int64_t columns() const { return window_.kh * window_.kw * channels_; }

  std::vector<uint32_t> weights_;
};

}  // namespace xnorflow
