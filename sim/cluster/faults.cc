#include "sim/cluster/faults.h"

#include <string>
#include <utility>

namespace epslice::sim {
namespace {

Status Refusal(int code, std::string reason, std::string message, std::int64_t retry_after = 0) {
  Status status;
  status.code = code;
  status.reason = std::move(reason);
  status.message = std::move(message);
  status.retryAfterSeconds = retry_after;
  return status;
}

Status TooMany(std::int64_t seconds) {
  return Refusal(429, "TooManyRequests", "too many requests, please try again later", seconds);
}
Status InternalError() { return Refusal(500, "InternalError", "Internal error occurred: injected"); }
Status Unavailable() {
  return Refusal(503, "ServiceUnavailable", "the server is currently unable to handle the request");
}

}  // namespace

FaultOptions FaultOptions::Some(Random* random) {
  const auto chance = [random](double rare, double frequent) {
    switch (random->Below(3)) {
      case 0: return 0.0;
      case 1: return rare;
      default: return frequent;
    }
  };
  FaultOptions options;
  options.lost_request = chance(0.02, 0.3);
  options.lost_answer = chance(0.02, 0.3);
  options.conflict = chance(0.02, 0.2);
  options.too_many = chance(0.02, 0.2);
  options.internal_error = chance(0.02, 0.2);
  options.unavailable = chance(0.02, 0.2);
  options.timeout_after = chance(0.02, 0.2);
  options.slow_request = chance(0.05, 0.5);
  options.refuse_watch = chance(0.05, 0.5);
  options.repeat = chance(0.2, 1);
  options.cut = chance(0.02, 0.2);
  options.half_open = chance(0.01, 0.05);
  options.error_event = chance(0.01, 0.1);
  options.slow_event = chance(0.05, 0.3);
  options.bookmark = chance(0.05, 0.3);
  options.compact = chance(0.02, 0.2);
  return options;
}

Faults::RequestFate Faults::OnRequest(const Request& request) {
  RequestFate fate;
  if (stopped_) return fate;
  if (Happens(options_.slow_request)) fate.there = Some(options_.slow_at_most);
  if (Happens(options_.slow_request)) fate.back = Some(options_.slow_at_most);
  if (Happens(options_.lost_request)) {
    fate.happens = false;
    fate.status = StatusUnreachable("the connection was reset before the request arrived");
    fate.back = Some(options_.dead_peer);
  } else if (Happens(options_.lost_answer)) {
    fate.status = StatusUnreachable("the connection was reset before the answer came");
    fate.back = Some(options_.dead_peer);
  } else if (Happens(options_.timeout_after)) {
    fate.status = Refusal(504, "Timeout", "request did not complete within the requested timeout");
  } else if (request.verb == Verb::kUpdate && Happens(options_.conflict)) {
    fate.happens = false;
    fate.status = StatusConflict(request.kind, request.name, "injected");
  } else if (Happens(options_.too_many)) {
    fate.happens = false;
    fate.status = TooMany(random_.Between(0, 3));
  } else if (Happens(options_.internal_error)) {
    fate.happens = false;
    fate.status = InternalError();
  } else if (Happens(options_.unavailable)) {
    fate.happens = false;
    fate.status = Unavailable();
  }
  return fate;
}

Status Faults::OnWatch(const Request& request) {
  static_cast<void>(request);
  if (stopped_ || !Happens(options_.refuse_watch)) return {};
  switch (random_.Below(5)) {
    case 0: return TooMany(1);
    case 1: return InternalError();
    case 2: return Unavailable();
    case 3: return StatusExpired("too old resource version: injected");
    default: return StatusUnreachable("connection refused");
  }
}

bool Faults::Repeats() { return !stopped_ && Happens(options_.repeat); }

Faults::EventFate Faults::OnEvent() {
  EventFate fate;
  if (stopped_) return fate;
  fate.bookmark = Happens(options_.bookmark);
  fate.compact = Happens(options_.compact);
  if (Happens(options_.cut)) {
    fate.what = Happens(0.5) ? EventFate::What::kCutBefore : EventFate::What::kCutAfter;
  } else if (Happens(options_.half_open)) {
    fate.what = EventFate::What::kSilence;
  } else if (Happens(options_.error_event)) {
    fate.what = EventFate::What::kError;
    switch (random_.Below(4)) {
      case 0: fate.error = TooMany(1); break;
      case 1: fate.error = InternalError(); break;
      case 2: fate.error = Refusal(504, "Timeout", "the watch ended"); break;
      default: fate.error = StatusExpired("too old resource version: injected"); break;
    }
  } else if (Happens(options_.slow_event)) {
    fate.delay = Some(options_.slow_at_most);
  }
  return fate;
}

}  // namespace epslice::sim
