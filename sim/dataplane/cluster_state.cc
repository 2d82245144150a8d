#include "sim/dataplane/cluster_state.h"

#include <algorithm>

namespace epslice::sim::internal {

int ZoneNames::Number(const Text& zone) {
  const auto [at, is_new] = numbers_.emplace(zone, static_cast<int>(names_.size()));
  if (is_new) names_.push_back(zone);
  return at->second;
}

bool PodState::HasAddress(const Text& address) const {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

NodeState* ClusterState::NodeAt(const Text& name) {
  std::unique_ptr<NodeState>& node = nodes_[name];
  if (node == nullptr) {
    node = std::make_unique<NodeState>();
    node->name = name;
  }
  return node.get();
}

PodState* ClusterState::PodAt(const ObjectKey& key) {
  std::unique_ptr<PodState>& pod = pods_[key];
  if (pod == nullptr) {
    pod = std::make_unique<PodState>();
    pod->key = key;
  }
  return pod.get();
}

PodState* ClusterState::FindPod(const ObjectKey& key) {
  const auto at = pods_.find(key);
  return at == pods_.end() ? nullptr : at->second.get();
}

void ClusterState::Forget(PodState* pod) {
  if (pod->exists || !pod->users.empty()) return;
  const ObjectKey key = pod->key;
  pods_.erase(key);
}

}  // namespace epslice::sim::internal
