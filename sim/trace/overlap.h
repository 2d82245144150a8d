// Several sources that tell of the same cluster and time: a directory with the
// audit log and the watch streams of one recording (its dumps: start_dumps.h).
//
// One of them is the first: the audit log, which tells times and users, else
// the one named first. What others tell of an object in a version that the
// first one has told as well, or has gone past, is passed over and counted;
// objects are known by uid, versions by resourceVersion.
#ifndef EPSLICE_SIM_TRACE_OVERLAP_H_
#define EPSLICE_SIM_TRACE_OVERLAP_H_

#include <memory>
#include <vector>

#include "sim/trace/trace.h"

namespace epslice::sim {

// `readers` with what the first one tells taken out of the others. To be
// sure of it the first one is read 10 s ahead (at most 100,000 events).
std::vector<std::unique_ptr<TraceReader>> WithoutOverlap(std::vector<std::unique_ptr<TraceReader>> readers);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_OVERLAP_H_
