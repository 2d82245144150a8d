// Events about Services, as the reference's event recorder names things.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_EVENT_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_EVENT_H_

#include <string_view>

#include "apis/core.h"
#include "controllers/endpointslice/reconcile.h"
#include "informers/event_recorder.h"

namespace epslice {

// The reference's source component, and reporting controller.
inline constexpr std::string_view kEventComponent = "endpoint-slice-controller";

EventRecorder::Note NoteOf(const Service& service, const PlannedEvent& planned);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_EVENT_H_
