// The readers of the formats; OpenTrace() puts them together.
//
// Each takes the streams of its format as they were opened, the first record
// of each put back.
#ifndef EPSLICE_SIM_TRACE_READERS_H_
#define EPSLICE_SIM_TRACE_READERS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/trace/known_objects.h"
#include "sim/trace/record_stream.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

using RecordStreams = std::vector<std::unique_ptr<RecordStream>>;

// Why a change is passed over that would take an object back to an older version.
inline constexpr std::string_view kOlderThanShown = "changes older than what was shown of the object before";

// What an audit log must show.
inline constexpr std::string_view kNeedsBodies =
    "an audit log can be replayed where pods, services, nodes, namespaces and endpointslices are logged at level "
    "Request or RequestResponse";

// `known`: the start state from elsewhere; what happened up to `version` (a
// resourceVersion; 0: nothing) is part of it.
std::unique_ptr<TraceReader> MakeAuditReader(RecordStreams streams, std::shared_ptr<KnownObjects> known,
                                             std::uint64_t version, const TraceOptions& options);
// Our JSON lines.
std::unique_ptr<TraceReader> MakeLinesReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options);
// Streams of `kubectl get -w --output-watch-events -o json`.
std::unique_ptr<TraceReader> MakeWatchReader(RecordStreams streams, const TraceOptions& options);
// Watch records of k8shark as NDJSON.
std::unique_ptr<TraceReader> MakeK8sharkReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options);
// Recordings of kwokctl.
std::unique_ptr<TraceReader> MakeKwokReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options);

// Whether a record looks like one of these.
bool IsLinesHeader(JsonSpan record);
bool IsTimedEvent(JsonSpan record);
bool IsWatchEvent(JsonSpan record);
bool IsK8sharkRecord(JsonSpan record);

// Notes a record that ends before it is complete, or is none at all.
void NoteBroken(const RecordStream& stream, const TextRecord& record, TraceSummary* summary);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_READERS_H_
