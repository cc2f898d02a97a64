// Drives one top cycle by cycle through its AXI4-Stream ports and checks the rules of the handshake.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dut.hpp"
#include "gate.hpp"

namespace xf {

// A broken rule, or no progress; the text is what the user reads.
struct Fault {
  std::string text;
};

struct Shape {
  uint64_t in_beats;   // of a frame
  uint64_t out_beats;  // of a frame
  uint64_t patience;   // cycles without a beat on either side after which the top counts as stuck
};

// What a run of frames gives back: the output beats, and for each frame the cycle (from 0, the run's first) of its last beat.
struct Sink {
  std::vector<uint8_t> beats;
  std::vector<uint64_t> done;
};

class Driver {
 public:
  Driver(Model& model, Dut& dut, const Shape& shape, bool stalls, uint64_t seed);

  void open_probes(const std::string& folder);
  void close_probes();
  void reset();
  // Streams whole frames back to back and waits for all their results; then no further beat may come.
  template <typename Progress>
  void stream(std::span<const uint8_t> frames, Sink& sink, Progress&& progress);
  // Streams so many beats and stops there, in mid-frame; results that come out meanwhile are checked for the rules only.
  void interrupt(std::span<const uint8_t> frames, uint64_t beats);
  uint64_t cycles() const { return cycles_; }

 private:
  struct Run {
    std::span<const uint8_t> in;
    uint64_t in_total;
    uint64_t taken = 0;
    uint64_t made = 0;
    uint64_t idle = 0;
    uint64_t clock = 0;
  };
  void begin();
  void offer(Run& run);
  bool cycle(Run& run);  // true where an output beat was taken; it is then in beat_
  void check_valid_alone(const Run& run);
  void check_output(const Run& run, bool ready);
  void record_probes();
  void edge();
  [[noreturn]] void fail(const Run& run, const std::string& what) const;

  Model& model_;
  Dut& dut_;
  Shape shape_;
  Gate source_;
  Gate sink_;
  std::vector<uint8_t> held_;  // the beat and TLAST that a stalled output must keep
  std::vector<uint8_t> beat_;
  std::vector<std::FILE*> probe_files_;
  bool offering_ = false;
  bool stalled_ = false;
  uint64_t cycles_ = 0;
};

template <typename Progress>
void Driver::stream(std::span<const uint8_t> frames, Sink& sink, Progress&& progress) {
  begin();
  Run run{frames, frames.size() / dut_.in_bytes};
  const uint64_t wanted = run.in_total / shape_.in_beats * shape_.out_beats;
  while (run.made < wanted) {
    if (!cycle(run)) continue;
    sink.beats.insert(sink.beats.end(), beat_.begin(), beat_.end());
    if (run.made % shape_.out_beats == 0) {
      sink.done.push_back(run.clock - 1);
      progress(run.made / shape_.out_beats, cycles_);
    }
  }
  for (int extra = 0; extra < 256; ++extra) {
    if (cycle(run)) fail(run, "made a beat that no input asked for");
    run.idle = 0;
  }
}

}  // namespace xf
