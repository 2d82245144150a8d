// Reading of EndpointSlice, Event and Lease.
#include "apis/json_reader.h"

namespace epslice::json {
namespace {

EndpointConditions ReadConditions(const JsonValue& value) {
  static constexpr Fields<3>::Names kNames = {"ready", "serving", "terminating"};
  const Fields<3> f(value, kNames);
  return {f[0].OptionalBool(), f[1].OptionalBool(), f[2].OptionalBool()};
}

TextList ReadHintNames(const JsonValue& value) {
  return value.List<Text, TextList>([](const JsonValue& item) {
    static constexpr Fields<1>::Names kNames = {"name"};
    return Fields<1>(item, kNames)[0].Shared();
  });
}

EndpointHints ReadHints(const JsonValue& value) {
  static constexpr Fields<2>::Names kNames = {"forZones", "forNodes"};
  const Fields<2> f(value, kNames);
  return {ReadHintNames(f[0]), ReadHintNames(f[1])};
}

Endpoint ReadEndpoint(const JsonValue& value) {
  static constexpr Fields<7>::Names kNames = {"addresses", "conditions", "hostname", "nodeName",
                                              "zone",      "targetRef",  "hints"};
  const Fields<7> f(value, kNames);
  Endpoint out;
  out.addresses = f[0].List<Text, TextList>([](const JsonValue& item) { return item.Unique(); });
  out.conditions = ReadConditions(f[1]);
  out.hostname = f[2].Unique();
  out.nodeName = f[3].Shared();
  out.zone = f[4].Shared();
  if (f[5].present()) out.targetRef = ReadObjectReference(f[5]);
  if (f[6].present()) out.hints = ReadHints(f[6]);
  return out;
}

EndpointPort ReadEndpointPort(const JsonValue& value) {
  static constexpr Fields<4>::Names kNames = {"name", "protocol", "port", "appProtocol"};
  const Fields<4> f(value, kNames);
  const std::string_view protocol = f[1].String();
  EndpointPort out{f[0].Shared(), Text::Intern(protocol.empty() ? "TCP" : protocol), f[2].OptionalInt32(),
                   f[3].OptionalShared()};
  return out;
}

// The component of an EventSource.
Text ReadComponent(const JsonValue& value) {
  static constexpr Fields<1>::Names kNames = {"component"};
  return Fields<1>(value, kNames)[0].Shared();
}

}  // namespace

void Read(const JsonValue& value, EndpointSlice* out) {
  static constexpr Fields<6>::Names kNames = {"apiVersion", "kind", "metadata", "addressType", "endpoints", "ports"};
  const Fields<6> f(value, kNames);
  CheckTypeMeta(Kind::kEndpointSlice, f[0], f[1]);
  Read(f[2], &out->metadata);
  out->addressType = f[3].Shared();
  out->endpoints = f[4].List<Endpoint>(ReadEndpoint);
  out->ports = f[5].List<EndpointPort>(ReadEndpointPort);
}

void Read(const JsonValue& value, Event* out) {
  // First what both spellings share, then core/v1 and its events.k8s.io/v1
  // twin, pair by pair.
  static constexpr Fields<20>::Names kNames = {"apiVersion",
                                               "kind",
                                               "metadata",
                                               "type",
                                               "reason",
                                               "action",
                                               "reportingInstance",
                                               "eventTime",
                                               "involvedObject",
                                               "regarding",
                                               "message",
                                               "note",
                                               "source",
                                               "deprecatedSource",
                                               "reportingComponent",
                                               "reportingController",
                                               "firstTimestamp",
                                               "deprecatedFirstTimestamp",
                                               "lastTimestamp",
                                               "deprecatedLastTimestamp"};
  static constexpr Fields<2>::Names kCount = {"count", "deprecatedCount"};
  const Fields<20> f(value, kNames);
  const Fields<2> c(value, kCount);
  const auto either = [&](std::size_t i) { return f[i].present() ? f[i] : f[i + 1]; };
  CheckTypeMeta(Kind::kEvent, f[0], f[1]);
  Read(f[2], &out->metadata);
  out->type = f[3].Shared();
  out->reason = f[4].Shared();
  out->action = f[5].Shared();
  out->reportingInstance = f[6].Shared();
  out->eventTime = f[7].MicroTime();
  out->involvedObject = ReadObjectReference(either(8));
  out->message = either(10).Unique();
  out->sourceComponent = ReadComponent(either(12));
  out->reportingController = either(14).Shared();
  out->firstTimestamp = either(16).Time();
  out->lastTimestamp = either(18).Time();
  out->count = c[c[0].present() ? 0 : 1].Int32();
}

void Read(const JsonValue& value, Lease* out) {
  static constexpr Fields<4>::Names kNames = {"apiVersion", "kind", "metadata", "spec"};
  static constexpr Fields<5>::Names kSpec = {"holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime",
                                             "leaseTransitions"};
  const Fields<4> f(value, kNames);
  CheckTypeMeta(Kind::kLease, f[0], f[1]);
  Read(f[2], &out->metadata);
  const JsonValue spec = f[3];
  const Fields<5> s(spec, kSpec);
  out->holderIdentity = s[0].Unique();
  out->leaseDurationSeconds = s[1].OptionalInt32();
  out->acquireTime = s[2].MicroTime();
  out->renewTime = s[3].MicroTime();
  out->leaseTransitions = s[4].OptionalInt32();
}

}  // namespace epslice::json
