// Products of one channel each, written so that a compiler makes vectors of them. A file of one instruction set includes them for
// itself: all have internal linkage, so that no other file can get its copy.
//
// A word holds 64 channels, and so 64 sums: they are counted in bit planes, plane p holding bit p of every sum. A tap is added by
// one AND and one XOR a plane; limits are compared plane by plane, too, so that 64 bits of the output are made at once.
#pragma once

#include "kernel_table.hpp"

namespace xnorflow {
namespace {

// Windows that are counted together: planes of a few taps stay in registers.
constexpr int64_t kLanes = 8;
// Bits of a sum; KernelTable::depthwise says what that allows.
constexpr int kMostPlanes = 16;
// Of the nine taps of the usual kernel.
constexpr int kPlanes3x3 = 4;

using Planes = uint64_t[kMostPlanes][kLanes];

// The windows' sums into `sums` up to plane `planes`. `step` and `planes` may be known to the compiler, which then keeps sums in registers.
template <int64_t N>
[[gnu::always_inline]] inline void count_planes(const uint64_t* x, int64_t step, const XnorRow& row, int64_t pixel, const uint64_t* weights, int planes, Planes& sums) {
  for (int p = 0; p < planes; ++p)
    for (int64_t l = 0; l < N; ++l) sums[p][l] = 0;
  for (int64_t r = 0; r < row.runs; ++r)
    for (int64_t j = 0; j < row.run_words; j += pixel) {
      const uint64_t* tap = x + row.run[r] + j;
      const uint64_t weight = *weights++;
      uint64_t carry[N];
      for (int64_t l = 0; l < N; ++l) carry[l] = tap[l * step] ^ weight;
      for (int p = 0; p < planes; ++p)
        for (int64_t l = 0; l < N; ++l) {
          const uint64_t sum = sums[p][l];
          sums[p][l] = sum ^ carry[l];
          carry[l] &= sum;
        }
    }
}

// The limits of 64 channels in planes, and which are never met.
struct LimitPlanes {
  uint64_t plane[kMostPlanes] = {}, never = 0;

  LimitPlanes() = default;
  LimitPlanes(const int32_t* limit, int planes) {
    const int32_t most = (1 << planes) - 1;
    for (int64_t c = 0; c < kXnorBlock; ++c) {
      never |= static_cast<uint64_t>(limit[c] < 0) << c;
      const int32_t value = limit[c] < 0 ? 0 : limit[c] < most ? limit[c] : most;
      for (int p = 0; p < planes; ++p) plane[p] |= static_cast<uint64_t>(value >> p & 1) << c;
    }
  }
};

// Bit c: sum <= limit of channel c, XOR bit c of flip.
template <int64_t N>
inline void put_bits(const Planes& sums, const LimitPlanes& limit, int planes, const Sink& sink, int64_t i) {
  uint64_t more[N] = {};
  for (int p = 0; p < planes; ++p)
    for (int64_t l = 0; l < N; ++l) more[l] = (sums[p][l] & ~limit.plane[p]) | (~(sums[p][l] ^ limit.plane[p]) & more[l]);
  uint64_t* out = static_cast<uint64_t*>(sink.out) + i * sink.step;
  for (int64_t l = 0; l < N; ++l) out[l * sink.step] = ~(more[l] | limit.never) ^ sink.flip;
}

// constant - 2 * sum, as it is or scaled.
template <int64_t N>
inline void put_numbers(const Planes& sums, const int32_t* constant, int planes, const Sink& sink, int64_t i) {
  for (int64_t l = 0; l < N; ++l) {
    int32_t acc[kXnorBlock];
    for (int64_t c = 0; c < kXnorBlock; ++c) acc[c] = constant[c];
    for (int p = 0; p < planes; ++p)
      for (int64_t c = 0; c < kXnorBlock; ++c) acc[c] -= static_cast<int32_t>(sums[p][l] >> c & 1U) << (p + 1);
    if (sink.output == Output::kInt32) {
      int32_t* out = static_cast<int32_t*>(sink.out) + (i + l) * sink.step;
      for (int64_t c = 0; c < sink.rows; ++c) out[c] = acc[c];
    } else {
      float* out = static_cast<float*>(sink.out) + (i + l) * sink.step;
      for (int64_t c = 0; c < sink.rows; ++c) {
        const float scaled = static_cast<float>(acc[c]) * sink.scale[c];
        out[c] = scaled + sink.bias[c];
      }
    }
  }
}

template <int64_t N>
inline void depthwise_tile(const XnorRow& row, int64_t pixel, const uint64_t* weights, int planes, const int32_t* constant, const LimitPlanes& limit,
                           const Sink& sink, int64_t i) {
  Planes sums;
  const uint64_t* x = row.x + i * row.step;
  if (planes == kPlanes3x3 && row.step == 1) count_planes<N>(x, 1, row, pixel, weights, kPlanes3x3, sums);
  else if (planes == kPlanes3x3) count_planes<N>(x, row.step, row, pixel, weights, kPlanes3x3, sums);
  else count_planes<N>(x, row.step, row, pixel, weights, planes, sums);
  if (sink.output == Output::kBits) put_bits<N>(sums, limit, planes, sink, i);
  else put_numbers<N>(sums, constant, planes, sink, i);
}

// KernelTable::depthwise: windows of one class of the border after those of another.
void depthwise_loop(const XnorRow& row, int64_t pixel, const uint64_t* weights, const Sink& sink) {
  const int64_t taps = row.runs * (row.run_words / pixel);
  int planes = 1;
  while (taps >> planes != 0) ++planes;
  for (int64_t first = 0, last; first < row.count; first = last) {
    last = sink.column_class == nullptr ? row.count : first + 1;
    while (last < row.count && sink.column_class[last] == sink.column_class[first]) ++last;
    const int32_t* constant = sink.constants + (sink.column_class == nullptr ? 0 : sink.column_class[first] * sink.class_step);
    const LimitPlanes limit = sink.output == Output::kBits ? LimitPlanes(constant, planes) : LimitPlanes();
    int64_t i = first;
    for (; i + kLanes <= last; i += kLanes) depthwise_tile<kLanes>(row, pixel, weights, planes, constant, limit, sink, i);
    for (; i < last; ++i) depthwise_tile<1>(row, pixel, weights, planes, constant, limit, sink, i);
  }
}

}  // namespace
}  // namespace xnorflow
