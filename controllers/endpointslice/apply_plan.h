// What a controller of slices needs beside Reconcile() and a ControllerRunner: to
// keep up with its own slices, and to send a plan.
//
//   SharedInformer<EndpointSlice>* slices = WatchSlices("external.example.com", &runner);
//   runner.Start([&](const ObjectKey& service) -> WorkResult {
//     ReconcileInput input;
//     input.slices = slices->For(service);
//     ...
//     return ApplyPlan(Reconcile(input, config), transport, runner.cancel(), slices);
//   });
//
// test/consumer/external_endpoints is a whole one.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_APPLY_PLAN_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_APPLY_PLAN_H_

#include <string_view>

#include "controllers/endpointslice/plan_applier.h"
#include "controllers/endpointslice/reconcile.h"
#include "informers/controller_runner.h"
#include "informers/shared_informer.h"
#include "informers/transport.h"

namespace epslice {

// ControllerRunner::Watch() for the slices with this managed-by label; their key is
// the Service that they are labelled as belonging to (ServiceOfSlice).
SharedInformer<EndpointSlice>* WatchSlices(std::string_view controller_name, ControllerRunner* runner);

// Sends the writes one after the other and waits for each answer: PlanApplier with
// a Transport. `cancel` may be null; see Transport::Do.
Outcome ApplyPlan(Plan plan, Transport* transport, CancelToken* cancel);

// The same for a call of a ControllerRunner: what was written or deleted is noted
// in `slices` (SharedInformer::Wrote), so that the next plan, however soon, is made
// of it. Not ok with the first error where a write failed, or the plan has retry
// errors; again after what the server asked for (Retry-After).
//
// A create whose answer was lost may have happened, and is made again: then there
// are two slices with the same endpoints, until the watch brings the first and the
// next plan deletes one of them. (ServiceController looks before it writes again.)
// `transport` must return whole objects: metadata_of_written_suffices off.
WorkResult ApplyPlan(Plan plan, Transport* transport, CancelToken* cancel, SharedInformer<EndpointSlice>* slices);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_APPLY_PLAN_H_
