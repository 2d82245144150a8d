#include "sim/trace/record_reader.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "sim/trace/event_decode.h"
#include "sim/trace/readers.h"

namespace epslice::sim {

RecordReader::RecordReader(std::string format, std::unique_ptr<RecordStream> stream, const TraceOptions& options)
    : stream_(std::move(stream)), keep_json_(options.keep_json) {
  summary_.format = std::move(format);
}

absl::StatusOr<bool> RecordReader::Next(TraceEvent* event) {
  while (true) {
    if (std::optional<TraceEvent> next = order_.Take(ended_)) {
      *event = *std::move(next);
      CountEvent(*event, &summary_);
      return true;
    }
    if (ended_) return false;
    if (absl::Status s = Read(); !s.ok()) return s;
  }
}

TraceSummary RecordReader::summary() const {
  TraceSummary summary = summary_;
  NoteLate(order_.late() + late_, &summary);
  return summary;
}

absl::Status RecordReader::Read() {
  TextRecord record;
  const absl::StatusOr<bool> more = stream_->NextDocument(&record);
  if (!more.ok()) return more.status();
  ended_ = !*more;
  if (ended_) return TakeRest();
  if (record.broken) return NoteBroken(*stream_, record, &summary_), absl::OkStatus();
  return Take(record);
}

}  // namespace epslice::sim
