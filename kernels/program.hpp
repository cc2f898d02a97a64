// A whole network as a list of steps over one arena: all of it runs in one call, block of frames by block of frames.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pass.hpp"

namespace xnorflow {

class Program {
 public:
  // frame_elements: of the caller's arrays, those that -1 - place of a tensor counts.
  Program(const KernelTable& table, int64_t arena_bytes, int64_t block_frames, std::vector<int64_t> frame_elements)
      : table_(table), arena_bytes_(arena_bytes), block_(block_frames), frame_elements_(std::move(frame_elements)) {}

  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Pass& pass(const PassShape& shape, int64_t slots, bool wide);
  void step(std::unique_ptr<Step> step) { steps_.push_back(std::move(step)); }

  // Every array holds `frames` frames. Blocks are shared out among the threads where there are enough, else each step's tiles.
  void run(std::span<const External> arrays, int64_t frames, int64_t threads) const;

  int64_t arena_bytes() const { return arena_bytes_; }
  std::span<const int64_t> frame_elements() const { return frame_elements_; }

 private:
  void run_block(std::span<const External> arrays, int64_t first, int64_t frames, int64_t capacity, int64_t threads) const;

  const KernelTable& table_;
  int64_t arena_bytes_, block_;
  std::vector<int64_t> frame_elements_;
  std::vector<std::unique_ptr<Step>> steps_;
};

}  // namespace xnorflow
