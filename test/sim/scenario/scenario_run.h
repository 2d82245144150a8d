// A scenario's run, followed: for the tests beside this.
#ifndef EPSLICE_TEST_SIM_SCENARIO_SCENARIO_RUN_H_
#define EPSLICE_TEST_SIM_SCENARIO_SCENARIO_RUN_H_

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "apis/discovery.h"
#include "sim/scenario/driver.h"

namespace epslice::sim {

// Follows a run: how many pods of each Service there are at every instant, and
// what was told of processes and machines.
class Follower : public RunObserver {
 public:
  struct Count {
    int total = 0;     // not asked to go
    int ready = 0;     // of these
    int existing = 0;  // with those that end
  };

  void OnCommit(const Commit& commit) override {
    if (const auto slice = commit.object.As<EndpointSlice>(); slice != nullptr && !commit.start) {
      ++slice_writes;
      int ready = 0;
      for (const Endpoint& endpoint : slice->endpoints) ready += endpoint.conditions.ready.value_or(false) ? 1 : 0;
      slices.emplace_back(commit.at, ready, static_cast<int>(slice->endpoints.size()));
    }
    const auto pod = commit.object.As<Pod>();
    if (pod == nullptr) return;
    const Text app(pod->metadata.labels.Get("app.kubernetes.io/name"));
    const ObjectKey key = KeyOf(pod->metadata);
    if (const auto it = pods.find(key); it != pods.end()) Add(app, *it->second, -1);
    if (commit.type == WatchEventType::kDeleted) {
      pods.erase(key);
    } else {
      Add(app, *pod, 1);
      pods[key] = pod;
    }
    at = commit.at;
    changes.push_back({commit.at, counts[app]});
  }
  void OnPodServing(Instant now, const ObjectKey& pod, bool serving) override {
    served.emplace_back(now, pod.name.str(), serving);
  }
  void OnNodeUp(Instant now, const Text& node, bool up) override { machines.emplace_back(now, node.str(), up); }
  void OnNote(Instant now, const std::string& text) override { notes.emplace_back(now, text); }

  void Add(const Text& app, const Pod& pod, int by) {
    Count& count = counts[app];
    count.existing += by;
    if (pod.metadata.deletionTimestamp.is_set()) return;
    count.total += by;
    count.ready += pod.ready ? by : 0;
  }
  // Zone -> ready pods.
  std::map<std::string, int> ReadyByZone(const std::string& app, Simulation* simulation) const {
    std::map<std::string, int> zones;
    for (const auto& [key, pod] : pods) {
      if (!pod->ready || pod->metadata.labels.Get("app.kubernetes.io/name") != app) continue;
      const auto node = simulation->Get(Kind::kNode, "", pod->nodeName).As<Node>();
      ++zones[node == nullptr ? "gone" : std::string(node->metadata.labels.Get(kLabelZone))];
    }
    return zones;
  }

  struct Change {
    Instant at;
    Count count;
  };
  std::map<ObjectKey, std::shared_ptr<const Pod>> pods;
  std::map<Text, Count> counts;
  std::vector<Change> changes;
  std::vector<std::tuple<Instant, std::string, bool>> served, machines;
  std::vector<std::pair<Instant, std::string>> notes;
  Instant at{0};
  int slice_writes = 0;
  std::vector<std::tuple<Instant, int, int>> slices;  // committed: when, ready endpoints, endpoints
};

struct ScenarioRun {
  explicit ScenarioRun(Scenario scenario, std::uint64_t seed = 1, bool follow = true)
      : simulation(Options(seed)), driver(scenario, &simulation) {
    if (follow) simulation.AddObserver(&follower);
  }
  static SimulationOptions Options(std::uint64_t seed) {
    SimulationOptions options;
    options.seed = seed;
    options.models.qps = 0;
    PrepareForWorkloads(&options);
    return options;
  }
  absl::Status Start() {
    if (absl::Status status = driver.LoadStartState(); !status.ok()) return status;
    driver.Schedule();
    simulation.StartController();
    return absl::OkStatus();
  }
  std::int64_t SlicesOf(const std::string& service) {
    Request request;
    request.verb = Verb::kList;
    request.kind = Kind::kEndpointSlice;
    request.list.labelSelector = "kubernetes.io/service-name=" + service;
    std::int64_t ready = 0;
    for (const AnyObject& object : simulation.server().Handle(request).list.items) {
      for (const Endpoint& endpoint : object.As<EndpointSlice>()->endpoints) {
        ready += endpoint.conditions.ready.value_or(false) ? 1 : 0;
      }
    }
    return ready;
  }

  Simulation simulation;
  Follower follower;
  ScenarioDriver driver;
};

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_SCENARIO_SCENARIO_RUN_H_
