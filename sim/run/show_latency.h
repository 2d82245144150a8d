// ShowLatency: how long it takes from a change of a pod to the write of an
// EndpointSlice that shows it.
//
// One sample for each pod and Service: from the pod's latest change of what an
// endpoint shows (address, node, serving, terminating, gone) to the first slice
// of the Service written that says so. A change that the next one overtook
// before it was shown counts for nothing; nor does what a Service's first slice
// shows of pods that were there before it. The same for a recording and for a
// simulation, so that the two compare.
#ifndef EPSLICE_SIM_RUN_SHOW_LATENCY_H_
#define EPSLICE_SIM_RUN_SHOW_LATENCY_H_

#include <cstdint>
#include <map>
#include <vector>

#include "apis/core.h"
#include "apis/discovery.h"

namespace epslice::sim {

// Times are nanoseconds on any one clock. Not thread-safe.
class ShowLatency {
 public:
  void OnPod(std::int64_t now, const Pod& pod, bool deleted);
  void OnSlice(std::int64_t now, const EndpointSlice& slice, bool deleted);

  // Whether a pod that `selector` selects, or that a slice of the Service has, last
  // changed at `since` or later, and no slice of the Service has shown that.
  bool HasUnshown(const ObjectKey& service, const StringMap& selector, std::int64_t since) const;

  std::int64_t samples() const { return static_cast<std::int64_t>(samples_.size()); }
  // The one taken at `index`, from 0.
  std::int64_t sample(std::int64_t index) const { return samples_[static_cast<std::size_t>(index)]; }
  // The smallest sample that at least this share (0..1) of all does not exceed;
  // 0 without samples.
  std::int64_t Quantile(double share) const;

 private:
  struct PodState {
    std::int64_t changed = 0;
    bool gone = false;  // deleted, ended, or without address
    bool serving = false, terminating = false;
    Text uid;  // empty: not told
    Text node;
    StringMap labels;
    IpList addresses;
    // Services (by slice label) that show it as it is now.
    std::vector<ObjectKey> shown;
  };
  bool Shows(const Endpoint& endpoint, const PodState& pod) const;
  void Sample(std::int64_t now, const ObjectKey& service, PodState* pod);

  std::map<ObjectKey, PodState> pods_;
  struct SliceState {
    ObjectKey service;
    std::vector<ObjectKey> pods;  // sorted
  };
  std::map<ObjectKey, SliceState> slices_;
  std::map<ObjectKey, std::int64_t> first_;  // of a Service: its first slice
  std::vector<std::int64_t> samples_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_SHOW_LATENCY_H_
