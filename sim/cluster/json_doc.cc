#include "sim/cluster/json_doc.h"

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "apis/json.h"
#include "sim/cluster/patch.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

// Depth of a JSON text, by its brackets outside of strings.
bool TextTooDeep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDocDepth) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

bool DeeperThan(const json& value, std::size_t depth) {
  if (!value.is_structured()) return false;
  if (depth == 0) return true;
  for (const json& child : value) {
    if (DeeperThan(child, depth - 1)) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<json> ParseDoc(std::string_view text) {
  if (text.size() > kMaxObjectBytes) {
    return absl::InvalidArgumentError("the JSON has " + std::to_string(text.size()) + " bytes; at most " +
                                      std::to_string(kMaxObjectBytes) + " are accepted");
  }
  if (TextTooDeep(text)) {
    return absl::InvalidArgumentError("the JSON is nested deeper than " + std::to_string(kMaxDocDepth) + " levels");
  }
  try {
    return json::parse(text);
  } catch (const json::exception& e) {
    return absl::InvalidArgumentError(std::string("json parse error: ") + e.what());
  }
}

bool TooDeep(const json& doc) { return DeeperThan(doc, kMaxDocDepth); }

std::string DumpDoc(const json& doc) { return doc.dump(-1, ' ', false, json::error_handler_t::replace); }

absl::StatusOr<json> DocOf(const AnyObject& object) {
  std::string text;
  if (object.json() == nullptr) AppendJson(object, &text);
  absl::StatusOr<json> doc = ParseDoc(object.json() != nullptr ? *object.json() : text);
  if (!doc.ok()) return doc;
  if (!doc->is_object()) return absl::InvalidArgumentError("the object is not a JSON object");
  if (object.kind() == Kind::kEvent) EventToCore(&*doc);
  const KindInfo& info = InfoOf(object.kind());
  (*doc)["apiVersion"] = info.apiVersion;
  (*doc)["kind"] = info.name;
  return doc;
}

absl::StatusOr<AnyObject> ObjectOf(Kind kind, const json& doc) {
  return DecodeObjectJson(kind, DumpDoc(doc), /*keep_json=*/true);
}

json& Section(json& doc, const char* key) {
  json& section = doc[key];
  if (!section.is_object()) section = json::object();
  return section;
}

const json* Find(const json& doc, const char* key) {
  if (!doc.is_object()) return nullptr;
  auto it = doc.find(key);
  return it == doc.end() ? nullptr : &*it;
}

std::string StringAt(const json& doc, const char* key) {
  const json* value = Find(doc, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

void EventToCore(json* doc) {
  static constexpr std::array<std::pair<const char*, const char*>, 7> kNames = {{
      {"regarding", "involvedObject"},
      {"note", "message"},
      {"deprecatedSource", "source"},
      {"deprecatedFirstTimestamp", "firstTimestamp"},
      {"deprecatedLastTimestamp", "lastTimestamp"},
      {"deprecatedCount", "count"},
      {"reportingController", "reportingComponent"},
  }};
  if (!doc->is_object()) return;
  for (const auto& [from, to] : kNames) {
    auto it = doc->find(from);
    if (it == doc->end()) continue;
    json value = std::move(*it);
    doc->erase(it);
    (*doc)[to] = std::move(value);
  }
}

void TellContainers(const Pod& pod, json* doc) {
  const json* spec = Find(*doc, "spec");
  const json* containers = spec == nullptr ? nullptr : Find(*spec, "containers");
  if (pod.phase != PodPhase::kRunning || containers == nullptr || !containers->is_array()) return;
  json& statuses = Section(*doc, "status")["containerStatuses"];
  if (!statuses.is_array()) statuses = json::array();
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    if (statuses[i].is_object()) places.emplace(StringAt(statuses[i], "name"), i);
  }
  for (const json& container : *containers) {
    const std::string name = StringAt(container, "name");
    const auto [place, added] = places.emplace(name, statuses.size());
    if (added) {
      statuses.push_back({{"name", name},
                          {"image", StringAt(container, "image")},
                          {"imageID", ""},
                          {"restartCount", 0},
                          {"state", {{"running", json::object()}}}});
    }
    statuses[place->second]["ready"] = pod.ready;
    statuses[place->second]["started"] = true;
  }
}

absl::Status OverlayStruct(const AnyObject& object, json* doc) {
  absl::StatusOr<json> written = DocOf(object);
  if (!written.ok()) return written.status();
  // A struct carries all of these (a Pod has labels only), so they replace.
  json& meta = Section(*doc, "metadata");
  for (const char* key : {"labels", "annotations", "finalizers", "ownerReferences"}) {
    if (object.kind() == Kind::kPod && std::string_view(key) != "labels") continue;
    const json* value = Find((*written)["metadata"], key);
    if (value == nullptr) {
      meta.erase(key);
    } else {
      meta[key] = *value;
    }
  }
  written->erase("metadata");
  if (object.kind() == Kind::kPod && written->contains("spec")) {
    // A Pod struct has named ports, not containers.
    Section(*written, "spec").erase("containers");
    Section(*written, "spec").erase("initContainers");
  }
  if (object.kind() == Kind::kNode) {
    for (const char* key : {"taints", "unschedulable"}) Section(*doc, "spec").erase(key);
  }
  if (object.kind() == Kind::kService) {
    for (const char* key : {"selector", "ports", "ipFamilies", "clusterIPs"}) Section(*doc, "spec").erase(key);
  }
  if (absl::Status status = StrategicMergePatch(object.kind(), *written, doc); !status.ok()) return status;
  if (object.kind() == Kind::kPod) TellContainers(*object.As<Pod>(), doc);
  return absl::OkStatus();
}

}  // namespace epslice::sim
