#include "sim/cli/record_threads.h"

#include <algorithm>
#include <utility>

#include "apis/concat.h"

namespace epslice::sim {

RecordThreads::RecordThreads(Transport* transport, const Clock* clock, TraceRecorder* recorder)
    : transport_(*transport), clock_(*clock), recorder_(*recorder) {
  for (const Kind kind : kRecordedKinds) threads_.emplace_back([this, kind] { Run(kind); });
}

RecordThreads::~RecordThreads() {
  cancel_.Cancel();
  {
    // Not between a thread's look at the token and its wait.
    const std::lock_guard<std::mutex> lock(mu_);
    wake_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

std::vector<std::string> RecordThreads::TakeTroubles() {
  const std::lock_guard<std::mutex> lock(mu_);
  return std::exchange(troubles_, {});
}

void RecordThreads::Run(Kind kind) {
  // Jitter of waits; nothing of it is in the trace.
  Watcher watcher(kind, {}, static_cast<std::uint64_t>(clock_.WallNow().nanos) + static_cast<std::uint64_t>(kind));
  while (!cancel_.cancelled()) {
    const Watcher::Action action = watcher.Next(clock_.Now());
    if (action.kind == Watcher::Action::Kind::kWait) {
      std::unique_lock<std::mutex> lock(mu_);
      if (!cancel_.cancelled()) wake_.wait_for(lock, action.until - clock_.Now());
      continue;
    }
    if (action.kind == Watcher::Action::Kind::kList) {
      WatchUpdate list;
      watcher.OnList(transport_.Do(action.request, &cancel_), clock_.Now(), &list);
      if (!list.empty()) recorder_.Apply(kind, list);
    } else {
      const Status end = transport_.Watch(action.request, &cancel_, [&](const WatchEvent& event) {
        WatchUpdate update;
        const bool go_on = watcher.OnEvent(event, clock_.Now(), &update);
        if (!update.empty()) recorder_.Apply(kind, update);
        return go_on;
      });
      watcher.OnWatchEnd(end, clock_.Now());
    }
    Note(kind, watcher.last_error());
  }
}

void RecordThreads::Note(Kind kind, const std::string& error) {
  if (cancel_.cancelled()) return;
  const std::lock_guard<std::mutex> lock(mu_);
  if (error.empty()) {
    failing_.erase(kind);
    return;
  }
  const bool told = failing_.contains(kind) || std::any_of(failing_.begin(), failing_.end(),
                                                           [&](const auto& other) { return other.second == error; });
  failing_.emplace(kind, error);
  if (!told) troubles_.push_back(Concat(InfoOf(kind).resource, ": ", error, "; trying again"));
}

}  // namespace epslice::sim
