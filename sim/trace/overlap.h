// Several sources that tell of the same cluster and time: a directory with the
// audit log, the watch streams and the dumps of one recording.
//
// One of them is the first: the audit log, which tells times and users, else
// the one named first. What others tell of an object in a version that the
// first one has told as well, or has gone past, is passed over and counted;
// objects are known by uid, versions by resourceVersion.
#ifndef EPSLICE_SIM_TRACE_OVERLAP_H_
#define EPSLICE_SIM_TRACE_OVERLAP_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/trace/dump_reader.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

// `readers` with what the first one tells taken out of the others. To be
// sure of it the first one is read 10 s ahead (at most 100,000 events).
std::vector<std::unique_ptr<TraceReader>> WithoutOverlap(std::vector<std::unique_ptr<TraceReader>> readers);

// Of dumps as the start state of events that begin at `begin` (unset: not
// known): of an object that several of them show, the earliest version; none
// that was created later, as the events tell of it. What is left out goes to
// `summary`.
void KeepStartState(Timestamp begin, std::vector<AnyObject>* objects, TraceSummary* summary);

// Of dumps, each of one file, as the start state of an audit log that begins at
// `begin` (unset: there is none).
// Where they show Nodes, Services or Pods that are older than the log, it begins
// in the middle: the earliest dump is where to start, a file that shows one of
// its objects again is a later one, and what the log tells up to `version` is
// part of the state. Else the log tells all (version 0, KeepStartState()).
struct StartState {
  std::vector<AnyObject> objects;
  std::uint64_t version = 0;
};
StartState ChooseStartState(std::vector<std::vector<AnyObject>> dumps, Timestamp begin, TraceSummary* summary);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_OVERLAP_H_
