// Private to apis: what the protobuf writers of the kinds share.
#ifndef EPSLICE_APIS_PROTOBUF_ENCODE_H_
#define EPSLICE_APIS_PROTOBUF_ENCODE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "apis/core.h"
#include "apis/discovery.h"
#include "apis/meta.h"
#include "apis/object.h"
#include "apis/protobuf.h"
#include "apis/protobuf_fields.h"
#include "apis/text.h"

namespace epslice::protobuf {

// A writer of messages that knows where it writes.
class Writer : public protozero::pbf_writer {
 public:
  explicit Writer(std::string& out) : protozero::pbf_writer(out), out_(&out) {}
  Writer(Writer& parent, std::uint32_t number) : protozero::pbf_writer(parent, number), out_(parent.out_) {}
  // What is written so far, messages around it included.
  std::size_t size() const { return out_->size(); }
  // Where it writes. What is appended belongs to the message that is open.
  std::string* out() const { return out_; }

 private:
  std::string* out_;
};

inline void Write(Writer* w, std::uint32_t number, std::string_view value) {
  w->add_string(number, value.data(), value.size());
}
// Each writes field `number`, or, when the value is empty, nothing.
inline void OmitEmpty(Writer* w, std::uint32_t number, std::string_view value) {
  if (!value.empty()) Write(w, number, value);
}
inline void OmitZero(Writer* w, std::uint32_t number, std::int64_t value) {
  if (value != 0) w->add_int64(number, value);
}
inline void OmitNull(Writer* w, std::uint32_t number, const std::optional<bool>& value) {
  if (value.has_value()) w->add_bool(number, *value);
}
inline void OmitNull(Writer* w, std::uint32_t number, const std::optional<std::int32_t>& value) {
  if (value.has_value()) w->add_int32(number, *value);
}
inline void OmitNull(Writer* w, std::uint32_t number, const std::optional<std::int64_t>& value) {
  if (value.has_value()) w->add_int64(number, *value);
}
inline void OmitNull(Writer* w, std::uint32_t number, const std::optional<Text>& value) {
  if (value.has_value()) Write(w, number, *value);
}
void OmitUnset(Writer* w, std::uint32_t number, Timestamp value);       // metav1.Time
void OmitUnsetMicro(Writer* w, std::uint32_t number, Timestamp value);  // metav1.MicroTime
void WriteMap(Writer* w, std::uint32_t number, const StringMap& map);
void WriteTexts(Writer* w, std::uint32_t number, const std::vector<Text>& texts);
// Field `number` holding a message written by write(&writer), which may be
// empty: protozero alone would leave it out then.
template <typename F>
void WriteMessage(Writer* w, std::uint32_t number, F write) {
  const std::size_t before = w->size();
  {
    Writer message(*w, number);
    write(&message);
  }
  if (w->size() == before) Write(w, number, "");
}

// The fields of a reference, for take(number, text) in the order in which Go
// writes them: all of them always, the empty ones too.
template <typename F>
void ForEachField(const ObjectReference& reference, F take) {
  take(ReferenceField::kKind, reference.kind);
  take(ReferenceField::kNamespace, reference.namespace_);
  take(ReferenceField::kName, reference.name);
  take(ReferenceField::kUid, reference.uid);
  take(ReferenceField::kApiVersion, reference.apiVersion);
  take(ReferenceField::kResourceVersion, reference.resourceVersion);
  take(ReferenceField::kFieldPath, reference.fieldPath);
}

// The field "metadata" of an object.
void WriteMetadata(Writer* w, const BasicMeta& meta);
void WriteMetadata(Writer* w, const ObjectMeta& meta);
void WriteReference(Writer* w, std::uint32_t number, const ObjectReference& reference);

// The fields of a whole object, without its envelope.
void WriteFields(Writer* w, const Namespace& object);
void WriteFields(Writer* w, const Node& object);
void WriteFields(Writer* w, const Pod& object);
void WriteFields(Writer* w, const Service& object);
void WriteFields(Writer* w, const EndpointSlice& object);
void WriteFields(Writer* w, const Event& object);
void WriteEventsV1Fields(Writer* w, const Event& object);
void WriteFields(Writer* w, const Lease& object);

// Appends the field "endpoints" of an EndpointSlice, each with its length known
// beforehand: there are up to 1,000 of them, each of five messages.
void AppendEndpoints(const std::vector<Endpoint>& endpoints, std::string* out);

// Appends the envelope of an object whose fields write(&writer) writes.
template <typename F>
void AppendEnvelope(std::string_view api_version, std::string_view kind, std::string* out, F write) {
  out->append(kMagic);
  Writer envelope(*out);
  WriteMessage(&envelope, UnknownField::kTypeMeta, [&](Writer* w) {
    Write(w, TypeMetaField::kApiVersion, api_version);
    Write(w, TypeMetaField::kKind, kind);
  });
  WriteMessage(&envelope, UnknownField::kRaw, write);
}

}  // namespace epslice::protobuf

#endif  // EPSLICE_APIS_PROTOBUF_ENCODE_H_
