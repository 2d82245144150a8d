#include "informers/watch_loop.h"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace epslice {
namespace {

// Until `time` has passed, or `cancel`.
void Wait(Duration time, CancelToken* cancel) {
  std::mutex mu;
  std::condition_variable over;
  bool cancelled = false;  // guarded by mu
  const int id = cancel->Register([&] {
    const std::lock_guard<std::mutex> lock(mu);
    cancelled = true;
    over.notify_all();
  });
  {
    std::unique_lock<std::mutex> lock(mu);
    over.wait_for(lock, time, [&] { return cancelled; });
  }
  cancel->Unregister(id);
}

class WatchLoop {
 public:
  WatchLoop(Watcher* watcher, Transport* transport, const Clock* clock, CancelToken* cancel, WatchHandler* handler)
      : watcher_(*watcher), transport_(*transport), clock_(*clock), cancel_(*cancel), handler_(*handler) {}

  void Run() {
    while (!cancel_.cancelled()) {
      handler_.OnStep(clock_.Now());
      const Watcher::Action action = watcher_.Next(clock_.Now());
      switch (action.kind) {
        case Watcher::Action::Kind::kList: List(action.request); break;
        case Watcher::Action::Kind::kWatch: Watch(action.request); break;
        case Watcher::Action::Kind::kWait: Wait(action.until - clock_.Now(), &cancel_); break;
      }
    }
  }

 private:
  void List(const Request& request) {
    const Response response = transport_.Do(request, &cancel_);
    if (cancel_.cancelled()) return;
    const Instant now = clock_.Now();
    WatchUpdate update;
    watcher_.OnList(response, now, &update);
    if (!response.status.ok()) {
      handler_.OnFailure(response.status);
      return;
    }
    handler_.OnAnswer(now);
    if (update.replace) handler_.OnUpdate(std::move(update));
  }

  void Watch(const Request& request) {
    const bool refused_before = watcher_.streams_refused();
    const Status status = transport_.WatchAndTell(
        request, &cancel_, [this] { OnOpen(); }, [this](const WatchEvent& event) { return OnEvent(event); });
    if (cancel_.cancelled()) return;
    watcher_.OnWatchEnd(status, clock_.Now());
    if (watcher_.streams_refused() && !refused_before) {
      handler_.OnStreamsRefused();
    } else if (!status.ok()) {
      handler_.OnFailure(status);
    }
  }

  void OnOpen() {
    if (!cancel_.cancelled()) handler_.OnAnswer(clock_.Now());
  }

  bool OnEvent(const WatchEvent& event) {
    if (cancel_.cancelled()) return false;
    const Instant now = clock_.Now();
    WatchUpdate update;
    const bool go_on = watcher_.OnEvent(event, now, &update);
    if (go_on) {
      handler_.OnAnswer(now);
    } else if (event.type == WatchEventType::kError) {
      handler_.OnFailure(event.status);
    }
    // Of a list that comes as a stream nothing is there until it is complete.
    if (watcher_.state() != Watcher::State::kStreaming) handler_.OnUpdate(std::move(update));
    return go_on;
  }

  Watcher& watcher_;
  Transport& transport_;
  const Clock& clock_;
  CancelToken& cancel_;
  WatchHandler& handler_;
};

}  // namespace

void RunWatcher(Watcher* watcher, Transport* transport, const Clock* clock, CancelToken* cancel,
                WatchHandler* handler) {
  WatchLoop(watcher, transport, clock, cancel, handler).Run();
}

}  // namespace epslice
