// Hints that follow from each endpoint alone: spec.trafficDistribution
// (KEP-4444, KEP-3015), and the removal of hints. Pure.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_TRAFFIC_DISTRIBUTION_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_TRAFFIC_DISTRIBUTION_H_

#include <cstdint>
#include <optional>

#include "apis/core.h"
#include "apis/discovery.h"

namespace epslice {

enum class TrafficDistribution : std::uint8_t {
  kNone,            // no or an unknown value: no hints
  kPreferSameZone,  // PreferClose, PreferSameZone: each ready endpoint for its own zone
  kPreferSameNode,  // PreferSameNode: also for its own node
};

TrafficDistribution TrafficDistributionOf(const Service& service);

// Whether the Service asks for CPU-proportional hints by annotation, which
// then win over spec.trafficDistribution.
bool WantsTopologyAwareHints(const Service& service);

// Whether a hint of `slice` is not what `distribution` wants. With kNone:
// whether it has any. Endpoints that are not ready are not looked at otherwise.
bool HintsDiffer(const EndpointSlice& slice, TrafficDistribution distribution);

// Sets the hints of `slice`. With kNone removes all; otherwise endpoints that
// are not ready are left as they are.
void SetHints(EndpointSlice* slice, TrafficDistribution distribution);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_TRAFFIC_DISTRIBUTION_H_
