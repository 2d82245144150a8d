// What the tests of trace readers share: a trace read whole, its events as text.
#ifndef EPSLICE_TEST_SIM_TRACE_TRACE_TESTING_H_
#define EPSLICE_TEST_SIM_TRACE_TRACE_TESTING_H_

#include <memory>
#include <string>
#include <string_view>
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

// An audit log of some objects only: that it has no Services, or no Pods, and
// would be refused in the end, is no error here.
inline ReadTrace ReadPartOfLog(const std::string& text) {
  ReadTrace read = ReadText(text);
  if (read.error.find("is shown with its object, and no dump beside") != std::string::npos) read.error.clear();
  return read;
}

// Pod shop/a; `more_meta`: ",..." into its metadata.
inline std::string PodJson(const std::string& version, const std::string& more_meta, const std::string& node,
                           const std::string& ready) {
  return Concat(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"shop","uid":"u1","resourceVersion":")",
      version, R"(","creationTimestamp":"2026-01-01T12:00:00Z")", more_meta, R"(},"spec":{"nodeName":")", node,
      R"("},"status":{"phase":"Running","podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"}],)",
      R"("conditions":[{"type":"Ready","status":")", ready, R"(","lastTransitionTime":"2026-01-01T12:00:02Z"}]}})");
}
// For that: asked to go, and gone.
inline constexpr char kPodGoing[] = R"(,"deletionTimestamp":"2026-01-01T12:00:34Z","deletionGracePeriodSeconds":30)";
inline constexpr char kPodGone[] = R"(,"deletionTimestamp":"2026-01-01T12:00:05Z","deletionGracePeriodSeconds":0)";

// A line of a watch stream.
inline std::string WatchText(std::string_view type, const std::string& object) {
  return Concat(R"({"type":")", type, R"(","object":)", object, "}\n");
}

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_TRACE_TRACE_TESTING_H_
