// Flags that run, sweep and compare share: what to simulate, and where the
// answer goes.
#ifndef EPSLICE_SIM_CLI_RUN_FLAGS_H_
#define EPSLICE_SIM_CLI_RUN_FLAGS_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/cli/command.h"
#include "sim/run/run.h"

namespace epslice::sim {

// -f TRACE, --scenario, --set, --duration.
class RunFlags {
 public:
  void AddTo(CLI::App* app);
  // Neither a trace nor a scenario: told to `streams`; false.
  bool Check(const Streams& streams) const;
  RunSpec Spec(const Streams& streams) const;
  const std::vector<std::string>& sources() const { return sources_; }
  const std::string& scenario() const { return scenario_; }
  const std::vector<std::string>& settings() const { return settings_; }
  bool has_duration() const { return !duration_.empty(); }
  // What a run depends on, the seed aside, one line each: with a digest of the
  // contents of all that is read (files of a directory, tables that a scenario
  // names), so that what was changed is another input. Reads it; an error where
  // that is not possible.
  absl::StatusOr<std::vector<std::string>> Inputs() const;

 private:
  std::vector<std::string> sources_;
  std::string scenario_;
  std::vector<std::string> settings_;
  std::string duration_;
};

// --seed N: of a run, or of both of a comparison.
void AddSeedFlag(CLI::App* app, std::optional<std::uint64_t>* seed, const std::string& help);

enum class ReportFormat { kTable, kJson, kYaml, kCsv, kHtml };

// -o FORMAT, --out FILE.
class ReportFlags {
 public:
  explicit ReportFlags(bool with_csv = true) : with_csv_(with_csv) {}
  void AddTo(CLI::App* app);
  ReportFormat format() const;
  // Into --out, or to `streams.out`. Returns the exit code: kExitOk, or
  // kExitBadInput where the file cannot be written.
  int Write(std::string_view text, const Streams& streams) const;

 private:
  const bool with_csv_;
  std::string format_ = "table";
  std::string file_;
};

// Whether what goes to `out` is seen by a person at once.
bool IsTerminal(const std::ostream& out);

// One line that is written over and over, on a terminal only: a sweep's and a
// run's progress. Erased at the end.
class ProgressLine {
 public:
  ProgressLine(const Streams& streams, bool quiet);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  bool on() const { return on_; }
  // At most some times a second.
  void Show(const std::string& text);
  // Since this was made.
  double seconds() const;

 private:
  std::ostream& err_;
  const bool on_;
  const Instant begin_;
  Instant last_{0};
  bool shown_ = false;
};

// "1d 02:03:04", of simulated time.
std::string ClockText(Duration time);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_RUN_FLAGS_H_
