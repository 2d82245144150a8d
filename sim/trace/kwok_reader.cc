// Recordings of kwokctl: the objects of the snapshot, then one ResourcePatch
// document for each change, with the time since the recording began. Changes
// are put in the order of these times before they are applied.
#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/json.h"
#include "apis/time_format.h"
#include "sim/cluster/json_doc.h"
#include "sim/cluster/patch.h"
#include "sim/trace/event_decode.h"
#include "sim/trace/json_lines.h"
#include "sim/trace/readers.h"
#include "sim/trace/record_reader.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kOffset = "$(time-offset-nanosecond ";
// A recording tells times relative to its beginning; this is where we put it.
constexpr std::int64_t kBeginSeconds = 1'767'225'600;  // 2026-01-01T00:00:00Z
constexpr std::int64_t kCentury = std::int64_t{3'155'760'000} * 1'000'000'000;
// Changes that are held back for the order, and their bytes of text.
constexpr std::size_t kHeldChanges = 1000;
constexpr std::size_t kMostHeldBytes = std::size_t{64} << 20;

// The text with times in place of "$(time-offset-nanosecond -17)".
std::string WithTimes(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t at = text.find(kOffset);
    if (at == std::string_view::npos) break;
    const std::string_view number = text.substr(at + kOffset.size(), 24);
    std::int64_t nanos = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), nanos);
    const auto used = static_cast<std::size_t>(end - number.data());
    out += text.substr(0, at);
    if (error != std::errc() || number.substr(used, 1) != ")" || nanos > kCentury || nanos < -kCentury) {
      out += kOffset;
      text.remove_prefix(at + kOffset.size());
      continue;
    }
    out += FormatRfc3339(Timestamp{Timestamp::FromSeconds(kBeginSeconds).nanos + nanos});
    text.remove_prefix(at + kOffset.size() + used + 1);
  }
  out += text;
  return out;
}

class KwokReader : public RecordReader {
 public:
  KwokReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options)
      : RecordReader("kwok recording", std::move(stream), options) {
    summary_.made_up.emplace_back(
        "a kwok recording tells times since its beginning only: that was put at 2026-01-01T00:00:00Z");
  }

 private:
  struct Document {
    std::string text;
    std::size_t line = 0;
  };

  absl::Status Take(const TextRecord& record) override {
    Document document{WithTimes(record.text), record.line};
    const JsonSpan span(document.text);
    if (span["kind"].String() != "ResourcePatch") return ReadObject(document);
    const std::optional<std::int64_t> nanos = span["durationNanosecond"].Int();
    if (!nanos || *nanos < 0 || *nanos > kCentury) {
      return Error(document, "durationNanosecond",
                   "durationNanosecond: is no number of nanoseconds since the beginning");
    }
    held_bytes_ += document.text.size();
    held_.emplace(*nanos, std::move(document));
    while (held_.size() > kHeldChanges || held_bytes_ > kMostHeldBytes) {
      if (absl::Status s = ReadHeld(); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  absl::Status TakeRest() override {
    while (!held_.empty()) {
      if (absl::Status s = ReadHeld(); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  // On the line of `field` in the document, as far as it leads.
  absl::Status Error(const Document& document, std::string_view field, const std::string& what) const {
    const std::size_t line = LineOfDumpObject(document.text, 0, field);
    return stream_->Error(document.line + std::max<std::size_t>(line, 1) - 1, what);
  }

  absl::Status ReadObject(const Document& document) {
    TraceEvent event;
    event.start = true;
    event.time = Timestamp::FromSeconds(kBeginSeconds);
    const absl::StatusOr<bool> ours = DecodeTraceObject(JsonSpan(document.text), keep_json_, &event.object, &summary_);
    if (!ours.ok()) {
      const std::string message(ours.status().message());
      return Error(document, FieldOfMessage(message), message);
    }
    if (!*ours) return absl::OkStatus();
    known_.Put(event.object, {});
    order_.Add(std::move(event));
    return absl::OkStatus();
  }

  // The earliest of the changes held.
  absl::Status ReadHeld() {
    const auto first = held_.begin();
    late_ += first->first < last_ ? 1 : 0;
    last_ = std::max(last_, first->first);
    const Document document = std::move(first->second);
    held_.erase(first);
    held_bytes_ -= document.text.size();
    TraceEvent event;
    event.time = Timestamp{Timestamp::FromSeconds(kBeginSeconds).nanos + last_};
    const absl::StatusOr<bool> ours = ReadPatch(document, &event);
    if (!ours.ok()) return ours.status();
    if (*ours) order_.Add(std::move(event));
    return absl::OkStatus();
  }

  absl::StatusOr<bool> ReadPatch(const Document& document, TraceEvent* event) {
    JsonSpan resource, target, method, patch;
    JsonSpan(document.text)
        .Get({{"resource", &resource}, {"target", &target}, {"method", &method}, {"template", &patch}});
    const std::string group = resource["group"].String();
    const std::string plural = resource["resource"].String();
    std::optional<Kind> kind;
    for (const Kind k : kAllKinds) {
      if (IsTraced(k) && InfoOf(k).resource == plural && InfoOf(k).group == group) kind = k;
    }
    if (!kind) return ++summary_.skipped[plural], false;
    const ObjectKey key{Text::Intern(target["namespace"].String()), Text(target["name"].String())};
    const std::string how = method.String();
    const KnownObject* known = known_.Find(*kind, key);
    if (how == "delete") {
      if (known == nullptr) return ++summary_.skipped["deletes of objects that were not shown before"], false;
      event->type = WatchEventType::kDeleted;
      event->object = known->object;
      known_.Erase(*kind, key);
      return true;
    }
    if (how != "create" && how != "patch") {
      return Error(document, "method", Concat("method: \"", how, "\"; create, patch and delete are accepted"));
    }
    if (known == nullptr && how == "patch") {
      return ++summary_.skipped["patches of objects that were not shown before"], false;
    }
    absl::StatusOr<AnyObject> object = Apply(*kind, key, how == "patch" ? known : nullptr, patch);
    if (!object.ok()) {
      const std::string message(object.status().message());
      return Error(document, Concat("template.", FieldOfMessage(message)), message);
    }
    event->type = known == nullptr ? WatchEventType::kAdded : WatchEventType::kModified;
    event->object = *std::move(object);
    known_.Put(event->object, {});
    return true;
  }

  absl::StatusOr<AnyObject> Apply(Kind kind, const ObjectKey& key, const KnownObject* known, JsonSpan patch) const {
    nlohmann::json doc = nlohmann::json::object();
    if (known != nullptr) {
      absl::StatusOr<nlohmann::json> before = DocOf(known->object);
      if (!before.ok()) return before.status();
      doc = *std::move(before);
    }
    if (absl::Status s = ApplyPatch(PatchType::kStrategicMerge, kind, patch.text(), &doc); !s.ok()) return s;
    doc["apiVersion"] = InfoOf(kind).apiVersion;
    doc["kind"] = InfoOf(kind).name;
    nlohmann::json& meta = Section(doc, "metadata");
    meta["name"] = key.name.view();
    if (InfoOf(kind).namespaced) meta["namespace"] = key.namespace_.view();
    return DecodeObjectJson(kind, DumpDoc(doc), keep_json_);
  }

  KnownObjects known_;
  std::multimap<std::int64_t, Document> held_;  // by nanoseconds since the beginning
  std::size_t held_bytes_ = 0;
  std::int64_t last_ = 0;  // of what was applied
};

}  // namespace

std::unique_ptr<TraceReader> MakeKwokReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options) {
  return std::make_unique<KwokReader>(std::move(stream), options);
}

}  // namespace epslice::sim
