// Writing of the kinds as protobuf: what the structs hold, where the decoder
// looks for it. Fields that are pointers in Go are written where JSON has
// them, empty or not.
#include <string>

#include "apis/protobuf_encode.h"
#include "apis/protobuf_fields.h"
#include "apis/request.h"

namespace epslice::protobuf {
namespace {

void WriteReady(Writer* w, std::uint32_t number, bool ready, Timestamp transition) {
  WriteMessage(w, number, [&](Writer* c) {
    Write(c, ConditionField::kType, "Ready");
    Write(c, ConditionField::kStatus, ready ? "True" : "False");
    OmitUnset(c, ConditionField::kLastTransitionTime, transition);
  });
}

// One container with all the named ports: which of a pod's containers had them
// is not kept.
void WritePodSpec(Writer* w, const Pod& pod) {
  WriteMessage(w, PodSpecField::kContainers, [&](Writer* container) {
    Write(container, ContainerField::kName, "c");
    if (pod.namedPorts == nullptr) return;
    for (const NamedPort& port : *pod.namedPorts) {
      WriteMessage(container, ContainerField::kPorts, [&](Writer* p) {
        Write(p, ContainerPortField::kName, port.name);
        p->add_int32(ContainerPortField::kContainerPort, port.containerPort);
        Write(p, ContainerPortField::kProtocol, port.protocol);
      });
    }
  });
  OmitEmpty(w, PodSpecField::kNodeName, pod.nodeName);
  OmitEmpty(w, PodSpecField::kHostname, pod.hostname);
  OmitEmpty(w, PodSpecField::kSubdomain, pod.subdomain);
}

void WritePodStatus(Writer* w, const Pod& pod) {
  OmitEmpty(w, PodStatusField::kPhase, PodPhaseName(pod.phase));
  if (pod.ready || pod.readyTransitionTime.is_set()) {
    WriteReady(w, PodStatusField::kConditions, pod.ready, pod.readyTransitionTime);
  }
  // A pod that had an address of which no more is known: as in JSON.
  if (pod.podIPs.empty() && pod.hasPodIP) Write(w, PodStatusField::kPodIP, "0.0.0.0");
  if (!pod.podIPs.empty()) Write(w, PodStatusField::kPodIP, pod.podIPs.front().text);
  for (const IpAddress& ip : pod.podIPs) {
    WriteMessage(w, PodStatusField::kPodIPs, [&](Writer* i) { Write(i, PodIPField::kIp, ip.text); });
  }
}

void WriteServicePort(Writer* w, const ServicePort& port) {
  OmitEmpty(w, ServicePortField::kName, port.name);
  OmitEmpty(w, ServicePortField::kProtocol, port.protocol);
  OmitZero(w, ServicePortField::kPort, port.port);
  WriteMessage(w, ServicePortField::kTargetPort, [&](Writer* t) {
    const bool named = !port.targetPort.name.empty();
    t->add_int32(IntOrStringField::kType, named ? IntOrStringField::kIsString : 0);
    if (!named) t->add_int32(IntOrStringField::kIntVal, port.targetPort.number);
    if (named) Write(t, IntOrStringField::kStrVal, port.targetPort.name);
  });
  OmitZero(w, ServicePortField::kNodePort, port.nodePort);
  OmitNull(w, ServicePortField::kAppProtocol, port.appProtocol);
}

void WriteServiceSpec(Writer* w, const ServiceSpec& spec) {
  using Field = ServiceSpecField;
  for (const ServicePort& port : spec.ports) {
    WriteMessage(w, Field::kPorts, [&](Writer* p) { WriteServicePort(p, port); });
  }
  if (spec.selector.has_value()) WriteMap(w, Field::kSelector, *spec.selector);
  OmitEmpty(w, Field::kClusterIP, spec.clusterIP);
  OmitEmpty(w, Field::kType, spec.type);
  OmitEmpty(w, Field::kExternalTrafficPolicy, spec.externalTrafficPolicy);
  OmitZero(w, Field::kHealthCheckNodePort, spec.healthCheckNodePort);
  if (spec.publishNotReadyAddresses) w->add_bool(Field::kPublishNotReadyAddresses, true);
  OmitEmpty(w, Field::kIpFamilyPolicy, spec.ipFamilyPolicy);
  WriteTexts(w, Field::kClusterIPs, spec.clusterIPs);
  WriteTexts(w, Field::kIpFamilies, spec.ipFamilies);
  OmitEmpty(w, Field::kInternalTrafficPolicy, spec.internalTrafficPolicy);
  OmitNull(w, Field::kTrafficDistribution, spec.trafficDistribution);
}

void WriteSource(Writer* w, std::uint32_t number, const Event& event) {
  WriteMessage(w, number, [&](Writer* s) { OmitEmpty(s, EventSourceField::kComponent, event.sourceComponent); });
}

}  // namespace

void WriteFields(Writer* w, const Namespace& object) {
  WriteMetadata(w, object.metadata);
  WriteMessage(w, ObjectField::kStatus, [&](Writer* s) { OmitEmpty(s, NamespaceStatusField::kPhase, object.phase); });
}

void WriteFields(Writer* w, const Node& object) {
  WriteMetadata(w, object.metadata);
  WriteMessage(w, ObjectField::kSpec, [&](Writer* s) {
    if (object.unschedulable) s->add_bool(NodeSpecField::kUnschedulable, true);
    for (const Taint& taint : object.taints) {
      WriteMessage(s, NodeSpecField::kTaints, [&](Writer* t) {
        Write(t, TaintField::kKey, taint.key);
        OmitEmpty(t, TaintField::kValue, taint.value);
        Write(t, TaintField::kEffect, taint.effect);
      });
    }
  });
  WriteMessage(w, ObjectField::kStatus, [&](Writer* s) {
    if (object.allocatableCpuMilli.has_value()) {
      WriteMessage(s, NodeStatusField::kAllocatable, [&](Writer* entry) {
        Write(entry, MapEntryField::kKey, "cpu");
        WriteMessage(entry, MapEntryField::kValue, [&](Writer* quantity) {
          Write(quantity, QuantityField::kString, std::to_string(*object.allocatableCpuMilli) + "m");
        });
      });
    }
    WriteReady(s, NodeStatusField::kConditions, object.ready, {});
  });
}

void WriteFields(Writer* w, const Pod& object) {
  WriteMetadata(w, object.metadata);
  WriteMessage(w, ObjectField::kSpec, [&](Writer* s) { WritePodSpec(s, object); });
  WriteMessage(w, ObjectField::kStatus, [&](Writer* s) { WritePodStatus(s, object); });
}

void WriteFields(Writer* w, const Service& object) {
  WriteMetadata(w, object.metadata);
  WriteMessage(w, ObjectField::kSpec, [&](Writer* s) { WriteServiceSpec(s, object.spec); });
}

void WriteFields(Writer* w, const EndpointSlice& object) {
  WriteMetadata(w, object.metadata);
  AppendEndpoints(object.endpoints, w->out());
  for (const EndpointPort& port : object.ports) {
    WriteMessage(w, SliceField::kPorts, [&](Writer* p) {
      Write(p, EndpointPortField::kName, port.name);
      Write(p, EndpointPortField::kProtocol, port.protocol);
      OmitNull(p, EndpointPortField::kPort, port.port);
      OmitNull(p, EndpointPortField::kAppProtocol, port.appProtocol);
    });
  }
  Write(w, SliceField::kAddressType, object.addressType);
}

void WriteFields(Writer* w, const Event& object) {
  using Field = EventField;
  WriteMetadata(w, object.metadata);
  WriteReference(w, Field::kInvolvedObject, object.involvedObject);
  OmitEmpty(w, Field::kReason, object.reason);
  OmitEmpty(w, Field::kMessage, object.message);
  WriteSource(w, Field::kSource, object);
  OmitUnset(w, Field::kFirstTimestamp, object.firstTimestamp);
  OmitUnset(w, Field::kLastTimestamp, object.lastTimestamp);
  OmitZero(w, Field::kCount, object.count);
  OmitEmpty(w, Field::kType, object.type);
  OmitUnsetMicro(w, Field::kEventTime, object.eventTime);
  OmitEmpty(w, Field::kAction, object.action);
  OmitEmpty(w, Field::kReportingComponent, object.reportingController);
  OmitEmpty(w, Field::kReportingInstance, object.reportingInstance);
}

void WriteEventsV1Fields(Writer* w, const Event& object) {
  using Field = EventsV1Field;
  WriteMetadata(w, object.metadata);
  OmitUnsetMicro(w, Field::kEventTime, object.eventTime);
  OmitEmpty(w, Field::kReportingController, object.reportingController);
  OmitEmpty(w, Field::kReportingInstance, object.reportingInstance);
  OmitEmpty(w, Field::kAction, object.action);
  OmitEmpty(w, Field::kReason, object.reason);
  WriteReference(w, Field::kRegarding, object.involvedObject);
  OmitEmpty(w, Field::kNote, object.message);
  OmitEmpty(w, Field::kType, object.type);
  WriteSource(w, Field::kDeprecatedSource, object);
  OmitUnset(w, Field::kDeprecatedFirstTimestamp, object.firstTimestamp);
  OmitUnset(w, Field::kDeprecatedLastTimestamp, object.lastTimestamp);
  OmitZero(w, Field::kDeprecatedCount, object.count);
}

void WriteFields(Writer* w, const Lease& object) {
  using Field = LeaseSpecField;
  WriteMetadata(w, object.metadata);
  WriteMessage(w, ObjectField::kSpec, [&](Writer* s) {
    OmitEmpty(s, Field::kHolderIdentity, object.holderIdentity);
    OmitNull(s, Field::kLeaseDurationSeconds, object.leaseDurationSeconds);
    OmitUnsetMicro(s, Field::kAcquireTime, object.acquireTime);
    OmitUnsetMicro(s, Field::kRenewTime, object.renewTime);
    OmitNull(s, Field::kLeaseTransitions, object.leaseTransitions);
  });
}

}  // namespace epslice::protobuf
