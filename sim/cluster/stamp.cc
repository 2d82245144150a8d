#include "sim/cluster/stamp.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "apis/time_format.h"
#include "sim/cluster/any_object.h"
#include "sim/cluster/json_doc.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

json OwnersDoc(const std::vector<OwnerReference>& owners) {
  json list = json::array();
  for (const OwnerReference& owner : owners) {
    json doc = {{"apiVersion", owner.apiVersion.view()},
                {"kind", owner.kind.view()},
                {"name", owner.name.view()},
                {"uid", owner.uid.view()}};
    if (owner.controller) doc["controller"] = *owner.controller;
    if (owner.blockOwnerDeletion) doc["blockOwnerDeletion"] = *owner.blockOwnerDeletion;
    list.push_back(std::move(doc));
  }
  return list;
}

template <typename List>
void SetList(json& meta, const char* key, const List& list) {
  if (list.empty()) {
    meta.erase(key);
  } else {
    meta[key] = list;
  }
}

void EditDoc(const ServerEdit& edit, json* doc) {
  json& meta = Section(*doc, "metadata");
  if (edit.deletionTimestamp) meta["deletionTimestamp"] = FormatRfc3339(*edit.deletionTimestamp);
  if (edit.deletionGracePeriodSeconds) meta["deletionGracePeriodSeconds"] = *edit.deletionGracePeriodSeconds;
  if (edit.generation) meta["generation"] = *edit.generation;
  if (edit.finalizers) {
    json names = json::array();
    for (const Text& name : *edit.finalizers) names.push_back(name.view());
    SetList(meta, "finalizers", names);
  }
  if (edit.ownerReferences) SetList(meta, "ownerReferences", OwnersDoc(*edit.ownerReferences));
  if (edit.nodeName) Section(*doc, "spec")["nodeName"] = edit.nodeName->view();
  if (edit.phase) Section(*doc, "status")["phase"] = edit.phase->view();
}

// The text of a stored object, edited. It was parsed before it was stored, so
// this does not fail; if it does all the same, the text is dropped and the
// struct stands alone.
std::shared_ptr<const std::string> EditedText(const AnyObject& object, const ServerEdit& edit, std::uint64_t version) {
  if (object.json() == nullptr) return nullptr;
  absl::StatusOr<json> doc = DocOf(object);
  if (!doc.ok()) return nullptr;
  EditDoc(edit, &*doc);
  json& meta = Section(*doc, "metadata");
  meta["resourceVersion"] = std::to_string(version);
  if (version == 0) meta.erase("resourceVersion");
  return std::make_shared<const std::string>(DumpDoc(*doc));
}

template <typename T>
void EditStruct(const ServerEdit& edit, T* object) {
  if (edit.deletionTimestamp) object->metadata.deletionTimestamp = *edit.deletionTimestamp;
  if (ObjectMeta* meta = FullMeta(object)) {
    if (edit.deletionGracePeriodSeconds) meta->deletionGracePeriodSeconds = edit.deletionGracePeriodSeconds;
    if (edit.generation) meta->generation = *edit.generation;
    if (edit.finalizers) meta->finalizers = *edit.finalizers;
    if (edit.ownerReferences) meta->ownerReferences = *edit.ownerReferences;
  }
  if constexpr (std::is_same_v<T, Pod>) {
    if (edit.nodeName) object->nodeName = *edit.nodeName;
  }
  if constexpr (std::is_same_v<T, Namespace>) {
    if (edit.phase) object->phase = *edit.phase;
  }
}

std::vector<OwnerReference> OwnersIn(const json& meta) {
  std::vector<OwnerReference> owners;
  const json* list = Find(meta, "ownerReferences");
  if (list == nullptr || !list->is_array()) return owners;
  for (const json& doc : *list) {
    OwnerReference owner;
    owner.apiVersion = Text::Intern(StringAt(doc, "apiVersion"));
    owner.kind = Text::Intern(StringAt(doc, "kind"));
    owner.name = Text(StringAt(doc, "name"));
    owner.uid = Text(StringAt(doc, "uid"));
    if (const json* v = Find(doc, "controller"); v != nullptr && v->is_boolean()) owner.controller = v->get<bool>();
    if (const json* v = Find(doc, "blockOwnerDeletion"); v != nullptr && v->is_boolean()) {
      owner.blockOwnerDeletion = v->get<bool>();
    }
    owners.push_back(std::move(owner));
  }
  return owners;
}

std::optional<std::int64_t> IntAt(const json& doc, const char* key) {
  const json* value = Find(doc, key);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  return value->get<std::int64_t>();
}

}  // namespace

Record Edited(const Record& record, const ServerEdit& edit, std::uint64_t version) {
  Record result;
  result.object = WithType(record.object.kind(), [&]<typename T>() {
    auto copy = std::make_shared<T>(*record.object.As<T>());
    EditStruct(edit, copy.get());
    copy->metadata.resourceVersion = version == 0 ? Text() : Text(std::to_string(version));
    return AnyObject(std::shared_ptr<const T>(std::move(copy)), EditedText(record.object, edit, version));
  });
  result.extras = record.extras;
  if (edit.deletionGracePeriodSeconds) result.extras.deletionGracePeriodSeconds = edit.deletionGracePeriodSeconds;
  if (edit.generation) result.extras.generation = *edit.generation;
  if (edit.finalizers) result.extras.finalizers = *edit.finalizers;
  if (edit.ownerReferences) result.extras.ownerReferences = *edit.ownerReferences;
  return result;
}

AnyObject WithVersion(const AnyObject& object, std::uint64_t version) {
  return Edited(Record{object, {}}, ServerEdit{}, version).object;
}

Extras ExtrasOf(const AnyObject& object, const json* doc) {
  Extras extras;
  if (const ObjectMeta* meta = object.object_meta()) {
    extras.generation = meta->generation;
    extras.deletionGracePeriodSeconds = meta->deletionGracePeriodSeconds;
    extras.ownerReferences = meta->ownerReferences;
    extras.finalizers = meta->finalizers;
    return extras;
  }
  const json* meta = doc == nullptr ? nullptr : Find(*doc, "metadata");
  if (meta == nullptr) return extras;
  extras.generation = IntAt(*meta, "generation").value_or(0);
  extras.deletionGracePeriodSeconds = IntAt(*meta, "deletionGracePeriodSeconds");
  extras.ownerReferences = OwnersIn(*meta);
  if (const json* list = Find(*meta, "finalizers"); list != nullptr && list->is_array()) {
    for (const json& name : *list) {
      if (name.is_string()) extras.finalizers.push_back(Text::Intern(name.get<std::string>()));
    }
  }
  return extras;
}

Timestamp WholeSeconds(Timestamp t) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  if (!t.is_set()) return t;
  const std::int64_t rest = t.nanos % kSecond;
  return Timestamp{t.nanos - (rest < 0 ? rest + kSecond : rest)};
}

}  // namespace epslice::sim
