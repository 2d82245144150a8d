#include "test/controllers/topologyhints/allocation_oracle.h"

#include <gtest/gtest.h>
#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>

#include <map>
#include <numeric>
#include <utility>

namespace epslice::testkit {

Cost CostOf(const EndpointGroup& group, int zone) {
  const std::int64_t changed = group.hinted == zone ? 0 : 1;
  return {group.own >= 0 && group.own != zone ? 1 : 0, changed, group.being_written ? 0 : changed};
}

void Add(Cost* sum, const Cost& cost, std::int64_t times) {
  for (std::size_t i = 0; i < sum->size(); ++i) (*sum)[i] += times * cost[i];
}

bool MeetsThreshold(const Counts& cpu, const Counts& have, Millionths threshold) {
  const auto total = static_cast<__int128>(std::accumulate(cpu.begin(), cpu.end(), std::int64_t{0}));
  const auto endpoints = static_cast<__int128>(std::accumulate(have.begin(), have.end(), std::int64_t{0}));
  for (std::size_t z = 0; z < cpu.size(); ++z) {
    if (cpu[z] == 0) continue;
    if (static_cast<__int128>(cpu[z]) * endpoints * 1'000'000 > total * have[z] * (1'000'000 + threshold)) return false;
  }
  return true;
}

// All assignments of all endpoints.
std::optional<Cost> BruteForce(const AllocationProblem& p) {
  std::vector<EndpointGroup> endpoints;
  for (const EndpointGroup& group : p.groups) {
    endpoints.insert(endpoints.end(), static_cast<std::size_t>(group.count), group);
  }
  if (endpoints.empty()) return std::nullopt;
  const int zones = static_cast<int>(p.cpu.size());
  std::vector<int> zone(endpoints.size(), 0);
  std::optional<Cost> best;
  for (bool more = true; more;) {
    Counts have(p.cpu.size(), 0);
    Cost cost{};
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      ++have[static_cast<std::size_t>(zone[i])];
      Add(&cost, CostOf(endpoints[i], zone[i]), 1);
    }
    if (MeetsThreshold(p.cpu, have, p.threshold) && (!best || cost < *best)) best = cost;
    more = false;
    for (int& z : zone) {
      if (++z < zones) {
        more = true;
        break;
      }
      z = 0;
    }
  }
  return best;
}

// The same as a flow: groups supply, zones take at least their minimum. The
// minimum is found by counting up.
std::optional<Cost> NetworkSimplex(const AllocationProblem& p) {
  using Graph = lemon::SmartDigraph;
  std::int64_t endpoints = 0;
  for (const EndpointGroup& group : p.groups) endpoints += group.count;
  if (endpoints == 0) return std::nullopt;
  const auto total = static_cast<__int128>(std::accumulate(p.cpu.begin(), p.cpu.end(), std::int64_t{0}));
  Graph graph;
  const Graph::Node source = graph.addNode();
  const Graph::Node sink = graph.addNode();
  Graph::ArcMap<std::int64_t> lower(graph, 0), upper(graph, endpoints), cost(graph, 0);
  std::vector<Graph::Node> takers;
  for (std::size_t z = 0; z < p.cpu.size(); ++z) {
    takers.push_back(graph.addNode());
    const Graph::Arc out = graph.addArc(takers[z], sink);
    std::int64_t minimum = p.cpu[z] > 0 ? 1 : 0;
    while (static_cast<__int128>(p.cpu[z]) * endpoints * 1'000'000 > total * minimum * (1'000'000 + p.threshold)) {
      ++minimum;
    }
    lower[out] = minimum;
    upper[out] = endpoints;
    if (minimum > endpoints) return std::nullopt;
  }
  std::map<int, std::pair<std::size_t, std::size_t>> arcs;  // of the graph: group and zone
  for (std::size_t g = 0; g < p.groups.size(); ++g) {
    const Graph::Node node = graph.addNode();
    const Graph::Arc in = graph.addArc(source, node);
    lower[in] = upper[in] = p.groups[g].count;
    for (std::size_t z = 0; z < p.cpu.size(); ++z) {
      const Graph::Arc arc = graph.addArc(node, takers[z]);
      const Cost c = CostOf(p.groups[g], static_cast<int>(z));
      // 5,000 endpoints: each weight is more than all of the next.
      cost[arc] = c[0] * 100'000'000 + c[1] * 10'000 + c[2];
      upper[arc] = endpoints;
      arcs[Graph::id(arc)] = {g, z};
    }
  }
  lemon::NetworkSimplex<Graph, std::int64_t, std::int64_t> simplex(graph);
  simplex.lowerMap(lower).upperMap(upper).costMap(cost).stSupply(source, sink, endpoints);
  if (simplex.run() != lemon::NetworkSimplex<Graph, std::int64_t, std::int64_t>::OPTIMAL) return std::nullopt;
  Cost sum{};
  for (Graph::ArcIt arc(graph); arc != lemon::INVALID; ++arc) {
    const auto at = arcs.find(Graph::id(arc));
    if (at == arcs.end()) continue;
    Add(&sum, CostOf(p.groups[at->second.first], static_cast<int>(at->second.second)), simplex.flow(arc));
  }
  return sum;
}

std::string Describe(const AllocationProblem& p) {
  std::string text = "cpu " + ::testing::PrintToString(p.cpu) + " threshold " + std::to_string(p.threshold);
  for (const EndpointGroup& g : p.groups) {
    text += "\n  " + std::to_string(g.count) + " of " + std::to_string(g.own) + " hinted " + std::to_string(g.hinted) +
            (g.being_written ? " written" : "");
  }
  return text;
}

}  // namespace epslice::testkit
