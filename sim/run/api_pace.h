// ApiPace: how fast the recorded API server was, from moment to moment.
//
// An audit log tells of each request when it came and when it was answered.
// Where these grow longer the machines were busy, and so were watches and the
// controller's writes: the simulated ones are stretched alike. Traces that tell of
// no requests (`record`) still tell how soon the slices followed the pods; the
// quick ones among them had to wait for nothing but the server.
#ifndef EPSLICE_SIM_RUN_API_PACE_H_
#define EPSLICE_SIM_RUN_API_PACE_H_

#include <cstddef>
#include <deque>
#include <vector>

#include "informers/clock.h"

namespace epslice::sim {

// Not thread-safe.
class ApiPace {
 public:
  // `usual`: what a request takes where the factor is 1.
  explicit ApiPace(Duration usual = std::chrono::milliseconds(4)) : usual_(usual) {}

  // A request was answered after `took`. The factor from then on: the median of
  // the last few requests over the usual, 0.02 to 100.
  double OnRequest(Duration took);
  // Whether any was.
  bool any() const { return !last_.empty(); }

  // A slice showed a change of a pod after `took`; for traces without requests.
  // The factor from then on: the lower quartile of all so far over the usual,
  // 0.1 to 100; of the first ten thousand. Times that are of whole seconds tell
  // nothing.
  double OnShown(Duration took);
  bool any_shown() const { return shown_.size() >= kLeastSamples; }

 private:
  static constexpr std::size_t kLeastSamples = 15;
  static constexpr std::size_t kMostShown = 10'000;
  // The lower quartile of ShowLatency where the factor is 1 (against_recording.h's
  // settings).
  static constexpr Duration kUsuallyShown = std::chrono::milliseconds(5);
  const Duration usual_;
  std::deque<Duration> last_;
  std::vector<Duration> shown_;  // sorted
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_API_PACE_H_
