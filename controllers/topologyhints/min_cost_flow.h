// A flow of least cost through a small network: successive shortest paths.
//
// Deterministic: the arcs of a node are tried in the order they were added, and
// of equally cheap paths the one found first is taken. Costs may be negative as long as no cycle is. The networks here
// have a node for each zone and a few for each pair of zones that is in use, so
// that plain Bellman-Ford with a queue is quicker than anything cleverer.
// Not thread-safe.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_MIN_COST_FLOW_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_MIN_COST_FLOW_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace epslice {

class MinCostFlow {
 public:
  explicit MinCostFlow(std::size_t nodes) : first_(nodes, -1), last_(nodes, -1) {}

  // Returns a new node, or the arc's number.
  int AddNode();
  int AddArc(int from, int to, std::int64_t capacity, std::int64_t cost);

  // Sends up to `amount` from `source` to `sink`; returns how much went.
  std::int64_t Send(int source, int sink, std::int64_t amount);

  std::int64_t FlowOf(int arc) const { return arcs_[static_cast<std::size_t>(arc) + 1].capacity; }

 private:
  // An arc and its reverse stand side by side: arc ^ 1.
  struct Arc {
    int to;
    int next;  // of the same node, added after it; -1: none
    std::int64_t capacity;
    std::int64_t cost;
  };
  void Append(int node, const Arc& arc);
  // The arc by which the cheapest path enters each node; false: no path.
  bool FindPath(int source, int sink, std::vector<int>* entered_by) const;

  std::vector<Arc> arcs_;
  std::vector<int> first_, last_;  // arcs of each node
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_MIN_COST_FLOW_H_
