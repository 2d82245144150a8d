// EventCalls: the Events that a controller in virtual time tells of, as far as they
// cost its writes something: each is a call to the API server, one at a time, and
// takes from the client's limit on calls. Which are sent at all the live controller's
// EventRecorder says. The API server here keeps none of them, and takes all, in an
// outage, too.
//
// Not thread-safe.
#ifndef EPSLICE_SIM_ENGINE_EVENT_CALLS_H_
#define EPSLICE_SIM_ENGINE_EVENT_CALLS_H_

#include <cstdint>
#include <functional>

#include "informers/event_recorder.h"
#include "informers/random.h"
#include "informers/rate_limiter.h"
#include "sim/engine/latency.h"
#include "sim/engine/scheduler.h"

namespace epslice::sim {

class EventCalls {
 public:
  // All must outlive this, and this what it has scheduled. `stopped`: the process
  // has ended.
  EventCalls(std::function<bool()> stopped, Scheduler* scheduler, TokenBucket* bucket, const Latency* latency,
             const Random& random);

  void Record(EventRecorder::Note note);
  std::int64_t sent() const { return recorder_.counters().sent; }

 private:
  void SendNext();

  const std::function<bool()> stopped_;
  Scheduler& scheduler_;
  TokenBucket& bucket_;
  const Latency& latency_;
  Random random_;
  EventRecorder recorder_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_ENGINE_EVENT_CALLS_H_
