// What the harness knows of a simulated top: where its ports lie. The generated table (sim/engine/wrapper.py) fills it in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xf {

// An internal stream that is only watched: a beat passes where valid and ready are both 1.
struct Probe {
  std::string name;
  const uint8_t* valid;
  const uint8_t* ready;
  const void* data;
  size_t bytes;
};

// The AXI4-Stream ports of one top. Verilator keeps a port in little-endian words of 1, 2, 4 or 8 bytes, or in an array
// of 4-byte words, so that copying the first `in_bytes` or `out_bytes` bytes moves one beat.
struct Dut {
  std::string name;
  uint8_t* clk;
  uint8_t* rst_n;
  uint8_t* s_valid;
  uint8_t* s_last;
  const uint8_t* s_ready;
  void* s_data;
  size_t in_bytes;
  uint8_t* m_ready;
  const uint8_t* m_valid;
  const uint8_t* m_last;
  const void* m_data;
  size_t out_bytes;
  std::vector<Probe> probes;
};

// One instance of the compiled model with all its tops.
struct Model {
  std::function<void()> eval;
  std::vector<Dut> duts;
  std::shared_ptr<void> keep_alive;
};

// Registers and memories without a reset start with random bits drawn from the seed.
Model make_model(uint32_t seed);

}  // namespace xf
