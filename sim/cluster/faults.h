// Faults: what goes wrong between a client and an API server, from a seed.
//
// Passive: a driver asks what becomes of each request, watch and event, and
// makes it so (Simulation does, for the controller's own connections). Within
// what the API allows: events of one watch keep their order, and come twice
// only after a new connection; events of different watches come in any order;
// an answer that is lost says nothing about the request.
// Equal options, seed and questions give equal faults. Not thread-safe.
#ifndef EPSLICE_SIM_CLUSTER_FAULTS_H_
#define EPSLICE_SIM_CLUSTER_FAULTS_H_

#include <cstdint>

#include "apis/request.h"
#include "informers/clock.h"
#include "informers/random.h"

namespace epslice::sim {

// Chances, from 0 to 1. The default: nothing goes wrong.
struct FaultOptions {
  // Of a request: it never arrives; it happens, but the answer is lost (the
  // connection is reset, the client's time-out passes).
  double lost_request = 0;
  double lost_answer = 0;
  // It is answered so, and does not happen: a conflict where there is none; 429
  // with Retry-After; 500; 503.
  double conflict = 0;
  double too_many = 0;
  double internal_error = 0;
  double unavailable = 0;
  // 504, and it does happen: the server gave up waiting for its storage.
  double timeout_after = 0;
  // It takes up to `slow_at_most` longer, there or back.
  double slow_request = 0;

  // Of the start of a watch: refused with 429, 500, 503, or 410.
  double refuse_watch = 0;
  // Of the start of a watch that goes on from where another ended: the last
  // events come again, as far back as nothing was deleted or listed.
  double repeat = 0;
  // Of an event: the connection is cut just before or just after it; it falls
  // silent, until the client takes the peer for dead; an ERROR event comes
  // instead and ends the watch; it, and all after it, are late.
  double cut = 0;
  double half_open = 0;
  double error_event = 0;
  double slow_event = 0;
  // Of an event: the server sends bookmarks, and they come as late as it does.
  double bookmark = 0;
  // Of an event: all history is gone, so that a watch that is cut gets 410.
  double compact = 0;

  Duration slow_at_most = std::chrono::seconds(5);
  // When a client takes a silent peer for dead, and stops waiting for an answer.
  Duration dead_peer = std::chrono::seconds(30);

  // A mix: each fault is left out, rare, or frequent.
  static FaultOptions Some(Random* random);
};

class Faults {
 public:
  Faults(const FaultOptions& options, std::uint64_t seed) : options_(options), random_(seed) {}

  // From now on nothing goes wrong any more; connections that fell silent are
  // found dead in their time.
  void Stop() { stopped_ = true; }
  const FaultOptions& options() const { return options_; }

  struct RequestFate {
    bool happens = true;
    // The answer, unless it is ok: then the server's own. Code 0: none comes.
    Status status;
    // More than the usual latency, there and back.
    Duration there{0}, back{0};
  };
  RequestFate OnRequest(const Request& request);

  // ok: it starts.
  Status OnWatch(const Request& request);
  bool Repeats();

  struct EventFate {
    enum class What : std::uint8_t { kNothing, kCutBefore, kCutAfter, kSilence, kError };
    What what = What::kNothing;
    Status error;       // kError
    Duration delay{0};  // kNothing
    bool bookmark = false;
    bool compact = false;
  };
  EventFate OnEvent();

 private:
  bool Happens(double chance) { return random_.Chance(chance); }
  Duration Some(Duration at_most) { return Duration(random_.Between(0, at_most.count())); }

  const FaultOptions options_;
  Random random_;
  bool stopped_ = false;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_FAULTS_H_
