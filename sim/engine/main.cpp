// The batch engine: plays a list of steps (reset, stream FIRST COUNT, interrupt FIRST BEATS) on one top of a compiled model.
//
//   engine SCRIPT      a text file, one `key value...` a line (sim/engine/session.py writes it)
//
// Standard output: `progress FRAMES CYCLES` now and then, at the end `cycles N`, and `fault STEP TEXT` where a rule was
// broken; what came out before is written. Exit code 0, 3 for a fault, 2 for a script that cannot be read.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "driver.hpp"

namespace {

struct Step {
  std::string what;
  uint64_t first = 0;
  uint64_t count = 0;
};

struct Script {
  std::string top, in, out, done, probes;
  xf::Shape shape{};
  uint64_t seed = 0;
  int stalls = 0;
  std::vector<Step> steps;
};

void read_line(const std::string& key, std::istringstream& rest, Script& s) {
  rest >> std::ws;
  if (key == "top") rest >> s.top;
  else if (key == "in") std::getline(rest, s.in);
  else if (key == "out") std::getline(rest, s.out);
  else if (key == "done") std::getline(rest, s.done);
  else if (key == "probes") std::getline(rest, s.probes);
  else if (key == "in_beats") rest >> s.shape.in_beats;
  else if (key == "out_beats") rest >> s.shape.out_beats;
  else if (key == "patience") rest >> s.shape.patience;
  else if (key == "seed") rest >> s.seed;
  else if (key == "stalls") rest >> s.stalls;
  else if (key == "reset") s.steps.push_back({key});
  else if (key == "stream" || key == "interrupt") {
    Step step{key};
    rest >> step.first >> step.count;
    s.steps.push_back(step);
  } else throw std::runtime_error("unknown key " + key);
  if (rest.fail()) throw std::runtime_error("bad value of " + key);
}

Script read_script(const char* path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(std::string("cannot read ") + path);
  Script script;
  for (std::string line; std::getline(file, line);) {
    std::istringstream rest(line);
    std::string key;
    rest >> key;
    if (!key.empty()) read_line(key, rest, script);
  }
  return script;
}

std::vector<uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_bytes(const std::string& path, const void* data, size_t size) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  if (!file) throw std::runtime_error("cannot write " + path);
}

xf::Dut& find_top(xf::Model& model, const std::string& name) {
  for (xf::Dut& dut : model.duts)
    if (dut.name == name) return dut;
  throw std::runtime_error("no top called " + name);
}

class Ticker {
 public:
  void operator()(uint64_t frames, uint64_t cycles) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(500)) return;
    last_ = now;
    std::cout << "progress " << before_ + frames << ' ' << cycles << std::endl;
  }
  void finished(uint64_t frames) { before_ += frames; }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  uint64_t before_ = 0;
};

int play(const Script& script) {
  xf::Model model = xf::make_model(static_cast<uint32_t>(script.seed + 1));
  xf::Dut& dut = find_top(model, script.top);
  const std::vector<uint8_t> input = read_bytes(script.in);
  const std::span<const uint8_t> in(input);
  const size_t frame = script.shape.in_beats * dut.in_bytes;
  xf::Driver driver(model, dut, script.shape, script.stalls != 0, script.seed);
  xf::Sink sink;
  Ticker ticker;
  if (!script.probes.empty()) driver.open_probes(script.probes);
  size_t number = 0;
  std::string fault;
  try {
    for (const Step& step : script.steps) {
      if (step.what == "reset") driver.reset();
      else if (step.what == "interrupt") driver.interrupt(in.subspan(step.first * frame), step.count);
      else driver.stream(in.subspan(step.first * frame, step.count * frame), sink, ticker), ticker.finished(step.count);
      ++number;
    }
  } catch (const xf::Fault& caught) {
    fault = caught.text;
  }
  driver.close_probes();
  write_bytes(script.out, sink.beats.data(), sink.beats.size());
  write_bytes(script.done, sink.done.data(), sink.done.size() * sizeof(uint64_t));
  std::cout << "cycles " << driver.cycles() << std::endl;
  if (fault.empty()) return 0;
  std::cout << "fault " << number << ' ' << fault << std::endl;
  return 3;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: engine SCRIPT\n";
    return 2;
  }
  try {
    return play(read_script(argv[1]));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
