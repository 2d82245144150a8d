#include "sim/run/api_pace.h"

#include <gtest/gtest.h>

#include <vector>

namespace epslice::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

double AfterRequests(const std::vector<Duration>& took) {
  ApiPace pace;
  double factor = 0;
  for (const Duration d : took) factor = pace.OnRequest(d);
  return factor;
}

double AfterShown(const std::vector<Duration>& took) {
  ApiPace pace;
  double factor = 0;
  for (const Duration d : took) factor = pace.OnShown(d);
  return factor;
}

TEST(ApiPaceTest, FollowsTheMedianOfTheLastRequests) {
  EXPECT_EQ(AfterRequests(std::vector<Duration>(14, milliseconds(40))), 1);  // too few
  EXPECT_EQ(AfterRequests(std::vector<Duration>(15, milliseconds(40))), 10);
  EXPECT_EQ(AfterRequests(std::vector<Duration>(15, microseconds(200))), 0.05);
  EXPECT_EQ(AfterRequests(std::vector<Duration>(15, microseconds(1))), 0.02);
  EXPECT_EQ(AfterRequests(std::vector<Duration>(15, seconds(60))), 100);
  // Fifteen requests later the busy time is forgotten.
  std::vector<Duration> busy_then_not(20, milliseconds(400));
  busy_then_not.insert(busy_then_not.end(), 15, milliseconds(4));
  EXPECT_EQ(AfterRequests(busy_then_not), 1);
}

TEST(ApiPaceTest, WithoutRequestsTheQuickOfTheSlicesTell) {
  EXPECT_EQ(AfterShown(std::vector<Duration>(14, milliseconds(50))), 1);
  EXPECT_EQ(AfterShown(std::vector<Duration>(15, milliseconds(50))), 10);
  // What waits for more than the server, a batch or the limit on calls, is slow.
  std::vector<Duration> mixed(10, milliseconds(10));
  mixed.insert(mixed.end(), 20, seconds(3) + milliseconds(1));
  EXPECT_EQ(AfterShown(mixed), 2);
  // Times of whole seconds.
  EXPECT_EQ(AfterShown(std::vector<Duration>(30, seconds(1))), 1);
  EXPECT_EQ(AfterShown(std::vector<Duration>(30, Duration{0})), 1);
}

}  // namespace
}  // namespace epslice::sim
