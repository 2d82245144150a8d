// Flags of the controller that change nothing in a simulation: how it is reached,
// who leads, what it logs.
#ifndef EPSLICE_SIM_RUN_UNUSED_FLAGS_H_
#define EPSLICE_SIM_RUN_UNUSED_FLAGS_H_

#include <string_view>

namespace epslice::sim {

// Without the dashes. False for what `Settings` has, and for what is no flag.
bool IsUnusedFlag(std::string_view name);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_UNUSED_FLAGS_H_
