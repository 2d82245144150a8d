#include "controllers/manager/live_runner.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "apis/kind.h"
#include "controllers/manager/live_runner_impl.h"
#include "informers/informer.h"
#include "informers/watch_loop.h"

namespace epslice {

// --- informers ------------------------------------------------------------

// What the loop of one kind tells goes to the monitor, the log and the store.
template <typename T>
class LiveRunner::Impl::KindHandler : public WatchHandler {
 public:
  KindHandler(Impl* impl, Store<T>* store, std::atomic<bool>* synced)
      : impl_(*impl),
        store_(store),
        synced_(synced),
        watcher_(T::kKind, impl->options.watcher,
                 Random(impl->options.seed).Fork(static_cast<std::uint64_t>(T::kKind) + 1).Next()) {}

  Watcher* watcher() { return &watcher_; }

  void OnStep(Instant now) override { impl_.monitor.InformerStep(T::kKind, now, watcher_.watch_restarts()); }
  void OnAnswer(Instant now) override {
    impl_.monitor.InformerNews(T::kKind, now);
    impl_.InformerUp(T::kKind, &down_);
  }
  void OnUpdate(WatchUpdate update) override { impl_.Apply(watcher_, std::move(update), store_, synced_); }
  void OnFailure(const Status& status) override { impl_.InformerDown(T::kKind, status, &down_); }
  void OnStreamsRefused() override {
    impl_.log->Info(1, "No lists as streams from this server; listing in pages",
                    {{"resource", InfoOf(T::kKind).resource}, {"err", watcher_.last_error()}});
  }

 private:
  Impl& impl_;
  Store<T>* const store_;
  std::atomic<bool>* const synced_;
  Watcher watcher_;
  bool down_ = false;
};

template <typename T>
void LiveRunner::Impl::RunInformer(Store<T>* store, std::atomic<bool>* synced) {
  KindHandler<T> handler(this, store, synced);
  RunWatcher(handler.watcher(), transport, clock, &reads, &handler);
  monitor.InformerEnded(T::kKind);
}

template <typename T>
void LiveRunner::Impl::Apply(const Watcher& watcher, WatchUpdate update, Store<T>* store, std::atomic<bool>* synced) {
  const bool list = update.replace;
  // Lives longer than the lock: what the store let go of is freed without it.
  std::vector<Change<T>> changes;
  Wake wake;
  {
    std::lock_guard<std::mutex> lock(mu);
    const Instant now = clock->Now();
    changes = ApplyUpdate(std::move(update), store);
    for (const Change<T>& change : changes) controller.Observe(change, now);
    if constexpr (std::is_same_v<T, EndpointSlice>) controller.ObserveSliceVersion(watcher.resource_version(), now);
    if (watcher.synced() && !synced->exchange(true)) {
      monitor.InformerSynced(T::kKind);
      StartWhenSynced(now);
    }
    wake = WhomToWake(now);
  }
  WakeUp(wake);
  if (!list) return;
  // What reading a long list took besides would stay with the allocator.
  changes.clear();
  changes.shrink_to_fit();
  malloc_trim(0);
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
    std::lock_guard<std::mutex> lock(mu);
    ++informers_down;
  }
}

void LiveRunner::Impl::InformerUp(Kind kind, bool* down) {
  if (!std::exchange(*down, false)) return;
  {
    std::lock_guard<std::mutex> lock(mu);
    if (--informers_down == 0 && shadow) shadow->BeginAnew(clock->Now());
  }
  log->Info(0, "List or watch works again", {{"resource", InfoOf(kind).resource}});
  // What failed while the API server was away may have a long backoff by now.
  if (kind == Kind::kEndpointSlice) ResyncAfterOutage();
}

void LiveRunner::Impl::StartWhenSynced(Instant now) {
  if (controller.started() || !services_synced || !pods_synced || !nodes_synced || !slices_synced) return;
  controller.Start(now);
  const ClusterStores& stores = controller.stores();
  log->Info(0,
            shadow    ? "Lists are complete; starting to compare"
            : standby ? "Lists are complete; keeping up with them until it leads"
                      : "Lists are complete; starting to sync",
            {{"services", stores.services.size()},
             {"pods", stores.pods.size()},
             {"nodes", stores.nodes.size()},
             {"endpointslices", stores.slices.size()},
             {"duration", now - start_time}});
}

// --- start and stop -------------------------------------------------------

LiveRunner::LiveRunner(LiveRunnerOptions options, Transport* transport, const Clock* clock, Logger* log)
    : impl_(std::make_unique<Impl>(std::move(options), transport, clock, log)) {}

LiveRunner::~LiveRunner() { Stop(); }

void LiveRunner::StopWriting() {
  impl_->writes.Cancel();
  std::lock_guard<std::mutex> lock(impl_->mu);
  impl_->standby = true;
}

void LiveRunner::Lead() {
  std::lock_guard<std::mutex> lock(impl_->mu);
  impl_->standby = false;
  // The time as a standby is no wait for a worker.
  impl_->controller.BeginWork(impl_->clock->Now());
  for (Impl::Worker& worker : impl_->workers) worker.cv.notify_all();
}

void LiveRunner::Start() {
  Impl* const impl = impl_.get();
  impl->start_time = impl->clock->Now();
  if (impl->standby) impl->controller.AwaitWork();
  ClusterStores& stores = impl->controller.stores();
  auto& threads = impl->informer_threads;
  for (const Kind kind : Monitor::kKinds) impl->monitor.InformerStarted(kind, impl->start_time);
  if (!impl->shadow) impl->events.Start();
  threads.emplace_back([=, &stores] { impl->RunInformer(&stores.services, &impl->services_synced); });
  threads.emplace_back([=, &stores] { impl->RunInformer(&stores.pods, &impl->pods_synced); });
  threads.emplace_back([=, &stores] { impl->RunInformer(&stores.nodes, &impl->nodes_synced); });
  threads.emplace_back([=, &stores] { impl->RunInformer(&stores.slices, &impl->slices_synced); });
  for (int i = 0; i < std::max(1, impl->options.workers); ++i) {
    impl->worker_threads.emplace_back([impl, i] { impl->RunWorker(i); });
  }
  impl->worker_threads.emplace_back([impl] { impl->RunTimekeeper(); });
}

void LiveRunner::BeginStop() { impl_->BeginStop(); }
bool LiveRunner::Stop() { return impl_->Stop(); }

void LiveRunner::Impl::BeginStop() {
  {
    std::lock_guard<std::mutex> lock(mu);
    stopping = true;
    timekeeper_cv.notify_all();
    for (Worker& worker : workers) worker.cv.notify_all();
    stop_cv.notify_all();
  }
  reads.Cancel();
}

bool LiveRunner::Impl::Stop() {
  BeginStop();
  bool finished = true;
  {
    std::unique_lock<std::mutex> lock(mu);
    finished = stop_cv.wait_for(lock, options.shutdown_grace, [this] { return busy == 0; });
  }
  writes.Cancel();
  lookups.Cancel();
  events.Stop();
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
  if (impl_->shadow) stats.shadow = impl_->shadow->totals();
  // What a standby has queued is for the moment it leads, and no backlog.
  stats.queue_depth = impl_->standby ? 0 : controller.queue().depth();
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
