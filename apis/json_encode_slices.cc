// Writing of EndpointSlice, Event and Lease.
#include <string>

#include "absl/types/span.h"
#include "apis/json.h"
#include "apis/json_encode.h"

namespace epslice {
namespace {

using json::OmitEmpty;
using json::OmitNull;
using json::OmitUnset;
using json::OmitUnsetMicro;
using json::OmitZero;

void WriteHintNames(std::string_view key, absl::Span<const Text> names, JsonWriter* w) {
  if (names.empty()) return;
  w->Key(key);
  w->BeginArray();
  for (const Text& name : names) {
    w->BeginObject();
    w->Field("name", name);
    w->EndObject();
  }
  w->EndArray();
}

void WriteEndpoint(const Endpoint& endpoint, JsonWriter* w) {
  w->BeginObject();
  w->Key("addresses");
  json::WriteTexts(endpoint.addresses, w);
  w->Key("conditions");
  w->BeginObject();
  OmitNull(w, "ready", endpoint.conditions.ready);
  OmitNull(w, "serving", endpoint.conditions.serving);
  OmitNull(w, "terminating", endpoint.conditions.terminating);
  w->EndObject();
  OmitEmpty(w, "hostname", endpoint.hostname);
  if (endpoint.targetRef.has_value()) {
    w->Key("targetRef");
    json::WriteObjectReference(*endpoint.targetRef, w);
  }
  OmitEmpty(w, "nodeName", endpoint.nodeName);
  OmitEmpty(w, "zone", endpoint.zone);
  if (endpoint.hints.has_value()) {
    w->Key("hints");
    w->BeginObject();
    WriteHintNames("forZones", endpoint.hints->forZones, w);
    WriteHintNames("forNodes", endpoint.hints->forNodes, w);
    w->EndObject();
  }
  w->EndObject();
}

void WriteEndpointPort(const EndpointPort& port, JsonWriter* w) {
  w->BeginObject();
  w->Field("name", port.name);
  w->Field("protocol", port.protocol);
  OmitNull(w, "port", port.port);
  OmitNull(w, "appProtocol", port.appProtocol);
  w->EndObject();
}

void WriteSource(std::string_view key, const Event& event, JsonWriter* w) {
  w->Key(key);
  w->BeginObject();
  OmitEmpty(w, "component", event.sourceComponent);
  w->EndObject();
}

}  // namespace

void AppendJson(const EndpointSlice& object, std::string* out) {
  JsonWriter w(out);
  w.BeginObject();
  json::WriteTypeMeta(InfoOf(Kind::kEndpointSlice).apiVersion, InfoOf(Kind::kEndpointSlice).name, &w);
  json::WriteMetadata(object.metadata, &w);
  w.Field("addressType", object.addressType);
  w.Key("endpoints");
  w.BeginArray();
  for (const Endpoint& endpoint : object.endpoints) WriteEndpoint(endpoint, &w);
  w.EndArray();
  w.Key("ports");
  w.BeginArray();
  for (const EndpointPort& port : object.ports) WriteEndpointPort(port, &w);
  w.EndArray();
  w.EndObject();
}

void AppendJson(const Event& object, std::string* out) {
  JsonWriter w(out);
  w.BeginObject();
  json::WriteTypeMeta("v1", "Event", &w);
  json::WriteMetadata(object.metadata, &w);
  w.Key("involvedObject");
  json::WriteObjectReference(object.involvedObject, &w);
  OmitEmpty(&w, "reason", object.reason);
  OmitEmpty(&w, "message", object.message);
  WriteSource("source", object, &w);
  OmitUnset(&w, "firstTimestamp", object.firstTimestamp);
  OmitUnset(&w, "lastTimestamp", object.lastTimestamp);
  OmitZero(&w, "count", object.count);
  OmitEmpty(&w, "type", object.type);
  OmitUnsetMicro(&w, "eventTime", object.eventTime);
  OmitEmpty(&w, "action", object.action);
  OmitEmpty(&w, "reportingComponent", object.reportingController);
  OmitEmpty(&w, "reportingInstance", object.reportingInstance);
  w.EndObject();
}

std::string EncodeEventsV1Json(const Event& object) {
  std::string out;
  JsonWriter w(&out);
  w.BeginObject();
  json::WriteTypeMeta("events.k8s.io/v1", "Event", &w);
  json::WriteMetadata(object.metadata, &w);
  OmitUnsetMicro(&w, "eventTime", object.eventTime);
  OmitEmpty(&w, "reportingController", object.reportingController);
  OmitEmpty(&w, "reportingInstance", object.reportingInstance);
  OmitEmpty(&w, "action", object.action);
  OmitEmpty(&w, "reason", object.reason);
  w.Key("regarding");
  json::WriteObjectReference(object.involvedObject, &w);
  OmitEmpty(&w, "note", object.message);
  OmitEmpty(&w, "type", object.type);
  WriteSource("deprecatedSource", object, &w);
  OmitUnset(&w, "deprecatedFirstTimestamp", object.firstTimestamp);
  OmitUnset(&w, "deprecatedLastTimestamp", object.lastTimestamp);
  OmitZero(&w, "deprecatedCount", object.count);
  w.EndObject();
  return out;
}

void AppendJson(const Lease& object, std::string* out) {
  JsonWriter w(out);
  w.BeginObject();
  json::WriteTypeMeta(InfoOf(Kind::kLease).apiVersion, InfoOf(Kind::kLease).name, &w);
  json::WriteMetadata(object.metadata, &w);
  w.Key("spec");
  w.BeginObject();
  OmitEmpty(&w, "holderIdentity", object.holderIdentity);
  OmitNull(&w, "leaseDurationSeconds", object.leaseDurationSeconds);
  OmitUnsetMicro(&w, "acquireTime", object.acquireTime);
  OmitUnsetMicro(&w, "renewTime", object.renewTime);
  OmitNull(&w, "leaseTransitions", object.leaseTransitions);
  w.EndObject();
  w.EndObject();
}

}  // namespace epslice
