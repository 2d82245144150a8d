// Changes as a recording shows them.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "sim/cluster/any_object.h"
#include "sim/cluster/json_doc.h"
#include "sim/cluster/server_impl.h"

namespace epslice::sim {
namespace {

// The object with these two, in struct and JSON alike.
AnyObject Stamped(const AnyObject& object, const Text& uid, std::uint64_t version, nlohmann::json* doc) {
  const std::string number = std::to_string(version);
  std::shared_ptr<const std::string> text;
  if (doc != nullptr) {
    nlohmann::json& meta = Section(*doc, "metadata");
    meta["uid"] = uid.view();
    meta["resourceVersion"] = number;
    text = std::make_shared<const std::string>(DumpDoc(*doc));
  }
  return WithType(object.kind(), [&]<typename T>() {
    auto copy = std::make_shared<T>(*object.As<T>());
    copy->metadata.uid = uid;
    copy->metadata.resourceVersion = Text(number);
    return AnyObject(std::shared_ptr<const T>(std::move(copy)), std::move(text));
  });
}

// Whether they say the same, versions aside.
bool SaysTheSame(const AnyObject& a, const AnyObject& b) {
  return WithType(a.kind(), [&]<typename T>() {
    T copy = *a.As<T>();
    const auto other = b.As<T>();
    copy.metadata.resourceVersion = other->metadata.resourceVersion;
    return copy == *other;
  });
}

}  // namespace

absl::Status MemoryApiServer::Impl::Replay(WatchEventType type, const AnyObject& object, bool always) {
  if (!object.has_value()) return absl::InvalidArgumentError("there is no object to replay");
  const KindInfo& info = InfoOf(object.kind());
  const BasicMeta& meta = object.meta();
  if (meta.name.empty() || (info.namespaced && meta.namespace_.empty())) {
    return absl::InvalidArgumentError(std::string(info.name) + " " + meta.name.str() +
                                      ": it has no metadata.name or no metadata.namespace");
  }
  const ObjectKey key = KeyOf(meta);
  const Record* stored = store.Find(object.kind(), key);
  const bool replaced = stored != nullptr && !meta.uid.empty() && stored->object.meta().uid != meta.uid;
  if (stored != nullptr && (type == WatchEventType::kDeleted || replaced)) {
    Remove(*stored, ServerEdit{});
    RunBackground();
    stored = nullptr;
  }
  if (type == WatchEventType::kDeleted) return absl::OkStatus();
  if (info.namespaced && store.Find(Kind::kNamespace, {Text(), meta.namespace_}) == nullptr) {
    MakeNamespace(meta.namespace_);
  }
  const Text uid = !meta.uid.empty() ? meta.uid : stored != nullptr ? stored->object.meta().uid : NewUid();
  std::optional<nlohmann::json> doc;
  if (object.json() != nullptr) {
    absl::StatusOr<nlohmann::json> parsed = DocOf(object);
    if (!parsed.ok()) return parsed.status();
    doc = *std::move(parsed);
  }
  Record record{Stamped(object, uid, store.next_version(), doc ? &*doc : nullptr), {}};
  if (stored != nullptr && !always && SaysTheSame(stored->object, record.object)) return absl::OkStatus();
  record.extras = ExtrasOf(record.object, doc ? &*doc : nullptr);
  if (auto service = record.object.As<Service>()) addresses.Adopt(*service);
  if (object.kind() == Kind::kPod && meta.deletionTimestamp.is_set()) {
    const Duration left{meta.deletionTimestamp.nanos - clock->WallNow().nanos};
    ScheduleEnd(record, clock->Now() + std::max(left, Duration{0}));
  }
  if (!record.extras.ownerReferences.empty()) chores.push_back({Chore::What::kCollect, {object.kind(), key}});
  Commit(std::move(record));
  RunBackground();
  return absl::OkStatus();
}

}  // namespace epslice::sim
