#include "informers/leader_election.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"

namespace epslice {
namespace {

// client-go's JitterFactor: tries to acquire come after 1 to 2.2 retry periods.
// A standby here comes sooner (see See()), so that a little is enough to keep
// replicas out of step.
constexpr double kJitter = 0.2;

}  // namespace

std::string CheckLeaderElectorOptions(const LeaderElectorOptions& o) {
  if (o.retry_period <= Duration::zero()) return "--leader-elect-retry-period must be above 0";
  if (o.renew_deadline <= o.retry_period + o.retry_period / 5) {
    return "--leader-elect-renew-deadline must be above 1.2 times --leader-elect-retry-period";
  }
  if (o.lease_duration <= o.renew_deadline) {
    return "--leader-elect-lease-duration must be above --leader-elect-renew-deadline";
  }
  if (o.lease_duration < std::chrono::seconds(1)) return "--leader-elect-lease-duration must be at least 1s";
  if (o.lease_duration % std::chrono::seconds(1) != Duration::zero()) {
    return "--leader-elect-lease-duration must be of whole seconds, as the Lease has no fractions";
  }
  return "";
}

LeaderElector::LeaderElector(LeaderElectorOptions options) : options_(std::move(options)), random_(options_.seed) {}

bool LeaderElector::HeldByOther(Instant now) const {
  if (!seen_ || seen_->holderIdentity.empty() || seen_->holderIdentity == options_.identity) return false;
  const std::int64_t seconds = std::max(0, seen_->leaseDurationSeconds.value_or(0));
  return now < seen_at_ + std::chrono::seconds(seconds);
}

LeaderElector::Action LeaderElector::Send(Step step, Request request, Instant now) {
  request.kind = Kind::kLease;
  request.namespace_ = options_.namespace_;
  request.name = options_.name;
  step_ = step;
  sent_at_ = now;
  Action action;
  action.kind = Action::Kind::kSend;
  action.request = std::move(request);
  return action;
}

LeaderElector::Action LeaderElector::Next(Instant now, Timestamp wall) {
  Action done;
  done.kind = Action::Kind::kDone;
  if (state_ == State::kLeading && now - renewed_at_ >= options_.renew_deadline) {
    state_ = State::kLost;
    error_ = "the lease could not be renewed for " + absl::FormatDuration(absl::FromChrono(options_.renew_deadline)) +
             (error_.empty() ? step_ == Step::kIdle ? "" : ": a call has no answer" : ": " + error_);
  }
  if (state_ == State::kLost || state_ == State::kReleased) return done;
  if (releasing_) {
    if (state_ == State::kLeading && seen_) return GiveBack(now, wall);
    state_ = State::kReleased;
    return done;
  }
  if (now < next_try_) {
    Action wait;
    wait.until = next_try_;
    // The loss is to be noticed when it happens.
    if (state_ == State::kLeading) wait.until = std::min(wait.until, renewed_at_ + options_.renew_deadline);
    return wait;
  }
  // Our own Lease is renewed without reading it first; where somebody else
  // wrote it, the server says conflict, and it is read then.
  if (fresh_ && (state_ == State::kLeading || absent_ || !HeldByOther(now))) return Write(now, wall);
  return Get(now);
}

LeaderElector::Action LeaderElector::Get(Instant now) {
  Request request;
  request.verb = Verb::kGet;
  return Send(Step::kGet, std::move(request), now);
}

Lease LeaderElector::Desired(Timestamp wall) const {
  Lease lease;
  if (seen_) lease = *seen_;
  lease.metadata.namespace_ = Text(options_.namespace_);
  lease.metadata.name = Text(options_.name);
  const bool ours = seen_ && seen_->holderIdentity == options_.identity;
  if (!ours) {
    lease.acquireTime = wall;
    lease.leaseTransitions = seen_ ? seen_->leaseTransitions.value_or(0) + 1 : 0;
  }
  lease.holderIdentity = Text(options_.identity);
  lease.leaseDurationSeconds =
      static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::seconds>(options_.lease_duration).count());
  lease.renewTime = wall;
  return lease;
}

LeaderElector::Action LeaderElector::Write(Instant now, Timestamp wall) {
  if (std::exchange(read_, false) && !absent_ && seen_ && seen_->holderIdentity == options_.identity) ++slow_renewals_;
  Request request;
  request.verb = absent_ ? Verb::kCreate : Verb::kUpdate;
  request.object = AnyObject::Of(Desired(wall));
  const Step step = absent_ ? Step::kCreate : Step::kUpdate;
  return Send(step, std::move(request), now);
}

LeaderElector::Action LeaderElector::GiveBack(Instant now, Timestamp wall) {
  Lease lease = Desired(wall);
  lease.holderIdentity = Text();
  lease.leaseDurationSeconds = 1;
  lease.acquireTime = wall;
  Request request;
  request.verb = Verb::kUpdate;
  request.object = AnyObject::Of(std::move(lease));
  return Send(Step::kRelease, std::move(request), now);
}

void LeaderElector::See(const Lease& lease, Instant now) {
  const bool changed = !seen_ || seen_->metadata.resourceVersion != lease.metadata.resourceVersion ||
                       seen_->holderIdentity != lease.holderIdentity || seen_->renewTime != lease.renewTime;
  if (changed) seen_at_ = now;
  seen_ = lease;
  leader_ = lease.holderIdentity.str();
}

void LeaderElector::TryAgain(Instant now) {
  if (state_ == State::kLeading) {
    next_try_ = now + options_.retry_period;
    return;
  }
  const double jitter = 1 + kJitter * random_.Unit();
  next_try_ = now + std::chrono::duration_cast<Duration>(options_.retry_period * jitter);
  if (!HeldByOther(now)) return;
  next_try_ = std::min(next_try_, EndOfOther());
}

Instant LeaderElector::EndOfOther() const {
  return seen_at_ + std::chrono::seconds(seen_->leaseDurationSeconds.value_or(0));
}

void LeaderElector::OnWatched(const Lease* lease, Instant now) {
  if (state_ != State::kStandby || releasing_ || step_ != Step::kIdle) return;
  fresh_ = false;
  if (lease == nullptr) {
    next_try_ = now;
    return;
  }
  absent_ = false;
  See(*lease, now);
  if (HeldByOther(now)) {
    next_try_ = std::min(next_try_, EndOfOther());
  } else {
    fresh_ = true;
    next_try_ = now;
  }
}

void LeaderElector::OnResponse(const Response& response, Instant now) {
  const Step step = std::exchange(step_, Step::kIdle);
  if (step == Step::kRelease) {
    state_ = State::kReleased;
    error_ = response.status.ok() ? "" : response.status.ToString();
    return;
  }
  if (step == Step::kCreate || step == Step::kUpdate) return OnWritten(response, now);
  const auto lease = response.object.has_value() ? response.object.As<Lease>() : nullptr;
  absent_ = response.status.code == 404;
  fresh_ = absent_ || (response.status.ok() && lease != nullptr);
  if (!fresh_) {
    error_ = response.status.ToString();
    return TryAgain(now);
  }
  error_.clear();
  read_ = true;
  if (absent_) {
    seen_.reset();
    leader_.clear();
  } else {
    See(*lease, now);
  }
  if (!HeldByOther(now)) {
    next_try_ = now;  // write it
    return;
  }
  // Somebody took it while we led: nothing more is written, and at the renew
  // deadline it is lost, unless it was an error and is undone.
  fenced_at_ = std::min(fenced_at_, now);
  fresh_ = false;
  TryAgain(now);
}

void LeaderElector::OnWritten(const Response& response, Instant now) {
  const auto lease = response.object.has_value() ? response.object.As<Lease>() : nullptr;
  if (!response.status.ok() || lease == nullptr) {
    error_ = response.status.ok() ? "the server answered a write without an object" : response.status.ToString();
    // Read before the next write, since this one may have happened or somebody
    // else's have come between. A leader reads at once, while it has time.
    fresh_ = false;
    absent_ = false;
    TryAgain(now);
    if (state_ == State::kLeading && response.status.code == 409) next_try_ = now;
    return;
  }
  error_.clear();
  absent_ = false;
  fresh_ = true;
  See(*lease, now);
  state_ = State::kLeading;
  renewed_at_ = sent_at_;
  fenced_at_ = sent_at_ + options_.lease_duration;
  TryAgain(now);
}

}  // namespace epslice
