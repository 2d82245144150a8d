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
  using ByStateAndReason = std::map<std::pair<HintState::Kind, std::string_view>, std::int64_t>;

  // What the last sync of a Service left, and what it changed.
  void Synced(const ObjectKey& service, const PlanMetrics& metrics);
  // The Service is gone, or not ours any more.
  void Forget(const ObjectKey& service);

  // Services that we manage; no entry is 0.
  const ByStateAndReason& services() const { return services_; }
  // Ready endpoints of these.
  const HintCounts& endpoints() const { return endpoints_; }
  // Since the start.
  const HintChanges& changes() const { return changes_; }

 private:
  struct Last {
    HintSummary hints;
    HintCounts hinted;
  };
  void Count(const Last& last, int sign);

  std::unordered_map<ObjectKey, Last> last_;
  ByStateAndReason services_;
  HintCounts endpoints_;
  HintChanges changes_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_HINT_TOTALS_H_
