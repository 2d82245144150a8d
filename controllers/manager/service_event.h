// Events about Services, as the reference's event recorder makes them.
#ifndef EPSLICE_CONTROLLERS_MANAGER_SERVICE_EVENT_H_
#define EPSLICE_CONTROLLERS_MANAGER_SERVICE_EVENT_H_

#include <cstddef>

#include "apis/core.h"
#include "apis/request.h"
#include "controllers/endpointslice/reconcile.h"

namespace epslice {

// The create request of a core/v1 Event that says `event` about `service`.
// `index` tells events of one moment apart.
Request ServiceEventRequest(const Service& service, const PlannedEvent& event, std::size_t index, Timestamp now);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_SERVICE_EVENT_H_
