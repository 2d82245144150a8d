#include "controllers/topologyhints/min_cost_flow.h"

#include <algorithm>
#include <deque>
#include <limits>

namespace epslice {

int MinCostFlow::AddNode() {
  first_.push_back(-1);
  last_.push_back(-1);
  return static_cast<int>(first_.size()) - 1;
}

void MinCostFlow::Append(int node, const Arc& arc) {
  const int number = static_cast<int>(arcs_.size());
  int& last = last_[static_cast<std::size_t>(node)];
  (last < 0 ? first_[static_cast<std::size_t>(node)] : arcs_[static_cast<std::size_t>(last)].next) = number;
  last = number;
  arcs_.push_back(arc);
}

int MinCostFlow::AddArc(int from, int to, std::int64_t capacity, std::int64_t cost) {
  const int arc = static_cast<int>(arcs_.size());
  Append(from, {to, -1, capacity, cost});
  Append(to, {from, -1, 0, -cost});
  return arc;
}

bool MinCostFlow::FindPath(int source, int sink, std::vector<int>* entered_by) const {
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> distance(first_.size(), kFar);
  std::vector<char> queued(first_.size(), 0);
  entered_by->assign(first_.size(), -1);
  std::deque<int> queue = {source};
  distance[static_cast<std::size_t>(source)] = 0;
  while (!queue.empty()) {
    const auto node = static_cast<std::size_t>(queue.front());
    queue.pop_front();
    queued[node] = 0;
    for (int a = first_[node]; a >= 0; a = arcs_[static_cast<std::size_t>(a)].next) {
      const Arc& arc = arcs_[static_cast<std::size_t>(a)];
      const auto to = static_cast<std::size_t>(arc.to);
      if (arc.capacity == 0 || distance[node] + arc.cost >= distance[to]) continue;
      distance[to] = distance[node] + arc.cost;
      (*entered_by)[to] = a;
      if (queued[to] == 0) {
        queued[to] = 1;
        queue.push_back(arc.to);
      }
    }
  }
  return distance[static_cast<std::size_t>(sink)] != kFar;
}

std::int64_t MinCostFlow::Send(int source, int sink, std::int64_t amount) {
  std::int64_t sent = 0;
  std::vector<int> entered_by;
  while (sent < amount && FindPath(source, sink, &entered_by)) {
    std::int64_t flow = amount - sent;
    const auto arc_into = [&](int node) {
      return static_cast<std::size_t>(entered_by[static_cast<std::size_t>(node)]);
    };
    for (int node = sink; node != source; node = arcs_[arc_into(node) ^ 1].to) {
      flow = std::min(flow, arcs_[arc_into(node)].capacity);
    }
    for (int node = sink; node != source; node = arcs_[arc_into(node) ^ 1].to) {
      arcs_[arc_into(node)].capacity -= flow;
      arcs_[arc_into(node) ^ 1].capacity += flow;
    }
    sent += flow;
  }
  return sent;
}

}  // namespace epslice
