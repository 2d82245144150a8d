#include "sim/run/sweep.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "apis/concat.h"

namespace epslice::sim {
namespace {

constexpr std::int64_t kMostJobs = 1'000'000;
constexpr std::int64_t kMostShards = 100'000;

// Student's t, two-sided 95 %, by degrees of freedom.
double TQuantile(std::int64_t degrees) {
  static constexpr std::array<double, 30> kTable = {
      12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
      2.120,  2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  if (degrees < 1) return 0;
  if (degrees <= static_cast<std::int64_t>(kTable.size())) return kTable[static_cast<std::size_t>(degrees - 1)];
  return degrees <= 60 ? 2.021 : 1.980;
}

Band BandOf(const std::vector<double>& values) {
  Band band;
  band.n = static_cast<std::int64_t>(values.size());
  if (values.empty()) return band;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) band.mean += value / n;
  double squares = 0;
  for (const double value : values) squares += (value - band.mean) * (value - band.mean);
  const double half = values.size() < 2 ? 0 : TQuantile(band.n - 1) * std::sqrt(squares / (n - 1) / n);
  band.low = band.mean - half;
  band.high = band.mean + half;
  return band;
}

std::optional<std::int64_t> ParseWhole(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

absl::StatusOr<GridAxis> ParseGridAxis(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return absl::InvalidArgumentError(Concat("\"", text, "\" is no axis of a grid: key=value,value,..."));
  }
  GridAxis axis;
  axis.key = std::string(text.substr(0, equals));
  std::string value;
  int depth = 0;
  for (const char c : Concat(text.substr(equals + 1), ",")) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c != ',' || depth > 0) {
      value.push_back(c);
      continue;
    }
    if (value.empty()) return absl::InvalidArgumentError(Concat("grid of ", axis.key, ": an empty value"));
    if (std::find(axis.values.begin(), axis.values.end(), value) != axis.values.end()) {
      return absl::InvalidArgumentError(Concat("grid of ", axis.key, ": ", value, " is there twice"));
    }
    axis.values.push_back(std::move(value));
    value.clear();
  }
  if (depth != 0 || axis.values.empty())
    return absl::InvalidArgumentError(Concat("grid of ", axis.key, ": a bracket that is not closed"));
  return axis;
}

absl::Status SweepSpec::Check() const {
  std::set<std::string> keys;
  std::int64_t jobs = 1;
  for (const GridAxis& axis : axes) {
    if (!keys.insert(axis.key).second) return absl::InvalidArgumentError(Concat("grid of ", axis.key, ": given twice"));
    jobs *= static_cast<std::int64_t>(axis.values.size());
    if (jobs > kMostJobs) break;
  }
  if (seeds < 1 || seeds > kMostJobs) return absl::InvalidArgumentError("seeds: 1 to 1000000");
  if (jobs * seeds > kMostJobs) return absl::InvalidArgumentError("the grid has more than 1000000 runs");
  return absl::OkStatus();
}

std::int64_t SweepSpec::points() const {
  std::int64_t points = 1;
  for (const GridAxis& axis : axes) points *= static_cast<std::int64_t>(axis.values.size());
  return points;
}

SweepJob JobAt(const SweepSpec& spec, std::int64_t index) {
  SweepJob job;
  job.index = index;
  job.point = index / spec.seeds;
  job.seed = spec.first_seed + index % spec.seeds;
  std::int64_t rest = job.point;
  for (auto axis = spec.axes.rbegin(); axis != spec.axes.rend(); ++axis) {
    const auto n = static_cast<std::int64_t>(axis->values.size());
    job.settings.emplace_back(axis->key, axis->values[static_cast<std::size_t>(rest % n)]);
    rest /= n;
  }
  std::reverse(job.settings.begin(), job.settings.end());
  return job;
}

absl::StatusOr<Shard> ParseShard(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::optional<std::int64_t> i = ParseWhole(text.substr(0, slash));
    const std::optional<std::int64_t> n = ParseWhole(text.substr(slash + 1));
    if (i && n && *i >= 0 && *i < *n && *n <= kMostShards) return Shard{*i, *n};
  }
  return absl::InvalidArgumentError(Concat("\"", text, "\" is no shard: i/n with 0 <= i < n <= 100000"));
}

SweepTable Tabulate(const SweepSpec& spec, const SweepRows& rows) {
  SweepTable table;
  for (const GridAxis& axis : spec.axes) table.keys.push_back(axis.key);
  std::set<std::string> metrics;
  for (const auto& [job, row] : rows) {
    for (const auto& [name, value] : row.metrics) metrics.insert(name);
  }
  table.metrics.assign(metrics.begin(), metrics.end());
  for (std::int64_t point = 0; point < spec.points(); ++point) {
    SweepPoint out;
    out.settings = JobAt(spec, point * spec.seeds).settings;
    std::map<std::string, std::vector<double>> values;
    for (std::int64_t seed = 0; seed < spec.seeds; ++seed) {
      const auto row = rows.find(point * spec.seeds + seed);
      if (row == rows.end()) {
        ++table.missing;
        continue;
      }
      for (const auto& [name, value] : row->second.metrics) values[name].push_back(value);
    }
    for (const auto& [name, list] : values) out.metrics[name] = BandOf(list);
    table.points.push_back(std::move(out));
  }
  return table;
}

std::map<std::string, double> MetricsOf(const RunReport& report) {
  std::map<std::string, double> metrics;
  for (const NumberOf<RunNumbers>& number : RunNumberTable()) {
    metrics.emplace(number.name, report.numbers.*number.member);
  }
  if (!report.expectations.empty()) {
    const auto kept = std::count_if(report.expectations.begin(), report.expectations.end(),
                                    [](const RunReport::Expectation& e) { return e.pass; });
    metrics.emplace(kMetricKept, static_cast<double>(kept) / static_cast<double>(report.expectations.size()));
  }
  return metrics;
}

const std::vector<std::string>& HeadlineMetrics() {
  static const std::vector<std::string> kMetrics = {"writes",         "fanOutBytes",     "podToProxiesP99", "slices",
                                                    "crossZoneShare", "blackHoledShare", "maxOverload"};
  return kMetrics;
}

absl::Status RunJobs(const std::vector<SweepJob>& jobs, int threads,
                     const std::function<absl::StatusOr<SweepRow>(const SweepJob&)>& run,
                     const std::function<absl::Status(const SweepRow&)>& done) {
  std::atomic<std::size_t> next{0};
  std::mutex mu;
  absl::Status first_error;  // guarded by mu
  std::atomic<bool> failed{false};
  const auto work = [&] {
    while (!failed) {
      const std::size_t i = next++;
      if (i >= jobs.size()) return;
      const absl::StatusOr<SweepRow> row = run(jobs[i]);
      const std::lock_guard<std::mutex> lock(mu);
      if (!first_error.ok()) return;
      first_error = row.ok() ? done(*row) : row.status();
      failed = !first_error.ok();
    }
  };
  std::vector<std::thread> others;
  const auto useful = static_cast<int>(std::min<std::size_t>(jobs.size(), 1024));
  for (int i = 1; i < std::min(threads, useful); ++i) others.emplace_back(work);
  work();
  for (std::thread& thread : others) thread.join();
  return first_error;
}

}  // namespace epslice::sim
