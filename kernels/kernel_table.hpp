// The operations that every instruction set provides: one table each, chosen at run time (dispatch.hpp).
//
// Translation units of one instruction set include this header and nothing with inline code of its own: a function
// compiled there for a new CPU could otherwise be the copy that the linker keeps for all of the program.
#pragma once

#include <cstdint>

namespace xnorflow {

// Windows of packed words: window i is the concatenation of `runs` pieces of `run_words`, piece r at x + start[i] + run[r].
struct PackedWindows {
  const uint64_t* x;
  const int64_t* start;
  int64_t count;
  const int64_t* run;
  int64_t runs;
  int64_t run_words;
};

// Weights are blocked: rows in groups of `block`, and within a group word by word, the rows of the group innermost:
// [ceil(mh / block)][k][block]. Rows past mh are zero. With block = 1 this is the plain row-major matrix.
struct KernelTable {
  const char* name;
  int64_t xnor_block;
  int64_t int_block;

  // acc[i * mh + m] = mw - 2 * popcount(window i XOR row m)
  void (*xnor)(const PackedWindows& windows, const uint64_t* weights, int64_t mh, int64_t mw, int32_t* acc);

  // acc[i * mh + m] = sum_k x[i * k + j] * row m [j], modulo 2^32
  void (*integer)(const uint32_t* x, int64_t count, int64_t k, const uint32_t* weights, int64_t mh, int32_t* acc);

  // bit m of vector i = (acc[i * mh + m] >= level[m]) XOR bit m of flip; tails stay 0
  void (*threshold)(const int32_t* acc, int64_t count, int64_t mh, const int32_t* level, const uint64_t* flip, uint64_t* out);
};

extern const KernelTable kReference;
extern const KernelTable kPortable;
#if defined(XNORFLOW_X86)
extern const KernelTable kAvx2;
extern const KernelTable kAvx512;
#endif

}  // namespace xnorflow
