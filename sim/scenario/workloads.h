// Workloads: what Deployments, ReplicaSets and the scheduler do for the
// Services of a scenario.
//
// Each Service has one workload behind it, which keeps `replicas` pods that
// were not asked to go, replaces those that go, and rolls over to a new
// revision by the Deployment controller's rules for maxSurge and
// maxUnavailable. Controllers act at once; what takes time are the pods.
// Of a trace the pods of StatefulSets and DaemonSets are workloads of their own
// (sets.cc), as are static pods, which nobody makes anew.
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
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
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
  bool cpu_unknown = false;  // of pods of a trace that does not tell
  Text hostname, subdomain;  // of a StatefulSet the hostname is the pod's name
  Placement placement;
  std::shared_ptr<const PodBehaviour> behaviour;
};

struct Workload {
  using Pods = std::map<PodRank, LivePodPtr>;
  enum class Kind : std::uint8_t { kReplicas, kStatefulSet, kDaemonSet, kStatic };

  WorkloadTemplate made_from;
  Kind kind = Kind::kReplicas;
  Text set_name;
  // Of a set: the places that it fills, and who is there, if only until it is gone;
  // null: nobody.
  std::map<PodSlot, LivePodPtr> slots;
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
  // there is no such Service, or it selects nothing. Of several (a Service of a
  // Deployment and a StatefulSet) that without a set, else the largest. A Service
  // whose pods were all taken with another one has that one's.
  Workload* Adopt(const ObjectKey& service);
  // The pod as one of ours, with all others of its Service (the first one by
  // name that selects it). Null when it is not there.
  LivePodPtr Take(const ObjectKey& pod);
  // One that was taken, or made here; else null.
  LivePodPtr Find(const ObjectKey& pod) const;
  // Whether this decides about the pod, or did until it was gone, so that a trace
  // does not.
  bool Owns(const Pod& pod) const;
  // A client of a served cluster changed or (`gone`) removed the pod. One of a
  // workload that goes is replaced; any other ends as a kubelet ends it. One that a
  // client made, without a node, is bound to one (spread evenly, whatever it asks
  // for) and becomes ready after the delays of pods that come from a trace, nobody
  // replaces it; one that was made with a node is left alone until it is to go.
  void ChangedOutside(const std::shared_ptr<const Pod>& object, bool gone);

  // These nodes are new: DaemonSets with pods on more than half of the others, and
  // a Service, have one there, too.
  void CoverNodes(const std::vector<Text>& nodes);
  // The same of those DaemonSets whose pods were taken before.
  void CoverKnown(const std::vector<Text>& nodes);

  // Of sets one pod at a time, whatever the action says; of a StatefulSet the last
  // one first. Static pods stay as they are.
  void Rollout(Workload* workload, const RolloutAction& action);
  // Not of DaemonSets and static pods.
  void Scale(Workload* workload, int replicas);
  // Up to `count` pods that are ready, the oldest first.
  std::vector<LivePodPtr> ReadyPods(const Workload& workload, int count) const;

  PodLife& life() { return life_; }
  // Pods that find no room at the moment.
  std::size_t unplaced() const;
  // Pods that were made like such of which it is not known what CPU they request.
  std::int64_t made_blindly() const { return made_blindly_; }

 private:
  using PodPtr = std::shared_ptr<const Pod>;
  // Whose pods are one workload; of a set by name.
  using Group = std::pair<Workload::Kind, Text>;

  Workload* Make(WorkloadTemplate made_from, const Group& group = {});
  // adoption.cc
  Group GroupOf(const Pod& pod) const;
  WorkloadTemplate TemplateLike(const ObjectKey& service, const StringMap& selector,
                                const std::vector<PodPtr>& pods) const;
  Workload* WorkloadOf(const ObjectKey& service, const StringMap& selector, const Group& group,
                       const std::vector<PodPtr>& pods);
  void AdoptPods(Workload* workload, const std::vector<PodPtr>& pods);
  // sets.cc
  void Seat(const LivePodPtr& pod);
  void FillSlots(Workload* workload);
  void ScaleSet(Workload* workload, int replicas);

  void NewRevision(Workload* workload);
  LivePodPtr NewPod(Workload* workload, const std::optional<PodSlot>& slot = {});
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
  void CreatePod(Workload* workload, const std::optional<PodSlot>& slot = {});
  void TakeUnbound(const std::shared_ptr<const Pod>& object);
  void Place(const LivePodPtr& pod);
  void RetryUnplaced();
  void OnPodChange(const LivePodPtr& pod);

  Simulation& simulation_;
  ClusterIndex& index_;
  const std::shared_ptr<const PodBehaviour> behaviour_;
  PodLife life_;
  std::vector<std::unique_ptr<Workload>> all_;
  std::map<ObjectKey, Workload*> workloads_;          // by Service
  std::map<std::pair<Text, Group>, Workload*> sets_;  // by namespace, too
  SelectorIndex adopted_;                             // Services of a trace that have a workload
  std::unordered_map<ObjectKey, LivePodPtr> pods_;    // looked up only
  std::set<Text> ended_;                              // uids of pods without a workload that are gone
  std::deque<LivePodPtr> unplaced_;
  bool retry_scheduled_ = false;
  std::int64_t made_blindly_ = 0;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_WORKLOADS_H_
