// What the files of the binding share: array types and checks. Arrays are never converted or copied here, outputs are the
// caller's, and the GIL is released around every kernel.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "error.hpp"
#include "layout.hpp"

namespace xnorflow {

namespace nb = nanobind;
using namespace nb::literals;

void bind_layers(nb::module_& m);
void bind_images(nb::module_& m);
void bind_elementwise(nb::module_& m);
void bind_tokens(nb::module_& m);
void bind_program(nb::module_& m);

template <class T, int Dims>
using Array = nb::ndarray<T, nb::numpy, nb::ndim<Dims>, nb::c_contig, nb::device::cpu>;
template <class T, int Dims>
using In = Array<const T, Dims>;

using Pair = std::pair<int64_t, int64_t>;

inline constexpr int64_t kMaxThreads = 1024;

inline void require(bool ok, const std::string& what) {
  if (!ok) throw InputError(what);
}

inline void check_threads(int64_t threads) {
  require(threads >= 1 && threads <= kMaxThreads, std::to_string(threads) + " threads were asked for; 1 to " + std::to_string(kMaxThreads) + " are accepted");
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

inline Window make_window(Pair kernel, Pair stride, Pair dilation) {
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

// Packed images have words for pixels, others channels.
template <class T>
constexpr bool kPacked = std::is_same_v<T, uint64_t>;

}  // namespace xnorflow
