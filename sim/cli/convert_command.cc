#include "sim/cli/convert_command.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "apis/concat.h"
#include "sim/report/table.h"
#include "sim/trace/compressed_file.h"
#include "sim/trace/trace.h"
#include "sim/trace/trace_writer.h"

namespace epslice::sim {
namespace {

class ConvertCommand : public Command {
 public:
  std::string_view name() const override { return "convert"; }
  std::string_view summary() const override { return "write a trace of any format as JSON lines"; }
  void AddFlags(CLI::App* app) override {
    app->add_option(
           "-f,--filename", sources_,
           "the trace: a file, a directory, PRESET:FILE for a CSV, or - for standard input; may be given again")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("TRACE");
    app->add_option("-o,--output", output_,
                    "where to write it, compressed where the name ends in .gz, .zst or .xz; - is standard output")
        ->capture_default_str()
        ->type_name("FILE");
    app->add_option("--seed", seed_, "what has to be made up comes from it")->capture_default_str()->type_name("N");
  }

  int Run(const Streams& streams) override {
    if (sources_.empty()) return BadInput(streams, "-f TRACE is needed: a file, a directory, or - for standard input");
    TraceOptions options;
    options.standard_input = &streams.in;
    options.seed = seed_;
    options.keep_json = true;
    absl::StatusOr<std::unique_ptr<TraceReader>> reader = OpenTrace(sources_, options);
    if (!reader.ok()) return BadInput(streams, std::string(reader.status().message()));
    if (output_ == "-") return Write(reader->get(), streams, &streams.out);
    const absl::StatusOr<std::unique_ptr<OutputFile>> file = OpenOutputFile(output_);
    if (!file.ok()) return BadInput(streams, Concat("-o: ", output_, " ", std::string(file.status().message())));
    const int code = Write(reader->get(), streams, &(*file)->stream());
    const absl::Status closed = (*file)->Close();
    if (code != kExitOk) RemoveOutput();
    return code != kExitOk || closed.ok()
               ? code
               : BadInput(streams, Concat("-o: ", output_, " ", std::string(closed.message())));
  }

 private:
  // No half of a trace stays behind. What is no file (a pipe) is left alone.
  void RemoveOutput() const {
    std::error_code error;
    if (std::filesystem::is_regular_file(output_, error)) std::filesystem::remove(output_, error);
  }

  static int Write(TraceReader* reader, const Streams& streams, std::ostream* out) {
    TraceWriter writer(out);
    writer.Header();
    TraceEvent event;
    while (true) {
      const absl::StatusOr<bool> more = reader->Next(&event);
      if (!more.ok()) return BadInput(streams, std::string(more.status().message()));
      if (!*more) break;
      writer.Write(event);
      if (!*out) return BadInput(streams, "the output could not be written");
    }
    // What was made up and skipped is complete after the last event: a header of
    // its own.
    const TraceSummary summary = reader->summary();
    if (!summary.made_up.empty() || !summary.skipped.empty() || !summary.notes.empty()) writer.Header(summary);
    streams.err << "endpointslice-sim: " << summary.format << ": " << summary.start_objects << " objects, "
                << summary.events << " events\n";
    for (const std::string& what : summary.made_up) streams.err << "made up: " << Printable(what) << '\n';
    for (const auto& [why, count] : summary.skipped)
      streams.err << "skipped: " << count << ' ' << Printable(why) << '\n';
    for (const std::string& note : summary.notes) streams.err << "note: " << Printable(note) << '\n';
    return kExitOk;
  }

  std::vector<std::string> sources_;
  std::string output_ = "-";
  std::uint64_t seed_ = 1;
};

}  // namespace

std::unique_ptr<Command> MakeConvertCommand() { return std::make_unique<ConvertCommand>(); }

}  // namespace epslice::sim
