// Validation of EndpointSlices (pkg/apis/discovery/validation), and the forms
// of causes it shares with other kinds.
#ifndef EPSLICE_SIM_CLUSTER_SLICE_VALIDATION_H_
#define EPSLICE_SIM_CLUSTER_SLICE_VALIDATION_H_

#include <string>
#include <string_view>
#include <vector>

#include "apis/discovery.h"
#include "apis/request.h"

namespace epslice::sim {

// As a JSON string.
std::string QuoteValue(std::string_view value);
StatusCause DuplicateValue(std::string field, std::string_view value);
StatusCause UnsupportedValue(std::string field, std::string_view value, const std::vector<std::string_view>& supported);

// Appends what is wrong with `slice`; `old` is what it replaces, or null.
void ValidateEndpointSlice(const EndpointSlice& slice, const EndpointSlice* old, std::vector<StatusCause>* causes);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_SLICE_VALIDATION_H_
