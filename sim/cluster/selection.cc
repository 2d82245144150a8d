#include "sim/cluster/selection.h"

#include <optional>
#include <utility>

namespace epslice::sim {
namespace {

std::optional<std::string_view> PodField(const Pod& pod, std::string_view field) {
  if (field == "spec.nodeName") return pod.nodeName.view();
  if (field == "status.phase") return SelectablePhase(pod.phase);
  if (field == "status.podIP") return pod.podIPs.empty() ? std::string_view() : pod.podIPs.front().text.view();
  return std::nullopt;
}

std::optional<std::string_view> EventField(const Event& event, std::string_view field) {
  const ObjectReference& about = event.involvedObject;
  if (field == "involvedObject.kind") return about.kind.view();
  if (field == "involvedObject.namespace") return about.namespace_.view();
  if (field == "involvedObject.name") return about.name.view();
  if (field == "involvedObject.uid") return about.uid.view();
  if (field == "involvedObject.apiVersion") return about.apiVersion.view();
  if (field == "involvedObject.resourceVersion") return about.resourceVersion.view();
  if (field == "involvedObject.fieldPath") return about.fieldPath.view();
  if (field == "reason") return event.reason.view();
  if (field == "type") return event.type.view();
  if (field == "reportingComponent") return event.reportingController.view();
  if (field == "source") {
    return event.sourceComponent.empty() ? event.reportingController.view() : event.sourceComponent.view();
  }
  return std::nullopt;
}

// The value of a field, or nullopt when the kind does not know it.
std::optional<std::string_view> FieldOf(const AnyObject& object, std::string_view field) {
  if (field == "metadata.name") return object.meta().name.view();
  if (field == "metadata.namespace") return object.meta().namespace_.view();
  if (auto pod = object.As<Pod>()) return PodField(*pod, field);
  if (auto event = object.As<Event>()) return EventField(*event, field);
  if (auto node = object.As<Node>(); node != nullptr && field == "spec.unschedulable") {
    return node->unschedulable ? "true" : "false";
  }
  if (auto ns = object.As<Namespace>()) {
    if (field == "name") return object.meta().name.view();
    if (field == "status.phase") return object.As<Namespace>()->phase.view();
  }
  if (auto service = object.As<Service>()) {
    if (field == "spec.clusterIP") return object.As<Service>()->spec.clusterIP.view();
    if (field == "spec.type") return object.As<Service>()->spec.type.view();
  }
  return std::nullopt;
}

// An empty object of the kind: to ask which fields it knows.
AnyObject Blank(Kind kind) {
  switch (kind) {
    case Kind::kNamespace: return AnyObject::Of(Namespace{});
    case Kind::kNode: return AnyObject::Of(Node{});
    case Kind::kPod: return AnyObject::Of(Pod{});
    case Kind::kService: return AnyObject::Of(Service{});
    case Kind::kEndpointSlice: return AnyObject::Of(EndpointSlice{});
    case Kind::kEvent: return AnyObject::Of(Event{});
    case Kind::kLease: break;
  }
  return AnyObject::Of(Lease{});
}

std::string UnknownField(Kind kind, const std::string& field) {
  // Kinds without fields of their own go through the API machinery's default.
  if (kind == Kind::kEndpointSlice || kind == Kind::kLease) {
    return "\"" + field + "\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
  }
  return "field label not supported: " + field;
}

}  // namespace

std::string_view SelectablePhase(PodPhase phase) {
  return phase == PodPhase::kUnknown ? "Unknown" : PodPhaseName(phase);
}

Status Selection::Parse(const Request& request, Selection* selection) {
  Selection parsed;
  if (InfoOf(request.kind).namespaced) parsed.namespace_ = Text::Intern(request.namespace_);
  parsed.name_ = Text(request.name);
  if (!request.list.labelSelector.empty()) {
    absl::StatusOr<LabelSelector> labels = LabelSelector::Parse(request.list.labelSelector);
    if (!labels.ok()) return StatusBadRequest(std::string(labels.status().message()));
    parsed.labels_ = *std::move(labels);
  }
  if (!request.list.fieldSelector.empty()) {
    absl::StatusOr<std::vector<FieldRequirement>> fields = ParseFieldSelector(request.list.fieldSelector);
    if (!fields.ok()) return StatusBadRequest(std::string(fields.status().message()));
    parsed.fields_ = *std::move(fields);
    const AnyObject blank = Blank(request.kind);
    for (const FieldRequirement& requirement : parsed.fields_) {
      if (!FieldOf(blank, requirement.field)) return StatusBadRequest(UnknownField(request.kind, requirement.field));
    }
  }
  *selection = std::move(parsed);
  return Status{};
}

bool Selection::Matches(const AnyObject& object) const {
  const BasicMeta& meta = object.meta();
  if (!namespace_.empty() && meta.namespace_ != namespace_) return false;
  if (!name_.empty() && meta.name != name_) return false;
  if (!labels_.empty() && !labels_.Matches(meta.labels)) return false;
  for (const FieldRequirement& requirement : fields_) {
    if ((FieldOf(object, requirement.field) == requirement.value) == requirement.negated) return false;
  }
  return true;
}

}  // namespace epslice::sim
