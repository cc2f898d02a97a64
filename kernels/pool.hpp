// The threads of the kernels. A call's own thread works too, and never waits for a thread that has claimed nothing: a
// worker that gets no processor (another library's threads may be spinning on it) costs nothing.
#pragma once

#include <cstdint>
#include <functional>

namespace xnorflow {

// Calls task(i) for every i in [0, tasks), on up to `threads` threads, and returns when all are done. Where the pool is
// busy with another caller's tasks, or one thread is asked for, this thread does them all. Tasks must not throw.
void parallel(int64_t tasks, int64_t threads, const std::function<void(int64_t)>& task);

}  // namespace xnorflow
