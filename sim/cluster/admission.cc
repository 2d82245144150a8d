#include "sim/cluster/admission.h"

#include <set>

#include "apis/names.h"
#include "sim/cluster/slice_validation.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kSubdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kLabelRule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kLabelKeyRule =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view kLabelValueRule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view kPortRule = "must be between 1 and 65535, inclusive";

bool NameIsLabel(Kind kind) { return kind == Kind::kNamespace || kind == Kind::kService; }

void CheckName(Kind kind, std::string_view name, const char* field, std::vector<StatusCause>* causes) {
  const bool label = NameIsLabel(kind);
  const std::size_t longest = label ? 63 : 253;
  if (name.size() > longest) {
    causes->push_back(InvalidValue(field, name, "must be no more than " + std::to_string(longest) + " bytes"));
  } else if (label ? !IsDns1123Label(name) : !IsDns1123Subdomain(name)) {
    causes->push_back(InvalidValue(field, name, label ? kLabelRule : kSubdomainRule));
  }
}

void ValidateServicePorts(const ServiceSpec& spec, std::vector<StatusCause>* causes) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec.ports.size(); ++i) {
    const ServicePort& port = spec.ports[i];
    const std::string at = "spec.ports[" + std::to_string(i) + "].";
    if (port.name.empty() && spec.ports.size() > 1) causes->push_back(RequiredValue(at + "name", ""));
    if (!port.name.empty() && !IsDns1123Label(port.name)) {
      causes->push_back(InvalidValue(at + "name", port.name, kLabelRule));
    }
    if (!port.name.empty() && !names.insert(port.name.view()).second) {
      causes->push_back(DuplicateValue(at + "name", port.name));
    }
    if (port.port < 1 || port.port > 65535) causes->push_back(InvalidNumber(at + "port", port.port, kPortRule));
    if (!port.protocol.empty() && port.protocol != "TCP" && port.protocol != "UDP" && port.protocol != "SCTP") {
      causes->push_back(UnsupportedValue(at + "protocol", port.protocol, {"SCTP", "TCP", "UDP"}));
    }
    if (port.targetPort.name.empty() && (port.targetPort.number < 0 || port.targetPort.number > 65535)) {
      causes->push_back(InvalidNumber(at + "targetPort", port.targetPort.number, kPortRule));
    }
  }
}

void ValidateService(const Service& service, const Service* old, std::vector<StatusCause>* causes) {
  const ServiceSpec& spec = service.spec;
  const bool external = spec.type == "ExternalName";
  if (!external && spec.type != "ClusterIP" && spec.type != "NodePort" && spec.type != "LoadBalancer") {
    causes->push_back(
        UnsupportedValue("spec.type", spec.type, {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"}));
  }
  if (spec.ports.empty() && spec.clusterIP != "None" && !external) causes->push_back(RequiredValue("spec.ports", ""));
  ValidateServicePorts(spec, causes);
  if (spec.selector) {
    for (const auto& [key, value] : *spec.selector) {
      if (!IsQualifiedName(key)) causes->push_back(InvalidValue("spec.selector", key, kLabelKeyRule));
      if (!IsLabelValue(value)) causes->push_back(InvalidValue("spec.selector", value, kLabelValueRule));
    }
  }
  if (spec.trafficDistribution && *spec.trafficDistribution != "PreferClose" &&
      *spec.trafficDistribution != "PreferSameZone" && *spec.trafficDistribution != "PreferSameNode") {
    causes->push_back(UnsupportedValue("spec.trafficDistribution", *spec.trafficDistribution,
                                       {"PreferClose", "PreferSameNode", "PreferSameZone"}));
  }
  if (old != nullptr && old->spec.type != "ExternalName" && !external && !old->spec.clusterIP.empty() &&
      old->spec.clusterIP != spec.clusterIP) {
    causes->push_back({"FieldValueInvalid",
                       "Invalid value: [\"" + spec.clusterIP.str() + "\"]: may not change once set",
                       "spec.clusterIPs[0]"});
  }
}

void ValidateLease(const Lease& lease, std::vector<StatusCause>* causes) {
  if (lease.leaseDurationSeconds && *lease.leaseDurationSeconds <= 0) {
    causes->push_back(
        InvalidNumber("spec.leaseDurationSeconds", *lease.leaseDurationSeconds, "must be greater than 0"));
  }
  if (lease.leaseTransitions && *lease.leaseTransitions < 0) {
    causes->push_back(
        InvalidNumber("spec.leaseTransitions", *lease.leaseTransitions, "must be greater than or equal to 0"));
  }
}

void ValidateEvent(const Event& event, std::vector<StatusCause>* causes) {
  // Events about cluster-scoped objects live in "default".
  const Text& about = event.involvedObject.namespace_;
  const Text& own = event.metadata.namespace_;
  if (about.empty() ? own != "default" && own != "kube-system" : about != own) {
    causes->push_back(InvalidValue("involvedObject.namespace", about, "does not match event.namespace"));
  }
}

}  // namespace

StatusCause InvalidValue(std::string field, std::string_view value, std::string_view why) {
  return {"FieldValueInvalid", "Invalid value: " + QuoteValue(value) + ": " + std::string(why), std::move(field)};
}

StatusCause InvalidNumber(std::string field, std::int64_t value, std::string_view why) {
  return {"FieldValueInvalid", "Invalid value: " + std::to_string(value) + ": " + std::string(why), std::move(field)};
}

StatusCause RequiredValue(std::string field, std::string_view why) {
  return {"FieldValueRequired", "Required value" + (why.empty() ? "" : ": " + std::string(why)), std::move(field)};
}

std::vector<StatusCause> ValidateName(Kind kind, std::string_view name, std::string_view generate_name) {
  std::vector<StatusCause> causes;
  if (!generate_name.empty()) {
    // A prefix may end in '-': something follows it.
    std::string whole(generate_name);
    if (whole.back() == '-') whole.back() = 'a';
    const bool label = NameIsLabel(kind);
    if (label ? !IsDns1123Label(whole) : !IsDns1123Subdomain(whole)) {
      causes.push_back(InvalidValue("metadata.generateName", generate_name, label ? kLabelRule : kSubdomainRule));
    }
  }
  if (name.empty()) {
    causes.push_back(RequiredValue("metadata.name", "name or generateName is required"));
  } else {
    CheckName(kind, name, "metadata.name", &causes);
  }
  return causes;
}

std::vector<StatusCause> ValidateLabels(const StringMap& labels) {
  std::vector<StatusCause> causes;
  for (const auto& [key, value] : labels) {
    if (!IsQualifiedName(key)) causes.push_back(InvalidValue("metadata.labels", key, kLabelKeyRule));
    if (!IsLabelValue(value)) causes.push_back(InvalidValue("metadata.labels", value, kLabelValueRule));
  }
  return causes;
}

std::vector<StatusCause> ValidateObject(const AnyObject& object, const AnyObject* old) {
  std::vector<StatusCause> causes;
  if (auto slice = object.As<EndpointSlice>()) {
    const auto before = old == nullptr ? nullptr : old->As<EndpointSlice>();
    ValidateEndpointSlice(*slice, before.get(), &causes);
  } else if (auto service = object.As<Service>()) {
    const auto before = old == nullptr ? nullptr : old->As<Service>();
    ValidateService(*service, before.get(), &causes);
  } else if (auto lease = object.As<Lease>()) {
    ValidateLease(*lease, &causes);
  } else if (auto event = object.As<Event>(); event != nullptr && old == nullptr) {
    ValidateEvent(*event, &causes);
  }
  return causes;
}

}  // namespace epslice::sim
