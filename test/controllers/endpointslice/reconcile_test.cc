#include "controllers/endpointslice/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "test/controllers/builders.h"
#include "test/controllers/endpointslice/reconcile_fixture.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testkit::ApplyPlan;
using testkit::PodBuilder;
using testkit::Pods;
using testkit::ReconcileTest;
using testkit::ServiceBuilder;
using testkit::Slices;

TEST_F(ReconcileTest, ANewServiceGetsItsSlice) {
  input_.service = ServiceBuilder().Labels({{"team", "a"}, {"kubernetes.io/service-name", "forged"}});
  input_.pods = {PodBuilder("p", "010.1.02.3").Host("h", "web"), PodBuilder("q", "10.1.2.4").Ready(false).Node("n2"),
                 PodBuilder("r", "10.1.2.5").Terminating().Node("bare").Host("h", "other")};
  const Plan plan = Run();
  ASSERT_EQ(Ops(plan), "c1 u0 d0");
  EXPECT_EQ(
      EncodeJson(*plan.writes[0].slice),
      R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"generateName":"web-","namespace":"shop",)"
      R"("labels":{"endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","kubernetes.io/service-name":"web","team":"a"},)"
      R"("annotations":{"endpoints.kubernetes.io/last-change-trigger-time":"2026-01-02T03:04:05Z"},)"
      R"("ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"web","uid":"svc-web","controller":true,"blockOwnerDeletion":true}]},)"
      R"("addressType":"IPv4","endpoints":[)"
      R"({"addresses":["10.1.2.3"],"conditions":{"ready":true,"serving":true,"terminating":false},"hostname":"h","targetRef":{"kind":"Pod","namespace":"shop","name":"p","uid":"uid-p"},"nodeName":"n1","zone":"a"},)"
      R"({"addresses":["10.1.2.4"],"conditions":{"ready":false,"serving":false,"terminating":false},"targetRef":{"kind":"Pod","namespace":"shop","name":"q","uid":"uid-q"},"nodeName":"n2","zone":"b"},)"
      R"({"addresses":["10.1.2.5"],"conditions":{"ready":false,"serving":true,"terminating":true},"targetRef":{"kind":"Pod","namespace":"shop","name":"r","uid":"uid-r"},"nodeName":"bare"}],)"
      R"("ports":[{"name":"http","protocol":"TCP","port":8080}]})");
}

TEST_F(ReconcileTest, ServicesThatAreNotOursAreLeftAlone) {
  auto external = ServiceBuilder().service;
  external.spec.type = Text("ExternalName");
  auto bare = ServiceBuilder().service;
  bare.spec.selector.reset();
  input_.pods = Pods(3);
  Settle();
  for (const Service& service : {external, bare}) {
    input_.service = std::make_shared<const Service>(service);
    EXPECT_THAT(Run().writes, IsEmpty());
  }
}

TEST_F(ReconcileTest, AddressTypes) {
  struct Case {
    std::vector<std::string> families;
    std::string cluster_ip;
    std::vector<std::string> want;
  };
  for (const Case& c : std::vector<Case>{{{"IPv4"}, "10.0.0.1", {"IPv4"}},
                                         {{"IPv6", "IPv4"}, "fd00::1", {"IPv4", "IPv6"}},
                                         {{}, "10.0.0.1", {"IPv4"}},
                                         {{}, "fd00::1", {"IPv6"}},
                                         {{}, "None", {"IPv4", "IPv6"}},
                                         {{}, "", {"IPv4", "IPv6"}}}) {
    std::vector<std::string> types;
    for (const Text& type : AddressTypesOf(ServiceBuilder().Families(c.families).ClusterIp(c.cluster_ip).service)) {
      types.push_back(type.str());
    }
    EXPECT_EQ(types, c.want) << c.cluster_ip;
  }
}

TEST_F(ReconcileTest, DualStackPodsAreInBothFamilies) {
  input_.service = ServiceBuilder().Families({"IPv4", "IPv6"});
  input_.pods = {PodBuilder("both", "10.0.0.1").Ip("FD00:0:0:0::1"), PodBuilder("four", "10.0.0.2")};
  const Slices slices = Settle();
  EXPECT_THAT(Sizes(), ElementsAre("IPv4:2", "IPv6:1"));
  for (const auto& slice : slices) {
    if (slice->addressType == "IPv6") {
      EXPECT_EQ(slice->endpoints[0].addresses[0], "fd00::1");
    }
  }
}

TEST_F(ReconcileTest, PodsWithoutAPlaceAreLeftOut) {
  input_.pods = {PodBuilder("done", "10.0.0.1").Phase(PodPhase::kSucceeded),
                 PodBuilder("dead", "10.0.0.2").Phase(PodPhase::kFailed), PodBuilder("new"),
                 PodBuilder("six", "fd00::9")};
  Settle();
  EXPECT_THAT(Sizes(), ElementsAre("IPv4:0"));
}

TEST_F(ReconcileTest, AHeadlessServiceIsLabelled) {
  input_.service = ServiceBuilder().ClusterIp("None");
  input_.pods = Pods(1);
  const Slices slices = Settle();
  EXPECT_TRUE(slices[0]->metadata.labels.Contains(kLabelHeadless));
}

TEST_F(ReconcileTest, APodOnAnUnknownNodeIsTriedAgain) {
  input_.pods = {PodBuilder("here", "10.0.0.1"), PodBuilder("lost", "10.0.0.2").Node("gone"),
                 PodBuilder("nowhere", "10.0.0.3").Node("")};
  Plan plan = Run();
  EXPECT_THAT(plan.retry_errors,
              ElementsAre("Pod shop/lost: its Node gone is not known", "Pod shop/nowhere: is not on a node yet"));
  ASSERT_THAT(plan.writes, SizeIs(1));
  EXPECT_THAT(plan.writes[0].slice->endpoints, SizeIs(1));

  input_.service = ServiceBuilder().PublishNotReady();
  plan = Run();
  EXPECT_THAT(plan.retry_errors, IsEmpty());
  ASSERT_THAT(plan.writes[0].slice->endpoints, SizeIs(3));
  EXPECT_TRUE(plan.writes[0].slice->endpoints[1].zone.empty());
}

TEST_F(ReconcileTest, PublishNotReadyMakesAllReady) {
  input_.service = ServiceBuilder().PublishNotReady();
  input_.pods = {PodBuilder("p", "10.0.0.1").Ready(false).Terminating()};
  const Plan plan = Run();
  EXPECT_EQ(plan.writes[0].slice->endpoints[0].conditions, (EndpointConditions{true, false, true}));
}

TEST_F(ReconcileTest, PackingCountsOfTheReference) {
  struct Case {
    std::string name;
    std::vector<int> slices;  // sizes before, holding pods 0, 1, ...
    std::vector<int> gone;    // pods that are no more
    int added;                // new pods
    std::string ops;
    std::multiset<std::string> after;
  };
  const std::vector<Case> cases = {
      {"nothing changed", {10, 5}, {}, 0, "c0 u0 d0", {"IPv4:10", "IPv4:5"}},
      {"first fill", {}, {}, 25, "c3 u0 d0", {"IPv4:10", "IPv4:10", "IPv4:5"}},
      {"one new goes where it fits best", {9, 5}, {}, 1, "c0 u1 d0", {"IPv4:10", "IPv4:5"}},
      {"all that is left must fit in one", {8, 8}, {}, 3, "c1 u0 d0", {"IPv4:3", "IPv4:8", "IPv4:8"}},
      {"a full slice of new ones is a new slice", {5}, {}, 10, "c1 u0 d0", {"IPv4:10", "IPv4:5"}},
      {"slices that are written take what is left", {8, 5}, {0}, 4, "c0 u2 d0", {"IPv4:10", "IPv4:6"}},
      {"the fullest first", {4, 9}, {0, 4}, 3, "c0 u2 d0", {"IPv4:10", "IPv4:4"}},
      {"an emptied slice goes", {2, 5}, {0, 1}, 0, "c0 u0 d1", {"IPv4:5"}},
      {"an emptied slice is used for a new one", {2, 10}, {0, 1}, 3, "c0 u1 d0", {"IPv4:10", "IPv4:3"}},
      {"all gone: a placeholder under an old name", {2, 5}, {0, 1, 2, 3, 4, 5, 6}, 0, "c0 u1 d1", {"IPv4:0"}},
      {"never rebalanced", {3, 3, 3}, {0}, 0, "c0 u1 d0", {"IPv4:2", "IPv4:3", "IPv4:3"}},
  };
  config_.max_endpoints_per_slice = 10;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    input_.slices.clear();
    input_.pods.clear();
    int next = 0;
    Slices slices;
    for (int size : c.slices) {
      input_.pods = Pods(size, next);
      next += size;
      input_.slices.clear();
      const Plan plan = Run();
      for (const auto& slice : ApplyPlan({}, plan)) {
        auto copy = std::make_shared<EndpointSlice>(*slice);
        copy->metadata.name = Text("s" + std::to_string(slices.size()));
        slices.push_back(copy);
      }
    }
    input_.slices = slices;
    input_.pods = Pods(next + c.added);
    for (auto it = c.gone.rbegin(); it != c.gone.rend(); ++it) input_.pods.erase(input_.pods.begin() + *it);
    EXPECT_EQ(Ops(Run()), c.ops);
    Settle();
    EXPECT_EQ(Sizes(), c.after);
  }
}

TEST_F(ReconcileTest, WhichSliceNewEndpointsGoIntoCanBeDrawn) {
  const auto first_slice = [this](std::uint64_t seed) {
    config_.new_endpoints_seed = seed;
    const Plan plan = Run();
    EXPECT_EQ(Ops(plan), "c2 u0 d0");
    std::vector<std::string> names;
    for (const Endpoint& endpoint : plan.writes[0].slice->endpoints) names.push_back(endpoint.targetRef->name.str());
    return names;
  };
  config_.max_endpoints_per_slice = 10;
  input_.pods = Pods(20);
  const std::vector<std::string> by_name = first_slice(0), drawn = first_slice(1), other = first_slice(2);
  EXPECT_TRUE(std::is_sorted(by_name.begin(), by_name.end()));
  const std::set<std::string> sets[] = {
      {by_name.begin(), by_name.end()}, {drawn.begin(), drawn.end()}, {other.begin(), other.end()}};
  EXPECT_NE(sets[0], sets[1]);
  EXPECT_NE(sets[1], sets[2]);
}

TEST_F(ReconcileTest, PortGroupsHaveSlicesOfTheirOwn) {
  input_.service = ServiceBuilder().TargetPort("web");
  input_.pods = {PodBuilder("a", "10.0.0.1").Port("web", 8080), PodBuilder("b", "10.0.0.2").Port("web", 9090),
                 PodBuilder("c", "10.0.0.3").Port("other", 1).Port("web", 8080, "UDP")};
  const Slices slices = Settle();
  std::multiset<std::string> ports;
  for (const auto& slice : slices) {
    ports.insert(slice->ports.empty() ? "none" : std::to_string(*slice->ports[0].port));
    EXPECT_THAT(slice->endpoints, SizeIs(1));
  }
  EXPECT_THAT(ports, ElementsAre("8080", "9090", "none"));
  // The group that nobody needs any more goes.
  input_.pods.erase(input_.pods.begin() + 1);
  EXPECT_EQ(Ops(Run()), "c0 u0 d1");
}

// One of a group that has pods, but none with an address.
TEST_F(ReconcileTest, AnEmptySliceThatIsOnlyLabelledOtherwiseStays) {
  config_.max_endpoints_per_slice = 1;
  input_.service = ServiceBuilder().TargetPort("web");
  input_.pods = {PodBuilder("a", "10.0.0.1").Port("web", 8080), PodBuilder("b", "10.0.0.2").Port("web", 9090),
                 PodBuilder("c", "10.0.0.3").Port("web", 9090)};
  Settle();
  input_.slices.pop_back();
  auto empty = std::make_shared<EndpointSlice>(*input_.slices.back());
  ASSERT_EQ(empty->ports[0].port, 9090);
  empty->endpoints.clear();
  input_.slices.back() = empty;
  input_.pods = {input_.pods[0], PodBuilder("b", "fd00::2").Port("web", 9090)};
  EXPECT_EQ(Ops(Run()), "c0 u0 d0");
  input_.service = ServiceBuilder().TargetPort("web").Labels(StringMap{{Text("a"), Text("b")}});
  const Plan plan = Run();
  EXPECT_EQ(Ops(plan), "c0 u2 d0");
  for (const SliceWrite& write : plan.writes) EXPECT_EQ(write.slice->metadata.labels.Get("a"), "b");
}

TEST_F(ReconcileTest, ADuplicateIsKeptOnce) {
  input_.pods = Pods(3);
  Settle();
  auto twin = std::make_shared<EndpointSlice>(*input_.slices[0]);
  twin->metadata.name = Text("web-zz");
  twin->endpoints.resize(2);
  input_.slices.push_back(twin);
  EXPECT_EQ(Ops(Run()), "c0 u0 d1");
  Settle();
  EXPECT_THAT(Sizes(), ElementsAre("IPv4:3"));
}

TEST_F(ReconcileTest, WhatMakesASliceChange) {
  struct Case {
    std::string name;
    std::function<void(EndpointSlice*)> edit;
    std::string ops;
  };
  const std::vector<Case> cases = {
      {"hints are no difference of an endpoint but are removed",
       [](auto* s) {
         s->endpoints[0].hints = EndpointHints{{Text("a")}, {}};
       },
       "c0 u1 d0"},
      {"the version of a targetRef does not matter",
       [](auto* s) { s->endpoints[0].targetRef->resourceVersion = Text("7"); }, "c0 u0 d0"},
      {"its apiVersion does", [](auto* s) { s->endpoints[0].targetRef->apiVersion = Text("v1"); }, "c0 u1 d0"},
      {"a wrong zone", [](auto* s) { s->endpoints[0].zone = Text("z"); }, "c0 u1 d0"},
      {"a missing condition", [](auto* s) { s->endpoints[0].conditions.serving.reset(); }, "c0 u1 d0"},
      {"an endpoint nobody knows",
       [](auto* s) {
         s->endpoints.push_back(s->endpoints[0]);
         s->endpoints.back().addresses = {Text("9.9.9.9")};
       },
       "c0 u1 d0"},
      {"an endpoint without a targetRef", [](auto* s) { s->endpoints[1].targetRef.reset(); }, "c0 u1 d0"},
      {"a label too many", [](auto* s) { s->metadata.labels = s->metadata.labels.With(Text("x"), Text("y")); },
       "c0 u1 d0"},
      {"the headless label alone is not looked at",
       [](auto* s) { s->metadata.labels = s->metadata.labels.With(Text(kLabelHeadless), Text()); }, "c0 u0 d0"},
      {"annotations of others stay",
       [](auto* s) { s->metadata.annotations = s->metadata.annotations.With(Text("x"), Text("y")); }, "c0 u0 d0"},
      {"other ports: another group", [](auto* s) { s->ports[0].port = 1; }, "c0 u1 d0"},
      {"owned by somebody else", [](auto* s) { s->metadata.ownerReferences[0].uid = Text("other"); }, "c1 u0 d1"},
      {"an address type the Service does not have", [](auto* s) { s->addressType = Text("FQDN"); }, "c1 u0 d1"},
  };
  input_.pods = Pods(3);
  const Slices settled = Settle();
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    input_.slices = settled;
    Edit(0, c.edit);
    EXPECT_EQ(Ops(Run()), c.ops);
    Settle();
  }
}

TEST_F(ReconcileTest, AnUpdateKeepsWhatIsNotOurs) {
  input_.pods = Pods(2);
  Settle();
  Edit(0, [](EndpointSlice* s) {
    s->metadata.annotations = s->metadata.annotations.With(Text("note"), Text("keep"));
    s->metadata.finalizers = {Text("example.com/hold")};
    s->metadata.ownerReferences.push_back({Text("v1"), Text("ConfigMap"), Text("cm"), Text("u"), {}, {}});
    s->metadata.resourceVersion = Text("77");
  });
  input_.pods.push_back(PodBuilder("web-9", "10.9.9.9"));
  input_.trigger_time = Timestamp();
  const Plan plan = Run();
  ASSERT_EQ(Ops(plan), "c0 u1 d0");
  const ObjectMeta& meta = plan.writes[0].slice->metadata;
  EXPECT_EQ(meta.resourceVersion, "77");
  EXPECT_EQ(meta.annotations.Get("note"), "keep");
  EXPECT_FALSE(meta.annotations.Contains(kAnnotationTriggerTime)) << "an unknown trigger time takes the old one away";
  EXPECT_THAT(meta.finalizers, SizeIs(1));
  EXPECT_THAT(meta.ownerReferences, SizeIs(2));
}

TEST_F(ReconcileTest, PlaceholderIsMadeOnceAndUsedAgain) {
  EXPECT_EQ(Ops(Run()), "c1 u0 d0");
  Settle();
  EXPECT_THAT(input_.slices[0]->ports, IsEmpty());
  input_.pods = Pods(1);
  EXPECT_EQ(Ops(Run()), "c0 u1 d0") << "the placeholder's name is used for the first real slice";
}

TEST_F(ReconcileTest, APlaceholderStaysWhenTheSlicesBesideItGo) {
  Run();
  Settle();
  const auto placeholder = input_.slices[0];
  input_.pods = Pods(1);
  input_.slices.clear();
  Run();
  Settle();
  input_.pods.clear();
  input_.slices.push_back(placeholder);
  const Plan plan = Run();
  ASSERT_EQ(Ops(plan), "c0 u0 d1") << "not written again as it is";
  EXPECT_FALSE(plan.writes[0].slice->endpoints.empty());
}

TEST_F(ReconcileTest, AServiceBeingDeletedGetsNoNewSlices) {
  input_.service = ServiceBuilder().Deleting();
  input_.pods = Pods(1);
  EXPECT_THAT(Run().writes, IsEmpty());
  input_.service = ServiceBuilder();
  Settle();
  input_.service = ServiceBuilder().Deleting();
  input_.pods = {PodBuilder("web-00000", "10.1.0.1").Ready(false)};
  EXPECT_EQ(Ops(Run()), "c0 u1 d0");
}

TEST_F(ReconcileTest, WritesComeInOrderCreatesUpdatesDeletes) {
  config_.max_endpoints_per_slice = 2;
  input_.service = ServiceBuilder().Families({"IPv4", "IPv6"});
  for (int i = 0; i < 4; ++i) {
    input_.pods.push_back(
        PodBuilder("p" + std::to_string(i), "10.0.0." + std::to_string(i + 1)).Ip("fd00::" + std::to_string(i + 1)));
  }
  Settle();
  input_.pods.erase(input_.pods.begin(), input_.pods.begin() + 2);
  const Plan plan = Run();
  EXPECT_EQ(Ops(plan), "c0 u0 d2");
  EXPECT_THAT(plan.writes, SizeIs(2));
  EXPECT_NE(plan.writes[0].group, plan.writes[1].group);
}

TEST_F(ReconcileTest, MetricsOfASync) {
  config_.max_endpoints_per_slice = 2;
  input_.pods = Pods(5);
  Plan plan = Run();
  ASSERT_THAT(plan.metrics.per_address_type, SizeIs(1));
  EXPECT_EQ(plan.metrics.per_address_type[0].endpoints_added, 5);
  EXPECT_EQ(plan.metrics.desired_endpoints, 5);
  EXPECT_EQ(plan.metrics.desired_slices, 3);
  EXPECT_EQ(plan.metrics.actual_slices, 3);
  Settle();
  input_.pods = {input_.pods[0], input_.pods[2], input_.pods[4]};
  plan = Run();
  EXPECT_EQ(plan.metrics.per_address_type[0].endpoints_removed, 2);
  EXPECT_EQ(plan.metrics.desired_slices, 2);
  EXPECT_EQ(plan.metrics.actual_slices, 3);
}

TEST_F(ReconcileTest, TheOrderOfTheInputDoesNotMatter) {
  config_.max_endpoints_per_slice = 3;
  input_.pods = Pods(8);
  Settle();
  input_.pods = Pods(12, 2);
  const std::string want = Print(Run());
  std::reverse(input_.slices.begin(), input_.slices.end());
  std::reverse(input_.pods.begin(), input_.pods.end());
  EXPECT_EQ(Print(Run()).size(), want.size());
  std::reverse(input_.pods.begin(), input_.pods.end());
  EXPECT_EQ(Print(Run()), want);
}

}  // namespace
}  // namespace epslice
