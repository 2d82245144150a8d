// Small clusters for tests of explanations.
#ifndef EPSLICE_TEST_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_FIXTURE_H_
#define EPSLICE_TEST_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controllers/topologyhints/explain.h"
#include "test/controllers/builders.h"

namespace epslice::testkit {

struct NodeSpec {
  std::string name;
  std::string zone;         // "": no label
  std::int64_t cpu = 1000;  // 0: not reported
  bool ready = true;
  bool cordoned = false;
  std::string role = {};    // "control-plane"
  std::string effect = {};  // of a taint
};

inline std::shared_ptr<const Node> MakeNode(const NodeSpec& spec) {
  auto node = std::make_shared<Node>();
  node->metadata.name = Text(spec.name);
  if (!spec.zone.empty()) node->metadata.labels = StringMap{{Text(kLabelZone), Text(spec.zone)}};
  if (!spec.role.empty()) {
    node->metadata.labels = node->metadata.labels.With(Text("node-role.kubernetes.io/" + spec.role), Text());
  }
  if (spec.cpu != 0) node->allocatableCpuMilli = spec.cpu;
  node->ready = spec.ready;
  node->unschedulable = spec.cordoned;
  if (!spec.effect.empty()) node->taints = {{Text("key"), Text(), Text(spec.effect)}};
  return node;
}

inline std::vector<std::shared_ptr<const Node>> MakeNodes(const std::vector<NodeSpec>& specs) {
  std::vector<std::shared_ptr<const Node>> nodes;
  for (const NodeSpec& spec : specs) nodes.push_back(MakeNode(spec));
  return nodes;
}

// One ready pod on each of the named nodes.
inline std::vector<std::shared_ptr<const Pod>> PodsOn(const std::vector<std::string>& nodes) {
  std::vector<std::shared_ptr<const Pod>> pods;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::string number = std::to_string(i);
    number.insert(0, 5 - number.size(), '0');
    pods.push_back(PodBuilder("web-" + number, "10." + std::to_string(i / 60000 + 1) + "." +
                                                   std::to_string(i / 250 % 250) + "." + std::to_string(i % 250 + 1))
                       .Node(nodes[i]));
  }
  return pods;
}

// The slices are as the controller would have written them.
inline ExplainInput MakeExplainInput(std::shared_ptr<const Service> service,
                                     std::vector<std::shared_ptr<const Pod>> pods,
                                     std::vector<std::shared_ptr<const Node>> nodes,
                                     const ReconcileConfig& config = {}) {
  ExplainInput input;
  input.nodes = std::make_shared<const NodeReport>(std::move(nodes));
  input.cluster.service = std::move(service);
  input.cluster.pods = std::move(pods);
  input.cluster.nodes = input.nodes->node_zones;
  input.cluster.capacity = input.nodes->capacity;
  input.cluster.slices = ApplyPlan({}, Reconcile(input.cluster, config));
  return input;
}

using Nodes = std::vector<std::shared_ptr<const Node>>;

// One node of 2 CPU in each of three zones.
inline Nodes ThreeZones() {
  return MakeNodes({{"a1", "zone-a", 2000}, {"b1", "zone-b", 2000}, {"c1", "zone-c", 2000}});
}

inline Nodes WithNode(Nodes nodes, const NodeSpec& spec) {
  nodes.push_back(MakeNode(spec));
  return nodes;
}

inline const AddressTypeExplanation& Only(const Explanation& explanation) { return explanation.address_types.at(0); }

inline ServiceBuilder AutoService() {
  return ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto");
}

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_FIXTURE_H_
