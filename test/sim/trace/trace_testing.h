// What the tests of trace readers share: a trace read whole, its events as text.
#ifndef EPSLICE_TEST_SIM_TRACE_TRACE_TESTING_H_
#define EPSLICE_TEST_SIM_TRACE_TRACE_TESTING_H_

#include <memory>
#include <string>
#include <vector>

#include "apis/concat.h"
#include "apis/time_format.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

// "MODIFIED Pod shop/a node n1 ready 12:00:02"
inline std::string Describe(const TraceEvent& event) {
  std::string out = Concat(event.start ? "start " : "", WatchEventTypeName(event.type), " ",
                           InfoOf(event.object.kind()).name, " ", KeyOf(event.object.meta()).ToString());
  if (const auto pod = event.object.As<Pod>()) {
    if (!pod->nodeName.empty()) out += Concat(" node ", pod->nodeName.view());
    if (pod->ready) out += " ready";
    if (pod->metadata.deletionTimestamp.is_set()) out += " terminating";
  }
  const std::string time = FormatRfc3339Nano(event.time);
  return Concat(out, " ", time.substr(time.find('T') + 1));
}

struct ReadTrace {
  std::vector<std::string> events;
  TraceSummary summary;
  std::string error;
};

inline ReadTrace ReadAll(absl::StatusOr<std::unique_ptr<TraceReader>> reader) {
  ReadTrace read;
  if (!reader.ok()) {
    read.error = std::string(reader.status().message());
    return read;
  }
  while (true) {
    TraceEvent event;
    const absl::StatusOr<bool> more = (*reader)->Next(&event);
    if (!more.ok()) read.error = std::string(more.status().message());
    if (!more.ok() || !*more) break;
    read.events.push_back(Describe(event));
  }
  read.summary = (*reader)->summary();
  return read;
}

inline ReadTrace ReadText(const std::string& text) { return ReadAll(OpenTraceText("t", text)); }

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_TRACE_TRACE_TESTING_H_
