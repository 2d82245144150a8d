// Reorder: events that are nearly in the order of time, in that order.
#ifndef EPSLICE_SIM_TRACE_REORDER_H_
#define EPSLICE_SIM_TRACE_REORDER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "sim/trace/trace.h"

namespace epslice::sim {

// Holds the last `window` events back; what comes later than that is put where
// it came. Start-state events come first. Not thread-safe.
class Reorder {
 public:
  explicit Reorder(std::size_t window = 1000) : window_(window) {}

  void Add(TraceEvent event);
  // The next event; nullopt: more must be added first, or, with `all`, none is
  // left.
  std::optional<TraceEvent> Take(bool all);
  std::int64_t late() const { return late_; }

 private:
  const std::size_t window_;
  // By start state, time and order of arrival.
  std::multimap<std::pair<bool, Timestamp>, TraceEvent> held_;
  bool any_ = false;  // an event was taken, the last one at last_
  Timestamp last_;
  std::int64_t late_ = 0;
};

// Of every event that a reader hands out.
void CountEvent(const TraceEvent& event, TraceSummary* summary);
// A reader's summary, from one that adds to its events or leaves some out: with the
// counts and times of what that one handed out, by CountEvent().
TraceSummary WithCounts(TraceSummary summary, const TraceSummary& handed_out);
// `late` events came too late to be put in order; nothing where it is 0.
void NoteLate(std::int64_t late, TraceSummary* summary);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_REORDER_H_
