// The demo's view of topology hints: each zone with its nodes and CPU, and of
// each Service that asks for proportional hints how many endpoints it has
// there and how many are hinted for it.
#ifndef EPSLICE_SIM_CLI_DEMO_HINTS_H_
#define EPSLICE_SIM_CLI_DEMO_HINTS_H_

#include <ostream>

#include "sim/trace/dump_reader.h"

namespace epslice::sim {

void PrintHintsByZone(const Dump& dump, std::ostream& out);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_DEMO_HINTS_H_
