#include "sim/cluster/service_defaults.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "apis/ip.h"
#include "sim/cluster/admission.h"
#include "sim/cluster/json_doc.h"

namespace epslice::sim {

bool HasNodePorts(const ServiceSpec& spec) { return spec.type == "NodePort" || spec.type == "LoadBalancer"; }

namespace {

using nlohmann::json;

constexpr int kDraws = 1000;  // before a range is searched in order
constexpr std::int32_t kFirstNodePort = 30000;
constexpr std::int32_t kNodePorts = 2768;

bool IsHeadless(const ServiceSpec& spec) { return spec.clusterIP == "None"; }

std::string FormatIpv4(std::uint32_t ip) {
  return std::to_string(ip >> 24) + "." + std::to_string((ip >> 16) & 255) + "." + std::to_string((ip >> 8) & 255) +
         "." + std::to_string(ip & 255);
}

// Eight groups; ParseIpLenient makes the canonical form of it.
std::string FormatIpv6(unsigned __int128 ip) {
  std::string out;
  for (int group = 7; group >= 0; --group) {
    char digits[4];
    const auto value = static_cast<unsigned>((ip >> (16 * group)) & 0xffff);
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value, 16).ptr);
    if (group > 0) out.push_back(':');
  }
  return out;
}

// The number of a canonical address.
unsigned __int128 AsNumber(const IpAddress& ip) {
  const std::string_view s = ip.text;
  unsigned __int128 value = 0;
  const bool v4 = ip.family == IpFamily::kIPv4;
  // Groups before and after the "::".
  std::array<std::vector<unsigned>, 2> groups;
  std::size_t side = 0;
  for (std::size_t i = 0; i < s.size();) {
    if (!v4 && s.substr(i, 2) == "::") {
      side = 1, i += 2;
      continue;
    }
    if (s[i] == ':' || s[i] == '.') ++i;
    unsigned group = 0;
    const auto end = std::from_chars(s.data() + i, s.data() + s.size(), group, v4 ? 10 : 16).ptr;
    groups[side].push_back(group);
    i = static_cast<std::size_t>(end - s.data());
  }
  if (v4) {
    for (unsigned group : groups[0]) value = value << 8 | group;
    return value;
  }
  groups[0].resize(8 - std::min<std::size_t>(8, groups[1].size()));
  for (const auto& part : groups) {
    for (unsigned group : part) value = value << 16 | group;
  }
  return value;
}

Text FamilyOf(const Text& ip) {
  const std::optional<IpAddress> parsed = ParseIpLenient(ip);
  return Text::Intern(parsed && parsed->family == IpFamily::kIPv6 ? "IPv6" : "IPv4");
}

void SetFamilies(ServiceSpec* spec) {
  if (spec->ipFamilies.empty()) {
    for (const Text& ip : spec->clusterIPs) {
      if (!ip.empty() && ip != "None") spec->ipFamilies.push_back(FamilyOf(ip));
    }
  }
  const bool selectorless_headless = IsHeadless(*spec) && !spec->selector;
  if (spec->ipFamilyPolicy.empty()) {
    const bool dual = spec->ipFamilies.size() > 1 || selectorless_headless;
    spec->ipFamilyPolicy = Text::Intern(dual ? "RequireDualStack" : "SingleStack");
  }
  if (spec->ipFamilies.empty()) spec->ipFamilies.push_back(Text::Intern("IPv4"));
  if (spec->ipFamilyPolicy != "SingleStack" && spec->ipFamilies.size() == 1) {
    spec->ipFamilies.push_back(Text::Intern(spec->ipFamilies[0] == "IPv4" ? "IPv6" : "IPv4"));
  }
}

// An update without what was allocated keeps it.
void KeepAllocated(ServiceSpec* spec, const ServiceSpec& old) {
  if (spec->type == "ExternalName" || old.type == "ExternalName") return;
  if (spec->clusterIP.empty()) {
    spec->clusterIP = old.clusterIP;
    if (spec->clusterIPs.empty()) spec->clusterIPs = old.clusterIPs;
  }
  if (spec->ipFamilies.empty()) spec->ipFamilies = old.ipFamilies;
  if (spec->ipFamilyPolicy.empty()) spec->ipFamilyPolicy = old.ipFamilyPolicy;
  if (!HasNodePorts(*spec) || !HasNodePorts(old)) return;
  if (spec->healthCheckNodePort == 0) spec->healthCheckNodePort = old.healthCheckNodePort;
  for (ServicePort& port : spec->ports) {
    for (const ServicePort& before : old.ports) {
      if (port.nodePort == 0 && port.port == before.port && port.protocol == before.protocol) {
        port.nodePort = before.nodePort;
      }
    }
  }
}

std::vector<std::pair<Text, std::int32_t>> NodePortsOf(const ServiceSpec& spec) {
  std::vector<std::pair<Text, std::int32_t>> ports;
  for (const ServicePort& port : spec.ports) {
    if (port.nodePort != 0) ports.emplace_back(port.protocol, port.nodePort);
  }
  if (spec.healthCheckNodePort != 0) ports.emplace_back(Text::Intern("TCP"), spec.healthCheckNodePort);
  return ports;
}

std::vector<Text> IpsOf(const ServiceSpec& spec) {
  std::vector<Text> ips;
  for (const Text& ip : spec.clusterIPs) {
    if (!ip.empty() && ip != "None") ips.push_back(ip);
  }
  if (ips.empty() && !spec.clusterIP.empty() && !IsHeadless(spec)) ips.push_back(spec.clusterIP);
  return ips;
}

template <typename T>
bool Contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

json Names(const std::vector<Text>& texts) {
  json list = json::array();
  for (const Text& text : texts) list.push_back(text.view());
  return list;
}

}  // namespace

void SetServiceDefaults(Service* service, const Service* old) {
  ServiceSpec& spec = service->spec;
  if (spec.type.empty()) spec.type = Text::Intern("ClusterIP");
  if (spec.clusterIP.empty() && !spec.clusterIPs.empty()) spec.clusterIP = spec.clusterIPs[0];
  for (ServicePort& port : spec.ports) {
    if (port.protocol.empty()) port.protocol = Text::Intern("TCP");
    if (port.targetPort == IntOrString{}) port.targetPort.number = port.port;
  }
  if (old != nullptr) KeepAllocated(&spec, old->spec);
  if (spec.type == "ExternalName") {
    spec.clusterIP = Text();
    spec.clusterIPs.clear();
    spec.ipFamilies.clear();
    spec.ipFamilyPolicy = Text();
    return;
  }
  if (spec.clusterIPs.empty() && !spec.clusterIP.empty()) spec.clusterIPs = {spec.clusterIP};
  SetFamilies(&spec);
  if (spec.internalTrafficPolicy.empty()) spec.internalTrafficPolicy = Text::Intern("Cluster");
  if (HasNodePorts(spec)) {
    if (spec.externalTrafficPolicy.empty()) spec.externalTrafficPolicy = Text::Intern("Cluster");
  } else {
    spec.externalTrafficPolicy = Text();
    spec.healthCheckNodePort = 0;
    for (ServicePort& port : spec.ports) port.nodePort = 0;
  }
}

ServiceAddresses::ServiceAddresses(std::string_view cidr, std::string_view cidr_v6, Random random)
    : v4_(ParseRange(cidr, IpFamily::kIPv4)), v6_(ParseRange(cidr_v6, IpFamily::kIPv6)), random_(random) {}

ServiceAddresses::Range ServiceAddresses::ParseRange(std::string_view cidr, IpFamily family) {
  const std::size_t slash = cidr.find('/');
  if (slash == std::string_view::npos) return {};
  const std::optional<IpAddress> ip = ParseIpLenient(cidr.substr(0, slash));
  const std::string_view length = cidr.substr(slash + 1);
  const int bits = family == IpFamily::kIPv4 ? 32 : 128;
  int prefix = -1;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), prefix);
  if (!ip || ip->family != family || error != std::errc() || end != length.data() + length.size() || prefix < 0 ||
      prefix > bits) {
    return {};
  }
  Range range;
  range.free_bits = bits - prefix;
  range.family = family;
  range.base = AsNumber(*ip);
  if (range.free_bits > 0) range.base = range.free_bits == 128 ? 0 : range.base >> range.free_bits << range.free_bits;
  return range;
}

std::optional<Text> ServiceAddresses::DrawIp(IpFamily family) {
  const Range& range = family == IpFamily::kIPv4 ? v4_ : v6_;
  if (range.free_bits < 1) return std::nullopt;
  // Neither the first nor the last address; of huge ranges the first 2^32.
  const std::uint64_t size = std::uint64_t{1} << std::min(range.free_bits, 32);
  if (size <= 2) return std::nullopt;
  const auto ip_at = [&](std::uint64_t offset) {
    const std::string text = family == IpFamily::kIPv4 ? FormatIpv4(static_cast<std::uint32_t>(range.base + offset))
                                                       : FormatIpv6(range.base + offset);
    return ParseIpLenient(text)->text;
  };
  for (int i = 0; i < kDraws; ++i) {
    Text ip = ip_at(1 + random_.Below(size - 2));
    if (TakeIp(ip)) return ip;
  }
  for (std::uint64_t offset = 1; offset < size - 1 && offset <= ips_.size() + 1; ++offset) {
    Text ip = ip_at(offset);
    if (TakeIp(ip)) return ip;
  }
  return std::nullopt;
}

std::optional<StatusCause> ServiceAddresses::Allocate(Service* service, const Service* old) {
  ServiceSpec& spec = service->spec;
  if (spec.type == "ExternalName") return std::nullopt;
  taken_ips_.clear();
  taken_ports_.clear();
  std::optional<StatusCause> cause = AllocateIps(&spec, old);
  if (!cause && HasNodePorts(spec)) cause = AllocateNodePorts(&spec, old);
  if (cause) {
    for (const Text& ip : taken_ips_) ips_.erase(ip);
    for (const auto& port : taken_ports_) node_ports_.erase(port);
  }
  return cause;
}

bool ServiceAddresses::TakeIp(const Text& ip) {
  if (!ips_.insert(ip).second) return false;
  taken_ips_.push_back(ip);
  return true;
}

bool ServiceAddresses::TakeNodePort(const Text& protocol, std::int32_t port) {
  if (!node_ports_.emplace(protocol, port).second) return false;
  taken_ports_.emplace_back(protocol, port);
  return true;
}

std::optional<StatusCause> ServiceAddresses::AllocateIps(ServiceSpec* spec, const Service* old) {
  if (IsHeadless(*spec)) {
    spec->clusterIPs = {spec->clusterIP};
    return std::nullopt;
  }
  const std::vector<Text> before = old == nullptr ? std::vector<Text>() : IpsOf(old->spec);
  const std::vector<Text> asked = std::exchange(spec->clusterIPs, {});
  for (std::size_t i = 0; i < spec->ipFamilies.size(); ++i) {
    const IpFamily family = spec->ipFamilies[i] == "IPv6" ? IpFamily::kIPv6 : IpFamily::kIPv4;
    if (i >= asked.size() || asked[i].empty()) {
      std::optional<Text> drawn = DrawIp(family);
      if (!drawn) {
        return InvalidValue("spec.clusterIPs", "", "failed to allocate a serviceIP: range is full");
      }
      spec->clusterIPs.push_back(*std::move(drawn));
      continue;
    }
    if (!ParseIpLenient(asked[i])) {
      return InvalidValue("spec.clusterIPs[" + std::to_string(i) + "]", asked[i],
                          "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    }
    if (!Contains(before, asked[i]) && !TakeIp(asked[i])) {
      return InvalidValue("spec.clusterIPs", asked[i],
                          "failed to allocate IP " + asked[i].str() + ": provided IP is already allocated");
    }
    spec->clusterIPs.push_back(asked[i]);
  }
  if (!spec->clusterIPs.empty()) spec->clusterIP = spec->clusterIPs[0];
  return std::nullopt;
}

std::optional<StatusCause> ServiceAddresses::AllocateNodePorts(ServiceSpec* spec, const Service* old) {
  const auto before = old == nullptr ? std::vector<std::pair<Text, std::int32_t>>() : NodePortsOf(old->spec);
  const auto draw = [&](const Text& protocol) {
    const auto start = static_cast<std::int32_t>(random_.Below(kNodePorts));
    for (std::int32_t i = 0; i < kNodePorts; ++i) {
      const std::int32_t port = kFirstNodePort + (start + i) % kNodePorts;
      if (TakeNodePort(protocol, port)) return port;
    }
    return 0;
  };
  for (std::size_t i = 0; i < spec->ports.size(); ++i) {
    ServicePort& port = spec->ports[i];
    const std::string field = "spec.ports[" + std::to_string(i) + "].nodePort";
    if (port.nodePort == 0) {
      port.nodePort = draw(port.protocol);
      if (port.nodePort == 0) return InvalidNumber(field, 0, "failed to allocate a nodePort: range is full");
    } else if (!Contains(before, {port.protocol, port.nodePort}) && !TakeNodePort(port.protocol, port.nodePort)) {
      return InvalidNumber(field, port.nodePort, "provided port is already allocated");
    }
  }
  const bool health = spec->type == "LoadBalancer" && spec->externalTrafficPolicy == "Local";
  if (health && spec->healthCheckNodePort == 0) spec->healthCheckNodePort = draw(Text::Intern("TCP"));
  return std::nullopt;
}

void ServiceAddresses::Adopt(const Service& service) {
  for (const Text& ip : IpsOf(service.spec)) ips_.insert(ip);
  for (const auto& port : NodePortsOf(service.spec)) node_ports_.insert(port);
}

void ServiceAddresses::Release(const Service& service, const Service* next) {
  const std::vector<Text> kept = next == nullptr ? std::vector<Text>() : IpsOf(next->spec);
  for (const Text& ip : IpsOf(service.spec)) {
    if (!Contains(kept, ip)) ips_.erase(ip);
  }
  const auto kept_ports = next == nullptr ? std::vector<std::pair<Text, std::int32_t>>() : NodePortsOf(next->spec);
  for (const auto& port : NodePortsOf(service.spec)) {
    if (!Contains(kept_ports, port)) node_ports_.erase(port);
  }
}

void WriteServiceFields(const Service& service, json* doc) {
  const ServiceSpec& spec = service.spec;
  json& out = Section(*doc, "spec");
  const auto put = [&out](const char* key, const Text& value) {
    if (value.empty()) {
      out.erase(key);
    } else {
      out[key] = value.view();
    }
  };
  put("type", spec.type);
  put("clusterIP", spec.clusterIP);
  put("ipFamilyPolicy", spec.ipFamilyPolicy);
  put("internalTrafficPolicy", spec.internalTrafficPolicy);
  put("externalTrafficPolicy", spec.externalTrafficPolicy);
  out["clusterIPs"] = Names(spec.clusterIPs);
  out["ipFamilies"] = Names(spec.ipFamilies);
  for (const char* key : {"clusterIPs", "ipFamilies"}) {
    if (out[key].empty()) out.erase(key);
  }
  if (!out.contains("sessionAffinity")) out["sessionAffinity"] = "None";
  if (spec.healthCheckNodePort != 0) out["healthCheckNodePort"] = spec.healthCheckNodePort;
  if (spec.type == "LoadBalancer" && !out.contains("allocateLoadBalancerNodePorts")) {
    out["allocateLoadBalancerNodePorts"] = true;
  }
  auto ports = out.find("ports");
  if (ports == out.end() || !ports->is_array() || ports->size() != spec.ports.size()) return;
  for (std::size_t i = 0; i < spec.ports.size(); ++i) {
    json& port = (*ports)[i];
    port["protocol"] = spec.ports[i].protocol.view();
    if (spec.ports[i].targetPort.name.empty()) port["targetPort"] = spec.ports[i].targetPort.number;
    if (spec.ports[i].nodePort != 0) {
      port["nodePort"] = spec.ports[i].nodePort;
    } else {
      port.erase("nodePort");
    }
  }
}

}  // namespace epslice::sim
