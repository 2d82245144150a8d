#include "sim/engine/controller_process.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "controllers/endpointslice/service_event.h"
#include "informers/informer.h"

namespace epslice::sim {
namespace {

constexpr std::array<Kind, 4> kFeeds = {Kind::kService, Kind::kPod, Kind::kNode, Kind::kEndpointSlice};
// Streams of a process's generator; the feeds have their kinds' numbers.
constexpr std::uint64_t kWriteStream = 100, kResyncStream = 101, kEventStream = 102;

// As LiveRunner has it: something is wrong with the way to the API server or
// with the server itself, rather than with the request.
bool IsOutage(const Status& status) { return status.code == 0 || status.code == 429 || status.code >= 500; }

ServiceControllerOptions With(ServiceControllerOptions options, WorkQueueObserver* observer) {
  options.queue.observer = observer;
  return options;
}

}  // namespace

ControllerProcess::ControllerProcess(const ControllerProcessOptions& options, const Random& random)
    : options_(options),
      scheduler_(*options.scheduler),
      server_(*options.server),
      workers_(static_cast<std::size_t>(std::max(options.workers, 1))),
      bucket_(options.qps, options.burst),
      write_random_(random.Fork(kWriteStream)),
      resync_random_(random.Fork(kResyncStream)),
      event_calls_([this] { return stopped(); }, options.scheduler, &bucket_, options.write_latency,
                   random.Fork(kEventStream)) {
  pop_times_.next = options.controller.queue.observer;
  core_ = std::make_unique<Core>(With(options.controller, &pop_times_));
  for (std::size_t i = 0; i < kFeeds.size(); ++i) {
    const InformerFeed::Links links{this, options.scheduler, &server_.server(), options.watch_latency, options.faults};
    feeds_[i] = std::make_unique<InformerFeed>(kFeeds[i], options.watcher,
                                               random.Fork(static_cast<std::uint64_t>(kFeeds[i])), links);
  }
  for (std::size_t i = workers_.size(); i-- > 0;) free_workers_.push_back(i);
}

void ControllerProcess::Start() {
  for (const auto& feed : feeds_) feed->Start();
}

void ControllerProcess::Stop() {
  if (stopped()) return;
  stopped_at_ = scheduler_.now();
  for (const auto& feed : feeds_) feed->Stop();
  for (Worker& worker : workers_) {
    worker.job.reset();
    worker.applier.reset();
    worker.response = {};
  }
  core_.reset();
  if (depth_ == QueueDepth{}) return;
  for (RunObserver* observer : server_.observers()) observer->OnQueue(stopped_at_, 0, 0, 0);
}

bool ControllerProcess::settled() const {
  if (stopped() || !core_->controller.started() || free_workers_.size() != workers_.size()) return false;
  const auto& queue = core_->controller.queue();
  if (queue.ready_size() + queue.processing_size() > 0 || queue.delayed_size() > fruitless_.size()) return false;
  bool fruitless = true;
  queue.VisitDelayed([&](const ObjectKey& service, Instant) {
    return fruitless = fruitless_.count(service) > 0 && queue.OnlyBacksOff(service);
  });
  return fruitless && std::all_of(feeds_.begin(), feeds_.end(), [](const auto& feed) { return feed->idle(); });
}

void ControllerProcess::BreakWatches(const Status& status) {
  for (const auto& feed : feeds_) feed->Break(status);
}

void ControllerProcess::Apply(Kind kind, const WatchUpdate& update, const std::string& resource_version) {
  ServiceController& controller = core_->controller;
  const Instant now = scheduler_.now();
  const auto apply = [&]<typename T>(Store<T>* store) {
    for (const Change<T>& change : ApplyUpdate(update, store)) controller.Observe(change, now);
  };
  switch (kind) {
    case Kind::kService: apply(&controller.stores().services); break;
    case Kind::kPod: apply(&controller.stores().pods); break;
    case Kind::kNode: apply(&controller.stores().nodes); break;
    default: apply(&controller.stores().slices); controller.ObserveSliceVersion(resource_version, now);
  }
  if (!update.replace) return;
  synced_[static_cast<std::size_t>(std::find(kFeeds.begin(), kFeeds.end(), kind) - kFeeds.begin())] = true;
  StartWhenSynced();
}

void ControllerProcess::StartWhenSynced() {
  if (core_->controller.started()) return;
  if (!std::all_of(synced_.begin(), synced_.end(), [](bool synced) { return synced; })) return;
  core_->controller.Start(scheduler_.now());
  ScheduleResync();
}

void ControllerProcess::ScheduleResync() {
  const Duration period = options_.min_resync_period;
  if (period <= Duration::zero()) return;
  scheduler_.After(period + Duration(resync_random_.Between(0, period.count())), [this] {
    if (stopped()) return;
    core_->controller.Resync(scheduler_.now());
    ScheduleResync();
    Pump();
  });
}

void ControllerProcess::Pump() {
  if (stopped()) return;
  ServiceController& controller = core_->controller;
  const Instant now = scheduler_.now();
  while (!free_workers_.empty()) {
    const std::int64_t stale = controller.counters().stale;
    std::optional<Job> job = controller.Next(now);
    if (const std::int64_t put_off = controller.counters().stale - stale; put_off > 0) {
      for (RunObserver* observer : server_.observers()) observer->OnPutOff(now, put_off);
    }
    if (!job) break;
    Worker* worker = &workers_[free_workers_.back()];
    free_workers_.pop_back();
    Begin(worker, *std::move(job));
  }
  TellQueue();
  // With all workers busy the end of a sync looks again.
  if (free_workers_.empty()) return;
  const std::optional<Instant> next = controller.NextWakeup(now);
  if (!next || (wakeup_ && *wakeup_ <= *next)) return;
  wakeup_ = next;
  scheduler_.At(*next, [this, at = *next] {
    if (wakeup_ == at) wakeup_.reset();
    Pump();
  });
}

void ControllerProcess::TellQueue() {
  const auto& queue = core_->controller.queue();
  const QueueDepth depth{queue.ready_size(), queue.delayed_size(), queue.processing_size()};
  if (depth == depth_) return;
  depth_ = depth;
  for (RunObserver* observer : server_.observers()) {
    observer->OnQueue(scheduler_.now(), depth.ready, depth.delayed, depth.processing);
  }
}

void ControllerProcess::Begin(Worker* worker, Job job) {
  const Instant now = scheduler_.now();
  worker->queued = now - pop_times_.last;
  worker->planned = now;
  worker->job = std::move(job);
  if (worker->job->kind == Job::Kind::kVerify) {
    Send(worker, worker->job->verify);
    return;
  }
  worker->applier.emplace(core_->controller.MakePlan(*worker->job));
  const std::int64_t endpoints = worker->applier->plan().metrics.desired_endpoints;
  Duration time = options_.sync_time + options_.sync_time_per_endpoint * endpoints;
  if (options_.sync_slowdown != nullptr) {
    time = Duration(static_cast<std::int64_t>(static_cast<double>(time.count()) * *options_.sync_slowdown));
  }
  scheduler_.After(time, [this, worker] {
    if (!stopped()) NextWrite(worker);
  });
}

void ControllerProcess::NextWrite(Worker* worker) {
  if (std::optional<Request> request = worker->applier->NextRequest()) {
    Send(worker, *std::move(request));
  } else {
    Finish(worker);
  }
}

void ControllerProcess::Send(Worker* worker, Request request) {
  worker->request = std::move(request);
  worker->sent = scheduler_.now() + bucket_.Reserve(scheduler_.now());
  const Duration latency = options_.write_latency->Draw(&write_random_);
  Duration there = latency / 2;
  worker->way_back = latency - there;
  if (options_.faults != nullptr) {
    worker->fate = options_.faults->OnRequest(worker->request);
    there += worker->fate->there;
    worker->way_back += worker->fate->back;
  }
  scheduler_.At(worker->sent + there, [this, worker] { OnArrival(worker); });
}

void ControllerProcess::OnArrival(Worker* worker) {
  if (stopped() && stopped_at_ < worker->sent) return;
  Response response;
  if (!worker->fate || worker->fate->happens) response = server_.Handle(worker->request, true);
  if (stopped()) return;
  if (worker->fate && !worker->fate->status.ok()) {
    response = {};
    response.status = worker->fate->status;
  }
  worker->response = std::move(response);
  worker->committed = scheduler_.now();
  scheduler_.After(worker->way_back, [this, worker] {
    if (!stopped()) OnAnswer(worker);
  });
}

void ControllerProcess::OnAnswer(Worker* worker) {
  const Response response = std::exchange(worker->response, {});
  NoteAnswer(response.status);
  if (worker->job->kind == Job::Kind::kVerify) {
    core_->controller.CompleteVerify(*worker->job, response, scheduler_.now());
    Free(worker);
    return;
  }
  TellWrite(*worker, response);
  worker->applier->OnResponse(response);
  NextWrite(worker);
}

void ControllerProcess::TellWrite(const Worker& worker, const Response& response) {
  ControllerWrite write;
  write.service = worker.job->service;
  write.verb = worker.request.verb;
  write.planned = worker.planned;
  write.sent = worker.sent;
  write.committed = worker.committed;
  write.answered = scheduler_.now();
  write.status = response.status;
  if (response.status.ok()) write.slice = response.object.As<EndpointSlice>();
  server_.digest().Add(write);
  for (RunObserver* observer : server_.observers()) observer->OnWrite(write);
}

void ControllerProcess::NoteAnswer(const Status& status) {
  if (IsOutage(status)) {
    outage_ = true;
  } else if (std::exchange(outage_, false)) {
    core_->controller.Resync(scheduler_.now());
  }
}

void ControllerProcess::Finish(Worker* worker) {
  const Job& job = *worker->job;
  const Plan& plan = worker->applier->plan();
  const Outcome& outcome = worker->applier->outcome();
  const Instant now = scheduler_.now();
  const SyncResult result = core_->controller.Complete(job, plan, outcome, now);
  if (outcome.errors.empty() && !plan.retry_errors.empty()) {
    fruitless_.insert(job.service);
  } else if (!fruitless_.empty()) {
    fruitless_.erase(job.service);
  }
  server_.digest().AddSync(job.service, result, worker->queued, worker->planned, now);
  for (RunObserver* observer : server_.observers()) {
    observer->OnSync(job, plan, outcome, result, worker->queued, worker->planned, now);
  }
  // As the live one.
  if (job.input.service != nullptr) {
    for (EventRecorder::Note& note : NotesOf(*job.input.service, plan, outcome)) event_calls_.Record(std::move(note));
  }
  Free(worker);
}

void ControllerProcess::Free(Worker* worker) {
  worker->job.reset();
  worker->applier.reset();
  worker->request = {};
  free_workers_.push_back(static_cast<std::size_t>(worker - workers_.data()));
  Pump();
}

}  // namespace epslice::sim
