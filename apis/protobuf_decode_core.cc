// Reading of Namespace, Node, Pod and Service from protobuf.
#include <string>
#include <utility>

#include "apis/ip.h"
#include "apis/protobuf_fields.h"
#include "apis/protobuf_reader.h"
#include "apis/quantity.h"

namespace epslice::protobuf {
namespace {

struct Condition {
  std::string_view type;
  std::string_view status;
  Timestamp transition;
};

// Of conditions that are not of interest only what says so.
Condition ReadCondition(std::string_view message, Context* context) {
  Condition out;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case ConditionField::kType: out.type = f.Chars("type"); break;
      case ConditionField::kStatus: out.status = f.Chars("status"); break;
      case ConditionField::kLastTransitionTime:
        if (out.type.empty() || out.type == decode::kReadyCondition) {
          out.transition = f.Time("lastTransitionTime");
        } else {
          f.Skip();
        }
        break;
      default: f.Skip();
    }
  }
  return out;
}

// Watches the conditions of an object go by for the first of type Ready.
struct ReadyCondition {
  bool found = false;
  bool ready = false;
  Timestamp transition;

  void See(Fields* f) {
    f->context()->Count();
    if (found) return f->Skip();
    f->Message("conditions", [&](std::string_view message) {
      const Condition condition = ReadCondition(message, f->context());
      if (condition.type != decode::kReadyCondition) return;
      found = true;
      ready = decode::IsTrue(condition.status);
      transition = condition.transition;
    });
  }
};

// The text of a Quantity.
std::string_view ReadQuantity(std::string_view message, Context* context) {
  std::string_view text;
  for (Fields f(message, context); f.Next();) {
    if (f.number() == QuantityField::kString) {
      text = f.Chars("cpu");
    } else {
      f.Skip();
    }
  }
  return text;
}

// One entry of a ResourceList.
void ReadResource(std::string_view message, Context* context, std::optional<std::int64_t>* cpu_milli) {
  std::string_view key;
  std::string_view quantity;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case MapEntryField::kKey: key = f.Chars("allocatable"); break;
      case MapEntryField::kValue: quantity = f.Bytes("allocatable"); break;
      default: f.Skip();
    }
  }
  if (key != "cpu") return;
  const absl::StatusOr<std::int64_t> milli = ParseQuantityMilli(ReadQuantity(quantity, context));
  if (!milli.ok()) context->Fail("cpu", std::string(milli.status().message()));
  *cpu_milli = *milli;
}

Taint ReadTaint(std::string_view message, Context* context) {
  Taint out;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case TaintField::kKey: out.key = f.Shared("key"); break;
      case TaintField::kValue: out.value = f.Shared("value"); break;
      case TaintField::kEffect: out.effect = f.Shared("effect"); break;
      default: f.Skip();
    }
  }
  return out;
}

void ReadNodeSpec(std::string_view message, Context* context, Node* out) {
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case NodeSpecField::kUnschedulable: out->unschedulable = f.Bool("unschedulable"); break;
      case NodeSpecField::kTaints: f.Element("taints", &out->taints, ReadTaint); break;
      default: f.Skip();
    }
  }
  out->taints.shrink_to_fit();
}

void ReadNodeStatus(std::string_view message, Context* context, Node* out) {
  ReadyCondition ready;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case NodeStatusField::kAllocatable:
        context->Count();
        f.Message("allocatable",
                  [&](std::string_view entry) { ReadResource(entry, context, &out->allocatableCpuMilli); });
        break;
      case NodeStatusField::kConditions: ready.See(&f); break;
      default: f.Skip();
    }
  }
  out->ready = ready.ready;
}

void ReadContainerPort(std::string_view message, Context* context, std::vector<NamedPort>* out) {
  std::string_view name;
  std::string_view protocol;
  std::int32_t number = 0;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case ContainerPortField::kName: name = f.Chars("name"); break;
      case ContainerPortField::kContainerPort: number = f.Int32("containerPort"); break;
      case ContainerPortField::kProtocol: protocol = f.Chars("protocol"); break;
      default: f.Skip();
    }
  }
  if (!name.empty()) out->push_back({context->Shared(name), decode::ProtocolOf(protocol), number});
}

// Appends the named ports of one container; of an init container only if it
// keeps running.
void ReadContainer(std::string_view message, Context* context, bool init, std::vector<NamedPort>* out) {
  const std::size_t before = out->size();
  bool counts = !init;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case ContainerField::kPorts:
        context->Count();
        f.Message("ports", [&](std::string_view port) { ReadContainerPort(port, context, out); });
        break;
      case ContainerField::kRestartPolicy: counts = decode::IsSidecar(f.Chars("restartPolicy")) || !init; break;
      default: f.Skip();
    }
  }
  if (!counts) out->resize(before);
}

void ReadPodSpec(std::string_view message, Context* context, Pod* out) {
  context->ports.clear();
  context->init_ports.clear();
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case PodSpecField::kNodeName: out->nodeName = f.Shared("nodeName"); break;
      case PodSpecField::kHostname: out->hostname = f.Unique("hostname"); break;
      case PodSpecField::kSubdomain: out->subdomain = f.Shared("subdomain"); break;
      case PodSpecField::kContainers:
        f.Message("containers",
                  [&](std::string_view container) { ReadContainer(container, context, false, &context->ports); });
        break;
      case PodSpecField::kInitContainers:
        f.Message("initContainers",
                  [&](std::string_view container) { ReadContainer(container, context, true, &context->init_ports); });
        break;
      default: f.Skip();
    }
  }
  context->ports.insert(context->ports.end(), context->init_ports.begin(), context->init_ports.end());
  out->namedPorts = context->siblings.Share(context->ports);
}

std::string_view ReadPodIp(std::string_view message, Context* context) {
  std::string_view ip;
  for (Fields f(message, context); f.Next();) {
    if (f.number() == PodIPField::kIp) {
      ip = f.Chars("ip");
    } else {
      f.Skip();
    }
  }
  return ip;
}

void ReadPodStatus(std::string_view message, Context* context, Pod* out) {
  ReadyCondition ready;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case PodStatusField::kPhase: out->phase = decode::PhaseOf(f.Chars("phase")); break;
      case PodStatusField::kConditions: ready.See(&f); break;
      case PodStatusField::kPodIP: out->hasPodIP = !f.Chars("podIP").empty() || out->hasPodIP; break;
      case PodStatusField::kPodIPs:
        context->Count();
        out->hasPodIP = true;
        f.Message("podIPs", [&](std::string_view ip) { decode::AppendPodIp(ReadPodIp(ip, context), &out->podIPs); });
        break;
      default: f.Skip();
    }
  }
  out->ready = ready.ready;
  out->readyTransitionTime = ready.transition;
  out->podIPs.shrink_to_fit();
}

IntOrString ReadIntOrString(std::string_view message, Context* context) {
  std::int32_t type = 0;
  std::int32_t number = 0;
  std::string_view name;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case IntOrStringField::kType: type = f.Int32("type"); break;
      case IntOrStringField::kIntVal: number = f.Int32("intVal"); break;
      case IntOrStringField::kStrVal: name = f.Chars("strVal"); break;
      default: f.Skip();
    }
  }
  if (type == IntOrStringField::kIsString) return {0, context->Shared(name)};
  return {number, {}};
}

ServicePort ReadServicePort(std::string_view message, Context* context) {
  ServicePort out;
  std::string_view protocol;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case ServicePortField::kName: out.name = f.Shared("name"); break;
      case ServicePortField::kProtocol: protocol = f.Chars("protocol"); break;
      case ServicePortField::kPort: out.port = f.Int32("port"); break;
      case ServicePortField::kTargetPort:
        f.Message("targetPort", [&](std::string_view value) { out.targetPort = ReadIntOrString(value, context); });
        break;
      case ServicePortField::kNodePort: out.nodePort = f.Int32("nodePort"); break;
      case ServicePortField::kAppProtocol: out.appProtocol = f.Shared("appProtocol"); break;
      default: f.Skip();
    }
  }
  out.protocol = decode::ProtocolOf(protocol);
  return out;
}

void ReadServiceSpec(std::string_view message, Context* context, ServiceSpec* out) {
  context->labels.clear();
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case ServiceSpecField::kPorts: f.Element("ports", &out->ports, ReadServicePort); break;
      case ServiceSpecField::kSelector: f.Entry("selector", &context->labels); break;
      case ServiceSpecField::kClusterIP: out->clusterIP = f.Shared("clusterIP"); break;
      case ServiceSpecField::kType: out->type = f.Shared("type"); break;
      case ServiceSpecField::kExternalTrafficPolicy:
        out->externalTrafficPolicy = f.Shared("externalTrafficPolicy");
        break;
      case ServiceSpecField::kHealthCheckNodePort: out->healthCheckNodePort = f.Int32("healthCheckNodePort"); break;
      case ServiceSpecField::kPublishNotReadyAddresses:
        out->publishNotReadyAddresses = f.Bool("publishNotReadyAddresses");
        break;
      case ServiceSpecField::kIpFamilyPolicy: out->ipFamilyPolicy = f.Shared("ipFamilyPolicy"); break;
      case ServiceSpecField::kClusterIPs:
        context->Count();
        out->clusterIPs.push_back(f.Unique("clusterIPs"));
        break;
      case ServiceSpecField::kIpFamilies:
        context->Count();
        out->ipFamilies.push_back(f.Shared("ipFamilies"));
        break;
      case ServiceSpecField::kInternalTrafficPolicy:
        out->internalTrafficPolicy = f.Shared("internalTrafficPolicy");
        break;
      case ServiceSpecField::kTrafficDistribution: out->trafficDistribution = f.Shared("trafficDistribution"); break;
      default: f.Skip();
    }
  }
  if (!context->labels.empty()) out->selector = Labels(context->labels, context);
  out->ports.shrink_to_fit();
  out->clusterIPs.shrink_to_fit();
  out->ipFamilies.shrink_to_fit();
}

// The three parts of an object.
template <typename Meta, typename Spec, typename State>
void ReadParts(std::string_view message, Context* context, Meta* metadata, Spec spec, State status) {
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case ObjectField::kMetadata:
        f.Message("metadata", [&](std::string_view bytes) { Read(bytes, context, metadata); });
        break;
      case ObjectField::kSpec: f.Message("spec", spec); break;
      case ObjectField::kStatus: f.Message("status", status); break;
      default: f.Skip();
    }
  }
}

constexpr auto kIgnore = [](std::string_view) {};

}  // namespace

void Read(std::string_view message, Context* context, Namespace* out) {
  ReadParts(message, context, &out->metadata, kIgnore, [&](std::string_view status) {
    for (Fields f(status, context); f.Next();) {
      if (f.number() == NamespaceStatusField::kPhase) {
        out->phase = f.Shared("phase");
      } else {
        f.Skip();
      }
    }
  });
}

void Read(std::string_view message, Context* context, Node* out) {
  ReadParts(
      message, context, &out->metadata, [&](std::string_view spec) { ReadNodeSpec(spec, context, out); },
      [&](std::string_view status) { ReadNodeStatus(status, context, out); });
}

void Read(std::string_view message, Context* context, Pod* out) {
  ReadParts(
      message, context, &out->metadata, [&](std::string_view spec) { ReadPodSpec(spec, context, out); },
      [&](std::string_view status) { ReadPodStatus(status, context, out); });
}

void Read(std::string_view message, Context* context, Service* out) {
  ReadParts(
      message, context, &out->metadata, [&](std::string_view spec) { ReadServiceSpec(spec, context, &out->spec); },
      kIgnore);
}

}  // namespace epslice::protobuf
