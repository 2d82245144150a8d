// `compare`: two runs, and what differs.
#ifndef EPSLICE_SIM_CLI_COMPARE_COMMAND_H_
#define EPSLICE_SIM_CLI_COMPARE_COMMAND_H_

#include <memory>

#include "sim/cli/command.h"

namespace epslice::sim {

// Of two reports that `run -o json` wrote, or of one trace or scenario that is
// run twice: with the settings of --baseline, and with those of --variant.
std::unique_ptr<Command> MakeCompareCommand();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_COMPARE_COMMAND_H_
