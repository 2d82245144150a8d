// The inside of LiveRunner, for the .cc files beside it only.
#ifndef EPSLICE_CONTROLLERS_MANAGER_LIVE_RUNNER_IMPL_H_
#define EPSLICE_CONTROLLERS_MANAGER_LIVE_RUNNER_IMPL_H_

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "controllers/endpointslice/service_event.h"
#include "controllers/manager/live_runner.h"
#include "controllers/manager/monitor.h"
#include "informers/event_sender.h"
#include "informers/random.h"

namespace epslice {

struct LiveRunner::Impl {
  Impl(LiveRunnerOptions o, Transport* t, const Clock* c, Logger* l)
      : options(std::move(o)),
        transport(t),
        clock(c),
        log(l),
        writes(options.may_write),
        events(EventOptions(options), options.may_write, t, c,
               [this](const Request& request, const Status& status) { NoteEventFailure(request, status); }),
        random(options.seed),
        controller(ControllerOptions(options)),
        standby(options.standby),
        workers(static_cast<std::size_t>(std::max(1, options.workers))) {
    if (options.shadow) shadow.emplace(*options.shadow);
  }

  static ServiceControllerOptions ControllerOptions(const LiveRunnerOptions& options) {
    ServiceControllerOptions out = options.controller;
    out.onlooker = options.shadow.has_value();
    return out;
  }
  static EventRecorderOptions EventOptions(const LiveRunnerOptions& options) {
    EventRecorderOptions out;
    out.component = std::string(kEventComponent);
    out.instance = options.identity.empty() ? out.component : options.identity;
    out.seed = options.seed;
    return out;
  }

  // --- informers
  template <typename T>
  void RunInformer(Store<T>* store, std::atomic<bool>* synced);
  template <typename T>
  class KindHandler;
  template <typename T>
  void Apply(const Watcher& watcher, WatchUpdate update, Store<T>* store, std::atomic<bool>* synced);
  void InformerDown(Kind kind, const Status& status, bool* down);
  void InformerUp(Kind kind, bool* down);
  void StartWhenSynced(Instant now);

  // --- workers
  void RunWorker(int worker);
  // Wakes a worker when the queue's next deadline has come.
  void RunTimekeeper();
  std::optional<Instant> NextWakeup(Instant now) const;
  struct Worker {
    std::condition_variable cv;
    bool idle = false;
  };
  // Whom the present state of the queue concerns; asked under the lock by
  // whoever may have changed it. They are best woken after it is let go: they
  // want it at once.
  struct Wake {
    Worker* worker = nullptr;
    bool timekeeper = false;
  };
  Wake WhomToWake(Instant now);
  void WakeUp(const Wake& wake);
  // Takes a worker from the idle ones; null: there is none.
  Worker* TakeIdle();
  void ResyncWhenDue(Instant now);
  // Queues all Services, unless that was done a short while ago.
  void ResyncAfterOutage();
  void RunJob(const Job& job, int worker);
  void RunSync(const Job& job, int worker);
  void RunVerify(const Job& job, int worker);
  // live_runner_shadow.cc
  void RunShadow(const Job& job);
  void LookAgainWhenDue(Instant now);
  void LogShadowLine(const LogField& service, const Shadow::Line& line);
  void LogShadow(const Job& job, const std::vector<Shadow::Note>& notes, std::size_t differences, Duration took);
  // Sends a request of the job that `worker` works on.
  Response Send(const Request& request, int worker);
  void NoteAnswer(const Request& request, const Status& status);
  void NoteEventFailure(const Request& request, const Status& status) {
    log->Info(2, "Event was not recorded", {{"request", DescribeRequest(request)}, {"err", status.ToString()}});
  }
  void LogSync(const Job& job, const Plan& plan, const Outcome& outcome, bool expected_failure, Duration took);

  void BeginStop();
  bool Stop();

  const LiveRunnerOptions options;
  Transport* const transport;
  const Clock* const clock;
  Logger* const log;
  Monitor monitor;

  CancelToken reads;    // of the informers
  CancelToken writes;   // of the workers: also over when they may not write any more
  CancelToken lookups;  // what else they ask
  // The last request of a worker got no answer.
  std::atomic<bool> writes_down{false};
  std::atomic<bool> services_synced{false}, pods_synced{false}, nodes_synced{false}, slices_synced{false};

  EventSender events;  // locks for itself

  // Guards all that follows.
  mutable std::mutex mu;
  Random random;
  ServiceController controller;
  std::optional<Shadow> shadow;
  int informers_down = 0;  // whose list or watch fails
  bool stopping = false;
  bool standby;
  Instant start_time{0};
  std::optional<Instant> next_resync;
  std::optional<Instant> resynced_at;  // by ResyncAfterOutage()
  int busy = 0;
  // What the timekeeper waits for; unset: until it is told.
  std::optional<Instant> timekeeper_until;
  std::condition_variable timekeeper_cv;
  std::deque<Worker> workers;
  // Workers without work. The last to come is the first to go: its memory is
  // warm, and of many workers a quiet cluster uses one.
  std::vector<Worker*> idle;
  std::condition_variable stop_cv;  // of Stop(), which waits for the workers

  std::vector<std::thread> informer_threads;
  std::vector<std::thread> worker_threads;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_LIVE_RUNNER_IMPL_H_
