// MergedReader: several readers as one, in the order of time.
#ifndef EPSLICE_SIM_TRACE_MERGED_READER_H_
#define EPSLICE_SIM_TRACE_MERGED_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "sim/trace/dump_reader.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

// `dump`: the start state, or a part of it; may be empty. Where a reader's start
// state has the same object, the earlier version counts. `real_times`: what the
// dump shows of objects created after the readers begin is left to them.
// `summary` is what the result's goes on from. `audit_log`: the name of an audit
// log among the readers, or "": with it the end is an error where neither Pods
// nor Services were shown, or one of them not, as there is nothing then that a
// controller could work on.
// `later`: more of the dump, which comes when it was created unless the readers
// tell of it.
std::unique_ptr<TraceReader> MergeReaders(Dump dump, std::vector<AnyObject> later,
                                          std::vector<std::unique_ptr<TraceReader>> readers, bool real_times,
                                          std::string audit_log, TraceSummary summary);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_MERGED_READER_H_
