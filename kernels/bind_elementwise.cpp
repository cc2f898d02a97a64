// Binding of the functions on arrays of numbers and on packed words.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding.hpp"
#include "dispatch.hpp"
#include "elementwise.hpp"
#include "layers.hpp"

namespace xnorflow {
namespace {

void require_limits(int64_t low, int64_t high) {
  require(low <= high, "limits " + std::to_string(low) + " and " + std::to_string(high) + " do not ascend");
}

void require_product(int64_t shift, int64_t low, int64_t high) {
  require(shift >= 0 && shift < 64, "shift " + std::to_string(shift) + " is outside 0..63");
  require_limits(low, high);
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
void bind_numbers(nb::module_& m) {
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
    require_limits(low, high);
    const nb::gil_scoped_release release;
    add(a.data(), b.data(), size(a, 0), {low, high}, out.data());
  }, "a"_a.noconvert(), "b"_a.noconvert(), "low"_a, "high"_a, "out"_a.noconvert());
  m.def("multiply", [](const In<T, 1>& a, const In<T, 1>& b, int64_t shift, int64_t low, int64_t high, const Array<int64_t, 1>& out) {
    require_shape(b, {size(a, 0)}, "second array");
    require_shape(out, {size(a, 0)}, "output");
    require_product(shift, low, high);
    const nb::gil_scoped_release release;
    multiply(a.data(), b.data(), size(a, 0), shift, {low, high}, out.data());
  }, "a"_a.noconvert(), "b"_a.noconvert(), "shift"_a, "low"_a, "high"_a, "out"_a.noconvert());
  m.def("gate", [](const In<T, 3>& x, const In<T, 2>& factors, int64_t shift, int64_t low, int64_t high, const Array<int64_t, 3>& out) {
    require_shape(factors, {size(x, 0), size(x, 2)}, "gate");
    require_shape(out, {size(x, 0), size(x, 1), size(x, 2)}, "output");
    require_product(shift, low, high);
    const nb::gil_scoped_release release;
    gate(x.data(), factors.data(), size(x, 0), size(x, 1), size(x, 2), shift, {low, high}, out.data());
  }, "x"_a.noconvert(), "factors"_a.noconvert(), "shift"_a, "low"_a, "high"_a, "out"_a.noconvert());
  m.def("affine", [](const In<T, 2>& x, const In<int64_t, 2>& mul, const In<int64_t, 2>& add, const In<int64_t, 1>& knee, int64_t shift,
                     int64_t low, int64_t high, const Array<int64_t, 2>& out) {
    const int64_t pieces = size(mul, 1);
    require(pieces == 1 || pieces == 2, std::to_string(pieces) + " pieces a channel; 1 and 2 are accepted");
    require_product(shift, low, high);
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

}  // namespace

void bind_elementwise(nb::module_& m) {
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
  bind_numbers<uint8_t>(m);
  bind_numbers<int8_t>(m);
  bind_numbers<int16_t>(m);
  bind_numbers<int32_t>(m);
  bind_numbers<int64_t>(m);
}

}  // namespace xnorflow
