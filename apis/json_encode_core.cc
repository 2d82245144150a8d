// Writing of Namespace, Node, Pod and Service: what the structs hold, where the
// decoder looks for it.
#include <string>

#include "apis/json.h"
#include "apis/json_encode.h"

namespace epslice {
namespace {

using json::OmitEmpty;
using json::OmitFalse;
using json::OmitNull;
using json::OmitUnset;
using json::OmitZero;

void BeginObject(const KindInfo& info, JsonWriter* w) {
  w->BeginObject();
  json::WriteTypeMeta(info.apiVersion, info.name, w);
}

void WriteReadyCondition(bool ready, Timestamp transition, JsonWriter* w) {
  w->Key("conditions");
  w->BeginArray();
  w->BeginObject();
  w->Field("type", "Ready");
  w->Field("status", ready ? "True" : "False");
  OmitUnset(w, "lastTransitionTime", transition);
  w->EndObject();
  w->EndArray();
}

// One container with all the named ports: which of a pod's containers had them
// is not kept.
void WritePodSpec(const Pod& pod, JsonWriter* w) {
  w->Key("spec");
  w->BeginObject();
  w->Key("containers");
  w->BeginArray();
  w->BeginObject();
  w->Field("name", "c");
  if (pod.namedPorts != nullptr && !pod.namedPorts->empty()) {
    w->Key("ports");
    w->BeginArray();
    for (const NamedPort& port : *pod.namedPorts) {
      w->BeginObject();
      w->Field("name", port.name);
      w->IntField("containerPort", port.containerPort);
      w->Field("protocol", port.protocol);
      w->EndObject();
    }
    w->EndArray();
  }
  w->EndObject();
  w->EndArray();
  OmitEmpty(w, "nodeName", pod.nodeName);
  OmitEmpty(w, "hostname", pod.hostname);
  OmitEmpty(w, "subdomain", pod.subdomain);
  w->EndObject();
}

void WritePodStatus(const Pod& pod, JsonWriter* w) {
  w->Key("status");
  w->BeginObject();
  OmitEmpty(w, "phase", PodPhaseName(pod.phase));
  if (pod.ready || pod.readyTransitionTime.is_set()) WriteReadyCondition(pod.ready, pod.readyTransitionTime, w);
  if (!pod.podIPs.empty()) {
    w->Field("podIP", pod.podIPs.front().text);
    w->Key("podIPs");
    w->BeginArray();
    for (const IpAddress& ip : pod.podIPs) {
      w->BeginObject();
      w->Field("ip", ip.text);
      w->EndObject();
    }
    w->EndArray();
  } else if (pod.hasPodIP) {
    // It had one, of which no more is known.
    w->Field("podIP", "0.0.0.0");
  }
  w->EndObject();
}

void WriteServicePort(const ServicePort& port, JsonWriter* w) {
  w->BeginObject();
  OmitEmpty(w, "name", port.name);
  OmitEmpty(w, "protocol", port.protocol);
  OmitNull(w, "appProtocol", port.appProtocol);
  w->IntField("port", port.port);
  if (port.targetPort.name.empty()) {
    OmitZero(w, "targetPort", port.targetPort.number);
  } else {
    w->Field("targetPort", port.targetPort.name);
  }
  OmitZero(w, "nodePort", port.nodePort);
  w->EndObject();
}

void WriteServiceSpec(const ServiceSpec& spec, JsonWriter* w) {
  w->Key("spec");
  w->BeginObject();
  if (!spec.ports.empty()) {
    w->Key("ports");
    w->BeginArray();
    for (const ServicePort& port : spec.ports) WriteServicePort(port, w);
    w->EndArray();
  }
  if (spec.selector.has_value()) {
    w->Key("selector");
    json::WriteMap(*spec.selector, w);
  }
  OmitEmpty(w, "clusterIP", spec.clusterIP);
  OmitEmpty(w, "clusterIPs", spec.clusterIPs);
  OmitEmpty(w, "type", spec.type);
  OmitEmpty(w, "externalTrafficPolicy", spec.externalTrafficPolicy);
  OmitZero(w, "healthCheckNodePort", spec.healthCheckNodePort);
  OmitFalse(w, "publishNotReadyAddresses", spec.publishNotReadyAddresses);
  OmitEmpty(w, "ipFamilies", spec.ipFamilies);
  OmitEmpty(w, "ipFamilyPolicy", spec.ipFamilyPolicy);
  OmitEmpty(w, "internalTrafficPolicy", spec.internalTrafficPolicy);
  OmitNull(w, "trafficDistribution", spec.trafficDistribution);
  w->EndObject();
}

}  // namespace

void AppendJson(const Namespace& object, std::string* out) {
  JsonWriter w(out);
  BeginObject(InfoOf(Kind::kNamespace), &w);
  json::WriteMetadata(object.metadata, &w);
  w.Key("status");
  w.BeginObject();
  OmitEmpty(&w, "phase", object.phase);
  w.EndObject();
  w.EndObject();
}

void AppendJson(const Node& object, std::string* out) {
  JsonWriter w(out);
  BeginObject(InfoOf(Kind::kNode), &w);
  json::WriteMetadata(object.metadata, &w);
  w.Key("spec");
  w.BeginObject();
  OmitFalse(&w, "unschedulable", object.unschedulable);
  if (!object.taints.empty()) {
    w.Key("taints");
    w.BeginArray();
    for (const Taint& taint : object.taints) {
      w.BeginObject();
      w.Field("key", taint.key);
      OmitEmpty(&w, "value", taint.value);
      w.Field("effect", taint.effect);
      w.EndObject();
    }
    w.EndArray();
  }
  w.EndObject();
  w.Key("status");
  w.BeginObject();
  if (object.allocatableCpuMilli.has_value()) {
    w.Key("allocatable");
    w.BeginObject();
    w.Field("cpu", std::to_string(*object.allocatableCpuMilli) + "m");
    w.EndObject();
  }
  WriteReadyCondition(object.ready, {}, &w);
  w.EndObject();
  w.EndObject();
}

void AppendJson(const Pod& object, std::string* out) {
  JsonWriter w(out);
  BeginObject(InfoOf(Kind::kPod), &w);
  json::WriteMetadata(object.metadata, &w);
  WritePodSpec(object, &w);
  WritePodStatus(object, &w);
  w.EndObject();
}

void AppendJson(const Service& object, std::string* out) {
  JsonWriter w(out);
  BeginObject(InfoOf(Kind::kService), &w);
  json::WriteMetadata(object.metadata, &w);
  WriteServiceSpec(object.spec, &w);
  w.EndObject();
}

}  // namespace epslice
