// Any bytes as a trace: read to the end, or refused with one line; the times
// never go back, the start state comes first, and the summary counts what was
// handed out. Compressed seeds take the way through the decoders in a stream.
#include <memory>
#include <string>

#include "sim/trace/trace.h"
#include "test/fuzz/check.h"

using epslice::Timestamp;
using epslice::fuzz::Check;
using epslice::sim::TraceEvent;
using epslice::sim::TraceReader;
using epslice::sim::TraceSummary;

namespace {

constexpr std::int64_t kMostEvents = 20'000;

void CheckError(const absl::Status& status) {
  const std::string message(status.message());
  Check(message.rfind("input: ", 0) == 0, "an error names the source");
  Check(message.find('\n') == std::string::npos, "an error is one line");
}

void CheckSummary(const TraceSummary& summary, std::int64_t start_objects, std::int64_t events) {
  Check(!summary.format.empty(), "a trace has a format");
  Check(summary.start_objects == start_objects, "the start state is counted");
  Check(summary.events == events, "the events are counted");
  Check(summary.begin <= summary.end, "the span has a direction");
  for (const auto& [why, count] : summary.skipped) Check(count > 0, "what is skipped is counted");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  epslice::sim::TraceOptions options;
  options.max_record_bytes = std::size_t{1} << 18;
  options.keep_json = size % 2 == 0;
  absl::StatusOr<std::unique_ptr<TraceReader>> reader =
      epslice::sim::OpenTraceText("input", epslice::fuzz::Input(data, size), options);
  if (!reader.ok()) {
    CheckError(reader.status());
    return 0;
  }
  std::int64_t start_objects = 0, events = 0;
  bool first = true;
  Timestamp last;
  while (start_objects + events < kMostEvents) {
    TraceEvent event;
    const absl::StatusOr<bool> more = (*reader)->Next(&event);
    if (!more.ok()) {
      CheckError(more.status());
      return 0;
    }
    if (!*more) {
      CheckSummary((*reader)->summary(), start_objects, events);
      break;
    }
    Check(!event.start || events == 0, "the start state comes first");
    Check(first || last <= event.time, "the times never go back");
    first = false;
    last = event.time;
    ++(event.start ? start_objects : events);
  }
  return 0;
}
