#include "sim/run/silence.h"

#include <algorithm>

#include "controllers/endpointslice/slice_tracker.h"
#include "sim/run/replay.h"

namespace epslice::sim {

bool Silence::View::operator==(const View& other) const {
  if (gone || other.gone) return gone == other.gone;
  // Pods of one name may follow each other.
  const bool one = uid.empty() || other.uid.empty() || uid == other.uid;
  return one && serving == other.serving && terminating == other.terminating;
}

std::optional<Silence::Away> Silence::OnEvent(const TraceEvent& event, bool write) {
  const bool deleted = event.type == WatchEventType::kDeleted;
  // What is written first after a silence need not be what waited longest.
  if (silence_ && event.time.nanos > silence_->next_write.nanos + kLeast.count()) silence_.reset();
  if (write) {
    if (last_write_.is_set() && event.time.nanos - last_write_.nanos > several_.count()) {
      silence_ = Away{last_write_, event.time};
      waited_.clear();
    }
    last_write_ = event.time;
  }
  switch (event.object.kind()) {
    case Kind::kPod: OnPod(event.time, *event.object.As<Pod>(), deleted); break;
    case Kind::kService:
      if (deleted) {
        services_.erase(KeyOf(event.object.meta()));
      } else {
        services_[KeyOf(event.object.meta())] = event.time;
      }
      break;
    case Kind::kNode:
      if (deleted) {
        nodes_.erase(event.object.meta().name);
      } else {
        nodes_.try_emplace(event.object.meta().name, event.time);
      }
      break;
    case Kind::kEndpointSlice:
      if (IsSliceOf(event.object, controller_name_)) OnSlice(*event.object.As<EndpointSlice>(), deleted);
      break;
    default: break;
  }
  if (!std::exchange(away_, false) || !silence_) return std::nullopt;
  return std::exchange(silence_, std::nullopt);
}

void Silence::Leave(Timestamp now, PodState* pod) {
  auto& left = pod->left;
  const auto same = std::find_if(left.begin(), left.end(), [pod](const auto& view) { return view.first == pod->now; });
  if (same != left.end()) {
    left.erase(same);
  } else if (left.size() == kMostViews) {
    left.erase(left.begin());
  }
  left.emplace_back(pod->now, now);
}

void Silence::OnPod(Timestamp now, const Pod& pod, bool deleted) {
  const ObjectKey key = KeyOf(pod.metadata);
  PodState& state = pods_[key];
  View next;
  next.gone = deleted || !pod.hasPodIP || pod.phase == PodPhase::kSucceeded || pod.phase == PodPhase::kFailed;
  next.serving = pod.ready;
  next.terminating = pod.metadata.deletionTimestamp.is_set();
  next.uid = pod.metadata.uid;
  if (next != state.now) {
    Leave(now, &state);
    state.now = std::move(next);
  }
  if (deleted) {
    gone_.push_back(key);
  } else {
    if (state.labels != pod.metadata.labels || !state.labelled.is_set()) state.labelled = now;
    state.labels = pod.metadata.labels;
    state.node = pod.nodeName;
  }
  if (gone_.size() <= kMostGone) return;
  if (const auto it = pods_.find(gone_.front()); it != pods_.end() && it->second.now.gone) {
    for (const Group& group : it->second.lost_by) {
      const auto shown = shown_.find(group);
      if (shown != shown_.end()) shown->second.erase(it->first);
      if (shown != shown_.end() && shown->second.empty()) shown_.erase(shown);
    }
    pods_.erase(it);
  }
  gone_.pop_front();
}

void Silence::OnSlice(const EndpointSlice& slice, bool deleted) {
  const ObjectKey key = KeyOf(slice.metadata);
  SliceState next{{ServiceOfSlice(slice), slice.addressType}, {}};
  auto& shown = shown_[next.group];
  for (const Endpoint& endpoint : slice.endpoints) {
    if (deleted || !endpoint.targetRef) continue;
    const auto pod = pods_.find(ObjectKey{slice.metadata.namespace_, endpoint.targetRef->name});
    if (pod == pods_.end()) continue;
    next.pods.push_back(pod->first);
    const View view{false, endpoint.conditions.serving.value_or(true), endpoint.conditions.terminating.value_or(false),
                    endpoint.targetRef->uid};
    const View before = std::exchange(shown[pod->first], Shown{view, key}).view;
    if (view == pod->second.now && before != view) Note(next.group.first, pod->second, before);
  }
  std::sort(next.pods.begin(), next.pods.end());
  for (const ObjectKey& name : slices_[key].pods) {
    if (std::binary_search(next.pods.begin(), next.pods.end(), name)) continue;
    const auto it = shown.find(name);
    if (it == shown.end() || it->second.by != key) continue;  // another slice has it
    const auto pod = pods_.find(name);
    if (pod != pods_.end() && !pod->second.now.gone) {
      // On its way to another slice, or no longer selected.
      it->second.by = ObjectKey();
      pod->second.lost_by.insert(next.group);
      continue;
    }
    if (pod != pods_.end()) Note(next.group.first, pod->second, it->second.view);
    shown.erase(it);
  }
  if (shown.empty()) shown_.erase(next.group);
  if (deleted) {
    slices_.erase(key);
  } else {
    slices_[key] = std::move(next);
  }
}

void Silence::Note(const ObjectKey& service, const PodState& pod, const View& before) {
  const auto changed = services_.find(service);
  if (!silence_ || changed == services_.end()) return;
  for (const auto& [view, when] : pod.left) {
    if (view != before) continue;
    // A controller that does not find a pod's node tries again later and later.
    if (const auto node = nodes_.find(pod.node); node != nodes_.end() && node->second > when) return;
    const Timestamp since = std::max({when, pod.labelled, changed->second});
    if (since <= silence_->last_write) return;
    const Duration waited(silence_->next_write.nanos - since.nanos);
    if (waited > several_) waited_.insert(service);
    away_ |= waited > limit_ || waited_.size() > 1;
    return;
  }
}

}  // namespace epslice::sim
