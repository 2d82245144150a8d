#include "controllers/endpointslice/shadow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "test/controllers/builders.h"

namespace epslice {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testkit::PodBuilder;
using testkit::ServiceBuilder;

Difference Changed(const std::string& object, const std::string& have = "x") {
  return {DifferenceKind::kChangedEndpoint, Text("IPv4"), object, {"web-1"}, {{"zone", "a", have}}};
}

class ShadowTest : public ::testing::Test {
 protected:
  // "+KIND OBJECT SECONDS" of what settled, "-..." of what is gone.
  std::vector<std::string> Observe(const ObjectKey& service, const std::vector<Difference>& found, bool sure = true) {
    std::vector<std::string> said;
    for (const Shadow::Note& note : shadow_.Observe(service, found, now_, sure)) {
      const auto lasted = std::chrono::duration_cast<seconds>(note.lasted).count();
      said.push_back((note.what == Shadow::Note::What::kSettled ? "+" : "-") +
                     std::string(NameOf(note.difference.kind)) + " " + note.difference.object + " " +
                     std::to_string(lasted));
    }
    return said;
  }
  std::int64_t Settled(DifferenceKind kind) const {
    return shadow_.totals().by_kind.at(static_cast<std::size_t>(kind));
  }
  std::optional<Instant> InSeconds(int s) const { return start_ + seconds(s); }

  const ObjectKey web_{Text("shop"), Text("web")};
  const ObjectKey db_{Text("shop"), Text("db")};
  const Instant start_{seconds(1000)};
  Instant now_ = start_;
  Shadow shadow_;
};

TEST(DescribeFieldsTest, QuotesOnce) {
  Difference difference;
  difference.fields = {{"zone", "a", ""}, {"labels.team", "\"blue\"", "\"\""}, {"labels.x", "", "\"1\""}};
  EXPECT_EQ(DescribeFields(difference),
            R"(zone: want "a", have ""; labels.team: want "blue", have ""; labels.x: want none, have "1")");
}

TEST_F(ShadowTest, WhatLastsIsToldOfOnceAndOnceWhenItIsGone) {
  EXPECT_THAT(Observe(web_, {Changed("p1")}), IsEmpty());
  EXPECT_EQ(shadow_.NextWakeup(), InSeconds(10));
  EXPECT_THAT(shadow_.TakeDue(now_ + seconds(9)), IsEmpty());
  EXPECT_EQ(Settled(DifferenceKind::kChangedEndpoint), 0);

  now_ += seconds(10);
  EXPECT_THAT(shadow_.TakeDue(now_), ElementsAre(web_));
  EXPECT_EQ(shadow_.NextWakeup(), std::nullopt) << "until it was looked at";
  EXPECT_THAT(Observe(web_, {Changed("p1")}), ElementsAre("+changed-endpoint p1 10"));
  EXPECT_EQ(Settled(DifferenceKind::kChangedEndpoint), 1);
  EXPECT_EQ(shadow_.totals().services, 1);
  EXPECT_EQ(shadow_.NextWakeup(), InSeconds(70));

  now_ += minutes(1);
  EXPECT_THAT(shadow_.TakeDue(now_), ElementsAre(web_));
  EXPECT_THAT(Observe(web_, {Changed("p1", "other")}), IsEmpty()) << "the same one, whatever it says now";
  now_ += seconds(5);
  EXPECT_THAT(Observe(web_, {}), ElementsAre("-changed-endpoint p1 75"));
  EXPECT_EQ(Settled(DifferenceKind::kChangedEndpoint), 0);
  EXPECT_EQ(shadow_.totals().services, 0);
  EXPECT_EQ(shadow_.NextWakeup(), std::nullopt);
}

TEST_F(ShadowTest, WhatHealsInTimeIsNotToldOf) {
  EXPECT_THAT(Observe(web_, {Changed("p1")}), IsEmpty());
  now_ += seconds(9);
  EXPECT_THAT(Observe(web_, {}), IsEmpty());
  EXPECT_EQ(shadow_.NextWakeup(), std::nullopt);
  // Its time begins anew.
  now_ += seconds(1);
  EXPECT_THAT(Observe(web_, {Changed("p1")}), IsEmpty());
  now_ += seconds(9);
  EXPECT_THAT(Observe(web_, {Changed("p1")}), IsEmpty());
}

TEST_F(ShadowTest, EachDifferenceHasATimeOfItsOwn) {
  Difference missing = Changed("p2");
  missing.kind = DifferenceKind::kMissingEndpoint;
  Difference v6 = Changed("p1");
  v6.address_type = Text("IPv6");
  EXPECT_THAT(Observe(web_, {Changed("p1")}), IsEmpty());
  now_ += seconds(4);
  EXPECT_THAT(Observe(web_, {missing, Changed("p1"), v6}), IsEmpty());
  now_ += seconds(2);
  EXPECT_THAT(Observe(db_, {Changed("p1")}), IsEmpty());
  now_ += seconds(4);
  EXPECT_THAT(Observe(web_, {missing, Changed("p1"), v6}), ElementsAre("+changed-endpoint p1 10"));
  EXPECT_EQ(shadow_.NextWakeup(), InSeconds(14));
  now_ += seconds(6);
  EXPECT_THAT(shadow_.TakeDue(now_), ElementsAre(web_, db_));
  EXPECT_THAT(Observe(web_, {missing, v6}),
              ElementsAre("+missing-endpoint p2 12", "+changed-endpoint p1 12", "-changed-endpoint p1 16"));
  EXPECT_THAT(Observe(db_, {Changed("p1")}), ElementsAre("+changed-endpoint p1 10"));
  EXPECT_EQ(Settled(DifferenceKind::kMissingEndpoint), 1);
  EXPECT_EQ(Settled(DifferenceKind::kChangedEndpoint), 2);
  EXPECT_EQ(shadow_.totals().services, 2);
  // A Service that is gone takes its differences along.
  EXPECT_EQ(Observe(web_, {}).size(), 2U);
  EXPECT_EQ(shadow_.totals().services, 1);
  EXPECT_EQ(Settled(DifferenceKind::kChangedEndpoint), 1);
}

// Looked at each time before the other controller has written, it is never seen
// when both agree.
TEST_F(ShadowTest, APodThatFlipsIsAnotherDifferenceEachTime) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(Observe(web_, {Changed("p1", i % 2 == 0 ? "b" : "c"), Changed("p2")}),
                i == 10 ? std::vector<std::string>{"+changed-endpoint p2 10"} : std::vector<std::string>());
    now_ += seconds(1);
  }
  // It stays so: that counts from when it began to.
  now_ += seconds(8);
  EXPECT_THAT(Observe(web_, {Changed("p1", "c"), Changed("p2")}), IsEmpty());
  now_ += seconds(1);
  EXPECT_THAT(Observe(web_, {Changed("p1", "c"), Changed("p2")}), ElementsAre("+changed-endpoint p1 10"));
}

TEST_F(ShadowTest, NothingSettlesWhileListsFail) {
  EXPECT_THAT(Observe(web_, {Changed("p1")}), IsEmpty());
  EXPECT_THAT(Observe(db_, {Changed("p2")}), IsEmpty());
  now_ += seconds(10);
  EXPECT_THAT(Observe(db_, {Changed("p2")}), ElementsAre("+changed-endpoint p2 10"));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_THAT(Observe(web_, {Changed("p1")}, /*sure=*/false), IsEmpty());
    EXPECT_THAT(Observe(db_, {Changed("p2", "other")}, /*sure=*/false), IsEmpty()) << "settled is settled";
    EXPECT_EQ(shadow_.NextWakeup(), InSeconds(10 * i + 10)) << "looked at again";
    now_ += seconds(10);
  }
  now_ += seconds(5);
  shadow_.BeginAnew(now_);
  EXPECT_EQ(shadow_.NextWakeup(), InSeconds(55));
  now_ += seconds(9);
  EXPECT_THAT(Observe(web_, {Changed("p1")}), IsEmpty());
  now_ += seconds(1);
  EXPECT_THAT(Observe(web_, {Changed("p1")}), ElementsAre("+changed-endpoint p1 10"));
  EXPECT_EQ(Settled(DifferenceKind::kChangedEndpoint), 2);
}

// Two endpoints with one name, as in a dump of nonsense.
TEST_F(ShadowTest, OneNameCountsOnce) {
  EXPECT_THAT(Observe(web_, {Changed("p1"), Changed("p1")}), IsEmpty());
  now_ += seconds(10);
  EXPECT_THAT(Observe(web_, {Changed("p1"), Changed("p1")}), ElementsAre("+changed-endpoint p1 10"));
  EXPECT_EQ(Settled(DifferenceKind::kChangedEndpoint), 1);
}

// What counts as differences is told of as what it is to whoever reads.
TEST_F(ShadowTest, AMissingSliceIsOneLine) {
  const auto missing = [](const std::string& object, const char* type, bool in_new_slice) {
    return Difference{DifferenceKind::kMissingEndpoint, Text(type),  object, {in_new_slice ? "web-(new)" : "web-1"},
                      {{"endpoint", "10.0.0.1", ""}},   in_new_slice};
  };
  // "+TYPE OBJECT ENDPOINTS LASTED such,such"
  const auto lines = [&](const std::vector<Difference>& found) {
    std::vector<std::string> out;
    for (const Shadow::Line& line : Shadow::LinesOf(shadow_.Observe(web_, found, now_))) {
      const Difference& difference = line.note.difference;
      std::string text = line.note.what == Shadow::Note::What::kSettled ? "+" : "-";
      text += difference.address_type.str() + " " + difference.object + " " + std::to_string(line.endpoints) + " " +
              std::to_string(std::chrono::duration_cast<seconds>(line.note.lasted).count());
      for (const std::string& object : line.such) text += " " + object;
      out.push_back(text + (difference.fields.empty() ? "" : " fields"));
    }
    return out;
  };
  std::vector<Difference> found = {missing("p1", "IPv4", true), missing("p2", "IPv4", false),
                                   missing("p3", "IPv4", true), missing("p4", "IPv4", true),
                                   missing("p5", "IPv4", true), missing("p1", "IPv6", true)};
  EXPECT_THAT(lines(found), IsEmpty());
  now_ += seconds(10);
  EXPECT_THAT(lines(found),
              ElementsAre("+IPv4 new EndpointSlice 4 10 p1 p3 p4", "+IPv4 p2 1 10 fields", "+IPv6 p1 1 10 fields"));
  EXPECT_EQ(Settled(DifferenceKind::kMissingEndpoint), 6);
  found.push_back(missing("p6", "IPv4", true));
  EXPECT_THAT(lines(found), IsEmpty());
  now_ += seconds(10);
  EXPECT_THAT(lines(found), ElementsAre("+IPv4 p6 1 10 fields"));
  // The slice came, without one of its endpoints.
  EXPECT_THAT(lines({missing("p1", "IPv4", false)}),
              ElementsAre("-IPv4 p2 1 20", "-IPv4 new EndpointSlice 4 20 p3 p4 p5", "-IPv6 p1 1 20"));
  EXPECT_EQ(Settled(DifferenceKind::kMissingEndpoint), 1);
  EXPECT_EQ(shadow_.totals().services, 1);
}

// A Service with proportional hints over three equal zones, eight pods in each.
class ShadowPlanTest : public ::testing::Test {
 protected:
  ShadowPlanTest() {
    ZoneCapacities capacities;
    std::map<std::string, std::string> zones;
    for (const std::string zone : {"a", "b", "c"}) {
      Node node;
      node.metadata.name = Text("n-" + zone);
      node.metadata.labels = StringMap{{Text(kLabelZone), Text(zone)}};
      node.ready = true;
      node.allocatableCpuMilli = 4000;
      capacities.Observe(nullptr, &node);
      zones["n-" + zone] = zone;
      for (int i = 0; i < 8; ++i) {
        const std::string name = zone + std::to_string(i);
        input_.pods.push_back(
            PodBuilder(name, "10.0." + std::to_string(zone[0] - 'a') + "." + std::to_string(i + 1)).Node("n-" + zone));
      }
    }
    input_.service = ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto");
    input_.nodes = testkit::Zones(zones);
    input_.capacity = capacities.snapshot();
    input_.slices = testkit::ApplyPlan({}, Reconcile(input_, config_));
    EXPECT_EQ(input_.slices.size(), 1U);
  }
  // Changes the slice as somebody else would.
  template <typename Fn>
  void Edit(Fn edit) {
    auto slice = std::make_shared<EndpointSlice>(*input_.slices.at(0));
    edit(slice.get());
    input_.slices[0] = std::move(slice);
  }
  void Hint(EndpointSlice* slice, std::size_t endpoint, const std::string& zone) const {
    slice->endpoints.at(endpoint).hints = EndpointHints{{Text(zone)}, {}};
  }
  // "KIND OBJECT"
  std::vector<std::string> Differences() const {
    std::vector<std::string> found;
    for (const Difference& d : ShadowDifferences(input_, Reconcile(input_, config_))) {
      found.push_back(std::string(NameOf(d.kind)) + " " + d.object);
    }
    return found;
  }

  ReconcileConfig config_;
  ReconcileInput input_;
};

TEST_F(ShadowPlanTest, WhoseHintIsWhoseIsOpenWithinTheRule) {
  const auto spoil_label = [](EndpointSlice* slice) {
    slice->metadata.labels = slice->metadata.labels.With(Text("spoilt"), Text("yes"));
  };
  const std::string label = "wrong-labels EndpointSlice " + input_.slices[0]->metadata.name.str();
  EXPECT_THAT(Differences(), IsEmpty());
  // The label makes a write of it, and all hints are made anew. Swapped: each zone has what it had.
  Edit([&](EndpointSlice* slice) {
    spoil_label(slice);
    Hint(slice, 0, "c");
    Hint(slice, 23, "a");
  });
  EXPECT_THAT(Differences(), ElementsAre(label));
  // Other numbers, but none above its maximum, which is 10.
  const auto to_c = [&](EndpointSlice* slice) {
    for (std::size_t i = 0; i < 2; ++i) Hint(slice, i, "c");
    Hint(slice, 23, "c");
  };
  Edit(to_c);
  EXPECT_THAT(Differences(), ElementsAre(label));
  Edit([&](EndpointSlice* slice) { Hint(slice, 2, "c"); });
  EXPECT_EQ(Differences().size(), 4U) << "11 for zone c: the label, and three endpoints of zone a";
}

TEST_F(ShadowPlanTest, HintsThatTheRuleHasNotAreDifferences) {
  const auto slices = input_.slices;
  Edit([](EndpointSlice* slice) { slice->endpoints[3].hints.reset(); });
  EXPECT_THAT(Differences(), ElementsAre("changed-endpoint Pod shop/a3"));
  input_.slices = slices;
  Edit([&](EndpointSlice* slice) { Hint(slice, 3, "elsewhere"); });
  EXPECT_THAT(Differences(), ElementsAre("changed-endpoint Pod shop/a3"));
  input_.slices = slices;
  Edit([](EndpointSlice* slice) { slice->endpoints[3].hints->forNodes = {Text("n1")}; });
  Edit([](EndpointSlice* slice) { slice->endpoints[3].zone = Text("b"); });
  EXPECT_THAT(Differences(), ElementsAre("changed-endpoint Pod shop/a3"));
  // With spec.trafficDistribution nothing is open.
  input_.service = ServiceBuilder().Distribution("PreferClose");
  input_.slices = slices;
  EXPECT_THAT(Differences(), IsEmpty());
  Edit([&](EndpointSlice* slice) {
    Hint(slice, 0, "c");
    Hint(slice, 23, "a");
  });
  EXPECT_THAT(Differences(), ElementsAre("changed-endpoint Pod shop/a0", "changed-endpoint Pod shop/c7"));
}

// Neither this controller nor the other will ever change it.
TEST_F(ShadowPlanTest, ASliceAboveTheMaximumIsLeftAlone) {
  config_.max_endpoints_per_slice = 11;
  ASSERT_THAT(Reconcile(input_, config_).writes, IsEmpty()) << "slices are not rebalanced";
  EXPECT_THAT(Differences(), IsEmpty());
  // Nor is it told where something else is.
  Edit([&](EndpointSlice* slice) { slice->endpoints[0].conditions.ready = false; });
  ASSERT_FALSE(Reconcile(input_, config_).writes.empty());
  EXPECT_THAT(Differences(), ElementsAre("changed-endpoint Pod shop/a0"));
}

TEST_F(ShadowPlanTest, KnowsWhichEndpointsHaveNoSlice) {
  const auto in_new_slices = [this] {
    std::vector<bool> out;
    for (const Difference& d : ShadowDifferences(input_, Reconcile(input_, config_))) out.push_back(d.in_new_slice);
    return out;
  };
  Edit([](EndpointSlice* slice) { slice->endpoints.resize(22); });
  EXPECT_THAT(in_new_slices(), ElementsAre(false, false));
  input_.slices.clear();
  EXPECT_THAT(in_new_slices(), testing::AllOf(testing::SizeIs(24), testing::Each(true)));
}

TEST_F(ShadowPlanTest, AnOnlookersPlanSaysWhatIsThere) {
  Edit([&](EndpointSlice* slice) {
    for (std::size_t i = 0; i < 24; ++i) Hint(slice, i, "a");
    slice->endpoints[0].hints.reset();
    slice->metadata.labels = {};
  });
  const Plan wanted = Reconcile(input_, config_);
  ASSERT_EQ(wanted.writes.size(), 1U);
  ASSERT_EQ(wanted.hints.at(Text("IPv4")).by_zone.size(), 3U);
  const Plan plan = PlanOfOnlooker(input_, wanted);
  EXPECT_THAT(plan.writes, IsEmpty());
  EXPECT_THAT(plan.events, IsEmpty());
  EXPECT_EQ(plan.metrics.hinted.zone, 23);
  EXPECT_EQ(plan.metrics.hinted.none, 1);
  EXPECT_EQ(plan.metrics.hint_changes.change, 0);
  EXPECT_EQ(plan.metrics.actual_slices, 1);
  EXPECT_EQ(plan.metrics.desired_endpoints, 24);
  const HintState& state = plan.hints.at(Text("IPv4"));
  EXPECT_THAT(state.by_zone, ElementsAre(HintState::Zone{Text("a"), 23, 0, true}));
  EXPECT_TRUE(HintsOutdated(state, *input_.capacity)) << "zones without an endpoint are looked at again";
}

TEST(DescribeFieldsTest, SaysWhatIsWantedAndWhatIsThere) {
  Difference difference = Changed("p1");
  difference.fields.push_back({"hints", "zones a", ""});
  EXPECT_EQ(DescribeFields(difference), "zone: want \"a\", have \"x\"; hints: want \"zones a\", have \"\"");
}

}  // namespace
}  // namespace epslice
