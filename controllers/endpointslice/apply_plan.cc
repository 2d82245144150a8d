#include "controllers/endpointslice/apply_plan.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "controllers/endpointslice/slice_tracker.h"

namespace epslice {

SharedInformer<EndpointSlice>* WatchSlices(std::string_view controller_name, ControllerRunner* runner) {
  WatcherOptions options;
  options.label_selector = Cat({kLabelManagedBy, "=", controller_name});
  return runner->Watch<EndpointSlice>(std::move(options), ServiceOfSlice);
}

Outcome ApplyPlan(Plan plan, Transport* transport, CancelToken* cancel) {
  PlanApplier applier(std::move(plan));
  while (const std::optional<Request> request = applier.NextRequest()) {
    applier.OnResponse(transport->Do(*request, cancel));
  }
  return applier.outcome();
}

WorkResult ApplyPlan(Plan plan, Transport* transport, CancelToken* cancel, SharedInformer<EndpointSlice>* slices) {
  const std::vector<std::string> retry_errors = plan.retry_errors;
  const Outcome outcome = ApplyPlan(std::move(plan), transport, cancel);
  for (const auto& slice : outcome.written) slices->Wrote(slice);
  for (const auto& slice : outcome.deleted) slices->Deleted(KeyOf(slice->metadata));
  if (!outcome.errors.empty()) return {absl::UnavailableError(outcome.errors.front()), outcome.retry_after};
  if (!retry_errors.empty()) return absl::FailedPreconditionError(retry_errors.front());
  return absl::OkStatus();
}

}  // namespace epslice
