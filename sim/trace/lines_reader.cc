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
#include "sim/trace/reorder.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kVersion = "epslice.dev/v1";

class LinesReader : public TraceReader {
 public:
  LinesReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options)
      : stream_(std::move(stream)), keep_json_(options.keep_json) {
    summary_.format = "epslice trace";
  }

  absl::StatusOr<bool> Next(TraceEvent* event) override {
    while (true) {
      if (std::optional<TraceEvent> next = order_.Take(ended_)) {
        *event = *std::move(next);
        CountEvent(*event, &summary_);
        return true;
      }
      if (ended_) {
        NoteLate(order_, &summary_);
        return false;
      }
      if (absl::Status s = Read(); !s.ok()) return s;
    }
  }
  const TraceSummary& summary() const override { return summary_; }

 private:
  absl::Status Read() {
    TextRecord record;
    const absl::StatusOr<bool> more = stream_->NextDocument(&record);
    if (!more.ok()) return more.status();
    ended_ = !*more;
    if (ended_) return absl::OkStatus();
    if (record.broken) return NoteBroken(*stream_, record, &summary_), absl::OkStatus();
    const JsonSpan line(record.text);
    if (IsLinesHeader(line)) return ReadHeader(line, record.line);
    JsonSpan time, type, object, actor, start, took;
    line.Get({{"time", &time},
              {"type", &type},
              {"object", &object},
              {"actor", &actor},
              {"start", &start},
              {"tookNanoseconds", &took}});
    TraceEvent event;
    const absl::StatusOr<Timestamp> when = ParseRfc3339(time.String());
    if (!when.ok()) return stream_->Error(record.line, Concat("time: ", std::string(when.status().message())));
    if (!when->is_set()) return stream_->Error(record.line, "time: is not set");
    event.time = *when;
    event.actor = actor.String();
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
    header["madeUp"].ForEachItem([this](JsonSpan item) { summary_.made_up.push_back(item.String()); });
    return absl::OkStatus();
  }

  const std::unique_ptr<RecordStream> stream_;
  const bool keep_json_;
  TraceSummary summary_;
  Reorder order_;
  bool ended_ = false;
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
