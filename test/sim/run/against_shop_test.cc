// A recording of kube-controller-manager v1.36 beside a simulation of it.
#include "sim/run/against_recording.h"

#include <gtest/gtest.h>

#include "sim/trace/source_files.h"
#include "test/sanitized.h"
#include "test/sim/cli/cli_testing.h"
#include "test/sim/run/run_testing.h"

namespace epslice::sim {
namespace {

AgainstRecording RunShop(std::uint64_t seed) {
  auto reader = OpenTrace({SourcePath("test/testdata/shop/audit.jsonl.xz")});
  EXPECT_TRUE(reader.ok());
  auto result = RunAgainstRecording(reader->get(), {"kube-api-qps=500", "kube-api-burst=1000"}, seed);
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return *std::move(result);
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
  // The same again (not under sanitizers).
  for (int again = 1; again < epslice::testkit::Rounds(2, 1); ++again) EXPECT_EQ(RunShop(1).digest, result.digest);
}

}  // namespace
}  // namespace epslice::sim
