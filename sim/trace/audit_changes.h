// AuditChanges: from the changes that an audit log tells, in order, to the
// events that a watch would have shown.
#ifndef EPSLICE_SIM_TRACE_AUDIT_CHANGES_H_
#define EPSLICE_SIM_TRACE_AUDIT_CHANGES_H_

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "sim/cluster/service_defaults.h"
#include "sim/trace/audit_entry.h"
#include "sim/trace/known_objects.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

// Not thread-safe.
class AuditChanges {
 public:
  // `known`: the start state; kept up to date. `summary`: gets what is passed
  // over. Neither is owned.
  AuditChanges(KnownObjects* known, TraceSummary* summary, bool keep_json)
      : known_(*known),
        summary_(*summary),
        keep_json_(keep_json),
        addresses_(kServiceCidr, kServiceCidrV6, Random(1)) {}

  // Appends the events of the change. InvalidArgument where it does not fit
  // what went before, with one line that does not name the place.
  absl::Status Apply(AuditChange change, std::deque<TraceEvent>* events);
  // No more comes: slices whose generated names no entry told are given names of
  // their own at `time`, so that they are not missing in the end.
  void ReleaseUnnamed(Timestamp time, std::deque<TraceEvent>* events);
  // Adds what was made up so far, and what it waits for that may not come.
  void Tell(TraceSummary* summary) const;

 private:
  void State(const AuditChange& change, std::deque<TraceEvent>* events);
  absl::Status Patch(const AuditChange& change, std::deque<TraceEvent>* events);
  void Bind(const AuditChange& change, std::deque<TraceEvent>* events);
  void Delete(const AuditChange& change, std::deque<TraceEvent>* events);
  absl::Status Collection(const AuditChange& change, std::deque<TraceEvent>* events);
  // A change of an object that was created under a name not told then.
  void AdoptUnnamed(const AuditChange& change, std::deque<TraceEvent>* events);
  // A Service's request with what the server fills in.
  AnyObject Defaulted(const AnyObject& service, const KnownObject* known);
  // The object is asked to go.
  void AskToGo(const AuditChange& change, KnownObject known, std::deque<TraceEvent>* events);
  void Put(const AuditChange& change, AnyObject object, const ObjectFacts& facts, std::deque<TraceEvent>* events);
  void Remove(const AuditChange& change, const ObjectKey& key, AnyObject last, std::deque<TraceEvent>* events);
  // A write of a slice that is told without it, by `verb`.
  void NoteUnseen(const AuditChange& change, std::string_view verb);
  // One that cannot be replayed, where that may be as earlier ones told no slice.
  void NoteMissed(const AuditChange& change, std::string_view verb);
  void Skip(const std::string& why) { ++summary_.skipped[why]; }

  KnownObjects& known_;
  TraceSummary& summary_;
  const bool keep_json_;
  ServiceAddresses addresses_;
  // By namespace, oldest first.
  std::map<Text, std::vector<AuditChange>> unnamed_;
  std::int64_t guessed_names_ = 0, own_names_ = 0, from_requests_ = 0, made_up_addresses_ = 0, made_up_ends_ = 0,
               first_seen_late_ = 0;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_AUDIT_CHANGES_H_
