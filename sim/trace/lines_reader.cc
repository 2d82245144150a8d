// Our own traces: JSON lines, one event each, behind a header.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/json.h"
#include "apis/time_format.h"
#include "sim/trace/event_decode.h"
#include "sim/trace/readers.h"
#include "sim/trace/record_reader.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kVersion = "epslice.dev/v1";
// What a header may say was skipped, so that it adds up.
constexpr std::int64_t kMostSkipped = std::int64_t{1} << 50;

class LinesReader : public RecordReader {
 public:
  LinesReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options)
      : RecordReader("epslice trace", std::move(stream), options) {}

 private:
  absl::Status Take(const TextRecord& record) override {
    const JsonSpan line(record.text);
    if (IsLinesHeader(line)) return ReadHeader(line, record.line);
    JsonSpan time, type, object, actor, source, start, took;
    line.Get({{"time", &time},
              {"type", &type},
              {"object", &object},
              {"actor", &actor},
              {"source", &source},
              {"start", &start},
              {"tookNanoseconds", &took}});
    TraceEvent event;
    const absl::StatusOr<Timestamp> when = ParseRfc3339(time.String());
    if (!when.ok()) return stream_->Error(record.line, Concat("time: ", std::string(when.status().message())));
    if (!when->is_set()) return stream_->Error(record.line, "time: is not set");
    event.time = *when;
    event.actor = actor.String();
    event.source = source.String();
    event.start = start.is_true();
    event.took = Duration(std::max<std::int64_t>(took.Int().value_or(0), 0));
    const absl::StatusOr<bool> ours = DecodeEvent(type, object, keep_json_, &event, &summary_);
    if (!ours.ok()) return stream_->Error(record.line, std::string(ours.status().message()));
    if (*ours) order_.Add(std::move(event));
    return absl::OkStatus();
  }

  absl::Status ReadHeader(JsonSpan header, std::size_t line) {
    const std::string version = header["apiVersion"].String();
    if (version != kVersion) {
      return stream_->Error(line, Concat("a TraceHeader of version \"", version, "\"; ", kVersion, " is accepted"));
    }
    JsonSpan made_up, skipped, notes;
    header.Get({{"madeUp", &made_up}, {"skipped", &skipped}, {"notes", &notes}});
    made_up.ForEachItem([this](JsonSpan item) { summary_.made_up.push_back(item.String()); });
    skipped.ForEachField([this](std::string_view why, JsonSpan count) {
      summary_.skipped[std::string(why)] += std::clamp(count.Int().value_or(0), std::int64_t{0}, kMostSkipped);
    });
    notes.ForEachItem([this](JsonSpan item) { summary_.notes.push_back(item.String()); });
    return absl::OkStatus();
  }
};

}  // namespace

bool IsLinesHeader(JsonSpan record) { return record["kind"].String() == "TraceHeader"; }

bool IsTimedEvent(JsonSpan record) {
  return record["time"].is_string() && record["type"].is_string() && record["object"].is_object();
}

std::unique_ptr<TraceReader> MakeLinesReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options) {
  return std::make_unique<LinesReader>(std::move(stream), options);
}

}  // namespace epslice::sim
