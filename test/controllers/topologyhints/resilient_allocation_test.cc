// The allocation is held against brute force where there are few endpoints, and
// against LEMON's network simplex where there are many.
#include "controllers/topologyhints/resilient_allocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

#include "informers/random.h"
#include "test/controllers/topologyhints/allocation_oracle.h"

namespace epslice {
namespace {

using testkit::BruteForce;
using testkit::Cost;
using testkit::Counts;
using testkit::Describe;
using testkit::NetworkSimplex;
using Problem = testkit::AllocationProblem;

constexpr Millionths kDefault = 200'000;

// Checks that every endpoint has one zone; returns what it costs. Nothing: no
// assignment.
std::optional<Cost> Solve(const Problem& p) {
  const std::optional<std::vector<ZoneAssignment>> assignments = AssignZones(p.cpu, p.groups, p.threshold);
  if (!assignments) return std::nullopt;
  Counts have(p.cpu.size(), 0);
  Counts of_group(p.groups.size(), 0);
  Cost cost{};
  for (const ZoneAssignment& a : *assignments) {
    EXPECT_GT(a.count, 0);
    have.at(static_cast<std::size_t>(a.zone)) += a.count;
    of_group[a.group] += a.count;
    testkit::Add(&cost, testkit::CostOf(p.groups[a.group], a.zone), a.count);
  }
  for (std::size_t g = 0; g < p.groups.size(); ++g) EXPECT_EQ(of_group[g], p.groups[g].count);
  EXPECT_TRUE(testkit::MeetsThreshold(p.cpu, have, p.threshold));
  EXPECT_EQ(AssignZones(p.cpu, p.groups, p.threshold)->size(), assignments->size());
  return cost;
}

Problem RandomProblem(Random* random, int most_zones, int groups, std::int64_t most_in_group) {
  Problem p;
  const auto zones = static_cast<int>(random->Between(2, most_zones));
  const bool some_without_cpu = random->Chance(0.2);
  for (int z = 0; z < zones; ++z) {
    p.cpu.push_back(some_without_cpu && random->Chance(0.3) ? 0 : random->Between(1, 12) * 500);
  }
  p.cpu[random->Below(p.cpu.size())] = 4000;
  static constexpr std::array<Millionths, 6> kThresholds = {0, 50'000, kDefault, kDefault, 340'000, 2'000'000};
  p.threshold = kThresholds[random->Below(kThresholds.size())];
  // Mostly at home and hinted so, as clusters are.
  for (int g = 0; g < groups; ++g) {
    EndpointGroup group;
    group.own = static_cast<int>(random->Between(random->Chance(0.2) ? -1 : 0, zones - 1));
    group.hinted = random->Chance(0.5) ? group.own : static_cast<int>(random->Between(-1, zones - 1));
    group.being_written = random->Chance(0.3);
    group.count = random->Between(0, most_in_group);
    p.groups.push_back(group);
  }
  return p;
}

TEST(AssignZonesTest, NoWorseThanBruteForce) {
  Random random(11);
  int solved = 0;
  int none = 0;
  for (int round = 0; round < 10'000; ++round) {
    const Problem p = RandomProblem(&random, round % 3 == 0 ? 4 : 3, static_cast<int>(random.Between(1, 6)), 1);
    const std::optional<Cost> best = BruteForce(p);
    ASSERT_EQ(Solve(p), best) << Describe(p);
    ++(best ? solved : none);
  }
  EXPECT_GT(solved, 1500);
  EXPECT_GT(none, 1500);
}

TEST(AssignZonesTest, NoWorseThanNetworkSimplex) {
  Random random(12);
  int solved = 0;
  for (int round = 0; round < 1500; ++round) {
    const Problem p = RandomProblem(&random, 10, static_cast<int>(random.Between(2, 40)), round % 2 == 0 ? 250 : 12);
    const std::optional<Cost> best = NetworkSimplex(p);
    ASSERT_EQ(Solve(p), best) << Describe(p);
    solved += best ? 1 : 0;
  }
  EXPECT_GT(solved, 900);
}

TEST(AssignZonesTest, ManyZones) {
  Random random(13);
  Problem p;
  for (int z = 0; z < 300; ++z) p.cpu.push_back(random.Between(1, 50) * 1000);
  for (int g = 0; g < 600; ++g) {
    p.groups.push_back({static_cast<int>(random.Between(0, 299)), static_cast<int>(random.Between(-1, 299)),
                        random.Chance(0.5), random.Between(1, 12)});
  }
  EXPECT_EQ(Solve(p), NetworkSimplex(p));
}

TEST(ResilientMinimumTest, IsExactWhereDoublesAreNot) {
  // 0.6 * 10 / 1.2 = 5, of which doubles make 5.000000000000001.
  EXPECT_EQ(ResilientMinimum(6, 10, 10, kDefault), 5);
  EXPECT_EQ(ResilientMinimum(1, 3, 3, 0), 1);
  EXPECT_EQ(ResilientMinimum(1, 3, 4, 0), 2);
  EXPECT_EQ(ResilientMinimum(0, 10, 10, kDefault), 0);
  EXPECT_EQ(ResilientMinimum(1, 1'000'000'000, 1, kMaxThreshold), 1) << "who has consumers has an endpoint";
  for (std::int64_t n = 1; n < 200; ++n) {
    const std::int64_t minimum = ResilientMinimum(7, 19, n, kDefault);
    EXPECT_LE(7 * n * 10, 19 * 12 * minimum);
    EXPECT_GT(7 * n * 10, 19 * 12 * (minimum - 1));
  }
}

// What the shares mean: all endpoints named, all zones with CPU served, no
// endpoint above the threshold.
struct SharedView {
  std::int64_t endpoints = 0;
  double worst = 0;       // load over an even spread
  double in_zone = 0;     // share of the traffic
  bool all_named = true;  // every endpoint some zone, every zone some endpoint
};

SharedView View(const Counts& cpu, const Counts& own, std::int64_t homeless,
                const std::vector<SharedAssignment>& shared) {
  SharedView view;
  const double total = static_cast<double>(std::accumulate(cpu.begin(), cpu.end(), std::int64_t{0}));
  Counts named(cpu.size(), 0), at_home(cpu.size(), 0), seen(cpu.size() + 1, 0);
  for (const SharedAssignment& s : shared) {
    EXPECT_GT(s.count, 0);
    EXPECT_LE(s.zones.size(), kMaxZonesOfEndpoint);
    EXPECT_TRUE(std::is_sorted(s.zones.begin(), s.zones.end()));
    EXPECT_EQ(std::adjacent_find(s.zones.begin(), s.zones.end()), s.zones.end());
    view.all_named &= !s.zones.empty();
    view.endpoints += s.count;
    seen[static_cast<std::size_t>(s.own + 1)] += s.count;
    for (const int z : s.zones) {
      named[static_cast<std::size_t>(z)] += s.count;
      if (z == s.own) at_home[static_cast<std::size_t>(z)] += s.count;
    }
  }
  EXPECT_EQ(seen[0], homeless);
  EXPECT_EQ(Counts(seen.begin() + 1, seen.end()), own);
  for (std::size_t z = 0; z < cpu.size(); ++z) {
    if (cpu[z] == 0) continue;
    view.all_named &= named[z] > 0;
    view.in_zone += static_cast<double>(cpu[z]) / total * static_cast<double>(at_home[z]) /
                    static_cast<double>(std::max<std::int64_t>(1, named[z]));
  }
  for (const SharedAssignment& s : shared) {
    double load = 0;
    for (const int z : s.zones) {
      load += static_cast<double>(cpu[static_cast<std::size_t>(z)]) /
              static_cast<double>(named[static_cast<std::size_t>(z)]);
    }
    view.worst = std::max(view.worst, load / total * static_cast<double>(view.endpoints));
  }
  return view;
}

TEST(ShareZonesTest, Cases) {
  struct Case {
    const char* what;
    Counts cpu, own;
    std::int64_t homeless;
    Millionths threshold;
    std::vector<std::tuple<int, std::vector<int>, std::int64_t>> want;
  };
  for (const Case& c : std::vector<Case>{
           {"one endpoint is for all", {1, 1, 1}, {0, 1, 0}, 0, kDefault, {{1, {0, 1, 2}, 1}}},
           {"two keep their zones and share the third",
            {1, 1, 1},
            {1, 1, 0},
            0,
            kDefault,
            {{0, {0, 2}, 1}, {1, {1, 2}, 1}}},
           {"even without any grace", {1, 1, 1}, {1, 1, 0}, 0, 0, {{0, {0, 2}, 1}, {1, {1, 2}, 1}}},
           {"one without a zone takes the zone that has none",
            {1, 1},
            {1, 0},
            1,
            kDefault,
            {{-1, {1}, 1}, {0, {0}, 1}}},
           {"zones without CPU ask for nothing", {1, 0, 1}, {1, 1, 0}, 0, kDefault, {{0, {0}, 1}, {1, {1, 2}, 1}}},
           {"nobody", {1, 1}, {0, 0}, 0, kDefault, {}},
           {"more zones than one endpoint may name",
            {1, 1, 1, 1, 1, 1, 1, 1, 1},
            {1, 0, 0, 0, 0, 0, 0, 0, 0},
            0,
            kDefault,
            {}},
       }) {
    std::vector<std::tuple<int, std::vector<int>, std::int64_t>> got;
    for (const SharedAssignment& s : ShareZones(c.cpu, c.own, c.homeless, c.threshold)) {
      got.emplace_back(s.own, s.zones, s.count);
    }
    EXPECT_EQ(got, c.want) << c.what;
  }
}

TEST(ShareZonesTest, ServesAllWithinTheThreshold) {
  Random random(14);
  int better = 0;
  int shared_rounds = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto zones = static_cast<std::size_t>(random.Between(2, 8));
    Counts cpu, own;
    for (std::size_t z = 0; z < zones; ++z) {
      cpu.push_back(random.Chance(0.1) ? 0 : random.Between(1, 40) * 500);
      own.push_back(random.Chance(0.3) ? 0 : random.Between(0, 4));
    }
    cpu[0] = std::max<std::int64_t>(cpu[0], 500);
    own[random.Below(zones)] += 1;
    const std::int64_t homeless = random.Chance(0.2) ? random.Between(1, 3) : 0;
    const Millionths threshold = random.Chance(0.5) ? kDefault : random.Between(0, 5) * 100'000;
    const std::vector<SharedAssignment> shared = ShareZones(cpu, own, homeless, threshold);
    const SharedView view = View(cpu, own, homeless, shared);
    const std::string what = ::testing::PrintToString(cpu) + ::testing::PrintToString(own) + " +" +
                             std::to_string(homeless) + " threshold " + std::to_string(threshold);
    ASSERT_FALSE(shared.empty()) << what;
    ASSERT_TRUE(view.all_named) << what;
    ASSERT_LE(view.worst, 1 + static_cast<double>(threshold) / 1e6 + 1e-8) << what;
    // No less stays in its zone than without hints.
    double even = 0;
    const double total = static_cast<double>(std::accumulate(cpu.begin(), cpu.end(), std::int64_t{0}));
    for (std::size_t z = 0; z < zones; ++z) {
      even += static_cast<double>(cpu[z]) / total * static_cast<double>(own[z]) / static_cast<double>(view.endpoints);
    }
    ASSERT_GE(view.in_zone, even - 1e-9) << what;
    ++shared_rounds;
    better += view.in_zone > even + 1e-6 ? 1 : 0;
  }
  EXPECT_GT(better, shared_rounds / 2) << "or sharing is not worth it";
}

// More zones than an endpoint may name: blocks of them share.
TEST(ShareZonesTest, ManyZonesShareInBlocks) {
  // Two blocks do: one zone has 2 endpoints, the other eight the rest.
  const Counts nine = {32, 8, 8, 64, 64, 4, 16, 64, 64};
  const Counts sixteen = {2, 2, 2, 2, 2, 2, 2, 1, 1};
  const std::vector<SharedAssignment> shared = ShareZones(nine, sixteen, 0, kDefault);
  ASSERT_FALSE(shared.empty());
  const SharedView nine_view = View(nine, sixteen, 0, shared);
  EXPECT_TRUE(nine_view.all_named);
  EXPECT_LE(nine_view.worst, 1.2 + 1e-8);

  Random random(15);
  int found = 0;
  int rounds = 0;
  for (; rounds < 3000; ++rounds) {
    const auto zones = static_cast<std::size_t>(rounds % 100 == 0 ? random.Between(65, 120) : random.Between(9, 24));
    Counts cpu, own;
    for (std::size_t z = 0; z < zones; ++z) {
      cpu.push_back(random.Between(1, 16) * 500);
      own.push_back(random.Between(0, 3));
    }
    const std::int64_t homeless = random.Between(1, 3);
    const std::vector<SharedAssignment> answer = ShareZones(cpu, own, homeless, kDefault);
    if (answer.empty()) continue;
    ++found;
    const SharedView view = View(cpu, own, homeless, answer);
    ASSERT_TRUE(view.all_named);
    ASSERT_LE(view.worst, 1.2 + 1e-8);
  }
  EXPECT_GT(found, rounds * 9 / 10);
}

TEST(ShareZonesTest, ExtremeNumbers) {
  constexpr std::int64_t kHuge = 1'000'000'000'000'000'000;
  for (const Millionths threshold : {Millionths{0}, kDefault, kMaxThreshold}) {
    const Counts cpu = {kHuge, 1, kHuge, 3};
    const Counts own = {1, 5, 0, 1};
    const SharedView view = View(cpu, own, 2, ShareZones(cpu, own, 2, threshold));
    EXPECT_TRUE(view.all_named);
    EXPECT_LE(view.worst, 1 + static_cast<double>(threshold) / 1e6 + 1e-6);
  }
  EXPECT_EQ(ResilientMinimum(5, 0, 10, kDefault), 0);
  EXPECT_EQ(ResilientMinimum(-5, 10, 10, kDefault), 0);
}

}  // namespace
}  // namespace epslice
