#include "test/bench/live/slice_watch.h"

#include <functional>
#include <utility>

#include "test/bench/live/process.h"

namespace epslice::bench {

SliceWatch::SliceWatch(const Clock* clock, Transport* transport) : clock_(clock), transport_(transport) {
  thread_ = std::thread([this] { Run(); });
}

SliceWatch::~SliceWatch() {
  cancel_.Cancel();
  thread_.join();
}

void SliceWatch::Run() {
  WatcherOptions options;
  options.stream_lists = true;
  options.backoff_base = std::chrono::milliseconds(50);
  options.backoff_max = std::chrono::milliseconds(200);
  Watcher watcher(Kind::kEndpointSlice, options, 1);
  while (!cancel_.cancelled()) {
    const Watcher::Action action = watcher.Next(clock_->Now());
    WatchUpdate update;
    switch (action.kind) {
      case Watcher::Action::Kind::kList:
        watcher.OnList(transport_->Do(action.request, &cancel_), clock_->Now(), &update);
        Learn(update, clock_->Now());
        break;
      case Watcher::Action::Kind::kWatch: {
        const Status end = transport_->Watch(action.request, &cancel_, [&](const WatchEvent& event) {
          const Instant now = clock_->Now();
          WatchUpdate news;
          const bool go_on = watcher.OnEvent(event, now, &news);
          Learn(news, now);
          return go_on && !cancel_.cancelled();
        });
        watcher.OnWatchEnd(end, clock_->Now());
        break;
      }
      case Watcher::Action::Kind::kWait:
        Await(
            *clock_, action.until - clock_->Now(), [this] { return cancel_.cancelled(); },
            std::chrono::milliseconds(20));
    }
  }
}

void SliceWatch::Learn(const WatchUpdate& update, Instant now) {
  std::lock_guard<std::mutex> lock(mu_);
  if (update.replace) {
    synced_ = true;
    sizes_.clear();
    endpoints_ = 0;
  }
  for (const AnyObject& object : update.deleted) {
    ++events_;
    const auto it = sizes_.find(KeyOf(object.meta()).ToString());
    if (it == sizes_.end()) continue;
    endpoints_ -= it->second;
    sizes_.erase(it);
  }
  for (const AnyObject& object : update.applied) {
    ++events_;
    const auto slice = object.As<EndpointSlice>();
    std::size_t& size = sizes_[KeyOf(slice->metadata).ToString()];
    endpoints_ += slice->endpoints.size() - size;
    size = slice->endpoints.size();
    if (expected_.empty()) continue;
    for (const Endpoint& endpoint : slice->endpoints) {
      if (!endpoint.targetRef.has_value()) continue;
      const auto it = expected_.find(endpoint.targetRef->name.view());
      if (it == expected_.end() || endpoint.conditions.ready != it->second.ready) continue;
      latencies_.push_back(now - it->second.since);
      expected_.erase(it);
    }
  }
}

void SliceWatch::Expect(const std::string& pod, bool ready) {
  const Instant now = clock_->Now();
  std::lock_guard<std::mutex> lock(mu_);
  expected_[pod] = {ready, now};
}

std::size_t SliceWatch::missing() const {
  std::lock_guard<std::mutex> lock(mu_);
  return expected_.size();
}

std::vector<Duration> SliceWatch::TakeLatencies() {
  std::lock_guard<std::mutex> lock(mu_);
  return std::exchange(latencies_, {});
}

bool SliceWatch::synced() const {
  std::lock_guard<std::mutex> lock(mu_);
  return synced_;
}
std::size_t SliceWatch::endpoints() const {
  std::lock_guard<std::mutex> lock(mu_);
  return endpoints_;
}
std::size_t SliceWatch::slices() const {
  std::lock_guard<std::mutex> lock(mu_);
  return sizes_.size();
}
std::int64_t SliceWatch::events() const {
  std::lock_guard<std::mutex> lock(mu_);
  return events_;
}

}  // namespace epslice::bench
