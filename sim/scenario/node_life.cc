#include "sim/scenario/node_life.h"

#include <memory>

#include "apis/concat.h"
#include "apis/discovery.h"
#include "sim/scenario/edit.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kLabelHostname = "kubernetes.io/hostname";

Node NodeOf(const NodePool& pool, const std::string& zone, int number) {
  Node node;
  const std::string place = zone.empty() ? std::string() : Concat(zone, '-');
  node.metadata.name = Text::Intern(Concat(pool.name, '-', place, number));
  StringMap labels = pool.labels.With(Text::Intern(kLabelHostname), node.metadata.name)
                         .With(Text::Intern(kLabelPool), Text::Intern(pool.name));
  if (!zone.empty()) labels = labels.With(Text::Intern(kLabelZone), Text::Intern(zone));
  if (pool.control_plane) {
    labels = labels.With(Text::Intern(kLabelControlPlane), Text());
    node.taints.push_back({Text::Intern(kLabelControlPlane), Text(), Text::Intern("NoSchedule")});
  }
  node.metadata.labels = std::move(labels);
  node.allocatableCpuMilli = pool.cpu_milli;
  node.ready = true;
  return node;
}

std::vector<std::string> ZonesOf(const NodePool& pool) {
  return pool.zones.empty() ? std::vector<std::string>{""} : pool.zones;
}

}  // namespace

NodeLife::NodeLife(NodeLifecycle times, Simulation* simulation, ClusterIndex* index, Workloads* workloads)
    : times_(times), simulation_(*simulation), index_(*index), workloads_(*workloads) {
  index_.OnLeft([this](const Text& node) {
    if (leaving_.count(node) == 0) return;
    simulation_.scheduler().After(Duration{0}, [this, node] { LeaveWhenDrained(node); });
  });
}

absl::Status NodeLife::Load(const NodePool& pool) {
  for (const std::string& zone : ZonesOf(pool)) {
    for (int i = 1; i <= pool.count; ++i) {
      Node node = NodeOf(pool, zone, i);
      if (pool.max_pods != NodeEntry().max_pods) index_.SetMaxPods(node.metadata.name, pool.max_pods);
      node.metadata.creationTimestamp = simulation_.scheduler().clock().WallNow();
      if (absl::Status status = simulation_.Load(AnyObject::Of(std::move(node))); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

void NodeLife::Add(const NodePool& pool, Duration ready_after) {
  std::vector<Text> added;
  for (const std::string& zone : ZonesOf(pool)) {
    int number = 0;
    for (int i = 0; i < pool.count; ++i) {
      Node node = NodeOf(pool, zone, ++number);
      while (index_.Find(node.metadata.name) != nullptr) node = NodeOf(pool, zone, ++number);
      added.push_back(node.metadata.name);
      AddOne(std::move(node), pool.max_pods, ready_after);
    }
  }
  if (!pool.control_plane) workloads_.CoverNodes(added);
}

void NodeLife::AddOne(Node node, int max_pods, Duration ready_after) {
  const Text name = node.metadata.name;
  index_.SetMaxPods(name, max_pods);
  node.ready = ready_after == Duration{0};
  owned_.insert(name);
  machines_.erase(name);
  simulation_.Create(AnyObject::Of(std::move(node)));
  simulation_.SetNodeUp(name, true);
  if (ready_after == Duration{0}) return;
  simulation_.scheduler().After(ready_after, [this, name] {
    const auto machine = machines_.find(name);
    if (machine != machines_.end() && machine->second.outages > 0) return;
    Edit(name, [](Node* n) { n->ready = true; });
  });
}

template <typename F>
void NodeLife::Edit(const Text& node, F edit) {
  const NodeEntry* entry = index_.Find(node);
  if (entry == nullptr) return;
  owned_.insert(entry->name);
  EditObject(&simulation_, entry->object, false, edit);
}

std::vector<LivePodPtr> NodeLife::TakePods(const Text& node) {
  std::vector<LivePodPtr> pods;
  // As they are now: taking one may bring others along.
  for (const ObjectKey& key : index_.PodsOf(node)) {
    if (LivePodPtr pod = workloads_.Take(key)) pods.push_back(std::move(pod));
  }
  return pods;
}

void NodeLife::Fail(const Text& name, std::optional<Duration> back_after) {
  NodeEntry* entry = index_.Find(name);
  if (entry == nullptr) return;
  const Text node = entry->name;
  Machine& machine = machines_[node];
  if (back_after) {
    simulation_.scheduler().After(*back_after, [this, node] { ComeBack(node); });
  }
  if (++machine.outages > 1) return;
  const std::uint64_t era = ++machine.era;
  owned_.insert(node);
  // First: taking the pods may put others of theirs on it, which do not start.
  entry->machine_up = false;
  for (const LivePodPtr& pod : TakePods(node)) workloads_.life().MachineDown(pod);
  simulation_.SetNodeUp(node, false);
  Scheduler& scheduler = simulation_.scheduler();
  scheduler.After(times_.not_ready_after, [this, node, era] { GiveUp(node, era); });
  scheduler.After(times_.not_ready_after + times_.evict_after, [this, node, era] { Evict(node, era); });
}

bool NodeLife::InEra(const Text& node, std::uint64_t era) const {
  const auto it = machines_.find(node);
  return it != machines_.end() && it->second.era == era;
}

void NodeLife::GiveUp(const Text& node, std::uint64_t era) {
  if (!InEra(node, era)) return;
  Edit(node, [](Node* n) { n->ready = false; });
  for (const LivePodPtr& pod : TakePods(node)) workloads_.life().SetReady(pod, false);
}

void NodeLife::Evict(const Text& node, std::uint64_t era) {
  if (!InEra(node, era)) return;
  for (const LivePodPtr& pod : TakePods(node)) {
    if (!pod->bound_to_node) workloads_.life().Terminate(pod);
  }
}

void NodeLife::ComeBack(const Text& node) {
  const auto machine = machines_.find(node);
  NodeEntry* entry = index_.Find(node);
  if (machine == machines_.end() || entry == nullptr || --machine->second.outages > 0) return;
  ++machine->second.era;
  entry->machine_up = true;
  for (const LivePodPtr& pod : TakePods(node)) workloads_.life().MachineUp(pod);
  simulation_.SetNodeUp(node, true);
  Edit(node, [](Node* n) { n->ready = true; });
}

void NodeLife::Drain(const Text& name, std::optional<Duration> uncordon_after) {
  const NodeEntry* entry = index_.Find(name);
  if (entry == nullptr) return;
  const Text node = entry->name;
  Edit(node, [](Node* n) { n->unschedulable = true; });
  for (const LivePodPtr& pod : TakePods(node)) {
    if (!pod->bound_to_node) workloads_.life().Terminate(pod);
  }
  if (!uncordon_after) return;
  simulation_.scheduler().After(*uncordon_after,
                                [this, node] { Edit(node, [](Node* n) { n->unschedulable = false; }); });
}

void NodeLife::Remove(const Text& name, bool drain) {
  const NodeEntry* entry = index_.Find(name);
  if (entry == nullptr) return;
  const Text node = entry->name;
  // Nobody ends the pods of a machine that is down.
  if (drain && !entry->pods.empty() && entry->machine_up) {
    leaving_.insert(node);
    Drain(node, std::nullopt);
    return LeaveWhenDrained(node);
  }
  Leave(node);
}

void NodeLife::LeaveWhenDrained(const Text& node) {
  if (leaving_.count(node) == 0 || index_.Find(node) == nullptr) return;
  for (const ObjectKey& key : index_.PodsOf(node)) {
    const LivePodPtr pod = workloads_.Find(key);
    if (pod == nullptr || !pod->bound_to_node) return;
  }
  Leave(node);
}

void NodeLife::Leave(const Text& node) {
  leaving_.erase(node);
  owned_.insert(node);
  simulation_.SetNodeUp(node, false);
  simulation_.Delete(Kind::kNode, "", node);
  // As the pod garbage collector does with pods of nodes that are not there. Taking
  // them puts none of theirs on it any more.
  for (const LivePodPtr& pod : TakePods(node)) workloads_.life().Remove(pod);
  machines_.erase(node);
}

void NodeLife::DeletedOutside(const Text& node) {
  if (index_.Find(node) != nullptr) return;
  leaving_.erase(node);
  owned_.insert(node);
  machines_.erase(node);
  simulation_.SetNodeUp(node, false);
  for (const LivePodPtr& pod : TakePods(node)) workloads_.life().Remove(pod);
}

void NodeLife::DeletedByTrace(const Text& node) {
  if (index_.Find(node) != nullptr) return;
  leaving_.erase(node);
  machines_.erase(node);
  for (const ObjectKey& key : index_.PodsOf(node)) {
    if (const LivePodPtr pod = workloads_.Find(key)) workloads_.life().Remove(pod);
  }
}

void NodeLife::AddedByOthers(const Text& node) {
  if (index_.Find(node) != nullptr) workloads_.CoverKnown({node});
}

void NodeLife::Relabel(const Text& node,
                       const std::vector<std::pair<std::string, std::optional<std::string>>>& labels) {
  Edit(node, [&](Node* n) {
    for (const auto& [key, value] : labels) {
      StringMap& map = n->metadata.labels;
      map = value ? map.With(Text::Intern(key), Text::Intern(*value)) : map.Without(key);
    }
  });
}

void NodeLife::SetAllocatable(const Text& node, std::int64_t cpu_milli) {
  Edit(node, [cpu_milli](Node* n) { n->allocatableCpuMilli = cpu_milli; });
}

}  // namespace epslice::sim
