// WorkerPool: threads that are started when there is work for them.
//
// An HTTP server that streams needs a thread for each watch and each idle
// connection, but rarely many: threads are started when a job finds none idle,
// up to a bound, and stay. Jobs beyond the bound wait in line.
#ifndef EPSLICE_INFORMERS_HTTP_WORKER_POOL_H_
#define EPSLICE_INFORMERS_HTTP_WORKER_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace epslice {

// Thread-safe.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t max_threads) : max_threads_(max_threads) {}
  // Shuts down.
  ~WorkerPool() { Shutdown(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `job` in some thread. After Shutdown() it is dropped. Where the
  // machine gives no more threads, those there are must do.
  void Run(std::function<void()> job);
  // Runs what is in line, then ends and joins all threads. Not from a job.
  void Shutdown();

  std::size_t threads() const;

 private:
  void Work();

  const std::size_t max_threads_;
  mutable std::mutex mu_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_WORKER_POOL_H_
