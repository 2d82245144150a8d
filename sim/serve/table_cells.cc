#include "sim/serve/table_cells.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>

#include "apis/cat.h"
#include "apis/time_format.h"
#include "sim/serve/json_fields.h"
#include "sim/serve/pod_cells.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kNone = "<none>";
constexpr std::string_view kUnknown = "<unknown>";
constexpr std::string_view kAge = "Time since the object was created.";
constexpr std::string_view kName = "Name of the object, unique in its namespace.";

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

std::string OrElse(std::string text, std::string_view otherwise) {
  if (text.empty()) text = otherwise;
  return text;
}

std::string Age(const Json& object, Timestamp now) {
  return AgeOf(TextAt(object, {"metadata", "creationTimestamp"}), now);
}

// The strings of an array; other elements are left out.
std::vector<std::string> Strings(const Json& array) {
  std::vector<std::string> out;
  for (const Json& value : Elements(array)) {
    if (value.is_string()) out.push_back(value.get<std::string>());
  }
  return out;
}

// At most three of a list, then how many more there are.
std::string FirstThree(std::vector<std::string> list) {
  constexpr std::size_t kShown = 3;
  const std::size_t count = list.size();
  if (count == 0) return "<unset>";
  if (count > kShown) list.resize(kShown);
  std::string out = Join(list, ",");
  if (count > kShown) out += Cat({" + ", std::to_string(count - kShown), " more..."});
  return out;
}

Json EndpointSliceCells(const Json& slice, Timestamp now) {
  std::vector<std::string> ports;
  for (const Json& port : Elements(At(slice, {"ports"}))) {
    const Json& number = At(port, {"port"});
    const Json& name = At(port, {"name"});
    if (number.is_number_integer()) {
      ports.push_back(std::to_string(number.get<std::int64_t>()));
    } else {
      ports.push_back(name.is_string() ? name.get<std::string>() : "*");
    }
  }
  std::vector<std::string> addresses;
  for (const Json& endpoint : Elements(At(slice, {"endpoints"}))) {
    for (std::string& address : Strings(At(endpoint, {"addresses"}))) addresses.push_back(std::move(address));
  }
  return {TextAt(slice, {"metadata", "name"}), TextAt(slice, {"addressType"}), FirstThree(std::move(ports)),
          FirstThree(std::move(addresses)), Age(slice, now)};
}

std::string LoadBalancerAddresses(const Json& service) {
  std::set<std::string> addresses;
  for (const Json& ingress : Elements(At(service, {"status", "loadBalancer", "ingress"}))) {
    std::string address = TextAt(ingress, {"ip"});
    if (address.empty()) address = TextAt(ingress, {"hostname"});
    if (!address.empty()) addresses.insert(std::move(address));
  }
  return Join({addresses.begin(), addresses.end()}, ",");
}

std::string ServiceExternalIP(const Json& service) {
  const std::string type = OrElse(TextAt(service, {"spec", "type"}), "ClusterIP");
  const std::string external = Join(Strings(At(service, {"spec", "externalIPs"})), ",");
  if (type == "ExternalName") return TextAt(service, {"spec", "externalName"});
  if (type == "ClusterIP" || type == "NodePort") return OrElse(external, kNone);
  if (type != "LoadBalancer") return std::string(kUnknown);
  const std::string balancer = LoadBalancerAddresses(service);
  if (external.empty()) return OrElse(balancer, "<pending>");
  return balancer.empty() ? external : Cat({balancer, ",", external});
}

std::string ServicePorts(const Json& service) {
  std::vector<std::string> ports;
  for (const Json& port : Elements(At(service, {"spec", "ports"}))) {
    std::string text = std::to_string(NumberAt(port, {"port"}));
    if (const std::int64_t node_port = NumberAt(port, {"nodePort"}); node_port > 0) {
      text += Cat({":", std::to_string(node_port)});
    }
    ports.push_back(Cat({text, "/", OrElse(TextAt(port, {"protocol"}), "TCP")}));
  }
  return OrElse(Join(ports, ","), kNone);
}

Json ServiceCells(const Json& service, Timestamp now) {
  const std::vector<std::string> cluster_ips = Strings(At(service, {"spec", "clusterIPs"}));
  std::string cluster_ip = cluster_ips.empty() ? TextAt(service, {"spec", "clusterIP"}) : cluster_ips.front();
  std::vector<std::string> selector;
  const Json& pairs = At(service, {"spec", "selector"});
  if (pairs.is_object()) {
    for (const auto& [key, value] : pairs.items()) {
      selector.push_back(Cat({key, "=", value.is_string() ? value.get<std::string>() : std::string()}));
    }
  }
  return {TextAt(service, {"metadata", "name"}),
          OrElse(TextAt(service, {"spec", "type"}), "ClusterIP"),
          OrElse(std::move(cluster_ip), kNone),
          ServiceExternalIP(service),
          ServicePorts(service),
          Age(service, now),
          OrElse(Join(selector, ","), kNone)};
}

std::string NodeStatus(const Json& node) {
  std::string status = "Unknown";
  for (const Json& condition : Elements(At(node, {"status", "conditions"}))) {
    if (TextAt(condition, {"type"}) == "Ready") status = TextAt(condition, {"status"}) == "True" ? "Ready" : "NotReady";
  }
  const Json& unschedulable = At(node, {"spec", "unschedulable"});
  if (unschedulable.is_boolean() && unschedulable.get<bool>()) status += ",SchedulingDisabled";
  return status;
}

std::string NodeRoles(const Json& node) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  const Json& labels = At(node, {"metadata", "labels"});
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) {
      if (key.compare(0, kPrefix.size(), kPrefix) == 0 && key.size() > kPrefix.size()) {
        roles.insert(key.substr(kPrefix.size()));
      }
      if (key == "kubernetes.io/role" && value.is_string() && !value.get<std::string>().empty()) {
        roles.insert(value.get<std::string>());
      }
    }
  }
  return OrElse(Join({roles.begin(), roles.end()}, ","), kNone);
}

std::string NodeAddress(const Json& node, std::string_view type) {
  for (const Json& address : Elements(At(node, {"status", "addresses"}))) {
    if (TextAt(address, {"type"}) == type) return TextAt(address, {"address"});
  }
  return std::string(kNone);
}

Json NodeCells(const Json& node, Timestamp now) {
  const auto info = [&](const char* field) { return TextAt(node, {"status", "nodeInfo", field}); };
  return {TextAt(node, {"metadata", "name"}),
          NodeStatus(node),
          NodeRoles(node),
          Age(node, now),
          info("kubeletVersion"),
          NodeAddress(node, "InternalIP"),
          NodeAddress(node, "ExternalIP"),
          OrElse(info("osImage"), kUnknown),
          OrElse(info("kernelVersion"), kUnknown),
          OrElse(info("containerRuntimeVersion"), kUnknown)};
}

std::string TrimSpace(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n\v\f";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Json EventCells(const Json& event, Timestamp now) {
  std::string first = TextAt(event, {"firstTimestamp"});
  if (first.empty()) first = TextAt(event, {"eventTime"});
  std::string last = OrElse(TextAt(event, {"lastTimestamp"}), first);
  std::int64_t count = std::max<std::int64_t>(1, NumberAt(event, {"count"}));
  if (At(event, {"series"}).is_object()) {
    last = TextAt(event, {"series", "lastObservedTime"});
    count = NumberAt(event, {"series", "count"});
  }
  std::string object = LowerCase(TextAt(event, {"involvedObject", "kind"}));
  if (const std::string name = TextAt(event, {"involvedObject", "name"}); !name.empty()) object += Cat({"/", name});
  std::string source = OrElse(TextAt(event, {"source", "component"}), TextAt(event, {"reportingComponent"}));
  const std::string instance = OrElse(TextAt(event, {"source", "host"}), TextAt(event, {"reportingInstance"}));
  if (!instance.empty()) source += Cat({", ", instance});
  return {AgeOf(last, now),
          TextAt(event, {"type"}),
          TextAt(event, {"reason"}),
          std::move(object),
          TextAt(event, {"involvedObject", "fieldPath"}),
          std::move(source),
          TrimSpace(TextAt(event, {"message"})),
          AgeOf(first, now),
          count,
          TextAt(event, {"metadata", "name"})};
}

std::string Number(std::int64_t n, std::string_view unit) { return Cat({std::to_string(n), unit}); }

// "5m3s", or "5m" when the smaller part is zero.
std::string Two(std::int64_t big, std::string_view big_unit, std::int64_t small, std::string_view small_unit) {
  return small == 0 ? Number(big, big_unit) : Number(big, big_unit) + Number(small, small_unit);
}

}  // namespace

std::string HumanDuration(Duration duration) {
  const std::int64_t seconds = duration.count() / 1'000'000'000;
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return Number(seconds, "s");
  const std::int64_t minutes = seconds / 60;
  if (minutes < 10) return Two(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return Number(minutes, "m");
  const std::int64_t hours = minutes / 60;
  if (hours < 8) return Two(hours, "h", minutes % 60, "m");
  if (hours < 48) return Number(hours, "h");
  if (hours < 24 * 8) return Two(hours / 24, "d", hours % 24, "h");
  const std::int64_t days = hours / 24;
  if (days < 365 * 2) return Number(days, "d");
  if (days < 365 * 8) return Two(days / 365, "y", days % 365, "d");
  return Number(days / 365, "y");
}

std::string AgeOf(std::string_view rfc3339, Timestamp now) {
  const absl::StatusOr<Timestamp> then = ParseRfc3339(rfc3339);
  if (!then.ok() || !then->is_set() || !now.is_set()) return std::string(kUnknown);
  return HumanDuration(Duration(now.nanos - then->nanos));
}

const std::vector<TableColumn>& TableColumns(Kind kind) {
  static const std::array<std::vector<TableColumn>, kAllKinds.size()> kColumns = {{
      {{"Name", 0, kName}, {"Status", 0, "Phase of the namespace: Active or Terminating."}, {"Age", 0, kAge}},
      {{"Name", 0, kName},
       {"Status", 0, "Ready, NotReady or Unknown, and whether pods may be scheduled here."},
       {"Roles", 0, "Roles by the labels node-role.kubernetes.io/ROLE."},
       {"Age", 0, kAge},
       {"Version", 0, "Version of the kubelet."},
       {"Internal-IP", 1, "First address of type InternalIP."},
       {"External-IP", 1, "First address of type ExternalIP."},
       {"OS-Image", 1, "Operating system, as the kubelet reports it."},
       {"Kernel-Version", 1, "Kernel, as the kubelet reports it."},
       {"Container-Runtime", 1, "Container runtime, as the kubelet reports it."}},
      PodColumns(),
      {{"Name", 0, kName},
       {"Type", 0, "How the Service is exposed."},
       {"Cluster-IP", 0, "First virtual IP; None for a headless Service."},
       {"External-IP", 0, "External IPs, addresses of the load balancer, or the external name."},
       {"Port(s)", 0, "Ports, with node ports and protocols."},
       {"Age", 0, kAge},
       {"Selector", 1, "Labels of the pods it selects."}},
      {{"Name", 0, kName},
       {"AddressType", 0, "Family of the addresses."},
       {"Ports", 0, "Ports of every endpoint in the slice."},
       {"Endpoints", 0, "Addresses of the endpoints."},
       {"Age", 0, kAge}},
      {{"Last Seen", 0, "Time since it happened last."},
       {"Type", 0, "Normal or Warning."},
       {"Reason", 0, "Short reason, for machines."},
       {"Object", 0, "What it is about."},
       {"Subobject", 1, "Which part of the object."},
       {"Source", 1, "Who reported it."},
       {"Message", 0, "What happened, for humans."},
       {"First Seen", 1, "Time since it happened first."},
       {"Count", 1, "How often it happened."},
       {"Name", 1, kName}},
      {{"Name", 0, kName}, {"Holder", 0, "Who holds the lease."}, {"Age", 0, kAge}},
  }};
  return kColumns[static_cast<std::size_t>(kind)];
}

Json TableCells(Kind kind, const Json& object, Timestamp now) {
  switch (kind) {
    case Kind::kNamespace:
      return {TextAt(object, {"metadata", "name"}), TextAt(object, {"status", "phase"}), Age(object, now)};
    case Kind::kNode: return NodeCells(object, now);
    case Kind::kPod: return PodCells(object, now);
    case Kind::kService: return ServiceCells(object, now);
    case Kind::kEndpointSlice: return EndpointSliceCells(object, now);
    case Kind::kEvent: return EventCells(object, now);
    case Kind::kLease:
      return {TextAt(object, {"metadata", "name"}), TextAt(object, {"spec", "holderIdentity"}), Age(object, now)};
  }
  return Json::array();
}

std::string_view CompletedReason(Kind kind, const Json& object) {
  if (kind != Kind::kPod) return {};
  const std::string phase = TextAt(object, {"status", "phase"});
  if (phase == "Succeeded") return "Succeeded";
  return phase == "Failed" ? std::string_view("Failed") : std::string_view();
}

}  // namespace epslice::sim
