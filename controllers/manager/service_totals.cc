#include "controllers/manager/service_totals.h"

#include "controllers/topologyhints/traffic_distribution.h"

namespace epslice {

TrafficLabel TrafficLabelOf(const Service& service) {
  const auto& wanted = service.spec.trafficDistribution;
  if (!wanted || WantsTopologyAwareHints(service)) return TrafficLabel::kNone;
  for (const TrafficLabel label :
       {TrafficLabel::kPreferClose, TrafficLabel::kPreferSameZone, TrafficLabel::kPreferSameNode}) {
    if (wanted->view() == TrafficLabelName(label)) return label;
  }
  return TrafficLabel::kOther;
}

std::string_view TrafficLabelName(TrafficLabel label) {
  switch (label) {
    case TrafficLabel::kNone: return "";
    case TrafficLabel::kPreferClose: return "PreferClose";
    case TrafficLabel::kPreferSameZone: return "PreferSameZone";
    case TrafficLabel::kPreferSameNode: return "PreferSameNode";
    case TrafficLabel::kOther: break;
  }
  return "ImplementationSpecific";
}

void ServiceTotals::Add(const One& one, std::int64_t sign) {
  sums_.desired_endpoints += sign * one.desired_endpoints;
  sums_.desired_slices += sign * one.desired_slices;
  sums_.actual_slices += sign * one.actual_slices;
  sums_.services_by_traffic.at(static_cast<std::size_t>(one.traffic)) += sign;
  sums_.traffic_seen.at(static_cast<std::size_t>(one.traffic)) = true;
}

void ServiceTotals::Set(const ObjectKey& service, const PlanMetrics& metrics, TrafficLabel traffic) {
  const auto [it, added] = services_.try_emplace(service);
  if (!added) Add(it->second, -1);
  it->second = One{metrics.desired_endpoints, metrics.desired_slices, metrics.actual_slices, traffic};
  Add(it->second, 1);
}

void ServiceTotals::Forget(const ObjectKey& service) {
  const auto it = services_.find(service);
  if (it == services_.end()) return;
  Add(it->second, -1);
  services_.erase(it);
}

}  // namespace epslice
