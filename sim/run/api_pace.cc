#include "sim/run/api_pace.h"

#include <algorithm>
#include <vector>

namespace epslice::sim {

double ApiPace::OnRequest(Duration took) {
  last_.push_back(took);
  if (last_.size() > kRequests) last_.pop_front();
  std::vector<Duration> sorted(last_.begin(), last_.end());
  std::sort(sorted.begin(), sorted.end());
  const Duration median = sorted[sorted.size() / 2];
  // The first requests of a log say little.
  if (last_.size() < kRequests) return 1;
  return std::clamp(static_cast<double>(median.count()) / static_cast<double>(usual_.count()), 0.5, 100.0);
}

}  // namespace epslice::sim
