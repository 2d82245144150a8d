// The flags of ManagerOptions, for options.cc.
#ifndef EPSLICE_CONTROLLERS_MANAGER_OPTION_FLAGS_H_
#define EPSLICE_CONTROLLERS_MANAGER_OPTION_FLAGS_H_

#include <string>

#include "controllers/manager/options.h"

namespace CLI {
class App;
}

namespace epslice {

// Adds all flags to `app`, which has --help and --version. Parsing writes to
// `options`, but --leader-elect as it was given. Both must outlive it.
void AddOptionFlags(CLI::App* app, ManagerOptions* options, std::string* leader_elect);
// Those of them that are about the serving port.
void AddServingFlags(CLI::App* app, ManagerOptions* options);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_OPTION_FLAGS_H_
