#include "sim/report/step_series.h"

#include <algorithm>
#include <array>

namespace epslice::sim::internal {
namespace {

// 0.1, 0.2, 1, 2, 10, 30 s, 1, 5, 10, 30 min, 1, 2, 6, 12 h, 1 day, then twice
// as long each time.
constexpr std::array<int, 14> kLadder = {2, 5, 2, 5, 3, 2, 5, 2, 3, 2, 2, 3, 2, 2};

void Merge(const StepNumbers& next, StepNumbers* into) {
  for (const NumberOf<StepNumbers>& number : StepNumberTable()) {
    double& sum = into->*number.member;
    const double value = next.*number.member;
    if (number.member == &StepNumbers::max_queue_depth || number.member == &StepNumbers::max_overload) {
      sum = std::max(sum, value);
    } else if (number.member == &StepNumbers::slices || number.member == &StepNumbers::endpoints) {
      sum = value;
    } else {
      sum += value;
    }
  }
}

}  // namespace

StepNumbers& StepSeries::At(Instant now) {
  while (static_cast<std::size_t>(now / width_) >= max_steps_) Widen();
  const auto index = static_cast<std::size_t>(now / width_);
  while (steps_.size() <= index) {
    StepNumbers step;
    if (!steps_.empty()) {
      step.slices = steps_.back().slices;
      step.endpoints = steps_.back().endpoints;
    }
    steps_.push_back(step);
  }
  return steps_[index];
}

void StepSeries::Widen() {
  const int factor = rung_ < kLadder.size() ? kLadder[rung_] : 2;
  ++rung_;
  width_ *= factor;
  std::vector<StepNumbers> wider;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (i % static_cast<std::size_t>(factor) == 0) {
      wider.push_back(steps_[i]);
    } else {
      Merge(steps_[i], &wider.back());
    }
  }
  steps_ = std::move(wider);
}

}  // namespace epslice::sim::internal
