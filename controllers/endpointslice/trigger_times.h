// TriggerTimes: when what a sync writes down happened, for the annotation
// endpoints.kubernetes.io/last-change-trigger-time that network programming
// latency is measured from (KEP-752; the reference's TriggerTimeTracker).
// Not thread-safe.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_TRIGGER_TIMES_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_TRIGGER_TIMES_H_

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "apis/core.h"
#include "apis/meta.h"

namespace epslice {

class TriggerTimes {
 public:
  using PodNames = std::shared_ptr<const std::vector<Text>>;
  // What was known about a Service at a sync.
  struct State {
    // Pods' names, in order, and their Ready conditions' last transitions beside
    // them. As long as the pods stay the same, so do the names, which states
    // share then. Not null.
    PodNames names;
    std::vector<Timestamp> times;
    Timestamp service;
  };

  struct Result {
    // Unset: unknown.
    Timestamp trigger;
    // To Commit() once the sync went through. A sync that failed is tried
    // again and shall find the same trigger time.
    std::shared_ptr<const State> next;
  };

  // `pods` in key order. The first sync of a Service: its creation. Later: the earliest of the
  // times that moved since the last sync.
  Result Compute(const Service& service, const std::vector<std::shared_ptr<const Pod>>& pods) const;
  void Commit(const ObjectKey& service, std::shared_ptr<const State> next) { states_[service] = std::move(next); }
  void Forget(const ObjectKey& service) { states_.erase(service); }
  // Services that it knows of.
  std::size_t size() const { return states_.size(); }

 private:
  std::unordered_map<ObjectKey, std::shared_ptr<const State>> states_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_TRIGGER_TIMES_H_
