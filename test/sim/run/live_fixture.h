// Scenarios and traces in real time, by a clock that the test moves.
#ifndef EPSLICE_TEST_SIM_RUN_LIVE_FIXTURE_H_
#define EPSLICE_TEST_SIM_RUN_LIVE_FIXTURE_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "apis/concat.h"
#include "informers/clock.h"
#include "sim/run/live_run.h"

namespace epslice::sim {

inline constexpr char kLiveHead[] =
    "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 3m\n"
    "pods: {scheduling: 100ms, startup: 2s, readiness: 3s, preStop: 1s, drain: 4s, gracePeriod: 30s}\n"
    "cluster: {nodes: [{name: node, zones: [a, b, c], count: 2}]}\n"
    "services: [{name: web, namespace: shop, replicas: 6}]\n";

inline Request Named(Verb verb, Kind kind, const std::string& ns, const std::string& name) {
  Request request;
  request.verb = verb;
  request.kind = kind;
  request.namespace_ = ns;
  request.name = name;
  return request;
}

inline Request Delete(Kind kind, const std::string& ns, const std::string& name) {
  return Named(Verb::kDelete, kind, ns, name);
}

inline Request ForceDelete(const std::string& pod) {
  Request request = Delete(Kind::kPod, "shop", pod);
  request.deletion.gracePeriodSeconds = 0;
  return request;
}

inline Request Merge(Kind kind, const std::string& ns, const std::string& name, const std::string& patch,
                     const std::string& subresource = "") {
  Request request = Named(Verb::kPatch, kind, ns, name);
  request.subresource = subresource;
  request.patch = patch;
  return request;
}

class Live {
 public:
  explicit Live(const std::string& scenario, double speed = 1, const std::vector<std::string>& sources = {},
                std::vector<Kind> without = {}) {
    std::istringstream text(scenario);
    RunSpec spec;
    spec.sources = sources;
    spec.standard_input = &text;
    if (!scenario.empty()) spec.scenario = "-";
    ServedStage served;
    served.without = std::move(without);
    auto run = LiveRun::Open(spec, std::move(served), {&clock, speed, [this](Instant at, const std::string& what) {
                                                         log.push_back(Concat(at / std::chrono::seconds(1), " ", what));
                                                         if (on_log) on_log();
                                                       }});
    status = run.status();
    if (!run.ok()) return;
    live = *std::move(run);
    status = live->Begin();
  }

  // Lets so much of the clock's time pass.
  void Pass(Duration time) {
    const Instant end = clock.Now() + time;
    while (true) {
      const Duration wait = live->Step();
      if (wait == Duration{0}) continue;
      if (clock.Now() >= end) return;
      clock.Advance(std::min(wait, end - clock.Now()));
    }
  }
  Response Do(const Request& request) { return live->server()->Handle(request); }
  std::vector<std::shared_ptr<const Pod>> Pods() {
    std::vector<std::shared_ptr<const Pod>> pods;
    for (const AnyObject& object : Do(Named(Verb::kList, Kind::kPod, "shop", "")).list.items) {
      pods.push_back(object.As<Pod>());
    }
    return pods;
  }
  std::string First() { return Pods().front()->metadata.name.str(); }
  // "6 ready, 1 not, 1 going".
  std::string Count() {
    int ready = 0, unready = 0, going = 0;
    for (const auto& pod : Pods()) {
      ++(pod->metadata.deletionTimestamp.is_set() ? going : pod->ready ? ready : unready);
    }
    return Concat(ready, " ready, ", unready, " not, ", going, " going");
  }
  std::set<std::string> NodesOfPods() {
    std::set<std::string> nodes;
    for (const auto& pod : Pods()) nodes.insert(pod->nodeName.str());
    return nodes;
  }

  FakeClock clock;
  std::vector<std::string> log;
  std::function<void()> on_log;
  absl::Status status;
  std::unique_ptr<LiveRun> live;
};

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_RUN_LIVE_FIXTURE_H_
