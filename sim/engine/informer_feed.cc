#include "sim/engine/informer_feed.h"

#include <algorithm>
#include <utility>

namespace epslice::sim {

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
  const Duration latency = links_.latency->Draw(&random_);
  links_.scheduler->After(latency / 2, [this, request, latency, epoch = ++epoch_] {
    if (epoch != epoch_) return;
    auto response = std::make_shared<const Response>(links_.server->Handle(request));
    links_.scheduler->After(latency - latency / 2, [this, response, epoch] {
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
  Status status;
  handle_ = links_.server->Watch(
      request,
      [this](const WatchEvent& event) {
        Post({{}, event.type, event.initialEventsEnd, event.object, event.resourceVersion});
      },
      &status);
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
  if (handle_ == nullptr) return;
  handle_.reset();
  // A kind that nothing happens to would else fall behind the history.
  Post({{}, WatchEventType::kBookmark, false, {}, std::to_string(links_.server->resource_version())});
  Post({{}, WatchEventType::kBookmark, false, {}, {}});
}

void InformerFeed::Post(Message message) {
  const Instant soonest = links_.scheduler->now() + links_.latency->Draw(&random_);
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
  if (!message.object.has_value() && message.version.empty()) {
    state_ = State::kIdle;
    ++epoch_;
    watcher_.OnWatchEnd(Status{}, now);
    Continue();
    return;
  }
  WatchEvent event;
  event.type = message.type;
  event.object = message.object;
  event.resourceVersion = message.version;
  event.initialEventsEnd = message.initial_end;
  update_.replace = false;
  update_.applied.clear();
  update_.deleted.clear();
  const bool go_on = watcher_.OnEvent(event, now, &update_);
  Apply(update_);
  if (!go_on) Break({});
}

void InformerFeed::Apply(const WatchUpdate& update) { links_.owner->Apply(kind_, update, watcher_.resource_version()); }

}  // namespace epslice::sim
