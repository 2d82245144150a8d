// Equal runs are equal: twice in one process, in two processes, and in any build
// on any machine, which test/golden/sim/runs.txt stands for (docs/simulator.md,
// "Equal runs"). Release and sanitizer builds are held against that one file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engine/digest.h"
#include "sim/run/run.h"
#include "sim/scenario/bundled.h"
#include "test/sim/cli/cli_testing.h"
#include "test/sim/run/run_testing.h"

namespace epslice::sim {
namespace {

using ::testing::IsEmpty;

RunSpec OfScenario(std::string_view name) {
  RunSpec spec;
  spec.scenario = std::string(name);
  return spec;
}

// The digest of what happened; one of all that the report says, but for the
// settings, whose list grows; and, to see by what runs differ, some numbers to
// the last digit.
std::string Fingerprint(std::string_view name, RunReport report) {
  constexpr const char* kNumbers[] = {
      "creates",       "updates",        "deletes",         "writeBytes", "fanOutBytes",    "syncs",
      "podToSliceP50", "podToSliceP99",  "podToProxiesMax", "fillRatio",  "hintedServices", "requests",
      "inZoneShare",   "crossZoneShare", "blackHoled",      "misrouted",  "maxOverload"};
  report.settings.clear();
  Digest whole;
  whole.Add(ToJson(report));
  std::string text = std::string(name) + "\n  digest " + report.digest + "\n  report " + whole.ToString() + "\n";
  for (const char* number : kNumbers) {
    const std::optional<double> value = Lookup(report, number);
    EXPECT_TRUE(value.has_value()) << number;
    char digits[64];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value.value_or(0));
    EXPECT_EQ(error, std::errc());
    text += std::string("  ") + number + " " + std::string(digits, end) + "\n";
  }
  return text;
}

// The second time beside all that the first runs left behind.
TEST(EqualRunsTest, GoldenOnAnyMachineAndTwiceInOneProcess) {
  std::string fingerprints;
  std::vector<std::string> reports;
  for (const EmbeddedFile& file : BundledScenarios()) {
    SCOPED_TRACE(file.name);
    const RunOutput output = Ran(OfScenario(file.name));
    EXPECT_TRUE(output.as_expected);
    EXPECT_THAT(output.report.notes, IsEmpty());
    EXPECT_GT(output.report.numbers.writes, 0);
    EXPECT_GT(output.report.numbers.requests, 0);
    reports.push_back(ToJson(output.report));
    const absl::StatusOr<RunReport> read = RunReportFromJson(reports.back());
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(ToJson(*read), reports.back());
    fingerprints += Fingerprint(file.name, output.report);
  }
  RunSpec shop;
  shop.sources = {SourcePath("test/testdata/shop/audit.jsonl.xz")};
  std::int64_t told = 0;
  const absl::StatusOr<RunOutput> output = RunOnce(shop, [&told](const RunProgress& at) { told += at.events > 0; });
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_GT(told, 0);
  const RunReport& recorded = output->report;
  EXPECT_EQ(recorded.numbers.services, 8);
  EXPECT_EQ(recorded.numbers.refused_writes, 0);
  EXPECT_FALSE(recorded.skipped.empty());
  ExpectGolden("sim/runs.txt", fingerprints + Fingerprint("shop audit log", recorded));

  for (std::size_t i = 0; i < reports.size(); ++i) {
    const std::string_view name = BundledScenarios()[i].name;
    EXPECT_EQ(ToJson(Ran(OfScenario(name)).report), reports[i]) << name;
  }
}

std::string OutputOf(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::string text;
  char buffer[65536];
  for (std::size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

// Two processes, whose memory lies elsewhere and holds other garbage, in other
// time zones and languages: the same to the last byte, as JSON.
TEST(EqualRunsTest, InTwoProcesses) {
  for (const EmbeddedFile& file : BundledScenarios()) {
    const std::string run =
        EPSLICE_BIN_DIR "/endpointslice-sim run -o json --scenario " + std::string(file.name) + " </dev/null";
    const std::string first = OutputOf("TZ=UTC LC_ALL=C " + run);
    EXPECT_THAT(first, ::testing::HasSubstr("\"digest\": \"")) << file.name;
    EXPECT_TRUE(OutputOf("TZ=Asia/Kathmandu LC_ALL=C.UTF-8 MALLOC_PERTURB_=85 " + run) == first) << file.name;
  }
}

}  // namespace
}  // namespace epslice::sim
