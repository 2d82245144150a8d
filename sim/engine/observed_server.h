// ObservedServer: the simulation's API server, of whose every change the
// observers and the digest hear.
//
// It watches its own MemoryApiServer, without latency. The server's callbacks
// run under its lock: changes are collected there and told once the request is
// handled, before Handle() returns. A change that came past this class (by
// server().Handle()) is told at the same instant, as an event of its own, or,
// where the server is shared with other threads, in TakeOutsideChanges().
// One thread drives it: only that one may call anything here. Others may use
// server(), if there is somebody to be told of their changes.
#ifndef EPSLICE_SIM_ENGINE_OBSERVED_SERVER_H_
#define EPSLICE_SIM_ENGINE_OBSERVED_SERVER_H_

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/engine/digest.h"
#include "sim/engine/observer.h"
#include "sim/engine/scheduler.h"

namespace epslice::sim {

class ObservedServer {
 public:
  // `scheduler` must outlive it. `on_outside_change`: see SimulationOptions.
  ObservedServer(Scheduler* scheduler, MemoryApiServerOptions options, std::function<void()> on_outside_change);
  ObservedServer(const ObservedServer&) = delete;
  ObservedServer& operator=(const ObservedServer&) = delete;

  void AddObserver(RunObserver* observer) { observers_.push_back(observer); }
  const std::vector<RunObserver*>& observers() const { return observers_; }
  MemoryApiServer& server() { return server_; }
  Digest& digest() { return digest_; }

  Response Handle(const Request& request, bool by_controller);
  absl::Status Load(const AnyObject& object);
  absl::Status Replay(WatchEventType type, const AnyObject& object, bool always);
  // Tells of what came past this class.
  void TakeOutsideChanges();
  // The server's wall clock is set forward or back by this.
  void JumpWallClock(Duration by) { clock_.offset += by; }

 private:
  struct ServerClock : Clock {
    explicit ServerClock(const Scheduler* s) : scheduler(s) {}
    Instant Now() const override { return scheduler->now(); }
    Timestamp WallNow() const override { return {scheduler->clock().WallNow().nanos + offset.count()}; }
    const Scheduler* const scheduler;
    Duration offset{0};
  };

  void Watch(Kind kind);
  void OnChange(const WatchEvent& event);
  // Tells of what was collected.
  void Tell();
  // Lets the server do what is due, and sees to it that it is asked again.
  void Advance();

  Scheduler* const scheduler_;
  ServerClock clock_;
  MemoryApiServer server_;
  std::vector<RunObserver*> observers_;
  Digest digest_;
  // From here until it goes, the changes that this thread makes are our own.
  class Handling;
  const std::function<void()> on_outside_change_;  // null: only one thread has the server

  std::mutex mu_;  // taken under the server's lock, never the other way round
  // Below: guarded by mu_.
  std::deque<Commit> told_later_;
  std::thread::id handling_;  // none: nobody
  bool by_controller_ = false;
  bool loading_ = false;
  bool tell_asked_ = false;

  // Of the driving thread.
  bool telling_ = false;
  std::optional<Instant> advance_at_;
  std::vector<std::unique_ptr<MemoryApiServer::WatchHandle>> watches_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_ENGINE_OBSERVED_SERVER_H_
