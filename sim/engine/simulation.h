// Simulation: the driver of virtual time, as LiveRunner is that of threads.
//
// It runs the live ServiceController, Watchers, WorkQueue and PlanApplier
// against a MemoryApiServer, with models for what a network, a client's rate
// limit and busy workers cost:
//
//   API server --watch latency--> Watcher, Store, Observe
//   worker: Next --sync time--> MakePlan, then for each write
//     rate limit --half the write latency--> API server --the other half-->
//
// What happens to the cluster comes from outside: a trace replayer, workloads,
// scenario actions schedule callbacks in scheduler() that call Do().
// Equal options and equal outside calls give equal runs, down to the digest.
// Not thread-safe; several simulations may run in several threads. But for
// server(): see SimulationOptions::on_outside_change.
#ifndef EPSLICE_SIM_ENGINE_SIMULATION_H_
#define EPSLICE_SIM_ENGINE_SIMULATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "apis/request.h"
#include "controllers/endpointslice/service_controller.h"
#include "informers/watcher.h"
#include "sim/cluster/faults.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/engine/latency.h"
#include "sim/engine/observer.h"
#include "sim/engine/scheduler.h"

namespace epslice::sim {

// What things cost. The defaults are those of a healthy cluster of some
// hundred nodes; docs/simulator.md says where each comes from.
struct Models {
  // From a commit to the informer that hears of it. Events of one watch keep
  // their order.
  Latency watch_latency = Latency::LogNormal(std::chrono::milliseconds(2), std::chrono::milliseconds(20));
  // Of a write, from sending to the answer.
  Latency write_latency = Latency::LogNormal(std::chrono::milliseconds(4), std::chrono::milliseconds(40));
  // How long a worker plans: a part for each sync, and one for each endpoint
  // wanted.
  Duration sync_time = std::chrono::microseconds(50);
  Duration sync_time_per_endpoint = std::chrono::nanoseconds(200);
  // The client's limit (--kube-api-qps, --kube-api-burst); qps 0: none.
  double qps = 20;
  int burst = 30;
  int workers = 5;  // --concurrent-service-endpoint-syncs
};

struct SimulationOptions {
  // Everything random comes from it, each use from a stream of its own: see
  // Simulation::Stream().
  std::uint64_t seed = 1;
  // What the wall clock shows at instant 0.
  Timestamp wall_start = Timestamp::FromSeconds(1'767'225'600);
  ServiceControllerOptions controller;
  Duration min_resync_period = std::chrono::hours(12);
  WatcherOptions watcher;
  MemoryApiServerOptions server;
  Models models;
  // What goes wrong between the controller and the API server; not owned, null:
  // nothing.
  Faults* faults = nullptr;
  // Where other threads have the server, too: called, from one of them and under
  // the server's lock, when they changed something; whoever drives the simulation
  // then has to call TakeOutsideChanges(). Null: only one thread has it.
  std::function<void()> on_outside_change;
};

class Simulation {
 public:
  explicit Simulation(SimulationOptions options);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Not owned; told of everything from then on, in the order they were added.
  // Add them before the first Load().
  void AddObserver(RunObserver* observer);

  Scheduler& scheduler();
  Instant now() const;
  MemoryApiServer& server();
  const ServiceController& controller() const;
  const SimulationOptions& options() const;

  // A generator for one purpose, named by it ("rollout shop/web"): adding one
  // changes no other.
  Random Stream(std::string_view purpose) const;

  // Puts an object in place for the start state (MemoryApiServer::Load), told
  // of as a Commit with `start`. Before StartController().
  absl::Status Load(const AnyObject& object);
  // The controller's informers begin at this instant. Called once; workloads
  // may run before.
  void StartController();
  // The process ends and another takes its place after `downtime`, with empty
  // stores: what it had in flight is lost between sent and answered. Nothing
  // happens where none was started.
  void RestartController(Duration downtime);

  // A request of somebody else than the controller (kubelet, user, other
  // controllers), handled at once. Commits are told to the observers before
  // this returns.
  Response Do(const Request& request);
  // Short forms. Create and Update send the struct as it is; UpdateStatus is
  // an update of the subresource.
  Response Create(AnyObject object);
  Response Update(AnyObject object);
  Response UpdateStatus(AnyObject object);
  Response Delete(Kind kind, std::string_view ns, std::string_view name, DeleteOptions how = {});
  // A change as a recording shows it: MemoryApiServer::Replay().
  absl::Status Replay(WatchEventType type, const AnyObject& object, bool always = false);
  // The object as it is now; empty when there is none.
  AnyObject Get(Kind kind, std::string_view ns, std::string_view name);

  // Watch and write latency times `factor` from now on (1: as given).
  void SetApiSlowdown(double factor);
  // Sync times times `factor` from now on: a machine that others keep busy.
  void SetSyncSlowdown(double factor);
  // The API server's wall clock is set forward, or back. The scheduler's goes
  // on as before.
  void JumpWallClock(Duration by);
  // What only the observers hear of: see RunObserver.
  void SetPodServing(const ObjectKey& pod, bool serving);
  void SetNodeUp(const Text& node, bool up);
  // For timelines.
  void Note(const std::string& text);

  // Tells the observers of what others changed in server(), at this instant.
  void TakeOutsideChanges();

  // Runs what is due until `end`; OnEnd() is Finish()'s.
  void RunUntil(Instant end);
  // Runs on, at most until `limit`, until the controller has nothing to do and
  // nothing is under way to it. (Services with pods on Nodes that are not there it
  // tries again and again; that is nothing.) False: the limit came first.
  bool Settle(Instant limit);
  void Finish();

  // Of everything that was committed, written, and synced so far, with its
  // times: 32 hexadecimal digits.
  std::string digest() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_ENGINE_SIMULATION_H_
