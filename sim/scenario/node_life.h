// NodeLife: machines that die, come back, come and go; and what the node
// lifecycle controller makes of it.
//
//   machine down: its processes are gone at once, the API server knows nothing
//   + not_ready_after: the node is not Ready, nor are its pods
//   + evict_after, from then: its pods are deleted; they stay until the machine
//     or its node is gone, their workloads replace them at once (StatefulSets
//     when they are gone)
// Pods of DaemonSets and static pods stay with their node: neither a drain nor an
// eviction takes them, they start again with their machine.
// Not taken over from Kubernetes: taints (the conditions alone keep pods away),
// and the limits of how many nodes are given up at a time (--node-eviction-rate,
// --unhealthy-zone-threshold). Not thread-safe.
#ifndef EPSLICE_SIM_SCENARIO_NODE_LIFE_H_
#define EPSLICE_SIM_SCENARIO_NODE_LIFE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "sim/engine/simulation.h"
#include "sim/scenario/cluster_index.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/workloads.h"

namespace epslice::sim {

class NodeLife {
 public:
  // All must outlive this.
  NodeLife(NodeLifecycle times, Simulation* simulation, ClusterIndex* index, Workloads* workloads);

  // Puts the pool's nodes in place for the start state.
  absl::Status Load(const NodePool& pool);
  // As many nodes join, under the first names that are free.
  void Add(const NodePool& pool, Duration ready_after);

  // The machine dies; after `back_after` it is up again, unless another
  // outage still holds it.
  void Fail(const Text& node, std::optional<Duration> back_after);
  // Cordons the node and asks all of its pods to go.
  void Drain(const Text& node, std::optional<Duration> uncordon_after);
  // The node leaves: with `drain` once its last pod is gone that can be drained,
  // else at once, and its pods with it.
  void Remove(const Text& node, bool drain);
  // A client of a served cluster deleted it: its pods go as with any other that
  // leaves. Nothing happens where it is there again.
  void DeletedOutside(const Text& node);
  // A trace deleted it, whose pods that the trace does not tell of any more go, too.
  // (Also called for nodes that left by the above.)
  void DeletedByTrace(const Text& node);
  // A trace, or a client, brought it: DaemonSets that the trace does not tell of any
  // more come to it. (Also called for nodes that this brought.)
  void AddedByOthers(const Text& node);
  void Relabel(const Text& node, const std::vector<std::pair<std::string, std::optional<std::string>>>& labels);
  void SetAllocatable(const Text& node, std::int64_t cpu_milli);

  // Whether this decided something about the node: a trace no longer does.
  bool Owns(const Text& node) const { return owned_.count(node) > 0; }

 private:
  struct Machine {
    int outages = 0;        // that hold it down
    std::uint64_t era = 0;  // changes when it goes down or comes up
  };

  void AddOne(Node node, int max_pods, Duration ready_after);
  void ComeBack(const Text& node);
  void GiveUp(const Text& node, std::uint64_t era);
  void Evict(const Text& node, std::uint64_t era);
  bool InEra(const Text& node, std::uint64_t era) const;
  void Leave(const Text& node);
  void LeaveWhenDrained(const Text& node);
  // Changes the node as the API server has it.
  template <typename F>
  void Edit(const Text& node, F edit);
  std::vector<LivePodPtr> TakePods(const Text& node);

  const NodeLifecycle times_;
  Simulation& simulation_;
  ClusterIndex& index_;
  Workloads& workloads_;
  std::map<Text, Machine> machines_;  // that went down once
  std::set<Text> leaving_;            // once they are empty
  std::set<Text> owned_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_NODE_LIFE_H_
