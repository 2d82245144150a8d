// Hints over time: what brings them back, what is told of them, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "test/controllers/builders.h"
#include "test/controllers/endpointslice/controller_fixture.h"

namespace epslice {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testkit::PodBuilder;
using testkit::ServiceBuilder;

class HintSyncTest : public testkit::ServiceControllerTest {
 protected:
  explicit HintSyncTest(ServiceControllerOptions options = {}) : testkit::ServiceControllerTest(std::move(options)) {}
  // Six pods in each of two zones, with hints.
  void Settle() {
    PutNode("n1", "a");
    PutNode("n2", "b");
    PutService(ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto"));
    for (int i = 0; i < 12; ++i) {
      PutPod(PodBuilder("web-" + std::to_string(10 + i), "10.1.0." + std::to_string(i + 1)).Node(i < 6 ? "n1" : "n2"));
    }
    controller_.Start(now_);
    WorkAll();
    Echo();
  }
};

// The reference drops the hints of every Service when one node loses its zone,
// and never brings them back; and it repeats its events at every sync.
TEST_F(HintSyncTest, HintsComeBackWithTheNodeDataAndEventsAreNotRepeated) {
  PutNode("n1", "a");
  PutNode("n2", "b");
  PutService(ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto"));
  for (int i = 0; i < 4; ++i) {
    PutPod(PodBuilder("web-" + std::to_string(i), "10.1.0." + std::to_string(i + 1)).Node(i % 2 == 0 ? "n1" : "n2"));
  }
  controller_.Start(now_);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web c1"));
  Echo();
  EXPECT_TRUE(OnlySlice()->endpoints[0].hints.has_value());
  PutNode("n3", "b");
  PutNode("n4", "a");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web")) << "half and half again";
  for (int round = 0; round < 3; ++round) {
    events_.clear();
    PutNode("n3", "");
    EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1")) << "no pod is on that node";
    Echo();
    EXPECT_FALSE(OnlySlice()->endpoints[0].hints.has_value());
    controller_.Resync(now_);
    EXPECT_THAT(WorkAll(), ElementsAre("shop/web"));
    PutNode("n3", "b");
    EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
    Echo();
    EXPECT_TRUE(OnlySlice()->endpoints[0].hints.has_value());
    EXPECT_THAT(events_,
                ElementsAre("TopologyAwareHintsDisabled: Insufficient Node information: allocatable CPU or zone "
                            "not specified on one or more nodes, addressType: IPv4",
                            "TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4"));
  }
  // The annotation taken away: the hints go.
  PutService(ServiceBuilder());
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  EXPECT_FALSE(OnlySlice()->endpoints[0].hints.has_value());
  EXPECT_EQ(events_.back(), "TopologyAwareHintsDisabled: Topology Aware Hints has been disabled, addressType: IPv4");
}

class RepeatedEventsTest : public testkit::ServiceControllerTest {
 protected:
  RepeatedEventsTest() : testkit::ServiceControllerTest(Options()) {}
  static ServiceControllerOptions Options() {
    ServiceControllerOptions options;
    options.reconcile.repeat_events = true;
    return options;
  }
};

TEST_F(RepeatedEventsTest, TellAtEachSyncOfHintsThatCannotBeGiven) {
  PutNode("n1", "a");
  PutService(ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto"));
  PutPod(PodBuilder("web-1", "10.1.0.1"));
  controller_.Start(now_);
  for (std::size_t syncs = 1; syncs <= 3; ++syncs) {
    WorkAll();
    Echo();
    EXPECT_THAT(events_, SizeIs(syncs));
    controller_.Resync(now_);
  }
  // Not of those that are given.
  PutNode("n2", "b");
  PutPod(PodBuilder("web-2", "10.1.0.2").Node("n2"));
  WorkAll();
  Echo();
  EXPECT_EQ(events_.back(), "TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4");
  const std::size_t told = events_.size();
  controller_.Resync(now_);
  WorkAll();
  EXPECT_THAT(events_, SizeIs(told));
}

TEST_F(HintSyncTest, AllocatableCpuMovesHints) {
  Settle();
  cpu_milli_ = 3000;
  PutNode("n2", "b");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
}

// Who looks for outdated hints when a node changes sees those of the last sync
// that ended.
TEST_F(HintSyncTest, ANodeThatChangesWhileASliceIsWrittenIsHeeded) {
  Settle();
  ASSERT_TRUE(OnlySlice()->endpoints[0].hints.has_value());
  // Hints come on while a node loses its zone ...
  PutNode("n3", "");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  before_complete_ = [&] {
    before_complete_ = nullptr;
    PutNode("n4", "");
  };
  PutNode("n3", "b");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  EXPECT_FALSE(OnlySlice()->endpoints[0].hints.has_value());
  // ... and go while it gets one.
  PutNode("n4", "a");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  ASSERT_TRUE(OnlySlice()->endpoints[0].hints.has_value());
  before_complete_ = [&] {
    before_complete_ = nullptr;
    PutNode("n4", "a");
  };
  PutNode("n4", "");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  EXPECT_TRUE(OnlySlice()->endpoints[0].hints.has_value());
  EXPECT_THAT(WorkAll(), IsEmpty());
}

// A change that leaves the hints right is no reason for another sync.
TEST_F(HintSyncTest, ANodeThatChangesNothingMeanwhileQueuesNothing) {
  Settle();
  before_complete_ = [&] {
    before_complete_ = nullptr;
    cpu_milli_ = 10;
    PutNode("n3", "a");
  };
  PutPod(PodBuilder("web-10", "10.1.0.1").Ready(false));
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), IsEmpty());
}

ServiceControllerOptions Batched(bool heed_as_reference) {
  ServiceControllerOptions options;
  options.batch_period = seconds(10);
  options.heed_as_reference = heed_as_reference;
  return options;
}

class BatchedHintsTest : public HintSyncTest {
 protected:
  explicit BatchedHintsTest(bool heed_as_reference = false) : HintSyncTest(Batched(heed_as_reference)) {}
  void WorkLater() {
    now_ += seconds(20);
    WorkAll();
    Echo();
  }
  std::string HintedZones() {
    std::string zones;
    for (const Endpoint& endpoint : OnlySlice()->endpoints) {
      zones += endpoint.hints.has_value() ? endpoint.hints->forZones[0].view() : "-";
    }
    std::sort(zones.begin(), zones.end());
    return zones;
  }
};
class AsReferenceTest : public BatchedHintsTest {
 protected:
  AsReferenceTest() : BatchedHintsTest(true) {}
};

TEST_F(BatchedHintsTest, NodesDoNotWaitForTheBatchAndNorDoThePodsThatDid) {
  Settle();
  EXPECT_EQ(HintedZones(), "aaaaaabbbbbb");
  PutPod(PodBuilder("web-99", "10.1.0.99").Node("n1"));
  EXPECT_THAT(WorkAll(), IsEmpty()) << "pods wait";
  PutNode("n3", "c");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  EXPECT_THAT(OnlySlice()->endpoints, SizeIs(13));
}

TEST_F(AsReferenceTest, CpuIsTakenInWithTheNextNodeThatIsHeeded) {
  Settle();
  cpu_milli_ = 3000;
  PutNode("n2", "b");
  EXPECT_THAT(WorkAll(), IsEmpty());
  PutService(
      ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto").Labels({{Text("l"), Text("v")}}));
  WorkAll();
  Echo();
  EXPECT_EQ(HintedZones(), "aaaaaabbbbbb");
  // One that takes no part in hints itself.
  PutNode("n3", "c");
  Drop(controller_.stores().nodes, "", "n3");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  EXPECT_EQ(HintedZones(), "aaabbbbbbbbb");
}

TEST_F(AsReferenceTest, WhatABatchBeginsWith) {
  Settle();
  PutPod(PodBuilder("web-50", "10.1.0.50").Node("n1"));
  WorkLater();
  struct Case {
    const char* what;
    std::function<void(Pod*)> edit;
    bool heeded;
  };
  const Case cases[] = {
      {"nothing", [](Pod*) {}, false},
      {"bound", [](Pod* p) { p->nodeName = Text("n2"); }, false},
      {"ended", [](Pod* p) { p->phase = PodPhase::kFailed; }, false},
      {"not ready", [](Pod* p) { p->ready = false; }, true},
      {"asked to go", [](Pod* p) { p->metadata.deletionTimestamp = Timestamp::FromSeconds(9); }, true},
      {"nothing, while it goes", [](Pod*) {}, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    auto pod = std::make_shared<Pod>(*controller_.stores().pods.Get({Text("shop"), Text("web-50")}));
    pod->metadata.resourceVersion = Text(std::to_string(++version_));
    c.edit(pod.get());
    PutPod(pod);
    EXPECT_EQ(controller_.NextWakeup(now_).has_value(), c.heeded);
    WorkLater();
  }
}

TEST_F(HintSyncTest, HintsAndEventsWaitForTheWrites) {
  PutNode("n1", "a");
  PutNode("n2", "b");
  PutService(ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto"));
  PutPod(PodBuilder("web-1", "10.1.0.1"));
  PutPod(PodBuilder("web-2", "10.1.0.2").Node("n2"));
  controller_.Start(now_);
  refuse_ = StatusConflict(Kind::kEndpointSlice, "x", "modified");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web error"));
  EXPECT_THAT(events_, IsEmpty());
  refuse_ = {};
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web c1"));
  EXPECT_THAT(events_, SizeIs(1));
}

TEST_F(HintSyncTest, WhatIsNotManagedAnyMoreIsForgotten) {
  PutNode("n1", "a");
  PutNode("n2", "b");
  const ServiceBuilder asking = ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto");
  PutService(asking);
  PutPod(PodBuilder("web-1", "10.1.0.1"));
  PutPod(PodBuilder("web-2", "10.1.0.2").Node("n2"));
  controller_.Start(now_);
  WorkAll();
  Echo();
  ServiceBuilder external = asking;
  external.service.spec.type = Text("ExternalName");
  PutService(external);
  WorkAll();
  for (const auto& [state, services] : controller_.hint_totals().services) EXPECT_EQ(services, 0) << state.second;
  PutNode("n3", "c");
  EXPECT_THAT(WorkAll(), IsEmpty()) << "no hints that could be outdated";
  events_.clear();
  PutService(asking);
  WorkAll();
  EXPECT_THAT(events_, SizeIs(1)) << "a new beginning";
}

}  // namespace
}  // namespace epslice
