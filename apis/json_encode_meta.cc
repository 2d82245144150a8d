// Writing of what all objects carry, of Status, lists and watch frames.
#include "absl/types/span.h"
#include "apis/json.h"
#include "apis/json_encode.h"
#include "apis/time_format.h"

namespace epslice {
namespace json {
namespace {

void WriteOwnerReference(const OwnerReference& owner, JsonWriter* w) {
  w->BeginObject();
  w->Field("apiVersion", owner.apiVersion);
  w->Field("kind", owner.kind);
  w->Field("name", owner.name);
  w->Field("uid", owner.uid);
  OmitNull(w, "controller", owner.controller);
  OmitNull(w, "blockOwnerDeletion", owner.blockOwnerDeletion);
  w->EndObject();
}

// `all`: the same object with the rest of its metadata, or null.
void WriteMeta(const BasicMeta& meta, const ObjectMeta* all, JsonWriter* w) {
  w->Key("metadata");
  w->BeginObject();
  OmitEmpty(w, "name", meta.name);
  if (all != nullptr) OmitEmpty(w, "generateName", all->generateName);
  OmitEmpty(w, "namespace", meta.namespace_);
  OmitEmpty(w, "uid", meta.uid);
  OmitEmpty(w, "resourceVersion", meta.resourceVersion);
  if (all != nullptr) OmitZero(w, "generation", all->generation);
  OmitUnset(w, "creationTimestamp", meta.creationTimestamp);
  OmitUnset(w, "deletionTimestamp", meta.deletionTimestamp);
  if (all != nullptr) OmitNull(w, "deletionGracePeriodSeconds", all->deletionGracePeriodSeconds);
  OmitEmpty(w, "labels", meta.labels);
  if (all != nullptr) {
    OmitEmpty(w, "annotations", all->annotations);
    if (!all->ownerReferences.empty()) {
      w->Key("ownerReferences");
      w->BeginArray();
      for (const OwnerReference& owner : all->ownerReferences) WriteOwnerReference(owner, w);
      w->EndArray();
    }
    OmitEmpty(w, "finalizers", all->finalizers);
  }
  w->EndObject();
}

}  // namespace

void OmitEmpty(JsonWriter* w, std::string_view key, std::string_view value) {
  if (!value.empty()) w->Field(key, value);
}

void OmitZero(JsonWriter* w, std::string_view key, std::int64_t value) {
  if (value != 0) w->IntField(key, value);
}

void OmitFalse(JsonWriter* w, std::string_view key, bool value) {
  if (value) w->BoolField(key, value);
}

void OmitUnset(JsonWriter* w, std::string_view key, Timestamp value) {
  if (value.is_set()) w->Field(key, FormatRfc3339(value));
}

void OmitUnsetMicro(JsonWriter* w, std::string_view key, Timestamp value) {
  if (value.is_set()) w->Field(key, FormatRfc3339Micro(value));
}

void OmitEmpty(JsonWriter* w, std::string_view key, const StringMap& value) {
  if (value.empty()) return;
  w->Key(key);
  WriteMap(value, w);
}

void OmitEmpty(JsonWriter* w, std::string_view key, const std::vector<Text>& value) {
  if (value.empty()) return;
  w->Key(key);
  WriteTexts(value, w);
}

void WriteMap(const StringMap& map, JsonWriter* w) {
  w->BeginObject();
  for (const auto& [key, value] : map) w->Field(key, value);
  w->EndObject();
}

void WriteTexts(absl::Span<const Text> texts, JsonWriter* w) {
  w->BeginArray();
  for (const Text& text : texts) w->String(text);
  w->EndArray();
}

void WriteTypeMeta(std::string_view api_version, std::string_view kind, JsonWriter* w) {
  w->Field("apiVersion", api_version);
  w->Field("kind", kind);
}

void WriteMetadata(const BasicMeta& meta, JsonWriter* w) { WriteMeta(meta, nullptr, w); }

void WriteMetadata(const ObjectMeta& meta, JsonWriter* w) { WriteMeta(meta, &meta, w); }

void WriteObjectReference(const ObjectReference& reference, JsonWriter* w) {
  w->BeginObject();
  OmitEmpty(w, "kind", reference.kind);
  OmitEmpty(w, "namespace", reference.namespace_);
  OmitEmpty(w, "name", reference.name);
  OmitEmpty(w, "uid", reference.uid);
  OmitEmpty(w, "apiVersion", reference.apiVersion);
  OmitEmpty(w, "resourceVersion", reference.resourceVersion);
  OmitEmpty(w, "fieldPath", reference.fieldPath);
  w->EndObject();
}

namespace {

void WriteStatusDetails(const Status& status, JsonWriter* w) {
  const bool any = !status.detailsName.empty() || !status.detailsGroup.empty() || !status.detailsKind.empty() ||
                   !status.detailsUid.empty() || !status.causes.empty() || status.retryAfterSeconds != 0;
  if (!any) return;
  w->Key("details");
  w->BeginObject();
  OmitEmpty(w, "name", status.detailsName);
  OmitEmpty(w, "group", status.detailsGroup);
  OmitEmpty(w, "kind", status.detailsKind);
  OmitEmpty(w, "uid", status.detailsUid);
  if (!status.causes.empty()) {
    w->Key("causes");
    w->BeginArray();
    for (const StatusCause& cause : status.causes) {
      w->BeginObject();
      OmitEmpty(w, "reason", cause.reason);
      OmitEmpty(w, "message", cause.message);
      OmitEmpty(w, "field", cause.field);
      w->EndObject();
    }
    w->EndArray();
  }
  OmitZero(w, "retryAfterSeconds", status.retryAfterSeconds);
  w->EndObject();
}

void WriteBookmark(Kind kind, const WatchEvent& event, JsonWriter* w) {
  w->BeginObject();
  WriteTypeMeta(InfoOf(kind).apiVersion, InfoOf(kind).name, w);
  w->Key("metadata");
  w->BeginObject();
  w->Field("resourceVersion", event.resourceVersion);
  if (event.initialEventsEnd) {
    w->Key("annotations");
    w->BeginObject();
    w->Field("k8s.io/initial-events-end", "true");
    w->EndObject();
  }
  w->EndObject();
  w->EndObject();
}

std::string ObjectText(const AnyObject& object) {
  std::string text;
  AppendJson(object, &text);
  return text;
}

}  // namespace

void Write(const Status& status, JsonWriter* w) {
  w->BeginObject();
  WriteTypeMeta("v1", "Status", w);
  w->Key("metadata");
  w->BeginObject();
  w->EndObject();
  w->Field("status", status.ok() ? "Success" : "Failure");
  OmitEmpty(w, "message", status.message);
  OmitEmpty(w, "reason", status.reason);
  WriteStatusDetails(status, w);
  w->IntField("code", status.code);
  w->EndObject();
}

}  // namespace json

void AppendJson(const Status& object, std::string* out) {
  JsonWriter w(out);
  json::Write(object, &w);
}

void AppendJson(const AnyObject& object, std::string* out) {
  if (!object.has_value()) {
    out->append("null");
    return;
  }
  if (object.json() != nullptr) {
    out->append(*object.json());
    return;
  }
  switch (object.kind()) {
    case Kind::kNamespace: return AppendJson(*object.As<Namespace>(), out);
    case Kind::kNode: return AppendJson(*object.As<Node>(), out);
    case Kind::kPod: return AppendJson(*object.As<Pod>(), out);
    case Kind::kService: return AppendJson(*object.As<Service>(), out);
    case Kind::kEndpointSlice: return AppendJson(*object.As<EndpointSlice>(), out);
    case Kind::kEvent: return AppendJson(*object.As<Event>(), out);
    case Kind::kLease: return AppendJson(*object.As<Lease>(), out);
  }
}

std::string EncodeListJson(Kind kind, const ObjectList& list) {
  std::string out;
  JsonWriter w(&out);
  w.BeginObject();
  json::WriteTypeMeta(InfoOf(kind).apiVersion, std::string(InfoOf(kind).name) + "List", &w);
  w.Key("metadata");
  w.BeginObject();
  json::OmitEmpty(&w, "resourceVersion", list.resourceVersion);
  json::OmitEmpty(&w, "continue", list.continueToken);
  json::OmitZero(&w, "remainingItemCount", list.remainingItemCount);
  w.EndObject();
  w.Key("items");
  w.BeginArray();
  for (const AnyObject& item : list.items) w.Raw(json::ObjectText(item));
  w.EndArray();
  w.EndObject();
  return out;
}

std::string EncodeWatchEventJson(Kind kind, const WatchEvent& event) {
  std::string out;
  JsonWriter w(&out);
  w.BeginObject();
  w.Field("type", WatchEventTypeName(event.type));
  w.Key("object");
  switch (event.type) {
    case WatchEventType::kBookmark: json::WriteBookmark(kind, event, &w); break;
    case WatchEventType::kError: json::Write(event.status, &w); break;
    default: w.Raw(json::ObjectText(event.object)); break;
  }
  w.EndObject();
  return out;
}

}  // namespace epslice
