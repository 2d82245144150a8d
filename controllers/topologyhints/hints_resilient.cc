// Hints under the resilient policy: from slices to counts, and back.
#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "controllers/topologyhints/hints.h"
#include "controllers/topologyhints/resilient_allocation.h"

namespace epslice::internal {
namespace {

using DraftPtr = std::shared_ptr<EndpointSlice>;
using SlicePtr = std::shared_ptr<const EndpointSlice>;
using Counts = std::vector<std::int64_t>;
using Shares = std::vector<ZoneCapacity::Share>;

// One ready endpoint.
struct Item {
  const Endpoint* endpoint;
  const EndpointHints* written;  // the hints it has now; null: none
  std::uint32_t slice;           // drafts to create, drafts to update, unchanged ones
  int own;                       // as EndpointGroup's
  int hinted;
  int zone = -1;  // to be hinted for, where zones are not shared
};

std::int64_t TotalCpu(const Shares& zones) {
  std::int64_t total = 0;
  for (const ZoneCapacity::Share& zone : zones) total += zone.cpu_milli;
  return total;
}

Counts CpuOf(const Shares& zones) {
  Counts cpu;
  cpu.reserve(zones.size());
  for (const ZoneCapacity::Share& zone : zones) cpu.push_back(zone.cpu_milli);
  return cpu;
}

class ResilientHints {
 public:
  ResilientHints(const Shares& zones, Millionths threshold, const HintedSlices& slices)
      : zones_(zones), index_(zones), slices_(slices), cpu_(CpuOf(zones)), threshold_(threshold) {
    std::size_t endpoints = 0;
    for (const DraftPtr& draft : *slices.create) endpoints += draft->endpoints.size();
    for (const DraftPtr& draft : *slices.update) endpoints += draft->endpoints.size();
    for (const SlicePtr& slice : *slices.unchanged) endpoints += slice->endpoints.size();
    items_.reserve(endpoints);
    std::uint32_t number = 0;
    for (const DraftPtr& draft : *slices.create) Collect(*draft, nullptr, number++);
    for (const DraftPtr& draft : *slices.update) Collect(*draft, AsWritten(*draft), number++);
    drafts_ = number;
    for (const SlicePtr& slice : *slices.unchanged) Collect(*slice, slice.get(), number++);
  }

  std::int64_t ready() const { return static_cast<std::int64_t>(items_.size()); }

  // One zone each; false when that cannot be.
  bool Assign() {
    const std::vector<std::uint32_t> group_of = MakeGroups();
    const std::optional<std::vector<ZoneAssignment>> assignments = AssignZones(cpu_, groups_, threshold_);
    if (!assignments) return false;
    // Of a group in slices that would stay as they are, those that keep their
    // hints come last: what changes gathers in the first slices.
    std::vector<std::vector<std::pair<int, std::int64_t>>> targets(groups_.size());
    for (const ZoneAssignment& a : *assignments) targets[a.group].push_back({a.zone, a.count});
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      std::stable_sort(targets[g].begin(), targets[g].end(), [&](const auto& a, const auto& b) {
        return (a.first == groups_[g].hinted) < (b.first == groups_[g].hinted);
      });
    }
    std::vector<std::size_t> at(groups_.size(), 0);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      auto& of_group = targets[group_of[i]];
      std::size_t& next = at[group_of[i]];
      while (of_group[next].second == 0) ++next;
      --of_group[next].second;
      items_[i].zone = of_group[next].first;
    }
    return true;
  }

  // Several zones each; false when that cannot be either.
  bool Share() {
    Counts own(zones_.size(), 0);
    std::int64_t homeless = 0;
    for (const Item& item : items_) ++(item.own < 0 ? homeless : own[static_cast<std::size_t>(item.own)]);
    shared_ = ShareZones(cpu_, own, homeless, threshold_);
    if (shared_.empty()) return false;
    // Who has the right hints already keeps them; the others fill up.
    shared_zones_.assign(items_.size(), nullptr);
    for (const bool keep : {true, false}) {
      for (std::size_t i = 0; i < items_.size(); ++i) {
        if (shared_zones_[i] != nullptr) continue;
        for (SharedAssignment& s : shared_) {
          if (s.own != items_[i].own || s.count == 0 || (keep && !Says(items_[i].written, s.zones))) continue;
          --s.count;
          shared_zones_[i] = &s.zones;
          break;
        }
      }
    }
    return true;
  }

  // Zones without CPU have consumers all the same: an endpoint names them
  // beside a zone with CPU, which remains the one that counts (HintedFor). They
  // weigh nothing, so any will do; who did it goes on.
  void NameTheRest() {
    std::vector<char> named(zones_.size(), 0);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      for (const int zone : ZonesOf(i)) named[static_cast<std::size_t>(zone)] = 1;
    }
    for (std::size_t z = 0; z < zones_.size(); ++z) {
      if (named[z] != 0) continue;
      std::size_t bearer = items_.size();
      for (std::size_t i = 0; i < items_.size(); ++i) {
        const std::span<const int> now = ZonesOf(i);
        const auto has_cpu = [&](int zone) { return cpu_[static_cast<std::size_t>(zone)] > 0; };
        if (now.size() >= kMaxZonesOfEndpoint || std::none_of(now.begin(), now.end(), has_cpu)) continue;
        if (Names(items_[i].written, zones_[z].zone)) {
          bearer = i;
          break;
        }
        if (bearer == items_.size()) bearer = i;
      }
      if (bearer == items_.size()) return;
      const std::span<const int> without = ZonesOf(bearer);
      std::vector<int> zones(without.begin(), without.end());
      zones.insert(std::upper_bound(zones.begin(), zones.end(), static_cast<int>(z)), static_cast<int>(z));
      extended_[bearer] = std::move(zones);
    }
  }

  HintState Write() {
    HintState state;
    state.kind = HintState::Kind::kEnabled;
    state.ready_endpoints = ready();
    const std::int64_t total = TotalCpu(zones_);
    for (const ZoneCapacity::Share& zone : zones_) {
      state.by_zone.push_back({zone.zone, 0, ResilientMinimum(zone.cpu_milli, total, ready(), threshold_), true});
    }
    std::vector<DraftPtr> copies(slices_.unchanged->size());
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const Item& item = items_[i];
      const std::span<const int> zones = ZonesOf(i);
      for (const int zone : zones) ++state.by_zone[static_cast<std::size_t>(zone)].endpoints;
      if (Says(item.written, zones) && !IsDraft(item)) continue;
      EndpointHints hints;
      hints.forZones.reserve(zones.size());
      for (const int zone : zones) hints.forZones.push_back(zones_[static_cast<std::size_t>(zone)].zone);
      Target(item, &copies)->hints = std::move(hints);
    }
    std::vector<SlicePtr> unchanged;
    for (std::size_t i = 0; i < copies.size(); ++i) {
      if (copies[i] == nullptr) {
        unchanged.push_back(std::move((*slices_.unchanged)[i]));
      } else {
        slices_.update->push_back(std::move(copies[i]));
      }
    }
    *slices_.unchanged = std::move(unchanged);
    return state;
  }

 private:
  const EndpointSlice* AsWritten(const EndpointSlice& draft) {
    if (slices_.written == nullptr) return nullptr;
    if (by_name_.empty()) {
      for (const SlicePtr& slice : *slices_.written) by_name_[slice->metadata.name.view()] = slice.get();
    }
    const auto at = by_name_.find(draft.metadata.name.view());
    return at == by_name_.end() ? nullptr : at->second;
  }

  void Collect(const EndpointSlice& slice, const EndpointSlice* written, std::uint32_t number) {
    const bool itself = written == &slice;
    WrittenHints hints(itself ? nullptr : written);
    for (const Endpoint& endpoint : slice.endpoints) {
      const EndpointHints* before = nullptr;
      if (itself) {
        before = endpoint.hints ? &*endpoint.hints : nullptr;
      } else {
        before = hints.Next(endpoint).hints;
      }
      if (!IsReady(endpoint)) continue;
      items_.push_back({&endpoint, before, number, index_.Find(endpoint.zone), HintedFor(before)});
    }
  }

  // The one zone that hints stand for, zones without CPU aside.
  int HintedFor(const EndpointHints* hints) const {
    if (hints == nullptr || !hints->forNodes.empty()) return -1;
    if (hints->forZones.size() == 1) return index_.Find(hints->forZones[0]);
    int only = -1;
    for (const Text& zone : hints->forZones) {
      const int number = index_.Find(zone);
      if (number < 0) return -1;
      if (cpu_[static_cast<std::size_t>(number)] == 0) continue;
      if (only >= 0) return -1;
      only = number;
    }
    return only;
  }

  // Sorted by zone, hint and whether written; returns the group of each item.
  std::vector<std::uint32_t> MakeGroups() {
    const std::uint64_t span = zones_.size() + 1;
    std::vector<std::uint64_t> keys;
    keys.reserve(items_.size());
    for (const Item& item : items_) {
      // From -1 on; adding one first would be an int.
      const std::uint64_t own = static_cast<std::uint64_t>(item.own) + 1;
      const std::uint64_t hinted = static_cast<std::uint64_t>(item.hinted) + 1;
      keys.push_back((own * span + hinted) * 2 + (IsDraft(item) ? 0 : 1));
    }
    std::vector<std::uint64_t> distinct;
    std::vector<std::uint32_t> group_of = Rank(keys, span * span * 2, &distinct);
    for (const std::uint64_t key : distinct) {
      groups_.push_back({static_cast<int>(key / 2 / span) - 1, static_cast<int>(key / 2 % span) - 1, key % 2 == 0, 0});
    }
    for (const std::uint32_t group : group_of) ++groups_[group].count;
    return group_of;
  }

  // The distinct keys (below `end`) in order, and the place of each among them.
  static std::vector<std::uint32_t> Rank(const std::vector<std::uint64_t>& keys, std::uint64_t end,
                                         std::vector<std::uint64_t>* distinct) {
    std::vector<std::uint32_t> ranks;
    ranks.reserve(keys.size());
    constexpr std::uint64_t kDense = 4096;  // a table is quicker than sorting while it is small
    if (end <= kDense) {
      std::vector<std::uint32_t> rank_of(end, 0);
      for (const std::uint64_t key : keys) rank_of[key] = 1;
      for (std::uint64_t key = 0; key < end; ++key) {
        if (rank_of[key] == 0) continue;
        rank_of[key] = static_cast<std::uint32_t>(distinct->size());
        distinct->push_back(key);
      }
      for (const std::uint64_t key : keys) ranks.push_back(rank_of[key]);
      return ranks;
    }
    *distinct = keys;
    std::sort(distinct->begin(), distinct->end());
    distinct->erase(std::unique(distinct->begin(), distinct->end()), distinct->end());
    for (const std::uint64_t key : keys) {
      const auto at = std::lower_bound(distinct->begin(), distinct->end(), key);
      ranks.push_back(static_cast<std::uint32_t>(at - distinct->begin()));
    }
    return ranks;
  }

  // What an endpoint shall be hinted for.
  std::span<const int> ZonesOf(std::size_t i) const {
    if (!extended_.empty()) {
      if (const auto at = extended_.find(i); at != extended_.end()) return at->second;
    }
    return shared_zones_.empty() ? std::span<const int>(&items_[i].zone, 1) : std::span<const int>(*shared_zones_[i]);
  }

  bool Says(const EndpointHints* hints, std::span<const int> zones) const {
    if (hints == nullptr || !hints->forNodes.empty() || hints->forZones.size() != zones.size()) return false;
    for (std::size_t i = 0; i < zones.size(); ++i) {
      if (hints->forZones[i] != zones_[static_cast<std::size_t>(zones[i])].zone) return false;
    }
    return true;
  }

  static bool Names(const EndpointHints* hints, const Text& zone) {
    return hints != nullptr && std::find(hints->forZones.begin(), hints->forZones.end(), zone) != hints->forZones.end();
  }

  bool IsDraft(const Item& item) const { return item.slice < drafts_; }

  // The endpoint to change: in its draft, or in a copy of its slice.
  Endpoint* Target(const Item& item, std::vector<DraftPtr>* copies) {
    const std::size_t created = slices_.create->size();
    if (item.slice < created) return At((*slices_.create)[item.slice].get(), *(*slices_.create)[item.slice], item);
    if (IsDraft(item)) {
      DraftPtr& draft = (*slices_.update)[item.slice - created];
      return At(draft.get(), *draft, item);
    }
    const std::size_t number = item.slice - drafts_;
    const SlicePtr& slice = (*slices_.unchanged)[number];
    DraftPtr& copy = (*copies)[number];
    if (copy == nullptr) copy = std::make_shared<EndpointSlice>(*slice);
    return At(copy.get(), *slice, item);
  }

  static Endpoint* At(EndpointSlice* slice, const EndpointSlice& same_order, const Item& item) {
    return &slice->endpoints[static_cast<std::size_t>(item.endpoint - same_order.endpoints.data())];
  }

  const Shares& zones_;
  const ZoneIndex index_;
  const HintedSlices& slices_;
  const Counts cpu_;
  const Millionths threshold_;
  std::unordered_map<std::string_view, const EndpointSlice*> by_name_;
  std::uint32_t drafts_ = 0;
  std::vector<Item> items_;
  std::vector<EndpointGroup> groups_;
  std::vector<SharedAssignment> shared_;
  // Of each item, where zones are shared.
  std::vector<const std::vector<int>*> shared_zones_;
  std::map<std::size_t, std::vector<int>> extended_;
};

void ClearDraftHints(const HintedSlices& slices) {
  for (const auto* drafts : {slices.create, slices.update}) {
    for (const DraftPtr& draft : *drafts) {
      for (Endpoint& endpoint : draft->endpoints) {
        if (!IsReady(endpoint)) endpoint.hints.reset();
      }
    }
  }
}

std::string NodeFailureText(HintFailure failure, const ZoneCapacity& capacity, const HintsOptions& options) {
  if (failure == HintFailure::kOneZone) return "Nodes only ready in one zone";
  return "Insufficient Node information: allocatable CPU or zone not specified on " +
         std::to_string(capacity.unknown_nodes) + " of " + std::to_string(capacity.ready_nodes) + " nodes, more than " +
         FormatShare(options.unknown_nodes);
}

}  // namespace

HintFailure ResilientNodeFailure(const ZoneCapacity& capacity, const HintsOptions& options) {
  if (static_cast<__int128>(capacity.unknown_nodes) * kOne >
      static_cast<__int128>(options.unknown_nodes) * capacity.ready_nodes) {
    return HintFailure::kNodeInformation;
  }
  return capacity.consumer_zones.size() < 2 ? HintFailure::kOneZone : HintFailure::kNone;
}

HintState AddResilientHints(const std::shared_ptr<const ZoneCapacity>& capacity, const HintsOptions& options,
                            const HintedSlices& slices) {
  ResilientHints hints(capacity->consumer_zones, options.overload_threshold, slices);
  const auto disable = [&](HintFailure failure, std::string reason) {
    HintState state = DisableHints(failure, std::move(reason), slices);
    state.ready_endpoints = hints.ready();
    state.made_from = capacity;
    return state;
  };
  const HintFailure failure = ResilientNodeFailure(*capacity, options);
  if (failure != HintFailure::kNone) return disable(failure, NodeFailureText(failure, *capacity, options));

  const auto ready = static_cast<int>(hints.ready());
  const std::string counts = EndpointsAndZones(ready, capacity->consumer_zones.size());
  if (ready == 0) return disable(HintFailure::kTooFewEndpoints, "Insufficient number of endpoints" + counts);
  const bool shared = !hints.Assign();
  if (shared && !hints.Share()) {
    return disable(HintFailure::kTooFewEndpoints,
                   "Unable to name each zone by an endpoint without exceeding overload threshold" + counts);
  }
  hints.NameTheRest();
  ClearDraftHints(slices);
  HintState state = hints.Write();
  state.shared = shared;
  if (shared) state.made_from = capacity;
  return state;
}

bool ResilientHintsOutdated(const HintState& state, const ZoneCapacity& capacity) {
  const HintFailure failure = ResilientNodeFailure(capacity, state.options);
  if (state.kind == HintState::Kind::kDisabled) {
    if (failure != HintFailure::kNone) return failure != state.failure;
    return state.ready_endpoints > 0 || state.failure != HintFailure::kTooFewEndpoints;
  }
  if (failure != HintFailure::kNone) return true;
  const Shares& zones = capacity.consumer_zones;
  if (state.shared) return state.made_from == nullptr || state.made_from->consumer_zones != zones;
  if (zones.size() != state.by_zone.size()) return true;
  const std::int64_t total = TotalCpu(zones);
  for (std::size_t z = 0; z < zones.size(); ++z) {
    const HintState::Zone& had = state.by_zone[z];
    if (had.zone != zones[z].zone) return true;
    const std::int64_t minimum =
        ResilientMinimum(zones[z].cpu_milli, total, state.ready_endpoints, state.options.overload_threshold);
    if (minimum != had.minimum) return true;
  }
  return false;
}

}  // namespace epslice::internal
