#include "sim/cluster/dump_cluster.h"

#include <map>
#include <memory>
#include <utility>

#include "informers/selector_index.h"

namespace epslice::sim {
namespace {

std::shared_ptr<const NodeZones> ZonesOf(const Dump& dump) {
  auto zones = std::make_shared<NodeZones>();
  for (const std::shared_ptr<const Node>& node : dump.Of<Node>()) {
    const Text* zone = node->metadata.labels.Find(kLabelZone);
    zones->emplace(node->metadata.name, zone == nullptr ? Text() : *zone);
  }
  return zones;
}

std::shared_ptr<const ZoneCapacity> CapacityOf(const Dump& dump) {
  ZoneCapacities capacities;
  for (const std::shared_ptr<const Node>& node : dump.Of<Node>()) capacities.Observe(nullptr, node.get());
  return capacities.snapshot();
}

bool IsUsed(Kind kind) {
  return kind == Kind::kService || kind == Kind::kPod || kind == Kind::kNode || kind == Kind::kEndpointSlice;
}

}  // namespace

DumpCluster MakeDumpCluster(const Dump& dump, const ReconcileConfig& config) {
  DumpCluster cluster;
  cluster.ignored_objects = dump.IgnoredCount();
  for (const AnyObject& object : dump.objects) cluster.ignored_objects += IsUsed(object.kind()) ? 0 : 1;

  const std::shared_ptr<const NodeZones> zones = ZonesOf(dump);
  const std::shared_ptr<const ZoneCapacity> capacity = CapacityOf(dump);
  std::map<ObjectKey, std::size_t> input_of;
  SelectorIndex selectors;
  for (std::shared_ptr<const Service>& service : dump.Of<Service>()) {
    if (!IsManagedService(*service)) {
      ++cluster.skipped_services;
      continue;
    }
    const ObjectKey key = KeyOf(service->metadata);
    selectors.Set(key, *service->spec.selector);
    input_of.emplace(key, cluster.inputs.size());
    ReconcileInput input;
    input.nodes = zones;
    input.capacity = capacity;
    input.service = std::move(service);
    cluster.inputs.push_back(std::move(input));
  }

  std::vector<ObjectKey> selecting;
  for (std::shared_ptr<const Pod>& pod : dump.Of<Pod>()) {
    selecting.clear();
    selectors.Find(pod->metadata.namespace_, pod->metadata.labels, &selecting);
    for (const ObjectKey& service : selecting) cluster.inputs[input_of.at(service)].pods.push_back(pod);
  }
  for (std::shared_ptr<const EndpointSlice>& slice : dump.Of<EndpointSlice>()) {
    const ObjectMeta& meta = slice->metadata;
    if (meta.deletionTimestamp.is_set() || meta.labels.Get(kLabelManagedBy) != config.controller_name) continue;
    const auto it = input_of.find({meta.namespace_, Text(meta.labels.Get(kLabelServiceName))});
    if (it != input_of.end()) cluster.inputs[it->second].slices.push_back(std::move(slice));
  }
  for (ReconcileInput& input : cluster.inputs) {
    if (input.slices.empty()) input.trigger_time = input.service->metadata.creationTimestamp;
  }
  return cluster;
}

}  // namespace epslice::sim
