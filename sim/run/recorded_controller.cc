#include "sim/run/recorded_controller.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "controllers/endpointslice/slice_tracker.h"

namespace epslice::sim {
namespace {

constexpr Duration kLeastWork = std::chrono::seconds(1);

std::int64_t At(const std::map<ObjectKey, std::int64_t>& times, const ObjectKey& key) {
  const auto it = times.find(key);
  return it == times.end() ? -1 : it->second;
}

}  // namespace

void WriteCounts::Add(const WriteCounts& other) {
  creates += other.creates;
  updates += other.updates;
  deletes += other.deletes;
}

void RecordedController::OnEvent(const TraceEvent& event, TraceRole role) {
  const std::int64_t now = event.time.nanos;
  const bool deleted = event.type == WatchEventType::kDeleted;
  if (event.object.kind() == Kind::kService) changed_[KeyOf(event.object.meta())] = now;
  if (const auto pod = event.object.As<Pod>()) latency_.OnPod(now, *pod, deleted);
  const auto slice = event.object.As<EndpointSlice>();
  if (slice == nullptr) return;
  const ObjectKey key = KeyOf(slice->metadata), service = ServiceOfSlice(*slice);
  const bool ours = IsSliceOf(event.object, controller_name_);
  Told& told = told_[key];
  // Of a delete the name alone may be told.
  if (!deleted || ours) told.service = service, told.ours = ours;
  told.last = event.time;
  if (!ours) return;
  told.by_nobody |= !event.start && event.actor.empty();
  if (deleted) {
    slices_.erase(key);
  } else {
    slices_[key] = slice;
  }
  // Who does not know the Service cannot do alike.
  if (role == TraceRole::kUnknownService) return;
  latency_.OnSlice(now, *slice, deleted);
  wrote_[service] = now;
  if (role != TraceRole::kRecordedWrite) return;
  WriteCounts& writes = writes_[service];
  ++(deleted ? writes.deletes : event.type == WatchEventType::kAdded ? writes.creates : writes.updates);
}

void RecordedController::AddUnseen(const TraceSummary& summary,
                                   const std::function<bool(std::string_view actor)>& is_controller) {
  for (const auto& [key, unseen] : summary.unseen_slices) {
    const auto told = told_.find(key);
    const bool known = told != told_.end();
    // Another source beside the log, a watch, tells what it does not.
    if (known && (!told->second.ours || told->second.by_nobody)) continue;
    if (known && told->second.last < unseen.last) end_unseen_.insert(told->second.service);
    for (const auto& [actor, writes] : unseen.by_actor) {
      if (!is_controller(actor)) continue;
      const WriteCounts counts = {writes.creates, writes.updates, writes.deletes};
      (known ? unseen_ : uncounted_).Add(counts);
      if (known) writes_[told->second.service].Add(counts);
    }
  }
}

bool RecordedController::WorksOn(const Service& service, std::int64_t now) const {
  const ObjectKey key = KeyOf(service.metadata);
  const std::int64_t since = now - std::max(kLeastWork.count(), latency_.Quantile(1));
  const std::int64_t changed = At(changed_, key);
  if (changed >= since && changed > At(wrote_, key)) return true;
  return service.spec.selector && latency_.HasUnshown(key, *service.spec.selector, since);
}

}  // namespace epslice::sim
