// Expectations: "crossZoneShare < 0.2", what a run must keep for its exit code
// to be 0.
#ifndef EPSLICE_SIM_SCENARIO_EXPECTATION_H_
#define EPSLICE_SIM_SCENARIO_EXPECTATION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace epslice::sim {

struct Expectation {
  enum class Op : std::uint8_t { kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kEqual, kNotEqual };
  std::string metric;  // "crossZoneShare", "services.shop/web.maxOverload"
  Op op = Op::kLess;
  double value = 0;
  int line = 0;  // 0: not from a file

  // As it is written: "crossZoneShare < 0.2".
  std::string ToString() const;
};

// METRIC OP NUMBER, with < <= > >= == !=. The number may be a percentage
// ("20%" is 0.2) or a duration ("250ms" is 0.25: seconds). InvalidArgument says
// what is accepted.
absl::StatusOr<Expectation> ParseExpectation(std::string_view text);

struct ExpectationResult {
  Expectation expectation;
  // What the run had; nullopt: it has no such number, and the expectation is
  // not kept.
  std::optional<double> actual;
  bool kept = false;
  // "crossZoneShare < 0.2: kept, it is 0.125".
  std::string ToString() const;
};

// In their order. `lookup` gives the number of that name, as
// docs/report.md defines it.
std::vector<ExpectationResult> Evaluate(const std::vector<Expectation>& expectations,
                                        const std::function<std::optional<double>(std::string_view metric)>& lookup);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_EXPECTATION_H_
