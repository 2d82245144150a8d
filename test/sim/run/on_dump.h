// A run of a scenario on top of a dump, and the objects of that.
#ifndef EPSLICE_TEST_SIM_RUN_ON_DUMP_H_
#define EPSLICE_TEST_SIM_RUN_ON_DUMP_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apis/concat.h"
#include "sim/run/run.h"
#include "test/sim/run/run_testing.h"
#include "test/sim/scenario/scenario_run.h"

namespace epslice::sim {

inline constexpr char kOnDumpHead[] =
    "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 20m\n"
    "pods: {scheduling: 100ms, startup: 2s, readiness: 3s, drain: 4s, gracePeriod: 30s}\n";

// Of zone a, b, c in turn: n0, n1, ...
inline std::string NodeJson(int number, const std::string& pods = "110", const std::string& more = "") {
  return Concat(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n)", number, R"(","uid":"nu)", number,
                R"(","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"topology.kubernetes.io/zone":")",
                std::string(1, static_cast<char>('a' + number % 3)), R"("}},"spec":{)", more,
                R"(},"status":{"allocatable":{"cpu":"4","pods":")", pods,
                R"("},"conditions":[{"type":"Ready","status":"True"}]}})");
}

inline std::string ServiceJson(const std::string& name) {
  return Concat(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":")", name,
                R"(","namespace":"shop","uid":"su-)", name,
                R"(","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"selector":{"app":")", name,
                R"("},"clusterIP":"10.96.0.7","clusterIPs":["10.96.0.7"],"ipFamilies":["IPv4"],"type":"ClusterIP",)",
                R"("ports":[{"port":80,"targetPort":8080,"protocol":"TCP"}]}})");
}

struct PodSays {
  std::string cpu = "1", phase = "Running", spec = "", labels = "", metadata = "";
};
// Of node -1: not bound to any.
inline std::string PodJson(const std::string& app, const std::string& name, int node, const std::string& owner,
                           const PodSays& says = {}) {
  static int addresses = 0;
  ++addresses;
  const std::string ip = Concat("10.1.", addresses / 250, ".", addresses % 250 + 1);
  const std::string ready = says.phase == "Running" ? "True" : "False";
  return Concat(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")", name, R"(","namespace":"shop","uid":"u-)",
                name, R"(","creationTimestamp":"2026-01-02T00:00:00Z","labels":{"app":")", app, "\"", says.labels, "},",
                says.metadata, R"("ownerReferences":[{"kind":")", owner, R"(","name":")", app,
                R"(","controller":true}]},"spec":{)", node < 0 ? "" : Concat(R"("nodeName":"n)", node, "\","),
                says.spec, R"("containers":[{"name":"c","image":"x","resources":{"requests":{"cpu":")", says.cpu,
                R"("}}}]},"status":{"phase":")", says.phase, R"(","podIPs":[{"ip":")", ip,
                R"("}],"conditions":[{"type":"Ready","status":")", ready, "\"}]}}");
}

class OnDump {
 public:
  // `rest`: of the scenario; `lines`: of a trace that goes on from the dump.
  OnDump(const std::vector<std::string>& objects, const std::string& rest, const std::string& lines = "") {
    static int files = 0;
    const std::string base = Concat(testing::TempDir(), "on-dump-", getpid(), "-", ++files);
    dump_ = base + ".json";
    scenario_ = base + ".yaml";
    std::ofstream dump(dump_);
    for (const std::string& object : objects) dump << object << "\n";
    std::ofstream(scenario_) << kOnDumpHead << rest;
    spec.sources = {dump_};
    if (!lines.empty()) {
      lines_ = base + ".jsonl";
      std::ofstream(lines_) << lines;
      spec.sources.push_back(lines_);
    }
    spec.scenario = scenario_;
  }
  ~OnDump() {
    std::remove(dump_.c_str());
    std::remove(scenario_.c_str());
    if (!lines_.empty()) std::remove(lines_.c_str());
  }
  void To(Duration time) {
    if (stage == nullptr) {
      absl::StatusOr<std::unique_ptr<Stage>> opened = Stage::Open(spec);
      ASSERT_TRUE(opened.ok()) << opened.status();
      stage = *std::move(opened);
      stage->MakeSimulation()->AddObserver(&follower);
      const absl::Status begun = stage->Begin();
      ASSERT_TRUE(begun.ok()) << begun;
    }
    stage->simulation()->RunUntil(time);
  }
  // Name -> node, of those that are Ready and not asked to go.
  std::map<std::string, std::string> Ready(const std::string& app) const {
    std::map<std::string, std::string> nodes;
    for (const auto& [key, pod] : follower.pods) {
      if (pod->metadata.labels.Get("app") != app || !pod->ready || pod->metadata.deletionTimestamp.is_set()) continue;
      nodes[key.name.str()] = pod->nodeName.str();
    }
    return nodes;
  }
  std::vector<std::string> NodesOf(const std::string& app) const {
    std::multiset<std::string> nodes;
    for (const auto& [name, node] : Ready(app)) nodes.insert(node);
    return {nodes.begin(), nodes.end()};
  }

  RunSpec spec;
  Follower follower;
  std::unique_ptr<Stage> stage;

 private:
  std::string dump_, scenario_, lines_;
};

// Six nodes of 4 CPU, two of them in each zone.
inline std::vector<std::string> SixNodes() {
  std::vector<std::string> objects;
  for (int i = 0; i < 6; ++i) objects.push_back(NodeJson(i));
  return objects;
}

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_RUN_ON_DUMP_H_
