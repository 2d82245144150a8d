// Scenario: a cluster, its workloads, what happens to them, and what is
// expected of the run; as a value. docs/scenarios.md is the manual of the
// files; every field here is the one of the same name there.
//
// ParseScenario() is pure: it reads no file but the traffic tables that a
// scenario names, and those through a function that it is given.
#ifndef EPSLICE_SIM_SCENARIO_SCENARIO_H_
#define EPSLICE_SIM_SCENARIO_SCENARIO_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/core.h"
#include "informers/clock.h"
#include "sim/engine/latency.h"
#include "sim/scenario/expectation.h"

namespace epslice::sim {

// How a pod lives, by the clock. Each pod draws each of them once.
struct PodBehaviour {
  Latency scheduling = Latency::Constant(std::chrono::milliseconds(20));                      // created -> bound
  Latency startup = Latency::LogNormal(std::chrono::seconds(2), std::chrono::seconds(8));     // bound -> Running
  Latency readiness = Latency::LogNormal(std::chrono::seconds(3), std::chrono::seconds(15));  // Running -> Ready
  // Asked to go: the hook runs, then comes SIGTERM, then the process needs so
  // long to end; at the end of the grace period it is killed.
  Latency pre_stop;
  Latency drain = Latency::LogNormal(std::chrono::seconds(1), std::chrono::seconds(5));
  Duration grace_period = std::chrono::seconds(30);  // whole seconds
  // No new connections from SIGTERM on; else until the process ends.
  bool stops_listening_on_sigterm = true;
  friend bool operator==(const PodBehaviour&, const PodBehaviour&) = default;
};

// Nodes that are alike: `count` in each zone, named "<name>-<zone>-<number>";
// without zones `count` nodes without the zone label, "<name>-<number>".
struct NodePool {
  std::string name = "node";
  std::vector<std::string> zones;
  int count = 1;
  std::int64_t cpu_milli = 4000;
  int max_pods = 110;
  StringMap labels;
  bool control_plane = false;
  int line = 0;
};

struct Placement {
  // kSpread: evenly over the zones, then over their nodes. kPack: one node
  // after the other.
  enum class Kind : std::uint8_t { kSpread, kPack };
  Kind kind = Kind::kSpread;
  std::vector<Text> zones;  // only there; empty: anywhere. "" is nodes without a zone
  friend bool operator==(const Placement&, const Placement&) = default;
};

// `count` Services that are alike, each with its pods. "{n}" in the name and
// the namespace is the number, from 1 on.
struct ServiceTemplate {
  std::string name;
  std::string namespace_ = "default";
  int count = 1;
  int replicas = 1;
  Service service;             // labels, annotations and spec; without names and selector
  std::int64_t cpu_milli = 0;  // of each pod
  Placement placement;
  std::shared_ptr<const PodBehaviour> behaviour;  // not null
  int line = 0, placement_line = 0;

  // Of number n (1 to count).
  ObjectKey KeyOf(int n) const;
};

// Requests each second to Services by name ("shop/web", "load/*").
struct TrafficRule {
  std::string services;
  double rps = 0;
  std::map<std::string, double> by_zone;  // of sources; empty: in proportion to the CPU of the nodes
  int line = 0;
  // Of a rule in a table (traffic.file): its path, the line there, and those of
  // by_zone. `line` is then that of traffic.file.
  std::string table{};
  int table_line = 0;
  std::map<std::string, int> zone_lines{};
};
struct ScenarioTraffic {
  std::optional<double> default_rps;
  std::vector<TrafficRule> rules;  // the last one that names a Service counts
};

// One key of `settings:`, as --set takes it.
struct ScenarioSetting {
  std::string key, value;
  int line = 0;
};

// A number, or a part of the replicas.
struct IntOrPercent {
  int value = 25;
  bool percent = true;
  friend bool operator==(const IntOrPercent&, const IntOrPercent&) = default;
};

// When a node whose machine is silent is given up.
struct NodeLifecycle {
  Duration not_ready_after = std::chrono::seconds(40);  // --node-monitor-grace-period
  Duration evict_after = std::chrono::seconds(300);     // then; pods' tolerationSeconds
};

// Which nodes: by name, or all of a zone and a pool; of those the first
// `count` by name.
struct NodeChoice {
  std::vector<std::string> names;
  std::optional<std::string> zone;
  std::string pool;
  int count = 0;  // 0: all
};

struct RolloutAction {
  std::string service;  // "shop/web"; "load/*" for several
  IntOrPercent max_surge, max_unavailable;
  Duration stagger{0};                            // between one Service and the next
  std::shared_ptr<const PodBehaviour> behaviour;  // of the new pods; null: as before
};
struct ScaleAction {
  std::string service;
  int to = 0;
};
struct ZoneOutageAction {
  std::string zone;
  std::optional<Duration> duration;  // nullopt: it stays down
};
struct NodeFailureAction {
  NodeChoice nodes;
  std::optional<Duration> comes_back;  // after so long; nullopt: never
};
struct DrainAction {
  NodeChoice nodes;
  std::optional<Duration> uncordon_after;
};
struct AddNodesAction {
  NodePool pool;
  Duration ready_after{0};
};
struct RemoveNodesAction {
  NodeChoice nodes;
  bool drain = true;  // else the machines are gone at once
};
struct RelabelAction {
  NodeChoice nodes;
  std::vector<std::pair<std::string, std::optional<std::string>>> labels;  // nullopt: taken off
};
struct SetAllocatableAction {
  NodeChoice nodes;
  std::int64_t cpu_milli = 0;
};
struct FlapAction {
  std::string service;
  int pods = 1;
  Duration period = std::chrono::seconds(10);  // half of it not ready
  Duration duration = std::chrono::minutes(1);
};
struct SetServiceAction {
  std::string service;
  std::vector<std::pair<std::string, std::optional<std::string>>> annotations;  // nullopt: taken off
  std::optional<std::string> traffic_distribution;                              // "": taken off
  std::optional<std::string> internal_traffic_policy, external_traffic_policy;
  std::optional<bool> publish_not_ready;
};
struct ApiSlowdownAction {
  double factor = 10;
  std::optional<Duration> duration;
};
struct ControllerRestartAction {
  Duration downtime{0};
};

struct ScenarioAction {
  using What = std::variant<RolloutAction, ScaleAction, ZoneOutageAction, NodeFailureAction, DrainAction,
                            AddNodesAction, RemoveNodesAction, RelabelAction, SetAllocatableAction, FlapAction,
                            SetServiceAction, ApiSlowdownAction, ControllerRestartAction>;
  Duration at{0};
  std::optional<Duration> every;  // and again
  int times = 0;                  // in all; 0: until the run ends
  What what;
  int line = 0;
  // Where a name is: the values of these keys ("service", "nodes", ...).
  struct NameLine {
    std::string key, name;
    int line = 0;
  };
  std::vector<NameLine> names;
  // That of a name; without one the action's.
  int LineOf(std::string_view key, std::string_view name) const;
};

struct Scenario {
  std::string name;  // metadata.name
  std::string description;
  std::string file;  // for messages about what turns up later
  // Of the text of it and of the tables that it names: equal when they are.
  std::string digest;
  std::optional<std::uint64_t> seed;
  std::optional<Timestamp> start;
  std::optional<Duration> duration;
  // Nullopt: the cluster comes from a trace.
  std::optional<std::vector<NodePool>> cluster;
  NodeLifecycle node_lifecycle;
  // The EndpointSlices are there at the start, as a controller had left them.
  bool warm_start = true;
  std::shared_ptr<const PodBehaviour> pods;  // where a Service says nothing else; not null
  std::vector<ServiceTemplate> services;
  ScenarioTraffic traffic;
  std::vector<ScenarioSetting> settings;
  std::vector<ScenarioAction> actions;  // in the order of the file
  std::vector<Expectation> expect;
};

// Reads a file that a scenario names.
using ReadFile = std::function<absl::StatusOr<std::string>(const std::string& path)>;

// `name`: of the file, for messages. InvalidArgument with one line: "a.yaml:
// line 7: services[0]: unknown key "replica"; accepted are ...".
absl::StatusOr<Scenario> ParseScenario(const std::string& name, std::string_view text, const ReadFile& read);

// "shop/web" by "shop/web", "shop/*", "*/web", "*"; '*' is any text without '/'
// but "*" alone, which is everything.
bool MatchesServicePattern(std::string_view pattern, const ObjectKey& service);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_SCENARIO_H_
