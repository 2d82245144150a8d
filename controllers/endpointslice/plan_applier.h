// PlanApplier: a Plan as steps.
//
// Passive, like Watcher: the driver sends what NextRequest() gives and hands
// the answer to OnResponse(). A live driver blocks on each; the simulator lets
// virtual time pass.
// Writes of one group after a failure are not sent; other groups go on.
// Not thread-safe.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_PLAN_APPLIER_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_PLAN_APPLIER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apis/request.h"
#include "controllers/endpointslice/reconcile.h"
#include "informers/clock.h"

namespace epslice {

// What came of a plan.
struct Outcome {
  // Slices as the server answered them; perhaps no more than their metadata.
  std::vector<std::shared_ptr<const EndpointSlice>> written;
  // Slices that were deleted, as they were known.
  std::vector<std::shared_ptr<const EndpointSlice>> deleted;
  std::int64_t creates = 0;
  std::int64_t updates = 0;
  std::int64_t deletes = 0;
  // One line for each failure; empty: everything went through.
  std::vector<std::string> errors;
  // A write got no answer, or an error of the server (5xx): it may or may not
  // have happened.
  bool unknown = false;
  // A write got no answer at all: the API server is away.
  bool no_answer = false;
  // How long the server asked us to stay away, the longest (Retry-After).
  Duration retry_after{0};
};

class PlanApplier {
 public:
  explicit PlanApplier(Plan plan) : plan_(std::move(plan)) {}

  // The next request to send; nullopt when the plan is done. After one was
  // given, OnResponse() comes before the next call.
  std::optional<Request> NextRequest();
  void OnResponse(const Response& response);

  const Plan& plan() const { return plan_; }
  const Outcome& outcome() const { return outcome_; }

 private:
  void Fail(const SliceWrite& write, const Status& status);

  Plan plan_;
  Outcome outcome_;
  std::size_t next_ = 0;
  int skipped_group_ = -1;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_PLAN_APPLIER_H_
