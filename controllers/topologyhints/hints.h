// CPU-proportional hints ("Topology Aware Routing", annotation
// service.kubernetes.io/topology-mode: Auto; KEP-2433). Pure.
//
// Two policies (policy.h). Under `reference` the steps are the reference's;
// where it iterates over unordered maps, ties here go by zone name and endpoint
// order, so that equal input gives equal hints. Under `resilient` the
// allocation is that of resilient_allocation.h.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_HINTS_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_HINTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apis/discovery.h"
#include "apis/text.h"
#include "controllers/topologyhints/allocation.h"
#include "controllers/topologyhints/policy.h"
#include "controllers/topologyhints/zone_capacity.h"

namespace epslice {

// Where the hints of a Service and address type stand.
struct HintState {
  enum class Kind : std::uint8_t { kOff, kEnabled, kDisabled };
  struct Zone {
    Text zone;
    std::int64_t endpoints = 0;  // hinted for it
    // The fewest that would do when this was worked out; resilient only.
    std::int64_t minimum = 0;
    bool has_capacity = true;  // reference: an endpoint's own zone may have none
    friend bool operator==(const Zone&, const Zone&) = default;
  };

  Kind kind = Kind::kOff;  // off: not asked for
  // Disabled: why, and in words, as its event says.
  HintFailure failure = HintFailure::kNone;
  std::string reason;
  // By what rules, and for how many ready endpoints.
  HintsOptions options;
  std::int64_t ready_endpoints = 0;
  std::vector<Zone> by_zone;  // enabled: by name
  // Resilient: zones share endpoints; then (and when disabled) what the
  // decision was made from.
  bool shared = false;
  std::shared_ptr<const ZoneCapacity> made_from;

  friend bool operator==(const HintState& a, const HintState& b);
};

// By address type. What is not in here is off.
using HintStates = std::map<Text, HintState>;

// The slices of one Service and address type, as packing left them.
struct HintedSlices {
  std::vector<std::shared_ptr<EndpointSlice>>* create;
  std::vector<std::shared_ptr<EndpointSlice>>* update;
  // Those whose hints are wrong move to `update`, as copies.
  std::vector<std::shared_ptr<const EndpointSlice>>* unchanged;
  // All slices of the address type as they are written now: where the drafts in
  // `update` (by name) had which hints. Only resilient hints look at them.
  const std::vector<std::shared_ptr<const EndpointSlice>>* written = nullptr;
  // As the reference: leave slices in `update` that end with the hints they
  // had. It writes them at every sync where an endpoint has no zone, or its
  // zone no capacity.
  bool rewrite_unchanged = false;
};

// Gives every ready endpoint a hint, in proportion to the zones' CPU; or, where
// that cannot be done, takes all hints away. Never returns kOff. `capacity` is
// not null.
HintState AddHints(const std::shared_ptr<const ZoneCapacity>& capacity, const HintsOptions& options,
                   const HintedSlices& slices);

// Whether hints of this state should be worked out again now that the capacity
// is `capacity`: a zone is short of endpoints, came or went; or there were no
// hints, and now there may be, or for another reason.
bool HintsOutdated(const HintState& state, const ZoneCapacity& capacity);

namespace internal {

HintState AddReferenceHints(const ZoneCapacity& capacity, Millionths threshold, const HintedSlices& slices);
// hints_resilient.cc
HintState AddResilientHints(const std::shared_ptr<const ZoneCapacity>& capacity, const HintsOptions& options,
                            const HintedSlices& slices);
// Why the nodes allow no resilient hints; kNone if they do.
HintFailure ResilientNodeFailure(const ZoneCapacity& capacity, const HintsOptions& options);
bool ResilientHintsOutdated(const HintState& state, const ZoneCapacity& capacity);

// Takes all hints away, and says why.
HintState DisableHints(HintFailure failure, std::string reason, const HintedSlices& slices);

inline bool IsReady(const Endpoint& endpoint) { return endpoint.conditions.ready == true; }

// The hints that the endpoints of a draft have in the slice as it is written
// now. Packing keeps the order of what it keeps and puts new endpoints last, so
// both are read side by side: ask for the endpoints in their order.
class WrittenHints {
 public:
  // Null: it is not written yet.
  explicit WrittenHints(const EndpointSlice* written) : written_(written) {}
  struct Found {
    bool written = false;  // the endpoint is in the slice
    const EndpointHints* hints = nullptr;
  };
  Found Next(const Endpoint& endpoint);

 private:
  const EndpointSlice* written_;
  std::size_t at_ = 0;
};

// Zones by number. Zone names are interned, so that nearly every look-up is
// settled by comparing addresses.
class ZoneIndex {
 public:
  explicit ZoneIndex(const std::vector<ZoneCapacity::Share>& zones) : zones_(zones) {}
  // -1: not one of them.
  int Find(const Text& zone) const {
    for (std::size_t i = 0; i < zones_.size(); ++i) {
      if (zones_[i].zone.identity() == zone.identity()) return static_cast<int>(i);
    }
    return zone.empty() ? -1 : FindByContent(zone);
  }

 private:
  int FindByContent(const Text& zone) const;
  const std::vector<ZoneCapacity::Share>& zones_;
};

}  // namespace internal
}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_HINTS_H_
