// What is true of nodes and pods, whatever slices say of them; and the
// endpoints of Services as targets of traffic. A part of the data plane.
#ifndef EPSLICE_SIM_DATAPLANE_CLUSTER_STATE_H_
#define EPSLICE_SIM_DATAPLANE_CLUSTER_STATE_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "apis/core.h"
#include "apis/meta.h"
#include "apis/text.h"

namespace epslice::sim::internal {

struct ServiceState;

// Zones by small numbers; 0 is "" (none known).
class ZoneNames {
 public:
  ZoneNames() { Number(Text()); }
  int Number(const Text& zone);
  const std::vector<Text>& names() const { return names_; }

 private:
  std::vector<Text> names_;
  std::unordered_map<Text, int> numbers_;
};

// A set of small numbers that is emptied at no cost. Kept for its memory.
class Marks {
 public:
  // Empties it; numbers are below `size` from now on.
  void Begin(std::size_t size) {
    if (rounds_.size() < size) rounds_.resize(size);
    if (++round_ != 0) return;
    std::fill(rounds_.begin(), rounds_.end(), 0);
    round_ = 1;
  }
  // False: it was there already.
  bool Insert(std::uint32_t number) { return std::exchange(rounds_[number], round_) != round_; }

 private:
  std::vector<std::uint32_t> rounds_;
  std::uint32_t round_ = 0;
};

struct NodeState {
  Text name;
  int zone = 0;
  int group = -1;  // of proxies; -1: no Node object was ever there
  std::int64_t cpu_milli = 0;
  bool exists = false;    // as a Node object
  bool consumer = false;  // Ready, and no control-plane node
  bool balanced = false;  // it is one that load balancers are told of
  bool up = true;         // the machine
  // What load balancers hold of it, for Services of policy Cluster.
  bool probed_up = true;
  std::uint64_t probe_event = 0;

  bool sends() const { return exists && consumer && up; }
  bool balancers_know() const { return exists && balanced; }
};

struct PodState {
  ObjectKey key;
  NodeState* node = nullptr;
  std::vector<Text> addresses;
  bool exists = false;
  bool ready = false;
  bool terminating = false;
  bool finished = false;  // phase Succeeded or Failed
  bool started = false;   // was ready once
  std::optional<bool> serving;
  struct User {
    ServiceState* service;
    std::uint32_t target;
  };
  std::vector<User> users;

  bool alive() const { return exists && !finished && (node == nullptr || node->up) && serving.value_or(started); }
  bool HasAddress(const Text& address) const;
};

// Nodes and pods by name. Pointers stay valid; a pod's until Forget().
class ClusterState {
 public:
  NodeState* NodeAt(const Text& name);
  // In no order.
  template <typename F>
  void ForEachNode(const F& call) {
    for (const auto& [name, node] : nodes_) call(node.get());
  }
  PodState* PodAt(const ObjectKey& key);
  PodState* FindPod(const ObjectKey& key);
  // Drops the pod if it is gone and nobody uses it.
  void Forget(PodState* pod);

  ZoneNames zones;
  Marks marks;
  std::uint64_t last_view = 0;  // the latest FamilyView::id

 private:
  std::unordered_map<Text, std::unique_ptr<NodeState>> nodes_;
  std::unordered_map<ObjectKey, std::unique_ptr<PodState>> pods_;
};

}  // namespace epslice::sim::internal

#endif  // EPSLICE_SIM_DATAPLANE_CLUSTER_STATE_H_
