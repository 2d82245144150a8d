#include "sim/cli/flags.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <utility>

#include "apis/names.h"
#include "sim/report/table.h"

namespace epslice::sim {
namespace {

constexpr int kMostEndpointsPerSlice = 1000;

// A flag whose value `parse` turns into a T, or says what is accepted.
template <typename T>
void AddParsed(CLI::App* app, const std::string& name, T* target, const std::string& help, const char* type,
               const std::string& preset, std::function<absl::StatusOr<T>(const std::string&)> parse) {
  const auto read = [name, target, parse = std::move(parse)](const CLI::results_t& results) {
    const absl::StatusOr<T> value = parse(results.back());
    if (!value.ok()) throw CLI::ValidationError(name + ": " + std::string(value.status().message()));
    *target = *value;
    return true;
  };
  app->add_option(name, CLI::callback_t(read), help)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->default_str(preset)
      ->type_name(type);
}

}  // namespace

void InputFlags::AddTo(CLI::App* app) {
  app->add_option("-f,--filename", files_,
                  "what to read: a file, a directory (every .json, .jsonl, .yaml, .yml in it, also .gz, .zst, .xz), "
                  "or - for standard input; may be given again")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FILE");
}

std::optional<Dump> InputFlags::Read(const Streams& streams, DumpOptions options) const {
  // Checked here and not by CLI11, which would say so before it speaks of an
  // unknown flag.
  if (files_.empty()) {
    BadInput(streams, "-f FILE is needed: a file, a directory, or - for standard input");
    return std::nullopt;
  }
  options.standard_input = &streams.in;
  absl::StatusOr<Dump> dump = ReadDump(files_, options);
  if (!dump.ok()) {
    BadInput(streams, std::string(dump.status().message()));
    return std::nullopt;
  }
  for (const std::string& note : dump->notes) streams.err << "endpointslice-sim: note: " << Printable(note) << '\n';
  return *std::move(dump);
}

void OutputFlags::AddTo(CLI::App* app) {
  app->add_option("-o,--output", format_, "the form of the output: table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str()
      ->type_name("FORMAT");
}

OutputFormat OutputFlags::format() const {
  if (format_ == "json") return OutputFormat::kJson;
  if (format_ == "yaml") return OutputFormat::kYaml;
  return OutputFormat::kTable;
}

void ControllerFlags::AddTo(CLI::App* app) {
  app->add_option("--max-endpoints-per-slice", max_endpoints_per_slice_,
                  "the most endpoints that are put into one EndpointSlice, 1 to 1000")
      ->check(CLI::Range(1, kMostEndpointsPerSlice))
      ->capture_default_str()
      ->type_name("N");
  app->add_option("--controller-name", controller_name_, "the managed-by label of the slices that are ours")
      ->check([](const std::string& name) -> std::string {
        if (!name.empty() && IsLabelValue(name)) return {};
        return "\"" + name + "\" is no label value (at most 63 letters, digits, '-', '_' and '.')";
      })
      ->capture_default_str()
      ->type_name("NAME");
  AddParsed<HintsPolicy>(
      app, "--hints-policy", &hints_.policy,
      "how hints in proportion to CPU are made: reference or resilient; a Service's annotation goes before it",
      "POLICY", "reference", ParseHintsPolicy);
  AddParsed<Millionths>(app, "--hints-unknown-nodes", &hints_.unknown_nodes,
                        "resilient hints stay while at most this share of the Ready nodes has no zone or CPU", "SHARE",
                        "20%", [](const std::string& text) { return ParseShare(text, kOne); });
  AddParsed<Millionths>(app, "--hints-overload-threshold", &hints_.overload_threshold,
                        "by how much an endpoint's expected load may exceed that of an even spread", "SHARE", "0.2",
                        [](const std::string& text) { return ParseShare(text, kMaxThreshold); });
}

ReconcileConfig ControllerFlags::config() const {
  ReconcileConfig config;
  config.max_endpoints_per_slice = max_endpoints_per_slice_;
  config.controller_name = Text::Intern(controller_name_);
  config.hints = hints_;
  return config;
}

}  // namespace epslice::sim
