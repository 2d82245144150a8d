#include "test/e2e/oracle.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace epslice::e2e {
namespace {

constexpr char kServiceName[] = "kubernetes.io/service-name";
constexpr char kManagedBy[] = "endpointslice.kubernetes.io/managed-by";
constexpr char kHeadless[] = "service.kubernetes.io/headless";
constexpr char kTrigger[] = "endpoints.kubernetes.io/last-change-trigger-time";

// What is at a path of keys, or null.
const Json& At(const Json& object, std::initializer_list<const char*> path) {
  static const Json kNull;
  const Json* at = &object;
  for (const char* key : path) {
    if (!at->is_object()) return kNull;
    const auto it = at->find(key);
    if (it == at->end()) return kNull;
    at = &*it;
  }
  return *at;
}

std::string Text(const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }
std::string NameOf(const Json& object) { return Text(At(object, {"metadata", "name"})); }

bool IsV6(const std::string& address) { return address.find(':') != std::string::npos; }

bool IsReady(const Json& pod) {
  for (const Json& condition : At(pod, {"status", "conditions"})) {
    if (condition.value("type", "") == "Ready") return condition.value("status", "") == "True";
  }
  return false;
}

enum class HintKind { kNone, kZone, kNode, kAuto };

HintKind HintsOf(const Json& service) {
  const Json& annotations = At(service, {"metadata", "annotations"});
  const std::string mode = Text(At(annotations, {"service.kubernetes.io/topology-mode"}));
  if (mode == "Auto" || mode == "auto") return HintKind::kAuto;
  const std::string distribution = Text(At(service, {"spec", "trafficDistribution"}));
  if (distribution == "PreferClose" || distribution == "PreferSameZone") return HintKind::kZone;
  return distribution == "PreferSameNode" ? HintKind::kNode : HintKind::kNone;
}

// {"forZones": ["a"], "forNodes": [...]}, or null: names only, in order.
Json PlainHints(const Json& hints) {
  Json plain;
  for (const char* key : {"forZones", "forNodes"}) {
    for (const Json& target : At(hints, {key})) plain[key].push_back(target.at("name"));
  }
  return plain;
}

// The ports of containers, and then those of sidecars.
std::vector<Json> OpenPorts(const Json& pod) {
  std::vector<Json> ports;
  for (const char* list : {"containers", "initContainers"}) {
    for (const Json& container : At(pod, {"spec", list})) {
      if (list == std::string("initContainers") && container.value("restartPolicy", "") != "Always") continue;
      for (const Json& port : At(container, {"ports"})) ports.push_back(port);
    }
  }
  return ports;
}

// The ports of a pod for a Service: name, protocol, number, appProtocol.
Json PortsFor(const Json& service, const Json& pod) {
  Json ports = Json::array();
  for (const Json& port : At(service, {"spec", "ports"})) {
    const std::string protocol = port.value("protocol", "TCP");
    Json out = {{"name", port.value("name", "")}, {"protocol", protocol}};
    if (port.contains("appProtocol")) out["appProtocol"] = port["appProtocol"];
    const Json& target = At(port, {"targetPort"});
    if (target.is_string()) {
      for (const Json& open : OpenPorts(pod)) {
        if (open.value("name", "") != target || open.value("protocol", "TCP") != protocol) continue;
        if (!out.contains("port")) out["port"] = open.at("containerPort");
      }
      if (!out.contains("port")) continue;
    } else {
      out["port"] = target.is_number() ? target : port.at("port");
    }
    ports.push_back(std::move(out));
  }
  std::sort(ports.begin(), ports.end());
  return ports;
}

std::string Print(const std::string& type, const Json& ports, const Json& endpoint) {
  return type + " " + ports.dump() + " " + endpoint.dump();
}

bool Selected(const Json& service, const Json& pod) {
  const Json& labels = At(pod, {"metadata", "labels"});
  const Json& selector = At(service, {"spec", "selector"});
  for (const auto& [key, value] : selector.items()) {
    if (!labels.is_object() || !labels.contains(key) || labels[key] != value) return false;
  }
  return true;
}

class ServiceCheck {
 public:
  ServiceCheck(const Json& service, const Listed& listed, const OracleOptions& options)
      : service_(service), listed_(listed), options_(options), hints_(HintsOf(service)) {
    for (const Json& family : At(service, {"spec", "ipFamilies"})) types_.insert(family.get<std::string>());
    if (At(service, {"spec", "ipFamilies"}).empty()) {
      const std::string ip = Text(At(service, {"spec", "clusterIP"}));
      if (ip.empty() || ip == "None") {
        types_ = {"IPv4", "IPv6"};
      } else {
        types_ = {IsV6(ip) ? "IPv6" : "IPv4"};
      }
    }
    for (const Json& node : listed.nodes) nodes_[NameOf(node)] = &node;
  }

  std::vector<std::string> Run() {
    for (const Json& pod : listed_.pods) Expect(pod);
    const std::vector<Json> slices = SlicesOf(listed_.slices, NameOf(service_), options_.managed_by);
    for (const Json& slice : slices) Look(slice);
    Compare();
    for (const std::string& type : types_) {
      const bool wanted = std::any_of(want_.begin(), want_.end(), [&](const auto& e) { return e.first == type; });
      if (!wanted && empty_[type] != 1) {
        Say(std::to_string(empty_[type]) + " slices of type " + type + " without endpoints, where there has to be one");
      }
      if (wanted && empty_[type] != 0) Say("a slice of type " + type + " without endpoints, beside those with some");
    }
    return std::move(found_);
  }

 private:
  void Say(const std::string& what) { found_.push_back("Service " + NameOf(service_) + ": " + what); }

  void Expect(const Json& pod) {
    const std::string phase = Text(At(pod, {"status", "phase"}));
    if (!Selected(service_, pod) || phase == "Succeeded" || phase == "Failed") return;
    const bool publish = At(service_, {"spec", "publishNotReadyAddresses"}) == true;
    const std::string node = Text(At(pod, {"spec", "nodeName"}));
    const auto at = nodes_.find(node);
    if (at == nodes_.end() && !publish) return;
    const bool terminating = !At(pod, {"metadata", "deletionTimestamp"}).is_null();
    const bool serving = IsReady(pod);
    Json endpoint = {
        {"conditions",
         {{"ready", publish || (serving && !terminating)}, {"serving", serving}, {"terminating", terminating}}},
        {"targetRef",
         {{"kind", "Pod"},
          {"namespace", At(pod, {"metadata", "namespace"})},
          {"name", NameOf(pod)},
          {"uid", At(pod, {"metadata", "uid"})}}}};
    if (!node.empty()) endpoint["nodeName"] = node;
    const std::string zone =
        at == nodes_.end() ? "" : Text(At(*at->second, {"metadata", "labels", "topology.kubernetes.io/zone"}));
    if (!zone.empty()) endpoint["zone"] = zone;
    const std::string hostname = Text(At(pod, {"spec", "hostname"}));
    if (!hostname.empty() && Text(At(pod, {"spec", "subdomain"})) == NameOf(service_)) endpoint["hostname"] = hostname;
    if (endpoint["conditions"]["ready"] == true) {
      Json hints;
      if ((hints_ == HintKind::kZone || hints_ == HintKind::kNode) && !zone.empty()) hints["forZones"] = {zone};
      if (hints_ == HintKind::kNode && !node.empty()) hints["forNodes"] = {node};
      if (!hints.is_null()) endpoint["hints"] = hints;
    }
    for (const std::string& type : types_) {
      Json addresses = Json::array();
      for (const Json& ip : At(pod, {"status", "podIPs"})) {
        if (IsV6(ip.at("ip")) == (type == "IPv6")) addresses.push_back(ip.at("ip"));
      }
      if (addresses.empty()) continue;
      endpoint["addresses"] = addresses;
      want_.insert({type, Print(type, PortsFor(service_, pod), endpoint)});
    }
  }

  void Look(const Json& slice) {
    const std::string type = Text(At(slice, {"addressType"}));
    if (types_.count(type) == 0) Say("slice " + NameOf(slice) + " is of type " + type);
    LookAtMetadata(slice);
    const Json& endpoints = At(slice, {"endpoints"});
    if (endpoints.size() > options_.max_endpoints_per_slice) {
      Say("slice " + NameOf(slice) + " has " + std::to_string(endpoints.size()) + " endpoints");
    }
    if (endpoints.empty()) ++empty_[type];
    Json ports = Json::array();
    for (const Json& port : At(slice, {"ports"})) {
      Json out = {{"name", port.value("name", "")}, {"protocol", port.value("protocol", "TCP")}};
      for (const char* key : {"port", "appProtocol"}) {
        if (port.contains(key)) out[key] = port[key];
      }
      ports.push_back(std::move(out));
    }
    std::sort(ports.begin(), ports.end());
    for (const Json& given : endpoints) {
      Json endpoint = given;
      const Json hints = PlainHints(At(given, {"hints"}));
      endpoint.erase("hints");
      const bool ready = At(given, {"conditions", "ready"}) == true;
      if (hints_ == HintKind::kAuto) {
        if (ready) auto_hints_[type].push_back(hints);
      } else if (!hints.is_null() && (ready || hints_ == HintKind::kNone)) {
        endpoint["hints"] = hints;
      }
      have_.insert({type, Print(type, ports, endpoint)});
    }
  }

  void LookAtMetadata(const Json& slice) {
    const Json& meta = slice.at("metadata");
    Json labels = At(service_, {"metadata", "labels"});
    if (labels.is_null()) labels = Json::object();
    const std::string ip = Text(At(service_, {"spec", "clusterIP"}));
    labels.erase(kHeadless);
    labels[kServiceName] = NameOf(service_);
    labels[kManagedBy] = options_.managed_by;
    if (ip.empty() || ip == "None") labels[kHeadless] = "";
    if (At(meta, {"labels"}) != labels) {
      Say("slice " + NameOf(slice) + " has labels " + At(meta, {"labels"}).dump() + ", not " + labels.dump());
    }
    const Json owners = Json::array({{{"apiVersion", "v1"},
                                      {"kind", "Service"},
                                      {"name", NameOf(service_)},
                                      {"uid", At(service_, {"metadata", "uid"})},
                                      {"controller", true},
                                      {"blockOwnerDeletion", true}}});
    if (At(meta, {"ownerReferences"}) != owners) {
      Say("slice " + NameOf(slice) + " is owned by " + At(meta, {"ownerReferences"}).dump() + ", not " + owners.dump());
    }
    for (const auto& [key, value] : At(meta, {"annotations"}).items()) {
      if (key != kTrigger) Say("slice " + NameOf(slice) + " is annotated " + key);
    }
  }

  void Compare() {
    std::multiset<std::pair<std::string, std::string>> missing;
    std::multiset<std::pair<std::string, std::string>> extra;
    std::set_difference(want_.begin(), want_.end(), have_.begin(), have_.end(), std::inserter(missing, missing.end()));
    std::set_difference(have_.begin(), have_.end(), want_.begin(), want_.end(), std::inserter(extra, extra.end()));
    for (const auto& [type, line] : missing) Say("missing: " + line);
    for (const auto& [type, line] : extra) Say("too much: " + line);
    std::set<std::string> zones;
    for (const auto& [name, node] : nodes_) {
      zones.insert(Text(At(*node, {"metadata", "labels", "topology.kubernetes.io/zone"})));
    }
    for (const auto& [type, all] : auto_hints_) {
      const auto hinted = std::count_if(all.begin(), all.end(), [](const Json& hints) { return !hints.is_null(); });
      if (hinted != 0 && hinted != static_cast<std::ptrdiff_t>(all.size())) {
        Say(std::to_string(hinted) + " of " + std::to_string(all.size()) + " ready endpoints of type " + type +
            " have hints: all or none of them must");
      }
      for (const Json& hints : all) {
        if (hints.is_null()) continue;
        const bool one = hints.size() == 1 && hints.contains("forZones") && hints["forZones"].size() == 1;
        if (!one || zones.count(hints["forZones"][0]) == 0) Say("hints " + hints.dump());
      }
    }
  }

  const Json& service_;
  const Listed& listed_;
  const OracleOptions& options_;
  const HintKind hints_;
  std::set<std::string> types_;
  std::map<std::string, const Json*> nodes_;
  // Type and line of each endpoint.
  std::multiset<std::pair<std::string, std::string>> want_;
  std::multiset<std::pair<std::string, std::string>> have_;
  std::map<std::string, int> empty_;
  std::map<std::string, std::vector<Json>> auto_hints_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<Json> SlicesOf(const std::vector<Json>& slices, const std::string& service, const std::string& managed_by) {
  std::vector<Json> found;
  for (const Json& slice : slices) {
    const Json& labels = At(slice, {"metadata", "labels"});
    if (Text(At(labels, {kServiceName})) == service && Text(At(labels, {kManagedBy})) == managed_by) {
      found.push_back(slice);
    }
  }
  return found;
}

std::vector<std::string> Differences(const Listed& listed, const OracleOptions& options) {
  std::vector<std::string> found;
  std::set<std::string> services;
  for (const Json& service : listed.services) {
    services.insert(NameOf(service));
    // These are nobody's business; what slices they have, they keep.
    if (Text(At(service, {"spec", "type"})) == "ExternalName" || !At(service, {"spec"}).contains("selector")) continue;
    for (std::string& line : ServiceCheck(service, listed, options).Run()) found.push_back(std::move(line));
  }
  if (!options.collects_garbage) return found;
  for (const Json& slice : listed.slices) {
    const Json& labels = At(slice, {"metadata", "labels"});
    const std::string service = Text(At(labels, {kServiceName}));
    if (Text(At(labels, {kManagedBy})) == options.managed_by && services.count(service) == 0) {
      found.push_back("slice " + NameOf(slice) + " is of Service " + service + ", which is gone");
    }
  }
  return found;
}

}  // namespace epslice::e2e
