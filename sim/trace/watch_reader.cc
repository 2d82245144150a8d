// Streams of `kubectl get -w --output-watch-events -o json`, one or several,
// each of one or several kinds.
//
// They tell no times and no end of the list that each begins with. The list is
// what is ADDED in the order of the names; what follows is ordered over all
// streams by resourceVersion. Within a stream the last 1,000 events are held back
// for that, as the kinds in it may lag behind each other; files of several kinds
// that were joined one after another are refused where that is not enough. The
// time of an event is the latest that its object names; those have whole seconds,
// so events of one second are spread over it.
#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
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
// Events of one stream that are put in order.
constexpr std::size_t kHeldEvents = 1000;
// Objects that are gone are known for so many others.
constexpr std::size_t kMostGoneObjects = 100'000;

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

// The version in which each object was told last.
class ToldVersions {
 public:
  enum class How { kNew, kAgain, kOlder };
  // Notes an event, unless it is older than what was told of its object.
  How Add(const TraceEvent& event, std::uint64_t version) {
    Versions& versions = versions_[static_cast<std::size_t>(event.object.kind())];
    const ObjectKey key = KeyOf(event.object.meta());
    const auto [it, added] = versions.try_emplace(key, version);
    if (!added && version > 0) {
      if (version < it->second) return How::kOlder;
      if (version == it->second && event.type == WatchEventType::kAdded) return How::kAgain;
      it->second = version;
    }
    if (event.type == WatchEventType::kDeleted) {
      gone_.push_back({event.object.kind(), key, version});
      if (gone_.size() > kMostGoneObjects) Forget();
    }
    return How::kNew;
  }

 private:
  using Versions = std::unordered_map<ObjectKey, std::uint64_t>;  // looked up only
  struct Gone {
    Kind kind;
    ObjectKey key;
    std::uint64_t version;
  };

  void Forget() {
    const Gone& first = gone_.front();
    Versions& versions = versions_[static_cast<std::size_t>(first.kind)];
    const auto it = versions.find(first.key);
    // It may have been made anew.
    if (it != versions.end() && it->second == first.version) versions.erase(it);
    gone_.pop_front();
  }

  std::array<Versions, kAllKinds.size()> versions_;
  std::deque<Gone> gone_;
};

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
      if (!*more) return false;
    }
    *event = std::move(ready_.front());
    ready_.pop_front();
    CountEvent(*event, &summary_);
    return true;
  }
  TraceSummary summary() const override {
    TraceSummary summary = summary_;
    Tell(&summary);
    return summary;
  }

 private:
  struct Input {
    std::unique_ptr<RecordStream> stream;
    // What was read ahead: of the lists, and of what follows by version.
    std::deque<std::pair<std::uint64_t, TraceEvent>> listed;
    std::multimap<std::uint64_t, TraceEvent> held;
    std::uint64_t read = 0;  // the version last read
    std::uint64_t told = 0;  // the latest version taken out of `held`
    bool ended = false;
    // Of the list that a kind's events begin with.
    struct List {
      bool over = false;
      ObjectKey last;
    };
    std::array<List, kAllKinds.size()> lists;

    bool empty() const { return listed.empty() && held.empty(); }
    // Of its next event: events come behind lists.
    std::pair<bool, std::uint64_t> place() const {
      return listed.empty() ? std::make_pair(true, held.begin()->first) : std::make_pair(false, listed.front().first);
    }
  };

  // Reads until the next event of the stream is sure.
  absl::Status ReadAhead(Input* input) {
    while (input->listed.empty() && input->held.size() <= kHeldEvents && !input->ended) {
      TextRecord record;
      const absl::StatusOr<bool> more = input->stream->NextDocument(&record);
      if (!more.ok()) return more.status();
      input->ended = !*more;
      if (input->ended) break;
      if (record.broken) {
        NoteBroken(*input->stream, record, &summary_);
      } else if (absl::Status s = Take(record, input); !s.ok()) {
        return s;
      }
    }
    return absl::OkStatus();
  }

  absl::Status Take(const TextRecord& record, Input* input) {
    JsonSpan type, object;
    JsonSpan(record.text).Get({{"type", &type}, {"object", &object}});
    TraceEvent event;
    const absl::StatusOr<bool> ours = DecodeEvent(type, object, keep_json_, &event, &summary_);
    if (!ours.ok()) return input->stream->Error(record.line, std::string(ours.status().message()));
    if (!*ours) return absl::OkStatus();
    event.time = LatestTime(object);
    const BasicMeta& meta = event.object.meta();
    Input::List& list = input->lists[static_cast<std::size_t>(event.object.kind())];
    const ObjectKey key = KeyOf(meta);
    list.over |= event.type != WatchEventType::kAdded || key <= list.last;
    list.last = key;
    if (const std::uint64_t version = VersionNumber(meta.resourceVersion); version > 0) input->read = version;
    const std::uint64_t version = input->read;
    // Of a kind that never changes the end of the list shows by its version alone.
    event.start = !list.over && (input->told == 0 || version < input->told);
    if (!event.start) {
      input->held.emplace(version, std::move(event));
      return absl::OkStatus();
    }
    if (version < input->told) {
      return input->stream->Error(
          record.line,
          Concat("the list of ", InfoOf(event.object.kind()).resource, " (", key.ToString(), ", version ", version,
                 ") comes more than ", kHeldEvents, " events behind later ones of other kinds (version ", input->told,
                 "): if several streams were put one after another into this file, give each as "
                 "a file of its own (-f nodes.jsonl -f pods.jsonl)"));
    }
    input->listed.emplace_back(version, std::move(event));
    return absl::OkStatus();
  }

  // The next event of all streams.
  absl::StatusOr<bool> Pull(TraceEvent* event) {
    while (true) {
      Input* first = nullptr;
      for (Input& input : inputs_) {
        if (absl::Status s = ReadAhead(&input); !s.ok()) return s;
        if (!input.empty() && (first == nullptr || input.place() < first->place())) first = &input;
      }
      if (first == nullptr) return false;
      const auto [behind, version] = first->place();
      if (behind) {
        *event = std::move(first->held.begin()->second);
        first->held.erase(first->held.begin());
      } else {
        *event = std::move(first->listed.front().second);
        first->listed.pop_front();
      }
      switch (told_.Add(*event, VersionNumber(event->object.meta().resourceVersion))) {
        case ToldVersions::How::kNew: break;
        case ToldVersions::How::kAgain:
          ++summary_.skipped["objects that were told in the same version before"];
          continue;
        case ToldVersions::How::kOlder: ++summary_.skipped[std::string(kOlderThanShown)]; continue;
      }
      if (behind) {
        late_ += version < first->told ? 1 : 0;
        first->told = std::max(first->told, version);
      }
      return true;
    }
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

  void Tell(TraceSummary* summary) const {
    if (late_ > 0) {
      summary->notes.push_back(Concat(late_, late_ == 1 ? " event is" : " events are", " more than ", kHeldEvents,
                                      " events behind later ones of the same watch stream; replayed where ",
                                      late_ == 1 ? "it stands" : "they stand"));
    }
    summary->made_up.emplace_back(
        "a watch stream tells no times: they are the latest that each object names (managedFields, conditions, "
        "creation, deletion), in whole seconds; events of one second are spread evenly over it");
    if (untimed_ > 0) summary->made_up.push_back(Concat(untimed_, " objects name no time at all"));
    if (pulled_up_ > 0) {
      summary->made_up.push_back(Concat(
          pulled_up_, " events name no time later than that of an event before them; they got the time of that"));
    }
  }

  const bool keep_json_;
  std::vector<Input> inputs_;
  TraceSummary summary_;
  ToldVersions told_;
  std::deque<TraceEvent> start_, ready_;
  std::optional<TraceEvent> pulled_;
  Timestamp now_{0}, last_{0};
  std::int64_t untimed_ = 0, pulled_up_ = 0, late_ = 0;
};

}  // namespace

bool IsWatchEvent(JsonSpan record) {
  return record["type"].is_string() && record["object"].is_object() && !record["kind"].present();
}

std::unique_ptr<TraceReader> MakeWatchReader(RecordStreams streams, const TraceOptions& options) {
  return std::make_unique<WatchReader>(std::move(streams), options);
}

}  // namespace epslice::sim
