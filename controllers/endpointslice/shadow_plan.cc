// What an onlooker makes of a plan: which differences count, and what is left of
// it when nothing is written.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "controllers/endpointslice/packing.h"
#include "controllers/endpointslice/shadow.h"
#include "controllers/topologyhints/allocation.h"

namespace epslice {
namespace {

// Of the slices of one address type as they are.
struct WrittenZones {
  std::map<Text, std::int64_t> endpoints;  // ready ones, by the zone they are hinted for
  bool complete = true;                    // each has a hint for one zone, and for nothing else
};

WrittenZones ZonesOf(const ReconcileInput& input, const Text& address_type) {
  WrittenZones zones;
  for (const auto& slice : input.slices) {
    if (slice->addressType != address_type || !internal::OwnedBy(*slice, *input.service)) continue;
    for (const Endpoint& endpoint : slice->endpoints) {
      if (!internal::IsReady(endpoint)) continue;
      if (endpoint.hints && endpoint.hints->forZones.size() == 1 && endpoint.hints->forNodes.empty()) {
        ++zones.endpoints[endpoint.hints->forZones[0]];
      } else {
        zones.complete = false;
      }
    }
  }
  return zones;
}

bool SameTotals(const WrittenZones& written, const HintState& state) {
  std::map<Text, std::int64_t> planned;
  for (const HintState::Zone& zone : state.by_zone) planned[zone.zone] += zone.endpoints;
  return written.endpoints == planned;
}

// Whether the reference would let these hints be.
bool MayStay(const WrittenZones& written, const HintState& state, const ZoneCapacity& capacity) {
  const Allocation allocation =
      AllocateEndpoints(capacity, state.options.overload_threshold, static_cast<int>(state.ready_endpoints));
  return std::all_of(written.endpoints.begin(), written.endpoints.end(), [&](const auto& hinted) {
    const auto zone = std::find_if(allocation.zones.begin(), allocation.zones.end(),
                                   [&](const ZoneAllocation& z) { return z.zone == hinted.first; });
    return zone != allocation.zones.end() && hinted.second <= zone->maximum;
  });
}

// Whether which endpoint has which zone's hint is left open here, and the slices
// are within what is.
bool HintsAreOpen(const ReconcileInput& input, const Plan& plan, const Text& address_type) {
  const auto state = plan.hints.find(address_type);
  if (state == plan.hints.end() || state->second.kind != HintState::Kind::kEnabled) return false;
  if (state->second.options.policy != HintsPolicy::kReference || input.capacity == nullptr) return false;
  const WrittenZones written = ZonesOf(input, address_type);
  return written.complete && (SameTotals(written, state->second) || MayStay(written, state->second, *input.capacity));
}

bool OnlyOtherHints(const Difference& difference) {
  return difference.kind == DifferenceKind::kChangedEndpoint && difference.fields.size() == 1 &&
         difference.fields[0].field == "hints" && !difference.fields[0].want.empty() &&
         !difference.fields[0].have.empty();
}

}  // namespace

std::vector<Difference> ShadowDifferences(const ReconcileInput& input, const Plan& plan) {
  // The usual case.
  if (plan.writes.empty()) return {};
  std::vector<Difference> differences = DiffService(input, plan).differences;
  std::map<Text, bool> open;  // by address type
  std::erase_if(differences, [&](const Difference& difference) {
    if (!OnlyOtherHints(difference)) return false;
    const auto [it, is_new] = open.try_emplace(difference.address_type, false);
    if (is_new) it->second = HintsAreOpen(input, plan, difference.address_type);
    return it->second;
  });
  return differences;
}

Plan PlanOfOnlooker(const ReconcileInput& input, const Plan& plan) {
  Plan out;
  out.service = plan.service;
  out.hints = plan.hints;
  out.retry_errors = plan.retry_errors;
  out.metrics = plan.metrics;
  for (PlanMetrics::PerAddressType& one : out.metrics.per_address_type) one.endpoints_added = one.endpoints_removed = 0;
  if (plan.writes.empty()) return out;
  out.metrics.actual_slices = static_cast<std::int64_t>(input.slices.size());
  out.metrics.hint_changes = {};
  out.metrics.hinted = {};
  for (const auto& slice : input.slices) {
    for (const Endpoint& endpoint : slice->endpoints) {
      if (!internal::IsReady(endpoint)) continue;
      const bool none = !endpoint.hints || endpoint.hints->empty();
      ++(none                               ? out.metrics.hinted.none
         : endpoint.hints->forNodes.empty() ? out.metrics.hinted.zone
                                            : out.metrics.hinted.node);
    }
  }
  // When the zones' CPU changes, what counts is what the other controller gave.
  for (auto& [address_type, state] : out.hints) {
    if (state.kind != HintState::Kind::kEnabled || state.options.policy != HintsPolicy::kReference) continue;
    state.by_zone.clear();
    for (const auto& [zone, endpoints] : ZonesOf(input, address_type).endpoints) {
      const bool has_capacity = input.capacity != nullptr && input.capacity->Find(zone) != nullptr;
      state.by_zone.push_back({zone, endpoints, 0, has_capacity});
    }
  }
  return out;
}

}  // namespace epslice
