// Hinting: the hints of one Service and address type, by whatever it asks for.
// A part of reconcile(); pure.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_HINTING_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_HINTING_H_

#include <vector>

#include "apis/text.h"
#include "controllers/endpointslice/packing.h"
#include "controllers/endpointslice/reconcile.h"

namespace epslice::internal {

// Sets the hints in `changes`, where unchanged slices with wrong ones become
// updates; puts into `plan` the state of the hints, what there is to tell of
// it, and what metrics count. `written`: all slices of the address type as they
// are written now.
void ReconcileHints(const ReconcileInput& input, const ReconcileConfig& config, const Text& address_type,
                    const std::vector<SlicePtr>& written, SliceChanges* changes, Plan* plan);

}  // namespace epslice::internal

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_HINTING_H_
