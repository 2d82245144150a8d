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
  static constexpr Duration kWindow = std::chrono::seconds(60);
  // Entries are held back for `window` of the log's time, at most `most` of
  // them, and as many as have `most_bytes` of text.
  explicit AuditOrder(Duration window = kWindow, std::size_t most = 100'000,
                      std::size_t most_bytes = std::size_t{256} << 20)
      : window_(window), most_(most), most_bytes_(most_bytes) {}

  void Add(AuditChange change);
  // The next one of which nothing earlier can come any more; with `all`, of
  // what is there. Times never go back.
  std::optional<AuditChange> Take(bool all);
  // How many came too late and were put where they came.
  std::int64_t late() const { return late_; }

 private:
  const Duration window_;
  const std::size_t most_, most_bytes_;
  std::size_t bytes_ = 0;
  // By version; times do not fall along it either.
  std::multimap<std::uint64_t, AuditChange> versioned_;
  std::multimap<Timestamp, AuditChange> timed_;
  Timestamp newest_;
  Timestamp last_;
  std::int64_t late_ = 0;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_AUDIT_ORDER_H_
