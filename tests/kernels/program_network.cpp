// A network of every step and of most operations of a pass, on every kernel table against the reference, built by
// test_programs.py. The caller's arrays lie on the heap with no slack. Prints how many results were compared.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "dispatch.hpp"
#include "program.hpp"
#include "random_values.hpp"

using namespace xnorflow;

namespace {

struct Shape {
  int64_t frames, height, width, channels, mh, classes;

  int64_t half_h() const { return height / 2; }
  int64_t half_w() const { return width / 2; }
};

Shape random_shape() { return {between(1, 7), between(6, 12), between(6, 40), between(1, 140), between(1, 140), between(1, 70)}; }

// Places in the arena, one after the other.
class Arena {
 public:
  Tensor image(Element element, int64_t h, int64_t w, int64_t channels) {
    const int64_t pixel = element == Element::kBits ? words_for(channels) : channels;
    const Tensor t{element, bytes_, h, w, channels, 0, pixel, w * pixel, h * w * pixel};
    bytes_ += (t.frame * t.bytes() + 63) / 64 * 64;
    return t;
  }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_ = 0;
};

Tensor external(int64_t number, Element element, int64_t h, int64_t w, int64_t channels) {
  return {element, -1 - number, h, w, channels, 0, channels, w * channels, h * w * channels};
}

// What is inside a margin of one pixel.
Tensor inside(Tensor t) {
  t.origin += t.row + t.pixel, t.height -= 2, t.width -= 2;
  return t;
}

struct Constants {
  std::vector<int8_t> conv, dense;
  std::vector<int32_t> ints, border;
  std::vector<int64_t> first, mul, add, knee, levels, signs, table;
  std::vector<uint8_t> negate;
};

Constants random_constants(const Shape& s) {
  const int64_t c = s.channels;
  Constants out{signs(c * 9 * c), signs(s.classes * 2 * c * s.half_h() * s.half_w()), integers<int32_t>(s.mh * 9 * c, -9, 9), integers<int32_t>(4 * c, -9, 9),
                integers<int64_t>(c, 0, 255), integers<int64_t>(2 * c, -40, 40), integers<int64_t>(2 * c, -4000, 4000), integers<int64_t>(c, -90, 90),
                integers<int64_t>(3 * c, -20, 20), integers<int64_t>(c, -30, 30), integers<int64_t>(16 * c, 0, 200), integers<uint8_t>(c, 0, 1)};
  for (int64_t i = 0; i < c; ++i) std::sort(out.levels.begin() + 3 * i, out.levels.begin() + 3 * i + 3);
  return out;
}

// The outputs of all frames: a convolution's accumulators, the logits and their greatest.
using Results = std::vector<std::vector<int64_t>>;

class Network {
 public:
  Network(const KernelTable& table, const Shape& s, const Constants& k)
      : shape_(s), convolution_(table, k.conv, s.channels, {3, 3}, s.channels, border(s, k)),
        integers_(table, k.ints, s.mh, {3, 3}, s.channels, {}), dense_(table, k.dense, s.classes, {}, 2 * s.channels * s.half_h() * s.half_w(), {}),
        first_(k.first, k.negate), sign_(k.signs, k.negate) {
    Arena arena;
    const Element i16 = Element::kI16, bits = Element::kBits, i64 = Element::kI64;
    const int64_t h = s.height, w = s.width, c = s.channels, hh = s.half_h(), hw = s.half_w(), oh = hh - 2, ow = hw - 2;
    const Tensor pixels = external(0, Element::kU8, h, w, c), padded = arena.image(bits, h + 2, w + 2, c), skip = arena.image(i16, h, w, c);
    const Tensor sum = arena.image(i16, h, w, c), count = arena.image(Element::kU8, h, w, c), signs = arena.image(bits, h, w, c);
    const Tensor most = arena.image(i16, hh, hw, c), any = arena.image(bits, hh, hw, c), both = arena.image(bits, hh, hw, 2 * c);
    const Tensor factor = arena.image(Element::kU8, 1, 1, c), gated = arena.image(i16, hh, hw, c);
    const Tensor flat = arena.image(bits, 1, 1, 2 * c * hh * hw), logits = arena.image(i64, 1, 1, s.classes);
    program_ = std::make_unique<Program>(table, arena.bytes(), 2, std::vector<int64_t>{h * w * c, h * w * c, oh * ow * s.mh, s.classes, 1});
    Pass& input = program_->pass({h, w, c}, 2, false);
    input.load(pixels, 0);
    input.sign(0, first_, inside(padded));
    input.affine(0, k.mul, k.add, k.knee, {5, -1000, 1000, true}, 1);
    input.store(1, skip);
    program_->step(std::make_unique<Margins>(padded, 1, 1, 1, 1, std::vector<std::byte>(static_cast<size_t>(8 * padded.pixel))));
    Pass& residual = program_->pass({h, w, c}, 4, false);
    residual.xnor(padded, convolution_, 0);
    residual.load(skip, 1);
    residual.add(0, 1, {0, -1200, 1200, false}, 2);
    residual.store(2, sum);
    residual.sign(2, sign_, signs);
    residual.levels(2, k.levels, k.negate, -3, 2, 3);
    residual.store(3, external(1, i64, h, w, c));
    residual.store(3, count);
    Pass& pool = program_->pass({hh, hw, c}, 3, false);
    pool.pool(sum, {2, 2, 2, 2}, false, 0, std::vector<int64_t>{1, 2});
    pool.store(0, most);
    program_->step(std::make_unique<PoolBits>(signs, any, Window{2, 2, 2, 2}));
    program_->step(std::make_unique<ConcatBits>(any, any, both));
    Pass& squeeze = program_->pass({1, 1, c}, 4, false);
    squeeze.pool(most, {hh, hw}, true, 0, std::vector<int64_t>{1, 2});
    squeeze.look_up(0, k.table, 16, false, 3);
    squeeze.store(3, factor);
    Pass& gate = program_->pass({hh, hw, c}, 4, false);
    gate.load(most, 0);
    gate.gate(0, factor, {7, -2000, 2000, true}, 1, 2);
    gate.multiply(0, 1, {9, -3000, 3000, true}, 3);
    gate.store(3, gated);
    Pass& convolve = program_->pass({oh, ow, s.mh}, 1, false);
    convolve.integers(gated, integers_, 0);
    convolve.store(0, external(2, i64, oh, ow, s.mh));
    program_->step(std::make_unique<GatherBits>(both, flat, Window{hh, hw}));
    Pass& head = program_->pass({1, 1, s.classes}, 1, false);
    head.xnor(flat, dense_, 0);
    head.store(0, logits);
    head.store(0, external(3, i64, 1, 1, s.classes));
    program_->step(std::make_unique<ArgMax>(logits, external(4, i64, 1, 1, 1)));
  }

  Results run(const std::vector<uint8_t>& pixels, int64_t threads) const {
    Results results;
    std::vector<External> arrays{{reinterpret_cast<std::byte*>(const_cast<uint8_t*>(pixels.data())), Element::kU8}};
    const auto elements = program_->frame_elements();
    for (size_t i = 1; i < elements.size(); ++i) results.emplace_back(static_cast<size_t>(shape_.frames * elements[i]));
    for (auto& result : results) arrays.push_back({reinterpret_cast<std::byte*>(result.data()), Element::kI64});
    program_->run(arrays, shape_.frames, threads);
    return results;
  }

 private:
  static Border border(const Shape& s, const Constants& k) {
    Border out{std::vector<int32_t>(static_cast<size_t>(s.height), 1), std::vector<int32_t>(static_cast<size_t>(s.width), 1), k.border};
    out.row_class.front() = 0, out.col_class.back() = 0;
    return out;
  }

  Shape shape_;
  XnorLayer convolution_;
  IntLayer integers_;
  XnorLayer dense_;
  BitThreshold first_, sign_;
  std::unique_ptr<Program> program_;
};

}  // namespace

int main(int, char** arguments) {
  int64_t compared = 0;
  const int cases = std::atoi(arguments[1]);
  for (int i = 0; i < cases; ++i) {
    const Shape shape = random_shape();
    const Constants constants = random_constants(shape);
    const auto pixels = integers<uint8_t>(shape.frames * shape.height * shape.width * shape.channels, 0, 255);
    const Results expected = Network(select("reference"), shape, constants).run(pixels, 1);
    for (const auto& result : expected)
      if (result.size() > 16 && std::equal(result.begin() + 1, result.end(), result.begin())) {
        std::printf("network %d: an output is constant, so that equality would prove nothing\n", i);
        return 1;
      }
    for (const std::string& name : available()) {
      const Network network(select(name), shape, constants);
      for (const int64_t threads : {int64_t{1}, int64_t{3}}) {
        if (network.run(pixels, threads) != expected) {
          std::printf("network %d: %s on %d threads differs from the reference\n", i, name.c_str(), static_cast<int>(threads));
          return 1;
        }
        ++compared;
      }
    }
  }
  std::printf("%d results equal the reference\n", static_cast<int>(compared));
  return 0;
}
