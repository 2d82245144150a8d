// A recording of kube-controller-manager v1.36 beside a simulation of it.
#include "sim/run/against_recording.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "sim/run/settings.h"
#include "test/sim/cli/cli_testing.h"

namespace epslice::sim {
namespace {

AgainstRecording RunShop(std::uint64_t seed) {
  Settings settings = RecordedControllerSettings();
  EXPECT_TRUE(settings.SetPair("kube-api-qps=500").ok());
  EXPECT_TRUE(settings.SetPair("kube-api-burst=1000").ok());
  auto reader = OpenTrace({SourcePath("test/testdata/shop/audit.jsonl.xz")});
  EXPECT_TRUE(reader.ok());
  auto result = RunAgainstRecording(reader->get(), settings, seed);
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return *std::move(result);
}

bool Within(double share, std::int64_t recorded, std::int64_t simulated) {
  return std::abs(static_cast<double>(simulated - recorded)) <= share * static_cast<double>(recorded);
}

TEST(AgainstRecordingTest, ShopIsFollowedClosely) {
  const AgainstRecording result = RunShop(1);
  EXPECT_EQ(result.RecordedTotal().all(), 2183);
  EXPECT_TRUE(Within(0.05, 2183, result.SimulatedTotal().all())) << result.SimulatedTotal().all();
  EXPECT_EQ(result.writes.size(), 7u);
  for (const auto& w : result.writes) {
    EXPECT_TRUE(Within(0.1, w.recorded.all(), w.simulated.all()))
        << w.service.ToString() << ": " << w.recorded.all() << " recorded, " << w.simulated.all() << " simulated";
  }
  const auto ratio = [](std::int64_t a, std::int64_t b) { return static_cast<double>(a) / static_cast<double>(b); };
  for (const double r : {ratio(result.recorded_latency.p50, result.simulated_latency.p50),
                         ratio(result.recorded_latency.p90, result.simulated_latency.p90)}) {
    EXPECT_GT(r, 0.5);
    EXPECT_LT(r, 2);
  }
  for (const auto& d : result.differences) ADD_FAILURE() << d.service.ToString() << ": " << d.what;
  EXPECT_EQ(RunShop(1).digest, result.digest);
}

TEST(AgainstRecordingTest, SaysWhenThereIsNothingToCompareWith) {
  auto reader = OpenTrace({SourcePath("test/testdata/shop/pods.json")});
  ASSERT_TRUE(reader.ok());
  const auto result = RunAgainstRecording(reader->get(), RecordedControllerSettings(), 1);
  EXPECT_NE(std::string(result.status().message()).find("nothing to compare with"), std::string::npos);
}

TEST(SettingsTest, EverySettingTakesItsOwnValueAndRefusesOthers) {
  for (const SettingDoc& doc : AllSettings()) {
    Settings settings;
    EXPECT_TRUE(settings.Set(doc.key, doc.preset).ok()) << doc.key << "=" << doc.preset;
    const absl::Status bad = settings.Set(doc.key, "-1 bananas");
    EXPECT_NE(std::string(bad.message()).find(doc.accepts), std::string::npos) << doc.key;
    EXPECT_EQ(settings.Effective(), Settings().Effective()) << doc.key;
  }
  Settings settings;
  EXPECT_TRUE(settings.SetPair("max-endpoints-per-slice=50").ok());
  EXPECT_EQ(settings.simulation.controller.reconcile.max_endpoints_per_slice, 50);
  EXPECT_FALSE(settings.SetPair("max-endpoints-per-slices=50").ok());
  EXPECT_FALSE(settings.SetPair("max-endpoints-per-slice").ok());
}

TEST(RunCommandTest, BadInputIsOneLine) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{"run"},
                                               {"run", "-f", "x"},
                                               {"run", "-f", "nowhere", "--against-recording"},
                                               {"run", "-f", "x", "--against-recording", "--set", "colour=red"}}) {
    const CliResult result = RunCliTest(args);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

}  // namespace
}  // namespace epslice::sim
