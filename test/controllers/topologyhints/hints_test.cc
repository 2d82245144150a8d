#include "controllers/topologyhints/hints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "controllers/topologyhints/allocation.h"
#include "informers/random.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Node MakeNode(const std::string& zone, std::int64_t cpu_milli) {
  Node node;
  node.ready = true;
  if (!zone.empty()) node.metadata.labels = StringMap{{Text(kLabelZone), Text(zone)}};
  if (cpu_milli != 0) node.allocatableCpuMilli = cpu_milli;
  return node;
}

ZoneCapacity Capacity(const std::vector<std::pair<std::string, std::int64_t>>& zones) {
  ZoneCapacities capacities;
  for (const auto& [zone, cpu] : zones) {
    const Node node = MakeNode(zone, cpu);
    capacities.Observe(nullptr, &node);
  }
  return *capacities.snapshot();
}

Endpoint MakeEndpoint(const std::string& zone, bool ready = true, const std::string& hint = "") {
  Endpoint endpoint;
  endpoint.addresses = {Text("10.0.0.1")};
  endpoint.conditions.ready = ready;
  endpoint.zone = Text(zone);
  if (!hint.empty()) endpoint.hints = EndpointHints{{Text(hint)}, {}};
  return endpoint;
}

TEST(ZoneCapacitiesTest, CountsReadyWorkersOnly) {
  ZoneCapacities capacities;
  const Node a = MakeNode("a", 2000);
  const Node b = MakeNode("b", 6000);
  EXPECT_TRUE(capacities.Observe(nullptr, &a));
  EXPECT_FALSE(capacities.snapshot()->usable()) << "one zone is no zones";
  EXPECT_TRUE(capacities.Observe(nullptr, &b));
  ASSERT_THAT(capacities.snapshot()->zones, SizeIs(2));
  EXPECT_EQ(capacities.snapshot()->zones[0].ratio, 0.25);
  EXPECT_EQ(capacities.snapshot()->zones[1].cpu_milli, 6000);

  Node control_plane = MakeNode("c", 1000);
  control_plane.metadata.labels =
      control_plane.metadata.labels.With(Text("node-role.kubernetes.io/control-plane"), Text());
  Node sick = MakeNode("c", 1000);
  sick.ready = false;
  EXPECT_FALSE(capacities.Observe(nullptr, &control_plane));
  EXPECT_FALSE(capacities.Observe(nullptr, &sick));

  Node more = b;
  more.allocatableCpuMilli = 2000;
  EXPECT_TRUE(capacities.Observe(&b, &more)) << "allocatable CPU counts";
  EXPECT_EQ(capacities.snapshot()->zones[0].ratio, 0.5);
  EXPECT_TRUE(capacities.Observe(&a, nullptr));
  EXPECT_FALSE(capacities.snapshot()->usable());
}

TEST(ZoneCapacitiesTest, OneNodeWithoutZoneOrCpuSpoilsItUntilItIsMended) {
  for (const Node& bad : {MakeNode("", 1000), MakeNode("a", 0)}) {
    ZoneCapacities capacities;
    const Node a = MakeNode("a", 1000);
    const Node b = MakeNode("b", 1000);
    capacities.Observe(nullptr, &a);
    capacities.Observe(nullptr, &b);
    EXPECT_TRUE(capacities.Observe(nullptr, &bad));
    EXPECT_FALSE(capacities.snapshot()->usable());
    EXPECT_TRUE(capacities.Observe(&bad, &a));
    EXPECT_TRUE(capacities.snapshot()->usable());
  }
}

// What no node has, but somebody may write.
TEST(ZoneCapacitiesTest, ImpossibleCpu) {
  ZoneCapacities capacities;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const std::vector<Node> nodes = {MakeNode("a", kMost), MakeNode("b", kMost), MakeNode("c", 2)};
  for (const Node& node : nodes) capacities.Observe(nullptr, &node);
  double sum = 0;
  for (const ZoneCapacity::Share& share : capacities.snapshot()->zones) {
    EXPECT_GT(share.cpu_milli, 0);
    EXPECT_GE(share.ratio, 0);
    sum += share.ratio;
  }
  EXPECT_DOUBLE_EQ(sum, 1);
  const Node negative = MakeNode("c", -4000);
  capacities.Observe(&nodes[2], &negative);
  EXPECT_EQ(capacities.snapshot()->unknown_nodes, 1) << "as if it had none";
  ASSERT_THAT(capacities.snapshot()->consumer_zones, SizeIs(3)) << "its zone has consumers all the same";
  EXPECT_EQ(capacities.snapshot()->consumer_zones[2].cpu_milli, 0);
}

TEST(AllocateEndpointsTest, Cases) {
  struct Case {
    std::vector<std::pair<std::string, std::int64_t>> zones;
    int endpoints;
    std::string failure;
    std::vector<int> minimum, maximum;
  };
  const std::string insufficient =
      "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";
  for (const Case& c : std::vector<Case>{
           {{{"a", 1}, {"b", 1}}, 2, "", {1, 1}, {1, 1}},
           {{{"a", 1000}, {"b", 1000}}, 12, "", {5, 5}, {7, 7}},
           {{{"a", 1000}, {"b", 3000}}, 8, "", {2, 5}, {3, 6}},
           {{{"a", 1000}}, 8, insufficient, {}, {}},
           {{{"a", 1}, {"b", 1}, {"c", 1}}, 2, "Insufficient number of endpoints (2 endpoints, 3 zones)", {}, {}},
           {{{"a", 1}, {"b", 1}}, 0, "Insufficient number of endpoints (0 endpoints, 2 zones)", {}, {}},
           {{{"a", 1000}, {"b", 1000}, {"c", 1000}},
            4,
            "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
            "(4 endpoints, 3 zones)",
            {},
            {}}}) {
    const Allocation allocation = AllocateEndpoints(Capacity(c.zones), HintsOptions().overload_threshold, c.endpoints);
    EXPECT_EQ(allocation.message, c.failure);
    EXPECT_EQ(allocation.failure == HintFailure::kNone, c.failure.empty());
    std::vector<int> minimum, maximum;
    for (const ZoneAllocation& zone : allocation.zones) {
      minimum.push_back(zone.minimum);
      maximum.push_back(zone.maximum);
      EXPECT_GE(zone.desired, zone.minimum);
    }
    EXPECT_EQ(minimum, c.minimum);
    EXPECT_EQ(maximum, c.maximum);
  }
}

class HintsTest : public ::testing::Test {
 protected:
  HintState Run(const ZoneCapacity& capacity) {
    return AddHints(std::make_shared<const ZoneCapacity>(capacity), {},
                    {&create_, &update_, &unchanged_, nullptr, false});
  }

  static std::string Hints(const EndpointSlice& slice) {
    std::string text;
    for (const Endpoint& e : slice.endpoints) text += e.hints ? e.hints->forZones.at(0).str() : "-";
    return text;
  }
  static std::shared_ptr<EndpointSlice> Slice(std::vector<Endpoint> endpoints) {
    auto slice = std::make_shared<EndpointSlice>();
    slice->endpoints = std::move(endpoints);
    return slice;
  }

  std::vector<std::shared_ptr<EndpointSlice>> create_, update_;
  std::vector<std::shared_ptr<const EndpointSlice>> unchanged_;
};

TEST_F(HintsTest, EveryReadyEndpointGetsItsZoneAndSomeAreGivenAway) {
  create_ = {
      Slice({MakeEndpoint("a"), MakeEndpoint("a"), MakeEndpoint("a"), MakeEndpoint("a", false), MakeEndpoint("b")})};
  const HintState state = Run(Capacity({{"a", 1000}, {"b", 1000}}));
  EXPECT_EQ(state.kind, HintState::Kind::kEnabled);
  EXPECT_EQ(Hints(*create_[0]), "baa-b");
  EXPECT_THAT(state.by_zone,
              ElementsAre(HintState::Zone{Text("a"), 2, 0, true}, HintState::Zone{Text("b"), 2, 0, true}));
}

TEST_F(HintsTest, AnEndpointWithoutAZoneTakesAllHintsAway) {
  unchanged_ = {Slice({MakeEndpoint("a", true, "a"), MakeEndpoint("b", true, "b")})};
  update_ = {Slice({MakeEndpoint(""), MakeEndpoint("a")})};
  const auto before = *unchanged_[0];
  const auto kept = unchanged_[0];
  const HintState state = Run(Capacity({{"a", 1000}, {"b", 1000}}));
  EXPECT_EQ(state.kind, HintState::Kind::kDisabled);
  EXPECT_EQ(state.reason, "One or more endpoints do not have a zone specified");
  EXPECT_THAT(unchanged_, IsEmpty());
  ASSERT_THAT(update_, SizeIs(2));
  EXPECT_EQ(Hints(*update_[1]), "--");
  EXPECT_EQ(*kept, before) << "the stored slice was changed";
}

TEST_F(HintsTest, UnchangedSlicesKeepHintsThatFit) {
  const ZoneCapacity capacity = Capacity({{"a", 1000}, {"b", 1000}});
  unchanged_ = {Slice({MakeEndpoint("a", true, "b"), MakeEndpoint("a", true, "a")}),
                Slice({MakeEndpoint("b", true, "b"), MakeEndpoint("a", true, "a")})};
  EXPECT_EQ(Run(capacity).kind, HintState::Kind::kEnabled);
  EXPECT_THAT(update_, IsEmpty());
  // A hint missing, a zone nobody knows, a zone with too many: hinted anew.
  for (const std::string hint : {"", "z", "a"}) {
    update_.clear();
    unchanged_ = {Slice({MakeEndpoint("a", true, "a"), MakeEndpoint("b", true, "b")}),
                  Slice({MakeEndpoint("a", true, "a"), MakeEndpoint("b", true, hint)})};
    EXPECT_EQ(Run(capacity).kind, HintState::Kind::kEnabled) << hint;
    ASSERT_THAT(update_, SizeIs(1)) << hint;
    EXPECT_EQ(Hints(*update_[0]), "ab");
  }
}

TEST_F(HintsTest, Invariants) {
  Random random(7);
  int enabled = 0;
  int shorts = 0;
  for (int round = 0; round < 2000; ++round) {
    SCOPED_TRACE(round);
    const int zones = static_cast<int>(random.Between(1, 5));
    std::vector<std::pair<std::string, std::int64_t>> nodes;
    for (int z = 0; z < zones; ++z)
      nodes.push_back({std::string(1, static_cast<char>('a' + z)), random.Between(1, 9) * 500});
    const ZoneCapacity capacity = Capacity(nodes);
    create_ = {Slice({}), Slice({})};
    update_.clear();
    unchanged_.clear();
    int ready = 0;
    for (std::int64_t n = random.Between(0, 60); n > 0; --n) {
      const bool is_ready = random.Chance(0.9);
      ready += is_ready ? 1 : 0;
      create_[random.Below(2)]->endpoints.push_back(MakeEndpoint(
          std::string(1, static_cast<char>('a' + random.Below(static_cast<std::uint64_t>(zones)))), is_ready));
    }
    const HintState state = Run(capacity);
    std::map<Text, int> counted;
    for (const auto& slice : create_) {
      for (const Endpoint& e : slice->endpoints) {
        EXPECT_EQ(e.hints.has_value(), e.conditions.ready == true && state.kind == HintState::Kind::kEnabled);
        if (e.hints) ++counted[e.hints->forZones.at(0)];
      }
    }
    if (state.kind != HintState::Kind::kEnabled) continue;
    ++enabled;
    int sum = 0;
    // Giving stops when every giver is within half an endpoint of its share: it
    // may leave a zone one short of its minimum, in the reference as here.
    bool short_of_one = false;
    for (const ZoneCapacity::Share& share : capacity.zones) {
      const int minimum = MinimumEndpoints(share.ratio, HintsOptions().overload_threshold, ready);
      EXPECT_GE(counted[share.zone], minimum - 1);
      short_of_one |= counted[share.zone] < minimum;
      const auto told = std::find_if(state.by_zone.begin(), state.by_zone.end(),
                                     [&](const HintState::Zone& zone) { return zone.zone == share.zone; });
      EXPECT_EQ(told == state.by_zone.end() ? 0 : told->endpoints, counted[share.zone]);
      sum += counted[share.zone];
    }
    EXPECT_EQ(sum, ready);
    EXPECT_EQ(HintsOutdated(state, capacity), short_of_one);
    shorts += short_of_one ? 1 : 0;
  }
  EXPECT_LT(shorts, enabled / 100);
  EXPECT_GT(enabled, 500);
}

TEST_F(HintsTest, OutdatedStates) {
  const ZoneCapacity two = Capacity({{"a", 1000}, {"b", 1000}});
  HintState state;
  EXPECT_FALSE(HintsOutdated(state, two)) << "not asked for";
  state.kind = HintState::Kind::kDisabled;
  state.ready_endpoints = 4;
  state.failure = HintFailure::kNodeInformation;
  EXPECT_TRUE(HintsOutdated(state, two)) << "may come back";
  EXPECT_FALSE(HintsOutdated(state, ZoneCapacity{})) << "as it was";
  state.failure = HintFailure::kEndpointWithoutZone;
  EXPECT_FALSE(HintsOutdated(state, two)) << "no matter of capacity";
  EXPECT_TRUE(HintsOutdated(state, ZoneCapacity{})) << "for another reason now";
  state.kind = HintState::Kind::kEnabled;
  state.by_zone = {{Text("a"), 5, 0, true}, {Text("b"), 5, 0, true}};
  EXPECT_FALSE(HintsOutdated(state, two));
  EXPECT_TRUE(HintsOutdated(state, ZoneCapacity{}));
  EXPECT_TRUE(HintsOutdated(state, Capacity({{"a", 1000}, {"b", 1000}, {"c", 1000}})));
  EXPECT_TRUE(HintsOutdated(state, Capacity({{"a", 1000}, {"c", 1000}})));
  EXPECT_TRUE(HintsOutdated(state, Capacity({{"a", 1000}, {"b", 3000}})));
  state.by_zone = {
      {Text("a"), 5, 0, true}, {Text("aa"), 1, 0, false}, {Text("b"), 5, 0, true}, {Text("z"), 1, 0, false}};
  EXPECT_FALSE(HintsOutdated(state, two)) << "endpoints in zones that never had capacity";
  EXPECT_TRUE(HintsOutdated(state, Capacity({{"a", 1000}, {"b", 1000}, {"z", 10}}))) << "now one has";
}

}  // namespace
}  // namespace epslice
