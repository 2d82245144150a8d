#include "sim/serve/tables.h"

#include <nlohmann/json.hpp>

#include "apis/json.h"
#include "apis/json_writer.h"
#include "apis/protobuf.h"
#include "sim/cluster/json_doc.h"
#include "sim/serve/table_cells.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

void AppendColumns(const std::vector<TableColumn>& columns, JsonWriter* json) {
  json->BeginArray();
  for (const TableColumn& column : columns) {
    json->BeginObject();
    json->Field("name", column.name);
    json->Field("type", column.type);
    // The one column that kubectl prefixes with the kind ("pod/a").
    json->Field("format", &column == &columns.front() && column.name == "Name" ? "name" : "");
    json->Field("description", column.description);
    json->IntField("priority", column.priority);
    json->EndObject();
  }
  json->EndArray();
}

void WriteMetadataObject(const Json& object, JsonWriter* json) {
  json->BeginObject();
  json->Field("kind", kPartialMetadataKind);
  json->Field("apiVersion", kPartialMetadataApiVersion);
  const Json* meta = Find(object, "metadata");
  json->Key("metadata");
  json->Raw(meta != nullptr ? DumpDoc(*meta) : "{}");
  json->EndObject();
}

std::string_view ReasonToEnd(Kind kind, const Json& object) { return CompletedReason(kind, object); }
std::string_view ReasonToEnd(const DocumentKind&, const Json&) { return {}; }

// `AnyKind`: Kind, or the DocumentKind of what is kept so.
template <typename AnyKind>
void AppendRow(const AnyKind& kind, const Json& object, const TableOptions& options, JsonWriter* json) {
  json->BeginObject();
  json->Key("cells");
  json->Raw(DumpDoc(TableCells(kind, object, options.now)));
  if (const std::string_view reason = ReasonToEnd(kind, object); !reason.empty()) {
    json->Key("conditions");
    json->BeginArray();
    json->BeginObject();
    json->Field("type", "Completed");
    json->Field("status", "True");
    json->Field("reason", reason);
    json->Field("message", reason == "Failed" ? "The pod failed." : "The pod has completed successfully.");
    json->EndObject();
    json->EndArray();
  }
  json->Key("object");
  if (options.include_object == IncludeObject::kNone) {
    json->Null();
  } else if (options.include_object == IncludeObject::kObject) {
    json->Raw(DumpDoc(object));
  } else {
    WriteMetadataObject(object, json);
  }
  json->EndObject();
}

Json DocOrEmpty(const AnyObject& object) {
  absl::StatusOr<Json> doc = DocOf(object);
  if (!doc.ok()) return Json::object();
  if (object.kind() == Kind::kPod && object.json() == nullptr) TellContainers(*object.As<Pod>(), &*doc);
  return *std::move(doc);
}

struct ListMeta {
  std::string_view resource_version;
  std::string_view continue_token;
  std::int64_t remaining = 0;
};

// Begins a Table up to its open array of rows.
template <typename AnyKind>
void BeginTable(const AnyKind& kind, const ListMeta& meta, bool with_columns, JsonWriter* json) {
  json->BeginObject();
  json->Field("kind", "Table");
  json->Field("apiVersion", "meta.k8s.io/v1");
  json->Key("metadata");
  json->BeginObject();
  json->Field("resourceVersion", meta.resource_version);
  if (!meta.continue_token.empty()) {
    json->Field("continue", meta.continue_token);
    if (meta.remaining > 0) json->IntField("remainingItemCount", meta.remaining);
  }
  json->EndObject();
  json->Key("columnDefinitions");
  if (with_columns) {
    AppendColumns(TableColumns(kind), json);
  } else {
    json->Null();
  }
  json->Key("rows");
  json->BeginArray();
}

void EndTable(JsonWriter* json) {
  json->EndArray();
  json->EndObject();
}

// A bookmark's object has a version and, at the end of the initial events, the
// annotation that says so.
Json BookmarkDoc(const std::string& version, bool initial_events_end) {
  Json doc = {{"metadata", {{"resourceVersion", version}, {"creationTimestamp", nullptr}}}};
  if (initial_events_end) doc["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  return doc;
}

// The object of a document's event.
Json ObjectOfEvent(const DocumentKind& kind, const DocumentEvent& event) {
  if (event.json != nullptr) return ParseDoc(*event.json).value_or(Json::object());
  Json doc = BookmarkDoc(event.resource_version, event.initial_events_end);
  doc["kind"] = kind.name;
  doc["apiVersion"] = kind.apiVersion;
  return doc;
}

template <typename AnyKind>
std::string TableFrame(const AnyKind& kind, std::string_view type, std::string_view version, const Json& doc,
                       const TableOptions& options, bool with_columns) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("type", type);
  json.Key("object");
  BeginTable(kind, {.resource_version = version, .continue_token = {}}, with_columns, &json);
  AppendRow(kind, doc, options, &json);
  EndTable(&json);
  json.EndObject();
  return out;
}

}  // namespace

std::string EncodeTable(const AnyObject& object, const TableOptions& options) {
  std::string out;
  JsonWriter json(&out);
  BeginTable(object.kind(), {.resource_version = object.meta().resourceVersion, .continue_token = {}}, true, &json);
  AppendRow(object.kind(), DocOrEmpty(object), options, &json);
  EndTable(&json);
  return out;
}

std::string EncodeMetadata(const AnyObject& object) {
  std::string out;
  JsonWriter json(&out);
  WriteMetadataObject(DocOrEmpty(object), &json);
  return out;
}

std::string EncodeTable(Kind kind, const ObjectList& list, const TableOptions& options) {
  std::string out;
  JsonWriter json(&out);
  BeginTable(kind,
             {.resource_version = list.resourceVersion,
              .continue_token = list.continueToken,
              .remaining = list.remainingItemCount},
             true, &json);
  for (const AnyObject& object : list.items) AppendRow(kind, DocOrEmpty(object), options, &json);
  EndTable(&json);
  return out;
}

std::string EncodeTableWatchEvent(Kind kind, const WatchEvent& event, const TableOptions& options, bool with_columns) {
  if (event.type == WatchEventType::kError) return EncodeWatchEventJson(kind, event);
  const bool bookmark = event.type == WatchEventType::kBookmark;
  const Json doc = bookmark ? BookmarkDoc(event.resourceVersion, event.initialEventsEnd) : DocOrEmpty(event.object);
  const std::string_view version =
      bookmark ? std::string_view(event.resourceVersion) : event.object.meta().resourceVersion.view();
  return TableFrame(kind, WatchEventTypeName(event.type), version, doc, options, with_columns);
}

std::string EncodeDocumentTable(const DocumentKind& kind, std::string_view object_or_list,
                                const TableOptions& options) {
  const Json doc = ParseDoc(object_or_list).value_or(Json::object());
  const Json* const items = Find(doc, "items");
  const Json* const meta = Find(doc, "metadata");
  const std::string version = meta == nullptr ? "" : StringAt(*meta, "resourceVersion");
  const std::string continue_token = meta == nullptr ? "" : StringAt(*meta, "continue");
  const Json* const left = meta == nullptr ? nullptr : Find(*meta, "remainingItemCount");
  std::string out;
  JsonWriter json(&out);
  BeginTable(kind,
             {.resource_version = version,
              .continue_token = continue_token,
              .remaining = left == nullptr ? 0 : left->get<std::int64_t>()},
             true, &json);
  if (items == nullptr) {
    AppendRow(kind, doc, options, &json);
  } else {
    for (Json item : *items) {
      item["kind"] = kind.name;
      item["apiVersion"] = kind.apiVersion;
      AppendRow(kind, item, options, &json);
    }
  }
  EndTable(&json);
  return out;
}

std::string EncodeTableWatchEvent(const DocumentKind& kind, const DocumentEvent& event, const TableOptions& options,
                                  bool with_columns) {
  return TableFrame(kind, WatchEventTypeName(event.type), event.resource_version, ObjectOfEvent(kind, event), options,
                    with_columns);
}

std::string EncodeDocumentWatchEvent(const DocumentKind& kind, const DocumentEvent& event) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("type", WatchEventTypeName(event.type));
  json.Key("object");
  json.Raw(event.json != nullptr ? *event.json : DumpDoc(ObjectOfEvent(kind, event)));
  json.EndObject();
  return out;
}

}  // namespace epslice::sim
