#include "pool.hpp"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace xnorflow {
namespace {

constexpr int kSpins = 4000;
constexpr int64_t kMaxTasks = INT64_C(1) << 31;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// One job at a time. `state_` holds the job's number in its upper half and how many of its tasks are unclaimed in its
// lower: a claim is one compare-and-swap on both, so that no thread can take a task of one job for that of another. The
// other fields change only while nothing is unclaimed and nothing pending.
class Pool {
 public:
  // Whether the tasks were done; false where another caller holds the pool.
  bool run(int64_t tasks, int64_t threads, const std::function<void(int64_t)>& task) {
    const std::unique_lock<std::mutex> only(busy_, std::try_to_lock);
    if (!only.owns_lock()) return false;
    for (; workers_ < threads - 1; ++workers_) std::thread([this, id = workers_] { serve(id); }).detach();
    task_ = &task;
    tasks_ = tasks;
    helpers_.store(threads - 1, std::memory_order_relaxed);
    pending_.store(tasks, std::memory_order_relaxed);
    const uint64_t job = (state_.load(std::memory_order_relaxed) >> 32) + 1;
    state_.store(job << 32 | static_cast<uint64_t>(tasks));
    if (sleepers_.load() > 0) {
      const std::lock_guard<std::mutex> lock(sleep_);
      wake_.notify_all();
    }
    work(job & 0xffffffffU);
    for (int spin = 0; pending_.load(std::memory_order_acquire) != 0; ++spin) spin < kSpins ? pause() : std::this_thread::yield();
    return true;
  }

 private:
  uint64_t job() const { return state_.load() >> 32; }

  void work(uint64_t job) {
    uint64_t state = state_.load(std::memory_order_acquire);
    while (state >> 32 == job && (state & 0xffffffffU) != 0) {
      if (!state_.compare_exchange_weak(state, state - 1, std::memory_order_acq_rel)) continue;
      (*task_)(tasks_ - static_cast<int64_t>(state & 0xffffffffU));
      pending_.fetch_sub(1, std::memory_order_release);
      state = state_.load(std::memory_order_acquire);
    }
  }

  [[noreturn]] void serve(int64_t id) {
    for (uint64_t seen = 0;;) {
      for (int spin = 0; job() == seen; ++spin) {
        if (spin < kSpins) {
          pause();
          continue;
        }
        std::unique_lock<std::mutex> lock(sleep_);
        ++sleepers_;
        wake_.wait(lock, [&] { return job() != seen; });
        --sleepers_;
      }
      seen = job();
      if (id < helpers_.load(std::memory_order_relaxed)) work(seen);
    }
  }

  std::mutex busy_, sleep_;
  std::condition_variable wake_;
  std::atomic<uint64_t> state_{0};
  std::atomic<int64_t> pending_{0}, helpers_{0};
  std::atomic<int> sleepers_{0};
  int64_t workers_ = 0, tasks_ = 0;
  const std::function<void(int64_t)>* task_ = nullptr;
};

std::atomic<Pool*> pool{nullptr};

// A forked child has none of its parent's threads: it begins with no pool, and leaves the parent's alone.
Pool& instance() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr); });
  static_cast<void>(registered);
  Pool* current = pool.load(std::memory_order_acquire);
  if (current != nullptr) return *current;
  Pool* made = new Pool;
  if (pool.compare_exchange_strong(current, made)) return *made;
  delete made;
  return *current;
}

}  // namespace

void parallel(int64_t tasks, int64_t threads, const std::function<void(int64_t)>& task) {
  if (threads > 1 && tasks > 1 && tasks < kMaxTasks && instance().run(tasks, threads, task)) return;
  for (int64_t i = 0; i < tasks; ++i) task(i);
}

}  // namespace xnorflow
