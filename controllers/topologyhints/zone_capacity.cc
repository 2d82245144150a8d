#include "controllers/topologyhints/zone_capacity.h"

#include <algorithm>
#include <utility>

#include "apis/discovery.h"

namespace epslice {

const ZoneCapacity::Share* ZoneCapacity::Find(const Text& zone) const {
  const auto it = std::find_if(zones.begin(), zones.end(), [&](const Share& share) { return share.zone == zone; });
  return it == zones.end() ? nullptr : &*it;
}

bool CountsAsCapacity(const Node& node) {
  return node.ready && !node.metadata.labels.Contains("node-role.kubernetes.io/control-plane") &&
         !node.metadata.labels.Contains("node-role.kubernetes.io/master");
}

void ZoneCapacities::Count(const Node& node, int sign) {
  if (!CountsAsCapacity(node)) return;
  const std::string_view zone = node.metadata.labels.Get(kLabelZone);
  const std::int64_t cpu = node.allocatableCpuMilli.value_or(0);
  if (zone.empty() || cpu == 0) {
    incomplete_nodes_ += sign;
    return;
  }
  auto& [milli, nodes] = zones_[Text::Intern(zone)];
  milli += sign * cpu;
  nodes += sign;
  if (nodes == 0) zones_.erase(Text::Intern(zone));
}

bool ZoneCapacities::Observe(const Node* before, const Node* after) {
  if (before != nullptr) Count(*before, -1);
  if (after != nullptr) Count(*after, +1);
  ZoneCapacity now;
  if (incomplete_nodes_ == 0 && zones_.size() >= 2) {
    std::int64_t total = 0;
    for (const auto& [zone, sum] : zones_) total += sum.first;
    for (const auto& [zone, sum] : zones_) {
      now.zones.push_back({zone, sum.first, static_cast<double>(sum.first) / static_cast<double>(total)});
    }
  }
  if (now == *snapshot_) return false;
  snapshot_ = std::make_shared<const ZoneCapacity>(std::move(now));
  return true;
}

}  // namespace epslice
