// Binding of the token model: it keeps the caller's arrays for as long as it is used, and gives back copies.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <tuple>

#include "binding.hpp"
#include "tokens.hpp"

namespace xnorflow {
namespace {

using Vector = nb::ndarray<const int64_t, nb::numpy, nb::ndim<1>, nb::device::cpu>;
using Cell = std::tuple<Vector, Vector, Vector, int64_t, int64_t, int64_t, int64_t>;
using Copied = nb::ndarray<nb::numpy, int64_t, nb::ndim<1>>;

struct Held {
  std::vector<Vector> arrays;
  std::unique_ptr<TokenModel> model;
};

Beats beats(const Vector& v) { return {v.data(), static_cast<int64_t>(v.shape(0)), v.stride(0)}; }

Copied copied(const std::vector<int64_t>& values) {
  auto* data = new int64_t[values.size()];
  std::copy(values.begin(), values.end(), data);
  return Copied(data, {values.size()}, nb::capsule(data, [](void* p) noexcept { delete[] static_cast<int64_t*>(p); }));
}

Held make(const std::vector<Cell>& cells, int64_t streams, const std::vector<Pair>& watches, int64_t source_interval,
          bool keep) {
  require(streams >= 1, "a token model of no streams");
  Held held;
  std::vector<TokenLink> links;
  for (const auto& [need, room, gap, latency, queue, taken, made] : cells) {
    held.arrays.insert(held.arrays.end(), {need, room, gap});
    links.push_back({beats(need), beats(room), beats(gap), latency, queue, taken, made});
  }
  std::vector<TokenWatch> watched;
  for (const auto& [written, read] : watches) watched.push_back({written, read});
  held.model = std::make_unique<TokenModel>(std::move(links), streams, std::move(watched), source_interval, keep);
  return held;
}

}  // namespace

void bind_tokens(nb::module_& m) {
  nb::class_<Held>(m, "TokenModel")
      .def(nb::new_(&make), "cells"_a, "streams"_a, "watches"_a, "source_interval"_a, "keep"_a)
      .def("run", [](Held& held, int64_t frames, int64_t limit) {
        const nb::gil_scoped_release release;
        return held.model->run(frames, limit);
      }, "frames"_a, "limit"_a)
      .def("frame_ends", [](const Held& held) { return copied(held.model->frame_ends()); })
      .def("held", [](const Held& held) { return copied(held.model->held()); })
      .def("times", [](const Held& held, int64_t stream) { return copied(held.model->times(stream)); }, "stream"_a);
}

}  // namespace xnorflow
