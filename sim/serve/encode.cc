#include "sim/serve/encode.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "apis/json.h"
#include "apis/json_writer.h"
#include "sim/cluster/json_doc.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kEventsV1 = "events.k8s.io/v1";

}  // namespace

std::string EncodeEventsV1Object(const AnyObject& event) {
  static constexpr std::array<std::pair<const char*, const char*>, 7> kNames = {{
      {"involvedObject", "regarding"},
      {"message", "note"},
      {"source", "deprecatedSource"},
      {"firstTimestamp", "deprecatedFirstTimestamp"},
      {"lastTimestamp", "deprecatedLastTimestamp"},
      {"count", "deprecatedCount"},
      {"reportingComponent", "reportingController"},
  }};
  absl::StatusOr<Json> doc = DocOf(event);
  if (!doc.ok()) {
    const auto object = event.As<Event>();
    return object != nullptr ? EncodeEventsV1Json(*object) : "{}";
  }
  for (const auto& [core, events] : kNames) {
    const auto it = doc->find(core);
    if (it == doc->end()) continue;
    Json value = std::move(*it);
    doc->erase(it);
    (*doc)[events] = std::move(value);
  }
  (*doc)["apiVersion"] = kEventsV1;
  return DumpDoc(*doc);
}

std::string EncodeEventsV1List(const ObjectList& list) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("kind", "EventList");
  json.Field("apiVersion", kEventsV1);
  json.Key("metadata");
  json.BeginObject();
  json.Field("resourceVersion", list.resourceVersion);
  if (!list.continueToken.empty()) {
    json.Field("continue", list.continueToken);
    if (list.remainingItemCount > 0) json.IntField("remainingItemCount", list.remainingItemCount);
  }
  json.EndObject();
  json.Key("items");
  json.BeginArray();
  for (const AnyObject& event : list.items) json.Raw(EncodeEventsV1Object(event));
  json.EndArray();
  json.EndObject();
  return out;
}

std::string EncodeEventsV1Frame(const WatchEvent& event) {
  if (event.type == WatchEventType::kError) return EncodeWatchEventJson(Kind::kEvent, event);
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("type", WatchEventTypeName(event.type));
  json.Key("object");
  if (event.type != WatchEventType::kBookmark) {
    json.Raw(EncodeEventsV1Object(event.object));
  } else {
    Json doc = {
        {"kind", "Event"}, {"apiVersion", kEventsV1}, {"metadata", {{"resourceVersion", event.resourceVersion}}}};
    if (event.initialEventsEnd) doc["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}};
    json.Raw(DumpDoc(doc));
  }
  json.EndObject();
  return out;
}

}  // namespace epslice::sim
