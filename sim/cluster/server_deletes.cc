// Deletes, and what follows from them: graceful ends, garbage collection,
// the emptying of namespaces.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "sim/cluster/json_doc.h"
#include "sim/cluster/selection.h"
#include "sim/cluster/server_impl.h"

namespace epslice::sim {
namespace {

constexpr std::int64_t kDefaultGraceSeconds = 30;
// Longer graces count as this much (a hundred years).
constexpr std::int64_t kMaxGraceSeconds = std::int64_t{100} * 365 * 24 * 3600;
constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";

std::optional<Status> CheckPreconditions(Kind kind, const AnyObject& object, const DeleteOptions& options) {
  const BasicMeta& meta = object.meta();
  if (!options.preconditionUid.empty() && meta.uid != options.preconditionUid) {
    return StatusConflict(kind, meta.name,
                          "Precondition failed: UID in precondition: " + options.preconditionUid +
                              ", UID in object meta: " + meta.uid.str());
  }
  if (!options.preconditionResourceVersion.empty() && meta.resourceVersion != options.preconditionResourceVersion) {
    return StatusConflict(
        kind, meta.name,
        "Precondition failed: ResourceVersion in precondition: " + options.preconditionResourceVersion +
            ", ResourceVersion in object meta: " + meta.resourceVersion.str());
  }
  return std::nullopt;
}

std::int64_t GraceOf(const AnyObject& pod, const DeleteOptions& options) {
  const auto object = pod.As<Pod>();
  // Nobody runs it, or nothing runs in it any more.
  if (object->nodeName.empty() || object->phase == PodPhase::kSucceeded || object->phase == PodPhase::kFailed) return 0;
  std::int64_t grace = kDefaultGraceSeconds;
  if (options.gracePeriodSeconds) {
    grace = *options.gracePeriodSeconds;
  } else if (pod.json() != nullptr) {
    const absl::StatusOr<nlohmann::json> doc = DocOf(pod);
    const nlohmann::json* spec = doc.ok() ? Find(*doc, "spec") : nullptr;
    const nlohmann::json* value = spec == nullptr ? nullptr : Find(*spec, "terminationGracePeriodSeconds");
    if (value != nullptr && value->is_number_integer()) grace = value->get<std::int64_t>();
  }
  return grace < 0 ? 1 : std::min(grace, kMaxGraceSeconds);
}

bool HasFinalizer(const Record& record, std::string_view name) {
  const auto& list = record.extras.finalizers;
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The answer to a delete that removed the object, with what it was beside it.
Response Removed(Kind kind, AnyObject object) {
  Response response;
  response.status.detailsName = object.meta().name.str();
  response.status.detailsGroup = InfoOf(kind).group;
  response.status.detailsKind = InfoOf(kind).resource;
  response.status.detailsUid = object.meta().uid.str();
  response.object = std::move(object);
  return response;
}

Response StillThere(AnyObject object) {
  Response response;
  response.object = std::move(object);
  return response;
}

Timestamp After(Timestamp t, std::int64_t seconds) { return Timestamp{t.nanos + seconds * 1'000'000'000}; }

}  // namespace

Response MemoryApiServer::Impl::Delete(const Request& request) {
  if (!request.subresource.empty()) return ErrorResponse(StatusMethodNotAllowed());
  if (request.name.empty()) return DeleteCollection(request);
  const ObjectKey key{Text(request.namespace_), Text(request.name)};
  Response response = DeleteObject(request.kind, key, request.deletion);
  if (response.status.ok()) ++Counts(request.kind).deletes;
  return response;
}

Response MemoryApiServer::Impl::DeleteCollection(const Request& request) {
  Response response = List(request);
  if (!response.status.ok()) return response;
  std::vector<AnyObject> deleted;
  for (const AnyObject& object : response.list.items) {
    Response one = DeleteObject(request.kind, KeyOf(object.meta()), request.deletion);
    if (one.status.code == 404) continue;
    if (!one.status.ok()) return one;
    ++Counts(request.kind).deletes;
    deleted.push_back(std::move(one.object));
  }
  response.list.items = std::move(deleted);
  return response;
}

Response MemoryApiServer::Impl::Evict(const Request& request) {
  Response response = DeleteObject(Kind::kPod, {Text(request.namespace_), Text(request.name)}, request.deletion);
  if (!response.status.ok()) return response;
  ++Counts(Kind::kPod).deletes;
  response.status = Status{};
  response.status.code = 201;
  return response;
}

Response MemoryApiServer::Impl::DeleteObject(Kind kind, const ObjectKey& key, const DeleteOptions& how) {
  const Record* stored = store.Find(kind, key);
  if (stored == nullptr) return ErrorResponse(StatusNotFound(kind, key.name));
  if (auto status = CheckPreconditions(kind, stored->object, how)) return ErrorResponse(*std::move(status));
  if (kind == Kind::kNamespace) return DeleteNamespace(key, *stored);
  const Text uid = stored->object.meta().uid;
  if (how.propagationPolicy == "Orphan") {
    OrphanDependents(uid);
  } else if (how.propagationPolicy == "Foreground" && kind != Kind::kPod) {
    const std::vector<ObjectStore::Dependent> dependents = store.DependentsOf(uid);
    if (!dependents.empty() && !HasFinalizer(*stored, kForegroundFinalizer)) {
      std::vector<Text> finalizers = stored->extras.finalizers;
      finalizers.push_back(Text::Intern(kForegroundFinalizer));
      Response response = MarkDeleted(*stored, std::move(finalizers));
      for (const ObjectStore::Dependent& dependent : dependents) {
        DeleteObject(dependent.first, dependent.second, DeleteOptions{});
      }
      return response;
    }
  }
  stored = store.Find(kind, key);
  if (stored == nullptr) return ErrorResponse(StatusNotFound(kind, key.name));
  if (kind == Kind::kPod) return DeletePod(key, *stored, how);
  if (!stored->extras.finalizers.empty()) return MarkDeleted(*stored, stored->extras.finalizers);
  return Removed(kind, Remove(*stored, ServerEdit{}));
}

Response MemoryApiServer::Impl::MarkDeleted(const Record& stored, std::vector<Text> finalizers) {
  ServerEdit edit;
  if (!stored.object.meta().deletionTimestamp.is_set()) {
    edit.deletionTimestamp = Now();
    edit.deletionGracePeriodSeconds = 0;
    if (stored.extras.generation > 0) edit.generation = stored.extras.generation + 1;
  } else if (finalizers == stored.extras.finalizers) {
    return StillThere(stored.object);
  }
  if (finalizers != stored.extras.finalizers) edit.finalizers = std::move(finalizers);
  return StillThere(CommitEdit(stored, edit));
}

Response MemoryApiServer::Impl::DeletePod(const ObjectKey& key, const Record& stored, const DeleteOptions& how) {
  const Timestamp asked_before = stored.object.meta().deletionTimestamp;
  const std::int64_t old_grace = stored.extras.deletionGracePeriodSeconds.value_or(0);
  ServerEdit edit;
  std::int64_t grace = GraceOf(stored.object, how);
  if (asked_before.is_set()) {
    // Only a shorter grace counts, and it counts from the first delete.
    if (old_grace == 0 && !stored.extras.finalizers.empty()) return StillThere(stored.object);
    if (!how.gracePeriodSeconds && grace > 0) return StillThere(stored.object);
    if (grace >= old_grace && old_grace > 0) return StillThere(stored.object);
    edit.deletionTimestamp = grace == 0 ? Now() : After(asked_before, grace - old_grace);
  } else {
    edit.deletionTimestamp = After(Now(), grace);
    if (stored.extras.generation > 0) edit.generation = stored.extras.generation + 1;
  }
  edit.deletionGracePeriodSeconds = grace;
  if (grace == 0 && stored.extras.finalizers.empty()) return Removed(Kind::kPod, Remove(stored, edit));
  AnyObject object = CommitEdit(stored, edit);
  if (grace > 0) {
    const Duration left{object.meta().deletionTimestamp.nanos - Now().nanos};
    ScheduleEnd(*store.Find(Kind::kPod, key), clock->Now() + std::max(left, Duration{0}));
  }
  return StillThere(std::move(object));
}

Response MemoryApiServer::Impl::DeleteNamespace(const ObjectKey& key, const Record& stored) {
  if (key.name == "default" || key.name == "kube-system" || key.name == "kube-public") {
    return ErrorResponse(StatusForbidden(Kind::kNamespace, key.name, "this namespace may not be deleted"));
  }
  if (stored.object.meta().deletionTimestamp.is_set()) {
    return ErrorResponse(StatusConflict(
        Kind::kNamespace, key.name,
        "The system is ensuring all content is removed from this namespace.  Upon completion, this namespace will "
        "automatically be purged by the system."));
  }
  ServerEdit edit;
  edit.deletionTimestamp = Now();
  edit.phase = Text::Intern("Terminating");
  Record next = Edited(stored, edit, store.next_version());
  AnyObject object = Commit(std::move(next));
  EmptyNamespace(key.name);
  chores.push_back({Chore::What::kNamespace, {Kind::kNamespace, key}});
  return StillThere(std::move(object));
}

void MemoryApiServer::Impl::EmptyNamespace(const Text& name) {
  for (Kind kind : kAllKinds) {
    if (!InfoOf(kind).namespaced) continue;
    std::vector<ObjectKey> keys;
    const ObjectStore::Objects& objects = store.objects(kind);
    for (auto it = objects.lower_bound({name, Text()}); it != objects.end() && it->first.namespace_ == name; ++it) {
      keys.push_back(it->first);
    }
    for (const ObjectKey& key : keys) DeleteObject(kind, key, DeleteOptions{});
  }
}

AnyObject MemoryApiServer::Impl::Remove(const Record& stored, const ServerEdit& edit) {
  // `stored` may live in the store: everything of it is read before the erase.
  const std::vector<OwnerReference> owners = stored.extras.ownerReferences;
  AnyObject last = Edited(stored, edit, store.next_version()).object;
  if (dry_run) return last;
  const Kind kind = last.kind();
  const ObjectKey key = KeyOf(last.meta());
  watches->hub.Publish(store.Erase(last));
  if (auto service = last.As<Service>()) addresses.Release(*service, nullptr);
  for (const ObjectStore::Dependent& dependent : store.DependentsOf(last.meta().uid)) {
    chores.push_back({Chore::What::kCollect, dependent});
  }
  for (const OwnerReference& owner : owners) {
    const std::optional<Kind> owner_kind = KindFromName(owner.apiVersion, owner.kind);
    if (!owner_kind) continue;
    const Text owner_namespace = InfoOf(*owner_kind).namespaced ? key.namespace_ : Text();
    chores.push_back({Chore::What::kForeground, {*owner_kind, {owner_namespace, owner.name}}});
  }
  if (InfoOf(kind).namespaced) {
    const Record* ns = store.Find(Kind::kNamespace, {Text(), key.namespace_});
    if (ns != nullptr && ns->object.meta().deletionTimestamp.is_set()) {
      chores.push_back({Chore::What::kNamespace, {Kind::kNamespace, {Text(), key.namespace_}}});
    }
  }
  return last;
}

bool MemoryApiServer::Impl::MayGo(const Record& record) {
  return record.object.kind() != Kind::kNamespace && record.object.meta().deletionTimestamp.is_set() &&
         record.extras.finalizers.empty() && record.extras.deletionGracePeriodSeconds.value_or(0) == 0;
}

AnyObject MemoryApiServer::Impl::CommitEdit(const Record& stored, const ServerEdit& edit) {
  Record next = Edited(stored, edit, store.next_version());
  if (MayGo(next)) return Remove(next, ServerEdit{});
  return Commit(std::move(next));
}

void MemoryApiServer::Impl::ScheduleEnd(const Record& record, Instant due) {
  if (!options.end_graceful_deletions || dry_run) return;
  ends.emplace(due, KeyOf(record.object.meta()), record.object.meta().uid);
}

std::optional<Instant> MemoryApiServer::Impl::Advance() {
  const Instant now = clock->Now();
  while (!ends.empty() && std::get<0>(*ends.begin()) <= now) {
    const auto node = ends.extract(ends.begin());
    const auto& [due, key, uid] = node.value();
    const Record* stored = store.Find(Kind::kPod, key);
    if (stored == nullptr || stored->object.meta().uid != uid) continue;
    ServerEdit edit;
    edit.deletionGracePeriodSeconds = 0;
    // Finalizers still hold it: it goes when they do.
    CommitEdit(*stored, edit);
    RunBackground();
  }
  if (ends.empty()) return std::nullopt;
  return std::get<0>(*ends.begin());
}

bool MemoryApiServer::Impl::OwnerExists(const OwnerReference& owner, const Text& namespace_name) const {
  const std::optional<Kind> kind = KindFromName(owner.apiVersion, owner.kind);
  // Kinds we do not store (a ReplicaSet) are taken to be there.
  if (!kind) return true;
  const Record* record = store.Find(*kind, {InfoOf(*kind).namespaced ? namespace_name : Text(), owner.name});
  return record != nullptr && record->object.meta().uid == owner.uid;
}

void MemoryApiServer::Impl::CollectIfOrphan(const ObjectStore::Dependent& object) {
  const Record* record = store.Find(object.first, object.second);
  if (record == nullptr || record->extras.ownerReferences.empty()) return;
  if (object.first == Kind::kEndpointSlice && !options.collect_slices) return;
  std::vector<OwnerReference> there;
  for (const OwnerReference& owner : record->extras.ownerReferences) {
    if (OwnerExists(owner, object.second.namespace_)) there.push_back(owner);
  }
  if (there.size() == record->extras.ownerReferences.size()) return;
  if (there.empty()) {
    DeleteObject(object.first, object.second, DeleteOptions{});
    return;
  }
  ServerEdit edit;
  edit.ownerReferences = std::move(there);
  CommitEdit(*record, edit);
}

void MemoryApiServer::Impl::OrphanDependents(const Text& uid) {
  for (const ObjectStore::Dependent& dependent : store.DependentsOf(uid)) {
    const Record* record = store.Find(dependent.first, dependent.second);
    if (record == nullptr) continue;
    std::vector<OwnerReference> owners = record->extras.ownerReferences;
    std::erase_if(owners, [&uid](const OwnerReference& owner) { return owner.uid == uid; });
    ServerEdit edit;
    edit.ownerReferences = std::move(owners);
    CommitEdit(*record, edit);
  }
}

void MemoryApiServer::Impl::FinishForeground(const ObjectStore::Dependent& owner) {
  const Record* record = store.Find(owner.first, owner.second);
  if (record == nullptr || !HasFinalizer(*record, kForegroundFinalizer)) return;
  if (!store.DependentsOf(record->object.meta().uid).empty()) return;
  std::vector<Text> finalizers = record->extras.finalizers;
  std::erase(finalizers, kForegroundFinalizer);
  ServerEdit edit;
  edit.finalizers = std::move(finalizers);
  CommitEdit(*record, edit);
}

void MemoryApiServer::Impl::RunBackground() {
  while (!chores.empty()) {
    const Chore chore = std::move(chores.front());
    chores.pop_front();
    switch (chore.what) {
      case Chore::What::kCollect: CollectIfOrphan(chore.object); break;
      case Chore::What::kForeground: FinishForeground(chore.object); break;
      case Chore::What::kNamespace: {
        const Text& name = chore.object.second.name;
        const Record* ns = store.Find(Kind::kNamespace, chore.object.second);
        if (ns == nullptr || !ns->object.meta().deletionTimestamp.is_set() || !ns->extras.finalizers.empty()) break;
        bool empty = true;
        for (Kind kind : kAllKinds) {
          if (!InfoOf(kind).namespaced) continue;
          auto it = store.objects(kind).lower_bound({name, Text()});
          if (it != store.objects(kind).end() && it->first.namespace_ == name) empty = false;
        }
        if (empty) Remove(*ns, ServerEdit{});
        break;
      }
    }
  }
}

}  // namespace epslice::sim
