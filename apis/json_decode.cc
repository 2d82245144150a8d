// The doors to the JSON decoder: one object, a list, a watch frame, a Status.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "apis/json.h"
#include "apis/json_parse.h"
#include "apis/json_reader.h"
#include "apis/json_writer.h"

namespace epslice {
namespace json {
namespace {

// Recursive: the parser has bounded the depth.
void WriteElement(simdjson::dom::element element, JsonWriter* w) {
  namespace dom = simdjson::dom;
  switch (element.type()) {
    case dom::element_type::OBJECT:
      w->BeginObject();
      for (dom::key_value_pair field : dom::object(element.get_object().value_unsafe())) {
        w->Key(field.key);
        WriteElement(field.value, w);
      }
      return w->EndObject();
    case dom::element_type::ARRAY:
      w->BeginArray();
      for (dom::element item : dom::array(element.get_array().value_unsafe())) WriteElement(item, w);
      return w->EndArray();
    case dom::element_type::STRING: return w->String(element.get_string().value_unsafe());
    case dom::element_type::INT64: return w->Int(element.get_int64().value_unsafe());
    case dom::element_type::UINT64: return w->Raw(std::to_string(element.get_uint64().value_unsafe()));
    case dom::element_type::DOUBLE: return w->Double(element.get_double().value_unsafe());
    case dom::element_type::BOOL: return w->Bool(element.get_bool().value_unsafe());
    case dom::element_type::NULL_VALUE: return w->Null();
  }
}

// The object as minified text, beginning with apiVersion and kind, which items
// of a typed list do not have.
std::shared_ptr<const std::string> KeptText(simdjson::dom::object object, std::string_view api_version,
                                            std::string_view kind) {
  std::string text;
  JsonWriter w(&text);
  std::string_view own_version;
  for (simdjson::dom::key_value_pair field : object) {
    if (field.key == "apiVersion" && field.value.get(own_version) != simdjson::SUCCESS) own_version = {};
  }
  w.BeginObject();
  w.Field("apiVersion", own_version.empty() ? api_version : own_version);
  w.Field("kind", kind);
  for (simdjson::dom::key_value_pair field : object) {
    if (field.key == "apiVersion" || field.key == "kind") continue;
    w.Key(field.key);
    WriteElement(field.value, &w);
  }
  w.EndObject();
  text.shrink_to_fit();
  return std::make_shared<const std::string>(std::move(text));
}

template <typename T>
absl::StatusOr<AnyObject> ReadAs(simdjson::dom::element element, bool keep_json, std::string_view api_version,
                                 std::string_view where, JsonContext* context) {
  auto object = std::make_shared<T>();
  Read(JsonValue(element, context), object.get());
  simdjson::dom::object fields;
  if (element.get(fields) != simdjson::SUCCESS) JsonValue(element, context).WrongType("an object");
  if (context->failed()) return decode::ObjectError(T::kKind, object->metadata, where, context->error());
  std::shared_ptr<const std::string> text;
  if (keep_json) text = KeptText(fields, api_version, InfoOf(T::kKind).name);
  return AnyObject(std::shared_ptr<const T>(std::move(object)), std::move(text));
}

}  // namespace

absl::StatusOr<AnyObject> ReadAnyObject(Kind kind, simdjson::dom::element element, bool keep_json,
                                        std::string_view api_version, std::string_view where, JsonContext* context) {
  switch (kind) {
    case Kind::kNamespace: return ReadAs<Namespace>(element, keep_json, api_version, where, context);
    case Kind::kNode: return ReadAs<Node>(element, keep_json, api_version, where, context);
    case Kind::kPod: return ReadAs<Pod>(element, keep_json, api_version, where, context);
    case Kind::kService: return ReadAs<Service>(element, keep_json, api_version, where, context);
    case Kind::kEndpointSlice: return ReadAs<EndpointSlice>(element, keep_json, api_version, where, context);
    case Kind::kEvent: return ReadAs<Event>(element, keep_json, api_version, where, context);
    case Kind::kLease: return ReadAs<Lease>(element, keep_json, api_version, where, context);
  }
  return absl::InvalidArgumentError("an object of an unknown kind");
}

namespace {

struct ListMeta {
  std::string resourceVersion;
  std::string continueToken;
  std::int64_t remainingItemCount = 0;
};

ListMeta ReadListMeta(const JsonValue& value) {
  static constexpr Fields<3>::Names kNames = {"resourceVersion", "continue", "remainingItemCount"};
  const Fields<3> f(value, kNames);
  return {std::string(f[0].String()), std::string(f[1].String()), f[2].Int64()};
}

// The body of a list answer; errors of its own, outside any item, are left in
// `context`.
absl::Status ReadItems(Kind kind, const JsonValue& items, bool keep_json, std::string_view api_version,
                       ObjectList* out) {
  out->items.reserve(items.ItemCount());
  absl::Status status;
  std::size_t index = 0;
  items.ForEachItem([&](const JsonValue& item) {
    if (!status.ok()) return;
    absl::StatusOr<AnyObject> object = ReadAnyObject(kind, item.element(), keep_json, api_version,
                                                     absl::StrCat("items[", index++, "]"), items.context());
    if (object.ok()) {
      out->items.push_back(*std::move(object));
    } else {
      status = object.status();
    }
  });
  return status;
}

absl::StatusOr<ObjectList> ReadList(Kind kind, const JsonValue& root, bool keep_json) {
  static constexpr Fields<4>::Names kNames = {"apiVersion", "kind", "metadata", "items"};
  const std::string wanted = absl::StrCat(std::string(InfoOf(kind).name), "List");
  ObjectList out;
  const Fields<4> f(root, kNames);
  if (!root.present()) root.WrongType("an object");
  const std::string_view name = f[1].String();
  if (!name.empty() && name != wanted && name != "List") {
    f[1].Fail(decode::IsNot(name, wanted));
  }
  ListMeta meta = ReadListMeta(f[2]);
  out.resourceVersion = std::move(meta.resourceVersion);
  out.continueToken = std::move(meta.continueToken);
  out.remainingItemCount = meta.remainingItemCount;
  absl::Status status;
  if (!root.context()->failed()) {
    std::string_view version = name == "List" ? std::string_view() : f[0].String();
    if (version.empty()) version = InfoOf(kind).apiVersion;
    if (KindFromName(version, InfoOf(kind).name) != kind) {
      f[0].Fail(decode::IsNot(version, InfoOf(kind).apiVersion));
    } else {
      status = ReadItems(kind, f[3], keep_json, version, &out);
    }
  }
  if (!status.ok()) return status;
  if (root.context()->failed()) return absl::InvalidArgumentError(absl::StrCat(wanted, ": ", root.context()->error()));
  return out;
}

// What the object of a BOOKMARK says.
void ReadBookmark(const JsonValue& object, WatchEvent* out) {
  static constexpr Fields<1>::Names kNames = {"metadata"};
  static constexpr Fields<2>::Names kMeta = {"resourceVersion", "annotations"};
  static constexpr Fields<1>::Names kAnnotations = {decode::kInitialEventsEnd};
  const Fields<1> f(object, kNames);
  const JsonValue metadata = f[0];
  const Fields<2> m(metadata, kMeta);
  out->resourceVersion = m[0].String();
  const JsonValue annotations = m[1];
  out->initialEventsEnd = Fields<1>(annotations, kAnnotations)[0].String() == "true";
}

absl::StatusOr<WatchEvent> ReadWatchEvent(Kind kind, const JsonValue& root, bool keep_json) {
  static constexpr Fields<2>::Names kNames = {"type", "object"};
  JsonContext* context = root.context();
  const Fields<2> f(root, kNames);
  WatchEvent out;
  const JsonValue type_name = f[0];
  const JsonValue object = f[1];
  const std::optional<WatchEventType> type = decode::WatchEventTypeOf(type_name.String());
  if (!root.present()) root.WrongType("an object");
  if (!type.has_value()) {
    type_name.Fail(absl::StrCat("is \"", Printable(type_name.String()),
                                "\"; accepted are ADDED, MODIFIED, DELETED, BOOKMARK and ERROR"));
  }
  if (!object.present()) object.Fail("is missing");
  if (!context->failed()) {
    out.type = *type;
    if (out.type == WatchEventType::kBookmark) {
      ReadBookmark(object, &out);
    } else if (out.type == WatchEventType::kError) {
      Read(object, &out.status);
    } else {
      absl::StatusOr<AnyObject> any =
          ReadAnyObject(kind, object.element(), keep_json, InfoOf(kind).apiVersion, "", context);
      if (!any.ok()) return any.status();
      out.object = *std::move(any);
    }
  }
  if (context->failed()) return absl::InvalidArgumentError(absl::StrCat("watch event: ", context->error()));
  return out;
}

}  // namespace
}  // namespace json

absl::StatusOr<AnyObject> DecodeObjectJson(Kind kind, std::string_view json, bool keep_json, const JsonLimits& limits) {
  json::ScopedParser parser;
  absl::StatusOr<simdjson::dom::element> root = parser.Parse(json, limits);
  if (!root.ok()) return root.status();
  json::JsonContext context;
  return json::ReadAnyObject(kind, *root, keep_json, InfoOf(kind).apiVersion, "", &context);
}

template <typename T>
absl::StatusOr<T> DecodeJson(std::string_view json, const JsonLimits& limits) {
  absl::StatusOr<AnyObject> object = DecodeObjectJson(T::kKind, json, /*keep_json=*/false, limits);
  if (!object.ok()) return object.status();
  return *object->template As<T>();
}

template absl::StatusOr<Namespace> DecodeJson<Namespace>(std::string_view, const JsonLimits&);
template absl::StatusOr<Node> DecodeJson<Node>(std::string_view, const JsonLimits&);
template absl::StatusOr<Pod> DecodeJson<Pod>(std::string_view, const JsonLimits&);
template absl::StatusOr<Service> DecodeJson<Service>(std::string_view, const JsonLimits&);
template absl::StatusOr<EndpointSlice> DecodeJson<EndpointSlice>(std::string_view, const JsonLimits&);
template absl::StatusOr<Event> DecodeJson<Event>(std::string_view, const JsonLimits&);
template absl::StatusOr<Lease> DecodeJson<Lease>(std::string_view, const JsonLimits&);

absl::StatusOr<ObjectList> DecodeListJson(Kind kind, std::string_view json, bool keep_json, const JsonLimits& limits) {
  json::ScopedParser parser;
  absl::StatusOr<simdjson::dom::element> root = parser.Parse(json, limits);
  if (!root.ok()) return root.status();
  json::JsonContext context;
  return json::ReadList(kind, json::JsonValue(*root, &context), keep_json);
}

absl::StatusOr<WatchEvent> DecodeWatchEventJson(Kind kind, std::string_view json, bool keep_json,
                                                const JsonLimits& limits) {
  json::ScopedParser parser;
  absl::StatusOr<simdjson::dom::element> root = parser.Parse(json, limits);
  if (!root.ok()) return root.status();
  json::JsonContext context;
  return json::ReadWatchEvent(kind, json::JsonValue(*root, &context), keep_json);
}

absl::StatusOr<Status> DecodeStatusJson(std::string_view json, const JsonLimits& limits) {
  json::ScopedParser parser;
  absl::StatusOr<simdjson::dom::element> root = parser.Parse(json, limits);
  if (!root.ok()) return root.status();
  json::JsonContext context;
  const json::JsonValue value(*root, &context);
  Status out;
  json::Read(value, &out);
  if (!value.present()) value.WrongType("an object");
  if (context.failed()) return absl::InvalidArgumentError(absl::StrCat("Status: ", context.error()));
  return out;
}

}  // namespace epslice
