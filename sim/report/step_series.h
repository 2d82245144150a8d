// StepSeries: numbers over time, in steps of equal length that grow with the
// run. A part of the recorder.
#ifndef EPSLICE_SIM_REPORT_STEP_SERIES_H_
#define EPSLICE_SIM_REPORT_STEP_SERIES_H_

#include <cstddef>
#include <vector>

#include "informers/clock.h"
#include "sim/report/run_report.h"

namespace epslice::sim::internal {

// Steps begin at 0.1 s; when there would be more than `max_steps`, neighbours
// become one: sums are added, of maxima the highest counts, and of the numbers
// of slices and endpoints the latest.
class StepSeries {
 public:
  explicit StepSeries(std::size_t max_steps) : max_steps_(max_steps) {}

  // The step of an instant.
  StepNumbers& At(Instant now);
  // Calls add(step, part of the span within it) for [begin, end).
  template <typename Add>
  void Spread(Instant begin, Instant end, const Add& add) {
    if (end <= begin) return;
    At(end - Duration(1));  // may change the width
    while (begin < end) {
      const Instant next = (begin / width_ + 1) * width_;
      const Instant until = next < end ? next : end;
      add(At(begin), until - begin);
      begin = until;
    }
  }

  Duration width() const { return width_; }
  // All steps up to `end`. Mean queue depth is an integral here, in seconds.
  const std::vector<StepNumbers>& steps() const { return steps_; }

 private:
  void Widen();

  std::size_t max_steps_;
  std::size_t rung_ = 0;
  Duration width_ = std::chrono::milliseconds(100);
  std::vector<StepNumbers> steps_;
};

}  // namespace epslice::sim::internal

#endif  // EPSLICE_SIM_REPORT_STEP_SERIES_H_
