#include "controllers/endpointslice/service_controller.h"

#include <algorithm>
#include <string>
#include <utility>

#include "informers/retry_after.h"

namespace epslice {
namespace {

// Whether a slice that was added, changed or deleted belongs to one Service and
// one manager all the time.
bool StaysWhereItIs(const Change<EndpointSlice>& change) {
  if (change.before == nullptr || change.after == nullptr) return true;
  return ServiceOfSlice(*change.before) == ServiceOfSlice(*change.after) &&
         change.before->metadata.labels.Get(kLabelManagedBy) == change.after->metadata.labels.Get(kLabelManagedBy);
}

// The time that this change moved; unset: it did not.
template <typename T, typename TimeOf>
Timestamp MovedTo(const Change<T>& change, TimeOf time_of) {
  if (change.after == nullptr) return {};
  const Timestamp time = time_of(*change.after);
  return change.before != nullptr && time_of(*change.before) == time ? Timestamp() : time;
}

// Whether the reference looks at hints anew after this change of a Node.
bool ReferenceHeeds(const Change<Node>& change) {
  if (change.before == nullptr || change.after == nullptr) return true;
  return change.before->ready != change.after->ready ||
         change.before->metadata.labels.Get(kLabelZone) != change.after->metadata.labels.Get(kLabelZone);
}

WorkQueueOptions QueueOptions(const ServiceControllerOptions& options) {
  WorkQueueOptions queue = options.queue;
  if (!options.heed_as_reference) queue.max_delay = std::min(queue.max_delay, kLongestBackoff);
  return queue;
}

}  // namespace

ClusterStores::ClusterStores() {
  pods_by_node = pods.AddIndex([](const Pod& pod, std::vector<ObjectKey>* keys) {
    if (!pod.nodeName.empty()) keys->push_back({Text(), pod.nodeName});
  });
  slices_by_service = slices.AddIndex([](const EndpointSlice& slice, std::vector<ObjectKey>* keys) {
    ObjectKey service = ServiceOfSlice(slice);
    if (!service.name.empty()) keys->push_back(std::move(service));
  });
}

ServiceController::ServiceController(ServiceControllerOptions options)
    : options_(std::move(options)),
      router_({.controller_name = options_.reconcile.controller_name,
               .pod_delay = options_.batch_period,
               .slices_at_once = options_.onlooker,
               .heed_as_reference = options_.heed_as_reference}),
      tracker_(options_.stale_patience),
      queue_(QueueOptions(options_)) {}

void ServiceController::Start(Instant now) {
  service_pods_.Build(stores_.services, stores_.pods);
  started_ = true;
  Resync(now);
}

void ServiceController::Resync(Instant now) {
  if (!started_) return;
  for (const auto& service : stores_.services.List()) queue_.Add(KeyOf(service->metadata), now);
}

void ServiceController::Enqueue(const std::vector<Routed>& routed, Instant now) {
  for (const Routed& r : routed) queue_.AddAfter(r.service, r.delay, now);
}

void ServiceController::Observe(const Change<Service>& change, Instant now) {
  if (!started_) return;
  service_pods_.OnService(change, stores_.pods);
  const std::vector<Routed> routed = router_.OnService(change);
  NoteSeen(routed, MovedTo(change, [](const Service& s) { return s.metadata.creationTimestamp; }), now);
  Enqueue(routed, now);
}

void ServiceController::Observe(const Change<Pod>& change, Instant now) {
  if (!started_) return;
  service_pods_.OnPod(change);
  const std::vector<Routed> routed = router_.OnPod(change, service_pods_);
  NoteSeen(routed, MovedTo(change, [](const Pod& pod) { return pod.readyTransitionTime; }), now);
  Enqueue(routed, now);
}

void ServiceController::NoteSeen(const std::vector<Routed>& routed, Timestamp moved, Instant now) {
  for (const Routed& r : routed) {
    const auto [it, is_new] = seen_.try_emplace(r.service, Job::Seen{now, moved});
    if (is_new) continue;
    // What others do not seem to have written may have needed no write.
    if (!working_) {
      it->second = {now, moved};
    } else if (moved.is_set() && (!it->second.moved.is_set() || moved < it->second.moved)) {
      it->second.moved = moved;
    }
  }
}

void ServiceController::Observe(const Change<Node>& change, Instant now) {
  const bool changed = capacities_.Observe(change.before.get(), change.after.get());
  if (options_.heed_as_reference ? ReferenceHeeds(change) : changed) {
    capacity_ = capacities_.snapshot();
    QueueOutdatedHints(now);
  }
  if (!NodeMatters(change)) return;
  NoteZone(change);
  if (!started_ || options_.heed_as_reference) return;
  const auto on_node = stores_.pods.ByIndex(stores_.pods_by_node, {Text(), change.any().metadata.name});
  Enqueue(router_.OnNode(change, on_node, service_pods_), now);
}

void ServiceController::Observe(const Change<EndpointSlice>& change, Instant now) {
  if (!started_) return;
  if (!working_) seen_.erase(ServiceOfSlice(change.any()));
  const std::vector<Routed> routed = router_.OnSlice(change, &tracker_);
  // A deletion of ours, maybe: it has no version to wait for.
  if (change.after == nullptr && !awaited_.empty()) EndAwait(ServiceOfSlice(*change.before), now);
  if (routed.size() == 1 && queue_.processing(routed.front().service) && StaysWhereItIs(change)) {
    early_[routed.front().service].push_back(
        {change.after != nullptr ? change.after : change.before, change.after == nullptr, now + routed.front().delay});
    return;
  }
  Enqueue(routed, now);
}

void ServiceController::QueueNews(const ObjectKey& service, const Outcome& outcome, Instant now) {
  const auto found = early_.find(service);
  if (found == early_.end()) return;
  const std::vector<Early> changes = std::move(found->second);
  early_.erase(found);
  for (const Early& early : changes) {
    const auto is_it = [&early](const auto& slice) { return slice->metadata.uid == early.slice->metadata.uid; };
    const bool echo = early.deleted ? std::any_of(outcome.deleted.begin(), outcome.deleted.end(), is_it)
                                    : !tracker_.IsNews(service, *early.slice);
    if (!echo) queue_.AddAfter(service, std::max(early.due - now, Duration(0)), now);
  }
}

void ServiceController::ObserveSliceVersion(std::string_view resource_version, Instant now) {
  tracker_.ObserveVersion(resource_version);
  auto next = awaiting_.lower_bound({1, ObjectKey()});
  while (next != awaiting_.end() && next->first <= tracker_.observed_version()) EndAwait((next++)->second, now);
}

void ServiceController::AwaitSlices(const ObjectKey& key, Instant now) {
  ++counters_.stale;
  const std::uint64_t version = tracker_.AwaitedVersion(key);
  const auto [it, inserted] = awaited_.emplace(key, version);
  if (!inserted) awaiting_.erase({std::exchange(it->second, version), key});
  awaiting_.emplace(version, key);
  Retry(key, now);
}

ServiceController::Awaited ServiceController::StopAwaiting(const ObjectKey& key) {
  Awaited ended = awaited_.extract(key);
  if (!ended.empty()) awaiting_.erase({ended.mapped(), ended.key()});
  return ended;
}

void ServiceController::EndAwait(const ObjectKey& awaited, Instant now) {
  // `awaited` may be the one in the set, which ends with it.
  const Awaited ended = StopAwaiting(awaited);
  if (ended.empty()) return;
  // Each event that came meanwhile made the backoff longer, up to a quarter of
  // an hour, and the echo of a write queues nothing.
  queue_.AddAfter(ended.key(), options_.queue.base_delay, now);
}

bool ServiceController::AnyOutdated(const HintStates& states) const {
  return std::any_of(states.begin(), states.end(), [this](const auto& state) {
    if (options_.heed_as_reference && state.second.kind != HintState::Kind::kEnabled) return false;
    return HintsOutdated(state.second, *capacity_);
  });
}

void ServiceController::QueueOutdatedHints(Instant now) {
  for (const auto& [service, states] : hints_) {
    // The batch period is for pods: whoever waits for it is worked on now, too.
    if (AnyOutdated(states)) queue_.Add(service, now);
  }
}

void ServiceController::KeepHints(const Job& job, const Plan& plan, Instant now) {
  if (plan.hints.empty()) {
    hints_.erase(job.service);
    return;
  }
  hints_[job.service] = plan.hints;
  // A node changed while this was being written: QueueOutdatedHints() saw the hints
  // of before.
  if (job.input.capacity != capacity_ && AnyOutdated(plan.hints)) queue_.Add(job.service, now);
}

void ServiceController::NoteZone(const Change<Node>& change) {
  if (zones_.use_count() > 1) zones_ = std::make_shared<NodeZones>(*zones_);
  const Text name = Text::Intern(change.any().metadata.name);
  if (change.after == nullptr) {
    zones_->erase(name);
  } else {
    (*zones_)[name] = Text::Intern(change.after->metadata.labels.Get(kLabelZone));
  }
}

std::optional<Job> ServiceController::Next(Instant now) {
  while (std::optional<ObjectKey> key = queue_.Pop(now)) {
    if (unsure_.contains(*key)) return MakeVerify(*key);
    std::shared_ptr<const Service> service = stores_.services.Get(*key);
    if (service == nullptr) {
      StopAwaiting(*key);
      tracker_.Forget(*key);
      trigger_times_.Forget(*key);
    }
    if (service == nullptr || !IsManagedService(*service)) {
      hints_.erase(*key);
      hint_totals_.Forget(*key);
      seen_.erase(*key);
      Job job;
      job.service = *key;
      return job;
    }
    auto slices = SlicesOf(*key);
    if (!tracker_.Stale(*key, slices, now)) {
      StopAwaiting(*key);
      return MakeSync(*key, std::move(service), std::move(slices));
    }
    AwaitSlices(*key, now);
  }
  return std::nullopt;
}

std::vector<std::shared_ptr<const EndpointSlice>> ServiceController::SlicesOf(const ObjectKey& key) const {
  auto slices = stores_.slices.ByIndex(stores_.slices_by_service, key);
  std::erase_if(slices, [&](const auto& slice) {
    return slice->metadata.labels.Get(kLabelManagedBy) != options_.reconcile.controller_name.view();
  });
  return slices;
}

ReconcileInput ServiceController::MakeInput(const ObjectKey& key, std::shared_ptr<const Service> service,
                                            std::vector<std::shared_ptr<const EndpointSlice>> slices) const {
  // A slice that waits for its finalizers can neither be changed nor stay.
  std::erase_if(slices, [](const auto& slice) { return slice->metadata.deletionTimestamp.is_set(); });
  ReconcileInput input;
  input.pods = service_pods_.PodsOf(key);
  input.slices = std::move(slices);
  input.nodes = zones_;
  input.capacity = capacity_;
  if (const auto hints = hints_.find(key); hints != hints_.end()) input.hints = hints->second;
  input.service = std::move(service);
  return input;
}

ReconcileInput ServiceController::InputOf(std::shared_ptr<const Service> service) const {
  const ObjectKey key = KeyOf(service->metadata);
  if (IsManagedService(*service)) return MakeInput(key, std::move(service), SlicesOf(key));
  ReconcileInput input;
  input.nodes = zones_;
  input.service = std::move(service);
  return input;
}

Job ServiceController::MakeSync(const ObjectKey& key, std::shared_ptr<const Service> service,
                                std::vector<std::shared_ptr<const EndpointSlice>> slices) {
  Job job;
  job.service = key;
  job.input = MakeInput(key, std::move(service), std::move(slices));
  TriggerTimes::Result trigger = trigger_times_.Compute(*job.input.service, job.input.pods);
  job.input.trigger_time = trigger.trigger;
  job.trigger_state = std::move(trigger.next);
  if (auto seen = seen_.extract(key); !seen.empty()) job.seen = seen.mapped();
  return job;
}

Job ServiceController::MakeVerify(const ObjectKey& key) const {
  Job job;
  job.kind = Job::Kind::kVerify;
  job.service = key;
  job.verify.verb = Verb::kList;
  job.verify.kind = Kind::kEndpointSlice;
  job.verify.namespace_ = key.namespace_.str();
  job.verify.list.labelSelector = std::string(kLabelServiceName) + "=" + key.name.str() + "," +
                                  std::string(kLabelManagedBy) + "=" + options_.reconcile.controller_name.str();
  return job;
}

Plan ServiceController::MakePlan(const Job& job) const {
  if (job.input.service == nullptr) {
    Plan nothing;
    nothing.service = job.service;
    return nothing;
  }
  return Reconcile(job.input, options_.reconcile);
}

bool ServiceController::InStore(const EndpointSlice& slice) const {
  const auto stored = stores_.slices.Get(KeyOf(slice.metadata));
  return stored != nullptr && stored->metadata.uid == slice.metadata.uid;
}

void ServiceController::Retry(const ObjectKey& key, Instant now, Duration at_least) {
  // What an event brought on ahead of a retry is no retry: were it counted, a Service
  // whose pods come and go while writes fail would soon wait for a quarter of an hour.
  if (options_.heed_as_reference || !queue_.HasDeadline(key, now)) queue_.AddRateLimited(key, now, at_least);
  queue_.Done(key, now);
}

SyncResult ServiceController::Complete(const Job& job, const Plan& plan, const Outcome& outcome, Instant now) {
  counters_.creates += outcome.creates;
  counters_.updates += outcome.updates;
  counters_.deletes += outcome.deletes;
  for (const auto& slice : outcome.written) tracker_.Wrote(job.service, *slice, InStore(*slice), now);
  for (const auto& slice : outcome.deleted) {
    if (InStore(*slice)) tracker_.Deleted(job.service, *slice, now);
  }
  QueueNews(job.service, outcome, now);
  if (outcome.unknown) unsure_.insert(job.service);
  if (outcome.errors.empty() && job.trigger_state != nullptr) {
    trigger_times_.Commit(job.service, job.trigger_state);
    hint_totals_.Synced(job.service, plan.metrics);
    KeepHints(job, plan, now);
  }
  if (!outcome.errors.empty() || !plan.retry_errors.empty()) {
    ++counters_.error;
    if (job.seen.has_value() && !outcome.errors.empty()) NoteAgain(job);
    Retry(job.service, now, outcome.retry_after);
    return SyncResult::kError;
  }
  ++counters_.success;
  queue_.Forget(job.service);
  queue_.Done(job.service, now);
  return SyncResult::kSuccess;
}

// It is to be tried again; what came meanwhile came later.
void ServiceController::NoteAgain(const Job& job) {
  const auto [it, is_new] = seen_.try_emplace(job.service, *job.seen);
  if (is_new) return;
  it->second.at = job.seen->at;
  const Timestamp moved = job.seen->moved;
  if (moved.is_set() && (!it->second.moved.is_set() || moved < it->second.moved)) it->second.moved = moved;
}

SyncResult ServiceController::CompleteVerify(const Job& job, const Response& response, Instant now) {
  if (!response.status.ok()) {
    ++counters_.error;
    QueueNews(job.service, {}, now);
    Retry(job.service, now, RetryAfterOf(response.status));
    return SyncResult::kError;
  }
  // What the server has is what we have to see before we plan again.
  for (const AnyObject& object : response.list.items) {
    if (auto slice = object.As<EndpointSlice>()) tracker_.Wrote(job.service, *slice, InStore(*slice), now);
  }
  QueueNews(job.service, {}, now);
  unsure_.erase(job.service);
  queue_.Add(job.service, now);
  queue_.Done(job.service, now);
  return SyncResult::kSuccess;
}

}  // namespace epslice
