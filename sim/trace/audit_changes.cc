#include "sim/trace/audit_changes.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "apis/concat.h"
#include "apis/json.h"
#include "sim/cluster/any_object.h"
#include "sim/cluster/json_doc.h"
#include "sim/cluster/patch.h"
#include "sim/cluster/selection.h"
#include "sim/cluster/stamp.h"
#include "sim/trace/readers.h"
#include "sim/trace/shared_endpoints.h"
#include "sim/trace/url_query.h"

namespace epslice::sim {
namespace {

constexpr std::int64_t kDefaultGraceSeconds = 30;
constexpr std::size_t kGeneratedSuffix = 5;  // characters that generateName adds
constexpr std::size_t kMostUnnamed = 100'000;

bool IsTerminal(const Pod& pod) { return pod.phase == PodPhase::kSucceeded || pod.phase == PodPhase::kFailed; }

// Whether an object in this state is gone for good.
bool IsGone(Kind kind, const BasicMeta& meta, const ObjectFacts& facts) {
  if (!meta.deletionTimestamp.is_set() || facts.finalizers) return false;
  return kind != Kind::kPod || facts.deletion_grace.value_or(1) == 0;
}

// A request's object with what the server adds to it, as far as it is known.
AnyObject WithMeta(const AnyObject& object, const ObjectKey& key, const BasicMeta& identity) {
  return WithType(object.kind(), [&]<typename T>() {
    T copy = *object.As<T>();
    copy.metadata.namespace_ = key.namespace_;
    copy.metadata.name = key.name;
    if (copy.metadata.uid.empty()) copy.metadata.uid = identity.uid;
    if (!copy.metadata.creationTimestamp.is_set()) copy.metadata.creationTimestamp = identity.creationTimestamp;
    copy.metadata.deletionTimestamp = identity.deletionTimestamp;
    return AnyObject::Of(std::move(copy));
  });
}

// Server-side apply takes back what the applier said before and does not say any
// more: of a Service that names its selector or ports, what is left of these.
void ForgetApplied(JsonSpan applied, nlohmann::json* service) {
  for (const char* part : {"selector", "ports"}) {
    if (applied["spec"][part].present()) Section(*service, "spec").erase(part);
  }
}

}  // namespace

void AuditChanges::Put(const AuditChange& change, AnyObject object, const ObjectFacts& facts,
                       std::deque<TraceEvent>* events) {
  const bool there = known_.Find(object.kind(), KeyOf(object.meta())) != nullptr;
  known_.Put(object, facts);
  // What is first seen changing was there before.
  events->push_back({change.time, there || !change.created ? WatchEventType::kModified : WatchEventType::kAdded,
                     std::move(object), change.actor, false, change.took, change.source});
}

void AuditChanges::Remove(const AuditChange& change, const ObjectKey& key, AnyObject last,
                          std::deque<TraceEvent>* events) {
  known_.Erase(change.kind, key);
  events->push_back(
      {change.time, WatchEventType::kDeleted, std::move(last), change.actor, false, change.took, change.source});
}

AnyObject AuditChanges::Defaulted(const AnyObject& service, const KnownObject* known) {
  Service copy = *service.As<Service>();
  const auto before = known != nullptr ? known->object.As<Service>() : nullptr;
  const bool has_address = !copy.spec.clusterIP.empty() || (before != nullptr && !before->spec.clusterIP.empty());
  SetServiceDefaults(&copy, before.get());
  // Refused as it may be: then it stays as it is.
  if (!addresses_.Allocate(&copy, before.get()) && !has_address && !copy.spec.clusterIP.empty()) ++made_up_addresses_;
  return AnyObject::Of(std::move(copy));
}

void AuditChanges::State(const AuditChange& change, std::deque<TraceEvent>* events) {
  const KnownObject* known = known_.Find(change.kind, change.key);
  if (change.version == 0) {
    // The request's object: the server's part of it is as it was.
    ++from_requests_;
    BasicMeta identity;
    if (known != nullptr) identity = known->object.meta();
    if (!identity.creationTimestamp.is_set()) identity.creationTimestamp = WholeSeconds(change.time);
    AnyObject object = WithMeta(change.object, change.key, identity);
    if (object.kind() == Kind::kService) object = Defaulted(object, known);
    // The last finalizer may have gone with it.
    if (known != nullptr && change.kind != Kind::kPod && IsGone(change.kind, object.meta(), change.facts)) {
      return Remove(change, change.key, std::move(object), events);
    }
    ObjectFacts facts = change.facts;
    facts.finalizers |= change.created && change.kind == Kind::kNamespace;  // the server's own
    Put(change, std::move(object), facts, events);
    return;
  }
  if (known != nullptr && known->version > change.version) return Skip(std::string(kOlderThanShown));
  const BasicMeta& meta = change.object.meta();
  const bool deleted_at_once = change.by_delete && !meta.deletionTimestamp.is_set();
  if (deleted_at_once || IsGone(change.kind, meta, change.facts)) {
    return Remove(change, change.key, change.object, events);
  }
  if (known == nullptr && change.version > 0 && meta.creationTimestamp.is_set() &&
      meta.creationTimestamp.nanos + 2'000'000'000 < change.time.nanos) {
    ++first_seen_late_;
  }
  Put(change, change.object, change.facts, events);
}

absl::Status AuditChanges::Patch(const AuditChange& change, std::deque<TraceEvent>* events) {
  const KnownObject* known = known_.Find(change.kind, change.key);
  if (known == nullptr) {
    Skip("patches of objects that were not shown before");
    NoteMissed(change, "patch");
    return absl::OkStatus();
  }
  absl::StatusOr<nlohmann::json> doc = DocOf(known->object);
  if (!doc.ok()) return doc.status();
  const nlohmann::json before = *doc;
  if (change.applied && change.kind == Kind::kService) ForgetApplied(JsonSpan(change.text), &*doc);
  const bool is_list = !change.text.empty() && change.text[0] == '[';
  const PatchType type = is_list ? PatchType::kJson : PatchType::kStrategicMerge;
  if (absl::Status s = ApplyPatch(type, change.kind, change.text, &*doc); !s.ok() || !doc->is_object()) {
    Skip("patches that do not fit the object as it was shown");
    return absl::OkStatus();
  }
  if (change.status_only) {
    nlohmann::json next = before;
    if (const nlohmann::json* status = sim::Find(*doc, "status")) next["status"] = *status;
    *doc = std::move(next);
  }
  ++from_requests_;
  const std::string text = DumpDoc(*doc);
  absl::StatusOr<AnyObject> object = DecodeObjectJson(change.kind, text, keep_json_);
  if (!object.ok()) return object.status();
  if (KeyOf(object->meta()) != change.key) return absl::InvalidArgumentError("a patch that changes the name");
  ObjectFacts facts = known->facts;
  // Those of a Namespace are in no struct.
  if (change.kind != Kind::kNamespace) facts.finalizers = FactsOf(JsonSpan(text)).finalizers;
  if (change.kind == Kind::kService) *object = Defaulted(*object, known);
  if (IsGone(change.kind, object->meta(), facts)) {
    Remove(change, change.key, *object, events);
  } else {
    Put(change, *std::move(object), facts, events);
  }
  return absl::OkStatus();
}

void AuditChanges::Bind(const AuditChange& change, std::deque<TraceEvent>* events) {
  const KnownObject* known = known_.Find(Kind::kPod, change.key);
  if (known == nullptr) return Skip("bindings of pods that were not shown before");
  const auto pod = known->object.As<Pod>();
  if (pod == nullptr || pod->nodeName == change.text) return;  // a later change has shown it already
  ServerEdit edit;
  edit.nodeName = Text::Intern(change.text);
  Put(change, Edited(sim::Record{known->object, {}}, edit, known->version).object, ObjectFacts(known->facts), events);
}

void AuditChanges::AskToGo(const AuditChange& change, KnownObject known, std::deque<TraceEvent>* events) {
  const ObjectKey key = KeyOf(known.object.meta());
  const auto pod = known.object.As<Pod>();
  const std::int64_t usual = known.facts.termination_grace.value_or(pod == nullptr ? 0 : kDefaultGraceSeconds);
  const std::int64_t grace = std::clamp(change.grace.value_or(usual), std::int64_t{0}, std::int64_t{1} << 31);
  const bool lingers = pod != nullptr && grace > 0 && !pod->nodeName.empty() && !IsTerminal(*pod);
  if (!lingers && !known.facts.finalizers) return Remove(change, key, known.object, events);
  if (known.object.meta().deletionTimestamp.is_set()) return;
  ++made_up_ends_;
  constexpr std::int64_t kSecond = 1'000'000'000;
  // As far as there is time left.
  const std::int64_t room =
      (std::numeric_limits<std::int64_t>::max() - std::max<std::int64_t>(change.time.nanos, 0)) / kSecond;
  const std::int64_t seconds = lingers ? std::min(grace, room) : 0;
  ServerEdit edit;
  edit.deletionTimestamp = WholeSeconds(Timestamp{change.time.nanos + seconds * kSecond});
  edit.deletionGracePeriodSeconds = seconds;
  known.facts.deletion_grace = seconds;
  Put(change, Edited(sim::Record{known.object, {}}, edit, known.version).object, known.facts, events);
}

void AuditChanges::Delete(const AuditChange& change, std::deque<TraceEvent>* events) {
  const KnownObject* known = known_.Find(change.kind, change.key);
  if (known == nullptr) {
    NoteMissed(change, "delete");
    return Skip("deletes of objects that were not shown before");
  }
  if (change.what == AuditChange::What::kGone) {
    Remove(change, change.key, AnyObject(known->object), events);
  } else {
    AskToGo(change, *known, events);
  }
}

absl::Status AuditChanges::Collection(const AuditChange& change, std::deque<TraceEvent>* events) {
  Request request;
  request.verb = Verb::kDelete;
  request.kind = change.kind;
  request.namespace_ = change.key.namespace_.str();
  request.list.labelSelector = QueryValue(change.text, "labelSelector");
  request.list.fieldSelector = QueryValue(change.text, "fieldSelector");
  Selection selection;
  if (const Status status = Selection::Parse(request, &selection); !status.ok()) {
    return absl::InvalidArgumentError(Concat("deletecollection: ", status.message));
  }
  std::vector<KnownObject> selected;
  for (const ObjectKey& key : change.listed.value_or(std::vector<ObjectKey>())) {
    if (const KnownObject* known = known_.Find(change.kind, key)) {
      selected.push_back(*known);
    } else {
      Skip("deletes of objects that were not shown before");
    }
  }
  for (const auto& [key, known] : known_.all(change.kind)) {
    if (!change.listed && selection.Matches(known.object)) selected.push_back(known);
  }
  for (KnownObject& known : selected) AskToGo(change, std::move(known), events);
  return absl::OkStatus();
}

void AuditChanges::AdoptUnnamed(const AuditChange& change, std::deque<TraceEvent>* events) {
  const auto waiting = unnamed_.find(change.key.namespace_);
  if (waiting == unnamed_.end() || known_.Find(change.kind, change.key) != nullptr) return;
  const std::string_view name = change.key.name;
  std::vector<AuditChange>& creates = waiting->second;
  const auto slice = change.object.has_value() ? change.object.As<EndpointSlice>() : nullptr;
  // Of several slices that a Service was given at once the likest; else the oldest.
  auto it = creates.end();
  std::size_t most = 0;
  for (auto create = creates.begin(); create != creates.end(); ++create) {
    if (create->kind != change.kind || name.size() != create->text.size() + kGeneratedSuffix ||
        name.substr(0, create->text.size()) != create->text) {
      continue;
    }
    const auto created = create->object.As<EndpointSlice>();
    const bool both = slice != nullptr && created != nullptr;
    if (both && created->addressType != slice->addressType) continue;
    const std::size_t shared = both ? SharedEndpoints(*created, *slice) : 0;
    if (it != creates.end() && shared <= most) continue;
    it = create;
    most = shared;
  }
  if (it == creates.end()) return;
  ++guessed_names_;
  AuditChange create = std::move(*it);
  creates.erase(it);
  BasicMeta identity;
  identity.creationTimestamp = WholeSeconds(create.time);
  create.time = change.time;
  AnyObject object = WithMeta(create.object, change.key, identity);
  Put(create, std::move(object), ObjectFacts(create.facts), events);
}

void AuditChanges::NoteUnseen(const AuditChange& change, std::string_view verb) {
  UnseenSlice& slice = summary_.unseen_slices[change.key];
  slice.last = change.time;
  UnseenSlice::Writes& writes = slice.by_actor[change.actor];
  ++(verb == "create" ? writes.creates : verb == "delete" ? writes.deletes : writes.updates);
}

void AuditChanges::NoteMissed(const AuditChange& change, std::string_view verb) {
  if (change.kind == Kind::kEndpointSlice && summary_.unseen_slices.count(change.key) > 0) NoteUnseen(change, verb);
}

absl::Status AuditChanges::Apply(AuditChange change, std::deque<TraceEvent>* events) {
  using What = AuditChange::What;
  if (change.what == What::kUnnamed) {
    std::vector<AuditChange>& creates = unnamed_[change.key.namespace_];
    if (change.text.empty() || creates.size() >= kMostUnnamed) {
      Skip("creates that do not tell the object's name");
    } else {
      creates.push_back(std::move(change));
    }
    return absl::OkStatus();
  }
  if (change.what == What::kUnseen) return NoteUnseen(change, change.text), absl::OkStatus();
  if (!unnamed_.empty() && change.what != What::kCollection) AdoptUnnamed(change, events);
  switch (change.what) {
    case What::kState: State(change, events); break;
    case What::kPatch: return Patch(change, events);
    case What::kBind: Bind(change, events); break;
    case What::kDelete:
    case What::kGone:
    case What::kEvict: Delete(change, events); break;
    case What::kCollection: return Collection(change, events);
    case What::kUnnamed:
    case What::kUnseen: break;
  }
  return absl::OkStatus();
}

void AuditChanges::ReleaseUnnamed(Timestamp time, std::deque<TraceEvent>* events) {
  for (auto& [name, creates] : unnamed_) {
    for (AuditChange& create : creates) {
      if (create.kind != Kind::kEndpointSlice) continue;
      create.key.name = Text(Concat(create.text, "unnamed-", ++own_names_));
      BasicMeta identity;
      identity.creationTimestamp = WholeSeconds(create.time);
      create.time = std::max(create.time, time);
      AnyObject object = WithMeta(create.object, create.key, identity);
      Put(create, std::move(object), ObjectFacts(create.facts), events);
    }
    creates.erase(std::remove_if(creates.begin(), creates.end(),
                                 [](const AuditChange& create) { return create.kind == Kind::kEndpointSlice; }),
                  creates.end());
  }
}

void AuditChanges::Tell(TraceSummary* summary) const {
  std::int64_t unnamed = 0;
  for (const auto& [name, creates] : unnamed_) unnamed += static_cast<std::int64_t>(creates.size());
  if (unnamed > 0) summary->skipped["creates that do not tell the object's name"] += unnamed;
  const auto made_up = [summary](std::int64_t count, std::string_view what) {
    if (count > 0) summary->made_up.push_back(Concat(count, what));
  };
  made_up(from_requests_,
          " writes are logged without the server's answer: the objects were put together from the requests");
  made_up(made_up_addresses_, " Services were created without a cluster IP: the server's is not logged, one was drawn");
  made_up(guessed_names_,
          " objects were created under a generated name that only a later entry tells; they appear with that entry");
  made_up(own_names_, " slices were created under a generated name that no entry tells; they appear at the end");
  made_up(made_up_ends_,
          " deletion times were worked out from the grace period, as the log does not show the objects then");
  made_up(first_seen_late_, " objects are older than the log; they appear with the first entry that shows them");
}

}  // namespace epslice::sim
