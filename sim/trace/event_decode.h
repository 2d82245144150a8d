// {"type": "ADDED", "object": {...}}, which several formats hold.
#ifndef EPSLICE_SIM_TRACE_EVENT_DECODE_H_
#define EPSLICE_SIM_TRACE_EVENT_DECODE_H_

#include "absl/status/statusor.h"
#include "sim/trace/json_span.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

// Fills type and object of `event`. False: of a kind that we do not replay, or
// a bookmark; counted. InvalidArgument: one line without a place.
absl::StatusOr<bool> DecodeEvent(JsonSpan type, JsonSpan object, bool keep_json, TraceEvent* event,
                                 TraceSummary* summary);
// The object alone, in the same way.
absl::StatusOr<bool> DecodeTraceObject(JsonSpan object, bool keep_json, AnyObject* decoded, TraceSummary* summary);

// Whether traces have events of the kind: Service, Pod, Node, Namespace,
// EndpointSlice.
bool IsTraced(Kind kind);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_EVENT_DECODE_H_
