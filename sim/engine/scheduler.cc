#include "sim/engine/scheduler.h"

#include <algorithm>
#include <utility>

namespace epslice::sim {

Scheduler::EventId Scheduler::At(Instant at, Callback callback) {
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(callbacks_.size());
    callbacks_.push_back(std::move(callback));
  } else {
    slot = free_.back();
    free_.pop_back();
    callbacks_[slot] = std::move(callback);
  }
  heap_.push_back({std::max(at, now()), ++last_id_, slot});
  std::push_heap(heap_.begin(), heap_.end(), Later);
  return last_id_;
}

std::optional<Instant> Scheduler::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().at;
}

bool Scheduler::Step() {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  const Event event = heap_.back();
  heap_.pop_back();
  const Callback callback = std::exchange(callbacks_[event.slot], nullptr);
  free_.push_back(event.slot);
  clock_.AdvanceTo(event.at);
  ++events_;
  callback();
  return true;
}

void Scheduler::RunUntil(Instant end) {
  while (!heap_.empty() && heap_.front().at <= end) Step();
  clock_.AdvanceTo(end);
}

}  // namespace epslice::sim
