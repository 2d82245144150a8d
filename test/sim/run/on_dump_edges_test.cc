// Scenarios on top of a dump: what few clusters have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "apis/concat.h"
#include "test/sim/run/on_dump.h"

namespace epslice::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What a trace tells after the dump.
std::string EventLine(int second, const char* type, const std::string& object) {
  return Concat(R"({"time":"2026-02-01T00:00:)", second < 10 ? "0" : "", second, R"(Z","type":")", type,
                R"(","object":)", object, "}\n");
}

TEST(OnDumpEdgesTest, APodIsNotPlacedOnTheNodeThatLeaves) {
  OnDump run({NodeJson(0), NodeJson(1, "110", R"("unschedulable":true)"), ServiceJson("web"),
              PodJson("web", "web-a", 0, "ReplicaSet"),
              PodJson("web", "web-b", -1, "ReplicaSet", {.cpu = "100m", .phase = "Pending"})},
             "actions:\n- {at: 10s, removeNodes: {nodes: [n0], drain: false}}\n"
             "- {at: 1m, addNodes: {name: late, zones: [a], count: 1, cpu: 4}}\n");
  run.To(5min);
  EXPECT_EQ(run.Ready("web").size(), 2U);
}

TEST(OnDumpEdgesTest, NodesThatTheTraceTakesAndBringsBackMeanwhile) {
  // The scenario has taken the pods over; the trace goes on telling of the nodes.
  std::vector<std::string> objects = {NodeJson(0), NodeJson(1), NodeJson(2), ServiceJson("web"), ServiceJson("agent")};
  for (int i = 0; i < 3; ++i) {
    objects.push_back(PodJson("web", Concat("web-", i), i, "ReplicaSet"));
    objects.push_back(PodJson("agent", Concat("agent-", i), i, "DaemonSet", {.cpu = "10m"}));
  }
  OnDump run(objects, "actions: [{at: 1s, flap: {service: shop/*, pods: 1, period: 2s, duration: 2s}}]\n",
             EventLine(0, "MODIFIED", NodeJson(0)) + EventLine(10, "DELETED", NodeJson(2)) +
                 EventLine(40, "ADDED", NodeJson(3)));
  run.To(30s);
  EXPECT_EQ(run.Ready("web").size(), 3U);
  EXPECT_THAT(run.NodesOf("agent"), ElementsAre("n0", "n1"));
  run.To(70s);
  EXPECT_THAT(run.NodesOf("agent"), ElementsAre("n0", "n1", "n3"));
}

TEST(OnDumpEdgesTest, DaemonsWithoutAServiceStayTheTraces) {
  std::vector<std::string> objects = SixNodes();
  objects.push_back(ServiceJson("web"));
  objects.push_back(PodJson("web", "web-0", 0, "ReplicaSet"));
  for (int i = 0; i < 6; ++i) objects.push_back(PodJson("agent", Concat("agent-", i), i, "DaemonSet"));
  OnDump run(
      objects, "actions: [{at: 1s, addNodes: {name: late, zones: [a], count: 1, cpu: 4}}]\n",
      EventLine(0, "MODIFIED", NodeJson(0)) + EventLine(20, "DELETED", PodJson("agent", "agent-3", 3, "DaemonSet")));
  run.To(1min);
  EXPECT_EQ(run.Ready("agent").size(), 5U);
  EXPECT_EQ(run.Ready("agent").count("agent-3"), 0U);
}

TEST(OnDumpEdgesTest, ADaemonThatWaitsForItsNodeGetsThere) {
  const std::string affinity =
      R"("affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[)"
      R"({"matchFields":[{"key":"metadata.name","operator":"In","values":["n1"]}]}]}}},)";
  OnDump run({NodeJson(0), NodeJson(1), ServiceJson("agent"), PodJson("agent", "agent-a", 0, "DaemonSet"),
              PodJson("agent", "agent-b", -1, "DaemonSet", {.phase = "Pending", .spec = affinity})},
             "actions: [{at: 10s, flap: {service: shop/agent, pods: 1, period: 2s, duration: 2s}}]\n");
  run.To(1min);
  EXPECT_THAT(run.NodesOf("agent"), ElementsAre("n0", "n1"));
}

TEST(OnDumpEdgesTest, NamesOfStatefulSetsPodsThatNobodyGives) {
  // 07 is no number: else it and 7 were one pod.
  OnDump run(
      {NodeJson(0), ServiceJson("db"), PodJson("db", "db-7", 0, "StatefulSet", {.cpu = "1m"}),
       PodJson("db", "db-07", 0, "StatefulSet", {.cpu = "1m"}), PodJson("db", "db-8", 0, "StatefulSet", {.cpu = "1m"})},
      "actions: [{at: 10s, rollout: {service: shop/db}}]\n");
  run.To(10min);
  EXPECT_EQ(run.Ready("db").size(), 3U);
}

TEST(OnDumpEdgesTest, DumpsThatArePassedOverTellNothing) {
  const auto versioned = [](std::string object, int version) {
    object.replace(object.find("\"creationTimestamp\""), 0, Concat(R"("resourceVersion":")", version, "\","));
    return object;
  };
  OnDump run({versioned(NodeJson(0, "2"), 5), versioned(ServiceJson("web"), 6)},
             "actions: [{at: 10s, scale: {service: shop/web, to: 8}}]\n");
  // The same node, later, with more places.
  const std::string later = Concat(testing::TempDir(), "on-dump-later-", getpid(), ".json");
  std::ofstream(later) << versioned(NodeJson(0, "50"), 90) << "\n" << versioned(ServiceJson("web"), 91) << "\n";
  run.spec.sources.push_back(later);
  run.To(1min);
  EXPECT_EQ(run.Ready("web").size(), 2U);
  std::remove(later.c_str());
}

TEST(OnDumpEdgesTest, PodsThatAreGoneWaitForNoRoom) {
  OnDump run(
      {NodeJson(0, "2"), ServiceJson("web"), PodJson("web", "web-0", 0, "ReplicaSet")},
      "actions:\n- {at: 10s, scale: {service: shop/web, to: 8}}\n- {at: 1m, scale: {service: shop/web, to: 2}}\n");
  run.To(2min);
  EXPECT_EQ(run.Ready("web").size(), 2U);
  EXPECT_THAT(run.stage->driver()->notes(), ::testing::IsEmpty());
}

TEST(OnDumpEdgesTest, AZoneIsThereAsLongAsItsNodes) {
  // Zone a: a node with room, and one without any places, which changes.
  std::string changed = NodeJson(3, "0");
  changed.replace(changed.find("\"labels\":{"), 10, R"("labels":{"x":"y",)");
  OnDump run({NodeJson(0, "1"), NodeJson(3, "0"), NodeJson(1, "1"), ServiceJson("web")},
             "actions: [{at: 30s, scale: {service: shop/web, to: 2}}]\n",
             EventLine(0, "MODIFIED", NodeJson(1, "1")) + EventLine(5, "MODIFIED", changed) +
                 EventLine(6, "DELETED", changed));
  run.To(1min);
  EXPECT_THAT(run.NodesOf("web"), ElementsAre("n0", "n1"));
}

TEST(OnDumpEdgesTest, ARolloutWithoutPodsIsThatOfThoseToCome) {
  OnDump run({NodeJson(0), ServiceJson("web"), PodJson("web", "web-0", 0, "ReplicaSet")},
             "actions:\n- {at: 10s, scale: {service: shop/web, to: 0}}\n"
             "- {at: 2m, rollout: {service: shop/web, pods: {startup: 100s}}}\n"
             "- {at: 3m, scale: {service: shop/web, to: 1}}\n");
  run.To(4min);
  EXPECT_EQ(run.Ready("web").size(), 0U);
  run.To(5min);
  EXPECT_EQ(run.Ready("web").size(), 1U);
  EXPECT_THAT(run.stage->driver()->notes(), ElementsAre(HasSubstr("rollout replaces nothing: it has no pods")));
}

TEST(OnDumpEdgesTest, NothingStartsOnAMachineThatIsDown) {
  // The pending one has room on the machine that goes just then, nowhere else.
  OnDump run({NodeJson(0), NodeJson(1, "110", R"("unschedulable":true)"), ServiceJson("web"),
              PodJson("web", "web-a", 0, "ReplicaSet"),
              PodJson("web", "web-b", -1, "ReplicaSet", {.cpu = "100m", .phase = "Pending"})},
             "actions: [{at: 10s, nodeFailure: {nodes: [n0], comesBackAfter: 200s}}]\n");
  run.To(30s);
  EXPECT_EQ(run.Ready("web").count("web-b"), 0U);
  run.To(190s);
  EXPECT_THAT(run.Ready("web"), ::testing::IsEmpty());
  run.To(230s);
  EXPECT_EQ(run.Ready("web").size(), 2U);
}

TEST(OnDumpEdgesTest, ADaemonThatGoesLeavesItsNodeToTheNextOne) {
  for (const char* leaving : {"agent-a", "agent-z"}) {
    SCOPED_TRACE(leaving);
    OnDump run(
        {NodeJson(0), ServiceJson("agent"), PodJson("agent", "agent-m", 0, "DaemonSet"),
         PodJson("agent", leaving, 0, "DaemonSet",
                 {.metadata = R"("deletionTimestamp":"2026-01-02T00:00:30Z","deletionGracePeriodSeconds":30,)"})},
        "actions: [{at: 10s, flap: {service: shop/agent, pods: 1, period: 10s, duration: 20s}}]\n");
    run.To(5min);
    EXPECT_THAT(run.Ready("agent"), ElementsAre(std::pair("agent-m", "n0")));
  }
}

TEST(OnDumpEdgesTest, NumbersThatNoClusterHas) {
  std::vector<std::string> objects = {ServiceJson("web"), ServiceJson("db"),
                                      PodJson("db", "db-2147483647", 0, "StatefulSet", {.cpu = "1m"}),
                                      PodJson("web", "web-a", 0, "ReplicaSet", {.cpu = "1m"})};
  // A million places each, so that their sum would be no int any more.
  for (int i = 0; i < 6600; ++i) objects.push_back(NodeJson(i, "9000000"));
  OnDump run(objects,
             "actions:\n- {at: 1s, scale: {service: shop/db, to: 3}}\n- {at: 1s, scale: {service: shop/web, to: 3}}\n");
  run.To(1min);
  EXPECT_EQ(run.Ready("db").size(), 3U);
  EXPECT_EQ(run.Ready("web").size(), 3U);
}

TEST(OnDumpEdgesTest, AnActionThatFindsNoPodsSaysSo) {
  std::string bare = ServiceJson("bare");
  bare.replace(bare.find(R"("selector":{"app":"bare"},)"), std::string(R"("selector":{"app":"bare"},)").size(), "");
  const struct {
    const char* action;
    const char* note;
  } cases[] = {
      {"rollout: {service: shop/bare}", "Service shop/bare: rollout does nothing: it has no selector"},
      {"scale: {service: shop/bare, to: 3}", "Service shop/bare: scale does nothing: it has no selector"},
      {"rollout: {service: shop/none}", "Service shop/none: rollout replaces nothing: it has no pods"},
      // Made from the selector.
      {"scale: {service: shop/none, to: 3}", "3 new pods were placed as if they requested no CPU"},
      // One of three has pods.
      {"rollout: {service: shop/*, stagger: 1s}", ""},
  };
  for (const auto& c : cases) {
    OnDump run({NodeJson(0), bare, ServiceJson("none"), ServiceJson("web"), PodJson("web", "web-a", 0, "ReplicaSet")},
               Concat("actions: [{at: 1m, ", c.action, "}]\n"));
    run.To(2min);
    const std::vector<std::string> notes = run.stage->driver()->notes();
    if (*c.note == '\0') {
      EXPECT_THAT(notes, ::testing::IsEmpty()) << c.action;
    } else {
      EXPECT_THAT(notes, ElementsAre(HasSubstr(c.note)));
    }
  }
}

}  // namespace
}  // namespace epslice::sim
