#include "sim/cluster/document_store.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "apis/cat.h"
#include "apis/json.h"
#include "apis/names.h"
#include "apis/status_text.h"
#include "apis/time_format.h"
#include "sim/cluster/document_store_impl.h"
#include "sim/cluster/generated_name.h"
#include "sim/cluster/json_doc.h"
#include "sim/cluster/patch.h"
#include "sim/cluster/rbac_documents.h"
#include "sim/cluster/stamp.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

std::string WithGroup(std::string_view name, const DocumentKind& kind) {
  return kind.group.empty() ? std::string(name) : Cat({name, ".", kind.group});
}

Status ErrorOf(int code, std::string_view reason, const DocumentKind& kind, std::string_view name,
               std::string message) {
  Status status;
  status.code = code;
  status.reason = reason;
  status.message = std::move(message);
  status.detailsName = name;
  status.detailsGroup = kind.group;
  status.detailsKind = kind.resource;
  return status;
}

std::string NameOf(const DocumentKind& kind, std::string_view name) {
  return Cat({WithGroup(kind.resource, kind), " \"", name, "\""});
}

Status Conflict(const DocumentKind& kind, std::string_view name, std::string_view why) {
  return ErrorOf(409, "Conflict", kind, name,
                 Cat({"Operation cannot be fulfilled on ", NameOf(kind, name), ": ", why}));
}

Status Invalid(const DocumentKind& kind, std::string_view name, std::vector<StatusCause> causes) {
  std::string message = Cat({WithGroup(kind.name, kind), " \"", name, "\" is invalid"});
  for (std::size_t i = 0; i < causes.size(); ++i) {
    message += Cat({i > 0 ? ", " : causes.size() > 1 ? ": [" : ": ", causes[i].field, ": ", causes[i].message});
  }
  if (causes.size() > 1) message += ']';
  Status status = ErrorOf(422, "Invalid", kind, name, std::move(message));
  status.detailsKind = kind.name;
  status.causes = std::move(causes);
  return status;
}

// Names of RBAC's objects are any segment of a path; others are DNS names.
bool IsName(const DocumentKind& kind, std::string_view name) {
  if (kind.group != kRbacGroup) return IsDns1123Subdomain(name);
  return !name.empty() && name != "." && name != ".." && name.find_first_of("/%") == std::string_view::npos &&
         name.size() <= 253;
}

}  // namespace

Status DocumentNotFound(const DocumentKind& kind, std::string_view name) {
  return ErrorOf(404, "NotFound", kind, name, NameOf(kind, name) + " not found");
}

std::string DocumentStore::Impl::NewUid() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string uid;
  std::uint64_t bits = 0;
  for (int i = 0; i < 32; ++i) {
    if (i % 16 == 0) bits = random.Next();
    if (i == 8 || i == 12 || i == 16 || i == 20) uid += '-';
    uid += i == 12 ? '4' : i == 16 ? kHex[8 | (bits & 3)] : kHex[bits & 15];
    bits >>= 4;
  }
  return uid;
}

Status DocumentStore::Impl::Put(const Key& key, json doc, bool dry_run, Stored* put) {
  const auto& [kind, namespace_, name] = key;
  std::vector<StatusCause> causes;
  const std::string_view what = kind->name;
  if (what == "Role" || what == "ClusterRole") {
    std::vector<PolicyRule> rules = ReadRules(doc, kind->namespaced, &causes);
    if (causes.empty() && !dry_run) policy.PutRole(namespace_, name, std::move(rules));
  } else if (what == "RoleBinding" || what == "ClusterRoleBinding") {
    RbacBinding binding = ReadBinding(kind->namespaced, &doc, &causes);
    if (const auto before = documents.find(key);
        before != documents.end() && before->second->doc.at("roleRef") != doc.at("roleRef")) {
      causes.push_back({"FieldValueInvalid",
                        Cat({"Invalid value: ", DumpDoc(doc.at("roleRef")), ": cannot change roleRef"}), "roleRef"});
    }
    if (causes.empty() && !dry_run) policy.PutBinding(namespace_, name, std::move(binding));
  }
  if (!causes.empty()) return Invalid(*kind, name, std::move(causes));
  *put = std::make_shared<const StoredDocument>(std::move(doc));
  if (!dry_run) documents.insert_or_assign(key, *put);
  return {};
}

void DocumentStore::Impl::Erase(const Key& key) {
  const auto& [kind, namespace_, name] = key;
  if (kind->name == "Role" || kind->name == "ClusterRole") policy.EraseRole(namespace_, name);
  if (kind->name == "RoleBinding" || kind->name == "ClusterRoleBinding") policy.EraseBinding(namespace_, name);
  const auto found = documents.find(key);
  Stored gone = std::move(found->second);
  documents.erase(found);
  ++version;
  // The last state, with the version of its end.
  json doc = gone->doc;
  doc["metadata"]["resourceVersion"] = std::to_string(version);
  Tell({WatchEventType::kDeleted, key, std::move(gone), std::make_shared<const StoredDocument>(std::move(doc)),
        version});
}

// The object of a create or update, with what it says of itself checked against
// the path.
Status DocumentStore::Impl::ReadBody(const DocumentRequest& request, json* doc) const {
  const DocumentKind& kind = *request.kind;
  absl::StatusOr<json> parsed = ParseDoc(request.body);
  if (!parsed.ok()) return StatusBadRequest(MessageOf(parsed.status()));
  if (!parsed->is_object()) return StatusBadRequest("the body is not a JSON object");
  *doc = *std::move(parsed);
  const std::string own_kind = StringAt(*doc, "kind");
  const std::string own_version = StringAt(*doc, "apiVersion");
  if ((!own_kind.empty() && own_kind != kind.name) || (!own_version.empty() && own_version != kind.apiVersion)) {
    return StatusBadRequest(Cat(
        {QuoteForError(own_kind), " in version ", QuoteForError(own_version), " cannot be handled as a ", kind.name}));
  }
  (*doc)["kind"] = kind.name;
  (*doc)["apiVersion"] = kind.apiVersion;
  json& meta = Section(*doc, "metadata");
  const std::string namespace_ = StringAt(meta, "namespace");
  if (kind.namespaced && !namespace_.empty() && namespace_ != request.namespace_) {
    return StatusBadRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  meta.erase("namespace");
  if (kind.namespaced) meta["namespace"] = request.namespace_;
  return {};
}

DocumentAnswer DocumentStore::Impl::Create(const DocumentRequest& request) {
  const DocumentKind& kind = *request.kind;
  json doc;
  if (Status status = ReadBody(request, &doc); !status.ok()) return Failed(std::move(status));
  json& meta = doc["metadata"];
  std::string name = StringAt(meta, "name");
  if (name.empty()) {
    const std::string prefix = StringAt(meta, "generateName");
    if (prefix.empty()) {
      return Failed(Invalid(
          kind, "", {{"FieldValueRequired", "Required value: name or generateName is required", "metadata.name"}}));
    }
    name = prefix + GeneratedSuffix(&random);
  }
  if (!IsName(kind, name)) {
    return Failed(Invalid(
        kind, name,
        {{"FieldValueInvalid", Cat({"Invalid value: ", QuoteForError(name), ": is no name"}), "metadata.name"}}));
  }
  const Key key{&kind, request.namespace_, name};
  if (documents.contains(key)) {
    return Failed(ErrorOf(409, "AlreadyExists", kind, name, NameOf(kind, name) + " already exists"));
  }
  if (documents.size() >= kMaxDocuments) {
    return Failed(ErrorOf(507, "InsufficientStorage", kind, name, "there are too many objects"));
  }
  meta["name"] = name;
  meta["uid"] = NewUid();
  meta["creationTimestamp"] = FormatRfc3339(WholeSeconds(clock->WallNow()));
  meta.erase("resourceVersion");
  if (!request.dry_run) meta["resourceVersion"] = std::to_string(version + 1);
  Stored made;
  if (Status status = Put(key, std::move(doc), request.dry_run, &made); !status.ok()) return Failed(std::move(status));
  if (!request.dry_run) Tell({WatchEventType::kAdded, key, nullptr, made, ++version});
  DocumentAnswer answer{{}, *made->text};
  answer.status.code = 201;
  return answer;
}

// Update and patch.
DocumentAnswer DocumentStore::Impl::Replace(const DocumentRequest& request) {
  const DocumentKind& kind = *request.kind;
  const Key key{&kind, request.namespace_, request.name};
  const auto found = documents.find(key);
  if (found == documents.end()) return Failed(DocumentNotFound(kind, request.name));
  const Stored before_it = found->second;
  const json& stored = before_it->doc;
  json doc = stored;
  if (request.verb == Verb::kPatch) {
    // Of the kinds we keep, no list is merged by a key but those in metadata;
    // so it is for Leases.
    const absl::Status patched = ApplyPatch(request.patch_type, Kind::kLease, request.body, &doc);
    if (absl::IsInvalidArgument(patched)) return Failed(StatusBadRequest(MessageOf(patched)));
    if (patched.ok() && !doc.is_object()) return Failed(StatusBadRequest("the patch leaves no object"));
    if (!patched.ok()) {
      return Failed(Invalid(kind, request.name, {{"FieldValueInvalid", std::string(MessageOf(patched)), "patch"}}));
    }
  } else if (Status status = ReadBody(request, &doc); !status.ok()) {
    return Failed(std::move(status));
  }
  json& meta = Section(doc, "metadata");
  if (const std::string name = StringAt(meta, "name"); name != request.name) {
    return Failed(StatusBadRequest(Cat({"the name of the object (", QuoteForError(name),
                                        ") does not match the name on the URL (", request.name, ")"})));
  }
  const json& before = stored.at("metadata");
  const std::string asked = StringAt(meta, "resourceVersion");
  if (!asked.empty() && asked != StringAt(before, "resourceVersion")) {
    return Failed(Conflict(kind, request.name,
                           "the object has been modified; please apply your changes to the latest version and try "
                           "again"));
  }
  for (const char* field : {"uid", "creationTimestamp", "resourceVersion", "namespace"}) {
    meta.erase(field);
    if (before.contains(field)) meta[field] = before.at(field);
  }
  doc["kind"] = kind.name;
  doc["apiVersion"] = kind.apiVersion;
  if (doc == stored) return {{}, *before_it->text};
  if (!request.dry_run) meta["resourceVersion"] = std::to_string(version + 1);
  Stored after;
  if (Status status = Put(key, std::move(doc), request.dry_run, &after); !status.ok()) return Failed(std::move(status));
  if (!request.dry_run) Tell({WatchEventType::kModified, key, before_it, after, ++version});
  return {{}, *after->text};
}

DocumentAnswer DocumentStore::Impl::Delete(const DocumentRequest& request) {
  const DocumentKind& kind = *request.kind;
  const Key key{&kind, request.namespace_, request.name};
  const auto found = documents.find(key);
  if (found == documents.end()) return Failed(DocumentNotFound(kind, request.name));
  const json& meta = found->second->doc.at("metadata");
  const std::string uid = StringAt(meta, "uid");
  const auto differs = [](const std::string& wanted, const std::string& is) { return !wanted.empty() && wanted != is; };
  if (differs(request.deletion.preconditionUid, uid) ||
      differs(request.deletion.preconditionResourceVersion, StringAt(meta, "resourceVersion"))) {
    return Failed(Conflict(kind, request.name, "Precondition failed: the object is another or has been modified"));
  }
  if (!request.dry_run) Erase(key);
  Status done;
  done.detailsName = request.name;
  done.detailsGroup = kind.group;
  done.detailsKind = kind.resource;
  done.detailsUid = uid;
  return {{}, EncodeJson(done)};
}

DocumentAnswer DocumentStore::Impl::DeleteMany(const DocumentRequest& request) {
  DocumentRequest all = request;
  all.list.limit = 0;
  std::vector<Key> gone;
  DocumentAnswer answer = List(all, &gone);
  if (request.dry_run) return answer;
  for (const Key& key : gone) Erase(key);
  return answer;
}

DocumentStore::DocumentStore(const Clock* clock, std::uint64_t seed) : impl_(std::make_unique<Impl>(clock, seed)) {}
DocumentStore::~DocumentStore() = default;

DocumentAnswer DocumentStore::Handle(const DocumentRequest& request) {
  std::lock_guard<std::mutex> lock(impl_->mu);
  switch (request.verb) {
    case Verb::kGet: return impl_->Get(request);
    case Verb::kList: return impl_->List(request, nullptr);
    case Verb::kCreate: return impl_->Create(request);
    case Verb::kUpdate:
    case Verb::kPatch: return impl_->Replace(request);
    case Verb::kDelete: return request.name.empty() ? impl_->DeleteMany(request) : impl_->Delete(request);
    case Verb::kWatch: break;
  }
  return Failed(StatusBadRequest("a watch is no request with one answer"));
}

std::vector<std::string> DocumentStore::All() const {
  std::lock_guard<std::mutex> lock(impl_->mu);
  std::vector<std::string> all;
  for (const auto& [key, doc] : impl_->documents) all.push_back(*doc->text);
  return all;
}

absl::Status DocumentStore::Load(const DocumentKind& kind, std::string_view text) {
  std::lock_guard<std::mutex> lock(impl_->mu);
  absl::StatusOr<json> doc = ParseDoc(text);
  if (!doc.ok()) return doc.status();
  if (!doc->is_object()) return absl::InvalidArgumentError("not a JSON object");
  (*doc)["kind"] = kind.name;
  (*doc)["apiVersion"] = kind.apiVersion;
  json& meta = Section(*doc, "metadata");
  const std::string name = StringAt(meta, "name");
  if (!IsName(kind, name)) return absl::InvalidArgumentError(Cat({"a ", kind.name, " without a good metadata.name"}));
  const std::string namespace_ = kind.namespaced ? StringAt(meta, "namespace") : "";
  if (!kind.namespaced) meta.erase("namespace");
  if (kind.namespaced && namespace_.empty()) {
    return absl::InvalidArgumentError(Cat({kind.name, " ", name, ": metadata.namespace is missing"}));
  }
  if (StringAt(meta, "uid").empty()) meta["uid"] = impl_->NewUid();
  if (StringAt(meta, "creationTimestamp").empty()) {
    meta["creationTimestamp"] = FormatRfc3339(WholeSeconds(impl_->clock->WallNow()));
  }
  const std::string had = StringAt(meta, "resourceVersion");
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(had.data(), had.data() + had.size(), version);
  const bool number = error == std::errc() && end == had.data() + had.size() && version > 0;
  if (!number) version = impl_->version + 1;
  meta["resourceVersion"] = std::to_string(version);
  const Impl::Key key{&kind, namespace_, name};
  impl_->documents.erase(key);
  Stored put;
  if (const Status status = impl_->Put(key, *std::move(doc), false, &put); !status.ok()) {
    return absl::InvalidArgumentError(status.message);
  }
  impl_->version = std::max(impl_->version, version);
  impl_->oldest = impl_->version;  // how it was before, nobody can ask
  impl_->changes.clear();
  return absl::OkStatus();
}

AccessDecision DocumentStore::Decide(const UserInfo& user, const AccessAttributes& attributes) const {
  std::lock_guard<std::mutex> lock(impl_->mu);
  return impl_->policy.Decide(user, attributes);
}

}  // namespace epslice::sim
