// EventRecorder: Events about objects, without a flood of them.
//
// Passive, like the rest: Record() queues and returns, NextRequest() says what
// to send, OnResponse() what came of it; the driver has the thread and the
// clock. What keeps Events few is client-go's correlator:
//   - an Event that says what was said before is not made anew: the one there
//     is gets a count;
//   - from the 10th message within 10 minutes that is alike but for its text,
//     they are counted on one Event, "(combined from similar events): ...";
//   - of one object, 25 at once and then one in 5 minutes are sent, the rest is
//     dropped.
// Events are made in events.k8s.io/v1. Where the server has no such group, all
// are made in core v1 from then on; where it forbids one, that one is, and the
// next is tried in events.k8s.io/v1 again: an API server that is starting forbids
// what it will allow. In a namespace that is being deleted none are made.
#ifndef EPSLICE_INFORMERS_EVENT_RECORDER_H_
#define EPSLICE_INFORMERS_EVENT_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "apis/core.h"
#include "apis/request.h"
#include "informers/clock.h"
#include "informers/random.h"

namespace epslice {

struct EventRecorderOptions {
  std::string component;  // source.component and reportingController
  std::string instance;   // reportingInstance: which replica, at most 128 bytes
  bool events_v1 = true;  // false: core v1 from the start

  // client-go's numbers.
  std::size_t similar_events = 10;  // from this one on they are combined
  Duration similar_window = std::chrono::minutes(10);
  int object_burst = 25;
  double object_qps = 1.0 / 300;
  std::size_t max_remembered = 4096;  // of each: Events, groups of similar ones, objects
  std::size_t max_queued = 1000;      // more are dropped
  int max_tries = 12;
  Duration retry_period = std::chrono::seconds(10);
  std::uint64_t seed = 1;  // of the first retry's jitter
};

// Not thread-safe.
class EventRecorder {
 public:
  explicit EventRecorder(EventRecorderOptions options);
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  struct Note {
    ObjectReference regarding;
    Text type;  // "Normal", "Warning"
    Text reason;
    Text action;          // "": the reason
    std::string message;  // cut after 1024 bytes
  };
  // Queues; never more than that.
  void Record(Note note, Timestamp now);

  // The next request to send, where there is one and it is time. One at a
  // time: not again before OnResponse().
  std::optional<Request> NextRequest(Instant now);
  void OnResponse(const Response& response, Instant now);
  // When NextRequest() will have something, if nothing is recorded before;
  // nullopt: not before that, or before OnResponse().
  std::optional<Instant> NextWakeup() const;

  struct Counters {
    std::int64_t sent = 0;        // created or counted
    std::int64_t overflowed = 0;  // the queue was full
    std::int64_t filtered = 0;    // too many of one object
    std::int64_t refused = 0;     // by the server
    std::int64_t given_up = 0;    // no answer, many times
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Waiting {
    Note note;
    Timestamp time;
  };
  // What is being sent.
  struct Sending {
    Event event;
    std::int32_t count = 1;  // above 1: the Event is there and gets a count
    std::string key;
    bool events_v1 = true;
    int tries = 0;
    bool in_flight = false;
    Instant not_before{0};
  };
  struct Memory;

  Event MakeEvent(const Waiting& waiting) const;
  // nullopt: filtered out.
  std::optional<Sending> Correlate(const Waiting& waiting, Instant now);
  Request MakeRequest(const Sending& sending) const;
  void RetryOrGiveUp(const Status& status, Instant now);

  const EventRecorderOptions options_;
  bool events_v1_;  // as far as is known, the server has the group
  Random random_;
  std::deque<Waiting> queue_;
  std::optional<Sending> sending_;
  std::unique_ptr<Memory> memory_;
  Counters counters_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_EVENT_RECORDER_H_
