#include "sim/scenario/cluster_index.h"

#include <algorithm>
#include <cstdint>
#include <tuple>

#include "apis/discovery.h"

namespace epslice::sim {
namespace {

// How many nodes of a zone are looked at for one with few pods of the same
// Service.
constexpr int kNodesTried = 8;

bool Allows(const Placement& placement, const Text& zone) {
  return placement.zones.empty() ||
         std::find(placement.zones.begin(), placement.zones.end(), zone) != placement.zones.end();
}

int CountOf(const std::map<Text, int>& counts, const Text& key) {
  const auto it = counts.find(key);
  return it == counts.end() ? 0 : it->second;
}

// Taints that the node controller puts on a node and takes off again, as it is Ready
// and cordoned or not, which is looked at itself. Clusters without that controller
// (kube-apiserver alone, kwok) keep the one of a node's first moment for ever.
bool FollowsState(const Taint& taint) {
  return taint.key == "node.kubernetes.io/not-ready" || taint.key == "node.kubernetes.io/unreachable" ||
         taint.key == "node.kubernetes.io/unschedulable";
}

}  // namespace

bool NodeEntry::open() const {
  if (object == nullptr || !object->ready || object->unschedulable) return false;
  return std::none_of(object->taints.begin(), object->taints.end(), [](const Taint& t) {
    return (t.effect == "NoSchedule" || t.effect == "NoExecute") && !FollowsState(t);
  });
}

void ClusterIndex::Spread::Add(const Text& zone, const Text& node, int by) {
  if ((zones[zone] += by) == 0) zones.erase(zone);
  if ((nodes[node] += by) == 0) nodes.erase(node);
}

NodeEntry* ClusterIndex::Find(const Text& node) {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? nullptr : &it->second;
}

std::vector<ObjectKey> ClusterIndex::PodsOf(const Text& node) const {
  if (const auto it = nodes_.find(node); it != nodes_.end()) return {it->second.pods.begin(), it->second.pods.end()};
  if (const auto it = homeless_.find(node); it != homeless_.end()) return {it->second.begin(), it->second.end()};
  return {};
}

std::vector<Text> ClusterIndex::Choose(const NodeChoice& choice) const {
  std::vector<Text> chosen;
  for (const std::string& name : choice.names) {
    if (nodes_.count(Text(name)) > 0) chosen.push_back(Text::Intern(name));
  }
  if (!choice.names.empty()) return chosen;
  for (const auto& [name, node] : nodes_) {
    if (choice.zone && node.zone != *choice.zone) continue;
    if (!choice.pool.empty() && node.pool != choice.pool) continue;
    if (choice.count > 0 && chosen.size() == static_cast<std::size_t>(choice.count)) break;
    chosen.push_back(name);
  }
  return chosen;
}

void ClusterIndex::OnCommit(const Commit& commit) {
  switch (commit.object.kind()) {
    case Kind::kNode: return OnNode(commit);
    case Kind::kPod: return OnPod(commit);
    case Kind::kService: return OnService(commit);
    default: return;
  }
}

void ClusterIndex::Withdraw(const NodeEntry& node) {
  if (!node.open()) return;
  const auto zone = zones_.find(node.zone);
  if (zone == zones_.end()) return;
  zone->second.pods -= node.taken;
  zone->second.places -= node.max_pods;
  zone->second.open.erase({node.taken, node.name});
  if (--zone->second.nodes == 0) zones_.erase(zone);
}

void ClusterIndex::Enter(const NodeEntry& node) {
  if (!node.open()) return;
  Zone& zone = zones_[node.zone];
  ++zone.nodes;
  zone.pods += node.taken;
  zone.places += node.max_pods;
  if (node.taken < node.max_pods) zone.open.insert({node.taken, node.name});
}

void ClusterIndex::OnNode(const Commit& commit) {
  const auto object = commit.object.As<Node>();
  const Text& name = object->metadata.name;
  const auto it = nodes_.find(name);
  if (commit.type == WatchEventType::kDeleted) {
    if (it == nodes_.end()) return;
    Withdraw(it->second);
    if (!it->second.pods.empty()) homeless_[name] = std::move(it->second.pods);
    nodes_.erase(it);
    return;
  }
  NodeEntry& node = it == nodes_.end() ? nodes_[name] : it->second;
  if (it == nodes_.end()) {
    node.name = Text::Intern(name);
    if (const auto waiting = homeless_.find(name); waiting != homeless_.end()) {
      node.pods = std::move(waiting->second);
      homeless_.erase(waiting);
      for (const ObjectKey& pod : node.pods) Count(spots_.at(pod), 1, &node);
    }
  } else {
    Withdraw(node);
  }
  node.zone = Text::Intern(object->metadata.labels.Get(kLabelZone));
  node.pool = Text::Intern(object->metadata.labels.Get(kLabelPool));
  if (const auto max = max_pods_.find(name); max != max_pods_.end()) {
    node.max_pods = max->second;
  } else if (facts_ != nullptr) {
    node.max_pods = facts_->PlacesOf(name).value_or(NodeEntry().max_pods);
  }
  node.object = object;
  Enter(node);
  if (on_room_) on_room_();
}

void ClusterIndex::OnPod(const Commit& commit) {
  const auto pod = commit.object.As<Pod>();
  const ObjectKey key = KeyOf(pod->metadata);
  const bool deleted = commit.type == WatchEventType::kDeleted;
  // What a client of a served cluster made.
  if (facts_ != nullptr && commit.outside && !deleted) facts_->Note(commit.object);
  // Looked up first: most commits of a pod leave it where it is.
  const auto it = spots_.find(key);
  const Spot before = it == spots_.end() ? Spot() : it->second;
  Spot after;
  if (!deleted && !pod->nodeName.empty()) after = {Text::Intern(pod->nodeName), HasEnded(*pod), before.cpu_milli};
  if (before.node != after.node || before.ended != after.ended) {
    if (after.node.empty()) {
      spots_.erase(it);
    } else {
      if (before.node.empty()) after.cpu_milli = RequestOf(*pod);
      spots_[key] = after;
    }
    MovePod(key, before, after);
  }
  if (!deleted) return;
  requests_.erase(key);
  if (facts_ != nullptr) facts_->Forget(*pod);
}

void ClusterIndex::Count(const Spot& spot, int by, NodeEntry* node) {
  if (spot.ended) return;
  node->taken += by;
  node->cpu_used_milli += by * spot.cpu_milli;
}

void ClusterIndex::MovePod(const ObjectKey& pod, const Spot& from, const Spot& to) {
  const bool leaves = from.node != to.node;
  if (!from.node.empty()) {
    if (NodeEntry* node = Find(from.node)) {
      Withdraw(*node);
      if (leaves) node->pods.erase(pod);
      Count(from, -1, node);
      Enter(*node);
      if (on_room_) on_room_();
      if (leaves && on_left_) on_left_(node->name);
    } else if (const auto it = homeless_.find(from.node); it != homeless_.end()) {
      it->second.erase(pod);
      if (it->second.empty()) homeless_.erase(it);
    }
  }
  if (to.node.empty()) return;
  if (NodeEntry* node = Find(to.node)) {
    Withdraw(*node);
    node->pods.insert(pod);
    Count(to, 1, node);
    Enter(*node);
  } else {
    homeless_[to.node].insert(pod);
  }
}

void ClusterIndex::OnService(const Commit& commit) {
  const auto service = commit.object.As<Service>();
  const ObjectKey key = KeyOf(service->metadata);
  const bool gone = commit.type == WatchEventType::kDeleted;
  if (gone) {
    services_.erase(key);
  } else {
    services_.insert(key);
  }
  if (gone || !service->spec.selector) {
    selectors_.Remove(key);
  } else {
    selectors_.Set(key, *service->spec.selector);
  }
}

void ClusterIndex::SetRequest(const ObjectKey& pod, std::int64_t cpu_milli) {
  if (cpu_milli > 0) requests_[pod] = cpu_milli;
}

std::int64_t ClusterIndex::RequestOf(const Pod& pod) const {
  if (const auto it = requests_.find(KeyOf(pod.metadata)); it != requests_.end()) return it->second;
  const PodFacts* facts = FactsOf(pod);
  return facts == nullptr ? 0 : facts->cpu_milli;
}

std::vector<ObjectKey> ClusterIndex::ServicesLike(const std::string& pattern) const {
  std::vector<ObjectKey> found;
  for (const ObjectKey& key : services_) {
    if (MatchesServicePattern(pattern, key)) found.push_back(key);
  }
  return found;
}

std::vector<ObjectKey> ClusterIndex::SelectorsOf(const Text& namespace_name, const StringMap& labels) const {
  std::vector<ObjectKey> found;
  selectors_.Find(namespace_name, labels, &found);
  return found;
}

bool ClusterIndex::Fits(const NodeEntry& node, std::int64_t cpu_milli) const {
  // Of a node that does not say how much it has nothing can be said.
  const std::optional<std::int64_t>& cpu = node.object->allocatableCpuMilli;
  return cpu_milli == 0 || !cpu || cpu_milli <= *cpu - node.cpu_used_milli;
}

NodeEntry* ClusterIndex::PlaceInZone(const Zone& zone, std::int64_t cpu_milli, const Spread& own) {
  NodeEntry* best = nullptr;
  int fewest = 0, tried = 0;
  for (const auto& [pods, name] : zone.open) {
    NodeEntry& node = nodes_.at(name);
    if (!Fits(node, cpu_milli)) continue;
    const int here = CountOf(own.nodes, name);
    if (best == nullptr || here < fewest) best = &node, fewest = here;
    if (fewest == 0 || ++tried == kNodesTried) break;
  }
  return best;
}

NodeEntry* ClusterIndex::PlacePacked(const Placement& placement, std::int64_t cpu_milli) {
  NodeEntry* best = nullptr;
  for (const auto& [name, zone] : zones_) {
    if (!Allows(placement, name)) continue;
    for (auto it = zone.open.rbegin(); it != zone.open.rend(); ++it) {
      NodeEntry& node = nodes_.at(it->second);
      if (!Fits(node, cpu_milli)) continue;
      // Of nodes that are as full the first by name.
      const auto first = [](const NodeEntry& a) { return std::make_tuple(-a.taken, a.name); };
      if (best == nullptr || first(node) < first(*best)) best = &node;
      if (std::next(it) == zone.open.rend() || std::next(it)->first != it->first) break;
    }
  }
  return best;
}

NodeEntry* ClusterIndex::Place(const Placement& placement, std::int64_t cpu_milli, const Spread& own) {
  if (placement.kind == Placement::Kind::kPack) return PlacePacked(placement, cpu_milli);
  // Without a zone last, then fewest of its own, then emptiest, then by name.
  using Rank = std::tuple<bool, int, std::int64_t, Text>;
  std::vector<Rank> ranks;
  for (const auto& [name, zone] : zones_) {
    if (!Allows(placement, name) || zone.open.empty()) continue;
    constexpr std::int64_t kMillion = 1'000'000;
    ranks.emplace_back(name.empty() && placement.zones.empty(), CountOf(own.zones, name),
                       kMillion * zone.pods / zone.places, name);
  }
  std::sort(ranks.begin(), ranks.end());
  for (const Rank& rank : ranks) {
    if (NodeEntry* node = PlaceInZone(zones_.at(std::get<Text>(rank)), cpu_milli, own)) return node;
  }
  return nullptr;
}

}  // namespace epslice::sim
