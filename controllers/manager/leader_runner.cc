#include "controllers/manager/leader_runner.h"

#include <unistd.h>

#include <array>
#include <fstream>
#include <utility>

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

LeaderRunner::LeaderRunner(LeaderRunnerOptions options, Transport* transport, const Clock* clock, Logger* log)
    : options_(std::move(options)), transport_(*transport), clock_(*clock), log_(*log), elector_(options_.elector) {}

LeaderRunner::~LeaderRunner() { Stop(); }

void LeaderRunner::Start() {
  thread_ = std::thread([this] { Run(); });
}

void LeaderRunner::Stop() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void LeaderRunner::Note() {
  writes_until_.store(elector_.writes_until().count(), std::memory_order_release);
  const LogField lease("lease", options_.elector.namespace_ + "/" + options_.elector.name);
  if (elector_.leader() != told_leader_ && elector_.state() == LeaderElector::State::kStandby) {
    log_.Info(0, "Another replica leads", {lease, {"leader", elector_.leader()}});
  }
  told_leader_ = elector_.leader();
  if (elector_.error() != told_error_ && !elector_.error().empty()) {
    log_.Warning("The lease could not be taken or renewed; trying again", {lease, {"err", elector_.error()}});
  }
  told_error_ = elector_.error();
  if (elector_.state() == std::exchange(told_, elector_.state())) return;
  switch (elector_.state()) {
    case LeaderElector::State::kLeading:
      log_.Info(0, "Leading", {lease, {"identity", options_.elector.identity}});
      if (options_.on_leading) options_.on_leading();
      break;
    case LeaderElector::State::kLost:
      log_.Warning("Lost the lease; stopping", {lease, {"err", elector_.error()}});
      lost_.store(true, std::memory_order_release);
      if (options_.on_lost) options_.on_lost();
      break;
    case LeaderElector::State::kReleased: log_.Info(0, "Gave the lease back", {lease}); break;
    case LeaderElector::State::kStandby: break;
  }
}

void LeaderRunner::Run() {
  for (;;) {
    {
      std::lock_guard<std::mutex> lock(mu_);
      if (stopping_) elector_.Release();
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
    wake_.wait_for(lock, action.until - clock_.Now(), [this] { return stopping_; });
  }
}

}  // namespace epslice
