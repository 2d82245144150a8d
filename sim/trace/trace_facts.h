// TraceFacts: what scenarios need to know of a trace's pods and nodes, and the
// structs have no room for. Read from their JSON; where a trace has none (CSV), or
// not the whole of it (audit entries of level Request), nothing is known.
#ifndef EPSLICE_SIM_TRACE_TRACE_FACTS_H_
#define EPSLICE_SIM_TRACE_TRACE_FACTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "apis/object.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

// Who keeps a pod (its owner that is its controller).
enum class PodOwner : std::uint8_t {
  kNone,
  kOther,        // a ReplicaSet, a Job, ...
  kStatefulSet,  // replaced under its name, when it is gone
  kDaemonSet,    // one on each node
  kNode,         // a static pod: of the kubelet itself
};

struct PodFacts {
  PodOwner owner = PodOwner::kNone;
  Text owner_name;
  Text for_node;  // of a DaemonSet: where its affinity wants it
  // What the scheduler counts: of containers and sidecars the sum, but at least
  // what an init container needs, and the overhead; thousandths of a CPU.
  std::int64_t cpu_milli = 0;
};

// Not thread-safe.
class TraceFacts {
 public:
  // Of an object with JSON; of a pod what is seen first counts. Other kinds are
  // passed over.
  void Note(const AnyObject& object);
  // What `from` knows of the object, where nothing is known yet.
  void TakeOver(const AnyObject& object, const TraceFacts& from);
  // Null: nothing is known. Valid until it is forgotten.
  const PodFacts* Find(const Pod& pod) const;
  // status.allocatable.pods, as it was seen last.
  std::optional<int> PlacesOf(const Text& node) const;
  // The pod is gone: what was kept of it goes, too.
  void Forget(const Pod& pod);
  bool has_daemons() const { return has_daemons_; }

 private:
  std::unordered_map<Text, PodFacts>::const_iterator Lookup(const Pod& pod) const;

  // By uid; of pods without one (hand-written) by namespace/name.
  std::unordered_map<Text, PodFacts> pods_;  // looked up only
  std::unordered_map<Text, int> places_;     // looked up only
  bool has_daemons_ = false;
};

// Notes the facts of all that `reader` tells, which has to keep JSON. That JSON is
// dropped unless `keep_json`. `facts` must outlive it.
std::unique_ptr<TraceReader> NotingFacts(std::unique_ptr<TraceReader> reader, TraceFacts* facts, bool keep_json);

// The object without its JSON.
AnyObject WithoutJson(const AnyObject& object);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_TRACE_FACTS_H_
