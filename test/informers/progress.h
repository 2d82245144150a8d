// Progress: lets a test with threads wait for what it expects.
#ifndef EPSLICE_TEST_INFORMERS_PROGRESS_H_
#define EPSLICE_TEST_INFORMERS_PROGRESS_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace epslice {

// Something moved: lets a test wait for a condition without polling. The
// condition is looked at again after each Bump().
class Progress {
 public:
  void Bump() {
    std::lock_guard<std::mutex> lock(mu_);
    ++count_;
    cv_.notify_all();
  }
  // False when the condition did not come true in a time far longer than any
  // sane machine needs.
  bool WaitUntil(const std::function<bool()>& condition) {
    for (;;) {
      const std::uint64_t seen = Count();
      if (condition()) return true;
      std::unique_lock<std::mutex> lock(mu_);
      if (!cv_.wait_for(lock, std::chrono::seconds(60), [&] { return count_ != seen; })) return false;
    }
  }

 private:
  std::uint64_t Count() {
    std::lock_guard<std::mutex> lock(mu_);
    return count_;
  }
  std::mutex mu_;
  std::condition_variable cv_;
  std::uint64_t count_ = 0;
};

}  // namespace epslice

#endif  // EPSLICE_TEST_INFORMERS_PROGRESS_H_
