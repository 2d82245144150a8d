// LiveRunner with all its threads, against an API server in memory.
#include "controllers/manager/live_runner.h"
#include "apis/cat.h"

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/controllers/manager/live_runner_fixture.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using testkit::LiveRunnerTest;

TEST_F(LiveRunnerTest, ColdStartWritesEachSliceOnce) {
  CreateNode("n1", "a");
  for (const char* name : {"a", "b", "c"}) {
    CreateService(name);
    CreatePods(name, 0, 10);
  }
  StartRunner();
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(WaitFor(name, 1, 10, 10));
  ASSERT_TRUE(WaitIdle());
  EXPECT_EQ(Creates(), 3);
  EXPECT_EQ(Writes(), 3);
  const LiveRunner::Stats stats = runner_->stats();
  EXPECT_EQ(stats.services, 3U);
  EXPECT_EQ(stats.pods, 30U);
  EXPECT_EQ(stats.nodes, 1U);
  EXPECT_EQ(Logged("\"Lists are complete; starting to sync\" services=3 pods=30 nodes=1 endpointslices=0"), 1) << Log();
  EXPECT_TRUE(runner_->Stop());

  // What is right already is left alone.
  StartRunner();
  ASSERT_TRUE(WaitIdle());
  EXPECT_EQ(Writes(), 3);
}

TEST_F(LiveRunnerTest, FollowsPods) {
  CreateNode("n1", "a");
  CreateService("web");
  CreatePods("web", 0, 1, /*ready=*/false);
  StartRunner();
  ASSERT_TRUE(WaitFor("web", 1, 1, 0));
  SetReady("web", 0, true);
  ASSERT_TRUE(WaitFor("web", 1, 1, 1));
  CreatePods("web", 1, 250);
  // In three slices, or in four where the syncs happened to cut the pods so.
  ASSERT_TRUE(progress_.WaitUntil([&] { return Look("web").ready == 250; }));
  EXPECT_LE(Look("web").slices, 4);
  for (int i = 0; i < 250; ++i) Send(Verb::kDelete, MakePod("web", i, true, "n1"));
  ASSERT_TRUE(WaitFor("web", 1, 0, 0));
}

// Its hints are off, which is worth an Event; slices do not wait for it.
TEST_F(LiveRunnerTest, EventsHoldNothingUp) {
  CreateNode("n1", "a");
  CreateService("web");
  Request get;
  get.kind = Kind::kService;
  get.namespace_ = "shop";
  get.name = "web";
  Service service = *server_.Handle(get).object.As<Service>();
  service.metadata.annotations = service.metadata.annotations.With(Text(kAnnotationTopologyMode), Text("Auto"));
  Send(Verb::kUpdate, service);
  CreatePods("web", 0, 1);
  transport_.HoldEvents(true);
  StartRunner();
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_.held() == 1; }));
  CreatePods("web", 1, 5);
  ASSERT_TRUE(WaitFor("web", 1, 5, 5));
  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kEvent;
  EXPECT_TRUE(server_.Handle(list).list.items.empty());
  transport_.HoldEvents(false);
  ASSERT_TRUE(progress_.WaitUntil([&] { return server_.Handle(list).list.items.size() == 1; }));
  const auto event = server_.Handle(list).list.items[0].As<Event>();
  EXPECT_EQ(event->reason, "TopologyAwareHintsDisabled");
  EXPECT_EQ(event->involvedObject.name, "web");
  EXPECT_EQ(event->reportingController, "endpoint-slice-controller");
}

TEST_F(LiveRunnerTest, AFailedSyncIsToldOnItsService) {
  CreateNode("n1", "a");
  CreateService("web");
  CreatePods("web", 0, 1, true, "nowhere");
  StartRunner();
  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kEvent;
  ASSERT_TRUE(progress_.WaitUntil([&] { return server_.Handle(list).list.items.size() == 1; }));
  std::map<std::string, std::string> told;
  for (const AnyObject& object : server_.Handle(list).list.items) {
    const auto event = object.As<Event>();
    told[event->involvedObject.name.str()] = Cat({event->type, " ", event->reason, ": ", event->message});
  }
  EXPECT_EQ(
      told["web"],
      "Warning FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service shop/web: Pod shop/web-0: its "
      "Node nowhere is not known");
}

TEST_F(LiveRunnerTest, ServiceComesAndIsForgotten) {
  CreateNode("n1", "a");
  CreatePods("web", 0, 2);
  StartRunner();
  ASSERT_TRUE(WaitIdle());
  CreateService("web");
  ASSERT_TRUE(WaitFor("web", 1, 2, 2));
  Service gone;
  gone.metadata.namespace_ = "shop";
  gone.metadata.name = "web";
  Send(Verb::kDelete, gone);
  ASSERT_TRUE(WaitFor("web", 0, 0, 0));
  ASSERT_TRUE(WaitIdle());
}

TEST_F(LiveRunnerTest, NodeAppearsLate) {
  CreateNode("n1", "a");
  CreateService("web");
  CreatePods("web", 0, 2);
  CreatePods("web", 2, 3, true, "late");
  StartRunner();
  ASSERT_TRUE(WaitFor("web", 1, 2, 2));
  ASSERT_TRUE(WaitForLog("\"Sync failed; will retry\" service=\"shop/web\""));
  CreateNode("late", "b");
  ASSERT_TRUE(WaitFor("web", 1, 3, 3));
  ASSERT_TRUE(WaitIdle());
}

TEST_F(LiveRunnerTest, OutageIsToldOnceAndLosesNothing) {
  CreateNode("n1", "a");
  CreateService("web");
  CreatePods("web", 0, 3);
  StartRunner();
  ASSERT_TRUE(WaitFor("web", 1, 3, 3));
  ASSERT_TRUE(WaitIdle());

  transport_.SetDown(true);
  ASSERT_TRUE(WaitForLog("List or watch still fails", 8));
  SetReady("web", 0, false);
  CreatePods("web", 3, 5);
  transport_.SetDown(false);
  ASSERT_TRUE(WaitFor("web", 1, 5, 4));
  server_.SendBookmarks();
  ASSERT_TRUE(WaitForLog("\"List or watch works again\"", 4));
  EXPECT_EQ(Logged("\"List or watch failed; trying until it works\""), 4) << Log();
  EXPECT_EQ(Logged("\"List or watch works again\""), 4) << Log();
  ASSERT_TRUE(WaitIdle());
  EXPECT_EQ(Creates(), 1);
}

TEST_F(LiveRunnerTest, StartsWhenTheServerComes) {
  CreateNode("n1", "a");
  CreateService("web");
  CreatePods("web", 0, 3);
  transport_.SetDown(true);
  StartRunner();
  ASSERT_TRUE(WaitForLog("List or watch still fails", 8));
  EXPECT_FALSE(runner_->stats().synced);
  transport_.SetDown(false);
  ASSERT_TRUE(WaitFor("web", 1, 3, 3));
}

TEST_F(LiveRunnerTest, HistoryThatIsGoneIsListedAgain) {
  CreateNode("n1", "a");
  CreateService("web");
  CreatePods("web", 0, 3);
  StartRunner();
  ASSERT_TRUE(WaitFor("web", 1, 3, 3));
  ASSERT_TRUE(WaitIdle());
  transport_.SetDown(true);
  ASSERT_TRUE(WaitForLog("List or watch failed", 4));
  Send(Verb::kDelete, MakePod("web", 0, true, "n1"));
  CreatePods("web", 7, 8);
  server_.CompactHistory();
  transport_.SetDown(false);
  ASSERT_TRUE(progress_.WaitUntil([&] {
    return Look("web").names == std::set<std::string>{"web-1", "web-2", "web-7"};
  })) << Log();
  EXPECT_GE(Logged("\"Watch is too old; listing again\" resource=\"pods\""), 1) << Log();
}

TEST_F(LiveRunnerTest, ListsComeAsStreams) {
  CreateNode("n1", "a");
  CreateService("web");
  CreatePods("web", 0, 3);
  LiveRunnerOptions options = Quick();
  options.watcher.stream_lists = true;
  StartRunner(options);
  ASSERT_TRUE(WaitFor("web", 1, 3, 3));
  ASSERT_TRUE(WaitIdle());
  EXPECT_EQ(Logged("\"Lists are complete; starting to sync\" services=1 pods=3 nodes=1 endpointslices=0"), 1) << Log();
  transport_.SetDown(true);
  ASSERT_TRUE(WaitForLog("List or watch failed", 4));
  Send(Verb::kDelete, MakePod("web", 0, true, "n1"));
  CreatePods("web", 7, 8);
  server_.CompactHistory();
  transport_.SetDown(false);
  ASSERT_TRUE(progress_.WaitUntil([&] {
    return Look("web").names == std::set<std::string>{"web-1", "web-2", "web-7"};
  })) << Log();
  EXPECT_GE(Logged("\"Watch is too old; listing again\" resource=\"pods\""), 1) << Log();
  EXPECT_EQ(transport_.lists(), 0);
}

TEST_F(LiveRunnerTest, WatchesThatEndGoOn) {
  CreateNode("n1", "a");
  CreateService("web");
  StartRunner();
  ASSERT_TRUE(WaitFor("web", 1, 0, 0));
  for (int i = 0; i < 10; ++i) {
    transport_.EndWatches();
    CreatePods("web", i, i + 1);
  }
  ASSERT_TRUE(WaitFor("web", 1, 10, 10));
}

// A create that happened but was not answered is looked up, not repeated.
TEST_F(LiveRunnerTest, LostAnswerMakesNoSecondSlice) {
  CreateNode("n1", "a");
  StartRunner();
  ASSERT_TRUE(WaitIdle());
  transport_.LoseCreateAnswers(1);
  CreateService("web");
  CreatePods("web", 0, 3);
  ASSERT_TRUE(WaitFor("web", 1, 3, 3));
  ASSERT_TRUE(WaitForLog("Looked up what an unanswered write did"));
  ASSERT_TRUE(WaitIdle());
  EXPECT_EQ(Creates(), 1) << Log();
  EXPECT_EQ(Look("web").slices, 1);
}

// The same while the watch is down too, so that only the look-up can tell.
TEST_F(LiveRunnerTest, LostAnswerDuringAnOutageMakesNoSecondSlice) {
  CreateNode("n1", "a");
  CreateService("web");
  CreatePods("web", 0, 3);
  transport_.LoseCreateAnswers(1);
  transport_.HoldWrites(true);
  StartRunner();
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_.held() == 1; }));
  transport_.HoldWrites(false);
  ASSERT_TRUE(WaitForLog("\"Request failed; trying until it works\""));
  transport_.SetDown(true);
  ASSERT_TRUE(WaitForLog("List or watch failed", 4));
  transport_.SetDown(false);
  ASSERT_TRUE(WaitFor("web", 1, 3, 3));
  ASSERT_TRUE(WaitForLog("\"Requests work again\""));
  CreatePods("web", 3, 4);
  ASSERT_TRUE(WaitFor("web", 1, 4, 4));
  EXPECT_EQ(Creates(), 1) << Log();
}

TEST_F(LiveRunnerTest, SliceDeletedByHandComesBack) {
  CreateNode("n1", "a");
  CreateService("web");
  CreatePods("web", 0, 3);
  StartRunner();
  ASSERT_TRUE(WaitFor("web", 1, 3, 3));
  ASSERT_TRUE(WaitIdle());
  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kEndpointSlice;
  const Response response = server_.Handle(list);
  ASSERT_EQ(response.list.items.size(), 1U);
  Send(Verb::kDelete, *response.list.items[0].As<EndpointSlice>());
  ASSERT_TRUE(WaitFor("web", 1, 3, 3));
  EXPECT_EQ(Creates(), 2);
}

TEST_F(LiveRunnerTest, ResyncsWithoutAnyChange) {
  CreateNode("n1", "a");
  CreateService("web");
  LiveRunnerOptions options = Quick();
  options.min_resync_period = milliseconds(5);
  StartRunner(options);
  ASSERT_TRUE(progress_.WaitUntil([&] { return runner_->stats().syncs.success >= 5; }));
  EXPECT_EQ(Creates(), 1);
}

TEST_F(LiveRunnerTest, StopIsPromptWhileNothingHappens) {
  CreateNode("n1", "a");
  StartRunner();
  ASSERT_TRUE(WaitIdle());
  EXPECT_TRUE(runner_->Stop());
  EXPECT_TRUE(runner_->Stop());
}

TEST_F(LiveRunnerTest, StopBeforeTheServerIsThere) {
  transport_.SetDown(true);
  LiveRunnerOptions options = Quick();
  options.watcher.backoff_base = std::chrono::hours(1);
  options.watcher.backoff_max = std::chrono::hours(1);
  StartRunner(options);
  ASSERT_TRUE(WaitForLog("List or watch failed", 4));
  EXPECT_TRUE(runner_->Stop());
}

TEST_F(LiveRunnerTest, StopLetsAWriteFinish) {
  CreateNode("n1", "a");
  CreateService("web");
  CreatePods("web", 0, 3);
  transport_.HoldWrites(true);
  StartRunner();
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_.held() == 1; }));
  std::thread release([&] { transport_.HoldWrites(false); });
  EXPECT_TRUE(runner_->Stop());
  release.join();
  EXPECT_TRUE(Has("web", 1, 3, 3));
}

TEST_F(LiveRunnerTest, StopCancelsAWriteThatHangs) {
  CreateNode("n1", "a");
  CreateService("web");
  transport_.HoldWrites(true);
  LiveRunnerOptions options = Quick();
  options.shutdown_grace = milliseconds(20);
  StartRunner(options);
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_.held() == 1; }));
  EXPECT_FALSE(runner_->Stop());
  EXPECT_EQ(Writes(), 0);
}

TEST_F(LiveRunnerTest, ManyWorkersWorkOnDifferentServicesOnly) {
  CreateNode("n1", "a");
  for (int s = 0; s < 20; ++s) CreateService("svc" + std::to_string(s));
  LiveRunnerOptions options = Quick();
  options.workers = 8;
  StartRunner(options);
  for (int round = 0; round < 5; ++round) {
    for (int s = 0; s < 20; ++s) CreatePods("svc" + std::to_string(s), round * 2, round * 2 + 2);
  }
  for (int s = 0; s < 20; ++s) ASSERT_TRUE(WaitFor("svc" + std::to_string(s), 1, 10, 10));
  ASSERT_TRUE(WaitIdle());
  EXPECT_EQ(Creates(), 20);
  EXPECT_EQ(runner_->stats().syncs.creates, 20);
}

}  // namespace
}  // namespace epslice
