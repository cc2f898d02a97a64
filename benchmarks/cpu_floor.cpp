// The floor of a CPU: how fast the kernels' instructions run when no operand comes from memory. Prints Tbop/s (2 * products)
// of one thread for each instruction set, best of several rounds of thread CPU time.
#include <immintrin.h>

#include <cstdint>
#include <cstdio>
#include <ctime>

namespace {

double seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

constexpr int64_t kLoops = 2'000'000;

// 16 accumulators, each growing by popcount(word XOR row); the empty statements make the compiler take every word for a new one: the tile of isa_avx512.cpp without its loads.
__attribute__((target("avx512f,avx512vpopcntdq"), noinline)) double avx512() {
  __m512i sum[16], row[4], word = _mm512_set1_epi32(0x12345678);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) sum[i] = _mm512_setzero_si512();
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) row[i] = _mm512_set1_epi32(i * 77 + 1);
  const double begin = seconds();
  for (int64_t loop = 0; loop < kLoops; ++loop) {
    asm volatile("" : "+v"(row[0]), "+v"(row[1]), "+v"(row[2]), "+v"(row[3]));
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      asm volatile("" : "+v"(word));
      sum[i] = _mm512_add_epi32(sum[i], _mm512_popcnt_epi32(_mm512_xor_si512(word, row[i % 4])));
    }
  }
  const double end = seconds();
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) asm volatile("" : : "v"(sum[i]));
  return 16.0 * 512 * 2 * kLoops / (end - begin) / 1e12;
}

// 8 byte accumulators, each growing by a look-up of 128 products: the tile of isa_avx2.cpp without its loads.
__attribute__((target("avx2"), noinline)) double avx2() {
  __m256i sum[8], table = _mm256_set1_epi8(3), row[2] = {_mm256_set1_epi8(5), _mm256_set1_epi8(6)};
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) sum[i] = _mm256_setzero_si256();
  const double begin = seconds();
  for (int64_t loop = 0; loop < kLoops; ++loop) {
    asm volatile("" : "+x"(row[0]), "+x"(row[1]));
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      asm volatile("" : "+x"(table));
      sum[i] = _mm256_add_epi8(sum[i], _mm256_shuffle_epi8(table, row[i % 2]));
    }
  }
  const double end = seconds();
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) asm volatile("" : : "x"(sum[i]));
  return 8.0 * 128 * 2 * kLoops / (end - begin) / 1e12;
}

double best(double (*measure)()) {
  double most = 0;
  for (int i = 0; i < 7; ++i) {
    const double now = measure();
    most = now > most ? now : most;
  }
  return most;
}

}  // namespace

int main() {
  __builtin_cpu_init();
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq");
  std::printf("{");
  if (wide) std::printf("\"avx512\": %.3f, ", best(avx512));
  std::printf("\"avx2\": %.3f}\n", best(avx2));
}
