#include "informers/retry_after.h"

#include <gtest/gtest.h>

#include <limits>

namespace epslice {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RetryAfterTest, WhatAServerAsksForWithinBounds) {
  const struct {
    std::int64_t asked;
    Duration most, waits;
  } kCases[] = {
      {0, kMostRetryAfter, Duration(0)},
      {7, kMostRetryAfter, seconds(7)},
      {-5, kMostRetryAfter, Duration(0)},
      {std::numeric_limits<std::int64_t>::min(), kMostRetryAfter, Duration(0)},
      {24 * 3600, kMostRetryAfter, hours(24)},
      {24 * 3600 + 1, kMostRetryAfter, hours(24)},
      {std::numeric_limits<std::int64_t>::max(), kMostRetryAfter, hours(24)},
      {60, seconds(60), seconds(60)},
      {61, seconds(60), seconds(60)},
      {2, milliseconds(1500), milliseconds(1500)},
      {2, Duration(0), Duration(0)},
      {2, seconds(-1), Duration(0)},
      {1'000'000, hours(1000), hours(24)},
  };
  for (const auto& c : kCases) {
    Status status;
    status.code = 429;
    status.retryAfterSeconds = c.asked;
    EXPECT_EQ(RetryAfterOf(status, c.most), c.waits) << c.asked;
  }
}

}  // namespace
}  // namespace epslice
