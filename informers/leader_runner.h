// LeaderRunner: leader election with threads. Of several replicas of a program one
// leads, by a Lease (leader_election.h), and is the only one to write.
//
//   LeaderRunnerOptions options;
//   options.elector.namespace_ = "my-system";
//   options.elector.name = "my-controller";
//   options.component = "my-controller";            // Events on the Lease
//   options.on_lost = RequestStop;                  // stop_signals.h
//   LeaderRunner leader(options, lease_transport, &clock);
//   ControllerRunner runner({.leader = &leader}, transport, &clock);
//   ...
//   leader.Start();
//   runner.Start(call);       // keeps up with objects now, calls while it leads
//   WaitForStopSignal();
//   runner.Stop();            // first: nothing is written any more
//   leader.Stop();            // then the Lease is given back: another takes it at once
//   return leader.lost() ? 1 : 0;
//
// Who lost the Lease never leads again in this process: it is to end, and to be
// started anew. That is client-go's way, and leaves nothing half done behind.
//
// The fence. A Lease alone does not keep a former leader from writing: it may have
// been asleep, or its request may have waited. MayWrite() is true only while nobody
// else can lead yet, and is to be asked right before each write. For calls of a
// Transport that is what CancelToken's `may_go_on` is for, which is asked after
// whatever a request had to wait for (a rate limit, a connection):
//   CancelToken writes([&] { return leader.MayWrite(); });
// ControllerRunner::cancel() is one already.
//
// Until it leads, a second thread watches the Lease, so that one that is given
// back is taken at once. That needs the right to watch this one Lease; while it
// is refused, the Lease is polled, as client-go does, and the watch is tried
// again now and then: an API server that is starting refuses what it will allow,
// and a role may come later. A server that has no watches of Leases is not asked
// again. Later that thread posts the Events.
//
// Rights: get and update the one Lease, create leases; beside that watch it, create
// and patch events.
#ifndef EPSLICE_INFORMERS_LEADER_RUNNER_H_
#define EPSLICE_INFORMERS_LEADER_RUNNER_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "apis/coordination.h"
#include "informers/clock.h"
#include "informers/event_sender.h"
#include "informers/leader_election.h"
#include "informers/transport.h"

namespace epslice {

// Something that somebody may want to read in a log.
struct LeaderNews {
  enum class Weight : std::uint8_t { kDetail, kInfo, kWarning };
  Weight weight = Weight::kInfo;
  std::string_view what;   // "Leading"
  std::string_view lease;  // "my-system/my-controller"
  // What there is to say beside: key "leader", "identity", "err"; or "".
  std::string_view key;
  std::string_view value;

  // `Leading: lease my-system/my-controller, identity host_uuid`
  std::string ToLine() const;
};

// From the runner's threads; to be short, and not to call the runner but for
// MayWrite(), lost() and identity().
struct LeaderCallbacks {
  // It leads now: MayWrite() is true already. At most once.
  std::function<void()> on_leading;
  // It led, could not renew the Lease in time, and never will lead again. Told at the
  // renew deadline, also where a call hangs. Not called when it is given back.
  std::function<void()> on_lost;
};

struct LeaderRunnerOptions {
  // Namespace and name of the Lease have to be set. An empty identity: a new one
  // (NewLeaderIdentity). The durations are client-go's unless set: 15 s, 10 s, 2 s.
  LeaderElectorOptions elector;
  // Set: Events on the Lease say "<identity> became leader" and "<identity> stopped
  // leading", with this as their source, as client-go's do. Best effort.
  std::string component;
  std::function<void()> on_leading, on_lost;  // as LeaderCallbacks
  std::function<void(const LeaderNews& news)> tell;
  // Between tries to watch the Lease, while the server refuses that.
  Duration refused_watch_period = std::chrono::seconds(30);
  // How long Stop() waits at most for the last Event to be posted.
  Duration farewell = std::chrono::seconds(1);
};

// "<host name>_<uuid>", new at each call, as client-go's.
std::string NewLeaderIdentity();

// Start() and Stop() from one thread; the rest from any.
class LeaderRunner {
 public:
  // Both must outlive the runner. `clock` must run at the speed of real time.
  // `transport` should be one of its own: its calls must wait neither for others in
  // a rate limit nor longer than the Lease allows (LeaseTransportOptions() in
  // informers/http/connect.h).
  LeaderRunner(LeaderRunnerOptions options, Transport* transport, const Clock* clock);
  // Stops.
  ~LeaderRunner();
  LeaderRunner(const LeaderRunner&) = delete;
  LeaderRunner& operator=(const LeaderRunner&) = delete;

  // At most once.
  void Start();
  // Gives the Lease back, if it is held, and ends the threads: takes as long as one
  // call may take, a second for one that is under way, and `farewell`. Nothing may
  // be written any more when it is called. Safe to call again.
  void Stop();

  // The fence (LeaderElector::MayWrite), to be asked before every write.
  bool MayWrite() const { return clock_.Now().count() < writes_until_.load(std::memory_order_acquire); }
  bool lost() const { return lost_.load(std::memory_order_acquire); }
  const std::string& identity() const { return options_.elector.identity; }
  // LeaderElector::slow_renewals().
  std::int64_t slow_renewals() const { return slow_renewals_.load(std::memory_order_relaxed); }

  // More callbacks; on_leading is called before this returns, if it leads already.
  // Returns an id for Unregister().
  int Register(LeaderCallbacks callbacks);
  // After this returns they do not run and are not running. Do not hold a lock that
  // they take.
  void Unregister(int id);

 private:
  // A call about the Lease, guarded by mu_ but for `cancel`.
  struct Call {
    Request request;
    CancelToken cancel;
    bool begun = false;
    std::optional<Response> response;
  };

  void Run();
  void MakeCalls();
  // The answer; nullopt: it did not come before the Lease was lost. `last`: the call
  // that gives the Lease back, which Stop() waits for.
  std::optional<Response> Ask(Request request, bool last);
  void WatchLease();
  // After a watch that ended with `status`: when to try again; nullopt: never.
  std::optional<Duration> PauseAfterWatch(const Status& status);
  void EndWatch();
  // A step of the watch; whether it is to go on.
  bool OnWatchEvent(const WatchEvent& event);
  // What changed since the last step: the fence, the state, who leads.
  void Note();
  void BeginLeading();
  void EndLeading();
  void Tell(LeaderNews::Weight weight, std::string_view what, std::string_view key, std::string_view value) const;
  // An Event on the Lease: "<identity> <what>".
  void RecordEvent(std::string_view what);

  const LeaderRunnerOptions options_;
  const std::string lease_name_;  // namespace/name
  Transport& transport_;
  const Clock& clock_;
  LeaderElector elector_;  // of the thread
  LeaderElector::State told_ = LeaderElector::State::kStandby;
  std::string told_leader_;
  std::string told_error_;
  std::atomic<std::int64_t> writes_until_{0};
  std::atomic<std::int64_t> slow_renewals_{0};
  std::atomic<bool> lost_{false};

  std::mutex callbacks_mu_;
  std::vector<std::pair<int, LeaderCallbacks>> callbacks_;  // guarded by callbacks_mu_, as are the next
  int next_id_ = 0;
  bool leading_ = false;

  std::mutex mu_;
  std::condition_variable wake_;
  bool stopping_ = false;
  // Calls have a thread of their own, so that Run() notices when the Lease is lost,
  // whatever a call waits for.
  std::shared_ptr<Call> call_;
  bool calls_end_ = false;
  // What the watch saw last and Run() has not looked at; null: the Lease is gone.
  std::optional<std::shared_ptr<const Lease>> watched_;
  CancelToken watch_;
  bool told_refusal_ = false;            // of the watch's thread
  std::unique_ptr<EventSender> events_;  // null: none are sent
  std::thread thread_;
  std::thread call_thread_;
  std::thread watch_thread_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_LEADER_RUNNER_H_
