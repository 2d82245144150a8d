#include "controllers/endpointslice/hint_totals.h"

namespace epslice {

void HintTotals::Count(const Last& last, int sign) {
  totals_.services[{last.hints.state, last.hints.reason}] += sign;
  totals_.endpoints.zone += sign * last.hinted.zone;
  totals_.endpoints.node += sign * last.hinted.node;
  totals_.endpoints.none += sign * last.hinted.none;
}

void HintTotals::Synced(const ObjectKey& service, const PlanMetrics& metrics) {
  const auto [at, is_new] = last_.try_emplace(service);
  if (!is_new) Count(at->second, -1);
  at->second = {metrics.hints, metrics.hinted};
  Count(at->second, +1);
  totals_.changes.add += metrics.hint_changes.add;
  totals_.changes.change += metrics.hint_changes.change;
  totals_.changes.remove += metrics.hint_changes.remove;
}

void HintTotals::Forget(const ObjectKey& service) {
  const auto at = last_.find(service);
  if (at == last_.end()) return;
  Count(at->second, -1);
  last_.erase(at);
}

}  // namespace epslice
