// Churn: pods that come, go and flap in a thread of its own, while the test does
// something else to the cluster.
#ifndef EPSLICE_TEST_E2E_CHURN_H_
#define EPSLICE_TEST_E2E_CHURN_H_

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include "test/e2e/process.h"

namespace epslice::e2e {

class Churn {
 public:
  // `step` is called with 0, 1, 2 ... until Stop().
  explicit Churn(std::function<void(int)> step)
      : thread_([this, step = std::move(step)] {
          for (int i = 0; !stopping_; ++i) {
            step(i);
            ++steps_;
            Poll(std::chrono::milliseconds(10), [this] { return stopping_.load(); });
          }
        }) {}
  ~Churn() { Stop(); }
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;

  int steps() const { return steps_; }
  void Stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> stopping_{false};
  std::atomic<int> steps_{0};
  std::thread thread_;  // last: it uses the others
};

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_CHURN_H_
