// Create and bind of the in-memory API server.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <utility>

#include "apis/time_format.h"
#include "sim/cluster/admission.h"
#include "sim/cluster/any_object.h"
#include "sim/cluster/generated_name.h"
#include "sim/cluster/json_doc.h"
#include "sim/cluster/server_impl.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

// The struct of a new object, stamped and with its defaults.
template <typename T>
std::shared_ptr<T> NewStruct(const T& given, const ObjectKey& key, const Text& uid, Timestamp now) {
  auto object = std::make_shared<T>(given);
  BasicMeta& meta = object->metadata;
  meta.name = key.name;
  meta.namespace_ = key.namespace_;
  meta.uid = uid;
  meta.creationTimestamp = now;
  meta.deletionTimestamp = {};
  if (ObjectMeta* full = FullMeta(object.get())) {
    full->generation = HasGeneration(T::kKind) ? 1 : 0;
    full->deletionGracePeriodSeconds.reset();
  }
  if constexpr (std::is_same_v<T, Service>) SetServiceDefaults(object.get(), nullptr);
  if constexpr (std::is_same_v<T, Pod>) {
    if (object->phase == PodPhase::kUnknown) object->phase = PodPhase::kPending;
  }
  if constexpr (std::is_same_v<T, Namespace>) {
    object->phase = Text::Intern("Active");
    object->metadata.labels = object->metadata.labels.With(Text::Intern("kubernetes.io/metadata.name"), key.name);
  }
  return object;
}

void SetDefault(json& section, const char* key, json value) {
  if (!section.contains(key)) section[key] = std::move(value);
}

void PodDocDefaults(json* doc) {
  json& spec = Section(*doc, "spec");
  SetDefault(spec, "restartPolicy", "Always");
  SetDefault(spec, "terminationGracePeriodSeconds", 30);
  SetDefault(spec, "dnsPolicy", "ClusterFirst");
  SetDefault(spec, "schedulerName", "default-scheduler");
  SetDefault(spec, "enableServiceLinks", true);
  SetDefault(spec, "securityContext", json::object());
  SetDefault(Section(*doc, "status"), "phase", "Pending");
  for (const char* list : {"containers", "initContainers"}) {
    auto containers = spec.find(list);
    if (containers == spec.end() || !containers->is_array()) continue;
    for (json& container : *containers) {
      if (!container.is_object()) continue;
      SetDefault(container, "imagePullPolicy", "IfNotPresent");
      SetDefault(container, "terminationMessagePath", "/dev/termination-log");
      SetDefault(container, "terminationMessagePolicy", "File");
      auto ports = container.find("ports");
      if (ports == container.end() || !ports->is_array()) continue;
      for (json& port : *ports) {
        if (port.is_object()) SetDefault(port, "protocol", "TCP");
      }
    }
  }
}

// The document of a new object, given its struct.
void NewDoc(const AnyObject& object, json* doc) {
  const BasicMeta& meta = object.meta();
  json& out = Section(*doc, "metadata");
  for (const char* key : {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"}) out.erase(key);
  out["name"] = meta.name.view();
  if (!meta.namespace_.empty()) out["namespace"] = meta.namespace_.view();
  out["uid"] = meta.uid.view();
  out["resourceVersion"] = meta.resourceVersion.view();
  out["creationTimestamp"] = FormatRfc3339(meta.creationTimestamp);
  if (HasGeneration(object.kind())) out["generation"] = 1;
  if (auto service = object.As<Service>()) {
    WriteServiceFields(*service, doc);
    SetDefault(Section(*doc, "status"), "loadBalancer", json::object());
  }
  if (object.kind() == Kind::kPod) PodDocDefaults(doc);
  if (auto ns = object.As<Namespace>()) {
    Section(out, "labels")["kubernetes.io/metadata.name"] = meta.name.view();
    SetDefault(Section(*doc, "spec"), "finalizers", json::array({"kubernetes"}));
    Section(*doc, "status")["phase"] = ns->phase.view();
  }
}

// Where a new object goes, without its name if that is to be generated.
Status KeyOfNew(const Request& request, ObjectKey* key) {
  const BasicMeta& given = request.object.meta();
  key->name = given.name;
  if (!InfoOf(request.kind).namespaced) return Status{};
  key->namespace_ = request.namespace_.empty() ? given.namespace_ : Text::Intern(request.namespace_);
  if (!given.namespace_.empty() && given.namespace_ != key->namespace_) {
    return StatusBadRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (key->namespace_.empty()) return StatusBadRequest("an empty namespace may not be set during creation");
  return Status{};
}

std::string GenerateNameOf(const AnyObject& object, const json* doc) {
  if (const ObjectMeta* meta = object.object_meta()) return meta->generateName.str();
  const json* meta = doc == nullptr ? nullptr : Find(*doc, "metadata");
  return meta == nullptr ? std::string() : StringAt(*meta, "generateName");
}

}  // namespace

Text MemoryApiServer::Impl::NewUid() {
  static constexpr char kHex[] = "0123456789abcdef";
  const std::uint64_t bits[2] = {uids.Next(), uids.Next()};
  std::string uid;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) uid.push_back('-');
    auto digit = static_cast<unsigned>(bits[i / 16] >> (4 * (i % 16)) & 15);
    if (i == 12) digit = 4;                // version 4
    if (i == 16) digit = 8 | (digit & 3);  // its variant
    uid.push_back(kHex[digit]);
  }
  return Text(uid);
}

bool MemoryApiServer::Impl::GenerateName(Kind kind, const std::string& prefix, ObjectKey* key) {
  constexpr std::size_t kLongestPrefix = 58;
  constexpr int kTries = 8;
  for (int i = 0; i < kTries; ++i) {
    key->name = Text(prefix.substr(0, kLongestPrefix) + GeneratedSuffix(&names));
    if (store.Find(kind, *key) == nullptr) return true;
  }
  return false;
}

Response MemoryApiServer::Impl::Create(const Request& request) {
  if (request.subresource == "binding" && request.kind == Kind::kPod) return Bind(request);
  if (request.subresource == "eviction" && request.kind == Kind::kPod) return Evict(request);
  if (!request.subresource.empty()) return ErrorResponse(StatusMethodNotAllowed());
  const Kind kind = request.kind;
  if (!request.object.has_value() || request.object.kind() != kind) {
    return ErrorResponse(StatusBadRequest("the body of a create is a " + std::string(InfoOf(kind).name)));
  }
  std::optional<json> doc;
  if (request.object.json() != nullptr) {
    absl::StatusOr<json> parsed = DocOf(request.object);
    if (!parsed.ok()) return ErrorResponse(StatusBadRequest(std::string(parsed.status().message())));
    doc = *std::move(parsed);
  }
  ObjectKey key;
  if (Status status = KeyOfNew(request, &key); !status.ok()) return ErrorResponse(std::move(status));
  const std::string prefix = GenerateNameOf(request.object, doc ? &*doc : nullptr);
  if (key.name.empty() && !prefix.empty() && !GenerateName(kind, prefix, &key)) {
    return ErrorResponse(StatusAlreadyExists(kind, key.name));
  }
  if (InfoOf(kind).namespaced) {
    if (auto status = CheckNamespace(kind, key.namespace_, key.name)) return ErrorResponse(*std::move(status));
  }
  std::vector<StatusCause> causes = ValidateName(kind, key.name, prefix);
  if (doc && causes.empty()) causes = ValidateLabels(request.object.meta().labels);
  if (!causes.empty()) return ErrorResponse(StatusInvalid(kind, key.name, std::move(causes)));

  Record record;
  record.object = WithType(kind, [&]<typename T>() {
    std::shared_ptr<T> object = NewStruct(*request.object.As<T>(), key, NewUid(), Now());
    object->metadata.resourceVersion = Text(std::to_string(store.next_version()));
    return AnyObject(std::shared_ptr<const T>(std::move(object)));
  });
  causes = ValidateObject(record.object, nullptr);
  if (!causes.empty()) return ErrorResponse(StatusInvalid(kind, key.name, std::move(causes)));
  if (store.Find(kind, key) != nullptr) return ErrorResponse(StatusAlreadyExists(kind, key.name));
  return FinishCreate(std::move(record), doc ? &*doc : nullptr);
}

Response MemoryApiServer::Impl::FinishCreate(Record record, json* doc) {
  const Kind kind = record.object.kind();
  const ObjectKey key = KeyOf(record.object.meta());
  if (auto service = record.object.As<Service>()) {
    Service allocated = *service;
    if (auto cause = addresses.Allocate(&allocated, nullptr)) {
      return ErrorResponse(StatusInvalid(kind, key.name, {*std::move(cause)}));
    }
    record.object = AnyObject::Of(std::move(allocated));
  }
  if (doc != nullptr) {
    NewDoc(record.object, doc);
    absl::StatusOr<AnyObject> whole = ObjectOf(kind, *doc);
    if (!whole.ok()) {
      if (auto service = record.object.As<Service>()) addresses.Release(*service, nullptr);
      return ErrorResponse(StatusBadRequest(std::string(whole.status().message())));
    }
    record.object = *std::move(whole);
  }
  record.extras = ExtrasOf(record.object, doc);
  if (HasGeneration(kind)) record.extras.generation = 1;
  if (!record.extras.ownerReferences.empty()) chores.push_back({Chore::What::kCollect, {kind, key}});
  Response response;
  response.status.code = 201;
  response.object = Commit(std::move(record));
  ++Counts(kind).creates;
  return response;
}

Response MemoryApiServer::Impl::Bind(const Request& request) {
  const ObjectKey key{Text::Intern(request.namespace_), Text(request.name)};
  const Record* stored = store.Find(Kind::kPod, key);
  if (stored == nullptr) return ErrorResponse(StatusNotFound(Kind::kPod, request.name));
  ServerEdit edit;
  const auto target = request.object.As<Pod>();
  edit.nodeName = target == nullptr ? Text() : target->nodeName;
  const auto pod = stored->object.As<Pod>();
  if (edit.nodeName->empty()) {
    return ErrorResponse(StatusInvalid(Kind::kPod, key.name, {RequiredValue("target.name", "")}));
  }
  std::string why;
  if (!pod->nodeName.empty()) {
    why = "pod " + key.name.str() + " is already assigned to node \"" + pod->nodeName.str() + "\"";
  } else if (pod->metadata.deletionTimestamp.is_set()) {
    why = "pod " + key.name.str() + " is being deleted, cannot be assigned to a host";
  }
  if (!why.empty()) {
    Status status = StatusConflict(Kind::kPod, key.name, why);
    status.message = "Operation cannot be fulfilled on pods/binding \"" + key.name.str() + "\": " + why;
    status.detailsKind = "pods/binding";
    return ErrorResponse(std::move(status));
  }
  if (stored->extras.generation > 0) edit.generation = stored->extras.generation + 1;
  CommitEdit(*stored, edit);
  ++Counts(Kind::kPod).updates;
  Response response;
  response.status.code = 201;
  return response;
}

}  // namespace epslice::sim
