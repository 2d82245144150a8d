// Reconcile() with endpoints that are given, and no pods.
#include "controllers/endpointslice/given_endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "apis/json.h"
#include "test/controllers/builders.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Endpoint At(std::string_view address) {
  Endpoint endpoint;
  endpoint.addresses = {Text(address)};
  endpoint.conditions = {true, true, false};
  return endpoint;
}

std::vector<Endpoint> Many(int from, int to) {
  std::vector<Endpoint> endpoints;
  for (int i = from; i < to; ++i) {
    endpoints.push_back(At("192.0.2." + std::to_string(100 + i)));  // in the order of their texts
  }
  return endpoints;
}

class GivenEndpointsTest : public ::testing::Test {
 protected:
  GivenEndpointsTest() {
    service_.metadata.labels = StringMap{{"team", "a"}};
    service_.spec.selector.reset();
    config_.controller_name = "external.example.com";
    input_.endpoints.emplace();
  }

  Plan Run() {
    input_.service = std::make_shared<const Service>(service_);
    Plan plan = Reconcile(input_, config_);
    std::reverse(input_.endpoints->begin(), input_.endpoints->end());
    EXPECT_EQ(Print(plan), Print(Reconcile(input_, config_))) << "the order in which they are given counts";
    std::reverse(input_.endpoints->begin(), input_.endpoints->end());
    return plan;
  }
  // Applies the plan; a second one must have nothing to do. What was written, as
  // "c1 u0 d0".
  std::string Settle() {
    const Plan plan = Run();
    int counts[3] = {0, 0, 0};
    for (const SliceWrite& write : plan.writes) ++counts[static_cast<int>(write.op)];
    input_.slices = testkit::ApplyPlan(input_.slices, plan);
    EXPECT_THAT(Run().writes, IsEmpty()) << Print(Run());
    return "c" + std::to_string(counts[0]) + " u" + std::to_string(counts[1]) + " d" + std::to_string(counts[2]);
  }
  static std::string Print(const Plan& plan) {
    std::string out;
    for (const SliceWrite& write : plan.writes) {
      out += std::to_string(static_cast<int>(write.op)) + " ";
      AppendJson(*write.slice, &out);
    }
    return out;
  }
  std::multiset<std::string> Addresses(std::string_view type = "IPv4") const {
    std::multiset<std::string> addresses;
    for (const auto& slice : input_.slices) {
      if (slice->addressType != type) continue;
      for (const Endpoint& endpoint : slice->endpoints) addresses.insert(endpoint.addresses.front().str());
    }
    return addresses;
  }

  Service service_ = testkit::ServiceBuilder().service;
  ReconcileInput input_;
  ReconcileConfig config_;
};

TEST_F(GivenEndpointsTest, AreWrittenAsTheyAre) {
  Endpoint whole = At("192.0.2.10");
  whole.conditions = {false, true, true};
  whole.hostname = "ten";
  whole.nodeName = "far-away";
  whole.zone = "z";
  whole.targetRef = ObjectReference{"Machine", "shop", "m", "uid-m", "example.com/v1", "77", ""};
  whole.hints = EndpointHints{{"z"}, {}};
  Endpoint bare;
  bare.addresses = {"192.0.2.11"};
  input_.endpoints = {bare, whole};
  const Plan plan = Run();
  ASSERT_THAT(plan.writes, SizeIs(1));
  EXPECT_THAT(plan.retry_errors, IsEmpty());
  EXPECT_EQ(
      EncodeJson(*plan.writes[0].slice),
      R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"generateName":"web-","namespace":"shop",)"
      R"("labels":{"endpointslice.kubernetes.io/managed-by":"external.example.com","kubernetes.io/service-name":"web","team":"a"},)"
      R"("ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"web","uid":"svc-web","controller":true,"blockOwnerDeletion":true}]},)"
      R"("addressType":"IPv4","endpoints":[)"
      R"({"addresses":["192.0.2.10"],"conditions":{"ready":false,"serving":true,"terminating":true},"hostname":"ten","targetRef":{"kind":"Machine","namespace":"shop","name":"m","uid":"uid-m","apiVersion":"example.com/v1","resourceVersion":"77"},"nodeName":"far-away","zone":"z"},)"
      R"({"addresses":["192.0.2.11"],"conditions":{}}],)"
      R"("ports":[{"name":"http","protocol":"TCP","port":8080}]})");
  EXPECT_EQ(Settle(), "c1 u0 d0");
}

TEST_F(GivenEndpointsTest, FewWritesAsForPods) {
  config_.max_endpoints_per_slice = 10;
  struct Step {
    const char* what;
    std::vector<Endpoint> given;
    std::string writes;
  };
  const Step steps[] = {
      {"the first", Many(0, 25), "c3 u0 d0"},
      {"into the slice with room", Many(0, 28), "c0 u1 d0"},
      {"all of one slice goes", Many(0, 20), "c0 u0 d1"},
      {"no slice has room", Many(0, 25), "c1 u0 d0"},
      {"an empty slice stays", {}, "c0 u1 d2"},
      {"it is filled", Many(0, 3), "c0 u1 d0"},
  };
  for (const Step& step : steps) {
    SCOPED_TRACE(step.what);
    input_.endpoints = step.given;
    EXPECT_EQ(Settle(), step.writes);
    std::multiset<std::string> want;
    for (const Endpoint& endpoint : step.given) want.insert(endpoint.addresses.front().str());
    EXPECT_EQ(Addresses(), want);
  }
}

TEST_F(GivenEndpointsTest, EachIsKnownAgainAndWhatItSaysCompared) {
  struct Case {
    const char* what;
    void (*change)(Endpoint* endpoint);
    bool written;
  };
  const Case cases[] = {
      {"nothing", [](Endpoint*) {}, false},
      {"address", [](Endpoint* e) { e->addresses = {"192.0.2.99"}; }, true},
      {"a second address", [](Endpoint* e) { e->addresses.emplace_back("192.0.2.99"); }, true},
      {"hostname", [](Endpoint* e) { e->hostname = "other"; }, true},
      {"ready", [](Endpoint* e) { e->conditions.ready = false; }, true},
      {"ready, not said", [](Endpoint* e) { e->conditions.ready.reset(); }, true},
      {"terminating", [](Endpoint* e) { e->conditions.terminating = true; }, true},
      {"nodeName", [](Endpoint* e) { e->nodeName = "n"; }, true},
      {"zone", [](Endpoint* e) { e->zone = "other"; }, true},
      {"target's name", [](Endpoint* e) { e->targetRef->name = "other"; }, true},
      {"target's kind", [](Endpoint* e) { e->targetRef->kind = "Pod"; }, true},
      {"target's uid", [](Endpoint* e) { e->targetRef->uid = "other"; }, true},
      {"target's version", [](Endpoint* e) { e->targetRef->resourceVersion = "2"; }, false},
      {"no target", [](Endpoint* e) { e->targetRef.reset(); }, true},
      {"hints",
       [](Endpoint* e) {
         e->hints = EndpointHints{{"z"}, {}};
       },
       false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Endpoint endpoint = At("192.0.2.50");
    endpoint.targetRef = ObjectReference{"Machine", "", "m", "u", "v1", "1", ""};
    input_.slices.clear();
    input_.endpoints = Many(0, 5);
    input_.endpoints->push_back(endpoint);
    Settle();
    c.change(&endpoint);
    input_.endpoints->back() = endpoint;
    EXPECT_EQ(Settle(), c.written ? "c0 u1 d0" : "c0 u0 d0");
  }
}

TEST_F(GivenEndpointsTest, OfEqualOnesTheLastCounts) {
  Endpoint down = At("192.0.2.1");
  down.conditions.ready = false;
  input_.service = std::make_shared<const Service>(service_);
  input_.endpoints = {At("192.0.2.1"), At("192.0.2.2"), down, At("192.0.2.2")};
  const Plan plan = Reconcile(input_, config_);
  ASSERT_THAT(plan.writes, SizeIs(1));
  const std::vector<Endpoint>& written = plan.writes[0].slice->endpoints;
  ASSERT_THAT(written, SizeIs(2));
  EXPECT_EQ(written[0].conditions.ready, false);
  EXPECT_EQ(written[1].addresses.front(), "192.0.2.2");
}

TEST_F(GivenEndpointsTest, ADoubleInTheSlicesIsTakenOut) {
  input_.endpoints = Many(0, 3);
  Settle();
  auto twin = std::make_shared<EndpointSlice>(*input_.slices[0]);
  twin->metadata.name = "web-twin";
  input_.slices.push_back(twin);
  EXPECT_EQ(Settle(), "c0 u0 d1");
  EXPECT_EQ(Addresses().size(), 3);
}

TEST_F(GivenEndpointsTest, EachFamilyHasItsSlices) {
  input_.endpoints = {At("2001:db8::1"), At("192.0.2.1"), At("example.com"), At("")};
  input_.endpoints->emplace_back();
  service_.spec.ipFamilies = {"IPv4", "IPv6"};
  EXPECT_EQ(Settle(), "c2 u0 d0");
  EXPECT_THAT(Addresses("IPv4"), ElementsAre("192.0.2.1"));
  EXPECT_THAT(Addresses("IPv6"), ElementsAre("2001:db8::1"));
  service_.spec.ipFamilies = {"IPv4"};
  EXPECT_EQ(Settle(), "c0 u0 d1");
}

TEST_F(GivenEndpointsTest, PortsAreTheTargetPortsThatAreNumbers) {
  ServicePort named = service_.spec.ports[0];
  named.name = "metrics";
  named.targetPort = {0, "metrics"};
  service_.spec.ports.push_back(named);
  input_.endpoints = Many(0, 1);
  Settle();
  EXPECT_THAT(input_.slices[0]->ports, SizeIs(1));
  service_.spec.ports[0].targetPort.number = 9090;
  EXPECT_EQ(Settle(), "c0 u1 d0");
  EXPECT_EQ(input_.slices[0]->ports[0].port, 9090);
}

TEST_F(GivenEndpointsTest, HintsFollowFromTheService) {
  service_.spec.trafficDistribution = "PreferClose";
  input_.endpoints = Many(0, 2);
  (*input_.endpoints)[0].zone = "a";
  EXPECT_EQ(Settle(), "c1 u0 d0");
  const auto& hints = input_.slices[0]->endpoints[0].hints;
  ASSERT_TRUE(hints.has_value());
  EXPECT_EQ(hints->forZones.front(), "a");
  service_.spec.trafficDistribution.reset();
  EXPECT_EQ(Settle(), "c0 u1 d0");
  EXPECT_FALSE(input_.slices[0]->endpoints[0].hints.has_value());
}

TEST_F(GivenEndpointsTest, WhichServicesAreCaredFor) {
  input_.endpoints = Many(0, 1);
  service_.spec.selector = StringMap{{"app", "web"}};
  EXPECT_THAT(Run().writes, SizeIs(1));
  service_.spec.type = "ExternalName";
  EXPECT_THAT(Run().writes, IsEmpty());
  // Without given endpoints a Service without a selector has none.
  service_.spec.type = "ClusterIP";
  service_.spec.selector.reset();
  input_.endpoints.reset();
  input_.service = std::make_shared<const Service>(service_);
  EXPECT_THAT(Reconcile(input_, config_).writes, IsEmpty());
}

TEST_F(GivenEndpointsTest, SlicesThatAreBeingDeletedArePassedOver) {
  config_.max_endpoints_per_slice = 2;
  input_.endpoints = Many(0, 4);
  Settle();
  auto going = std::make_shared<EndpointSlice>(*input_.slices[0]);
  going->metadata.deletionTimestamp = Timestamp::FromSeconds(testkit::kCreated);
  input_.slices[0] = going;
  const Plan plan = Run();
  ASSERT_THAT(plan.writes, SizeIs(1));
  EXPECT_EQ(plan.writes[0].op, SliceWrite::Op::kCreate);

  const Plan none = DeleteSlices(KeyOf(service_.metadata), input_.slices);
  ASSERT_THAT(none.writes, SizeIs(1));
  EXPECT_EQ(none.writes[0].op, SliceWrite::Op::kDelete);
  EXPECT_EQ(none.writes[0].slice, input_.slices[1]);
}

}  // namespace
}  // namespace epslice
