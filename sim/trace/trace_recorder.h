// TraceRecorder: what watchers learn of a cluster, as our JSON lines
// (docs/traces.md, "record").
//
// It knows the objects as they were last seen: what a watcher shows is compared
// with that, by uid and resourceVersion, and only the differences are written.
// So a list that is read again after a gap costs a line for each object that
// did change. Nothing is written before every kind was listed: that is the
// start state, in the order of kinds, namespaces and names.
//
// Times are the clock's when a change was seen, not when it was committed; where
// the clock goes back, they stand still. managedFields are left out.
// Memory: the structs of the live objects, and their JSON until the start state
// is written.
// Thread-safe: a watcher of each kind may run in a thread of its own.
#ifndef EPSLICE_SIM_TRACE_TRACE_RECORDER_H_
#define EPSLICE_SIM_TRACE_TRACE_RECORDER_H_

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "apis/object.h"
#include "informers/clock.h"
#include "informers/watcher.h"
#include "sim/trace/trace_writer.h"

namespace epslice::sim {

// The kinds of a trace. The recorder wants to be told of all of them.
inline constexpr std::array<Kind, 5> kRecordedKinds = {Kind::kNamespace, Kind::kNode, Kind::kPod, Kind::kService,
                                                       Kind::kEndpointSlice};

class TraceRecorder {
 public:
  // Writes the header. Neither is owned; nobody else may write to `out`
  // meanwhile.
  TraceRecorder(const Clock* clock, std::ostream* out);

  // What the watcher of `kind`, one of kRecordedKinds, learned. Objects should
  // come with their JSON; without it what the struct has room for is written.
  void Apply(Kind kind, const WatchUpdate& update);
  // Hands on what the stream holds back.
  void Flush();
  // The last line, where something was made up: the times of what happened in
  // gaps. Call it once, at the end.
  void Finish();

  // Kinds that were not listed yet; empty once the start state is written.
  std::vector<Kind> missing() const;
  struct Counts {
    std::int64_t objects = 0;  // alive
    std::int64_t events = 0;   // after the start state
    std::int64_t bytes = 0;
    bool failed = false;  // the stream took no more
  };
  Counts counts() const;

 private:
  using Objects = std::map<ObjectKey, AnyObject>;
  struct KindState {
    bool listed = false;
    std::int64_t after_gaps = 0;  // changes found by listing again
    Objects objects;
  };

  KindState& StateOf(Kind kind) { return kinds_[static_cast<std::size_t>(kind)]; }
  const KindState& StateOf(Kind kind) const { return kinds_[static_cast<std::size_t>(kind)]; }
  bool AllListed() const;
  void WriteStart();
  void Replace(KindState* state, const std::vector<AnyObject>& objects);
  void See(KindState* state, const AnyObject& object);
  void Forget(KindState* state, const AnyObject& last);
  void Write(WatchEventType type, const AnyObject& object);
  // Moves what the writer made to the stream.
  void HandOn();

  const Clock& clock_;
  std::ostream& out_;
  mutable std::mutex mu_;
  std::ostringstream text_;
  TraceWriter writer_;
  bool started_ = false;
  Timestamp time_;
  std::array<KindState, kAllKinds.size()> kinds_;
  std::int64_t events_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_TRACE_RECORDER_H_
