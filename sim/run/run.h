// A run: trace, scenario, simulation, data plane and recorder put together.
//
//   trace --replayer--+
//                     +--> Simulation --commits--> DataPlane --+
//   scenario --driver-+         |                              +--> RunReport
//                               +------- writes, syncs ---> Recorder
//
// A run begins at the trace's first event, or at the scenario's start, and ends
// after the scenario's duration, or where the trace ends and the controller has
// nothing left to do.
#ifndef EPSLICE_SIM_RUN_RUN_H_
#define EPSLICE_SIM_RUN_RUN_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "sim/report/run_report.h"
#include "sim/run/stage.h"

namespace epslice::sim {

struct RunProgress {
  Instant now{0};
  // Where the run ends, as far as is known.
  std::optional<Instant> end;
  std::int64_t events = 0;
};

struct RunOutput {
  RunReport report;
  // All of the scenario's expectations hold.
  bool as_expected = true;
};

// Reads its files; touches nothing else. `progress` is called now and then, and
// may be null. InvalidArgument (NotFound) with one line for bad input.
// Thread-safe: several runs may go on at once.
absl::StatusOr<RunOutput> RunOnce(const RunSpec& spec, const std::function<void(const RunProgress&)>& progress);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_RUN_H_
