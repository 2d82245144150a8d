// Sweeps: the same run over a grid of settings and seeds.
//
// The grid is expanded into jobs in a fixed order (the last key of the grid
// turns fastest, seeds innermost), so that any machine can take any share of
// them. What a job measured is one line of JSON in a state file, after a first
// line that says which sweep it is; a sweep that was cut off goes on from its
// file, and files of several shards are merged by putting them together.
// Effects (files, threads, the runs themselves) are the caller's; all here is
// pure, but for RunJobs().
#ifndef EPSLICE_SIM_RUN_SWEEP_H_
#define EPSLICE_SIM_RUN_SWEEP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sim/report/run_report.h"

namespace epslice::sim {

// "--grid key=v1,v2,v3". A comma inside parentheses does not separate:
// "watch-latency=2ms,uniform(1ms,9ms)".
struct GridAxis {
  std::string key;
  std::vector<std::string> values;
  friend bool operator==(const GridAxis&, const GridAxis&) = default;
};
// InvalidArgument: no key, no value, an empty or repeated value.
absl::StatusOr<GridAxis> ParseGridAxis(std::string_view text);

struct SweepSpec {
  std::vector<GridAxis> axes;
  std::int64_t first_seed = 1;
  std::int64_t seeds = 1;
  // What else the runs depend on (traces, scenario, --set), one line each: two
  // files belong together only where these agree.
  std::vector<std::string> inputs;
  friend bool operator==(const SweepSpec&, const SweepSpec&) = default;

  // InvalidArgument for a key twice, too many jobs (1,000,000), or no seeds.
  absl::Status Check() const;
  std::int64_t points() const;
  std::int64_t jobs() const { return points() * seeds; }
};

struct SweepJob {
  std::int64_t index = 0;  // in the order of the sweep
  std::int64_t point = 0;
  std::int64_t seed = 1;
  std::vector<std::pair<std::string, std::string>> settings;  // of the point, as the axes stand
};
SweepJob JobAt(const SweepSpec& spec, std::int64_t index);

// Shard `i` of `n` (0-based) has the jobs whose index is i modulo n.
struct Shard {
  std::int64_t i = 0, n = 1;
};
// "i/n", 0 <= i < n <= 100,000.
absl::StatusOr<Shard> ParseShard(std::string_view text);

struct SweepRow {
  std::int64_t job = 0;
  std::string digest;
  std::map<std::string, double> metrics;
  friend bool operator==(const SweepRow&, const SweepRow&) = default;
};
// By job.
using SweepRows = std::map<std::int64_t, SweepRow>;

// The lines of a state file, with their line ends.
std::string HeaderLine(const SweepSpec& spec);
std::string RowLine(const SweepRow& row);

// Reads a state file; `name` is what errors call it. `spec` and `rows` are
// added to: the first file sets the spec, others must agree with it; a job that
// is there already must have measured the same. A last line without its end is
// left out (the writer was cut off); `complete_bytes` is what comes before it.
absl::Status ReadState(std::string_view name, std::string_view text, SweepSpec* spec, bool* have_spec, SweepRows* rows,
                       std::size_t* complete_bytes = nullptr);

// Of one metric at one point, over the seeds.
struct Band {
  std::int64_t n = 0;
  double mean = 0;
  // The 95 % confidence interval of the mean (Student's t); equal to the mean
  // where there is one seed.
  double low = 0, high = 0;
};
struct SweepPoint {
  std::vector<std::pair<std::string, std::string>> settings;
  std::map<std::string, Band> metrics;
};
struct SweepTable {
  std::vector<std::string> keys;     // of the axes
  std::vector<std::string> metrics;  // by name
  std::vector<SweepPoint> points;
  std::int64_t missing = 0;  // jobs without a row
};
SweepTable Tabulate(const SweepSpec& spec, const SweepRows& rows);

// {"kind":"SweepReport","apiVersion":"epslice.dev/v1","keys":[...],"points":[
//  {"settings":{...},"metrics":{"name":{"n","mean","low","high"}}}],"missing":N}
std::string SweepJson(const SweepTable& table);
// One row for each point and metric: the settings, metric, n, mean, low, high.
std::string SweepCsv(const SweepTable& table);

// The numbers of a run that make a row, by name; and those that a table shows
// when nobody asks for others.
// Where there are expectations `kMetricKept`, too: the share of them that is kept.
inline constexpr char kMetricKept[] = "expectationsKept";
std::map<std::string, double> MetricsOf(const RunReport& report);
const std::vector<std::string>& HeadlineMetrics();

// Runs `jobs` in `threads` threads. `run` is called from them, and must be
// thread-safe; `done` is called for each job under one lock, in the order they
// end. The first error of either ends the sweep, after the jobs that run.
absl::Status RunJobs(const std::vector<SweepJob>& jobs, int threads,
                     const std::function<absl::StatusOr<SweepRow>(const SweepJob&)>& run,
                     const std::function<absl::Status(const SweepRow&)>& done);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_SWEEP_H_
