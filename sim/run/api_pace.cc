#include "sim/run/api_pace.h"

#include <algorithm>

namespace epslice::sim {

namespace {

double Ratio(Duration took, Duration usual) {
  return static_cast<double>(took.count()) / static_cast<double>(usual.count());
}

}  // namespace

double ApiPace::OnRequest(Duration took) {
  last_.push_back(took);
  if (last_.size() > kLeastSamples) last_.pop_front();
  std::vector<Duration> sorted(last_.begin(), last_.end());
  std::sort(sorted.begin(), sorted.end());
  const Duration median = sorted[sorted.size() / 2];
  // The first requests of a log say little.
  if (last_.size() < kLeastSamples) return 1;
  return std::clamp(Ratio(median, usual_), 0.02, 100.0);
}

double ApiPace::OnShown(Duration took) {
  if (took % std::chrono::seconds(1) != Duration{0} && shown_.size() < kMostShown) {
    shown_.insert(std::upper_bound(shown_.begin(), shown_.end(), took), took);
  }
  return any_shown() ? std::clamp(Ratio(shown_[shown_.size() / 4], kUsuallyShown), 0.1, 100.0) : 1;
}

}  // namespace epslice::sim
