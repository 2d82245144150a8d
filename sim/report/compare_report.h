// The difference of two runs: a baseline and a variant. Values only.
#ifndef EPSLICE_SIM_REPORT_COMPARE_REPORT_H_
#define EPSLICE_SIM_REPORT_COMPARE_REPORT_H_

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "sim/report/run_report.h"

namespace epslice::sim {

struct NumberDifference {
  std::string path;  // as Lookup() takes it
  std::string unit;
  // nullopt: that run has no such number (a Service or zone that it lacks).
  std::optional<double> baseline, variant;

  // What is not there counts as 0.
  double difference() const { return variant.value_or(0) - baseline.value_or(0); }
  // variant / baseline; nullopt where the baseline is 0 or not there.
  std::optional<double> ratio() const;
};

struct CompareReport {
  static constexpr std::string_view kKind = "CompareReport";
  static constexpr std::string_view kApiVersion = "epslice.dev/v1";

  struct Run {
    std::string name;
    std::uint64_t seed = 0;
    std::string digest;
  };
  Run baseline, variant;
  bool same() const { return baseline.digest == variant.digest; }
  // Settings whose values are not the same; "" where there is no such setting.
  struct Setting {
    std::string key, baseline, variant;
  };
  std::vector<Setting> settings;
  // Of the scenario; unset where that run's had another one.
  struct Expected {
    std::string text;
    std::optional<RunReport::Expectation> baseline, variant;
  };
  std::vector<Expected> expectations;
  // The variant keeps all of its own.
  bool as_expected() const;
  std::vector<NumberDifference> numbers;  // of the run: all, in their order
  std::vector<NumberDifference> zones;    // all, by zone
  // Of Services: for each number the ten that differ most, the most first, of
  // equals by name; none that differ by no more than rounding.
  std::vector<NumberDifference> services;
};

CompareReport Compare(const RunReport& baseline, const RunReport& variant);

// JSON without white space.
std::string ToJson(const CompareReport& report);
// For people: what differs, and that nothing does.
void PrintComparison(const CompareReport& report, std::ostream& out);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_REPORT_COMPARE_REPORT_H_
