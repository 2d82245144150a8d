// Reading of Namespace, Node, Pod and Service.
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "apis/decode_rules.h"
#include "apis/json_reader.h"
#include "apis/quantity.h"

namespace epslice::json {
namespace {

constexpr Fields<5>::Names kObject = {"apiVersion", "kind", "metadata", "spec", "status"};
enum { kApiVersion, kKindName, kMetadata, kSpec, kStatus };

struct ReadyCondition {
  bool ready = false;
  Timestamp transition;
};

ReadyCondition ReadReady(const JsonValue& conditions) {
  static constexpr Fields<3>::Names kNames = {"type", "status", "lastTransitionTime"};
  ReadyCondition out;
  bool found = false;
  conditions.ForEachItem([&](const JsonValue& item) {
    if (found) return;
    const Fields<3> f(item, kNames);
    if (f[0].String() != decode::kReadyCondition) return;
    found = true;
    out.ready = decode::IsTrue(f[1].String());
    out.transition = f[2].Time();
  });
  return out;
}

// A Quantity is a string, but a bare number is accepted too.
std::optional<std::int64_t> ReadQuantityMilli(const JsonValue& value) {
  if (!value.present()) return std::nullopt;
  std::array<char, 400> buffer;
  std::string_view text;
  const simdjson::dom::element e = value.element();
  const auto print = [&](auto... number) {
    const std::to_chars_result r = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number...);
    text = {buffer.data(), static_cast<std::size_t>(r.ptr - buffer.data())};
  };
  if (e.is_int64()) {
    print(e.get_int64().value_unsafe());
  } else if (e.is_uint64()) {
    print(e.get_uint64().value_unsafe());
  } else if (e.is_double()) {
    print(e.get_double().value_unsafe(), std::chars_format::fixed);
  } else {
    text = value.String();
    if (value.context()->failed()) return std::nullopt;
  }
  absl::StatusOr<std::int64_t> milli = ParseQuantityMilli(text);
  if (!milli.ok()) {
    value.Fail(std::string(milli.status().message()));
    return std::nullopt;
  }
  return *milli;
}

// Appends the named ports of `containers`; of init containers only of those
// that keep running.
void ReadNamedPorts(const JsonValue& containers, bool init, std::vector<NamedPort>* out) {
  static constexpr Fields<2>::Names kContainer = {"ports", "restartPolicy"};
  static constexpr Fields<3>::Names kPort = {"name", "protocol", "containerPort"};
  containers.ForEachItem([&](const JsonValue& container) {
    const Fields<2> c(container, kContainer);
    if (init && !decode::IsSidecar(c[1].String())) return;
    c[0].ForEachItem([&](const JsonValue& port) {
      const Fields<3> p(port, kPort);
      const std::string_view name = p[0].String();
      if (name.empty()) return;
      out->push_back({Text::Intern(name), decode::ProtocolOf(p[1].String()), p[2].Int32()});
    });
  });
}

void ReadPodSpec(const JsonValue& spec, Pod* out) {
  static constexpr Fields<5>::Names kNames = {"nodeName", "hostname", "subdomain", "containers", "initContainers"};
  const Fields<5> f(spec, kNames);
  out->nodeName = f[0].Shared();
  out->hostname = f[1].Unique();
  out->subdomain = f[2].Shared();
  std::vector<NamedPort> ports;
  ReadNamedPorts(f[3], false, &ports);
  ReadNamedPorts(f[4], true, &ports);
  out->namedPorts = spec.context()->siblings.Share(ports);
}

void ReadPodStatus(const JsonValue& status, Pod* out) {
  static constexpr Fields<4>::Names kNames = {"phase", "conditions", "podIP", "podIPs"};
  static constexpr Fields<1>::Names kPodIp = {"ip"};
  const Fields<4> f(status, kNames);
  out->phase = decode::PhaseOf(f[0].String());
  const ReadyCondition ready = ReadReady(f[1]);
  out->ready = ready.ready;
  out->readyTransitionTime = ready.transition;
  const JsonValue ips = f[3];
  const std::size_t count = ips.ItemCount();
  out->hasPodIP = !f[2].String().empty() || count > 0;
  out->podIPs.reserve(count);
  ips.ForEachItem([&](const JsonValue& item) {
    const Fields<1> ip(item, kPodIp);
    decode::AppendPodIp(ip[0].String(), &out->podIPs);
  });
  out->podIPs.shrink_to_fit();
}

IntOrString ReadIntOrString(const JsonValue& value) {
  IntOrString out;
  if (value.present() && value.element().is_string()) {
    out.name = value.Shared();
  } else if (value.present() && !value.element().is_number()) {
    value.WrongType("a number or a string");
  } else {
    out.number = value.Int32();
  }
  return out;
}

ServicePort ReadServicePort(const JsonValue& value) {
  static constexpr Fields<6>::Names kNames = {"name", "protocol", "appProtocol", "port", "nodePort", "targetPort"};
  const Fields<6> f(value, kNames);
  ServicePort out;
  out.name = f[0].Shared();
  out.protocol = decode::ProtocolOf(f[1].String());
  out.appProtocol = f[2].OptionalShared();
  out.port = f[3].Int32();
  out.nodePort = f[4].Int32();
  out.targetPort = ReadIntOrString(f[5]);
  return out;
}

void ReadServiceSpec(const JsonValue& spec, ServiceSpec* out) {
  static constexpr Fields<12>::Names kNames = {"type",
                                               "selector",
                                               "clusterIP",
                                               "clusterIPs",
                                               "ipFamilies",
                                               "ipFamilyPolicy",
                                               "ports",
                                               "publishNotReadyAddresses",
                                               "trafficDistribution",
                                               "internalTrafficPolicy",
                                               "externalTrafficPolicy",
                                               "healthCheckNodePort"};
  const Fields<12> f(spec, kNames);
  out->type = f[0].Shared();
  if (f[1].present()) out->selector = f[1].Labels();
  out->clusterIP = f[2].Shared();
  out->clusterIPs = f[3].List<Text>([](const JsonValue& item) { return item.Unique(); });
  out->ipFamilies = f[4].List<Text>([](const JsonValue& item) { return item.Shared(); });
  out->ipFamilyPolicy = f[5].Shared();
  out->ports = f[6].List<ServicePort>(ReadServicePort);
  out->publishNotReadyAddresses = f[7].Bool();
  out->trafficDistribution = f[8].OptionalShared();
  out->internalTrafficPolicy = f[9].Shared();
  out->externalTrafficPolicy = f[10].Shared();
  out->healthCheckNodePort = f[11].Int32();
}

}  // namespace

void Read(const JsonValue& value, Namespace* out) {
  const Fields<5> f(value, kObject);
  CheckTypeMeta(Kind::kNamespace, f[kApiVersion], f[kKindName]);
  Read(f[kMetadata], &out->metadata);
  static constexpr Fields<1>::Names kNames = {"phase"};
  const JsonValue status = f[kStatus];
  out->phase = Fields<1>(status, kNames)[0].Shared();
}

void Read(const JsonValue& value, Node* out) {
  const Fields<5> f(value, kObject);
  CheckTypeMeta(Kind::kNode, f[kApiVersion], f[kKindName]);
  Read(f[kMetadata], &out->metadata);

  static constexpr Fields<2>::Names kSpecNames = {"unschedulable", "taints"};
  const JsonValue spec = f[kSpec];
  const Fields<2> s(spec, kSpecNames);
  out->unschedulable = s[0].Bool();
  out->taints = s[1].List<Taint>([](const JsonValue& taint) {
    static constexpr Fields<3>::Names kTaint = {"key", "value", "effect"};
    const Fields<3> t(taint, kTaint);
    return Taint{t[0].Shared(), t[1].Shared(), t[2].Shared()};
  });

  static constexpr Fields<2>::Names kStatusNames = {"conditions", "allocatable"};
  static constexpr Fields<1>::Names kAllocatable = {"cpu"};
  const JsonValue status = f[kStatus];
  const Fields<2> t(status, kStatusNames);
  out->ready = ReadReady(t[0]).ready;
  const JsonValue allocatable = t[1];
  out->allocatableCpuMilli = ReadQuantityMilli(Fields<1>(allocatable, kAllocatable)[0]);
}

void Read(const JsonValue& value, Pod* out) {
  const Fields<5> f(value, kObject);
  CheckTypeMeta(Kind::kPod, f[kApiVersion], f[kKindName]);
  Read(f[kMetadata], &out->metadata);
  ReadPodSpec(f[kSpec], out);
  ReadPodStatus(f[kStatus], out);
}

void Read(const JsonValue& value, Service* out) {
  const Fields<5> f(value, kObject);
  CheckTypeMeta(Kind::kService, f[kApiVersion], f[kKindName]);
  Read(f[kMetadata], &out->metadata);
  ReadServiceSpec(f[kSpec], &out->spec);
}

}  // namespace epslice::json
