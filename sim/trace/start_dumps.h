// Which of several dumps is the start state, and of how much of a log.
//
// Files that complete each other (pods.json and nodes.json, the namespaces of a
// cluster one by one) are one state; of two states of one cluster the earlier
// one counts.
#ifndef EPSLICE_SIM_TRACE_START_DUMPS_H_
#define EPSLICE_SIM_TRACE_START_DUMPS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apis/object.h"
#include "informers/clock.h"
#include "sim/trace/trace.h"
#include "sim/trace/trace_facts.h"

namespace epslice::sim {

// The objects of one file, and what is known of them; null: nothing.
struct DumpFile {
  std::string name;
  std::vector<AnyObject> objects;
  std::shared_ptr<const TraceFacts> facts;
};

struct StartState {
  std::vector<AnyObject> objects;  // by kind and key
  // Created after the log begins, which may not tell of them: MayComeLater().
  std::vector<AnyObject> later;
  // What a log tells up to this resourceVersion is part of the state; 0: nothing.
  // Nodes and Namespaces change all the time, and dumps of them that complete a log
  // without any are often made when it is over: they do not count for it.
  std::uint64_t version = 0;
};

// Kinds of which a dump's objects count although they were created after the
// events begin, unless the events show them: logs are often made without them.
bool MayComeLater(Kind kind);

// Files are taken in the order of the latest resourceVersion in them. One that
// shows an object (by uid, or a name with another uid) of an earlier one is a
// later dump, and adds only what completes the state: kinds of which no earlier
// file shows an object in the same namespaces. Where there is a later dump, so
// is a file all of whose objects are later than the whole state and of a kind
// and namespace in it. What is left out is counted in `summary`; where two files
// show one kind of one namespace and have nothing in common, a note says that
// they were taken for parts of one state.
// `begin`: of the audit log that goes on from it; unset: there is none. Where
// the state shows Nodes, Services or Pods that are older than the log, the log
// begins in the middle, and `version` is set. Else it tells all that happened,
// see KeepStartState().
// `facts` (may be null) gets those of the objects that count.
StartState ChooseStartState(std::vector<DumpFile> files, Timestamp begin, TraceFacts* facts, TraceSummary* summary);

// Why an object of a dump is left out.
inline constexpr std::string_view kToldByEvents =
    "objects of dumps that were created after the events begin, which tell of them";

// Of objects as the start state of events that begin at `begin` (unset: not
// known): of an object that is there several times the earliest version (without
// versions the first one); none that was created later, as the events tell of it.
// What is left out goes to `summary`, or to `later`.
void KeepStartState(Timestamp begin, std::vector<AnyObject>* objects, std::vector<AnyObject>* later,
                    TraceSummary* summary);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_START_DUMPS_H_
