#include "images.hpp"

#include <algorithm>
#include <functional>

#include "layout.hpp"
#include "pool.hpp"

namespace xnorflow {
namespace {

// One pixel of the margin: the tail stays 0.
void fill(uint64_t* out, int64_t pixels, int64_t channels, bool plus) {
  const int64_t words = words_for(channels), tail = channels % kWordBits;
  for (int64_t p = 0; p < pixels; ++p, out += words) {
    std::fill_n(out, words, plus ? ~uint64_t{0} : uint64_t{0});
    if (plus && tail != 0) out[words - 1] = (uint64_t{1} << tail) - 1;
  }
}

// Fills the margin, and calls row(image, y, out) for every row of the images inside it.
void surround(int64_t n, int64_t h, int64_t w, int64_t channels, const Margin& margin, uint64_t* out, int64_t threads,
              const std::function<void(int64_t, int64_t, uint64_t*)>& row) {
  const int64_t width = margin.left + w + margin.right, height = margin.top + h + margin.bottom, words = words_for(channels);
  const int64_t rows = n * height, step = std::max<int64_t>(rows / (4 * threads), 1);
  parallel((rows + step - 1) / step, threads, [&](int64_t part) {
    for (int64_t r = part * step; r < std::min(rows, (part + 1) * step); ++r) {
      const int64_t y = r % height - margin.top;
      uint64_t* to = out + r * width * words;
      if (y < 0 || y >= h) {
        fill(to, width, channels, margin.plus);
        continue;
      }
      fill(to, margin.left, channels, margin.plus);
      row(r / height, y, to + margin.left * words);
      fill(to + (margin.left + w) * words, margin.right, channels, margin.plus);
    }
  });
}

void pack_line(const KernelTable& table, const Images<float>& x, const float* from, float level, uint64_t* out) {
  const int64_t words = words_for(x.c);
  if (x.step_c != 1) {
    for (int64_t j = 0; j < words; ++j) {
      const int64_t channels = std::min(kWordBits, x.c - j * kWordBits);
      table.pack_columns(from + j * kWordBits * x.step_c, x.step_c, channels, x.w, level, out + j, words);
    }
  } else if (x.step_w == x.c && x.c % kWordBits == 0) {
    table.pack_row(from, x.w * x.c, level, out);
  } else {
    for (int64_t p = 0; p < x.w; ++p) table.pack_row(from + p * x.step_w, x.c, level, out + p * words);
  }
}

}  // namespace

void pack_images(const KernelTable& table, const Images<float>& x, float level, const Margin& margin, uint64_t* out, int64_t threads) {
  surround(x.n, x.h, x.w, x.c, margin, out, threads, [&](int64_t image, int64_t y, uint64_t* to) {
    pack_line(table, x, x.data + image * x.step_n + y * x.step_h, level, to);
  });
}

void pack_images(const KernelTable&, const Images<uint8_t>& x, int64_t level, const Margin& margin, uint64_t* out, int64_t threads) {
  const int64_t words = words_for(x.c);
  surround(x.n, x.h, x.w, x.c, margin, out, threads, [&](int64_t image, int64_t y, uint64_t* to) {
    const uint8_t* from = x.data + image * x.step_n + y * x.step_h;
    std::fill_n(to, x.w * words, uint64_t{0});
    for (int64_t p = 0; p < x.w; ++p)
      for (int64_t c = 0; c < x.c; ++c)
        to[p * words + c / kWordBits] |= static_cast<uint64_t>(from[p * x.step_w + c * x.step_c] >= level) << c % kWordBits;
  });
}

void pad_bits(const uint64_t* x, int64_t n, int64_t h, int64_t w, int64_t channels, const Margin& margin, uint64_t* out, int64_t threads) {
  const int64_t line = w * words_for(channels);
  surround(n, h, w, channels, margin, out, threads, [&](int64_t image, int64_t y, uint64_t* to) {
    std::copy_n(x + (image * h + y) * line, line, to);
  });
}

}  // namespace xnorflow
