// `explain`: why a Service's topology hints are as they are.
#ifndef EPSLICE_SIM_CLI_EXPLAIN_COMMAND_H_
#define EPSLICE_SIM_CLI_EXPLAIN_COMMAND_H_

#include <memory>

#include "sim/cli/command.h"

namespace epslice::sim {

// explain -f DUMP [NAMESPACE/]SERVICE: one Service in all detail; without a
// Service a table of all, worst first. -o json prints what docs/explain.md
// describes (kind Explanation, kind ExplanationList). The live controller
// answers the same from the same code (explain_reply.h).
// Exits 0; 1 when the Service, or one in the table, asks for hints in vain:
// they are off, or no proxy heeds them; 2 on bad input, a Service that is not
// in the dump among it.
std::unique_ptr<Command> MakeExplainCommand();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_EXPLAIN_COMMAND_H_
