// Reading of EndpointSlice, Event and Lease from protobuf.
#include "apis/protobuf_fields.h"
#include "apis/protobuf_reader.h"

namespace epslice::protobuf {
namespace {

EndpointConditions ReadConditions(std::string_view message, Context* context) {
  EndpointConditions out;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case EndpointConditionsField::kReady: out.ready = f.Bool("ready"); break;
      case EndpointConditionsField::kServing: out.serving = f.Bool("serving"); break;
      case EndpointConditionsField::kTerminating: out.terminating = f.Bool("terminating"); break;
      default: f.Skip();
    }
  }
  return out;
}

Text ReadHintName(std::string_view message, Context* context) {
  Text name;
  for (Fields f(message, context); f.Next();) {
    if (f.number() == HintField::kName) {
      name = f.Shared("name");
    } else {
      f.Skip();
    }
  }
  return name;
}

EndpointHints ReadHints(std::string_view message, Context* context) {
  EndpointHints out;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case HintsField::kForZones: f.Element("forZones", &out.forZones, ReadHintName); break;
      case HintsField::kForNodes: f.Element("forNodes", &out.forNodes, ReadHintName); break;
      default: f.Skip();
    }
  }
  out.forZones.shrink_to_fit();
  out.forNodes.shrink_to_fit();
  return out;
}

Endpoint ReadEndpoint(std::string_view message, Context* context) {
  Endpoint out;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case EndpointField::kAddresses:
        context->Count();
        out.addresses.push_back(f.Unique("addresses"));
        break;
      case EndpointField::kConditions:
        f.Message("conditions", [&](std::string_view bytes) { out.conditions = ReadConditions(bytes, context); });
        break;
      case EndpointField::kHostname: out.hostname = f.Unique("hostname"); break;
      case EndpointField::kTargetRef:
        f.Message("targetRef", [&](std::string_view bytes) { out.targetRef = ReadObjectReference(bytes, context); });
        break;
      case EndpointField::kNodeName: out.nodeName = f.Shared("nodeName"); break;
      case EndpointField::kZone: out.zone = f.Shared("zone"); break;
      case EndpointField::kHints:
        f.Message("hints", [&](std::string_view bytes) { out.hints = ReadHints(bytes, context); });
        break;
      default: f.Skip();
    }
  }
  out.addresses.shrink_to_fit();
  return out;
}

EndpointPort ReadEndpointPort(std::string_view message, Context* context) {
  EndpointPort out;
  std::string_view protocol;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case EndpointPortField::kName: out.name = f.Shared("name"); break;
      case EndpointPortField::kProtocol: protocol = f.Chars("protocol"); break;
      case EndpointPortField::kPort: out.port = f.Int32("port"); break;
      case EndpointPortField::kAppProtocol: out.appProtocol = f.Shared("appProtocol"); break;
      default: f.Skip();
    }
  }
  out.protocol = decode::ProtocolOf(protocol);
  return out;
}

// The component of an EventSource.
Text ReadComponent(std::string_view message, Context* context) {
  Text component;
  for (Fields f(message, context); f.Next();) {
    if (f.number() == EventSourceField::kComponent) {
      component = f.Shared("component");
    } else {
      f.Skip();
    }
  }
  return component;
}

void ReadLeaseSpec(std::string_view message, Context* context, Lease* out) {
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case LeaseSpecField::kHolderIdentity: out->holderIdentity = f.Unique("holderIdentity"); break;
      case LeaseSpecField::kLeaseDurationSeconds: out->leaseDurationSeconds = f.Int32("leaseDurationSeconds"); break;
      case LeaseSpecField::kAcquireTime: out->acquireTime = f.MicroTime("acquireTime"); break;
      case LeaseSpecField::kRenewTime: out->renewTime = f.MicroTime("renewTime"); break;
      case LeaseSpecField::kLeaseTransitions: out->leaseTransitions = f.Int32("leaseTransitions"); break;
      default: f.Skip();
    }
  }
}

}  // namespace

void Read(std::string_view message, Context* context, EndpointSlice* out) {
  if (context->written != nullptr) {
    const std::string_view content = WrittenSlices::ContentOf(message);
    if (context->written->Take(content, out)) message.remove_suffix(content.size());
  }
  if (!context->metadata_only && out->endpoints.empty()) {
    out->endpoints.reserve(CountFields(message, SliceField::kEndpoints));
  }
  for (Fields f(message, context); f.Next();) {
    if (context->metadata_only && f.number() != SliceField::kMetadata) {
      f.Skip();
      continue;
    }
    switch (f.number()) {
      case SliceField::kMetadata:
        f.Message("metadata", [&](std::string_view bytes) { Read(bytes, context, &out->metadata); });
        break;
      case SliceField::kEndpoints: f.Element("endpoints", &out->endpoints, ReadEndpoint); break;
      case SliceField::kPorts: f.Element("ports", &out->ports, ReadEndpointPort); break;
      case SliceField::kAddressType: out->addressType = f.Shared("addressType"); break;
      default: f.Skip();
    }
  }
  out->ports.shrink_to_fit();
}

void Read(std::string_view message, Context* context, Event* out) {
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case EventField::kMetadata:
        f.Message("metadata", [&](std::string_view bytes) { Read(bytes, context, &out->metadata); });
        break;
      case EventField::kInvolvedObject:
        f.Message("involvedObject",
                  [&](std::string_view bytes) { out->involvedObject = ReadObjectReference(bytes, context); });
        break;
      case EventField::kReason: out->reason = f.Shared("reason"); break;
      case EventField::kMessage: out->message = f.Unique("message"); break;
      case EventField::kSource:
        f.Message("source", [&](std::string_view bytes) { out->sourceComponent = ReadComponent(bytes, context); });
        break;
      case EventField::kFirstTimestamp: out->firstTimestamp = f.Time("firstTimestamp"); break;
      case EventField::kLastTimestamp: out->lastTimestamp = f.Time("lastTimestamp"); break;
      case EventField::kCount: out->count = f.Int32("count"); break;
      case EventField::kType: out->type = f.Shared("type"); break;
      case EventField::kEventTime: out->eventTime = f.MicroTime("eventTime"); break;
      case EventField::kAction: out->action = f.Shared("action"); break;
      case EventField::kReportingComponent: out->reportingController = f.Shared("reportingComponent"); break;
      case EventField::kReportingInstance: out->reportingInstance = f.Shared("reportingInstance"); break;
      default: f.Skip();
    }
  }
}

void ReadEventsV1(std::string_view message, Context* context, Event* out) {
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case EventsV1Field::kMetadata:
        f.Message("metadata", [&](std::string_view bytes) { Read(bytes, context, &out->metadata); });
        break;
      case EventsV1Field::kEventTime: out->eventTime = f.MicroTime("eventTime"); break;
      case EventsV1Field::kReportingController: out->reportingController = f.Shared("reportingController"); break;
      case EventsV1Field::kReportingInstance: out->reportingInstance = f.Shared("reportingInstance"); break;
      case EventsV1Field::kAction: out->action = f.Shared("action"); break;
      case EventsV1Field::kReason: out->reason = f.Shared("reason"); break;
      case EventsV1Field::kRegarding:
        f.Message("regarding",
                  [&](std::string_view bytes) { out->involvedObject = ReadObjectReference(bytes, context); });
        break;
      case EventsV1Field::kNote: out->message = f.Unique("note"); break;
      case EventsV1Field::kType: out->type = f.Shared("type"); break;
      case EventsV1Field::kDeprecatedSource:
        f.Message("deprecatedSource",
                  [&](std::string_view bytes) { out->sourceComponent = ReadComponent(bytes, context); });
        break;
      case EventsV1Field::kDeprecatedFirstTimestamp: out->firstTimestamp = f.Time("deprecatedFirstTimestamp"); break;
      case EventsV1Field::kDeprecatedLastTimestamp: out->lastTimestamp = f.Time("deprecatedLastTimestamp"); break;
      case EventsV1Field::kDeprecatedCount: out->count = f.Int32("deprecatedCount"); break;
      default: f.Skip();
    }
  }
}

void Read(std::string_view message, Context* context, Lease* out) {
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case ObjectField::kMetadata:
        f.Message("metadata", [&](std::string_view bytes) { Read(bytes, context, &out->metadata); });
        break;
      case ObjectField::kSpec:
        f.Message("spec", [&](std::string_view bytes) { ReadLeaseSpec(bytes, context, out); });
        break;
      default: f.Skip();
    }
  }
}

}  // namespace epslice::protobuf
