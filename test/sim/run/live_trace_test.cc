// Traces in real time, and what clients in other threads do meanwhile.
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

class LiveTraceTest : public testing::Test {
 protected:
  void SetUp() override {
    file_ = testing::TempDir() + "live_run_test.jsonl";
    std::ofstream out(file_);
    const auto event = [&out](int second, const char* type, bool start, const std::string& object) {
      out << R"({"time":"2026-01-02T03:04:)" << (second < 10 ? "0" : "") << second << R"(Z","type":")" << type << '"'
          << (start ? R"(,"start":true)" : "") << R"(,"object":)" << object << "}\n";
    };
    const auto pod = [](const std::string& name, const std::string& rest, bool ready) {
      return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name + R"(","namespace":"shop","uid":"uid-)" +
             name + R"(","labels":{"app":"web"},"annotations":{"kept":"whole"})" + rest +
             R"(},"spec":{"nodeName":"n1","containers":[{"name":"c","image":"i"}]},"status":{"phase":"Running",)"
             R"("podIPs":[{"ip":"10.0.0.1"}],"conditions":[{"type":"Ready","status":")" +
             (ready ? "True" : "False") + R"("}]}})";
    };
    const std::string slice =
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4","endpoints":[],"metadata":)"
        R"({"name":"web-x","namespace":"shop","uid":"s1","labels":{"kubernetes.io/service-name":"web",)"
        R"("endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"}}})";
    event(0, "ADDED", true,
          R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","uid":"n"},)"
          R"("status":{"conditions":[{"type":"Ready","status":"True"}]}})");
    event(0, "ADDED", true,
          R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop","uid":"w"},)"
          R"("spec":{"selector":{"app":"web"},"ports":[{"port":80}]}})");
    event(0, "ADDED", true, pod("a", "", true));
    event(10, "ADDED", false, pod("b", "", false));
    event(12, "ADDED", false, slice);
    event(20, "MODIFIED", false, pod("b", "", true));
    event(30, "MODIFIED", false, pod("a", R"(,"deletionTimestamp":"2026-01-02T03:05:00Z")", true));
    event(40, "DELETED", false, pod("a", R"(,"deletionTimestamp":"2026-01-02T03:05:00Z")", false));
  }
  void TearDown() override { std::remove(file_.c_str()); }
  std::string file_;
};

TEST_F(LiveTraceTest, IsReplayedWithoutWhatTheRecordedControllerWrote) {
  Live run("", 10, {file_});
  ASSERT_TRUE(run.status.ok()) << run.status;
  EXPECT_EQ(run.Count(), "1 ready, 0 not, 0 going");
  run.Pass(1100ms);
  EXPECT_EQ(run.Count(), "1 ready, 1 not, 0 going");
  EXPECT_EQ(run.live->clock().WallNow(), Timestamp::FromSeconds(1'767'323'040 + 11));
  const AnyObject b = run.Do(Named(Verb::kGet, Kind::kPod, "shop", "b")).object;
  ASSERT_NE(b.json(), nullptr);
  EXPECT_THAT(*b.json(), HasSubstr("whole"));
  run.Pass(2s);
  EXPECT_EQ(run.Count(), "1 ready, 0 not, 1 going");
  EXPECT_FALSE(run.live->over());
  run.Pass(1s);
  EXPECT_EQ(run.Count(), "1 ready, 0 not, 0 going");
  EXPECT_TRUE(run.live->over());
  EXPECT_TRUE(run.live->status().ok());
  EXPECT_THAT(run.Do(Named(Verb::kList, Kind::kEndpointSlice, "", "")).list.items, IsEmpty());
  EXPECT_THAT(run.log, Contains(HasSubstr("4 changes replayed, 1 writes of the recorded controller left out")));
}

TEST_F(LiveTraceTest, WhatAClientDeletedStaysAway) {
  Live run("", 10, {file_});
  ASSERT_TRUE(run.status.ok()) << run.status;
  run.Pass(1100ms);
  ASSERT_TRUE(run.Do(ForceDelete("a")).status.ok());
  ASSERT_TRUE(run.Do(Delete(Kind::kPod, "shop", "b")).status.ok());
  run.Pass(20ms);
  EXPECT_EQ(run.Count(), "0 ready, 0 not, 1 going");
  run.Pass(3s);
  EXPECT_EQ(run.Count(), "0 ready, 0 not, 0 going");
  EXPECT_TRUE(run.live->over());
}

TEST_F(LiveTraceTest, AScenarioGoesOnFromIt) {
  Live run(
      "apiVersion: epslice.dev/v1\nkind: Scenario\npods: {startup: 1s, readiness: 1s, drain: 1s}\n"
      "actions: [{at: 5s, scale: {service: shop/web, to: 3}}]",
      1, {file_});
  ASSERT_TRUE(run.status.ok()) << run.status;
  run.Pass(50s);
  EXPECT_EQ(run.Count(), "3 ready, 0 not, 0 going");
  EXPECT_TRUE(run.live->over());
}

TEST(LiveRunTest, AStateAloneIsRefused) {
  Live run("", 1, {EPSLICE_SOURCE_DIR "/test/testdata/shop/pods.json"});
  EXPECT_THAT(std::string(run.status.message()), HasSubstr("nothing happens in it"));
}

TEST(LiveRunTest, ClientsInOtherThreadsDoNotGetInTheWay) {
  Live run(std::string(kLiveHead) +
           "nodeLifecycle: {notReadyAfter: 1s, evictAfter: 2s}\nactions:\n"
           "- {at: 1s, every: 5s, rollout: {service: shop/web}}\n"
           "- {at: 3s, every: 20s, zoneOutage: {zone: a, duration: 10s}}\n");
  ASSERT_TRUE(run.status.ok()) << run.status;
  std::thread living([&run] { run.live->Run(); });
  std::vector<std::thread> clients;
  for (int number = 0; number < 3; ++number) {
    clients.emplace_back([&run, number] {
      MemoryApiServer* const server = run.live->server();
      for (int i = 0; i < 150; ++i) {
        run.clock.Advance(100ms);
        const ObjectList pods = server->Handle(Named(Verb::kList, Kind::kPod, "shop", "")).list;
        // They may be quicker than those that make pods anew: then there is none.
        const std::string pod =
            pods.items.empty()
                ? "none"
                : pods.items[static_cast<std::size_t>(i * 7 + number) % pods.items.size()].meta().name.str();
        const std::string label = Concat(R"({"metadata":{"labels":{"l)", number, R"(":"v)", i, "\"}}}");
        switch ((i + number) % 5) {
          case 0: server->Handle(Delete(Kind::kPod, "shop", pod)); break;
          case 1: server->Handle(ForceDelete(pod)); break;
          case 2: server->Handle(Merge(Kind::kPod, "shop", pod, label)); break;
          case 3: server->Handle(Merge(Kind::kNode, "", "node-a-1", label)); break;
          default: run.live->clock().WallNow(); break;
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  run.live->Stop();
  living.join();
  // Left to itself it comes to what it should be.
  run.Pass(11min);
  EXPECT_TRUE(run.live->over());
  run.Pass(1min);
  EXPECT_EQ(run.Count(), "6 ready, 0 not, 0 going");
  for (const std::string& node : run.NodesOfPods()) {
    EXPECT_TRUE(run.Do(Named(Verb::kGet, Kind::kNode, "", node)).status.ok()) << node;
  }
  const auto node = run.Do(Named(Verb::kGet, Kind::kNode, "", "node-a-1")).object.As<Node>();
  EXPECT_TRUE(node->ready);
  EXPECT_FALSE(node->metadata.labels.Get("l0").empty());
}

}  // namespace
}  // namespace epslice::sim
