// Scenarios in a simulation: workloads, nodes and actions, by the clock.
#include "sim/scenario/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apis/discovery.h"
#include "sim/scenario/bundled.h"
#include "test/sim/scenario/scenario_run.h"

namespace epslice::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Scenario Make(const std::string& rest) {
  const absl::StatusOr<Scenario> scenario = ParseScenario(
      "s.yaml",
      "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 1h\n"
      "pods: {scheduling: 100ms, startup: 2s, readiness: 3s, preStop: 1s, drain: 4s, gracePeriod: 30s}\n" +
          rest,
      nullptr);
  EXPECT_TRUE(scenario.ok()) << scenario.status().message();
  return scenario.value_or(Scenario());
}

constexpr char kThreeZones[] = "cluster: {nodes: [{name: node, zones: [a, b, c], count: 2, pods: 20}]}\n";

TEST(ScenarioDriverTest, TheStartIsSettledAndSpread) {
  ScenarioRun run(
      Make(std::string(kThreeZones) +
           "services: [{name: web, namespace: shop, replicas: 7, trafficDistribution: PreferSameZone, ipFamilies: "
           "[IPv4, IPv6]},\n {name: auto, replicas: 6, annotations: {service.kubernetes.io/topology-mode: Auto}},\n"
           " {name: packed, replicas: 21, placement: {strategy: pack, zones: [b]}}]"));
  ASSERT_TRUE(run.Start().ok());
  EXPECT_EQ(run.follower.counts[Text("web")].ready, 7);
  EXPECT_EQ(run.SlicesOf("web"), 14);
  // 7 over three zones, and no node with two while another has none.
  EXPECT_EQ(run.follower.ReadyByZone("web", &run.simulation),
            (std::map<std::string, int>{{"a", 3}, {"b", 2}, {"c", 2}}));
  EXPECT_EQ(run.follower.ReadyByZone("packed", &run.simulation), (std::map<std::string, int>{{"b", 21}}));
  // Nothing to write: the slices are as the controller would have them, hints
  // included.
  run.simulation.RunUntil(5min);
  EXPECT_EQ(run.follower.slice_writes, 0);
  EXPECT_EQ(run.simulation.controller().counters().success, 3);
}

TEST(ScenarioDriverTest, ARolloutKeepsItsBoundsAtEveryInstant) {
  const struct {
    const char *surge, *unavailable;
    int most, least;
    Duration takes;
  } kCases[] = {
      // Two new ones at a time, each 5.1 s: five rounds; the last old ones end
      // 5 s after.
      {"2", "0", 12, 10, 5 * 5100ms + 5s},
      // 25 % of ten: 3 more, 2 fewer; first 2 go and 5 come.
      {"25%", "25%", 13, 8, 0s},
      {"0", "1", 10, 9, 10 * 5100ms},
      {"100%", "0", 20, 10, 5100ms + 5s},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(std::string(c.surge) + " " + c.unavailable);
    ScenarioRun run(Make(std::string(kThreeZones) +
                         "services: [{name: web, namespace: shop, replicas: 10}]\nactions: [{at: 10s, rollout: " +
                         "{service: shop/web, maxSurge: " + c.surge + ", maxUnavailable: " + c.unavailable + "}}]"));
    ASSERT_TRUE(run.Start().ok());
    std::set<ObjectKey> old;
    for (const auto& [key, pod] : run.follower.pods) old.insert(key);
    run.follower.changes.clear();
    run.simulation.RunUntil(10min);
    int most = 0, least = 1000;
    for (const Follower::Change& change : run.follower.changes) {
      most = std::max(most, change.count.total);
      least = std::min(least, change.count.ready);
    }
    EXPECT_EQ(most, c.most);
    EXPECT_EQ(least, c.least);
    EXPECT_EQ(run.follower.counts[Text("web")].ready, 10);
    EXPECT_EQ(run.follower.counts[Text("web")].existing, 10);
    for (const auto& [key, pod] : run.follower.pods) EXPECT_EQ(old.count(key), 0U);
    if (c.takes > 0s) {
      EXPECT_EQ(run.follower.at, 10s + c.takes);
    }
    EXPECT_EQ(run.SlicesOf("web"), 10);
    std::vector<int> zones;
    for (const auto& [zone, ready] : run.follower.ReadyByZone("web", &run.simulation)) zones.push_back(ready);
    EXPECT_THAT(zones, SizeIs(3));
    EXPECT_LE(*std::max_element(zones.begin(), zones.end()) - *std::min_element(zones.begin(), zones.end()), 2);
  }
}

TEST(ScenarioDriverTest, APodEndsByTheClock) {
  const struct {
    const char* pods;
    Duration deaf, gone;  // after it was asked to go; deaf 0: never told
  } kCases[] = {
      {"preStop: 3s, drain: 4s, gracePeriod: 30s", 3s, 7s},
      {"preStop: 3s, drain: 40s, gracePeriod: 30s", 3s, 30s},  // killed
      {"preStop: 40s, drain: 4s, gracePeriod: 30s", 0s, 30s},  // in its hook
      {"preStop: 3s, drain: 4s, gracePeriod: 30s, stopsListeningOnSigterm: false", 0s, 7s},
      {"preStop: 3s, drain: 4s, gracePeriod: 0s", 0s, 0s},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.pods);
    ScenarioRun run(Make(std::string(kThreeZones) + "services: [{name: web, namespace: shop, pods: {" + c.pods +
                         "}}]\nactions: [{at: 10s, scale: {service: shop/web, to: 0}}]"));
    ASSERT_TRUE(run.Start().ok());
    run.simulation.RunUntil(10min);
    EXPECT_THAT(run.follower.pods, IsEmpty());
    EXPECT_EQ(run.follower.at, 10s + c.gone);
    if (c.deaf == 0s) {
      EXPECT_THAT(run.follower.served, IsEmpty());
    } else {
      ASSERT_THAT(run.follower.served, SizeIs(1));
      EXPECT_EQ(std::get<0>(run.follower.served[0]), 10s + c.deaf);
      EXPECT_FALSE(std::get<2>(run.follower.served[0]));
    }
  }
}

TEST(ScenarioDriverTest, AZoneOutageByTheClock) {
  ScenarioRun run(Make(std::string(kThreeZones) + "services: [{name: web, namespace: shop, replicas: 6}]\n"
                                                  "actions: [{at: 60s, zoneOutage: {zone: c, duration: 400s}}]"));
  ASSERT_TRUE(run.Start().ok());
  auto& count = run.follower.counts[Text("web")];
  run.simulation.RunUntil(100s - 1ns);
  EXPECT_EQ(count.ready, 6);  // nobody knows
  run.simulation.RunUntil(100s);
  EXPECT_EQ(count.ready, 4);
  run.simulation.RunUntil(400s - 1ns);
  EXPECT_EQ(count.total, 6);
  run.simulation.RunUntil(400s);
  EXPECT_EQ(count.existing, 8);  // two that end and cannot, two in their place
  EXPECT_EQ(count.total, 6);
  run.simulation.RunUntil(405100ms - 1ns);
  EXPECT_EQ(count.ready, 4);
  run.simulation.RunUntil(405100ms);
  EXPECT_EQ(count.ready, 6);
  EXPECT_EQ(run.follower.ReadyByZone("web", &run.simulation), (std::map<std::string, int>{{"a", 3}, {"b", 3}}));
  run.simulation.RunUntil(460s);
  EXPECT_EQ(count.existing, 6);
  EXPECT_TRUE(run.simulation.Get(Kind::kNode, "", "node-c-1").As<Node>()->ready);
  run.simulation.RunUntil(10min);
  EXPECT_EQ(run.SlicesOf("web"), 6);
  using Machine = std::tuple<Instant, std::string, bool>;
  EXPECT_THAT(run.follower.machines, ElementsAre(Machine(60s, "node-c-1", false), Machine(60s, "node-c-2", false),
                                                 Machine(460s, "node-c-1", true), Machine(460s, "node-c-2", true)));
  EXPECT_THAT(run.follower.notes, ElementsAre(std::make_pair(Instant(60s), "zoneOutage c for 400000 ms")));
}

TEST(ScenarioDriverTest, AMachineThatIsBackSoonStartsItsPodsAnew) {
  ScenarioRun run(Make(std::string(kThreeZones) +
                       "services: [{name: web, namespace: shop, replicas: 6}]\n"
                       "actions: [{at: 60s, nodeFailure: {nodes: [node-a-1], comesBackAfter: 20s}}]"));
  ASSERT_TRUE(run.Start().ok());
  run.simulation.RunUntil(10min);
  // Not served from when it is back until it is ready again, and no change before.
  ASSERT_THAT(run.follower.served, SizeIs(2));
  EXPECT_EQ(std::get<0>(run.follower.served[0]), 80s);
  EXPECT_EQ(std::get<0>(run.follower.served[1]), 85s);
  EXPECT_EQ(run.follower.at, 85s);
  EXPECT_EQ(run.follower.counts[Text("web")].ready, 6);
}

TEST(ScenarioDriverTest, ADeadNodeIsRemovedAtOnce) {
  ScenarioRun run(Make(std::string(kThreeZones) +
                       "services: [{name: web, namespace: shop, replicas: 6}]\n"
                       "actions:\n- {at: 60s, nodeFailure: {nodes: [node-a-1], comesBackAfter: 1m}}\n"
                       "- {at: 70s, removeNodes: {nodes: [node-a-1]}}"));
  ASSERT_TRUE(run.Start().ok());
  run.simulation.RunUntil(70s);
  EXPECT_FALSE(run.simulation.Get(Kind::kNode, "", "node-a-1").has_value());
  EXPECT_EQ(run.follower.counts[Text("web")].existing, 6);
  run.simulation.RunUntil(10min);
  // Its pod was replaced, and nothing came of its coming back.
  EXPECT_EQ(run.follower.at, 75100ms);
  EXPECT_EQ(run.follower.counts[Text("web")].ready, 6);
}

TEST(ScenarioDriverTest, DrainedAndRemovedNodesLoseTheirPodsToOthers) {
  ScenarioRun run(Make(std::string(kThreeZones) +
                       "services: [{name: web, namespace: shop, replicas: 12}]\n"
                       "actions:\n- {at: 10s, drain: {nodes: [node-a-1], uncordonAfter: 60s}}\n"
                       "- {at: 30s, removeNodes: {zone: b, count: 1}}\n"
                       "- {at: 50s, removeNodes: {nodes: [node-c-1], drain: false}}\n"
                       "- {at: 2m, addNodes: {name: extra, zones: [b], readyAfter: 30s}}"));
  ASSERT_TRUE(run.Start().ok());
  auto& count = run.follower.counts[Text("web")];
  run.simulation.RunUntil(10s);
  EXPECT_EQ(count.existing, 14);
  EXPECT_TRUE(run.simulation.Get(Kind::kNode, "", "node-a-1").As<Node>()->unschedulable);
  run.simulation.RunUntil(35s - 1ns);  // preStop and drain are 5 s
  EXPECT_TRUE(run.simulation.Get(Kind::kNode, "", "node-b-1").has_value());
  run.simulation.RunUntil(35s);
  EXPECT_FALSE(run.simulation.Get(Kind::kNode, "", "node-b-1").has_value());
  run.simulation.RunUntil(50s);
  EXPECT_FALSE(run.simulation.Get(Kind::kNode, "", "node-c-1").has_value());
  EXPECT_EQ(count.total, 12);
  EXPECT_EQ(count.existing, 12);
  run.simulation.RunUntil(2min);
  EXPECT_FALSE(run.simulation.Get(Kind::kNode, "", "node-a-1").As<Node>()->unschedulable);
  EXPECT_FALSE(run.simulation.Get(Kind::kNode, "", "extra-b-1").As<Node>()->ready);
  run.simulation.RunUntil(10min);
  EXPECT_TRUE(run.simulation.Get(Kind::kNode, "", "extra-b-1").As<Node>()->ready);
  EXPECT_EQ(count.ready, 12);
  EXPECT_EQ(run.follower.ReadyByZone("web", &run.simulation).count("gone"), 0U);
  EXPECT_EQ(run.SlicesOf("web"), 12);
}

TEST(ScenarioDriverTest, AddedNodesHaveNamesThatAreFree) {
  ScenarioRun run(
      Make("cluster: {nodes: [{name: node, zones: [a], count: 3}]}\nactions:\n"
           "- {at: 30s, every: 30s, times: 3, addNodes: {name: node, zones: [a], count: 2}}\n"
           "- {at: 2m, removeNodes: {nodes: [node-a-5]}}\n- {at: 3m, addNodes: {zones: [a, b]}}"));
  ASSERT_TRUE(run.Start().ok());
  const auto names = [&run] {
    Request list;
    list.verb = Verb::kList;
    list.kind = Kind::kNode;
    std::vector<std::string> all;
    for (const AnyObject& node : run.simulation.server().Handle(list).list.items) {
      all.push_back(node.meta().name.str());
    }
    return all;
  };
  run.simulation.RunUntil(100s);
  EXPECT_THAT(names(), ElementsAre("node-a-1", "node-a-2", "node-a-3", "node-a-4", "node-a-5", "node-a-6", "node-a-7",
                                   "node-a-8", "node-a-9"));
  run.simulation.RunUntil(150s);
  EXPECT_THAT(names(), SizeIs(8));
  run.simulation.RunUntil(200s);
  EXPECT_THAT(names(), SizeIs(10));
  EXPECT_TRUE(run.simulation.Get(Kind::kNode, "", "node-a-5").has_value());
  EXPECT_TRUE(run.simulation.Get(Kind::kNode, "", "node-b-1").has_value());
}

TEST(ScenarioDriverTest, PodsWithoutRoomWaitForIt) {
  const std::string cluster = "cluster: {nodes: [{name: node, zones: [a], cpu: 2}]}\n";
  const std::string service = "services: [{name: web, replicas: 3, cpu: 500m}]\n";
  ScenarioRun run(Make(cluster + service +
                       "actions:\n- {at: 1m, scale: {service: default/web, to: 6}}\n"
                       "- {at: 2m, addNodes: {name: more, zones: [b], cpu: 1}}"));
  ASSERT_TRUE(run.Start().ok());
  run.simulation.RunUntil(2min - 1ns);
  EXPECT_EQ(run.follower.counts[Text("web")].total, 6);
  EXPECT_EQ(run.follower.counts[Text("web")].ready, 4);
  EXPECT_THAT(run.driver.notes(), ElementsAre("2 pods found no room on any node at the end of the run"));
  run.simulation.RunUntil(3min);
  EXPECT_EQ(run.follower.counts[Text("web")].ready, 6);
  EXPECT_THAT(run.driver.notes(), IsEmpty());

  ScenarioRun full(Make(cluster + "services: [{name: web, replicas: 5, cpu: 500m}]"));
  EXPECT_EQ(std::string(full.Start().message()),
            "s.yaml: line 6: there is no room for pod 5 of 5 of Service default/web");
}

TEST(ScenarioDriverTest, FlappingAndSettings) {
  ScenarioRun run(Make(
      std::string(kThreeZones) +
      "services: [{name: web, namespace: shop, replicas: 4}]\n"
      "actions:\n- {at: 10s, flap: {service: shop/web, pods: 3, period: 10s, duration: 22s}}\n"
      "- {at: 50s, setService: {service: shop/web, trafficDistribution: PreferSameNode, annotations: {a: \"1\"}}}\n"
      "- {at: 60s, relabel: {pool: node, labels: {topology.kubernetes.io/zone: z}}}\n"
      "- {at: 60s, setAllocatable: {zone: a, cpu: 500m}}\n"
      "- {at: 70s, every: 10s, times: 3, apiSlowdown: {factor: 5, duration: 2s}}\n"
      "- {at: 80s, controllerRestart: {downtime: 10s}}\n"));
  ASSERT_TRUE(run.Start().ok());
  auto& count = run.follower.counts[Text("web")];
  for (const auto& [when, ready] : std::map<Instant, int>{{10s, 1}, {15s, 4}, {20s, 1}, {25s, 4}, {30s, 1}, {32s, 4}}) {
    run.simulation.RunUntil(when);
    EXPECT_EQ(count.ready, ready) << when.count();
  }
  run.simulation.RunUntil(10min);
  const auto service = run.simulation.Get(Kind::kService, "shop", "web").As<Service>();
  EXPECT_EQ(service->spec.trafficDistribution, Text("PreferSameNode"));
  EXPECT_EQ(service->metadata.annotations.Get("a"), "1");
  const auto node = run.simulation.Get(Kind::kNode, "", "node-a-1").As<Node>();
  EXPECT_EQ(node->metadata.labels.Get(kLabelZone), "z");
  // At 60 s the relabelling came first: there is no zone a any more.
  EXPECT_EQ(node->allocatableCpuMilli, 4000);
  EXPECT_THAT(run.driver.notes(), ElementsAre("s.yaml: line 11: there are no nodes (zone a) when the action is due"));
  EXPECT_EQ(run.follower.notes.size(), 8U);
}

TEST(ScenarioDriverTest, APolicyForTrafficFromOutsideNeedsSuchTraffic) {
  ScenarioRun run(Make(std::string(kThreeZones) +
                       "services: [{name: in, namespace: shop}, {name: out, namespace: shop, type: NodePort}]\n"
                       "actions:\n- {at: 10s, setService: {service: shop/*, externalTrafficPolicy: Local}}\n"));
  ASSERT_TRUE(run.Start().ok());
  run.simulation.RunUntil(1min);
  const auto policy = [&run](const char* name) {
    return run.simulation.Get(Kind::kService, "shop", name).As<Service>()->spec.externalTrafficPolicy.str();
  };
  EXPECT_EQ(policy("in"), "");
  EXPECT_EQ(policy("out"), "Local");
  EXPECT_THAT(run.driver.notes(), ElementsAre("s.yaml: line 8: Service shop/in: setService does nothing: a ClusterIP "
                                              "Service has no externalTrafficPolicy"));
}

TEST(ScenarioDriverTest, TakesOverWhatATraceBrought) {
  const absl::StatusOr<Scenario> scenario = ParseScenario(
      "s.yaml",
      "apiVersion: epslice.dev/v1\nkind: Scenario\npods: {scheduling: 0s, startup: 2s, readiness: 3s, drain: 4s}\n"
      "actions:\n- {at: 10s, rollout: {service: shop/web, maxSurge: 1, maxUnavailable: 0}}\n"
      "- {at: 1m, nodeFailure: {nodes: [n1]}}\n- {at: 1m, scale: {service: shop/gone, to: 1}}\n",
      nullptr);
  ASSERT_TRUE(scenario.ok()) << scenario.status().message();
  ScenarioRun run(*scenario);
  for (const char* name : {"n1", "n2"}) {
    Node node;
    node.metadata.name = name;
    node.metadata.labels = StringMap{{Text(kLabelZone), Text("z")}};
    node.ready = true;
    ASSERT_TRUE(run.simulation.Load(AnyObject::Of(node)).ok());
  }
  for (const char* name : {"api", "web"}) {
    Service service;
    service.metadata.name = name;
    service.metadata.namespace_ = "shop";
    service.spec.selector = StringMap{{Text("app.kubernetes.io/name"), Text(name)}};
    ASSERT_TRUE(run.simulation.Load(AnyObject::Of(service)).ok());
  }
  const auto load = [&](const std::string& name, const char* app, const char* node, const char* ip) {
    Pod pod;
    pod.metadata.name = name;
    pod.metadata.namespace_ = "shop";
    pod.metadata.labels = StringMap{{Text("app.kubernetes.io/name"), Text(app)}};
    pod.metadata.creationTimestamp = Timestamp::FromSeconds(1'767'225'000);
    pod.nodeName = node;
    pod.phase = PodPhase::kRunning;
    pod.ready = pod.hasPodIP = true;
    pod.podIPs = {*ParseIpLenient(ip)};
    ASSERT_TRUE(run.simulation.Load(AnyObject::Of(pod)).ok());
  };
  load("web-1", "web", "n1", "10.128.0.1");
  load("web-2", "web", "n2", "10.128.0.2");
  load("api-1", "api", "n1", "10.128.0.3");
  load("api-2", "api", "n2", "10.128.0.4");
  load("loose", "none", "n1", "10.128.0.5");
  ASSERT_TRUE(run.Start().ok());
  const AnyObject api = run.simulation.Get(Kind::kPod, "shop", "api-2");
  const AnyObject loose = run.simulation.Get(Kind::kPod, "shop", "loose");
  Pod later = *run.simulation.Get(Kind::kPod, "shop", "web-1").As<Pod>();
  later.metadata.name = "web-later";
  run.simulation.RunUntil(50s);
  EXPECT_EQ(run.follower.counts[Text("web")].existing, 2);
  // New pods have addresses of their own, although these are in the usual range.
  std::set<std::string> addresses;
  for (const auto& [key, pod] : run.follower.pods) addresses.insert(pod->podIPs[0].text.str());
  EXPECT_THAT(addresses, ElementsAre("10.0.0.1", "10.0.0.2", "10.128.0.3", "10.128.0.4", "10.128.0.5"));
  EXPECT_TRUE(run.driver.Owns(AnyObject::Of(later)));
  EXPECT_FALSE(run.driver.Owns(api));
  EXPECT_FALSE(run.driver.Owns(run.simulation.Get(Kind::kNode, "", "n1")));
  run.simulation.RunUntil(1min);
  EXPECT_TRUE(run.driver.Owns(api));
  EXPECT_TRUE(run.driver.Owns(loose));
  EXPECT_TRUE(run.driver.Owns(run.simulation.Get(Kind::kNode, "", "n1")));
  run.simulation.RunUntil(20min);
  EXPECT_EQ(run.follower.counts[Text("api")].ready, 2);
  EXPECT_EQ(run.follower.counts[Text("web")].ready, 2);
  // No Service selects it: it goes, and nobody replaces it.
  EXPECT_EQ(run.follower.counts[Text("none")].total, 0);
  EXPECT_EQ(run.SlicesOf("api"), 2);
  EXPECT_THAT(run.driver.notes(),
              ElementsAre("s.yaml: line 7: there is no Service \"shop/gone\" when the action is due",
                          "4 new pods were placed as if they requested no CPU: the trace does not tell what those they "
                          "are made like request"));
}

// Nothing in workloads visits all pods or nodes at a step. With
// EPSLICE_LARGE_SCENARIO=1 as large as clusters get: 5,000 nodes, 10,000
// Services, 150,000 pods.
TEST(ScenarioDriverTest, RollsOutManyServices) {
  const bool large = std::getenv("EPSLICE_LARGE_SCENARIO") != nullptr;
  const std::string nodes = large ? "1667" : "10", services = large ? "10000" : "40";
  const absl::StatusOr<Scenario> scenario = ParseScenario(
      "s.yaml",
      "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 1h\ncluster: {nodes: [{zones: [a, b, c], count: " + nodes +
          "}]}\nservices: [{name: \"web-{n}\", count: " + services +
          ", replicas: 15}]\nactions: [{at: 1s, rollout: {service: \"*\", stagger: 100ms}}]\n",
      nullptr);
  ASSERT_TRUE(scenario.ok()) << scenario.status().message();
  ScenarioRun run(*scenario, 1, false);
  ASSERT_TRUE(run.Start().ok());
  run.simulation.RunUntil(1h);
  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kPod;
  std::size_t ready = 0;
  for (const AnyObject& pod : run.simulation.server().Handle(list).list.items) ready += pod.As<Pod>()->ready ? 1 : 0;
  EXPECT_EQ(ready, std::stoul(services) * 15);
  EXPECT_THAT(run.driver.notes(), IsEmpty());
  EXPECT_GE(run.simulation.controller().counters().updates, std::stol(services));
}

// As docs/scenarios/hand-computed.md tells it.
TEST(ScenarioDriverTest, WritesOfTheHandComputedScenario) {
  const absl::StatusOr<Scenario> scenario = LoadScenario("hand-computed");
  ASSERT_TRUE(scenario.ok());
  SimulationOptions options = ScenarioRun::Options(1);
  options.models.watch_latency = Latency::Constant(10ms);
  options.models.write_latency = Latency::Constant(20ms);
  options.models.sync_time = options.models.sync_time_per_endpoint = 0s;
  Simulation simulation(options);
  ScenarioDriver driver(*scenario, &simulation);
  Follower follower;
  simulation.AddObserver(&follower);
  ASSERT_TRUE(driver.LoadStartState().ok());
  driver.Schedule();
  simulation.StartController();
  simulation.RunUntil(*scenario->duration);
  using Write = std::tuple<Instant, int, int>;
  EXPECT_THAT(follower.slices, ElementsAre(Write(100020ms, 4, 6), Write(400020ms, 4, 6), Write(402020ms, 4, 8),
                                           Write(405020ms, 6, 8), Write(460020ms, 6, 6)));
}

// Whatever happens in them, in the end every Service has its pods, Ready and in
// its slices.
TEST(BundledTest, EachEndsWell) {
  for (const EmbeddedFile& file : BundledScenarios()) {
    SCOPED_TRACE(file.name);
    const absl::StatusOr<Scenario> scenario = LoadScenario(std::string(file.name));
    ASSERT_TRUE(scenario.ok());
    ScenarioRun run(*scenario);
    ASSERT_TRUE(run.Start().ok());
    run.simulation.RunUntil(*scenario->duration);
    EXPECT_THAT(run.driver.notes(), IsEmpty());
    for (const ServiceTemplate& service : scenario->services) {
      const auto& count = run.follower.counts[service.KeyOf(1).name];
      EXPECT_EQ(count.ready, count.existing) << service.name;
      EXPECT_EQ(run.SlicesOf(service.KeyOf(1).name.str()), count.ready) << service.name;
    }
    EXPECT_GT(run.follower.slice_writes, 0);
  }
}

}  // namespace
}  // namespace epslice::sim
