// What each endpoint of a Service got over its time, and which got most. A part
// of the data plane.
#ifndef EPSLICE_SIM_DATAPLANE_ENDPOINT_SUMS_H_
#define EPSLICE_SIM_DATAPLANE_ENDPOINT_SUMS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "apis/meta.h"

namespace epslice::sim::internal {

// Not thread-safe.
class EndpointSums {
 public:
  struct Sum {
    double served = 0;  // requests
    double even = 0;    // what an even spread gave it in the time in which it was sent to
    double above() const { return served - even; }
  };
  struct Endpoint {
    Text address;
    int zone = 0;  // where it was last
    Sum sum;
  };

  // There are so many targets from now on, or more.
  void Resize(std::size_t targets) {
    if (sums_.size() < targets) sums_.resize(targets);
  }
  // By target.
  std::vector<Sum>& sums() { return sums_; }
  // The target is no more; its number may become another's.
  void End(std::size_t target, const Text& address, int zone);

  // Of those that ended: with the most requests, and with the most above an even
  // spread; the first kBusiest and kMostAbove, by address where equal.
  static constexpr std::size_t kBusiest = 3, kMostAbove = 10;
  const std::vector<Endpoint>& busiest() const { return busiest_; }
  const std::vector<Endpoint>& above() const { return above_; }

 private:
  std::vector<Sum> sums_;  // by target
  std::vector<Endpoint> busiest_, above_;
};

}  // namespace epslice::sim::internal

#endif  // EPSLICE_SIM_DATAPLANE_ENDPOINT_SUMS_H_
