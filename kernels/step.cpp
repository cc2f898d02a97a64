#include "step.hpp"

#include <algorithm>
#include <cstring>

#include "elementwise.hpp"
#include "pool.hpp"

namespace xnorflow {
namespace {

const uint64_t* words(const Memory& m, const Tensor& t, int64_t frame, int64_t y, int64_t x) {
  return reinterpret_cast<const uint64_t*>(m.at(t, frame, y, x, 0));
}

uint64_t* words_to(const Memory& m, const Tensor& t, int64_t frame, int64_t y, int64_t x) { return reinterpret_cast<uint64_t*>(m.at(t, frame, y, x, 0)); }

// Calls f(frame, y) for every row of every frame, on several threads where there is enough to do.
template <class F>
void each_row(const Memory& m, const Tensor& t, int64_t threads, const F& f) {
  parallel(m.frames * t.height, threads, [&](int64_t i) { f(i / t.height, i % t.height); });
}

}  // namespace

void Margins::run(const Memory& m, int64_t threads) const {
  const size_t size = pixel_.size();
  each_row(m, whole_, threads, [&](int64_t frame, int64_t y) {
    const bool inside = y >= top_ && y < whole_.height - bottom_;
    const int64_t left = inside ? left_ : whole_.width, right = inside ? whole_.width - right_ : whole_.width;
    for (int64_t x = 0; x < left; ++x) std::memcpy(m.at(whole_, frame, y, x, 0), pixel_.data(), size);
    for (int64_t x = right; x < whole_.width; ++x) std::memcpy(m.at(whole_, frame, y, x, 0), pixel_.data(), size);
  });
}

void GatherBits::run(const Memory& m, int64_t threads) const {
  const Geometry g{1, from_.height, from_.width, from_.pixel, window_};
  parallel(m.frames, threads, [&](int64_t frame) { gather_bits(g, words(m, from_, frame, 0, 0), from_.channels, words_to(m, to_, frame, 0, 0)); });
}

void PoolBits::run(const Memory& m, int64_t threads) const {
  const int64_t count = words_for(from_.channels);
  each_row(m, to_, threads, [&](int64_t frame, int64_t y) {
    for (int64_t x = 0; x < to_.width; ++x) {
      uint64_t* out = words_to(m, to_, frame, y, x);
      std::fill_n(out, count, uint64_t{0});
      for (int64_t i = 0; i < window_.kh; ++i)
        for (int64_t j = 0; j < window_.kw; ++j) {
          const uint64_t* pixel = words(m, from_, frame, y * window_.sh + i * window_.dh, x * window_.sw + j * window_.dw);
          for (int64_t w = 0; w < count; ++w) out[w] |= pixel[w];
        }
    }
  });
}

void ConcatBits::run(const Memory& m, int64_t threads) const {
  each_row(m, to_, threads, [&](int64_t frame, int64_t y) {
    for (int64_t x = 0; x < to_.width; ++x) {
      uint64_t* out = words_to(m, to_, frame, y, x);
      std::fill_n(out, words_for(to_.channels), uint64_t{0});
      int64_t to = 0;
      for (const Tensor* part : {&first_, &second_}) {
        const uint64_t* pixel = words(m, *part, frame, y, x);
        for (int64_t c = 0; c < part->channels; ++c, ++to) out[to / kWordBits] |= static_cast<uint64_t>(test_bit(pixel, c)) << to % kWordBits;
      }
    }
  });
}

void ArgMax::run(const Memory& m, int64_t threads) const {
  parallel(m.frames, threads, [&](int64_t frame) {
    const int64_t* x = reinterpret_cast<const int64_t*>(m.at(from_, frame, 0, 0, 0));
    *reinterpret_cast<int64_t*>(m.at(to_, frame, 0, 0, 0)) = std::max_element(x, x + from_.channels) - x;
  });
}

}  // namespace xnorflow
