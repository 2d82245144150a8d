// What blocks hints, and the changes that bring them back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "controllers/topologyhints/allocation.h"
#include "controllers/topologyhints/explain.h"
#include "controllers/topologyhints/explain_report.h"
#include "test/controllers/topologyhints/explain_fixture.h"

namespace epslice {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using testkit::AutoService;
using testkit::MakeExplainInput;
using testkit::MakeNodes;
using testkit::Nodes;
using testkit::Only;
using testkit::PodsOn;
using testkit::ServiceBuilder;
using testkit::ThreeZones;
using testkit::WithNode;

struct BlockCase {
  std::string what;
  std::shared_ptr<const Service> service;
  std::vector<std::shared_ptr<const Pod>> pods;
  Nodes nodes;
  bool in_vain;
  std::string reason;        // of the state
  Blocker::Kind kind;        // of the first blocker
  std::string code, object;  // likewise
  std::string message;       // a part of it
  std::string best;          // steps of the best fix
  std::string best_objects;  // of its first part
};

std::string StepsOf(const Fix& fix) {
  std::string steps;
  for (const Fix::Part& part : fix.parts) {
    steps += (steps.empty() ? "" : "+") + std::string(NameOf(part.step)) + ":" + std::to_string(part.count);
  }
  return steps;
}

std::vector<BlockCase> BlockCases() {
  // Its node is not there to be labelled.
  const auto homeless = ServiceBuilder().PublishNotReady().Distribution("PreferSameZone");
  const auto six = PodsOn({"a1", "a1", "b1", "b1", "c1", "c1"});
  const auto twelve = PodsOn({"a1", "a1", "a1", "a1", "b1", "b1", "b1", "b1", "c1", "c1", "c1", "c1"});
  const auto resilient = [] { return AutoService().Annotation(std::string(kAnnotationHintsPolicy), "resilient"); };
  const std::string no_node_data = "InsufficientNodeInformation";
  return {
      {"a node without a zone", AutoService(), six, WithNode(ThreeZones(), {"b7", "", 100}), true, no_node_data,
       Blocker::Kind::kNode, no_node_data, "b7", "node b7 has no label topology.kubernetes.io/zone", "LabelNode:1",
       "b7"},
      {"a node without CPU", AutoService(), twelve, WithNode(ThreeZones(), {"b7", "zone-b", 0}), true, no_node_data,
       Blocker::Kind::kNode, no_node_data, "b7", "node b7 has no allocatable CPU", "ReportCPU:1", "b7"},
      {"a node without either", AutoService(), twelve, WithNode(ThreeZones(), {"b7", "", 0}), true, no_node_data,
       Blocker::Kind::kNode, no_node_data, "b7", "no label topology.kubernetes.io/zone and no allocatable CPU",
       "ReportCPU:1+LabelNode:1", "b7"},
      {"all in one zone", AutoService(), PodsOn({"a1", "a1", "a1"}), MakeNodes({{"a1", "zone-a"}, {"a2", "zone-a"}}),
       true, no_node_data, Blocker::Kind::kZone, no_node_data, "zone-a", "all Ready nodes with a zone are in zone-a",
       "AddNode:1", ""},
      {"the other zone not Ready", AutoService(), PodsOn({"a1", "a1", "b1", "b1"}),
       MakeNodes({{"a1", "zone-a"}, {"b1", "zone-b", 1000, false}}), true, no_node_data, Blocker::Kind::kZone,
       no_node_data, "zone-a", "hints need two zones", "MakeNodeReady:1", "b1"},
      {"no node",
       AutoService(),
       {},
       {},
       true,
       no_node_data,
       Blocker::Kind::kNumber,
       no_node_data,
       "",
       "no Ready node has a zone and CPU",
       "AddNode:2+AddEndpoints:2",
       ""},
      {"fewer endpoints than zones", AutoService(), PodsOn({"a1", "b1"}), ThreeZones(), true, "InsufficientEndpoints",
       Blocker::Kind::kNumber, "InsufficientEndpoints", "", "2 ready endpoints for 3 zones", "AddEndpoints:1",
       "1 in zone-c"},
      {"too few for the threshold", AutoService(), PodsOn({"a1", "b1", "c1", "c1"}), ThreeZones(), true,
       "OverloadThreshold", Blocker::Kind::kNumber, "OverloadThreshold", "",
       "the zones need at least 6 endpoints to stay within the overload threshold of 20%, and there are 4: zone-a 2 "
       "(1.3 by CPU)",
       "SetThreshold:1", ""},
      {"an endpoint on a sick node without a zone", AutoService(), PodsOn({"a1", "a1", "b1", "b1", "c1", "c1", "x"}),
       WithNode(ThreeZones(), {"x", "", 1000, false}), true, "EndpointWithoutZone", Blocker::Kind::kEndpoint,
       "EndpointWithoutZone", "shop/web-00006", "ready pod shop/web-00006 on node x has no zone", "LabelNode:1", "x"},
      {"nobody asks", ServiceBuilder(), six, ThreeZones(), false, "NotRequested", Blocker::Kind::kService,
       "NotRequested", "web", "does not ask for hints", "AskForHints:1", ""},
      {"an unknown field value", ServiceBuilder().Distribution("Nearby"), six, ThreeZones(), false,
       "UnknownTrafficDistribution", Blocker::Kind::kService, "UnknownTrafficDistribution", "web",
       "spec.trafficDistribution=Nearby is not known", "AskForHints:1", ""},
      {"same zone, one endpoint without", ServiceBuilder().Distribution("PreferClose"), PodsOn({"a1", "b1", "c1", "x"}),
       WithNode(ThreeZones(), {"x", "", 1000, false}), true, "PreferSameZone", Blocker::Kind::kEndpoint,
       "EndpointWithoutZone", "shop/web-00003", "switches zone hints off at every proxy", "LabelNode:1", "x"},
      {"same zone, a pod of a node that is gone", homeless, PodsOn({"a1", "b1", "c1", "gone"}), ThreeZones(), true,
       "PreferSameZone", Blocker::Kind::kEndpoint, "EndpointWithoutZone", "shop/web-00003",
       "on node gone has no zone: the node is not known", "", ""},
      {"same zone, a zone without endpoints", ServiceBuilder().Distribution("PreferSameZone"), PodsOn({"a1", "b1"}),
       ThreeZones(), false, "PreferSameZone", Blocker::Kind::kZone, "ZoneWithoutEndpoint", "zone-c",
       "no ready endpoint is for zone-c: the proxy of its node picks from all", "AddEndpoints:1", "1 in zone-c"},
      {"same zone, a node without a zone", ServiceBuilder().Distribution("PreferSameZone"), PodsOn({"a1", "b1", "c1"}),
       WithNode(ThreeZones(), {"x", ""}), false, "PreferSameZone", Blocker::Kind::kNode, "NodeWithoutZone", "x",
       "its proxy picks from all endpoints", "LabelNode:1", "x"},
      {"resilient, too many unknown nodes", resilient(), six, WithNode(WithNode(ThreeZones(), {"x", ""}), {"y", ""}),
       true, no_node_data, Blocker::Kind::kNode, no_node_data, "x", "node x has no label", "LabelNode:1", "x"},
      {"resilient, no endpoint",
       resilient(),
       {},
       ThreeZones(),
       true,
       "InsufficientEndpoints",
       Blocker::Kind::kNumber,
       "InsufficientEndpoints",
       "",
       "0 ready endpoints",
       "AddEndpoints:1",
       "1 in zone-a"},
      {"resilient, one zone", resilient(), six, MakeNodes({{"a1", "zone-a"}}), true, "NodesInOneZone",
       Blocker::Kind::kZone, "NodesInOneZone", "zone-a", "hints need two zones", "AddNode:1", ""},
  };
}

TEST(ExplainTest, WhatBlocksHintsAndWhatBringsThemBack) {
  for (const BlockCase& c : BlockCases()) {
    SCOPED_TRACE(c.what);
    const Explanation explanation = ExplainService(MakeExplainInput(c.service, c.pods, c.nodes), {});
    const AddressTypeExplanation& type = Only(explanation);
    EXPECT_EQ(type.asks_in_vain(), c.in_vain);
    EXPECT_EQ(type.reason, c.reason);
    ASSERT_THAT(type.blockers, Not(IsEmpty()));
    EXPECT_EQ(NameOf(type.blockers[0].kind), NameOf(c.kind));
    EXPECT_EQ(type.blockers[0].code, c.code);
    EXPECT_EQ(type.blockers[0].object, c.object);
    EXPECT_THAT(type.blockers[0].message, HasSubstr(c.message));
    EXPECT_TRUE(type.fixes_looked_for);
    std::vector<const Fix*> best;
    for (const Fix& fix : type.fixes) {
      EXPECT_EQ(fix.outlook.state, HintState::Kind::kEnabled) << StepsOf(fix);
      EXPECT_NE(fix.outlook.traffic.effect, HintEffect::kNowhere) << StepsOf(fix);
      if (fix.best) best.push_back(&fix);
    }
    EXPECT_TRUE(std::is_sorted(type.fixes.begin(), type.fixes.end(),
                               [](const Fix& a, const Fix& b) { return a.size < b.size; }));
    if (c.best.empty()) {
      EXPECT_THAT(best, IsEmpty());
      EXPECT_THAT(ExplanationText(explanation), HasSubstr("no change was found that brings hints back"));
      continue;
    }
    ASSERT_THAT(best, SizeIs(1));
    EXPECT_EQ(StepsOf(*best[0]), c.best);
    const auto& objects = best[0]->parts[0].objects;
    EXPECT_EQ(objects.empty() ? "" : objects[0], c.best_objects);
  }
}

// By other means than the search: the label is put on, the number of endpoints
// and the threshold are compared with the formula.
TEST(ExplainTest, FixesAreTheSmallestThatWork) {
  const Nodes broken = WithNode(ThreeZones(), {"b7", "", 100});
  const auto six = PodsOn({"a1", "a1", "b1", "b1", "c1", "c1"});
  ReconcileInput mended = MakeExplainInput(AutoService(), six, broken).cluster;
  const NodeReport report(WithNode(ThreeZones(), {"b7", "zone-a", 100}));
  mended.nodes = report.node_zones;
  mended.capacity = report.capacity;
  EXPECT_EQ(Reconcile(mended, {}).hints.at(Text("IPv4")).kind, HintState::Kind::kEnabled);

  const Nodes uneven = MakeNodes({{"a1", "zone-a", 80}, {"b1", "zone-b", 88}, {"c1", "zone-c", 120}});
  const NodeReport uneven_report(uneven);
  const auto works = [&](Millionths threshold, int endpoints) {
    return AllocateEndpoints(*uneven_report.capacity, threshold, endpoints).failure == HintFailure::kNone;
  };
  const ExplainInput four = MakeExplainInput(AutoService(), PodsOn({"a1", "a1", "b1", "c1"}), uneven);
  const Explanation explanation = ExplainService(four, {});
  std::map<std::string, std::string> values;
  for (const Fix& fix : Only(explanation).fixes) {
    ASSERT_THAT(fix.parts, SizeIs(1));
    values[std::string(NameOf(fix.parts[0].step))] =
        fix.parts[0].value.empty() ? std::to_string(fix.size) : fix.parts[0].value;
  }
  EXPECT_EQ(values, (std::map<std::string, std::string>{
                        {"SetThreshold", "0.23"}, {"AddEndpoints", "3"}, {"SetPolicy", "resilient"}}));
  EXPECT_TRUE(works(230'000, 4));
  EXPECT_FALSE(works(220'000, 4));
  EXPECT_TRUE(works(200'000, 7));
  for (const int fewer : {4, 5, 6}) EXPECT_FALSE(works(200'000, fewer)) << fewer;
}

TEST(ExplainTest, CombinesWhatDoesNotDoAlone) {
  const Nodes nodes = WithNode(WithNode(ThreeZones(), {"x", ""}), {"y", "zone-a", 0});
  const Explanation explanation = ExplainService(MakeExplainInput(AutoService(), PodsOn({"a1"}), nodes), {});
  const AddressTypeExplanation& type = Only(explanation);
  ASSERT_THAT(type.fixes, Not(IsEmpty()));
  EXPECT_EQ(type.blockers[0].object, "x");
  EXPECT_EQ(type.blockers[1].object, "y");
  for (const Fix& fix : type.fixes) {
    EXPECT_EQ(fix.outlook.state, HintState::Kind::kEnabled);
    EXPECT_GE(fix.parts.size(), 2U);
    EXPECT_LE(fix.parts.size(), 3U);
  }
}

// CPUs that no node has, but that somebody may write, are shown, not summed up
// beyond what a number holds.
TEST(ExplainTest, ImpossibleCpu) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const Nodes nodes = MakeNodes({{"a1", "zone-a", kMost}, {"b1", "zone-b", kMost}, {"c1", "zone-c", -kMost}});
  for (const HintsPolicy policy : {HintsPolicy::kReference, HintsPolicy::kResilient}) {
    ReconcileConfig config;
    config.hints.policy = policy;
    const Explanation explanation =
        ExplainService(MakeExplainInput(AutoService(), PodsOn({"a1", "b1", "c1"}), nodes, config), config);
    EXPECT_THAT(ExplanationText(explanation), HasSubstr("1000000000 CPU"));
    EXPECT_THAT(ExplanationJson(explanation), HasSubstr("\"zone-c\""));
  }
}

TEST(ExplainTest, ACpuThatIsNotReportedLeavesAZoneToAll) {
  ReconcileConfig config;
  config.hints.policy = HintsPolicy::kResilient;
  // Of 6 nodes one is unknown; its zone is named beside another.
  const Nodes nodes = MakeNodes(
      {{"a1", "zone-a"}, {"a2", "zone-a"}, {"b1", "zone-b"}, {"b2", "zone-b"}, {"b3", "zone-b"}, {"c1", "zone-c", 0}});
  const Explanation explanation =
      ExplainService(MakeExplainInput(AutoService(), PodsOn({"a1", "a2", "b1", "b2", "b3"}), nodes, config), config);
  EXPECT_EQ(Only(explanation).state, HintState::Kind::kEnabled);
  EXPECT_THAT(Only(explanation).fixes, IsEmpty()) << "every proxy heeds them";
}

}  // namespace
}  // namespace epslice
