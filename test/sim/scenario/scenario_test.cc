// Scenario files: what they say, and what is wrong with them and where.
#include "sim/scenario/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "sim/scenario/bundled.h"

namespace epslice::sim {
namespace {

using ::testing::HasSubstr;

constexpr char kScenarioHead[] = "apiVersion: epslice.dev/v1\nkind: Scenario\n";

absl::StatusOr<std::string> NoFile(const std::string& path) {
  if (path == "rps.csv")
    return std::string("service,zone,rps\nshop/web,a,10\nshop/web,b,5.5\r\n# none\nshop/api,a,1\n");
  if (path == "bad.csv") return std::string("service,rps\nshop/web,many\n");
  if (path == "wob.csv") return std::string("\xef\xbb\xbfservice,rps\nshop/web,1\nshop/wob,2\n");
  if (path == "zones.csv") return std::string("service,zone,rps\nshop/web,a,1\n# none\nshop/web,c,2\n");
  return absl::NotFoundError("there is no such file");
}

absl::StatusOr<Scenario> Parse(const std::string& text) {
  return ParseScenario("s.yaml", kScenarioHead + text, NoFile);
}

TEST(ScenarioTest, KeepsAllFields) {
  const absl::StatusOr<Scenario> parsed = Parse(R"yaml(
metadata: {name: all, description: every section}
seed: 7
start: 2026-03-01T10:00:00Z
duration: 1h30m
startState: withoutSlices
nodeLifecycle: {notReadyAfter: 50s, evictAfter: 60s}
pods: {startup: "uniform(1s, 2s)", gracePeriod: 20s, stopsListeningOnSigterm: false}
cluster:
  nodes:
    - {name: big, zones: [a, b], count: 3, cpu: 7500m, pods: 30, labels: {disk: ssd}}
    - {name: cp, zones: a, controlPlane: true}
services:
  - name: web
    namespace: shop
    replicas: 5
    type: LoadBalancer
    externalTrafficPolicy: Local
    trafficDistribution: PreferSameZone
    ipFamilies: [IPv6, IPv4]
    cpu: 250m
    ports: [{name: http, port: 80, targetPort: web}, {name: dns, port: 53, protocol: UDP}]
    placement: {strategy: pack, zones: [b]}
    pods: {drain: 9s}
  - {name: api, namespace: shop}
  - {name: "svc-{n}", namespace: "load-{n}", count: 3, headless: true, publishNotReadyAddresses: true}
traffic: {defaultRps: 3, file: rps.csv, services: [{service: "load-*/svc-*", rps: 9}]}
settings: {max-endpoints-per-slice: 50, hints-policy: resilient}
actions:
  - {at: 1m, every: 10m, times: 3, rollout: {service: shop/web, maxSurge: 50%, maxUnavailable: 0, stagger: 1s}}
  - {at: 2m, relabel: {pool: big, count: 2, labels: {topology.kubernetes.io/zone: null, disk: hdd}}}
  - {at: 3m, setService: {service: shop/*, trafficDistribution: null, annotations: {a: null}}}
expect: ["services.shop/web.maxOverload <= 50%", "p99 < 250ms", "blackHoledRequests==0"]
)yaml");
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const Scenario& s = *parsed;
  EXPECT_EQ(s.name, "all");
  EXPECT_EQ(s.seed, 7U);
  EXPECT_EQ(s.start->nanos, 1'772'359'200'000'000'000);
  EXPECT_EQ(s.duration, std::chrono::minutes(90));
  EXPECT_FALSE(s.warm_start);
  EXPECT_EQ(s.node_lifecycle.not_ready_after, std::chrono::seconds(50));
  EXPECT_EQ(s.node_lifecycle.evict_after, std::chrono::seconds(60));
  EXPECT_EQ(s.pods->startup, Latency::Uniform(std::chrono::seconds(1), std::chrono::seconds(2)));
  ASSERT_EQ(s.cluster->size(), 2U);
  EXPECT_EQ((*s.cluster)[0].cpu_milli, 7500);
  EXPECT_EQ((*s.cluster)[0].max_pods, 30);
  EXPECT_TRUE((*s.cluster)[1].control_plane);
  ASSERT_EQ(s.services.size(), 3U);
  const ServiceTemplate& web = s.services[0];
  EXPECT_EQ(web.service.spec.type, "LoadBalancer");
  EXPECT_EQ(web.service.spec.externalTrafficPolicy, "Local");
  EXPECT_EQ(web.service.spec.trafficDistribution, Text("PreferSameZone"));
  EXPECT_EQ(web.service.spec.ipFamilyPolicy, "RequireDualStack");
  EXPECT_EQ(web.service.spec.ports[0].targetPort.name, "web");
  EXPECT_EQ(web.service.spec.ports[1].protocol, "UDP");
  EXPECT_EQ(web.cpu_milli, 250);
  EXPECT_EQ(web.placement, (Placement{Placement::Kind::kPack, {Text("b")}}));
  // Over the scenario's own preset, which is over ours.
  EXPECT_EQ(web.behaviour->drain, Latency::Constant(std::chrono::seconds(9)));
  EXPECT_EQ(web.behaviour->grace_period, std::chrono::seconds(20));
  EXPECT_FALSE(web.behaviour->stops_listening_on_sigterm);
  EXPECT_EQ(s.services[2].KeyOf(3), (ObjectKey{Text("load-3"), Text("svc-3")}));
  EXPECT_EQ(s.services[2].service.spec.clusterIP, "None");
  EXPECT_EQ(s.traffic.default_rps, 3.0);
  ASSERT_EQ(s.traffic.rules.size(), 3U);
  EXPECT_EQ(s.traffic.rules[0].services, "shop/web");
  EXPECT_EQ(s.traffic.rules[0].rps, 15.5);
  EXPECT_EQ(s.traffic.rules[0].by_zone, (std::map<std::string, double>{{"a", 10}, {"b", 5.5}}));
  ASSERT_EQ(s.settings.size(), 2U);
  EXPECT_EQ(s.settings[0].key, "max-endpoints-per-slice");
  EXPECT_EQ(s.settings[0].value, "50");
  ASSERT_EQ(s.actions.size(), 3U);
  EXPECT_EQ(s.actions[0].every, std::chrono::minutes(10));
  EXPECT_EQ(s.actions[0].times, 3);
  const auto& rollout = std::get<RolloutAction>(s.actions[0].what);
  EXPECT_EQ(rollout.max_surge, (IntOrPercent{50, true}));
  EXPECT_EQ(rollout.max_unavailable, (IntOrPercent{0, false}));
  const auto& relabel = std::get<RelabelAction>(s.actions[1].what);
  EXPECT_EQ(relabel.labels[0].second, std::nullopt);
  EXPECT_EQ(relabel.labels[1].second, "hdd");
  EXPECT_EQ(std::get<SetServiceAction>(s.actions[2].what).traffic_distribution, "");
  ASSERT_EQ(s.expect.size(), 3U);
  EXPECT_EQ(s.expect[0].ToString(), "services.shop/web.maxOverload <= 0.5");
  EXPECT_EQ(s.expect[1].ToString(), "p99 < 0.25");
  EXPECT_EQ(s.expect[2].ToString(), "blackHoledRequests == 0");
}

TEST(ScenarioTest, BadInputIsOneLineWithItsPlace) {
  // Two lines come before.
  const std::string cluster =
      "duration: 10m\ncluster: {nodes: [{name: node, zones: [a, b], count: 2}]}\n"
      "services: [{name: web, namespace: shop}]\n";
  const struct {
    std::string text, want;
  } kCases[] = {
      {"kind: Other", "line 3: the key \"kind\" is there twice"},
      {"nothing: 1", "line 3: unknown key \"nothing\"; accepted are apiVersion, kind, metadata, seed"},
      {"duration: soon", "line 3: duration: is the text \"soon\", not a duration like 500ms, 40s or 1h30m"},
      {"duration: -1s", "line 3: duration: is -1s; accepted are 0s to 8784h"},
      {"duration: inf", "line 3: duration: is inf; accepted are"},
      {"seed: 1.5", "line 3: seed: is the number 1.5, not a whole number from 0"},
      {"start: yesterday", "line 3: start: is the text \"yesterday\"; accepted is a time like"},
      {"startState: warm", "line 3: startState: is the text \"warm\"; accepted are settled, withoutSlices"},
      {"cluster: {nodes: []}", "line 3: cluster.nodes: is a list, not a list of pools of nodes"},
      {"cluster: {nodes: [{zones: [A]}]}", "line 3: cluster.nodes[0].zones: \"A\" is no name of a zone"},
      {"cluster: {nodes: [{cpu: lots}]}", "line 3: cluster.nodes[0].cpu: is the text \"lots\"; accepted is a CPU"},
      {"cluster: {nodes: [{count: 0}]}", "line 3: cluster.nodes[0].count: is 0; accepted are 1 to 100000"},
      {"duration: 1m\ncluster: {nodes: [{zones: [a, b], count: 60000}]}",
       "there are 120000 nodes; accepted are 100000"},
      {"cluster: {nodes: [{}]}", "line 1: duration: is missing"},
      {"pods: {startup: soon}", "line 3: pods.startup: "},
      {"pods: {gracePeriod: 1500ms}", "line 3: pods.gracePeriod: accepted are whole seconds"},
      {"services: {}", "line 3: services: is a map, not a list"},
      {"services:\n  - {name: web}\n  - replica: 3\n    name: x", "line 5: services[1]: unknown key \"replica\""},
      {"services: [{namespace: x}]", "line 3: services[0].name: is missing"},
      {"services: [{name: Web}]", "line 3: services[0].name: \"Web\" is no name of a Service"},
      {"services: [{name: web, count: 2}]", "so the name or the namespace needs {n}"},
      {"services: [{name: web}, {name: web}]", "there are two Services default/web"},
      {"services: [{name: web, externalTrafficPolicy: Local}]", "a ClusterIP Service has none"},
      {"services: [{name: web, headless: true, type: NodePort}]", "only a ClusterIP Service is headless"},
      {"services: [{name: web, ipFamilies: [IPv5]}]", "has \"IPv5\"; accepted are IPv4, IPv6"},
      {"services: [{name: web, ports: [80, 81]}]", "two ports have the name \"\""},
      {"services: [{name: web, ports: [0]}]", "services[0].ports[0]: is 0; accepted are 1 to 65535"},
      {"services: [{name: web, placement: near}]", "accepted are spread, pack and {strategy"},
      {"services: [{name: web, trafficDistribution: Near}]",
       "accepted are PreferClose, PreferSameZone, PreferSameNode"},
      {"services: [{name: \"s{n}\", count: 100000, replicas: 1000000}]", "pods; accepted are 2000000"},
      {cluster + "traffic: {services: [{service: shop/x, rps: 1}]}",
       "line 6: there is no Service \"shop/x\"; accepted are shop/web"},
      {cluster + "traffic: {services: [{service: shop/web}]}", "accepted is one of rps and fromZones"},
      {cluster + "traffic: {services: [{service: shop/web, fromZones: {c: 1}}]}",
       "there is no zone \"c\"; accepted are a, b"},
      {"traffic: {file: none.csv}", "line 3: traffic.file: none.csv: there is no such file"},
      {"traffic: {file: bad.csv}", "line 3: traffic.file: bad.csv: line 2: \"many\" is no number of requests"},
      {cluster + "traffic: {file: wob.csv}",
       "line 6: traffic.file: wob.csv: line 3: there is no Service \"shop/wob\"; accepted are shop/web"},
      {cluster + "traffic: {file: zones.csv}",
       "line 6: traffic.file: zones.csv: line 4: there is no zone \"c\"; accepted are a, b"},
      {"settings: [a]", "line 3: settings: is a list, not a map"},
      {"settings: {a: [1]}", "line 3: settings.a: is a list, not a text or a number"},
      {"services: [{name: no}]", "line 3: services[0].name: is the boolean false, not a text; put it in quotes"},
      {"services: [{name: web, labels: {tier: 010}}]", "is the number 8, not a text; put it in quotes"},
      {"expect: crossZoneShare", "line 3: expect: \"crossZoneShare\": has no operator; accepted is METRIC OPERATOR"},
      {"expect:\n  - a < 1\n  - b < much", "line 5: expect: \"b < much\": does not end with a number"},
      {"actions:\n  - at: 1m", "line 4: actions[0]: has no action; accepted are rollout, scale"},
      {"actions:\n  - scale: {service: a/b, to: 1}", "line 4: actions[0].at: is missing"},
      {"actions: [{at: 1m, scale: {service: a/b}}]", "actions[0].scale.to: is missing"},
      {"actions: [{at: 1m, scale: {service: a/b, to: 1, by: 2}}]",
       "actions[0].scale: unknown key \"by\"; accepted are service, to"},
      {"actions: [{at: 1m, apiSlowdown: {}, controllerRestart: {}}]", "has two actions"},
      {"actions: [{at: 1m, times: 2, apiSlowdown: {}}]", "times: says nothing without every"},
      {"actions: [{at: 1m, rollout: {service: a/b, maxSurge: 0, maxUnavailable: 0}}]",
       "may not be 0 when maxUnavailable is 0"},
      {"actions: [{at: 1m, rollout: {service: a/b, maxSurge: 120%}}]", "accepted are a number of pods and 0% to 100%"},
      {"actions: [{at: 1m, drain: {}}]", "accepted are nodes: [NAME, ...], or zone and pool"},
      {"actions: [{at: 1m, relabel: {zone: a}}]", "labels: is missing"},
      {"actions: [{at: 1m, apiSlowdown: {factor: 0}}]", "factor: is 0; accepted are 0.01 to 10000"},
      {cluster + "actions: [{at: 1m, zoneOutage: {zone: c}}]", "there is no zone \"c\"; accepted are a, b"},
      {cluster + "actions: [{at: 1m, drain: {nodes: [node-c-1]}}]",
       "there is no node \"node-c-1\"; accepted are node-a-1, node-a-2"},
      {cluster + "actions: [{at: 1m, drain: {pool: m}}]", "there is no pool \"m\"; accepted are node"},
      {cluster + "actions:\n- at: 1m\n  drain:\n    nodes:\n    - node-a-1\n    - node-c-1",
       "line 11: there is no node"},
      {cluster + "actions:\n- at: 1m\n  drain:\n    count: 1\n    pool: m", "line 10: there is no pool"},
      {cluster + "actions:\n- at: 1m\n  drain:\n    count: 1\n    zone: c", "line 10: there is no zone"},
      {cluster + "actions:\n- at: 1m\n  zoneOutage:\n    zone: c", "line 9: there is no zone"},
      {cluster + "actions:\n- at: 1m\n  scale:\n    to: 1\n    service: shop/x", "line 10: there is no Service"},
      {cluster + "traffic:\n  services:\n  - rps: 1\n    service: shop/x", "line 9: there is no Service"},
      {cluster.substr(0, cluster.find("services:")) + "services:\n- name: web\n  placement:\n    zones: [c]",
       "line 8: there is no zone"},
      {cluster + "actions:\n- at: 1m\n  setService:\n    service: shop/*\n    externalTrafficPolicy: Local",
       "line 10: setService.externalTrafficPolicy: a ClusterIP Service has none, and \"shop/*\" is no other"},
      {cluster + "actions: [{at: 11m, zoneOutage: {zone: a}}]", "an action comes after the end of the run"},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<Scenario> parsed = Parse(c.text);
    ASSERT_FALSE(parsed.ok()) << c.text;
    const std::string message(parsed.status().message());
    EXPECT_THAT(message, HasSubstr("s.yaml: line ")) << c.text;
    EXPECT_THAT(message, HasSubstr(c.want)) << c.text;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
  for (const char* text : {"", "[1]", "apiVersion: v1\nkind: Scenario", "kind: Scenario", "\xff\xfe"}) {
    EXPECT_FALSE(ParseScenario("s.yaml", text, nullptr).ok()) << text;
  }
}

TEST(ScenarioTest, ServicePatterns) {
  const ObjectKey web{Text("shop"), Text("web-1")};
  for (const char* pattern : {"*", "shop/web-1", "shop/*", "*/web-1", "s*p/w*1", "shop/web-1*", "*/*"}) {
    EXPECT_TRUE(MatchesServicePattern(pattern, web)) << pattern;
  }
  for (const char* pattern : {"", "shop", "shop*", "shop/web", "*1", "shop/*2", "shop/web-1?"}) {
    EXPECT_FALSE(MatchesServicePattern(pattern, web)) << pattern;
  }
}

TEST(ExpectationTest, IsKeptOrNot) {
  const struct {
    const char* text;
    const char* want;
  } kCases[] = {
      {"share < 0.2", "share < 0.2: kept, it is 0.125"},
      {"share<=12.5%", "share <= 0.125: kept, it is 0.125"},
      {"share > 0.125", "share > 0.125: not kept, it is 0.125"},
      {"share >= 0.125", "share >= 0.125: kept, it is 0.125"},
      {"share == 0", "share == 0: not kept, it is 0.125"},
      {"share != 0", "share != 0: kept, it is 0.125"},
      {"share < 2ms", "share < 0.002: not kept, it is 0.125"},
      {"other < 1", "other < 1: not kept, the run has no number of that name"},
  };
  std::vector<Expectation> expectations;
  for (const auto& c : kCases) {
    const absl::StatusOr<Expectation> parsed = ParseExpectation(c.text);
    ASSERT_TRUE(parsed.ok()) << c.text;
    expectations.push_back(*parsed);
  }
  const std::vector<ExpectationResult> results = Evaluate(expectations, [](std::string_view metric) {
    return metric == "share" ? std::optional<double>(0.125) : std::nullopt;
  });
  ASSERT_EQ(results.size(), std::size(kCases));
  for (std::size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i].ToString(), kCases[i].want);
  for (const char* bad : {"", "< 1", "a", "a <", "a < nan", "a < inf", "a = 1", "a b < 1", "a < 1 2"}) {
    EXPECT_FALSE(ParseExpectation(bad).ok()) << bad;
  }
}

TEST(BundledTest, EachParsesUnderItsName) {
  ASSERT_GE(BundledScenarios().size(), 9U);
  for (const EmbeddedFile& file : BundledScenarios()) {
    const absl::StatusOr<Scenario> scenario = LoadScenario(std::string(file.name));
    ASSERT_TRUE(scenario.ok()) << scenario.status().message();
    EXPECT_EQ(scenario->name, file.name);
    EXPECT_NE(scenario->description, "");
  }
  const absl::StatusOr<Scenario> unknown = LoadScenario("zone");
  EXPECT_THAT(std::string(unknown.status().message()), HasSubstr("accepted are batch-period, hand-computed"));
  const absl::StatusOr<Scenario> file = LoadScenario(EPSLICE_SOURCE_DIR "/sim/scenario/bundled/hand-computed.yaml");
  EXPECT_TRUE(file.ok()) << file.status().message();
  EXPECT_FALSE(LoadScenario("./none.yaml").ok());
}

}  // namespace
}  // namespace epslice::sim
