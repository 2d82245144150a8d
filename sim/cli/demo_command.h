// `demo`: tells the README's story on an API server with a controller.
#ifndef EPSLICE_SIM_CLI_DEMO_COMMAND_H_
#define EPSLICE_SIM_CLI_DEMO_COMMAND_H_

#include <memory>

#include "sim/cli/command.h"

namespace epslice::sim {

// Needs a server (`endpointslice-sim serve`) and a controller that works on
// it; both are started by `./dev demo`. It changes the cluster: only meant for
// the embedded server. --save FILE writes the cluster as it is in the end, for
// `diff -f FILE`.
std::unique_ptr<Command> MakeDemoCommand();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_DEMO_COMMAND_H_
