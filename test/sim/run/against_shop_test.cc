// A recording of kube-controller-manager v1.36 beside a simulation of it.
#include "sim/run/against_recording.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "sim/trace/decompress.h"
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

// The slices tell where its nodes are, but not that some are not Ready for a while:
// what the recorded controller wrote for that (to hinted Services) is missing.
TEST(AgainstRecordingTest, ShopWithoutItsNodes) {
  const auto bytes = ReadSourceFile(SourcePath("test/testdata/shop/audit.jsonl.xz"), nullptr, 16 << 20);
  ASSERT_TRUE(bytes.ok());
  const auto whole = Decompress(Compression::kXz, *bytes);
  ASSERT_TRUE(whole.ok());
  std::string log;
  for (std::size_t at = 0, end = 0; at < whole->size(); at = end) {
    end = std::min(whole->find('\n', at), whole->size() - 1) + 1;
    const std::string_view line = std::string_view(*whole).substr(at, end - at);
    if (line.find(R"("resource":"nodes")") == line.npos) log += line;
  }
  auto reader = OpenTraceText("shop", log);
  ASSERT_TRUE(reader.ok());
  const auto result = RunAgainstRecording(reader->get(), {"kube-api-qps=500", "kube-api-burst=1000"}, 1);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_TRUE(Within(0.05, 2183, result->SimulatedTotal().all())) << result->SimulatedTotal().all();
  for (const auto& w : result->writes) {
    EXPECT_TRUE(Within(0.25, w.recorded.all(), w.simulated.all()))
        << w.service.ToString() << ": " << w.recorded.all() << " recorded, " << w.simulated.all() << " simulated";
  }
  for (const auto& d : result->differences) ADD_FAILURE() << d.service.ToString() << ": " << d.what;
  ASSERT_EQ(result->trace.made_up.size(), 1u);
  EXPECT_EQ(result->trace.made_up[0].find("30 nodes, from the endpoints of slices"), 0u);
  ASSERT_EQ(result->notes.size(), 1u);
  EXPECT_EQ(result->notes[0].find("of 4 Services (the first: shop/cart) the hints are not compared"), 0u);
}

}  // namespace
}  // namespace epslice::sim
