// Which kernel table runs: the fastest that this CPU has, or the one that is asked for.
#pragma once

#include <string>
#include <vector>

#include "kernel_table.hpp"

namespace xnorflow {

// Names of the tables that this CPU can run, fastest first; "portable" and "reference" end the list.
std::vector<std::string> available();

// The table of that name; the fastest for "auto". Throws InputError for any other name, listing the accepted ones.
const KernelTable& select(const std::string& name);

}  // namespace xnorflow
