// Streams of `kubectl get -w --output-watch-events -o json`, one or several,
// each of one or several kinds.
//
// They tell no times and no end of the list that each begins with. The list is
// what is ADDED in the order of the names; what follows is ordered over all
// streams by resourceVersion. The time of an event is the latest that its
// object names; those have whole seconds, so events of one second are spread
// over it.
#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/time_format.h"
#include "sim/trace/event_decode.h"
#include "sim/trace/readers.h"
#include "sim/trace/reorder.h"

namespace epslice::sim {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::size_t kMostInOneSecond = 100'000;

// What is not a time counts as none.
Timestamp TimeOf(JsonSpan span) {
  const absl::StatusOr<Timestamp> time = ParseRfc3339(span.String());
  return time.ok() ? *time : Timestamp{};
}

// The latest time that the object names of what happened to it.
Timestamp LatestTime(JsonSpan object) {
  JsonSpan metadata, status, conditions, managed, created, deleted, grace;
  object.Get({{"metadata", &metadata}, {"status", &status}});
  metadata.Get({{"managedFields", &managed},
                {"creationTimestamp", &created},
                {"deletionTimestamp", &deleted},
                {"deletionGracePeriodSeconds", &grace}});
  Timestamp latest = TimeOf(created);
  managed.ForEachItem([&](JsonSpan item) { latest = std::max(latest, TimeOf(item["time"])); });
  status.Get({{"conditions", &conditions}});
  conditions.ForEachItem([&](JsonSpan item) { latest = std::max(latest, TimeOf(item["lastTransitionTime"])); });
  if (const Timestamp end = TimeOf(deleted); end > Timestamp{0}) {
    const std::int64_t seconds = std::clamp(grace.Int().value_or(0), std::int64_t{0}, std::int64_t{1} << 31);
    latest = std::max(latest, Timestamp{end.nanos - seconds * kNanosPerSecond});
  }
  return latest;
}

class WatchReader : public TraceReader {
 public:
  WatchReader(RecordStreams streams, const TraceOptions& options) : keep_json_(options.keep_json) {
    summary_.format = "watch streams";
    for (auto& stream : streams) {
      inputs_.emplace_back();
      inputs_.back().stream = std::move(stream);
    }
  }

  absl::StatusOr<bool> Next(TraceEvent* event) override {
    while (ready_.empty()) {
      const absl::StatusOr<bool> more = FillSecond();
      if (!more.ok()) return more.status();
      if (!*more) {
        Finish();
        return false;
      }
    }
    *event = std::move(ready_.front());
    ready_.pop_front();
    CountEvent(*event, &summary_);
    return true;
  }
  const TraceSummary& summary() const override { return summary_; }

 private:
  struct Input {
    std::unique_ptr<RecordStream> stream;
    std::optional<TraceEvent> head;
    std::uint64_t version = 0;
    bool ended = false;
    // Of the list that a kind's events begin with.
    struct List {
      bool over = false;
      ObjectKey last;
    };
    std::array<List, kAllKinds.size()> lists;
  };

  absl::Status ReadHead(Input* input) {
    while (!input->head && !input->ended) {
      TextRecord record;
      const absl::StatusOr<bool> more = input->stream->NextDocument(&record);
      if (!more.ok()) return more.status();
      input->ended = !*more;
      if (input->ended) break;
      if (record.broken) {
        NoteBroken(*input->stream, record, &summary_);
        continue;
      }
      JsonSpan type, object;
      JsonSpan(record.text).Get({{"type", &type}, {"object", &object}});
      TraceEvent event;
      const absl::StatusOr<bool> ours = DecodeEvent(type, object, keep_json_, &event, &summary_);
      if (!ours.ok()) return input->stream->Error(record.line, std::string(ours.status().message()));
      if (!*ours) continue;
      event.time = LatestTime(object);
      const BasicMeta& meta = event.object.meta();
      Input::List& list = input->lists[static_cast<std::size_t>(event.object.kind())];
      const ObjectKey key = KeyOf(meta);
      list.over |= event.type != WatchEventType::kAdded || key <= list.last;
      event.start = !list.over;
      list.last = key;
      input->version = VersionNumber(meta.resourceVersion);
      input->head = std::move(event);
    }
    return absl::OkStatus();
  }

  // The next event of all streams.
  absl::StatusOr<bool> Pull(TraceEvent* event) {
    Input* first = nullptr;
    for (Input& input : inputs_) {
      if (absl::Status s = ReadHead(&input); !s.ok()) return s;
      if (!input.head) continue;
      const auto place = [](const Input& i) { return std::make_pair(!i.head->start, i.version); };
      if (first == nullptr || place(input) < place(*first)) first = &input;
    }
    if (first == nullptr) return false;
    *event = *std::exchange(first->head, std::nullopt);
    return true;
  }

  // Makes ready the start state's next object, or all events of a second.
  absl::StatusOr<bool> FillSecond() {
    std::int64_t second = 0;
    std::deque<TraceEvent> events;
    while (events.size() < kMostInOneSecond) {
      TraceEvent event;
      if (pulled_) {
        event = *std::exchange(pulled_, std::nullopt);
      } else {
        const absl::StatusOr<bool> more = Pull(&event);
        if (!more.ok()) return more.status();
        if (!*more) break;
      }
      if (event.start) {
        now_ = std::max(now_, WholeSecond(event.time));
        start_.push_back(std::move(event));
        continue;
      }
      if (!start_.empty()) {
        FlushStart();
        pulled_ = std::move(event);
        return true;
      }
      if (!event.time.is_set()) {
        ++untimed_;
      } else if (event.time < now_) {
        ++pulled_up_;
      }
      now_ = std::max(now_, event.time.is_set() ? WholeSecond(event.time) : now_);
      event.time = now_;
      if (events.empty()) second = now_.nanos;
      if (now_.nanos != second) {
        pulled_ = std::move(event);
        break;
      }
      events.push_back(std::move(event));
    }
    if (!start_.empty()) {
      FlushStart();
      return true;
    }
    const auto count = static_cast<std::int64_t>(events.size());
    for (std::int64_t i = 0; i < count; ++i) {
      TraceEvent& event = events[static_cast<std::size_t>(i)];
      // More than are held at a time may be of one second.
      last_ = std::max(last_, Timestamp{second + (i + 1) * kNanosPerSecond / (count + 1)});
      event.time = last_;
      ready_.push_back(std::move(event));
    }
    return count > 0;
  }

  void FlushStart() {
    for (TraceEvent& event : start_) {
      event.time = now_;
      ready_.push_back(std::move(event));
    }
    start_.clear();
  }

  static Timestamp WholeSecond(Timestamp t) { return Timestamp{t.nanos - t.nanos % kNanosPerSecond}; }

  void Finish() {
    summary_.made_up.emplace_back(
        "a watch stream tells no times: they are the latest that each object names (managedFields, conditions, "
        "creation, deletion), in whole seconds; events of one second are spread evenly over it");
    if (untimed_ > 0) summary_.made_up.push_back(Concat(untimed_, " objects name no time at all"));
    if (pulled_up_ > 0) {
      summary_.made_up.push_back(Concat(
          pulled_up_, " events name no time later than that of an event before them; they got the time of that"));
    }
  }

  const bool keep_json_;
  std::vector<Input> inputs_;
  TraceSummary summary_;
  std::deque<TraceEvent> start_, ready_;
  std::optional<TraceEvent> pulled_;
  Timestamp now_{0}, last_{0};
  std::int64_t untimed_ = 0, pulled_up_ = 0;
};

}  // namespace

bool IsWatchEvent(JsonSpan record) {
  return record["type"].is_string() && record["object"].is_object() && !record["kind"].present();
}

std::unique_ptr<TraceReader> MakeWatchReader(RecordStreams streams, const TraceOptions& options) {
  return std::make_unique<WatchReader>(std::move(streams), options);
}

}  // namespace epslice::sim
