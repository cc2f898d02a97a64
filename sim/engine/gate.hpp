// Random stalls: bursts, thin traffic and pauses, drawn from a seed.
#pragma once

#include <array>
#include <cstdint>

namespace xf {

// xorshift64: enough for stall patterns, and the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2654435761u + 88172645463325252ull) {
    if (state_ == 0) state_ = 1;
  }
  uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<uint32_t>(state_ >> 16);
  }

 private:
  uint64_t state_;
};

// Says in each cycle whether its side takes part. Draws for a stretch of cycles one of four densities.
class Gate {
 public:
  Gate(bool stalls, uint64_t seed) : stalls_(stalls), random_(seed) {}
  bool open() {
    if (!stalls_) return true;
    if (left_ == 0) {
      density_ = kDensities[random_.next() % kDensities.size()];
      left_ = 1 + random_.next() % (density_ == 0 ? 64 : 200);
    }
    --left_;
    return (random_.next() & 255u) < density_;
  }
  uint8_t garbage() { return static_cast<uint8_t>(random_.next()); }
  bool stalls() const { return stalls_; }

 private:
  static constexpr std::array<uint32_t, 4> kDensities{256, 128, 40, 0};
  bool stalls_;
  Random random_;
  uint32_t density_ = 256;
  uint32_t left_ = 0;
};

}  // namespace xf
