#include "sim/run/stage.h"

#include <algorithm>
#include <utility>

#include "apis/concat.h"
#include "sim/report/run_report.h"
#include "sim/scenario/bundled.h"

namespace epslice::sim {
namespace {

absl::Status ApplyScenario(const Scenario& scenario, Settings* settings) {
  for (const ScenarioSetting& setting : scenario.settings) {
    const absl::Status set = settings->Set(setting.key, setting.value);
    if (!set.ok())
      return absl::InvalidArgumentError(
          Concat(scenario.file, ": line ", setting.line, ": settings: ", std::string(set.message())));
  }
  DataPlaneOptions& plane = settings->data_plane;
  if (scenario.traffic.default_rps) plane.default_rps = *scenario.traffic.default_rps;
  for (const TrafficRule& rule : scenario.traffic.rules) {
    const auto covers = [pattern = rule.services](const ObjectKey& key) { return MatchesServicePattern(pattern, key); };
    plane.demands.push_back({covers, rule.rps, rule.by_zone});
  }
  for (const Expectation& expectation : scenario.expect) {
    if (IsMetricPath(expectation.metric)) continue;
    return absl::InvalidArgumentError(Concat(scenario.file, ": line ", expectation.line,
                                             ": expect: there is no number \"", expectation.metric,
                                             "\" (docs/report.md lists them)"));
  }
  return absl::OkStatus();
}

// Some kinds are passed over.
class WithoutKinds : public TraceReader {
 public:
  WithoutKinds(std::vector<Kind> kinds, std::unique_ptr<TraceReader> reader)
      : kinds_(std::move(kinds)), reader_(std::move(reader)) {}
  absl::StatusOr<bool> Next(TraceEvent* event) override {
    while (true) {
      absl::StatusOr<bool> more = reader_->Next(event);
      if (!more.ok() || !*more) return more;
      if (std::find(kinds_.begin(), kinds_.end(), event->object.kind()) == kinds_.end()) return more;
    }
  }
  TraceSummary summary() const override { return reader_->summary(); }

 private:
  const std::vector<Kind> kinds_;
  const std::unique_ptr<TraceReader> reader_;
};

// The controller's slices of the start state are passed over, and those that
// `serve` began with (replay.cc).
class StartWithoutSlices : public TraceReader {
 public:
  StartWithoutSlices(std::string controller, std::unique_ptr<TraceReader> reader)
      : controller_(std::move(controller)), reader_(std::move(reader)) {}
  absl::StatusOr<bool> Next(TraceEvent* event) override {
    while (true) {
      absl::StatusOr<bool> more = reader_->Next(event);
      if (!more.ok() || !*more) return more;
      const bool begins = event->start
                              ? event->type != WatchEventType::kDeleted
                              : event->type == WatchEventType::kAdded && event->actor.starts_with(kServesOwnAgent);
      if (!begins || !IsSliceOf(event->object, controller_)) return more;
    }
  }
  TraceSummary summary() const override { return reader_->summary(); }

 private:
  const std::string controller_;
  const std::unique_ptr<TraceReader> reader_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Stage>> Stage::Open(const RunSpec& spec, const ServedStage* served) {
  std::unique_ptr<Stage> stage(new Stage(served));
  absl::Status status = stage->Configure(spec);
  if (status.ok()) status = stage->OpenTraces(spec);
  if (!status.ok()) return status;
  return stage;
}

absl::Status Stage::Configure(const RunSpec& spec) {
  if (served_) settings_.simulation.wall_start = served_->wall_start;
  if (!spec.scenario.empty()) {
    absl::StatusOr<Scenario> scenario = LoadScenario(spec.scenario, spec.standard_input);
    if (!scenario.ok()) return scenario.status();
    scenario_ = *std::move(scenario);
    if (absl::Status applied = ApplyScenario(*scenario_, &settings_); !applied.ok()) return applied;
    if (!scenario_->cluster && spec.sources.empty()) {
      return absl::InvalidArgumentError(
          Concat(scenario_->file, ": the scenario has no cluster: give it one, or a trace with -f"));
    }
  } else if (spec.sources.empty()) {
    return absl::InvalidArgumentError("nothing to run: a trace or a scenario is needed");
  }
  for (const std::string& pair : spec.settings) {
    const absl::Status set = settings_.SetPair(pair);
    if (!set.ok()) return absl::InvalidArgumentError(Concat("--set: ", std::string(set.message())));
  }
  const auto is_rps = [](std::string_view setting) { return setting.starts_with("default-rps"); };
  rps_given_ = std::any_of(spec.settings.begin(), spec.settings.end(), is_rps);
  if (scenario_) {
    rps_given_ |= scenario_->traffic.default_rps.has_value();
    for (const ScenarioSetting& setting : scenario_->settings) rps_given_ |= is_rps(setting.key);
  }
  seed_ = spec.seed ? *spec.seed : scenario_ && scenario_->seed ? *scenario_->seed : 1;
  duration_ = spec.duration ? spec.duration : scenario_ ? scenario_->duration : std::nullopt;
  settings_.simulation.seed = seed_;
  if (scenario_ && scenario_->start) settings_.simulation.wall_start = *scenario_->start;
  return absl::OkStatus();
}

absl::Status Stage::OpenTraces(const RunSpec& spec) {
  if (spec.sources.empty()) return absl::OkStatus();
  TraceOptions options;
  options.standard_input = spec.standard_input;
  options.seed = seed_;
  options.keep_json = served_.has_value();
  options.bytes = spec.bytes;
  if (scenario_ || served_) options.facts = &facts_;
  absl::StatusOr<std::unique_ptr<TraceReader>> reader = OpenTrace(spec.sources, options);
  if (!reader.ok()) return reader.status();
  reader_ = *std::move(reader);
  if (served_ && !served_->without.empty()) {
    reader_ = std::make_unique<WithoutKinds>(served_->without, std::move(reader_));
  }
  const std::string controller = settings_.simulation.controller.reconcile.controller_name.str();
  if (scenario_ && !scenario_->warm_start) {
    reader_ = std::make_unique<StartWithoutSlices>(controller, std::move(reader_));
  }
  ReplayOptions replay;
  replay.controller_name = controller;
  if (scenario_ || served_) {
    replay.skip = [this](const AnyObject& object) {
      if (driver_ == nullptr || !driver_->Owns(object)) return false;
      // Of a pod that will not be there nothing need be known.
      const auto pod = object.As<Pod>();
      if (pod == nullptr) return true;
      const auto there = simulation_->Get(Kind::kPod, pod->metadata.namespace_, pod->metadata.name).As<Pod>();
      const Text& uid = pod->metadata.uid;
      if (there == nullptr || (!uid.empty() && there->metadata.uid != uid)) facts_.Forget(*pod);
      return true;
    };
  }
  replay.on_loaded = [this] { return driver_ != nullptr ? driver_->LoadStartState() : absl::OkStatus(); };
  replay.no_controller = served_.has_value();
  absl::StatusOr<std::unique_ptr<Replayer>> replayer = Replayer::Open(reader_.get(), std::move(replay));
  if (!replayer.ok()) return replayer.status();
  replayer_ = *std::move(replayer);
  replayer_->Prepare(&settings_.simulation);
  return absl::OkStatus();
}

Simulation* Stage::MakeSimulation() {
  if (scenario_ || served_) PrepareForWorkloads(&settings_.simulation);
  if (served_) {
    // Of what clients ask for; what a trace shows has its namespaces anyway.
    settings_.simulation.server.create_missing_namespaces = false;
    settings_.simulation.server.history = served_->history;
    settings_.simulation.on_outside_change = served_->on_outside_change;
  }
  simulation_ = std::make_unique<Simulation>(settings_.simulation);
  return simulation_.get();
}

absl::Status Stage::Begin() {
  if (scenario_ || served_) {
    // Without one, what clients do is still seen to.
    Scenario nothing;
    nothing.pods = std::make_shared<const PodBehaviour>();
    nothing.warm_start = false;
    Scenario scenario = scenario_ ? *scenario_ : std::move(nothing);
    if (served_ && std::count(served_->without.begin(), served_->without.end(), Kind::kEndpointSlice) > 0) {
      scenario.warm_start = false;
    }
    driver_ = std::make_unique<ScenarioDriver>(std::move(scenario), simulation_.get(), &facts_);
  }
  absl::Status status;
  if (replayer_ != nullptr) {
    status = replayer_->Start(simulation_.get());
  } else {
    status = driver_->LoadStartState();
    if (!served_) simulation_->StartController();
  }
  if (status.ok() && driver_ != nullptr) driver_->Schedule();
  return status;
}

}  // namespace epslice::sim
