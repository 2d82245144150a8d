#include "controllers/topologyhints/allocation.h"

#include <algorithm>
#include <cmath>

namespace epslice {

std::string_view ReasonCode(HintFailure failure) {
  switch (failure) {
    case HintFailure::kNone: return "";
    case HintFailure::kNodeInformation: return "InsufficientNodeInformation";
    case HintFailure::kOneZone: return "NodesInOneZone";
    case HintFailure::kTooFewEndpoints: return "InsufficientEndpoints";
    case HintFailure::kThreshold: return "OverloadThreshold";
    case HintFailure::kEndpointWithoutZone: return "EndpointWithoutZone";
    case HintFailure::kNothingToHint: return "NoHintsAllocated";
  }
  return "";
}

std::string EndpointsAndZones(int endpoints, std::size_t zones) {
  return " (" + std::to_string(endpoints) + " endpoints, " + std::to_string(zones) + " zones)";
}

int MinimumEndpoints(double ratio, Millionths threshold, int endpoints) {
  // The same operations in the same order as the reference, for the same
  // rounding.
  const double overload = static_cast<double>(threshold) / static_cast<double>(kOne);
  return static_cast<int>(std::ceil(ratio * endpoints * (1 / (1 + overload))));
}

HintFailure AllocationFailure(const ZoneCapacity& capacity, Millionths threshold, int ready_endpoints) {
  if (!capacity.usable()) return HintFailure::kNodeInformation;
  if (capacity.zones.size() > static_cast<std::size_t>(std::max(0, ready_endpoints))) {
    return HintFailure::kTooFewEndpoints;
  }
  int sum = 0;
  for (const ZoneCapacity::Share& share : capacity.zones) {
    sum += MinimumEndpoints(share.ratio, threshold, ready_endpoints);
  }
  return sum > ready_endpoints ? HintFailure::kThreshold : HintFailure::kNone;
}

Allocation AllocateEndpoints(const ZoneCapacity& capacity, Millionths threshold, int ready_endpoints) {
  Allocation allocation;
  allocation.failure = AllocationFailure(capacity, threshold, ready_endpoints);
  const std::string counts = EndpointsAndZones(ready_endpoints, capacity.zones.size());
  switch (allocation.failure) {
    case HintFailure::kNodeInformation:
      allocation.message = "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";
      return allocation;
    case HintFailure::kTooFewEndpoints:
      allocation.message = "Insufficient number of endpoints" + counts;
      return allocation;
    case HintFailure::kThreshold:
      allocation.message =
          "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold" + counts;
      return allocation;
    default: break;
  }
  int sum = 0;
  for (const ZoneCapacity::Share& share : capacity.zones) {
    const int minimum = MinimumEndpoints(share.ratio, threshold, ready_endpoints);
    const double desired = std::max(share.ratio * ready_endpoints, static_cast<double>(minimum));
    allocation.zones.push_back({share.zone, desired, minimum, 0});
    sum += minimum;
  }
  for (ZoneAllocation& zone : allocation.zones) zone.maximum = zone.minimum + ready_endpoints - sum;
  return allocation;
}

}  // namespace epslice
