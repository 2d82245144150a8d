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
struct ZoneCapacity {
  struct Share {
    Text zone;
    std::int64_t cpu_milli = 0;
    double ratio = 0;  // of the CPU of all zones; they add up to 1
    friend bool operator==(const Share&, const Share&) = default;
  };
  // By name. Empty where a counted node has no zone or no CPU, or where there
  // are fewer than two zones: then nobody gets hints.
  std::vector<Share> zones;

  bool usable() const { return !zones.empty(); }
  const Share* Find(const Text& zone) const;
  friend bool operator==(const ZoneCapacity&, const ZoneCapacity&) = default;
};

// Whether a node's CPU counts: it is Ready and no control-plane node.
bool CountsAsCapacity(const Node& node);

// Keeps the sum as nodes come, change and go. Not thread-safe; the snapshots
// may be read anywhere.
class ZoneCapacities {
 public:
  // A node was `before` (null: was not there) and is `after` (null: is gone).
  // Returns whether the snapshot changed.
  bool Observe(const Node* before, const Node* after);

  // Never null.
  const std::shared_ptr<const ZoneCapacity>& snapshot() const { return snapshot_; }

 private:
  void Count(const Node& node, int sign);

  std::map<Text, std::pair<std::int64_t, std::int64_t>> zones_;  // CPU and nodes
  std::int64_t incomplete_nodes_ = 0;                            // without zone or CPU
  std::shared_ptr<const ZoneCapacity> snapshot_ = std::make_shared<const ZoneCapacity>();
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_ZONE_CAPACITY_H_
