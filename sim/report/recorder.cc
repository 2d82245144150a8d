#include "sim/report/recorder.h"

#include <algorithm>
#include <utility>

#include "apis/protobuf.h"
#include "sim/report/recorder_impl.h"

namespace epslice::sim {
namespace {

using internal::PodInfo;
using internal::Seconds;
using internal::ServiceInfo;
using internal::ShownState;
using internal::SliceChurn;
using internal::SliceInfo;

constexpr std::size_t kMaxMoments = 1000;
constexpr std::size_t kMaxAwaiting = 1U << 16;

ShownState StateOf(const Endpoint& endpoint) {
  const EndpointConditions& c = endpoint.conditions;
  return {true, c.serving.value_or(true), c.terminating.value_or(false)};
}

template <typename T>
std::int64_t BytesOf(const T& object, std::string* scratch) {
  scratch->clear();
  AppendProtobuf(object, scratch);
  return static_cast<std::int64_t>(scratch->size());
}

}  // namespace

void Recorder::Impl::OnPod(const Commit& commit, const Pod& object) {
  const ObjectKey key = KeyOf(object.metadata);
  PodInfo& pod = pods[key];
  const bool gone = commit.type == WatchEventType::kDeleted;
  ShownState state;
  const bool finished = object.phase == PodPhase::kSucceeded || object.phase == PodPhase::kFailed;
  state.listed = !gone && !object.podIPs.empty() && !finished;
  state.ready = state.listed && object.ready;
  state.terminating = state.listed && object.metadata.deletionTimestamp.is_set();
  // What no slice is to show is no change of one.
  const bool shows = !(state == pod.state) && (state.listed || pod.slices > 0);
  // A change that was taken back before a slice showed it is not owed any more.
  if (shows && !commit.start && (!pod.changed || pod.state == pod.shown)) pod.changed = commit.at;
  pod.state = state;
  pod.exists = !gone;
  if (gone && pod.slices == 0) pods.erase(key);
}

void Recorder::Impl::OnNode(const Commit& commit) {
  const Text& name = commit.object.meta().name;
  if (commit.type == WatchEventType::kDeleted) {
    const auto node = nodes.extract(name);
    if (!node.empty() && node.mapped()) --nodes_up;
  } else if (nodes.try_emplace(name, true).second) {
    ++nodes_up;
  }
}

void Recorder::OnNodeUp(Instant /*now*/, const Text& node, bool up) {
  const auto at = impl_->nodes.find(node);
  if (at == impl_->nodes.end() || std::exchange(at->second, up) == up) return;
  impl_->nodes_up += up ? 1 : -1;
}

PodInfo* Recorder::Impl::PodOf(const Endpoint& endpoint, const ObjectKey& service) {
  if (!endpoint.targetRef || !(endpoint.targetRef->kind == "Pod")) return nullptr;
  const Text& ns = endpoint.targetRef->namespace_;
  const auto at = pods.find({ns.empty() ? service.namespace_ : ns, endpoint.targetRef->name});
  return at == pods.end() ? nullptr : &at->second;
}

namespace {

struct FanOut {
  double events = 0, bytes = 0;
};

// What a commit sends: to the controller, and to the kube-proxy of each of `nodes`
// unless their selector leaves the slice out. One that enters the selector is ADDED for
// them, one that leaves it DELETED. Null: not there.
FanOut FanOutOf(const EndpointSlice* before, const EndpointSlice* after, std::int64_t object_bytes,
                std::int64_t nodes) {
  const auto send = [&](bool was, bool is, std::int64_t watchers) {
    if (!was && !is) return FanOut{};
    const WatchEventType type = !was  ? WatchEventType::kAdded
                                : !is ? WatchEventType::kDeleted
                                      : WatchEventType::kModified;
    const std::size_t frame =
        internal::WatchFrameBytes(WatchEventTypeName(type).size(), static_cast<std::size_t>(object_bytes));
    return FanOut{static_cast<double>(watchers), static_cast<double>(watchers) * static_cast<double>(frame)};
  };
  const FanOut controller = send(before != nullptr, after != nullptr, 1);
  const FanOut proxies =
      send(before != nullptr && IsForKubeProxy(*before), after != nullptr && IsForKubeProxy(*after), nodes);
  return {controller.events + proxies.events, controller.bytes + proxies.bytes};
}

}  // namespace

void Recorder::Impl::OnSlice(const Commit& commit, const std::shared_ptr<const EndpointSlice>& slice) {
  const bool deleted = commit.type == WatchEventType::kDeleted;
  SliceInfo& info = slices[KeyOf(slice->metadata)];
  const std::shared_ptr<const EndpointSlice> before = std::exchange(info.slice, deleted ? nullptr : slice);
  info.bytes = BytesOf(*slice, &scratch);
  const SliceChurn churn = internal::ChurnOf(before.get(), info.slice.get());
  ServiceInfo& service = ServiceOf(*slice);
  if (before != nullptr) {
    ServiceInfo& old = ServiceOf(*before);
    old.numbers.slices -= 1;
    old.numbers.endpoints -= static_cast<double>(before->endpoints.size());
    numbers.slices -= 1;
    numbers.endpoints -= static_cast<double>(before->endpoints.size());
  }
  if (!deleted) {
    service.numbers.slices += 1;
    service.numbers.endpoints += static_cast<double>(slice->endpoints.size());
    numbers.slices += 1;
    numbers.endpoints += static_cast<double>(slice->endpoints.size());
  }
  StepNumbers& step = series.At(commit.at);
  step.slices = numbers.slices;
  step.endpoints = numbers.endpoints;
  if (!commit.start) {
    if (!commit.by_controller) numbers.foreign_writes += 1;
    const FanOut sent = FanOutOf(before.get(), info.slice.get(), info.bytes, nodes_up);
    numbers.watch_events += sent.events;
    numbers.fan_out_bytes += sent.bytes;
    step.fan_out_bytes += sent.bytes;
    Count(commit, churn, &service);
  }
  Measure(commit, churn, &service);
  if (deleted) slices.erase(KeyOf(slice->metadata));
}

void Recorder::Impl::Count(const Commit& commit, const SliceChurn& churn, ServiceInfo* service) {
  const auto added = static_cast<double>(churn.added.size());
  const auto removed = static_cast<double>(churn.removed.size());
  const auto changed = static_cast<double>(churn.changed.size());
  const auto add = [&](auto* to) {
    to->endpoints_added += added;
    to->endpoints_removed += removed;
    to->endpoints_changed += changed;
  };
  add(&numbers);
  add(&service->numbers);
  add(&series.At(commit.at));
}

void Recorder::Impl::Measure(const Commit& commit, const SliceChurn& churn, ServiceInfo* service) {
  std::vector<Instant> changes;
  for (const Endpoint* endpoint : churn.added) {
    if (PodInfo* pod = PodOf(*endpoint, service->key)) ++pod->slices;
  }
  if (!commit.start && commit.by_controller) {
    for (const Endpoint* e : churn.added) MeasureOne(commit.at, *e, false, service, &changes);
    for (const Endpoint* e : churn.changed) MeasureOne(commit.at, *e, false, service, &changes);
    for (const Endpoint* e : churn.removed) MeasureOne(commit.at, *e, true, service, &changes);
  }
  const auto show = [&](const Endpoint& endpoint, const ShownState& state) {
    if (PodInfo* pod = PodOf(endpoint, service->key)) pod->shown = state;
  };
  for (const auto* endpoints : {&churn.added, &churn.changed}) {
    for (const Endpoint* endpoint : *endpoints) show(*endpoint, StateOf(*endpoint));
  }
  for (const Endpoint* endpoint : churn.removed) show(*endpoint, ShownState());
  for (const Endpoint* endpoint : churn.removed) {
    PodInfo* pod = PodOf(*endpoint, service->key);
    if (pod == nullptr) continue;
    --pod->slices;
    if (!pod->exists && pod->slices <= 0) {
      const Text& ns = endpoint->targetRef->namespace_;
      pods.erase({ns.empty() ? service->key.namespace_ : ns, endpoint->targetRef->name});
    }
  }
  if (data_plane == nullptr || changes.empty()) return;
  std::vector<Instant>& all = awaiting[{commit.at, service->key}];
  all.insert(all.end(), changes.begin(), changes.end());
  // Where no proxy is up nobody ever takes them.
  if (awaiting.size() > kMaxAwaiting) awaiting.erase(awaiting.begin());
}

void Recorder::Impl::MeasureOne(Instant at, const Endpoint& endpoint, bool removed, ServiceInfo* service,
                                std::vector<Instant>* changes) {
  PodInfo* pod = PodOf(endpoint, service->key);
  if (pod == nullptr || !pod->changed || pod->shown == pod->state) return;
  if (!(pod->state == (removed ? ShownState() : StateOf(endpoint)))) return;
  const Duration took = at - *pod->changed;
  numbers.pod_changes += 1;
  pod_to_slice.Add(took);
  service->pod_to_slice_max = std::max(service->pod_to_slice_max, took);
  changes->push_back(*pod->changed);
  pod->changed.reset();
}

void Recorder::Impl::OnProgrammed(const ObjectKey& service, Instant committed, Instant programmed) {
  slice_to_proxies.Add(programmed - committed);
  const auto at = awaiting.find({committed, service});
  if (at == awaiting.end()) return;
  for (const Instant change : at->second) pod_to_proxies.Add(programmed - change);
  awaiting.erase(at);
}

void Recorder::Impl::OnInterval(const DataPlane::Interval& interval) {
  const TrafficTotals& t = interval.totals;
  const double all = Seconds(interval.end - interval.begin);
  series.Spread(interval.begin, interval.end, [&](StepNumbers& step, Duration part) {
    const double share = Seconds(part) / all;
    step.requests += t.requests * share;
    step.in_zone_requests += t.in_zone * share;
    step.cross_zone_requests += t.cross_zone * share;
    step.black_holed += t.black_holed * share;
    step.rejected += t.rejected * share;
    step.misrouted += t.misrouted * share;
    step.overload_seconds += t.overload_seconds * share;
    step.max_overload = std::max(step.max_overload, t.max_overload);
  });
}

void Recorder::Impl::ClosePeriod(ServiceInfo* service, Instant now) {
  if (service->hints == ServiceInfo::Hints::kNone) return;
  const bool on = service->hints == ServiceInfo::Hints::kOn;
  const double seconds = Seconds(now - service->since);
  (on ? service->numbers.hints_on_seconds : service->numbers.hints_off_seconds) += seconds;
  if (service->periods.size() < RunReport::kMaxHintPeriods) {
    service->periods.push_back({on, service->reason, Seconds(service->since), seconds});
  }
}

void Recorder::Impl::OnHints(ServiceInfo* service, const HintSummary& hints, Instant now) {
  using Hints = ServiceInfo::Hints;
  Hints next = Hints::kNone;
  if (hints.state == HintState::Kind::kEnabled) next = Hints::kOn;
  if (hints.state == HintState::Kind::kDisabled) next = Hints::kOff;
  if (hints.state == HintState::Kind::kOff && hints.reason != "NotRequested" && !hints.reason.empty()) {
    next = Hints::kOff;
  }
  const std::string_view reason = next == Hints::kNone ? std::string_view() : hints.reason;
  if (next == service->hints && reason == service->reason) return;
  ClosePeriod(service, now);
  if (service->hints_known && (service->hints == Hints::kOn) != (next == Hints::kOn)) {
    service->numbers.hint_switches += 1;
  }
  service->hints_known |= next != Hints::kNone;
  service->hints = next;
  service->reason = std::string(reason);
  service->since = now;
}

void Recorder::Impl::QueueUntil(Instant now) {
  const auto depth = static_cast<double>(queue_depth);
  queue_integral += depth * Seconds(now - queue_since);
  series.Spread(queue_since, now, [&](StepNumbers& step, Duration part) {
    step.mean_queue_depth += depth * Seconds(part);
    step.max_queue_depth = std::max(step.max_queue_depth, depth);
  });
  queue_since = now;
}

Recorder::Recorder(const RecorderOptions& options, DataPlane* data_plane) : impl_(std::make_unique<Impl>(options)) {
  impl_->data_plane = data_plane;
  if (data_plane == nullptr) return;
  Impl* impl = impl_.get();
  data_plane->OnInterval([impl](const DataPlane::Interval& interval) { impl->OnInterval(interval); });
  data_plane->OnProgrammed([impl](const ObjectKey& service, Instant committed, Instant programmed) {
    impl->OnProgrammed(service, committed, programmed);
  });
}

Recorder::~Recorder() = default;

void Recorder::OnCommit(const Commit& commit) {
  if (const auto slice = commit.object.As<EndpointSlice>()) {
    impl_->OnSlice(commit, slice);
  } else if (const auto pod = commit.object.As<Pod>()) {
    impl_->OnPod(commit, *pod);
  } else if (commit.object.As<Node>() != nullptr) {
    impl_->OnNode(commit);
  } else if (const auto service = commit.object.As<Service>()) {
    impl_->ServiceAt(KeyOf(service->metadata)).exists = commit.type != WatchEventType::kDeleted;
  }
}

void Recorder::OnWrite(const ControllerWrite& write) {
  Impl& r = *impl_;
  StepNumbers& step = r.series.At(write.answered);
  r.write_latency.Add(write.answered - write.sent);
  if (!write.status.ok()) {
    r.numbers.refused_writes += 1;
    step.refused_writes += 1;
    return;
  }
  ServiceInfo& service = r.ServiceAt(write.service);
  double bytes = 0;
  if (write.verb == Verb::kDelete) {
    bytes = static_cast<double>(BytesOf(DeleteOptions(), &r.scratch));
  } else if (write.slice != nullptr) {
    const auto at = r.slices.find(KeyOf(write.slice->metadata));
    const bool latest =
        at != r.slices.end() && at->second.slice->metadata.resourceVersion == write.slice->metadata.resourceVersion;
    bytes = static_cast<double>(latest ? at->second.bytes : BytesOf(*write.slice, &r.scratch));
  }
  r.numbers.writes += 1;
  r.numbers.write_bytes += bytes;
  step.write_bytes += bytes;
  service.numbers.write_bytes += bytes;
  const auto add = [bytes](auto* to, auto count, auto size) {
    to->*count += 1;
    to->*size += bytes;
  };
  if (write.verb == Verb::kCreate) {
    add(&r.numbers, &RunNumbers::creates, &RunNumbers::create_bytes);
    add(&step, &StepNumbers::creates, &StepNumbers::create_bytes);
    service.numbers.creates += 1;
  } else if (write.verb == Verb::kUpdate) {
    add(&r.numbers, &RunNumbers::updates, &RunNumbers::update_bytes);
    add(&step, &StepNumbers::updates, &StepNumbers::update_bytes);
    service.numbers.updates += 1;
  } else if (write.verb == Verb::kDelete) {
    add(&r.numbers, &RunNumbers::deletes, &RunNumbers::delete_bytes);
    add(&step, &StepNumbers::deletes, &StepNumbers::delete_bytes);
    service.numbers.deletes += 1;
  }
}

void Recorder::OnSync(const Job& job, const Plan& plan, const Outcome& /*outcome*/, SyncResult result, Instant queued,
                      Instant begun, Instant ended) {
  Impl& r = *impl_;
  StepNumbers& step = r.series.At(ended);
  r.queue_wait.Add(begun - queued);
  r.numbers.syncs += 1;
  switch (result) {
    case SyncResult::kSuccess: r.numbers.syncs_succeeded += 1, step.syncs_succeeded += 1; break;
    case SyncResult::kStale: r.numbers.syncs_stale += 1, step.syncs_stale += 1; break;
    case SyncResult::kError: r.numbers.syncs_failed += 1, step.syncs_failed += 1; break;
  }
  if (job.kind != Job::Kind::kSync || result == SyncResult::kStale) return;
  ServiceInfo& service = r.ServiceAt(job.service);
  if (job.input.service != nullptr) return r.OnHints(&service, plan.metrics.hints, ended);
  // A Service that is gone asks for nothing, and its hints went off with it. The
  // next one of its name begins anew.
  service.hints_known = false;
  r.OnHints(&service, HintSummary(), ended);
}

void Recorder::OnPutOff(Instant now, std::int64_t count) {
  const auto syncs = static_cast<double>(count);
  impl_->numbers.syncs += syncs;
  impl_->numbers.syncs_stale += syncs;
  impl_->series.At(now).syncs_stale += syncs;
}

void Recorder::OnQueue(Instant now, std::size_t ready, std::size_t /*delayed*/, std::size_t /*processing*/) {
  impl_->QueueUntil(now);
  impl_->queue_depth = ready;
  const auto depth = static_cast<double>(ready);
  impl_->numbers.max_queue_depth = std::max(impl_->numbers.max_queue_depth, depth);
  if (ready == 0) return;
  double& highest = impl_->series.At(now).max_queue_depth;
  highest = std::max(highest, depth);
}

void Recorder::OnNote(Instant now, const std::string& text) {
  if (impl_->timeline.size() < kMaxMoments) impl_->timeline.push_back({Seconds(now), text});
}

void Recorder::OnEnd(Instant now) {
  impl_->QueueUntil(now);
  impl_->end = now;
  for (auto& [key, service] : impl_->services) {
    Impl::ClosePeriod(&service, now);
  }
}

}  // namespace epslice::sim
