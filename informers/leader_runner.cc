#include "informers/leader_runner.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "apis/cat.h"
#include "apis/fnv.h"
#include "informers/object_reference.h"

namespace epslice {
namespace {

// How long Stop() lets a call go on that is under way: a renewal that is cancelled
// may have happened, and the Lease is then not given back.
constexpr Duration kStopMoment = std::chrono::seconds(1);

LeaderRunnerOptions Complete(LeaderRunnerOptions options) {
  LeaderElectorOptions& elector = options.elector;
  if (elector.identity.empty()) elector.identity = NewLeaderIdentity();
  if (elector.seed == 0) elector.seed = Fnv1a(elector.identity);
  return options;
}

}  // namespace

std::string NewLeaderIdentity() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::string uuid;
  // The kernel makes a new one at each read.
  std::ifstream("/proc/sys/kernel/random/uuid") >> uuid;
  if (uuid.empty()) uuid = std::to_string(getpid());
  return std::string(host.data()) + "_" + uuid;
}

std::string LeaderNews::ToLine() const {
  return Cat({what, ": lease ", lease, key.empty() ? "" : ", ", key, key.empty() ? "" : " ", value});
}

LeaderRunner::LeaderRunner(LeaderRunnerOptions options, Transport* transport, const Clock* clock)
    : options_(Complete(std::move(options))),
      lease_name_(Cat({options_.elector.namespace_, "/", options_.elector.name})),
      transport_(*transport),
      clock_(*clock),
      elector_(options_.elector) {
  callbacks_.emplace_back(next_id_++, LeaderCallbacks{options_.on_leading, options_.on_lost});
  if (options_.component.empty()) return;
  EventRecorderOptions events;
  events.component = options_.component;
  events.instance = options_.elector.identity;
  events.seed = options_.elector.seed;
  events_ = std::make_unique<EventSender>(
      std::move(events), nullptr, transport, clock, [this](const Request&, const Status& status) {
        Tell(LeaderNews::Weight::kDetail, "Event was not recorded", "err", status.ToString());
      });
}

LeaderRunner::~LeaderRunner() { Stop(); }

void LeaderRunner::Start() {
  call_thread_ = std::thread([this] { MakeCalls(); });
  thread_ = std::thread([this] { Run(); });
  watch_thread_ = std::thread([this] {
    WatchLease();
    if (events_ != nullptr) events_->Run();
  });
}

void LeaderRunner::Stop() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  {
    std::lock_guard<std::mutex> lock(mu_);
    calls_end_ = true;
    wake_.notify_all();
  }
  if (call_thread_.joinable()) call_thread_.join();
  EndWatch();
  if (!watch_thread_.joinable()) return;
  // As client-go, after the Lease was given back: that does not wait for Events.
  if (events_ != nullptr) events_->Finish(options_.farewell);
  watch_thread_.join();
}

void LeaderRunner::EndWatch() {
  watch_.Cancel();
  std::lock_guard<std::mutex> lock(mu_);
  wake_.notify_all();
}

int LeaderRunner::Register(LeaderCallbacks callbacks) {
  std::lock_guard<std::mutex> lock(callbacks_mu_);
  if (leading_ && callbacks.on_leading) callbacks.on_leading();
  callbacks_.emplace_back(next_id_, std::move(callbacks));
  return next_id_++;
}

void LeaderRunner::Unregister(int id) {
  std::lock_guard<std::mutex> lock(callbacks_mu_);
  std::erase_if(callbacks_, [id](const auto& entry) { return entry.first == id; });
}

void LeaderRunner::BeginLeading() {
  std::lock_guard<std::mutex> lock(callbacks_mu_);
  leading_ = true;
  for (const auto& [id, callbacks] : callbacks_) {
    if (callbacks.on_leading) callbacks.on_leading();
  }
}

void LeaderRunner::EndLeading() {
  lost_.store(true, std::memory_order_release);
  std::lock_guard<std::mutex> lock(callbacks_mu_);
  leading_ = false;
  for (const auto& [id, callbacks] : callbacks_) {
    if (callbacks.on_lost) callbacks.on_lost();
  }
}

void LeaderRunner::Tell(LeaderNews::Weight weight, std::string_view what, std::string_view key,
                        std::string_view value) const {
  if (options_.tell) options_.tell({weight, what, lease_name_, key, value});
}

void LeaderRunner::RecordEvent(std::string_view what) {
  if (events_ == nullptr) return;
  EventRecorder::Note note;
  note.regarding = ReferenceTo(elector_.lease().value_or(Lease()));
  note.type = "Normal";
  note.reason = "LeaderElection";
  note.message = Cat({options_.elector.identity, " ", what});
  events_->Record(std::move(note));
}

void LeaderRunner::Note() {
  using Weight = LeaderNews::Weight;
  writes_until_.store(elector_.writes_until().count(), std::memory_order_release);
  slow_renewals_.store(elector_.slow_renewals(), std::memory_order_relaxed);
  if (elector_.leader() != told_leader_ && elector_.state() == LeaderElector::State::kStandby) {
    if (elector_.leader().empty()) {
      Tell(Weight::kInfo, "Nobody leads now: the lease was given back, or is gone", "", "");
    } else {
      Tell(Weight::kInfo, "Another replica leads", "leader", elector_.leader());
    }
  }
  told_leader_ = elector_.leader();
  // What it is over with is told below.
  const bool over =
      elector_.state() == LeaderElector::State::kReleased || elector_.state() == LeaderElector::State::kLost;
  if (elector_.error() != told_error_ && !elector_.error().empty() && !over) {
    Tell(Weight::kWarning, "The lease could not be taken or renewed; trying again", "err", elector_.error());
  }
  told_error_ = elector_.error();
  const LeaderElector::State before = std::exchange(told_, elector_.state());
  if (elector_.state() == before) return;
  switch (elector_.state()) {
    case LeaderElector::State::kLeading:
      EndWatch();
      Tell(Weight::kInfo, "Leading", "identity", options_.elector.identity);
      RecordEvent("became leader");
      BeginLeading();
      break;
    case LeaderElector::State::kLost:
      Tell(Weight::kWarning, "Lost the lease; stopping", "err", elector_.error());
      RecordEvent("stopped leading");
      EndLeading();
      break;
    case LeaderElector::State::kReleased:
      if (before != LeaderElector::State::kLeading) break;
      {
        std::lock_guard<std::mutex> lock(callbacks_mu_);
        leading_ = false;
      }
      RecordEvent("stopped leading");
      if (elector_.error().empty()) {
        Tell(Weight::kInfo, "Gave the lease back", "", "");
      } else {
        Tell(Weight::kWarning, "The lease could not be given back; others wait until it ends", "err", elector_.error());
      }
      break;
    case LeaderElector::State::kStandby: break;
  }
}

void LeaderRunner::MakeCalls() {
  std::unique_lock<std::mutex> lock(mu_);
  for (;;) {
    wake_.wait(lock, [this] { return calls_end_ || (call_ != nullptr && !call_->begun); });
    if (calls_end_) return;
    const std::shared_ptr<Call> call = call_;
    call->begun = true;
    lock.unlock();
    Response response = transport_.Do(call->request, &call->cancel);
    lock.lock();
    call->response = std::move(response);
    wake_.notify_all();
  }
}

std::optional<Response> LeaderRunner::Ask(Request request, bool last) {
  const auto call = std::make_shared<Call>();
  call->request = std::move(request);
  std::optional<Instant> end;  // no longer
  if (!last && elector_.state() == LeaderElector::State::kLeading) end = elector_.lost_at();
  bool stopping = false;
  std::unique_lock<std::mutex> lock(mu_);
  call_ = call;
  wake_.notify_all();
  const auto answered = [&call] { return call->response.has_value(); };
  while (!answered()) {
    const Instant now = clock_.Now();
    if (stopping_ && !last && !stopping) {
      stopping = true;
      end = std::min(end.value_or(now + kStopMoment), now + kStopMoment);
    }
    if (end.has_value() && now >= *end) break;
    if (end.has_value()) {
      wake_.wait_for(lock, *end - now);
    } else {
      wake_.wait(lock);
    }
  }
  if (answered()) return std::move(call->response);
  lock.unlock();
  call->cancel.Cancel();
  if (!stopping) return std::nullopt;
  lock.lock();
  wake_.wait(lock, answered);
  return std::move(call->response);
}

void LeaderRunner::Run() {
  for (;;) {
    bool last = false;
    {
      std::lock_guard<std::mutex> lock(mu_);
      last = stopping_;
      if (last) elector_.Release();
      if (watched_) elector_.OnWatched(watched_->get(), clock_.Now());
      watched_.reset();
    }
    const LeaderElector::Action action = elector_.Next(clock_.Now(), clock_.WallNow());
    Note();
    if (action.kind == LeaderElector::Action::Kind::kDone) return;
    if (action.kind == LeaderElector::Action::Kind::kSend) {
      if (const std::optional<Response> response = Ask(action.request, last)) {
        elector_.OnResponse(*response, clock_.Now());
        Note();
      }
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
      Tell(LeaderNews::Weight::kDetail, "The lease cannot be watched; it is polled", "err", status.ToString());
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
    Tell(LeaderNews::Weight::kDetail, "The watch of the lease is refused; it is polled, and the watch tried again",
         "err", status.ToString());
  }
  return options_.refused_watch_period;
}

}  // namespace epslice
