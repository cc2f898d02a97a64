// One step of a program, and the steps that are not passes over tiles: packed bits side by side, margins, argmax.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor.hpp"

namespace xnorflow {

class Step {
 public:
  Step() = default;
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  virtual ~Step() = default;
  // All frames of the memory, on up to that many threads.
  virtual void run(const Memory& memory, int64_t threads) const = 0;
};

// The margin of an image: all pixels of `whole` outside the rectangle, set to one pixel.
class Margins : public Step {
 public:
  Margins(const Tensor& whole, int64_t top, int64_t bottom, int64_t left, int64_t right, std::vector<std::byte> pixel)
      : whole_(whole), top_(top), bottom_(bottom), left_(left), right_(right), pixel_(std::move(pixel)) {}
  void run(const Memory& memory, int64_t threads) const override;

 private:
  Tensor whole_;
  int64_t top_, bottom_, left_, right_;
  std::vector<std::byte> pixel_;
};

// Windows of packed bits, their pixels side by side without gaps; a window as large as the image flattens it.
class GatherBits : public Step {
 public:
  GatherBits(const Tensor& from, const Tensor& to, const Window& window) : from_(from), to_(to), window_(window) {}
  void run(const Memory& memory, int64_t threads) const override;

 private:
  Tensor from_, to_;
  Window window_;
};

// The OR of the bits of each window.
class PoolBits : public Step {
 public:
  PoolBits(const Tensor& from, const Tensor& to, const Window& window) : from_(from), to_(to), window_(window) {}
  void run(const Memory& memory, int64_t threads) const override;

 private:
  Tensor from_, to_;
  Window window_;
};

// The bits of two images side by side, pixel by pixel.
class ConcatBits : public Step {
 public:
  ConcatBits(const Tensor& first, const Tensor& second, const Tensor& to) : first_(first), second_(second), to_(to) {}
  void run(const Memory& memory, int64_t threads) const override;

 private:
  Tensor first_, second_, to_;
};

// The number of each pixel's greatest channel, the lowest of equals. `from` holds int64.
class ArgMax : public Step {
 public:
  ArgMax(const Tensor& from, const Tensor& to) : from_(from), to_(to) {}
  void run(const Memory& memory, int64_t threads) const override;

 private:
  Tensor from_, to_;
};

}  // namespace xnorflow
