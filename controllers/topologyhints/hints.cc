#include "controllers/topologyhints/hints.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "controllers/topologyhints/traffic_distribution.h"

namespace epslice {
namespace internal {
namespace {

using DraftPtr = std::shared_ptr<EndpointSlice>;
using SlicePtr = std::shared_ptr<const EndpointSlice>;
// By number of the zone.
using ZoneCounts = std::vector<int>;

template <typename Slices>
int CountReady(const Slices& slices) {
  int ready = 0;
  for (const auto& slice : slices) {
    ready += static_cast<int>(std::count_if(slice->endpoints.begin(), slice->endpoints.end(), IsReady));
  }
  return ready;
}

// Adds the hints of a slice to `allocated` if they may stay; false when they
// have to be made anew: one is missing, names a zone that needs none, or a zone
// has too many.
bool KeepHints(const EndpointSlice& slice, const ZoneIndex& index, const Allocation& allocation,
               ZoneCounts* allocated) {
  ZoneCounts hints(allocation.zones.size(), 0);
  for (const Endpoint& endpoint : slice.endpoints) {
    if (!IsReady(endpoint)) continue;
    if (!endpoint.hints || endpoint.hints->forZones.empty()) return false;
    int first = -1;
    for (const Text& zone : endpoint.hints->forZones) {
      const int number = index.Find(zone);
      if (number < 0) return false;
      if (first < 0) first = number;
    }
    ++hints[static_cast<std::size_t>(first)];
  }
  for (std::size_t z = 0; z < hints.size(); ++z) {
    if (hints[z] > 0 && hints[z] + (*allocated)[z] > allocation.zones[z].maximum) return false;
  }
  for (std::size_t z = 0; z < hints.size(); ++z) (*allocated)[z] += hints[z];
  return true;
}

// The zone with the most; the first by name of equals. -1: none.
int Most(const std::vector<double>& zones) {
  int most = -1;
  for (std::size_t z = 0; z < zones.size(); ++z) {
    if (zones[z] > 0 && (most < 0 || zones[z] > zones[static_cast<std::size_t>(most)])) most = static_cast<int>(z);
  }
  return most;
}

// How many endpoints each zone should give away and receive.
void Balance(const Allocation& allocation, const ZoneCounts& allocated, ZoneCounts* giving, ZoneCounts* receiving) {
  std::vector<double> to_give(allocated.size(), 0);
  std::vector<double> to_receive(allocated.size(), 0);
  for (std::size_t z = 0; z < allocated.size(); ++z) {
    const double surplus = allocated[z] - allocation.zones[z].desired;
    (surplus > 0 ? to_give : to_receive)[z] = surplus > 0 ? surplus : -surplus;
  }
  for (;;) {
    const int giver = Most(to_give);
    const int receiver = Most(to_receive);
    if (giver < 0 || receiver < 0) return;
    double& gives = to_give[static_cast<std::size_t>(giver)];
    double& receives = to_receive[static_cast<std::size_t>(receiver)];
    if (gives < 1.0 && receives < 1.0) return;
    if (gives < 0.5 || receives < 0.5) return;
    gives -= 1;
    receives -= 1;
    ++(*giving)[static_cast<std::size_t>(giver)];
    ++(*receiving)[static_cast<std::size_t>(receiver)];
  }
}

// Moves hints of endpoints in giving zones to receiving ones, in the order of
// the endpoints.
void Redistribute(const std::vector<DraftPtr>& drafts, const ZoneIndex& index, const Allocation& allocation,
                  ZoneCounts giving, ZoneCounts receiving, ZoneCounts* allocated) {
  std::size_t receiver = 0;
  int left = 0;
  for (const int n : giving) left += n;
  for (const DraftPtr& slice : drafts) {
    for (Endpoint& endpoint : slice->endpoints) {
      if (left == 0) return;
      if (!IsReady(endpoint)) continue;
      const int own = index.Find(endpoint.zone);
      if (own < 0 || giving[static_cast<std::size_t>(own)] == 0) continue;
      while (receiving[receiver] == 0) ++receiver;
      endpoint.hints->forZones[0] = allocation.zones[receiver].zone;
      ++(*allocated)[receiver];
      --(*allocated)[static_cast<std::size_t>(own)];
      --giving[static_cast<std::size_t>(own)];
      --receiving[receiver];
      --left;
    }
  }
}

// Slices that were hinted anew, only to end with the hints they had, need not
// be written. They are in `update` from `first` on.
void KeepWhatIsAsItWas(std::vector<SlicePtr> rehinted, std::size_t first, const HintedSlices& slices) {
  if (slices.rewrite_unchanged || rehinted.empty()) return;
  std::vector<DraftPtr> update;
  for (std::size_t i = 0; i < slices.update->size(); ++i) {
    DraftPtr& draft = (*slices.update)[i];
    const bool was_moved = i >= first && i - first < rehinted.size();
    if (was_moved && draft->endpoints == rehinted[i - first]->endpoints) {
      slices.unchanged->push_back(std::move(rehinted[i - first]));
    } else {
      update.push_back(std::move(draft));
    }
  }
  *slices.update = std::move(update);
}

HintState Enabled(const Allocation& allocation, const ZoneCounts& allocated, const std::map<Text, int>& elsewhere) {
  HintState state;
  state.kind = HintState::Kind::kEnabled;
  for (std::size_t z = 0; z < allocated.size(); ++z) {
    if (allocated[z] > 0) state.by_zone.push_back({allocation.zones[z].zone, allocated[z], 0, true});
  }
  if (elsewhere.empty()) return state;
  for (const auto& [zone, count] : elsewhere) state.by_zone.push_back({zone, count, 0, false});
  std::sort(state.by_zone.begin(), state.by_zone.end(), [](const auto& a, const auto& b) { return a.zone < b.zone; });
  return state;
}

// Moves the slices whose hints may not stay to `update`; returns what they were.
std::vector<SlicePtr> MoveUnfit(const ZoneIndex& index, const Allocation& allocation, const HintedSlices& slices,
                                ZoneCounts* allocated) {
  std::vector<SlicePtr> unchanged;
  std::vector<SlicePtr> unfit;
  for (SlicePtr& slice : *slices.unchanged) {
    if (KeepHints(*slice, index, allocation, allocated)) {
      unchanged.push_back(std::move(slice));
    } else {
      slices.update->push_back(std::make_shared<EndpointSlice>(*slice));
      unfit.push_back(std::move(slice));
    }
  }
  *slices.unchanged = std::move(unchanged);
  return unfit;
}

// Each ready endpoint its own zone; false when one has none. `elsewhere`: zones
// without capacity.
bool HintOwnZones(const std::vector<DraftPtr>& drafts, const ZoneIndex& index, ZoneCounts* allocated,
                  std::map<Text, int>* elsewhere) {
  for (const DraftPtr& draft : drafts) {
    for (Endpoint& endpoint : draft->endpoints) {
      endpoint.hints.reset();
      if (!IsReady(endpoint)) continue;
      if (endpoint.zone.empty()) return false;
      endpoint.hints = EndpointHints{{endpoint.zone}, {}};
      const int own = index.Find(endpoint.zone);
      ++(own < 0 ? (*elsewhere)[endpoint.zone] : (*allocated)[static_cast<std::size_t>(own)]);
    }
  }
  return true;
}

}  // namespace

int ZoneIndex::FindByContent(const Text& zone) const {
  const auto at = std::lower_bound(zones_.begin(), zones_.end(), zone,
                                   [](const ZoneCapacity::Share& share, const Text& z) { return share.zone < z; });
  return at == zones_.end() || at->zone != zone ? -1 : static_cast<int>(at - zones_.begin());
}

WrittenHints::Found WrittenHints::Next(const Endpoint& endpoint) {
  if (written_ == nullptr) return {};
  for (std::size_t i = at_; i < written_->endpoints.size(); ++i) {
    const Endpoint& candidate = written_->endpoints[i];
    if (candidate.addresses != endpoint.addresses) continue;
    at_ = i + 1;
    return {true, candidate.hints ? &*candidate.hints : nullptr};
  }
  return {};
}

HintState DisableHints(HintFailure failure, std::string reason, const HintedSlices& slices) {
  std::vector<SlicePtr> unchanged;
  for (SlicePtr& slice : *slices.unchanged) {
    if (HintsDiffer(*slice, TrafficDistribution::kNone)) {
      slices.update->push_back(std::make_shared<EndpointSlice>(*slice));
    } else {
      unchanged.push_back(std::move(slice));
    }
  }
  *slices.unchanged = std::move(unchanged);
  for (const auto* drafts : {slices.create, slices.update}) {
    for (const DraftPtr& draft : *drafts) SetHints(draft.get(), TrafficDistribution::kNone);
  }
  HintState state;
  state.kind = HintState::Kind::kDisabled;
  state.failure = failure;
  state.reason = std::move(reason);
  return state;
}

HintState AddReferenceHints(const ZoneCapacity& capacity, Millionths threshold, const HintedSlices& slices) {
  const int ready = CountReady(*slices.create) + CountReady(*slices.update) + CountReady(*slices.unchanged);
  const Allocation allocation = AllocateEndpoints(capacity, threshold, ready);
  const auto disable = [&](HintFailure failure, std::string reason) {
    HintState state = DisableHints(failure, std::move(reason), slices);
    state.ready_endpoints = ready;
    return state;
  };
  if (allocation.failure != HintFailure::kNone) return disable(allocation.failure, allocation.message);

  const ZoneIndex index(capacity.zones);
  ZoneCounts allocated(capacity.zones.size(), 0);
  const std::size_t first_unfit = slices.update->size();
  std::vector<SlicePtr> unfit = MoveUnfit(index, allocation, slices, &allocated);
  std::vector<DraftPtr> drafts = *slices.create;
  drafts.insert(drafts.end(), slices.update->begin(), slices.update->end());
  std::map<Text, int> elsewhere;
  HintState state;
  if (!HintOwnZones(drafts, index, &allocated, &elsewhere)) {
    state =
        DisableHints(HintFailure::kEndpointWithoutZone, "One or more endpoints do not have a zone specified", slices);
  } else {
    ZoneCounts giving(allocated.size(), 0);
    ZoneCounts receiving(allocated.size(), 0);
    Balance(allocation, allocated, &giving, &receiving);
    Redistribute(drafts, index, allocation, std::move(giving), std::move(receiving), &allocated);
    state = Enabled(allocation, allocated, elsewhere);
    if (state.by_zone.empty()) {
      return disable(HintFailure::kNothingToHint, "No hints allocated for zones");
    }
  }
  KeepWhatIsAsItWas(std::move(unfit), first_unfit, slices);
  state.ready_endpoints = ready;
  return state;
}

}  // namespace internal

HintState AddHints(const std::shared_ptr<const ZoneCapacity>& capacity, const HintsOptions& options,
                   const HintedSlices& slices) {
  HintState state = options.policy == HintsPolicy::kResilient
                        ? internal::AddResilientHints(capacity, options, slices)
                        : internal::AddReferenceHints(*capacity, options.overload_threshold, slices);
  state.options = options;
  return state;
}

bool HintsOutdated(const HintState& state, const ZoneCapacity& capacity) {
  if (state.kind == HintState::Kind::kOff) return false;
  if (state.options.policy == HintsPolicy::kResilient) return internal::ResilientHintsOutdated(state, capacity);
  const auto ready = static_cast<int>(state.ready_endpoints);
  if (state.kind == HintState::Kind::kDisabled) {
    // Whether endpoints have zones does not depend on the capacity.
    const HintFailure now = AllocationFailure(capacity, state.options.overload_threshold, ready);
    if (state.failure == HintFailure::kEndpointWithoutZone) return now != HintFailure::kNone;
    return now != state.failure;
  }
  if (!capacity.usable()) return true;
  // Both are by name.
  std::int64_t total = 0;
  for (const HintState::Zone& zone : state.by_zone) total += zone.endpoints;
  auto have = state.by_zone.begin();
  const auto skip_without_capacity = [&] {
    while (have != state.by_zone.end() && !have->has_capacity) {
      if (capacity.Find(have->zone) != nullptr) return false;
      ++have;
    }
    return true;
  };
  for (const ZoneCapacity::Share& share : capacity.zones) {
    if (!skip_without_capacity()) return true;
    if (have == state.by_zone.end() || have->zone != share.zone) return true;
    const int minimum = MinimumEndpoints(share.ratio, state.options.overload_threshold, static_cast<int>(total));
    if (have->endpoints < minimum) return true;
    ++have;
  }
  return !skip_without_capacity() || have != state.by_zone.end();
}

bool operator==(const HintState& a, const HintState& b) {
  const auto equal = [](const auto& x, const auto& y) { return x == y || (x && y && *x == *y); };
  return a.kind == b.kind && a.failure == b.failure && a.reason == b.reason && a.options == b.options &&
         a.ready_endpoints == b.ready_endpoints && a.by_zone == b.by_zone && a.shared == b.shared &&
         equal(a.made_from, b.made_from);
}

}  // namespace epslice
