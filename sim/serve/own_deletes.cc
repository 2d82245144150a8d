#include "sim/serve/own_deletes.h"

#include <string>
#include <utility>

#include "apis/concat.h"
#include "apis/json.h"
#include "sim/serve/audit_trail.h"

namespace epslice::sim {
namespace {

// What this thread is about; null: nothing that a client asked for.
struct Working {
  const AccessAttributes* request = nullptr;
  std::vector<AuditEvent> events;
};
thread_local Working working;

bool AskedFor(const AccessAttributes& request, const AccessAttributes& change) {
  if (request.resource != change.resource || request.group != change.group) return false;
  // The end of a namespace comes after the request for it.
  if (request.resource == "namespaces") return false;
  const bool many = request.verb == "deletecollection";
  return (many && request.namespace_.empty()) ||
         (request.namespace_ == change.namespace_ && (many || request.name == change.name));
}

// In whose place the server works.
std::string AgentOf(const WatchEvent& event) {
  std::string_view who = "generic-garbage-collector";
  if (event.object.kind() == Kind::kNamespace) who = "namespace-controller";
  if (event.object.kind() == Kind::kPod && event.type == WatchEventType::kDeleted) who = "kubelet";
  return Concat("endpointslice-sim/serve/", who);
}

AccessAttributes AttributesOf(const AnyObject& object) {
  const KindInfo& info = InfoOf(object.kind());
  AccessAttributes out;
  out.verb = "delete";
  out.group = info.group;
  out.version = info.version;
  out.resource = info.resource;
  out.namespace_ = object.meta().namespace_.str();
  out.name = object.meta().name.str();
  return out;
}

std::string TargetOf(const AccessAttributes& a) {
  return Concat(a.group.empty() ? std::string("/api") : Concat("/apis/", a.group), "/", a.version,
                a.namespace_.empty() ? std::string() : Concat("/namespaces/", a.namespace_), "/", a.resource, "/",
                a.name);
}

}  // namespace

OwnDeletes::OwnDeletes(AuditLog* log, const Clock* clock, MemoryApiServer* server) : log_(log), clock_(clock) {
  if (log_ == nullptr) return;
  for (const Kind kind : {Kind::kPod, Kind::kService, Kind::kEndpointSlice, Kind::kNamespace}) {
    Request request;
    request.verb = Verb::kWatch;
    request.kind = kind;
    request.list.resourceVersion = std::to_string(server->resource_version());
    Status status;
    auto watch = server->Watch(
        request, [this](const WatchEvent& event) { OnEvent(event); }, &status);
    if (watch != nullptr) watches_.push_back(std::move(watch));
  }
}

void OwnDeletes::OnEvent(const WatchEvent& event) {
  const bool gone = event.type == WatchEventType::kDeleted;
  const bool going = event.type == WatchEventType::kModified && event.object.meta().deletionTimestamp.is_set() &&
                     event.object.kind() != Kind::kNamespace;
  if (!gone && !going) return;
  AuditEvent out;
  out.attributes = AttributesOf(event.object);
  if (working.request != nullptr && AskedFor(*working.request, out.attributes)) return;
  const UserInfo user = WithImpliedGroups({AgentOf(event), "", {std::string(kGroupMasters)}});
  out.decision = log_->policy().Decide(user, out.attributes);
  if (!out.decision.Logs(AuditStage::kResponseComplete)) return;
  out.id = NewAuditId();
  out.stage = AuditStage::kResponseComplete;
  out.target = TargetOf(out.attributes);
  out.user = user;
  out.source = "127.0.0.1";
  out.user_agent = user.name;
  out.body = Concat(R"({"kind":"DeleteOptions","apiVersion":"v1")", gone ? R"(,"gracePeriodSeconds":0)" : "", "}");
  HttpAnswer answer;
  if (gone) {
    answer = AnswerStatus({});
  } else {
    AppendJson(event.object, &answer.body);
    answer.said = Answered{.object = event.object};
  }
  answer.decision = AccessDecision{true, ""};
  out.answer = std::move(answer);
  if (working.request != nullptr) {
    working.events.push_back(std::move(out));
  } else {
    Log(std::move(out));
  }
}

void OwnDeletes::Log(AuditEvent event) {
  event.received = event.staged = clock_->WallNow();
  log_->Add(std::move(event));
}

OwnDeletes::Scope::Scope(OwnDeletes* owner, const AccessAttributes& request) : owner_(owner) {
  if (owner_->log_ != nullptr) working.request = &request;
}

OwnDeletes::Scope::~Scope() { Flush(); }

void OwnDeletes::Scope::Flush() {
  working.request = nullptr;
  for (AuditEvent& event : std::exchange(working.events, {})) owner_->Log(std::move(event));
}

}  // namespace epslice::sim
