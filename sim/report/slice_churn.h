// Which endpoints came, went and changed from one state of a slice to the next.
// A part of the recorder; pure.
#ifndef EPSLICE_SIM_REPORT_SLICE_CHURN_H_
#define EPSLICE_SIM_REPORT_SLICE_CHURN_H_

#include <cstdint>
#include <vector>

#include "apis/discovery.h"

namespace epslice::sim::internal {

struct SliceChurn {
  // An endpoint is what it was while its first address is.
  std::vector<const Endpoint*> added, changed;  // of `after`
  std::vector<const Endpoint*> removed;         // of `before`
};
// Null: there is none.
SliceChurn ChurnOf(const EndpointSlice* before, const EndpointSlice* after);

// The size of a watch event about an object of `object_bytes` as
// application/vnd.kubernetes.protobuf;stream=watch: the frame and its length.
std::int64_t WatchFrameBytes(std::size_t type_length, std::size_t object_bytes);

}  // namespace epslice::sim::internal

#endif  // EPSLICE_SIM_REPORT_SLICE_CHURN_H_
