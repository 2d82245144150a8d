#include "controllers/manager/live_runner.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "apis/kind.h"
#include "controllers/manager/monitor.h"
#include "controllers/manager/service_event.h"
#include "informers/informer.h"
#include "informers/random.h"

namespace epslice {
namespace {

// Something is wrong with the way to the API server or with the server
// itself, rather than with the request.
bool IsOutage(const Status& status) { return status.code == 0 || status.code == 429 || status.code >= 500; }

}  // namespace

struct LiveRunner::Impl {
  Impl(LiveRunnerOptions o, Transport* t, const Clock* c, Logger* l)
      : options(std::move(o)),
        transport(t),
        clock(c),
        log(l),
        random(options.seed),
        controller(options.controller),
        standby(options.standby) {}

  // --- informers
  template <typename T>
  void RunInformer(Store<T>* store, std::atomic<bool>* synced);
  template <typename T>
  void ListAndWatch(Store<T>* store, std::atomic<bool>* synced);
  template <typename T>
  void Apply(const Watcher& watcher, const WatchUpdate& update, Store<T>* store, std::atomic<bool>* synced);
  void InformerDown(Kind kind, const Status& status, bool* down);
  void InformerUp(Kind kind, bool* down);
  void StartWhenSynced(Instant now);

  // --- workers
  void RunWorker(int worker);
  void WaitForWork(std::unique_lock<std::mutex>* lock, Instant now);
  std::optional<Instant> NextWakeup(Instant now) const;
  void WakeTimekeeper(Instant now);
  void ResyncWhenDue(Instant now);
  void ResyncNow();
  void RunJob(const Job& job, int worker);
  void RunSync(const Job& job, int worker);
  void RunVerify(const Job& job, int worker);
  // Sends a request of the job that `worker` works on.
  Response Send(const Request& request, int worker);
  void NoteAnswer(const Request& request, const Status& status);
  void LogSync(const Job& job, const Plan& plan, const Outcome& outcome, bool expected_failure, Duration took);
  void PostEvents(const Job& job, const Plan& plan, int worker);

  bool Stop();

  const LiveRunnerOptions options;
  Transport* const transport;
  const Clock* const clock;
  Logger* const log;
  Monitor monitor;

  CancelToken reads;   // of the informers
  CancelToken writes;  // of the workers
  // The last write got no answer, or one that says the server is in trouble.
  std::atomic<bool> writes_down{false};
  std::atomic<bool> services_synced{false}, pods_synced{false}, nodes_synced{false}, slices_synced{false};

  // Guards all that follows.
  mutable std::mutex mu;
  Random random;
  ServiceController controller;
  bool stopping = false;
  bool standby;
  Instant start_time{0};
  std::optional<Instant> next_resync;
  int busy = 0;
  // The idle worker that waits for the queue's next deadline, if there is one,
  // and what it waits for.
  bool timekeeper = false;
  std::optional<Instant> timekeeper_until;
  std::condition_variable timekeeper_cv;
  std::condition_variable idle_cv;  // the other idle workers
  std::condition_variable stop_cv;  // informers in backoff, and Stop()

  std::vector<std::thread> informer_threads;
  std::vector<std::thread> worker_threads;
};

// --- informers ------------------------------------------------------------

template <typename T>
void LiveRunner::Impl::RunInformer(Store<T>* store, std::atomic<bool>* synced) {
  ListAndWatch(store, synced);
  monitor.InformerEnded(T::kKind);
}

template <typename T>
void LiveRunner::Impl::ListAndWatch(Store<T>* store, std::atomic<bool>* synced) {
  const std::uint64_t stream = static_cast<std::uint64_t>(T::kKind) + 1;
  Watcher watcher(T::kKind, options.watcher, Random(options.seed).Fork(stream).Next());
  bool down = false;
  while (!reads.cancelled()) {
    monitor.InformerStep(T::kKind, clock->Now(), watcher.watch_restarts());
    const Watcher::Action action = watcher.Next(clock->Now());
    switch (action.kind) {
      case Watcher::Action::Kind::kList: {
        const Response response = transport->Do(action.request, &reads);
        if (reads.cancelled()) return;
        WatchUpdate update;
        watcher.OnList(response, clock->Now(), &update);
        if (response.status.ok()) monitor.InformerNews(T::kKind, clock->Now());
        if (response.status.ok()) InformerUp(T::kKind, &down);
        Apply(watcher, update, store, synced);
        if (!response.status.ok()) InformerDown(T::kKind, response.status, &down);
        break;
      }
      case Watcher::Action::Kind::kWatch: {
        const bool refused_before = watcher.streams_refused();
        const Status status = transport->Watch(action.request, &reads, [&](const WatchEvent& event) {
          WatchUpdate update;
          const Instant now = clock->Now();
          const bool go_on = watcher.OnEvent(event, now, &update);
          if (go_on) monitor.InformerNews(T::kKind, now);
          if (event.type == WatchEventType::kError) {
            InformerDown(T::kKind, event.status, &down);
          } else {
            InformerUp(T::kKind, &down);
          }
          // Of a list that comes as a stream nothing is there until it is complete.
          if (watcher.state() != Watcher::State::kStreaming) Apply(watcher, update, store, synced);
          return go_on && !reads.cancelled();
        });
        if (reads.cancelled()) return;
        watcher.OnWatchEnd(status, clock->Now());
        if (watcher.streams_refused() && !refused_before) {
          log->Info(1, "No lists as streams from this server; listing in pages",
                    {{"resource", InfoOf(T::kKind).resource}, {"err", watcher.last_error()}});
        } else if (!status.ok()) {
          InformerDown(T::kKind, status, &down);
        }
        break;
      }
      case Watcher::Action::Kind::kWait: {
        std::unique_lock<std::mutex> lock(mu);
        stop_cv.wait_for(lock, action.until - clock->Now(), [this] { return stopping; });
        break;
      }
    }
  }
}

template <typename T>
void LiveRunner::Impl::Apply(const Watcher& watcher, const WatchUpdate& update, Store<T>* store,
                             std::atomic<bool>* synced) {
  // Lives longer than the lock: what the store let go of is freed without it.
  std::vector<Change<T>> changes;
  std::lock_guard<std::mutex> lock(mu);
  const Instant now = clock->Now();
  changes = ApplyUpdate(update, store);
  for (const Change<T>& change : changes) controller.Observe(change, now);
  if constexpr (std::is_same_v<T, EndpointSlice>) controller.ObserveSliceVersion(watcher.resource_version());
  if (watcher.synced() && !synced->exchange(true)) {
    monitor.InformerSynced(T::kKind);
    StartWhenSynced(now);
  }
  WakeTimekeeper(now);
}

void LiveRunner::Impl::InformerDown(Kind kind, const Status& status, bool* down) {
  const LogField resource("resource", InfoOf(kind).resource);
  const LogField error("err", status.ToString());
  if (status.code == 410) {
    log->Info(2, "Watch is too old; listing again", {resource, error});
  } else if (std::exchange(*down, true)) {
    log->Info(2, "List or watch still fails", {resource, error});
  } else {
    log->Warning("List or watch failed; trying until it works", {resource, error});
  }
}

void LiveRunner::Impl::InformerUp(Kind kind, bool* down) {
  if (!std::exchange(*down, false)) return;
  log->Info(0, "List or watch works again", {{"resource", InfoOf(kind).resource}});
  // What failed while the API server was away may have a long backoff by now.
  if (kind == Kind::kEndpointSlice) ResyncNow();
}

void LiveRunner::Impl::StartWhenSynced(Instant now) {
  if (controller.started() || !services_synced || !pods_synced || !nodes_synced || !slices_synced) return;
  controller.Start(now);
  const ClusterStores& stores = controller.stores();
  log->Info(0, "Lists are complete; starting to sync",
            {{"services", stores.services.size()},
             {"pods", stores.pods.size()},
             {"nodes", stores.nodes.size()},
             {"endpointslices", stores.slices.size()},
             {"duration", now - start_time}});
}

// --- workers --------------------------------------------------------------

void LiveRunner::Impl::RunWorker(int worker) {
  std::unique_lock<std::mutex> lock(mu);
  while (!stopping) {
    if (standby) {
      idle_cv.wait(lock);
      continue;
    }
    const Instant now = clock->Now();
    ResyncWhenDue(now);
    std::optional<Job> job = controller.Next(now);
    if (!job) {
      WaitForWork(&lock, now);
      continue;
    }
    ++busy;
    // There may be more, and if not, somebody has to keep the time.
    idle_cv.notify_one();
    lock.unlock();
    monitor.WorkBegins(worker, job->service, now);
    RunJob(*job, worker);
    monitor.WorkEnds(worker);
    job.reset();  // frees its snapshots without the lock
    lock.lock();
    --busy;
    if (stopping) stop_cv.notify_all();
  }
}

void LiveRunner::Impl::WaitForWork(std::unique_lock<std::mutex>* lock, Instant now) {
  if (timekeeper) {
    WakeTimekeeper(now);  // our own sync may have queued something
    idle_cv.wait(*lock);
    return;
  }
  timekeeper = true;
  timekeeper_until = NextWakeup(now);
  if (timekeeper_until) {
    timekeeper_cv.wait_for(*lock, *timekeeper_until - now);
  } else {
    timekeeper_cv.wait(*lock);
  }
  timekeeper = false;
}

std::optional<Instant> LiveRunner::Impl::NextWakeup(Instant now) const {
  const std::optional<Instant> next = controller.NextWakeup(now);
  if (next && next_resync) return std::min(*next, *next_resync);
  return next ? next : next_resync;
}

void LiveRunner::Impl::WakeTimekeeper(Instant now) {
  if (!timekeeper) return;
  const std::optional<Instant> next = NextWakeup(now);
  if (next && (!timekeeper_until || *next < *timekeeper_until)) timekeeper_cv.notify_one();
}

void LiveRunner::Impl::ResyncWhenDue(Instant now) {
  if (options.min_resync_period <= Duration::zero() || !controller.started()) return;
  if (next_resync && now < *next_resync) return;
  if (next_resync) {
    log->Info(2, "Queueing all Services again", {{"services", controller.stores().services.size()}});
    controller.Resync(now);
  }
  next_resync = now + options.min_resync_period + Duration(random.Between(0, options.min_resync_period.count()));
}

void LiveRunner::Impl::ResyncNow() {
  std::lock_guard<std::mutex> lock(mu);
  const Instant now = clock->Now();
  controller.Resync(now);
  WakeTimekeeper(now);
}

void LiveRunner::Impl::RunJob(const Job& job, int worker) {
  if (job.kind == Job::Kind::kVerify) {
    RunVerify(job, worker);
  } else {
    RunSync(job, worker);
  }
}

Response LiveRunner::Impl::Send(const Request& request, int worker) {
  const bool writes_something = request.verb != Verb::kGet && request.verb != Verb::kList;
  if (writes_something && options.may_write && !options.may_write()) {
    Response refused;
    refused.status.code = 503;
    refused.status.reason = "NotLeader";
    refused.status.message = "not sent: this replica does not hold the lease any more";
    return refused;
  }
  Response response = transport->Do(request, &writes);
  monitor.WorkGoesOn(worker, clock->Now());
  return response;
}

void LiveRunner::Impl::RunSync(const Job& job, int worker) {
  const Instant begin = clock->Now();
  PlanApplier applier(controller.MakePlan(job));
  bool expected_failure = false;
  while (const std::optional<Request> request = applier.NextRequest()) {
    const Response response = Send(*request, worker);
    NoteAnswer(*request, response.status);
    // An outage is told once, and a conflict means that somebody was quicker.
    expected_failure = expected_failure || IsOutage(response.status) || response.status.code == 409;
    applier.OnResponse(response);
  }
  // While the Service is still ours, so that its syncs are told of in order.
  if (options.observe_sync) options.observe_sync(job, applier.plan(), applier.outcome());
  Instant end;
  {
    std::lock_guard<std::mutex> lock(mu);
    end = clock->Now();
    controller.Complete(job, applier.plan(), applier.outcome(), end);
  }
  LogSync(job, applier.plan(), applier.outcome(), expected_failure, end - begin);
  // Events tell of what was written.
  if (applier.outcome().errors.empty()) PostEvents(job, applier.plan(), worker);
}

void LiveRunner::Impl::RunVerify(const Job& job, int worker) {
  const Response response = Send(job.verify, worker);
  NoteAnswer(job.verify, response.status);
  {
    std::lock_guard<std::mutex> lock(mu);
    controller.CompleteVerify(job, response, clock->Now());
  }
  if (response.status.ok()) {
    log->Info(2, "Looked up what an unanswered write did",
              {{"service", job.service}, {"endpointslices", response.list.items.size()}});
  } else if (!IsOutage(response.status)) {
    log->Warning("Looking up what an unanswered write did failed; will retry",
                 {{"service", job.service}, {"err", response.status.ToString()}});
  }
}

void LiveRunner::Impl::NoteAnswer(const Request& request, const Status& status) {
  if (writes.cancelled()) return;
  if (IsOutage(status)) {
    const LogField what("request", DescribeRequest(request));
    const LogField error("err", status.ToString());
    if (writes_down.exchange(true)) {
      log->Info(2, "Request still fails", {what, error});
    } else {
      log->Warning("Request failed; trying until it works", {what, error});
    }
  } else if (writes_down.exchange(false)) {
    log->Info(0, "Requests work again");
    ResyncNow();
  }
}

void LiveRunner::Impl::LogSync(const Job& job, const Plan& plan, const Outcome& outcome, bool expected_failure,
                               Duration took) {
  const LogField service("service", job.service);
  const std::size_t errors = outcome.errors.size() + plan.retry_errors.size();
  if (errors > 0) {
    const LogField error("err", outcome.errors.empty() ? plan.retry_errors.front() : outcome.errors.front());
    constexpr const char* kMessage = "Sync failed; will retry";
    if (expected_failure) {
      log->Info(2, kMessage, {service, error, {"errors", errors}});
    } else {
      log->Warning(kMessage, {service, error, {"errors", errors}});
    }
    return;
  }
  const int level = outcome.creates + outcome.updates + outcome.deletes > 0 ? 2 : 4;
  if (!log->Enabled(level)) return;
  log->Info(level, "Synced",
            {service,
             {"creates", outcome.creates},
             {"updates", outcome.updates},
             {"deletes", outcome.deletes},
             {"duration", took}});
}

void LiveRunner::Impl::PostEvents(const Job& job, const Plan& plan, int worker) {
  for (std::size_t i = 0; i < plan.events.size() && !writes.cancelled(); ++i) {
    const Request request = ServiceEventRequest(*job.input.service, plan.events[i], i, clock->WallNow());
    const Response response = Send(request, worker);
    if (response.status.ok()) continue;
    log->Info(
        2, "Event was not recorded",
        {{"service", job.service}, {"reason", plan.events[i].reason.view()}, {"err", response.status.ToString()}});
  }
}

// --- start and stop -------------------------------------------------------

LiveRunner::LiveRunner(LiveRunnerOptions options, Transport* transport, const Clock* clock, Logger* log)
    : impl_(std::make_unique<Impl>(std::move(options), transport, clock, log)) {}

LiveRunner::~LiveRunner() { Stop(); }

void LiveRunner::Lead() {
  std::lock_guard<std::mutex> lock(impl_->mu);
  impl_->standby = false;
  impl_->idle_cv.notify_all();
}

void LiveRunner::Start() {
  Impl* const impl = impl_.get();
  impl->start_time = impl->clock->Now();
  ClusterStores& stores = impl->controller.stores();
  auto& threads = impl->informer_threads;
  for (const Kind kind : Monitor::kKinds) impl->monitor.InformerStarted(kind, impl->start_time);
  threads.emplace_back([=, &stores] { impl->RunInformer(&stores.services, &impl->services_synced); });
  threads.emplace_back([=, &stores] { impl->RunInformer(&stores.pods, &impl->pods_synced); });
  threads.emplace_back([=, &stores] { impl->RunInformer(&stores.nodes, &impl->nodes_synced); });
  threads.emplace_back([=, &stores] { impl->RunInformer(&stores.slices, &impl->slices_synced); });
  for (int i = 0; i < std::max(1, impl->options.workers); ++i) {
    impl->worker_threads.emplace_back([impl, i] { impl->RunWorker(i); });
  }
}

bool LiveRunner::Stop() { return impl_->Stop(); }

bool LiveRunner::Impl::Stop() {
  {
    std::lock_guard<std::mutex> lock(mu);
    stopping = true;
    timekeeper_cv.notify_all();
    idle_cv.notify_all();
    stop_cv.notify_all();
  }
  reads.Cancel();
  bool finished = true;
  {
    std::unique_lock<std::mutex> lock(mu);
    finished = stop_cv.wait_for(lock, options.shutdown_grace, [this] { return busy == 0; });
  }
  writes.Cancel();
  for (std::thread& thread : worker_threads) thread.join();
  for (std::thread& thread : informer_threads) thread.join();
  worker_threads.clear();
  informer_threads.clear();
  return finished;
}

LiveRunner::Stats LiveRunner::stats() const {
  std::lock_guard<std::mutex> lock(impl_->mu);
  const ServiceController& controller = impl_->controller;
  Stats stats;
  stats.synced = controller.started();
  stats.stopping = impl_->stopping;
  stats.services = controller.stores().services.size();
  stats.pods = controller.stores().pods.size();
  stats.nodes = controller.stores().nodes.size();
  stats.slices = controller.stores().slices.size();
  stats.queue_ready = controller.queue().ready_size();
  stats.queue_delayed = controller.queue().delayed_size();
  stats.queue_processing = controller.queue().processing_size();
  stats.syncs = controller.counters();
  stats.hints = controller.hint_totals();
  stats.queue_depth = controller.queue().depth();
  stats.queue_adds = controller.queue().adds();
  stats.queue_retries = controller.queue().retries();
  controller.queue().VisitProcessing([&stats, now = impl_->clock->Now()](const ObjectKey&, Instant since) {
    stats.queue_unfinished += now - since;
    stats.queue_longest = std::max(stats.queue_longest, now - since);
    return true;
  });
  return stats;
}

ExplainSnapshot LiveRunner::explain_snapshot(std::string_view service) const {
  std::lock_guard<std::mutex> lock(impl_->mu);
  return TakeExplainSnapshot(impl_->controller, service);
}

const Monitor& LiveRunner::monitor() const { return impl_->monitor; }

LiveRunner::QueueView LiveRunner::queue(std::size_t max) const {
  std::lock_guard<std::mutex> lock(impl_->mu);
  const WorkQueue<ObjectKey>& queue = impl_->controller.queue();
  QueueView view;
  view.now = impl_->clock->Now();
  const auto into = [max](std::vector<std::pair<ObjectKey, Instant>>* keys) {
    return [keys, max](const ObjectKey& key, Instant at) {
      if (keys->size() < max) keys->emplace_back(key, at);
      return keys->size() < max;
    };
  };
  queue.VisitReady(into(&view.ready));
  queue.VisitDelayed(into(&view.delayed));
  queue.VisitProcessing(into(&view.processing));
  view.ready_size = queue.ready_size();
  view.delayed_size = queue.delayed_size();
  view.processing_size = queue.processing_size();
  return view;
}

}  // namespace epslice
