#include "sim/trace/audit_order.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace epslice::sim {

void AuditOrder::Add(AuditChange change) {
  change.logged = change.time;
  newest_ = std::max(newest_, change.time);
  bytes_ += change.bytes;
  if (last_.is_set() && change.time < last_) {
    ++late_;
    change.time = last_;
  }
  if (change.version == 0) {
    const Timestamp time = change.time;
    timed_.emplace(time, std::move(change));
    return;
  }
  const std::uint64_t version = change.version;
  const auto at = versioned_.emplace(version, std::move(change));
  if (const auto next = std::next(at); next != versioned_.end()) {
    at->second.time = std::min(at->second.time, next->second.time);
  }
  for (auto before = at; before != versioned_.begin();) {
    --before;
    if (before->second.time <= at->second.time) break;
    before->second.time = at->second.time;
  }
}

std::optional<AuditChange> AuditOrder::Take(bool all) {
  const bool any_versioned = !versioned_.empty();
  const bool any_timed = !timed_.empty();
  if (!any_versioned && !any_timed) return std::nullopt;
  const bool timed = any_timed && (!any_versioned || timed_.begin()->first < versioned_.begin()->second.time);
  const Timestamp time = timed ? timed_.begin()->first : versioned_.begin()->second.time;
  const bool full = versioned_.size() + timed_.size() > most_ || bytes_ > most_bytes_;
  if (!all && !full && time.nanos > newest_.nanos - window_.count()) return std::nullopt;
  AuditChange change;
  if (timed) {
    change = std::move(timed_.begin()->second);
    timed_.erase(timed_.begin());
  } else {
    change = std::move(versioned_.begin()->second);
    versioned_.erase(versioned_.begin());
  }
  bytes_ -= change.bytes;
  last_ = std::max(last_, change.time);
  change.time = last_;
  return change;
}

}  // namespace epslice::sim
