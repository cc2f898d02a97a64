#include "driver.hpp"

#include <cstdio>
#include <cstring>

namespace xf {

Driver::Driver(Model& model, Dut& dut, const Shape& shape, bool stalls, uint64_t seed)
    : model_(model), dut_(dut), shape_(shape), source_(stalls, 2 * seed + 1), sink_(stalls, 2 * seed + 2), held_(dut.out_bytes + 1), beat_(dut.out_bytes) {
  std::memset(dut_.s_data, 0, dut_.in_bytes);
  *dut_.s_valid = *dut_.s_last = *dut_.m_ready = *dut_.clk = 0;
  *dut_.rst_n = 1;
}

void Driver::open_probes(const std::string& folder) {
  for (const Probe& probe : dut_.probes) {
    std::FILE* file = std::fopen((folder + "/" + probe.name + ".bin").c_str(), "wb");
    if (file == nullptr) throw Fault{"cannot write the probe file of " + probe.name};
    probe_files_.push_back(file);
  }
}

void Driver::close_probes() {
  for (std::FILE* file : probe_files_) std::fclose(file);
  probe_files_.clear();
}

void Driver::edge() {
  *dut_.clk = 1;
  model_.eval();
  ++cycles_;
}

void Driver::begin() { offering_ = stalled_ = false; }

void Driver::reset() {
  *dut_.rst_n = 0;
  *dut_.s_valid = *dut_.m_ready = 0;
  for (int cycle = 0; cycle < 8; ++cycle) {
    *dut_.clk = 0;
    model_.eval();
    if (cycle > 0 && *dut_.m_valid != 0) throw Fault{"m_axis_tvalid is high in reset"};
    edge();
  }
  *dut_.rst_n = 1;
  begin();
}

// An offered beat stays until it is taken; between beats a stalling source shows random data, which must not matter.
void Driver::offer(Run& run) {
  if (!offering_ && run.taken < run.in_total && source_.open()) {
    std::memcpy(dut_.s_data, run.in.data() + run.taken * dut_.in_bytes, dut_.in_bytes);
    *dut_.s_last = (run.taken + 1) % shape_.in_beats == 0;
    offering_ = true;
  } else if (!offering_ && source_.stalls()) {
    auto* bytes = static_cast<uint8_t*>(dut_.s_data);
    for (size_t i = 0; i < dut_.in_bytes; ++i) bytes[i] = source_.garbage();
    *dut_.s_last = source_.garbage() & 1;
  }
  *dut_.s_valid = offering_;
}

bool Driver::cycle(Run& run) {
  offer(run);
  const bool ready = sink_.open();
  *dut_.m_ready = ready;
  *dut_.clk = 0;
  model_.eval();
  if (!ready && *dut_.m_valid == 0) check_valid_alone(run);
  check_output(run, ready);
  const bool made = *dut_.m_valid != 0 && ready;
  const bool taken = offering_ && *dut_.s_ready != 0;
  if (made) std::memcpy(beat_.data(), dut_.m_data, dut_.out_bytes);
  if (!probe_files_.empty()) record_probes();
  if (++run.idle > shape_.patience) fail(run, "is stuck: no beat for " + std::to_string(shape_.patience) + " cycles");
  if (made || taken) run.idle = 0;
  if (taken) offering_ = false;
  run.taken += taken;
  run.made += made;
  ++run.clock;
  edge();
  return made;
}

// Valid must not wait for ready: with ready raised in the same cycle, it must stay low.
void Driver::check_valid_alone(const Run& run) {
  *dut_.m_ready = 1;
  model_.eval();
  if (*dut_.m_valid != 0) fail(run, "raised m_axis_tvalid only when it saw m_axis_tready");
  *dut_.m_ready = 0;
  model_.eval();
}

void Driver::check_output(const Run& run, bool ready) {
  const bool valid = *dut_.m_valid != 0;
  if (stalled_ && !valid) fail(run, "dropped m_axis_tvalid before the beat was taken");
  if (!valid) return;
  const uint8_t last = *dut_.m_last;
  if (stalled_ && std::memcmp(held_.data(), dut_.m_data, dut_.out_bytes) != 0) fail(run, "changed m_axis_tdata of a stalled beat");
  if (stalled_ && held_.back() != last) fail(run, "changed m_axis_tlast of a stalled beat");
  if (last != ((run.made + 1) % shape_.out_beats == 0)) fail(run, last ? "raised m_axis_tlast in mid-frame" : "missed m_axis_tlast at the end of a frame");
  stalled_ = !ready;
  if (stalled_) {
    std::memcpy(held_.data(), dut_.m_data, dut_.out_bytes);
    held_.back() = last;
  }
}

void Driver::record_probes() {
  for (size_t i = 0; i < probe_files_.size(); ++i) {
    const Probe& probe = dut_.probes[i];
    if (*probe.valid != 0 && *probe.ready != 0) std::fwrite(probe.data, 1, probe.bytes, probe_files_[i]);
  }
}

void Driver::interrupt(std::span<const uint8_t> frames, uint64_t beats) {
  begin();
  Run run{frames, beats};
  while (run.taken < beats) cycle(run);
}

void Driver::fail(const Run& run, const std::string& what) const {
  const uint64_t frame = run.made / shape_.out_beats;
  throw Fault{what + "; beat " + std::to_string(run.made % shape_.out_beats) + " of frame " + std::to_string(frame) + " at the output, after " +
              std::to_string(run.taken) + " of " + std::to_string(run.in_total) + " beats in and " + std::to_string(run.made) + " out, in cycle " +
              std::to_string(run.clock) + " since the last reset or run"};
}

}  // namespace xf
