#include "sim/trace/merged_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "sim/trace/event_decode.h"
#include "sim/trace/readers.h"
#include "sim/trace/reorder.h"
#include "sim/trace/start_dumps.h"

namespace epslice::sim {
namespace {

// The latest time in an object that a struct keeps.
Timestamp LatestTime(const AnyObject& object) {
  Timestamp latest = object.meta().creationTimestamp;
  if (const auto pod = object.As<Pod>()) latest = std::max(latest, pod->readyTransitionTime);
  return latest;
}

class MergedReader : public TraceReader {
 public:
  MergedReader(Dump dump, std::vector<AnyObject> later, std::vector<std::unique_ptr<TraceReader>> readers,
               bool real_times, std::string audit_log, TraceSummary summary)
      : later_(std::move(later)),
        real_times_(real_times),
        audit_log_(std::move(audit_log)),
        summary_(std::move(summary)) {
    for (AnyObject& object : dump.objects) {
      if (!IsTraced(object.kind())) {
        ++summary_.skipped[std::string(InfoOf(object.kind()).name)];
        continue;
      }
      latest_ = std::max(latest_, LatestTime(object));
      start_.push_back(std::move(object));
    }
    for (const auto& [kind, count] : dump.ignored) {
      summary_.skipped[kind.substr(kind.rfind('/') + 1)] += count;
    }
    for (std::string& note : dump.notes) summary_.notes.push_back(std::move(note));
    dump_ = !start_.empty() || !later_.empty();
    if (readers.empty() || dump_) summary_.format = "dump";
    for (auto& reader : readers) inputs_.push_back(Input{std::move(reader), {}, false});
  }

  absl::StatusOr<bool> Next(TraceEvent* event) override {
    for (Input& input : inputs_) {
      if (absl::Status s = ReadHead(&input); !s.ok()) return s;
    }
    if (dump_ && !merged_) {
      if (absl::Status s = MergeStarts(); !s.ok()) return s;
    }
    if (at_ < start_.size()) return FromDump(event);
    Input* first = nullptr;
    const auto place = [](const Input& i) { return std::make_pair(!i.head->start, i.head->time); };
    for (Input& input : inputs_) {
      if (input.head && (first == nullptr || place(input) < place(*first))) first = &input;
    }
    if (ComesLater(first == nullptr ? nullptr : &*first->head, event)) return true;
    if (first == nullptr) {
      if (absl::Status s = NeedPodsAndServices(); !s.ok()) return s;
      return false;
    }
    *event = *std::exchange(first->head, std::nullopt);
    KeepOrder(event);
    Count(*event);
    return true;
  }
  TraceSummary summary() const override {
    TraceSummary summary = summary_;
    Tell(&summary);
    return summary;
  }

 private:
  struct Input {
    std::unique_ptr<TraceReader> reader;
    std::optional<TraceEvent> head;
    bool ended = false;
  };

  static absl::Status ReadHead(Input* input) {
    if (input->head || input->ended) return absl::OkStatus();
    input->head.emplace();
    const absl::StatusOr<bool> more = input->reader->Next(&*input->head);
    if (more.ok() && *more) return absl::OkStatus();
    input->head.reset();
    input->ended = true;
    return more.status();
  }

  // The start states of dump and readers as one.
  absl::Status MergeStarts() {
    merged_ = true;
    for (Input& input : inputs_) {
      if (input.head && (!begin_.is_set() || input.head->time < begin_)) begin_ = input.head->time;
    }
    if (inputs_.empty()) return absl::OkStatus();
    KeepStartState(real_times_ ? begin_ : Timestamp(), &start_, &later_, &summary_);
    std::stable_sort(later_.begin(), later_.end(), [](const AnyObject& a, const AnyObject& b) {
      return a.meta().creationTimestamp < b.meta().creationTimestamp;
    });
    for (const AnyObject& object : later_) untold_.insert({object.kind(), KeyOf(object.meta())});
    for (Input& input : inputs_) {
      while (input.head && input.head->start) {
        start_.push_back(std::move(input.head->object));
        input.head.reset();
        if (absl::Status s = ReadHead(&input); !s.ok()) return s;
      }
    }
    KeepStartState({}, &start_, &later_, &summary_);
    return absl::OkStatus();
  }

  // The next object of a dump that the events should have shown before `next`
  // (null: there is none) and have not: a second after its creation, in which they
  // may still be telling of it.
  bool ComesLater(const TraceEvent* next, TraceEvent* event) {
    for (; next_later_ < later_.size(); ++next_later_) {
      const AnyObject& object = later_[next_later_];
      const Timestamp due{object.meta().creationTimestamp.nanos + 1'000'000'000};
      if (next != nullptr && (next->start || next->time < due)) return false;
      if (next == nullptr || untold_.count({object.kind(), KeyOf(object.meta())}) == 0) {
        ++summary_.skipped[next == nullptr ? "objects of dumps that were created after the last event"
                                           : std::string(kToldByEvents)];
        continue;
      }
      *event = TraceEvent{std::max(due, last_), WatchEventType::kAdded, object, "", false};
      ++next_later_;
      ++came_later_;
      KeepOrder(event);
      Count(*event);
      return true;
    }
    return false;
  }

  // What is told as older than the start state, or than what went before it,
  // happens with that.
  void KeepOrder(TraceEvent* event) {
    const bool first = summary_.events == 0 && summary_.start_objects == 0;
    if (summary_.events > 0) event->start = false;
    if (!first && event->time < last_) {
      // Start states of several sources may be of different times.
      if (!event->start) ++moved_;
      event->time = last_;
    }
    last_ = event->time;
  }

  bool FromDump(TraceEvent* event) {
    if (at_ == 0) {
      // It is the state that the rest goes on from.
      if (!begin_.is_set()) begin_ = latest_;
      if (!begin_.is_set()) begin_ = Timestamp{0};
    }
    *event = TraceEvent{begin_, WatchEventType::kAdded, std::move(start_[at_++]), "", true};
    if (at_ == start_.size()) start_.shrink_to_fit();
    last_ = begin_;
    Count(*event);
    return true;
  }

  void Count(const TraceEvent& event) {
    if (next_later_ < later_.size() && MayComeLater(event.object.kind())) {
      untold_.erase({event.object.kind(), KeyOf(event.object.meta())});
    }
    shown_[static_cast<std::size_t>(event.object.kind())] = true;
    CountEvent(event, &summary_);
  }

  absl::Status NeedPodsAndServices() const {
    if (audit_log_.empty()) return absl::OkStatus();
    for (const Kind kind : {Kind::kPod, Kind::kService}) {
      if (shown_[static_cast<std::size_t>(kind)]) continue;
      return absl::InvalidArgumentError(Concat(audit_log_, ": no ", InfoOf(kind).name,
                                               " is shown with its object, and no dump beside the log shows one; ",
                                               kNeedsBodies));
    }
    return absl::OkStatus();
  }

  void Tell(TraceSummary* summary) const {
    if (moved_ > 0) {
      summary->notes.push_back(Concat(moved_, moved_ == 1 ? " event is" : " events are",
                                      " told as older than the start state; replayed as of its time"));
    }
    if (came_later_ > 0) {
      summary->notes.push_back(
          Concat(came_later_, came_later_ == 1 ? " object" : " objects",
                 " of dumps (nodes, namespaces, services) that the events do not tell of: there from "
                 "a second after creation"));
    }
    for (const Input& input : inputs_) {
      const TraceSummary part = input.reader->summary();
      if (summary->format.find(part.format) == std::string::npos) {
        summary->format += summary->format.empty() ? part.format : Concat(" + ", part.format);
      }
      for (const std::string& what : part.made_up) {
        if (std::find(summary->made_up.begin(), summary->made_up.end(), what) == summary->made_up.end()) {
          summary->made_up.push_back(what);
        }
      }
      for (const auto& [why, count] : part.skipped) summary->skipped[why] += count;
      for (const auto& [slice, writes] : part.unseen_slices) summary->unseen_slices[slice] = writes;
      summary->notes.insert(summary->notes.end(), part.notes.begin(), part.notes.end());
    }
  }

  std::vector<Input> inputs_;
  std::vector<AnyObject> start_;
  std::size_t at_ = 0;
  std::vector<AnyObject> later_;  // in the order of their creation
  std::size_t next_later_ = 0;
  std::int64_t came_later_ = 0;
  std::set<std::pair<Kind, ObjectKey>> untold_;  // of later_, those that no event told of
  const bool real_times_;
  const std::string audit_log_;
  std::array<bool, kAllKinds.size()> shown_{};
  bool dump_ = false, merged_ = false;
  Timestamp latest_, begin_, last_;
  std::int64_t moved_ = 0;
  TraceSummary summary_;
};

}  // namespace

std::unique_ptr<TraceReader> MergeReaders(Dump dump, std::vector<AnyObject> later,
                                          std::vector<std::unique_ptr<TraceReader>> readers, bool real_times,
                                          std::string audit_log, TraceSummary summary) {
  return std::make_unique<MergedReader>(std::move(dump), std::move(later), std::move(readers), real_times,
                                        std::move(audit_log), std::move(summary));
}

}  // namespace epslice::sim
