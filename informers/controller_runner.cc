#include "informers/controller_runner.h"

#include <algorithm>
#include <optional>

#include "apis/cat.h"
#include "informers/leader_runner.h"

namespace epslice {
namespace {

std::function<bool()> FenceOf(const LeaderRunner* leader) {
  if (leader == nullptr) return nullptr;
  return [leader] { return leader->MayWrite(); };
}

}  // namespace

ControllerRunner::ControllerRunner(ControllerRunnerOptions options, Transport* transport, const Clock* clock)
    : options_(std::move(options)),
      transport_(transport),
      clock_(clock),
      calls_(FenceOf(options_.leader)),
      queue_(options_.queue),
      standby_(options_.leader != nullptr) {}

ControllerRunner::~ControllerRunner() { Stop(); }

void ControllerRunner::Every(Duration period, std::function<void()> fn) {
  bodies_.emplace_back([this, period, fn = std::move(fn)] { RunEvery(period, fn); });
}

void ControllerRunner::Start(Call call) {
  call_ = std::move(call);
  for (const std::function<void()>& body : bodies_) threads_.emplace_back(body);
  for (int i = 0; i < std::max(1, options_.workers); ++i) threads_.emplace_back([this] { RunWorker(); });
  if (options_.leader == nullptr) return;
  listener_ = options_.leader->Register({[this] { BeginLeading(); }, [this] { EndLeading(); }});
}

bool ControllerRunner::Stop() {
  if (listener_) options_.leader->Unregister(*std::exchange(listener_, std::nullopt));
  {
    const std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
    wake_.notify_all();
  }
  reads_.Cancel();
  {
    std::unique_lock<std::mutex> lock(mu_);
    stopped_in_time_ =
        finished_.wait_for(lock, options_.shutdown_grace, [this] { return busy_ == 0; }) && stopped_in_time_;
  }
  calls_.Cancel();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  const std::lock_guard<std::mutex> lock(mu_);
  return stopped_in_time_;
}

void ControllerRunner::Add(const ObjectKey& key) { AddAll({key}); }

void ControllerRunner::AddAll(const std::vector<ObjectKey>& keys) {
  const std::lock_guard<std::mutex> lock(mu_);
  const Instant now = clock_->Now();
  for (const ObjectKey& key : keys) queue_.Add(key, now);
  wake_.notify_all();
}

void ControllerRunner::AddAfter(const ObjectKey& key, Duration delay) {
  const std::lock_guard<std::mutex> lock(mu_);
  queue_.AddAfter(key, delay, clock_->Now());
  wake_.notify_all();
}

void ControllerRunner::Resync() {
  for (const AnyInformer& informer : informers_) AddAll(informer.keys());
}

bool ControllerRunner::synced() const {
  const std::lock_guard<std::mutex> lock(mu_);
  return unsynced_ == 0;
}

bool ControllerRunner::idle() const {
  const std::lock_guard<std::mutex> lock(mu_);
  return queue_.empty();
}

void ControllerRunner::NoteSynced() {
  const std::lock_guard<std::mutex> lock(mu_);
  if (--unsynced_ > 0 || standby_) return;
  queue_.WaitAnew(clock_->Now());
  wake_.notify_all();
}

void ControllerRunner::BeginLeading() {
  const std::lock_guard<std::mutex> lock(mu_);
  standby_ = false;
  // The time as a standby is no wait for a worker.
  if (unsynced_ == 0) queue_.WaitAnew(clock_->Now());
  wake_.notify_all();
}

void ControllerRunner::EndLeading() {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    standby_ = true;
  }
  calls_.Cancel();
}

void ControllerRunner::NoteTrouble(Kind kind, const Status& status) const {
  const std::string_view resource = InfoOf(kind).resource;
  if (status.ok()) {
    Log(Cat({resource, ": list or watch works again"}));
  } else {
    Log(Cat({resource, ": list or watch failed, and is tried until it works: ", status.ToString()}));
  }
}

void ControllerRunner::RunWorker() {
  std::unique_lock<std::mutex> lock(mu_);
  while (!stopping_) {
    const Instant now = clock_->Now();
    const std::optional<ObjectKey> key = CallsBegan() ? queue_.Pop(now) : std::nullopt;
    if (key) {
      ++busy_;
      lock.unlock();
      const WorkResult result = call_(*key);
      if (!result.status.ok() && !calls_.cancelled()) {
        Log(Cat({key->ToString(), ": ", result.status.ToString(), "; will be tried again"}));
      }
      lock.lock();
      --busy_;
      Finish(*key, result);
      if (stopping_) finished_.notify_all();
      continue;
    }
    // Whoever adds something wakes all: each knows then until when to wait.
    const std::optional<Instant> next = CallsBegan() ? queue_.NextWakeup(now) : std::nullopt;
    if (next) {
      wake_.wait_for(lock, *next - now);
    } else {
      wake_.wait(lock);
    }
  }
}

void ControllerRunner::Finish(const ObjectKey& key, const WorkResult& result) {
  const Instant now = clock_->Now();
  if (!result.status.ok()) {
    queue_.AddRateLimited(key, now, result.again_after);
  } else {
    queue_.Forget(key);
    if (result.again_after > Duration(0)) queue_.AddAfter(key, result.again_after, now);
  }
  queue_.Done(key, now);
  wake_.notify_all();
}

void ControllerRunner::RunEvery(Duration period, const std::function<void()>& fn) {
  std::unique_lock<std::mutex> lock(mu_);
  while (!stopping_) {
    const Instant until = clock_->Now() + period;
    wake_.wait_for(lock, period, [&] { return stopping_ || clock_->Now() >= until; });
    if (stopping_) return;
    lock.unlock();
    fn();
    lock.lock();
  }
}

void ControllerRunner::Log(std::string_view line) const {
  if (options_.log) options_.log(line);
}

}  // namespace epslice
