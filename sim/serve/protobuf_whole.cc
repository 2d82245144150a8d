#include "sim/serve/protobuf_whole.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "apis/kind.h"
#include "apis/time_format.h"

namespace epslice::sim {
namespace protobuf {
namespace {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;

void AppendVarint(std::uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}
void AppendNumber(std::uint32_t number, std::int64_t value, std::string* out) {
  AppendVarint(number << 3, out);
  AppendVarint(static_cast<std::uint64_t>(value), out);
}
void AppendBytes(std::uint32_t number, std::string_view bytes, std::string* out) {
  AppendVarint(number << 3 | 2, out);
  AppendVarint(bytes.size(), out);
  out->append(bytes);
}

// Field `number` holding what write(out) appends; false where it says so.
template <typename F>
bool AppendNested(std::uint32_t number, std::string* out, F write) {
  AppendVarint(number << 3 | 2, out);
  const std::size_t start = out->size();
  if (!write(out)) return false;
  std::string length;
  AppendVarint(out->size() - start, &length);
  out->insert(start, length);
  return true;
}

bool AppendFields(const Message& message, const Object* json, std::string* out);

bool AppendTime(std::string_view text, std::string* out) {
  const absl::StatusOr<Timestamp> time = ParseRfc3339(text);
  if (!time.ok()) return false;
  if (!time->is_set()) return true;
  const UnixTime since = ToUnix(*time);
  AppendNumber(1, since.seconds, out);
  AppendNumber(2, since.nanos, out);
  return true;
}

bool AppendMap(const Field& field, const Object& json, std::string* out) {
  std::vector<std::pair<std::string_view, std::string_view>> entries;
  for (const auto [key, value] : json) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return false;
    entries.emplace_back(key, text);
  }
  std::sort(entries.begin(), entries.end());
  for (const auto& [key, value] : entries) {
    AppendNested(field.number, out, [&, key = key, value = value](std::string* entry) {
      AppendBytes(1, key, entry);
      if (field.type == Type::kStringMap) {
        AppendBytes(2, value, entry);
        return true;
      }
      return AppendNested(2, entry, [value](std::string* quantity) {
        AppendBytes(1, value, quantity);
        return true;
      });
    });
  }
  return true;
}

bool AppendIntOrString(const Field& field, const Element& json, std::string* out) {
  std::int64_t number = 0;
  std::string_view text;
  const bool is_text = json.is_string();
  if (is_text ? json.get_string().get(text) != simdjson::SUCCESS : json.get_int64().get(number) != simdjson::SUCCESS) {
    return false;
  }
  return AppendNested(field.number, out, [&](std::string* value) {
    AppendNumber(1, is_text ? 1 : 0, value);
    AppendNumber(2, number, value);
    AppendBytes(3, text, value);
    return true;
  });
}

// A value that is there.
bool AppendValue(const Field& field, const Element& json, std::string* out) {
  std::string_view text;
  std::int64_t number = 0;
  bool yes = false;
  Object object;
  switch (field.type) {
    case Type::kString:
      if (json.get_string().get(text) != simdjson::SUCCESS) return false;
      AppendBytes(field.number, text, out);
      return true;
    case Type::kInt:
      if (json.get_int64().get(number) != simdjson::SUCCESS) return false;
      AppendNumber(field.number, number, out);
      return true;
    case Type::kBool:
      if (json.get_bool().get(yes) != simdjson::SUCCESS) return false;
      AppendNumber(field.number, yes ? 1 : 0, out);
      return true;
    case Type::kTime:
    case Type::kMicroTime:
      if (json.get_string().get(text) != simdjson::SUCCESS) return false;
      return AppendNested(field.number, out, [text](std::string* time) { return AppendTime(text, time); });
    case Type::kQuantity:
      if (json.get_string().get(text) != simdjson::SUCCESS) return false;
      return AppendNested(field.number, out, [text](std::string* quantity) {
        AppendBytes(1, text, quantity);
        return true;
      });
    case Type::kIntOrString: return AppendIntOrString(field, json, out);
    case Type::kRawJson:
      return AppendNested(field.number, out, [&json](std::string* raw) {
        AppendBytes(1, simdjson::minify(json), raw);
        return true;
      });
    case Type::kStringMap:
    case Type::kQuantityMap: return json.get_object().get(object) == simdjson::SUCCESS && AppendMap(field, object, out);
    case Type::kMessage:
      if (json.get_object().get(object) != simdjson::SUCCESS) return false;
      return AppendNested(field.number, out,
                          [&](std::string* nested) { return AppendFields(*field.message, &object, nested); });
  }
  return false;
}

// What Go writes for a field that is no pointer and has nothing in it.
void AppendEmpty(const Field& field, std::string* out) {
  switch (field.type) {
    case Type::kInt:
    case Type::kBool: AppendNumber(field.number, 0, out); break;
    case Type::kMessage:
      AppendNested(field.number, out,
                   [&](std::string* nested) { return AppendFields(*field.message, nullptr, nested); });
      break;
    case Type::kStringMap:
    case Type::kQuantityMap: break;
    default: AppendBytes(field.number, "", out);
  }
}

bool AppendFields(const Message& message, const Object* json, std::string* out) {
  for (const Field& field : message.fields) {
    if (field.inlined) {
      if (!AppendNested(field.number, out, [&](std::string* n) { return AppendFields(*field.message, json, n); })) {
        return false;
      }
      continue;
    }
    Element value;
    const bool there = json != nullptr && (*json)[field.name].get(value) == simdjson::SUCCESS && !value.is_null();
    if (!there) {
      if (!field.optional && !field.repeated) AppendEmpty(field, out);
      continue;
    }
    if (!field.repeated) {
      if (!AppendValue(field, value, out)) return false;
      continue;
    }
    simdjson::dom::array items;
    if (value.get_array().get(items) != simdjson::SUCCESS) return false;
    for (const Element item : items) {
      if (!AppendValue(field, item, out)) return false;
    }
  }
  return true;
}

}  // namespace

bool AppendMessage(const Message& message, const std::string& json, std::string* out) {
  thread_local simdjson::dom::parser parser;
  Element document;
  Object object;
  if (parser.parse(json).get(document) != simdjson::SUCCESS || document.get_object().get(object) != simdjson::SUCCESS) {
    return false;
  }
  const std::size_t before = out->size();
  if (AppendFields(message, &object, out)) return true;
  out->resize(before);
  return false;
}

namespace {

// The four bytes and the runtime.Unknown of an object or a list.
void AppendEnvelope(std::string_view api_version, std::string_view kind, std::string_view raw, std::string* out) {
  out->append("k8s\0", 4);
  AppendNested(1, out, [&](std::string* type) {
    AppendBytes(1, api_version, type);
    AppendBytes(2, kind, type);
    return true;
  });
  AppendBytes(2, raw, out);
  AppendBytes(3, "", out);
  AppendBytes(4, "", out);
}

// The message of the object, without its envelope; false where it has none.
bool AppendWholeMessage(const AnyObject& object, std::string* out) {
  const Message* const message = WholeMessageOf(object.kind());
  return message != nullptr && object.json() != nullptr && AppendMessage(*message, *object.json(), out);
}

}  // namespace
}  // namespace protobuf

void AppendWholeProtobuf(const AnyObject& object, std::string* out) {
  std::string raw;
  if (!protobuf::AppendWholeMessage(object, &raw)) {
    AppendProtobuf(object, out);
    return;
  }
  const KindInfo& info = InfoOf(object.kind());
  protobuf::AppendEnvelope(info.apiVersion, info.name, raw, out);
}

std::string EncodeWholeListProtobuf(Kind kind, const ObjectList& list, EventSpelling spelling) {
  if (protobuf::WholeMessageOf(kind) == nullptr) return EncodeListProtobuf(kind, list, spelling);
  std::string raw;
  bool whole = protobuf::AppendNested(1, &raw, [&list](std::string* meta) {
    protobuf::AppendBytes(1, "", meta);
    protobuf::AppendBytes(2, list.resourceVersion, meta);
    protobuf::AppendBytes(3, list.continueToken, meta);
    if (list.remainingItemCount > 0) protobuf::AppendNumber(4, list.remainingItemCount, meta);
    return true;
  });
  for (const AnyObject& item : list.items) {
    std::string message;
    whole = whole && protobuf::AppendWholeMessage(item, &message);
    if (whole) protobuf::AppendBytes(2, message, &raw);
  }
  if (!whole) return EncodeListProtobuf(kind, list, spelling);
  std::string out;
  out.reserve(raw.size() + 64);
  protobuf::AppendEnvelope(InfoOf(kind).apiVersion, std::string(InfoOf(kind).name) + "List", raw, &out);
  return out;
}

std::string EncodeWholeWatchEventProtobuf(Kind kind, const WatchEvent& event, EventSpelling spelling) {
  std::string raw;
  if (!event.object.has_value() || !protobuf::AppendWholeMessage(event.object, &raw)) {
    return EncodeWatchEventProtobuf(kind, event, spelling);
  }
  std::string object;
  protobuf::AppendEnvelope(InfoOf(kind).apiVersion, InfoOf(kind).name, raw, &object);
  std::string out;
  protobuf::AppendBytes(1, WatchEventTypeName(event.type), &out);
  protobuf::AppendNested(2, &out, [&object](std::string* extension) {
    protobuf::AppendBytes(1, object, extension);
    return true;
  });
  return out;
}

}  // namespace epslice::sim
