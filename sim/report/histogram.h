// LogHistogram: quantiles of durations in bounded memory.
//
// Buckets are 1/64 of a power of two wide, so a quantile is off by less than
// 1 % (1/128 of its value), whatever the number of values. Minimum, maximum,
// count and sum are exact. Whole numbers only: equal input gives equal output
// on any machine. Not thread-safe.
#ifndef EPSLICE_SIM_REPORT_HISTOGRAM_H_
#define EPSLICE_SIM_REPORT_HISTOGRAM_H_

#include <cstdint>
#include <vector>

#include "informers/clock.h"

namespace epslice::sim {

class LogHistogram {
 public:
  // What is below 0 counts as 0.
  void Add(Duration value);

  std::int64_t count() const { return count_; }
  Duration max() const { return max_; }
  double mean_seconds() const;
  // The value of rank ceil(hundredths * count / 100); 0 when there are none.
  Duration Percentile(int hundredths) const;

 private:
  std::vector<std::int64_t> counts_;
  std::int64_t count_ = 0;
  double sum_seconds_ = 0;
  Duration min_{0}, max_{0};
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_REPORT_HISTOGRAM_H_
