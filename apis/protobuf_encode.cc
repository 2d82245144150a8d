// Writing of what all objects carry, of Status, DeleteOptions, lists and watch
// frames as protobuf.
#include "apis/protobuf_encode.h"
#include "apis/cat.h"
#include "apis/decode_rules.h"
#include "apis/protobuf.h"
#include "apis/protobuf_fields.h"
#include "apis/time_format.h"

namespace epslice {
namespace protobuf {
namespace {

void WriteTime(Writer* w, std::uint32_t number, Timestamp time) {
  const UnixTime unix_time = ToUnix(time);
  // Both fields always, as Go writes them: an empty message is no time.
  WriteMessage(w, number, [&](Writer* t) {
    t->add_int64(TimeField::kSeconds, unix_time.seconds);
    t->add_int64(TimeField::kNanos, unix_time.nanos);
  });
}

void WriteOwner(Writer* w, const OwnerReference& owner) {
  WriteMessage(w, MetaField::kOwnerReferences, [&](Writer* o) {
    Write(o, OwnerField::kKind, owner.kind);
    Write(o, OwnerField::kName, owner.name);
    Write(o, OwnerField::kUid, owner.uid);
    Write(o, OwnerField::kApiVersion, owner.apiVersion);
    OmitNull(o, OwnerField::kController, owner.controller);
    OmitNull(o, OwnerField::kBlockOwnerDeletion, owner.blockOwnerDeletion);
  });
}

// `all`: the same object with the rest of its metadata, or null.
void WriteMeta(Writer* parent, const BasicMeta& meta, const ObjectMeta* all) {
  Writer w(*parent, ObjectField::kMetadata);
  OmitEmpty(&w, MetaField::kName, meta.name);
  if (all != nullptr) OmitEmpty(&w, MetaField::kGenerateName, all->generateName);
  OmitEmpty(&w, MetaField::kNamespace, meta.namespace_);
  OmitEmpty(&w, MetaField::kUid, meta.uid);
  OmitEmpty(&w, MetaField::kResourceVersion, meta.resourceVersion);
  if (all != nullptr) OmitZero(&w, MetaField::kGeneration, all->generation);
  OmitUnset(&w, MetaField::kCreationTimestamp, meta.creationTimestamp);
  OmitUnset(&w, MetaField::kDeletionTimestamp, meta.deletionTimestamp);
  if (all != nullptr) OmitNull(&w, MetaField::kDeletionGracePeriodSeconds, all->deletionGracePeriodSeconds);
  WriteMap(&w, MetaField::kLabels, meta.labels);
  if (all == nullptr) return;
  WriteMap(&w, MetaField::kAnnotations, all->annotations);
  for (const OwnerReference& owner : all->ownerReferences) WriteOwner(&w, owner);
  WriteTexts(&w, MetaField::kFinalizers, all->finalizers);
}

void WriteDetails(Writer* parent, const Status& status) {
  const bool any = !status.detailsName.empty() || !status.detailsGroup.empty() || !status.detailsKind.empty() ||
                   !status.detailsUid.empty() || !status.causes.empty() || status.retryAfterSeconds != 0;
  if (!any) return;
  Writer w(*parent, StatusField::kDetails);
  OmitEmpty(&w, DetailsField::kName, status.detailsName);
  OmitEmpty(&w, DetailsField::kGroup, status.detailsGroup);
  OmitEmpty(&w, DetailsField::kKind, status.detailsKind);
  for (const StatusCause& cause : status.causes) {
    WriteMessage(&w, DetailsField::kCauses, [&](Writer* c) {
      OmitEmpty(c, CauseField::kReason, cause.reason);
      OmitEmpty(c, CauseField::kMessage, cause.message);
      OmitEmpty(c, CauseField::kField, cause.field);
    });
  }
  OmitZero(&w, DetailsField::kRetryAfterSeconds, status.retryAfterSeconds);
  OmitEmpty(&w, DetailsField::kUid, status.detailsUid);
}

std::string_view ApiVersionOf(Kind kind, EventSpelling spelling) {
  return kind == Kind::kEvent && spelling == EventSpelling::kEventsV1 ? "events.k8s.io/v1" : InfoOf(kind).apiVersion;
}

void WriteAny(Writer* w, const AnyObject& object, EventSpelling spelling) {
  switch (object.kind()) {
    case Kind::kNamespace: return WriteFields(w, *object.As<Namespace>());
    case Kind::kNode: return WriteFields(w, *object.As<Node>());
    case Kind::kPod: return WriteFields(w, *object.As<Pod>());
    case Kind::kService: return WriteFields(w, *object.As<Service>());
    case Kind::kEndpointSlice: return WriteFields(w, *object.As<EndpointSlice>());
    case Kind::kLease: return WriteFields(w, *object.As<Lease>());
    case Kind::kEvent: break;
  }
  const auto event = object.As<Event>();
  spelling == EventSpelling::kEventsV1 ? WriteEventsV1Fields(w, *event) : WriteFields(w, *event);
}

void WriteMetadataOf(Writer* w, const AnyObject& object) {
  switch (object.kind()) {
    case Kind::kNamespace: return WriteMetadata(w, object.As<Namespace>()->metadata);
    case Kind::kNode: return WriteMetadata(w, object.As<Node>()->metadata);
    case Kind::kPod: return WriteMetadata(w, object.As<Pod>()->metadata);
    case Kind::kService: return WriteMetadata(w, object.As<Service>()->metadata);
    case Kind::kEndpointSlice: return WriteMetadata(w, object.As<EndpointSlice>()->metadata);
    case Kind::kEvent: return WriteMetadata(w, object.As<Event>()->metadata);
    case Kind::kLease: return WriteMetadata(w, object.As<Lease>()->metadata);
  }
}

void AppendAny(const AnyObject& object, EventSpelling spelling, std::string* out) {
  const Kind kind = object.kind();
  AppendEnvelope(ApiVersionOf(kind, spelling), InfoOf(kind).name, out,
                 [&](Writer* w) { WriteAny(w, object, spelling); });
}

void AppendBookmark(Kind kind, const WatchEvent& event, EventSpelling spelling, std::string* out) {
  ObjectMeta meta;
  meta.resourceVersion = event.resourceVersion;
  if (event.initialEventsEnd) meta.annotations = {{decode::kInitialEventsEnd, "true"}};
  AppendEnvelope(ApiVersionOf(kind, spelling), InfoOf(kind).name, out, [&](Writer* w) { WriteMetadata(w, meta); });
}

template <typename T>
void AppendTyped(const T& object, std::string* out) {
  const KindInfo& info = InfoOf(T::kKind);
  AppendEnvelope(info.apiVersion, info.name, out, [&](Writer* w) { WriteFields(w, object); });
}

}  // namespace

void OmitUnset(Writer* w, std::uint32_t number, Timestamp value) {
  if (value.is_set()) WriteTime(w, number, decode::CutTo(decode::kSecond, value));
}

void OmitUnsetMicro(Writer* w, std::uint32_t number, Timestamp value) {
  if (value.is_set()) WriteTime(w, number, decode::CutTo(decode::kMicrosecond, value));
}

void WriteMap(Writer* w, std::uint32_t number, const StringMap& map) {
  for (const auto& [key, value] : map) {
    Writer entry(*w, number);
    Write(&entry, MapEntryField::kKey, key);
    Write(&entry, MapEntryField::kValue, value);
  }
}

void WriteTexts(Writer* w, std::uint32_t number, const std::vector<Text>& texts) {
  for (const Text& text : texts) Write(w, number, text);
}

void WriteMetadata(Writer* w, const BasicMeta& meta) { WriteMeta(w, meta, nullptr); }

void WriteMetadata(Writer* w, const ObjectMeta& meta) { WriteMeta(w, meta, &meta); }

void WriteReference(Writer* w, std::uint32_t number, const ObjectReference& reference) {
  WriteMessage(w, number, [&](Writer* r) {
    ForEachField(reference, [r](std::uint32_t field, const Text& text) { Write(r, field, text); });
  });
}

}  // namespace protobuf

using protobuf::AppendEnvelope;
using protobuf::OmitEmpty;
using protobuf::WriteMessage;
using protobuf::Writer;

void AppendProtobuf(const Namespace& object, std::string* out) { protobuf::AppendTyped(object, out); }
void AppendProtobuf(const Node& object, std::string* out) { protobuf::AppendTyped(object, out); }
void AppendProtobuf(const Pod& object, std::string* out) { protobuf::AppendTyped(object, out); }
void AppendProtobuf(const Service& object, std::string* out) { protobuf::AppendTyped(object, out); }
void AppendProtobuf(const EndpointSlice& object, std::string* out) { protobuf::AppendTyped(object, out); }
void AppendProtobuf(const Event& object, std::string* out) { protobuf::AppendTyped(object, out); }
void AppendProtobuf(const Lease& object, std::string* out) { protobuf::AppendTyped(object, out); }
void AppendProtobuf(const AnyObject& object, std::string* out) {
  protobuf::AppendAny(object, EventSpelling::kCore, out);
}

void AppendMetadataProtobuf(const AnyObject& object, std::string* out) {
  AppendEnvelope(kPartialMetadataApiVersion, kPartialMetadataKind, out,
                 [&](Writer* w) { protobuf::WriteMetadataOf(w, object); });
}

void AppendProtobuf(const Status& object, std::string* out) {
  AppendEnvelope("v1", "Status", out, [&](Writer* w) {
    using Field = protobuf::StatusField;
    WriteMessage(w, Field::kMetadata, [](Writer*) {});
    OmitEmpty(w, Field::kStatus, object.ok() ? "Success" : "Failure");
    OmitEmpty(w, Field::kMessage, object.message);
    OmitEmpty(w, Field::kReason, object.reason);
    protobuf::WriteDetails(w, object);
    w->add_int32(Field::kCode, object.code);
  });
}

void AppendProtobuf(const DeleteOptions& options, std::string* out) {
  AppendEnvelope("v1", "DeleteOptions", out, [&](Writer* w) {
    using Field = protobuf::DeleteOptionsField;
    protobuf::OmitNull(w, Field::kGracePeriodSeconds, options.gracePeriodSeconds);
    if (!options.preconditionUid.empty() || !options.preconditionResourceVersion.empty()) {
      WriteMessage(w, Field::kPreconditions, [&](Writer* p) {
        OmitEmpty(p, protobuf::PreconditionsField::kUid, options.preconditionUid);
        OmitEmpty(p, protobuf::PreconditionsField::kResourceVersion, options.preconditionResourceVersion);
      });
    }
    OmitEmpty(w, Field::kPropagationPolicy, options.propagationPolicy);
  });
}

std::string EncodeEventsV1Protobuf(const Event& event) {
  std::string out;
  AppendEnvelope("events.k8s.io/v1", "Event", &out, [&](Writer* w) { protobuf::WriteEventsV1Fields(w, event); });
  return out;
}

std::string EncodeListProtobuf(Kind kind, const ObjectList& list, EventSpelling spelling) {
  std::string out;
  const std::string list_kind = Cat({InfoOf(kind).name, "List"});
  AppendEnvelope(protobuf::ApiVersionOf(kind, spelling), list_kind, &out, [&](Writer* w) {
    WriteMessage(w, protobuf::ListField::kMetadata, [&](Writer* m) {
      using Field = protobuf::ListMetaField;
      OmitEmpty(m, Field::kResourceVersion, list.resourceVersion);
      OmitEmpty(m, Field::kContinue, list.continueToken);
      protobuf::OmitZero(m, Field::kRemainingItemCount, list.remainingItemCount);
    });
    for (const AnyObject& item : list.items) {
      WriteMessage(w, protobuf::ListField::kItems, [&](Writer* i) { protobuf::WriteAny(i, item, spelling); });
    }
  });
  return out;
}

std::string EncodeWatchEventProtobuf(Kind kind, const WatchEvent& event, EventSpelling spelling) {
  std::string object;
  switch (event.type) {
    case WatchEventType::kBookmark: protobuf::AppendBookmark(kind, event, spelling, &object); break;
    case WatchEventType::kError: AppendProtobuf(event.status, &object); break;
    default: protobuf::AppendAny(event.object, spelling, &object); break;
  }
  std::string out;
  Writer frame(out);
  protobuf::Write(&frame, protobuf::WatchEventField::kType, WatchEventTypeName(event.type));
  WriteMessage(&frame, protobuf::WatchEventField::kObject,
               [&](Writer* w) { protobuf::Write(w, protobuf::RawExtensionField::kRaw, object); });
  return out;
}

void AppendWatchFrame(std::string_view frame, std::string* out) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(frame.size() >> shift & 0xff));
  out->append(frame);
}

}  // namespace epslice
