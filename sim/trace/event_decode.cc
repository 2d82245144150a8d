#include "sim/trace/event_decode.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/json.h"
#include "sim/trace/readers.h"

namespace epslice::sim {

bool IsTraced(Kind kind) { return kind != Kind::kEvent && kind != Kind::kLease; }

absl::StatusOr<bool> DecodeTraceObject(JsonSpan object, bool keep_json, AnyObject* decoded, TraceSummary* summary) {
  if (!object.is_object()) return absl::InvalidArgumentError("object: is no JSON object");
  JsonSpan api_version, kind;
  object.Get({{"apiVersion", &api_version}, {"kind", &kind}});
  const std::string kind_name = kind.String();
  if (kind_name.empty()) return absl::InvalidArgumentError("an object without kind");
  const std::optional<Kind> known = KindFromName(api_version.String(), kind_name);
  if (!known || !IsTraced(*known)) {
    ++summary->skipped[kind_name];
    return false;
  }
  absl::StatusOr<AnyObject> result = DecodeObjectJson(*known, object.text(), keep_json);
  if (!result.ok()) return result.status();
  const BasicMeta& meta = result->meta();
  if (meta.name.empty()) return absl::InvalidArgumentError(Concat("a ", kind_name, " without metadata.name"));
  if (InfoOf(*known).namespaced && meta.namespace_.empty()) {
    return absl::InvalidArgumentError(Concat(kind_name, " ", meta.name.view(), ": it has no metadata.namespace"));
  }
  *decoded = *std::move(result);
  return true;
}

absl::StatusOr<bool> DecodeEvent(JsonSpan type, JsonSpan object, bool keep_json, TraceEvent* event,
                                 TraceSummary* summary) {
  const std::string name = type.String();
  if (name == "ADDED") {
    event->type = WatchEventType::kAdded;
  } else if (name == "MODIFIED") {
    event->type = WatchEventType::kModified;
  } else if (name == "DELETED") {
    event->type = WatchEventType::kDeleted;
  } else if (name == "BOOKMARK") {
    ++summary->skipped["bookmarks"];
    return false;
  } else if (name == "ERROR") {
    ++summary->skipped["watch errors (the watch was cut; what happened until the next is missing)"];
    return false;
  } else {
    return absl::InvalidArgumentError(
        Concat("type: \"", name, "\"; ADDED, MODIFIED, DELETED and BOOKMARK are accepted"));
  }
  return DecodeTraceObject(object, keep_json, &event->object, summary);
}

void NoteBroken(const RecordStream& stream, const TextRecord& record, TraceSummary* summary) {
  const bool begun = !record.text.empty() && (record.text[0] == '{' || record.text[0] == '[');
  const char* const why = begun ? "records that are cut off" : "records that are no JSON objects";
  if (summary->skipped[why]++ > 0) return;
  summary->notes.push_back(Concat(stream.name(), ": line ", record.line, ": the record is ",
                                  begun ? "cut off" : "no JSON object", "; it and others like it are skipped"));
}

}  // namespace epslice::sim
