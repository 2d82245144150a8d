#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "controllers/topologyhints/explain_fixes.h"

namespace epslice::internal {
namespace {

constexpr std::int64_t kDefaultCpuMilli = 1000;

Trial With(const Trial& trial, Fix::Part part) {
  Trial changed = trial;
  changed.parts.push_back(std::move(part));
  return changed;
}

// Takes the nodes, and what Reconcile() is given of them.
void SetReport(std::shared_ptr<const NodeReport> report, ExplainInput* input) {
  input->cluster.nodes = report->node_zones;
  input->cluster.capacity = report->capacity;
  input->nodes = std::move(report);
}

// `change` is called with a copy of each node that `names` has. Equal
// descriptions stand for equal changes.
template <typename F>
void ChangeNodes(const std::set<Text>& names, const std::string& description, F change, ExplainInput* input) {
  const std::pair<const NodeReport*, std::string> key(input->nodes.get(), description);
  if (input->memo != nullptr) {
    const auto at = input->memo->changed_nodes.find(key);
    if (at != input->memo->changed_nodes.end()) return SetReport(at->second, input);
  }
  std::vector<std::shared_ptr<const Node>> nodes = input->nodes->nodes;
  for (std::shared_ptr<const Node>& node : nodes) {
    if (!names.contains(node->metadata.name)) continue;
    auto copy = std::make_shared<Node>(*node);
    change(copy.get());
    node = std::move(copy);
  }
  auto report = std::make_shared<const NodeReport>(std::move(nodes));
  if (input->memo != nullptr) input->memo->changed_nodes[key] = report;
  SetReport(std::move(report), input);
}

std::string Names(const std::vector<std::string>& names) {
  return (names.size() == 1 ? "node " : "nodes ") + Listed(names);
}

// "0.34"
std::string Decimal(Millionths value) {
  std::string text = std::to_string(value / kOne);
  std::string digits = std::to_string(value % kOne);
  digits.insert(0, 6 - digits.size(), '0');
  digits.erase(digits.find_last_not_of('0') + 1);
  return digits.empty() ? text : text + "." + digits;
}

// The CPU of a node like the others: the middle one.
std::int64_t TypicalCpu(const NodeReport& report) {
  std::vector<std::int64_t> cpu;
  for (const auto& node : report.nodes) {
    if (CountsAsCapacity(*node) && CapacityCpuMilli(*node) > 0) cpu.push_back(CapacityCpuMilli(*node));
  }
  if (cpu.empty()) return kDefaultCpuMilli;
  std::sort(cpu.begin(), cpu.end());
  return cpu[cpu.size() / 2];
}

// An address of no pod: in a range that nothing is ever given.
IpAddress MadeUpAddress(IpFamily family, std::size_t number) {
  const std::string text = family == IpFamily::kIPv6
                               ? "100::" + std::to_string(number / 10000 + 1) + ":" + std::to_string(number % 10000)
                               : "240." + std::to_string(number / 65536 % 256) + "." +
                                     std::to_string(number / 256 % 256) + "." + std::to_string(number % 256);
  return *ParseIpLenient(text);
}

// A pod to make copies of.
Pod TemplatePod(const ExplainInput& input) {
  Pod pod;
  const auto& pods = input.cluster.pods;
  auto like = std::find_if(pods.begin(), pods.end(), [](const auto& p) { return p->ready; });
  if (like == pods.end()) like = pods.begin();
  if (like != pods.end()) pod = **like;
  pod.metadata.namespace_ = input.cluster.service->metadata.namespace_;
  pod.metadata.deletionTimestamp = Timestamp();
  pod.hostname = Text();
  pod.phase = PodPhase::kRunning;
  pod.ready = true;
  pod.hasPodIP = true;
  return pod;
}

std::string PlacesText(const std::vector<Placement>& placements, std::vector<std::string>* objects) {
  for (const Placement& p : placements) objects->push_back(std::to_string(p.count) + " in " + p.zone.str());
  return Listed(*objects, objects->size());
}

}  // namespace

Trial Ask(const Trial& trial, Heuristic heuristic) {
  Fix::Part part;
  part.step = Fix::Step::kAskForHints;
  const std::string field = "spec.trafficDistribution: " + std::string(NameOf(heuristic));
  const std::string annotation = std::string(kAnnotationTopologyMode) + "=Auto";
  const bool is_auto = heuristic == Heuristic::kAuto;
  part.value = is_auto ? annotation : field;
  part.text = (is_auto ? "annotate the Service with " : "set ") + part.value;
  part.brief = is_auto ? "topology-mode=Auto" : std::string(NameOf(heuristic));
  Trial changed = With(trial, std::move(part));
  changed.input.cluster.service = Asking(*trial.input.cluster.service, heuristic);
  return changed;
}

Trial SetThreshold(const Trial& trial, Millionths threshold) {
  Fix::Part part;
  part.step = Fix::Step::kThreshold;
  part.value = Decimal(threshold);
  part.text = "set the overload threshold to " + part.value + " (annotation " + std::string(kAnnotationHintsThreshold) +
              "=" + part.value + ")";
  part.brief = "threshold " + part.value;
  const std::string value = part.value;
  Trial changed = With(trial, std::move(part));
  changed.input.cluster.service = WithAnnotation(*trial.input.cluster.service, kAnnotationHintsThreshold, value);
  return changed;
}

Trial SetResilient(const Trial& trial) {
  Fix::Part part;
  part.step = Fix::Step::kPolicy;
  part.value = std::string(NameOf(HintsPolicy::kResilient));
  part.text = "use the resilient policy (annotation " + std::string(kAnnotationHintsPolicy) + "=" + part.value + ")";
  part.brief = "policy resilient";
  const std::string value = part.value;
  Trial changed = With(trial, std::move(part));
  changed.input.cluster.service = WithAnnotation(*trial.input.cluster.service, kAnnotationHintsPolicy, value);
  return changed;
}

Trial LabelNodes(const Trial& trial, const std::vector<std::pair<Text, Text>>& zone_of_node) {
  Fix::Part part;
  part.step = Fix::Step::kLabelNode;
  part.count = static_cast<std::int64_t>(zone_of_node.size());
  std::map<Text, Text> zones;
  std::set<Text> names;
  std::set<Text> tried;
  std::string description = "label";
  for (const auto& [node, zone] : zone_of_node) {
    description += " " + node.str() + "=" + zone.str();
    part.objects.push_back(node.str());
    names.insert(node);
    tried.insert(zone);
    zones[node] = zone;
  }
  std::vector<std::string> tried_names;
  tried_names.reserve(tried.size());
  for (const Text& zone : tried) tried_names.push_back(zone.str());
  part.value = Listed(tried_names);
  part.text = "label " + Names(part.objects) + " with " + std::string(kLabelZone) + " (tried with " + part.value + ")";
  part.brief = "label " + Listed(part.objects, 2);
  Trial changed = With(trial, std::move(part));
  ChangeNodes(
      names, description,
      [&](Node* node) {
        StringMap& labels = node->metadata.labels;
        labels = labels.With(Text::Intern(kLabelZone), Text::Intern(zones[node->metadata.name].view()));
      },
      &changed.input);
  return changed;
}

Trial ReportCpu(const Trial& trial, const std::vector<Text>& nodes) {
  Fix::Part part;
  part.step = Fix::Step::kReportCpu;
  part.count = static_cast<std::int64_t>(nodes.size());
  for (const Text& node : nodes) part.objects.push_back(node.str());
  part.text = Names(part.objects) + " must report allocatable CPU (its kubelet writes status.allocatable.cpu)";
  part.brief = "CPU of " + Listed(part.objects, 2);
  Trial changed = With(trial, std::move(part));
  const std::int64_t cpu = TypicalCpu(*trial.input.nodes);
  std::string description = "cpu";
  for (const Text& node : nodes) description += " " + node.str();
  ChangeNodes(
      std::set<Text>(nodes.begin(), nodes.end()), description, [&](Node* node) { node->allocatableCpuMilli = cpu; },
      &changed.input);
  return changed;
}

Trial MakeNodeReady(const Trial& trial, const Text& node) {
  Fix::Part part;
  part.step = Fix::Step::kMakeNodeReady;
  part.objects = {node.str()};
  const auto zone = trial.input.cluster.nodes->find(node);
  part.text = "bring node " + node.str() +
              (zone == trial.input.cluster.nodes->end() ? "" : " in " + zone->second.str()) + " back to Ready";
  part.brief = "node " + node.str() + " Ready";
  Trial changed = With(trial, std::move(part));
  const std::int64_t cpu = TypicalCpu(*trial.input.nodes);
  ChangeNodes(
      {node}, "ready " + node.str(),
      [&](Node* n) {
        n->ready = true;
        if (CapacityCpuMilli(*n) == 0) n->allocatableCpuMilli = cpu;
      },
      &changed.input);
  return changed;
}

Trial AddNodeInNewZone(const Trial& trial) {
  Fix::Part part;
  part.step = Fix::Step::kAddNode;
  const bool none = trial.input.nodes->capacity->consumer_zones.empty();
  part.count = none ? 2 : 1;
  part.text = none ? "Ready nodes with CPU in two zones" : "a Ready node in a second zone";
  part.brief = none ? "nodes in two zones" : "node in a 2nd zone";
  const std::int64_t count = part.count;
  Trial changed = With(trial, std::move(part));
  std::vector<std::shared_ptr<const Node>> nodes = trial.input.nodes->nodes;
  for (std::int64_t i = 0; i < count; ++i) {
    auto node = std::make_shared<Node>();
    // No node or zone is called so: names have no spaces.
    const std::string zone = i == 0 ? "a new zone" : "another new zone";
    node->metadata.name = Text("node in " + zone);
    node->metadata.labels = StringMap{{Text::Intern(kLabelZone), Text(zone)}};
    node->ready = true;
    node->allocatableCpuMilli = TypicalCpu(*trial.input.nodes);
    nodes.push_back(std::move(node));
  }
  SetReport(std::make_shared<const NodeReport>(std::move(nodes)), &changed.input);
  return changed;
}

Trial AddPods(const Trial& trial, const Text& address_type, const std::vector<Placement>& placements) {
  Fix::Part part;
  part.step = Fix::Step::kAddEndpoints;
  part.count = 0;
  for (const Placement& p : placements) part.count += p.count;
  const std::string places = PlacesText(placements, &part.objects);
  part.brief = "+" + Counted(part.count, "endpoint");
  part.text = std::to_string(part.count) + (part.count == 1 ? " more ready endpoint" : " more ready endpoints");
  part.text += placements.size() == 1 ? " in " + placements[0].zone.str() : ": " + places;
  Trial changed = With(trial, std::move(part));
  std::map<Text, Text> node_in_zone;
  for (const NodeReport::Zone& zone : trial.input.nodes->zones) node_in_zone[zone.zone] = zone.nodes.front();
  const IpFamily family = address_type == "IPv6" ? IpFamily::kIPv6 : IpFamily::kIPv4;
  const Pod like = TemplatePod(trial.input);
  auto& pods = changed.input.cluster.pods;
  for (const Placement& placement : placements) {
    for (std::int64_t i = 0; i < placement.count; ++i) {
      auto pod = std::make_shared<Pod>(like);
      pod->metadata.name = Text("additional-" + std::to_string(pods.size()) + ".");
      pod->metadata.uid = pod->metadata.name;
      pod->nodeName = node_in_zone[placement.zone];
      pod->podIPs = {MadeUpAddress(family, pods.size())};
      pods.push_back(std::move(pod));
    }
  }
  std::stable_sort(pods.begin(), pods.end(),
                   [](const auto& a, const auto& b) { return KeyOf(a->metadata) < KeyOf(b->metadata); });
  return changed;
}

std::vector<Placement> PlaceByDeficit(const std::vector<ZoneExplanation>& zones, std::int64_t count) {
  std::int64_t total = count;
  for (const ZoneExplanation& zone : zones) total += zone.own;
  std::vector<Placement> placements;
  std::vector<double> lacking;
  for (const ZoneExplanation& zone : zones) {
    if (zone.nodes == 0 || zone.zone.empty()) continue;
    placements.push_back({zone.zone, 0});
    lacking.push_back(zone.ratio * static_cast<double>(total) - static_cast<double>(zone.own));
  }
  if (placements.empty()) return {};
  for (std::int64_t i = 0; i < count; ++i) {
    const auto most = static_cast<std::size_t>(std::max_element(lacking.begin(), lacking.end()) - lacking.begin());
    ++placements[most].count;
    lacking[most] -= 1;
  }
  std::erase_if(placements, [](const Placement& p) { return p.count == 0; });
  return placements;
}

Text ZoneAsWritten(const ExplainInput& input, const Text& node) {
  for (const SlicePtr& slice : input.cluster.slices) {
    for (const Endpoint& endpoint : slice->endpoints) {
      if (endpoint.nodeName == node && !endpoint.zone.empty()) return endpoint.zone;
    }
  }
  return Text();
}

}  // namespace epslice::internal
