#include "controllers/manager/monitor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "controllers/manager/log.h"

namespace epslice {
namespace {

std::string Resource(Kind kind) { return std::string(InfoOf(kind).resource); }

void Append(const std::string& part, std::string* to) { absl::StrAppend(to, to->empty() ? "" : "; ", part); }

}  // namespace

Monitor::Informer* Monitor::Find(Kind kind) {
  const auto at = std::find(kKinds.begin(), kKinds.end(), kind);
  Informer* const informer = &informers_.at(static_cast<std::size_t>(at - kKinds.begin()));
  informer->kind = kind;
  return informer;
}

void Monitor::InformerStarted(Kind kind, Instant now) {
  std::lock_guard<std::mutex> lock(mu_);
  Informer* const informer = Find(kind);
  informer->running = true;
  informer->last_step = now;
}

void Monitor::InformerEnded(Kind kind) {
  std::lock_guard<std::mutex> lock(mu_);
  Find(kind)->running = false;
}

void Monitor::InformerStep(Kind kind, Instant now, std::int64_t watch_restarts) {
  std::lock_guard<std::mutex> lock(mu_);
  Informer* const informer = Find(kind);
  informer->last_step = now;
  informer->watch_restarts = watch_restarts;
}

void Monitor::InformerNews(Kind kind, Instant now) {
  std::lock_guard<std::mutex> lock(mu_);
  Informer* const informer = Find(kind);
  informer->last_step = now;
  informer->last_news = now;
}

void Monitor::InformerSynced(Kind kind) {
  std::lock_guard<std::mutex> lock(mu_);
  Find(kind)->synced = true;
}

void Monitor::WorkBegins(int worker, const ObjectKey& service, Instant now) {
  std::lock_guard<std::mutex> lock(mu_);
  const auto index = static_cast<std::size_t>(worker);
  if (workers_.size() <= index) workers_.resize(index + 1);
  workers_[index] = Worker{true, service, now, now};
}

void Monitor::WorkGoesOn(int worker, Instant now) {
  std::lock_guard<std::mutex> lock(mu_);
  workers_.at(static_cast<std::size_t>(worker)).last_step = now;
}

void Monitor::WorkEnds(int worker) {
  std::lock_guard<std::mutex> lock(mu_);
  workers_.at(static_cast<std::size_t>(worker)) = Worker{};
}

std::vector<Monitor::Informer> Monitor::informers() const {
  std::lock_guard<std::mutex> lock(mu_);
  std::vector<Informer> informers(informers_.begin(), informers_.end());
  for (std::size_t i = 0; i < informers.size(); ++i) informers[i].kind = kKinds.at(i);
  return informers;
}

std::string Monitor::NotSynced() const {
  std::string trouble;
  for (const Informer& informer : informers()) {
    if (!informer.synced) Append(Resource(informer.kind) + " are not listed yet", &trouble);
  }
  return trouble;
}

std::string Monitor::InformerTrouble(Instant now, Duration bound) const {
  std::string trouble;
  for (const Informer& informer : informers()) {
    if (!informer.running) {
      Append("the informer of " + Resource(informer.kind) + " does not run", &trouble);
    } else if (now - informer.last_step > bound) {
      Append(absl::StrCat("the informer of ", Resource(informer.kind), " is stuck for ",
                          FormatDuration(now - informer.last_step)),
             &trouble);
    }
  }
  return trouble;
}

std::string Monitor::WorkerTrouble(Instant now, Duration bound) const {
  std::lock_guard<std::mutex> lock(mu_);
  std::string trouble;
  for (const Worker& worker : workers_) {
    if (!worker.busy || now - worker.last_step <= bound) continue;
    Append(
        absl::StrCat("a sync of ", worker.service.ToString(), " is stuck for ", FormatDuration(now - worker.last_step)),
        &trouble);
  }
  return trouble;
}

}  // namespace epslice
