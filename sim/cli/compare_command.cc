#include "sim/cli/compare_command.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "apis/concat.h"
#include "sim/cli/run_flags.h"
#include "sim/report/compare_report.h"
#include "sim/report/html_report.h"
#include "sim/report/structured.h"
#include "sim/run/run.h"
#include "sim/trace/source_files.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kMostReportBytes = std::size_t{1} << 30;

class CompareCommand : public Command {
 public:
  std::string_view name() const override { return "compare"; }
  std::string_view summary() const override { return "what differs between two runs"; }
  void AddFlags(CLI::App* app) override {
    run_.AddTo(app);
    report_.AddTo(app);
    app->add_option("reports", files_, "two reports that \"run -o json\" wrote: the baseline and the variant")
        ->type_name("BASELINE VARIANT");
    AddSide(app, "--baseline", "a setting of the first run only", &baseline_);
    AddSide(app, "--variant", "a setting of the second run only", &variant_);
    AddSeedFlag(app, &seed_, "of both runs; left out: the scenario's, or 1");
    app->add_flag("--quiet", quiet_, "no progress on the terminal");
  }

  int Run(const Streams& streams) override {
    absl::StatusOr<std::pair<RunReport, RunReport>> reports = absl::InvalidArgumentError("");
    if (!files_.empty()) {
      if (files_.size() != 2) return BadInput(streams, "compare: two reports are needed, the baseline and the variant");
      if (!run_.sources().empty() || !run_.scenario().empty() || !run_.settings().empty() || !baseline_.empty() ||
          !variant_.empty() || seed_ || run_.has_duration()) {
        return BadInput(streams, "compare: two reports, or what to run, not both");
      }
      reports = ReadBoth();
    } else {
      if (!run_.Check(streams)) return kExitBadInput;
      if (baseline_.empty() && variant_.empty()) {
        return BadInput(streams, "compare: --variant KEY=VALUE is needed (or --baseline): in what the runs differ");
      }
      reports = RunBoth(streams);
    }
    if (!reports.ok()) return BadInput(streams, Concat("compare: ", std::string(reports.status().message())));
    return Write(reports->first, reports->second, streams);
  }

 private:
  static void AddSide(CLI::App* app, const char* name, const char* help, std::vector<std::string>* settings) {
    app->add_option(name, *settings, Concat(help, "; may be given again"))
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("KEY=VALUE");
  }

  absl::StatusOr<std::pair<RunReport, RunReport>> ReadBoth() const {
    std::pair<RunReport, RunReport> reports;
    for (const bool first : {true, false}) {
      const std::string& file = files_[first ? 0 : 1];
      const auto in_file = [&file](const absl::Status& status) {
        return absl::Status(status.code(), Concat(file, ": ", std::string(status.message())));
      };
      const absl::StatusOr<std::string> text = ReadSourceFile(file, nullptr, kMostReportBytes);
      if (!text.ok()) return in_file(text.status());
      absl::StatusOr<RunReport> report = RunReportFromJson(*text);
      if (!report.ok()) return in_file(report.status());
      (first ? reports.first : reports.second) = *std::move(report);
    }
    return reports;
  }

  absl::StatusOr<std::pair<RunReport, RunReport>> RunBoth(const Streams& streams) const {
    for (const std::string& source : run_.sources()) {
      if (source == "-") return absl::InvalidArgumentError("standard input can be read once only: name a file");
    }
    std::pair<RunReport, RunReport> reports;
    ProgressLine progress(streams, quiet_);
    for (const bool first : {true, false}) {
      RunSpec spec = run_.Spec(streams);
      spec.seed = seed_;
      const std::vector<std::string>& own = first ? baseline_ : variant_;
      spec.settings.insert(spec.settings.end(), own.begin(), own.end());
      absl::StatusOr<RunOutput> output = RunOnce(spec, [&](const RunProgress& at) {
        progress.Show(Concat(first ? "baseline" : "variant", ", simulated ", ClockText(at.now)));
      });
      if (!output.ok()) return output.status();
      (first ? reports.first : reports.second) = std::move(output->report);
    }
    return reports;
  }

  int Write(const RunReport& baseline, const RunReport& variant, const Streams& streams) const {
    const CompareReport report = Compare(baseline, variant);
    std::ostringstream text;
    switch (report_.format()) {
      case ReportFormat::kJson: PrintStructured(ToJson(report), OutputFormat::kJson, text); break;
      case ReportFormat::kYaml: PrintStructured(ToJson(report), OutputFormat::kYaml, text); break;
      case ReportFormat::kHtml: text << HtmlPage({"", &variant, &baseline, nullptr}); break;
      case ReportFormat::kCsv:  // is no form of it
      case ReportFormat::kTable: PrintComparison(report, text); break;
    }
    const int written = report_.Write(text.str(), streams);
    return written == kExitOk && !report.as_expected() ? kExitNotAllWell : written;
  }

  RunFlags run_;
  ReportFlags report_{/*with_csv=*/false};
  std::vector<std::string> files_;
  std::vector<std::string> baseline_, variant_;
  std::optional<std::uint64_t> seed_;
  bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeCompareCommand() { return std::make_unique<CompareCommand>(); }

}  // namespace epslice::sim
