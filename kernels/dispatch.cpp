#include "dispatch.hpp"

#include <array>

#include "error.hpp"

namespace xnorflow {
namespace {

struct Entry {
  const KernelTable* table;
  bool (*runs_here)();
};

bool always() { return true; }

#if defined(XNORFLOW_X86)
bool has_avx2() { return __builtin_cpu_supports("avx2"); }

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vpopcntdq");
}
#endif

// Fastest first.
constexpr std::array kEntries = {
#if defined(XNORFLOW_X86)
    Entry{&kAvx512, has_avx512},
    Entry{&kAvx2, has_avx2},
#elif defined(XNORFLOW_ARM64)
    Entry{&kNeon, always},
#endif
    Entry{&kPortable, always},
    Entry{&kReference, always},
};

}  // namespace

std::vector<std::string> available() {
  std::vector<std::string> names;
  for (const Entry& entry : kEntries)
    if (entry.runs_here()) names.emplace_back(entry.table->name);
  return names;
}

const KernelTable& select(const std::string& name) {
  for (const Entry& entry : kEntries)
    if (entry.runs_here() && (name == "auto" || name == entry.table->name)) return *entry.table;
  std::string accepted = "auto";
  for (const std::string& known : available()) accepted += ", " + known;
  throw InputError("instruction set '" + name + "' is unknown or not supported by this CPU; accepted are " + accepted);
}

}  // namespace xnorflow
