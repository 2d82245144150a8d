#include "informers/leader_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "test/informers/lease_transport.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

class LeaderRunnerTest : public testing::Test {
 protected:
  LeaderRunnerOptions Options(Duration retry_period) {
    LeaderRunnerOptions options;
    options.elector.identity = "me";
    options.elector.namespace_ = "ns";
    options.elector.name = "l";
    options.elector.retry_period = retry_period;
    options.elector.renew_deadline = 2 * retry_period;
    options.elector.lease_duration = 3 * retry_period + seconds(1);
    options.component = "my-controller";
    options.farewell = seconds(60);
    options.on_leading = [this] { Say("on_leading"); };
    options.on_lost = [this] { Say("on_lost"); };
    options.tell = [this](const LeaderNews& news) { Say(news.ToLine()); };
    return options;
  }
  void Start(LeaderRunnerOptions options) {
    runner_ = std::make_unique<LeaderRunner>(std::move(options), &transport_, &clock_);
    runner_->Start();
  }
  void Start(Duration retry_period, Duration refused_watch_period = seconds(30)) {
    LeaderRunnerOptions options = Options(retry_period);
    options.refused_watch_period = refused_watch_period;
    Start(std::move(options));
  }
  void Say(const std::string& line) {
    {
      std::lock_guard<std::mutex> lock(mu_);
      said_ += line + "\n";
    }
    progress_.Bump();
  }
  // What was told since the last call.
  std::string TakeSaid() {
    std::lock_guard<std::mutex> lock(mu_);
    return std::exchange(said_, "");
  }
  bool Said(const std::string& part) {
    std::lock_guard<std::mutex> lock(mu_);
    return said_.find(part) != std::string::npos;
  }
  bool WaitUntil(const std::function<bool()>& condition) { return progress_.WaitUntil(condition); }
  static std::string EventText(std::string_view what) {
    return Cat({"Normal LeaderElection on Lease ns/l (lease-uid) by my-controller: me ", what});
  }

  RealClock clock_;
  Progress progress_;
  testkit::LeaseTransport transport_{&progress_};
  std::mutex mu_;
  std::string said_;  // guarded by mu_
  std::unique_ptr<LeaderRunner> runner_;
};

TEST_F(LeaderRunnerTest, TakesAReleasedLeaseAtOnceAndWatchesNoMore) {
  Start(seconds(600));
  ASSERT_TRUE(WaitUntil([&] { return transport_.gets() >= 1 && transport_.watching(); }));
  EXPECT_EQ(transport_.selector(), "metadata.name=l");
  EXPECT_FALSE(runner_->MayWrite());
  transport_.ReleaseByOther();
  ASSERT_TRUE(WaitUntil([&] { return runner_->MayWrite(); }));
  ASSERT_TRUE(WaitUntil([&] { return !transport_.watching(); }));
  EXPECT_EQ(transport_.watches(), 1);
  EXPECT_TRUE(Said("Nobody leads now: the lease was given back, or is gone: lease ns/l\n"));
  EXPECT_FALSE(Said(", leader \n"));
}

TEST_F(LeaderRunnerTest, PollsWhereItMayNotWatch) {
  transport_.RefuseWatches(403);
  Start(milliseconds(10));
  ASSERT_TRUE(WaitUntil([&] { return transport_.gets() >= 5; }));
  EXPECT_EQ(transport_.watches(), 1) << "not with each poll";
  transport_.ReleaseByOther();
  ASSERT_TRUE(WaitUntil([&] { return runner_->MayWrite(); }));
}

// As a server that is starting does, or whose roles come later.
TEST_F(LeaderRunnerTest, ARefusedWatchIsTriedAgain) {
  for (const int code : {401, 403}) {
    transport_.RefuseWatches(code);
    const int before = transport_.watches();
    Start(seconds(600), milliseconds(1));
    ASSERT_TRUE(WaitUntil([&] { return transport_.watches() >= before + 3; })) << code;
    EXPECT_FALSE(transport_.watching());
    transport_.RefuseWatches(0);
    ASSERT_TRUE(WaitUntil([&] { return transport_.watching(); })) << code;
    runner_->Stop();
    const std::string said = TakeSaid();
    const std::size_t first = said.find("watch of the lease is refused");
    EXPECT_NE(first, std::string::npos) << said;
    EXPECT_EQ(said.find("watch of the lease is refused", first + 1), std::string::npos) << said;
  }
}

TEST_F(LeaderRunnerTest, AServerWithoutSuchAWatchIsAskedOnce) {
  for (const int code : {404, 405, 422}) {
    transport_.RefuseWatches(code);
    const int watches = transport_.watches();
    const int gets = transport_.gets();
    Start(milliseconds(10), milliseconds(1));
    ASSERT_TRUE(WaitUntil([&] { return transport_.gets() >= gets + 5 && transport_.watches() > watches; }));
    runner_->Stop();
    EXPECT_EQ(transport_.watches(), watches + 1) << code;
  }
}

TEST_F(LeaderRunnerTest, SaysWhetherTheLeaseWasGivenBack) {
  for (const bool down : {false, true}) {
    transport_.ReleaseByOther();
    Start(seconds(600));
    ASSERT_TRUE(WaitUntil([&] { return runner_->MayWrite(); }));
    if (down) transport_.SetDown();
    runner_->Stop();
    const std::string said = TakeSaid();
    EXPECT_EQ(said.find("Gave the lease back") != std::string::npos, !down) << said;
    EXPECT_EQ(said.find("The lease could not be given back") != std::string::npos, down) << said;
  }
}

TEST_F(LeaderRunnerTest, StopsWhileItWatches) {
  Start(seconds(600));
  ASSERT_TRUE(WaitUntil([&] { return transport_.watching(); }));
  runner_->Stop();
  EXPECT_EQ(TakeSaid().find("Gave the lease back"), std::string::npos) << "it had none";
  EXPECT_FALSE(runner_->MayWrite());
  EXPECT_FALSE(transport_.watching());
}

TEST_F(LeaderRunnerTest, TellsOfItselfByEventsAndCallbacks) {
  transport_.ReleaseByOther();
  Start(seconds(600));
  ASSERT_TRUE(WaitUntil([&] { return transport_.events().size() == 1; }));
  EXPECT_THAT(transport_.events(), ElementsAre(EventText("became leader")));
  ASSERT_TRUE(WaitUntil([&] { return Said("on_leading"); }));
  EXPECT_TRUE(runner_->MayWrite()) << "before anybody is told";
  runner_->Stop();
  EXPECT_EQ(transport_.holder(), "");
  EXPECT_THAT(transport_.events(), ElementsAre(EventText("became leader"), EventText("stopped leading")));
  EXPECT_FALSE(runner_->lost());
  EXPECT_EQ(TakeSaid(),
            "Leading: lease ns/l, identity me\n"
            "on_leading\n"
            "Gave the lease back: lease ns/l\n");
}

TEST_F(LeaderRunnerTest, ALossIsToldAndForGood) {
  transport_.ReleaseByOther();
  Start(milliseconds(10));
  ASSERT_TRUE(WaitUntil([&] { return Said("on_leading"); }));
  transport_.SetDown();
  ASSERT_TRUE(WaitUntil([&] { return Said("on_lost"); }));
  EXPECT_TRUE(runner_->lost());
  EXPECT_FALSE(runner_->MayWrite());
  runner_->Stop();
  EXPECT_THAT(transport_.events(), ElementsAre(EventText("became leader"), EventText("stopped leading")));
  EXPECT_EQ(TakeSaid().find("Gave the lease back"), std::string::npos);
}

// An API server that answers no more holds nobody up: the lost lease least of all.
TEST_F(LeaderRunnerTest, DoesNotWaitForAnEventThatHangs) {
  for (const bool lost : {false, true}) {
    transport_.HangEvents();
    transport_.ReleaseByOther();
    LeaderRunnerOptions options = Options(milliseconds(10));
    options.farewell = Duration(0);
    const int before = transport_.hanging();
    Start(std::move(options));
    ASSERT_TRUE(WaitUntil([&] { return Said("on_leading") && transport_.hanging() > before; }));
    if (lost) {
      transport_.SetDown();
      ASSERT_TRUE(WaitUntil([&] { return Said("on_lost"); }));
    }
    runner_->Stop();
    EXPECT_THAT(transport_.events(), ElementsAre());
    TakeSaid();
  }
}

// As one does whose credentials come from a plugin that hangs.
TEST_F(LeaderRunnerTest, ARenewalThatHangsHidesNoLoss) {
  transport_.ReleaseByOther();
  Start(milliseconds(10));
  ASSERT_TRUE(WaitUntil([&] { return Said("on_leading"); }));
  transport_.HangUpdate();
  ASSERT_TRUE(WaitUntil([&] { return Said("on_lost"); }));
  EXPECT_TRUE(runner_->lost());
  EXPECT_TRUE(Said("the lease could not be renewed for 20ms")) << TakeSaid();
  runner_->Stop();
}

TEST_F(LeaderRunnerTest, StopGivesTheLeaseBackWhereARenewalHangs) {
  transport_.ReleaseByOther();
  LeaderRunnerOptions options = Options(milliseconds(10));
  options.elector.renew_deadline = seconds(6000);
  options.elector.lease_duration = seconds(7000);
  Start(std::move(options));
  ASSERT_TRUE(WaitUntil([&] { return Said("on_leading"); }));
  transport_.HangUpdate();
  ASSERT_TRUE(WaitUntil([&] { return transport_.hanging() == 1; }));
  runner_->Stop();
  EXPECT_EQ(transport_.holder(), "");
  EXPECT_FALSE(runner_->lost());
  EXPECT_TRUE(Said("Gave the lease back"));
}

TEST_F(LeaderRunnerTest, WithoutAComponentThereAreNoEvents) {
  transport_.ReleaseByOther();
  LeaderRunnerOptions options = Options(seconds(600));
  options.component.clear();
  Start(std::move(options));
  ASSERT_TRUE(WaitUntil([&] { return Said("on_leading"); }));
  runner_->Stop();
  EXPECT_THAT(transport_.events(), ElementsAre());
}

TEST_F(LeaderRunnerTest, LateAndFormerListeners) {
  transport_.ReleaseByOther();
  Start(milliseconds(500));
  const int early = runner_->Register({[&] { Say("early"); }, [&] { Say("early lost"); }});
  ASSERT_TRUE(WaitUntil([&] { return Said("on_leading") && Said("early"); }));
  runner_->Unregister(early);
  bool told = false;
  runner_->Register({[&] { told = true; }, [&] { Say("late lost"); }});
  EXPECT_TRUE(told) << "at once: it leads already";
  transport_.SetDown();
  ASSERT_TRUE(WaitUntil([&] { return Said("late lost"); }));
  EXPECT_FALSE(Said("early lost"));
  told = false;
  runner_->Register({[&] { told = true; }, nullptr});
  EXPECT_FALSE(told) << "it leads no more";
}

TEST_F(LeaderRunnerTest, AnIdentityIsMade) {
  LeaderRunnerOptions options = Options(seconds(600));
  options.elector.identity.clear();
  const LeaderRunner one(options, &transport_, &clock_), other(options, &transport_, &clock_);
  EXPECT_THAT(one.identity(), testing::HasSubstr("_"));
  EXPECT_NE(one.identity(), other.identity());
}

}  // namespace
}  // namespace epslice
