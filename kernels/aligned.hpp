// Arrays that begin at a cache line, so that no vector of a kernel lies across two.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace xnorflow {

template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  LineAllocator() = default;
  template <class U>
  explicit LineAllocator(const LineAllocator<U>&) {}

  T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
  void deallocate(T* p, size_t) { ::operator delete(p, kLine); }
  bool operator==(const LineAllocator&) const = default;
};

template <class T>
using Aligned = std::vector<T, LineAllocator<T>>;

}  // namespace xnorflow
