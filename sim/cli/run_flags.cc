#include "sim/cli/run_flags.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "apis/concat.h"
#include "sim/engine/digest.h"
#include "sim/scenario/bundled.h"
#include "sim/trace/source_files.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;

Instant RealNow() { return RealClock().Now(); }

absl::Status AddContents(const std::string& file, Digest* digest) {
  std::ifstream in(file, std::ios::binary);
  std::string block(kBlock, '\0');
  while (in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    digest->Add(std::string_view(block).substr(0, static_cast<std::size_t>(in.gcount())));
  }
  return in.eof() ? absl::OkStatus() : absl::NotFoundError(Concat(file, ": cannot be read"));
}

}  // namespace

void RunFlags::AddTo(CLI::App* app) {
  app->add_option("-f,--filename", sources_,
                  "a trace: a file, a directory, or - for standard input; its format is told from its bytes, a CSV is "
                  "named with its preset (alibaba-dlrm:FILE); may be given again")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("TRACE");
  app->add_option("--scenario", scenario_, "what happens: a file, or the name of a bundled one (run --list-scenarios)")
      ->type_name("SCENARIO");
  app->add_option("--set", settings_,
                  "a setting of the controller, by the name of its flag, or of a model (run --list-settings); may be "
                  "given again")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("KEY=VALUE");
  app->add_option("--duration", duration_, "how much time to simulate: 90s, 1h30m")
      ->check([](const std::string& text) {
        const std::optional<Duration> span = ParseSpan(text);
        return span && *span > Duration::zero() ? std::string() : "\"" + text + "\" is no duration (90s, 1h30m)";
      })
      ->type_name("DURATION");
}

void AddSeedFlag(CLI::App* app, std::optional<std::uint64_t>* seed, const std::string& help) {
  app->add_option("--seed", *seed, help)
      ->check([](const std::string& text) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc() && end == text.data() + text.size()) return std::string();
        return "\"" + text + "\" is no seed (0 to 18446744073709551615)";
      })
      ->type_name("N");
}

bool RunFlags::Check(const Streams& streams) const {
  if (!sources_.empty() || !scenario_.empty()) return true;
  BadInput(streams, "-f TRACE or --scenario SCENARIO is needed, or both");
  return false;
}

RunSpec RunFlags::Spec(const Streams& streams) const {
  RunSpec spec;
  spec.sources = sources_;
  spec.standard_input = &streams.in;
  spec.scenario = scenario_;
  spec.settings = settings_;
  if (!duration_.empty()) spec.duration = *ParseSpan(duration_);
  return spec;
}

absl::StatusOr<std::vector<std::string>> RunFlags::Inputs() const {
  std::vector<std::string> inputs;
  const auto add = [&inputs](std::string_view what, const std::string& name, const std::string& digest) {
    inputs.push_back(Concat(what, " ", std::filesystem::path(name).filename().string(), ", ", digest));
  };
  for (const std::string& source : sources_) {
    std::error_code error;
    const std::size_t preset = std::filesystem::exists(source, error) ? std::string::npos : source.rfind(':');
    const absl::StatusOr<TraceFiles> found =
        ListTraceFiles({preset == std::string::npos ? source : source.substr(preset + 1)});
    if (!found.ok()) return found.status();
    Digest digest;
    for (const TraceFiles::File& file : found->files) {
      if (absl::Status s = AddContents(file.path, &digest); !s.ok()) return s;
    }
    add("trace", source, digest.ToString());
  }
  if (!scenario_.empty()) {
    const absl::StatusOr<Scenario> scenario = LoadScenario(scenario_);
    if (!scenario.ok()) return scenario.status();
    add("scenario", scenario_, scenario->digest);
  }
  for (const std::string& setting : settings_) inputs.push_back(Concat("set ", setting));
  if (!duration_.empty()) inputs.push_back(Concat("duration ", duration_));
  return inputs;
}

void ReportFlags::AddTo(CLI::App* app) {
  std::vector<std::string> forms = {"table", "json", "yaml", "html"};
  if (with_csv_) forms.insert(forms.end() - 1, "csv");
  app->add_option("-o,--output", format_,
                  Concat("the form of the report: table, json, yaml", with_csv_ ? ", csv" : "", " or html"))
      ->check(CLI::IsMember(forms))
      ->capture_default_str()
      ->type_name("FORMAT");
  app->add_option("--out", file_, "the file that the report goes to; left out: standard output")->type_name("FILE");
}

ReportFormat ReportFlags::format() const {
  if (format_ == "json") return ReportFormat::kJson;
  if (format_ == "yaml") return ReportFormat::kYaml;
  if (format_ == "csv") return ReportFormat::kCsv;
  return format_ == "html" ? ReportFormat::kHtml : ReportFormat::kTable;
}

int ReportFlags::Write(std::string_view text, const Streams& streams) const {
  if (file_.empty()) {
    streams.out << text;
    return kExitOk;
  }
  std::ofstream out(file_, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  return out ? kExitOk : BadInput(streams, Concat(file_, ": cannot be written"));
}

bool IsTerminal(const std::ostream& out) {
  if (&out == &std::cerr) return isatty(STDERR_FILENO) == 1;
  return &out == &std::cout && isatty(STDOUT_FILENO) == 1;
}

ProgressLine::ProgressLine(const Streams& streams, bool quiet)
    : err_(streams.err), on_(!quiet && IsTerminal(streams.err)), begin_(RealNow()) {}

ProgressLine::~ProgressLine() {
  if (shown_) err_ << "\r\x1b[K" << std::flush;
}

void ProgressLine::Show(const std::string& text) {
  const Instant now = RealNow();
  if (!on_ || (shown_ && now - last_ < std::chrono::milliseconds(200))) return;
  last_ = now;
  shown_ = true;
  err_ << '\r' << text << "\x1b[K" << std::flush;
}

double ProgressLine::seconds() const { return static_cast<double>((RealNow() - begin_).count()) * 1e-9; }

std::string ClockText(Duration time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d", static_cast<int>(seconds / 3600 % 24),
                static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  const auto days = seconds / 86'400;
  return days == 0 ? std::string(text.data()) : Concat(days, "d ", text.data());
}

}  // namespace epslice::sim
