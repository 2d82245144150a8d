// Recordings of kwokctl: the objects of the snapshot, then one ResourcePatch
// document for each change, with the time since the recording began.
#include <charconv>
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
#include "sim/trace/readers.h"
#include "sim/trace/record_reader.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kOffset = "$(time-offset-nanosecond ";
// A recording tells times relative to its beginning; this is where we put it.
constexpr std::int64_t kBeginSeconds = 1'767'225'600;  // 2026-01-01T00:00:00Z

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
    constexpr std::int64_t kCentury = std::int64_t{3'155'760'000} * 1'000'000'000;
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
  absl::Status Take(const TextRecord& record) override {
    const std::string text = WithTimes(record.text);
    const JsonSpan document(text);
    TraceEvent event;
    const absl::StatusOr<bool> ours =
        document["kind"].String() == "ResourcePatch" ? ReadPatch(document, &event) : ReadObject(document, &event);
    if (!ours.ok()) return stream_->Error(record.line, std::string(ours.status().message()));
    if (*ours) order_.Add(std::move(event));
    return absl::OkStatus();
  }

  absl::StatusOr<bool> ReadObject(JsonSpan document, TraceEvent* event) {
    event->start = true;
    event->time = Timestamp::FromSeconds(kBeginSeconds);
    absl::StatusOr<bool> ours = DecodeTraceObject(document, keep_json_, &event->object, &summary_);
    if (ours.ok() && *ours) known_.Put(event->object, {});
    return ours;
  }

  absl::StatusOr<bool> ReadPatch(JsonSpan document, TraceEvent* event) {
    JsonSpan resource, target, duration, method, patch;
    document.Get({{"resource", &resource},
                  {"target", &target},
                  {"durationNanosecond", &duration},
                  {"method", &method},
                  {"template", &patch}});
    const std::string group = resource["group"].String();
    const std::string plural = resource["resource"].String();
    std::optional<Kind> kind;
    for (const Kind k : kAllKinds) {
      if (IsTraced(k) && InfoOf(k).resource == plural && InfoOf(k).group == group) kind = k;
    }
    if (!kind) return ++summary_.skipped[plural], false;
    const std::optional<std::int64_t> nanos = duration.Int();
    constexpr std::int64_t kCentury = std::int64_t{3'155'760'000} * 1'000'000'000;
    if (!nanos || *nanos < 0 || *nanos > kCentury) {
      return absl::InvalidArgumentError("durationNanosecond: is no number of nanoseconds since the beginning");
    }
    event->time = Timestamp{Timestamp::FromSeconds(kBeginSeconds).nanos + *nanos};
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
      return absl::InvalidArgumentError(Concat("method: \"", how, "\"; create, patch and delete are accepted"));
    }
    if (known == nullptr && how == "patch") {
      return ++summary_.skipped["patches of objects that were not shown before"], false;
    }
    absl::StatusOr<AnyObject> object = Apply(*kind, key, how == "patch" ? known : nullptr, patch);
    if (!object.ok()) return object.status();
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
};

}  // namespace

std::unique_ptr<TraceReader> MakeKwokReader(std::unique_ptr<RecordStream> stream, const TraceOptions& options) {
  return std::make_unique<KwokReader>(std::move(stream), options);
}

}  // namespace epslice::sim
