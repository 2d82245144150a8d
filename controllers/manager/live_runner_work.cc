// The workers of LiveRunner.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "controllers/manager/live_runner_impl.h"

namespace epslice {
namespace {

// No answer: something is wrong with the way to the API server, or it is not
// there. What it answers, 429 and 5xx too, may be meant for this object alone: an
// admission webhook of one namespace that fails is no outage.
bool IsOutage(const Status& status) { return status.code == 0; }

constexpr std::string_view kNotLeader = "NotLeader";

// Of a request that was not sent, or perhaps not: a 5xx is looked up by who leads.
Response NotLeading() {
  Response refused;
  refused.status.code = 503;
  refused.status.reason = kNotLeader;
  refused.status.message = "not sent: this replica does not hold the lease any more";
  return refused;
}

// After an outage all Services are queued, so that none waits out a backoff that the
// outage made long; but no more often than this: what fails for a reason of its own
// keeps its backoff.
constexpr Duration kResyncPause = std::chrono::minutes(1);

}  // namespace

void LiveRunner::Impl::RunWorker(int worker) {
  Worker& self = workers[static_cast<std::size_t>(worker)];
  std::unique_lock<std::mutex> lock(mu);
  while (!stopping) {
    if (standby) {
      self.cv.wait(lock);
      continue;
    }
    const Instant now = clock->Now();
    ResyncWhenDue(now);
    LookAgainWhenDue(now);
    std::optional<Job> job = controller.Next(now);
    const Wake wake = WhomToWake(now);
    if (!job) {
      WakeUp(wake);
      if (const std::optional<Instant> next = NextWakeup(now); next && *next <= now) continue;
      self.idle = true;
      idle.push_back(&self);
      self.cv.wait(lock, [this, &self] { return stopping || !self.idle; });
      continue;
    }
    ++busy;
    lock.unlock();
    WakeUp(wake);
    monitor.WorkBegins(worker, job->service, now);
    RunJob(*job, worker);
    monitor.WorkEnds(worker);
    job.reset();  // frees its snapshots without the lock
    lock.lock();
    --busy;
    if (stopping) stop_cv.notify_all();
  }
}

void LiveRunner::Impl::RunTimekeeper() {
  std::unique_lock<std::mutex> lock(mu);
  while (!stopping) {
    const Instant now = clock->Now();
    if (!timekeeper_until) {
      timekeeper_cv.wait(lock);
    } else if (now < *timekeeper_until) {
      timekeeper_cv.wait_for(lock, *timekeeper_until - now);
    } else {
      // Whoever takes what is due says what comes next; so do those that are
      // busy now, when they are not any more.
      timekeeper_until.reset();
      if (Worker* const worker = TakeIdle(); worker != nullptr) worker->cv.notify_one();
    }
  }
}

std::optional<Instant> LiveRunner::Impl::NextWakeup(Instant now) const {
  std::optional<Instant> next = controller.NextWakeup(now);
  const auto or_at = [&next](const std::optional<Instant>& at) {
    if (at) next = next ? std::min(*next, *at) : *at;
  };
  or_at(next_resync);
  if (shadow) or_at(shadow->NextWakeup());
  return next;
}

LiveRunner::Impl::Wake LiveRunner::Impl::WhomToWake(Instant now) {
  Wake wake;
  const std::optional<Instant> next = standby ? std::nullopt : NextWakeup(now);
  if (!next) return wake;
  if (*next <= now) {
    wake.worker = TakeIdle();
  } else if (!timekeeper_until || *next < *timekeeper_until) {
    timekeeper_until = next;
    wake.timekeeper = true;
  }
  return wake;
}

LiveRunner::Impl::Worker* LiveRunner::Impl::TakeIdle() {
  if (idle.empty()) return nullptr;
  Worker* const worker = idle.back();
  idle.pop_back();
  worker->idle = false;
  return worker;
}

void LiveRunner::Impl::WakeUp(const Wake& wake) {
  if (wake.worker != nullptr) wake.worker->cv.notify_one();
  if (wake.timekeeper) timekeeper_cv.notify_one();
}

void LiveRunner::Impl::ResyncWhenDue(Instant now) {
  if (options.min_resync_period <= Duration::zero() || !controller.started()) return;
  if (next_resync && now < *next_resync) return;
  if (next_resync) {
    log->Info(2, "Queueing all Services again", {{"services", controller.stores().services.size()}});
    controller.Resync(now);
  }
  next_resync = now + options.min_resync_period + Duration(random.Between(0, options.min_resync_period.count()));
}

void LiveRunner::Impl::ResyncAfterOutage() {
  Wake wake;
  {
    std::lock_guard<std::mutex> lock(mu);
    const Instant now = clock->Now();
    if (resynced_at && now - *resynced_at < kResyncPause) return;
    resynced_at = now;
    controller.Resync(now);
    wake = WhomToWake(now);
  }
  WakeUp(wake);
}

void LiveRunner::Impl::RunJob(const Job& job, int worker) {
  if (shadow) {
    RunShadow(job);
  } else if (job.kind == Job::Kind::kVerify) {
    RunVerify(job, worker);
  } else {
    RunSync(job, worker);
  }
}

Response LiveRunner::Impl::Send(const Request& request, int worker) {
  const bool writes_something = request.verb != Verb::kGet && request.verb != Verb::kList;
  const auto fenced = [&] { return writes_something && options.may_write && !options.may_write(); };
  if (fenced()) return NotLeading();
  Response response = transport->Do(request, writes_something ? &writes : &lookups);
  monitor.WorkGoesOn(worker, clock->Now());
  if (IsOutage(response.status) && fenced()) return NotLeading();
  return response;
}

void LiveRunner::Impl::RunSync(const Job& job, int worker) {
  const Instant begin = clock->Now();
  PlanApplier applier(controller.MakePlan(job));
  bool expected_failure = false;
  while (const std::optional<Request> request = applier.NextRequest()) {
    const Response response = Send(*request, worker);
    NoteAnswer(*request, response.status);
    // An outage is told once, a conflict means that somebody was quicker, and the
    // loss of the lease is told by who watches over it.
    expected_failure = expected_failure || IsOutage(response.status) || response.status.code == 409 ||
                       response.status.reason == kNotLeader;
    applier.OnResponse(response);
  }
  // While the Service is still ours, so that its syncs are told of in order.
  if (options.observe_sync) options.observe_sync(job, applier.plan(), applier.outcome());
  Instant end;
  {
    std::lock_guard<std::mutex> lock(mu);
    end = clock->Now();
    controller.Complete(job, applier.plan(), applier.outcome(), end);
  }
  LogSync(job, applier.plan(), applier.outcome(), expected_failure, end - begin);
  if (job.input.service == nullptr) return;
  for (EventRecorder::Note& note : NotesOf(*job.input.service, applier.plan(), applier.outcome())) {
    events.Record(std::move(note));
  }
}

void LiveRunner::Impl::RunVerify(const Job& job, int worker) {
  const Response response = Send(job.verify, worker);
  NoteAnswer(job.verify, response.status);
  {
    std::lock_guard<std::mutex> lock(mu);
    controller.CompleteVerify(job, response, clock->Now());
  }
  if (response.status.ok()) {
    log->Info(2, "Looked up what an unanswered write did",
              {{"service", job.service}, {"endpointslices", response.list.items.size()}});
  } else if (!IsOutage(response.status)) {
    log->Warning("Looking up what an unanswered write did failed; will retry",
                 {{"service", job.service}, {"err", response.status.ToString()}});
  }
}

void LiveRunner::Impl::NoteAnswer(const Request& request, const Status& status) {
  if (lookups.cancelled() || status.reason == kNotLeader) return;
  if (IsOutage(status)) {
    const LogField what("request", DescribeRequest(request));
    const LogField error("err", status.ToString());
    if (writes_down.exchange(true)) {
      log->Info(2, "Request still fails", {what, error});
    } else {
      log->Warning("Request failed; trying until it works", {what, error});
    }
  } else if (writes_down.exchange(false)) {
    log->Info(0, "Requests work again");
    ResyncAfterOutage();
  }
}

namespace {

// The names of slices, as many as a line of the log bears.
template <typename Slices>
std::string NamesFor(const Slices& slices) {
  constexpr std::size_t kMost = 20;
  std::string names;
  std::size_t n = 0;
  for (const auto& slice : slices) {
    if (++n > kMost) continue;
    if (!names.empty()) names += ',';
    names += slice->metadata.name.view();
  }
  if (n > kMost) names += " and " + std::to_string(n - kMost) + " more";
  return names;
}

}  // namespace

void LiveRunner::Impl::LogSync(const Job& job, const Plan& plan, const Outcome& outcome, bool expected_failure,
                               Duration took) {
  const LogField service("service", job.service);
  const std::size_t errors = outcome.errors.size() + plan.retry_errors.size();
  if (errors > 0) {
    if (outcome.creates + outcome.updates + outcome.deletes > 0) {
      log->Info(2, "Wrote a part of what is to be written",
                {service, {"written", NamesFor(outcome.written)}, {"deleted", NamesFor(outcome.deleted)}});
    }
    const LogField error("err", outcome.errors.empty() ? plan.retry_errors.front() : outcome.errors.front());
    constexpr const char* kMessage = "Sync failed; will retry";
    if (expected_failure) {
      log->Info(2, kMessage, {service, error, {"errors", errors}});
    } else {
      log->Warning(kMessage, {service, error, {"errors", errors}});
    }
    return;
  }
  const int level = outcome.creates + outcome.updates + outcome.deletes > 0 ? 2 : 4;
  if (!log->Enabled(level)) return;
  log->Info(level, "Synced",
            {service,
             {"creates", outcome.creates},
             {"updates", outcome.updates},
             {"deletes", outcome.deletes},
             {"written", NamesFor(outcome.written)},
             {"deleted", NamesFor(outcome.deleted)},
             {"duration", took}});
}

}  // namespace epslice
