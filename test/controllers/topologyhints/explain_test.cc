#include "controllers/topologyhints/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "controllers/topologyhints/explain_report.h"
#include "test/controllers/topologyhints/explain_fixture.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using testkit::AutoService;
using testkit::MakeExplainInput;
using testkit::MakeNode;
using testkit::MakeNodes;
using testkit::Nodes;
using testkit::Only;
using testkit::PodBuilder;
using testkit::PodsOn;
using testkit::ServiceBuilder;
using testkit::ThreeZones;
using testkit::WithNode;

const ZoneExplanation& ZoneOf(const AddressTypeExplanation& type, const std::string& name) {
  return *std::find_if(type.zones.begin(), type.zones.end(), [&](const auto& zone) { return zone.zone == name; });
}

const Alternative& AlternativeOf(const AddressTypeExplanation& type, const std::string& name) {
  return *std::find_if(type.alternatives.begin(), type.alternatives.end(),
                       [&](const auto& alternative) { return alternative.name == name; });
}

// 3 endpoints in zone-a, 2 in zone-b, 1 in zone-c, with a third of the CPU
// each: every zone should have 2, so one of zone-a is for zone-c.
TEST(ExplainTest, NumbersOfThreeZonesAndSixEndpoints) {
  const ExplainInput input =
      MakeExplainInput(AutoService(), PodsOn({"a1", "a1", "a1", "b1", "b1", "c1"}), ThreeZones());
  const Explanation explanation = ExplainService(input, {});
  EXPECT_EQ(explanation.heuristic, Heuristic::kAuto);
  EXPECT_TRUE(explanation.asked_by_annotation);
  EXPECT_EQ(explanation.asked_key, kAnnotationTopologyMode);
  EXPECT_FALSE(explanation.asks_in_vain());
  const AddressTypeExplanation& type = Only(explanation);
  EXPECT_EQ(type.state, HintState::Kind::kEnabled);
  EXPECT_EQ(type.creates + type.updates + type.deletes, 0);
  EXPECT_EQ(type.written_hinted, 6);
  EXPECT_THAT(type.blockers, IsEmpty());
  EXPECT_FALSE(type.fixes_looked_for);

  struct Row {
    std::string zone;
    std::int64_t own, given, received, named_by;
    double load, in_zone;
  };
  for (const Row& row :
       std::vector<Row>{{"zone-a", 3, 1, 0, 2, 1, 1}, {"zone-b", 2, 0, 0, 2, 1, 1}, {"zone-c", 1, 0, 1, 2, 1, 0.5}}) {
    const ZoneExplanation& zone = ZoneOf(type, row.zone);
    EXPECT_EQ(zone.cpu_milli, 2000);
    EXPECT_DOUBLE_EQ(zone.ratio, 1.0 / 3);
    EXPECT_DOUBLE_EQ(zone.desired.value(), 2);
    EXPECT_EQ(zone.minimum, 2);
    EXPECT_EQ(zone.maximum, 2);
    EXPECT_EQ(zone.own, row.own) << row.zone;
    EXPECT_EQ(zone.given, row.given) << row.zone;
    EXPECT_EQ(zone.received, row.received) << row.zone;
    EXPECT_EQ(zone.named_by, row.named_by) << row.zone;
    EXPECT_EQ(zone.traffic->by_zone, 1);
    EXPECT_EQ(zone.traffic->picked, 2);
    EXPECT_NEAR(zone.traffic->load, row.load, 1e-12) << row.zone;
    EXPECT_NEAR(zone.traffic->in_zone, row.in_zone, 1e-12) << row.zone;
  }
  EXPECT_EQ(type.hinted_away, 1);
  EXPECT_EQ(type.traffic.effect, HintEffect::kEverywhere);
  EXPECT_NEAR(type.traffic.in_zone, 5.0 / 6, 1e-12);
  EXPECT_NEAR(type.traffic.max_overload, 0, 1e-12);

  const Alternative& same_zone = AlternativeOf(type, "PreferSameZone");
  EXPECT_NEAR(same_zone.outlook.traffic.in_zone, 1, 1e-12);
  EXPECT_NEAR(same_zone.outlook.traffic.max_overload, 1, 1e-12) << "all of zone-c on one of six";
  EXPECT_EQ(same_zone.outlook.traffic.max_overload_zone, "zone-c");
  EXPECT_EQ(same_zone.outlook.writes, 1);
  const Alternative& none = AlternativeOf(type, "None");
  EXPECT_NEAR(none.outlook.traffic.in_zone, 1.0 / 3, 1e-12);
  EXPECT_NEAR(none.outlook.traffic.max_overload, 0, 1e-12);
  EXPECT_EQ(none.outlook.state, HintState::Kind::kOff);
  const Alternative& active = AlternativeOf(type, "Auto (reference)");
  EXPECT_TRUE(active.active);
  EXPECT_EQ(active.outlook.writes, 0);
  EXPECT_NEAR(active.outlook.traffic.in_zone, 5.0 / 6, 1e-12);
  EXPECT_THAT(type.alternatives, SizeIs(5));
}

TEST(ExplainTest, LoadFollowsCpuWithoutHints) {
  const ExplainInput input =
      MakeExplainInput(ServiceBuilder().Distribution("PreferSameNode"), PodsOn({"a1", "b1"}),
                       MakeNodes({{"a1", "zone-a", 3000}, {"a2", "zone-a", 1000}, {"b1", "zone-b", 4000}}));
  const Explanation explanation = ExplainService(input, {});
  const AddressTypeExplanation& type = Only(explanation);
  EXPECT_EQ(explanation.asked_key, "spec.trafficDistribution");
  const ZoneExplanation& a = ZoneOf(type, "zone-a");
  EXPECT_EQ(a.traffic->by_node, 1);
  EXPECT_EQ(a.traffic->by_zone, 1) << "a2 has no endpoint of its own";
  EXPECT_NEAR(a.traffic->load, 1, 1e-12);
  EXPECT_FALSE(a.desired.has_value());
  EXPECT_NEAR(type.traffic.in_zone, 1, 1e-12);
}

TEST(ExplainTest, NodesLeftOutAndWhy) {
  const NodeReport report(MakeNodes({{"a", "zone-a"},
                                     {"b", "zone-b", 1000, false},
                                     {"c", "zone-b", 1000, true, false, "control-plane"},
                                     {"d", ""},
                                     {"e", "zone-a", 0},
                                     {"f", "zone-a", 500, true, true},
                                     {"g", "zone-a", 500, true, false, "", "NoExecute"},
                                     {"h", "zone-a", 500, true, false, "", "NoSchedule"},
                                     {"i", "", 0}}));
  std::vector<std::string> left_out;
  for (const NodeReport::LeftOut& node : report.left_out) {
    std::string text = node.node.str() + ":";
    for (const auto lack : node.lacks) text += std::string(NameOf(lack)) + " ";
    left_out.push_back(text + (node.unknown ? "unknown" : node.resilient_only ? "resilient" : "uncounted"));
  }
  EXPECT_THAT(left_out, ElementsAre("b:NotReady uncounted", "c:ControlPlane uncounted", "d:NoZoneLabel unknown",
                                    "e:NoAllocatableCPU unknown", "f:Cordoned resilient", "g:NoExecuteTaint resilient",
                                    "i:NoZoneLabel NoAllocatableCPU unknown"));
  ASSERT_THAT(report.zones, SizeIs(1));
  EXPECT_THAT(report.zones[0].nodes, ElementsAre("a", "f", "g", "h"));
  EXPECT_EQ(report.zones[0].cpu_milli, 2500);
  EXPECT_EQ(report.zones[0].open_cpu_milli, 1500);
}

TEST(ExplainTest, PodsAndWhyTheyAreLeftOut) {
  auto pods = PodsOn({"a1"});
  pods.push_back(PodBuilder("x-done", "10.0.9.1").Phase(PodPhase::kSucceeded));
  pods.push_back(PodBuilder("x-failed", "10.0.9.2").Phase(PodPhase::kFailed));
  pods.push_back(PodBuilder("x-homeless", "10.0.9.3").Node(""));
  pods.push_back(PodBuilder("x-lost", "10.0.9.4").Node("gone"));
  pods.push_back(PodBuilder("x-new").Node("a1"));
  pods.push_back(PodBuilder("x-sick", "10.0.9.5").Node("b1").Ready(false));
  pods.push_back(PodBuilder("x-six", "fd00::1").Node("b1"));
  pods.push_back(PodBuilder("x-slow", "10.0.9.6").Node("b1").Terminating());
  ExplainInput input = MakeExplainInput(AutoService(), pods, ThreeZones());
  input.cluster.slices.clear();
  const Explanation explanation = ExplainService(input, {});
  std::map<std::string, std::string> why;
  for (const PodExplanation& pod : Only(explanation).pods) {
    why[pod.pod.name.str()] = pod.left_out.empty() ? pod.planned_in.at(0) : pod.left_out;
    EXPECT_THAT(pod.written_in, IsEmpty());
  }
  EXPECT_EQ(why, (std::map<std::string, std::string>{{"web-00000", "web-(new)"},
                                                     {"x-done", "phase Succeeded"},
                                                     {"x-failed", "phase Failed"},
                                                     {"x-homeless", "not on a node"},
                                                     {"x-lost", "its Node gone is not known"},
                                                     {"x-new", "no IP yet"},
                                                     {"x-sick", "web-(new)"},
                                                     {"x-six", "no IPv4 address"},
                                                     {"x-slow", "web-(new)"}}));
  EXPECT_EQ(Only(explanation).not_ready, 2);
  EXPECT_THAT(explanation.errors, SizeIs(2));
  EXPECT_THAT(ExplanationText(explanation), HasSubstr("none -> web-(new)"));
}

TEST(ExplainTest, SaysWhatIsOverruledOrIgnored) {
  const auto service = AutoService()
                           .Distribution("PreferSameZone")
                           .Annotation(std::string(kAnnotationTopologyHints), "Auto")
                           .Annotation(std::string(kAnnotationHintsThreshold), "much")
                           .Annotation(std::string(kAnnotationHintsPolicy), "resilient");
  const Explanation explanation = ExplainService(MakeExplainInput(service, PodsOn({"a1"}), ThreeZones()), {});
  EXPECT_EQ(explanation.asked_key, kAnnotationTopologyHints);
  EXPECT_TRUE(explanation.options.policy_from_annotation);
  EXPECT_FALSE(explanation.options.threshold_from_annotation);
  EXPECT_THAT(explanation.notes, ElementsAre(HasSubstr("topology-mode=Auto counts for nothing"),
                                             HasSubstr("spec.trafficDistribution=PreferSameZone counts for nothing"),
                                             HasSubstr("\"much\" is not a number")));
  const auto wrong = ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Yes");
  EXPECT_THAT(ExplainService(MakeExplainInput(wrong, {}, ThreeZones()), {}).notes,
              ElementsAre(HasSubstr("topology-mode=Yes asks for nothing; only Auto does")));
}

TEST(ExplainTest, AddressTypesStandForThemselves) {
  auto pods = PodsOn({"a1", "a1", "b1", "b1", "c1", "c1"});
  pods[0] = PodBuilder("web-00000", "10.1.0.1").Ip("fd00::1").Node("a1");
  const Explanation explanation =
      ExplainService(MakeExplainInput(AutoService().Families({"IPv4", "IPv6"}), pods, ThreeZones()), {});
  ASSERT_THAT(explanation.address_types, SizeIs(2));
  EXPECT_FALSE(explanation.address_types[0].asks_in_vain());
  EXPECT_TRUE(explanation.address_types[1].asks_in_vain());
  EXPECT_TRUE(explanation.asks_in_vain());
  EXPECT_EQ(explanation.address_types[1].pods[1].left_out, "no IPv6 address");
  const std::optional<ExplainRow> row = RowOf(explanation);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->address_type, "IPv6");
  EXPECT_EQ(row->reason, "InsufficientEndpoints");
}

TEST(ExplainTest, UnmanagedServicesAreSaidToBe) {
  ServiceBuilder builder;
  builder.service.spec.selector.reset();
  const ExplainInput input = MakeExplainInput(builder, {}, ThreeZones());
  const Explanation explanation = ExplainService(input, {});
  EXPECT_FALSE(explanation.managed);
  EXPECT_EQ(explanation.unmanaged, "NoSelector");
  EXPECT_FALSE(RowOf(explanation).has_value());
  EXPECT_THAT(ExplanationText(explanation), HasSubstr("no selector"));
}

TEST(ExplainTest, RowsComeWorstFirst) {
  const auto nodes = std::make_shared<const NodeReport>(ThreeZones());
  const auto input = [&](const ServiceBuilder& service, const std::vector<std::string>& on) {
    return MakeExplainInput(service, PodsOn(on), ThreeZones()).cluster;
  };
  const auto named = [](const std::string& name, const std::string& distribution) {
    return ServiceBuilder(name).Distribution(distribution);
  };
  ServiceBuilder off = ServiceBuilder("vain").Annotation(std::string(kAnnotationTopologyMode), "Auto");
  const std::vector<ReconcileInput> inputs = {
      input(ServiceBuilder("ask-nothing"), {"a1"}), input(named("even", "PreferSameZone"), {"a1", "b1", "c1"}),
      input(named("loaded", "PreferSameZone"), {"a1", "a1", "b1", "c1"}),
      input(named("partly", "PreferSameZone"), {"a1", "b1"}), input(off, {"a1"})};
  std::vector<std::string> order;
  for (const ExplainRow& row : ExplainRows(inputs, nodes, {})) order.push_back(row.service.name.str());
  EXPECT_THAT(order, ElementsAre("vain", "partly", "loaded", "even", "ask-nothing"));
}

TEST(ExplainTest, InputStaysAsItIsAndEqualInputGivesEqualBytes) {
  const Nodes nodes = WithNode(ThreeZones(), {"b7", "", 100});
  const ExplainInput input = MakeExplainInput(AutoService(), PodsOn({"a1", "b1", "c1", "b7"}), nodes);
  const Service service = *input.cluster.service;
  std::vector<Node> nodes_before;
  for (const auto& node : nodes) nodes_before.push_back(*node);
  std::vector<Pod> pods_before;
  for (const auto& pod : input.cluster.pods) pods_before.push_back(*pod);
  std::vector<EndpointSlice> slices_before;
  for (const auto& slice : input.cluster.slices) slices_before.push_back(*slice);

  const std::string first = ExplanationJson(ExplainService(input, {}));
  EXPECT_EQ(*input.cluster.service, service);
  for (std::size_t i = 0; i < nodes.size(); ++i) EXPECT_EQ(*nodes[i], nodes_before[i]);
  for (std::size_t i = 0; i < pods_before.size(); ++i) EXPECT_EQ(*input.cluster.pods[i], pods_before[i]);
  for (std::size_t i = 0; i < slices_before.size(); ++i) EXPECT_EQ(*input.cluster.slices[i], slices_before[i]);

  ExplainInput again = input;
  again.memo = std::make_shared<ExplainMemo>();
  again.nodes = std::make_shared<const NodeReport>(Nodes(nodes.rbegin(), nodes.rend()));
  EXPECT_EQ(ExplanationJson(ExplainService(again, {})), first);
  EXPECT_EQ(ExplanationJson(ExplainService(again, {})), first) << "a memo that was used before";
  EXPECT_EQ(ExplanationText(ExplainService(again, {})), ExplanationText(ExplainService(input, {})));
}

TEST(ExplainTest, FiveThousandNodesAndEndpoints) {
  constexpr int kMany = 5000;
  Nodes nodes;
  std::vector<std::string> on;
  for (int i = 0; i < kMany; ++i) {
    const std::string zone = "zone-" + std::to_string(i % 10);
    nodes.push_back(MakeNode({"node-" + std::to_string(i), i == 7 ? "" : zone}));
    on.push_back("node-" + std::to_string(i));
  }
  const auto pods = PodsOn(on);
  const Explanation by_node =
      ExplainService(MakeExplainInput(ServiceBuilder().Distribution("PreferSameNode"), pods, nodes), {});
  std::int64_t picks = 0;
  for (const ZoneTraffic& zone : Only(by_node).traffic.zones) picks += zone.by_node;
  EXPECT_EQ(picks, kMany);
  EXPECT_NEAR(Only(by_node).traffic.in_zone, (kMany - 1.0) / kMany, 1e-9) << "one node is in no zone";
  const Explanation proportional = ExplainService(MakeExplainInput(AutoService(), pods, nodes), {});
  ASSERT_THAT(Only(proportional).fixes, Not(IsEmpty()));
  EXPECT_EQ(Only(proportional).fixes[0].parts[0].objects[0], "node-7");
  EXPECT_THAT(ExplanationText(proportional), HasSubstr("... 4980 more; the JSON has all"));
}

TEST(ExplainTextTest, NamesCannotMoveTheCursor) {
  auto pods = PodsOn({"a1"});
  pods.push_back(PodBuilder("evil\n\x1b[2Jname", "10.0.9.1").Node("a1"));
  const std::string text = ExplanationText(ExplainService(MakeExplainInput(AutoService(), pods, ThreeZones()), {}));
  EXPECT_THAT(text, HasSubstr("evil??[2Jname"));
}

TEST(FindServiceTest, NamesWhatIsThere) {
  const std::vector<ObjectKey> services = {
      {Text("a"), Text("redis")}, {Text("b"), Text("frontend")}, {Text("b"), Text("redis")}};
  EXPECT_EQ(FindService("a/redis", services)->ToString(), "a/redis");
  EXPECT_EQ(FindService("frontend", services)->ToString(), "b/frontend");
  for (const auto& [wanted, message] :
       std::vector<std::pair<std::string, std::string>>{{"redis", "more than one Service: a/redis, b/redis; say which"},
                                                        {"rediss", "did you mean a/redis, b/redis?"},
                                                        {"front", "did you mean b/frontend?"},
                                                        {"c/frontend", "did you mean b/frontend?"},
                                                        {"billing", "there is no Service \"billing\""}}) {
    EXPECT_THAT(std::string(FindService(wanted, services).status().message()), HasSubstr(message));
  }
  EXPECT_THAT(std::string(FindService("billing", services).status().message()), Not(HasSubstr("did you mean")));
}

}  // namespace
}  // namespace epslice
