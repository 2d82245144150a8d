#include "controllers/topologyhints/resilient_allocation.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "controllers/topologyhints/min_cost_flow.h"

namespace epslice {
namespace {

using Counts = std::vector<std::int64_t>;

std::size_t At(int zone) { return static_cast<std::size_t>(zone); }

// Costs in the order of their weight. A path has fewer steps than there are
// nodes, and so never adds up to the next weight.
constexpr std::int64_t kAway = std::int64_t{1} << 42;
constexpr std::int64_t kChanged = std::int64_t{1} << 21;
constexpr std::int64_t kRewritten = 1;

// Endpoints start at home, or where they are hinted if they have no home; then
// as few as needed move to the zones that lack some, at the cost of the
// difference. All that can move anywhere alike meets in one hub, so that the
// network grows with the zones, not with their pairs.
class Assigner {
 public:
  Assigner(const Counts& minimum, const std::vector<EndpointGroup>& groups)
      : groups_(groups), missing_(minimum.size(), 0), spare_(minimum.size(), 0), left_(groups.size()) {
    Counts have(minimum.size(), 0);
    for (const EndpointGroup& group : groups) {
      if (group.own >= 0) have[At(group.own)] += group.count;
    }
    for (std::size_t z = 0; z < minimum.size(); ++z) {
      missing_[z] = std::max<std::int64_t>(0, minimum[z] - have[z]);
      spare_[z] = std::max<std::int64_t>(0, have[z] - minimum[z]);
    }
    for (std::size_t g = 0; g < groups.size(); ++g) left_[g] = groups[g].count;
  }

  std::vector<ZoneAssignment> Run() {
    if (std::any_of(missing_.begin(), missing_.end(), [](std::int64_t n) { return n > 0; })) Move();
    return std::move(moved_);
  }
  // Of each group, what did not move.
  const Counts& left() const { return left_; }

 private:
  void Move() {
    source_ = flow_.AddNode();
    sink_ = flow_.AddNode();
    hub_ = flow_.AddNode();
    for (std::size_t z = 0; z < missing_.size(); ++z) {
      taker_.push_back(missing_[z] > 0 ? flow_.AddNode() : -1);
      giver_.push_back(spare_[z] > 0 ? flow_.AddNode() : -1);
      if (spare_[z] > 0) flow_.AddArc(source_, giver_[z], spare_[z], 0);
    }
    for (std::size_t g = 0; g < groups_.size(); ++g) AddGroup(g);
    std::vector<int> from_hub(missing_.size(), -1);
    std::int64_t amount = 0;
    for (std::size_t z = 0; z < missing_.size(); ++z) {
      if (missing_[z] == 0) continue;
      from_hub[z] = flow_.AddArc(hub_, taker_[z], missing_[z], 0);
      flow_.AddArc(taker_[z], sink_, missing_[z], 0);
      amount += missing_[z];
    }
    flow_.Send(source_, sink_, amount);
    for (const auto& [arc, group, zone] : direct_) Take(group, zone, flow_.FlowOf(arc));
    ShareOutHub(from_hub);
  }

  void AddGroup(std::size_t g) {
    const EndpointGroup& group = groups_[g];
    const std::int64_t change = kChanged + (group.being_written ? 0 : kRewritten);
    int from = source_;
    std::int64_t away = 0;
    if (group.own >= 0) {
      from = giver_[At(group.own)];
      if (from < 0) return;
      away = kAway;
    }
    // What it costs beyond staying: a move to where nothing points, and one to
    // the zone that the hint names already.
    std::int64_t elsewhere = away;
    std::int64_t as_hinted = away;
    if (group.own >= 0) {
      if (group.hinted == group.own) elsewhere += change;
      as_hinted -= change;
    } else if (group.hinted >= 0) {
      elsewhere += change;
    }
    if (group.hinted >= 0 && group.hinted != group.own && missing_[At(group.hinted)] > 0) {
      const int node = flow_.AddNode();
      flow_.AddArc(from, node, group.count, 0);
      direct_.push_back({flow_.AddArc(node, taker_[At(group.hinted)], group.count, as_hinted), g, group.hinted});
      to_hub_.push_back({flow_.AddArc(node, hub_, group.count, elsewhere), g, -1});
    } else {
      to_hub_.push_back({flow_.AddArc(from, hub_, group.count, elsewhere), g, -1});
    }
  }

  // Who went into the hub comes out of it in the order of groups and zones:
  // all pairs cost the same.
  void ShareOutHub(const std::vector<int>& from_hub) {
    std::size_t z = 0;
    std::int64_t room = 0;
    for (const auto& [arc, group, none] : to_hub_) {
      for (std::int64_t flow = flow_.FlowOf(arc); flow > 0;) {
        for (; room == 0; ++z) room = from_hub[z] < 0 ? 0 : flow_.FlowOf(from_hub[z]);
        const std::int64_t part = std::min(flow, room);
        Take(group, static_cast<int>(z) - 1, part);
        flow -= part;
        room -= part;
      }
    }
  }

  void Take(std::size_t group, int zone, std::int64_t count) {
    if (count == 0) return;
    left_[group] -= count;
    moved_.push_back({group, zone, count});
  }

  struct Tracked {
    int arc;
    std::size_t group;
    int zone;
  };

  const std::vector<EndpointGroup>& groups_;
  Counts missing_, spare_;  // by zone
  Counts left_;             // by group
  MinCostFlow flow_{0};
  int source_ = -1, sink_ = -1, hub_ = -1;
  std::vector<int> taker_, giver_;  // nodes by zone; -1: neither takes nor gives
  std::vector<Tracked> direct_, to_hub_;
  std::vector<ZoneAssignment> moved_;
};

// Adds endpoints without home or hint, of which nobody is in need, where they
// relieve most. Zones with CPU have an endpoint by now.
void AddWanderers(const Counts& cpu, std::size_t group, std::int64_t count, Counts* have,
                  std::vector<ZoneAssignment>* assignments) {
  Counts added(cpu.size(), 0);
  const auto first =
      static_cast<std::size_t>(std::find_if(cpu.begin(), cpu.end(), [](auto c) { return c > 0; }) - cpu.begin());
  for (; count > 0; --count) {
    std::size_t most = first;
    for (std::size_t z = first + 1; z < cpu.size(); ++z) {
      // cpu[z] / have[z] > cpu[most] / have[most]
      if (static_cast<__int128>(cpu[z]) * (*have)[most] > static_cast<__int128>(cpu[most]) * (*have)[z]) most = z;
    }
    ++(*have)[most];
    ++added[most];
  }
  for (std::size_t z = 0; z < cpu.size(); ++z) {
    if (added[z] > 0) assignments->push_back({group, static_cast<int>(z), added[z]});
  }
}

}  // namespace

std::int64_t ResilientMinimum(std::int64_t cpu, std::int64_t total, std::int64_t endpoints, Millionths threshold) {
  if (cpu <= 0 || total <= 0 || endpoints == 0) return 0;
  // ceil(cpu * endpoints / (total * (1 + threshold)))
  const __int128 above = static_cast<__int128>(cpu) * endpoints * kOne;
  const __int128 below = static_cast<__int128>(total) * (kOne + threshold);
  return static_cast<std::int64_t>((above + below - 1) / below);
}

std::optional<std::vector<ZoneAssignment>> AssignZones(const std::vector<std::int64_t>& cpu_milli,
                                                       const std::vector<EndpointGroup>& groups, Millionths threshold) {
  const std::int64_t total = std::accumulate(cpu_milli.begin(), cpu_milli.end(), std::int64_t{0});
  std::int64_t endpoints = 0;
  for (const EndpointGroup& group : groups) endpoints += group.count;
  if (total == 0 || endpoints == 0) return std::nullopt;
  Counts minimum;
  for (const std::int64_t cpu : cpu_milli) minimum.push_back(ResilientMinimum(cpu, total, endpoints, threshold));
  if (std::accumulate(minimum.begin(), minimum.end(), std::int64_t{0}) > endpoints) return std::nullopt;

  Assigner assigner(minimum, groups);
  std::vector<ZoneAssignment> assignments = assigner.Run();
  Counts have(cpu_milli.size(), 0);
  for (const ZoneAssignment& assignment : assignments) have[At(assignment.zone)] += assignment.count;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const int stays = groups[g].own >= 0 ? groups[g].own : groups[g].hinted;
    if (stays < 0 || assigner.left()[g] == 0) continue;
    assignments.push_back({g, stays, assigner.left()[g]});
    have[At(stays)] += assigner.left()[g];
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].own >= 0 || groups[g].hinted >= 0) continue;
    AddWanderers(cpu_milli, g, assigner.left()[g], &have, &assignments);
  }
  return assignments;
}

}  // namespace epslice
