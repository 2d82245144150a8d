#include "apis/time_format.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace epslice {
namespace {

TEST(TimeFormatTest, ReadsAndPrints) {
  const struct {
    std::string in;
    std::int64_t nanos;
    std::string seconds;
    std::string nano;
    std::string micro;
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
      {"2026-01-02T03:04:05Z", 1767323045'000000000, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z",
       "2026-01-02T03:04:05.000000Z"},
      {"2026-01-02T03:04:05.120Z", 1767323045'120000000, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.12Z",
       "2026-01-02T03:04:05.120000Z"},
      {"2026-01-02T03:04:05.000000001Z", 1767323045'000000001, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000001Z",
       "2026-01-02T03:04:05.000000Z"},
      {"2026-01-02T03:04:05.9999999999Z", 1767323045'999999999, "2026-01-02T03:04:05Z",
       "2026-01-02T03:04:05.999999999Z", "2026-01-02T03:04:05.999999Z"},
      {"2026-01-02T03:04:05+01:00", 1767319445'000000000, "2026-01-02T02:04:05Z", "2026-01-02T02:04:05Z",
       "2026-01-02T02:04:05.000000Z"},
      {"2025-12-31T23:59:59-00:30", 1767227399'000000000, "2026-01-01T00:29:59Z", "2026-01-01T00:29:59Z",
       "2026-01-01T00:29:59.000000Z"},
      {"2024-02-29T12:00:00Z", 1709208000'000000000, "2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z",
       "2024-02-29T12:00:00.000000Z"},
      {"1969-12-31T23:59:59.5Z", -500000000, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.5Z",
       "1969-12-31T23:59:59.500000Z"},
      {"1678-01-01T00:00:00Z", -9214560000'000000000, "1678-01-01T00:00:00Z", "1678-01-01T00:00:00Z",
       "1678-01-01T00:00:00.000000Z"},
      {"2261-12-31T23:59:59.999999999Z", 9214646399'999999999, "2261-12-31T23:59:59Z", "2261-12-31T23:59:59.999999999Z",
       "2261-12-31T23:59:59.999999Z"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Timestamp> t = ParseRfc3339(c.in);
    ASSERT_TRUE(t.ok()) << t.status();
    EXPECT_EQ(t->nanos, c.nanos) << c.in;
    EXPECT_EQ(FormatRfc3339(*t), c.seconds);
    EXPECT_EQ(FormatRfc3339Nano(*t), c.nano);
    EXPECT_EQ(FormatRfc3339Micro(*t), c.micro);
  }
}

TEST(TimeFormatTest, GoZeroTimeIsUnset) {
  for (const char* in : {"0001-01-01T00:00:00Z", "0001-01-01T01:00:00+01:00"}) {
    const absl::StatusOr<Timestamp> t = ParseRfc3339(in);
    ASSERT_TRUE(t.ok()) << t.status();
    EXPECT_FALSE(t->is_set());
  }
  EXPECT_EQ(FormatRfc3339(Timestamp{}), "");
  EXPECT_EQ(FormatRfc3339Nano(Timestamp{}), "");
  EXPECT_EQ(FormatRfc3339Micro(Timestamp{}), "");
}

TEST(TimeFormatTest, PrintsEveryTimestamp) {
  EXPECT_EQ(FormatRfc3339Nano(Timestamp{std::numeric_limits<std::int64_t>::max()}), "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(FormatRfc3339Nano(Timestamp{Timestamp::kUnset + 1}), "1677-09-21T00:12:43.145224193Z");
}

TEST(TimeFormatTest, UnixTimeIsTheSameTime) {
  const struct {
    const char* text;
    std::int64_t seconds, nanos;
  } kCases[] = {{"1970-01-01T00:00:00Z", 0, 0},
                {"2001-09-09T01:46:40.000000001Z", 1'000'000'000, 1},
                {"1969-12-31T23:59:59.75Z", -1, 750'000'000},
                {"1678-01-01T00:00:00Z", -9'214'560'000, 0},
                {"2261-12-31T23:59:59.999999999Z", 9'214'646'399, 999'999'999}};
  for (const auto& c : kCases) {
    const absl::StatusOr<Timestamp> time = TimestampFromUnix(c.seconds, c.nanos);
    ASSERT_TRUE(time.ok()) << time.status();
    EXPECT_EQ(*time, *ParseRfc3339(c.text)) << c.text;
    EXPECT_EQ(ToUnix(*time).seconds, c.seconds);
    EXPECT_EQ(ToUnix(*time).nanos, c.nanos);
  }
  // Go's zero time.
  EXPECT_EQ(*TimestampFromUnix(-62'135'596'800, 0), Timestamp());
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const auto& [seconds, nanos] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {0, -1}, {0, 1'000'000'000}, {-9'214'560'001, 0}, {9'214'646'400, 0}, {kMost, 0}, {-kMost, 5}, {0, kMost}}) {
    EXPECT_EQ(TimestampFromUnix(seconds, nanos).status().code(), absl::StatusCode::kInvalidArgument) << seconds;
  }
}

TEST(TimeFormatTest, RefusesWhatIsNoTime) {
  for (const char* in :
       {"", "now", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02t03:04:05Z",
        "2026-01-02T03:04:05z", "2026-1-02T03:04:05Z", "2026-13-02T03:04:05Z", "2026-00-02T03:04:05Z",
        "2026-02-30T03:04:05Z", "2025-02-29T03:04:05Z", "2026-01-00T03:04:05Z", "2026-01-32T03:04:05Z",
        "2026-01-02T24:04:05Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z", "2026-01-02T03:04Z",
        "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05+0100", "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+01:60", "2026-01-02T03:04:05+01", "2026-01-02T03:04:05ZZ", " 2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z ", "-026-01-02T03:04:05Z", "+2026-01-02T03:04:05Z", "2026-01-02T3:04:05Z",
        // Nanoseconds cannot hold these.
        "1677-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "2261-12-31T23:30:00-01:00", "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00.000000001Z", "0000-01-01T00:00:00Z"}) {
    const absl::StatusOr<Timestamp> t = ParseRfc3339(in);
    ASSERT_FALSE(t.ok()) << in;
    EXPECT_EQ(t.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(t.status().message().find("accepted"), std::string::npos) << t.status();
  }
}

}  // namespace
}  // namespace epslice
