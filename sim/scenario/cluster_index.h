// ClusterIndex: what workloads must look up at every step, kept as the API
// server changes: nodes by zone and by how full they are, pods by node,
// Services by what they select.
//
// An observer; it asks the API server nothing and writes nothing. Not
// thread-safe.
#ifndef EPSLICE_SIM_SCENARIO_CLUSTER_INDEX_H_
#define EPSLICE_SIM_SCENARIO_CLUSTER_INDEX_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "apis/core.h"
#include "informers/selector_index.h"
#include "sim/engine/observer.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/trace_facts.h"

namespace epslice::sim {

// The label that names the pool a scenario's node belongs to.
inline constexpr std::string_view kLabelPool = "epslice.dev/pool";
inline constexpr std::string_view kLabelControlPlane = "node-role.kubernetes.io/control-plane";

struct NodeEntry {
  Text name;
  Text zone;  // empty without the label
  Text pool;
  std::shared_ptr<const Node> object;
  bool machine_up = true;  // set by who models machines
  int max_pods = 110;
  std::set<ObjectKey> pods;  // bound to it, in whatever phase
  // Of these, those that have not ended: how many, and what they request.
  int taken = 0;
  std::int64_t cpu_used_milli = 0;

  // Takes new pods as far as there is room: Ready, neither cordoned nor tainted
  // (NoSchedule, NoExecute) but for what follows from these by itself.
  bool open() const;
};

// Its containers have run to their end, for good.
inline bool HasEnded(const Pod& pod) { return pod.phase == PodPhase::kSucceeded || pod.phase == PodPhase::kFailed; }

class ClusterIndex : public RunObserver {
 public:
  // What is known of a trace's pods and nodes; null: nothing. Must outlive this.
  explicit ClusterIndex(TraceFacts* facts = nullptr) : facts_(facts) {}

  void OnCommit(const Commit& commit) override;

  // Null when there is none. Valid until the node is deleted.
  NodeEntry* Find(const Text& node);
  const std::map<Text, NodeEntry>& nodes() const { return nodes_; }
  // The pods that name the node, which need not be there; by name.
  std::vector<ObjectKey> PodsOf(const Text& node) const;
  // By name.
  std::vector<Text> Choose(const NodeChoice& choice) const;
  // Other than what a trace says, or the 110 of a kubelet; before the node is there.
  void SetMaxPods(const Text& node, int max_pods) { max_pods_[node] = max_pods; }

  // The CPU that a pod will request which a scenario makes; before it is there.
  void SetRequest(const ObjectKey& pod, std::int64_t cpu_milli);
  // What a trace tells of a pod; null: nothing.
  const PodFacts* FactsOf(const Pod& pod) const { return facts_ == nullptr ? nullptr : facts_->Find(pod); }
  // Whether there is, or was, a pod of a DaemonSet in a trace.
  bool knows_daemons() const { return facts_ != nullptr && facts_->has_daemons(); }

  const std::set<ObjectKey>& services() const { return services_; }
  // In key order.
  std::vector<ObjectKey> ServicesLike(const std::string& pattern) const;
  std::vector<ObjectKey> SelectorsOf(const Text& namespace_name, const StringMap& labels) const;

  // How many pods of something there are by zone and by node.
  struct Spread {
    std::map<Text, int> zones, nodes;
    void Add(const Text& zone, const Text& node, int by);
  };
  // Where a pod goes, or null when there is no room for it:
  //   spread: of the zones with room that with the fewest pods of its own
  //     (`own`), then that with the fewest pods for each place; there, of the
  //     eight nodes with the fewest pods that with the fewest of its own.
  //     Nodes without a zone come last, unless the placement names "".
  //   pack: the node with the most pods that has room.
  // Ties go by name.
  NodeEntry* Place(const Placement& placement, std::int64_t cpu_milli, const Spread& own);

  // Called when there may be more room than before; not from within Place().
  void OnRoom(std::function<void()> callback) { on_room_ = std::move(callback); }
  // Called when a pod left a node. Like OnRoom() from within the observer: it may
  // schedule, not write.
  void OnLeft(std::function<void(const Text& node)> callback) { on_left_ = std::move(callback); }

 private:
  struct Zone {
    std::int64_t nodes = 0, pods = 0, places = 0;
    std::set<std::pair<int, Text>> open;  // with room for a pod: how many places are taken, its name
  };
  // Where a pod is, and what it takes there.
  struct Spot {
    Text node;
    bool ended = false;
    std::int64_t cpu_milli = 0;
  };

  void OnNode(const Commit& commit);
  void OnPod(const Commit& commit);
  void OnService(const Commit& commit);
  // Takes a node out of its zone's account, and puts it in.
  void Withdraw(const NodeEntry& node);
  void Enter(const NodeEntry& node);
  void MovePod(const ObjectKey& pod, const Spot& from, const Spot& to);
  static void Count(const Spot& spot, int by, NodeEntry* node);
  std::int64_t RequestOf(const Pod& pod) const;
  NodeEntry* PlaceInZone(const Zone& zone, std::int64_t cpu_milli, const Spread& own);
  NodeEntry* PlacePacked(const Placement& placement, std::int64_t cpu_milli);
  bool Fits(const NodeEntry& node, std::int64_t cpu_milli) const;

  std::map<Text, NodeEntry> nodes_;
  std::map<Text, Zone> zones_;
  TraceFacts* const facts_;
  std::unordered_map<Text, int> max_pods_;                // looked up only
  std::unordered_map<ObjectKey, std::int64_t> requests_;  // looked up only
  std::unordered_map<ObjectKey, Spot> spots_;             // looked up only
  // Pods that name a node which is not there (yet).
  std::map<Text, std::set<ObjectKey>> homeless_;
  std::set<ObjectKey> services_;
  SelectorIndex selectors_;
  std::function<void()> on_room_;
  std::function<void(const Text&)> on_left_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_CLUSTER_INDEX_H_
