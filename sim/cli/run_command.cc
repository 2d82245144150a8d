#include "sim/cli/run_command.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/cli/flags.h"
#include "sim/run/against_recording.h"
#include "sim/run/settings.h"
#include "sim/trace/trace.h"

namespace epslice::sim {
namespace {

class RunCommand : public Command {
 public:
  std::string_view name() const override { return "run"; }
  std::string_view summary() const override { return "simulate what a trace tells"; }
  void AddFlags(CLI::App* app) override {
    app->add_option("-f,--filename", sources_,
                    "the trace: a file, a directory, PRESET:FILE for a CSV, or - for standard input; may be given "
                    "again (docs/traces.md)")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("TRACE");
    app->add_option("--set", settings_, "a setting of the controller or of a model; may be given again")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("KEY=VALUE");
    app->add_option("--seed", seed_, "everything random comes from it")->capture_default_str()->type_name("N");
    app->add_flag("--against-recording", against_recording_,
                  "compare with what the controller wrote whose work the trace shows");
    output_.AddTo(app);
  }

  int Run(const Streams& streams) override {
    if (sources_.empty()) return BadInput(streams, "-f TRACE is needed: a file, a directory, or - for standard input");
    if (!against_recording_) return BadInput(streams, "--against-recording is needed");
    Settings settings = RecordedControllerSettings();
    for (const std::string& pair : settings_) {
      if (absl::Status s = settings.SetPair(pair); !s.ok()) {
        return BadInput(streams, "--set: " + std::string(s.message()));
      }
    }
    TraceOptions options;
    options.standard_input = &streams.in;
    options.seed = seed_;
    absl::StatusOr<std::unique_ptr<TraceReader>> reader = OpenTrace(sources_, options);
    if (!reader.ok()) return BadInput(streams, std::string(reader.status().message()));
    const absl::StatusOr<AgainstRecording> result = RunAgainstRecording(reader->get(), settings, seed_);
    if (!result.ok()) return BadInput(streams, std::string(result.status().message()));
    if (output_.format() == OutputFormat::kTable) {
      PrintTable(*result, streams.out);
    } else {
      PrintStructured(ToJson(*result), output_.format(), streams.out);
    }
    return result->differences.empty() ? kExitOk : kExitNotAllWell;
  }

 private:
  std::vector<std::string> sources_;
  std::vector<std::string> settings_;
  std::uint64_t seed_ = 1;
  bool against_recording_ = false;
  OutputFlags output_;
};

}  // namespace

std::unique_ptr<Command> MakeRunCommand() { return std::make_unique<RunCommand>(); }

}  // namespace epslice::sim
