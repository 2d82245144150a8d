#include "controllers/manager/leader_runner.h"

#include <unistd.h>

#include <array>
#include <fstream>
#include <utility>

#include "apis/cat.h"
#include "informers/object_reference.h"

namespace epslice {

std::string NewLeaderIdentity() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::string uuid;
  // The kernel makes a new one at each read.
  std::ifstream("/proc/sys/kernel/random/uuid") >> uuid;
  if (uuid.empty()) uuid = std::to_string(getpid());
  return std::string(host.data()) + "_" + uuid;
}

EventRecorder::Note BecameLeader(const Lease& lease, std::string_view identity) {
  EventRecorder::Note note;
  note.regarding = ReferenceTo(lease);
  note.type = "Normal";
  note.reason = "LeaderElection";
  note.message = Cat({identity, " became leader"});
  return note;
}

LeaderRunner::LeaderRunner(LeaderRunnerOptions options, Transport* transport, const Clock* clock, Logger* log)
    : options_(std::move(options)), transport_(*transport), clock_(*clock), log_(*log), elector_(options_.elector) {}

LeaderRunner::~LeaderRunner() { Stop(); }

void LeaderRunner::Start() {
  thread_ = std::thread([this] { Run(); });
  watch_thread_ = std::thread([this] { WatchLease(); });
}

void LeaderRunner::Stop() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  EndWatch();
  if (watch_thread_.joinable()) watch_thread_.join();
}

void LeaderRunner::EndWatch() {
  watch_.Cancel();
  std::lock_guard<std::mutex> lock(mu_);
  wake_.notify_all();
}

void LeaderRunner::Note() {
  writes_until_.store(elector_.writes_until().count(), std::memory_order_release);
  const LogField lease("lease", options_.elector.namespace_ + "/" + options_.elector.name);
  if (elector_.leader() != told_leader_ && elector_.state() == LeaderElector::State::kStandby) {
    log_.Info(0, "Another replica leads", {lease, {"leader", elector_.leader()}});
  }
  told_leader_ = elector_.leader();
  const bool released = elector_.state() == LeaderElector::State::kReleased;
  if (elector_.error() != told_error_ && !elector_.error().empty() && !released) {
    log_.Warning("The lease could not be taken or renewed; trying again", {lease, {"err", elector_.error()}});
  }
  told_error_ = elector_.error();
  const LeaderElector::State before = std::exchange(told_, elector_.state());
  if (elector_.state() == before) return;
  switch (elector_.state()) {
    case LeaderElector::State::kLeading:
      EndWatch();
      log_.Info(0, "Leading", {lease, {"identity", options_.elector.identity}});
      if (options_.on_leading) options_.on_leading(elector_.lease().value_or(Lease()));
      break;
    case LeaderElector::State::kLost:
      log_.Warning("Lost the lease; stopping", {lease, {"err", elector_.error()}});
      lost_.store(true, std::memory_order_release);
      if (options_.on_lost) options_.on_lost();
      break;
    case LeaderElector::State::kReleased:
      if (before != LeaderElector::State::kLeading) break;
      if (elector_.error().empty()) {
        log_.Info(0, "Gave the lease back", {lease});
      } else {
        log_.Warning("The lease could not be given back; others wait until it ends",
                     {lease, {"err", elector_.error()}, {"leaseDuration", options_.elector.lease_duration}});
      }
      break;
    case LeaderElector::State::kStandby: break;
  }
}

void LeaderRunner::Run() {
  for (;;) {
    {
      std::lock_guard<std::mutex> lock(mu_);
      if (stopping_) elector_.Release();
      if (watched_) elector_.OnWatched(watched_->get(), clock_.Now());
      watched_.reset();
    }
    const LeaderElector::Action action = elector_.Next(clock_.Now(), clock_.WallNow());
    Note();
    if (action.kind == LeaderElector::Action::Kind::kDone) return;
    if (action.kind == LeaderElector::Action::Kind::kSend) {
      elector_.OnResponse(transport_.Do(action.request, &calls_), clock_.Now());
      Note();
      continue;
    }
    std::unique_lock<std::mutex> lock(mu_);
    wake_.wait_for(lock, action.until - clock_.Now(), [this] { return stopping_ || watched_; });
  }
}

bool LeaderRunner::OnWatchEvent(const WatchEvent& event) {
  if (event.type == WatchEventType::kError) return false;
  if (event.type == WatchEventType::kBookmark) return true;
  std::shared_ptr<const Lease> lease;
  if (event.type != WatchEventType::kDeleted) lease = event.object.As<Lease>();
  std::lock_guard<std::mutex> lock(mu_);
  watched_ = std::move(lease);
  wake_.notify_all();
  return true;
}

void LeaderRunner::WatchLease() {
  Request request;
  request.verb = Verb::kWatch;
  request.kind = Kind::kLease;
  request.namespace_ = options_.elector.namespace_;
  // So that a right to watch that names the Lease is enough.
  request.list.fieldSelector = "metadata.name=" + options_.elector.name;
  // As informers do; replicas not in step.
  constexpr std::uint64_t kSeconds = 300;
  request.list.timeoutSeconds = static_cast<std::int64_t>(kSeconds + options_.elector.seed % kSeconds);
  while (!watch_.cancelled()) {
    const Status status = transport_.Watch(request, &watch_, [this](const WatchEvent& e) { return OnWatchEvent(e); });
    if (watch_.cancelled()) return;
    const std::optional<Duration> pause = PauseAfterWatch(status);
    if (!pause.has_value()) return;
    std::unique_lock<std::mutex> lock(mu_);
    wake_.wait_for(lock, *pause, [this] { return watch_.cancelled(); });
  }
}

std::optional<Duration> LeaderRunner::PauseAfterWatch(const Status& status) {
  switch (status.code) {
    // The server has no such resource, or no such watch.
    case 404:
    case 405:
    case 422:
      log_.Info(2, "The lease cannot be watched; it is polled", {{"err", status.ToString()}});
      return std::nullopt;
    // These pass.
    case 410:
    case 429: return options_.elector.retry_period;
    default: break;
  }
  if (status.code < 400 || status.code >= 500) {
    if (status.ok()) told_refusal_ = false;
    return options_.elector.retry_period;
  }
  if (!std::exchange(told_refusal_, true)) {
    log_.Info(2, "The watch of the lease is refused; it is polled, and the watch tried again",
              {{"err", status.ToString()}});
  }
  return options_.refused_watch_period;
}

}  // namespace epslice
