#include "sim/run/show_latency.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "apis/selector.h"
#include "controllers/endpointslice/slice_tracker.h"

namespace epslice::sim {
namespace {

// Pods of one name may follow each other.
bool IsAnother(const Text& uid, const Text& than) { return !uid.empty() && !than.empty() && uid != than; }

}  // namespace

void ShowLatency::OnPod(std::int64_t now, const Pod& pod, bool deleted) {
  const auto [it, added] = pods_.try_emplace(KeyOf(pod.metadata));
  PodState& state = it->second;
  PodState next;
  next.gone = deleted || !pod.hasPodIP || pod.phase == PodPhase::kSucceeded || pod.phase == PodPhase::kFailed;
  next.serving = pod.ready;
  next.terminating = pod.metadata.deletionTimestamp.is_set();
  next.uid = pod.metadata.uid;
  next.node = pod.nodeName;
  next.labels = pod.metadata.labels;
  next.addresses = pod.podIPs;
  const auto visible = [](const PodState& s) {
    return std::tie(s.gone, s.serving, s.terminating, s.uid, s.node, s.labels, s.addresses);
  };
  if (!added && visible(next) == visible(state)) return;
  next.changed = now;
  state = std::move(next);
}

bool ShowLatency::Shows(const Endpoint& endpoint, const PodState& pod) const {
  return !pod.gone && endpoint.conditions.serving.value_or(true) == pod.serving &&
         endpoint.conditions.terminating.value_or(false) == pod.terminating && endpoint.nodeName == pod.node;
}

void ShowLatency::Sample(std::int64_t now, const ObjectKey& service, PodState* pod) {
  if (std::find(pod->shown.begin(), pod->shown.end(), service) != pod->shown.end()) return;
  pod->shown.push_back(service);
  const auto first = first_.find(service);
  if (first == first_.end() || pod->changed < first->second) return;
  samples_.push_back(now - pod->changed);
}

void ShowLatency::OnSlice(std::int64_t now, const EndpointSlice& slice, bool deleted) {
  const ObjectKey service = ServiceOfSlice(slice);
  first_.try_emplace(service, now);
  std::vector<ObjectKey> pods;
  if (!deleted) {
    for (const Endpoint& endpoint : slice.endpoints) {
      if (!endpoint.targetRef) continue;
      const auto pod = pods_.find(ObjectKey{slice.metadata.namespace_, endpoint.targetRef->name});
      if (pod == pods_.end() || IsAnother(endpoint.targetRef->uid, pod->second.uid)) continue;
      pods.push_back(pod->first);
      if (Shows(endpoint, pod->second)) Sample(now, service, &pod->second);
    }
  }
  std::sort(pods.begin(), pods.end());
  SliceState& before = slices_[KeyOf(slice.metadata)];
  for (const ObjectKey& key : before.pods) {
    if (std::binary_search(pods.begin(), pods.end(), key)) continue;
    const auto pod = pods_.find(key);
    if (pod == pods_.end() || !pod->second.gone) continue;
    Sample(now, service, &pod->second);
  }
  if (deleted) {
    slices_.erase(KeyOf(slice.metadata));
  } else {
    before = {service, std::move(pods)};
  }
}

bool ShowLatency::HasUnshown(const ObjectKey& service, const StringMap& selector, std::int64_t since) const {
  std::set<ObjectKey> had;
  for (const auto& [key, slice] : slices_) {
    if (slice.service == service) had.insert(slice.pods.begin(), slice.pods.end());
  }
  return std::any_of(pods_.begin(), pods_.end(), [&](const auto& entry) {
    const auto& [key, pod] = entry;
    if (pod.changed < since || key.namespace_ != service.namespace_) return false;
    const bool wanted = !pod.gone && MatchesLabels(selector, pod.labels);
    if (!wanted && had.count(key) == 0) return false;
    return std::find(pod.shown.begin(), pod.shown.end(), service) == pod.shown.end();
  });
}

std::int64_t ShowLatency::Quantile(double share) const {
  if (samples_.empty()) return 0;
  std::vector<std::int64_t> sorted = samples_;
  const auto count = static_cast<double>(sorted.size());
  const auto rank = static_cast<std::size_t>(std::clamp(std::ceil(share * count), 1.0, count)) - 1;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank), sorted.end());
  return sorted[rank];
}

}  // namespace epslice::sim
