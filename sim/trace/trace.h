// Traces: what happened to a cluster, as somebody recorded it.
//
// A reader turns one format into TraceEvents, in the order of time, without
// holding the trace in memory. Which format a source has is told from its
// bytes; CSV files are named with a preset ("alibaba-dlrm:FILE").
//
// Errors: InvalidArgument (NotFound for what is not there) with one line that
// says where and what: "audit.jsonl.xz: line 17: ...". What is read but cannot
// be used is skipped, counted and told in the summary; nothing is guessed in
// silence: what a trace lacks and the reader made up is in `made_up`.
#ifndef EPSLICE_SIM_TRACE_TRACE_H_
#define EPSLICE_SIM_TRACE_TRACE_H_

#include <cstdint>
#include <istream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/request.h"
#include "informers/clock.h"
#include "sim/trace/byte_source.h"

namespace epslice::sim {

// How the user agents of requests begin that `serve` logs of what it does itself
// (sim/serve/own_requests.h); the program whose part it plays follows.
inline constexpr std::string_view kServesOwnAgent = "endpointslice-sim/serve/";

struct TraceEvent {
  // When the API server committed it. Of the start state: that of the trace's
  // beginning.
  Timestamp time;
  WatchEventType type = WatchEventType::kAdded;  // added, modified, deleted
  // Service, Pod, Node, Namespace or EndpointSlice; of a delete as it was last,
  // or, where the trace does not tell, with its name and namespace alone.
  AnyObject object;
  // Who did it (a user agent), where the format tells; else empty.
  std::string actor;
  // Part of the state that the trace begins with.
  bool start = false;
  // How long the API server took for the request behind it; 0: not told.
  Duration took{0};
  // The address that the request came from, where the format tells.
  std::string source{};
};

// Writes of an EndpointSlice that a trace tells without the slice (an audit log
// of level Metadata, entries that were truncated): in no event.
struct UnseenSlice {
  struct Writes {
    std::int64_t creates = 0, updates = 0, deletes = 0;
  };
  std::map<std::string, Writes> by_actor;
  Timestamp last;  // when the last of them was
};

struct TraceSummary {
  std::string format;  // "audit log", "dump", "epslice trace", "CSV (alibaba-dlrm)"
  std::int64_t events = 0;
  std::int64_t start_objects = 0;
  // The span of the events; equal when there is only a start state.
  Timestamp begin, end;
  // What the trace lacks and the reader made up, one sentence each.
  std::vector<std::string> made_up;
  // What was passed over, by why ("Lease", "verb get", "refused requests").
  std::map<std::string, std::int64_t> skipped;
  // What the user should hear although it is no error.
  std::vector<std::string> notes;
  // By name; that of a slice that was created under a generated name is empty.
  std::map<ObjectKey, UnseenSlice> unseen_slices;
};

class TraceReader {
 public:
  virtual ~TraceReader() = default;
  // The next event; false at the end. After an error or the end it is not
  // called again. Times never go back.
  virtual absl::StatusOr<bool> Next(TraceEvent* event) = 0;
  // Of what was read so far; complete after the end.
  virtual TraceSummary summary() const = 0;
};

class TraceFacts;

struct TraceOptions {
  // What "-" reads; null: std::cin. Not owned.
  std::istream* standard_input = nullptr;
  // Keep the JSON of every object, where the trace has it, beside the struct.
  bool keep_json = false;
  // What the JSON tells beyond the structs, for who wants to know
  // (trace_facts.h), also where it is not kept; null: nobody. Not owned; it
  // outlives the reader.
  TraceFacts* facts = nullptr;
  // Makes what has to be made up.
  std::uint64_t seed = 1;
  // How much of the files was read, for who wants to know (byte_source.h); null:
  // nobody. Not owned; it outlives the reader.
  InputBytes* bytes = nullptr;
  // One line or document may have so many bytes.
  std::size_t max_record_bytes = std::size_t{64} << 20;
};

// Opens `sources` (as -f names them) as one trace. Several are merged by time:
// the streams of `kubectl get -w` of several kinds, a dump and the audit log
// that goes on from it, nodes and pods in two CSV files.
absl::StatusOr<std::unique_ptr<TraceReader>> OpenTrace(const std::vector<std::string>& sources,
                                                       const TraceOptions& options = {});
// The same for a text at hand; `name` is what errors call it.
absl::StatusOr<std::unique_ptr<TraceReader>> OpenTraceText(std::string_view name, std::string_view text,
                                                           const TraceOptions& options = {});

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_TRACE_H_
