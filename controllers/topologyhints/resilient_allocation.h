// Which zones each endpoint is hinted for under the resilient policy
// (policy.h). Pure, on counts: endpoints that are alike are told apart by the
// caller.
//
// The load model: the consumers of a zone send in proportion to the zone's
// CPU, spread evenly over the endpoints that name the zone. With one zone for
// each endpoint, a zone of CPU c has n of N endpoints; their load, as a multiple
// of an even spread over all, is (c / total) / n * N. It may be at most
// 1 + threshold, so n is at least c N / (total (1 + threshold)), rounded up.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_RESILIENT_ALLOCATION_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_RESILIENT_ALLOCATION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "controllers/topologyhints/policy.h"

namespace epslice {

// The API's limit on forZones of one endpoint.
inline constexpr std::size_t kMaxZonesOfEndpoint = 8;

// The fewest of `endpoints` that a zone with `cpu` of `total` can do with;
// worked out in whole numbers. 0 for a zone without CPU, else at least 1.
std::int64_t ResilientMinimum(std::int64_t cpu, std::int64_t total, std::int64_t endpoints, Millionths threshold);

// Endpoints that are alike.
struct EndpointGroup {
  // Indexes of zones; -1: none that is known.
  int own = -1;
  int hinted = -1;  // the one zone they are hinted for now; -1: none, or several
  // Their slice is written whatever comes out: among equals their hints are
  // changed rather than those of others.
  bool being_written = false;
  std::int64_t count = 0;
  friend bool operator==(const EndpointGroup&, const EndpointGroup&) = default;
};

// So many endpoints of a group are for one zone.
struct ZoneAssignment {
  std::size_t group;
  int zone;
  std::int64_t count;
};

// One zone for each endpoint so that no zone exceeds the threshold: of all such
// assignments one with the fewest endpoints for another zone than their own,
// of these one with the fewest changed hints, of these one with the fewest
// changes in slices that are not being written; what is left goes by the order
// of zones and groups. An endpoint without a zone of its own is away nowhere.
// nullopt: no assignment meets the threshold, or there is no endpoint.
// `cpu_milli`: of each zone, not negative, one at least above 0. Groups need
// not be distinct. O(zones x arcs) for few zones; see MinCostFlow.
std::optional<std::vector<ZoneAssignment>> AssignZones(const std::vector<std::int64_t>& cpu_milli,
                                                       const std::vector<EndpointGroup>& groups, Millionths threshold);

// So many endpoints of one zone (-1: of none) are for all of `zones` (indexes,
// ascending).
struct SharedAssignment {
  int own;
  std::vector<int> zones;
  std::int64_t count;
};

// For when AssignZones() has no answer: zones share endpoints, so that every
// zone with CPU is named and no endpoint's expected load exceeds the threshold.
// A zone whose own endpoints suffice keeps them to itself as far as it goes;
// the others take their own and the fewest further ones that have room. Where
// that does not do, and with more than 64 zones, every endpoint is for every
// zone, which is an even spread; or, with more zones than an endpoint may name,
// blocks of zones share the endpoints of the block.
// Empty: no endpoint, or more than 8 zones with CPU and no blocks of them found
// that meet the threshold.
// `own`: endpoints of each zone; `homeless`: those of none.
std::vector<SharedAssignment> ShareZones(const std::vector<std::int64_t>& cpu_milli,
                                         const std::vector<std::int64_t>& own, std::int64_t homeless,
                                         Millionths threshold);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_RESILIENT_ALLOCATION_H_
