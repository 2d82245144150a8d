#include "sim/trace/overlap.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "apis/concat.h"
#include "sim/trace/known_objects.h"
#include "sim/trace/reorder.h"

namespace epslice::sim {
namespace {

// Streams that tell times in whole seconds may lag behind others.
constexpr Duration kAhead = std::chrono::seconds(10);
constexpr std::size_t kMostAhead = 100'000;
// Objects that are gone are known for so many others.
constexpr std::size_t kMostGone = 100'000;
constexpr std::uint64_t kGone = std::numeric_limits<std::uint64_t>::max();

std::int64_t SecondOf(Timestamp t) { return t.nanos / 1'000'000'000; }

// The first source, and what it has told so far or will in the next seconds.
class FirstReader : public TraceReader {
 public:
  explicit FirstReader(std::unique_ptr<TraceReader> reader) : reader_(std::move(reader)) {}

  absl::StatusOr<bool> Next(TraceEvent* event) override {
    if (ahead_.empty() && !ended_) Read();
    if (ahead_.empty()) return status_.ok() ? absl::StatusOr<bool>(false) : absl::StatusOr<bool>(status_);
    *event = std::move(ahead_.front());
    ahead_.pop_front();
    return true;
  }
  TraceSummary summary() const override { return reader_->summary(); }

  // Reads on to what is later than `time`.
  void LookTo(Timestamp time) {
    while (!ended_ && ahead_.size() < kMostAhead && (!begin_ || last_ <= time)) Read();
  }
  // When it begins; LookTo() first.
  std::optional<Timestamp> begin() const { return begin_; }
  Timestamp last() const { return last_; }
  bool TellsOf(Kind kind) const { return kinds_[static_cast<std::size_t>(kind)]; }

  bool Tells(const BasicMeta& meta) const {
    const auto it = told_.find(meta.uid);
    const std::uint64_t version = VersionNumber(meta.resourceVersion);
    return it != told_.end() && version > 0 && version <= it->second;
  }

 private:
  void Read() {
    TraceEvent event;
    const absl::StatusOr<bool> more = reader_->Next(&event);
    ended_ = !more.ok() || !*more;
    status_ = more.status();
    if (ended_) return;
    last_ = event.time;
    if (!begin_) begin_ = event.time;
    kinds_[static_cast<std::size_t>(event.object.kind())] = true;
    const BasicMeta& meta = event.object.meta();
    if (!meta.uid.empty()) {
      std::uint64_t& version = told_[meta.uid];
      version = std::max(version, VersionNumber(meta.resourceVersion));
      if (event.type == WatchEventType::kDeleted) {
        version = kGone;
        gone_.push_back(meta.uid);
      }
    }
    if (gone_.size() > kMostGone) {
      told_.erase(gone_.front());
      gone_.pop_front();
    }
    ahead_.push_back(std::move(event));
  }

  const std::unique_ptr<TraceReader> reader_;
  std::deque<TraceEvent> ahead_;
  std::unordered_map<Text, std::uint64_t> told_;  // by uid; looked up only
  std::deque<Text> gone_;
  std::array<bool, kAllKinds.size()> kinds_{};  // of which it tells
  std::optional<Timestamp> begin_;
  Timestamp last_;
  absl::Status status_;
  bool ended_ = false;
};

// Another source, without what the first one tells.
class OtherReader : public TraceReader {
 public:
  OtherReader(std::unique_ptr<TraceReader> reader, FirstReader* first) : reader_(std::move(reader)), first_(*first) {}

  absl::StatusOr<bool> Next(TraceEvent* event) override {
    if (!began_) {
      if (absl::Status s = Begin(); !s.ok()) return s;
    }
    while (true) {
      if (!ready_.empty()) {
        *event = std::move(ready_.front());
        ready_.pop_front();
      } else {
        const absl::StatusOr<bool> more = ended_ ? absl::StatusOr<bool>(false) : reader_->Next(event);
        if (!more.ok()) return more.status();
        if (!*more) return false;
      }
      first_.LookTo(Timestamp{event->time.nanos + kAhead.count()});
      if (first_.Tells(event->object.meta())) {
        ++twice_;
        continue;
      }
      within_[static_cast<std::size_t>(event->object.kind())] += !event->start && event->time <= first_.last() ? 1 : 0;
      CountEvent(*event, &handed_out_);
      return true;
    }
  }
  TraceSummary summary() const override {
    TraceSummary summary = WithCounts(reader_->summary(), handed_out_);
    // Nothing of what it makes up is replayed then.
    if (summary.events + summary.start_objects == 0) summary.made_up.clear();
    // What the first one tells nothing of is not told twice.
    std::int64_t within = 0;
    for (const Kind kind : kAllKinds) within += first_.TellsOf(kind) ? within_[static_cast<std::size_t>(kind)] : 0;
    if (twice_ > 0) {
      summary.notes.push_back(Concat(twice_, twice_ == 1 ? " event was" : " events were", " told by two sources: ",
                                     first_.summary().format, " and ", summary.format, "; replayed once"));
    } else if (within > 0) {
      summary.notes.push_back(Concat("of ", within, " events of the ", summary.format, " none is recognised in the ",
                                     first_.summary().format,
                                     " (by uid and resourceVersion): if both tell of one cluster, they are replayed "
                                     "twice"));
    }
    return summary;
  }

 private:
  // What was there before the first source begins is start state; the rest of
  // this one's start state is as of its time.
  absl::Status Begin() {
    began_ = true;
    first_.LookTo(Timestamp{0});
    std::deque<TraceEvent> later;
    while (true) {
      TraceEvent event;
      const absl::StatusOr<bool> more = reader_->Next(&event);
      if (!more.ok()) return more.status();
      ended_ = !*more;
      if (ended_) break;
      const bool start = event.start;
      const auto begin = first_.begin();
      event.start = start && (!begin || SecondOf(event.object.meta().creationTimestamp) <= SecondOf(*begin));
      (event.start ? ready_ : later).push_back(std::move(event));
      if (!start) break;
    }
    for (TraceEvent& event : later) ready_.push_back(std::move(event));
    return absl::OkStatus();
  }

  const std::unique_ptr<TraceReader> reader_;
  FirstReader& first_;
  std::deque<TraceEvent> ready_;
  bool began_ = false, ended_ = false;
  std::int64_t twice_ = 0;
  std::array<std::int64_t, kAllKinds.size()> within_{};  // while the first one tells, by kind
  TraceSummary handed_out_;                              // its counts and times
};

}  // namespace

std::vector<std::unique_ptr<TraceReader>> WithoutOverlap(std::vector<std::unique_ptr<TraceReader>> readers) {
  if (readers.size() < 2) return readers;
  auto first = std::make_unique<FirstReader>(std::move(readers.front()));
  for (std::size_t i = 1; i < readers.size(); ++i) {
    readers[i] = std::make_unique<OtherReader>(std::move(readers[i]), first.get());
  }
  readers.front() = std::move(first);
  return readers;
}

}  // namespace epslice::sim
