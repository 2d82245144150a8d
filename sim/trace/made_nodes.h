// Nodes that a trace does not tell of, made up from its slices.
//
// Audit logs are often made without nodes, or are younger than these. Then their
// EndpointSlices still name them: each endpoint has the name of its node, and the
// zone. Without its node a pod is no endpoint.
#ifndef EPSLICE_SIM_TRACE_MADE_NODES_H_
#define EPSLICE_SIM_TRACE_MADE_NODES_H_

#include <cstdint>
#include <memory>

#include "apis/core.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

// Whether it was made up, here or by whom the trace comes from (`convert`, `serve`):
// its uid tells. Its zone is right, its CPU is not known.
bool IsMadeUp(const Node& node);

// `reader` with the nodes that its slices name and that it has not shown: ready, with
// their zone, and CPU alike. Where its start state shows nodes, those that the start
// state names beside them are gone, and are not made up; nor are those that were
// deleted. Of nodes that are shown after all later events go on from the one made up.
//
// A slice that names a node comes after the pods on it. So while a pod is bound to a
// node that was not shown, the reader is read up to two minutes ahead (at most 20,000
// events, or 64 MiB of memory); and once a node was made up, 2 s, so that the next one
// is there before the pods on it. What is found is handed out before everything that
// waits, and as part of the start state where nothing else was handed out before.
std::unique_ptr<TraceReader> WithMadeNodes(std::unique_ptr<TraceReader> reader);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_MADE_NODES_H_
