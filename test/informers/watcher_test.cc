#include "informers/watcher.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "watcher_fixture.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ActionKind = Watcher::Action::Kind;

TEST_F(WatcherTest, ListsThenWatchesFromThere) {
  EXPECT_EQ(w->state(), State::kEmpty);
  EXPECT_EQ(Describe(Next()), "list rv= limit=500 continue=");
  EXPECT_EQ(w->state(), State::kListing);
  EXPECT_FALSE(w->synced());
  List(ListOf("10", {MakeNode("a", "3"), MakeNode("b", "9")}));
  EXPECT_TRUE(w->synced());
  EXPECT_EQ(w->state(), State::kListed);
  EXPECT_TRUE(update.replace);
  EXPECT_EQ(Names(update.applied), "a@3 b@9 ");
  const Watcher::Action watch = Next();
  EXPECT_EQ(Describe(watch), "watch rv=10 limit=0 continue=");
  EXPECT_EQ(w->state(), State::kWatching);
  EXPECT_TRUE(watch.request.list.allowWatchBookmarks);
  EXPECT_GE(watch.request.list.timeoutSeconds, 300);
  EXPECT_LE(watch.request.list.timeoutSeconds, 600);
  EXPECT_EQ(w->last_error(), "");
}

TEST_F(WatcherTest, CarriesItsOptions) {
  WatcherOptions options;
  options.namespace_ = "shop";
  options.label_selector = "a=b";
  options.field_selector = "metadata.name=x";
  options.page_size = 7;
  Watcher scoped(Kind::kPod, options, 1);
  const Request list = scoped.Next(now).request;
  EXPECT_EQ(list.namespace_, "shop");
  EXPECT_EQ(list.list.labelSelector, "a=b");
  EXPECT_EQ(list.list.fieldSelector, "metadata.name=x");
  EXPECT_EQ(list.list.limit, 7);
  scoped.OnList(ListOf("1", {}), now, &update);
  const Request watch = scoped.Next(now).request;
  EXPECT_EQ(watch.kind, Kind::kPod);
  EXPECT_EQ(watch.namespace_, "shop");
  EXPECT_EQ(watch.list.labelSelector, "a=b");
  EXPECT_EQ(watch.list.fieldSelector, "metadata.name=x");
}

TEST_F(WatcherTest, PagesAreOneList) {
  Next();
  List(ListOf("10", {MakeNode("a", "1")}, "t1"));
  EXPECT_TRUE(update.empty());
  EXPECT_EQ(Describe(Next()), "list rv= limit=500 continue=t1");
  List(ListOf("12", {MakeNode("b", "2")}, "t2"));
  EXPECT_TRUE(update.empty());
  EXPECT_FALSE(w->synced());
  EXPECT_EQ(Describe(Next()), "list rv= limit=500 continue=t2");
  List(ListOf("13", {MakeNode("c", "3")}));
  EXPECT_EQ(Names(update.applied), "a@1 b@2 c@3 ");
  EXPECT_EQ(w->resource_version(), "10") << "the version of the first page: what changed since is watched";
}

TEST_F(WatcherTest, AnExpiredPageStartsOverWithoutPages) {
  Next();
  List(ListOf("10", {MakeNode("a", "1")}, "t1"));
  Next();
  List(Failed(Code(410)));
  EXPECT_EQ(Describe(Next()), "list rv= limit=0 continue=") << "at once";
  List(Failed(Code(500, "too much")));
  EXPECT_EQ(NextAfterWait(), "list rv= limit=500 continue=") << "nor was that any better";
  List(ListOf("15", {MakeNode("a", "1")}, "t1"));
  Next();
  List(Failed(Code(410)));
  Next();
  List(ListOf("20", {MakeNode("b", "2")}));
  EXPECT_EQ(Names(update.applied), "b@2 ") << "the page from before is gone";
  EXPECT_EQ(Describe(Next()), "watch rv=20 limit=0 continue=");
}

TEST_F(WatcherTest, AFailedPageStartsOverAfterAWait) {
  Next();
  List(ListOf("10", {MakeNode("a", "1")}, "t1"));
  Next();
  List(Failed(Code(500, "boom")));
  EXPECT_NE(w->last_error().find("boom"), std::string::npos);
  EXPECT_EQ(NextAfterWait(), "list rv= limit=500 continue=");
  EXPECT_GE(waited, milliseconds(800));
}

TEST_F(WatcherTest, EventsMoveTheVersion) {
  Start();
  EXPECT_TRUE(OnEvent(EventOf(WatchEventType::kAdded, MakeNode("a", "11"))));
  EXPECT_TRUE(OnEvent(EventOf(WatchEventType::kModified, MakeNode("a", "12"))));
  EXPECT_TRUE(OnEvent(EventOf(WatchEventType::kDeleted, MakeNode("b", "13"))));
  EXPECT_EQ(w->resource_version(), "13");
  EXPECT_TRUE(OnEvent(Bookmark("20")));
  EXPECT_EQ(w->resource_version(), "20");
  EXPECT_FALSE(update.replace);
  EXPECT_EQ(Names(update.applied), "a@11 a@12 ");
  EXPECT_EQ(Names(update.deleted), "b@13 ");
  End();
  EXPECT_EQ(Describe(Next()), "watch rv=20 limit=0 continue=");
  EXPECT_EQ(w->watch_restarts(), 1);
}

TEST_F(WatcherTest, CollectedEventsKeepTheirMeaning) {
  Start();
  OnEvent(EventOf(WatchEventType::kModified, MakeNode("a", "11")));
  OnEvent(EventOf(WatchEventType::kAdded, MakeNode("b", "12")));
  OnEvent(EventOf(WatchEventType::kDeleted, MakeNode("a", "13")));
  EXPECT_EQ(Names(update.applied), "b@12 ") << "or the delete, applied first, would be undone";
  OnEvent(EventOf(WatchEventType::kAdded, MakeNode("a", "14")));
  EXPECT_EQ(Names(update.deleted), "a@13 ");
  EXPECT_EQ(Names(update.applied), "b@12 a@14 ");
}

// What follows when a watch ends, by how it ended.
TEST_F(WatcherTest, HowAWatchEndsDecidesWhatFollows) {
  Status too_large = Code(504);
  too_large.causes.push_back({"ResourceVersionTooLarge", "", ""});
  const struct {
    const char* name;
    bool in_stream;
    Status status;
    bool waits;
    const char* next;
  } kCases[] = {
      {"clean end", false, Code(200), false, "watch rv=11"},
      {"connection lost", false, Code(0), true, "watch rv=11"},
      {"token expired", false, Code(401), true, "watch rv=11"},
      {"too many requests", false, Code(429), true, "watch rv=11"},
      {"unavailable", false, Code(503), true, "watch rv=11"},
      {"timeout", false, Code(504, "timeout"), true, "watch rv=11"},
      {"version too large", false, Code(504, "Too large resource version: 11"), true, "list rv= limit=500"},
      {"version too large, by cause", false, too_large, true, "list rv= limit=500"},
      {"gone", false, Code(410), false, "list rv= limit=500"},
      {"bad request", false, Code(400), true, "list rv= limit=500"},
      {"server error", false, Code(500), true, "list rv= limit=500"},
      {"gone, in the stream", true, Code(410), false, "list rv= limit=500"},
      {"server error, in the stream", true, Code(500), true, "list rv= limit=500"},
      {"too many requests, in the stream", true, Code(429), true, "watch rv=11"},
      {"an error that says success", true, Code(200), true, "list rv= limit=500"},
  };
  for (const auto& c : kCases) {
    Restart({});
    Start();
    OnEvent(EventOf(WatchEventType::kAdded, MakeNode("a", "11")));
    now += minutes(1);
    if (c.in_stream) {
      EXPECT_FALSE(OnEvent(Error(c.status))) << c.name;
    }
    End(c.in_stream ? Code(200) : c.status);
    EXPECT_EQ(w->last_error().empty(), c.status.ok() && !c.in_stream) << c.name;
    EXPECT_EQ(NextAfterWait().rfind(c.next, 0), 0u) << c.name << ": " << Describe(Next());
    EXPECT_EQ(waited > Duration::zero(), c.waits) << c.name;
    EXPECT_TRUE(w->synced()) << c.name;
  }
}

TEST_F(WatcherTest, ARelistIsCountedAndReplaces) {
  Start();
  now += minutes(1);
  End(Code(410));
  Next();
  EXPECT_EQ(w->relists(), 0);
  List(ListOf("30", {MakeNode("z", "29")}));
  EXPECT_EQ(w->relists(), 1);
  EXPECT_TRUE(update.replace);
  EXPECT_EQ(w->last_error(), "");
  EXPECT_EQ(Describe(Next()), "watch rv=30 limit=0 continue=");
}

TEST_F(WatcherTest, AServerThatAlwaysSaysGoneDoesNotMakeUsSpin) {
  Start();
  int lists = 0;
  const Instant start = now;
  while (now - start < minutes(10)) {
    Watcher::Action a = Next();
    if (a.kind == ActionKind::kWait) {
      now = a.until;
    } else if (a.kind == ActionKind::kList) {
      ++lists;
      List(ListOf("30", {}));
    } else {
      End(Code(410));
    }
  }
  EXPECT_GT(lists, 5);
  EXPECT_LT(lists, 40);
}

TEST_F(WatcherTest, AWatchThatEndsAtOnceWithoutNewsIsAFailure) {
  const struct {
    const char* name;
    std::vector<WatchEvent> events;
    Duration length;
    bool waits;
  } kCases[] = {
      {"nothing, at once", {}, milliseconds(10), true},
      {"nothing, after its time", {}, minutes(5), false},
      {"old news, at once", {Bookmark("10")}, milliseconds(10), true},
      {"news, at once", {Bookmark("11")}, milliseconds(10), false},
  };
  for (const auto& c : kCases) {
    Restart({});
    Start();
    for (const WatchEvent& e : c.events) EXPECT_TRUE(OnEvent(e));
    now += c.length;
    End();
    EXPECT_EQ(NextAfterWait().rfind("watch", 0), 0u) << c.name;
    EXPECT_EQ(waited > Duration::zero(), c.waits) << c.name;
  }
}

TEST_F(WatcherTest, WaitsDoubleWithJitterAndStartAnewAfterHealth) {
  const std::vector<std::int64_t> base_ms = {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
  for (const std::int64_t ms : base_ms) {
    Next();
    List(Failed(Code(0)));
    NextAfterWait();
    EXPECT_GE(waited, milliseconds(ms));
    EXPECT_LT(waited, milliseconds(2 * ms));
  }
  List(ListOf("1", {}));
  Next();
  now += minutes(1);
  End(Code(0));
  NextAfterWait();
  EXPECT_GE(waited, seconds(30)) << "a minute of health is not enough";
  now += minutes(2) + seconds(1);
  End(Code(0));
  NextAfterWait();
  EXPECT_LT(waited, milliseconds(1600));
}

TEST_F(WatcherTest, HonoursRetryAfterWithinReason) {
  const struct {
    std::int64_t asked;
    Duration at_least, at_most;
  } kCases[] = {
      {0, milliseconds(800), milliseconds(1600)},
      {17, seconds(17), seconds(17)},
      {-5, milliseconds(800), milliseconds(1600)},
      {1'000'000'000'000, minutes(5), minutes(5)},
  };
  for (const auto& c : kCases) {
    Restart({});
    Next();
    List(Failed(Code(429, "slow down", c.asked)));
    NextAfterWait();
    EXPECT_GE(waited, c.at_least) << c.asked;
    EXPECT_LE(waited, c.at_most) << c.asked;
  }
}

TEST_F(WatcherTest, AnExpiredFirstPageAsksForTheMostRecent) {
  Start("11");
  End(Code(500));
  NextAfterWait();
  List(Failed(Code(410)));
  EXPECT_EQ(NextAfterWait(), "list rv= limit=500 continue=");
}

TEST_F(WatcherTest, ListsThatMakeNoSenseAreRefused) {
  WatcherOptions small;
  small.max_objects = 2;
  const struct {
    const char* name;
    Response first, second;
  } kCases[] = {
      {"another kind", ListOf("1", {MakePodObject()}), {}},
      {"no object", ListOf("1", {AnyObject()}), {}},
      {"no version", ListOf("", {MakeNode("a", "1")}), {}},
      {"an empty page with more to come", ListOf("1", {}, "t"), {}},
      {"the same token again", ListOf("1", {MakeNode("a", "1")}, "t"), ListOf("1", {MakeNode("b", "1")}, "t")},
      {"too many objects", ListOf("1", {MakeNode("a", "1"), MakeNode("b", "1")}, "t"),
       ListOf("1", {MakeNode("c", "1")})},
  };
  for (const auto& c : kCases) {
    Restart(small);
    Next();
    List(c.first);
    if (w->state() == State::kListing) {
      Next();
      List(c.second);
    }
    EXPECT_FALSE(w->last_error().empty()) << c.name;
    EXPECT_FALSE(w->synced()) << c.name;
    EXPECT_TRUE(update.empty()) << c.name;
    EXPECT_EQ(NextAfterWait(), "list rv= limit=500 continue=") << c.name;
    EXPECT_GT(waited, Duration::zero()) << c.name;
  }
}

TEST_F(WatcherTest, EventsThatMakeNoSenseEndTheWatchAndList) {
  const WatchEvent kCases[] = {
      EventOf(WatchEventType::kAdded, MakePodObject()),
      EventOf(WatchEventType::kModified, AnyObject()),
      EventOf(WatchEventType::kDeleted, MakeNode("a", "")),
      Bookmark(""),
  };
  for (const WatchEvent& e : kCases) {
    Restart({});
    Start();
    EXPECT_FALSE(OnEvent(e));
    EXPECT_TRUE(update.empty());
    End();
    EXPECT_EQ(NextAfterWait(), "list rv= limit=500 continue=");
    EXPECT_GT(waited, Duration::zero());
  }
}

TEST_F(WatcherTest, SameSeedSameConversation) {
  std::string told[2];
  for (std::string& t : told) {
    Restart({});
    now = minutes(60);
    for (int i = 0; i < 20; ++i) {
      t += NextAfterWait();
      t += " " + std::to_string(waited.count()) + ";";
      if (w->state() == State::kListing) {
        List(i % 3 == 0 ? Failed(Code(503)) : ListOf("5", {}));
      } else {
        t += std::to_string(Next().request.list.timeoutSeconds);
        End(Code(i % 2 == 0 ? 0 : 500));
      }
    }
  }
  EXPECT_EQ(told[0], told[1]);
}

}  // namespace
}  // namespace epslice
