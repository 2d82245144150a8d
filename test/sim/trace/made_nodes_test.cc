// Nodes that a trace does not tell of.
#include "sim/trace/made_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/discovery.h"
#include "test/sim/trace/trace_testing.h"

namespace epslice::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Timestamp kNoon{1'767'268'800'000'000'000};

// Events at whole seconds after noon; `start`: of the start state.
TraceEvent At(int second, WatchEventType type, AnyObject object, bool start = false) {
  return TraceEvent{
      Timestamp{kNoon.nanos + second * 1'000'000'000LL}, type, std::move(object), "", start, Duration{0}, ""};
}

AnyObject PodOn(std::string_view node, std::string_view name = "p") {
  Pod pod;
  pod.metadata.namespace_ = Text("shop");
  pod.metadata.name = Text(name);
  pod.nodeName = Text(node);
  return AnyObject::Of(std::move(pod));
}

AnyObject NodeOf(std::string_view name, std::string_view zone = "a") {
  Node node;
  node.metadata.name = Text(name);
  node.metadata.uid = Text(Concat("uid-", name));
  node.metadata.labels = StringMap{{Text(kLabelZone), Text(zone)}};
  return AnyObject::Of(std::move(node));
}

// Of endpoints "node/zone".
AnyObject SliceOf(const std::vector<std::string>& endpoints,
                  std::string_view managed_by = "endpointslice-controller.k8s.io") {
  EndpointSlice slice;
  slice.metadata.namespace_ = Text("shop");
  slice.metadata.name = Text("web-1");
  slice.metadata.labels = StringMap{{Text(kLabelManagedBy), Text(managed_by)}};
  for (const std::string& text : endpoints) {
    Endpoint& endpoint = slice.endpoints.emplace_back();
    endpoint.nodeName = Text(text.substr(0, text.find('/')));
    if (text.find('/') != text.npos) endpoint.zone = Text(text.substr(text.find('/') + 1));
  }
  return AnyObject::Of(std::move(slice));
}

// Hands out what it was given; how far it was read ahead of who reads it.
class GivenReader : public TraceReader {
 public:
  GivenReader(std::vector<TraceEvent> events, absl::Status end) : events_(std::move(events)), end_(std::move(end)) {}
  absl::StatusOr<bool> Next(TraceEvent* event) override {
    if (read_ == events_.size()) return end_.ok() ? absl::StatusOr<bool>(false) : absl::StatusOr<bool>(end_);
    *event = events_[read_++];
    return true;
  }
  TraceSummary summary() const override { return {}; }
  std::size_t read() const { return read_; }

 private:
  const std::vector<TraceEvent> events_;
  const absl::Status end_;
  std::size_t read_ = 0;
};

// "12:00:00Z start ADDED n1 in a uid made-up-n1", of pods and slices the name alone.
std::string Tell(const TraceEvent& event) {
  std::string out = Concat((event.time.nanos - kNoon.nanos) / 1'000'000'000, "s ", event.start ? "start " : "");
  const auto node = event.object.As<Node>();
  if (node == nullptr) return Concat(out, event.object.meta().name.view());
  return Concat(out, WatchEventTypeName(event.type), " ", node->metadata.name.view(), " in ",
                node->metadata.labels.Get(kLabelZone), node->ready ? " ready" : "", IsMadeUp(*node) ? " made up" : "");
}

struct Told {
  std::vector<std::string> events;
  TraceSummary summary;
  absl::Status end;
};

Told Read(std::vector<TraceEvent> events, absl::Status end = absl::OkStatus()) {
  const auto reader = WithMadeNodes(std::make_unique<GivenReader>(std::move(events), std::move(end)));
  Told told;
  while (true) {
    TraceEvent event;
    const absl::StatusOr<bool> more = reader->Next(&event);
    told.end = more.status();
    if (!more.ok() || !*more) break;
    told.events.push_back(Tell(event));
  }
  told.summary = reader->summary();
  return told;
}

constexpr WatchEventType kAdded = WatchEventType::kAdded, kModified = WatchEventType::kModified,
                         kDeleted = WatchEventType::kDeleted;

struct Case {
  const char* what;
  std::vector<TraceEvent> events;
  std::vector<std::string> told;
  const char* made_up;  // a part of its only sentence; null: there is none
};

std::vector<Case> Cases() {
  return {
      {"a slice names the node of a pod that was bound before",
       {At(0, kAdded, PodOn("")), At(1, kModified, PodOn("n1")), At(5, kAdded, SliceOf({"n1/b"}))},
       {"0s p", "0s ADDED n1 in b ready made up", "1s p", "5s web-1"},
       "1 node, from the endpoints of slices"},
      {"nothing went before: it is the start state",
       {At(0, kModified, PodOn("n1")), At(5, kAdded, SliceOf({"n1/b", "n2/c"}))},
       {"0s start ADDED n1 in b ready made up", "0s start ADDED n2 in c ready made up", "0s p", "5s web-1"},
       "2 nodes, from"},
      {"of the start state, whatever its order",
       {At(0, kAdded, SliceOf({"n1/a"}), true), At(0, kAdded, PodOn("n1"), true), At(3, kModified, PodOn("n1"))},
       {"0s start ADDED n1 in a ready made up", "0s start web-1", "0s start p", "3s p"},
       "1 node, from"},
      {"where the start state has nodes, those that it lacks are gone; those that come later are not",
       {At(0, kAdded, SliceOf({"n1/a"}), true), At(0, kAdded, PodOn("n2"), true), At(0, kAdded, NodeOf("n0"), true),
        At(3, kModified, SliceOf({"n1/a", "n2/a", "n3/b"}))},
       {"0s start web-1", "0s start p", "0s start ADDED n0 in a", "0s ADDED n3 in b ready made up", "3s web-1"},
       "1 node, from"},
      {"a node that is shown",
       {At(0, kAdded, NodeOf("n1")), At(1, kAdded, PodOn("n1")), At(5, kAdded, SliceOf({"n1/b"}))},
       {"0s ADDED n1 in a", "1s p", "5s web-1"},
       nullptr},
      {"one that comes when it is made, although a pod was bound before",
       {At(0, kAdded, PodOn("n1")), At(1, kAdded, NodeOf("n1")), At(5, kAdded, SliceOf({"n1/b"}))},
       {"0s p", "1s ADDED n1 in a", "5s web-1"},
       nullptr},
      {"one that was deleted",
       {At(0, kAdded, NodeOf("n1")), At(1, kDeleted, NodeOf("n1")), At(5, kAdded, SliceOf({"n1/a"}))},
       {"0s ADDED n1 in a", "1s DELETED n1 in a", "5s web-1"},
       nullptr},
      {"one that is shown changing, and so was there before",
       {At(0, kAdded, PodOn("n1")), At(4, kModified, NodeOf("n1")), At(5, kAdded, SliceOf({"n1/b"}))},
       {"0s start ADDED n1 in a", "0s p", "4s MODIFIED n1 in a", "5s web-1"},
       "1 node is first shown changing, after pods on it"},
      {"one that is shown when it was made up: the same, until it is gone",
       {At(0, kAdded, SliceOf({"n1/b"})), At(4, kModified, NodeOf("n1")), At(5, kDeleted, NodeOf("n1")),
        At(6, kModified, SliceOf({"n1/b"})), At(7, kAdded, NodeOf("n1"))},
       {"0s start ADDED n1 in b ready made up", "0s web-1", "4s MODIFIED n1 in a made up", "5s DELETED n1 in a",
        "6s web-1", "7s ADDED n1 in a"},
       "1 of them are shown later"},
      {"without a zone",
       {At(0, kAdded, SliceOf({"n1"}))},
       {"0s start ADDED n1 in  ready made up", "0s web-1"},
       "1 node"},
      {"no node, and slices that never tell zones",
       {At(0, kAdded, SliceOf({""})), At(1, kAdded, SliceOf({"n1"}, "endpointslicemirroring-controller.k8s.io"))},
       {"0s web-1", "1s web-1"},
       nullptr},
      {"only a slice that goes names it", {At(0, kDeleted, SliceOf({"n1/a"}))}, {"0s web-1"}, nullptr},
      {"a pod on a node that no slice names",
       {At(0, kAdded, PodOn("n1")), At(1, kModified, PodOn("n1"))},
       {"0s p", "1s p"},
       nullptr},
      {"a slice that comes more than two minutes after the pod",
       {At(0, kAdded, PodOn("n1")), At(100, kAdded, PodOn("n2")), At(119, kModified, PodOn("n1")),
        At(150, kModified, PodOn("n1")), At(230, kAdded, SliceOf({"n1/a"}))},
       {"0s p", "0s ADDED n1 in a ready made up", "100s p", "119s p", "150s p", "230s web-1"},
       "1 node"},
  };
}

TEST(MadeNodesTest, NodesThatSlicesNameAreThereBeforeThePodsOnThem) {
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.what);
    const Told told = Read(c.events);
    EXPECT_EQ(told.events, c.told);
    EXPECT_TRUE(told.end.ok());
    EXPECT_EQ(told.summary.made_up.size(), c.made_up == nullptr ? 0u : 1u);
    for (const std::string& what : told.summary.made_up) EXPECT_THAT(what, HasSubstr(c.made_up));
    EXPECT_EQ(told.summary.events + told.summary.start_objects, static_cast<std::int64_t>(told.events.size()));
  }
}

TEST(MadeNodesTest, TheFirstZoneCounts) {
  const Told told = Read({At(0, kAdded, SliceOf({"n1/a", "n2/b"})), At(1, kModified, SliceOf({"n1/c", "n2/b"})),
                          At(2, kModified, SliceOf({"n1/d"}))});
  EXPECT_THAT(told.events, ElementsAre("0s start ADDED n1 in a ready made up", "0s start ADDED n2 in b ready made up",
                                       "0s web-1", "1s web-1", "2s web-1"));
  EXPECT_THAT(told.summary.notes, ElementsAre(HasSubstr("1 node that slices name with one zone first")));
}

TEST(MadeNodesTest, WhatWasReadBeforeAnErrorIsHandedOut) {
  const Told told = Read({At(0, kAdded, PodOn("n1")), At(1, kAdded, SliceOf({"n1/a"}))},
                         absl::InvalidArgumentError("t: line 3: is cut off"));
  EXPECT_THAT(told.events, ElementsAre("0s start ADDED n1 in a ready made up", "0s p", "1s web-1"));
  EXPECT_THAT(told.end.message(), HasSubstr("line 3"));
}

TEST(MadeNodesTest, NoMoreThanThatIsReadAhead) {
  struct Bound {
    AnyObject object;  // of each event
    std::size_t most;
  };
  const std::vector<std::string> endpoints(1000, "n0");
  const std::size_t mib64 = std::size_t{64} << 20;
  const std::string json(9'000, ' ');
  const AnyObject with_json(PodOn("n1").As<Pod>(), std::make_shared<const std::string>(json));
  for (const Bound& bound :
       {Bound{PodOn("n1"), 20'000}, Bound{SliceOf(endpoints), mib64 / (1000 + 300 * endpoints.size())},
        Bound{with_json, mib64 / 10'000}}) {
    std::vector<TraceEvent> events = {At(0, kAdded, NodeOf("n0")), At(0, kAdded, PodOn("n1"))};
    events.resize(25'000, At(1, kModified, bound.object));
    auto given = std::make_unique<GivenReader>(std::move(events), absl::OkStatus());
    const GivenReader& inner = *given;
    const auto reader = WithMadeNodes(std::move(given));
    TraceEvent event;
    std::size_t handed_out = 0, most = 0;
    for (absl::StatusOr<bool> more = true; more.ok() && *more; ++handed_out) {
      most = std::max(most, inner.read() - handed_out);
      more = reader->Next(&event);
    }
    EXPECT_GE(most, bound.most - 5);
    EXPECT_LE(most, bound.most + 5);
  }
}

TEST(MadeNodesTest, ATraceThatWasConvertedTellsOfItAgain) {
  const std::string line = R"({"time":"2026-01-01T12:00:0)";
  const auto read =
      ReadText(Concat(line, R"(0Z","type":"ADDED","start":true,"object":{"apiVersion":"v1","kind":"Node",)",
                      R"("metadata":{"name":"n1","uid":"made-up-n1"}}})", "\n", line,
                      R"(1Z","type":"MODIFIED","object":{"apiVersion":"v1","kind":"Node",)",
                      R"("metadata":{"name":"n1","uid":"u-1"}}})", "\n"));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("start ADDED Node n1 12:00:00Z", "MODIFIED Node n1 12:00:01Z"));
  EXPECT_THAT(read.summary.made_up, IsEmpty());
}

}  // namespace
}  // namespace epslice::sim
