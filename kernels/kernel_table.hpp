// The operations that every instruction set provides: one table each, chosen at run time (dispatch.hpp).
//
// Translation units of one instruction set include this header, and nothing whose code has external linkage: a function
// compiled there for a new CPU could otherwise be the copy that the linker keeps for all of the program.
#pragma once

#include <cstdint>

#include "tile_table.hpp"

namespace xnorflow {

// Rows of a weight matrix that one call of `xnor` serves, and so channels of one packed word of its output.
inline constexpr int64_t kXnorBlock = 64;

// Taps of a depthwise kernel: their sum is counted in 16 bits.
inline constexpr int64_t kMostTaps = 65535;

// A row of windows over packed words: window i is the concatenation of `runs` pieces of `run_words`, piece r at
// x + i * step + run[r].
struct XnorRow {
  const uint64_t* x;
  int64_t count;
  int64_t step;
  const int64_t* run;
  int64_t runs;
  int64_t run_words;
};

// The same over numbers: window i lies at x + i * step, in elements, and a run is `run_words` words of weights long.
template <class T>
struct IntRow {
  const T* x;
  int64_t count;
  int64_t step;
  const int64_t* run;
  int64_t runs;
  int64_t run_words;
};

enum class Output { kBits, kInt32, kFloat };

// What becomes of the disagreements d[i][c] of window i with row c of a block; a channel past `rows` is never stored, and
// its bit is 0. Per-channel arrays hold kXnorBlock elements, `constants` that many for every class.
struct Sink {
  Output output;
  // kBits: bit = (d <= constants[c]) XOR bit c of flip. Others: acc = constants[c] - 2 * d.
  const int32_t* constants;
  // Class of each window, a multiple of `class_step` elements into `constants`; null: all are of class 0.
  const int32_t* column_class;
  int64_t class_step;
  uint64_t flip;
  // kFloat: float(acc) * scale[c] + bias[c], each of the three operations rounded by itself.
  const float* scale;
  const float* bias;
  // The first window's first channel, and the elements (words where kBits) between windows.
  void* out;
  int64_t step;
  int64_t rows;
};

// Weights of `integer` and `pairs` are blocked: rows in groups of `int_block`, and within a group column by column, the rows
// of the group innermost: [ceil(mh / block)][k][block]. Rows past mh are zero.
struct KernelTable {
  const char* name;
  int64_t int_block;
  // Words that the layout of one block takes for each word of its rows.
  int64_t xnor_layout;

  // Lays the packed rows of one block, (rows, k) words, as `xnor` reads them; rows past `rows` become zero.
  void (*lay)(const uint64_t* packed, int64_t rows, int64_t k, uint64_t* out);

  // One row of windows times one block of rows.
  void (*xnor)(const XnorRow& row, const uint64_t* laid, const Sink& sink);

  // One row of windows times one word of channels, each channel with its own weights: window i has a tap in every `pixel`-th word
  // of its runs, and `weights` one word a tap, of which there are at most kMostTaps.
  void (*depthwise)(const XnorRow& row, int64_t pixel, const uint64_t* weights, const Sink& sink);

  // acc[i * step + m] = the sum over all words j of window i, times row m [j], modulo 2^32, for m < mh
  void (*integer)(const IntRow<uint32_t>& row, const uint32_t* weights, int64_t mh, int32_t* acc, int64_t step);

  // The same over int16, two by two: a word of weights holds a pair, its first in the lower half.
  void (*pairs)(const IntRow<int16_t>& row, const uint32_t* weights, int64_t mh, int32_t* acc, int64_t step);

  // bit m of vector i = (acc[i * mh + m] >= level[m]) XOR bit m of flip; tails stay 0
  void (*threshold)(const int32_t* acc, int64_t count, int64_t mh, const int32_t* level, const uint64_t* flip, uint64_t* out);

  // Bit c % 64 of out[c / 64]: x[c] >= level, c < count; tails are 0. A NaN is not >= anything: its bit is 0.
  void (*pack_row)(const float* x, int64_t count, float level, uint64_t* out);

  // Bit c of out[p * step]: x[c * stride + p] >= level, for p < pixels and c < channels, which are 64 at most.
  void (*pack_columns)(const float* x, int64_t stride, int64_t channels, int64_t pixels, float level, uint64_t* out, int64_t step);

  const TileTable<int32_t>& tile;
};

extern const KernelTable kReference;
extern const KernelTable kPortable;
#if defined(XNORFLOW_X86)
extern const KernelTable kAvx2;
extern const KernelTable kAvx512;
#elif defined(XNORFLOW_ARM64)
extern const KernelTable kNeon;
#endif

}  // namespace xnorflow
