// `run`: simulates what a trace tells.
#ifndef EPSLICE_SIM_CLI_RUN_COMMAND_H_
#define EPSLICE_SIM_CLI_RUN_COMMAND_H_

#include <memory>

#include "sim/cli/command.h"

namespace epslice::sim {

// --against-recording compares with what the trace's own controller wrote:
// docs/faithfulness.md. Exits 0 when the end state is the same, 1 when it is
// not, 2 on bad input.
std::unique_ptr<Command> MakeRunCommand();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_RUN_COMMAND_H_
