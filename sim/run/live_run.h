// LiveRun: a trace or a scenario in real time, or so many times as fast, in an
// API server that others use meanwhile.
//
//   absl::StatusOr<std::unique_ptr<LiveRun>> live = LiveRun::Open(spec, served, options);
//   status = (*live)->Begin();                       // the start state is there
//   HttpServer http(&(*live)->clock(), (*live)->server(), ...);  // advance = false
//   std::thread thread([&] { (*live)->Run(); });
//   ... (*live)->Stop(); thread.join();
//
// The scheduler, the scenario's driver and the replayer are those of a simulated
// run; this moves their time along by a clock. No controller runs inside: slices
// are what a client writes. What clients do to pods and nodes is taken into
// account (OutsideChanges): a pod of a workload that is deleted is replaced.
//
// The server's time is the scenario's: it begins where the trace or the scenario
// does, and goes `speed` times as fast, in steps of up to 20 ms of the clock.
// Grace periods and timestamps are of it.
//
// Thread-safety: server() and clock() for any thread, Stop(), too; the rest is
// for one thread at a time.
#ifndef EPSLICE_SIM_RUN_LIVE_RUN_H_
#define EPSLICE_SIM_RUN_LIVE_RUN_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "sim/run/stage.h"

namespace epslice::sim {

struct LiveRunOptions {
  // Must outlive the run.
  const Clock* clock = nullptr;
  // Greater than 0, finite.
  double speed = 1;
  // Told of each action, and of what the user should hear; `at`: in the time of
  // the scenario. From the thread that steps; may be null.
  std::function<void(Instant at, const std::string& what)> log;
};

class LiveRun {
 public:
  // Errors: those of Stage::Open(), and InvalidArgument for a trace alone in which
  // nothing happens. `served.on_outside_change` and `wall_start` are set here.
  static absl::StatusOr<std::unique_ptr<LiveRun>> Open(const RunSpec& spec, ServedStage served, LiveRunOptions options);
  ~LiveRun();
  LiveRun(const LiveRun&) = delete;
  LiveRun& operator=(const LiveRun&) = delete;

  // Puts the start state in place. From now on time passes.
  absl::Status Begin();

  MemoryApiServer* server();
  // Delays by the clock that was given, times of day by the server's: for who
  // serves it.
  const Clock& clock() const;

  // Does what is due, or a part of it; how long to wait, by the clock, before it
  // is to be called again. A client's change makes it due at once.
  Duration Step();
  // Steps until Stop() is called, waiting in between.
  void Run();
  void Stop();

  // Nothing more happens by itself: the scenario's duration is over or, where it
  // has none, nothing is scheduled any more, and the trace has ended.
  bool over() const { return over_; }
  // What ended the trace before its time.
  absl::Status status() const;

 private:
  class Progress;
  class ServedClock;
  explicit LiveRun(LiveRunOptions options);

  Instant Due() const;
  void Wake();
  void Log(const std::string& what) const;
  void LogWithoutEffect() const;
  void LookForEnd();

  const LiveRunOptions options_;
  std::unique_ptr<Stage> stage_;
  std::unique_ptr<Progress> progress_;
  std::unique_ptr<ServedClock> clock_;
  Instant begun_{0};
  bool ended_ = false;  // the scenario, by its duration
  bool over_ = false;

  std::mutex mu_;
  std::condition_variable wake_;
  // Below: guarded by mu_.
  bool woken_ = false;
  bool stopped_ = false;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_LIVE_RUN_H_
