#include "sim/cli/sweep_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "apis/concat.h"
#include "sim/cli/run_flags.h"
#include "sim/report/html_report.h"
#include "sim/report/run_report.h"
#include "sim/report/structured.h"
#include "sim/report/table.h"
#include "sim/run/sweep.h"
#include "sim/trace/source_files.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kMostStateBytes = std::size_t{4} << 30;

std::string Short(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

// "12.3", or "12.3 [11.9, 12.7]" where there are several seeds.
std::string BandText(const Band& band) {
  if (band.n == 0) return "";
  if (band.n == 1) return Short(band.mean);
  return Concat(Short(band.mean), " [", Short(band.low), ", ", Short(band.high), "]");
}

// How a sweep's table is printed; `shown` are the metrics of the text form.
class SweepOutput {
 public:
  void AddTo(CLI::App* app) {
    report_.AddTo(app);
    app->add_option("--metric", shown_,
                    "a number of the table (docs/report.md lists them); the other forms have all; may be given again")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("NAME");
  }

  int Write(const SweepTable& table, const Streams& streams) const {
    for (const std::string& name : shown_) {
      if (!std::binary_search(table.metrics.begin(), table.metrics.end(), name)) {
        return BadInput(streams, Concat("--metric ", name, ": no run has this number (docs/report.md lists them)"));
      }
    }
    switch (report_.format()) {
      case ReportFormat::kJson: return report_.Write(IndentJson(SweepJson(table)), streams);
      case ReportFormat::kYaml: return report_.Write(JsonToYaml(SweepJson(table)), streams);
      case ReportFormat::kCsv: return report_.Write(SweepCsv(table), streams);
      case ReportFormat::kHtml: return report_.Write(PageOf(table), streams);
      case ReportFormat::kTable: break;
    }
    std::ostringstream text;
    TableOf(table).Print(text);
    return report_.Write(text.str(), streams);
  }

 private:
  std::vector<std::string> Shown(const SweepTable& table) const {
    if (!shown_.empty()) return shown_;
    std::vector<std::string> shown = HeadlineMetrics();
    if (std::binary_search(table.metrics.begin(), table.metrics.end(), kMetricKept)) shown.emplace_back(kMetricKept);
    return shown;
  }

  // The page's table has the columns of the text form; its chart any number.
  std::string PageOf(const SweepTable& table) const {
    HtmlSweep sweep;
    sweep.parameters = table.keys;
    sweep.metrics = table.metrics;
    sweep.shown = Shown(table);
    for (const SweepPoint& point : table.points) {
      HtmlSweep::Row row;
      for (const auto& [key, value] : point.settings) row.values.push_back(value);
      for (const std::string& name : sweep.metrics) {
        const auto band = point.metrics.find(name);
        if (band == point.metrics.end()) break;  // runs are missing
        row.runs = band->second.n;
        row.bands.push_back({band->second.mean, band->second.low, band->second.high});
      }
      if (row.bands.size() == sweep.metrics.size()) sweep.rows.push_back(std::move(row));
    }
    return HtmlPage({"Sweep", nullptr, nullptr, &sweep});
  }

  Table TableOf(const SweepTable& table) const {
    const std::vector<std::string> shown = Shown(table);
    std::vector<std::string> header = table.keys;
    header.insert(header.end(), shown.begin(), shown.end());
    Table out(header);
    for (const SweepPoint& point : table.points) {
      std::vector<std::string> cells;
      for (const auto& [key, value] : point.settings) cells.push_back(Printable(value));
      for (const std::string& name : shown) {
        const auto band = point.metrics.find(name);
        cells.push_back(band == point.metrics.end() ? "" : BandText(band->second));
      }
      out.Add(std::move(cells));
    }
    return out;
  }

  ReportFlags report_;
  std::vector<std::string> shown_;
};

// The file that keeps what was measured. Without a name it keeps nothing.
class StateFile {
 public:
  // Reads what is there, and opens it for more.
  absl::Status Open(const std::string& name, SweepSpec* spec, SweepRows* rows) {
    if (name.empty()) return absl::OkStatus();
    name_ = name;
    std::error_code error;
    std::size_t complete = 0;
    if (std::filesystem::exists(name, error)) {
      const absl::StatusOr<std::string> text = ReadSourceFile(name, nullptr, kMostStateBytes);
      if (!text.ok())
        return absl::Status(text.status().code(), Concat(name, ": ", std::string(text.status().message())));
      bool have_spec = true;
      absl::Status read = ReadState(name, *text, spec, &have_spec, rows, &complete);
      if (!read.ok()) return read;
      std::filesystem::resize_file(name, complete, error);
      if (error) return Unwritable();
    }
    out_.open(name, std::ios::binary | std::ios::app);
    if (complete == 0) out_ << HeaderLine(*spec) << std::flush;
    return out_ ? absl::OkStatus() : Unwritable();
  }
  absl::Status Add(const SweepRow& row) {
    if (name_.empty()) return absl::OkStatus();
    out_ << RowLine(row) << std::flush;
    return out_ ? absl::OkStatus() : Unwritable();
  }

 private:
  absl::Status Unwritable() const { return absl::InvalidArgumentError(Concat(name_, ": cannot be written")); }
  std::string name_;
  std::ofstream out_;
};

class SweepCommand : public Command {
 public:
  std::string_view name() const override { return "sweep"; }
  std::string_view summary() const override {
    return "simulate the same over a grid of settings and seeds, on all cores";
  }
  void AddFlags(CLI::App* app) override {
    run_.AddTo(app);
    output_.AddTo(app);
    app->add_option("--grid", grid_, "a setting and the values to try; may be given again, for all combinations")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("KEY=VALUE,VALUE,...");
    app->add_option("--seed", first_seed_, "the first seed")
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 62))
        ->capture_default_str();
    app->add_option("--seeds", seeds_, "how many seeds each point is run with; more than one gives confidence bands")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    app->add_option("--jobs", jobs_, "runs at a time; 0: as many as there are cores")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    app->add_option("--state", state_, "keep what was measured in this file, and go on from what is in it")
        ->type_name("FILE");
    app->add_option("--shard", shard_, "do the i-th of n parts only, from 0; merge puts them together")
        ->type_name("i/n");
    app->add_option("--shards", shards_, "as --shard, with i from the environment's JOB_COMPLETION_INDEX")
        ->check(CLI::Range(1, 100'000));
    app->add_flag("--quiet", quiet_, "no progress on the terminal");
  }

  int Run(const Streams& streams) override {
    if (!run_.Check(streams)) return kExitBadInput;
    absl::StatusOr<SweepSpec> spec = Spec();
    if (!spec.ok()) return BadInput(streams, Concat("sweep: ", std::string(spec.status().message())));
    const absl::StatusOr<Shard> shard = ShardOf();
    if (!shard.ok()) return BadInput(streams, Concat("sweep: ", std::string(shard.status().message())));
    if (shard->n > 1 && state_.empty()) {
      return BadInput(streams, "sweep: a shard needs --state FILE, for merge to read");
    }
    SweepRows rows;
    StateFile state;
    absl::Status status = state.Open(state_, &*spec, &rows);
    if (!status.ok()) return BadInput(streams, Concat("sweep: ", std::string(status.message())));
    std::vector<SweepJob> jobs;
    for (std::int64_t i = shard->i; i < spec->jobs(); i += shard->n) {
      if (!rows.contains(i)) jobs.push_back(JobAt(*spec, i));
    }
    status = RunAll(jobs, streams, &state, &rows);
    if (!status.ok()) return BadInput(streams, Concat("sweep: ", std::string(status.message())));
    if (shard->n == 1) return output_.Write(Tabulate(*spec, rows), streams);
    streams.err << "endpointslice-sim: shard " << shard->i << " of " << shard->n << " is done: " << jobs.size()
                << " runs added to " << Printable(state_) << '\n';
    return kExitOk;
  }

 private:
  absl::StatusOr<SweepSpec> Spec() const {
    SweepSpec spec;
    for (const std::string& text : grid_) {
      absl::StatusOr<GridAxis> axis = ParseGridAxis(text);
      if (!axis.ok()) return axis.status();
      for (const std::string& value : axis->values) {
        const absl::Status known = Settings().Set(axis->key, value);
        if (!known.ok()) return known;
      }
      spec.axes.push_back(*std::move(axis));
    }
    spec.first_seed = first_seed_;
    spec.seeds = seeds_;
    const absl::Status good = spec.Check();
    if (!good.ok()) return good;
    const std::vector<std::string>& sources = run_.sources();
    if (run_.scenario() == "-" || std::count(sources.begin(), sources.end(), "-") > 0) {
      return absl::InvalidArgumentError("standard input can be read once only: name a file");
    }
    if (state_.empty()) return spec;
    absl::StatusOr<std::vector<std::string>> inputs = run_.Inputs();
    if (!inputs.ok()) return inputs.status();
    spec.inputs = *std::move(inputs);
    return spec;
  }

  absl::StatusOr<Shard> ShardOf() const {
    if (!shard_.empty() && shards_ > 0) return absl::InvalidArgumentError("--shard or --shards, not both");
    if (!shard_.empty()) return ParseShard(shard_);
    if (shards_ == 0) return Shard{};
    const char* index = std::getenv("JOB_COMPLETION_INDEX");  // NOLINT(concurrency-mt-unsafe): one thread by now
    if (index == nullptr) return absl::InvalidArgumentError("--shards: the environment has no JOB_COMPLETION_INDEX");
    return ParseShard(Concat(std::string_view(index), "/", shards_));
  }

  absl::Status RunAll(const std::vector<SweepJob>& jobs, const Streams& streams, StateFile* state,
                      SweepRows* rows) const {
    ProgressLine progress(streams, quiet_);
    std::size_t ended = 0;
    const auto run = [&](const SweepJob& job) -> absl::StatusOr<SweepRow> {
      RunSpec spec = run_.Spec(streams);
      for (const auto& [key, value] : job.settings) spec.settings.push_back(Concat(key, "=", value));
      spec.seed = static_cast<std::uint64_t>(job.seed);
      const absl::StatusOr<RunOutput> output = RunOnce(spec, nullptr);
      if (!output.ok()) return output.status();
      return SweepRow{job.index, output->report.digest, MetricsOf(output->report)};
    };
    const auto done = [&](const SweepRow& row) {
      rows->emplace(row.job, row);
      ++ended;
      const double left = progress.seconds() / static_cast<double>(ended) * static_cast<double>(jobs.size() - ended);
      progress.Show(Concat(ended, " of ", jobs.size(), " runs, ",
                           ClockText(Duration(static_cast<std::int64_t>(left * 1e9))), " to go"));
      return state->Add(row);
    };
    const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    return RunJobs(jobs, jobs_ == 0 ? cores : jobs_, run, done);
  }

  RunFlags run_;
  SweepOutput output_;
  std::vector<std::string> grid_;
  std::int64_t first_seed_ = 1;
  std::int64_t seeds_ = 1;
  int jobs_ = 0;
  std::string state_;
  std::string shard_;
  int shards_ = 0;
  bool quiet_ = false;
};

class MergeCommand : public Command {
 public:
  std::string_view name() const override { return "merge"; }
  std::string_view summary() const override { return "put the state files of a sweep's shards together"; }
  void AddFlags(CLI::App* app) override {
    app->add_option("-f,--filename", files_,
                    "a state file, or a directory with such files (.jsonl); may be given again")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("FILE");
    output_.AddTo(app);
  }

  int Run(const Streams& streams) override {
    if (files_.empty()) return BadInput(streams, "merge: -f FILE is needed: the state files of a sweep");
    const absl::StatusOr<std::vector<std::string>> files = ListSourceFiles(files_);
    if (!files.ok()) return BadInput(streams, Concat("merge: ", std::string(files.status().message())));
    SweepSpec spec;
    bool have_spec = false;
    SweepRows rows;
    for (const std::string& file : *files) {
      const absl::StatusOr<std::string> text = ReadSourceFile(file, &streams.in, kMostStateBytes);
      if (!text.ok()) return BadInput(streams, Concat("merge: ", file, ": ", std::string(text.status().message())));
      const absl::Status read = ReadState(file, *text, &spec, &have_spec, &rows);
      if (!read.ok()) return BadInput(streams, Concat("merge: ", std::string(read.message())));
    }
    if (!have_spec) return BadInput(streams, "merge: no file has a sweep's header");
    const SweepTable table = Tabulate(spec, rows);
    if (const int code = output_.Write(table, streams); code != kExitOk) return code;
    if (table.missing == 0) return kExitOk;
    streams.err << "endpointslice-sim: " << table.missing << " of " << spec.jobs() << " runs are missing\n";
    return kExitNotAllWell;
  }

 private:
  std::vector<std::string> files_;
  SweepOutput output_;
};

}  // namespace

std::unique_ptr<Command> MakeSweepCommand() { return std::make_unique<SweepCommand>(); }
std::unique_ptr<Command> MakeMergeCommand() { return std::make_unique<MergeCommand>(); }

}  // namespace epslice::sim
