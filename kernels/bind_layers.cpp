// Binding of the layers: weights in, then images to numbers or bits.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding.hpp"
#include "dispatch.hpp"
#include "layers.hpp"

namespace xnorflow {
namespace {

Border make_border(int64_t mh, const In<int32_t, 1>& rows, const In<int32_t, 1>& columns, const In<int32_t, 3>& table) {
  Border border{{rows.data(), rows.data() + rows.size()},
                {columns.data(), columns.data() + columns.size()},
                {table.data(), table.data() + table.size()}};
  if (border.table.empty()) return border;
  const auto inside = [](const std::vector<int32_t>& classes, int64_t count) {
    return !classes.empty() && std::all_of(classes.begin(), classes.end(), [=](int32_t c) { return c >= 0 && c < count; }) &&
           *std::max_element(classes.begin(), classes.end()) + 1 == count;
  };
  require(size(table, 2) == mh && inside(border.row_class, size(table, 0)) && inside(border.col_class, size(table, 1)),
          "border table of shape " + shape(table) + " does not fit its classes and " + std::to_string(mh) + " rows of weights");
  return border;
}

void check_layer(const Layer& layer, const Geometry& g) {
  const Border& border = layer.border();
  const bool fits = static_cast<int64_t>(border.row_class.size()) == g.out_h() && static_cast<int64_t>(border.col_class.size()) == g.out_w();
  require(border.table.empty() || fits, "border classes do not fit an output of " + std::to_string(g.out_h()) + "x" + std::to_string(g.out_w()));
}

template <class A>
void check_weights(const A& weights, const Window& window, int64_t channels) {
  require(channels >= 1, "channels must be positive, not " + std::to_string(channels));
  require(weights.shape(0) >= 1, "weights have no rows");
  require_shape(weights, {size(weights, 0), window.kh * window.kw * channels}, "weight matrix");
}

XnorLayer make_xnor(const std::string& isa, const In<int8_t, 2>& weights, int64_t channels, Pair kernel, Pair stride, Pair dilation,
                    const In<int32_t, 1>& rows, const In<int32_t, 1>& columns, const In<int32_t, 3>& table, bool depthwise) {
  const Window window = make_window(kernel, stride, dilation);
  check_weights(weights, window, depthwise ? 1 : channels);
  require(!depthwise || size(weights, 0) == channels, "a depthwise layer of " + std::to_string(channels) + " channels has " + std::to_string(size(weights, 0)) + " rows of weights");
  require(!depthwise || size(weights, 1) <= kMostTaps, "a depthwise kernel has " + std::to_string(size(weights, 1)) + " taps; " + std::to_string(kMostTaps) + " are accepted");
  const auto values = elements<int8_t>(weights);
  require(std::all_of(values.begin(), values.end(), [](int8_t v) { return v == 1 || v == -1; }), "a bipolar weight is neither -1 nor +1");
  return {select(isa), values, size(weights, 0), window, channels, make_border(size(weights, 0), rows, columns, table),
          depthwise ? Reach::kDepthwise : Reach::kAll};
}

IntLayer make_int(const std::string& isa, const In<int32_t, 2>& weights, int64_t channels, Pair kernel, Pair stride, Pair dilation,
                  const In<int32_t, 1>& rows, const In<int32_t, 1>& columns, const In<int32_t, 3>& table) {
  const Window window = make_window(kernel, stride, dilation);
  check_weights(weights, window, channels);
  return {select(isa), elements<int32_t>(weights), size(weights, 0), window, channels, make_border(size(weights, 0), rows, columns, table)};
}

// The geometry of images for a layer whose output is (n, oh, ow, depth).
template <class L, class T, class Out>
Geometry check_call(const L& layer, const In<T, 4>& x, const Out& out, int64_t depth, int64_t threads) {
  const Geometry g = geometry(x, layer.window(), kPacked<T> ? words_for(layer.channels()) : layer.channels());
  check_layer(layer, g);
  require_shape(out, {g.n, g.out_h(), g.out_w(), depth}, "output");
  check_threads(threads);
  return g;
}

template <class L>
void check_threshold(const L& layer, const BitThreshold& threshold) {
  require(threshold.channels() == layer.mh(),
          std::to_string(threshold.channels()) + " thresholds do not fit " + std::to_string(layer.mh()) + " channels");
}

template <class T>
Place whole(const Array<T, 4>& out) {
  const int64_t pixel = size(out, 3), row = pixel * size(out, 2);
  return {out.data(), pixel, row, row * size(out, 1)};
}

XnorSink bits_sink(const XnorLayer& layer, const BitThreshold& threshold) {
  check_threshold(layer, threshold);
  return layer.bits(threshold);
}

XnorSink float_sink(const XnorLayer& layer, const In<float, 1>& scale, const In<float, 1>& bias) {
  require_shape(scale, {layer.mh()}, "scale");
  require_shape(bias, {layer.mh()}, "bias");
  return layer.floats(elements<float>(scale), elements<float>(bias));
}

template <class T, Output O>
void xnor_run(const XnorLayer& layer, const In<uint64_t, 4>& x, const XnorSink& sink, const Array<T, 4>& out, int64_t threads) {
  require(sink.output() == O && sink.channels() == layer.mh() && sink.classes() == layer.border_classes(), "the outputs were prepared for another layer or type");
  const Geometry g = check_call(layer, x, out, O == Output::kBits ? words_for(layer.mh()) : layer.mh(), threads);
  const nb::gil_scoped_release release;
  layer.run(g, x.data(), sink, whole(out), threads);
}

template <class T>
void int_accumulate(const IntLayer& layer, const In<T, 4>& x, const Array<int32_t, 4>& out, int64_t threads) {
  const Geometry g = check_call(layer, x, out, layer.mh(), threads);
  const nb::gil_scoped_release release;
  layer.accumulate(g, x.data(), out.data(), threads);
}

template <class T>
void int_bits(const IntLayer& layer, const In<T, 4>& x, const BitThreshold& threshold, const Array<uint64_t, 4>& out, int64_t threads) {
  check_threshold(layer, threshold);
  const Geometry g = check_call(layer, x, out, words_for(layer.mh()), threads);
  const nb::gil_scoped_release release;
  layer.bits(g, x.data(), threshold, out.data(), threads);
}

template <class T>
void bind_layer_inputs(nb::class_<IntLayer>& layer) {
  layer.def("accumulate", int_accumulate<T>, "x"_a.noconvert(), "out"_a.noconvert(), "threads"_a);
  layer.def("bits", int_bits<T>, "x"_a.noconvert(), "threshold"_a, "out"_a.noconvert(), "threads"_a);
}

template <class L, class F, class... Arg>
nb::class_<L> bind_layer(nb::module_& m, const char* name, F make, Arg... more) {
  return nb::class_<L>(m, name).def(nb::new_(std::move(make)), "isa"_a, "weights"_a.noconvert(), "channels"_a, "kernel"_a, "stride"_a, "dilation"_a,
                                    "row_class"_a.noconvert(), "col_class"_a.noconvert(), "border"_a.noconvert(), more...);
}

}  // namespace

void bind_layers(nb::module_& m) {
  nb::class_<BitThreshold>(m, "BitThreshold")
      .def(nb::new_([](const In<int64_t, 1>& thresholds, const In<uint8_t, 1>& negate) {
             require_shape(negate, {size(thresholds, 0)}, "negate");
             return BitThreshold(elements<int64_t>(thresholds), elements<uint8_t>(negate));
           }),
           "thresholds"_a.noconvert(), "negate"_a.noconvert());
  nb::class_<XnorSink>(m, "XnorSink");
  auto xnor = bind_layer<XnorLayer>(m, "XnorLayer", make_xnor, "depthwise"_a);
  xnor.def("accumulators", &XnorLayer::accumulators);
  xnor.def("bits", bits_sink, "threshold"_a);
  xnor.def("floats", float_sink, "scale"_a.noconvert(), "bias"_a.noconvert());
  xnor.def("run", xnor_run<int32_t, Output::kInt32>, "x"_a.noconvert(), "sink"_a, "out"_a.noconvert(), "threads"_a);
  xnor.def("run", xnor_run<uint64_t, Output::kBits>, "x"_a.noconvert(), "sink"_a, "out"_a.noconvert(), "threads"_a);
  xnor.def("run", xnor_run<float, Output::kFloat>, "x"_a.noconvert(), "sink"_a, "out"_a.noconvert(), "threads"_a);
  auto integer = bind_layer<IntLayer>(m, "IntLayer", make_int);
  bind_layer_inputs<uint8_t>(integer);
  bind_layer_inputs<int8_t>(integer);
  bind_layer_inputs<int16_t>(integer);
  bind_layer_inputs<int32_t>(integer);
  bind_layer_inputs<int64_t>(integer);
  bind_layer_inputs<uint64_t>(integer);
}

}  // namespace xnorflow
