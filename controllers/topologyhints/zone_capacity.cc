#include "controllers/topologyhints/zone_capacity.h"

#include <algorithm>
#include <utility>

#include "apis/discovery.h"

namespace epslice {
namespace {

void SetRatios(std::vector<ZoneCapacity::Share>* shares) {
  std::int64_t total = 0;
  for (const ZoneCapacity::Share& share : *shares) total += share.cpu_milli;
  for (ZoneCapacity::Share& share : *shares) {
    share.ratio = total == 0 ? 0 : static_cast<double>(share.cpu_milli) / static_cast<double>(total);
  }
}

}  // namespace

const ZoneCapacity::Share* ZoneCapacity::Find(const Text& zone) const {
  const auto it = std::find_if(zones.begin(), zones.end(), [&](const Share& share) { return share.zone == zone; });
  return it == zones.end() ? nullptr : &*it;
}

std::int64_t CapacityCpuMilli(const Node& node) {
  constexpr std::int64_t kMost = 1'000'000'000'000;
  return std::clamp<std::int64_t>(node.allocatableCpuMilli.value_or(0), 0, kMost);
}

bool CountsAsCapacity(const Node& node) {
  return node.ready && !node.metadata.labels.Contains("node-role.kubernetes.io/control-plane") &&
         !node.metadata.labels.Contains("node-role.kubernetes.io/master");
}

bool TakesPods(const Node& node) {
  return !node.unschedulable && std::none_of(node.taints.begin(), node.taints.end(),
                                             [](const Taint& taint) { return taint.effect == "NoExecute"; });
}

void ZoneCapacities::Count(const Node& node, int sign) {
  if (!CountsAsCapacity(node)) return;
  ready_nodes_ += sign;
  const std::string_view zone = node.metadata.labels.Get(kLabelZone);
  const std::int64_t cpu = CapacityCpuMilli(node);
  if (zone.empty() || cpu == 0) unknown_nodes_ += sign;
  // Without CPU it still has consumers.
  if (zone.empty()) return;
  const auto at = zones_.try_emplace(Text::Intern(zone)).first;
  Sum& sum = at->second;
  sum.nodes += sign;
  sum.cpu_milli += sign * cpu;
  if (TakesPods(node)) sum.open_cpu_milli += sign * cpu;
  if (sum.nodes == 0) zones_.erase(at);
}

ZoneCapacity ZoneCapacities::Make() const {
  ZoneCapacity now;
  now.ready_nodes = ready_nodes_;
  now.unknown_nodes = unknown_nodes_;
  const bool any_open =
      std::any_of(zones_.begin(), zones_.end(), [](const auto& z) { return z.second.open_cpu_milli > 0; });
  for (const auto& [zone, sum] : zones_) {
    now.consumer_zones.push_back({zone, any_open ? sum.open_cpu_milli : sum.cpu_milli, 0});
    if (unknown_nodes_ == 0 && zones_.size() >= 2) now.zones.push_back({zone, sum.cpu_milli, 0});
  }
  SetRatios(&now.consumer_zones);
  SetRatios(&now.zones);
  return now;
}

bool ZoneCapacities::Observe(const Node* before, const Node* after) {
  if (before != nullptr) Count(*before, -1);
  if (after != nullptr) Count(*after, +1);
  ZoneCapacity now = Make();
  if (now == *snapshot_) return false;
  snapshot_ = std::make_shared<const ZoneCapacity>(std::move(now));
  return true;
}

}  // namespace epslice
