#include "controllers/topologyhints/allocation.h"

#include <algorithm>
#include <cmath>

namespace epslice {
namespace {

std::string Counts(int endpoints, std::size_t zones) {
  return " (" + std::to_string(endpoints) + " endpoints, " + std::to_string(zones) + " zones)";
}

}  // namespace

int MinimumEndpoints(double ratio, int endpoints) {
  // The same operations in the same order as the reference, for the same
  // rounding.
  return static_cast<int>(std::ceil(ratio * endpoints * (1 / (1 + kOverloadThreshold))));
}

Allocation AllocateEndpoints(const ZoneCapacity& capacity, int ready_endpoints) {
  const std::size_t zones = capacity.zones.size();
  if (!capacity.usable()) {
    return {{}, "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"};
  }
  if (zones > static_cast<std::size_t>(std::max(0, ready_endpoints))) {
    return {{}, "Insufficient number of endpoints" + Counts(ready_endpoints, zones)};
  }
  Allocation allocation;
  int sum = 0;
  for (const ZoneCapacity::Share& share : capacity.zones) {
    const int minimum = MinimumEndpoints(share.ratio, ready_endpoints);
    const double desired = std::max(share.ratio * ready_endpoints, static_cast<double>(minimum));
    allocation.zones.push_back({share.zone, desired, minimum, 0});
    sum += minimum;
  }
  if (sum > ready_endpoints) {
    return {{},
            "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold" +
                Counts(ready_endpoints, zones)};
  }
  for (ZoneAllocation& zone : allocation.zones) zone.maximum = zone.minimum + ready_endpoints - sum;
  return allocation;
}

}  // namespace epslice
