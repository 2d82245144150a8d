// `record`: what happens to a live cluster, as a trace.
#ifndef EPSLICE_SIM_CLI_RECORD_COMMAND_H_
#define EPSLICE_SIM_CLI_RECORD_COMMAND_H_

#include <memory>

#include "sim/cli/command.h"

namespace epslice::sim {

// record --kubeconfig FILE [--context NAME] [--master URL] [--out FILE]
// [--duration D]: lists and watches (nothing else) until SIGINT or SIGTERM
// comes or the time is over. Exits 0; 1 where it ended before every kind could
// be listed, so that there is no start state; 2 on bad input, or where the
// output takes no more.
std::unique_ptr<Command> MakeRecordCommand();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_RECORD_COMMAND_H_
