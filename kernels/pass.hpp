// A pass: one walk over the tiles of an output, in which a chain of nodes is computed tile by tile, each in the nearest cache.
//
// A tile is up to kTilePixels pixels of a row by one block of 64 channels. Values of a tile lie in numbered slots. Where a
// frame is one pixel, frames are the pixels of one long row.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "layers.hpp"
#include "step.hpp"

namespace xnorflow {

inline constexpr int64_t kTilePixels = 32;

struct PassShape {
  int64_t height, width, channels;
};

// What is done with a sum or a product: shifted, held within limits, computed in 64 bits where `wide`.
struct Rounding {
  int64_t shift, low, high;
  bool wide;
};

// Slots hold int32, or int64 in a wide pass. Results go to other slots than those that are read.
class Pass : public Step {
 public:
  static std::unique_ptr<Pass> make(const KernelTable& table, const PassShape& shape, int64_t slots, bool wide);

  virtual const PassShape& shape() const = 0;
  // A layer's accumulators to a slot; the layer must outlive the pass.
  virtual void xnor(const Tensor& x, const XnorLayer& layer, int64_t out) = 0;
  virtual void integers(const Tensor& x, const IntLayer& layer, int64_t out) = 0;
  // A layer's bits, straight to memory.
  virtual void xnor_bits(const Tensor& x, const XnorLayer& layer, const BitThreshold& threshold, const Tensor& out) = 0;
  // Greatest or sum of each window; `spare` holds two more slots.
  virtual void pool(const Tensor& x, const Window& window, bool sum, int64_t out, std::span<const int64_t> spare) = 0;
  virtual void load(const Tensor& x, int64_t out) = 0;
  virtual void store(int64_t x, const Tensor& out) = 0;
  // Bits of one threshold a channel, to memory; not in wide passes.
  virtual void sign(int64_t x, const BitThreshold& threshold, const Tensor& out) = 0;
  virtual void add(int64_t a, int64_t b, const Rounding& to, int64_t out) = 0;
  virtual void multiply(int64_t a, int64_t b, const Rounding& to, int64_t out) = 0;
  // Times the one pixel of each frame that `factors` holds; `spare` is another slot.
  virtual void gate(int64_t x, const Tensor& factors, const Rounding& to, int64_t out, int64_t spare) = 0;
  // (channels, pieces) coefficients, and knees where there are two pieces.
  virtual void affine(int64_t x, std::span<const int64_t> mul, std::span<const int64_t> add, std::span<const int64_t> knee, const Rounding& to, int64_t out) = 0;
  // (channels, levels) thresholds in ascending order.
  virtual void levels(int64_t x, std::span<const int64_t> thresholds, std::span<const uint8_t> negate, int64_t base, int64_t step, int64_t out) = 0;
  // (channels or 1, entries) values by the low bits of x; where `bipolar`, by x > 0.
  virtual void look_up(int64_t x, std::span<const int64_t> values, int64_t entries, bool bipolar, int64_t out) = 0;
};

}  // namespace xnorflow
