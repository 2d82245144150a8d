// What is true of nodes and pods, whatever slices say of them; and the
// endpoints of Services as targets of traffic. A part of the data plane.
#ifndef EPSLICE_SIM_DATAPLANE_CLUSTER_STATE_H_
#define EPSLICE_SIM_DATAPLANE_CLUSTER_STATE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
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

struct NodeState {
  Text name;
  int zone = 0;
  int group = -1;  // of proxies; -1: no Node object was ever there
  std::int64_t cpu_milli = 0;
  bool exists = false;    // as a Node object
  bool consumer = false;  // Ready, and no control-plane node
  bool balanced = false;  // load balancers know it
  bool up = true;         // the machine
  // What load balancers hold of it, for Services of policy Cluster.
  bool probed_up = true;
  std::uint64_t probe_event = 0;

  bool sends() const { return exists && consumer && up; }
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
  PodState* PodAt(const ObjectKey& key);
  PodState* FindPod(const ObjectKey& key);
  // Drops the pod if it is gone and nobody uses it.
  void Forget(PodState* pod);

  ZoneNames zones;

 private:
  std::unordered_map<Text, std::unique_ptr<NodeState>> nodes_;
  std::unordered_map<ObjectKey, std::unique_ptr<PodState>> pods_;
};

}  // namespace epslice::sim::internal

#endif  // EPSLICE_SIM_DATAPLANE_CLUSTER_STATE_H_
