// Update and patch of the in-memory API server.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <utility>

#include "apis/json.h"
#include "sim/cluster/admission.h"
#include "sim/cluster/any_object.h"
#include "sim/cluster/json_doc.h"
#include "sim/cluster/patch.h"
#include "sim/cluster/server_impl.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

constexpr std::string_view kModified =
    "the object has been modified; please apply your changes to the latest version and try again";

bool HasStatus(Kind kind) {
  return kind == Kind::kPod || kind == Kind::kService || kind == Kind::kNode || kind == Kind::kNamespace;
}

// The struct of an update, with what belongs to the server as it is stored.
template <typename T>
std::shared_ptr<T> NextStruct(const T& given, const T& stored, bool status_only) {
  auto next = std::make_shared<T>(status_only ? stored : given);
  BasicMeta& meta = next->metadata;
  const BasicMeta& old = stored.metadata;
  meta.name = old.name;
  meta.namespace_ = old.namespace_;
  meta.uid = old.uid;
  meta.resourceVersion = old.resourceVersion;
  meta.creationTimestamp = old.creationTimestamp;
  meta.deletionTimestamp = old.deletionTimestamp;
  if constexpr (!std::is_same_v<T, Pod>) {
    next->metadata.generation = stored.metadata.generation;
    next->metadata.deletionGracePeriodSeconds = stored.metadata.deletionGracePeriodSeconds;
  }
  if constexpr (std::is_same_v<T, Pod> || std::is_same_v<T, Node>) {
    if (status_only) CopyStatus(given, next.get());
  }
  if constexpr (std::is_same_v<T, Namespace>) next->phase = stored.phase;
  if constexpr (std::is_same_v<T, Service>) SetServiceDefaults(next.get(), &stored);
  return next;
}

// Whether something that counts as a new generation changed.
bool NewGeneration(const EndpointSlice& a, const EndpointSlice& b) {
  return a.metadata.labels != b.metadata.labels || a.addressType != b.addressType || a.endpoints != b.endpoints ||
         a.ports != b.ports;
}
bool NewGeneration(const Pod& a, const Pod& b) {
  return a.nodeName != b.nodeName || a.hostname != b.hostname || a.subdomain != b.subdomain;
}

bool NewGeneration(Kind kind, const json& a, const json& b) {
  const json none;
  const auto at = [&none](const json& doc, const char* key) -> const json& {
    const json* value = Find(doc, key);
    return value == nullptr ? none : *value;
  };
  if (kind == Kind::kPod) return at(a, "spec") != at(b, "spec");
  if (at(a["metadata"], "labels") != at(b["metadata"], "labels")) return true;
  for (const char* key : {"addressType", "endpoints", "ports"}) {
    if (at(a, key) != at(b, key)) return true;
  }
  return false;
}

// doc[key] becomes what it is in `stored`, or goes.
void Keep(const json& stored, const char* key, json& doc) {
  const json* value = Find(stored, key);
  if (value == nullptr) {
    doc.erase(key);
  } else {
    doc[key] = *value;
  }
}

// Kinds of which an update makes what is not there (AllowCreateOnUpdate of their
// strategies).
bool UpdateCreates(Kind kind) { return kind == Kind::kService || kind == Kind::kLease || kind == Kind::kEvent; }

Status UidDiffers(Kind kind, const Text& name, const Text& given, std::string_view is) {
  return StatusConflict(
      kind, name,
      "Precondition failed: UID in precondition: " + given.str() + ", UID in object meta: " + std::string(is));
}

Response Unchanged(const Record& stored) {
  Response response;
  response.object = stored.object;
  return response;
}

// What the request makes of the stored document, before the server's own
// fields are put back.
absl::StatusOr<json> NextDoc(const Record& stored, const json& old, const std::string& subresource,
                             const AnyObject& object) {
  const Kind kind = stored.object.kind();
  absl::StatusOr<json> doc = old;
  if (object.json() != nullptr || kind == Kind::kEndpointSlice || kind == Kind::kEvent || kind == Kind::kLease) {
    doc = DocOf(object);
  } else if (absl::Status status = OverlayStruct(object, &*doc); !status.ok()) {
    return status;
  }
  if (!doc.ok()) return doc;
  if (subresource == "status") {
    json next = old;
    Keep(*doc, "status", next);
    return next;
  }
  if (HasStatus(kind) && object.json() != nullptr) Keep(old, "status", *doc);
  return doc;
}

// Puts back what a client cannot change.
absl::Status RestoreServerFields(const Record& stored, const json& old, json* doc) {
  const Kind kind = stored.object.kind();
  const json none = json::object();
  const json* stored_meta = Find(old, "metadata");
  const json& old_meta = stored_meta == nullptr ? none : *stored_meta;
  json& meta = Section(*doc, "metadata");
  for (const char* key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp",
                          "deletionGracePeriodSeconds", "generation", "selfLink"}) {
    Keep(old_meta, key, meta);
  }
  if (!meta.contains("managedFields")) Keep(old_meta, "managedFields", meta);
  if (auto ns = stored.object.As<Namespace>()) Section(*doc, "status")["phase"] = ns->phase.view();
  if (auto before = stored.object.As<Service>()) {
    absl::StatusOr<AnyObject> decoded = ObjectOf(kind, *doc);
    if (!decoded.ok()) return decoded.status();
    Service service = *decoded->As<Service>();
    SetServiceDefaults(&service, before.get());
    WriteServiceFields(service, doc);
  }
  return absl::OkStatus();
}

// The document without what is no change by itself: managedFields, and empty
// lists and maps of the metadata.
json Comparable(json doc) {
  json& meta = Section(doc, "metadata");
  meta.erase("managedFields");
  for (const char* key : {"labels", "annotations", "finalizers", "ownerReferences"}) {
    if (const json* value = Find(meta, key); value != nullptr && value->empty()) meta.erase(key);
  }
  return doc;
}

}  // namespace

Response MemoryApiServer::Impl::Update(const Request& request) {
  if (!request.subresource.empty() && (request.subresource != "status" || !HasStatus(request.kind))) {
    return ErrorResponse(StatusMethodNotAllowed());
  }
  if (!request.object.has_value() || request.object.kind() != request.kind) {
    return ErrorResponse(StatusBadRequest("the body of an update is a " + std::string(InfoOf(request.kind).name)));
  }
  const BasicMeta& given = request.object.meta();
  ObjectKey key{Text(), request.name.empty() ? given.name : Text(request.name)};
  if (InfoOf(request.kind).namespaced) {
    key.namespace_ = request.namespace_.empty() ? given.namespace_ : Text::Intern(request.namespace_);
    if (!given.namespace_.empty() && given.namespace_ != key.namespace_) {
      return ErrorResponse(
          StatusBadRequest("the namespace of the provided object does not match the namespace sent on the request"));
    }
  }
  if (!given.name.empty() && given.name != key.name) {
    return ErrorResponse(StatusBadRequest("the name of the object (" + given.name.str() +
                                          ") does not match the name on the URL (" + key.name.str() + ")"));
  }
  if (UpdateCreates(request.kind) && request.subresource.empty() && !given.name.empty() &&
      store.Find(request.kind, key) == nullptr) {
    return given.uid.empty() ? Create(request) : ErrorResponse(UidDiffers(request.kind, key.name, given.uid, ""));
  }
  Response response = Replace(request.kind, key, request.subresource, request.object);
  if (response.status.ok()) ++Counts(request.kind).updates;
  return response;
}

Response MemoryApiServer::Impl::Patch(const Request& request) {
  if (!request.subresource.empty() && (request.subresource != "status" || !HasStatus(request.kind))) {
    return ErrorResponse(StatusMethodNotAllowed());
  }
  const ObjectKey key{Text::Intern(request.namespace_), Text(request.name)};
  const Record* stored = store.Find(request.kind, key);
  if (stored == nullptr) return ErrorResponse(StatusNotFound(request.kind, request.name));
  absl::StatusOr<json> doc = DocOf(stored->object);
  if (!doc.ok()) return ErrorResponse(StatusBadRequest(std::string(doc.status().message())));
  if (absl::Status status = ApplyPatch(request.patchType, request.kind, request.patch, &*doc); !status.ok()) {
    Status error = StatusBadRequest(std::string(status.message()));
    if (absl::IsFailedPrecondition(status)) {
      error.code = 422;
      error.reason = "Invalid";
      error.message = "the server rejected our request due to an error in our request: " + error.message;
    }
    return ErrorResponse(std::move(error));
  }
  absl::StatusOr<AnyObject> object = ObjectOf(request.kind, *doc);
  if (!object.ok()) return ErrorResponse(StatusBadRequest(std::string(object.status().message())));
  if (object->meta().name != key.name || object->meta().namespace_ != key.namespace_) {
    return ErrorResponse(StatusBadRequest("a patch may not change metadata.name or metadata.namespace"));
  }
  Response response = Replace(request.kind, key, request.subresource, *object);
  if (response.status.ok()) ++Counts(request.kind).patches;
  return response;
}

Response MemoryApiServer::Impl::Replace(Kind kind, const ObjectKey& key, const std::string& subresource,
                                        const AnyObject& object) {
  const Record* stored = store.Find(kind, key);
  if (stored == nullptr) return ErrorResponse(StatusNotFound(kind, key.name));
  const BasicMeta& given = object.meta();
  const BasicMeta& old = stored->object.meta();
  if (!given.uid.empty() && given.uid != old.uid) {
    return ErrorResponse(UidDiffers(kind, key.name, given.uid, old.uid));
  }
  if (!given.resourceVersion.empty() && given.resourceVersion != old.resourceVersion) {
    return ErrorResponse(StatusConflict(kind, key.name, kModified));
  }
  if (object.json() == nullptr && stored->object.json() == nullptr) return ReplaceTyped(*stored, subresource, object);
  return ReplaceJson(*stored, subresource, object);
}

Response MemoryApiServer::Impl::ReplaceTyped(const Record& stored, const std::string& subresource,
                                             const AnyObject& object) {
  bool same = false;
  Record next;
  next.extras = stored.extras;
  next.object = WithType(stored.object.kind(), [&]<typename T>() {
    const auto old = stored.object.As<T>();
    std::shared_ptr<T> changed = NextStruct(*object.As<T>(), *old, subresource == "status");
    same = *changed == *old;
    if constexpr (std::is_same_v<T, Pod> || std::is_same_v<T, EndpointSlice>) {
      if (!same && NewGeneration(*changed, *old)) ++next.extras.generation;
    }
    if (ObjectMeta* meta = FullMeta(changed.get())) {
      meta->generation = next.extras.generation;
      next.extras.ownerReferences = meta->ownerReferences;
      next.extras.finalizers = meta->finalizers;
    }
    changed->metadata.resourceVersion = Text(std::to_string(store.next_version()));
    return AnyObject(std::shared_ptr<const T>(std::move(changed)));
  });
  return same ? Unchanged(stored) : FinishReplace(stored, std::move(next));
}

Response MemoryApiServer::Impl::ReplaceJson(const Record& stored, const std::string& subresource,
                                            const AnyObject& object) {
  const Kind kind = stored.object.kind();
  const auto bad = [](const absl::Status& status) {
    return ErrorResponse(StatusBadRequest(std::string(status.message())));
  };
  const absl::StatusOr<json> old = DocOf(stored.object);
  if (!old.ok()) return bad(old.status());
  absl::StatusOr<json> doc = NextDoc(stored, *old, subresource, object);
  if (!doc.ok()) return bad(doc.status());
  if (absl::Status status = RestoreServerFields(stored, *old, &*doc); !status.ok()) return bad(status);
  const json before = Comparable(*old), after = Comparable(*doc);
  if (before == after) return Unchanged(stored);
  // From now on the object has JSON, in which its struct said nothing of containers.
  const json* const status = Find(*doc, "status");
  const bool told = status != nullptr && Find(*status, "containerStatuses") != nullptr;
  if (kind == Kind::kPod && stored.object.json() == nullptr && !told) {
    TellContainers(*stored.object.As<Pod>(), &*doc);
  }
  json& meta = Section(*doc, "metadata");
  if (HasGeneration(kind) && NewGeneration(kind, before, after)) meta["generation"] = stored.extras.generation + 1;
  meta["resourceVersion"] = std::to_string(store.next_version());
  absl::StatusOr<AnyObject> whole = ObjectOf(kind, *doc);
  if (!whole.ok()) return bad(whole.status());
  if (std::vector<StatusCause> causes = ValidateLabels(whole->meta().labels); !causes.empty()) {
    return ErrorResponse(StatusInvalid(kind, whole->meta().name, std::move(causes)));
  }
  Record next;
  next.object = *std::move(whole);
  next.extras = ExtrasOf(next.object, &*doc);
  return FinishReplace(stored, std::move(next));
}

Response MemoryApiServer::Impl::FinishReplace(const Record& stored, Record next) {
  const Kind kind = next.object.kind();
  const ObjectKey key = KeyOf(next.object.meta());
  std::vector<StatusCause> causes = ValidateObject(next.object, &stored.object);
  if (!causes.empty()) return ErrorResponse(StatusInvalid(kind, key.name, std::move(causes)));
  if (auto service = next.object.As<Service>()) {
    const auto old = stored.object.As<Service>();
    Service allocated = *service;
    if (auto cause = addresses.Allocate(&allocated, old.get())) {
      return ErrorResponse(StatusInvalid(kind, key.name, {*std::move(cause)}));
    }
    addresses.Release(*old, &allocated);
    if (next.object.json() != nullptr && allocated != *service) {
      // Both were parsed before: this does not fail.
      absl::StatusOr<json> doc = DocOf(next.object);
      if (doc.ok()) WriteServiceFields(allocated, &*doc);
      absl::StatusOr<AnyObject> whole = doc.ok() ? ObjectOf(kind, *doc) : doc.status();
      if (whole.ok()) next.object = *std::move(whole);
    } else if (next.object.json() == nullptr) {
      next.object = AnyObject::Of(std::move(allocated));
    }
  }
  Response response;
  if (MayGo(next)) {
    response.object = Remove(next, ServerEdit{});
    return response;
  }
  if (next.extras.ownerReferences != stored.extras.ownerReferences && !next.extras.ownerReferences.empty()) {
    chores.push_back({Chore::What::kCollect, {kind, key}});
  }
  response.object = Commit(std::move(next));
  return response;
}

}  // namespace epslice::sim
