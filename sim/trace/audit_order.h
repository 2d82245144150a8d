// AuditOrder: entries of an audit log in the order in which the API server
// committed them.
//
// A log is written as requests complete, which is not the order of their
// commits. Where answers name resourceVersions, those order exactly, over all
// objects; other entries stand where their time puts them. What is
// earlier than a later version cannot have been committed after it: times are
// pulled down to that.
#ifndef EPSLICE_SIM_TRACE_AUDIT_ORDER_H_
#define EPSLICE_SIM_TRACE_AUDIT_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "informers/clock.h"
#include "sim/trace/audit_entry.h"

namespace epslice::sim {

// Not thread-safe.
class AuditOrder {
 public:
  // Entries are held back for `window` of the log's time, and at most `most` of
  // them.
  explicit AuditOrder(Duration window = std::chrono::seconds(5), std::size_t most = 20'000)
      : window_(window), most_(most) {}

  void Add(AuditChange change);
  // The next one of which nothing earlier can come any more; with `all`, of
  // what is there. Times never go back.
  std::optional<AuditChange> Take(bool all);
  // How many came too late and were put where they came.
  std::int64_t late() const { return late_; }

 private:
  const Duration window_;
  const std::size_t most_;
  // By version; times do not fall along it either.
  std::multimap<std::uint64_t, AuditChange> versioned_;
  std::multimap<Timestamp, AuditChange> timed_;
  Timestamp newest_;
  Timestamp last_;
  std::int64_t late_ = 0;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_AUDIT_ORDER_H_
