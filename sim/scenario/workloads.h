// Workloads: what Deployments, ReplicaSets and the scheduler do for the
// Services of a scenario.
//
// Each Service has one workload behind it, which keeps `replicas` pods that
// were not asked to go, replaces those that go, and rolls over to a new
// revision by the Deployment controller's rules for maxSurge and
// maxUnavailable. Controllers act at once; what takes time are the pods.
// Not taken over from Kubernetes: slow start of ReplicaSets (1, 2, 4, ... at
// once), progress deadlines, disruption budgets, and the scaling of a rollout
// under way in proportion.
// Not thread-safe.
#ifndef EPSLICE_SIM_SCENARIO_WORKLOADS_H_
#define EPSLICE_SIM_SCENARIO_WORKLOADS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/core.h"
#include "informers/selector_index.h"
#include "sim/engine/simulation.h"
#include "sim/scenario/cluster_index.h"
#include "sim/scenario/pod_life.h"
#include "sim/scenario/scenario.h"

namespace epslice::sim {

// What one Service's pods are made from.
struct WorkloadTemplate {
  ObjectKey service;
  StringMap labels;  // of the pods, without pod-template-hash
  std::shared_ptr<const std::vector<NamedPort>> named_ports;
  std::vector<IpFamily> families;
  int replicas = 0;
  std::int64_t cpu_milli = 0;
  Placement placement;
  std::shared_ptr<const PodBehaviour> behaviour;
};

struct Workload {
  using Pods = std::map<PodRank, LivePodPtr>;

  WorkloadTemplate made_from;
  int replicas = 0;
  int revision = 1;
  Text hash;  // of the revision, the label pod-template-hash
  IntOrPercent max_surge, max_unavailable;
  // Not asked to go, by whether they are of the present revision.
  Pods present, old;
  int present_ready = 0, old_ready = 0;
  ClusterIndex::Spread spread;
  int next_ordinal = 1;
  Random random{0};
  bool sync_scheduled = false;
};

class Workloads {
 public:
  // Both must outlive this; the index must be an observer of the simulation.
  // `pods`: how pods live that come from a trace.
  Workloads(Simulation* simulation, ClusterIndex* index, std::shared_ptr<const PodBehaviour> pods);

  // A workload whose pods are there and ready: for the start state. Loads them.
  // An error when there is no room for them.
  absl::Status LoadSettled(WorkloadTemplate made_from, std::vector<std::shared_ptr<const Pod>>* loaded);

  // The workload behind a Service; of one that a trace brought it is made now,
  // from the pods that the Service selects: as many as there are and were not
  // asked to go, the template like the youngest of them by name. Null when
  // there is no such Service, or it selects nothing.
  Workload* Adopt(const ObjectKey& service);
  // The pod as one of ours, with all others of its Service (the first one by
  // name that selects it). Null when it is not there.
  LivePodPtr Take(const ObjectKey& pod);
  // Whether this decides about the pod, or did until it was gone, so that a trace
  // does not.
  bool Owns(const Pod& pod) const;
  // A client of a served cluster changed or (`gone`) removed the pod. One of a
  // workload that goes is replaced; any other ends as a kubelet ends it. One that a
  // client made, without a node, is bound to one (spread evenly, whatever it asks
  // for) and becomes ready after the delays of pods that come from a trace, nobody
  // replaces it; one that was made with a node is left alone until it is to go.
  void ChangedOutside(const std::shared_ptr<const Pod>& object, bool gone);

  void Rollout(Workload* workload, const RolloutAction& action);
  void Scale(Workload* workload, int replicas);
  // Up to `count` pods that are ready, the oldest first.
  std::vector<LivePodPtr> ReadyPods(const Workload& workload, int count) const;

  PodLife& life() { return life_; }
  // Pods that find no room at the moment.
  std::size_t unplaced() const { return unplaced_.size(); }

 private:
  Workload* Make(WorkloadTemplate made_from);
  void NewRevision(Workload* workload);
  LivePodPtr NewPod(Workload* workload);
  Pod TemplateOf(Workload* workload, const LivePod& pod);
  LivePodPtr Wrap(const std::shared_ptr<const Pod>& object, Workload* workload);
  // Takes it into its workload's account, and out of it.
  void File(const LivePodPtr& pod);
  void Unfile(const LivePodPtr& pod);
  void CountPlace(const LivePodPtr& pod, const NodeEntry& node);

  void ScheduleSync(Workload* workload);
  void Sync(Workload* workload);
  void ScaleUp(Workload* workload, int surge);
  void ScaleDownOld(Workload* workload, int unavailable);
  void CreatePod(Workload* workload);
  void TakeUnbound(const std::shared_ptr<const Pod>& object);
  void Place(const LivePodPtr& pod);
  void RetryUnplaced();
  void OnPodChange(const LivePodPtr& pod);

  Simulation& simulation_;
  ClusterIndex& index_;
  const std::shared_ptr<const PodBehaviour> behaviour_;
  PodLife life_;
  std::map<ObjectKey, std::unique_ptr<Workload>> workloads_;
  SelectorIndex adopted_;                           // Services of a trace that have a workload
  std::unordered_map<ObjectKey, LivePodPtr> pods_;  // looked up only
  std::set<Text> ended_;                            // uids of pods without a workload that are gone
  std::deque<LivePodPtr> unplaced_;
  bool retry_scheduled_ = false;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_WORKLOADS_H_
