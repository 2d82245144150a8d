#include "sim/serve/protobuf_body.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "apis/cat.h"
#include "apis/time_format.h"
#include "sim/cluster/json_doc.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMagic("k8s\0", 4);

enum class Type { kString, kInt, kBool, kMessage, kStringMap, kTime, kMicroTime, kIntOrString };

struct Message;
struct Field {
  std::uint32_t number;
  const char* name;
  Type type = Type::kString;
  const Message* message = nullptr;  // kMessage
  bool repeated = false;
  // A pointer in Go: what is written is meant, even if it is empty. The others
  // are always written, and left out of JSON where they are.
  bool optional = false;
};
struct Message {
  std::vector<Field> fields;
};

Field Text_(std::uint32_t number, const char* name) { return {number, name}; }
Field OptionalText(std::uint32_t number, const char* name) {
  return {number, name, Type::kString, nullptr, false, true};
}
Field Texts(std::uint32_t number, const char* name) { return {number, name, Type::kString, nullptr, true}; }
Field Of(std::uint32_t number, const char* name, Type type, bool optional = false) {
  return {number, name, type, nullptr, false, optional};
}
Field Sub(std::uint32_t number, const char* name, const Message& message, bool repeated = false) {
  return {number, name, Type::kMessage, &message, repeated, true};
}

// Field numbers: generated.proto of the API groups, checked against the bytes
// of a real server. Messages live as long as the program.
struct Schema {
  Message owner{{Text_(1, "kind"), Text_(3, "name"), Text_(4, "uid"), Text_(5, "apiVersion"),
                 Of(6, "controller", Type::kBool, true), Of(7, "blockOwnerDeletion", Type::kBool, true)}};
  Message meta{{Text_(1, "name"), Text_(2, "generateName"), Text_(3, "namespace"), Text_(5, "uid"),
                Text_(6, "resourceVersion"), Of(7, "generation", Type::kInt), Of(8, "creationTimestamp", Type::kTime),
                Of(9, "deletionTimestamp", Type::kTime), Of(10, "deletionGracePeriodSeconds", Type::kInt, true),
                Of(11, "labels", Type::kStringMap), Of(12, "annotations", Type::kStringMap),
                Sub(13, "ownerReferences", owner, true), Texts(14, "finalizers")}};
  Message reference{{Text_(1, "kind"), Text_(2, "namespace"), Text_(3, "name"), Text_(4, "uid"), Text_(5, "apiVersion"),
                     Text_(6, "resourceVersion"), Text_(7, "fieldPath")}};

  Message namespace_spec{{Texts(1, "finalizers")}};
  Message namespace_status{{Text_(1, "phase")}};
  Message namespace_{{Sub(1, "metadata", meta), Sub(2, "spec", namespace_spec), Sub(3, "status", namespace_status)}};

  Message service_port{{Text_(1, "name"), Text_(2, "protocol"), Of(3, "port", Type::kInt),
                        Of(4, "targetPort", Type::kIntOrString), Of(5, "nodePort", Type::kInt),
                        OptionalText(6, "appProtocol")}};
  Message service_spec{
      {Sub(1, "ports", service_port, true), Of(2, "selector", Type::kStringMap), Text_(3, "clusterIP"),
       Text_(4, "type"), Texts(5, "externalIPs"), Text_(7, "sessionAffinity"), Text_(8, "loadBalancerIP"),
       Texts(9, "loadBalancerSourceRanges"), Text_(10, "externalName"), Text_(11, "externalTrafficPolicy"),
       Of(12, "healthCheckNodePort", Type::kInt), Of(13, "publishNotReadyAddresses", Type::kBool),
       OptionalText(17, "ipFamilyPolicy"), Texts(18, "clusterIPs"), Texts(19, "ipFamilies"),
       Of(20, "allocateLoadBalancerNodePorts", Type::kBool, true), OptionalText(21, "loadBalancerClass"),
       OptionalText(22, "internalTrafficPolicy"), OptionalText(23, "trafficDistribution")}};
  Message service{{Sub(1, "metadata", meta), Sub(2, "spec", service_spec)}};

  Message conditions{{Of(1, "ready", Type::kBool, true), Of(2, "serving", Type::kBool, true),
                      Of(3, "terminating", Type::kBool, true)}};
  Message hint{{Text_(1, "name")}};
  Message hints{{Sub(1, "forZones", hint, true), Sub(2, "forNodes", hint, true)}};
  Message endpoint{{Texts(1, "addresses"), Sub(2, "conditions", conditions), OptionalText(3, "hostname"),
                    Sub(4, "targetRef", reference), Of(5, "deprecatedTopology", Type::kStringMap),
                    OptionalText(6, "nodeName"), OptionalText(7, "zone"), Sub(8, "hints", hints)}};
  Message endpoint_port{{OptionalText(1, "name"), OptionalText(2, "protocol"), Of(3, "port", Type::kInt, true),
                         OptionalText(4, "appProtocol")}};
  Message slice{{Sub(1, "metadata", meta), Sub(2, "endpoints", endpoint, true), Sub(3, "ports", endpoint_port, true),
                 Text_(4, "addressType")}};

  Message lease_spec{{OptionalText(1, "holderIdentity"), Of(2, "leaseDurationSeconds", Type::kInt, true),
                      Of(3, "acquireTime", Type::kMicroTime), Of(4, "renewTime", Type::kMicroTime),
                      Of(5, "leaseTransitions", Type::kInt, true), OptionalText(6, "strategy"),
                      OptionalText(7, "preferredHolder")}};
  Message lease{{Sub(1, "metadata", meta), Sub(2, "spec", lease_spec)}};

  Message source{{Text_(1, "component"), Text_(2, "host")}};
  Message series{{Of(1, "count", Type::kInt), Of(2, "lastObservedTime", Type::kMicroTime)}};
  Message event{{Sub(1, "metadata", meta), Sub(2, "involvedObject", reference), Text_(3, "reason"), Text_(4, "message"),
                 Sub(5, "source", source), Of(6, "firstTimestamp", Type::kTime), Of(7, "lastTimestamp", Type::kTime),
                 Of(8, "count", Type::kInt), Text_(9, "type"), Of(10, "eventTime", Type::kMicroTime),
                 Sub(11, "series", series), Text_(12, "action"), Sub(13, "related", reference),
                 Text_(14, "reportingComponent"), Text_(15, "reportingInstance")}};
  Message events_v1{{Sub(1, "metadata", meta), Of(2, "eventTime", Type::kMicroTime), Sub(3, "series", series),
                     Text_(4, "reportingController"), Text_(5, "reportingInstance"), Text_(6, "action"),
                     Text_(7, "reason"), Sub(8, "regarding", reference), Sub(9, "related", reference),
                     Text_(10, "note"), Text_(11, "type"), Sub(12, "deprecatedSource", source),
                     Of(13, "deprecatedFirstTimestamp", Type::kTime), Of(14, "deprecatedLastTimestamp", Type::kTime),
                     Of(15, "deprecatedCount", Type::kInt)}};

  Message preconditions{{OptionalText(1, "uid"), OptionalText(2, "resourceVersion")}};
  Message delete_options{{Of(1, "gracePeriodSeconds", Type::kInt, true), Sub(2, "preconditions", preconditions),
                          Of(3, "orphanDependents", Type::kBool, true), OptionalText(4, "propagationPolicy"),
                          Texts(5, "dryRun")}};
  Message eviction{{Sub(1, "metadata", meta), Sub(2, "deleteOptions", delete_options)}};
  Message binding{{Sub(1, "metadata", meta), Sub(2, "target", reference)}};

  const Message* Find(std::string_view api_version, std::string_view kind) const {
    if (kind == "Event") return api_version == "v1" ? &event : &events_v1;
    const std::array<std::pair<std::string_view, const Message*>, 7> by_kind = {{{"Namespace", &namespace_},
                                                                                 {"Service", &service},
                                                                                 {"EndpointSlice", &slice},
                                                                                 {"Lease", &lease},
                                                                                 {"DeleteOptions", &delete_options},
                                                                                 {"Eviction", &eviction},
                                                                                 {"Binding", &binding}}};
    for (const auto& [name, message] : by_kind) {
      if (name == kind) return message;
    }
    return nullptr;
  }
};

const Schema& TheSchema() {
  static const Schema schema;
  return schema;
}

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

bool ReadEntry(std::string_view bytes, Json* map) {
  std::string key;
  std::string value;
  Reader reader(bytes);
  while (reader.Next()) {
    if (reader.number() == 1) key = std::string(reader.text());
    if (reader.number() == 2) value = std::string(reader.text());
  }
  (*map)[key] = value;
  return reader.ok();
}

std::optional<Json> ReadMessage(const Message& message, std::string_view bytes);

// The value of one field; null where it says nothing.
std::optional<Json> ReadValue(const Field& field, const Reader& reader) {
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
    case Type::kMessage: return ReadMessage(*field.message, reader.text());
    case Type::kTime: return ReadTime(reader.text(), false);
    case Type::kMicroTime: return ReadTime(reader.text(), true);
    case Type::kIntOrString: return ReadIntOrString(reader.text());
    case Type::kStringMap: break;
  }
  return std::nullopt;
}

std::optional<Json> ReadMessage(const Message& message, std::string_view bytes) {
  Json out = Json::object();
  Reader reader(bytes);
  while (reader.Next()) {
    const Field* field = nullptr;
    for (const Field& candidate : message.fields) {
      if (candidate.number == reader.number()) field = &candidate;
    }
    if (field == nullptr) continue;
    if (field->type == Type::kStringMap) {
      if (!reader.is_bytes() || !ReadEntry(reader.text(), &out[field->name])) return std::nullopt;
      continue;
    }
    std::optional<Json> value = ReadValue(*field, reader);
    if (!value.has_value()) return std::nullopt;
    if (field->repeated) {
      out[field->name].push_back(*std::move(value));
    } else if (!value->is_null()) {
      out[field->name] = *std::move(value);
    }
  }
  if (!reader.ok()) return std::nullopt;
  return out;
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
  const Message* message = TheSchema().Find(api_version, kind);
  if (message == nullptr) {
    return absl::UnimplementedError(Cat({"protobuf of kind ", QuoteForError(kind), " is not read here, JSON is"}));
  }
  std::optional<Json> doc = ReadMessage(*message, raw);
  if (!doc.has_value()) return absl::InvalidArgumentError(Cat({"the ", kind, " in the body is malformed protobuf"}));
  (*doc)["apiVersion"] = api_version;
  (*doc)["kind"] = kind;
  return DumpDoc(*doc);
}

}  // namespace epslice::sim
