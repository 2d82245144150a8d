// Latency: how long something takes, drawn from a seeded generator.
//
// No function of the maths library takes part: the quantiles are interpolated
// from a table with additions, multiplications and divisions, which are exact
// everywhere, so that equal seeds give equal nanoseconds on any machine.
#ifndef EPSLICE_SIM_ENGINE_LATENCY_H_
#define EPSLICE_SIM_ENGINE_LATENCY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/random.h"

namespace epslice::sim {

class Latency {
 public:
  // Always 0.
  Latency() = default;
  static Latency Constant(Duration value);
  // Evenly between the two.
  static Latency Uniform(Duration low, Duration high);
  // Log-normal by its median and its 99th percentile (at least the median);
  // drawn values end at the 99.9th percentile.
  static Latency LogNormal(Duration median, Duration p99);

  // "5ms", "uniform(1ms, 40ms)", "lognormal(3ms, 20ms)" (median, p99).
  // Durations are Go's ("1m30s", "0", "250us"), from 0 to a day.
  // InvalidArgument says what is wrong and what is accepted.
  static absl::StatusOr<Latency> Parse(std::string_view text);
  // In the form that Parse() takes.
  std::string ToString() const;

  // Takes one number from `random`, whatever the kind.
  Duration Draw(Random* random) const;
  // Stretched: a slow API server is this times as slow.
  Latency Times(double factor) const;

  friend bool operator==(const Latency&, const Latency&) = default;

 private:
  enum class Kind : std::uint8_t { kConstant, kUniform, kLogNormal };
  Kind kind_ = Kind::kConstant;
  // The constant; low and high; median and 99th percentile.
  Duration a_{0}, b_{0};
  // Log-normal: ln(p99 / median).
  double log_ratio_ = 0;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_ENGINE_LATENCY_H_
