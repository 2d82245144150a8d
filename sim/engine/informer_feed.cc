#include "sim/engine/informer_feed.h"

#include <algorithm>
#include <utility>

namespace epslice::sim {
namespace {

// How many events may come again after a new connection.
constexpr std::size_t kMostRepeated = 6;

}  // namespace

InformerFeed::InformerFeed(Kind kind, const WatcherOptions& options, Random random, const Links& links)
    : kind_(kind), links_(links), random_(random), watcher_(kind, options, random_.Next()) {}

void InformerFeed::Stop() {
  stopped_ = true;
  ++epoch_;
  handle_.reset();
  pending_.clear();
  pending_.shrink_to_fit();
}

void InformerFeed::Break(const Status& status) {
  if (stopped_ || (state_ != State::kWatching && state_ != State::kListing)) return;
  const bool listing = state_ == State::kListing;
  state_ = State::kIdle;
  ++epoch_;
  handle_.reset();
  pending_.clear();
  const Instant now = links_.scheduler->now();
  if (listing) {
    Response response;
    response.status = status;
    WatchUpdate none;
    watcher_.OnList(response, now, &none);
  } else {
    watcher_.OnWatchEnd(status, now);
  }
  Continue();
}

void InformerFeed::Continue() {
  while (!stopped_ && state_ == State::kIdle) {
    const Watcher::Action action = watcher_.Next(links_.scheduler->now());
    switch (action.kind) {
      case Watcher::Action::Kind::kWait:
        state_ = State::kWaiting;
        links_.scheduler->At(action.until, [this, epoch = ++epoch_] {
          if (epoch != epoch_) return;
          state_ = State::kIdle;
          Continue();
        });
        break;
      case Watcher::Action::Kind::kList: List(action.request); break;
      case Watcher::Action::Kind::kWatch: Watch(action.request); break;
    }
  }
}

void InformerFeed::List(const Request& request) {
  state_ = State::kListing;
  Faults::RequestFate fate;
  if (links_.faults != nullptr) fate = links_.faults->OnRequest(request);
  const Duration latency = links_.latency->Draw(&random_);
  links_.scheduler->After(latency / 2 + fate.there, [this, request, latency, fate, epoch = ++epoch_] {
    if (epoch != epoch_) return;
    auto response = std::make_shared<Response>();
    if (fate.status.ok()) {
      *response = links_.server->Handle(request);
    } else {
      response->status = fate.status;
    }
    links_.scheduler->After(latency - latency / 2 + fate.back, [this, response, epoch] {
      if (epoch != epoch_) return;
      state_ = State::kIdle;
      WatchUpdate update;
      watcher_.OnList(*response, links_.scheduler->now(), &update);
      if (!update.empty()) Apply(update);
      Continue();
      links_.owner->AfterDelivery();
    });
  });
}

void InformerFeed::Watch(const Request& request) {
  state_ = State::kWatching;
  ++epoch_;
  silent_ = false;
  Status status;
  if (links_.faults != nullptr) {
    status = links_.faults->OnWatch(request);
    if (status.ok() && !request.list.sendInitialEvents && links_.faults->Repeats()) {
      for (const Message& message : std::exchange(delivered_, {})) Post(message);
    }
  }
  if (status.ok()) {
    handle_ = links_.server->Watch(
        request, [this](const WatchEvent& event) { OnWatchEvent(event); }, &status);
  }
  if (handle_ == nullptr) {
    state_ = State::kIdle;
    pending_.clear();
    watcher_.OnWatchEnd(status, links_.scheduler->now());
    return;
  }
  if (request.list.timeoutSeconds <= 0) return;
  links_.scheduler->After(std::chrono::seconds(request.list.timeoutSeconds), [this, epoch = epoch_] {
    if (epoch == epoch_) OnTimeout();
  });
}

void InformerFeed::OnTimeout() {
  if (handle_ == nullptr || silent_) return;
  handle_.reset();
  // A kind that nothing happens to would else fall behind the history.
  Message bookmark(WatchEventType::kBookmark);
  bookmark.version = std::to_string(links_.server->resource_version());
  Post(std::move(bookmark));
  PostEnding(Status{});
}

void InformerFeed::OnWatchEvent(const WatchEvent& event) {
  Message message(event.type);
  message.initial_end = event.initialEventsEnd;
  message.object = event.object;
  message.version = event.resourceVersion;
  if (links_.faults == nullptr) {
    Post(std::move(message));
  } else if (!silent_) {
    PostWithFaults(std::move(message));
  }
}

// Under the server's lock: what it is to do of itself waits until after.
void InformerFeed::PostWithFaults(Message message) {
  using What = Faults::EventFate::What;
  const Faults::EventFate fate = links_.faults->OnEvent();
  MemoryApiServer* const server = links_.server;
  if (fate.compact) links_.scheduler->After(Duration{0}, [server] { server->CompactHistory(); });
  // One bookmark is not to bring the next.
  const bool is_bookmark = message.type == WatchEventType::kBookmark;
  if (fate.bookmark && !is_bookmark) links_.scheduler->After(Duration{0}, [server] { server->SendBookmarks(); });
  switch (fate.what) {
    case What::kNothing: return Post(std::move(message), fate.delay);
    case What::kCutAfter: Post(std::move(message)); [[fallthrough]];
    case What::kCutBefore: silent_ = true; return PostEnding(StatusUnreachable("the connection was reset"));
    case What::kError:
      silent_ = true;
      message = Message(WatchEventType::kError);
      message.status = std::make_shared<Status>(fate.error);
      return Post(std::move(message));
    case What::kSilence: break;
  }
  silent_ = true;
  links_.scheduler->After(links_.faults->options().dead_peer, [this, epoch = epoch_] {
    if (epoch == epoch_) Break(StatusUnreachable("nothing came for too long"));
  });
}

void InformerFeed::PostEnding(const Status& status) {
  Message ending(WatchEventType::kBookmark);
  ending.ending = true;
  ending.status = std::make_shared<Status>(status);
  Post(std::move(ending));
}

void InformerFeed::Post(Message message, Duration delay) {
  const Instant soonest = links_.scheduler->now() + links_.latency->Draw(&random_) + delay;
  message.due = pending_.empty() ? soonest : std::max(soonest, pending_.back().due);
  pending_.push_back(std::move(message));
  if (!delivery_scheduled_) ScheduleDelivery();
}

void InformerFeed::ScheduleDelivery() {
  delivery_scheduled_ = true;
  links_.scheduler->At(pending_.front().due, [this] {
    delivery_scheduled_ = false;
    if (!stopped_) Deliver();
  });
}

void InformerFeed::Deliver() {
  const Instant now = links_.scheduler->now();
  bool any = false;
  while (!pending_.empty() && pending_.front().due <= now) {
    const Message message = std::move(pending_.front());
    pending_.pop_front();
    Hand(message);
    any = true;
  }
  if (!pending_.empty() && !delivery_scheduled_) ScheduleDelivery();
  if (any) links_.owner->AfterDelivery();
}

void InformerFeed::Hand(const Message& message) {
  const Instant now = links_.scheduler->now();
  if (message.ending) return Break(*message.status);
  WatchEvent event;
  event.type = message.type;
  event.object = message.object;
  event.resourceVersion = message.version;
  event.initialEventsEnd = message.initial_end;
  if (message.status != nullptr) event.status = *message.status;
  update_.replace = false;
  update_.applied.clear();
  update_.deleted.clear();
  const bool go_on = watcher_.OnEvent(event, now, &update_);
  Apply(update_);
  if (!go_on) return Break({});
  if (links_.faults == nullptr || !message.object.has_value()) return;
  // An end that came again could be that of what has come back since.
  if (message.type == WatchEventType::kDeleted) return delivered_.clear();
  delivered_.push_back(message);
  if (delivered_.size() > kMostRepeated) delivered_.pop_front();
}

void InformerFeed::Apply(const WatchUpdate& update) {
  // Older than the list: no connection that begins after it brings them again.
  if (update.replace) delivered_.clear();
  links_.owner->Apply(kind_, update, watcher_.resource_version());
}

}  // namespace epslice::sim
