#include "sim/engine/observed_server.h"

#include <string>
#include <utility>

namespace epslice::sim {

class ObservedServer::Handling {
 public:
  explicit Handling(ObservedServer* server, bool by_controller = false, bool loading = false) : server_(*server) {
    Set(std::this_thread::get_id(), by_controller, loading);
  }
  ~Handling() { Set({}, false, false); }
  Handling(const Handling&) = delete;
  Handling& operator=(const Handling&) = delete;

 private:
  void Set(std::thread::id thread, bool by_controller, bool loading) {
    const std::lock_guard<std::mutex> lock(server_.mu_);
    server_.handling_ = thread;
    server_.by_controller_ = by_controller;
    server_.loading_ = loading;
  }
  ObservedServer& server_;
};

ObservedServer::ObservedServer(Scheduler* scheduler, MemoryApiServerOptions options,
                               std::function<void()> on_outside_change)
    : scheduler_(scheduler),
      clock_(scheduler),
      server_(&clock_, std::move(options)),
      on_outside_change_(std::move(on_outside_change)) {
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
  {
    const std::lock_guard<std::mutex> lock(mu_);
    const bool ours = handling_ == std::this_thread::get_id();
    Commit commit;
    commit.at = scheduler_->now();
    commit.type = event.type;
    commit.object = event.object;
    commit.by_controller = ours && by_controller_ && event.object.kind() == Kind::kEndpointSlice;
    commit.outside = !ours;
    commit.start = ours && loading_;
    told_later_.push_back(std::move(commit));
    if (ours || std::exchange(tell_asked_, true)) return;
  }
  if (on_outside_change_) return on_outside_change_();
  scheduler_->After(Duration{0}, [this] { TakeOutsideChanges(); });
}

void ObservedServer::TakeOutsideChanges() {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    if (!std::exchange(tell_asked_, false)) return;
  }
  Tell();
  Advance();
}

void ObservedServer::Tell() {
  // An observer that asks the server for something adds to the end.
  if (std::exchange(telling_, true)) return;
  while (true) {
    std::unique_lock<std::mutex> lock(mu_);
    if (told_later_.empty()) break;
    const Commit commit = std::move(told_later_.front());
    told_later_.pop_front();
    lock.unlock();
    digest_.Add(commit);
    for (RunObserver* observer : observers_) observer->OnCommit(commit);
  }
  telling_ = false;
}

Response ObservedServer::Handle(const Request& request, bool by_controller) {
  Response response;
  {
    const Handling handling(this, by_controller);
    response = server_.Handle(request);
  }
  Tell();
  if (request.kind == Kind::kPod || request.kind == Kind::kNamespace || request.kind == Kind::kNode) Advance();
  return response;
}

absl::Status ObservedServer::Load(const AnyObject& object) {
  absl::Status status;
  {
    const Handling handling(this, false, true);
    status = server_.Load(object);
    if (status.ok()) {
      Request get;
      get.kind = object.kind();
      get.namespace_ = object.meta().namespace_.str();
      get.name = object.meta().name.str();
      Commit commit;
      commit.at = scheduler_->now();
      commit.object = server_.Handle(get).object;
      commit.start = true;
      const std::lock_guard<std::mutex> lock(mu_);
      told_later_.push_back(std::move(commit));
    }
  }
  Tell();
  if (object.has_value() && object.kind() == Kind::kPod && object.meta().deletionTimestamp.is_set()) Advance();
  return status;
}

absl::Status ObservedServer::Replay(WatchEventType type, const AnyObject& object, bool always) {
  absl::Status status;
  {
    const Handling handling(this);
    status = server_.Replay(type, object, always);
  }
  Tell();
  if (object.has_value() && object.kind() == Kind::kPod && object.meta().deletionTimestamp.is_set()) Advance();
  return status;
}

void ObservedServer::Advance() {
  std::optional<Instant> next;
  {
    const Handling handling(this);
    next = server_.Advance();
  }
  Tell();
  if (!next || (advance_at_ && *advance_at_ <= *next)) return;
  advance_at_ = next;
  scheduler_->At(*next, [this, at = *next] {
    if (advance_at_ == at) advance_at_.reset();
    Advance();
  });
}

}  // namespace epslice::sim
