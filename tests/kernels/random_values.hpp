// Random numbers for the programs that test_programs.py builds.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace xnorflow {

inline std::mt19937_64 random_bits(1);

inline int64_t between(int64_t low, int64_t high) { return low + static_cast<int64_t>(random_bits() % static_cast<uint64_t>(high - low + 1)); }

template <class T>
std::vector<T> integers(int64_t count, int64_t low, int64_t high) {
  std::vector<T> out(static_cast<size_t>(count));
  for (T& value : out) value = static_cast<T>(between(low, high));
  return out;
}

inline std::vector<int8_t> signs(int64_t count) {
  std::vector<int8_t> out = integers<int8_t>(count, 0, 1);
  for (int8_t& value : out) value = value != 0 ? int8_t{1} : int8_t{-1};
  return out;
}

}  // namespace xnorflow
