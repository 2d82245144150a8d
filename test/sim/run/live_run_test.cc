// Scenarios and traces in real time, by a clock that the test moves, with
// clients that change things meanwhile.
#include "sim/run/live_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apis/concat.h"
#include "apis/json.h"
#include "test/sim/run/live_fixture.h"

namespace epslice::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(LiveRunTest, ThingsHappenByTheClockAsFastAsTold) {
  for (const double speed : {0.5, 1.0, 60.0, 1e6}) {
    SCOPED_TRACE(speed);
    Live run(
        std::string(kLiveHead) + "actions: [{at: 60s, rollout: {service: shop/web, maxSurge: 1, maxUnavailable: 0}}]",
        speed);
    ASSERT_TRUE(run.status.ok()) << run.status;
    EXPECT_EQ(run.Count(), "6 ready, 0 not, 0 going");
    const auto real = [speed](Duration time) {
      return Duration(static_cast<std::int64_t>(static_cast<double>(time.count()) / speed));
    };
    const Timestamp begin = run.live->clock().WallNow();
    EXPECT_EQ(begin, run.clock.WallNow());
    run.Pass(real(59s));
    EXPECT_THAT(run.log, IsEmpty());
    EXPECT_NEAR(static_cast<double>(run.live->clock().WallNow().nanos - begin.nanos), 59e9, 1e3);
    run.Pass(real(2s));
    EXPECT_THAT(run.log, ElementsAre("60 rollout shop/web"));
    if (speed > 1000) continue;  // steps are at least a millisecond
    EXPECT_EQ(run.Count(), "6 ready, 1 not, 0 going");
    run.Pass(real(60s));
    EXPECT_EQ(run.Count(), "6 ready, 0 not, 0 going");
    EXPECT_FALSE(run.live->over());
    run.Pass(real(60s));
    EXPECT_TRUE(run.live->over());
    EXPECT_THAT(run.log, ElementsAre("60 rollout shop/web", "180 the scenario is over after 180 s",
                                     "180 the server goes on, until it is told to stop"));
  }
}

TEST(LiveRunTest, WhoWatchesSeesPodsComeAndGo) {
  Live run(std::string(kLiveHead) +
           "actions: [{at: 1s, rollout: {service: shop/web, maxSurge: 6, maxUnavailable: 0}}]");
  ASSERT_TRUE(run.status.ok()) << run.status;
  std::map<std::string, std::vector<std::string>> seen;
  Request watch = Named(Verb::kWatch, Kind::kPod, "", "");
  watch.list.resourceVersion = std::to_string(run.live->server()->resource_version());
  Status status;
  const auto handle = run.live->server()->Watch(
      watch,
      [&](const WatchEvent& event) {
        const auto pod = event.object.As<Pod>();
        std::string what(WatchEventTypeName(event.type));
        if (!pod->nodeName.empty()) what += " bound";
        if (pod->hasPodIP) what += " running";
        if (pod->ready) what += " ready";
        if (pod->metadata.deletionTimestamp.is_set()) what += " going";
        seen[pod->metadata.name.str()].push_back(what);
      },
      &status);
  run.Pass(1min);
  EXPECT_EQ(seen.size(), 12U);
  int came = 0;
  for (const auto& [name, events] : seen) {
    if (events.front() == "ADDED") {
      ++came;
      EXPECT_THAT(events,
                  ElementsAre("ADDED", "MODIFIED bound", "MODIFIED bound running", "MODIFIED bound running ready"));
    } else {
      EXPECT_THAT(events, ElementsAre("MODIFIED bound running ready going", "DELETED bound running ready going"));
    }
  }
  EXPECT_EQ(came, 6);
}

TEST(LiveRunTest, APodThatAClientDeletesIsReplaced) {
  Live run(kLiveHead);
  ASSERT_TRUE(run.status.ok()) << run.status;
  const std::string first = run.First();
  ASSERT_TRUE(run.Do(Delete(Kind::kPod, "shop", first)).status.ok());
  run.Pass(20ms);
  EXPECT_EQ(run.Count(), "5 ready, 1 not, 1 going");
  run.Pass(4900ms);
  EXPECT_EQ(run.Count(), "5 ready, 1 not, 1 going");
  run.Pass(200ms);  // preStop and drain: 5 s
  EXPECT_EQ(run.Count(), "6 ready, 0 not, 0 going");
  // At once, and one that has no node yet.
  ASSERT_TRUE(run.Do(ForceDelete(run.First())).status.ok());
  run.Pass(20ms);
  EXPECT_EQ(run.Count(), "5 ready, 1 not, 0 going");
  for (const auto& pod : run.Pods()) {
    if (pod->nodeName.empty()) run.Do(Delete(Kind::kPod, "shop", pod->metadata.name.str()));
  }
  run.Pass(20ms);
  EXPECT_EQ(run.Count(), "5 ready, 1 not, 0 going");
  run.Pass(6s);
  EXPECT_EQ(run.Count(), "6 ready, 0 not, 0 going");
  // A shorter grace than the pod takes to drain.
  Request quick = Delete(Kind::kPod, "shop", run.First());
  quick.deletion.gracePeriodSeconds = 2;
  ASSERT_TRUE(run.Do(quick).status.ok());
  run.Pass(1900ms);
  EXPECT_EQ(run.Count(), "5 ready, 1 not, 1 going");
  run.Pass(200ms);
  EXPECT_EQ(run.Count(), "5 ready, 1 not, 0 going");
}

TEST(LiveRunTest, WhatAClientChangedIsNotOverwritten) {
  Live run(std::string(kLiveHead) +
           "actions:\n- {at: 1s, relabel: {nodes: [node-a-1], labels: {x: z}}}\n"
           "- {at: 2s, setService: {service: shop/web, annotations: {x: z}}}\n"
           "- {at: 3s, flap: {service: shop/web, pods: 6, period: 10s, duration: 20s}}");
  ASSERT_TRUE(run.status.ok()) << run.status;
  // When an action was told of but has not written yet: the driver has not heard
  // of what the client does.
  run.on_log = [&run] {
    const std::string by = Concat(R"({"by":"client-)", run.log.size(), "\"}");
    const std::string patch = Concat(R"({"metadata":{"labels":)", by, R"(,"annotations":)", by, "}}");
    EXPECT_EQ(run.Do(Merge(Kind::kNode, "", "node-a-1", patch)).status.code, 200);
    EXPECT_EQ(run.Do(Merge(Kind::kService, "shop", "web", patch)).status.code, 200);
    for (const auto& pod : run.Pods()) {
      EXPECT_EQ(run.Do(Merge(Kind::kPod, "shop", pod->metadata.name.str(), patch)).status.code, 200);
    }
  };
  run.Pass(4s);
  run.on_log = nullptr;
  const auto node = run.Do(Named(Verb::kGet, Kind::kNode, "", "node-a-1")).object.As<Node>();
  EXPECT_EQ(node->metadata.labels.Get("x"), "z");
  EXPECT_EQ(node->metadata.labels.Get("by"), "client-3");
  const auto service = run.Do(Named(Verb::kGet, Kind::kService, "shop", "web")).object.As<Service>();
  EXPECT_EQ(service->metadata.annotations.Get("x"), "z");
  EXPECT_EQ(service->metadata.annotations.Get("by"), "client-3");
  EXPECT_EQ(run.Count(), "0 ready, 6 not, 0 going");
  for (const auto& pod : run.Pods()) EXPECT_EQ(pod->metadata.labels.Get("by"), "client-3");
  run.Pass(30s);
  EXPECT_EQ(run.Count(), "6 ready, 0 not, 0 going");
  // A status by hand counts, too.
  const std::string unready = run.First();
  ASSERT_TRUE(run.Do(Merge(Kind::kPod, "shop", unready,
                           R"({"status":{"conditions":[{"type":"Ready","status":"False"}]}})", "status"))
                  .status.ok());
  run.Pass(30s);
  EXPECT_EQ(run.Count(), "5 ready, 1 not, 0 going");
}

TEST(LiveRunTest, ANodeThatAClientDeletesTakesItsPodsAlong) {
  Live run(kLiveHead);
  ASSERT_TRUE(run.status.ok()) << run.status;
  const std::string node = run.Pods().front()->nodeName.str();
  ASSERT_TRUE(run.Do(Delete(Kind::kNode, "", node)).status.ok());
  run.Pass(10s);
  EXPECT_EQ(run.Count(), "6 ready, 0 not, 0 going");
  EXPECT_THAT(run.NodesOfPods(), Not(Contains(node)));
}

TEST(LiveRunTest, ANamespaceThatAClientDeletesStaysEmpty) {
  Live run(std::string(kLiveHead) + "actions: [{at: 20s, scale: {service: shop/web, to: 9}}]");
  ASSERT_TRUE(run.status.ok()) << run.status;
  ASSERT_TRUE(run.Do(Delete(Kind::kNamespace, "", "shop")).status.ok());
  run.Pass(1min);
  EXPECT_THAT(run.Pods(), IsEmpty());
  EXPECT_EQ(run.Do(Named(Verb::kGet, Kind::kNamespace, "", "shop")).status.code, 404);
  EXPECT_THAT(run.log, Contains(HasSubstr("there is no Service \"shop/web\" when the action is due")));
}

TEST(LiveRunTest, APodOfAClientsOwnIsLeftAloneUntilItGoes) {
  Live run(kLiveHead);
  ASSERT_TRUE(run.status.ok()) << run.status;
  Pod own;
  own.metadata.name = Text("own");
  own.metadata.namespace_ = Text("shop");
  own.nodeName = Text("node-a-1");
  own.phase = PodPhase::kRunning;
  Request create = Named(Verb::kCreate, Kind::kPod, "shop", "own");
  create.object = AnyObject::Of(std::move(own));
  ASSERT_TRUE(run.Do(create).status.ok());
  run.Pass(1min);
  EXPECT_EQ(run.Count(), "6 ready, 1 not, 0 going");
  ASSERT_TRUE(run.Do(Delete(Kind::kPod, "shop", "own")).status.ok());
  run.Pass(1s);
  EXPECT_EQ(run.Count(), "6 ready, 0 not, 1 going");
  run.Pass(5s);
  EXPECT_EQ(run.Count(), "6 ready, 0 not, 0 going");
}

// A pod of a client's own, as `kubectl run` sends it.
Request RunPod(const std::string& name, const std::string& spec = R"({"containers":[{"name":"c","image":"i"}]})") {
  Request create = Named(Verb::kCreate, Kind::kPod, "shop", name);
  const auto pod = DecodeObjectJson(Kind::kPod,
                                    Concat(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")", name,
                                           R"(","namespace":"shop","labels":{"run":"own"}},"spec":)", spec, "}"),
                                    /*keep_json=*/true);
  EXPECT_TRUE(pod.ok()) << pod.status();
  create.object = *pod;
  return create;
}

TEST(LiveRunTest, APodOfAClientsOwnWithoutANodeIsScheduledAndBecomesReady) {
  Live run(kLiveHead);
  ASSERT_TRUE(run.status.ok()) << run.status;
  ASSERT_TRUE(run.Do(RunPod("own")).status.ok());
  const auto own = [&run] { return run.Do(Named(Verb::kGet, Kind::kPod, "shop", "own")).object; };
  run.Pass(50ms);
  EXPECT_EQ(own().As<Pod>()->nodeName, "");
  run.Pass(100ms);
  EXPECT_NE(own().As<Pod>()->nodeName, "");
  EXPECT_FALSE(own().As<Pod>()->hasPodIP);
  run.Pass(2s);
  EXPECT_EQ(own().As<Pod>()->phase, PodPhase::kRunning);
  EXPECT_TRUE(own().As<Pod>()->hasPodIP);
  EXPECT_FALSE(own().As<Pod>()->ready);
  run.Pass(3s);
  EXPECT_TRUE(own().As<Pod>()->ready);
  EXPECT_EQ(run.Count(), "7 ready, 0 not, 0 going");
  // What the client sent is still there, and what became of it.
  ASSERT_NE(own().json(), nullptr);
  EXPECT_THAT(*own().json(), HasSubstr(R"("image":"i")"));
  EXPECT_THAT(*own().json(), HasSubstr(Concat(R"("nodeName":")", own().As<Pod>()->nodeName)));

  // It ends as a kubelet ends it, and nobody replaces it.
  ASSERT_TRUE(run.Do(Delete(Kind::kPod, "shop", "own")).status.ok());
  run.Pass(4s);
  EXPECT_EQ(run.Count(), "6 ready, 0 not, 1 going");
  run.Pass(2s);
  EXPECT_EQ(run.Count(), "6 ready, 0 not, 0 going");
}

TEST(LiveRunTest, PodsOfAClientsOwnThatChangeWhileTheyWait) {
  Live run(kLiveHead);
  ASSERT_TRUE(run.status.ok()) << run.status;
  for (const char* name : {"gone", "again", "bound"}) ASSERT_TRUE(run.Do(RunPod(name)).status.ok());
  run.Pass(20ms);
  ASSERT_TRUE(run.Do(Delete(Kind::kPod, "shop", "gone")).status.ok());
  ASSERT_TRUE(run.Do(Delete(Kind::kPod, "shop", "again")).status.ok());
  ASSERT_TRUE(run.Do(RunPod("again")).status.ok());
  // A scheduler of the client's own.
  Request bind = Named(Verb::kCreate, Kind::kPod, "shop", "bound");
  bind.subresource = "binding";
  Pod bound;
  bound.metadata.name = Text("bound");
  bound.metadata.namespace_ = Text("shop");
  bound.nodeName = Text("node-b-2");
  bind.object = AnyObject::Of(std::move(bound));
  ASSERT_TRUE(run.Do(bind).status.ok());
  run.Pass(30s);
  EXPECT_EQ(run.Count(), "8 ready, 0 not, 0 going");
  EXPECT_EQ(run.Do(Named(Verb::kGet, Kind::kPod, "shop", "bound")).object.As<Pod>()->nodeName, "node-b-2");
  // Where its node goes, so does the pod.
  ASSERT_TRUE(run.Do(Delete(Kind::kNode, "", "node-b-2")).status.ok());
  run.Pass(10s);
  EXPECT_EQ(run.Do(Named(Verb::kGet, Kind::kPod, "shop", "bound")).status.code, 404);
}

TEST(LiveRunTest, APodOfAClientsOwnWaitsForRoom) {
  Live run(std::string(kLiveHead) +
           "actions: [{at: 1s, drain: {zone: a}}, {at: 1s, drain: {zone: b}},\n"
           "          {at: 1s, drain: {zone: c, uncordonAfter: 60s}}]\n");
  ASSERT_TRUE(run.status.ok()) << run.status;
  run.Pass(10s);
  ASSERT_TRUE(run.Do(RunPod("own")).status.ok());
  run.Pass(10s);
  EXPECT_EQ(run.Do(Named(Verb::kGet, Kind::kPod, "shop", "own")).object.As<Pod>()->nodeName, "");
  run.Pass(60s);
  EXPECT_TRUE(run.Do(Named(Verb::kGet, Kind::kPod, "shop", "own")).object.As<Pod>()->ready);
}

TEST(LiveRunTest, NoControllerRunsInside) {
  Live run(std::string(kLiveHead) +
               "startState: withoutSlices\nactions:\n"
               "- {at: 1s, controllerRestart: {downtime: 1s}}\n- {at: 2s, apiSlowdown: {factor: 2, duration: 1s}}\n"
               "- {at: 20s, every: 20s, scale: {service: shop/web, to: 8}}",
           10);
  ASSERT_TRUE(run.status.ok()) << run.status;
  run.Pass(30s);
  EXPECT_THAT(run.Do(Named(Verb::kList, Kind::kEndpointSlice, "", "")).list.items, IsEmpty());
  EXPECT_THAT(run.log, Contains(HasSubstr("controllerRestart does nothing here")));
  EXPECT_THAT(run.log, Contains(HasSubstr("apiSlowdown does nothing here")));
  // Until the duration is over, and not after.
  EXPECT_EQ(std::count(run.log.begin(), run.log.end(), "40 scale shop/web to 8"), 1);
  EXPECT_EQ(std::count(run.log.begin(), run.log.end(), "180 scale shop/web to 8"), 1);
  EXPECT_EQ(std::count(run.log.begin(), run.log.end(), "200 scale shop/web to 8"), 0);
  // What is there goes on living.
  ASSERT_TRUE(run.Do(Delete(Kind::kPod, "shop", run.First())).status.ok());
  run.Pass(1s);
  EXPECT_EQ(run.Count(), "8 ready, 0 not, 0 going");
}

TEST(LiveRunTest, SlicesOfTheStartAreLeftOutWhereToldTo) {
  for (const bool with : {true, false}) {
    Live run(kLiveHead, 1, {}, with ? std::vector<Kind>{} : std::vector<Kind>{Kind::kEndpointSlice});
    ASSERT_TRUE(run.status.ok()) << run.status;
    EXPECT_EQ(run.Do(Named(Verb::kList, Kind::kEndpointSlice, "", "")).list.items.size(), with ? 1U : 0U);
  }
}

// A trace in a file of its own.
}  // namespace
}  // namespace epslice::sim
