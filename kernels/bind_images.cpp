// Binding of packing and padding of images.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding.hpp"
#include "dispatch.hpp"
#include "images.hpp"

namespace xnorflow {
namespace {

Margin make_margin(const std::vector<int64_t>& sides, bool plus) {
  require(sides.size() == 4 && *std::min_element(sides.begin(), sides.end()) >= 0, "a margin is not four sizes of 0 or more");
  return {sides[0], sides[1], sides[2], sides[3], plus};
}

// Images by axes (n, c, h, w), whatever their order in memory.
template <class T, class Level>
void pack_batch(const std::string& isa, const nb::ndarray<const T, nb::ndim<4>, nb::device::cpu>& x, Level level,
                const std::vector<int64_t>& sides, bool plus, const Array<uint64_t, 4>& out, int64_t threads) {
  const Images<T> images{x.data(), size(x, 0), size(x, 1), size(x, 2), size(x, 3), x.stride(0), x.stride(1), x.stride(2), x.stride(3)};
  const Margin margin = make_margin(sides, plus);
  require(images.c >= 1, "images of no channels");
  require(!std::is_same_v<T, float> || images.step_c == 1 || images.step_w == 1, "neither channels nor columns of the images are adjacent");
  require_shape(out, {images.n, margin.top + images.h + margin.bottom, margin.left + images.w + margin.right, words_for(images.c)}, "packed array");
  check_threads(threads);
  const KernelTable& table = select(isa);
  const nb::gil_scoped_release release;
  pack_images(table, images, level, margin, out.data(), threads);
}

}  // namespace

void bind_images(nb::module_& m) {
  m.def("pack_images", pack_batch<float, float>, "isa"_a, "x"_a.noconvert(), "level"_a, "margin"_a, "plus"_a, "out"_a.noconvert(), "threads"_a);
  m.def("pack_images", pack_batch<uint8_t, int64_t>, "isa"_a, "x"_a.noconvert(), "level"_a, "margin"_a, "plus"_a, "out"_a.noconvert(), "threads"_a);
  m.def("pad_bits", [](const In<uint64_t, 4>& x, int64_t channels, const std::vector<int64_t>& sides, bool plus, const Array<uint64_t, 4>& out,
                       int64_t threads) {
    const Margin margin = make_margin(sides, plus);
    require(channels >= 1 && words_for(channels) == size(x, 3), std::to_string(channels) + " channels do not fit an array of shape " + shape(x));
    require_shape(out, {size(x, 0), margin.top + size(x, 1) + margin.bottom, margin.left + size(x, 2) + margin.right, size(x, 3)}, "output");
    check_threads(threads);
    const nb::gil_scoped_release release;
    pad_bits(x.data(), size(x, 0), size(x, 1), size(x, 2), channels, margin, out.data(), threads);
  }, "x"_a.noconvert(), "channels"_a, "margin"_a, "plus"_a, "out"_a.noconvert(), "threads"_a);
}

}  // namespace xnorflow
