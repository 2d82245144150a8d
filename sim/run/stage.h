// Stage: a trace, a scenario or both, as what happens in a Simulation; what a run
// and a served cluster have in common.
//
//   absl::StatusOr<std::unique_ptr<Stage>> stage = Stage::Open(spec);  // reads the files
//   (*stage)->MakeSimulation()->AddObserver(...);
//   status = (*stage)->Begin();
//   ... run the simulation ...
#ifndef EPSLICE_SIM_RUN_STAGE_H_
#define EPSLICE_SIM_RUN_STAGE_H_

#include <cstdint>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sim/run/replay.h"
#include "sim/run/settings.h"
#include "sim/scenario/driver.h"
#include "sim/trace/trace.h"
#include "sim/trace/trace_facts.h"

namespace epslice::sim {

struct RunSpec {
  // As -f names them (trace.h); none: the scenario brings the cluster.
  std::vector<std::string> sources;
  // What "-" reads; null: std::cin. Not owned.
  std::istream* standard_input = nullptr;
  // How much of the sources was read (TraceOptions::bytes); null: nobody asks.
  InputBytes* bytes = nullptr;
  // The name of a bundled one, or a file; empty: none.
  std::string scenario;
  // "key=value", in order; they go before what the scenario says.
  std::vector<std::string> settings;
  // Goes before the scenario's.
  std::optional<std::uint64_t> seed;
  std::optional<Duration> duration;
};

// What is otherwise for a cluster that is served, not simulated; see LiveRun.
struct ServedStage {
  // Kinds that are left out of the trace and of the start state.
  std::vector<Kind> without;
  // What the wall clock shows at the beginning where neither trace nor scenario
  // says so.
  Timestamp wall_start;
  // The rest of the API server's options: its seed comes from the run's.
  std::size_t history = MemoryApiServerOptions().history;
  // Must be there; see SimulationOptions.
  std::function<void()> on_outside_change;
};

class Stage {
 public:
  // Reads the scenario, and the trace up to its first event. `served`: null: a
  // controller is simulated, too. InvalidArgument (NotFound) with one line.
  static absl::StatusOr<std::unique_ptr<Stage>> Open(const RunSpec& spec, const ServedStage* served = nullptr);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Once; owned by this.
  Simulation* MakeSimulation();
  // Puts the start state in place, starts the controller, and schedules what
  // happens. After all observers were added.
  absl::Status Begin();

  const Settings& settings() const { return settings_; }
  std::uint64_t seed() const { return seed_; }
  // Somebody chose DataPlaneOptions::default_rps.
  bool rps_given() const { return rps_given_; }
  // The one asked for, else the scenario's.
  std::optional<Duration> duration() const { return duration_; }
  // Null where there is none, but for the simulation and, served, the driver
  // (from Begin() on).
  const Scenario* scenario() const { return scenario_ ? &*scenario_ : nullptr; }
  TraceReader* reader() const { return reader_.get(); }
  Replayer* replayer() const { return replayer_.get(); }
  Simulation* simulation() const { return simulation_.get(); }
  ScenarioDriver* driver() const { return driver_.get(); }

 private:
  explicit Stage(const ServedStage* served) : served_(served != nullptr ? std::optional(*served) : std::nullopt) {}

  absl::Status Configure(const RunSpec& spec);
  absl::Status OpenTraces(const RunSpec& spec);

  const std::optional<ServedStage> served_;
  Settings settings_;
  std::uint64_t seed_ = 1;
  bool rps_given_ = false;
  std::optional<Duration> duration_;
  std::optional<Scenario> scenario_;
  TraceFacts facts_;
  std::unique_ptr<TraceReader> reader_;
  std::unique_ptr<Replayer> replayer_;
  std::unique_ptr<Simulation> simulation_;
  std::unique_ptr<ScenarioDriver> driver_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_STAGE_H_
