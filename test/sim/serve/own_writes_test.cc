// What a scenario does in a served cluster, as its audit log tells it.
#include "sim/serve/own_writes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "apis/concat.h"
#include "apis/json.h"
#include "sim/run/against_recording.h"
#include "sim/run/live_run.h"
#include "sim/run/run.h"
#include "sim/trace/trace.h"
#include "test/informers/http/pki.h"

namespace epslice::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsSupersetOf;
using Json = nlohmann::json;

constexpr char kScenario[] =
    "apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 5m\n"
    "pods: {scheduling: 100ms, startup: 2s, readiness: 3s, preStop: 1s, drain: 4s, gracePeriod: 30s}\n"
    "nodeLifecycle: {notReadyAfter: 10s, evictAfter: 20s}\n"
    "cluster: {nodes: [{name: node, zones: [a, b], count: 2}]}\n"
    "services: [{name: web, namespace: shop, replicas: 4}, {name: api, namespace: back, replicas: 2}]\n"
    "actions:\n"
    "- {at: 10s, rollout: {service: shop/web, maxSurge: 1, maxUnavailable: 0}}\n"
    "- {at: 60s, scale: {service: back/api, to: 4}}\n"
    "- {at: 70s, scale: {service: back/api, to: 1}}\n"
    "- {at: 80s, drain: {nodes: [node-a-1], uncordonAfter: 20s}}\n"
    "- {at: 120s, nodeFailure: {nodes: [node-b-1], comesBackAfter: 60s}}\n"
    "- {at: 200s, setService: {service: shop/web, trafficDistribution: PreferClose}}\n"
    "- {at: 210s, relabel: {nodes: [node-a-2], labels: {tier: gold}}}\n"
    "- {at: 220s, addNodes: {name: more, zones: [a], count: 1, readyAfter: 5s}}\n"
    "- {at: 240s, removeNodes: {nodes: [node-b-2]}}\n";

// The scenario from beginning to end, by a clock that is moved, and its log.
struct ServedScenario {
  explicit ServedScenario(AuditPolicy policy) {
    std::istringstream text(kScenario);
    RunSpec spec;
    spec.standard_input = &text;
    spec.scenario = "-";
    auto opened = LiveRun::Open(spec, {}, {&clock, 1000, nullptr});
    EXPECT_TRUE(opened.ok()) << opened.status();
    if (!opened.ok()) return;
    run = *std::move(opened);
    EXPECT_TRUE(run->Begin().ok());
    auto file = AuditFile::Open(dir.path() + "/audit.jsonl", {}, &clock);
    EXPECT_TRUE(file.ok()) << file.status();
    AuditLog log(*std::move(file), std::move(policy));
    {
      const OwnWrites writes(&log, &run->clock(), run->server(), /*start=*/true);
      while (clock.Now() < 400ms) clock.Advance(std::max<Duration>(run->Step(), 1us));
    }
    EXPECT_TRUE(log.Close().ok());
  }
  std::map<std::string, AnyObject> Objects(Kind kind) const {
    Request list;
    list.verb = Verb::kList;
    list.kind = kind;
    std::map<std::string, AnyObject> out;
    for (const AnyObject& object : run->server()->Handle(list).list.items) {
      out[KeyOf(object.meta()).ToString()] = object;
    }
    return out;
  }
  std::string path() const { return dir.path() + "/audit.jsonl"; }

  const TempDir dir;
  FakeClock clock;
  std::unique_ptr<LiveRun> run;
};

// A policy of one level for all.
AuditPolicy LevelForAll(std::string_view level) {
  return *AuditPolicy::Parse(Concat("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: ", level, "}\n"));
}

std::string SaidOf(const AnyObject& object, bool whole) {
  std::string text;
  AppendJson(object, &text);
  Json read = Json::parse(text);
  read["metadata"].erase("resourceVersion");
  // A request does not tell what the server stamps.
  if (!whole) {
    read["metadata"].erase("uid");
    read["metadata"].erase("generation");
  }
  return read.dump();
}

TEST(OwnWritesTest, TheLogReadBackIsTheClusterAtTheEnd) {
  for (const std::string level : {"RequestResponse", "Request"}) {
    SCOPED_TRACE(level);
    const ServedScenario served(LevelForAll(level));
    ASSERT_NE(served.run, nullptr);
    const auto reader = OpenTrace({served.path()});
    ASSERT_TRUE(reader.ok()) << reader.status();
    std::map<Kind, std::map<std::string, AnyObject>> told;
    TraceEvent event;
    while (true) {
      const absl::StatusOr<bool> more = (*reader)->Next(&event);
      ASSERT_TRUE(more.ok()) << more.status();
      if (!*more) break;
      auto& objects = told[event.object.kind()];
      const std::string key = KeyOf(event.object.meta()).ToString();
      if (event.type == WatchEventType::kDeleted) {
        objects.erase(key);
      } else {
        objects[key] = event.object;
      }
    }
    EXPECT_TRUE((*reader)->summary().skipped.empty());
    for (const Kind kind : {Kind::kNode, Kind::kService, Kind::kPod, Kind::kEndpointSlice}) {
      const auto there = served.Objects(kind);
      EXPECT_GT(there.size(), 0U);
      EXPECT_EQ(told[kind].size(), there.size()) << InfoOf(kind).resource;
      for (const auto& [key, object] : there) {
        const AnyObject& read = told[kind][key];
        ASSERT_TRUE(read.has_value()) << key;
        EXPECT_EQ(SaidOf(read, level == "RequestResponse"), SaidOf(object, level == "RequestResponse"));
      }
    }
  }
}

TEST(OwnWritesTest, WhoDidWhat) {
  const ServedScenario served(AuditPolicy::Default());
  std::set<std::string> did;
  std::istringstream lines(served.dir.Read("audit.jsonl"));
  std::map<std::string, std::string> last;
  for (std::string line; std::getline(lines, line);) {
    const Json e = Json::parse(line);
    const Json& ref = e["objectRef"];
    const std::string name = ref.value("name", "");
    did.insert(Concat(std::string(e["verb"]), " ", std::string(ref["resource"]),
                      ref.contains("subresource") ? Concat("/", std::string(ref["subresource"])) : std::string(),
                      " by ", std::string(e["user"]["username"])));
    EXPECT_EQ(e["level"], "RequestResponse");
    EXPECT_EQ(e["stage"], "ResponseComplete");
    EXPECT_LE(last["time"], std::string(e["stageTimestamp"]));
    last["time"] = e["stageTimestamp"];
    if (e["requestURI"] == "/api/v1/namespaces/shop/pods/" + name + "/binding") {
      EXPECT_EQ(e["requestObject"]["kind"], "Binding");
      EXPECT_EQ(e["responseStatus"]["code"], 201);
    }
    if (e["verb"] == "delete" && e["responseObject"]["kind"] == "Pod") {
      EXPECT_EQ(e["requestObject"]["gracePeriodSeconds"], 30);
    }
  }
  const std::string controller = "system:serviceaccount:kube-system:";
  const std::vector<std::string> expected = {
      "create nodes by system:node:node-a-1",
      "create services by kubernetes-admin",
      "create pods by " + controller + "replicaset-controller",
      "create endpointslices by " + controller + "endpointslice-controller",
      "create pods/binding by system:kube-scheduler",
      "update pods/status by system:node:node-a-2",
      "delete pods by system:node:node-a-1",
      "delete pods by " + controller + "replicaset-controller",
      "update nodes by kubernetes-admin",
      "update nodes/status by " + controller + "node-controller",
      "update nodes/status by system:node:node-b-1",
      "delete nodes by " + controller + "node-controller",
      "update services by kubernetes-admin",
  };
  EXPECT_THAT(did, IsSupersetOf(expected));
}

TEST(OwnWritesTest, TheLogBeginsWithTheStateOfTheStart) {
  const ServedScenario served(AuditPolicy::Default());
  const auto reader = OpenTrace({served.path()});
  ASSERT_TRUE(reader.ok()) << reader.status();
  const absl::StatusOr<AgainstRecording> result = RunAgainstRecording(reader->get(), {}, 1);
  // The slices of the start are nobody's writes, and no controller was there.
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("there is nothing to compare with"));
  RunSpec spec;
  spec.sources = {served.path()};
  const absl::StatusOr<RunOutput> output = RunOnce(spec, nullptr);
  ASSERT_TRUE(output.ok()) << output.status();
  // The simulated controller goes on from them.
  EXPECT_EQ(output->report.numbers.creates, 0);
  EXPECT_GT(output->report.numbers.updates, 0);
}

TEST(OwnWritesTest, WhatThePolicyLeavesOutIsNotLogged) {
  const ServedScenario served(LevelForAll("None"));
  EXPECT_EQ(served.dir.Read("audit.jsonl"), "");
}

}  // namespace
}  // namespace epslice::sim
