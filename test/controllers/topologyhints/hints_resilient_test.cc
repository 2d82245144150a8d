// Resilient hints, as a Service's slices show them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "controllers/topologyhints/hints.h"
#include "test/controllers/builders.h"
#include "test/controllers/endpointslice/controller_fixture.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testkit::PodBuilder;
using testkit::ServiceBuilder;
using Slices = std::vector<std::shared_ptr<const EndpointSlice>>;

constexpr int kCpu = 1000;

struct NodeIs {
  std::string name, zone;
  std::int64_t cpu_milli = kCpu;
  bool cordoned = false;
  std::string taint_effect = {};
};

Node Make(const NodeIs& is) {
  Node node;
  node.metadata.name = Text(is.name);
  node.ready = true;
  node.unschedulable = is.cordoned;
  if (!is.zone.empty()) node.metadata.labels = StringMap{{Text::Intern(kLabelZone), Text::Intern(is.zone)}};
  if (is.cpu_milli > 0) node.allocatableCpuMilli = is.cpu_milli;
  if (!is.taint_effect.empty()) node.taints = {{Text("gone"), Text(), Text(is.taint_effect)}};
  return node;
}

class ResilientHintsTest : public ::testing::Test {
 protected:
  // Pods web-000, web-001, ... on the nodes named.
  void Place(const std::vector<NodeIs>& nodes, const std::vector<std::string>& pods) {
    auto zones = std::make_shared<NodeZones>();
    ZoneCapacities capacities;
    for (const NodeIs& is : nodes) {
      const Node node = Make(is);
      (*zones)[Text::Intern(is.name)] = Text::Intern(is.zone);
      capacities.Observe(nullptr, &node);
    }
    input_.nodes = zones;
    input_.capacity = capacities.snapshot();
    input_.service = service_;
    input_.pods.clear();
    for (const std::string& node : pods) AddPod(node);
  }
  void AddPod(const std::string& node) {
    const std::size_t n = made_++;
    std::string number = std::to_string(n);
    number.insert(0, 4 - number.size(), '0');
    input_.pods.push_back(
        PodBuilder("web-" + number, "10.1." + std::to_string(n / 250) + "." + std::to_string(n % 250 + 1)).Node(node));
  }

  // Plans and applies; returns the number of writes.
  std::size_t Sync() {
    const ReconcileInput before = input_;
    const Plan plan = Reconcile(input_, config_);
    EXPECT_EQ(before.slices, input_.slices);
    input_.slices = testkit::ApplyPlan(input_.slices, plan);
    input_.hints = plan.hints;
    events_ = plan.events;
    const Plan again = Reconcile(input_, config_);
    EXPECT_THAT(again.writes, IsEmpty()) << "unchanged input writes";
    return plan.writes.size();
  }
  const HintState& state() { return input_.hints[Text("IPv4")]; }

  // "a>b" for an endpoint in zone a hinted for zone b, in the order of the slices.
  std::string Hints() const {
    std::string text;
    for (const auto& slice : input_.slices) {
      for (const Endpoint& endpoint : slice->endpoints) {
        text += (text.empty() ? "" : " ") + endpoint.zone.str() + ">";
        if (!endpoint.hints) {
          text += "-";
          continue;
        }
        for (const Text& zone : endpoint.hints->forZones) text += zone.str();
      }
    }
    return text;
  }

  ReconcileConfig config_ = [] {
    ReconcileConfig config;
    config.hints.policy = HintsPolicy::kResilient;
    return config;
  }();
  std::shared_ptr<const Service> service_ = ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto");
  ReconcileInput input_;
  std::vector<PlannedEvent> events_;
  std::size_t made_ = 0;
};

TEST_F(ResilientHintsTest, Cases) {
  const std::vector<NodeIs> three = {{"a1", "a"}, {"b1", "b"}, {"c1", "c"}};
  struct Case {
    const char* what;
    std::vector<NodeIs> nodes;
    std::vector<std::string> pods;
    std::string hints;
    bool shared;
  };
  for (const Case& c : std::vector<Case>{
           {"everyone at home", three, {"a1", "b1", "c1"}, "a>a b>b c>c", false},
           {"zones that are short take the fewest further endpoints with room",
            three,
            {"a1", "a1", "a1", "b1"},
            "a>ab a>ac a>ac b>b",
            true},
           {"as few as needed move", three, {"a1", "a1", "a1", "b1", "b1", "b1"}, "a>c a>a a>a b>c b>b b>b", false},
           {"one for all", three, {"b1"}, "b>abc", true},
           {"two share the third zone", three, {"a1", "b1"}, "a>ac b>bc", true},
           {"a node without a zone is left out; its endpoint goes where one is missing",
            {{"a1", "a"}, {"a2", "a"}, {"b1", "b"}, {"b2", "b"}, {"x", ""}},
            {"a1", "a2", "b1", "x"},
            "a>a a>a b>b >b",
            false},
           {"a cordoned zone keeps its consumers' endpoints as far as there are enough",
            {{"a1", "a"}, {"b1", "b"}, {"c1", "c", kCpu, true}},
            {"a1", "a1", "a1", "b1", "b1", "b1", "c1"},
            "a>a a>a a>a b>b b>b b>b c>c",
            false},
           {"a cordoned zone without endpoints is named all the same",
            {{"a1", "a"}, {"b1", "b"}, {"c1", "c", kCpu, true}},
            {"a1", "b1"},
            "a>ac b>b",
            false},
           {"a zone whose only node has no CPU is named, too",
            {{"a1", "a"}, {"a2", "a"}, {"b1", "b"}, {"b2", "b"}, {"c1", "c", 0}},
            {"a1", "b1"},
            "a>ac b>b",
            false},
           {"NoExecute is as cordoned, other effects are not",
            {{"a1", "a"}, {"b1", "b", kCpu, false, "NoSchedule"}, {"c1", "c", kCpu, false, "NoExecute"}},
            {"a1", "b1"},
            "a>ac b>b",
            false},
           {"all cordoned: then they count after all",
            {{"a1", "a", kCpu, true}, {"b1", "b", kCpu, true}},
            {"a1", "b1"},
            "a>a b>b",
            false},
       }) {
    SCOPED_TRACE(c.what);
    input_ = {};
    made_ = 0;
    Place(c.nodes, c.pods);
    Sync();
    EXPECT_EQ(Hints(), c.hints);
    EXPECT_EQ(state().kind, HintState::Kind::kEnabled);
    EXPECT_EQ(state().shared, c.shared);
    ASSERT_THAT(events_, SizeIs(1));
    EXPECT_EQ(events_[0].message, "Topology Aware Hints has been enabled, addressType: IPv4");
  }
}

TEST_F(ResilientHintsTest, WhereThereCanBeNone) {
  struct Case {
    const char* what;
    std::vector<NodeIs> nodes;
    std::vector<std::string> pods;
    HintFailure failure;
    std::string message;
  };
  std::vector<NodeIs> ten_zones;  // two endpoints could share them in blocks
  for (char z = 'a'; z <= 'j'; ++z) ten_zones.push_back({std::string(1, z) + "1", std::string(1, z)});
  for (const Case& c : std::vector<Case>{
           {"too many unknown nodes",
            {{"a1", "a"}, {"b1", "b"}, {"x", ""}, {"y", "b", 0}},
            {"a1", "b1"},
            HintFailure::kNodeInformation,
            "Insufficient Node information: allocatable CPU or zone not specified on 2 of 4 nodes, more than 20%"},
           {"one zone", {{"a1", "a"}}, {"a1"}, HintFailure::kOneZone, "Nodes only ready in one zone"},
           {"nobody",
            {{"a1", "a"}, {"b1", "b"}},
            {},
            HintFailure::kTooFewEndpoints,
            "Insufficient number of endpoints (0 endpoints, 2 zones)"},
           {"more zones than an endpoint may name",
            ten_zones,
            {"a1"},
            HintFailure::kTooFewEndpoints,
            "Unable to name each zone by an endpoint without exceeding overload threshold (1 endpoints, 10 zones)"},
       }) {
    SCOPED_TRACE(c.what);
    input_ = {};
    made_ = 0;
    Place(c.nodes, c.pods);
    Sync();
    EXPECT_EQ(state().kind, HintState::Kind::kDisabled);
    EXPECT_EQ(state().failure, c.failure);
    ASSERT_THAT(events_, SizeIs(1));
    EXPECT_EQ(events_[0].message, c.message + ", addressType: IPv4");
  }
}

TEST_F(ResilientHintsTest, UnknownNodesAreCountedAgainstTheFlag) {
  std::vector<NodeIs> nodes = {{"a1", "a"}, {"a2", "a"}, {"b1", "b"}, {"b2", "b"}, {"x", ""}};
  Place(nodes, {"a1", "b1"});
  Sync();
  EXPECT_EQ(state().kind, HintState::Kind::kEnabled) << "a fifth is just what may be unknown";
  config_.hints.unknown_nodes = 199'999;
  Sync();
  EXPECT_EQ(state().kind, HintState::Kind::kDisabled);
}

TEST_F(ResilientHintsTest, AnnotationsOfTheServiceGoFirst) {
  config_.hints.policy = HintsPolicy::kReference;
  Place({{"a1", "a"}, {"b1", "b"}, {"c1", "c"}}, {"a1", "b1"});
  Sync();
  EXPECT_EQ(Hints(), "a>- b>-");
  input_.service = ServiceBuilder()
                       .Annotation(std::string(kAnnotationTopologyMode), "Auto")
                       .Annotation(std::string(kAnnotationHintsPolicy), "resilient");
  Sync();
  EXPECT_EQ(Hints(), "a>ac b>bc");
  // 12 endpoints, a third of the CPU in zone a: up to 0.2 it needs 4 of them, up
  // to 0.34 it needs 3.
  for (const auto& [threshold, hints] :
       std::map<std::string, std::string>{{"0.2", "a>a a>a a>a b>a b>b"}, {"0.34", "a>a a>a a>a b>b b>b"}}) {
    input_ = {};
    made_ = 0;
    Place({{"a1", "a", 1000}, {"b1", "b", 2000}},
          {"a1", "a1", "a1", "b1", "b1", "b1", "b1", "b1", "b1", "b1", "b1", "b1"});
    input_.service = ServiceBuilder()
                         .Annotation(std::string(kAnnotationTopologyMode), "Auto")
                         .Annotation(std::string(kAnnotationHintsPolicy), "resilient")
                         .Annotation(std::string(kAnnotationHintsThreshold), threshold);
    Sync();
    EXPECT_EQ(Hints().substr(0, hints.size()), hints);
  }
}

// Slices of ten, pods in three zones, one more or less at a time: beside the
// slice of the pod at most the one where another hint has to change.
TEST_F(ResilientHintsTest, OnePodMoreOrLessWritesFewSlices) {
  config_.max_endpoints_per_slice = 10;
  std::vector<std::string> pods;
  for (int i = 0; i < 120; ++i) pods.push_back(i % 6 == 0 ? "c1" : i % 2 == 0 ? "b1" : "a1");
  Place({{"a1", "a"}, {"b1", "b"}, {"c1", "c", 2000}}, pods);
  Sync();
  std::size_t more_than_one = 0;
  for (int round = 0; round < 200; ++round) {
    if (round % 3 == 0) {
      AddPod(round % 2 == 0 ? "a1" : "b1");
    } else {
      input_.pods.erase(input_.pods.begin() + (round * 7) % static_cast<int>(input_.pods.size()));
      if (round % 3 == 2) AddPod("c1");
    }
    const std::size_t writes = Sync();
    EXPECT_LE(writes, 3U) << round;
    more_than_one += writes > 1 ? 1 : 0;
  }
  EXPECT_LT(more_than_one, 110U);
}

TEST_F(ResilientHintsTest, HintsInSlicesThatAreWrittenAnywayChangeFirst) {
  config_.max_endpoints_per_slice = 4;
  const std::vector<NodeIs> even = {{"a1", "a", 1000}, {"b1", "b", 1000}};
  Place(even, {"a1", "a1", "a1", "a1", "a1", "a1", "a1", "a1", "b1", "b1", "b1", "b1"});
  Sync();
  ASSERT_EQ(Hints(), "a>b a>a a>a a>a a>a a>a a>a a>a b>b b>b b>b b>b");
  // A pod of zone b goes, from the last slice, and one of a, from the second: of
  // the endpoints that may now be for b those in the second slice cost nothing.
  input_.pods.erase(input_.pods.begin() + 8);
  input_.pods.erase(input_.pods.begin() + 7);
  EXPECT_EQ(Sync(), 2U);
  EXPECT_EQ(Hints(), "a>b a>a a>a a>a a>b a>a a>a b>b b>b b>b");
}

TEST_F(ResilientHintsTest, HintsOfNodesAndOfOldZonesAreMadeAnew) {
  Place({{"a1", "a"}, {"b1", "b"}}, {"a1", "b1"});
  input_.service = ServiceBuilder().Distribution("PreferSameNode");
  Sync();
  input_.service = service_;
  EXPECT_EQ(Sync(), 1U);
  for (const Endpoint& endpoint : input_.slices[0]->endpoints) EXPECT_THAT(endpoint.hints->forNodes, IsEmpty());
  // The nodes move to other zones.
  const Slices slices = input_.slices;
  Place({{"a1", "c"}, {"b1", "d"}}, {});
  made_ = 0;
  AddPod("a1");
  AddPod("b1");
  input_.slices = slices;
  Sync();
  EXPECT_EQ(Hints(), "c>c d>d");
}

TEST_F(ResilientHintsTest, WhatIsCounted) {
  Place({{"a1", "a"}, {"b1", "b"}}, {"a1", "a1", "a1", "a1", "b1", "b1"});
  Plan plan = Reconcile(input_, config_);
  EXPECT_EQ(plan.metrics.hints.reason, "AutoResilient");
  EXPECT_EQ(plan.metrics.hinted.zone, 6);
  EXPECT_EQ(plan.metrics.hint_changes.add, 6);
  Sync();
  AddPod("b1");
  plan = Reconcile(input_, config_);
  EXPECT_EQ(plan.metrics.hint_changes.add, 1);
  EXPECT_EQ(plan.metrics.hint_changes.change, 1) << "one of zone a comes home";
  input_.service = ServiceBuilder();
  plan = Reconcile(input_, config_);
  EXPECT_EQ(plan.metrics.hints.state, HintState::Kind::kOff);
  EXPECT_EQ(plan.metrics.hints.reason, "NotRequested");
  EXPECT_EQ(plan.metrics.hint_changes.remove, 6);
  EXPECT_EQ(plan.metrics.hinted.none, 7);
  input_.service = ServiceBuilder().Distribution("PreferSameNode");
  plan = Reconcile(input_, config_);
  EXPECT_EQ(plan.metrics.hints.reason, "PreferSameNode");
  EXPECT_EQ(plan.metrics.hinted.node, 7);
}

class ResilientSyncTest : public testkit::ServiceControllerTest {
 protected:
  ResilientSyncTest() : ServiceControllerTest(Options()) {}
  static ServiceControllerOptions Options() {
    ServiceControllerOptions options;
    options.reconcile.hints.policy = HintsPolicy::kResilient;
    return options;
  }
};

// A change of the nodes queues a Service only where it changes what its zones
// need.
TEST_F(ResilientSyncTest, NodesQueueWhatTheyChange) {
  PutNode("n1", "a");
  PutNode("n2", "b");
  PutService(ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto"));
  for (int i = 0; i < 8; ++i) {
    PutPod(PodBuilder("web-" + std::to_string(i), "10.1.0." + std::to_string(i + 1)).Node(i % 2 == 0 ? "n1" : "n2"));
  }
  controller_.Start(now_);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web c1"));
  Echo();
  cpu_milli_ = 10;
  PutNode("n3", "a");
  EXPECT_THAT(WorkAll(), IsEmpty()) << "too little to matter";
  PutNode("n4", "");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1")) << "1 of 4 nodes is unknown";
  Echo();
  PutNode("n5", "");
  EXPECT_THAT(WorkAll(), IsEmpty()) << "still off, for the same reason";
  PutNode("n5", "b");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1")) << "1 of 5 is within 20%";
}

// Each address type tells of its own hints.
TEST_F(ResilientSyncTest, EventsAreForEachAddressType) {
  PutNode("n1", "a");
  PutNode("n2", "b");
  PutService(ServiceBuilder().Families({"IPv4", "IPv6"}).Annotation(std::string(kAnnotationTopologyMode), "Auto"));
  PutPod(PodBuilder("web-1", "10.1.0.1"));
  controller_.Start(now_);
  WorkAll();
  Echo();
  EXPECT_THAT(events_,
              ElementsAre("TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4",
                          "TopologyAwareHintsDisabled: Insufficient number of endpoints (0 endpoints, 2 "
                          "zones), addressType: IPv6"));
  events_.clear();
  PutPod(PodBuilder("web-2", "fd00::2"));
  WorkAll();
  Echo();
  EXPECT_THAT(events_,
              ElementsAre("TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv6"))
      << "one family does not forget the other";
}

}  // namespace
}  // namespace epslice
