// Audit logs: one, or those of several API servers of one cluster.
#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "sim/report/table.h"
#include "sim/trace/audit_changes.h"
#include "sim/trace/audit_entry.h"
#include "sim/trace/audit_order.h"
#include "sim/trace/readers.h"

namespace epslice::sim {
namespace {

constexpr Duration kOneSecond = std::chrono::seconds(1);
// Whether something was there among the last of its kind.
class Recent {
 public:
  // False: it was.
  bool Add(std::uint64_t id) {
    if (!ids_.insert(id).second) return false;
    order_.push_back(id);
    if (order_.size() > kMost) {
      ids_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }

 private:
  static constexpr std::size_t kMost = 200'000;
  std::unordered_set<std::uint64_t> ids_;  // looked up only
  std::deque<std::uint64_t> order_;
};

// Entries that were asked for after something later was answered already, which no
// clock says of itself: those of several API servers differ, by this much or more.
struct ClocksApart {
  // `known`: what was known of its object before; null: nothing.
  void Note(const AuditChange& change, const KnownObject* known) {
    // Times are cut, by some writers to milliseconds.
    constexpr Duration kLeast = std::chrono::milliseconds(2);
    const Duration apart(change.logged.nanos - change.took.count() - change.time.nanos);
    if (change.took == Duration{0} || apart < kLeast) return;
    // A write that changes nothing is answered with the version that was there.
    if (known == nullptr ? !change.created : known->version >= change.version) return;
    ++count;
    most = std::max(most, apart);
  }
  std::int64_t count = 0;
  Duration most{0};
};

// Writes whose objects the log does not show: a policy may log some requests in
// less detail than others.
class UnseenWrites {
 public:
  // What a dump beside the log shows counts as well.
  explicit UnseenWrites(const KnownObjects& start) {
    for (const Kind kind : kAllKinds) first_[static_cast<std::size_t>(kind)].seen = !start.all(kind).empty();
  }

  void Add(AuditEntries::Unseen unseen, const RecordStream& stream, std::size_t line) {
    First& first = first_[static_cast<std::size_t>(unseen.kind)];
    if (first.count++ == 0) {
      first.error = stream.Error(line, Concat("the ", unseen.of, " ", unseen.name, " is logged at level ", unseen.level,
                                              ", without its object; ", kNeedsBodies));
      first_of_all_ = first_of_all_.ok() ? first.error : first_of_all_;
    }
    ++by_request_[std::move(unseen.of)];
  }
  void NoteSeen(Kind kind) { first_[static_cast<std::size_t>(kind)].seen = true; }
  bool any() const { return !by_request_.empty(); }
  const absl::Status& error() const { return first_of_all_; }

  // An error where no write of Services or Pods was told with its object: there
  // is nothing that a controller could work on.
  absl::Status Finish() const {
    for (const Kind kind : {Kind::kService, Kind::kPod}) {
      const First& first = first_[static_cast<std::size_t>(kind)];
      if (first.count > 0 && !first.seen) return first.error;
    }
    return absl::OkStatus();
  }
  void Tell(TraceSummary* summary) const {
    std::string list;
    for (const auto& [what, count] : by_request_) {
      summary->skipped["writes logged without their objects"] += count;
      list += Concat(list.empty() ? "" : ", ", count, "x ", what);
    }
    if (list.empty()) return;
    summary->notes.push_back(Concat("these writes are logged without their objects, and not replayed: ", list));
    const First& nodes = first_[static_cast<std::size_t>(Kind::kNode)];
    if (nodes.count > 0 && !nodes.seen) {
      summary->notes.emplace_back(
          "no write of a node is logged with its object: zones, CPU and readiness of nodes are those of the dump "
          "beside "
          "the log, or else made up");
    }
  }

 private:
  struct First {
    std::int64_t count = 0;
    bool seen = false;
    absl::Status error;
  };
  std::array<First, kAllKinds.size()> first_;
  absl::Status first_of_all_;
  std::map<std::string, std::int64_t> by_request_;
};

class AuditReader : public TraceReader {
 public:
  AuditReader(RecordStreams streams, std::shared_ptr<KnownObjects> known, std::uint64_t start_version,
              const TraceOptions& options)
      : known_(std::move(known)),
        start_version_(start_version),
        options_{options.keep_json},
        changes_(known_.get(), &summary_, options.keep_json),
        unseen_(*known_) {
    summary_.format = "audit log";
    for (auto& stream : streams) {
      inputs_.emplace_back();
      inputs_.back().stream = std::move(stream);
    }
  }

  absl::StatusOr<bool> Next(TraceEvent* event) override {
    while (events_.empty()) {
      const absl::StatusOr<bool> more = Advance();
      if (!more.ok()) return more.status();
      if (!*more) return Finish();
    }
    *event = std::move(events_.front());
    events_.pop_front();
    if (++summary_.events == 1) summary_.begin = event->time;
    summary_.end = event->time;
    return true;
  }

  TraceSummary summary() const override {
    TraceSummary summary = summary_;
    unseen_.Tell(&summary);
    changes_.Tell(&summary);
    if (order_.late() > 0) {
      summary.notes.push_back(Concat(order_.late(), " entries are more than ", AuditOrder::kWindow / kOneSecond,
                                     " s behind others in the log; they are replayed where they stand"));
    }
    if (clocks_.count > 0) {
      summary.notes.push_back(
          Concat(clocks_.count, " entries were asked for up to ", clocks_.most / std::chrono::milliseconds(1),
                 " ms or more after a later version was answered: the clocks of the API servers differ; times are "
                 "pulled down to the earliest, so that more happens at once, and a controller writes less often than "
                 "it did"));
    }
    if (ended_ && start_version_ > 0) {
      summary.notes.emplace_back(
          "the dump is later than all of the log, which begins in the middle: nothing of the log is replayed");
    }
    if (any_ && whole_seconds_) {
      summary.notes.emplace_back(
          "the log's times have whole seconds only: what happened within one is replayed at once, and a controller "
          "writes less often than it did");
    }
    return summary;
  }

 private:
  struct Input {
    std::unique_ptr<RecordStream> stream;
    std::deque<AuditChange> ahead;
    bool ended = false;
    // How its times run from one entry to the next.
    Timestamp last;
    std::int64_t forwards = 0, backwards = 0;

    void NoteTime(Timestamp time) {
      if (last.is_set() && time != last) ++(time < last ? backwards : forwards);
      last = time;
    }
    bool RunsBackwards() const { return backwards > 4 * forwards; }
  };

  // Reads until a change is ready, and applies it. False at the end.
  absl::StatusOr<bool> Advance() {
    while (true) {
      Input* first = nullptr;
      for (Input& input : inputs_) {
        if (absl::Status s = ReadAhead(&input); !s.ok()) return s;
        if (input.ahead.empty()) continue;
        if (first == nullptr || input.ahead.front().time < first->ahead.front().time) first = &input;
      }
      if (first != nullptr) {
        AuditChange next = std::move(first->ahead.front());
        first->ahead.pop_front();
        if (!recent_.Add(next.id)) {
          ++summary_.skipped["entries that are there twice"];
          continue;
        }
        whole_seconds_ &= next.time.nanos % 1'000'000'000 == 0;
        const std::size_t line = next.line;
        order_.Add(std::move(next));
        if (order_.late() > 0 && first->RunsBackwards()) {
          return first->stream->Error(line,
                                      "the log runs backwards, with the newest entry first; give it in the order of "
                                      "time (gcloud logging read --order=asc; tac FILE where each entry is a line)");
        }
      }
      std::optional<AuditChange> change = order_.Take(first == nullptr);
      if (!change && first == nullptr) {
        changes_.ReleaseUnnamed(summary_.end, &events_);
        return !events_.empty();
      }
      if (!change) continue;
      if (start_version_ > 0) {
        // What tells no version belongs to what is around it.
        if (change->version == 0 || change->version <= start_version_) {
          ++summary_.skipped["changes from before the start state"];
          continue;
        }
        start_version_ = 0;
      }
      clocks_.Note(*change, known_->Find(change->kind, change->key));
      const std::size_t line = change->line;
      if (absl::Status s = changes_.Apply(*std::move(change), &events_); !s.ok()) {
        return absl::InvalidArgumentError(Concat(inputs_.size() == 1 ? inputs_[0].stream->name() : "audit logs",
                                                 ": line ", line, ": ", Printable(std::string(s.message()))));
      }
      return true;
    }
  }

  absl::Status ReadAhead(Input* input) {
    while (input->ahead.empty() && !input->ended) {
      TextRecord record;
      const absl::StatusOr<bool> more = input->stream->NextDocument(&record);
      if (!more.ok()) return more.status();
      if (!*more) {
        input->ended = true;
        break;
      }
      if (record.broken) {
        NoteBroken(*input->stream, record, &summary_);
        continue;
      }
      absl::StatusOr<AuditEntries> entries = ReadAuditRecord(JsonSpan(record.text), record.line, options_);
      if (!entries.ok()) return input->stream->Error(record.line, std::string(entries.status().message()));
      entries_ += entries->entries;
      metadata_entries_ += entries->entries_metadata;
      for (std::string& why : entries->skipped) ++summary_.skipped[std::move(why)];
      for (AuditEntries::Unseen& unseen : entries->unseen) unseen_.Add(std::move(unseen), *input->stream, record.line);
      for (AuditChange& change : entries->changes) {
        if (change.what != AuditChange::What::kUnseen) {
          any_ = true;
          unseen_.NoteSeen(change.kind);
        }
        input->NoteTime(change.time);
        input->ahead.push_back(std::move(change));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Finish() {
    if (!any_ && unseen_.any()) return unseen_.error();
    if (!any_ && entries_ > 0 && metadata_entries_ == entries_) {
      return absl::InvalidArgumentError(Concat(inputs_[0].stream->name(), ": all of its ", entries_,
                                               " entries are of level Metadata, without objects; ", kNeedsBodies));
    }
    if (!any_) {
      return absl::InvalidArgumentError(
          Concat(inputs_[0].stream->name(),
                 ": no entry is a write of a pod, service, node, namespace or endpointslice; ", kNeedsBodies));
    }
    if (absl::Status s = unseen_.Finish(); !s.ok()) return s;
    ended_ = true;
    return false;
  }

  const std::shared_ptr<KnownObjects> known_;
  std::uint64_t start_version_;  // 0: reached
  const AuditEntryOptions options_;
  TraceSummary summary_;
  AuditChanges changes_;
  AuditOrder order_;
  Recent recent_;
  ClocksApart clocks_;
  UnseenWrites unseen_;
  std::vector<Input> inputs_;
  std::deque<TraceEvent> events_;
  bool any_ = false, whole_seconds_ = true, ended_ = false;
  std::int64_t entries_ = 0, metadata_entries_ = 0;
};

}  // namespace

std::unique_ptr<TraceReader> MakeAuditReader(RecordStreams streams, std::shared_ptr<KnownObjects> known,
                                             std::uint64_t version, const TraceOptions& options) {
  return std::make_unique<AuditReader>(std::move(streams), std::move(known), version, options);
}

}  // namespace epslice::sim
