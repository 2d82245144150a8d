// What tells which slice is meant where its name does not.
#ifndef EPSLICE_SIM_TRACE_SHARED_ENDPOINTS_H_
#define EPSLICE_SIM_TRACE_SHARED_ENDPOINTS_H_

#include <cstddef>

#include "apis/discovery.h"

namespace epslice::sim {

// How many endpoints of `b` have an address that one of `a` has.
std::size_t SharedEndpoints(const EndpointSlice& a, const EndpointSlice& b);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_SHARED_ENDPOINTS_H_
