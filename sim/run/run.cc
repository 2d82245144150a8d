#include "sim/run/run.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "sim/dataplane/data_plane.h"
#include "sim/report/recorder.h"
#include "sim/run/replay.h"
#include "sim/scenario/bundled.h"
#include "sim/scenario/driver.h"
#include "sim/trace/trace.h"

namespace epslice::sim {
namespace {

// How long a controller may go on working after the trace's last event.
constexpr Duration kSettle = std::chrono::minutes(30);
// And then, so that the kube-proxies take what it wrote.
constexpr Duration kAfterwards = std::chrono::seconds(10);
// Of a trace that is a state and no more.
constexpr Duration kStillLife = std::chrono::minutes(1);
constexpr std::int64_t kEventsPerProgress = 4096;

absl::Status Bad(const std::string& message) { return absl::InvalidArgumentError(message); }

absl::Status ApplyScenario(const Scenario& scenario, Settings* settings) {
  for (const ScenarioSetting& setting : scenario.settings) {
    const absl::Status set = settings->Set(setting.key, setting.value);
    if (!set.ok())
      return Bad(Concat(scenario.file, ": line ", setting.line, ": settings: ", std::string(set.message())));
  }
  DataPlaneOptions& plane = settings->data_plane;
  if (scenario.traffic.default_rps) plane.default_rps = *scenario.traffic.default_rps;
  for (const TrafficRule& rule : scenario.traffic.rules) {
    const auto covers = [pattern = rule.services](const ObjectKey& key) { return MatchesServicePattern(pattern, key); };
    plane.demands.push_back({covers, rule.rps, rule.by_zone});
  }
  for (const Expectation& expectation : scenario.expect) {
    if (IsMetricPath(expectation.metric)) continue;
    return Bad(Concat(scenario.file, ": line ", expectation.line, ": expect: there is no number \"", expectation.metric,
                      "\" (docs/report.md lists them)"));
  }
  return absl::OkStatus();
}

class Run {
 public:
  explicit Run(const RunSpec& spec) : spec_(spec) {}

  absl::StatusOr<RunOutput> Do(const std::function<void(const RunProgress&)>& progress) {
    absl::Status status = Configure();
    if (status.ok()) status = OpenTraces();
    if (status.ok()) status = Begin();
    if (status.ok()) status = Play(progress);
    if (!status.ok()) return status;
    return Output();
  }

 private:
  absl::Status Configure() {
    if (!spec_.scenario.empty()) {
      absl::StatusOr<Scenario> scenario = LoadScenario(spec_.scenario, spec_.standard_input);
      if (!scenario.ok()) return scenario.status();
      scenario_ = *std::move(scenario);
      if (absl::Status applied = ApplyScenario(*scenario_, &settings_); !applied.ok()) return applied;
      if (!scenario_->cluster && spec_.sources.empty()) {
        return Bad(Concat(scenario_->file, ": the scenario has no cluster: give it one, or a trace with -f"));
      }
    } else if (spec_.sources.empty()) {
      return Bad("nothing to run: a trace or a scenario is needed");
    }
    for (const std::string& pair : spec_.settings) {
      const absl::Status set = settings_.SetPair(pair);
      if (!set.ok()) return Bad(Concat("--set: ", std::string(set.message())));
    }
    seed_ = spec_.seed ? *spec_.seed : scenario_ && scenario_->seed ? *scenario_->seed : 1;
    duration_ = spec_.duration ? spec_.duration : scenario_ ? scenario_->duration : std::nullopt;
    settings_.simulation.seed = seed_;
    if (scenario_ && scenario_->start) settings_.simulation.wall_start = *scenario_->start;
    return absl::OkStatus();
  }

  absl::Status OpenTraces() {
    if (spec_.sources.empty()) return absl::OkStatus();
    TraceOptions options;
    options.standard_input = spec_.standard_input;
    options.seed = seed_;
    absl::StatusOr<std::unique_ptr<TraceReader>> reader = OpenTrace(spec_.sources, options);
    if (!reader.ok()) return reader.status();
    reader_ = *std::move(reader);
    ReplayOptions replay;
    replay.controller_name = settings_.simulation.controller.reconcile.controller_name.str();
    replay.skip = [this](const AnyObject& object) { return driver_ != nullptr && driver_->Owns(object); };
    replay.on_loaded = [this] { return driver_ != nullptr ? driver_->LoadStartState() : absl::OkStatus(); };
    absl::StatusOr<std::unique_ptr<Replayer>> replayer = Replayer::Open(reader_.get(), std::move(replay));
    if (!replayer.ok()) return replayer.status();
    replayer_ = *std::move(replayer);
    replayer_->Prepare(&settings_.simulation);
    return absl::OkStatus();
  }

  absl::Status Begin() {
    if (scenario_) PrepareForWorkloads(&settings_.simulation);
    simulation_ = std::make_unique<Simulation>(settings_.simulation);
    data_plane_ = std::make_unique<DataPlane>(settings_.data_plane, &simulation_->scheduler(),
                                              simulation_->Stream("data plane").Next());
    RecorderOptions recorder;
    recorder.max_endpoints_per_slice = settings_.simulation.controller.reconcile.max_endpoints_per_slice;
    recorder.bytes_per_request = settings_.data_plane.bytes_per_request;
    recorder.cross_zone_price = settings_.data_plane.cross_zone_price;
    recorder.wall_start = settings_.simulation.wall_start;
    recorder_ = std::make_unique<Recorder>(recorder, data_plane_.get());
    simulation_->AddObserver(data_plane_.get());
    simulation_->AddObserver(recorder_.get());
    if (scenario_) driver_ = std::make_unique<ScenarioDriver>(*scenario_, simulation_.get());
    absl::Status status;
    if (replayer_ != nullptr) {
      status = replayer_->Start(simulation_.get());
    } else {
      status = driver_->LoadStartState();
      simulation_->StartController();
    }
    if (status.ok() && driver_ != nullptr) driver_->Schedule();
    return status;
  }

  absl::Status Play(const std::function<void(const RunProgress&)>& progress) {
    if (!duration_ && replayer_ != nullptr && !replayer_->done()) {
      StepUntil(Instant::max(), progress, [this] { return replayer_->done(); });
      if (!replayer_->status().ok()) return replayer_->status();
      if (!simulation_->Settle(std::max(simulation_->now(), replayer_->end()) + kSettle)) {
        notes_.emplace_back("the controller still had work half an hour after the last event");
      }
      duration_ = std::max(simulation_->now(), replayer_->end()) + kAfterwards;
    }
    StepUntil(duration_.value_or(kStillLife), progress, [] { return false; });
    simulation_->RunUntil(duration_.value_or(kStillLife));
    if (replayer_ != nullptr && !replayer_->status().ok()) return replayer_->status();
    simulation_->Finish();
    return absl::OkStatus();
  }

  template <typename Done>
  void StepUntil(Instant end, const std::function<void(const RunProgress&)>& progress, Done done) {
    Scheduler& scheduler = simulation_->scheduler();
    for (std::optional<Instant> next; !done() && (next = scheduler.next()) && *next <= end; scheduler.Step()) {
      if (!progress || scheduler.events() % kEventsPerProgress != 0) continue;
      progress({scheduler.now(), end == Instant::max() ? std::nullopt : std::optional(end), scheduler.events()});
    }
  }

  RunOutput Output() {
    RunOutput output;
    RunReport& report = output.report;
    report = recorder_->MakeReport();
    report.name = Name();
    report.seed = seed_;
    report.digest = simulation_->digest();
    report.settings = settings_.Effective();
    report.notes = notes_;
    if (reader_ != nullptr) AddTrace(&report);
    if (driver_ == nullptr) return output;
    for (std::string& note : driver_->notes()) report.notes.push_back(std::move(note));
    const auto lookup = [&report](std::string_view path) { return Lookup(report, path); };
    for (const ExpectationResult& result : Evaluate(scenario_->expect, lookup)) {
      report.expectations.push_back({result.expectation.ToString(),
                                     result.actual.value_or(std::numeric_limits<double>::quiet_NaN()), result.kept});
      output.as_expected = output.as_expected && result.kept;
    }
    return output;
  }

  void AddTrace(RunReport* report) const {
    const TraceSummary& summary = reader_->summary();
    report->made_up = summary.made_up;
    for (const std::string& note : summary.notes) report->notes.push_back(note);
    report->skipped.assign(summary.skipped.begin(), summary.skipped.end());
    const Replayer::Counts& counts = replayer_->counts();
    if (counts.recorded_writes > 0)
      report->skipped.emplace_back("writes of the recorded controller", counts.recorded_writes);
    if (counts.unknown_nodes > 0) {
      report->notes.push_back(Concat(counts.unknown_nodes, " changes of pods on nodes that are not there (the first: ",
                                     counts.first_unknown_node, "); the controller leaves such pods out"));
    }
  }

  std::string Name() const {
    std::string name = scenario_ ? scenario_->name : "";
    for (const std::string& source : spec_.sources) {
      name += Concat(name.empty() ? "" : " on ", std::string_view(source).substr(source.rfind('/') + 1));
    }
    return name;
  }

  const RunSpec& spec_;
  Settings settings_;
  std::uint64_t seed_ = 1;
  std::optional<Duration> duration_;
  std::optional<Scenario> scenario_;
  std::unique_ptr<TraceReader> reader_;
  std::unique_ptr<Replayer> replayer_;
  std::unique_ptr<Simulation> simulation_;  // outlives what observes it
  std::unique_ptr<DataPlane> data_plane_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<ScenarioDriver> driver_;
  std::vector<std::string> notes_;
};

}  // namespace

absl::StatusOr<RunOutput> RunOnce(const RunSpec& spec, const std::function<void(const RunProgress&)>& progress) {
  return Run(spec).Do(progress);
}

}  // namespace epslice::sim
