#include "sim/cli/record_threads.h"

#include <algorithm>
#include <utility>

#include "apis/concat.h"
#include "informers/watch_loop.h"

namespace epslice::sim {

RecordThreads::RecordThreads(Transport* transport, const Clock* clock, TraceRecorder* recorder)
    : transport_(*transport), clock_(*clock), recorder_(*recorder) {
  for (const Kind kind : kRecordedKinds) threads_.emplace_back([this, kind] { Run(kind); });
}

RecordThreads::~RecordThreads() {
  cancel_.Cancel();
  for (std::thread& thread : threads_) thread.join();
}

std::vector<std::string> RecordThreads::TakeTroubles() {
  const std::lock_guard<std::mutex> lock(mu_);
  return std::exchange(troubles_, {});
}

class RecordThreads::KindHandler : public WatchHandler {
 public:
  KindHandler(RecordThreads* threads, Kind kind)
      : threads_(*threads),
        kind_(kind),
        // Jitter of waits; nothing of it is in the trace.
        watcher_(kind, {},
                 static_cast<std::uint64_t>(threads->clock_.WallNow().nanos) + static_cast<std::uint64_t>(kind)) {}

  Watcher* watcher() { return &watcher_; }

  // What came of the step before.
  void OnStep(Instant /*now*/) override { threads_.Note(kind_, watcher_.last_error()); }
  void OnUpdate(WatchUpdate update) override {
    if (!update.empty()) threads_.recorder_.Apply(kind_, update);
  }

 private:
  RecordThreads& threads_;
  const Kind kind_;
  Watcher watcher_;
};

void RecordThreads::Run(Kind kind) {
  KindHandler handler(this, kind);
  RunWatcher(handler.watcher(), &transport_, &clock_, &cancel_, &handler);
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
