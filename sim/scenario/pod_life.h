// PodLife: the kubelets. What becomes of a pod by the clock, from when it is
// bound until it is gone.
//
//   bound --startup--> Running, with an address --readiness--> Ready
//   asked to go (deletionTimestamp) --preStop--> SIGTERM --drain--> removed
//
// A pod whose machine is down does nothing; what the API server says of it
// stays. When the machine is back, a pod that was asked to go is removed, and
// any other that has not ended starts anew, with the same delays. Not thread-safe.
#ifndef EPSLICE_SIM_SCENARIO_POD_LIFE_H_
#define EPSLICE_SIM_SCENARIO_POD_LIFE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "apis/core.h"
#include "sim/engine/simulation.h"
#include "sim/scenario/cluster_index.h"
#include "sim/scenario/scenario.h"

namespace epslice::sim {

struct Workload;

// In the order in which a workload's pods are taken away: those that are not
// ready first, then the youngest.
struct PodRank {
  bool ready = false;
  std::int64_t before = 0;  // minus its time
  int before_ordinal = 0;   // minus its number
  friend auto operator<=>(const PodRank&, const PodRank&) = default;
};

// The place of a pod in a workload that has places: a number (StatefulSets) or a
// node (DaemonSets).
using PodSlot = std::pair<int, Text>;

// A pod that a scenario runs.
struct LivePod {
  ObjectKey key;
  std::shared_ptr<const Pod> object;  // as the API server has it
  Workload* workload = nullptr;       // null: nobody replaces it
  int ordinal = 0;                    // of its workload's pods, by creation
  int revision = 0;
  std::int64_t cpu_milli = 0;
  std::vector<IpFamily> families;
  // Drawn for it.
  Duration scheduling{0}, startup{0}, readiness{0}, pre_stop{0}, drain{0};
  Duration grace{0};
  bool stops_listening = true;
  // Of a DaemonSet, or a static pod: drains and evictions pass it over.
  bool bound_to_node = false;
  std::optional<PodSlot> slot;

  bool ready = false;        // as the API server has it
  bool terminating = false;  // asked to go
  bool gone = false;
  bool was_ready = false;  // its process took connections
  Instant since{0};        // ready since; while it is not, created
  // Timers of an earlier state are void.
  std::uint32_t epoch = 0;

  // How its workload counts it: its place among the pods that were not asked to
  // go, and where it was placed.
  std::optional<PodRank> filed;
  Text counted_node, counted_zone;

  void Draw(const PodBehaviour& behaviour, Random random);
};

using LivePodPtr = std::shared_ptr<LivePod>;

class PodLife {
 public:
  // `changed`: a pod became ready, or no longer; was asked to go, or is gone.
  // It may schedule, not write. All must outlive this.
  PodLife(Simulation* simulation, ClusterIndex* index) : simulation_(*simulation), index_(*index) {}
  void OnChange(std::function<void(const LivePodPtr&)> changed) { changed_ = std::move(changed); }

  // The pod as it runs at the start of the run, without an object yet: on
  // `node`, Running and Ready. Gives it an address.
  Pod StartState(Pod pod, const std::vector<IpFamily>& families, const Text& node);

  void Bind(const LivePodPtr& pod, const Text& node);
  // Deletes it with its grace period. Nothing happens when it is on its way.
  void Terminate(const LivePodPtr& pod);
  // It was asked to go by somebody else: what follows from that.
  void GoOnTerminating(const LivePodPtr& pod);
  // A client of a served cluster changed it: `object` is what it made of it.
  void ChangedOutside(const LivePodPtr& pod, const std::shared_ptr<const Pod>& object);
  // A client removed it.
  void RemovedOutside(const LivePodPtr& pod) { Gone(pod); }
  // A bound pod that somebody else brought so far: what it lacks to be ready.
  void GoOnStarting(const LivePodPtr& pod);
  // Deletes it at once.
  void Remove(const LivePodPtr& pod);
  // The condition Ready in the API server, and nothing else.
  void SetReady(const LivePodPtr& pod, bool ready);
  // Its machine died, or came back (before the node is told to be up).
  void MachineDown(const LivePodPtr& pod);
  void MachineUp(const LivePodPtr& pod);

 private:
  // Runs `next` unless the pod's state has changed by then.
  void After(const LivePodPtr& pod, Duration delay, void (PodLife::*next)(const LivePodPtr&));
  void Start(const LivePodPtr& pod);
  void BecomeRunning(const LivePodPtr& pod);
  void BecomeReady(const LivePodPtr& pod);
  void Sigterm(const LivePodPtr& pod);
  void End(const LivePodPtr& pod);
  template <typename F>
  void Edit(const LivePodPtr& pod, bool status, const F& edit);
  void Gone(const LivePodPtr& pod);
  bool MachineIsUp(const LivePod& pod) const;
  IpList NextAddresses(const std::vector<IpFamily>& families);
  // Where the addresses of new pods are from, given the pods that are there.
  void ChooseRanges();

  Simulation& simulation_;
  ClusterIndex& index_;
  std::function<void(const LivePodPtr&)> changed_;
  std::uint32_t addresses_ = 0;
  std::uint32_t ipv4_range_ = 0;
  std::string_view ipv6_range_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_POD_LIFE_H_
