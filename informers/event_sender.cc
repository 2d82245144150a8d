#include "informers/event_sender.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace epslice {
namespace {

// How soon to look again whether something may be sent.
constexpr Duration kFenced = std::chrono::seconds(1);

}  // namespace

EventSender::EventSender(EventRecorderOptions options, std::function<bool()> may_send, Transport* transport,
                         const Clock* clock, OnFailure on_failure)
    : may_send_(std::move(may_send)),
      transport_(*transport),
      clock_(*clock),
      on_failure_(std::move(on_failure)),
      calls_(may_send_),
      recorder_(std::move(options)) {}

EventSender::~EventSender() { Stop(); }

void EventSender::Start() {
  thread_ = std::thread([this] { Run(); });
}

void EventSender::Finish(Duration grace) {
  {
    std::unique_lock<std::mutex> lock(mu_);
    finishing_ = true;
    wake_.notify_all();
    ended_cv_.wait_for(lock, grace, [this] { return ended_; });
  }
  Stop();
}

void EventSender::Stop() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
    wake_.notify_all();
  }
  calls_.Cancel();
  if (thread_.joinable()) thread_.join();
}

void EventSender::Record(EventRecorder::Note note) {
  std::lock_guard<std::mutex> lock(mu_);
  recorder_.Record(std::move(note), clock_.WallNow());
  wake_.notify_all();
}

void EventSender::Run() {
  std::unique_lock<std::mutex> lock(mu_);
  while (!stopping_) {
    if (may_send_ && !may_send_()) {
      if (finishing_) break;
      wake_.wait_for(lock, kFenced, [this] { return stopping_ || finishing_; });
      continue;
    }
    const Instant now = clock_.Now();
    const std::optional<Request> request = recorder_.NextRequest(now);
    if (!request) {
      if (finishing_) break;
      const std::optional<Instant> next = recorder_.NextWakeup();
      if (next) {
        wake_.wait_for(lock, std::max(*next - now, Duration(0)));
      } else {
        wake_.wait(lock);
      }
      continue;
    }
    lock.unlock();
    const Response response = transport_.Do(*request, &calls_);
    if (!response.status.ok() && !calls_.cancelled() && on_failure_) on_failure_(*request, response.status);
    lock.lock();
    recorder_.OnResponse(response, clock_.Now());
  }
  ended_ = true;
  ended_cv_.notify_all();
}

}  // namespace epslice
