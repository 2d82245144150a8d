// CPU-proportional hints ("Topology Aware Routing", annotation
// service.kubernetes.io/topology-mode: Auto; KEP-2433). Pure.
//
// The steps are the reference's; where it iterates over unordered maps, ties
// here go by zone name and endpoint order, so that equal input gives equal
// hints.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_HINTS_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_HINTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apis/discovery.h"
#include "apis/text.h"
#include "controllers/topologyhints/zone_capacity.h"

namespace epslice {

// Where the hints of a Service and address type stand.
struct HintState {
  enum class Kind : std::uint8_t { kOff, kEnabled, kDisabled };
  Kind kind = Kind::kOff;       // off: not asked for
  std::string reason;           // why disabled, as its event says
  std::map<Text, int> by_zone;  // enabled: endpoints hinted for each zone
  friend bool operator==(const HintState&, const HintState&) = default;
};

// By address type. What is not in here is off.
using HintStates = std::map<Text, HintState>;

// The slices of one Service and address type, as packing left them.
struct HintedSlices {
  std::vector<std::shared_ptr<EndpointSlice>>* create;
  std::vector<std::shared_ptr<EndpointSlice>>* update;
  // Those whose hints are wrong move to `update`, as copies.
  std::vector<std::shared_ptr<const EndpointSlice>>* unchanged;
  // As the reference: leave slices in `update` that end with the hints they
  // had. It writes them at every sync where an endpoint has no zone, or its
  // zone no capacity.
  bool rewrite_unchanged = false;
};

// Gives every ready endpoint a hint for one zone, in proportion to the zones'
// CPU; or, where that cannot be done, takes all hints away. Never returns kOff.
HintState AddHints(const ZoneCapacity& capacity, const HintedSlices& slices);

// Whether hints of this state should be worked out again now that the capacity
// is `capacity`: a zone is short of endpoints, came or went; or there were no
// hints, and now there may be.
bool HintsOutdated(const HintState& state, const ZoneCapacity& capacity);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_HINTS_H_
