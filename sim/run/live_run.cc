#include "sim/run/live_run.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "apis/concat.h"

namespace epslice::sim {
namespace {

// The server's time moves on at least so often, and a change that is due is so
// late at most; both by the clock.
constexpr Duration kMostWait = std::chrono::milliseconds(20);
constexpr Duration kLeastWait = std::chrono::milliseconds(1);
// Then it is looked whether to stop, and what clients did.
constexpr int kMostEvents = 1000;
constexpr double kEndOfTime = 9e18;

std::string Seconds(Duration time) {
  return Concat(std::chrono::duration_cast<std::chrono::milliseconds>(time).count() / 1000, " s");
}

}  // namespace

class LiveRun::Progress : public RunObserver {
 public:
  explicit Progress(const LiveRun* run) : run_(*run) {}
  void OnNote(Instant /*now*/, const std::string& text) override { run_.Log(text); }

 private:
  const LiveRun& run_;
};

class LiveRun::ServedClock : public Clock {
 public:
  ServedClock(const Clock* delays, const Clock* times) : delays_(*delays), times_(*times) {}
  Instant Now() const override { return delays_.Now(); }
  Timestamp WallNow() const override { return times_.WallNow(); }

 private:
  const Clock& delays_;
  const Clock& times_;
};

LiveRun::LiveRun(LiveRunOptions options) : options_(std::move(options)) {}

LiveRun::~LiveRun() = default;

absl::StatusOr<std::unique_ptr<LiveRun>> LiveRun::Open(const RunSpec& spec, ServedStage served,
                                                       LiveRunOptions options) {
  std::unique_ptr<LiveRun> run(new LiveRun(std::move(options)));
  served.wall_start = run->options_.clock->WallNow();
  served.on_outside_change = [raw = run.get()] { raw->Wake(); };
  absl::StatusOr<std::unique_ptr<Stage>> stage = Stage::Open(spec, &served);
  if (!stage.ok()) return stage.status();
  if ((*stage)->scenario() == nullptr && (*stage)->replayer()->still()) {
    return absl::InvalidArgumentError(
        "the trace is a state, and nothing happens in it; needed are changes with their times, or a scenario");
  }
  run->stage_ = *std::move(stage);
  Simulation* simulation = run->stage_->MakeSimulation();
  run->progress_ = std::make_unique<Progress>(run.get());
  simulation->AddObserver(run->progress_.get());
  run->clock_ = std::make_unique<ServedClock>(run->options_.clock, &simulation->scheduler().clock());
  return run;
}

absl::Status LiveRun::Begin() {
  if (absl::Status status = stage_->Begin(); !status.ok()) return status;
  ScenarioDriver* driver = stage_->driver();
  driver->OnWithoutEffect([this](const std::string& note) { Log(note); });
  for (const std::string& what : driver->made_up()) Log(Concat("made up: ", what));
  if (const std::optional<Duration> duration = stage_->duration()) {
    // What is due at that instant still happens, as in a run.
    stage_->simulation()->scheduler().At(*duration + Duration{1}, [this, driver] {
      driver->EndActions();
      ended_ = true;
      LookForEnd();
    });
  }
  stage_->simulation()->scheduler().After(Duration{0}, [this] { LogWithoutEffect(); });
  begun_ = options_.clock->Now();
  return absl::OkStatus();
}

MemoryApiServer* LiveRun::server() { return &stage_->simulation()->server(); }

const Clock& LiveRun::clock() const { return *clock_; }

absl::Status LiveRun::status() const {
  return stage_->replayer() == nullptr ? absl::OkStatus() : stage_->replayer()->status();
}

void LiveRun::Log(const std::string& what) const {
  if (options_.log) options_.log(stage_->simulation()->now(), what);
}

void LiveRun::LogWithoutEffect() const {
  for (const ScenarioAction& action : stage_->driver()->scenario().actions) {
    const bool slowdown = std::holds_alternative<ApiSlowdownAction>(action.what);
    if (!slowdown && !std::holds_alternative<ControllerRestartAction>(action.what)) continue;
    Log(Concat(stage_->driver()->scenario().file, ": line ", action.line, ": ",
               slowdown ? "apiSlowdown" : "controllerRestart",
               " does nothing here: it is about a controller that is simulated"));
  }
}

Instant LiveRun::Due() const {
  const double due = static_cast<double>((options_.clock->Now() - begun_).count()) * options_.speed;
  return Instant(static_cast<std::int64_t>(std::clamp(due, 0.0, kEndOfTime)));
}

Duration LiveRun::Step() {
  Simulation& simulation = *stage_->simulation();
  Scheduler& scheduler = simulation.scheduler();
  simulation.TakeOutsideChanges();
  const Instant due = Due();
  std::optional<Instant> next = scheduler.next();
  for (int events = 0; next && *next <= due; ++events, next = scheduler.next()) {
    if (events == kMostEvents) return Duration{0};
    scheduler.Step();
  }
  scheduler.RunUntil(due);
  LookForEnd();
  if (!next) return kMostWait;
  const double wait = std::ceil(static_cast<double>((*next - due).count()) / options_.speed);
  if (wait >= static_cast<double>(kMostWait.count())) return kMostWait;
  return std::max(Duration(static_cast<std::int64_t>(wait)), kLeastWait);
}

void LiveRun::LookForEnd() {
  if (over_) return;
  const Replayer* replayer = stage_->replayer();
  if (replayer != nullptr && !replayer->done()) return;
  const bool idle = stage_->duration() ? ended_ : !stage_->simulation()->scheduler().next();
  const bool scenario = stage_->scenario() != nullptr;
  if (scenario && !idle) return;
  over_ = true;
  if (replayer != nullptr) {
    if (!replayer->status().ok()) {
      Log(Concat("the trace ends here: ", std::string(replayer->status().message())));
    }
    const Replayer::Counts& counts = replayer->counts();
    Log(Concat("the trace is over: ", counts.replayed, " changes replayed, ", counts.recorded_writes,
               " writes of the recorded controller left out"));
    const TraceSummary summary = stage_->reader()->summary();
    for (const std::string& note : summary.notes) Log(note);
  }
  if (scenario) {
    const std::size_t unplaced = stage_->driver()->workloads().unplaced();
    if (unplaced > 0) Log(Concat(unplaced, " pods find no room on any node"));
    Log(Concat("the scenario is over after ", Seconds(stage_->simulation()->now())));
  }
  Log("the server goes on, until it is told to stop");
}

void LiveRun::Run() {
  while (true) {
    const Duration wait = Step();
    std::unique_lock<std::mutex> lock(mu_);
    wake_.wait_for(lock, wait, [this] { return woken_ || stopped_; });
    if (stopped_) return;
    woken_ = false;
  }
}

void LiveRun::Wake() {
  const std::lock_guard<std::mutex> lock(mu_);
  woken_ = true;
  wake_.notify_one();
}

void LiveRun::Stop() {
  const std::lock_guard<std::mutex> lock(mu_);
  stopped_ = true;
  wake_.notify_all();
}

}  // namespace epslice::sim
