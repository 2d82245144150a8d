// ScenarioDriver: puts a scenario into a simulation.
//
//   ApplyToSettings(scenario, &settings);  // seed, start, settings, traffic
//   Simulation simulation(settings.simulation);
//   ScenarioDriver driver(scenario, &simulation);  // before the first Load()
//   ... load a trace's start state, where there is one ...
//   driver.LoadStartState();
//   driver.Schedule();
//   simulation.StartController();
//   simulation.RunUntil(...);
//
// With a trace: the first action that touches an object takes it over, and with
// a pod the pods of its Service; the replayer asks Owns() and passes over what
// the trace says of such an object from then on. In a cluster that is served,
// what clients do to pods and nodes counts (OutsideChanges). Not thread-safe.
#ifndef EPSLICE_SIM_SCENARIO_DRIVER_H_
#define EPSLICE_SIM_SCENARIO_DRIVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "sim/cluster/service_defaults.h"
#include "sim/engine/simulation.h"
#include "sim/scenario/cluster_index.h"
#include "sim/scenario/node_life.h"
#include "sim/scenario/outside_changes.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/workloads.h"

namespace epslice::sim {

// What the API server of a run with workloads must do otherwise: kubelets end
// pods, not the server.
void PrepareForWorkloads(SimulationOptions* options);

class ScenarioDriver {
 public:
  // Adds itself to the simulation's observers, which must outlive this. `facts`: of
  // a trace's pods and nodes; must outlive this; null: there are none.
  ScenarioDriver(Scenario scenario, Simulation* simulation, TraceFacts* facts = nullptr);
  ScenarioDriver(const ScenarioDriver&) = delete;
  ScenarioDriver& operator=(const ScenarioDriver&) = delete;

  // The scenario's nodes, Services and pods, all ready, and (unless it says
  // otherwise) their EndpointSlices as a controller would have left them; those of
  // Services, too, that a trace's start state shows without.
  // InvalidArgument: there is no room for the pods, or a Service or node has a
  // name that the trace has, too; with file and line.
  absl::Status LoadStartState();
  // The actions, from now on. One that finds nothing to act on (a trace may lack
  // a Service that it names) does nothing, which is told in notes().
  void Schedule();
  // From now on no further action begins; what began goes on.
  void EndActions() { ended_ = true; }
  // What notes() says of an action, as soon as it is known; each line of the file
  // once.
  void OnWithoutEffect(std::function<void(const std::string& note)> told) { told_ = std::move(told); }

  // Whether the scenario decides about the object, so that a trace does not.
  bool Owns(const AnyObject& object) const;

  const Scenario& scenario() const { return scenario_; }
  const Workloads& workloads() const { return workloads_; }
  // What the user should hear: actions without effect, pods without room.
  // Complete when the run is over.
  std::vector<std::string> notes() const;
  // What a trace's start state lacks and this made up; a sentence each.
  const std::vector<std::string>& made_up() const { return made_up_; }

 private:
  absl::Status LoadService(const ServiceTemplate& service, int number, ServiceAddresses* addresses,
                           std::vector<AnyObject>* loaded);
  absl::Status LoadSlices(std::vector<AnyObject> loaded);
  // Of the trace, without a slice of the controller.
  std::vector<AnyObject> ServicesWithoutSlices();
  void ScheduleAction(const ScenarioAction& action, Duration at, int done);
  void Act(const ScenarioAction& action);

  void Do(const RolloutAction& action);
  void Do(const ScaleAction& action);
  void Do(const ZoneOutageAction& action);
  void Do(const NodeFailureAction& action);
  void Do(const DrainAction& action);
  void Do(const AddNodesAction& action);
  void Do(const RemoveNodesAction& action);
  void Do(const RelabelAction& action);
  void Do(const SetAllocatableAction& action);
  void Do(const FlapAction& action);
  void Do(const SetServiceAction& action);
  void Do(const ApiSlowdownAction& action);
  void Do(const ControllerRestartAction& action);
  // Does it with each Service or node, and tells how many there were.
  void ForServices(const std::string& pattern, const std::function<void(const ObjectKey&)>& act);
  void ForNodes(const NodeChoice& choice, const std::function<void(const Text&)>& act);
  // Pods, and the states in which the flapping found them.
  using Flapping = std::vector<std::pair<LivePodPtr, std::uint32_t>>;
  void Flap(const std::shared_ptr<const Flapping>& pods, Duration half, Instant end, bool ready);
  void SetSlowdown();
  void WithoutEffect(const std::string& why);
  // Of the `left` Services that an action is for one is passed over; it has no effect
  // where all are.
  void PassOver(const ObjectKey& service, std::string_view why, std::size_t* left);
  std::string NoteOf(int line, const std::string& why) const;

  const Scenario scenario_;
  Simulation& simulation_;
  ClusterIndex index_;
  Workloads workloads_;
  NodeLife nodes_;
  OutsideChanges outside_;
  std::map<int, double> slowdowns_;  // in force, by number; the last one counts
  int slowdowns_begun_ = 0;
  std::set<ObjectKey> owned_services_;
  int acting_line_ = 0;
  std::map<int, std::string> without_effect_;  // by line
  std::function<void(const std::string&)> told_;
  std::vector<std::string> made_up_;
  bool ended_ = false;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_DRIVER_H_
