#include "sim/scenario/driver.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "apis/concat.h"
#include "sim/cluster/service_defaults.h"
#include "sim/scenario/edit.h"

namespace epslice::sim {
namespace {

std::string SecondsText(const std::optional<Duration>& span) {
  if (!span) return std::string();
  return Concat(" for ", std::chrono::duration_cast<std::chrono::milliseconds>(*span).count(), " ms");
}

std::string ChoiceText(const NodeChoice& choice) {
  std::string text;
  for (const std::string& name : choice.names) text += Concat(text.empty() ? "" : ",", name);
  if (choice.zone) text += Concat("zone ", choice.zone->empty() ? "\"\"" : *choice.zone);
  if (!choice.pool.empty()) text += Concat(text.empty() ? "" : " ", "pool ", choice.pool);
  if (choice.count > 0) text += Concat(", ", choice.count, choice.count == 1 ? " node" : " nodes");
  return text;
}

template <typename Changes>
StringMap Changed(StringMap map, const Changes& changes) {
  for (const auto& [key, value] : changes) {
    map = value ? map.With(Text::Intern(key), Text::Intern(*value)) : map.Without(key);
  }
  return map;
}

void Change(const SetServiceAction& action, Service* service) {
  service->metadata.annotations = Changed(service->metadata.annotations, action.annotations);
  ServiceSpec& spec = service->spec;
  if (action.traffic_distribution) {
    const std::string& value = *action.traffic_distribution;
    spec.trafficDistribution = value.empty() ? std::nullopt : std::optional<Text>(Text::Intern(value));
  }
  if (action.internal_traffic_policy) spec.internalTrafficPolicy = Text::Intern(*action.internal_traffic_policy);
  if (action.external_traffic_policy) spec.externalTrafficPolicy = Text::Intern(*action.external_traffic_policy);
  if (action.publish_not_ready) spec.publishNotReadyAddresses = *action.publish_not_ready;
}

}  // namespace

void PrepareForWorkloads(SimulationOptions* options) { options->server.end_graceful_deletions = false; }

ScenarioDriver::ScenarioDriver(Scenario scenario, Simulation* simulation, TraceFacts* facts)
    : scenario_(std::move(scenario)),
      simulation_(*simulation),
      index_(facts),
      workloads_(simulation, &index_, scenario_.pods),
      nodes_(scenario_.node_lifecycle, simulation, &index_, &workloads_),
      outside_(simulation, &workloads_, &nodes_) {
  simulation->AddObserver(&index_);
  simulation->AddObserver(&outside_);
}

bool ScenarioDriver::Owns(const AnyObject& object) const {
  switch (object.kind()) {
    case Kind::kPod: return workloads_.Owns(*object.As<Pod>());
    case Kind::kNode: return nodes_.Owns(object.meta().name);
    case Kind::kService: return owned_services_.count(KeyOf(object.meta())) > 0;
    default: return false;
  }
}

std::vector<std::string> ScenarioDriver::notes() const {
  std::vector<std::string> notes;
  notes.reserve(without_effect_.size() + 2);
  for (const auto& [line, why] : without_effect_) notes.push_back(NoteOf(line, why));
  if (workloads_.unplaced() > 0) {
    notes.push_back(Concat(workloads_.unplaced(), " pods found no room on any node at the end of the run"));
  }
  if (workloads_.made_blindly() > 0) {
    notes.push_back(Concat(workloads_.made_blindly(),
                           " new pods were placed as if they requested no CPU: the trace does not tell what those "
                           "they are made like request"));
  }
  return notes;
}

std::string ScenarioDriver::NoteOf(int line, const std::string& why) const {
  return Concat(scenario_.file, ": line ", line, ": ", why);
}

void ScenarioDriver::WithoutEffect(const std::string& why) {
  const bool first = without_effect_.emplace(acting_line_, why).second;
  if (first && told_) told_(NoteOf(acting_line_, why));
}

void ScenarioDriver::PassOver(const ObjectKey& service, std::string_view why, std::size_t* left) {
  if (--*left == 0) WithoutEffect(Concat("Service ", service.ToString(), ": ", why));
}

void ScenarioDriver::Schedule() {
  for (const ScenarioAction& action : scenario_.actions) ScheduleAction(action, action.at, 0);
}

void ScenarioDriver::ScheduleAction(const ScenarioAction& action, Duration delay, int done) {
  simulation_.scheduler().After(delay, [this, &action, done] {
    if (ended_) return;
    Act(action);
    if (action.every && (action.times == 0 || done + 1 < action.times)) ScheduleAction(action, *action.every, done + 1);
  });
}

void ScenarioDriver::Act(const ScenarioAction& action) {
  acting_line_ = action.line;
  std::visit([this](const auto& what) { Do(what); }, action.what);
}

void ScenarioDriver::ForServices(const std::string& pattern, const std::function<void(const ObjectKey&)>& act) {
  const std::vector<ObjectKey> services = index_.ServicesLike(pattern);
  if (services.empty()) WithoutEffect(Concat("there is no Service \"", pattern, "\" when the action is due"));
  for (const ObjectKey& service : services) act(service);
}

void ScenarioDriver::ForNodes(const NodeChoice& choice, const std::function<void(const Text&)>& act) {
  const std::vector<Text> nodes = index_.Choose(choice);
  if (nodes.empty()) WithoutEffect(Concat("there are no nodes (", ChoiceText(choice), ") when the action is due"));
  for (const Text& node : nodes) act(node);
}

void ScenarioDriver::Do(const RolloutAction& action) {
  simulation_.Note(Concat("rollout ", action.service));
  int number = 0;
  // Two Services may have the same pods behind them.
  auto begun = std::make_shared<std::set<const Workload*>>();
  auto left = std::make_shared<std::size_t>(index_.ServicesLike(action.service).size());
  ForServices(action.service, [&](const ObjectKey& service) {
    simulation_.scheduler().After(
        action.stagger * number++, [this, &action, service, begun, left, line = acting_line_] {
          acting_line_ = line;
          Workload* workload = workloads_.Adopt(service);
          if (workload == nullptr) return PassOver(service, "rollout does nothing: it has no selector", left.get());
          if (workload->replicas == 0 && workload->slots.empty()) {
            PassOver(service, "rollout replaces nothing: it has no pods", left.get());
          }
          // Without pods, too: those to come are of the new revision.
          if (!begun->insert(workload).second) return;
          if (workload->kind == Workload::Kind::kStatic) {
            return WithoutEffect(
                Concat("Service ", service.ToString(), ": rollout does nothing: its pods are static pods"));
          }
          workloads_.Rollout(workload, action);
        });
  });
}

void ScenarioDriver::Do(const ScaleAction& action) {
  simulation_.Note(Concat("scale ", action.service, " to ", action.to));
  std::size_t left = index_.ServicesLike(action.service).size();
  ForServices(action.service, [&](const ObjectKey& service) {
    Workload* workload = workloads_.Adopt(service);
    if (workload == nullptr) return PassOver(service, "scale does nothing: it has no selector", &left);
    if (workload->kind == Workload::Kind::kDaemonSet || workload->kind == Workload::Kind::kStatic) {
      return WithoutEffect(Concat("Service ", service.ToString(), ": scale does nothing: its pods are ",
                                  workload->kind == Workload::Kind::kStatic ? "static pods" : "of a DaemonSet",
                                  ", of which there are as many as nodes"));
    }
    workloads_.Scale(workload, action.to);
  });
}

void ScenarioDriver::Do(const ZoneOutageAction& action) {
  simulation_.Note(Concat("zoneOutage ", action.zone, SecondsText(action.duration)));
  NodeChoice zone;
  zone.zone = action.zone;
  ForNodes(zone, [&](const Text& node) { nodes_.Fail(node, action.duration); });
}

void ScenarioDriver::Do(const NodeFailureAction& action) {
  simulation_.Note(Concat("nodeFailure ", ChoiceText(action.nodes), SecondsText(action.comes_back)));
  ForNodes(action.nodes, [&](const Text& node) { nodes_.Fail(node, action.comes_back); });
}

void ScenarioDriver::Do(const DrainAction& action) {
  simulation_.Note(Concat("drain ", ChoiceText(action.nodes)));
  ForNodes(action.nodes, [&](const Text& node) { nodes_.Drain(node, action.uncordon_after); });
}

void ScenarioDriver::Do(const AddNodesAction& action) {
  simulation_.Note(Concat("addNodes ", action.pool.name));
  nodes_.Add(action.pool, action.ready_after);
}

void ScenarioDriver::Do(const RemoveNodesAction& action) {
  simulation_.Note(Concat("removeNodes ", ChoiceText(action.nodes)));
  ForNodes(action.nodes, [&](const Text& node) { nodes_.Remove(node, action.drain); });
}

void ScenarioDriver::Do(const RelabelAction& action) {
  simulation_.Note(Concat("relabel ", ChoiceText(action.nodes)));
  ForNodes(action.nodes, [&](const Text& node) { nodes_.Relabel(node, action.labels); });
}

void ScenarioDriver::Do(const SetAllocatableAction& action) {
  simulation_.Note(Concat("setAllocatable ", ChoiceText(action.nodes), ": ", action.cpu_milli, "m"));
  ForNodes(action.nodes, [&](const Text& node) { nodes_.SetAllocatable(node, action.cpu_milli); });
}

void ScenarioDriver::Do(const FlapAction& action) {
  simulation_.Note(Concat("flap ", action.service, SecondsText(action.duration)));
  auto flapping = std::make_shared<Flapping>();
  ForServices(action.service, [&](const ObjectKey& service) {
    Workload* workload = workloads_.Adopt(service);
    if (workload == nullptr) return;
    for (LivePodPtr& pod : workloads_.ReadyPods(*workload, action.pods)) {
      const std::uint32_t epoch = pod->epoch;
      flapping->emplace_back(std::move(pod), epoch);
    }
  });
  if (flapping->empty()) WithoutEffect(Concat("\"", action.service, "\" has no ready pod when the action is due"));
  Flap(flapping, action.period / 2, simulation_.now() + action.duration, false);
}

void ScenarioDriver::Flap(const std::shared_ptr<const Flapping>& pods, Duration half, Instant end, bool ready) {
  const bool over = simulation_.now() >= end;
  for (const auto& [pod, epoch] : *pods) {
    // Not what restarted, or was asked to go meanwhile.
    if (pod->epoch == epoch) workloads_.life().SetReady(pod, ready || over);
  }
  if (over) return;
  const Instant next = std::min(simulation_.now() + half, end);
  simulation_.scheduler().At(next, [this, pods, half, end, ready] { Flap(pods, half, end, !ready); });
}

void ScenarioDriver::Do(const SetServiceAction& action) {
  simulation_.Note(Concat("setService ", action.service));
  ForServices(action.service, [&](const ObjectKey& key) {
    const auto stored = simulation_.Get(Kind::kService, key.namespace_, key.name).As<Service>();
    if (stored == nullptr) return;
    // An API server refuses it.
    if (action.external_traffic_policy && !HasNodePorts(stored->spec)) {
      WithoutEffect(Concat("Service ", key.ToString(), ": setService does nothing: a ClusterIP Service has no ",
                           "externalTrafficPolicy"));
      return;
    }
    owned_services_.insert(key);
    const Response response =
        EditObject(&simulation_, stored, false, [&action](Service* service) { Change(action, service); });
    if (!response.status.ok()) WithoutEffect(Concat("Service ", key.ToString(), ": ", response.status.ToString()));
  });
}

void ScenarioDriver::SetSlowdown() { simulation_.SetApiSlowdown(slowdowns_.empty() ? 1 : slowdowns_.rbegin()->second); }

void ScenarioDriver::Do(const ApiSlowdownAction& action) {
  simulation_.Note(Concat("apiSlowdown", SecondsText(action.duration)));
  const int number = ++slowdowns_begun_;
  slowdowns_[number] = action.factor;
  SetSlowdown();
  if (!action.duration) return;
  simulation_.scheduler().After(*action.duration, [this, number] {
    slowdowns_.erase(number);
    SetSlowdown();
  });
}

void ScenarioDriver::Do(const ControllerRestartAction& action) {
  simulation_.Note(Concat("controllerRestart", SecondsText(action.downtime)));
  simulation_.RestartController(action.downtime);
}

}  // namespace epslice::sim
