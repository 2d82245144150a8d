// Private to apis: what the writers of the kinds share.
#ifndef EPSLICE_APIS_JSON_ENCODE_H_
#define EPSLICE_APIS_JSON_ENCODE_H_

#include <string_view>

#include "absl/types/span.h"
#include "apis/core.h"
#include "apis/json_writer.h"
#include "apis/kind.h"
#include "apis/meta.h"
#include "apis/request.h"
#include "apis/text.h"

namespace epslice::json {

// Each writes key and value, or, when the value is empty, nothing.
void OmitEmpty(JsonWriter* w, std::string_view key, std::string_view value);
void OmitZero(JsonWriter* w, std::string_view key, std::int64_t value);
void OmitFalse(JsonWriter* w, std::string_view key, bool value);
void OmitUnset(JsonWriter* w, std::string_view key, Timestamp value);       // metav1.Time
void OmitUnsetMicro(JsonWriter* w, std::string_view key, Timestamp value);  // metav1.MicroTime
void OmitEmpty(JsonWriter* w, std::string_view key, const StringMap& value);
void OmitEmpty(JsonWriter* w, std::string_view key, const std::vector<Text>& value);
template <typename Int>
void OmitNull(JsonWriter* w, std::string_view key, const std::optional<Int>& value) {
  if (value.has_value()) w->IntField(key, *value);
}
inline void OmitNull(JsonWriter* w, std::string_view key, const std::optional<bool>& value) {
  if (value.has_value()) w->BoolField(key, *value);
}
inline void OmitNull(JsonWriter* w, std::string_view key, const std::optional<Text>& value) {
  if (value.has_value()) w->Field(key, *value);
}

void WriteMap(const StringMap& map, JsonWriter* w);
void WriteTexts(absl::Span<const Text> texts, JsonWriter* w);
void WriteTypeMeta(std::string_view api_version, std::string_view kind, JsonWriter* w);
// The field "metadata".
void WriteMetadata(const BasicMeta& meta, JsonWriter* w);
void WriteMetadata(const ObjectMeta& meta, JsonWriter* w);
void WriteObjectReference(const ObjectReference& reference, JsonWriter* w);

// Whole objects.
void Write(const Status& status, JsonWriter* w);

}  // namespace epslice::json

#endif  // EPSLICE_APIS_JSON_ENCODE_H_
