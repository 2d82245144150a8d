#include "sim/serve/protobuf_body.h"

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "apis/cat.h"
#include "apis/time_format.h"
#include "sim/cluster/json_doc.h"
#include "sim/serve/protobuf_schema.h"
#include "sim/serve/protobuf_whole.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;
using protobuf::Field;
using protobuf::Message;
using protobuf::Type;

constexpr std::string_view kMagic("k8s\0", 4);

// Reads fields one after another; stops at the first that is malformed.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  // The next field: its number, and its value as a number or as bytes. False
  // at the end, or where ok() is not.
  bool Next() {
    if (bytes_.empty() || !ok_) return false;
    const std::uint64_t tag = Varint();
    number_ = static_cast<std::uint32_t>(tag >> 3);
    wire_ = tag & 7;
    value_ = 0;
    text_ = {};
    switch (wire_) {
      case 0: value_ = Varint(); break;
      case 1: Take(8); break;
      case 2: text_ = Take(Varint()); break;
      case 5: Take(4); break;
      default: ok_ = false;
    }
    return ok_;
  }
  bool ok() const { return ok_; }
  std::uint32_t number() const { return number_; }
  bool is_bytes() const { return wire_ == 2; }
  std::uint64_t value() const { return value_; }
  std::string_view text() const { return text_; }

 private:
  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<std::uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  std::string_view Take(std::uint64_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
  bool ok_ = true;
  std::uint32_t number_ = 0;
  std::uint64_t wire_ = 0;
  std::uint64_t value_ = 0;
  std::string_view text_;
};

// Time and MicroTime: seconds and nanoseconds since 1970; null where unset.
std::optional<Json> ReadTime(std::string_view bytes, bool micro) {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  Reader reader(bytes);
  bool set = false;
  while (reader.Next()) {
    set = true;
    if (reader.number() == 1) seconds = static_cast<std::int64_t>(reader.value());
    if (reader.number() == 2) nanos = static_cast<std::int64_t>(reader.value());
  }
  // What 64 bits of nanoseconds hold.
  constexpr std::int64_t kMost = 9'000'000'000;
  if (!reader.ok() || nanos < 0 || nanos > 999'999'999) return std::nullopt;
  if (!set || seconds < -kMost || seconds > kMost) return Json();
  const Timestamp time{seconds * 1'000'000'000 + nanos};
  return Json(micro ? FormatRfc3339Micro(time) : FormatRfc3339(time));
}

std::optional<Json> ReadIntOrString(std::string_view bytes) {
  std::uint64_t type = 0;
  std::int64_t number = 0;
  std::string text;
  Reader reader(bytes);
  while (reader.Next()) {
    if (reader.number() == 1) type = reader.value();
    if (reader.number() == 2) number = static_cast<std::int64_t>(reader.value());
    if (reader.number() == 3) text = std::string(reader.text());
  }
  if (!reader.ok()) return std::nullopt;
  if (type == 0) return Json(number);
  return Json(std::move(text));
}

// A message that holds one text: quantities, pieces of JSON.
std::optional<std::string> ReadHeldText(std::string_view bytes) {
  std::string text;
  Reader reader(bytes);
  while (reader.Next()) {
    if (reader.number() == 1) text = std::string(reader.text());
  }
  return reader.ok() ? std::optional<std::string>(std::move(text)) : std::nullopt;
}

std::optional<Json> ReadRawJson(std::string_view bytes) {
  const std::optional<std::string> text = ReadHeldText(bytes);
  if (!text) return std::nullopt;
  if (text->empty()) return Json();
  absl::StatusOr<Json> doc = ParseDoc(*text);
  return doc.ok() ? std::optional<Json>(*std::move(doc)) : std::nullopt;
}

bool ReadEntry(std::string_view bytes, bool quantities, Json* map) {
  std::string key;
  std::optional<std::string> value = "";
  Reader reader(bytes);
  while (reader.Next()) {
    if (reader.number() == 1) key = std::string(reader.text());
    if (reader.number() == 2) value = quantities ? ReadHeldText(reader.text()) : std::string(reader.text());
  }
  if (!reader.ok() || !value) return false;
  (*map)[key] = *std::move(value);
  return true;
}

// How a body is read. Of kinds whose tables have not every field there is, one
// that they do not know is noted: what is stored must be all that came.
struct Reading {
  bool all = false;
  std::string unknown;  // "field 18 of spec"; empty: none

  void Note(std::uint32_t number, const char* name) {
    if (all && unknown.empty()) unknown = Cat({"field ", std::to_string(number), " of ", name});
  }
};

// `name`: of the field that it is. False where it is malformed.
bool ReadFields(const Message& message, const char* name, std::string_view bytes, Reading* reading, Json* out);

// The value of one field; null where it says nothing.
std::optional<Json> ReadValue(const Field& field, const Reader& reader, Reading* reading) {
  const bool is_number = field.type == Type::kInt || field.type == Type::kBool;
  if (reader.is_bytes() == is_number) return std::nullopt;
  switch (field.type) {
    case Type::kString:
      if (reader.text().empty() && !field.optional && !field.repeated) return Json();
      return Json(std::string(reader.text()));
    case Type::kInt:
      if (reader.value() == 0 && !field.optional) return Json();
      return Json(static_cast<std::int64_t>(reader.value()));
    case Type::kBool:
      if (reader.value() == 0 && !field.optional) return Json();
      return Json(reader.value() != 0);
    case Type::kMessage: {
      Json object = Json::object();
      if (!ReadFields(*field.message, field.name, reader.text(), reading, &object)) return std::nullopt;
      return object;
    }
    case Type::kTime: return ReadTime(reader.text(), false);
    case Type::kMicroTime: return ReadTime(reader.text(), true);
    case Type::kIntOrString: return ReadIntOrString(reader.text());
    case Type::kQuantity: {
      std::optional<std::string> text = ReadHeldText(reader.text());
      if (!text) return std::nullopt;
      return text->empty() ? Json() : Json(*std::move(text));
    }
    case Type::kRawJson: return ReadRawJson(reader.text());
    case Type::kStringMap:
    case Type::kQuantityMap: break;  // an entry at a time, below
  }
  return std::nullopt;
}

bool ReadFields(const Message& message, const char* name, std::string_view bytes, Reading* reading, Json* out) {
  Reader reader(bytes);
  while (reader.Next()) {
    const Field* field = nullptr;
    for (const Field& candidate : message.fields) {
      if (candidate.number == reader.number()) field = &candidate;
    }
    if (field == nullptr) {
      reading->Note(reader.number(), name);
      continue;
    }
    if (field->type == Type::kStringMap || field->type == Type::kQuantityMap) {
      const bool quantities = field->type == Type::kQuantityMap;
      if (!reader.is_bytes() || !ReadEntry(reader.text(), quantities, &(*out)[field->name])) return false;
      continue;
    }
    if (field->inlined) {
      if (!reader.is_bytes() || !ReadFields(*field->message, name, reader.text(), reading, out)) return false;
      continue;
    }
    std::optional<Json> value = ReadValue(*field, reader, reading);
    if (!value.has_value()) return false;
    if (field->repeated) {
      (*out)[field->name].push_back(*std::move(value));
    } else if (!value->is_null()) {
      (*out)[field->name] = *std::move(value);
    }
  }
  return reader.ok();
}

const Message* FindMessage(std::string_view api_version, std::string_view kind, Reading* reading) {
  if (const Message* message = protobuf::MessageOf(api_version, kind)) return message;
  if (api_version != "v1" || (kind != "Pod" && kind != "Node")) return nullptr;
  reading->all = true;
  return protobuf::WholeMessageOf(kind == "Pod" ? Kind::kPod : Kind::kNode);
}

}  // namespace

absl::StatusOr<std::string> ProtobufToJson(std::string_view body) {
  if (body.substr(0, kMagic.size()) != kMagic)
    return absl::InvalidArgumentError("the body does not begin with \"k8s\\0\"");
  std::string api_version;
  std::string kind;
  std::string_view raw;
  Reader envelope(body.substr(kMagic.size()));
  while (envelope.Next()) {
    if (envelope.number() == 2) raw = envelope.text();
    if (envelope.number() != 1) continue;
    Reader type(envelope.text());
    while (type.Next()) {
      if (type.number() == 1) api_version = std::string(type.text());
      if (type.number() == 2) kind = std::string(type.text());
    }
    if (!type.ok()) return absl::InvalidArgumentError("the type of the body is malformed protobuf");
  }
  if (!envelope.ok()) return absl::InvalidArgumentError("the body is malformed protobuf");
  Reading reading;
  const Message* message = FindMessage(api_version, kind, &reading);
  if (message == nullptr) {
    return absl::UnimplementedError(Cat({"protobuf of kind ", QuoteForError(kind), " is not read here, JSON is"}));
  }
  Json doc = Json::object();
  if (!ReadFields(*message, kind.c_str(), raw, &reading, &doc)) {
    return absl::InvalidArgumentError(Cat({"the ", kind, " in the body is malformed protobuf"}));
  }
  if (!reading.unknown.empty()) {
    return absl::UnimplementedError(
        Cat({"protobuf of a ", kind, " with ", reading.unknown, " is not read here, JSON is"}));
  }
  doc["apiVersion"] = api_version;
  doc["kind"] = kind;
  return DumpDoc(doc);
}

}  // namespace epslice::sim
