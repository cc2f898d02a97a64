#include "pass.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "elementwise.hpp"
#include "pool.hpp"
#include "tile_loops.hpp"

namespace xnorflow {
namespace {

constexpr int64_t kSlot = kTilePixels * kXnorBlock;
constexpr int64_t kTasksPerThread = 4;

// Where a chain works: pixels x .. x + count - 1 of row y of a frame (or, where `flat`, of the frames themselves).
template <class T>
struct Tile {
  const Memory& memory;
  bool flat;
  int64_t frame, y, x, count, block, channels;
  T* slots;

  T* slot(int64_t i) const { return slots + i * kSlot; }
  int64_t elements() const { return count * channels; }
  int64_t first() const { return block * kXnorBlock; }
  int64_t step(const Tensor& t) const { return flat ? t.frame : t.pixel; }
  std::byte* at(const Tensor& t) const { return flat ? memory.at(t, x, 0, 0, first()) : memory.at(t, frame, y, x, first()); }
  // The window of this tile's first pixel, moved by some pixels.
  std::byte* window(const Tensor& t, const Window& w, int64_t dy, int64_t dx, int64_t channel) const {
    return flat ? memory.at(t, x, dy, dx, channel) : memory.at(t, frame, y * w.sh + dy, x * w.sw + dx, channel);
  }
  int64_t window_step(const Tensor& t, const Window& w) const { return flat ? t.frame : w.sw * t.pixel; }
};

template <class T>
T held(int64_t value) {
  return static_cast<T>(std::clamp<int64_t>(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

template <class T>
void load_pixels(const TileTable<T>& table, Element element, const void* x, int64_t pixels, int64_t step, int64_t channels, T* out) {
  if (element != Element::kBits) return table.load[static_cast<size_t>(element)](x, pixels, step, channels, out);
  const uint64_t* words = static_cast<const uint64_t*>(x);
  for (int64_t p = 0; p < pixels; ++p, words += step, out += channels)
    for (int64_t c = 0; c < channels; ++c) out[c] = test_bit(words, c) ? T{1} : T{-1};
}

template <class T>
struct Slopes {
  std::vector<T> mul, add, knee, mul_below, add_below;
};

template <class T>
Slopes<T> slopes(std::span<const int64_t> mul, std::span<const int64_t> add, std::span<const int64_t> knee) {
  const size_t pieces = knee.empty() ? 1 : 2;
  Slopes<T> out;
  for (size_t c = 0; c < mul.size() / pieces; ++c) {
    out.mul.push_back(held<T>(mul[c * pieces]));
    out.add.push_back(held<T>(add[c * pieces]));
    if (pieces == 1) continue;
    out.knee.push_back(held<T>(knee[c]));
    out.mul_below.push_back(held<T>(mul[c * pieces + 1]));
    out.add_below.push_back(held<T>(add[c * pieces + 1]));
  }
  return out;
}

// Thresholds as (x >= level) XOR flip, as BitThreshold has them, levels outermost.
template <class T>
struct Levels {
  std::vector<T> level, flip;
};

template <class T>
Levels<T> make_levels(std::span<const int64_t> thresholds, std::span<const uint8_t> negate) {
  const size_t channels = negate.size(), count = thresholds.size() / channels;
  constexpr int64_t least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max(), limit = int64_t{1} << 40;
  Levels<T> out{std::vector<T>(thresholds.size()), std::vector<T>(thresholds.size())};
  for (size_t c = 0; c < channels; ++c)
    for (size_t l = 0; l < count; ++l) {
      const int64_t t = std::clamp(thresholds[c * count + l], -limit, limit), level = negate[c] != 0 ? 1 - t : t;
      out.level[l * channels + c] = static_cast<T>(level < least || level > most ? least : level);
      out.flip[l * channels + c] = static_cast<T>((negate[c] != 0) != (level > most) ? -1 : 0);
    }
  return out;
}

template <class T>
class TypedPass final : public Pass {
 public:
  TypedPass(const KernelTable& table, const PassShape& shape, int64_t slots) : table_(table), shape_(shape), slots_(slots) {}

  const PassShape& shape() const override { return shape_; }

  void run(const Memory& memory, int64_t threads) const override {
    const bool flat = shape_.height * shape_.width == 1 && !bordered_;
    const int64_t rows = flat ? 1 : memory.frames * shape_.height, width = flat ? memory.frames : shape_.width;
    const int64_t columns = (width + kTilePixels - 1) / kTilePixels, blocks = words_for(shape_.channels), tiles = rows * columns;
    const int64_t size = threads == 1 ? tiles : std::max<int64_t>(tiles * blocks / (kTasksPerThread * threads), 1), parts = (tiles + size - 1) / size;
    parallel(blocks * parts, threads, [&](int64_t task) {
      thread_local std::vector<T> memory_of_slots;
      memory_of_slots.resize(std::max(memory_of_slots.size(), static_cast<size_t>(slots_ * kSlot)));
      const int64_t block = task / parts, first = task % parts * size, channels = std::min(kXnorBlock, shape_.channels - block * kXnorBlock);
      for (int64_t i = first; i < std::min(tiles, first + size); ++i) {
        const int64_t row = i / columns, x = i % columns * kTilePixels;
        const Tile<T> tile{memory, flat, row / shape_.height, row % shape_.height, x, std::min(kTilePixels, width - x), block, channels, memory_of_slots.data()};
        for (const auto& op : ops_) op(tile);
      }
    });
  }

  void xnor(const Tensor& x, const XnorLayer& layer, int64_t out) override {
    if constexpr (std::is_same_v<T, int32_t>)
      multiply_bits(x, layer, layer.accumulators(), [out](const Tile<T>& t) { return std::pair<void*, int64_t>(t.slot(out), t.channels); });
  }

  void xnor_bits(const Tensor& x, const XnorLayer& layer, const BitThreshold& threshold, const Tensor& out) override {
    multiply_bits(x, layer, layer.bits(threshold), [out](const Tile<T>& t) { return std::pair<void*, int64_t>(t.at(out), t.step(out)); });
  }

  void integers(const Tensor& x, const IntLayer& layer, int64_t out) override {
    if constexpr (std::is_same_v<T, int32_t>) {
      bordered_ |= !layer.border().table.empty();
      if (layer.narrow() && x.element == Element::kI16) return products<int16_t>(x, layer, (layer.run() + 1) / 2, out);
      products<uint32_t>(x, layer, layer.run(), out);
    }
  }

  void pool(const Tensor& x, const Window& window, bool sum, int64_t out, std::span<const int64_t> spare) override {
    const TileTable<T>& loops = tile_table();
    const TileLimits<T> all{std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
    ops_.push_back([=, &loops, one = spare[0], two = spare[1]](const Tile<T>& t) {
      T *now = t.slot(out), *next = t.slot(one), *tap = t.slot(two);
      for (int64_t i = 0; i < window.kh * window.kw; ++i) {
        const std::byte* from = t.window(x, window, i / window.kw * window.dh, i % window.kw * window.dw, t.first());
        load_pixels(loops, t.memory.element(x), from, t.count, t.window_step(x, window), t.channels, i == 0 ? now : tap);
        if (i == 0) continue;
        sum ? loops.add[0](now, tap, t.elements(), all, next) : loops.greatest(now, tap, t.elements(), next);
        std::swap(now, next);
      }
      if (now != t.slot(out)) std::copy_n(now, t.elements(), t.slot(out));
    });
  }

  void load(const Tensor& x, int64_t out) override {
    const TileTable<T>& loops = tile_table();
    ops_.push_back([=, &loops](const Tile<T>& t) { load_pixels(loops, t.memory.element(x), t.at(x), t.count, t.step(x), t.channels, t.slot(out)); });
  }

  void store(int64_t x, const Tensor& out) override {
    const TileTable<T>& loops = tile_table();
    ops_.push_back([=, &loops](const Tile<T>& t) {
      if (!out.bits()) return loops.store[static_cast<size_t>(out.element)](t.slot(x), t.count, t.step(out), t.channels, t.at(out));
      for (int64_t p = 0; p < t.count; ++p) pack(t.slot(x) + p * t.channels, 1, t.channels, reinterpret_cast<uint64_t*>(t.at(out)) + p * t.step(out));
    });
  }

  void sign(int64_t x, const BitThreshold& threshold, const Tensor& out) override {
    if constexpr (std::is_same_v<T, int32_t>)
      ops_.push_back([=, this](const Tile<T>& t) {
        uint64_t words[kTilePixels];
        table_.threshold(t.slot(x), t.count, t.channels, threshold.level() + t.first(), threshold.flip() + t.block, words);
        uint64_t* to = reinterpret_cast<uint64_t*>(t.at(out));
        for (int64_t p = 0; p < t.count; ++p) to[p * t.step(out)] = words[p];
      });
  }

  void add(int64_t a, int64_t b, const Rounding& to, int64_t out) override {
    ops_.push_back([=, f = tile_table().add[to.wide], held = limits(to)](const Tile<T>& t) { f(t.slot(a), t.slot(b), t.elements(), held, t.slot(out)); });
  }

  void multiply(int64_t a, int64_t b, const Rounding& to, int64_t out) override {
    ops_.push_back([=, f = tile_table().multiply[to.wide], held = limits(to)](const Tile<T>& t) {
      f(t.slot(a), t.slot(b), t.elements(), to.shift, held, t.slot(out));
    });
  }

  void gate(int64_t x, const Tensor& factors, const Rounding& to, int64_t out, int64_t spare) override {
    const TileTable<T>& loops = tile_table();
    ops_.push_back([=, &loops, held = limits(to)](const Tile<T>& t) {
      const std::byte* from = t.memory.at(factors, t.flat ? t.x : t.frame, 0, 0, t.first());
      load_pixels(loops, t.memory.element(factors), from, t.flat ? t.count : 1, factors.frame, t.channels, t.slot(spare));
      if (t.flat) return loops.multiply[to.wide](t.slot(x), t.slot(spare), t.elements(), to.shift, held, t.slot(out));
      loops.gate[to.wide](t.slot(x), t.slot(spare), t.count, t.channels, to.shift, held, t.slot(out));
    });
  }

  void affine(int64_t x, std::span<const int64_t> mul, std::span<const int64_t> addend, std::span<const int64_t> knee, const Rounding& to,
              int64_t out) override {
    ops_.push_back([=, f = tile_table().affine[to.wide], s = slopes<T>(mul, addend, knee), held = limits(to)](const Tile<T>& t) {
      const auto from = [&](const std::vector<T>& v) { return v.empty() ? nullptr : v.data() + t.first(); };
      f(t.slot(x), t.count, t.channels, {from(s.mul), from(s.add), from(s.knee), from(s.mul_below), from(s.add_below), to.shift, held}, t.slot(out));
    });
  }

  void levels(int64_t x, std::span<const int64_t> thresholds, std::span<const uint8_t> negate, int64_t base, int64_t step, int64_t out) override {
    const int64_t pitch = static_cast<int64_t>(negate.size()), count = static_cast<int64_t>(thresholds.size()) / pitch;
    ops_.push_back([=, f = tile_table().levels, v = make_levels<T>(thresholds, negate)](const Tile<T>& t) {
      f(t.slot(x), t.count, t.channels, {v.level.data() + t.first(), v.flip.data() + t.first(), count, pitch, held<T>(base), held<T>(step)}, t.slot(out));
    });
  }

  void look_up(int64_t x, std::span<const int64_t> values, int64_t entries, bool bipolar, int64_t out) override {
    ops_.push_back([=, table = std::vector<T>(values.begin(), values.end())](const Tile<T>& t) {
      const T* rows = table.data() + (static_cast<int64_t>(table.size()) == entries ? 0 : t.first() * entries);
      const int64_t pitch = static_cast<int64_t>(table.size()) == entries ? 0 : entries;
      const T* from = t.slot(x);
      T* to = t.slot(out);
      for (int64_t p = 0; p < t.count; ++p)
        for (int64_t c = 0; c < t.channels; ++c, ++from) *to++ = rows[c * pitch + (bipolar ? *from > 0 : *from & (entries - 1))];
    });
  }

 private:
  const TileTable<T>& tile_table() const {
    if constexpr (std::is_same_v<T, int32_t>) {
      return table_.tile;
    } else {
      return kTileLoops<T>;
    }
  }

  static TileLimits<T> limits(const Rounding& to) { return {held<T>(to.low), held<T>(to.high)}; }

  template <class F>
  void multiply_bits(const Tensor& x, const XnorLayer& layer, XnorSink sink, F to) {
    bordered_ |= !layer.border().table.empty();
    const Window window = layer.window();
    ops_.push_back([=, &layer, runs = Runs({1, x.height, x.width, x.pixel, window}), sink = std::move(sink)](const Tile<T>& t) {
      const auto [out, step] = to(t);
      const uint64_t* first = reinterpret_cast<const uint64_t*>(t.window(x, window, 0, 0, 0));
      const XnorRow row{first, t.count, t.window_step(x, window), runs.offset.data(), static_cast<int64_t>(runs.offset.size()), runs.length};
      layer.tile(row, t.y, t.x, t.block, sink, out, step);
    });
  }

  template <class E>
  void products(const Tensor& x, const IntLayer& layer, int64_t words, int64_t out) {
    const Window window = layer.window();
    ops_.push_back([=, &layer, runs = Runs({1, x.height, x.width, x.pixel, window})](const Tile<int32_t>& t) {
      const E* first = reinterpret_cast<const E*>(t.window(x, window, 0, 0, 0));
      const IntRow<E> row{first, t.count, t.window_step(x, window), runs.offset.data(), static_cast<int64_t>(runs.offset.size()), words};
      layer.tile(row, t.y, t.x, t.block, t.slot(out), t.channels);
    });
  }

  const KernelTable& table_;
  PassShape shape_;
  int64_t slots_;
  bool bordered_ = false;
  std::vector<std::function<void(const Tile<T>&)>> ops_;
};

}  // namespace

std::unique_ptr<Pass> Pass::make(const KernelTable& table, const PassShape& shape, int64_t slots, bool wide) {
  if (wide) return std::make_unique<TypedPass<int64_t>>(table, shape, slots);
  return std::make_unique<TypedPass<int32_t>>(table, shape, slots);
}

}  // namespace xnorflow
