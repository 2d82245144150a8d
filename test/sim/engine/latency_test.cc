#include "sim/engine/latency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "sim/engine/scheduler.h"

namespace epslice::sim {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::vector<Duration> Draws(const Latency& latency, int n, std::uint64_t seed = 1) {
  Random random(seed);
  std::vector<Duration> draws;
  for (int i = 0; i < n; ++i) draws.push_back(latency.Draw(&random));
  std::sort(draws.begin(), draws.end());
  return draws;
}

TEST(LatencyTest, ReadsWhatItPrints) {
  const struct {
    std::string_view text;
    Latency want;
    std::string_view printed;
  } cases[] = {
      {"5ms", Latency::Constant(milliseconds(5)), "5ms"},
      {"0", Latency(), "0"},
      {" 1m30s ", Latency::Constant(seconds(90)), "90s"},
      {"0.25s", Latency::Constant(milliseconds(250)), "250ms"},
      {"24h", Latency::Constant(hours(24)), "24h"},
      {"uniform(1ms, 40ms)", Latency::Uniform(milliseconds(1), milliseconds(40)), "uniform(1ms, 40ms)"},
      {"uniform(0,1ns)", Latency::Uniform(nanoseconds(0), nanoseconds(1)), "uniform(0, 1ns)"},
      {"lognormal( 3ms , 20ms )", Latency::LogNormal(milliseconds(3), milliseconds(20)), "lognormal(3ms, 20ms)"},
      {"lognormal(250us, 250us)", Latency::LogNormal(microseconds(250), microseconds(250)), "lognormal(250us, 250us)"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Latency> got = Latency::Parse(c.text);
    ASSERT_TRUE(got.ok()) << c.text << ": " << got.status();
    EXPECT_EQ(*got, c.want) << c.text;
    EXPECT_EQ(got->ToString(), c.printed);
  }
}

TEST(LatencyTest, RefusesWhatIsNone) {
  for (std::string_view text : {"", "5", "ms", "-5ms", "5 ms", "1.2.3s", "25h", "1e3ms", "normal(1ms, 2ms)",
                                "uniform(1ms)", "uniform(2ms, 1ms)", "uniform(1ms, 2ms", "lognormal(0, 1ms)",
                                "lognormal(1ms, x)", "uniform()", "99999999999999999999h"}) {
    const absl::StatusOr<Latency> got = Latency::Parse(text);
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_NE(got.status().message().find("accepted are"), std::string_view::npos) << got.status();
  }
}

TEST(LatencyTest, DrawsAsItsKindSays) {
  EXPECT_EQ(Draws(Latency::Constant(milliseconds(3)), 10).back(), milliseconds(3));

  const auto uniform = Draws(Latency::Uniform(milliseconds(1), milliseconds(3)), 10'000);
  EXPECT_GE(uniform.front(), milliseconds(1));
  EXPECT_LE(uniform.back(), milliseconds(3));
  EXPECT_NEAR(static_cast<double>(uniform[5000].count()), 2e6, 5e4);

  const auto skewed = Draws(Latency::LogNormal(milliseconds(4), milliseconds(40)), 100'000);
  EXPECT_NEAR(static_cast<double>(skewed[50'000].count()), 4e6, 1e5);
  EXPECT_NEAR(static_cast<double>(skewed[99'000].count()), 40e6, 2e6);
  EXPECT_NEAR(static_cast<double>(skewed[1'000].count()), 0.4e6, 2e4);
  // 4 ms * 10^(3.0902 / 2.3263).
  EXPECT_NEAR(static_cast<double>(skewed.back().count()), 85.2e6, 0.1e6);
  EXPECT_EQ(Draws(Latency::LogNormal(milliseconds(4), milliseconds(4)), 9).back(), milliseconds(4));
}

// The very nanoseconds: they are to be the same on every machine.
TEST(LatencyTest, DrawsTheSameEverywhere) {
  Random random(7);
  const Latency latency = Latency::LogNormal(milliseconds(2), milliseconds(20));
  std::vector<std::int64_t> draws;
  for (int i = 0; i < 4; ++i) draws.push_back(latency.Draw(&random).count());
  EXPECT_EQ(draws, (std::vector<std::int64_t>{1516110, 243268, 7143895, 2460686}));
}

TEST(LatencyTest, TakesOneNumberWhateverTheKind) {
  for (const Latency& latency : {Latency(), Latency::Constant(seconds(1)), Latency::Uniform(seconds(1), seconds(2)),
                                 Latency::LogNormal(seconds(1), seconds(2))}) {
    Random a(5), b(5);
    latency.Draw(&a);
    b.Next();
    EXPECT_EQ(a.Next(), b.Next()) << latency.ToString();
  }
}

TEST(LatencyTest, Stretches) {
  EXPECT_EQ(Latency::Uniform(milliseconds(1), milliseconds(2)).Times(10),
            Latency::Uniform(milliseconds(10), milliseconds(20)));
  EXPECT_EQ(Latency::LogNormal(milliseconds(2), milliseconds(3)).Times(0.5).ToString(), "lognormal(1ms, 1500us)");
  EXPECT_EQ(Latency::Constant(seconds(1)).Times(1e30).ToString(), "1000000000s");
}

TEST(SchedulerTest, RunsByTimeAndThenInTheOrderScheduled) {
  Scheduler scheduler(Timestamp::FromSeconds(100));
  std::vector<int> ran;
  scheduler.At(seconds(2), [&] { ran.push_back(3); });
  scheduler.At(seconds(1), [&] {
    ran.push_back(1);
    // Past: at once, but after what is due.
    scheduler.At(Instant{0}, [&] { ran.push_back(2); });
    scheduler.After(seconds(1), [&] { ran.push_back(5); });
  });
  scheduler.At(seconds(2), [&] { ran.push_back(4); });
  scheduler.At(seconds(9), [&] { ran.push_back(9); });
  EXPECT_EQ(scheduler.next(), seconds(1));
  scheduler.RunUntil(seconds(5));
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(scheduler.now(), seconds(5));
  EXPECT_EQ(scheduler.clock().WallNow(), Timestamp::FromSeconds(105));
  EXPECT_EQ(scheduler.InstantOf(Timestamp::FromSeconds(109)), seconds(9));
  EXPECT_TRUE(scheduler.Step());
  EXPECT_EQ(scheduler.now(), seconds(9));
  EXPECT_FALSE(scheduler.Step());
  EXPECT_FALSE(scheduler.next().has_value());
  EXPECT_EQ(scheduler.events(), 6);
}

}  // namespace
}  // namespace epslice::sim
