#include "sim/run/run.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "apis/cat.h"
#include "apis/concat.h"
#include "apis/time_format.h"
#include "sim/dataplane/data_plane.h"
#include "sim/report/recorder.h"

namespace epslice::sim {
namespace {

// How long a controller may go on working after the trace's last event.
// And then, so that the kube-proxies take what it wrote.
constexpr Duration kAfterwards = std::chrono::seconds(10);
// Of a trace that is a state and no more.
constexpr Duration kStillLife = std::chrono::minutes(1);
constexpr std::int64_t kEventsPerProgress = 4096;

class Run {
 public:
  explicit Run(const RunSpec& spec) : spec_(spec) {}

  absl::StatusOr<RunOutput> Do(const std::function<void(const RunProgress&)>& progress) {
    absl::StatusOr<std::unique_ptr<Stage>> stage = Stage::Open(spec_);
    if (!stage.ok()) return stage.status();
    stage_ = *std::move(stage);
    absl::Status status = Begin();
    if (status.ok()) status = Play(progress);
    if (!status.ok()) return status;
    return Output();
  }

 private:
  absl::Status Begin() {
    const Settings& settings = stage_->settings();
    simulation_ = stage_->MakeSimulation();
    replayer_ = stage_->replayer();
    data_plane_ = std::make_unique<DataPlane>(settings.data_plane, &simulation_->scheduler(),
                                              simulation_->Stream("data plane").Next());
    RecorderOptions recorder;
    recorder.max_endpoints_per_slice = settings.simulation.controller.reconcile.max_endpoints_per_slice;
    recorder.bytes_per_request = settings.data_plane.bytes_per_request;
    recorder.cross_zone_price = settings.data_plane.cross_zone_price;
    recorder.wall_start = settings.simulation.wall_start;
    recorder_ = std::make_unique<Recorder>(recorder, data_plane_.get());
    simulation_->AddObserver(data_plane_.get());
    simulation_->AddObserver(recorder_.get());
    absl::Status status = stage_->Begin();
    if (status.ok()) NoteColdStart();
    return status;
  }

  // Of a dump alone nobody would think that it is one.
  void NoteColdStart() {
    if (replayer_ == nullptr || !replayer_->still() || stage_->scenario() != nullptr) return;
    Request list;
    list.verb = Verb::kList;
    list.kind = Kind::kEndpointSlice;
    if (!simulation_->server().Handle(list).list.items.empty()) return;
    list.kind = Kind::kService;
    const std::vector<AnyObject> services = simulation_->server().Handle(list).list.items;
    if (std::none_of(services.begin(), services.end(), HasSelector)) return;
    notes_.emplace_back(
        "the dump shows no EndpointSlices: the controller makes them all, and the numbers tell of that");
  }

  absl::Status Play(const std::function<void(const RunProgress&)>& progress) {
    std::optional<Duration> duration = stage_->duration();
    if (!duration && replayer_ != nullptr && !replayer_->done()) {
      StepUntil(Instant::max(), progress, [this] { return replayer_->done(); });
      if (!replayer_->status().ok()) return replayer_->status();
      if (!simulation_->Settle(std::max(simulation_->now(), replayer_->end()) + kLongestWorkAfterTheEnd)) {
        notes_.emplace_back("the controller still had work half an hour after the last event");
      }
      duration = std::max(simulation_->now(), replayer_->end()) + kAfterwards;
    }
    StepUntil(duration.value_or(kStillLife), progress, [] { return false; });
    simulation_->RunUntil(duration.value_or(kStillLife));
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
    report.seed = stage_->seed();
    report.digest = simulation_->digest();
    report.settings = stage_->settings().Effective();
    report.notes = notes_;
    if (std::string note = stage_->settings().UnusedNote(); !note.empty()) report.notes.push_back(std::move(note));
    if (replayer_ != nullptr) AddTrace(&report);
    if (report.numbers.services > 0 && report.numbers.requests <= 0) {
      report.notes.emplace_back(
          "no requests were made: no Service has traffic, or no node is there that sends any (docs/report.md, "
          "Traffic)");
    }
    if (report.numbers.services <= 0) {
      report.notes.emplace_back("there is no Service: the controller had nothing to do");
    }
    if (stage_->driver() == nullptr) return output;
    for (const std::string& what : stage_->driver()->made_up()) report.made_up.push_back(what);
    for (std::string& note : stage_->driver()->notes()) report.notes.push_back(std::move(note));
    const auto lookup = [&report](std::string_view path) { return Lookup(report, path); };
    for (const ExpectationResult& result : Evaluate(stage_->scenario()->expect, lookup)) {
      report.expectations.push_back({result.expectation.ToString(),
                                     result.actual.value_or(std::numeric_limits<double>::quiet_NaN()), result.kept});
      output.as_expected = output.as_expected && result.kept;
    }
    return output;
  }

  void AddTrace(RunReport* report) const {
    const TraceSummary summary = stage_->reader()->summary();
    report->made_up = summary.made_up;
    const double rps = stage_->settings().data_plane.default_rps;
    if (report->numbers.requests > 0 && rps > 0 && !stage_->rps_given() && data_plane_->used_default_rps()) {
      report->made_up.push_back(Concat("requests: ", ShortestNumber(rps),
                                       " a second to each Service of which nothing says how many (default-rps)"));
    }
    for (const std::string& note : summary.notes) report->notes.push_back(note);
    report->skipped.assign(summary.skipped.begin(), summary.skipped.end());
    if (!replayer_->done()) {
      report->notes.push_back(Concat("the run ends before the trace, which was read up to ",
                                     FormatRfc3339Nano(replayer_->read_to()),
                                     ": what comes later is not in what was made up and skipped, either"));
    }
    const Replayer::Counts& counts = replayer_->counts();
    if (counts.recorded_writes > 0)
      report->skipped.emplace_back("writes of the recorded controller", counts.recorded_writes);
    if (counts.unknown_nodes > 0) {
      report->notes.push_back(Concat(counts.unknown_nodes, " changes of pods on nodes that are not there (the first: ",
                                     counts.first_unknown_node, "); the controller leaves such pods out"));
    }
    if (counts.removed_nodes > 0) {
      report->notes.push_back(Concat(
          counts.removed_nodes, " changes of pods of the trace on nodes that the scenario has removed (the first: ",
          counts.first_removed_node, "); the controller leaves such pods out, and they get no requests"));
    }
  }

  std::string Name() const {
    std::string name = stage_->scenario() != nullptr ? stage_->scenario()->name : "";
    for (const std::string& source : spec_.sources) {
      name += Concat(name.empty() ? "" : " on ", std::string_view(source).substr(source.rfind('/') + 1));
    }
    return name;
  }

  const RunSpec& spec_;
  std::unique_ptr<Stage> stage_;  // outlives what observes its simulation
  Simulation* simulation_ = nullptr;
  Replayer* replayer_ = nullptr;
  std::unique_ptr<DataPlane> data_plane_;
  std::unique_ptr<Recorder> recorder_;
  std::vector<std::string> notes_;
};

}  // namespace

absl::StatusOr<RunOutput> RunOnce(const RunSpec& spec, const std::function<void(const RunProgress&)>& progress) {
  return Run(spec).Do(progress);
}

}  // namespace epslice::sim
