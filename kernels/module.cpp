// Binding of the CPU kernels: checks shapes and types, releases the GIL, calls. Arrays are C-contiguous and are never
// converted or copied here; outputs are the caller's.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <string>
#include <utility>

#include "dispatch.hpp"
#include "elementwise.hpp"
#include "error.hpp"
#include "layers.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace xnorflow {
namespace {

template <class T, int Dims>
using Array = nb::ndarray<T, nb::numpy, nb::ndim<Dims>, nb::c_contig, nb::device::cpu>;
template <class T, int Dims>
using In = Array<const T, Dims>;

using Pair = std::pair<int64_t, int64_t>;

constexpr int64_t kMaxThreads = 1024;

void require(bool ok, const std::string& what) {
  if (!ok) throw InputError(what);
}

template <class A>
int64_t size(const A& array, size_t axis) {
  return static_cast<int64_t>(array.shape(axis));
}

template <class T, class A>
std::span<const T> elements(const A& array) {
  return {array.data(), array.size()};
}

template <class A>
std::string shape(const A& array) {
  std::string text = "(";
  for (size_t d = 0; d < array.ndim(); ++d) text += (d == 0 ? "" : ", ") + std::to_string(array.shape(d));
  return text + ")";
}

template <class A>
void require_shape(const A& array, const std::vector<int64_t>& expected, const std::string& what) {
  bool same = true;
  std::string text;
  for (size_t d = 0; d < expected.size(); ++d) {
    same &= size(array, d) == expected[d];
    text += (d == 0 ? "" : ", ") + std::to_string(expected[d]);
  }
  require(same, what + " has shape " + shape(array) + "; (" + text + ") is accepted");
}

Window make_window(Pair kernel, Pair stride, Pair dilation) {
  require(std::min({kernel.first, kernel.second, stride.first, stride.second, dilation.first, dilation.second}) >= 1,
          "kernel, stride and dilation must be positive");
  return {kernel.first, kernel.second, stride.first, stride.second, dilation.first, dilation.second};
}

template <class A>
Geometry geometry(const A& x, const Window& window, int64_t pixel) {
  const Geometry g{size(x, 0), size(x, 1), size(x, 2), pixel, window};
  require_shape(x, {g.n, g.h, g.w, pixel}, "image");
  require(g.fits(), "the window does not fit an image of shape " + shape(x));
  return g;
}

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
                    const In<int32_t, 1>& rows, const In<int32_t, 1>& columns, const In<int32_t, 3>& table) {
  const Window window = make_window(kernel, stride, dilation);
  check_weights(weights, window, channels);
  const auto values = elements<int8_t>(weights);
  require(std::all_of(values.begin(), values.end(), [](int8_t v) { return v == 1 || v == -1; }), "a bipolar weight is neither -1 nor +1");
  return {select(isa), values, size(weights, 0), window, channels, make_border(size(weights, 0), rows, columns, table)};
}

IntLayer make_int(const std::string& isa, const In<int32_t, 2>& weights, int64_t channels, Pair kernel, Pair stride, Pair dilation,
                  const In<int32_t, 1>& rows, const In<int32_t, 1>& columns, const In<int32_t, 3>& table) {
  const Window window = make_window(kernel, stride, dilation);
  check_weights(weights, window, channels);
  return {select(isa), elements<int32_t>(weights), size(weights, 0), window, channels, make_border(size(weights, 0), rows, columns, table)};
}

// Packed images have words for pixels, others channels.
template <class T>
constexpr bool kPacked = std::is_same_v<T, uint64_t>;

// The geometry of images for a layer whose output is (n, oh, ow, depth).
template <class L, class T, class Out>
Geometry check_call(const L& layer, const In<T, 4>& x, const Out& out, int64_t depth, int64_t threads) {
  const Geometry g = geometry(x, layer.window(), kPacked<T> ? words_for(layer.channels()) : layer.channels());
  check_layer(layer, g);
  require_shape(out, {g.n, g.out_h(), g.out_w(), depth}, "output");
  require(threads >= 1 && threads <= kMaxThreads, std::to_string(threads) + " threads were asked for; 1 to " + std::to_string(kMaxThreads) + " are accepted");
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

void xnor_accumulate(const XnorLayer& layer, const In<uint64_t, 4>& x, const Array<int32_t, 4>& out, int64_t threads) {
  const Geometry g = check_call(layer, x, out, layer.mh(), threads);
  const nb::gil_scoped_release release;
  layer.run(g, x.data(), layer.accumulators(), whole(out), threads);
}

void xnor_bits(const XnorLayer& layer, const In<uint64_t, 4>& x, const BitThreshold& threshold, const Array<uint64_t, 4>& out, int64_t threads) {
  check_threshold(layer, threshold);
  const Geometry g = check_call(layer, x, out, words_for(layer.mh()), threads);
  const nb::gil_scoped_release release;
  layer.run(g, x.data(), layer.bits(threshold), whole(out), threads);
}

void xnor_floats(const XnorLayer& layer, const In<uint64_t, 4>& x, const In<float, 1>& scale, const In<float, 1>& bias, const Array<float, 4>& out,
                 int64_t threads) {
  require_shape(scale, {layer.mh()}, "scale");
  require_shape(bias, {layer.mh()}, "bias");
  const Geometry g = check_call(layer, x, out, layer.mh(), threads);
  const nb::gil_scoped_release release;
  layer.run(g, x.data(), layer.floats(elements<float>(scale), elements<float>(bias)), whole(out), threads);
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

template <class L, class F>
nb::class_<L> bind_layer(nb::module_& m, const char* name, F make) {
  return nb::class_<L>(m, name).def(nb::new_(std::move(make)), "isa"_a, "weights"_a.noconvert(), "channels"_a, "kernel"_a, "stride"_a, "dilation"_a,
                                    "row_class"_a.noconvert(), "col_class"_a.noconvert(), "border"_a.noconvert());
}

void bind_layers(nb::module_& m) {
  nb::class_<BitThreshold>(m, "BitThreshold")
      .def(nb::new_([](const In<int64_t, 1>& thresholds, const In<uint8_t, 1>& negate) {
             require_shape(negate, {size(thresholds, 0)}, "negate");
             return BitThreshold(elements<int64_t>(thresholds), elements<uint8_t>(negate));
           }),
           "thresholds"_a.noconvert(), "negate"_a.noconvert());
  auto xnor = bind_layer<XnorLayer>(m, "XnorLayer", make_xnor);
  xnor.def("accumulate", xnor_accumulate, "x"_a.noconvert(), "out"_a.noconvert(), "threads"_a);
  xnor.def("bits", xnor_bits, "x"_a.noconvert(), "threshold"_a, "out"_a.noconvert(), "threads"_a);
  xnor.def("floats", xnor_floats, "x"_a.noconvert(), "scale"_a.noconvert(), "bias"_a.noconvert(), "out"_a.noconvert(), "threads"_a);
  auto integer = bind_layer<IntLayer>(m, "IntLayer", make_int);
  bind_layer_inputs<uint8_t>(integer);
  bind_layer_inputs<int8_t>(integer);
  bind_layer_inputs<int16_t>(integer);
  bind_layer_inputs<int32_t>(integer);
  bind_layer_inputs<int64_t>(integer);
  bind_layer_inputs<uint64_t>(integer);
}

void bind_bits(nb::module_& m) {
  m.def("unpack", [](const In<uint64_t, 2>& words, const Array<int8_t, 2>& out) {
    require_shape(words, {size(out, 0), words_for(size(out, 1))}, "packed array");
    const nb::gil_scoped_release release;
    unpack(words.data(), size(out, 0), size(out, 1), out.data());
  }, "words"_a.noconvert(), "out"_a.noconvert());
  m.def("gather_bits", [](const In<uint64_t, 4>& x, int64_t channels, Pair kernel, Pair stride, Pair dilation, const Array<uint64_t, 4>& out) {
    const Geometry g = geometry(x, make_window(kernel, stride, dilation), words_for(channels));
    require_shape(out, {g.n, g.out_h(), g.out_w(), words_for(kernel.first * kernel.second * channels)}, "output");
    const nb::gil_scoped_release release;
    gather_bits(g, x.data(), channels, out.data());
  }, "x"_a.noconvert(), "channels"_a, "kernel"_a, "stride"_a, "dilation"_a, "out"_a.noconvert());
}

template <class T>
void bind_pool(nb::module_& m) {
  m.def("max_pool", [](const In<T, 4>& x, Pair kernel, Pair stride, Pair dilation, const Array<T, 4>& out) {
    const Geometry g = geometry(x, make_window(kernel, stride, dilation), size(x, 3));
    require_shape(out, {g.n, g.out_h(), g.out_w(), g.pixel}, "output");
    const nb::gil_scoped_release release;
    if constexpr (kPacked<T>) {
      max_pool_bits(g, x.data(), out.data());
    } else {
      max_pool(g, x.data(), out.data());
    }
  }, "x"_a.noconvert(), "kernel"_a, "stride"_a, "dilation"_a, "out"_a.noconvert());
}

template <class T>
void bind_elementwise(nb::module_& m) {
  m.def("threshold", [](const In<T, 2>& x, const In<int64_t, 2>& thresholds, const In<uint8_t, 1>& negate, int64_t base, int64_t step,
                        const Array<int64_t, 2>& out) {
    require_shape(thresholds, {size(x, 1), size(thresholds, 1)}, "threshold array");
    require_shape(negate, {size(x, 1)}, "negate");
    require_shape(out, {size(x, 0), size(x, 1)}, "output");
    const nb::gil_scoped_release release;
    threshold(x.data(), size(x, 0), size(x, 1), thresholds.data(), size(thresholds, 1), negate.data(), base, step, out.data());
  }, "x"_a.noconvert(), "thresholds"_a.noconvert(), "negate"_a.noconvert(), "base"_a, "step"_a, "out"_a.noconvert());
  m.def("look_up", [](const In<T, 2>& x, const In<int64_t, 2>& values, const Array<int64_t, 2>& out) {
    const int64_t rows = size(values, 0), entries = size(values, 1);
    require((rows == 1 || rows == size(x, 1)) && entries >= 1 && (entries & (entries - 1)) == 0,
            "table " + shape(values) + " is neither one nor " + std::to_string(size(x, 1)) + " rows of a power of two");
    require_shape(out, {size(x, 0), size(x, 1)}, "output");
    const nb::gil_scoped_release release;
    look_up(x.data(), size(x, 0), size(x, 1), values.data(), entries, rows == 1, out.data());
  }, "x"_a.noconvert(), "values"_a.noconvert(), "out"_a.noconvert());
  m.def("sum_pixels", [](const In<T, 3>& x, const Array<int64_t, 2>& out) {
    require_shape(out, {size(x, 0), size(x, 2)}, "output");
    const nb::gil_scoped_release release;
    sum_pixels(x.data(), size(x, 0), size(x, 1), size(x, 2), out.data());
  }, "x"_a.noconvert(), "out"_a.noconvert());
  m.def("add", [](const In<T, 1>& a, const In<T, 1>& b, int64_t low, int64_t high, const Array<int64_t, 1>& out) {
    require_shape(b, {size(a, 0)}, "second array");
    require_shape(out, {size(a, 0)}, "output");
    require(low <= high, "limits " + std::to_string(low) + " and " + std::to_string(high) + " do not ascend");
    const nb::gil_scoped_release release;
    add(a.data(), b.data(), size(a, 0), {low, high}, out.data());
  }, "a"_a.noconvert(), "b"_a.noconvert(), "low"_a, "high"_a, "out"_a.noconvert());
  m.def("multiply", [](const In<T, 1>& a, const In<T, 1>& b, int64_t shift, int64_t low, int64_t high, const Array<int64_t, 1>& out) {
    require_shape(b, {size(a, 0)}, "second array");
    require_shape(out, {size(a, 0)}, "output");
    require(shift >= 0 && shift < 64, "shift " + std::to_string(shift) + " is outside 0..63");
    require(low <= high, "limits " + std::to_string(low) + " and " + std::to_string(high) + " do not ascend");
    const nb::gil_scoped_release release;
    multiply(a.data(), b.data(), size(a, 0), shift, {low, high}, out.data());
  }, "a"_a.noconvert(), "b"_a.noconvert(), "shift"_a, "low"_a, "high"_a, "out"_a.noconvert());
  m.def("affine", [](const In<T, 2>& x, const In<int64_t, 2>& mul, const In<int64_t, 2>& add, const In<int64_t, 1>& knee, int64_t shift,
                     int64_t low, int64_t high, const Array<int64_t, 2>& out) {
    const int64_t pieces = size(mul, 1);
    require(pieces == 1 || pieces == 2, std::to_string(pieces) + " pieces a channel; 1 and 2 are accepted");
    require(shift >= 0 && shift < 64, "shift " + std::to_string(shift) + " is outside 0..63");
    require(low <= high, "limits " + std::to_string(low) + " and " + std::to_string(high) + " do not ascend");
    require_shape(mul, {size(x, 1), pieces}, "mul");
    require_shape(add, {size(x, 1), pieces}, "add");
    require_shape(knee, {pieces == 2 ? size(x, 1) : 0}, "knee");
    require_shape(out, {size(x, 0), size(x, 1)}, "output");
    const nb::gil_scoped_release release;
    affine(x.data(), size(x, 0), size(x, 1), mul.data(), add.data(), knee.data(), pieces, shift, {low, high}, out.data());
  }, "x"_a.noconvert(), "mul"_a.noconvert(), "add"_a.noconvert(), "knee"_a.noconvert(), "shift"_a, "low"_a, "high"_a, "out"_a.noconvert());
  m.def("arg_max", [](const In<T, 2>& x, const Array<int64_t, 1>& out) {
    require(x.shape(1) >= 1, "argmax of no channels");
    require_shape(out, {size(x, 0)}, "output");
    const nb::gil_scoped_release release;
    arg_max(x.data(), size(x, 0), size(x, 1), out.data());
  }, "x"_a.noconvert(), "out"_a.noconvert());
}

template <class T>
void bind_pack(nb::module_& m) {
  m.def("pack", [](const In<T, 2>& values, const Array<uint64_t, 2>& out) {
    require_shape(out, {size(values, 0), words_for(size(values, 1))}, "packed array");
    const nb::gil_scoped_release release;
    pack(values.data(), size(values, 0), size(values, 1), out.data());
  }, "values"_a.noconvert(), "out"_a.noconvert());
}

template <class T>
void bind_sign(nb::module_& m) {
  m.def("sign_bits", [](const std::string& isa, const In<T, 2>& x, const BitThreshold& threshold, const Array<uint64_t, 2>& out) {
    require(threshold.channels() >= 1, "there are no thresholds");
    require_shape(x, {size(x, 0), threshold.channels()}, "array");
    require_shape(out, {size(x, 0), words_for(threshold.channels())}, "packed array");
    const KernelTable& table = select(isa);
    const nb::gil_scoped_release release;
    sign_bits(table, x.data(), size(x, 0), threshold, out.data());
  }, "isa"_a, "x"_a.noconvert(), "threshold"_a, "out"_a.noconvert());
}

// InputError is the caller's mistake: it becomes the error type that the command line prints in one line.
void translate_errors() {
  nb::register_exception_translator([](const std::exception_ptr& error, void*) {
    try {
      std::rethrow_exception(error);
    } catch (const InputError& input) {
      const nb::object type = nb::module_::import_("xnorflow.errors").attr("BadInputError");
      PyErr_SetString(type.ptr(), input.what());
    }
  });
}

}  // namespace
}  // namespace xnorflow

NB_MODULE(_kernels, m) {
  using namespace xnorflow;
  m.doc() = "Packed binary kernels of xnorflow; xnorflow.kernels is their face.";
  translate_errors();
  m.def("available", &available);
  m.def("resolve", [](const std::string& isa) { return std::string(select(isa).name); }, "isa"_a);
  bind_layers(m);
  bind_bits(m);
  bind_pack<int8_t>(m);
  bind_pack<int16_t>(m);
  bind_pack<int32_t>(m);
  bind_pack<int64_t>(m);
  bind_sign<uint8_t>(m);
  bind_sign<int8_t>(m);
  bind_sign<int16_t>(m);
  bind_sign<int32_t>(m);
  bind_pool<uint64_t>(m);
  bind_pool<uint8_t>(m);
  bind_pool<int8_t>(m);
  bind_pool<int16_t>(m);
  bind_pool<int32_t>(m);
  bind_pool<int64_t>(m);
  bind_elementwise<uint8_t>(m);
  bind_elementwise<int8_t>(m);
  bind_elementwise<int16_t>(m);
  bind_elementwise<int32_t>(m);
  bind_elementwise<int64_t>(m);
}
