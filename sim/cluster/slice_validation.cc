#include "sim/cluster/slice_validation.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/types/span.h"
#include "apis/ip.h"
#include "apis/json_writer.h"
#include "apis/names.h"
#include "sim/cluster/admission.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kMaxEndpoints = 1000;
constexpr std::size_t kMaxPorts = 100;
constexpr std::size_t kMaxAddresses = 100;
constexpr std::size_t kMaxHints = 8;
constexpr std::string_view kHostnameRule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

StatusCause TooMany(std::string field, std::size_t count, std::size_t most) {
  return {"FieldValueTooMany",
          "Too many: " + std::to_string(count) + ": must have at most " + std::to_string(most) + " items",
          std::move(field)};
}

// "endpoints[3]." and so on, made only when something is wrong.
std::string At(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

// Addresses that are no endpoints; "" when the address is fine.
std::string_view WhySpecial(const IpAddress& ip) {
  const std::string_view s = ip.text;
  if (s == "0.0.0.0" || s == "::") return "may not be unspecified (0.0.0.0 or ::)";
  if (s == "::1" || (ip.family == IpFamily::kIPv4 && s.starts_with("127."))) {
    return "may not be in the loopback range (127.0.0.0/8, ::1/128)";
  }
  // The canonical form of fe80::/10 starts with fe8, fe9, fea or feb.
  const bool link_local6 = ip.family == IpFamily::kIPv6 && s.size() > 4 && s.starts_with("fe") && s[4] == ':' &&
                           std::string_view("89ab").find(s[2]) != std::string_view::npos;
  if (link_local6 || (ip.family == IpFamily::kIPv4 && s.starts_with("169.254."))) {
    return "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
  }
  const bool multicast6 =
      ip.family == IpFamily::kIPv6 && s.size() > 4 && s.starts_with("ff") && s[3] == '2' && s[4] == ':';
  if (multicast6 || (ip.family == IpFamily::kIPv4 && s.starts_with("224.0.0."))) {
    return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
  }
  return "";
}

void ValidateAddress(std::string_view address, std::string_view type, std::size_t endpoint, std::size_t index,
                     std::vector<StatusCause>* causes) {
  const auto field = [&] { return At("endpoints", endpoint) + "." + At("addresses", index); };
  if (type == "FQDN") {
    if (!IsDns1123Subdomain(address) || address.find('.') == std::string_view::npos) {
      causes->push_back(
          InvalidValue(field(), address, "should be a domain with at least two segments separated by dots"));
    }
    return;
  }
  const std::optional<IpAddress> ip = ParseIpLenient(address);
  if (!ip) {
    causes->push_back(InvalidValue(field(), address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
  } else if ((ip->family == IpFamily::kIPv4) != (type == "IPv4")) {
    causes->push_back(InvalidValue(field(), address,
                                   type == "IPv4" ? "must be a valid IPv4 address" : "must be a valid IPv6 address"));
  } else if (std::string_view why = WhySpecial(*ip); !why.empty()) {
    causes->push_back(InvalidValue(field(), address, why));
  }
}

void ValidateHints(absl::Span<const Text> names, const char* list, std::size_t endpoint,
                   std::vector<StatusCause>* causes) {
  const auto field = [&] { return At("endpoints", endpoint) + ".hints." + list; };
  if (names.size() > kMaxHints) {
    causes->push_back(TooMany(field(), names.size(), kMaxHints));
    return;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto name_field = [&] { return field() + "[" + std::to_string(i) + "].name"; };
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i)) {
      causes->push_back(DuplicateValue(name_field(), names[i]));
    } else if (!IsLabelValue(names[i]) && !IsDns1123Subdomain(names[i])) {
      causes->push_back(InvalidValue(name_field(), names[i], "must be a valid name"));
    }
  }
}

void ValidateEndpoint(const Endpoint& endpoint, std::string_view type, std::size_t index,
                      std::vector<StatusCause>* causes) {
  if (endpoint.addresses.empty()) {
    causes->push_back(RequiredValue(At("endpoints", index) + ".addresses", "must contain at least 1 address"));
  } else if (endpoint.addresses.size() > kMaxAddresses) {
    causes->push_back(TooMany(At("endpoints", index) + ".addresses", endpoint.addresses.size(), kMaxAddresses));
  } else {
    for (std::size_t i = 0; i < endpoint.addresses.size(); ++i) {
      ValidateAddress(endpoint.addresses[i], type, index, i, causes);
    }
  }
  if (!endpoint.hostname.empty() && !IsDns1123Label(endpoint.hostname)) {
    causes->push_back(InvalidValue(At("endpoints", index) + ".hostname", endpoint.hostname, kHostnameRule));
  }
  if (!endpoint.nodeName.empty() && !IsDns1123Subdomain(endpoint.nodeName)) {
    causes->push_back(
        InvalidValue(At("endpoints", index) + ".nodeName", endpoint.nodeName, "must be a valid node name"));
  }
  if (endpoint.hints) {
    ValidateHints(endpoint.hints->forZones, "forZones", index, causes);
    ValidateHints(endpoint.hints->forNodes, "forNodes", index, causes);
  }
}

// Whether all that ValidateEndpoint() looks at is equal.
bool SameNames(const Endpoint& a, const Endpoint& b) {
  return a.addresses == b.addresses && a.hostname == b.hostname && a.nodeName == b.nodeName && a.hints == b.hints;
}

void ValidatePorts(const std::vector<EndpointPort>& ports, std::vector<StatusCause>* causes) {
  if (ports.size() > kMaxPorts) {
    causes->push_back(TooMany("ports", ports.size(), kMaxPorts));
    return;
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const EndpointPort& port = ports[i];
    if (!names.insert(port.name.view()).second) causes->push_back(DuplicateValue(At("ports", i) + ".name", port.name));
    if (!port.name.empty() && !IsDns1123Label(port.name)) {
      causes->push_back(InvalidValue(At("ports", i) + ".name", port.name, kHostnameRule));
    }
    if (port.protocol != "TCP" && port.protocol != "UDP" && port.protocol != "SCTP") {
      causes->push_back(UnsupportedValue(At("ports", i) + ".protocol", port.protocol, {"SCTP", "TCP", "UDP"}));
    }
    if (port.port && (*port.port < 1 || *port.port > 65535)) {
      causes->push_back(InvalidNumber(At("ports", i) + ".port", *port.port, "must be between 1 and 65535, inclusive"));
    }
    if (port.appProtocol && !IsQualifiedName(*port.appProtocol)) {
      causes->push_back(InvalidValue(At("ports", i) + ".appProtocol", *port.appProtocol, "must be a qualified name"));
    }
  }
}

}  // namespace

std::string QuoteValue(std::string_view value) {
  std::string out;
  JsonWriter(&out).String(value);
  return out;
}

StatusCause DuplicateValue(std::string field, std::string_view value) {
  return {"FieldValueDuplicate", "Duplicate value: " + QuoteValue(value), std::move(field)};
}

StatusCause UnsupportedValue(std::string field, std::string_view value,
                             const std::vector<std::string_view>& supported) {
  std::string message = "Unsupported value: " + QuoteValue(value) + ": supported values: ";
  for (std::size_t i = 0; i < supported.size(); ++i) message += (i > 0 ? ", " : "") + QuoteValue(supported[i]);
  return {"FieldValueNotSupported", std::move(message), std::move(field)};
}

void ValidateEndpointSlice(const EndpointSlice& slice, const EndpointSlice* old, std::vector<StatusCause>* causes) {
  if (old != nullptr && old->addressType != slice.addressType) {
    causes->push_back(InvalidValue("addressType", slice.addressType, "field is immutable"));
    return;  // the addresses would all be of the wrong type
  }
  if (slice.addressType.empty()) {
    causes->push_back(RequiredValue("addressType", ""));
    return;
  }
  if (slice.addressType != "IPv4" && slice.addressType != "IPv6" && slice.addressType != "FQDN") {
    causes->push_back(UnsupportedValue("addressType", slice.addressType, {"FQDN", "IPv4", "IPv6"}));
    return;
  }
  if (slice.endpoints.size() > kMaxEndpoints) {
    causes->push_back(TooMany("endpoints", slice.endpoints.size(), kMaxEndpoints));
  } else {
    for (std::size_t i = 0; i < slice.endpoints.size(); ++i) {
      // What was stored is valid; most endpoints of an update are unchanged.
      if (old != nullptr && i < old->endpoints.size() && SameNames(slice.endpoints[i], old->endpoints[i])) continue;
      ValidateEndpoint(slice.endpoints[i], slice.addressType, i, causes);
    }
  }
  ValidatePorts(slice.ports, causes);
}

}  // namespace epslice::sim
