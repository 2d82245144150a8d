#include "controllers/endpointslice/event_router.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace epslice {
namespace {

bool Ended(const Pod& pod) { return pod.phase == PodPhase::kSucceeded || pod.phase == PodPhase::kFailed; }

bool SamePorts(const Pod& a, const Pod& b) {
  if (a.namedPorts == b.namedPorts) return true;
  return a.namedPorts != nullptr && b.namedPorts != nullptr && *a.namedPorts == *b.namedPorts;
}

std::vector<Routed> AllAfter(const std::vector<ObjectKey>& services, Duration delay) {
  std::vector<Routed> routed;
  routed.reserve(services.size());
  for (const ObjectKey& service : services) routed.push_back({service, delay});
  return routed;
}

}  // namespace

bool EndpointChanged(const Pod& before, const Pod& after) {
  return before.metadata.deletionTimestamp != after.metadata.deletionTimestamp || before.ready != after.ready ||
         before.podIPs != after.podIPs || before.hasPodIP != after.hasPodIP || before.hostname != after.hostname ||
         before.subdomain != after.subdomain || before.nodeName != after.nodeName || Ended(before) != Ended(after) ||
         before.metadata.uid != after.metadata.uid || !SamePorts(before, after);
}

bool ReferenceHeeds(const Pod& before, const Pod& after) {
  // It compares the addresses of the two times in memory.
  return before.metadata.deletionTimestamp.is_set() || after.metadata.deletionTimestamp.is_set() ||
         before.ready != after.ready || before.podIPs != after.podIPs || before.hasPodIP != after.hasPodIP;
}

bool NodeMatters(const Change<Node>& change) {
  if (change.before == nullptr || change.after == nullptr) return true;
  return change.before->metadata.labels.Get(kLabelZone) != change.after->metadata.labels.Get(kLabelZone);
}

std::vector<Routed> EventRouter::OnService(const Change<Service>& change) const {
  return {{KeyOf(change.any().metadata), Duration(0)}};
}

std::vector<Routed> EventRouter::OnPod(const Change<Pod>& change, const ServicePods& pods) const {
  if (change.before == nullptr || change.after == nullptr) {
    return AllAfter(pods.ServicesOf(change.any()), options_.pod_delay);
  }
  const bool changed = options_.heed_as_reference ? ReferenceHeeds(*change.before, *change.after)
                                                  : EndpointChanged(*change.before, *change.after);
  if (change.before->metadata.labels == change.after->metadata.labels) {
    if (!changed) return {};
    return AllAfter(pods.ServicesOf(*change.after), options_.pod_delay);
  }
  const std::vector<ObjectKey> before = pods.ServicesOf(*change.before);
  const std::vector<ObjectKey> after = pods.ServicesOf(*change.after);
  std::vector<ObjectKey> services;
  if (changed) {
    std::set_union(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(services));
  } else {
    std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                  std::back_inserter(services));
  }
  return AllAfter(services, options_.pod_delay);
}

std::vector<Routed> EventRouter::OnNode(const Change<Node>& change,
                                        const std::vector<std::shared_ptr<const Pod>>& on_node,
                                        const ServicePods& pods) const {
  if (!NodeMatters(change)) return {};
  std::set<ObjectKey> services;
  for (const auto& pod : on_node) {
    for (ObjectKey& service : pods.ServicesOf(*pod)) services.insert(std::move(service));
  }
  return AllAfter({services.begin(), services.end()}, options_.pod_delay);
}

bool EventRouter::IsOurs(const EndpointSlice& slice) const {
  return slice.metadata.labels.Get(kLabelManagedBy) == options_.controller_name.view();
}

std::vector<Routed> EventRouter::OnSlice(const Change<EndpointSlice>& change, SliceTracker* tracker) const {
  const Duration delay = options_.slices_at_once ? Duration(0) : std::max(options_.slice_delay, options_.pod_delay);
  std::set<ObjectKey> services;
  const auto concern = [&](const EndpointSlice& slice) {
    ObjectKey service = ServiceOfSlice(slice);
    if (!service.name.empty()) services.insert(std::move(service));
  };
  if (change.after == nullptr) {
    // Also slices that we found and never wrote: the reference misses their
    // deletion.
    if (IsOurs(*change.before) && !tracker->TakeExpectedDeletion(ServiceOfSlice(*change.before), *change.before)) {
      concern(*change.before);
    }
  } else if (change.before == nullptr) {
    if (IsOurs(*change.after) && tracker->IsNews(ServiceOfSlice(*change.after), *change.after)) concern(*change.after);
  } else if (ServiceOfSlice(*change.before) != ServiceOfSlice(*change.after) ||
             IsOurs(*change.before) != IsOurs(*change.after)) {
    concern(*change.before);
    concern(*change.after);
  } else if (IsOurs(*change.after) && tracker->IsNews(ServiceOfSlice(*change.after), *change.after)) {
    concern(*change.after);
  }
  return AllAfter({services.begin(), services.end()}, delay);
}

}  // namespace epslice
