// `convert`: any trace that can be read as our JSON lines.
#ifndef EPSLICE_SIM_CLI_CONVERT_COMMAND_H_
#define EPSLICE_SIM_CLI_CONVERT_COMMAND_H_

#include <memory>

#include "sim/cli/command.h"

namespace epslice::sim {

// convert -f TRACE [-o FILE]: writes to standard output without -o. What was
// passed over and made up is told on standard error, and in a header at the end of
// the output. Exits 0, or 2 on bad input; FILE is removed then.
std::unique_ptr<Command> MakeConvertCommand();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_CONVERT_COMMAND_H_
