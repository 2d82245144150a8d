#include "sim/trace/reorder.h"

#include <algorithm>
#include <utility>

#include "apis/concat.h"

namespace epslice::sim {

void Reorder::Add(TraceEvent event) {
  if (any_ && event.time < last_) {
    ++late_;
    event.time = last_;
  }
  if (any_) event.start = false;  // the start state is over
  const std::pair<bool, Timestamp> place(!event.start, event.time);
  held_.emplace(place, std::move(event));
}

std::optional<TraceEvent> Reorder::Take(bool all) {
  if (held_.empty() || (!all && held_.size() <= window_)) return std::nullopt;
  TraceEvent event = std::move(held_.begin()->second);
  held_.erase(held_.begin());
  if (!event.start) {
    last_ = any_ ? std::max(last_, event.time) : event.time;
    any_ = true;
  }
  return event;
}

void CountEvent(const TraceEvent& event, TraceSummary* summary) {
  if (event.start) {
    ++summary->start_objects;
    if (summary->events == 0) summary->begin = summary->end = std::max(summary->end, event.time);
    return;
  }
  if (summary->events++ == 0 && !summary->begin.is_set()) summary->begin = event.time;
  summary->end = std::max(summary->end, event.time);
}

TraceSummary WithCounts(TraceSummary summary, const TraceSummary& handed_out) {
  summary.events = handed_out.events;
  summary.start_objects = handed_out.start_objects;
  summary.begin = handed_out.begin;
  summary.end = handed_out.end;
  return summary;
}

void NoteLate(std::int64_t late, TraceSummary* summary) {
  if (late == 0) return;
  summary->notes.push_back(Concat(late, late == 1 ? " event is" : " events are",
                                  " far out of the order of time; replayed where it stands in the trace"));
}

}  // namespace epslice::sim
