#include "sim/cli/run_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "apis/concat.h"
#include "sim/cli/run_flags.h"
#include "sim/report/html_report.h"
#include "sim/report/structured.h"
#include "sim/report/table.h"
#include "sim/run/against_recording.h"
#include "sim/run/run.h"
#include "sim/scenario/bundled.h"
#include "sim/trace/trace.h"

namespace epslice::sim {
namespace {

class RunCommand : public Command {
 public:
  std::string_view name() const override { return "run"; }
  std::string_view summary() const override { return "simulate a trace or a scenario, and report what came of it"; }
  void AddFlags(CLI::App* app) override {
    run_.AddTo(app);
    report_.AddTo(app);
    AddSeedFlag(app, &seed_, "everything random comes from it; left out: the scenario's, or 1");
    app->add_flag("--against-recording", against_recording_,
                  "compare with what the controller wrote whose work the trace shows");
    app->add_flag("--list-scenarios", list_scenarios_, "print the scenarios that come with the program");
    app->add_flag("--list-settings", list_settings_, "print what --set takes");
    app->add_flag("--quiet", quiet_, "no progress on the terminal");
  }

  int Run(const Streams& streams) override {
    if (list_scenarios_) return ListScenarios(streams);
    if (list_settings_) return ListSettings(streams);
    if (!run_.Check(streams)) return kExitBadInput;
    if (against_recording_) return CompareWithRecording(streams);
    RunSpec spec = run_.Spec(streams);
    spec.seed = seed_;
    absl::StatusOr<RunOutput> output = absl::InvalidArgumentError("");
    {
      ProgressLine progress(streams, quiet_);
      InputBytes bytes;
      spec.bytes = &bytes;
      output = RunOnce(spec, [&](const RunProgress& at) { ShowProgress(at, bytes, &progress); });
      spec.bytes = nullptr;
    }
    if (!output.ok()) return BadInput(streams, std::string(output.status().message()));
    if (const int code = WriteReport(output->report, streams); code != kExitOk) return code;
    return output->as_expected ? kExitOk : kExitNotAllWell;
  }

 private:
  static int ListScenarios(const Streams& streams) {
    Table table({"SCENARIO", "WHAT IT SHOWS"});
    for (const EmbeddedFile& file : BundledScenarios()) {
      const absl::StatusOr<Scenario> scenario = LoadScenario(std::string(file.name));
      table.Add({std::string(file.name), scenario.ok() ? scenario->description : ""});
    }
    table.Print(streams.out);
    return kExitOk;
  }

  static int ListSettings(const Streams& streams) {
    Table table({"KEY", "PRESET", "ACCEPTED", "MEANING"});
    for (const SettingDoc& doc : AllSettings()) table.Add({doc.key, doc.preset, doc.accepts, doc.meaning});
    table.Print(streams.out);
    return kExitOk;
  }

  static void ShowProgress(const RunProgress& at, const InputBytes& bytes, ProgressLine* progress) {
    if (!progress->on()) return;
    const double seconds = progress->seconds();
    std::string text = Concat("simulated ", ClockText(at.now));
    // How much of the run is over: by its end, else by what was read of the trace.
    std::optional<double> share;
    if (at.end) {
      text += Concat(" of ", ClockText(*at.end));
      share = static_cast<double>(at.now.count()) / static_cast<double>(std::max<std::int64_t>(at.end->count(), 1));
    } else if ((share = bytes.Share())) {
      text += Concat(", ", static_cast<int>(*share * 100), "% of the trace read");
    }
    if (seconds > 0)
      text += Concat(", ", static_cast<std::int64_t>(static_cast<double>(at.events) / seconds), " events/s");
    if (share && *share > 0) {
      const double left = seconds * (1 - *share) / *share;
      text += Concat(", ", ClockText(Duration(static_cast<std::int64_t>(left * 1e9))), " to go");
    }
    progress->Show(text);
  }

  int WriteReport(const RunReport& report, const Streams& streams) const {
    std::ostringstream text;
    switch (report_.format()) {
      case ReportFormat::kJson: PrintStructured(ToJson(report), OutputFormat::kJson, text); break;
      case ReportFormat::kYaml: PrintStructured(ToJson(report), OutputFormat::kYaml, text); break;
      case ReportFormat::kCsv: PrintCsv(report, text); break;
      case ReportFormat::kHtml: text << HtmlPage({"", &report, nullptr, nullptr}); break;
      case ReportFormat::kTable: PrintReport(report, text); break;
    }
    return report_.Write(text.str(), streams);
  }

  int CompareWithRecording(const Streams& streams) const {
    if (!run_.scenario().empty() || run_.sources().empty()) {
      return BadInput(streams, "--against-recording takes a trace and no scenario");
    }
    if (run_.has_duration()) {
      return BadInput(streams, "--against-recording takes no --duration: it compares up to the end of the trace");
    }
    Settings settings;  // errors of these come before those of the trace
    for (const std::string& pair : run_.settings()) {
      const absl::Status set = settings.SetPair(pair);
      if (!set.ok()) return BadInput(streams, Concat("--set: ", std::string(set.message())));
    }
    const std::uint64_t seed = seed_.value_or(1);
    TraceOptions options;
    options.standard_input = &streams.in;
    options.seed = seed;
    const absl::StatusOr<std::unique_ptr<TraceReader>> reader = OpenTrace(run_.sources(), options);
    if (!reader.ok()) return BadInput(streams, std::string(reader.status().message()));
    const absl::StatusOr<AgainstRecording> result = RunAgainstRecording(reader->get(), run_.settings(), seed);
    if (!result.ok()) return BadInput(streams, std::string(result.status().message()));
    std::ostringstream text;
    switch (report_.format()) {
      case ReportFormat::kTable: PrintTable(*result, text); break;
      case ReportFormat::kJson: PrintStructured(ToJson(*result), OutputFormat::kJson, text); break;
      case ReportFormat::kYaml: PrintStructured(ToJson(*result), OutputFormat::kYaml, text); break;
      default: return BadInput(streams, "--against-recording is printed as table, json or yaml");
    }
    if (const int code = report_.Write(text.str(), streams); code != kExitOk) return code;
    return result->differences.empty() ? kExitOk : kExitNotAllWell;
  }

  RunFlags run_;
  ReportFlags report_;
  std::optional<std::uint64_t> seed_;
  bool against_recording_ = false;
  bool list_scenarios_ = false;
  bool list_settings_ = false;
  bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeRunCommand() { return std::make_unique<RunCommand>(); }

}  // namespace epslice::sim
