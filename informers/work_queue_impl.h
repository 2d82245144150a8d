// The bodies of work_queue.h.
#ifndef EPSLICE_INFORMERS_WORK_QUEUE_IMPL_H_
#define EPSLICE_INFORMERS_WORK_QUEUE_IMPL_H_

#include <algorithm>

#include "informers/work_queue.h"

namespace epslice {

template <typename Key>
WorkQueue<Key>::WorkQueue(const WorkQueueOptions& options)
    : options_(options), bucket_(options.overall_qps, options.overall_burst) {}

template <typename Key>
void WorkQueue<Key>::Add(const Key& key, Instant now) {
  // What was due before this moment comes before this key.
  PromoteDue(now);
  KeyState& state = states_[key];
  state.news = true;
  if (state.dirty) return;
  MakeDirty(&state, now);
  if (!state.processing) ready_.push_back(key);
}

template <typename Key>
void WorkQueue<Key>::AddAfter(const Key& key, Duration delay, Instant now) {
  if (delay <= Duration::zero()) {
    ++retries_;
    Add(key, now);
  } else {
    Schedule(key, delay, now).news = true;
  }
}

template <typename Key>
typename WorkQueue<Key>::KeyState& WorkQueue<Key>::Schedule(const Key& key, Duration delay, Instant now) {
  ++retries_;
  // A deadline that has passed is no longer a deadline: it must become ready
  // now, or the new one would be swallowed by it.
  PromoteDue(now);
  KeyState& state = states_[key];
  const Instant due = now + delay;
  if (state.delayed) {
    if (state.delayed->first <= due) return state;
    delayed_.erase(*state.delayed);
  }
  state.delayed.emplace(due, sequence_++);
  delayed_.emplace(*state.delayed, key);
  return state;
}

template <typename Key>
void WorkQueue<Key>::AddRateLimited(const Key& key, Instant now, Duration at_least) {
  KeyState& state = states_[key];
  const Duration backoff = ExponentialBackoff(options_.base_delay, options_.max_delay, state.failures);
  ++state.failures;
  const Duration delay = std::max({backoff, bucket_.Reserve(now), std::min(at_least, options_.max_delay)});
  if (delay > Duration::zero()) {
    Schedule(key, delay, now);
  } else {
    AddAfter(key, delay, now);
  }
}

template <typename Key>
void WorkQueue<Key>::WaitAnew(Instant now) {
  for (const Key& key : ready_) states_[key].added = now;
}

template <typename Key>
void WorkQueue<Key>::Forget(const Key& key) {
  auto it = states_.find(key);
  if (it == states_.end()) return;
  it->second.failures = 0;
  if (it->second.idle()) states_.erase(it);
}

template <typename Key>
std::int64_t WorkQueue<Key>::Failures(const Key& key) const {
  auto it = states_.find(key);
  return it == states_.end() ? 0 : it->second.failures;
}

template <typename Key>
bool WorkQueue<Key>::OnlyBacksOff(const Key& key) const {
  auto it = states_.find(key);
  return it != states_.end() && !it->second.dirty && it->second.delayed && !it->second.news;
}

template <typename Key>
bool WorkQueue<Key>::HasDeadline(const Key& key, Instant now) const {
  auto it = states_.find(key);
  return it != states_.end() && it->second.delayed && it->second.delayed->first > now;
}

template <typename Key>
std::optional<Key> WorkQueue<Key>::Pop(Instant now) {
  PromoteDue(now);
  if (ready_.empty()) return std::nullopt;
  std::optional<Key> key(std::move(ready_.front()));
  ready_.pop_front();
  KeyState& state = states_[*key];
  state.dirty = false;
  state.news = false;
  state.processing = true;
  --depth_;
  processing_.emplace(*key, now);
  if (options_.observer != nullptr) options_.observer->OnPop(now - state.added);
  return key;
}

template <typename Key>
void WorkQueue<Key>::Done(const Key& key, Instant now) {
  PromoteDue(now);
  auto it = states_.find(key);
  if (it == states_.end() || !it->second.processing) return;
  it->second.processing = false;
  const auto started = processing_.find(key);
  if (options_.observer != nullptr) options_.observer->OnDone(now - started->second);
  processing_.erase(started);
  if (it->second.dirty) {
    ready_.push_back(key);
  } else if (it->second.idle()) {
    states_.erase(it);
  }
}

template <typename Key>
std::optional<Instant> WorkQueue<Key>::NextWakeup(Instant now) const {
  if (!ready_.empty()) return now;
  if (delayed_.empty()) return std::nullopt;
  return delayed_.begin()->first.first;
}

template <typename Key>
std::size_t WorkQueue<Key>::ready_size() const {
  return ready_.size();
}

template <typename Key>
std::size_t WorkQueue<Key>::delayed_size() const {
  return delayed_.size();
}

template <typename Key>
std::size_t WorkQueue<Key>::processing_size() const {
  return processing_.size();
}

template <typename Key>
template <typename Fn>
void WorkQueue<Key>::VisitReady(Fn fn) const {
  for (const Key& key : ready_) {
    if (!fn(key, states_.at(key).added)) return;
  }
}

template <typename Key>
template <typename Fn>
void WorkQueue<Key>::VisitDelayed(Fn fn) const {
  for (const auto& [due, key] : delayed_) {
    if (!fn(key, due.first)) return;
  }
}

template <typename Key>
template <typename Fn>
void WorkQueue<Key>::VisitProcessing(Fn fn) const {
  for (const auto& [key, since] : processing_) {
    if (!fn(key, since)) return;
  }
}

template <typename Key>
void WorkQueue<Key>::MakeDirty(KeyState* state, Instant now) {
  state->dirty = true;
  state->added = now;
  ++adds_;
  ++depth_;
}

template <typename Key>
void WorkQueue<Key>::PromoteDue(Instant now) {
  while (!delayed_.empty() && delayed_.begin()->first.first <= now) {
    auto it = delayed_.begin();
    KeyState& state = states_[it->second];
    state.delayed.reset();
    if (!state.dirty) {
      MakeDirty(&state, it->first.first);
      if (!state.processing) ready_.push_back(std::move(it->second));
    }
    delayed_.erase(it);
  }
}

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_WORK_QUEUE_IMPL_H_
