// Which nodes count, for what, and what the others lack.
#include <algorithm>
#include <map>
#include <utility>

#include "controllers/topologyhints/explain.h"

namespace epslice {
namespace {

using Lack = NodeReport::Lack;

NodeReport::LeftOut Judge(const Node& node) {
  NodeReport::LeftOut out;
  out.node = node.metadata.name;
  out.zone = Text(node.metadata.labels.Get(kLabelZone));
  if (!CountsAsCapacity(node)) {
    out.lacks.push_back(node.ready ? Lack::kControlPlane : Lack::kNotReady);
    return out;
  }
  if (out.zone.empty()) out.lacks.push_back(Lack::kNoZoneLabel);
  if (CapacityCpuMilli(node) == 0) out.lacks.push_back(Lack::kNoAllocatableCpu);
  out.unknown = !out.lacks.empty();
  if (out.unknown || TakesPods(node)) return out;
  out.resilient_only = true;
  if (node.unschedulable) out.lacks.push_back(Lack::kCordoned);
  const auto evicts = [](const Taint& taint) { return taint.effect == "NoExecute"; };
  if (std::any_of(node.taints.begin(), node.taints.end(), evicts)) out.lacks.push_back(Lack::kNoExecuteTaint);
  return out;
}

}  // namespace

std::string_view NameOf(NodeReport::Lack lack) {
  switch (lack) {
    case Lack::kNotReady: return "NotReady";
    case Lack::kControlPlane: return "ControlPlane";
    case Lack::kNoZoneLabel: return "NoZoneLabel";
    case Lack::kNoAllocatableCpu: return "NoAllocatableCPU";
    case Lack::kCordoned: return "Cordoned";
    case Lack::kNoExecuteTaint: return "NoExecuteTaint";
  }
  return "";
}

NodeReport::NodeReport(std::vector<std::shared_ptr<const Node>> all_nodes) : nodes(std::move(all_nodes)) {
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const auto& a, const auto& b) { return a->metadata.name < b->metadata.name; });
  std::map<Text, Zone> by_zone;
  ZoneCapacities capacities;
  auto zones_of_nodes = std::make_shared<NodeZones>();
  for (const auto& node : nodes) {
    capacities.Observe(nullptr, node.get());
    zones_of_nodes->emplace(node->metadata.name, Text::Intern(node->metadata.labels.Get(kLabelZone)));
    LeftOut judged = Judge(*node);
    if (judged.lacks.empty() || judged.resilient_only) {
      const std::int64_t cpu = CapacityCpuMilli(*node);
      Zone& zone = by_zone[judged.zone];
      zone.cpu_milli += cpu;
      if (!judged.resilient_only) zone.open_cpu_milli += cpu;
      zone.nodes.push_back(node->metadata.name);
    }
    if (!judged.lacks.empty()) left_out.push_back(std::move(judged));
  }
  for (auto& [name, zone] : by_zone) {
    zone.zone = name;
    zones.push_back(std::move(zone));
  }
  node_zones = std::move(zones_of_nodes);
  capacity = capacities.snapshot();
  for (const HintsPolicy policy : {HintsPolicy::kReference, HintsPolicy::kResilient}) {
    consumers[static_cast<std::size_t>(policy)] = ConsumersOf(nodes, policy);
  }
}

}  // namespace epslice
