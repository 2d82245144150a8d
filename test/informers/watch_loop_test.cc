#include "informers/watch_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "test/informers/scripted_transport.h"
#include "test/informers/watcher_fixture.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;

// Writes down what it is told.
class Teller : public WatchHandler {
 public:
  void OnStep(Instant /*now*/) override { told.emplace_back("step"); }
  void OnAnswer(Instant /*now*/) override { told.emplace_back("answer"); }
  void OnUpdate(WatchUpdate update) override {
    std::string line = update.replace ? "list" : "update";
    for (const AnyObject& object : update.applied) line += " +" + object.meta().name.str();
    for (const AnyObject& object : update.deleted) line += " -" + object.meta().name.str();
    told.push_back(line);
  }
  void OnFailure(const Status& status) override {
    told.push_back("failure " + std::to_string(status.code));
    if (on_failure) on_failure();
  }
  void OnStreamsRefused() override { told.emplace_back("streams refused"); }

  std::vector<std::string> told;
  std::function<void()> on_failure;
};

class WatchLoopTest : public testing::Test {
 protected:
  void Run(WatcherOptions options) {
    options.backoff_base = options.backoff_max = std::chrono::nanoseconds(1);
    options.min_watch = Duration(0);
    Watcher watcher(Kind::kNode, options, 1);
    RunWatcher(&watcher, &transport_, &clock_, &cancel_, &teller_);
  }

  RealClock clock_;
  CancelToken cancel_;
  testkit::ScriptedTransport transport_;
  Teller teller_;
};

TEST_F(WatchLoopTest, TellsOfAListOnceItIsCompleteAndThenOfEachEvent) {
  int pages = 0;
  transport_.on_do = [&](const Request&) {
    return ++pages == 1 ? ListOf("4", {MakeNode("a", "1")}, "more") : ListOf("4", {MakeNode("b", "2")});
  };
  transport_.on_watch = [&](const Request& request, const auto& on_event) {
    EXPECT_EQ(request.list.resourceVersion, "4");
    EXPECT_TRUE(on_event(EventOf(WatchEventType::kAdded, MakeNode("c", "5"))));
    EXPECT_TRUE(on_event(EventOf(WatchEventType::kDeleted, MakeNode("a", "6"))));
    WatchEvent bookmark;
    bookmark.type = WatchEventType::kBookmark;
    bookmark.resourceVersion = "7";
    EXPECT_TRUE(on_event(bookmark));
    cancel_.Cancel();
    EXPECT_FALSE(on_event(EventOf(WatchEventType::kAdded, MakeNode("late", "8"))));
    return Status();
  };
  Run({});
  EXPECT_THAT(teller_.told, ElementsAre("step", "answer", "step", "answer", "list +a +b", "step", "answer", "update +c",
                                        "answer", "update -a", "answer", "update"));
}

TEST_F(WatchLoopTest, TellsOfFailuresAndGoesOn) {
  int lists = 0;
  transport_.on_do = [&](const Request&) { return ++lists == 1 ? Failed(Code(403)) : ListOf("4", {}); };
  int watches = 0;
  transport_.on_watch = [&](const Request&, const auto& on_event) -> Status {
    if (++watches == 1) return StatusUnreachable("reset");
    if (watches == 2) {
      WatchEvent error;
      error.type = WatchEventType::kError;
      error.status = Code(429);
      EXPECT_FALSE(on_event(error));
      return {};
    }
    cancel_.Cancel();
    return StatusUnreachable("cancelled");  // no trouble: nobody is told
  };
  Run({});
  std::erase(teller_.told, "step");  // of the waits
  EXPECT_THAT(teller_.told, ElementsAre("failure 403", "answer", "list", "failure 0", "failure 429", "update"));
}

// Says when a watch is open, as the one over HTTP does.
class OpeningTransport : public testkit::ScriptedTransport {
 public:
  Status WatchAndTell(const Request& request, CancelToken* cancel, const std::function<void()>& on_open,
                      const OnEvent& on_event) override {
    on_open();
    return Watch(request, cancel, on_event);
  }
};

// Of what does not change no event may come for hours, and no bookmark.
TEST_F(WatchLoopTest, AWatchThatIsAcceptedIsAnAnswer) {
  OpeningTransport transport;
  transport.on_do = [&](const Request&) { return ListOf("4", {}); };
  int watches = 0;
  transport.on_watch = [&](const Request&, const auto&) -> Status {
    if (++watches == 3) cancel_.Cancel();
    return {};
  };
  WatcherOptions options;
  options.min_watch = Duration(0);
  Watcher watcher(Kind::kNode, options, 1);
  RunWatcher(&watcher, &transport, &clock_, &cancel_, &teller_);
  EXPECT_THAT(teller_.told,
              ElementsAre("step", "answer", "list", "step", "answer", "step", "answer", "step", "answer"));
}

TEST_F(WatchLoopTest, AListAsAStreamIsToldOfWhole) {
  WatcherOptions options;
  options.stream_lists = true;
  transport_.on_watch = [&](const Request& request, const auto& on_event) {
    EXPECT_TRUE(request.list.sendInitialEvents.value_or(false));
    EXPECT_TRUE(on_event(EventOf(WatchEventType::kAdded, MakeNode("a", "1"))));
    EXPECT_TRUE(on_event(EventOf(WatchEventType::kAdded, MakeNode("b", "2"))));
    WatchEvent end;
    end.type = WatchEventType::kBookmark;
    end.resourceVersion = "3";
    end.initialEventsEnd = true;
    EXPECT_TRUE(on_event(end));
    cancel_.Cancel();
    return Status();
  };
  Run(options);
  EXPECT_THAT(teller_.told, ElementsAre("step", "answer", "answer", "answer", "list +a +b"));
}

TEST_F(WatchLoopTest, AServerWithoutStreamsIsNoFailure) {
  WatcherOptions options;
  options.stream_lists = true;
  int watches = 0;
  transport_.on_watch = [&](const Request&, const auto&) -> Status {
    if (++watches == 1) return Code(422);
    cancel_.Cancel();
    return {};
  };
  transport_.on_do = [&](const Request&) { return ListOf("4", {}); };
  Run(options);
  EXPECT_THAT(teller_.told, ElementsAre("step", "streams refused", "step", "answer", "list", "step"));
}

TEST_F(WatchLoopTest, AWaitEndsWhenCancelled) {
  WatcherOptions options;
  options.backoff_base = options.backoff_max = std::chrono::hours(1);
  Watcher watcher(Kind::kNode, options, 1);
  transport_.on_do = [&](const Request&) { return Failed(Code(503)); };
  std::thread canceller;
  teller_.on_failure = [&] { canceller = std::thread([&] { cancel_.Cancel(); }); };
  RunWatcher(&watcher, &transport_, &clock_, &cancel_, &teller_);
  canceller.join();
  EXPECT_EQ(watcher.state(), Watcher::State::kEmpty);
}

TEST_F(WatchLoopTest, DoesNothingOnceCancelled) {
  cancel_.Cancel();
  Run({});
  EXPECT_THAT(teller_.told, ElementsAre());
}

}  // namespace
}  // namespace epslice
