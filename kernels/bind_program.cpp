// Binding of programs: Python lists the steps once; a call checks the caller's arrays and runs them all.
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding.hpp"
#include "dispatch.hpp"
#include "program.hpp"

namespace xnorflow {
namespace {

using AnyArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using Outputs = std::vector<nb::ndarray<int64_t, nb::c_contig, nb::device::cpu>>;

Element element_of(const AnyArray& array) {
  const auto type = array.dtype();
  const bool known = type.lanes == 1 && (type.code == static_cast<uint8_t>(nb::dlpack::dtype_code::Int) || type.code == static_cast<uint8_t>(nb::dlpack::dtype_code::UInt));
  require(known && (type.bits == 8 || type.bits == 16 || type.bits == 32 || type.bits == 64), "an array of a program holds no integers of 8 to 64 bits");
  const bool is_signed = type.code == static_cast<uint8_t>(nb::dlpack::dtype_code::Int);
  switch (type.bits) {
    case 8: return is_signed ? Element::kI8 : Element::kU8;
    case 16: return is_signed ? Element::kI16 : Element::kU16;
    case 32: return is_signed ? Element::kI32 : Element::kU32;
    default: return is_signed ? Element::kI64 : Element::kU64;
  }
}

// The input may hold any integers. No step writes to it.
void run(const Program& program, const AnyArray& input, const Outputs& outputs, int64_t frames, int64_t threads) {
  check_threads(threads);
  const auto& sizes = program.frame_elements();
  require(outputs.size() + 1 == sizes.size(), "the program has " + std::to_string(sizes.size() - 1) + " outputs");
  require(static_cast<int64_t>(input.size()) == frames * sizes[0], "the input of a program has a wrong size");
  std::vector<External> externals{{const_cast<std::byte*>(static_cast<const std::byte*>(input.data())), element_of(input)}};
  for (size_t i = 0; i < outputs.size(); ++i) {
    require(static_cast<int64_t>(outputs[i].size()) == frames * sizes[i + 1], "output " + std::to_string(i) + " of a program has a wrong size");
    externals.push_back({reinterpret_cast<std::byte*>(outputs[i].data()), Element::kI64});
  }
  const nb::gil_scoped_release release;
  program.run(externals, frames, threads);
}

Tensor make_tensor(int64_t element, int64_t place, const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  require(element >= 0 && element < kElements && shape.size() == 3 && strides.size() == 4, "a tensor has an element code, three sizes, and an origin and three strides");
  return {static_cast<Element>(element), place, shape[0], shape[1], shape[2], strides[0], strides[1], strides[2], strides[3]};
}

void require_rows(const Tensor& x) { require(x.row == x.width * x.pixel, "the rows of an image that windows slide over are not adjacent"); }

template <class L>
void require_image(const Tensor& x, const L& layer, const PassShape& shape) {
  require_rows(x);
  const Geometry g{1, x.height, x.width, x.pixel, layer.window()};
  require(g.fits() && g.out_h() == shape.height && g.out_w() == shape.width && layer.mh() == shape.channels && layer.channels() == x.channels,
          "a layer does not fit its pass");
}

void bind_pass(nb::module_& m) {
  using Values = In<int64_t, 2>;
  nb::class_<PassShape>(m, "PassShape").def(nb::init<int64_t, int64_t, int64_t>(), "height"_a, "width"_a, "channels"_a);
  nb::class_<Rounding>(m, "Rounding").def(nb::init<int64_t, int64_t, int64_t, bool>(), "shift"_a, "low"_a, "high"_a, "wide"_a);
  nb::class_<Pass>(m, "Pass")
      .def("xnor", [](Pass& p, const Tensor& x, const XnorLayer& layer, int64_t out) { require_image(x, layer, p.shape()); p.xnor(x, layer, out); },
           "x"_a, "layer"_a, "out"_a)
      .def("xnor_bits", [](Pass& p, const Tensor& x, const XnorLayer& layer, const BitThreshold& threshold, const Tensor& out) {
             require_image(x, layer, p.shape());
             require(threshold.channels() == layer.mh(), "thresholds do not fit a layer");
             p.xnor_bits(x, layer, threshold, out);
           }, "x"_a, "layer"_a, "threshold"_a, "out"_a)
      .def("integers", [](Pass& p, const Tensor& x, const IntLayer& layer, int64_t out) { require_image(x, layer, p.shape()); p.integers(x, layer, out); },
           "x"_a, "layer"_a, "out"_a)
      .def("pool", [](Pass& p, const Tensor& x, Pair kernel, Pair stride, Pair dilation, bool sum, int64_t out, std::array<int64_t, 2> spare) {
             p.pool(x, make_window(kernel, stride, dilation), sum, out, spare);
           }, "x"_a, "kernel"_a, "stride"_a, "dilation"_a, "sum"_a, "out"_a, "spare"_a)
      .def("load", &Pass::load, "x"_a, "out"_a)
      .def("store", &Pass::store, "x"_a, "out"_a)
      .def("sign", &Pass::sign, "x"_a, "threshold"_a, "out"_a)
      .def("add", &Pass::add, "a"_a, "b"_a, "to"_a, "out"_a)
      .def("multiply", &Pass::multiply, "a"_a, "b"_a, "to"_a, "out"_a)
      .def("gate", &Pass::gate, "x"_a, "factors"_a, "to"_a, "out"_a, "spare"_a)
      .def("affine", [](Pass& p, int64_t x, const Values& mul, const Values& add, const In<int64_t, 1>& knee, const Rounding& to, int64_t out) {
             require(mul.size() == add.size() && size(mul, 0) == p.shape().channels && (knee.size() == 0 ? 1 : 2) == size(mul, 1), "coefficients do not fit a pass");
             p.affine(x, elements<int64_t>(mul), elements<int64_t>(add), elements<int64_t>(knee), to, out);
           }, "x"_a, "mul"_a.noconvert(), "add"_a.noconvert(), "knee"_a.noconvert(), "to"_a, "out"_a)
      .def("levels", [](Pass& p, int64_t x, const Values& thresholds, const In<uint8_t, 1>& negate, int64_t base, int64_t step, int64_t out) {
             require(size(thresholds, 0) == size(negate, 0) && size(negate, 0) == p.shape().channels, "thresholds do not fit a pass");
             p.levels(x, elements<int64_t>(thresholds), elements<uint8_t>(negate), base, step, out);
           }, "x"_a, "thresholds"_a.noconvert(), "negate"_a.noconvert(), "base"_a, "step"_a, "out"_a)
      .def("look_up", [](Pass& p, int64_t x, const Values& values, bool bipolar, int64_t out) {
             const int64_t entries = size(values, 1);
             require((size(values, 0) == 1 || size(values, 0) == p.shape().channels) && entries >= 1 && (entries & (entries - 1)) == 0, "a table does not fit a pass");
             p.look_up(x, elements<int64_t>(values), entries, bipolar, out);
           }, "x"_a, "values"_a.noconvert(), "bipolar"_a, "out"_a);
}

}  // namespace

void bind_program(nb::module_& m) {
  nb::class_<Tensor>(m, "Tensor").def(nb::new_([](int64_t element, int64_t place, const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
        return make_tensor(element, place, shape, strides);
      }), "element"_a, "place"_a, "shape"_a, "strides"_a);
  bind_pass(m);
  nb::class_<Program>(m, "Program")
      .def("__init__", [](Program* self, const std::string& isa, int64_t arena_bytes, int64_t block_frames, std::vector<int64_t> frame_elements) {
             new (self) Program(select(isa), arena_bytes, block_frames, std::move(frame_elements));
           }, "isa"_a, "arena_bytes"_a, "block_frames"_a, "frame_elements"_a)
      .def("add_pass", [](Program& p, const PassShape& shape, int64_t slots, bool wide) -> Pass& { return p.pass(shape, slots, wide); },
           nb::rv_policy::reference_internal, "shape"_a, "slots"_a, "wide"_a)
      .def("margins", [](Program& p, const Tensor& whole, std::array<int64_t, 4> sides, const In<uint8_t, 1>& pixel) {
             const auto* bytes = reinterpret_cast<const std::byte*>(pixel.data());
             p.step(std::make_unique<Margins>(whole, sides[0], sides[1], sides[2], sides[3], std::vector<std::byte>(bytes, bytes + pixel.size())));
           }, "whole"_a, "sides"_a, "pixel"_a.noconvert())
      .def("gather_bits", [](Program& p, const Tensor& from, const Tensor& to, Pair kernel, Pair stride, Pair dilation) {
             require_rows(from);
             p.step(std::make_unique<GatherBits>(from, to, make_window(kernel, stride, dilation)));
           }, "source"_a, "to"_a, "kernel"_a, "stride"_a, "dilation"_a)
      .def("pool_bits", [](Program& p, const Tensor& from, const Tensor& to, Pair kernel, Pair stride, Pair dilation) {
             p.step(std::make_unique<PoolBits>(from, to, make_window(kernel, stride, dilation)));
           }, "source"_a, "to"_a, "kernel"_a, "stride"_a, "dilation"_a)
      .def("concat_bits", [](Program& p, const Tensor& first, const Tensor& second, const Tensor& to) {
             p.step(std::make_unique<ConcatBits>(first, second, to));
           }, "first"_a, "second"_a, "to"_a)
      .def("arg_max", [](Program& p, const Tensor& from, const Tensor& to) { p.step(std::make_unique<ArgMax>(from, to)); }, "source"_a, "to"_a)
      .def("run", run, "input"_a.noconvert(), "outputs"_a.noconvert(), "frames"_a, "threads"_a,
           nb::sig("def run(self, input: object, outputs: list[NDArray[numpy.int64]], frames: int, threads: int) -> None"));
}

}  // namespace xnorflow
