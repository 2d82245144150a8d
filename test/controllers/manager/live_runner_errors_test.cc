// What the server refuses, who leads no more, who does not lead yet.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "test/controllers/manager/live_runner_fixture.h"

namespace epslice {
namespace {

using LiveRunnerErrorsTest = testkit::LiveRunnerTest;

// A server that answers is there: what it refuses of some is tried again in their
// own time, and the others are left in peace.
TEST_F(LiveRunnerErrorsTest, AnErrorOfTheServerIsNoOutage) {
  CreateNode("n1", "a");
  for (int s = 0; s < 20; ++s) CreateService("svc" + std::to_string(s));
  for (const char* name : {"bad1", "bad2", "bad3"}) CreateService(name, "broken");
  for (const int code : {500, 503, 429}) {
    transport_.RefuseCreatesIn("broken", code);
    StartRunner();
    const int failed = Logged("Sync failed; will retry");
    ASSERT_TRUE(WaitForLog("Sync failed; will retry", failed + 30));
    EXPECT_EQ(runner_->stats().syncs.success, 20) << code << "\n" << Log();
    runner_->Stop();
  }
  EXPECT_EQ(Logged("Requests work again"), 0);
  EXPECT_EQ(Creates(), 20);
}

TEST_F(LiveRunnerErrorsTest, WhoLeadsNoMoreGivesUpAtOnce) {
  CreateNode("n1", "a");
  CreateService("web");
  transport_.HoldWrites(true);
  LiveRunnerOptions options = Quick();
  options.shutdown_grace = std::chrono::hours(1);
  StartRunner(options);
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_.held() == 1; }));
  runner_->StopWriting();
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_.held() == 0; }));
  transport_.HoldWrites(false);
  EXPECT_TRUE(runner_->Stop());
  EXPECT_EQ(Writes(), 0);
}

TEST_F(LiveRunnerErrorsTest, AStandbyHasNoBacklog) {
  CreateNode("n1", "a");
  for (const char* name : {"a", "b", "c"}) CreateService(name);
  LiveRunnerOptions options = Quick();
  options.standby = true;
  StartRunner(options);
  ASSERT_TRUE(WaitForLog("Lists are complete"));
  EXPECT_EQ(runner_->stats().queue_depth, 0U);
  EXPECT_EQ(runner_->stats().queue_ready, 3U);
  runner_->Lead();
  ASSERT_TRUE(WaitIdle());
  EXPECT_EQ(Creates(), 3);
}

}  // namespace
}  // namespace epslice
