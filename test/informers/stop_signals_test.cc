#include "informers/stop_signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

namespace epslice {
namespace {

TEST(SignalsTest, AStopFromWithinIsTheFirst) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        PrepareStopSignals();
        RequestStop();
        RequestStop();
        if (WaitForStopSignal() != SIGTERM || !StopToken()->cancelled()) _exit(1);
        kill(getpid(), SIGTERM);
        for (;;) pause();
      },
      testing::ExitedWithCode(128 + SIGTERM), "");
}

// Whatever the program is at: it need not wait for signals yet.
TEST(SignalsTest, TheSecondSignalEndsAtOnceBeforeAnybodyWaits) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        PrepareStopSignals();
        kill(getpid(), SIGTERM);
        while (!StopToken()->cancelled()) std::this_thread::yield();
        kill(getpid(), SIGINT);
        for (;;) pause();
      },
      testing::ExitedWithCode(128 + SIGINT), "");
}

TEST(SignalsTest, TheSecondSignalEndsAtOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        PrepareStopSignals();
        kill(getpid(), SIGTERM);
        if (WaitForStopSignal() != SIGTERM) _exit(1);
        kill(getpid(), SIGINT);
        for (;;) pause();
      },
      testing::ExitedWithCode(128 + SIGINT), "");
}

}  // namespace
}  // namespace epslice
