// LeaderElector: one of several replicas leads, by holding a Lease
// (coordination.k8s.io/v1), as client-go's leaderelection does it.
//
// Passive, like the Watcher: Next() gives the request to send or until when
// there is nothing to do, OnResponse() takes the answer. The driver has the
// thread, the socket and the clocks.
//
// Rules (client-go's, with its defaults):
//   - whether somebody else's Lease has ended is judged by when this replica saw
//     it change last, on its own monotonic clock: clocks of machines differ;
//   - who leads renews every retry period; who could not for the renew deadline
//     has lost, and stays so: the program is to end;
//   - a Lease whose holder is empty was released, and is free at once.
// Different, because it only takes over sooner: a standby looks again when the
// Lease that it sees ends, and not only at its next retry; and it may be shown
// the Lease as a watch sees it, so that one that is released is taken at once.
//
// The fence: MayWrite() is true only while the last renewal, counted from when
// its request was *sent*, is younger than the lease duration. Whoever takes over
// waits at least that long from when it saw the renewal, which was later. Ask it
// before every write.
// Not thread-safe. LeaderRunner (leader_runner.h) drives it with threads.
#ifndef EPSLICE_INFORMERS_LEADER_ELECTION_H_
#define EPSLICE_INFORMERS_LEADER_ELECTION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "apis/coordination.h"
#include "apis/request.h"
#include "informers/clock.h"
#include "informers/random.h"

namespace epslice {

struct LeaderElectorOptions {
  std::string identity;          // "<host name>_<uuid>"; not empty
  std::string namespace_, name;  // of the Lease; not empty
  // Above renew_deadline. Whole seconds: the Lease tells others no fractions, who
  // would take over while this one still believes that it may write.
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);  // above 1.2 retry periods
  Duration retry_period = std::chrono::seconds(2);
  // Of the jitter between tries to acquire: replicas should not go in step.
  // LeaderRunner makes one of the identity where it is 0.
  std::uint64_t seed = 0;
};
// "" if the durations fit together; else what does not, with the flags' names that
// they have in components of Kubernetes.
std::string CheckLeaderElectorOptions(const LeaderElectorOptions& options);

class LeaderElector {
 public:
  enum class State : std::uint8_t {
    kStandby,  // somebody else leads, or nobody yet
    kLeading,
    kLost,      // led, and could not renew in time: for good
    kReleased,  // gave the Lease back, or never had it; for good
  };
  struct Action {
    enum class Kind : std::uint8_t { kSend, kWait, kDone };
    Kind kind = Kind::kWait;
    Request request;   // kSend: then OnResponse() comes before the next call, or nothing but Next() after lost_at()
    Instant until{0};  // kWait
  };

  explicit LeaderElector(LeaderElectorOptions options);

  // `wall` is what is written into the Lease.
  Action Next(Instant now, Timestamp wall);
  void OnResponse(const Response& response, Instant now);

  // For who watches the Lease beside: it was seen so (null: to be deleted). Not
  // between a request and its answer. Heeded in standby only. What a watch shows
  // may be old: then a write meets a conflict, and the Lease is read.
  void OnWatched(const Lease* lease, Instant now);

  // From now on: the Lease is given back, where it is ours, and then kDone.
  void Release() { releasing_ = true; }

  State state() const { return state_; }
  bool MayWrite(Instant now) const { return state_ == State::kLeading && now < fenced_at_; }
  // When MayWrite() ends, unless the Lease is renewed; 0 where it is not true.
  Instant writes_until() const { return state_ == State::kLeading ? fenced_at_ : Instant{0}; }
  // When it is lost, unless it is renewed: Next() says so from then on, also while a
  // request has no answer yet. 0 where it does not lead.
  Instant lost_at() const { return state_ == State::kLeading ? renewed_at_ + options_.renew_deadline : Instant{0}; }
  // The Lease as it was last read or written; nullopt: neither was done.
  const std::optional<Lease>& lease() const { return seen_; }
  // Who holds the Lease as last seen; empty: nobody.
  const std::string& leader() const { return leader_; }
  // How often it was about to renew a Lease that it had to read first, as the write
  // before went wrong: client-go's slow path.
  std::int64_t slow_renewals() const { return slow_renewals_; }
  // Why the last try failed; empty: it did not.
  const std::string& error() const { return error_; }

 private:
  enum class Step : std::uint8_t { kIdle, kGet, kCreate, kUpdate, kRelease };

  void See(const Lease& lease, Instant now);
  // Whether the Lease as seen still holds us off.
  bool HeldByOther(Instant now) const;
  Action Send(Step step, Request request, Instant now);
  Action Get(Instant now);
  Action Write(Instant now, Timestamp wall);
  Action GiveBack(Instant now, Timestamp wall);
  Lease Desired(Timestamp wall) const;
  void OnWritten(const Response& response, Instant now);
  void TryAgain(Instant now);
  // When the Lease that holds us off ends.
  Instant EndOfOther() const;

  const LeaderElectorOptions options_;
  Random random_;
  State state_ = State::kStandby;
  Step step_ = Step::kIdle;
  bool releasing_ = false;
  std::optional<Lease> seen_;  // the Lease as it was last read or written
  Instant seen_at_{0};         // when it was last seen to change
  bool fresh_ = false;         // seen_ may be written over: it was just read, or is ours
  bool absent_ = false;        // there is none
  bool read_ = false;          // since the last write
  std::int64_t slow_renewals_ = 0;
  Instant sent_at_{0};     // the request under way
  Instant renewed_at_{0};  // when the last renewal was sent
  Instant fenced_at_{0};
  Instant next_try_{0};
  std::string leader_;
  std::string error_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_LEADER_ELECTION_H_
