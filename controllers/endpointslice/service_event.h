// Events about Services, as the reference's event recorder names things.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_EVENT_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_EVENT_H_

#include <string_view>
#include <vector>

#include "apis/core.h"
#include "controllers/endpointslice/plan_applier.h"
#include "controllers/endpointslice/reconcile.h"
#include "informers/event_recorder.h"

namespace epslice {

// The reference's source component, and reporting controller.
inline constexpr std::string_view kEventComponent = "endpoint-slice-controller";

// What a sync tells of its Service: what its plan has to tell, once all was written;
// and a Warning "FailedToUpdateEndpointSlices" with what went wrong, as often as it
// fails (whoever records it has limits). Nothing where a write got no answer: that
// is not about this Service, and all are synced again when the API server is back.
std::vector<EventRecorder::Note> NotesOf(const Service& service, const Plan& plan, const Outcome& outcome);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_EVENT_H_
