// `sweep` and `merge`: the same run over a grid of settings and seeds, on all
// cores, on several machines, and put together again.
#ifndef EPSLICE_SIM_CLI_SWEEP_COMMAND_H_
#define EPSLICE_SIM_CLI_SWEEP_COMMAND_H_

#include <memory>

#include "sim/cli/command.h"

namespace epslice::sim {

// With --state FILE each run's numbers are kept as they come, and a sweep that
// was cut off goes on where it was. A shard (--shard i/n, or --shards n and the
// environment's JOB_COMPLETION_INDEX) does its part only. docs/sweep.md.
std::unique_ptr<Command> MakeSweepCommand();
// Reads the state files of all shards. Exits 1 where runs are missing.
std::unique_ptr<Command> MakeMergeCommand();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_SWEEP_COMMAND_H_
