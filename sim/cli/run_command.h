// `run`: simulates a trace, a scenario, or a scenario on top of a trace, and
// reports.
#ifndef EPSLICE_SIM_CLI_RUN_COMMAND_H_
#define EPSLICE_SIM_CLI_RUN_COMMAND_H_

#include <memory>

#include "sim/cli/command.h"

namespace epslice::sim {

// Prints a RunReport (docs/report.md). Exits 1 where an expectation of the
// scenario is not kept. With --against-recording it compares with what the
// trace's own controller wrote (docs/faithfulness.md): 0 when the end state is
// the same, 1 when it is not.
std::unique_ptr<Command> MakeRunCommand();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_RUN_COMMAND_H_
