#include "informers/rate_limiter.h"

#include <gtest/gtest.h>

namespace epslice {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(TokenBucket, GivesTheBurstAtOnceThenOnePerInterval) {
  TokenBucket bucket(10, 3);
  const Instant start = hours(5);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.Reserve(start), Duration::zero()) << i;
  EXPECT_EQ(bucket.Reserve(start), milliseconds(100));
  EXPECT_EQ(bucket.Reserve(start), milliseconds(200));
  EXPECT_EQ(bucket.Reserve(start + milliseconds(100)), milliseconds(200));
}

TEST(TokenBucket, SavesNoMoreThanTheBurst) {
  TokenBucket bucket(10, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.TryTake(seconds(1)));
  EXPECT_FALSE(bucket.TryTake(seconds(1)));
  EXPECT_FALSE(bucket.TryTake(seconds(1) + milliseconds(99)));
  EXPECT_TRUE(bucket.TryTake(seconds(1) + milliseconds(100)));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.TryTake(hours(1)));
  EXPECT_FALSE(bucket.TryTake(hours(1)));
}

TEST(TokenBucket, TimeThatGoesBackEarnsNothing) {
  TokenBucket bucket(1, 1);
  EXPECT_TRUE(bucket.TryTake(seconds(100)));
  EXPECT_FALSE(bucket.TryTake(seconds(50)));
  EXPECT_FALSE(bucket.TryTake(seconds(100)));
  EXPECT_TRUE(bucket.TryTake(seconds(101)));
}

TEST(TokenBucket, WithoutRateThereIsNoLimit) {
  for (const double qps : {0.0, -1.0}) {
    TokenBucket bucket(qps, 1);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(bucket.Reserve(Instant(0)), Duration::zero());
  }
}

TEST(TokenBucket, ABurstBelowOneStillGivesTokens) {
  TokenBucket bucket(2, 0);
  EXPECT_EQ(bucket.Reserve(Instant(0)), milliseconds(500));
  EXPECT_EQ(bucket.Reserve(Instant(0)), seconds(1));
  EXPECT_TRUE(bucket.TryTake(seconds(10)));
}

TEST(TokenBucket, ATinyRateDoesNotOverflow) {
  TokenBucket bucket(1e-300, 1);
  bucket.Reserve(Instant(0));
  EXPECT_GT(bucket.Reserve(Instant(0)), hours(24 * 365));
}

TEST(ExponentialBackoff, DoublesUpToTheMaximum) {
  const struct {
    Duration base;
    Duration max;
    std::int64_t failures;
    Duration want;
  } kCases[] = {
      {seconds(1), seconds(1000), 0, seconds(1)},
      {seconds(1), seconds(1000), 1, seconds(2)},
      {seconds(1), seconds(1000), 9, seconds(512)},
      {seconds(1), seconds(1000), 10, seconds(1000)},
      {seconds(1), seconds(1000), std::int64_t{1} << 62, seconds(1000)},
      {seconds(5), seconds(1), 0, seconds(1)},
      {Duration::zero(), seconds(1), 50, Duration::zero()},
      {Duration(1), Duration::max(), 1000, Duration::max()},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ExponentialBackoff(c.base, c.max, c.failures), c.want) << c.failures;
  }
}

}  // namespace
}  // namespace epslice
