#include "sim/engine/observed_server.h"

#include <string>
#include <utility>

namespace epslice::sim {

ObservedServer::ObservedServer(Scheduler* scheduler, MemoryApiServerOptions options)
    : scheduler_(scheduler), clock_(scheduler), server_(&clock_, std::move(options)) {
  for (Kind kind : kAllKinds) Watch(kind);
}

void ObservedServer::Watch(Kind kind) {
  Request request;
  request.verb = Verb::kWatch;
  request.kind = kind;
  request.list.resourceVersion = std::to_string(server_.resource_version());
  Status status;
  watches_.push_back(server_.Watch(
      request, [this](const WatchEvent& event) { OnChange(event); }, &status));
}

void ObservedServer::OnChange(const WatchEvent& event) {
  Commit commit;
  commit.at = scheduler_->now();
  commit.type = event.type;
  commit.object = event.object;
  commit.by_controller = by_controller_ && event.object.kind() == Kind::kEndpointSlice;
  commit.start = loading_;
  told_later_.push_back(std::move(commit));
  if (handling_ || tell_scheduled_) return;
  tell_scheduled_ = true;
  scheduler_->After(Duration{0}, [this] {
    tell_scheduled_ = false;
    Tell();
    Advance();
  });
}

void ObservedServer::Tell() {
  // An observer that asks the server for something adds to the end.
  if (telling_) return;
  telling_ = true;
  while (!told_later_.empty()) {
    const Commit commit = std::move(told_later_.front());
    told_later_.pop_front();
    digest_.Add(commit);
    for (RunObserver* observer : observers_) observer->OnCommit(commit);
  }
  telling_ = false;
}

Response ObservedServer::Handle(const Request& request, bool by_controller) {
  handling_ = true;
  by_controller_ = by_controller;
  Response response = server_.Handle(request);
  by_controller_ = false;
  handling_ = false;
  Tell();
  if (request.kind == Kind::kPod || request.kind == Kind::kNamespace || request.kind == Kind::kNode) Advance();
  return response;
}

absl::Status ObservedServer::Load(const AnyObject& object) {
  handling_ = loading_ = true;
  absl::Status status = server_.Load(object);
  if (status.ok()) {
    Request get;
    get.kind = object.kind();
    get.namespace_ = object.meta().namespace_.str();
    get.name = object.meta().name.str();
    told_later_.push_back({scheduler_->now(), WatchEventType::kAdded, server_.Handle(get).object, false, true});
  }
  handling_ = loading_ = false;
  Tell();
  if (object.has_value() && object.kind() == Kind::kPod && object.meta().deletionTimestamp.is_set()) Advance();
  return status;
}

absl::Status ObservedServer::Replay(WatchEventType type, const AnyObject& object) {
  handling_ = true;
  absl::Status status = server_.Replay(type, object);
  handling_ = false;
  Tell();
  if (object.has_value() && object.kind() == Kind::kPod && object.meta().deletionTimestamp.is_set()) Advance();
  return status;
}

void ObservedServer::Advance() {
  handling_ = true;
  const std::optional<Instant> next = server_.Advance();
  handling_ = false;
  Tell();
  if (!next || (advance_at_ && *advance_at_ <= *next)) return;
  advance_at_ = next;
  scheduler_->At(*next, [this, at = *next] {
    if (advance_at_ == at) advance_at_.reset();
    Advance();
  });
}

}  // namespace epslice::sim
