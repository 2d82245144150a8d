// The doors to the protobuf decoder: one object, a list, a watch frame, a
// Status. Exceptions end here.
#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "apis/cat.h"
#include "apis/protobuf.h"
#include "apis/protobuf_fields.h"
#include "apis/protobuf_reader.h"
#include "apis/written_slices.h"

namespace epslice {
namespace protobuf {
namespace {

// A Text holds less than 2^31 bytes.
constexpr std::size_t kMostBytes = 0x7fffffff;

absl::Status CheckSize(std::string_view bytes, const ProtobufLimits& limits) {
  const std::size_t most = std::min(limits.max_bytes, kMostBytes);
  if (bytes.size() <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Cat({"holds ", std::to_string(bytes.size()), " bytes, more than the ", std::to_string(most), " accepted"}));
}

// What went wrong, from inside a catch block.
std::string CurrentError(const Context& context) {
  std::string_view what = "is no protobuf";
  try {
    throw;
  } catch (const DecodeError& e) {
    return e.what();
  } catch (const protozero::end_of_buffer_exception&) {
    what = "ends in the middle of a field";
  } catch (const protozero::varint_too_long_exception&) {
    what = "has a number of more than ten bytes";
  } catch (const protozero::unknown_pbf_wire_type_exception&) {
    what = "has a field of a form that does not exist";
  } catch (const protozero::invalid_tag_exception&) {
    what = "has a field number that does not exist";
  } catch (const protozero::exception&) {
    what = "has a field of a wrong length";
  } catch (const std::exception& e) {
    return e.what();
  }
  const std::string path = context.Path();
  return Cat({path, path.empty() ? "" : ": ", what});
}

struct Envelope {
  std::string_view api_version;
  std::string_view kind;
  std::string_view raw;
};

// Throws as everything in here.
Envelope Open(std::string_view bytes, Context* context) {
  if (!IsProtobuf(bytes)) throw DecodeError("does not begin with \"k8s\\0\"");
  Envelope out;
  for (Fields f(bytes.substr(kMagic.size()), context); f.Next();) {
    switch (f.number()) {
      case UnknownField::kTypeMeta:
        for (Fields type(f.Bytes("typeMeta"), context); type.Next();) {
          switch (type.number()) {
            case TypeMetaField::kApiVersion: out.api_version = type.Chars("apiVersion"); break;
            case TypeMetaField::kKind: out.kind = type.Chars("kind"); break;
            default: type.Skip();
          }
        }
        break;
      case UnknownField::kRaw: out.raw = f.Bytes("raw"); break;
      case UnknownField::kContentEncoding:
        if (!f.Chars("contentEncoding").empty()) throw DecodeError("has content that is encoded once more");
        break;
      default: f.Skip();
    }
  }
  return out;
}

void CheckType(Kind kind, const Envelope& envelope) {
  if (const auto mismatch = decode::CheckTypeMeta(kind, envelope.api_version, envelope.kind)) {
    throw DecodeError(Cat({mismatch->in_kind ? "kind" : "apiVersion", ": ", mismatch->what}));
  }
}

template <typename T>
absl::StatusOr<AnyObject> ReadAs(std::string_view message, bool events_v1, std::string_view where, Context* context) {
  auto object = std::make_shared<T>();
  context->BeginObject();
  try {
    if constexpr (T::kKind == Kind::kEvent) {
      events_v1 ? ReadEventsV1(message, context, object.get()) : Read(message, context, object.get());
    } else {
      Read(message, context, object.get());
    }
  } catch (const std::exception&) {
    return decode::ObjectError(T::kKind, object->metadata, where, CurrentError(*context));
  }
  return AnyObject(std::shared_ptr<const T>(std::move(object)));
}

// The message of an object whose envelope, or whose list's, said `api_version`.
absl::StatusOr<AnyObject> ReadAny(Kind kind, std::string_view message, std::string_view api_version,
                                  std::string_view where, Context* context) {
  const bool events_v1 = !api_version.empty() && api_version != InfoOf(kind).apiVersion;
  switch (kind) {
    case Kind::kNamespace: return ReadAs<Namespace>(message, events_v1, where, context);
    case Kind::kNode: return ReadAs<Node>(message, events_v1, where, context);
    case Kind::kPod: return ReadAs<Pod>(message, events_v1, where, context);
    case Kind::kService: return ReadAs<Service>(message, events_v1, where, context);
    case Kind::kEndpointSlice: return ReadAs<EndpointSlice>(message, events_v1, where, context);
    case Kind::kEvent: return ReadAs<Event>(message, events_v1, where, context);
    case Kind::kLease: return ReadAs<Lease>(message, events_v1, where, context);
  }
  return absl::InvalidArgumentError("an object of an unknown kind");
}

absl::StatusOr<AnyObject> ReadObject(Kind kind, std::string_view bytes, Context* context) {
  Envelope envelope = Open(bytes, context);
  // Its metadata is in field 1, as that of every object.
  if (context->metadata_only && envelope.kind == kPartialMetadataKind &&
      envelope.api_version == kPartialMetadataApiVersion) {
    envelope.kind = envelope.api_version = {};
  }
  CheckType(kind, envelope);
  return ReadAny(kind, envelope.raw, envelope.api_version, "", context);
}

void ReadListMeta(std::string_view message, Context* context, ObjectList* out) {
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case ListMetaField::kResourceVersion: out->resourceVersion = f.Chars("resourceVersion"); break;
      case ListMetaField::kContinue: out->continueToken = f.Chars("continue"); break;
      case ListMetaField::kRemainingItemCount: out->remainingItemCount = f.Int64("remainingItemCount"); break;
      default: f.Skip();
    }
  }
}

absl::StatusOr<ObjectList> ReadList(Kind kind, std::string_view list_kind, std::string_view bytes, Context* context) {
  Envelope envelope = Open(bytes, context);
  if (!envelope.kind.empty() && envelope.kind != list_kind) {
    throw DecodeError(Cat({"kind: ", decode::IsNot(envelope.kind, list_kind)}));
  }
  envelope.kind = {};
  CheckType(kind, envelope);
  ObjectList out;
  out.items.reserve(CountFields(envelope.raw, ListField::kItems));
  for (Fields f(envelope.raw, context); f.Next();) {
    switch (f.number()) {
      case ListField::kMetadata:
        f.Message("metadata", [&](std::string_view message) { ReadListMeta(message, context, &out); });
        break;
      case ListField::kItems: {
        context->Count();
        const std::string where = "items[" + std::to_string(out.items.size()) + "]";
        absl::StatusOr<AnyObject> item = ReadAny(kind, f.Bytes("items"), envelope.api_version, where, context);
        if (!item.ok()) return item.status();
        out.items.push_back(*std::move(item));
        break;
      }
      default: f.Skip();
    }
  }
  return out;
}

// What the object of a BOOKMARK says.
void ReadBookmark(std::string_view bytes, Context* context, WatchEvent* out) {
  ObjectMeta meta;
  for (Fields f(Open(bytes, context).raw, context); f.Next();) {
    if (f.number() == ObjectField::kMetadata) {
      f.Message("metadata", [&](std::string_view message) { Read(message, context, &meta); });
    } else {
      f.Skip();
    }
  }
  out->resourceVersion = meta.resourceVersion.str();
  out->initialEventsEnd = meta.annotations.Get(decode::kInitialEventsEnd) == "true";
}

void ReadStatus(std::string_view bytes, Context* context, Status* out) {
  const Envelope envelope = Open(bytes, context);
  if (!envelope.kind.empty() && envelope.kind != "Status") {
    throw DecodeError(Cat({"kind: ", decode::IsNot(envelope.kind, "Status")}));
  }
  Read(envelope.raw, context, out);
}

// The bytes of a RawExtension.
std::string_view ReadRawExtension(std::string_view message, Context* context) {
  std::string_view raw;
  for (Fields f(message, context); f.Next();) {
    if (f.number() == RawExtensionField::kRaw) {
      raw = f.Bytes("raw");
    } else {
      f.Skip();
    }
  }
  return raw;
}

absl::StatusOr<WatchEvent> ReadWatchEvent(Kind kind, std::string_view frame, Context* context) {
  std::string_view type_name;
  std::string_view object;
  for (Fields f(frame, context); f.Next();) {
    switch (f.number()) {
      case WatchEventField::kType: type_name = f.Chars("type"); break;
      case WatchEventField::kObject: object = ReadRawExtension(f.Bytes("object"), context); break;
      default: f.Skip();
    }
  }
  const std::optional<WatchEventType> type = decode::WatchEventTypeOf(type_name);
  if (!type.has_value()) {
    throw DecodeError(Cat({"type: is \"", decode::Printable(type_name),
                           "\"; accepted are ADDED, MODIFIED, DELETED, BOOKMARK and ERROR"}));
  }
  WatchEvent out;
  out.type = *type;
  if (out.type == WatchEventType::kBookmark) {
    ReadBookmark(object, context, &out);
  } else if (out.type == WatchEventType::kError) {
    ReadStatus(object, context, &out.status);
  } else {
    if (out.type == WatchEventType::kDeleted) context->written = nullptr;
    absl::StatusOr<AnyObject> any = ReadObject(kind, object, context);
    if (!any.ok()) return any.status();
    out.object = *std::move(any);
  }
  return out;
}

// Runs read(context) and makes a Status, which begins with `what`, of what it
// throws.
template <typename T, typename F>
absl::StatusOr<T> Decode(std::string_view what, std::string_view bytes, const ProtobufLimits& limits, F read) {
  if (absl::Status size = CheckSize(bytes, limits); !size.ok()) return size;
  Context context(limits.max_elements);
  try {
    return read(&context);
  } catch (const std::exception&) {
    return absl::InvalidArgumentError(Cat({what, ": ", CurrentError(context)}));
  }
}

}  // namespace
}  // namespace protobuf

bool IsProtobuf(std::string_view bytes) { return bytes.substr(0, protobuf::kMagic.size()) == protobuf::kMagic; }

absl::StatusOr<AnyObject> DecodeObjectProtobuf(Kind kind, std::string_view bytes, const ProtobufLimits& limits) {
  return protobuf::Decode<AnyObject>(InfoOf(kind).name, bytes, limits, [&](protobuf::Context* context) {
    return protobuf::ReadObject(kind, bytes, context);
  });
}

absl::StatusOr<AnyObject> DecodeObjectMetadataProtobuf(Kind kind, std::string_view bytes,
                                                       const ProtobufLimits& limits) {
  return protobuf::Decode<AnyObject>(InfoOf(kind).name, bytes, limits, [&](protobuf::Context* context) {
    context->metadata_only = true;
    return protobuf::ReadObject(kind, bytes, context);
  });
}

absl::StatusOr<ObjectList> DecodeListProtobuf(Kind kind, std::string_view bytes, const ProtobufLimits& limits) {
  const std::string list_kind = Cat({InfoOf(kind).name, "List"});
  return protobuf::Decode<ObjectList>(list_kind, bytes, limits, [&](protobuf::Context* context) {
    return protobuf::ReadList(kind, list_kind, bytes, context);
  });
}

absl::StatusOr<WatchEvent> DecodeWatchEventProtobuf(Kind kind, std::string_view frame, const ProtobufLimits& limits,
                                                    WrittenSlices* written) {
  return protobuf::Decode<WatchEvent>("watch event", frame, limits, [&](protobuf::Context* context) {
    context->written = written;
    return protobuf::ReadWatchEvent(kind, frame, context);
  });
}

absl::StatusOr<Status> DecodeStatusProtobuf(std::string_view bytes, const ProtobufLimits& limits) {
  return protobuf::Decode<Status>("Status", bytes, limits, [&](protobuf::Context* context) -> absl::StatusOr<Status> {
    Status out;
    protobuf::ReadStatus(bytes, context, &out);
    return out;
  });
}

}  // namespace epslice
