#include "sim/engine/event_calls.h"

#include <optional>
#include <string>
#include <utility>

#include "controllers/endpointslice/service_event.h"

namespace epslice::sim {
namespace {

EventRecorderOptions Options() {
  EventRecorderOptions options;
  options.component = options.instance = std::string(kEventComponent);
  return options;
}

}  // namespace

EventCalls::EventCalls(std::function<bool()> stopped, Scheduler* scheduler, TokenBucket* bucket, const Latency* latency,
                       const Random& random)
    : stopped_(std::move(stopped)),
      scheduler_(*scheduler),
      bucket_(*bucket),
      latency_(*latency),
      random_(random),
      recorder_(Options()) {}

void EventCalls::Record(EventRecorder::Note note) {
  recorder_.Record(std::move(note), scheduler_.clock().WallNow());
  SendNext();
}

void EventCalls::SendNext() {
  const Instant now = scheduler_.now();
  // None while one is under way.
  if (stopped_() || !recorder_.NextRequest(now)) return;
  scheduler_.At(now + bucket_.Reserve(now) + latency_.Draw(&random_), [this] {
    if (stopped_()) return;
    recorder_.OnResponse({}, scheduler_.now());
    SendNext();
  });
}

}  // namespace epslice::sim
