// Watcher with lists that come as streams.
#include <gtest/gtest.h>

#include <string>

#include "informers/watcher.h"
#include "watcher_fixture.h"

namespace epslice {
namespace {

using std::chrono::minutes;

constexpr const char* kStream = "watch rv= limit=0 continue= initial NotOlderThan";
constexpr const char* kPages = "list rv= limit=500 continue=";

class WatcherStreamTest : public WatcherTest {
 protected:
  WatcherStreamTest() { RestartStreaming(); }
  void RestartStreaming() {
    options_.stream_lists = true;
    Restart(options_);
  }
  // To a running watch at version `rv`.
  void Stream(std::string rv = "10") {
    ASSERT_EQ(Describe(Next()), kStream);
    ASSERT_TRUE(OnEvent(ListEnd(std::move(rv))));
    update = {};
  }
  WatcherOptions options_;
};

TEST_F(WatcherStreamTest, AListIsTheBeginningOfTheWatch) {
  const Watcher::Action action = Next();
  EXPECT_EQ(Describe(action), kStream);
  EXPECT_TRUE(action.request.list.allowWatchBookmarks);
  EXPECT_GE(action.request.list.timeoutSeconds, 300);
  EXPECT_EQ(w->state(), State::kStreaming);
  // What changed meanwhile may come between.
  for (const WatchEvent& e :
       {EventOf(WatchEventType::kAdded, MakeNode("a", "3")), EventOf(WatchEventType::kAdded, MakeNode("c", "9")),
        EventOf(WatchEventType::kAdded, MakeNode("d", "1")), EventOf(WatchEventType::kModified, MakeNode("a", "11")),
        EventOf(WatchEventType::kDeleted, MakeNode("c", "12")), EventOf(WatchEventType::kAdded, MakeNode("b", "13"))}) {
    EXPECT_TRUE(OnEvent(e));
    EXPECT_TRUE(update.empty());
  }
  EXPECT_FALSE(w->synced());
  EXPECT_EQ(w->resource_version(), "");
  EXPECT_TRUE(OnEvent(ListEnd("13")));
  EXPECT_TRUE(w->synced());
  EXPECT_TRUE(update.replace);
  EXPECT_EQ(Names(update.applied), "a@11 b@13 d@1 ");
  EXPECT_EQ(Names(update.deleted), "");
  EXPECT_EQ(w->resource_version(), "13");
  EXPECT_EQ(w->state(), State::kWatching);

  update = {};
  EXPECT_TRUE(OnEvent(EventOf(WatchEventType::kDeleted, MakeNode("a", "14"))));
  EXPECT_FALSE(update.replace);
  EXPECT_EQ(Names(update.deleted), "a@14 ");
  EXPECT_TRUE(OnEvent(Bookmark("20")));
  End();
  EXPECT_EQ(Describe(Next()), "watch rv=20 limit=0 continue=");
  EXPECT_EQ(w->relists(), 0);
  EXPECT_EQ(w->watch_restarts(), 1);
  EXPECT_EQ(w->last_error(), "");
}

TEST_F(WatcherStreamTest, AListAloneIsNews) {
  Stream();
  End();
  EXPECT_EQ(Describe(Next()), "watch rv=10 limit=0 continue=") << "at once";
}

TEST_F(WatcherStreamTest, ListsAgainAsAStream) {
  Stream();
  now += minutes(1);
  End(Code(410));
  EXPECT_EQ(Describe(Next()), kStream) << "the most recent";
  OnEvent(EventOf(WatchEventType::kAdded, MakeNode("z", "29")));
  EXPECT_TRUE(update.empty()) << "the store stays as it is until the list is complete";
  EXPECT_EQ(w->resource_version(), "10");
  OnEvent(ListEnd("30"));
  EXPECT_TRUE(update.replace);
  EXPECT_EQ(Names(update.applied), "z@29 ");
  EXPECT_EQ(w->relists(), 1);

  update = {};
  now += minutes(10);
  EXPECT_FALSE(OnEvent(Error(Code(500))));
  End();
  EXPECT_EQ(NextAfterWait(), "watch rv=30 limit=0 continue= initial NotOlderThan") << "none older than what was seen";
}

// What follows a stream that ends before its list is complete.
TEST_F(WatcherStreamTest, HowAStreamEndsDecidesWhatFollows) {
  const struct {
    const char* name;
    bool in_stream;
    Status status;
    bool waits;
    const char* next;
    bool for_good;
  } kCases[] = {
      {"an option it does not know", false, Code(422), false, kPages, true},
      {"bad request", false, Code(400), false, kPages, true},
      {"nothing like that", false, Code(404), false, kPages, true},
      {"no such method", false, Code(405), false, kPages, true},
      {"clean end", false, Code(200), true, kPages, false},
      {"connection lost", false, Code(0), true, kStream, false},
      {"too many requests", false, Code(429), true, kStream, false},
      {"unavailable", false, Code(503), true, kStream, false},
      {"may not watch", false, Code(403), true, kPages, false},
      {"server error", false, Code(500), true, kPages, false},
      {"no sense", false, Code(502), true, kPages, false},
      {"version too large", false, Code(504, "Too large resource version: 11"), true, kPages, false},
      {"gone", false, Code(410), false, kPages, false},
      {"gone, in the stream", true, Code(410), false, kPages, false},
      {"invalid, in the stream", true, Code(422), true, kPages, false},
      {"unavailable, in the stream", true, Code(503), true, kStream, false},
      {"an error that says success", true, Code(200), true, kPages, false},
  };
  for (const auto& c : kCases) {
    RestartStreaming();
    Next();
    OnEvent(EventOf(WatchEventType::kAdded, MakeNode("gone", "1")));
    now += minutes(1);
    if (c.in_stream) {
      EXPECT_FALSE(OnEvent(Error(c.status))) << c.name;
    }
    End(c.in_stream ? Code(200) : c.status);
    EXPECT_TRUE(update.empty()) << c.name;
    EXPECT_FALSE(w->synced()) << c.name;
    EXPECT_FALSE(w->last_error().empty()) << c.name;
    EXPECT_EQ(w->watch_restarts(), 0) << c.name;
    EXPECT_EQ(NextAfterWait(), c.next) << c.name;
    EXPECT_EQ(waited > Duration::zero(), c.waits) << c.name;
    EXPECT_EQ(w->streams_refused(), c.for_good) << c.name;

    // Once there is a list, what only failed is tried again.
    if (w->state() == State::kStreaming) {
      OnEvent(ListEnd("10"));
    } else {
      List(ListOf("10", {}));
      Next();
    }
    EXPECT_EQ(Names(update.applied), "") << c.name << ": what came before the failure is gone";
    EXPECT_EQ(w->last_error(), "") << c.name;
    now += minutes(10);
    End(Code(410));
    EXPECT_EQ(Describe(Next()), c.for_good ? kPages : kStream) << c.name;
  }
}

TEST_F(WatcherStreamTest, AServerThatIsAwayOrBusyIsAskedForStreamsAgain) {
  for (const int code : {0, 0, 429, 503, 401, 0}) {
    EXPECT_EQ(NextAfterWait(), kStream);
    End(Code(code));
  }
}

// Pages are another way, not a better one: where they fail, too, a stream is next.
TEST_F(WatcherStreamTest, AStreamThatIsCutOffTwiceIsAskedForInPagesOnce) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(NextAfterWait(), kStream);
      OnEvent(EventOf(WatchEventType::kAdded, MakeNode("a", "1")));
      End(Code(0));
    }
    EXPECT_EQ(NextAfterWait(), kPages);
    List(Failed(Code(500)));
  }
  EXPECT_EQ(NextAfterWait(), kStream);
}

TEST_F(WatcherStreamTest, ABookmarkBeforeTheEndOfTheListIsOfAServerThatKnowsNone) {
  Next();
  EXPECT_TRUE(OnEvent(EventOf(WatchEventType::kAdded, MakeNode("a", "1"))));
  EXPECT_FALSE(OnEvent(Bookmark("5")));
  End();
  EXPECT_TRUE(w->streams_refused());
  EXPECT_EQ(Describe(Next()), kPages);
}

TEST_F(WatcherStreamTest, WhatMakesNoSenseIsRefused) {
  options_.max_objects = 2;
  const struct {
    const char* name;
    std::vector<WatchEvent> events;
  } kCases[] = {
      {"another kind", {EventOf(WatchEventType::kAdded, MakePodObject())}},
      {"no version", {EventOf(WatchEventType::kAdded, MakeNode("a", ""))}},
      {"an end without a version", {ListEnd("")}},
      {"too many objects",
       {EventOf(WatchEventType::kAdded, MakeNode("a", "1")), EventOf(WatchEventType::kAdded, MakeNode("b", "1")),
        EventOf(WatchEventType::kModified, MakeNode("b", "2")), EventOf(WatchEventType::kAdded, MakeNode("c", "1"))}},
  };
  for (const auto& c : kCases) {
    RestartStreaming();
    Next();
    for (const WatchEvent& e : c.events) EXPECT_EQ(OnEvent(e), &e != &c.events.back()) << c.name;
    End();
    EXPECT_TRUE(update.empty()) << c.name;
    EXPECT_FALSE(w->synced()) << c.name;
    EXPECT_EQ(NextAfterWait(), kPages) << c.name;
    EXPECT_GT(waited, Duration::zero()) << c.name;
  }
}

}  // namespace
}  // namespace epslice
