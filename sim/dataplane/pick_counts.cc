#include "sim/dataplane/pick_counts.h"

#include <algorithm>

#include "sim/dataplane/service_state.h"

namespace epslice::sim::internal {

void PickCounts::Begin(ServiceState* owner, int family, std::size_t zones, Marks* marks) {
  const ServiceState& service = *owner;
  // Picks of views that are gone by now would else fill the room.
  const bool same = alive_known_ && zones == zones_ && picks_.size() <= kMost / 2;
  if (!alive_known_) CountAlive(service, family, marks);
  alive_known_ = true;
  if (same) return;
  Settle(&owner->sums);
  zones_ = zones;
  picks_.clear();
  classes_known_ = false;
  in_picks_.assign(service.targets.size(), 0);
  zone_of_.assign(service.targets.size(), -1);
}

void PickCounts::CountAlive(const ServiceState& service, int family, Marks* marks) {
  alive_ = {};
  if (service.current == nullptr) return;
  ForEachEndpoint(*service.current, family, service, marks, [&](const SliceVersion& slice, std::size_t i) {
    // Pods lie scattered in memory.
    if (i + 8 < slice.targets().size()) __builtin_prefetch(service.targets[slice.targets()[i + 8]].pod);
    const Target& target = service.targets[slice.targets()[i]];
    if (!target.alive()) return;
    if (target.terminating()) {
      ++alive_.terminating;
    } else if (target.ready() || service.publish_not_ready) {
      ++alive_.ready;
    }
  });
}

void PickCounts::Count(const ServiceState& service, const FamilyView& view, Indexes pick, Counts* counts) const {
  counts->dead = 0;
  counts->misrouted = 0;
  counts->reached.assign(zones_, 0);
  for (const std::uint32_t i : pick) {
    const Target& target = service.targets[view.targets[i]];
    if (!target.alive()) {
      ++counts->dead;
      continue;
    }
    counts->reached[static_cast<std::size_t>(target.zone())] += 1;
    const bool misrouted = target.terminating() ? alive_.ready > 0 : !target.ready() && !service.publish_not_ready;
    if (misrouted) ++counts->misrouted;
  }
}

int PickCounts::Find(const ServiceState& service, const FamilyView& view, Indexes pick) {
  const auto known = std::find_if(picks_.begin(), picks_.end(),
                                  [&](const Pick& p) { return p.view == view.id && p.first == pick.data(); });
  if (known != picks_.end()) return static_cast<int>(known - picks_.begin());
  if (picks_.size() == kMost) return -1;
  const std::uint64_t bit = std::uint64_t{1} << picks_.size();
  picks_.push_back({view.id, pick.data(), {}});
  Count(service, view, pick, &picks_.back().counts);
  for (const std::uint32_t i : pick) {
    const std::uint32_t number = view.targets[i];
    in_picks_[number] |= bit;
    const Target& target = service.targets[number];
    zone_of_[number] = target.alive() ? target.zone() : -1;
  }
  classes_known_ = false;
  return static_cast<int>(picks_.size()) - 1;
}

PickCounts::Got PickCounts::GotBy(std::uint64_t picks) {
  const auto at = std::find_if(got_.begin(), got_.end(), [&](const Got& got) { return got.picks == picks; });
  if (at != got_.end()) return *at;
  Got got{picks};
  for (std::size_t i = 0; i < picks_.size(); ++i) got.served += (picks >> i & 1U) != 0 ? picks_[i].sent : 0;
  for (const Even& even : evens_) got.even += (picks & even.picks) != 0 ? even.each : 0;
  got_.push_back(got);
  return got;
}

void PickCounts::Settle(EndpointSums* sums) {
  if (!unsettled_) return;
  unsettled_ = false;
  sums->Resize(in_picks_.size());
  got_.clear();
  // All endpoints, at each change of a pod: it has to be quick.
  EndpointSums::Sum* sum = sums->sums().data();
  const std::int32_t* const zones = zone_of_.data();
  const std::uint64_t* const in_picks = in_picks_.data();
  Got got;
  for (std::size_t number = 0, count = zone_of_.size(); number < count; ++number, ++sum) {
    if (zones[number] < 0) continue;
    if (in_picks[number] != got.picks) got = GotBy(in_picks[number]);
    sum->served += got.served;
    sum->even += got.even;
  }
  for (Pick& pick : picks_) pick.sent = 0;
  evens_.clear();
}

const std::vector<PickCounts::Class>& PickCounts::classes() {
  if (classes_known_) return classes_;
  classes_known_ = true;
  classes_.clear();
  std::size_t last = 0;
  for (std::size_t number = 0; number < zone_of_.size(); ++number) {
    if (zone_of_[number] < 0) continue;
    const auto same = [&](const Class& c) { return c.picks == in_picks_[number] && c.zone == zone_of_[number]; };
    if (last < classes_.size() && same(classes_[last])) continue;
    const auto at = std::find_if(classes_.begin(), classes_.end(), same);
    last = static_cast<std::size_t>(at - classes_.begin());
    if (at == classes_.end()) classes_.push_back({in_picks_[number], zone_of_[number]});
  }
  return classes_;
}

}  // namespace epslice::sim::internal
