// The workers of LiveRunner.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "controllers/manager/live_runner_impl.h"

namespace epslice {
namespace {

// Something is wrong with the way to the API server or with the server
// itself, rather than with the request.
bool IsOutage(const Status& status) { return status.code == 0 || status.code == 429 || status.code >= 500; }

}  // namespace

void LiveRunner::Impl::RunWorker(int worker) {
  std::unique_lock<std::mutex> lock(mu);
  while (!stopping) {
    if (standby) {
      idle_cv.wait(lock);
      continue;
    }
    const Instant now = clock->Now();
    ResyncWhenDue(now);
    LookAgainWhenDue(now);
    std::optional<Job> job = controller.Next(now);
    if (!job) {
      WaitForWork(&lock, now);
      continue;
    }
    ++busy;
    // There may be more, and if not, somebody has to keep the time.
    idle_cv.notify_one();
    lock.unlock();
    monitor.WorkBegins(worker, job->service, now);
    RunJob(*job, worker);
    monitor.WorkEnds(worker);
    job.reset();  // frees its snapshots without the lock
    lock.lock();
    --busy;
    if (stopping) stop_cv.notify_all();
  }
}

void LiveRunner::Impl::WaitForWork(std::unique_lock<std::mutex>* lock, Instant now) {
  if (timekeeper) {
    WakeTimekeeper(now);  // our own sync may have queued something
    idle_cv.wait(*lock);
    return;
  }
  timekeeper = true;
  timekeeper_until = NextWakeup(now);
  if (timekeeper_until) {
    timekeeper_cv.wait_for(*lock, *timekeeper_until - now);
  } else {
    timekeeper_cv.wait(*lock);
  }
  timekeeper = false;
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

void LiveRunner::Impl::WakeTimekeeper(Instant now) {
  if (!timekeeper) return;
  const std::optional<Instant> next = NextWakeup(now);
  if (next && (!timekeeper_until || *next < *timekeeper_until)) timekeeper_cv.notify_one();
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

void LiveRunner::Impl::ResyncNow() {
  std::lock_guard<std::mutex> lock(mu);
  const Instant now = clock->Now();
  controller.Resync(now);
  WakeTimekeeper(now);
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
  if (writes_something && options.may_write && !options.may_write()) {
    Response refused;
    refused.status.code = 503;
    refused.status.reason = "NotLeader";
    refused.status.message = "not sent: this replica does not hold the lease any more";
    return refused;
  }
  Response response = transport->Do(request, &writes);
  monitor.WorkGoesOn(worker, clock->Now());
  return response;
}

void LiveRunner::Impl::RunSync(const Job& job, int worker) {
  const Instant begin = clock->Now();
  PlanApplier applier(controller.MakePlan(job));
  bool expected_failure = false;
  while (const std::optional<Request> request = applier.NextRequest()) {
    const Response response = Send(*request, worker);
    NoteAnswer(*request, response.status);
    // An outage is told once, and a conflict means that somebody was quicker.
    expected_failure = expected_failure || IsOutage(response.status) || response.status.code == 409;
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
  // Events tell of what was written.
  if (applier.outcome().errors.empty()) RecordEvents(job, applier.plan());
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
  if (writes.cancelled()) return;
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
    ResyncNow();
  }
}

void LiveRunner::Impl::LogSync(const Job& job, const Plan& plan, const Outcome& outcome, bool expected_failure,
                               Duration took) {
  const LogField service("service", job.service);
  const std::size_t errors = outcome.errors.size() + plan.retry_errors.size();
  if (errors > 0) {
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
             {"duration", took}});
}

void LiveRunner::Impl::RecordEvents(const Job& job, const Plan& plan) {
  for (const PlannedEvent& planned : plan.events) events.Record(NoteOf(*job.input.service, planned));
}

}  // namespace epslice
