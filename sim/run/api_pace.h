// ApiPace: how fast the recorded API server was, from moment to moment.
//
// An audit log tells of each request when it came and when it was answered.
// Where these grow longer the machines were busy, and so were watches and the
// controller's writes: the simulated ones are stretched alike.
#ifndef EPSLICE_SIM_RUN_API_PACE_H_
#define EPSLICE_SIM_RUN_API_PACE_H_

#include <cstddef>
#include <deque>

#include "informers/clock.h"

namespace epslice::sim {

// Not thread-safe.
class ApiPace {
 public:
  // `usual`: what a request takes where the factor is 1.
  explicit ApiPace(Duration usual = std::chrono::milliseconds(4)) : usual_(usual) {}

  // A request was answered after `took`. The factor from then on: the median of
  // the last few requests over the usual, 0.5 to 100.
  double OnRequest(Duration took);
  // Whether any was.
  bool any() const { return !last_.empty(); }

 private:
  static constexpr std::size_t kRequests = 15;
  const Duration usual_;
  std::deque<Duration> last_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_API_PACE_H_
