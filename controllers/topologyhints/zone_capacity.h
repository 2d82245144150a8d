// How much CPU each zone has: what CPU-proportional hints are made from
// (KEP-2433). Pure values and a running sum over Nodes.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_ZONE_CAPACITY_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_ZONE_CAPACITY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "apis/core.h"
#include "apis/text.h"

namespace epslice {

// The zones that hints are proportional to; an immutable snapshot.
//
// It holds two views of the same nodes, one for each policy (policy.h): the
// reference's, which one node without a zone empties, and the resilient one.
struct ZoneCapacity {
  struct Share {
    Text zone;
    std::int64_t cpu_milli = 0;
    double ratio = 0;  // of the CPU of all zones; they add up to 1
    friend bool operator==(const Share&, const Share&) = default;
  };
  // The reference's, by name. Empty where a counted node has no zone or no CPU,
  // or where there are fewer than two zones: then nobody gets hints.
  std::vector<Share> zones;
  // The resilient policy's, by name: each zone with a counted node, whatever
  // other nodes lack. Nodes that take no new pods (cordoned, or with a
  // NoExecute taint) do not add to its CPU, which is 0 where all are such: the
  // zone still has consumers. Where that would leave no CPU at all, they do.
  std::vector<Share> consumer_zones;
  // Nodes that count (CountsAsCapacity), and how many of them have no zone or
  // no allocatable CPU.
  std::int64_t ready_nodes = 0;
  std::int64_t unknown_nodes = 0;

  // By the reference's rules.
  bool usable() const { return !zones.empty(); }
  const Share* Find(const Text& zone) const;
  friend bool operator==(const ZoneCapacity&, const ZoneCapacity&) = default;
};

// status.allocatable.cpu of a node as capacity: 0 where it is absent or not
// above 0, and at most a billion CPUs, so that sums over nodes cannot overflow.
std::int64_t CapacityCpuMilli(const Node& node);
// Whether a node counts: it is Ready and no control-plane node.
bool CountsAsCapacity(const Node& node);
// Whether pods may come to it and stay: it is neither cordoned nor has it a
// taint of effect NoExecute.
bool TakesPods(const Node& node);

// Keeps the sums as nodes come, change and go. Not thread-safe; the snapshots
// may be read anywhere.
class ZoneCapacities {
 public:
  // A node was `before` (null: was not there) and is `after` (null: is gone).
  // Returns whether the snapshot changed.
  bool Observe(const Node* before, const Node* after);

  // Never null.
  const std::shared_ptr<const ZoneCapacity>& snapshot() const { return snapshot_; }

 private:
  struct Sum {
    std::int64_t nodes = 0;  // also those without CPU
    std::int64_t cpu_milli = 0;
    std::int64_t open_cpu_milli = 0;  // of nodes that take pods
  };

  void Count(const Node& node, int sign);
  ZoneCapacity Make() const;

  std::map<Text, Sum> zones_;
  std::int64_t ready_nodes_ = 0;
  std::int64_t unknown_nodes_ = 0;
  std::shared_ptr<const ZoneCapacity> snapshot_ = std::make_shared<const ZoneCapacity>();
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_ZONE_CAPACITY_H_
