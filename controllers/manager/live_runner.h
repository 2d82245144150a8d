// LiveRunner: drives a ServiceController against a real API server, with
// threads.
//
//   4 informer threads (services, pods, nodes, slices): list and watch through
//     the transport, then, under the one lock, the store and Observe()
//   N workers: Next() under the lock, planning and writes without it,
//     Complete() under it
//   a timekeeper: waits for the next deadline of the queue
// Nothing polls: an informer waits for its stream, idle workers for work.
//
// An API server that goes away is told once in the log, and once when it is
// back; meanwhile everything is retried with backoff, and what was written
// without an answer is looked up before it is written again.
//
// Thread-safety: Start() and Stop() from one thread, the rest from any.
#ifndef EPSLICE_CONTROLLERS_MANAGER_LIVE_RUNNER_H_
#define EPSLICE_CONTROLLERS_MANAGER_LIVE_RUNNER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controllers/endpointslice/explain_reply.h"
#include "controllers/endpointslice/service_controller.h"
#include "controllers/endpointslice/shadow.h"
#include "controllers/manager/log.h"
#include "controllers/manager/monitor.h"
#include "informers/clock.h"
#include "informers/transport.h"
#include "informers/watcher.h"

namespace epslice {

struct LiveRunnerOptions {
  ServiceControllerOptions controller;
  WatcherOptions watcher;
  int workers = 5;
  // Every one to two of these periods all Services are queued again; 0: never.
  Duration min_resync_period = std::chrono::hours(12);
  // How long Stop() lets the syncs in flight finish before it cancels them.
  Duration shutdown_grace = std::chrono::seconds(10);
  // Which replica this is, in Events; empty: they name the component only.
  std::string identity;
  // Informers run at once, work begins with Lead(): of several replicas one leads.
  bool standby = false;
  // Asked before every write; one that may not be is not sent, and fails. Null:
  // always.
  std::function<bool()> may_write;
  // Set: nothing is written, neither slices nor Events; plans are compared with
  // the slices that another controller writes (shadow.h).
  std::optional<ShadowOptions> shadow;
  // Makes the jitter of everything that has some.
  std::uint64_t seed = 1;
  // Told of every sync that ended (no verification), for metrics; in shadow of
  // the onlooker's plan. Called from the workers, without a lock; may be null.
  std::function<void(const Job& job, const Plan& plan, const Outcome& outcome)> observe_sync;
};

class LiveRunner {
 public:
  // All must outlive the runner. `clock` must run at the speed of real time:
  // waits are made of its differences.
  LiveRunner(LiveRunnerOptions options, Transport* transport, const Clock* clock, Logger* log);
  // Stops.
  ~LiveRunner();
  LiveRunner(const LiveRunner&) = delete;
  LiveRunner& operator=(const LiveRunner&) = delete;

  // Starts the threads; at most once.
  void Start();
  // Ends `standby`; from any thread.
  void Lead();
  // Of a leader that leads no more: what was not sent is not, and what is under way
  // is given up. From any thread, and for good; Stop() still has to be called.
  void StopWriting();
  // Takes no more work, and is not ready from now on: what Stop() begins with, and
  // does not wait for. From any thread, and for good.
  void BeginStop();
  // Takes no more work, lets what is in flight finish (shutdown_grace at
  // most), joins all threads. False when a sync had to be cancelled: its last
  // write may or may not have happened. Again: does nothing.
  bool Stop();

  struct Stats {
    bool synced = false;  // all four lists were there, work has begun
    bool stopping = false;
    std::size_t services = 0, pods = 0, nodes = 0, slices = 0;
    std::size_t queue_ready = 0, queue_delayed = 0, queue_processing = 0;
    ServiceController::Counters syncs;
    HintTotals::Totals hints;
    std::optional<Shadow::Totals> shadow;  // in shadow
    // As client-go's metrics have them.
    std::size_t queue_depth = 0;
    std::int64_t queue_adds = 0, queue_retries = 0;
    // How long what is worked on took so far: summed, and the longest.
    Duration queue_unfinished{0}, queue_longest{0};
  };
  Stats stats() const;

  // A snapshot for ExplainReply(): pointers only, taken under the lock.
  ExplainSnapshot explain_snapshot(std::string_view service) const;

  // What its threads are doing.
  const Monitor& monitor() const;

  // What waits and what is worked on: the first `max` keys of each, with when
  // they were added, are due, and were begun; and how many there are.
  struct QueueView {
    Instant now{0};
    std::vector<std::pair<ObjectKey, Instant>> ready, delayed, processing;
    std::size_t ready_size = 0, delayed_size = 0, processing_size = 0;
  };
  QueueView queue(std::size_t max) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_LIVE_RUNNER_H_
