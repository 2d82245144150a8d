#include "sim/engine/scheduler.h"

#include <algorithm>
#include <utility>

namespace epslice::sim {

Scheduler::EventId Scheduler::At(Instant at, Callback callback) {
  heap_.push_back({std::max(at, now()), ++last_id_, std::move(callback)});
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
  const Event event = std::move(heap_.back());
  heap_.pop_back();
  clock_.AdvanceTo(event.at);
  ++events_;
  event.callback();
  return true;
}

void Scheduler::RunUntil(Instant end) {
  while (!heap_.empty() && heap_.front().at <= end) Step();
  clock_.AdvanceTo(end);
}

}  // namespace epslice::sim
