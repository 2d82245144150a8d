// What a Recorder counts, where a history has more than one way to be read.
#include "sim/report/recorder.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "apis/protobuf.h"
#include "test/sim/dataplane/hand_made.h"

namespace epslice::sim {
namespace {

using testkit::AtSeconds;
using testkit::ConstantLags;
using testkit::HandMade;
using testkit::MakeNode;
using testkit::MakePod;
using testkit::MakeService;
using testkit::MakeSlice;

struct Recorded {
  Recorded() : cluster(ConstantLags()), recorder(RecorderOptions(), &cluster.plane) {
    cluster.observers.push_back(&recorder);
    cluster.Load(MakeNode("na", "a", 1000));
    cluster.Load(MakeService());
    cluster.Load(MakePod(1, "na"));
    cluster.Load(MakeSlice("web-1", {{1, "na", "a"}}));
  }
  void Pod(double at, bool ready) {
    cluster.RunTo(at);
    cluster.Tell(MakePod(1, "na", ready));
  }
  void Slice(double at, bool serving, const std::string& hint = "") {
    cluster.RunTo(at);
    cluster.Tell(MakeSlice("web-1", {{1, "na", "a", hint, "", serving, serving}}), WatchEventType::kModified,
                 /*by_controller=*/true);
  }
  void Sync(double at, HintState::Kind state, std::string_view reason) {
    cluster.RunTo(at);
    Job job;
    job.service = {Text("shop"), Text("web")};
    if (!reason.empty()) job.input.service = std::make_shared<const Service>(MakeService());
    epslice::Plan plan;
    plan.metrics.hints = {state, reason};
    recorder.OnSync(job, plan, Outcome(), SyncResult::kSuccess, AtSeconds(at), AtSeconds(at), AtSeconds(at));
  }
  RunNumbers End(double at) {
    cluster.End(at);
    return recorder.MakeReport().numbers;
  }

  HandMade cluster;
  Recorder recorder;
};

// Slices of headless Services are sent to the controller alone: kube-proxies do not
// select them.
TEST(RecorderTest, FanOutIsToThoseWhoWatch) {
  HandMade cluster(ConstantLags());
  Recorder recorder(RecorderOptions(), &cluster.plane);
  cluster.observers.push_back(&recorder);
  for (const char* node : {"na", "nb", "nc"}) cluster.Load(MakeNode(node, "a", 1000));
  const auto frame = [](WatchEventType type, const EndpointSlice& slice) {
    WatchEvent event;
    event.type = type;
    event.object = AnyObject::Of(slice);
    return 4 + static_cast<double>(EncodeWatchEventProtobuf(Kind::kEndpointSlice, event).size());
  };
  EndpointSlice slice = MakeSlice("web-1", {{1, "na", "a"}});
  EndpointSlice headless = slice;
  headless.metadata.labels = headless.metadata.labels.With(Text(kLabelHeadless), Text());
  double events = 0, bytes = 0;
  const auto tell = [&](WatchEventType type, const EndpointSlice& object, int proxies, WatchEventType for_proxies) {
    cluster.Tell(object, type, /*by_controller=*/true);
    events += 1 + proxies;
    bytes += frame(type, object) + proxies * frame(for_proxies, object);
  };
  using Type = WatchEventType;
  tell(Type::kAdded, headless, 0, Type::kAdded);
  tell(Type::kModified, headless, 0, Type::kAdded);
  tell(Type::kModified, slice, 3, Type::kAdded);       // enters their selector
  tell(Type::kModified, headless, 3, Type::kDeleted);  // leaves it
  tell(Type::kDeleted, headless, 0, Type::kDeleted);
  tell(Type::kAdded, slice, 3, Type::kAdded);
  tell(Type::kDeleted, slice, 3, Type::kDeleted);
  // Nor does a machine that is down take any; one that was twice said to be, and one
  // that is no more, count once.
  for (const bool up : {false, false}) cluster.Up("na", up);
  tell(Type::kAdded, slice, 2, Type::kAdded);
  cluster.Up("nb", false);
  cluster.Tell(MakeNode("nb", "a", 1000), Type::kDeleted);
  cluster.Up("nb", false);
  tell(Type::kModified, slice, 1, Type::kModified);
  cluster.Up("na", true);
  cluster.Tell(MakeNode("nb", "a", 1000), Type::kAdded);
  cluster.Up("nb", true);
  tell(Type::kModified, slice, 3, Type::kModified);
  cluster.End(1);
  const RunNumbers numbers = recorder.MakeReport().numbers;
  EXPECT_EQ(numbers.watch_events, events);
  EXPECT_EQ(numbers.fan_out_bytes, bytes);
}

TEST(RecorderTest, AChangeThatWasTakenBackIsNotOwed) {
  // Not ready and ready again before the controller wrote; an hour later it is
  // not ready for good.
  Recorded r;
  r.Pod(10, false);
  r.Pod(11, true);
  r.Pod(3611, false);
  r.Slice(3612, false);
  const RunNumbers numbers = r.End(3620);
  EXPECT_EQ(numbers.pod_changes, 1);
  EXPECT_EQ(numbers.pod_to_slice_max, 1);
  EXPECT_NEAR(numbers.pod_to_proxies_max, 1.3, 1e-9);
}

TEST(RecorderTest, AWriteForAnotherReasonShowsNoChange) {
  Recorded r;
  r.Pod(10, false);
  r.Pod(11, true);
  r.Slice(60, true, "a");  // a hint
  EXPECT_EQ(r.End(70).pod_changes, 0);
}

TEST(RecorderTest, AWriteThatCameTooLateIsMadeGoodByTheNext) {
  // It shows at 12 s what was no longer so; the next one does at 14 s, and of
  // several changes the first one counts.
  Recorded r;
  r.Pod(10, false);
  r.Pod(11, true);
  r.Slice(12, false);
  r.Slice(14, true);
  const RunNumbers numbers = r.End(20);
  EXPECT_EQ(numbers.pod_changes, 1);
  EXPECT_EQ(numbers.pod_to_slice_max, 4);
}

TEST(RecorderTest, SwitchesOfHints) {
  using Kind = HintState::Kind;
  struct Step {
    Kind state;
    std::string_view reason;  // "": the Service is gone
  };
  constexpr Step kOn = {Kind::kEnabled, "Auto"}, kOff = {Kind::kDisabled, "TooFewEndpoints"},
                 kNotAsked = {Kind::kOff, "NotRequested"}, kGone = {Kind::kOff, ""};
  const struct {
    std::vector<Step> steps;
    double switches;
  } cases[] = {
      {{kOn}, 0},
      {{kOff}, 0},
      {{kOn, kOff, kOn}, 2},
      {{kNotAsked, kOn, kNotAsked}, 1},
      {{kOn, kNotAsked, kOn}, 2},
      {{kOff, kNotAsked, kOn}, 1},
      {{kOn, kGone}, 0},
      {{kOn, kGone, kOn, kOff}, 1},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    Recorded r;
    double at = 1;
    for (const Step& step : cases[i].steps) r.Sync(at++, step.state, step.reason);
    EXPECT_EQ(r.End(20).hint_switches, cases[i].switches) << i;
  }
}

}  // namespace
}  // namespace epslice::sim
