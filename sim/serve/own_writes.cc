#include "sim/serve/own_writes.h"

#include <array>
#include <string>
#include <utility>

#include "sim/serve/audit_trail.h"

namespace epslice::sim {
namespace {

// In the order in which one would create them.
constexpr std::array<Kind, 5> kLogged = {Kind::kNamespace, Kind::kNode, Kind::kService, Kind::kPod,
                                         Kind::kEndpointSlice};

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

// Every server has these.
bool IsSystemNamespace(const AnyObject& object) {
  const std::string_view name = object.meta().name;
  return object.kind() == Kind::kNamespace && (name == "default" || name.starts_with("kube-"));
}

}  // namespace

OwnWrites::OwnWrites(AuditLog* log, const Clock* clock, MemoryApiServer* server, bool start)
    : log_(log), clock_(clock) {
  if (log_ == nullptr) return;
  for (const Kind kind : kLogged) LoadKnown(kind, server, start);
  for (const Kind kind : kLogged) {
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

void OwnWrites::LoadKnown(Kind kind, MemoryApiServer* server, bool log_them) {
  Request list;
  list.verb = Verb::kList;
  list.kind = kind;
  for (const AnyObject& object : server->Handle(list).list.items) {
    known_[{kind, KeyOf(object.meta())}] = object;
    if (log_them && !IsSystemNamespace(object)) Add(CreateRequestOf(object));
  }
}

void OwnWrites::OnEvent(const WatchEvent& event) {
  if (event.type != WatchEventType::kAdded && event.type != WatchEventType::kModified &&
      event.type != WatchEventType::kDeleted) {
    return;
  }
  AnyObject& known = known_[{event.object.kind(), KeyOf(event.object.meta())}];
  const AnyObject before = std::exchange(known, event.object);
  if (event.type == WatchEventType::kDeleted) known_.erase({event.object.kind(), KeyOf(event.object.meta())});
  const bool for_client = working.request != nullptr;
  for (OwnRequest& request : OwnRequestsOf(event, before, clock_->WallNow(), for_client)) Add(std::move(request));
}

void OwnWrites::Add(OwnRequest request) {
  if (working.request != nullptr && AskedFor(*working.request, request.attributes)) return;
  AuditEvent out;
  out.decision = log_->policy().Decide(request.user, request.attributes);
  if (!out.decision.Logs(AuditStage::kResponseComplete)) return;
  out.id = NewAuditId();
  out.stage = AuditStage::kResponseComplete;
  out.target = TargetOf(request.attributes);
  out.source = "127.0.0.1";
  out.user_agent = std::move(request.user_agent);
  if (out.decision.level >= AuditLevel::kRequest) out.body = BodyOf(request);
  out.answer = AnswerOf(request);
  out.answer->decision = AccessDecision{true, ""};
  out.attributes = std::move(request.attributes);
  out.user = std::move(request.user);
  if (working.request != nullptr) {
    working.events.push_back(std::move(out));
  } else {
    Log(std::move(out));
  }
}

void OwnWrites::Log(AuditEvent event) {
  event.received = event.staged = clock_->WallNow();
  log_->Add(std::move(event));
}

OwnWrites::Scope::Scope(OwnWrites* owner, const AccessAttributes& request) : owner_(owner) {
  if (owner_->log_ != nullptr) working.request = &request;
}

OwnWrites::Scope::~Scope() { Flush(); }

void OwnWrites::Scope::Flush() {
  working.request = nullptr;
  for (AuditEvent& event : std::exchange(working.events, {})) owner_->Log(std::move(event));
}

}  // namespace epslice::sim
