// Whole runs: trace, scenario, data plane and report together.
#include "sim/run/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "test/sim/cli/cli_testing.h"
#include "test/sim/run/run_testing.h"

namespace epslice::sim {
namespace {

using ::testing::HasSubstr;

// A file that is gone with the test.
class ScratchFile {
 public:
  ScratchFile(const std::string& name, const std::string& text) : path_(testing::TempDir() + name) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~ScratchFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// One line of a trace: what came at a second after twelve.
std::string Added(const std::string& second, const std::string& kind, const std::string& name,
                  const std::string& more) {
  return R"({"time":"2026-01-01T12:00:)" + second + R"(Z","type":"ADDED","object":{"apiVersion":"v1","kind":")" + kind +
         R"(","metadata":{"name":")" + name + R"(","uid":"u-)" + name + "\"" + more + "}}\n";
}

std::string AddedPod(const std::string& second, const std::string& name, const std::string& node,
                     const std::string& ip) {
  return Added(second, "Pod", name,
               R"(,"namespace":"shop","labels":{"app":"web"}},"spec":{"nodeName":")" + node +
                   R"("},"status":{"phase":"Running","podIPs":[{"ip":")" + ip +
                   R"("}],"conditions":[{"type":"Ready","status":"True"}]})");
}

// The trace goes on with a node that the scenario removed: what comes of it is
// told, and the controller's fruitless tries are no part of the run.
TEST(RunTest, PodsOfTheTraceOnNodesThatTheScenarioRemoved) {
  const ScratchFile trace(
      "removed-node.jsonl",
      Added("00", "Node", "n1", "}") + Added("00", "Node", "n2", "}") +
          Added(
              "01", "Service", "web",
              R"(,"namespace":"shop"},"spec":{"clusterIP":"10.96.0.1","ipFamilies":["IPv4"],"selector":{"app":"web"},)"
              R"("ports":[{"port":80,"targetPort":80,"protocol":"TCP"}]})") +
          AddedPod("02", "p1", "n1", "10.1.0.1") + AddedPod("20", "p2", "n2", "10.1.0.2") +
          AddedPod("21", "p3", "n1", "10.1.0.3"));
  const auto run = [&trace](const std::string& name, const std::string& nodes) {
    const ScratchFile scenario(name,
                               "apiVersion: epslice.dev/v1\nkind: Scenario\nactions:\n- at: 10s\n  removeNodes: "
                               "{nodes: [" +
                                   nodes + "], drain: false}\n");
    RunSpec spec;
    spec.sources = {trace.path()};
    spec.scenario = scenario.path();
    return Ran(spec).report;
  };
  const RunReport removed = run("remove-n2.yaml", "n2");
  EXPECT_THAT(removed.notes, ::testing::Contains(
                                 HasSubstr("1 changes of pods of the trace on nodes that the scenario has removed (the "
                                           "first: n2)")));
  EXPECT_GT(removed.numbers.syncs_failed, 1);
  EXPECT_EQ(removed.numbers.endpoints, 2);
  // Ten seconds after the last change was taken in, as when the node is there.
  EXPECT_LT(removed.numbers.duration, 33);
  EXPECT_THAT(removed.notes, ::testing::Not(::testing::Contains(HasSubstr("half an hour"))));
}

TEST(RunTest, SeedSettingsAndDurationGoBeforeTheScenarios) {
  RunSpec spec;
  spec.scenario = "rolling-update";
  const RunOutput plain = Ran(spec);
  spec.seed = 99;
  const RunOutput seeded = Ran(spec);
  EXPECT_EQ(seeded.report.seed, 99U);
  EXPECT_NE(seeded.report.digest, plain.report.digest);
  spec.settings = {"max-endpoints-per-slice=2"};
  const RunOutput small = Ran(spec);
  EXPECT_GT(small.report.numbers.slices, seeded.report.numbers.slices);
  spec.duration = std::chrono::seconds(7);
  EXPECT_EQ(Ran(spec).report.numbers.duration, 7);
}

TEST(RunTest, APodOnANodeThatIsNotThereIsNoted) {
  const ScratchFile trace(
      "unknown-node.jsonl",
      R"({"time":"2026-01-01T12:00:00Z","type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":)"
      R"({"name":"p","namespace":"shop","uid":"u"},"spec":{"nodeName":"nowhere"},"status":{"podIPs":[{"ip":"10.0.0.1"}]}}})"
      "\n");
  RunSpec spec;
  spec.sources = {trace.path()};
  EXPECT_THAT(Ran(spec).report.notes,
              ::testing::Contains(HasSubstr("1 changes of pods on nodes that are not there (the first: nowhere)")));
}

// What was made up is said of what was read, and that there was more.
std::string SliceOfBoth() {
  return R"({"time":"2026-01-01T12:00:04Z","type":"ADDED","object":{"apiVersion":"discovery.k8s.io/v1",)"
         R"("kind":"EndpointSlice","metadata":{"name":"web-1","namespace":"shop","uid":"u-web-1","labels":{)"
         R"("kubernetes.io/service-name":"web","endpointslice.kubernetes.io/managed-by":)"
         R"("endpointslice-controller.k8s.io"}},"addressType":"IPv4","endpoints":[)"
         R"({"addresses":["10.1.0.1"],"nodeName":"n1","zone":"a"},)"
         R"({"addresses":["10.1.0.2"],"nodeName":"n2","zone":"b"}]}})"
         "\n";
}

TEST(RunTest, NodesThatSlicesNameHaveProxiesAndZones) {
  const ScratchFile trace(
      "made-nodes.jsonl",
      Added("01", "Service", "web",
            R"(,"namespace":"shop"},"spec":{"clusterIP":"10.96.0.1","ipFamilies":["IPv4"],"selector":{"app":"web"},)"
            R"("ports":[{"port":80,"targetPort":80,"protocol":"TCP"}]})") +
          AddedPod("02", "p1", "n1", "10.1.0.1") + AddedPod("03", "p2", "n2", "10.1.0.2") + SliceOfBoth());
  RunSpec spec;
  spec.sources = {trace.path()};
  const RunReport report = Ran(spec).report;
  EXPECT_THAT(report.made_up, ::testing::Contains(HasSubstr("2 nodes, from the endpoints of slices")));
  EXPECT_THAT(report.notes, ::testing::Not(::testing::Contains(HasSubstr("nodes that are not there"))));
  EXPECT_EQ(report.numbers.endpoints, 2);
  EXPECT_GT(report.numbers.requests, 0);
  // Each zone sends half of them, to both.
  EXPECT_NEAR(report.numbers.cross_zone_share, 0.5, 0.05);
}

TEST(RunTest, ARunThatEndsBeforeItsTraceSaysSo) {
  std::string text = R"({"kind":"TraceHeader","apiVersion":"epslice.dev/v1","madeUp":["all of it"]})"
                     "\n";
  for (const char* minute : {"00", "10", "20"}) {
    text += std::string(R"({"time":"2026-01-01T12:)") + minute +
            R"(:00Z","type":"ADDED","object":{"kind":"Node","apiVersion":"v1","metadata":{"name":"n)" + minute +
            "\"}}}\n";
  }
  const ScratchFile trace("long.jsonl", text);
  RunSpec spec;
  spec.sources = {trace.path()};
  const auto says_so =
      ::testing::Contains(HasSubstr("the run ends before the trace, which was read up to 2026-01-01T12:10:00Z"));
  EXPECT_THAT(Ran(spec).report.notes, ::testing::Not(says_so));
  spec.duration = std::chrono::minutes(5);
  const RunReport report = Ran(spec).report;
  EXPECT_THAT(report.notes, says_so);
  EXPECT_THAT(report.made_up, ::testing::ElementsAre("all of it"));
}

TEST(RunTest, ServicesOfManifestsGetTraffic) {
  const ScratchFile manifests("manifests.yaml", R"(apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Node
metadata: {name: node-1, labels: {topology.kubernetes.io/zone: a}}
status: {conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: web}}
spec: {nodeName: node-1}
status: {phase: Running, podIPs: [{ip: 10.1.0.1}], conditions: [{type: Ready, status: "True"}]}
)");
  RunSpec spec;
  spec.sources = {manifests.path()};
  const RunReport report = Ran(spec).report;
  EXPECT_GT(report.numbers.served, 0);
  EXPECT_THAT(report.made_up, ::testing::Contains(HasSubstr("1 Service lacks what an API server fills in")));
  EXPECT_THAT(report.made_up, ::testing::Contains(HasSubstr("2 objects name no namespace")));
  EXPECT_THAT(report.made_up, ::testing::Contains(HasSubstr("requests: 100 a second to each Service")));
  // plan is about what is there.
  const CliResult plan = RunCliTest({"plan", "-f", manifests.path(), "-o", "json"});
  EXPECT_THAT(plan.out, ::testing::Not(HasSubstr("\"default\"")));
}

TEST(RunTest, ARunWithoutRequestsIsNoted) {
  const std::string head =
      "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 1s\ncluster: {nodes: [{zones: [a, b]}]}\n";
  const struct {
    std::string services;
    bool noted;
  } cases[] = {
      {"services: [{name: web}]\n", false},
      {"services: [{name: web, headless: true}]\n", true},
      {"services: [{name: web}]\ntraffic: {defaultRps: 0}\n", true},
      {"", false},  // nothing is missing
  };
  for (const auto& c : cases) {
    const ScratchFile scenario("requests.yaml", head + c.services);
    RunSpec spec;
    spec.scenario = scenario.path();
    const std::vector<std::string> notes = Ran(spec).report.notes;
    const bool noted = std::any_of(notes.begin(), notes.end(), [](const std::string& note) {
      return note.find("no requests were made") != std::string::npos;
    });
    EXPECT_EQ(noted, c.noted) << c.services;
  }
}

TEST(RunTest, ExpectationsDecide) {
  const std::string head =
      "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 10s\ncluster: {nodes: [{zones: [a, b]}]}\n"
      "services: [{name: web, replicas: 2}]\nexpect:\n";
  const ScratchFile good("kept.yaml", head + "  - crossZoneShare <= 0.5\n  - services.default/web.blackHoled == 0\n");
  RunSpec spec;
  spec.scenario = good.path();
  const RunOutput kept = Ran(spec);
  EXPECT_TRUE(kept.as_expected);
  ASSERT_EQ(kept.report.expectations.size(), 2U);
  EXPECT_DOUBLE_EQ(kept.report.expectations[0].value, 0.5);

  const ScratchFile bad("broken.yaml", head + "  - crossZoneShare < 0.5\n");
  spec.scenario = bad.path();
  const RunOutput broken = Ran(spec);
  EXPECT_FALSE(broken.as_expected);
  EXPECT_FALSE(broken.report.expectations.at(0).pass);
  const CliResult cli = RunCliTest({"run", "--scenario", bad.path(), "-o", "json"});
  EXPECT_EQ(cli.exit_code, 1);

  const ScratchFile unknown("unknown.yaml", head + "  - crossZoneShares < 0.5\n");
  spec.scenario = unknown.path();
  EXPECT_THAT(std::string(RunOnce(spec, nullptr).status().message()),
              HasSubstr("line 7: expect: there is no number \"crossZoneShares\""));
}

// A dump is a still life: a minute of traffic, no writes, since its slices are
// right. With a scenario on top of it things happen to its Services.
TEST(RunTest, ADumpAndAScenarioOnTopOfIt) {
  RunSpec spec;
  for (const char* kind : {"nodes", "pods", "services", "endpointslices"}) {
    spec.sources.push_back(std::string(EPSLICE_SOURCE_DIR "/test/testdata/shop/start-") + kind + ".json.xz");
  }
  const RunOutput still = Ran(spec);
  EXPECT_EQ(still.report.numbers.duration, 60);
  EXPECT_EQ(still.report.numbers.writes, 0);
  EXPECT_EQ(still.report.numbers.services, 8);  // and "kubernetes"
  EXPECT_GT(still.report.numbers.in_zone_share, 0.3);

  const ScratchFile outage("outage.yaml",
                           "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 3m\n"
                           "actions: [{at: 10s, zoneOutage: {zone: zone-c}}]\n");
  spec.scenario = outage.path();
  const RunOutput out = Ran(spec);
  EXPECT_EQ(out.report.numbers.duration, 180);
  EXPECT_GT(out.report.numbers.writes, 0);
  EXPECT_GT(out.report.numbers.black_holed, 0);
  EXPECT_FALSE(out.report.timeline.empty());
}

TEST(RunTest, BadInput) {
  const ScratchFile no_cluster("none.yaml", "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 1s\n");
  const ScratchFile setting(
      "setting.yaml",
      "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 1s\nsettings:\n  kube-api-qps: many\n"
      "cluster: {nodes: [{zones: [a]}]}\n");
  struct Case {
    RunSpec spec;
    std::string error;
  };
  std::vector<Case> cases(6);
  cases[0].error = "a trace or a scenario is needed";
  cases[1].spec.scenario = "no-such";
  cases[1].error = "there is no bundled scenario \"no-such\"";
  cases[2].spec.scenario = no_cluster.path();
  cases[2].error = "the scenario has no cluster";
  cases[3].spec.scenario = setting.path();
  cases[3].error = "line 5: settings: kube-api-qps";
  cases[4].spec.scenario = "hand-computed";
  cases[4].spec.settings = {"colour=red"};
  cases[4].error = "--set: there is no setting \"colour\"";
  cases[5].spec.sources = {"/nowhere/trace.jsonl"};
  cases[5].error = "/nowhere/trace.jsonl";
  for (const Case& c : cases) {
    const absl::StatusOr<RunOutput> output = RunOnce(c.spec, nullptr);
    ASSERT_FALSE(output.ok()) << c.error;
    EXPECT_THAT(std::string(output.status().message()), HasSubstr(c.error));
  }
}

TEST(RunTest, AScenarioFromStandardInput) {
  const CliResult good = RunCliTest({"run", "--scenario", "-"},
                                    "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 1s\n"
                                    "cluster: {nodes: [{zones: [a]}]}\nservices: [{name: web, replicas: 1}]\n");
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_EQ(RunCliTest({"run", "--scenario", "-"}, "{\"kind\":\"Scenario\"").exit_code, 2);
}

// docs/simulator.md and the program say the same of every setting, and what else
// the manual names like one is one.
TEST(RunTest, TheManualListsTheSettings) {
  std::string table;
  for (const SettingDoc& doc : AllSettings()) {
    table += "| `" + doc.key + "` | " + doc.preset + " | " + doc.accepts + " | " + doc.meaning + " |\n";
  }
  EXPECT_THAT(ReadFileForTest(SourcePath("docs/simulator.md")), HasSubstr("|---|---|---|---|\n" + table + "\n"));

  const std::regex named("`([a-z]+(-[a-z]+)+)(=[^`]*)?`");
  for (const char* page : {"simulator", "report", "sweep", "faithfulness"}) {
    const std::string text = ReadFileForTest(SourcePath(std::string("docs/") + page + ".md"));
    for (std::sregex_iterator it(text.begin(), text.end(), named), end; it != end; ++it) {
      const std::string key = (*it)[1];
      const auto& all = AllSettings();
      EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const SettingDoc& doc) { return doc.key == key; }))
          << page << ".md names `" << key << "`, which --set does not take";
    }
  }
}

// Of ten seconds of a steady cluster, four.
TEST(RunTest, TrafficCountsFromWhereASettingSays) {
  const ScratchFile steady("steady.yaml",
                           "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 10s\nsettings: {traffic-from: 6s}\n"
                           "cluster: {nodes: [{zones: [a, b]}]}\nservices: [{name: web, replicas: 2}]\n");
  RunSpec spec;
  spec.scenario = steady.path();
  EXPECT_DOUBLE_EQ(Ran(spec).report.numbers.requests, 400);
}

// A sweep in parts is the sweep in one: the same rows, from whichever shard.
TEST(SweepCommandTest, ShardsMergeToTheWhole) {
  const std::vector<std::string> sweep = {
      "sweep", "--scenario", "hand-computed", "--grid", "max-endpoints-per-slice=2,100", "--seeds", "2", "-o", "csv"};
  const CliResult whole = RunCliTest(sweep);
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  std::vector<std::string> merge = {"merge", "-o", "csv"};
  const ScratchFile a("shard-a.jsonl", ""), b("shard-b.jsonl", "");
  for (const auto& [file, shard] : {std::pair(&a, "0/2"), {&b, "1/2"}}) {
    std::vector<std::string> part = sweep;
    for (const char* arg : {"--shard", shard, "--state", file->path().c_str()}) part.emplace_back(arg);
    EXPECT_EQ(RunCliTest(part).exit_code, 0);
    EXPECT_EQ(RunCliTest(part).exit_code, 0) << "again: nothing is left to do";
    merge.insert(merge.end(), {"-f", file->path()});
  }
  const CliResult merged = RunCliTest(merge);
  EXPECT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_EQ(merged.out, whole.out);
  const CliResult half = RunCliTest({"merge", "-f", a.path()});
  EXPECT_EQ(half.exit_code, 1);
  EXPECT_THAT(half.err, HasSubstr("2 of 4 runs are missing"));
}

// What was measured of other inputs is not gone on from, even where names and
// sizes are the same.
TEST(SweepCommandTest, AStateFileIsOfWhatWasRead) {
  const ScratchFile table("sweep-traffic.csv", "service,rps\ndefault/web,10\n");
  const ScratchFile scenario("sweep.yaml",
                             "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 10s\ncluster: {nodes: [{zones: "
                             "[a]}]}\nservices: [{name: web, replicas: 2}]\ntraffic: {file: sweep-traffic.csv}\n");
  const std::string folder = testing::TempDir() + "sweep-dumps";
  std::filesystem::create_directory(folder);
  const ScratchFile dump("sweep-dumps/n.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n");
  struct Case {
    const char* what;
    std::vector<std::string> input;
    const ScratchFile* changed;
    const char* from;
    const char* to;
  };
  const Case cases[] = {{"a traffic table", {"--scenario", scenario.path()}, &table, "10", "20"},
                        {"a scenario", {"--scenario", scenario.path()}, &scenario, "replicas: 2", "replicas: 3"},
                        {"a file of a directory", {"-f", folder}, &dump, "n1", "n2"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const ScratchFile state("sweep-state.jsonl", "");
    std::remove(state.path().c_str());
    std::vector<std::string> sweep = {"sweep", "--grid", "max-endpoints-per-slice=2,100", "--state", state.path()};
    sweep.insert(sweep.end(), c.input.begin(), c.input.end());
    EXPECT_EQ(RunCliTest(sweep).exit_code, 0);
    EXPECT_EQ(RunCliTest(sweep).exit_code, 0) << "again";
    const std::string before = ReadFileForTest(c.changed->path());
    std::string after = before;
    after.replace(after.find(c.from), std::string(c.from).size(), c.to);
    std::ofstream(c.changed->path(), std::ios::binary) << after;
    const CliResult result = RunCliTest(sweep);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("another sweep: its grid, seeds or inputs differ"));
  }
  std::filesystem::remove_all(folder);
}

TEST(SweepCommandTest, ReadsNoStandardInput) {
  for (const char* flag : {"-f", "--scenario"}) {
    const CliResult result = RunCliTest({"sweep", flag, "-", "--grid", "max-endpoints-per-slice=2"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("standard input can be read once only"));
  }
}

TEST(CompareCommandTest, RunsTwiceOrReadsTwoReports) {
  const std::vector<std::string> run = {"run", "--scenario", "hand-computed", "-o", "json"};
  const ScratchFile base("base.json", RunCliTest(run).out);
  std::vector<std::string> slow = run;
  slow.insert(slow.end(), {"--set", "endpointslice-updates-batch-period=1s"});
  const ScratchFile variant("variant.json", RunCliTest(slow).out);
  const CliResult read = RunCliTest({"compare", base.path(), variant.path(), "-o", "json"});
  EXPECT_EQ(read.exit_code, 0) << read.err;
  const CliResult ran = RunCliTest(
      {"compare", "--scenario", "hand-computed", "--variant", "endpointslice-updates-batch-period=1s", "-o", "json"});
  EXPECT_EQ(ran.out, read.out);
  EXPECT_THAT(read.out, HasSubstr("podToSliceP50"));
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"compare"},
                                              {"compare", base.path()},
                                              {"compare", "--scenario", "hand-computed"},
                                              {"compare", base.path(), "/nowhere.json"},
                                              {"compare", base.path(), base.path(), "-o", "csv"},
                                              {"compare", base.path(), base.path(), "--set", "a=b"}}) {
    EXPECT_EQ(RunCliTest(bad).exit_code, 2);
  }
  EXPECT_THAT(RunCliTest({"compare", "--help"}).out, ::testing::Not(HasSubstr("csv,")));
}

}  // namespace
}  // namespace epslice::sim
