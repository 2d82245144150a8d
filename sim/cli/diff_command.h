// `diff`: where the slices in a dump differ from what we would write.
#ifndef EPSLICE_SIM_CLI_DIFF_COMMAND_H_
#define EPSLICE_SIM_CLI_DIFF_COMMAND_H_

#include <memory>

#include "sim/cli/command.h"

namespace epslice::sim {

// -o json prints
//   {"services": [{"service": "ns/name", "onlyHints": false, "differences":
//      [{"kind", "addressType", "object", "slices": [...],
//        "fields": [{"field", "want", "have"}]}]}],
//    "errors": [{"service", "message"}],
//    "summary": {"services", "skippedServices", "differentServices",
//                "onlyHints", "differences": {"missing-endpoint": 0, ...},
//                "ignoredObjects"}}
// Only Services with differences are listed; the kinds are those of
// controllers/endpointslice/slice_diff.h. --service [ns/]name looks at one Service only.
// Exits 0 without differences and errors, 1 with, 2 on bad input.
std::unique_ptr<Command> MakeDiffCommand();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_DIFF_COMMAND_H_
