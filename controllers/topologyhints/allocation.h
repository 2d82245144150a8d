// How many endpoints each zone should have hints for, in proportion to its CPU
// (KEP-2433). Pure.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_ALLOCATION_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_ALLOCATION_H_

#include <string>
#include <vector>

#include "apis/text.h"
#include "controllers/topologyhints/zone_capacity.h"

namespace epslice {

// By how much a zone's share of the traffic may exceed its share of the
// endpoints.
inline constexpr double kOverloadThreshold = 0.2;

struct ZoneAllocation {
  Text zone;
  double desired = 0;
  int minimum = 0;  // fewer would overload them beyond the threshold
  int maximum = 0;  // more would leave another zone below its minimum
};

struct Allocation {
  std::vector<ZoneAllocation> zones;  // by name; empty on failure
  // Why hints are impossible, as the reference words it; empty on success.
  std::string failure;
};

// For so many ready endpoints.
Allocation AllocateEndpoints(const ZoneCapacity& capacity, int ready_endpoints);

// The fewest of `endpoints` that a zone of this ratio can do with.
int MinimumEndpoints(double ratio, int endpoints);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_ALLOCATION_H_
