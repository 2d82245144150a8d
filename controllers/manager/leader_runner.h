// LeaderRunner: drives a LeaderElector with a thread, and is the fence that
// writers ask.
//
// Until it leads, a second thread watches the Lease, so that one that is given
// back is taken at once. That needs the right to watch this one Lease; while it
// is refused, the Lease is polled, as client-go does, and the watch is tried
// again now and then: an API server that is starting refuses what it will allow,
// and a role may come later. A server that has no watches of Leases is not asked
// again.
#ifndef EPSLICE_CONTROLLERS_MANAGER_LEADER_RUNNER_H_
#define EPSLICE_CONTROLLERS_MANAGER_LEADER_RUNNER_H_

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

#include "apis/coordination.h"
#include "controllers/manager/log.h"
#include "informers/clock.h"
#include "informers/event_recorder.h"
#include "informers/leader_election.h"
#include "informers/transport.h"

namespace epslice {

struct LeaderRunnerOptions {
  LeaderElectorOptions elector;
  // Between tries to watch the Lease, while the server refuses that.
  Duration refused_watch_period = std::chrono::seconds(30);
  // Told once, from the runner's thread: this process leads now, by the Lease as it
  // wrote it; it does not any more and never will again.
  std::function<void(const Lease& lease)> on_leading;
  std::function<void()> on_lost;
};

// "<host name>_<uuid>", new in each process, as client-go's.
std::string NewLeaderIdentity();

// The Event on the Lease by which client-go tells of a new leader.
EventRecorder::Note BecameLeader(const Lease& lease, std::string_view identity);

// Start() and Stop() from one thread; the rest from any.
class LeaderRunner {
 public:
  // All must outlive the runner. `clock` must run at the speed of real time. The
  // transport's calls should take no longer than half the renew deadline.
  LeaderRunner(LeaderRunnerOptions options, Transport* transport, const Clock* clock, Logger* log);
  // Stops.
  ~LeaderRunner();
  LeaderRunner(const LeaderRunner&) = delete;
  LeaderRunner& operator=(const LeaderRunner&) = delete;

  void Start();
  // Gives the lease back, if it is held, and ends the thread. Nothing may be
  // written any more when it is called. Safe to call again.
  void Stop();

  // The fence (LeaderElector::MayWrite), to be asked before every write.
  bool MayWrite() const { return clock_.Now().count() < writes_until_.load(std::memory_order_acquire); }
  bool lost() const { return lost_.load(std::memory_order_acquire); }

 private:
  void Run();
  void WatchLease();
  // After a watch that ended with `status`: when to try again; nullopt: never.
  std::optional<Duration> PauseAfterWatch(const Status& status);
  void EndWatch();
  // A step of the watch; whether it is to go on.
  bool OnWatchEvent(const WatchEvent& event);
  // What changed since the last step: the fence, the state, who leads.
  void Note();

  const LeaderRunnerOptions options_;
  Transport& transport_;
  const Clock& clock_;
  Logger& log_;
  LeaderElector elector_;  // of the thread
  LeaderElector::State told_ = LeaderElector::State::kStandby;
  std::string told_leader_;
  std::string told_error_;
  std::atomic<std::int64_t> writes_until_{0};
  std::atomic<bool> lost_{false};
  CancelToken calls_;
  std::mutex mu_;
  std::condition_variable wake_;
  bool stopping_ = false;
  // What the watch saw last and Run() has not looked at; null: the Lease is gone.
  std::optional<std::shared_ptr<const Lease>> watched_;
  CancelToken watch_;
  bool told_refusal_ = false;  // of the watch's thread
  std::thread thread_;
  std::thread watch_thread_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_LEADER_RUNNER_H_
