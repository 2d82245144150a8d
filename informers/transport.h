// Transport: who carries a Request to an API server and waits for the answer.
#ifndef EPSLICE_INFORMERS_TRANSPORT_H_
#define EPSLICE_INFORMERS_TRANSPORT_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "apis/request.h"

namespace epslice {

// Cancels calls from another thread: once cancelled, always cancelled.
// Thread-safe; share one between the caller and whoever stops it.
class CancelToken {
 public:
  CancelToken() = default;
  // `may_go_on` (null: always): asked again before each request of a call is sent,
  // after whatever it had to wait for. False: it is not sent, as if cancelled. From
  // any thread; to be quick.
  explicit CancelToken(std::function<bool()> may_go_on) : may_go_on_(std::move(may_go_on)) {}

  // True once Cancel() was called.
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  // Whether a request may be sent now.
  bool may_send() const { return !cancelled() && (!may_go_on_ || may_go_on_()); }
  // Runs every registered callback once, in this thread, and every later one
  // at once. Callbacks must be short, must not throw, and must not use the
  // token themselves.
  void Cancel();
  // Calls `on_cancel` when cancelled; before this returns, when that was
  // already so. Returns an id for Unregister().
  int Register(std::function<void()> on_cancel);
  // After this returns the callback does not run and is not running. Do not
  // hold a lock that the callback takes.
  void Unregister(int id);

 private:
  const std::function<bool()> may_go_on_;
  std::atomic<bool> cancelled_{false};
  std::mutex mu_;
  int next_id_ = 0;
  std::vector<std::pair<int, std::function<void()>>> callbacks_;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Everything but watch. Blocks until the answer, a time-out or `cancel`
  // (either: status.code 0). `cancel` may be null. Never throws. Thread-safe.
  virtual Response Do(const Request& request, CancelToken* cancel) = 0;

  // A watch. Blocks, calling `on_event` for each event in order until it
  // returns false, the server ends the stream, or `cancel`. The result is
  // ok() for a clean end, and when `on_event` returned false; code 0 when the
  // stream broke or was cancelled; an error Status before the first byte is
  // returned, an ERROR event inside the stream goes to `on_event`.
  // Thread-safe.
  virtual Status Watch(const Request& request, CancelToken* cancel,
                       const std::function<bool(const WatchEvent&)>& on_event) = 0;
  // The same, and `on_open` is called once, when the server has accepted the watch
  // (200). That may be long before its first event: of what does not change there is
  // none, nor is there a bookmark, where etcd does not tell the API server that all
  // is quiet. By default nothing is told.
  virtual Status WatchAndTell(const Request& request, CancelToken* cancel, const std::function<void()>& on_open,
                              const std::function<bool(const WatchEvent&)>& on_event);
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_TRANSPORT_H_
