// Every kernel table against the reference on random layers, built by test_programs.py. Arrays lie on the
// heap with no slack, so that a read or a write past their ends is reported. Prints how many results were compared.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "dispatch.hpp"
#include "images.hpp"
#include "layers.hpp"
#include "random_values.hpp"

using namespace xnorflow;

namespace {

std::vector<float> floats(int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  for (float& value : out) value = static_cast<float>(between(-8, 8)) * 0.37F;
  return out;
}

struct Case {
  Window window;
  int64_t n, h, w, channels, mh;
  Border border, depthwise_border;

  Geometry geometry(int64_t pixel) const { return {n, h, w, pixel, window}; }
};

Case random_case() {
  Case c;
  c.window = {between(1, 4), between(1, 4), between(1, 3), between(1, 3), between(1, 3), between(1, 3)};
  c.n = between(1, 3);
  c.h = (c.window.kh - 1) * c.window.dh + between(1, 5);
  c.w = (c.window.kw - 1) * c.window.dw + between(1, 12);
  c.channels = between(0, 1) != 0 ? between(1, 200) : 64;
  c.mh = between(1, 140);
  const Geometry g = c.geometry(1);
  if (between(0, 1) != 0) {
    c.border = {integers<int32_t>(g.out_h(), 1, 1), integers<int32_t>(g.out_w(), 0, 0), integers<int32_t>(2 * c.mh, -50, 50)};
    c.depthwise_border = {integers<int32_t>(g.out_h(), 0, 0), integers<int32_t>(g.out_w(), 0, 1), integers<int32_t>(2 * c.channels, -9, 9)};
    c.depthwise_border.col_class.back() = 1;
  }
  return c;
}

struct Result {
  std::vector<uint64_t> packed, bits, int_bits, own_bits;
  std::vector<int32_t> acc, int_acc, own_acc;
  std::vector<float> scaled;

  bool operator==(const Result&) const = default;
};

struct Inputs {
  std::vector<float> images, scale, bias;
  std::vector<uint8_t> bytes;
  std::vector<int8_t> weights;
  std::vector<int32_t> int_weights;
  std::vector<int64_t> thresholds, own_thresholds;
  std::vector<uint8_t> negate, own_negate;
  bool channels_last;
};

Inputs random_inputs(const Case& c) {
  const int64_t pixels = c.n * c.h * c.w * c.channels, columns = c.window.kh * c.window.kw * c.channels;
  const int64_t most = between(0, 1) != 0 ? 127 : 70000;
  return {floats(pixels), floats(c.mh), floats(c.mh), integers<uint8_t>(pixels, 0, 255), signs(c.mh * columns),
          integers<int32_t>(c.mh * columns, -most, most), integers<int64_t>(c.mh, -40, 40), integers<int64_t>(c.channels, -9, 9),
          integers<uint8_t>(c.mh, 0, 1), integers<uint8_t>(c.channels, 0, 1), between(0, 1) != 0};
}

Place dense(const Geometry& g, void* out, int64_t pixel) { return {out, pixel, pixel * g.out_w(), pixel * g.out_w() * g.out_h()}; }

// On the packed images, with the first of the weights.
void compute_depthwise(const KernelTable& table, const Case& c, const Inputs& in, const Geometry& g, int64_t threads, Result& r) {
  const std::span<const int8_t> weights(in.weights.data(), static_cast<size_t>(c.channels * c.window.kh * c.window.kw));
  const XnorLayer layer(table, weights, c.channels, c.window, c.channels, c.depthwise_border, Reach::kDepthwise);
  r.own_acc.resize(static_cast<size_t>(g.windows() * c.channels));
  r.own_bits.resize(static_cast<size_t>(g.windows() * words_for(c.channels)));
  layer.run(g, r.packed.data(), layer.accumulators(), dense(g, r.own_acc.data(), c.channels), threads);
  layer.run(g, r.packed.data(), layer.bits(BitThreshold(in.own_thresholds, in.own_negate)), dense(g, r.own_bits.data(), words_for(c.channels)), threads);
}

Result compute(const KernelTable& table, const Case& c, const Inputs& in, int64_t threads) {
  Result r;
  const int64_t words = words_for(c.channels);
  r.packed.resize(static_cast<size_t>(c.n * c.h * c.w * words));
  const int64_t plane = c.h * c.w, image = plane * c.channels;
  const Images<float> x = in.channels_last ? Images<float>{in.images.data(), c.n, c.channels, c.h, c.w, image, 1, c.w * c.channels, c.channels}
                                           : Images<float>{in.images.data(), c.n, c.channels, c.h, c.w, image, plane, c.w, 1};
  pack_images(table, x, 0.0F, Margin{0, 0, 0, 0, false}, r.packed.data(), threads);
  const XnorLayer layer(table, in.weights, c.mh, c.window, c.channels, c.border);
  const Geometry g = c.geometry(words);
  const int64_t outputs = g.windows() * c.mh, depth = words_for(c.mh);
  const BitThreshold threshold(in.thresholds, in.negate);
  r.acc.resize(static_cast<size_t>(outputs));
  r.scaled.resize(static_cast<size_t>(outputs));
  r.bits.resize(static_cast<size_t>(g.windows() * depth));
  layer.run(g, r.packed.data(), layer.accumulators(), dense(g, r.acc.data(), c.mh), threads);
  layer.run(g, r.packed.data(), layer.floats(in.scale, in.bias), dense(g, r.scaled.data(), c.mh), threads);
  layer.run(g, r.packed.data(), layer.bits(threshold), dense(g, r.bits.data(), depth), threads);
  compute_depthwise(table, c, in, g, threads, r);
  const IntLayer whole(table, in.int_weights, c.mh, c.window, c.channels, c.border);
  r.int_acc.resize(static_cast<size_t>(outputs));
  r.int_bits.resize(r.bits.size());
  whole.accumulate(c.geometry(c.channels), in.bytes.data(), r.int_acc.data(), threads);
  whole.bits(c.geometry(c.channels), in.bytes.data(), threshold, r.int_bits.data(), threads);
  return r;
}

}  // namespace

int main(int, char** arguments) {
  int64_t compared = 0;
  const int cases = std::atoi(arguments[1]);
  for (int i = 0; i < cases; ++i) {
    const Case c = random_case();
    const Inputs in = random_inputs(c);
    const Result expected = compute(select("reference"), c, in, 1);
    for (const std::string& name : available())
      for (const int64_t threads : {int64_t{1}, int64_t{3}}) {
        if (!(compute(select(name), c, in, threads) == expected)) {
          std::printf("case %d: %s on %d threads differs from the reference\n", i, name.c_str(), static_cast<int>(threads));
          return 1;
        }
        ++compared;
      }
  }
  std::printf("%d results equal the reference\n", static_cast<int>(compared));
  return 0;
}
