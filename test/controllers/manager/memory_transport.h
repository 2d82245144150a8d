// MemoryTransport: a Transport to a MemoryApiServer, which can go away, lose
// answers and hang when told to.
#ifndef EPSLICE_TEST_CONTROLLERS_MANAGER_MEMORY_TRANSPORT_H_
#define EPSLICE_TEST_CONTROLLERS_MANAGER_MEMORY_TRANSPORT_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "informers/transport.h"
#include "sim/cluster/memory_api_server.h"
#include "test/informers/progress.h"

namespace epslice {

class MemoryTransport : public Transport {
 public:
  MemoryTransport(sim::MemoryApiServer* server, Progress* progress) : server_(server), progress_(progress) {}

  // Down: no call is answered, and running watches break.
  void SetDown(bool down) {
    Set([&] { down_ = down; });
  }
  // The next `n` creates happen, but their answers are lost.
  void LoseCreateAnswers(int n) {
    Set([&] { lose_answers_ = n; });
  }
  // Writes wait until they are let go or cancelled.
  void HoldWrites(bool hold) {
    Set([&] { hold_ = hold; });
  }
  // Only Events wait so.
  void HoldEvents(bool hold) {
    Set([&] { hold_events_ = hold; });
  }
  // Creates in this namespace are answered so: as by a webhook that fails.
  void RefuseCreatesIn(std::string ns, int code) {
    Set([&] {
      refused_namespace_ = std::move(ns);
      refused_code_ = code;
    });
  }
  // Running watches end, as they do when their time is over.
  void EndWatches() {
    Set([&] { ++watch_generation_; });
  }
  int held() const {
    std::lock_guard<std::mutex> lock(mu_);
    return held_;
  }
  std::int64_t calls() const {
    std::lock_guard<std::mutex> lock(mu_);
    return calls_;
  }
  std::int64_t lists() const {
    std::lock_guard<std::mutex> lock(mu_);
    return lists_;
  }

  Response Do(const Request& request, CancelToken* cancel) override {
    Response response = Call(request, cancel);
    progress_->Bump();
    return response;
  }

  Status Watch(const Request& request, CancelToken* cancel,
               const std::function<bool(const WatchEvent&)>& on_event) override {
    std::unique_lock<std::mutex> lock(mu_);
    if (down_) return StatusUnreachable("connection refused");
    const std::uint64_t generation = watch_generation_;
    lock.unlock();
    std::deque<WatchEvent> queue;  // guarded by mu_
    Status status;
    const auto handle = server_->Watch(
        request,
        [&](const WatchEvent& event) {
          std::lock_guard<std::mutex> inner(mu_);
          queue.push_back(event);
          cv_.notify_all();
        },
        &status);
    if (handle == nullptr) return status;
    const WakeOnCancel wake(this, cancel);
    lock.lock();
    for (;;) {
      cv_.wait(lock, [&] { return !queue.empty() || down_ || watch_generation_ != generation || cancel->cancelled(); });
      if (cancel->cancelled()) break;
      if (down_) {
        status = StatusUnreachable("connection reset by peer");
        break;
      }
      if (queue.empty()) break;
      const WatchEvent event = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      const bool go_on = on_event(event);
      progress_->Bump();
      lock.lock();
      if (!go_on) break;
    }
    // The server's lock is taken before ours: let go of ours first.
    lock.unlock();
    return status;
  }

 private:
  class WakeOnCancel {
   public:
    WakeOnCancel(MemoryTransport* transport, CancelToken* cancel)
        : cancel_(cancel), id_(cancel->Register([transport] { transport->Set([] {}); })) {}
    ~WakeOnCancel() { cancel_->Unregister(id_); }
    WakeOnCancel(const WakeOnCancel&) = delete;
    WakeOnCancel& operator=(const WakeOnCancel&) = delete;

   private:
    CancelToken* const cancel_;
    const int id_;
  };

  void Set(const std::function<void()>& change) {
    std::lock_guard<std::mutex> lock(mu_);
    change();
    cv_.notify_all();
  }

  Response Call(const Request& request, CancelToken* cancel) {
    Response unreachable;
    unreachable.status = StatusUnreachable("connection refused");
    bool lose = false;
    {
      const WakeOnCancel wake(this, cancel);
      std::unique_lock<std::mutex> lock(mu_);
      ++calls_;
      if (request.verb == Verb::kList) ++lists_;
      const auto held_up = [&] {
        return (hold_ && request.verb != Verb::kList) || (hold_events_ && request.kind == Kind::kEvent);
      };
      if (held_up()) {
        ++held_;
        progress_->Bump();
        cv_.wait(lock, [&] { return !held_up() || cancel->cancelled(); });
        --held_;
      }
      if (down_ || cancel->cancelled()) return unreachable;
      if (request.verb == Verb::kCreate && refused_code_ != 0 && request.namespace_ == refused_namespace_) {
        Response refused;
        refused.status.code = refused_code_;
        refused.status.message = "failed calling webhook";
        return refused;
      }
      lose = request.verb == Verb::kCreate && lose_answers_ > 0;
      if (lose) --lose_answers_;
    }
    Response response = server_->Handle(request);
    return lose ? unreachable : response;
  }

  sim::MemoryApiServer* const server_;
  Progress* const progress_;
  mutable std::mutex mu_;
  std::condition_variable cv_;
  bool down_ = false;
  bool hold_ = false;
  bool hold_events_ = false;
  int held_ = 0;
  int lose_answers_ = 0;
  std::string refused_namespace_;
  int refused_code_ = 0;
  std::uint64_t watch_generation_ = 0;
  std::int64_t calls_ = 0;
  std::int64_t lists_ = 0;
};

}  // namespace epslice

#endif  // EPSLICE_TEST_CONTROLLERS_MANAGER_MEMORY_TRANSPORT_H_
