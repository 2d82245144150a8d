// Captures of k8shark as NDJSON: one record for each answer or watch event,
// with the time at which it was captured.
#include <deque>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/time_format.h"
#include "sim/trace/event_decode.h"
#include "sim/trace/readers.h"
#include "sim/trace/record_reader.h"

namespace epslice::sim {
namespace {

class K8sharkReader : public RecordReader {
 public:
  K8sharkReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options)
      : RecordReader("k8shark records", std::move(stream), options) {}

 private:
  absl::Status Take(const TextRecord& record) override {
    JsonSpan captured, type, code, body;
    JsonSpan(record.text)
        .Get({{"captured_at", &captured}, {"event_type", &type}, {"response_code", &code}, {"response_body", &body}});
    if (code.Int().value_or(200) >= 400) return ++summary_.skipped["refused requests"], absl::OkStatus();
    const absl::StatusOr<Timestamp> time = ParseRfc3339(captured.String());
    if (!time.ok()) return stream_->Error(record.line, Concat("captured_at: ", std::string(time.status().message())));
    if (!time->is_set()) return stream_->Error(record.line, "captured_at: is not set");
    TraceEvent event;
    event.time = *time;
    if (type.String().empty()) return ReadAnswer(body, record.line, std::move(event));
    const absl::StatusOr<bool> ours = DecodeEvent(type, body, keep_json_, &event, &summary_);
    if (!ours.ok()) return stream_->Error(record.line, std::string(ours.status().message()));
    watching_ |= *ours;
    if (*ours) order_.Add(std::move(event));
    return absl::OkStatus();
  }

  // An answer to a get or list: the start state, as long as no watch goes on.
  absl::Status ReadAnswer(JsonSpan body, std::size_t line, TraceEvent event) {
    JsonSpan kind, api_version, items;
    body.Get({{"kind", &kind}, {"apiVersion", &api_version}, {"items", &items}});
    if (watching_ || !items.is_array()) return ++summary_.skipped["answers to get and list"], absl::OkStatus();
    event.start = true;
    event.type = WatchEventType::kAdded;
    std::string item_kind = kind.String();
    constexpr std::string_view kList = "List";
    if (item_kind.size() > kList.size()) item_kind.resize(item_kind.size() - kList.size());
    absl::Status status;
    items.ForEachItem([&](JsonSpan item) {
      if (!status.ok()) return;
      // Items of a typed list name no kind.
      std::string text(item.text());
      if (!item["kind"].present() && !text.empty() && !item_kind.empty()) {
        const bool empty = JsonSpan(std::string_view(text).substr(1)).text() == "}";
        text.insert(1,
                    Concat("\"apiVersion\":", api_version.text(), ",\"kind\":\"", item_kind, "\"", empty ? "" : ","));
      }
      const absl::StatusOr<bool> ours = DecodeTraceObject(JsonSpan(text), keep_json_, &event.object, &summary_);
      if (!ours.ok()) {
        status = stream_->Error(line, std::string(ours.status().message()));
      } else if (*ours) {
        order_.Add(event);
      }
    });
    return status;
  }

  bool watching_ = false;
};

}  // namespace

bool IsK8sharkRecord(JsonSpan record) { return record["captured_at"].is_string() && record["response_body"].present(); }

std::unique_ptr<TraceReader> MakeK8sharkReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options) {
  return std::make_unique<K8sharkReader>(std::move(stream), options);
}

}  // namespace epslice::sim
