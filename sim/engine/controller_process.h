// ControllerProcess: one life of the controller's process in virtual time: its
// informers, its ServiceController, and its workers.
//
// Workers are a count, not threads: while one is free and the queue has a
// Service, it is planned at once from the snapshot, and the time that planning,
// the client's rate limit and the network take passes before and between the
// writes. Nothing polls: the queue is looked at when something was delivered, a
// sync ended, or its next deadline has come.
// Not thread-safe.
#ifndef EPSLICE_SIM_ENGINE_CONTROLLER_PROCESS_H_
#define EPSLICE_SIM_ENGINE_CONTROLLER_PROCESS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controllers/endpointslice/service_controller.h"
#include "informers/random.h"
#include "informers/rate_limiter.h"
#include "sim/cluster/faults.h"
#include "sim/engine/event_calls.h"
#include "sim/engine/informer_feed.h"
#include "sim/engine/latency.h"
#include "sim/engine/observed_server.h"
#include "sim/engine/scheduler.h"

namespace epslice::sim {

// What a process is made with. All pointers must outlive it.
struct ControllerProcessOptions {
  ServiceControllerOptions controller;
  WatcherOptions watcher;
  Duration min_resync_period{0};
  Duration sync_time{0};
  Duration sync_time_per_endpoint{0};
  double qps = 0;
  int burst = 0;
  int workers = 1;
  Scheduler* scheduler = nullptr;
  ObservedServer* server = nullptr;
  // Read for each event and write: they may change.
  const Latency* watch_latency = nullptr;
  const Latency* write_latency = nullptr;
  // Of sync times; read for each sync. Null: 1.
  const double* sync_slowdown = nullptr;
  Faults* faults = nullptr;  // null: nothing goes wrong
};

class ControllerProcess : public InformerFeed::Owner {
 public:
  ControllerProcess(const ControllerProcessOptions& options, const Random& random);

  // The informers begin.
  void Start();
  // The process ends. A request that was sent still reaches the API server;
  // nothing else happens any more. What it scheduled may still run, so the
  // object, small now, has to stay.
  void Stop();
  bool stopped() const { return core_ == nullptr; }

  // Only when not stopped.
  const ServiceController& controller() const { return core_->controller; }
  // The informers have everything, the queue is empty, no worker is busy. A Service
  // may wait to be tried again whose last sync wrote all it could and failed since
  // pods of it are on Nodes that are not there, and of which nothing was heard
  // since: that does nothing until something changes.
  bool settled() const;
  // Breaks the connections of all watches.
  void BreakWatches(const Status& status);

 private:
  // Told of the queue's waiting times, since Jobs do not carry them.
  struct PopTimes : WorkQueueObserver {
    void OnPop(Duration waited) override {
      last = waited;
      if (next != nullptr) next->OnPop(waited);
    }
    void OnDone(Duration worked) override {
      if (next != nullptr) next->OnDone(worked);
    }
    WorkQueueObserver* next = nullptr;
    Duration last{0};
  };
  // What goes with the process.
  struct Core {
    explicit Core(const ServiceControllerOptions& options) : controller(options) {}
    ServiceController controller;
  };
  struct Worker {
    std::optional<Job> job;  // none: free
    std::optional<PlanApplier> applier;
    Instant queued{0}, planned{0}, sent{0}, committed{0};
    Duration way_back{0};
    Request request;
    Response response;
    std::optional<Faults::RequestFate> fate;
  };
  struct QueueDepth {
    std::size_t ready = 0, delayed = 0, processing = 0;
    friend bool operator==(const QueueDepth&, const QueueDepth&) = default;
  };

  void Apply(Kind kind, const WatchUpdate& update, const std::string& resource_version) override;
  void AfterDelivery() override { Pump(); }

  // Gives work to free workers, and sees to it that the queue is looked at
  // again in time.
  void Pump();
  void StartWhenSynced();
  void ScheduleResync();
  void TellQueue();
  void Begin(Worker* worker, Job job);
  void NextWrite(Worker* worker);
  void Send(Worker* worker, Request request);
  void OnArrival(Worker* worker);
  void OnAnswer(Worker* worker);
  void TellWrite(const Worker& worker, const Response& response);
  void NoteAnswer(const Status& status);
  void Finish(Worker* worker);
  void Free(Worker* worker);

  const ControllerProcessOptions options_;
  Scheduler& scheduler_;
  ObservedServer& server_;
  PopTimes pop_times_;
  std::unique_ptr<Core> core_;
  std::array<std::unique_ptr<InformerFeed>, 4> feeds_;
  std::array<bool, 4> synced_{};
  std::vector<Worker> workers_;
  std::vector<std::size_t> free_workers_;
  TokenBucket bucket_;
  Random write_random_, resync_random_;
  EventCalls event_calls_;
  std::set<ObjectKey> fruitless_;  // whose last sync ended so, see settled()
  QueueDepth depth_;
  std::optional<Instant> wakeup_;
  Instant stopped_at_{0};
  bool outage_ = false;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_ENGINE_CONTROLLER_PROCESS_H_
