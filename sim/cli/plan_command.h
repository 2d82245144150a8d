// `plan`: what the controller would write for the Services in a dump.
#ifndef EPSLICE_SIM_CLI_PLAN_COMMAND_H_
#define EPSLICE_SIM_CLI_PLAN_COMMAND_H_

#include <memory>

#include "sim/cli/command.h"

namespace epslice::sim {

// -o json prints
//   {"operations": [{"op": "create|update|delete", "service": "ns/name",
//                    "endpointSlice": {as it would be sent; of a delete
//                                      apiVersion, kind and metadata}}],
//    "events": [{"service", "type", "reason", "message"}],
//    "errors": [{"service", "message"}],
//    "summary": {"services", "skippedServices", "operations": {"create",
//                "update", "delete"}, "endpoints", "slices", "ignoredObjects"}}
// Writes with which the reference changes nothing (ReconcileConfig::
// as_recorded) are among them; a running controller leaves them out.
// Services in key order, the operations of each in the order they would be
// sent. skippedServices have no selector or are ExternalName; endpoints and
// slices are those after the plan. Exits 1 when there are errors: pods on
// nodes that the dump does not have.
std::unique_ptr<Command> MakePlanCommand();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_PLAN_COMMAND_H_
