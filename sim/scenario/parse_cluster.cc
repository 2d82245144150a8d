// Nodes, Services and the behaviour of pods, as scenario files say them.
#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "apis/concat.h"
#include "apis/discovery.h"
#include "apis/names.h"
#include "sim/cluster/service_defaults.h"
#include "sim/scenario/parse_parts.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kNumber = "{n}";

bool IsPortName(std::string_view s) {
  if (s.empty() || s.size() > 15 || s.front() == '-' || s.back() == '-') return false;
  return std::all_of(s.begin(), s.end(), [](char c) {
    return std::islower(static_cast<unsigned char>(c)) != 0 || std::isdigit(static_cast<unsigned char>(c)) != 0 ||
           c == '-';
  });
}

void CheckLabels(const StringMap& labels, const Fields& fields, std::string_view key) {
  for (const auto& [name, value] : labels) {
    if (IsQualifiedName(name) && IsLabelValue(value)) continue;
    fields.errors()->Add(fields.line(), Concat(fields.Path(key), ": \"", name, ": ", value, "\" is no label"));
  }
}

void ReadTargetPort(Fields* fields, ServicePort* port) {
  const DocNode* node = fields->Take("targetPort");
  if (node == nullptr) return;
  if (node->type == DocNode::Type::kNumber) {
    port->targetPort.number =
        static_cast<std::int32_t>(ReadInt(*node, fields->Path("targetPort"), 1, 65535, fields->errors()));
    return;
  }
  const std::string name = ReadText(*node, fields->Path("targetPort"), fields->errors());
  if (!IsPortName(name)) {
    fields->errors()->Add(node->line, Concat(fields->Path("targetPort"), ": is ", node->Describe(),
                                             "; accepted are a number and the name of a port"));
  }
  port->targetPort.name = Text::Intern(name);
}

ServicePort ReadPort(const DocNode& node, const std::string& what, DocErrors* errors) {
  ServicePort port;
  port.protocol = Text::Intern("TCP");
  if (node.type == DocNode::Type::kNumber) {
    port.port = static_cast<std::int32_t>(ReadInt(node, what, 1, 65535, errors));
    return port;
  }
  Fields fields(node, what, errors);
  std::string name, protocol = "TCP", app_protocol;
  int number = 0;
  fields.Text("name", &name);
  if (!name.empty() && !IsPortName(name)) {
    errors->Add(fields.line(), Concat(fields.Path("name"), ": \"", name, "\" is no name of a port"));
  }
  if (const DocNode* value = fields.Need("port")) {
    number = static_cast<int>(ReadInt(*value, fields.Path("port"), 1, 65535, errors));
  }
  fields.OneOf("protocol", {"TCP", "UDP", "SCTP"}, &protocol);
  fields.Text("appProtocol", &app_protocol);
  ReadTargetPort(&fields, &port);
  fields.Done();
  port.name = Text::Intern(name);
  port.port = number;
  port.protocol = Text::Intern(protocol);
  if (!app_protocol.empty()) port.appProtocol = Text::Intern(app_protocol);
  return port;
}

void ReadPorts(Fields* fields, ServiceSpec* spec) {
  const DocNode* node = fields->Take("ports");
  if (node == nullptr) {
    if (spec->clusterIP != "None") {
      ServicePort port;
      port.protocol = Text::Intern("TCP");
      port.port = 80;
      spec->ports.push_back(port);
    }
    return;
  }
  const std::string what = fields->Path("ports");
  if (node->type != DocNode::Type::kList) {
    fields->errors()->Add(node->line, Concat(what, ": is ", node->Describe(), ", not a list of ports"));
    return;
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    spec->ports.push_back(ReadPort(node->items[i], Concat(what, '[', i, ']'), fields->errors()));
  }
  for (const ServicePort& port : spec->ports) {
    if (!names.insert(port.name).second) {
      fields->errors()->Add(node->line, Concat(what, ": two ports have the name \"", port.name,
                                               "\"; of several ports each needs a name of its own"));
    }
  }
}

Placement ReadPlacement(const DocNode& node, const std::string& what, DocErrors* errors) {
  Placement placement;
  std::string kind = "spread";
  if (node.IsScalar()) {
    kind = ReadText(node, what, errors);
    if (kind != "spread" && kind != "pack") {
      errors->Add(node.line, Concat(what, ": is ", node.Describe(),
                                    "; accepted are spread, pack and {strategy: spread, zones: [a, b]}"));
    }
  } else {
    Fields fields(node, what, errors);
    std::vector<std::string> zones;
    fields.OneOf("strategy", {"spread", "pack"}, &kind);
    fields.Texts("zones", &zones);
    fields.Done();
    placement.zones.reserve(zones.size());
    for (const std::string& zone : zones) placement.zones.push_back(Text::Intern(zone));
  }
  if (kind == "pack") placement.kind = Placement::Kind::kPack;
  return placement;
}

void ReadFamilies(Fields* fields, ServiceSpec* spec) {
  std::vector<std::string> families;
  fields->Texts("ipFamilies", &families);
  for (const std::string& family : families) {
    if (family != "IPv4" && family != "IPv6") {
      fields->errors()->Add(fields->line(),
                            Concat(fields->Path("ipFamilies"), ": has \"", family, "\"; accepted are IPv4, IPv6"));
    }
    spec->ipFamilies.push_back(Text::Intern(family));
  }
  if (families.size() > 2 || (families.size() == 2 && families[0] == families[1])) {
    fields->errors()->Add(fields->line(), Concat(fields->Path("ipFamilies"), ": names a family twice"));
  }
  if (families.size() == 2) spec->ipFamilyPolicy = Text::Intern("RequireDualStack");
}

void ReadSpec(Fields* fields, ServiceSpec* spec) {
  std::string type = "ClusterIP", distribution, internal = "Cluster", external;
  bool headless = false;
  fields->OneOf("type", {"ClusterIP", "NodePort", "LoadBalancer"}, &type);
  fields->Bool("headless", &headless);
  fields->OneOf("trafficDistribution", {"PreferClose", "PreferSameZone", "PreferSameNode"}, &distribution);
  fields->OneOf("internalTrafficPolicy", {"Cluster", "Local"}, &internal);
  fields->OneOf("externalTrafficPolicy", {"Cluster", "Local"}, &external);
  fields->Bool("publishNotReadyAddresses", &spec->publishNotReadyAddresses);
  if (headless && type != "ClusterIP") {
    fields->errors()->Add(fields->line(), Concat(fields->Path("headless"), ": only a ClusterIP Service is headless"));
  }
  spec->type = Text::Intern(type);
  if (!external.empty() && !HasNodePorts(*spec)) {
    fields->errors()->Add(fields->line(),
                          Concat(fields->Path("externalTrafficPolicy"),
                                 ": a ClusterIP Service has none; give it type: NodePort or LoadBalancer"));
  }
  if (headless) spec->clusterIP = Text::Intern("None");
  if (!distribution.empty()) spec->trafficDistribution = Text::Intern(distribution);
  spec->internalTrafficPolicy = Text::Intern(internal);
  spec->externalTrafficPolicy = Text::Intern(external);
  ReadFamilies(fields, spec);
  ReadPorts(fields, spec);
}

void CheckNames(const ServiceTemplate& service, const Fields& fields) {
  const ObjectKey last = service.KeyOf(service.count);
  DocErrors* errors = fields.errors();
  if (!IsDns1035Label(last.name)) {
    errors->Add(fields.line(), Concat(fields.Path("name"), ": \"", last.name, "\" is no name of a Service"));
  }
  if (!IsDns1123Label(last.namespace_)) {
    errors->Add(fields.line(),
                Concat(fields.Path("namespace"), ": \"", last.namespace_, "\" is no name of a namespace"));
  }
  if (service.count > 1 && service.name.find(kNumber) == std::string::npos &&
      service.namespace_.find(kNumber) == std::string::npos) {
    errors->Add(fields.line(), Concat(fields.Path("count"), ": is ", service.count,
                                      ", so the name or the namespace needs {n} in it, for the number"));
  }
}

}  // namespace

ObjectKey ServiceTemplate::KeyOf(int n) const {
  const auto filled = [n](std::string text) {
    for (std::size_t at = text.find(kNumber); at != std::string::npos; at = text.find(kNumber)) {
      text.replace(at, kNumber.size(), std::to_string(n));
    }
    return text;
  };
  return {Text::Intern(filled(namespace_)), Text::Intern(filled(name))};
}

std::shared_ptr<const PodBehaviour> ReadBehaviour(const DocNode& node, const std::string& what,
                                                  const PodBehaviour& preset, DocErrors* errors) {
  PodBehaviour behaviour = preset;
  Fields fields(node, what, errors);
  fields.Delay("scheduling", &behaviour.scheduling);
  fields.Delay("startup", &behaviour.startup);
  fields.Delay("readiness", &behaviour.readiness);
  fields.Delay("preStop", &behaviour.pre_stop);
  fields.Delay("drain", &behaviour.drain);
  fields.Span("gracePeriod", &behaviour.grace_period);
  fields.Bool("stopsListeningOnSigterm", &behaviour.stops_listening_on_sigterm);
  fields.Done();
  if (behaviour.grace_period % std::chrono::seconds(1) != Duration{0}) {
    errors->Add(fields.line(), Concat(fields.Path("gracePeriod"), ": accepted are whole seconds"));
  }
  return std::make_shared<const PodBehaviour>(behaviour);
}

NodePool ReadNodePool(Fields* fields) {
  NodePool pool;
  pool.line = fields->line();
  fields->Text("name", &pool.name);
  fields->Texts("zones", &pool.zones);
  fields->Int("count", 1, kMostNodes, &pool.count);
  fields->Cpu("cpu", &pool.cpu_milli);
  fields->Int("pods", 1, 10'000, &pool.max_pods);
  fields->Map("labels", &pool.labels);
  fields->Bool("controlPlane", &pool.control_plane);
  CheckLabels(pool.labels, *fields, "labels");
  std::set<std::string_view> zones;
  for (const std::string& zone : pool.zones) {
    // Part of a node's name, and the value of a label.
    if (!IsDns1123Label(zone)) {
      fields->errors()->Add(fields->line(), Concat(fields->Path("zones"), ": \"", zone,
                                                   "\" is no name of a zone: lower case letters, digits and '-'"));
    }
    if (!zones.insert(zone).second) {
      fields->errors()->Add(fields->line(), Concat(fields->Path("zones"), ": \"", zone, "\" is there twice"));
    }
  }
  if (!IsDns1123Subdomain(pool.name)) {
    fields->errors()->Add(fields->line(), Concat(fields->Path("name"), ": \"", pool.name, "\" is no name of a node"));
  }
  if (pool.labels.Contains(kLabelZone)) {
    fields->errors()->Add(fields->line(), Concat(fields->Path("labels"), ": the zone is given by zones"));
  }
  return pool;
}

std::vector<NodePool> ReadCluster(const DocNode& node, DocErrors* errors) {
  std::vector<NodePool> pools;
  Fields fields(node, "cluster", errors);
  if (const DocNode* nodes = fields.Need("nodes")) {
    if (nodes->type != DocNode::Type::kList || nodes->items.empty()) {
      errors->Add(nodes->line, Concat("cluster.nodes: is ", nodes->Describe(), ", not a list of pools of nodes"));
    }
    std::set<std::string> names;
    for (std::size_t i = 0; i < nodes->items.size(); ++i) {
      Fields one(nodes->items[i], Concat("cluster.nodes[", i, ']'), errors);
      pools.push_back(ReadNodePool(&one));
      one.Done();
      const NodePool& pool = pools.back();
      if (!names.insert(pool.name).second) {
        errors->Add(one.line(), Concat(one.Path("name"), ": two pools have the name \"", pool.name, '"'));
      }
    }
  }
  fields.Done();
  return pools;
}

ServiceTemplate ReadService(const DocNode& node, const std::string& what, const Scenario& scenario, DocErrors* errors) {
  ServiceTemplate service;
  service.behaviour = scenario.pods;
  service.line = node.line;
  Fields fields(node, what, errors);
  if (const DocNode* name = fields.Need("name")) service.name = ReadText(*name, fields.Path("name"), errors);
  fields.Text("namespace", &service.namespace_);
  fields.Int("count", 1, kMostServices, &service.count);
  fields.Int("replicas", 0, kMostReplicas, &service.replicas);
  fields.Map("labels", &service.service.metadata.labels);
  fields.Map("annotations", &service.service.metadata.annotations);
  fields.Cpu("cpu", &service.cpu_milli);
  CheckLabels(service.service.metadata.labels, fields, "labels");
  ReadSpec(&fields, &service.service.spec);
  if (const DocNode* placement = fields.Take("placement")) {
    service.placement = ReadPlacement(*placement, fields.Path("placement"), errors);
    const DocNode* zones = placement->Find("zones");
    service.placement_line = zones != nullptr ? zones->line : placement->line;
  }
  if (const DocNode* pods = fields.Take("pods")) {
    service.behaviour = ReadBehaviour(*pods, fields.Path("pods"), *scenario.pods, errors);
  }
  fields.Done();
  if (errors->ok()) CheckNames(service, fields);
  return service;
}

}  // namespace epslice::sim
