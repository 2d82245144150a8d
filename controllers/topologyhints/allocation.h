// How many endpoints each zone should have hints for, in proportion to its CPU
// (KEP-2433), by the rules of the reference. Pure.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_ALLOCATION_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_ALLOCATION_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apis/text.h"
#include "controllers/topologyhints/policy.h"
#include "controllers/topologyhints/zone_capacity.h"

namespace epslice {

// Why a Service that asks for hints has none.
enum class HintFailure : std::uint8_t {
  kNone,
  kNodeInformation,      // nodes without zone or CPU, or (reference) fewer than two zones
  kOneZone,              // resilient: fewer than two zones
  kTooFewEndpoints,      // fewer ready endpoints than zones (resilient: none, or too few to name all)
  kThreshold,            // no allocation keeps every zone below the overload threshold
  kEndpointWithoutZone,  // reference: a ready endpoint has no zone
  kNothingToHint,
};
// For metrics and JSON: "InsufficientNodeInformation", ...; "" for kNone.
std::string_view ReasonCode(HintFailure failure);

struct ZoneAllocation {
  Text zone;
  double desired = 0;
  int minimum = 0;  // fewer would overload them beyond the threshold
  int maximum = 0;  // more would leave another zone below its minimum
};

struct Allocation {
  std::vector<ZoneAllocation> zones;  // by name; empty on failure
  HintFailure failure = HintFailure::kNone;
  std::string message;  // the failure, as the reference words it in its event
};

// For so many ready endpoints.
Allocation AllocateEndpoints(const ZoneCapacity& capacity, Millionths threshold, int ready_endpoints);

// Just whether and why it fails; for who asks it of many Services.
HintFailure AllocationFailure(const ZoneCapacity& capacity, Millionths threshold, int ready_endpoints);

// The fewest of `endpoints` that a zone of this ratio can do with.
int MinimumEndpoints(double ratio, Millionths threshold, int endpoints);

// " (3 endpoints, 4 zones)"
std::string EndpointsAndZones(int endpoints, std::size_t zones);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_ALLOCATION_H_
