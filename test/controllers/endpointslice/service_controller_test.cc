#include "controllers/endpointslice/service_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "test/controllers/builders.h"
#include "test/controllers/endpointslice/controller_fixture.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using testkit::PodBuilder;
using testkit::ServiceBuilder;
using testkit::ServiceControllerTest;

TEST_F(ServiceControllerTest, StartQueuesEveryServiceOnce) {
  PutService(ServiceBuilder("b"));
  PutService(ServiceBuilder("a"));
  EXPECT_THAT(WorkAll(), IsEmpty()) << "nothing before all stores are complete";
  controller_.Start(now_);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/a c1", "shop/b c1"));
}

TEST_F(ServiceControllerTest, AJobTellsWhenItsChangesWereSeen) {
  StartAndSettle();
  EXPECT_FALSE(seen_.has_value()) << "what is there at the start did not change";
  const auto put = [&](std::int64_t ready_since, const char* ip) {
    PodBuilder pod("web-00000", ip);
    pod.pod.metadata.resourceVersion = Text(std::to_string(++version_));
    PutPod(pod.ReadySince(ready_since));
  };
  const std::int64_t old = testkit::kCreated;
  const Instant first = now_;
  put(old, "10.9.0.1");
  now_ += seconds(1);
  put(old + 70, "10.9.0.2");
  now_ += seconds(1);
  put(old + 80, "10.9.0.3");
  refuse_.code = 500;
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web error"));
  ASSERT_TRUE(seen_.has_value());
  EXPECT_EQ(seen_->at, first);
  EXPECT_EQ(seen_->moved, Timestamp::FromSeconds(old + 70)) << "the earliest that moved";
  // Tried again: it is the same change.
  refuse_.code = 200;
  now_ += seconds(10);
  put(old + 90, "10.9.0.4");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web verify", "shop/web u1"));
  ASSERT_TRUE(seen_.has_value());
  EXPECT_EQ(seen_->at, first);
  EXPECT_EQ(seen_->moved, Timestamp::FromSeconds(old + 70));
  Echo();
  now_ += seconds(10);
  put(old + 90, "10.9.0.5");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  ASSERT_TRUE(seen_.has_value());
  EXPECT_EQ(seen_->at, now_);
  EXPECT_FALSE(seen_->moved.is_set()) << "no time of it moved";
  EXPECT_EQ(controller_.remembered().seen, 0U);
}

// What the leader wrote is done with; what changed after it had gone counts from
// when it was seen.
TEST_F(ServiceControllerTest, AStandbyRemembersWhatNobodyWroteYet) {
  controller_.AwaitWork();
  Start();
  PutPod(PodBuilder("web-x", "10.2.0.1"));
  EXPECT_EQ(controller_.remembered().seen, 1U);
  auto slice = std::make_shared<EndpointSlice>();
  slice->metadata.namespace_ = Text("shop");
  slice->metadata.name = Text("web-leader");
  slice->metadata.labels = StringMap{{Text(kLabelServiceName), Text("web")},
                                     {Text(kLabelManagedBy), controller_.options().reconcile.controller_name}};
  slice->metadata.resourceVersion = Text(std::to_string(++version_));
  server_["web-leader"] = slice;
  Put<EndpointSlice>(controller_.stores().slices, slice);
  EXPECT_EQ(controller_.remembered().seen, 0U);
  PutPod(PodBuilder("web-y", "10.2.0.2"));
  now_ += seconds(5);
  PutPod(PodBuilder("web-z", "10.2.0.3"));
  const Instant last = now_;
  now_ += seconds(13);
  controller_.BeginWork(now_);
  ASSERT_TRUE(Work().has_value());
  ASSERT_TRUE(seen_.has_value());
  EXPECT_EQ(seen_->at, last);
}

TEST_F(ServiceControllerTest, TheEchoOfAWriteQueuesNothing) {
  Start();
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web c1"));
  Echo();
  EXPECT_EQ(controller_.NextWakeup(now_), std::nullopt);
}

// The watch may be quicker than the answer to a write.
TEST_F(ServiceControllerTest, AnEchoBeforeTheAnswerQueuesNothing) {
  before_complete_ = [this] { Echo(); };
  Start(150);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web c2"));
  EXPECT_EQ(controller_.NextWakeup(now_), std::nullopt);
  PutPod(PodBuilder("web-x", "10.2.0.1"));
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  EXPECT_EQ(controller_.NextWakeup(now_), std::nullopt);
  for (const auto& pod : controller_.stores().pods.List()) {
    if (pod->metadata.name.view() >= "web-00050") Drop(controller_.stores().pods, "shop", pod->metadata.name.str());
  }
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1 d1"));
  EXPECT_EQ(controller_.NextWakeup(now_), std::nullopt);
}

TEST_F(ServiceControllerTest, NewsBeforeTheAnswerIsHeeded) {
  const auto edited = [this] {
    auto slice = std::make_shared<EndpointSlice>(*OnlySlice());
    slice->metadata.generation += 1;
    slice->metadata.resourceVersion = Text(std::to_string(++version_));
    slice->endpoints.clear();
    server_[slice->metadata.name.str()] = slice;
    Put<EndpointSlice>(controller_.stores().slices, slice);
  };
  const auto deleted = [this] {
    Drop(controller_.stores().slices, "shop", OnlySlice()->metadata.name.str());
    server_.clear();
  };
  StartAndSettle();
  for (const auto& [what, did] : {std::pair<std::function<void()>, std::string>{edited, "shop/web u1"},
                                  std::pair<std::function<void()>, std::string>{deleted, "shop/web c1"}}) {
    before_complete_ = [this, &what = what] {
      Echo();
      what();
      now_ += milliseconds(300);
    };
    auto pod = std::make_shared<Pod>(*controller_.stores().pods.Get({Text("shop"), Text("web-00000")}));
    pod->ready = !pod->ready;
    pod->metadata.resourceVersion = Text(std::to_string(++version_));
    PutPod(pod);
    EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
    before_complete_ = nullptr;
    EXPECT_EQ(controller_.NextWakeup(now_), now_ + milliseconds(700));
    now_ += milliseconds(700);
    EXPECT_THAT(WorkAll(), ElementsAre(did));
    Echo();
  }
}

TEST_F(ServiceControllerTest, PodChangesThatMatter) {
  struct Case {
    std::string name;
    std::function<void(Pod*)> edit;
    std::vector<std::string> did;
  };
  const std::vector<Case> cases = {
      {"nothing but its version", [](Pod*) {}, {}},
      {"readiness", [](Pod* p) { p->ready = false; }, {"shop/web u1"}},
      {"deletion", [](Pod* p) { p->metadata.deletionTimestamp = Timestamp::FromSeconds(9); }, {"shop/web u1"}},
      {"address", [](Pod* p) { p->podIPs = {*ParseIpLenient("10.9.9.9")}; }, {"shop/web u1"}},
      {"a label no selector asks for",
       [](Pod* p) { p->metadata.labels = p->metadata.labels.With(Text("x"), Text("y")); },
       {}},
      {"a label that takes it out",
       [](Pod* p) {
         p->metadata.labels = StringMap{{Text("app"), Text("other")}};
       },
       {"shop/web u1"}},
      {"its end", [](Pod* p) { p->phase = PodPhase::kFailed; }, {"shop/web u1"}},
      {"the time of its last transition alone", [](Pod* p) { p->readyTransitionTime = Timestamp::FromSeconds(9); }, {}},
  };
  StartAndSettle(2);
  const auto original = controller_.stores().pods.Get({Text("shop"), Text("web-00001")});
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    auto pod = std::make_shared<Pod>(*original);
    pod->metadata.resourceVersion = Text(std::to_string(++version_));
    c.edit(pod.get());
    PutPod(pod);
    EXPECT_EQ(WorkAll(), c.did);
    Echo();
    auto back = std::make_shared<Pod>(*original);
    back->metadata.resourceVersion = Text(std::to_string(++version_));
    PutPod(back);
    WorkAll();
    Echo();
  }
}

TEST_F(ServiceControllerTest, APodThatMovesBetweenServicesQueuesBoth) {
  Start();
  PutService(ServiceBuilder("other").Selector({{Text("app"), Text("other")}}));
  WorkAll();
  Echo();
  PutPod(PodBuilder("web-00000", "10.1.0.1").Labels({{Text("app"), Text("other")}}));
  EXPECT_THAT(WorkAll(), UnorderedElementsAre("shop/web u1", "shop/other u1"));
}

TEST_F(ServiceControllerTest, SelectorChangesMoveThePods) {
  StartAndSettle(3);
  PutService(ServiceBuilder().Selector({{Text("app"), Text("none")}}));
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  EXPECT_THAT(OnlySlice()->endpoints, IsEmpty());
  PutService(ServiceBuilder());
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  EXPECT_THAT(OnlySlice()->endpoints, SizeIs(3));
}

class BatchingTest : public ServiceControllerTest {
 protected:
  BatchingTest() : ServiceControllerTest(Options()) {}
  static ServiceControllerOptions Options() {
    ServiceControllerOptions options;
    options.batch_period = milliseconds(500);
    return options;
  }
};

TEST_F(BatchingTest, TheFirstDeadlineOfAWindowStands) {
  StartAndSettle();
  PutPod(PodBuilder("web-x", "10.2.0.1"));
  now_ += milliseconds(400);
  PutPod(PodBuilder("web-y", "10.2.0.2"));
  EXPECT_THAT(WorkAll(), IsEmpty());
  EXPECT_EQ(controller_.NextWakeup(now_), now_ + milliseconds(100));
  now_ += milliseconds(100);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  EXPECT_THAT(OnlySlice()->endpoints, SizeIs(3));
  // Services do not wait.
  PutService(ServiceBuilder().Labels({{Text("l"), Text("v")}}));
  EXPECT_EQ(controller_.NextWakeup(now_), now_);
}

TEST_F(ServiceControllerTest, NodesThatAppearGoOrMoveQueueTheirPodsServices) {
  StartAndSettle(2);
  PutNode("n1", "a");
  EXPECT_THAT(WorkAll(), IsEmpty()) << "a heartbeat";
  PutNode("n2", "z");
  EXPECT_THAT(WorkAll(), IsEmpty()) << "no pods there";
  PutNode("n1", "c");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  EXPECT_EQ(OnlySlice()->endpoints[0].zone, "c");
  Drop(controller_.stores().nodes, "", "n1");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  EXPECT_THAT(OnlySlice()->endpoints, IsEmpty());
  PutNode("n1", "a");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  EXPECT_THAT(OnlySlice()->endpoints, SizeIs(2));
}

TEST_F(ServiceControllerTest, APodOnAnUnknownNodeIsTriedAgainAndNeverDropped) {
  StartAndSettle();
  PutPod(PodBuilder("web-lost", "10.2.0.1").Node("n9"));
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web"));
  for (int i = 0; i < 30; ++i) {
    const std::optional<Instant> next = controller_.NextWakeup(now_);
    ASSERT_TRUE(next.has_value()) << "dropped after " << i << " failures";
    EXPECT_LE(*next - now_, seconds(1000));
    now_ = *next;
    EXPECT_THAT(WorkAll(), ElementsAre("shop/web"));
  }
  PutNode("n9", "c");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
}

TEST_F(ServiceControllerTest, ForeignEditsOfOurSlicesAreUndoneAfterASecond) {
  StartAndSettle();
  auto edited = std::make_shared<EndpointSlice>(*OnlySlice());
  edited->endpoints.clear();
  edited->metadata.generation += 1;
  edited->metadata.resourceVersion = Text(std::to_string(++version_));
  server_[edited->metadata.name.str()] = edited;
  echoes_.push_back({nullptr, edited});
  Echo();
  EXPECT_THAT(WorkAll(), IsEmpty());
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
}

TEST_F(ServiceControllerTest, ADeletedSliceIsMadeAgain) {
  StartAndSettle();
  echoes_.push_back({OnlySlice(), nullptr});
  server_.clear();
  Echo();
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web c1"));
}

TEST_F(ServiceControllerTest, ASliceThatChangesHandsQueuesBothServices) {
  Start();
  PutService(ServiceBuilder("other"));
  WorkAll();
  Echo();
  auto moved = std::make_shared<EndpointSlice>(*server_.at("web-1"));
  moved->metadata.labels = moved->metadata.labels.With(Text(kLabelServiceName), Text("other"));
  moved->metadata.resourceVersion = Text(std::to_string(++version_));
  moved->metadata.generation += 1;
  server_[moved->metadata.name.str()] = moved;
  echoes_.push_back({nullptr, moved});
  Echo();
  now_ += seconds(1);
  // web misses its slice; other drops the one it does not own, and keeps its.
  EXPECT_THAT(WorkAll(), UnorderedElementsAre("shop/web c1", "shop/other d1"));
}

TEST_F(ServiceControllerTest, AServiceThatIsGoneIsForgotten) {
  StartAndSettle();
  Drop(controller_.stores().services, "shop", "web");
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web"));
  EXPECT_TRUE(controller_.queue().empty());
}

TEST_F(ServiceControllerTest, NothingIsPlannedOnAStoreThatLagsBehind) {
  Start();
  WorkAll();  // created; the echo has not come
  PutPod(PodBuilder("web-x", "10.2.0.1"));
  EXPECT_THAT(WorkAll(), IsEmpty());
  EXPECT_EQ(controller_.counters().stale, 1);
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), IsEmpty()) << "still not there";
  Echo();
  now_ += seconds(2);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
}

// A slice with a finalizer stays for as long as somebody likes.
TEST_F(ServiceControllerTest, ADeletedSliceThatStaysHoldsNothingUp) {
  StartAndSettle();
  // The slice's ports are wanted no more: it goes, and another takes its place.
  auto foreign = std::make_shared<EndpointSlice>(*OnlySlice());
  foreign->metadata.name = Text("web-more");
  foreign->metadata.uid = Text("uid-web-more");
  foreign->addressType = Text("IPv6");
  server_["web-more"] = foreign;
  Put<EndpointSlice>(controller_.stores().slices, foreign);
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web d1"));
  auto ending = std::make_shared<EndpointSlice>(*foreign);
  ending->metadata.deletionTimestamp = Timestamp::FromSeconds(testkit::kCreated);
  ending->metadata.finalizers = {Text("example.com/f")};
  ending->metadata.generation = 2;
  echoes_.clear();
  Put<EndpointSlice>(controller_.stores().slices, ending);
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web")) << "nothing is left to do";
  PutPod(PodBuilder("web-x", "10.2.0.1"));
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  Echo();
  EXPECT_EQ(controller_.counters().stale, 0);
  // Nor does one that somebody else deletes between our write and its echo.
  PutPod(PodBuilder("web-y", "10.2.0.2"));
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  auto deleted = std::make_shared<EndpointSlice>(*echoes_.back().before);
  deleted->metadata.deletionTimestamp = Timestamp::FromSeconds(testkit::kCreated);
  echoes_.clear();
  server_.clear();
  Put<EndpointSlice>(controller_.stores().slices, deleted);
  now_ += seconds(1);
  PutPod(PodBuilder("web-z", "10.2.0.3"));
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web c1"));
  EXPECT_EQ(controller_.counters().stale, 0);
}

// The reference stays stale for ever here: what it wrote never shows up.
TEST_F(ServiceControllerTest, AMissedDeleteHeals) {
  Start();
  WorkAll();
  server_.clear();  // somebody deletes the slice at once ...
  echoes_.clear();  // ... and the relist after a watch gap shows neither
  controller_.ObserveSliceVersion(std::to_string(++version_), now_);
  PutPod(PodBuilder("web-x", "10.2.0.1"));
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web c1"));
}

TEST_F(ServiceControllerTest, AMissedDeleteHealsWithoutNumericVersions) {
  version_prefix_ = "v";
  Start();
  WorkAll();
  server_.clear();
  echoes_.clear();
  PutPod(PodBuilder("web-x", "10.2.0.1"));
  const Instant start = now_;
  std::vector<std::string> did = WorkAll();
  EXPECT_THAT(did, IsEmpty());
  while (did.empty()) {
    controller_.ObserveSliceVersion("v999", now_);
    now_ = controller_.NextWakeup(now_).value();
    did = WorkAll();
  }
  EXPECT_THAT(did, ElementsAre("shop/web c1"));
  EXPECT_GE(now_ - start, seconds(60)) << "what may still come is waited for";
  EXPECT_LE(now_ - start, seconds(130));
}

TEST_F(ServiceControllerTest, FailuresAreRetriedWithBackoffAndTheSameTriggerTime) {
  StartAndSettle();
  refuse_ = StatusConflict(Kind::kEndpointSlice, "x", "modified");
  PutPod(PodBuilder("web-x", "10.2.0.1").ReadySince(testkit::kCreated + 100));
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web error"));
  EXPECT_EQ(controller_.NextWakeup(now_), now_ + seconds(1));
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web error"));
  EXPECT_EQ(controller_.NextWakeup(now_), now_ + seconds(2));
  refuse_ = {};
  now_ += seconds(2);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  EXPECT_EQ(OnlySlice()->metadata.annotations.Get(kAnnotationTriggerTime), "2026-01-02T03:05:45Z");
  EXPECT_EQ(controller_.counters().error, 2);
}

TEST_F(ServiceControllerTest, ANamespaceThatEndsIsNoError) {
  Start();
  refuse_ = StatusNotFound(Kind::kNamespace, "shop");
  refuse_.code = 403;
  refuse_.causes = {{std::string(kCauseNamespaceTerminating), "", ""}};
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web"));
  EXPECT_TRUE(controller_.queue().empty());
}

// No answer, or one that says that the server does not know either.
TEST_F(ServiceControllerTest, AWriteWithUnknownOutcomeIsLookedUpBeforeWritingAgain) {
  int pods = 0;
  Start();
  for (const int code : {0, 500, 502, 504}) {
    PutPod(PodBuilder("web-x", "10.2.0." + std::to_string(++pods)));
    refuse_ = StatusUnreachable("connection reset");
    refuse_.code = code;
    happens_anyway_ = true;
    EXPECT_THAT(WorkAll(), ElementsAre("shop/web error")) << code;
    refuse_ = {};
    now_ += seconds(1);
    EXPECT_THAT(WorkAll(), ElementsAre("shop/web verify")) << "it is there, so the store has to show it first";
    Echo();
    now_ += seconds(5);
    EXPECT_THAT(WorkAll(), ElementsAre("shop/web"));
    EXPECT_THAT(server_, SizeIs(1));
  }
}

TEST_F(ServiceControllerTest, TriggerTimes) {
  Start();
  WorkAll();
  EXPECT_EQ(OnlySlice()->metadata.annotations.Get(kAnnotationTriggerTime), "2026-01-02T03:04:05Z");
  Echo();
  PutPod(PodBuilder("web-x", "10.2.0.1").ReadySince(testkit::kCreated + 20));
  PutPod(PodBuilder("web-y", "10.2.0.2").ReadySince(testkit::kCreated + 10));
  WorkAll();
  Echo();
  EXPECT_EQ(OnlySlice()->metadata.annotations.Get(kAnnotationTriggerTime), "2026-01-02T03:04:15Z");
  Drop(controller_.stores().pods, "shop", "web-x");
  WorkAll();
  EXPECT_FALSE(OnlySlice()->metadata.annotations.Contains(kAnnotationTriggerTime)) << "nothing says when a pod went";
}

TEST_F(ServiceControllerTest, ASnapshotStaysAsItWas) {
  Start(3);
  std::optional<Job> job = controller_.Next(now_);
  ASSERT_TRUE(job.has_value());
  Drop(controller_.stores().pods, "shop", "web-00001");
  Drop(controller_.stores().nodes, "", "n1");
  const Plan plan = controller_.MakePlan(*job);
  ASSERT_THAT(plan.writes, SizeIs(1));
  EXPECT_THAT(plan.writes[0].slice->endpoints, SizeIs(3));
  EXPECT_FALSE(controller_.Next(now_).has_value()) << "a key is never worked on twice at once";
}

}  // namespace
}  // namespace epslice
