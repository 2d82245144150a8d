// ServiceView: what the slices of a Service tell their consumers, all else put
// aside: names of slices, order, which slice holds which endpoint.
#ifndef EPSLICE_SIM_RUN_SERVICE_VIEW_H_
#define EPSLICE_SIM_RUN_SERVICE_VIEW_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apis/discovery.h"

namespace epslice::sim {

// Of a Service with hints in proportion to CPU the reference picks at random
// which endpoints of a zone serve another; then only how many do is compared
// (kCounts). With several slices chance also decides in which slice an endpoint
// is, and so which slices keep older hints: then how many endpoints serve each
// zone is compared (kTotals). Where the CPU of nodes is not known, nothing is (kNone).
enum class HintComparison { kEach, kCounts, kTotals, kNone };

// Differences between two sets of slices of one Service, one line each, at most
// `most` and a line that counts the rest; empty: consumers see the same.
std::vector<std::string> CompareSlices(const std::vector<std::shared_ptr<const EndpointSlice>>& recorded,
                                       const std::vector<std::shared_ptr<const EndpointSlice>>& simulated,
                                       HintComparison hints, std::size_t most = 20);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_SERVICE_VIEW_H_
