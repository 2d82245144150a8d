// Scenarios on top of a dump: what it says of its pods and nodes counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apis/concat.h"
#include "test/sim/run/on_dump.h"

namespace epslice::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(OnDumpTest, WhatHasEndedStaysSo) {
  std::vector<std::string> objects = SixNodes();
  objects.push_back(ServiceJson("web"));
  for (int i = 0; i < 6; ++i) objects.push_back(PodJson("web", Concat("web-", i), i, "ReplicaSet"));
  objects.push_back(PodJson("web", "job-1", 0, "Job", {.phase = "Succeeded"}));
  objects.push_back(PodJson("web", "web-evicted", 0, "ReplicaSet", {.phase = "Failed"}));
  // Of a drain they do go.
  OnDump run(objects,
             "actions:\n- {at: 1m, zoneOutage: {zone: a, duration: 90s}}\n- {at: 10m, drain: {nodes: [n0]}}\n");
  run.To(9min);
  EXPECT_EQ(run.Ready("web").size(), 6U);
  EXPECT_EQ(run.follower.pods.at({Text("shop"), Text("job-1")})->phase, PodPhase::kSucceeded);
  run.To(15min);
  EXPECT_EQ(run.Ready("web").size(), 6U);
  EXPECT_EQ(run.follower.pods.count({Text("shop"), Text("web-evicted")}), 0U);
}

TEST(OnDumpTest, RoomIsWhatItsNodesAndPodsLeave) {
  // A daemon of 100m on each node, and two pods of 1 CPU: a third one fits.
  const auto cluster = [](const char* pods, const std::string& cpu) {
    std::vector<std::string> objects = {ServiceJson("web")};
    for (int i = 0; i < 6; ++i) {
      objects.push_back(NodeJson(i, pods,
                                 i == 0   ? R"("unschedulable":true)"
                                 : i == 1 ? R"("taints":[{"key":"k","effect":"NoExecute"}])"
                                 // Of no meaning where the node is Ready.
                                 : i == 2 ? R"("taints":[{"key":"node.kubernetes.io/not-ready","effect":"NoSchedule"}])"
                                          : ""));
      objects.push_back(PodJson("agent", Concat("agent-", i), i, "DaemonSet", {.cpu = "100m"}));
      // What has ended takes no room.
      objects.push_back(PodJson("job", Concat("job-", i), i, "Job", {.cpu = "3", .phase = "Succeeded"}));
      for (int n = 0; n < 2; ++n) {
        objects.push_back(PodJson("web", Concat("web-", i, "-", n), i, "ReplicaSet", {.cpu = cpu}));
      }
    }
    return objects;
  };
  // By CPU, on the four nodes that take any: 12 + 4. By number: 10 places of which
  // 3 are taken: 12 + 4 * 7.
  const struct {
    const char* pods;
    const char* cpu;
    std::size_t ready;
    const char* note;
  } cases[] = {{"110", "1", 16, "24 pods found no room on any node at the end of the run"},
               {"10", "10m", 40, ""},
               {"9", "10m", 36, "4 pods found no room on any node at the end of the run"}};
  for (const auto& c : cases) {
    OnDump run(cluster(c.pods, c.cpu), "actions: [{at: 1m, scale: {service: shop/web, to: 40}}]\n");
    run.To(10min);
    EXPECT_EQ(run.Ready("web").size(), c.ready);
    const std::vector<std::string> notes = run.stage->driver()->notes();
    EXPECT_EQ(notes, c.note[0] == '\0' ? std::vector<std::string>() : std::vector<std::string>{c.note});
  }
}

std::vector<std::string> WithDaemons() {
  std::vector<std::string> objects = SixNodes();
  objects.push_back(ServiceJson("agent"));
  for (int i = 0; i < 6; ++i) {
    objects.push_back(PodJson("agent", Concat("agent-", i), i, "DaemonSet", {.cpu = "100m"}));
  }
  return objects;
}

TEST(OnDumpTest, PodsOfDaemonSetsStayWithTheirNodes) {
  OnDump run(WithDaemons(),
             "actions:\n- {at: 1m, drain: {nodes: [n0], uncordonAfter: 1m}}\n"
             "- {at: 3m, zoneOutage: {zone: b, duration: 8m}}\n"
             "- {at: 12m, removeNodes: {nodes: [n5]}}\n"
             "- {at: 13m, addNodes: {name: more, zones: [c]}}\n"
             "- {at: 14m, scale: {service: shop/agent, to: 3}}\n");
  run.To(3min);
  EXPECT_THAT(run.NodesOf("agent"), ElementsAre("n0", "n1", "n2", "n3", "n4", "n5"));
  EXPECT_TRUE(run.follower.changes.empty() || run.follower.changes.back().at == 0s) << "nothing was asked to go";
  run.To(10min);
  EXPECT_THAT(run.NodesOf("agent"), ElementsAre("n0", "n2", "n3", "n5"));
  run.To(11min + 6s);  // their machines are back
  EXPECT_THAT(run.NodesOf("agent"), ElementsAre("n0", "n1", "n2", "n3", "n4", "n5"));
  EXPECT_EQ(run.Ready("agent").count("agent-1"), 1U);
  run.To(12min + 1s);
  EXPECT_FALSE(run.stage->simulation()->Get(Kind::kNode, "", "n5").has_value()) << "it does not wait for daemons";
  run.To(13min);
  EXPECT_THAT(run.NodesOf("agent"), ElementsAre("n0", "n1", "n2", "n3", "n4"));
  run.To(20min);
  EXPECT_THAT(run.NodesOf("agent"), ElementsAre("more-c-1", "n0", "n1", "n2", "n3", "n4"));
  EXPECT_THAT(run.stage->driver()->notes(), ElementsAre(HasSubstr("scale does nothing: its pods are of a DaemonSet")));
}

TEST(OnDumpTest, ARolloutOfADaemonSetIsOneByOneOnTheSameNodes) {
  OnDump run(WithDaemons(), "actions: [{at: 1m, rollout: {service: shop/agent}}]\n");
  run.To(1min);
  const auto before = run.Ready("agent");
  std::size_t fewest = before.size();
  for (Duration at = 1min; at <= 3min; at += 500ms) {
    run.To(at);
    fewest = std::min(fewest, run.Ready("agent").size());
  }
  EXPECT_EQ(fewest, 5U);
  EXPECT_THAT(run.NodesOf("agent"), ElementsAre("n0", "n1", "n2", "n3", "n4", "n5"));
  for (const auto& [name, node] : run.Ready("agent")) EXPECT_EQ(before.count(name), 0U) << name;
}

std::vector<std::string> WithDatabase() {
  std::vector<std::string> objects = SixNodes();
  objects.push_back(ServiceJson("db"));
  for (int i = 0; i < 3; ++i) {
    const std::string name = Concat("db-", i);
    objects.push_back(PodJson("db", name, i, "StatefulSet",
                              {.spec = Concat(R"("hostname":")", name, R"(","subdomain":"db",)"),
                               .labels = Concat(R"(,"statefulset.kubernetes.io/pod-name":")", name, "\"")}));
  }
  return objects;
}

TEST(OnDumpTest, PodsOfStatefulSetsAreReplacedWhenTheyAreGone) {
  OnDump run(WithDatabase(), "actions: [{at: 1m, zoneOutage: {zone: b, duration: 10m}}]\n");
  run.To(11min - 1s);  // given up after 340 s
  EXPECT_THAT(run.NodesOf("db"), ElementsAre("n0", "n2"));
  EXPECT_EQ(run.follower.pods.size(), 3U);
  run.To(12min);
  const auto ready = run.Ready("db");
  EXPECT_EQ(ready.size(), 3U);
  ASSERT_EQ(ready.count("db-1"), 1U);
  const auto db1 = run.follower.pods.at({Text("shop"), Text("db-1")});
  EXPECT_EQ(db1->hostname, "db-1");
  EXPECT_EQ(db1->subdomain, "db");
  EXPECT_EQ(db1->metadata.labels.Get("statefulset.kubernetes.io/pod-name"), "db-1");
  EXPECT_FALSE(db1->metadata.uid == Text("u-db-1"));
}

TEST(OnDumpTest, StatefulSetsScaleAndRollInOrder) {
  OnDump run(WithDatabase(),
             "actions:\n- {at: 1m, scale: {service: shop/db, to: 5}}\n- {at: 2m, scale: {service: shop/db, to: 2}}\n"
             "- {at: 3m, rollout: {service: shop/db}}\n");
  const auto names = [&run] {
    std::vector<std::string> all;
    for (const auto& [key, pod] : run.follower.pods) all.push_back(key.name.str());
    return all;
  };
  run.To(1min + 1s);
  EXPECT_THAT(names(), ElementsAre("db-0", "db-1", "db-2", "db-3"));
  run.To(1min + 7s);  // the one before is Ready after 5.1 s
  EXPECT_THAT(names(), ElementsAre("db-0", "db-1", "db-2", "db-3", "db-4"));
  run.To(2min + 30s);
  EXPECT_THAT(names(), ElementsAre("db-0", "db-1"));
  run.To(3min + 1s);
  EXPECT_EQ(run.Ready("db").count("db-0"), 1U);
  EXPECT_EQ(run.Ready("db").count("db-1"), 0U);
  run.To(5min);
  EXPECT_EQ(run.Ready("db").size(), 2U);
  for (const auto& [key, pod] : run.follower.pods) EXPECT_FALSE(pod->metadata.uid == Text("u-" + key.name.str()));
}

// Two Services of one set of pods have one workload behind them.
TEST(OnDumpTest, TwoServicesOfTheSamePods) {
  std::vector<std::string> objects = SixNodes();
  std::string other = ServiceJson("web");
  objects.push_back(other);
  other.replace(other.find("\"name\":\"web\""), 12, "\"name\":\"www\"");
  other.replace(other.find("su-web"), 6, "su-www");
  objects.push_back(other);
  for (int i = 0; i < 4; ++i) objects.push_back(PodJson("web", Concat("web-", i), i, "ReplicaSet"));
  OnDump run(objects,
             "actions:\n- {at: 1m, rollout: {service: 'shop/*'}}\n- {at: 5m, scale: {service: shop/www, to: 6}}\n"
             "- {at: 6m, scale: {service: shop/web, to: 5}}\n");
  run.To(4min);
  EXPECT_EQ(run.Ready("web").size(), 4U);
  run.To(6min - 1s);
  EXPECT_EQ(run.Ready("web").size(), 6U);
  run.To(8min);
  EXPECT_EQ(run.Ready("web").size(), 5U);
}

TEST(OnDumpTest, SlicesThatTheDumpLacksAreThere) {
  std::vector<std::string> objects = SixNodes();
  objects.push_back(ServiceJson("web"));
  for (int i = 0; i < 6; ++i) objects.push_back(PodJson("web", Concat("web-", i), i, "ReplicaSet"));
  OnDump settled(objects, "startState: settled\n");
  const RunReport report = Ran(settled.spec).report;
  EXPECT_EQ(report.numbers.writes, 0);
  EXPECT_EQ(report.numbers.rejected, 0);
  EXPECT_THAT(report.made_up, Contains("EndpointSlices of 1 Service that the start state shows without any, as a "
                                       "controller would have left them"));

  RunSpec alone = settled.spec;
  alone.scenario.clear();
  const RunReport cold = Ran(alone).report;
  EXPECT_EQ(cold.numbers.creates, 1);
  EXPECT_THAT(cold.notes, Contains(HasSubstr("the dump shows no EndpointSlices")));

  objects.push_back(
      R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"web-x","namespace":"shop",)"
      R"("uid":"e1","labels":{"kubernetes.io/service-name":"web",)"
      R"("endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"}},"addressType":"IPv4",)"
      R"("endpoints":[],"ports":[{"port":8080,"protocol":"TCP"}]})");
  OnDump without(objects, "startState: withoutSlices\n");
  const RunReport made = Ran(without.spec).report;
  EXPECT_EQ(made.numbers.creates, 1);
  EXPECT_EQ(made.numbers.updates, 0);
  EXPECT_THAT(made.made_up, ElementsAre(HasSubstr("requests: 100 a second")));  // no slices
}

}  // namespace
}  // namespace epslice::sim
