#include "sim/trace/merged_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "apis/concat.h"
#include "sim/trace/event_decode.h"
#include "sim/trace/reorder.h"

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
  MergedReader(Dump dump, std::vector<std::unique_ptr<TraceReader>> readers) {
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
    summary_.notes = std::move(dump.notes);
    dump_ = !start_.empty();
    if (readers.empty() || dump_) summary_.format = "dump";
    for (auto& reader : readers) inputs_.push_back(Input{std::move(reader), {}, false});
  }

  absl::StatusOr<bool> Next(TraceEvent* event) override {
    for (Input& input : inputs_) {
      if (input.head || input.ended) continue;
      input.head.emplace();
      const absl::StatusOr<bool> more = input.reader->Next(&*input.head);
      if (!more.ok()) return more.status();
      if (!*more) {
        input.head.reset();
        input.ended = true;
      }
    }
    if (at_ < start_.size()) return FromDump(event);
    Input* first = nullptr;
    const auto place = [](const Input& i) { return std::make_pair(!i.head->start, i.head->time); };
    for (Input& input : inputs_) {
      if (input.head && (first == nullptr || place(input) < place(*first))) first = &input;
    }
    if (first == nullptr) {
      Finish();
      return false;
    }
    *event = *std::exchange(first->head, std::nullopt);
    if (event->start && dump_) {
      const BasicMeta& meta = event->object.meta();
      if (seen_.count({event->object.kind(), KeyOf(meta)}) > 0) {
        ++summary_.skipped["objects of the start state that are there twice"];
        return Next(event);
      }
    }
    if (!event->start) seen_.clear();
    KeepOrder(event);
    CountEvent(*event, &summary_);
    return true;
  }
  const TraceSummary& summary() const override { return summary_; }

 private:
  struct Input {
    std::unique_ptr<TraceReader> reader;
    std::optional<TraceEvent> head;
    bool ended = false;
  };

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
      Timestamp begin;
      for (const Input& input : inputs_) {
        if (input.head && (!begin.is_set() || input.head->time < begin)) begin = input.head->time;
      }
      begin_ = begin.is_set() ? begin : latest_;
      if (!begin_.is_set()) begin_ = Timestamp{0};
    }
    *event = TraceEvent{begin_, WatchEventType::kAdded, std::move(start_[at_++]), "", true};
    if (!inputs_.empty()) seen_.insert({event->object.kind(), KeyOf(event->object.meta())});
    if (at_ == start_.size()) start_.shrink_to_fit();
    last_ = begin_;
    CountEvent(*event, &summary_);
    return true;
  }

  void Finish() {
    if (moved_ > 0) {
      summary_.notes.push_back(Concat(moved_, moved_ == 1 ? " event is" : " events are",
                                      " told as older than the start state; replayed as of its time"));
    }
    for (const Input& input : inputs_) {
      const TraceSummary& part = input.reader->summary();
      if (summary_.format.find(part.format) == std::string::npos) {
        summary_.format += summary_.format.empty() ? part.format : Concat(" + ", part.format);
      }
      for (const std::string& what : part.made_up) {
        if (std::find(summary_.made_up.begin(), summary_.made_up.end(), what) == summary_.made_up.end()) {
          summary_.made_up.push_back(what);
        }
      }
      for (const auto& [why, count] : part.skipped) summary_.skipped[why] += count;
      summary_.notes.insert(summary_.notes.end(), part.notes.begin(), part.notes.end());
    }
  }

  std::vector<Input> inputs_;
  std::vector<AnyObject> start_;
  std::size_t at_ = 0;
  bool dump_ = false;
  Timestamp latest_, begin_, last_;
  std::int64_t moved_ = 0;
  std::set<std::pair<Kind, ObjectKey>> seen_;
  TraceSummary summary_;
};

}  // namespace

std::unique_ptr<TraceReader> MergeReaders(Dump dump, std::vector<std::unique_ptr<TraceReader>> readers) {
  return std::make_unique<MergedReader>(std::move(dump), std::move(readers));
}

}  // namespace epslice::sim
