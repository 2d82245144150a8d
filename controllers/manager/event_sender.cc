#include "controllers/manager/event_sender.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace epslice {
namespace {

// How soon to look again whether something may be sent.
constexpr Duration kFenced = std::chrono::seconds(1);

}  // namespace

EventSender::EventSender(EventRecorderOptions options, std::function<bool()> may_send, Transport* transport,
                         const Clock* clock, Logger* log)
    : may_send_(std::move(may_send)),
      transport_(*transport),
      clock_(*clock),
      log_(*log),
      calls_(may_send_),
      recorder_(std::move(options)) {}

EventSender::~EventSender() { Stop(); }

void EventSender::Start() {
  thread_ = std::thread([this] { Run(); });
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
      wake_.wait_for(lock, kFenced, [this] { return stopping_; });
      continue;
    }
    const Instant now = clock_.Now();
    const std::optional<Request> request = recorder_.NextRequest(now);
    if (!request) {
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
    if (!response.status.ok() && !calls_.cancelled()) {
      log_.Info(2, "Event was not recorded",
                {{"request", DescribeRequest(*request)}, {"err", response.status.ToString()}});
    }
    lock.lock();
    recorder_.OnResponse(response, clock_.Now());
  }
}

}  // namespace epslice
