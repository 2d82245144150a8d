#include "controllers/manager/log.h"

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace epslice {
namespace {

// 2025-11-23T00:14:05.123456789Z
constexpr Timestamp kWhen{1'763'856'845'123'456'789};

class LogTest : public testing::Test {
 protected:
  Logger Make(LogFormat format, int verbosity = 2) {
    return Logger({format, verbosity, 12345}, &clock_, [this](std::string_view line) {
      std::lock_guard<std::mutex> lock(mu_);
      lines_ += line;
    });
  }
  FakeClock clock_{kWhen};
  std::mutex mu_;
  std::string lines_;  // guarded by mu_ while threads log
};

TEST_F(LogTest, TextIsKlogs) {
  Logger log = Make(LogFormat::kText);
  log.Info(2, "Synced",
           {{"service", ObjectKey{"shop", "cart"}}, {"creates", 1}, {"ok", true}, {"duration", Duration(1'200'000)}},
           "a/b/live_runner.cc", 88);
  log.Warning("Failed", {{"err", "no route"}}, "x.cc", 7);
  log.Error("Broken", {}, "x.cc", 8);
  EXPECT_EQ(lines_,
            "I1123 00:14:05.123456   12345 live_runner.cc:88] \"Synced\" service=\"shop/cart\" creates=1 ok=true "
            "duration=\"1.2ms\"\n"
            "W1123 00:14:05.123456   12345 x.cc:7] \"Failed\" err=\"no route\"\n"
            "E1123 00:14:05.123456   12345 x.cc:8] \"Broken\"\n");
}

TEST_F(LogTest, JsonIsOneObjectALine) {
  Logger log = Make(LogFormat::kJson);
  log.Info(2, "Synced", {{"service", ObjectKey{"shop", "cart"}}, {"creates", 1}}, "a/live_runner.cc", 88);
  log.Error("Broken", {{"err", "a \"quoted\" one"}}, "x.cc", 8);
  EXPECT_EQ(lines_,
            "{\"ts\":1763856845123.456,\"level\":\"info\",\"caller\":\"live_runner.cc:88\",\"msg\":\"Synced\",\"v\":2,"
            "\"service\":\"shop/cart\",\"creates\":1}\n"
            "{\"ts\":1763856845123.456,\"level\":\"error\",\"caller\":\"x.cc:8\",\"msg\":\"Broken\","
            "\"err\":\"a \\\"quoted\\\" one\"}\n");
}

TEST_F(LogTest, VerbosityHoldsBackInfoOnly) {
  Logger log = Make(LogFormat::kText, 1);
  EXPECT_TRUE(log.Enabled(1));
  EXPECT_FALSE(log.Enabled(2));
  log.Info(2, "hidden");
  EXPECT_EQ(lines_, "");
  log.Info(1, "shown");
  log.Warning("shown");
  log.Error("shown");
  EXPECT_EQ(std::count(lines_.begin(), lines_.end(), '\n'), 3);
}

TEST_F(LogTest, NamesTheCaller) {
  Logger log = Make(LogFormat::kText);
  log.Info(0, "here");
  EXPECT_THAT(lines_, testing::HasSubstr(" log_test.cc:" + std::to_string(__LINE__ - 1) + "] "));
}

struct HostileCase {
  std::string value, text, json;
};

class HostileLogTest : public LogTest, public testing::WithParamInterface<HostileCase> {};

TEST_P(HostileLogTest, CannotForgeALine) {
  const HostileCase& c = GetParam();
  Make(LogFormat::kText).Info(0, "m", {{"k", c.value}}, "x.cc", 1);
  EXPECT_EQ(lines_, "I1123 00:14:05.123456   12345 x.cc:1] \"m\" k=" + c.text + "\n");
  lines_.clear();
  Make(LogFormat::kJson).Info(0, "m", {{"k", c.value}}, "x.cc", 1);
  EXPECT_THAT(lines_, testing::EndsWith(",\"v\":0,\"k\":" + c.json + "}\n"));
  EXPECT_EQ(std::count(lines_.begin(), lines_.end(), '\n'), 1);
  EXPECT_TRUE(nlohmann::json::accept(lines_)) << lines_;
}

INSTANTIATE_TEST_SUITE_P(
    Values, HostileLogTest,
    testing::Values(HostileCase{"a\nE0101 00:00:00.000000 1 x.cc:1] \"Forged\"",
                                "\"a\\nE0101 00:00:00.000000 1 x.cc:1] \\\"Forged\\\"\"",
                                "\"a\\nE0101 00:00:00.000000 1 x.cc:1] \\\"Forged\\\"\""},
                    HostileCase{"\" admin=\"true", "\"\\\" admin=\\\"true\"", "\"\\\" admin=\\\"true\""},
                    HostileCase{"back\\slash", "\"back\\\\slash\"", "\"back\\\\slash\""},
                    HostileCase{"\t\r\x1b[2J\x7f", "\"\\t\\r\\u001b[2J\\u007f\"", "\"\\t\\r\\u001b[2J\\u007f\""},
                    HostileCase{std::string("\0", 1), "\"\\u0000\"", "\"\\u0000\""},
                    HostileCase{"süß 日本 \U0001f600", "\"süß 日本 \U0001f600\"", "\"süß 日本 \U0001f600\""},
                    // Next line, line separator, right-to-left override, byte order mark.
                    HostileCase{"\u0085\u2028\u202e\ufeff", "\"\\u0085\\u2028\\u202e\\ufeff\"",
                                "\"\\u0085\\u2028\\u202e\\ufeff\""},
                    // Not UTF-8: a lone byte, an overlong slash, a surrogate, a cut character.
                    HostileCase{"\xff", "\"\\xff\"", "\"\xef\xbf\xbd\""},
                    HostileCase{"\xc0\xaf", "\"\\xc0\\xaf\"", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
                    HostileCase{"\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
                    HostileCase{"a\xe6\x97", "\"a\\xe6\\x97\"", "\"a\xef\xbf\xbd\xef\xbf\xbd\""}));

TEST_F(LogTest, CutsLongValues) {
  Make(LogFormat::kText).Info(0, "m", {{"k", std::string(100'000, 'a')}}, "x.cc", 1);
  EXPECT_LT(lines_.size(), kMaxLogValue + 100);
  EXPECT_THAT(lines_, testing::EndsWith("aaa...\"\n"));
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  Logger log = Make(LogFormat::kJson);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 100; ++i) log.Info(0, "line", {{"thread", t}, {"i", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t begin = 0;
  int lines = 0;
  for (std::size_t end; (end = lines_.find('\n', begin)) != std::string::npos; begin = end + 1, ++lines) {
    ASSERT_TRUE(nlohmann::json::accept(lines_.substr(begin, end - begin)));
  }
  EXPECT_EQ(lines, 400);
}

TEST(FormatDurationTest, PrintsAsGo) {
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  const std::vector<std::pair<Duration, std::string>> cases = {
      {Duration(0), "0s"},
      {Duration(1), "1ns"},
      {Duration(1500), "1.5µs"},
      {Duration(350'000), "350µs"},
      {Duration(1'200'000), "1.2ms"},
      {Duration(1'000'001), "1.000001ms"},
      {seconds(1), "1s"},
      {Duration(1'500'000'000), "1.5s"},
      {seconds(90), "1m30s"},
      {minutes(2), "2m0s"},
      {hours(12), "12h0m0s"},
      {-seconds(5), "-5s"},
      {Duration::max(), "2562047h47m16.854775807s"},
      {Duration::min(), "-2562047h47m16.854775808s"},
  };
  for (const auto& [duration, want] : cases) EXPECT_EQ(FormatDuration(duration), want);
}

}  // namespace
}  // namespace epslice
