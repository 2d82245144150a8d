// Lists, pages, selectors and watches.
#include "test/sim/cluster/cluster_fixture.h"

namespace epslice::sim {
namespace {

using Strings = std::vector<std::string>;

TEST_F(ClusterTest, ListsAreOrderedByKey) {
  for (const char* ns : {"b", "a"}) {
    for (const char* name : {"z", "m"}) {
      EndpointSlice slice = Slice(name);
      slice.metadata.namespace_ = Text(ns);
      slice.metadata.labels = {{"ns", ns}};
      Create(AnyObject::Of(slice));
    }
  }
  Strings keys;
  for (const AnyObject& object : List(Kind::kEndpointSlice).list.items) keys.push_back(KeyOf(object.meta()).ToString());
  EXPECT_EQ(keys, (Strings{"a/m", "a/z", "b/m", "b/z"}));
  EXPECT_EQ(Names(Kind::kEndpointSlice, {}, "b"), (Strings{"m", "z"}));
  EXPECT_EQ(List(Kind::kEndpointSlice).list.resourceVersion, std::to_string(server_->resource_version()));
}

TEST_F(ClusterTest, Selectors) {
  for (int i = 0; i < 4; ++i) {
    Pod pod = BoundPod("p" + std::to_string(i));
    pod.metadata.labels = {{"n", i % 2 == 0 ? "even" : "odd"}};
    pod.nodeName = Text("node-" + std::to_string(i / 2));
    if (i == 3) pod.phase = PodPhase::kFailed;
    Create(AnyObject::Of(pod));
  }
  struct Case {
    const char* labels;
    const char* fields;
    Strings names;
  };
  const Case kCases[] = {
      {"n=even", "", {"p0", "p2"}},
      {"n notin (even)", "", {"p1", "p3"}},
      {"!n", "", {}},
      {"", "spec.nodeName=node-1", {"p2", "p3"}},
      {"", "status.phase!=Failed", {"p0", "p1", "p2"}},
      {"n=even", "spec.nodeName=node-1", {"p2"}},
      {"", "metadata.name=p1,metadata.namespace=shop", {"p1"}},
      {"", "metadata.namespace=other", {}},
  };
  for (const Case& c : kCases) {
    ListOptions options;
    options.labelSelector = c.labels;
    options.fieldSelector = c.fields;
    EXPECT_EQ(Names(Kind::kPod, options), c.names) << c.labels << " " << c.fields;
  }
  ListOptions options;
  options.fieldSelector = "spec.color=red";
  EXPECT_EQ(List(Kind::kPod, options).status, StatusBadRequest("field label not supported: spec.color"));
  EXPECT_EQ(List(Kind::kEndpointSlice, options).status.code, 400);
  options.fieldSelector = "";
  options.labelSelector = "a b";
  EXPECT_EQ(List(Kind::kPod, options).status.code, 400);
}

TEST_F(ClusterTest, PagesShowOneStateUnderChange) {
  for (int i = 0; i < 10; ++i) Create(AnyObject::Of(Slice("s" + std::to_string(i))));
  const Strings all = Names(Kind::kEndpointSlice);
  const std::string version = List(Kind::kEndpointSlice).list.resourceVersion;
  ListOptions options;
  options.limit = 3;
  Strings seen;
  int changes = 0;
  for (int page = 0; page == 0 || !options.continueToken.empty(); ++page) {
    const Response response = List(Kind::kEndpointSlice, options);
    ASSERT_TRUE(response.status.ok()) << response.status.ToString();
    EXPECT_EQ(response.list.resourceVersion, version);
    for (const AnyObject& object : response.list.items) {
      seen.push_back(object.meta().name.str());
      EXPECT_EQ(object.As<EndpointSlice>()->endpoints.size(), 1u);
    }
    EXPECT_EQ(response.list.remainingItemCount, static_cast<std::int64_t>(10 - seen.size()));
    options.continueToken = response.list.continueToken;
    // Behind and ahead of the page: deleted, changed, added.
    ASSERT_TRUE(Delete(Kind::kEndpointSlice, "shop", "s" + std::to_string(9 - changes)).status.ok());
    EndpointSlice next = Slice("s" + std::to_string(8 - changes));
    next.endpoints.clear();
    ASSERT_TRUE(Update(AnyObject::Of(next)).status.ok());
    Create(AnyObject::Of(Slice("s" + std::to_string(page) + "-new")));
    ++changes;
  }
  EXPECT_EQ(seen, all);
}

TEST_F(ClusterTest, ExpiredContinueTokensComeWithARest) {
  for (int i = 0; i < 6; ++i) Create(AnyObject::Of(Slice("s" + std::to_string(i))));
  ListOptions options;
  options.limit = 2;
  options.continueToken = List(Kind::kEndpointSlice, options).list.continueToken;
  Delete(Kind::kEndpointSlice, "shop", "s3");
  server_->CompactHistory();
  const Response expired = List(Kind::kEndpointSlice, options);
  EXPECT_EQ(expired.status.code, 410);
  EXPECT_EQ(expired.status.reason, "Expired");
  ASSERT_FALSE(expired.list.continueToken.empty());
  options.limit = 0;
  options.continueToken = expired.list.continueToken;
  EXPECT_EQ(Names(Kind::kEndpointSlice, options), (Strings{"s2", "s4", "s5"}));
}

TEST_F(ClusterTest, ListOptionErrors) {
  Create(AnyObject::Of(Slice("a")));
  struct Case {
    ListOptions options;
    int code;
    const char* message;
  };
  ListOptions future = Since(99'999'999), bad = Since(0), token, both = Since(3), match, exact_zero = Since(0);
  bad.resourceVersion = "x1";
  token.continueToken = "nonsense";
  both.continueToken = "x";
  match.resourceVersionMatch = "Exact";
  exact_zero.resourceVersionMatch = "Exact";
  ListOptions odd = Since(3);
  odd.resourceVersionMatch = "Perhaps";
  const std::string current = std::to_string(server_->resource_version());
  const std::string too_large = "Timeout: Too large resource version: 99999999, current: " + current;
  const Case kCases[] = {
      {future, 504, too_large.c_str()},
      {bad, 400, nullptr},
      {token, 400, nullptr},
      {both, 400, "specifying resource version is not allowed when using continue"},
      {match, 422, nullptr},
      {exact_zero, 422, nullptr},
      {odd, 422, nullptr},
  };
  for (const Case& c : kCases) {
    const Response response = List(Kind::kEndpointSlice, c.options);
    EXPECT_EQ(response.status.code, c.code) << response.status.ToString();
    if (c.message != nullptr) {
      EXPECT_EQ(response.status.message, c.message);
    }
  }
  const Status timeout = List(Kind::kEndpointSlice, future).status;
  EXPECT_TRUE(timeout.HasCause("ResourceVersionTooLarge"));
  EXPECT_EQ(timeout.retryAfterSeconds, 1);
}

TEST_F(ClusterTest, ExactListsLookBack) {
  Create(AnyObject::Of(Slice("a")));
  ListOptions then = Since(server_->resource_version());
  Create(AnyObject::Of(Slice("b")));
  Delete(Kind::kEndpointSlice, "shop", "a");
  then.resourceVersionMatch = "Exact";
  EXPECT_EQ(Names(Kind::kEndpointSlice, then), (Strings{"a"}));
  then.resourceVersionMatch = "NotOlderThan";
  EXPECT_EQ(Names(Kind::kEndpointSlice, then), (Strings{"b"}));
  then.resourceVersionMatch = "Exact";
  server_->CompactHistory();
  EXPECT_EQ(List(Kind::kEndpointSlice, then).status.code, 410);
}

TEST_F(ClusterTest, WatchesStartWhereTheyAreAsked) {
  Create(AnyObject::Of(Slice("a")));
  const std::uint64_t version = server_->resource_version();
  Create(AnyObject::Of(Slice("b")));
  ListOptions any = Since(0), most_recent, initial, no_initial;
  initial.sendInitialEvents = true;
  initial.resourceVersionMatch = no_initial.resourceVersionMatch = "NotOlderThan";
  initial.allowWatchBookmarks = true;
  no_initial.sendInitialEvents = false;
  struct Case {
    ListOptions options;
    Strings lines;
  };
  const std::string bookmark = "BOOKMARK " + std::to_string(server_->resource_version());
  const Case kCases[] = {
      {Since(version), {"ADDED b"}},
      {any, {"ADDED a", "ADDED b"}},
      {most_recent, {"ADDED a", "ADDED b"}},
      {initial, {"ADDED a", "ADDED b", bookmark}},
      {no_initial, {}},
  };
  std::vector<std::unique_ptr<MemoryApiServer::WatchHandle>> watches;
  std::vector<std::unique_ptr<WatchLog>> logs;
  for (const Case& c : kCases) {
    logs.push_back(std::make_unique<WatchLog>());
    watches.push_back(Watch(Kind::kEndpointSlice, c.options, logs.back().get()));
    ASSERT_NE(watches.back(), nullptr);
    EXPECT_EQ(logs.back()->Lines(), c.lines);
  }
  EXPECT_TRUE(logs[3]->events.back().initialEventsEnd);
  Create(AnyObject::Of(Slice("c")));
  server_->SendBookmarks();
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const Strings lines = logs[i]->Lines();
    EXPECT_EQ(lines[lines.size() - (i == 3 ? 2 : 1)], "ADDED c");
  }
  EXPECT_FALSE(logs[3]->events.back().initialEventsEnd);
  watches.clear();
  const std::size_t told = logs[0]->events.size();
  Create(AnyObject::Of(Slice("d")));
  EXPECT_EQ(logs[0]->events.size(), told);
}

TEST_F(ClusterTest, WatchErrors) {
  MemoryApiServerOptions small = Options();
  small.history = 3;
  Restart(small);
  for (int i = 0; i < 5; ++i) Create(AnyObject::Of(Slice("s" + std::to_string(i))));
  const std::uint64_t version = server_->resource_version();
  ListOptions no_match, no_bookmarks, match_alone;
  no_match.sendInitialEvents = true;
  no_bookmarks = no_match;
  no_bookmarks.resourceVersionMatch = "NotOlderThan";
  match_alone.resourceVersionMatch = "NotOlderThan";
  struct Case {
    ListOptions options;
    int code;
    std::string message;
  };
  const Case kCases[] = {
      {Since(1), 410, "too old resource version: 1 (" + std::to_string(version - 3) + ")"},
      {Since(version - 4), 410, ""},
      {Since(version - 3), 200, ""},
      {Since(version + 1), 504, ""},
      {no_match, 422,
       "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
       "resourceVersionMatch to NotOlderThan"},
      {no_bookmarks, 422, ""},
      {match_alone, 422, ""},
  };
  for (const Case& c : kCases) {
    WatchLog log;
    Status status;
    const auto watch = Watch(Kind::kEndpointSlice, c.options, &log, &status);
    EXPECT_EQ(status.code, c.code) << status.ToString();
    EXPECT_EQ(watch != nullptr, c.code == 200);
    if (!c.message.empty()) {
      EXPECT_EQ(status.message, c.message);
    }
  }
}

TEST_F(ClusterTest, HistoryIsBoundedInBytesToo) {
  MemoryApiServerOptions small = Options();
  small.history_bytes = 100'000;
  Restart(small);
  const std::uint64_t start = server_->resource_version();
  EndpointSlice slice = Slice("a", std::vector<std::string>(100, "10.0.0.1"));
  Create(AnyObject::Of(slice));
  for (int i = 0; i < 20; ++i) {
    slice.metadata.annotations = {{"i", Text(std::to_string(i))}};
    ASSERT_TRUE(Update(AnyObject::Of(slice)).status.ok());
  }
  WatchLog log;
  EXPECT_EQ(Watch(Kind::kEndpointSlice, Since(start), &log), nullptr);
  EXPECT_NE(Watch(Kind::kEndpointSlice, Since(server_->resource_version() - 1), &log), nullptr);
  EXPECT_EQ(log.Lines(), (Strings{"MODIFIED a"}));
}

TEST_F(ClusterTest, ObjectsEnterAndLeaveSelections) {
  ListOptions options = Since(server_->resource_version());
  options.labelSelector = "in=yes";
  WatchLog log;
  const auto watch = Watch(Kind::kEndpointSlice, options, &log);
  EndpointSlice slice = Slice("a");
  const auto put = [&](bool in, const char* ip) {
    slice.metadata.labels = in ? StringMap{{"in", "yes"}} : StringMap();
    slice.endpoints[0].addresses = {Text(ip)};
    ASSERT_TRUE(Update(AnyObject::Of(slice)).status.ok());
  };
  Create(AnyObject::Of(slice));
  put(true, "10.0.0.2");
  put(true, "10.0.0.3");
  put(false, "10.0.0.4");
  const std::uint64_t left = server_->resource_version();
  put(false, "10.0.0.5");
  Delete(Kind::kEndpointSlice, "shop", "a");
  EXPECT_EQ(log.Lines(), (Strings{"ADDED a", "MODIFIED a", "DELETED a"}));
  // What left is shown as it last was inside, with the version of leaving.
  const auto last = log.events[2].object.As<EndpointSlice>();
  EXPECT_EQ(last->endpoints[0].addresses[0], "10.0.0.3");
  EXPECT_EQ(last->metadata.resourceVersion, std::to_string(left));
  // A watch that comes late is told the same.
  WatchLog late;
  const auto replay = Watch(Kind::kEndpointSlice, options, &late);
  EXPECT_EQ(late.Lines(), log.Lines());
}

TEST_F(ClusterTest, WatchesOfOneNamespaceAndOneName) {
  WatchLog log, named;
  const auto watch = Watch(Kind::kEndpointSlice, {}, &log, nullptr, "other");
  Request request = Named(Verb::kWatch, Kind::kEndpointSlice, "shop", "a");
  const auto one = server_->Watch(
      request, [&](const WatchEvent& event) { named.events.push_back(event); }, std::make_unique<Status>().get());
  Create(AnyObject::Of(Slice("a")));
  Create(AnyObject::Of(Slice("b")));
  EXPECT_TRUE(log.events.empty());
  EXPECT_EQ(named.Lines(), (Strings{"ADDED a"}));
}

TEST_F(ClusterTest, HandlesMayOutliveTheServer) {
  WatchLog log;
  auto watch = Watch(Kind::kEndpointSlice, {}, &log);
  server_.reset();
  watch.reset();
}

}  // namespace
}  // namespace epslice::sim
