// ShareZones(): resilient_allocation.h.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "controllers/topologyhints/resilient_allocation.h"

namespace epslice {
namespace {

using Counts = std::vector<std::int64_t>;

// Loads are sums of fractions with different denominators: compared as numbers
// with this much grace.
constexpr double kGrace = 1e-9;

// Endpoints of one zone (-1: of none) that name the same zones.
struct Class {
  int own;
  std::vector<int> zones;
  std::int64_t count;
  double load;  // of each, in CPU
};

class Sharing {
 public:
  // `leaning`: whether a zone takes endpoints beyond its own.
  Sharing(const Counts& cpu, const Counts& own, std::int64_t homeless, double limit, const std::vector<char>& leaning)
      : cpu_(cpu), own_(own), limit_(limit) {
    for (std::size_t z = 0; z < cpu.size(); ++z) {
      if (own[z] == 0) continue;
      Class c{static_cast<int>(z), {}, own[z], 0};
      if (leaning[z] == 0) {
        c.zones = {static_cast<int>(z)};
        c.load = static_cast<double>(cpu[z]) / static_cast<double>(own[z]);
      }
      classes_.push_back(std::move(c));
    }
    if (homeless > 0) classes_.push_back({-1, {}, homeless, 0});
  }

  // Gives a zone the fewest endpoints, its own first, that can bear it.
  bool Place(int zone) {
    const double cpu = static_cast<double>(cpu_[static_cast<std::size_t>(zone)]);
    SortFor(zone);
    std::int64_t before = 0;
    // As numbers that cannot overflow: where there is hardly any room, hardly
    // any number of endpoints will do.
    double least = static_cast<double>(std::max<std::int64_t>(1, own_[static_cast<std::size_t>(zone)]));
    for (const Class& c : classes_) {
      if (IsFull(c)) {
        if (c.own == zone) return false;
        continue;
      }
      // cpu / n <= room, for this class and all before it: loads only grow.
      least = std::max({least, std::ceil(cpu / ((limit_ - c.load) * (1 + kGrace))), static_cast<double>(before + 1)});
      before += c.count;
      if (least <= static_cast<double>(before)) return Give(zone, cpu, static_cast<std::int64_t>(least));
    }
    return false;
  }

  // Endpoints that nobody needed go where each zone's load is highest.
  std::vector<SharedAssignment> Finish() {
    Counts named(cpu_.size(), 0);
    for (const Class& c : classes_) {
      for (const int zone : c.zones) named[static_cast<std::size_t>(zone)] += c.count;
    }
    std::vector<SharedAssignment> result;
    for (Class& c : classes_) {
      if (!c.zones.empty()) {
        result.push_back({c.own, std::move(c.zones), c.count});
        continue;
      }
      std::vector<std::int64_t> added(cpu_.size(), 0);
      for (std::int64_t n = 0; n < c.count; ++n) ++added[Neediest(&named)];
      for (std::size_t z = 0; z < added.size(); ++z) {
        if (added[z] > 0) result.push_back({c.own, {static_cast<int>(z)}, added[z]});
      }
    }
    std::sort(result.begin(), result.end(), [](const SharedAssignment& a, const SharedAssignment& b) {
      return std::tie(a.own, a.zones) < std::tie(b.own, b.zones);
    });
    return result;
  }

 private:
  // Nothing more fits: what is too little to tell from a rounding error is no
  // room.
  bool IsFull(const Class& c) const {
    return c.zones.size() >= kMaxZonesOfEndpoint || limit_ - c.load <= limit_ * kGrace;
  }

  // Own endpoints first, then the least loaded, then by zone.
  void SortFor(int zone) {
    std::stable_sort(classes_.begin(), classes_.end(), [zone](const Class& a, const Class& b) {
      return std::make_tuple(a.own != zone, a.load, a.own, std::cref(a.zones)) <
             std::make_tuple(b.own != zone, b.load, b.own, std::cref(b.zones));
    });
  }

  bool Give(int zone, double cpu, std::int64_t count) {
    const double load = cpu / static_cast<double>(count);
    std::int64_t left = count;
    for (std::size_t i = 0; left > 0; ++i) {
      if (IsFull(classes_[i])) continue;
      if (classes_[i].count > left) {
        Class rest = classes_[i];
        rest.count -= left;
        classes_[i].count = left;
        classes_.push_back(std::move(rest));
      }
      Class& c = classes_[i];
      c.zones.insert(std::upper_bound(c.zones.begin(), c.zones.end(), zone), zone);
      c.load += load;
      left -= c.count;
    }
    return true;
  }

  std::size_t Neediest(Counts* named) const {
    // Every zone with CPU is named by now.
    auto most = static_cast<std::size_t>(std::find_if(cpu_.begin(), cpu_.end(), [](std::int64_t c) { return c > 0; }) -
                                         cpu_.begin());
    for (std::size_t z = most + 1; z < cpu_.size(); ++z) {
      if (static_cast<__int128>(cpu_[z]) * (*named)[most] > static_cast<__int128>(cpu_[most]) * (*named)[z]) most = z;
    }
    ++(*named)[most];
    return most;
  }

  const Counts& cpu_;
  const Counts& own_;
  const double limit_;
  std::vector<Class> classes_;
};

// Zones with CPU in `count` blocks of no more than an endpoint may name, with
// CPUs as alike as may be: the largest first, each into the least block.
std::vector<std::vector<int>> Blocks(const Counts& cpu, const std::vector<int>& by_cpu, std::size_t count) {
  std::vector<std::vector<int>> blocks(count);
  Counts sums(count, 0);
  for (const int zone : by_cpu) {
    std::size_t least = count;
    for (std::size_t b = 0; b < count; ++b) {
      if (blocks[b].size() >= kMaxZonesOfEndpoint) continue;
      if (least == count || sums[b] < sums[least]) least = b;
    }
    blocks[least].push_back(zone);
    sums[least] += cpu[static_cast<std::size_t>(zone)];
  }
  for (std::vector<int>& block : blocks) std::sort(block.begin(), block.end());
  return blocks;
}

// The last resort: all zones share all endpoints, which is an even spread; or,
// where they are more than an endpoint may name, blocks of zones share the
// endpoints of the block, as many blocks as meet the threshold.
std::vector<SharedAssignment> SpreadInBlocks(const Counts& cpu, const Counts& own, std::int64_t homeless,
                                             Millionths threshold) {
  std::vector<int> by_cpu;
  for (std::size_t z = 0; z < cpu.size(); ++z) {
    if (cpu[z] > 0) by_cpu.push_back(static_cast<int>(z));
  }
  const auto cpu_of = [&](int zone) { return cpu[static_cast<std::size_t>(zone)]; };
  std::stable_sort(by_cpu.begin(), by_cpu.end(), [&](int a, int b) { return cpu_of(a) > cpu_of(b); });
  const std::int64_t total = std::accumulate(cpu.begin(), cpu.end(), std::int64_t{0});
  const std::int64_t endpoints = std::accumulate(own.begin(), own.end(), homeless);
  const std::size_t fewest = (by_cpu.size() + kMaxZonesOfEndpoint - 1) / kMaxZonesOfEndpoint;
  // One block, where it may be, keeps as much traffic in its zone as no hints
  // would; several may keep less. Else each needs an endpoint at least.
  std::size_t count = fewest == 1 ? 1 : std::min(by_cpu.size(), static_cast<std::size_t>(endpoints));
  for (; count >= fewest; --count) {
    const std::vector<std::vector<int>> blocks = Blocks(cpu, by_cpu, count);
    Counts block_cpu(count, 0);
    std::vector<int> block_of(cpu.size(), -1);
    std::int64_t needed = 0;
    for (std::size_t b = 0; b < count; ++b) {
      for (const int zone : blocks[b]) {
        block_cpu[b] += cpu_of(zone);
        block_of[static_cast<std::size_t>(zone)] = static_cast<int>(b);
      }
      needed += ResilientMinimum(block_cpu[b], total, endpoints, threshold);
    }
    if (needed > endpoints) continue;
    // The same question as without sharing, with blocks for zones.
    std::vector<EndpointGroup> groups = {{-1, -1, false, homeless}};
    for (std::size_t z = 0; z < own.size(); ++z) groups.push_back({block_of[z], -1, false, own[z]});
    const std::optional<std::vector<ZoneAssignment>> assignments = AssignZones(block_cpu, groups, threshold);
    if (!assignments) continue;
    std::vector<SharedAssignment> result;
    for (const ZoneAssignment& a : *assignments) {
      result.push_back({static_cast<int>(a.group) - 1, blocks[static_cast<std::size_t>(a.zone)], a.count});
    }
    std::sort(result.begin(), result.end(), [](const SharedAssignment& a, const SharedAssignment& b) {
      return std::tie(a.own, a.zones) < std::tie(b.own, b.zones);
    });
    return result;
  }
  return {};
}

// Which zones lean on others when nobody gives way: those whose own endpoints
// do not suffice.
std::vector<char> Leaning(const Counts& cpu, const Counts& own, double limit) {
  std::vector<char> leaning(cpu.size(), 0);
  for (std::size_t z = 0; z < cpu.size(); ++z) {
    leaning[z] = static_cast<double>(cpu[z]) > limit * (1 + kGrace) * static_cast<double>(own[z]) ? 1 : 0;
  }
  return leaning;
}

}  // namespace

std::vector<SharedAssignment> ShareZones(const std::vector<std::int64_t>& cpu_milli,
                                         const std::vector<std::int64_t>& own, std::int64_t homeless,
                                         Millionths threshold) {
  const std::int64_t endpoints = std::accumulate(own.begin(), own.end(), homeless);
  const std::int64_t total = std::accumulate(cpu_milli.begin(), cpu_milli.end(), std::int64_t{0});
  if (endpoints == 0 || total == 0) return {};
  const double limit = static_cast<double>(total) / static_cast<double>(endpoints) *
                       (static_cast<double>(kOne + threshold) / static_cast<double>(kOne));
  // Zones that lean on others are placed one by one, which is for the few zones
  // that clusters have.
  constexpr std::size_t kMostPlaced = 64;
  if (cpu_milli.size() > kMostPlaced) return SpreadInBlocks(cpu_milli, own, homeless, threshold);
  std::vector<char> leaning = Leaning(cpu_milli, own, limit);
  for (;;) {
    std::vector<int> order;
    for (std::size_t z = 0; z < cpu_milli.size(); ++z) {
      if (leaning[z] != 0) order.push_back(static_cast<int>(z));
    }
    // The largest first, while there is most room.
    const auto cpu_of = [&](int zone) { return cpu_milli[static_cast<std::size_t>(zone)]; };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return cpu_of(a) > cpu_of(b); });
    Sharing sharing(cpu_milli, own, homeless, limit, leaning);
    if (std::all_of(order.begin(), order.end(), [&](int zone) { return sharing.Place(zone); })) return sharing.Finish();

    // Then the zone that has least room to itself gives way.
    std::size_t fullest = cpu_milli.size();
    for (std::size_t z = 0; z < cpu_milli.size(); ++z) {
      if (leaning[z] != 0 || own[z] == 0 || cpu_milli[z] == 0) continue;
      if (fullest == cpu_milli.size() ||
          static_cast<__int128>(cpu_milli[z]) * own[fullest] > static_cast<__int128>(cpu_milli[fullest]) * own[z]) {
        fullest = z;
      }
    }
    if (fullest == cpu_milli.size()) return SpreadInBlocks(cpu_milli, own, homeless, threshold);
    leaning[fullest] = 1;
  }
}

}  // namespace epslice
