// Watches over real sockets: streaming, ends, bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sim/serve/watch_stream.h"
#include "test/sim/serve/http_fixture.h"

namespace epslice::sim {
namespace {
TEST_F(HttpServerTest, WatchStreams) {
  Start();
  CreatePod("a");
  const std::string version = Body(client_->Get("/api/v1/pods"), 200)["metadata"]["resourceVersion"];
  WatchReader watch(http_->port(), "/api/v1/pods?watch=true&resourceVersion=" + version);
  ASSERT_EQ(watch.Code(), 200);
  CreatePod("b");
  Body(
      client_->Patch(std::string(kPods) + "/b", R"({"metadata":{"labels":{"x":"1"}}})", "application/merge-patch+json"),
      200);
  Body(client_->Delete(std::string(kPods) + "/b?gracePeriodSeconds=0"), 200);
  const std::vector<Json> frames = watch.Frames(3);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0]["type"], "ADDED");
  EXPECT_EQ(frames[0]["object"]["metadata"]["name"], "b");
  EXPECT_EQ(frames[1]["type"], "MODIFIED");
  EXPECT_EQ(frames[2]["type"], "DELETED");
  EXPECT_EQ(http_->watches(), 1U);
}

TEST_F(HttpServerTest, WatchAsTable) {
  Start();
  CreatePod("a");
  CreatePod("b");
  WatchReader watch(http_->port(), std::string(kPods) + "?watch=true&includeObject=None", kTable);
  const std::vector<Json> frames = watch.Frames(2);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_TRUE(frames[0]["object"]["columnDefinitions"].is_array());
  EXPECT_TRUE(frames[1]["object"]["columnDefinitions"].is_null());
  EXPECT_EQ(frames[1]["object"]["rows"][0]["cells"][0], "b");
}

// What is kept as documents, as kubectl and informers ask for it.
TEST_F(HttpServerTest, WatchOfDocuments) {
  HttpServerOptions options;
  options.bookmark_period = std::chrono::milliseconds(50);
  Start(options);
  const std::string roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
  const auto create = [&](const std::string& name) {
    const auto answer = client_->Post(roles, R"({"metadata":{"name":")" + name + R"("}})", kJson);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 201) << answer->body;
  };
  create("a");
  const auto list = client_->Get(roles + "?limit=500", kTable);
  ASSERT_TRUE(list);
  const Json table = Json::parse(list->body);
  EXPECT_EQ(table["kind"], "Table");
  EXPECT_EQ(table["columnDefinitions"][1]["name"], "Created At");
  EXPECT_EQ(table["rows"][0]["cells"][0], "a");
  EXPECT_EQ(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
  const std::string version = table["metadata"]["resourceVersion"];

  WatchReader as_table(http_->port(), roles + "?watch=true&resourceVersion=" + version, kTable);
  WatchReader informer(http_->port(), roles +
                                          "?watch=true&sendInitialEvents=true&allowWatchBookmarks=true"
                                          "&resourceVersionMatch=NotOlderThan");
  EXPECT_EQ(as_table.Code(), 200);
  const std::vector<Json> initial = informer.Frames(2);
  ASSERT_GE(initial.size(), 2U);
  EXPECT_EQ(initial[0]["type"], "ADDED");
  EXPECT_EQ(initial[0]["object"]["kind"], "ClusterRole");
  EXPECT_EQ(initial[0]["object"]["metadata"]["name"], "a");
  EXPECT_EQ(initial[1]["type"], "BOOKMARK");
  EXPECT_EQ(initial[1]["object"]["kind"], "ClusterRole");
  EXPECT_EQ(initial[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
  create("b");
  const std::vector<Json> frames = as_table.Frames(1);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0]["type"], "ADDED");
  EXPECT_EQ(frames[0]["object"]["rows"][0]["cells"][0], "b");
  EXPECT_TRUE(frames[0]["object"]["columnDefinitions"].is_array());

  const auto first = client_->Get(roles + "?limit=1");
  ASSERT_TRUE(first);
  const std::string next = Json::parse(first->body)["metadata"]["continue"];
  const auto second = client_->Get(roles + "?limit=1&continue=" + next);
  ASSERT_TRUE(second);
  EXPECT_EQ(Json::parse(second->body)["items"][0]["metadata"]["name"], "b");
  EXPECT_EQ(client_->Get(roles + "?limit=x")->status, 400);
  WatchReader bad(http_->port(), roles + "?watch=true&resourceVersion=99999");
  EXPECT_EQ(bad.Code(), 504);
}

TEST_F(HttpServerTest, WatchEndsAfterItsTime) {
  Start();
  WatchReader watch(http_->port(), "/api/v1/pods?watch=true&timeoutSeconds=1");
  EXPECT_TRUE(watch.EndsCleanly());
}

TEST_F(HttpServerTest, WatchListAndBookmarks) {
  HttpServerOptions options;
  options.bookmark_period = std::chrono::milliseconds(50);
  Start(options);
  CreatePod("a");
  WatchReader watch(http_->port(),
                    "/api/v1/pods?watch=true&sendInitialEvents=true&allowWatchBookmarks=true"
                    "&resourceVersionMatch=NotOlderThan");
  const std::vector<Json> frames = watch.Frames(3);
  ASSERT_GE(frames.size(), 3U);
  EXPECT_EQ(frames[0]["type"], "ADDED");
  EXPECT_EQ(frames[1]["type"], "BOOKMARK");
  EXPECT_EQ(frames[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
  EXPECT_EQ(frames[2]["type"], "BOOKMARK");
  EXPECT_EQ(frames[2]["object"]["kind"], "Pod");
}

TEST_F(HttpServerTest, WatchFromTooLongAgoSaysExpired) {
  Start();
  CreatePod("a");
  memory_->CompactHistory();
  WatchReader watch(http_->port(), "/api/v1/pods?watch=true&resourceVersion=1");
  const std::vector<Json> frames = watch.Frames(1);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(watch.Code(), 200);
  EXPECT_EQ(frames[0]["type"], "ERROR");
  EXPECT_EQ(frames[0]["object"]["reason"], "Expired");
}

TEST_F(HttpServerTest, GracePeriodsEndByThemselves) {
  Start();
  CreatePod("a");
  WatchReader watch(http_->port(), std::string(kPods) + "?watch=true&fieldSelector=metadata.name%3Da");
  ASSERT_EQ(watch.Frames(1).size(), 1U);
  Body(client_->Delete(std::string(kPods) + "/a", R"({"gracePeriodSeconds":1})", kJson), 200);
  const std::vector<Json> frames = watch.Frames(3);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[2]["type"], "DELETED");
}

TEST_F(HttpServerTest, ManyWatchesDoNotStarveRequests) {
  HttpServerOptions options;
  options.max_threads = 24;
  options.max_watches = 16;
  Start(options);
  std::vector<std::unique_ptr<WatchReader>> watches;
  for (int i = 0; i < 16; ++i) {
    watches.push_back(std::make_unique<WatchReader>(http_->port(), "/api/v1/pods?watch=true"));
  }
  for (const auto& watch : watches) ASSERT_EQ(watch->Code(), 200);
  const auto refused = client_->Get("/api/v1/pods?watch=true");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->get_header_value("Retry-After"), "5");
  CreatePod("a");
  for (const auto& watch : watches) EXPECT_EQ(watch->Frames(1).size(), 1U);
}

TEST_F(HttpServerTest, StopEndsWatchesInGoodOrder) {
  Start();
  WatchReader watch(http_->port(), "/api/v1/pods?watch=true");
  ASSERT_EQ(watch.Code(), 200);
  const Instant begin = clock_.Now();
  http_->Stop();
  EXPECT_LT(clock_.Now() - begin, std::chrono::seconds(5));
  EXPECT_TRUE(watch.EndsCleanly());
  http_->Stop();
}

TEST_F(HttpServerTest, WatchOfAClientThatWentAwayIsDropped) {
  Start();
  {
    WatchReader watch(http_->port(), "/api/v1/pods?watch=true");
    ASSERT_EQ(watch.Code(), 200);
  }
  const Instant begin = clock_.Now();
  while (http_->watches() > 0 && clock_.Now() - begin < std::chrono::seconds(20)) std::this_thread::yield();
  EXPECT_EQ(http_->watches(), 0U);
}

TEST_F(HttpServerTest, SlowWatchIsCutOffAndToldSo) {
  WatchLimits limits;
  limits.max_events = 50;
  WatchPlan plan;
  plan.request.verb = Verb::kWatch;
  plan.request.kind = Kind::kNode;
  Status status;
  const auto create = [&](int i) {
    Node node;
    node.metadata.name = "n" + std::to_string(i);
    Request request;
    request.verb = Verb::kCreate;
    request.kind = Kind::kNode;
    request.object = AnyObject::Of(node);
    ASSERT_TRUE(memory_->Handle(request).status.ok());
  };
  // What is there from the start does not count.
  for (int i = 0; i < 100; ++i) create(i);
  const auto stream = WatchStream::Start(memory_.get(), nullptr, &clock_, plan, limits, &status);
  ASSERT_NE(stream, nullptr) << status.ToString();
  for (int i = 100; i < 150; ++i) create(i);
  std::string frames;
  EXPECT_EQ(stream->Next(Duration(0), &frames), WatchStream::Result::kFrames);
  EXPECT_EQ(std::count(frames.begin(), frames.end(), '\n'), 150);
  for (int i = 150; i < 201; ++i) create(i);
  frames.clear();
  EXPECT_EQ(stream->Next(Duration(0), &frames), WatchStream::Result::kFrames);
  EXPECT_EQ(std::count(frames.begin(), frames.end(), '\n'), 1);
  EXPECT_NE(frames.find("\"Expired\""), std::string::npos);
  EXPECT_EQ(stream->Next(Duration(0), &frames), WatchStream::Result::kEnd);
}

}  // namespace
}  // namespace epslice::sim
