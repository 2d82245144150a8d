// Strategic merge patch; the declaration is in patch.h.
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/cluster/json_doc.h"
#include "sim/cluster/patch.h"

namespace epslice::sim {
namespace {

// "spec.ports" of "spec" and "ports".
std::string FieldPath(const std::string& path, const std::string& field) {
  if (path.empty()) return field;
  std::string whole = path;
  whole += '.';
  whole += field;
  return whole;
}

using nlohmann::json;

constexpr std::string_view kDeletePrefix = "$deleteFromPrimitiveList/";
constexpr std::string_view kOrderPrefix = "$setElementOrder/";

// How a list is merged. Elements of merged lists are "[]" in the path.
struct MergeRule {
  std::optional<Kind> kind;  // nullopt: every kind
  std::string_view path;
  std::string_view key;  // "": a set of primitive values
};

constexpr MergeRule kRules[] = {
    {std::nullopt, "metadata.ownerReferences", "uid"},
    {std::nullopt, "metadata.finalizers", ""},
    {Kind::kPod, "spec.containers", "name"},
    {Kind::kPod, "spec.initContainers", "name"},
    {Kind::kPod, "spec.ephemeralContainers", "name"},
    {Kind::kPod, "spec.volumes", "name"},
    {Kind::kPod, "spec.imagePullSecrets", "name"},
    {Kind::kPod, "spec.hostAliases", "ip"},
    {Kind::kPod, "spec.topologySpreadConstraints", "topologyKey"},
    {Kind::kPod, "spec.schedulingGates", "name"},
    {Kind::kPod, "spec.resourceClaims", "name"},
    {Kind::kPod, "status.conditions", "type"},
    {Kind::kPod, "status.podIPs", "ip"},
    {Kind::kPod, "status.hostIPs", "ip"},
    {Kind::kPod, "status.resourceClaimStatuses", "name"},
    {Kind::kNode, "spec.podCIDRs", ""},
    {Kind::kNode, "status.conditions", "type"},
    {Kind::kNode, "status.addresses", "type"},
    {Kind::kService, "spec.ports", "port"},
    {Kind::kService, "status.conditions", "type"},
    {Kind::kNamespace, "status.conditions", "type"},
};

// Within any container of a Pod.
constexpr MergeRule kContainerRules[] = {
    {Kind::kPod, "ports", "containerPort"},
    {Kind::kPod, "env", "name"},
    {Kind::kPod, "volumeMounts", "mountPath"},
    {Kind::kPod, "volumeDevices", "devicePath"},
};

const MergeRule* RuleFor(Kind kind, std::string_view path) {
  for (const MergeRule& rule : kRules) {
    if ((!rule.kind || *rule.kind == kind) && rule.path == path) return &rule;
  }
  for (std::string_view prefix : {"spec.containers[].", "spec.initContainers[].", "spec.ephemeralContainers[]."}) {
    if (kind != Kind::kPod || !path.starts_with(prefix)) continue;
    for (const MergeRule& rule : kContainerRules) {
      if (rule.path == path.substr(prefix.size())) return &rule;
    }
  }
  return nullptr;
}

// The identity of a list element: itself in a set, its merge key in a list of
// maps; null where it has none.
json IdOf(const json& element, std::string_view key) {
  if (key.empty()) return element;
  if (!element.is_object()) return nullptr;
  auto it = element.find(std::string(key));
  return it == element.end() ? json(nullptr) : *it;
}

// Where each identity is first found in a list.
using Places = std::map<json, std::size_t>;

Places PlacesOf(const json& list, std::string_view key) {
  Places places;
  for (std::size_t i = 0; i < list.size(); ++i) {
    json id = IdOf(list[i], key);
    if (!id.is_null()) places.try_emplace(std::move(id), i);
  }
  return places;
}

// Puts the elements that `order` names in that order; the others keep their
// place relative to `before`, the list as it was.
void SetOrder(const json& order, const json& before, std::string_view key, json* list) {
  const Places now = PlacesOf(*list, key), then = PlacesOf(before, key), wanted = PlacesOf(order, key);
  std::vector<std::size_t> named, others;
  for (const json& element : order) {
    auto place = now.find(IdOf(element, key));
    if (place != now.end()) named.push_back(place->second);
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (!wanted.contains(IdOf((*list)[i], key))) others.push_back(i);
  }
  json merged = json::array();
  auto l = named.begin();
  auto r = others.begin();
  while (l != named.end() && r != others.end()) {
    const auto left = then.find(IdOf((*list)[*l], key));
    const auto right = then.find(IdOf((*list)[*r], key));
    const bool take_right = left != then.end() && right != then.end() && right->second < left->second;
    merged.push_back((*list)[take_right ? *r++ : *l++]);
  }
  for (; l != named.end(); ++l) merged.push_back((*list)[*l]);
  for (; r != others.end(); ++r) merged.push_back((*list)[*r]);
  *list = std::move(merged);
}

class Merger {
 public:
  explicit Merger(Kind kind) : kind_(kind) {}

  absl::Status MergeMap(const json& patch, const std::string& path, json* target) {
    if (auto directive = patch.find("$patch"); directive != patch.end()) {
      if (*directive == "replace" || *directive == "delete") {
        *target = json::object();
        if (*directive == "replace") CopyPlain(patch, target);
        return absl::OkStatus();
      }
      if (*directive != "merge") return Bad(path, "$patch is delete, merge or replace");
    }
    if (auto keep = patch.find("$retainKeys"); keep != patch.end()) {
      if (absl::Status status = RetainKeys(*keep, path, target); !status.ok()) return status;
    }
    const std::map<std::string, json> before = ListsToOrder(patch, *target);
    for (auto it = patch.begin(); it != patch.end(); ++it) {
      const std::string& key = it.key();
      absl::Status status;
      if (key.starts_with(kDeletePrefix)) {
        status = DeletePrimitives(it.value(), key.substr(kDeletePrefix.size()), path, target);
      } else if (!key.starts_with('$')) {
        status = MergeField(it.value(), key, FieldPath(path, key), target);
      }
      if (!status.ok()) return status;
    }
    return SetOrders(patch, before, path, target);
  }

 private:
  static absl::Status Bad(const std::string& path, const std::string& what) {
    return absl::InvalidArgumentError("invalid strategic merge patch: " + (path.empty() ? "" : path + ": ") + what);
  }

  // The lists, as they are before the patch, that it will put in order.
  static std::map<std::string, json> ListsToOrder(const json& patch, const json& target) {
    std::map<std::string, json> lists;
    for (auto it = patch.begin(); it != patch.end(); ++it) {
      if (!it.key().starts_with(kOrderPrefix)) continue;
      const std::string field = it.key().substr(kOrderPrefix.size());
      const json* list = Find(target, field.c_str());
      lists[field] = list != nullptr && list->is_array() ? *list : json::array();
    }
    return lists;
  }

  // The members of a patch that are no directives.
  static void CopyPlain(const json& patch, json* target) {
    for (auto it = patch.begin(); it != patch.end(); ++it) {
      if (!it.key().starts_with('$') && !it.value().is_null()) (*target)[it.key()] = it.value();
    }
  }

  static absl::Status RetainKeys(const json& keep, const std::string& path, json* target) {
    if (!keep.is_array()) return Bad(path, "$retainKeys is a list of field names");
    const std::set<json> names(keep.begin(), keep.end());
    json kept = json::object();
    for (auto it = target->begin(); it != target->end(); ++it) {
      if (names.contains(json(it.key()))) kept[it.key()] = it.value();
    }
    *target = std::move(kept);
    return absl::OkStatus();
  }

  static absl::Status DeletePrimitives(const json& values, const std::string& field, const std::string& path,
                                       json* target) {
    if (!values.is_array()) return Bad(path, std::string(kDeletePrefix) + field + " is a list");
    auto list = target->find(field);
    if (list == target->end() || !list->is_array()) return absl::OkStatus();
    const std::set<json> gone(values.begin(), values.end());
    json kept = json::array();
    for (const json& value : *list) {
      if (!gone.contains(value)) kept.push_back(value);
    }
    *list = std::move(kept);
    return absl::OkStatus();
  }

  absl::Status SetOrders(const json& patch, const std::map<std::string, json>& before, const std::string& path,
                         json* target) {
    for (auto it = patch.begin(); it != patch.end(); ++it) {
      if (!it.key().starts_with(kOrderPrefix)) continue;
      const std::string field = it.key().substr(kOrderPrefix.size());
      if (!it.value().is_array()) return Bad(path, it.key() + " is a list");
      const MergeRule* rule = RuleFor(kind_, FieldPath(path, field));
      auto list = target->find(field);
      if (rule == nullptr || list == target->end() || !list->is_array()) continue;
      SetOrder(it.value(), before.at(field), rule->key, &*list);
    }
    return absl::OkStatus();
  }

  absl::Status MergeField(const json& value, const std::string& key, const std::string& path, json* target) {
    if (value.is_null()) {
      target->erase(key);
      return absl::OkStatus();
    }
    if (value.is_object()) {
      json& field = (*target)[key];
      if (!field.is_object()) field = json::object();
      return MergeMap(value, path, &field);
    }
    const MergeRule* rule = value.is_array() ? RuleFor(kind_, path) : nullptr;
    if (rule == nullptr) {
      (*target)[key] = value;
      return absl::OkStatus();
    }
    json& list = (*target)[key];
    if (!list.is_array()) list = json::array();
    return rule->key.empty() ? MergeSet(value, &list) : MergeList(value, rule->key, path, &list);
  }

  static absl::Status MergeSet(const json& values, json* list) {
    std::set<json> known(list->begin(), list->end());
    for (const json& value : values) {
      if (known.insert(value).second) list->push_back(value);
    }
    return absl::OkStatus();
  }

  absl::Status MergeList(const json& elements, std::string_view key, const std::string& path, json* list) {
    // One {"$patch": "replace"} element makes the others the whole list.
    std::set<json> gone;
    for (const json& element : elements) {
      if (!element.is_object()) return Bad(path, "the elements of this list are objects");
      const std::string directive = StringAt(element, "$patch");
      if (directive == "replace") {
        *list = json::array();
        continue;
      }
      json id = IdOf(element, key);
      if (id.is_null()) return Bad(path, "an element does not have the merge key " + std::string(key));
      if (directive == "delete") gone.insert(std::move(id));
    }
    Drop(gone, key, list);
    Places places = PlacesOf(*list, key);
    for (const json& element : elements) {
      const std::string directive = StringAt(element, "$patch");
      if (directive == "replace" || directive == "delete") continue;
      auto [place, is_new] = places.try_emplace(IdOf(element, key), list->size());
      if (is_new) list->push_back(json::object());
      if (absl::Status status = MergeMap(element, path + "[]", &(*list)[place->second]); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  static void Drop(const std::set<json>& gone, std::string_view key, json* list) {
    if (gone.empty()) return;
    json kept = json::array();
    for (const json& element : *list) {
      if (!gone.contains(IdOf(element, key))) kept.push_back(element);
    }
    *list = std::move(kept);
  }

  const Kind kind_;
};

}  // namespace

absl::Status StrategicMergePatch(Kind kind, const json& patch, json* doc) {
  if (!patch.is_object()) return absl::InvalidArgumentError("a strategic merge patch is a JSON object");
  if (!doc->is_object()) *doc = json::object();
  return Merger(kind).MergeMap(patch, "", doc);
}

}  // namespace epslice::sim
