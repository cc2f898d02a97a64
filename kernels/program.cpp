#include "program.hpp"

#include <algorithm>

#include "pool.hpp"

namespace xnorflow {
namespace {

// Kernels read pairs of int16, and so up to one element past the last array of the arena.
constexpr int64_t kSlack = 64;

}  // namespace

Pass& Program::pass(const PassShape& shape, int64_t slots, bool wide) {
  std::unique_ptr<Pass> made = Pass::make(table_, shape, slots, wide);
  Pass& pass = *made;
  steps_.push_back(std::move(made));
  return pass;
}

void Program::run(std::span<const External> arrays, int64_t frames, int64_t threads) const {
  const int64_t capacity = std::clamp<int64_t>((frames + threads - 1) / threads, 1, block_), blocks = (frames + capacity - 1) / capacity;
  const bool shared = blocks >= threads;
  parallel(blocks, shared ? threads : 1, [&](int64_t i) {
    run_block(arrays, i * capacity, std::min(capacity, frames - i * capacity), capacity, shared ? 1 : threads);
  });
}

void Program::run_block(std::span<const External> arrays, int64_t first, int64_t frames, int64_t capacity, int64_t threads) const {
  thread_local Aligned<std::byte> arena;
  const size_t size = static_cast<size_t>(arena_bytes_ * capacity + kSlack);
  if (arena.size() < size) arena.resize(size);
  Memory memory{arena.data(), capacity, frames, {arrays.begin(), arrays.end()}};
  for (size_t i = 0; i < arrays.size(); ++i) {
    External& array = memory.externals[i];
    array.data += first * frame_elements_[i] * kElementBytes[static_cast<size_t>(array.element)];
  }
  for (const auto& step : steps_) step->run(memory, threads);
}

}  // namespace xnorflow
