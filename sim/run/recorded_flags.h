// RecordedFlags: what a recording shows of the flags that its controller had, where
// those of the simulated one do not fit. For notes alone: nothing is simulated
// otherwise for it.
#ifndef EPSLICE_SIM_RUN_RECORDED_FLAGS_H_
#define EPSLICE_SIM_RUN_RECORDED_FLAGS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "apis/discovery.h"
#include "informers/clock.h"

namespace epslice::sim {

// Of one of the controllers: from the change of a pod to the slice that shows it.
// Nanoseconds.
struct ShownAfter {
  std::int64_t samples = 0, p50 = 0, p90 = 0;
};

// Not thread-safe.
class RecordedFlags {
 public:
  // What is simulated.
  RecordedFlags(int max_endpoints_per_slice, Duration batch_period)
      : max_endpoints_(static_cast<std::size_t>(max_endpoints_per_slice)), batch_period_(batch_period) {}

  // The slices of the recorded controller, in order; `created`: by it, now.
  void OnSlice(const EndpointSlice& slice, bool deleted, bool created);

  // One sentence for each flag that does not seem to fit.
  std::vector<std::string> Notes(const ShownAfter& recorded, const ShownAfter& simulated) const;

 private:
  // Slices that a controller could have made one of: service, address type, ports.
  using Group = std::tuple<ObjectKey, Text, std::vector<EndpointPort>>;
  struct Size {
    Group group;
    std::size_t endpoints = 0;
  };
  std::string SizeNote() const;
  std::string BatchNote(const ShownAfter& recorded, const ShownAfter& simulated) const;

  const std::size_t max_endpoints_;
  const Duration batch_period_;
  std::map<ObjectKey, Size> slices_;
  std::map<Group, std::size_t> totals_;  // endpoints
  std::size_t largest_ = 0;
  std::map<Group, std::set<ObjectKey>> full_;  // slices that had as many, kLeastFull of each at most
  // How often another slice was made although all the endpoints were no more than are
  // simulated in one.
  std::size_t needless_ = 0;
  std::set<Group> needless_in_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_RECORDED_FLAGS_H_
