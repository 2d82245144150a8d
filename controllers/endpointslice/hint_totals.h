// HintTotals: how many Services and endpoints have hints of which kind, kept as
// Services are synced; for metrics. Not thread-safe.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_HINT_TOTALS_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_HINT_TOTALS_H_

#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "apis/meta.h"
#include "controllers/endpointslice/reconcile.h"

namespace epslice {

class HintTotals {
 public:
  struct Totals {
    // Services that we manage. What was there once stays, at 0, so that a
    // series does not vanish.
    std::map<std::pair<HintState::Kind, std::string_view>, std::int64_t> services;
    HintCounts endpoints;  // ready ones of these Services
    // Since the start, of syncs that went through; endpoints of deleted slices
    // do not count.
    HintChanges changes;
  };

  // What the last sync of a Service left, and what it changed.
  void Synced(const ObjectKey& service, const PlanMetrics& metrics);
  // The Service is gone, or not ours any more.
  void Forget(const ObjectKey& service);

  const Totals& totals() const { return totals_; }

 private:
  struct Last {
    HintSummary hints;
    HintCounts hinted;
  };
  void Count(const Last& last, int sign);

  std::unordered_map<ObjectKey, Last> last_;
  Totals totals_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_HINT_TOTALS_H_
