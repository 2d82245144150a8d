#include "controllers/topologyhints/hints.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "controllers/topologyhints/allocation.h"
#include "controllers/topologyhints/traffic_distribution.h"

namespace epslice {
namespace {

using DraftPtr = std::shared_ptr<EndpointSlice>;
using SlicePtr = std::shared_ptr<const EndpointSlice>;
using ByZone = std::map<Text, int>;

bool IsReady(const Endpoint& endpoint) { return endpoint.conditions.ready == true; }

template <typename Slices>
int CountReady(const Slices& slices) {
  int ready = 0;
  for (const auto& slice : slices) {
    ready += static_cast<int>(std::count_if(slice->endpoints.begin(), slice->endpoints.end(), IsReady));
  }
  return ready;
}

const ZoneAllocation* Find(const Allocation& allocation, const Text& zone) {
  for (const ZoneAllocation& z : allocation.zones) {
    if (z.zone == zone) return &z;
  }
  return nullptr;
}

// The hints of a slice that may stay; nullopt when they have to be made anew:
// one is missing, names a zone that needs none, or a zone has too many.
std::optional<ByZone> HintsThatMayStay(const EndpointSlice& slice, const ByZone& allocated,
                                       const Allocation& allocation) {
  ByZone hints;
  for (const Endpoint& endpoint : slice.endpoints) {
    if (!IsReady(endpoint)) continue;
    if (!endpoint.hints || endpoint.hints->forZones.empty()) return std::nullopt;
    for (const Text& zone : endpoint.hints->forZones) {
      if (Find(allocation, zone) == nullptr) return std::nullopt;
    }
    ++hints[endpoint.hints->forZones[0]];
  }
  for (const auto& [zone, count] : hints) {
    const auto before = allocated.find(zone);
    const int all = count + (before == allocated.end() ? 0 : before->second);
    if (all > Find(allocation, zone)->maximum) return std::nullopt;
  }
  return hints;
}

// The zone with the most; the first by name of equals.
std::map<Text, double>::iterator Most(std::map<Text, double>* zones) {
  auto most = zones->end();
  for (auto it = zones->begin(); it != zones->end(); ++it) {
    if (it->second > 0 && (most == zones->end() || it->second > most->second)) most = it;
  }
  return most;
}

// How many endpoints each zone should give away and receive.
void Balance(const Allocation& allocation, const ByZone& allocated, ByZone* giving, ByZone* receiving) {
  std::map<Text, double> to_give;
  std::map<Text, double> to_receive;
  for (const ZoneAllocation& zone : allocation.zones) {
    const auto it = allocated.find(zone.zone);
    const double have = it == allocated.end() ? 0 : it->second;
    if (have > zone.desired) to_give[zone.zone] = have - zone.desired;
    if (have < zone.desired) to_receive[zone.zone] = zone.desired - have;
  }
  for (;;) {
    const auto giver = Most(&to_give);
    const auto receiver = Most(&to_receive);
    if (giver == to_give.end() || receiver == to_receive.end()) return;
    if (giver->second < 1.0 && receiver->second < 1.0) return;
    if (giver->second < 0.5 || receiver->second < 0.5) return;
    giver->second -= 1;
    receiver->second -= 1;
    ++(*giving)[giver->first];
    ++(*receiving)[receiver->first];
  }
}

void TakeOne(ByZone* zones, ByZone::iterator it) {
  if (--it->second == 0) zones->erase(it);
}

// Moves hints of endpoints in giving zones to receiving ones, in the order of
// the endpoints.
void Redistribute(const std::vector<DraftPtr>& slices, ByZone giving, ByZone receiving, ByZone* allocated) {
  for (const DraftPtr& slice : slices) {
    for (Endpoint& endpoint : slice->endpoints) {
      if (giving.empty() || receiving.empty()) return;
      if (!IsReady(endpoint)) continue;
      const auto giver = giving.find(endpoint.zone);
      if (giver == giving.end()) continue;
      const auto receiver = receiving.begin();
      endpoint.hints = EndpointHints{{receiver->first}, {}};
      ++(*allocated)[receiver->first];
      --(*allocated)[giver->first];
      TakeOne(&giving, giver);
      TakeOne(&receiving, receiver);
    }
  }
}

// Slices that were hinted anew, only to end with the hints they had, need not
// be written. They are in `update` from `first` on.
void KeepWhatIsAsItWas(std::vector<SlicePtr> rehinted, std::size_t first, const HintedSlices& slices) {
  if (slices.rewrite_unchanged) return;
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

HintState Disable(std::string reason, const HintedSlices& slices) {
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
  state.reason = std::move(reason);
  return state;
}

}  // namespace

HintState AddHints(const ZoneCapacity& capacity, const HintedSlices& slices) {
  const int ready = CountReady(*slices.create) + CountReady(*slices.update) + CountReady(*slices.unchanged);
  const Allocation allocation = AllocateEndpoints(capacity, ready);
  if (!allocation.failure.empty()) return Disable(allocation.failure, slices);

  ByZone allocated;
  std::vector<SlicePtr> unchanged;
  std::vector<SlicePtr> rehinted;
  const std::size_t first_rehinted = slices.update->size();
  for (SlicePtr& slice : *slices.unchanged) {
    if (const std::optional<ByZone> hints = HintsThatMayStay(*slice, allocated, allocation)) {
      for (const auto& [zone, count] : *hints) allocated[zone] += count;
      unchanged.push_back(std::move(slice));
    } else {
      slices.update->push_back(std::make_shared<EndpointSlice>(*slice));
      rehinted.push_back(std::move(slice));
    }
  }
  *slices.unchanged = std::move(unchanged);

  std::vector<DraftPtr> drafts = *slices.create;
  drafts.insert(drafts.end(), slices.update->begin(), slices.update->end());
  for (const DraftPtr& draft : drafts) {
    for (Endpoint& endpoint : draft->endpoints) {
      endpoint.hints.reset();
      if (!IsReady(endpoint)) continue;
      if (endpoint.zone.empty()) {
        HintState state = Disable("One or more endpoints do not have a zone specified", slices);
        KeepWhatIsAsItWas(std::move(rehinted), first_rehinted, slices);
        return state;
      }
      endpoint.hints = EndpointHints{{endpoint.zone}, {}};
      ++allocated[endpoint.zone];
    }
  }
  ByZone giving;
  ByZone receiving;
  Balance(allocation, allocated, &giving, &receiving);
  Redistribute(drafts, std::move(giving), std::move(receiving), &allocated);
  if (allocated.empty()) return Disable("No hints allocated for zones", slices);
  KeepWhatIsAsItWas(std::move(rehinted), first_rehinted, slices);
  HintState state;
  state.kind = HintState::Kind::kEnabled;
  state.by_zone = std::move(allocated);
  return state;
}

bool HintsOutdated(const HintState& state, const ZoneCapacity& capacity) {
  if (state.kind == HintState::Kind::kOff) return false;
  if (state.kind == HintState::Kind::kDisabled || !capacity.usable()) return true;
  int total = 0;
  for (const auto& [zone, count] : state.by_zone) {
    total += count;
    if (count > 0 && capacity.Find(zone) == nullptr) return true;
  }
  for (const ZoneCapacity::Share& share : capacity.zones) {
    const auto have = state.by_zone.find(share.zone);
    if (have == state.by_zone.end() || have->second < MinimumEndpoints(share.ratio, total)) return true;
  }
  return false;
}

}  // namespace epslice
