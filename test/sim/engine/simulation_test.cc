#include "sim/engine/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "test/sim/engine/engine_fixture.h"

namespace epslice::sim {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;

TEST(SimulationTest, TimesAreTheSumsOfTheModels) {
  Simulation simulation(Exact());
  Story story;
  simulation.AddObserver(&story);
  LoadShop(&simulation, "web", 10);
  simulation.StartController();
  ASSERT_TRUE(simulation.Settle(minutes(1)));

  ASSERT_EQ(story.syncs.size(), 1U);
  // Lists take the watch latency; then 1 ms and 10 endpoints at 0.1 ms; then
  // the write.
  EXPECT_EQ(story.syncs[0].queued, milliseconds(3));
  EXPECT_EQ(story.syncs[0].begun, milliseconds(3));
  EXPECT_EQ(story.syncs[0].ended, milliseconds(9));
  ASSERT_EQ(story.writes.size(), 1U);
  const ControllerWrite& write = story.writes[0];
  EXPECT_EQ(write.planned, milliseconds(3));
  EXPECT_EQ(write.sent, milliseconds(5));
  EXPECT_EQ(write.committed, milliseconds(7));
  EXPECT_EQ(write.answered, milliseconds(9));
  EXPECT_EQ(write.verb, Verb::kCreate);
  ASSERT_NE(write.slice, nullptr);
  EXPECT_EQ(write.slice->endpoints.size(), 10U);
  EXPECT_TRUE(story.commits.back().by_controller);
  EXPECT_EQ(story.commits.back().at, milliseconds(7));
  EXPECT_EQ(story.commits.back().object.As<EndpointSlice>(), write.slice);

  // A pod goes: seen after 3 ms, written 1.9 + 2 ms later.
  const Instant before = simulation.now() + seconds(10);
  simulation.scheduler().At(before, [&] { simulation.Delete(Kind::kPod, "shop", "web-3", AtOnce()); });
  simulation.RunUntil(before);
  ASSERT_TRUE(simulation.Settle(hours(1)));
  ASSERT_EQ(story.writes.size(), 2U);
  EXPECT_EQ(story.writes[1].committed - before, microseconds(3000 + 1900 + 2000));
  EXPECT_EQ(ReadyAddresses(&simulation).size(), 9U);
}

// The second change comes before the echo of what was written for the first.
TEST(SimulationTest, SyncsThatArePutOffAreTold) {
  SimulationOptions options = Exact();
  options.models.watch_latency = Latency::Constant(milliseconds(500));
  Simulation simulation(options);
  Story story;
  simulation.AddObserver(&story);
  LoadShop(&simulation, "web", 10);
  simulation.StartController();
  ASSERT_TRUE(simulation.Settle(minutes(1)));
  EXPECT_EQ(story.put_off, 0);
  const Instant begin = simulation.now() + seconds(10);
  simulation.scheduler().At(begin, [&] { simulation.Delete(Kind::kPod, "shop", "web-3", AtOnce()); });
  simulation.scheduler().At(begin + milliseconds(20),
                            [&] { simulation.Delete(Kind::kPod, "shop", "web-4", AtOnce()); });
  simulation.RunUntil(begin + milliseconds(20));
  ASSERT_TRUE(simulation.Settle(hours(1)));
  EXPECT_EQ(story.put_off, 1);
  EXPECT_EQ(ReadyAddresses(&simulation).size(), 8U);
}

TEST(SimulationTest, ObserversHearAllInOrder) {
  Simulation simulation(Exact());
  Story story, second;
  simulation.AddObserver(&story);
  simulation.AddObserver(&second);
  LoadShop(&simulation, "web", 1);
  const std::size_t start = story.lines.size();
  simulation.StartController();
  ASSERT_TRUE(simulation.Settle(minutes(1)));
  simulation.SetPodServing({Text("shop"), Text("web-0")}, false);
  simulation.SetNodeUp(Text("node-0"), false);
  simulation.Note("zoneOutage a");
  simulation.Delete(Kind::kService, "shop", "web");
  ASSERT_TRUE(simulation.Settle(minutes(1)));
  simulation.Finish();
  EXPECT_EQ(story.lines, second.lines);
  ASSERT_GT(story.lines.size(), start + 1);
  EXPECT_EQ(story.lines[0], "commit ADDED node-0");
  const std::string slice = KeyOf(story.commits.back().object.meta()).ToString();
  EXPECT_THAT((std::vector<std::string>(story.lines.begin() + static_cast<std::ptrdiff_t>(start), story.lines.end())),
              ElementsAre("commit ADDED " + slice, "write create 201", "sync shop/web", "serving shop/web-0 no",
                          "node node-0 down", "note zoneOutage a", "commit DELETED shop/web", "commit DELETED " + slice,
                          "sync shop/web", "sync shop/web", "end"));
  // Part of the start state is the namespace, too, which came with the first
  // object that needed it.
  EXPECT_EQ(start, 3 + 1 + 1 + 1U);
  for (const Commit& commit : story.commits) EXPECT_EQ(commit.start, commit.at == Instant{0}) << commit.at.count();
  // Garbage collection is not the controller's.
  EXPECT_FALSE(story.commits.back().by_controller);
  for (std::size_t i = 1; i < story.queue.size(); ++i) EXPECT_NE(story.queue[i], story.queue[i - 1]);
  EXPECT_EQ(story.queue.back(), (std::array<std::size_t, 3>{0, 0, 0}));
}

// A request that came past Simulation::Do(), and what the server does when the
// time has come, is told, too.
TEST(SimulationTest, ChangesThatNobodyAskedTheSimulationForAreTold) {
  Simulation simulation(Exact());
  Story story;
  simulation.AddObserver(&story);
  LoadShop(&simulation, "web", 2);
  simulation.StartController();
  ASSERT_TRUE(simulation.Settle(minutes(1)));
  Request request;
  request.verb = Verb::kDelete;
  request.kind = Kind::kPod;
  request.namespace_ = "shop";
  request.name = "web-1";
  simulation.server().Handle(request);
  simulation.RunUntil(simulation.now() + minutes(1));
  // Asked to go, gone after the grace period of 30 s.
  const auto is = [&](WatchEventType type) {
    return std::find_if(story.commits.begin(), story.commits.end(),
                        [&](const Commit& c) { return !c.start && c.type == type && c.object.kind() == Kind::kPod; });
  };
  ASSERT_NE(is(WatchEventType::kModified), story.commits.end());
  ASSERT_NE(is(WatchEventType::kDeleted), story.commits.end());
  EXPECT_NEAR(static_cast<double>((is(WatchEventType::kDeleted)->at - is(WatchEventType::kModified)->at).count()), 30e9,
              1e9);
  EXPECT_EQ(ReadyAddresses(&simulation).size(), 1U);
}

TEST(SimulationTest, WorkersAndTheRateLimitHoldWritesBack) {
  for (const auto& [workers, qps, want] : {std::tuple{1, 0.0, milliseconds(30)}, std::tuple{3, 0.0, milliseconds(12)},
                                           std::tuple{5, 1.0, milliseconds(4006)}}) {
    SimulationOptions options = Exact();
    options.models.workers = workers;
    options.models.qps = qps;
    options.models.burst = 1;
    options.models.sync_time = milliseconds(2);
    options.models.sync_time_per_endpoint = {};
    Simulation simulation(options);
    Story story;
    simulation.AddObserver(&story);
    LoadShop(&simulation, "s0", 1);
    for (int i = 1; i < 5; ++i) ASSERT_TRUE(simulation.Load(ServiceOf("s" + std::to_string(i))).ok());
    simulation.StartController();
    ASSERT_TRUE(simulation.Settle(minutes(1)));
    ASSERT_EQ(story.syncs.size(), 5U);
    EXPECT_EQ(story.syncs.back().ended - milliseconds(3), want) << workers << " workers, " << qps;
    std::size_t most = 0;
    for (const auto& depth : story.queue) most = std::max(most, depth[2]);
    EXPECT_EQ(most, static_cast<std::size_t>(workers));
  }
}

TEST(SimulationTest, ASlowApiServerIsSlow) {
  Simulation simulation(Exact());
  Story story;
  simulation.AddObserver(&story);
  LoadShop(&simulation, "web", 0);
  simulation.StartController();
  ASSERT_TRUE(simulation.Settle(minutes(1)));
  const Instant before = simulation.now();
  simulation.SetApiSlowdown(10);
  simulation.Create(AnyObject::Of(PodOf("web", 1)));
  ASSERT_TRUE(simulation.Settle(minutes(1)));
  EXPECT_EQ(story.writes.back().answered - before, milliseconds(30 + 40) + microseconds(1100));
}

TEST(SimulationTest, ARestartedControllerBeginsAnew) {
  Simulation simulation(Exact());
  Story story;
  simulation.AddObserver(&story);
  LoadShop(&simulation, "web", 3);
  simulation.StartController();
  ASSERT_TRUE(simulation.Settle(minutes(1)));
  const std::size_t writes = story.writes.size();
  const Instant start = simulation.now();
  // Sent 3 + 1.2 ms later (two endpoints), there 2 ms after; killed between.
  simulation.Delete(Kind::kPod, "shop", "web-0", AtOnce());
  simulation.RunUntil(start + milliseconds(5));
  simulation.RestartController(seconds(20));
  EXPECT_EQ(simulation.controller().stores().pods.size(), 0U);
  simulation.RunUntil(start + seconds(10));
  EXPECT_EQ(story.writes.size(), writes) << "nobody was there for the answer";
  EXPECT_EQ(ReadyAddresses(&simulation).size(), 2U) << "what was sent still arrives";
  // What happens meanwhile is found by the next one.
  simulation.Create(AnyObject::Of(PodOf("web", 7)));
  ASSERT_TRUE(simulation.Settle(start + minutes(1)));
  EXPECT_EQ(ReadyAddresses(&simulation).size(), 3U);
  EXPECT_EQ(story.writes.size(), writes + 1);
  EXPECT_GE(story.writes.back().planned - start, seconds(20));
  EXPECT_EQ(simulation.controller().stores().pods.size(), 3U);

  // Killed before the request is sent: it never is.
  const Instant again = simulation.now();
  simulation.Create(AnyObject::Of(PodOf("web", 8)));
  simulation.RunUntil(again + milliseconds(4));
  simulation.RestartController(seconds(1));
  simulation.RestartController(hours(1));
  simulation.RunUntil(again + minutes(30));
  EXPECT_EQ(ReadyAddresses(&simulation).size(), 3U);
  ASSERT_TRUE(simulation.Settle(again + hours(2))) << "the longest of several downtimes counts";
  EXPECT_EQ(ReadyAddresses(&simulation).size(), 4U);
}

TEST(SimulationTest, WatchesGoOnForDays) {
  SimulationOptions options = Exact();
  options.server.history = 20;
  options.min_resync_period = hours(12);
  Simulation simulation(options);
  Story story;
  simulation.AddObserver(&story);
  LoadShop(&simulation, "web", 3);
  simulation.StartController();
  ASSERT_TRUE(simulation.Settle(minutes(1)));
  // Pods come and go for longer than the history reaches; nodes stay as they
  // are, and their watch has to be led along.
  for (int i = 0; i < 200; ++i) {
    simulation.scheduler().At(minutes(10 * (i + 1)), [&simulation, i] {
      if (i % 2 == 0) {
        simulation.Create(AnyObject::Of(PodOf("web", 10)));
      } else {
        simulation.Delete(Kind::kPod, "shop", "web-10", AtOnce());
      }
    });
  }
  simulation.RunUntil(hours(24 * 7));
  ASSERT_TRUE(simulation.Settle(hours(24 * 8)));
  EXPECT_EQ(ReadyAddresses(&simulation).size(), 3U);
  EXPECT_EQ(story.writes.size(), 201U);
  // Each 12 to 24 hours everything is looked at again, and nothing written.
  EXPECT_GE(story.syncs.size(), 201U + 7);
  EXPECT_LE(story.syncs.size(), 201U + 14);
  // Nothing polls: four watches of 5 to 10 minutes, and what happened.
  EXPECT_LT(simulation.scheduler().events(), 4 * 3 * 7 * 24 * 12 + 10'000);
}

std::string DigestOf(std::uint64_t seed, bool streams, int extra = 0, RunObserver* observer = nullptr,
                     bool controller = true) {
  SimulationOptions options;
  options.seed = seed;
  options.watcher.stream_lists = streams;
  options.watcher.page_size = 7;
  Simulation simulation(options);
  if (observer != nullptr) simulation.AddObserver(observer);
  LoadShop(&simulation, "web", 30);
  if (controller) simulation.StartController();
  Random random = simulation.Stream("test");
  for (int i = 0; i < 100 + extra; ++i) {
    simulation.scheduler().At(seconds(1) + milliseconds(37 * i), [&simulation, &random] {
      const int number = static_cast<int>(random.Below(60));
      const std::string name = "web-" + std::to_string(number);
      if (simulation.Get(Kind::kPod, "shop", name).has_value()) {
        simulation.Delete(Kind::kPod, "shop", name);
      } else {
        simulation.Create(AnyObject::Of(PodOf("web", number)));
      }
    });
  }
  if (controller) {
    simulation.scheduler().At(seconds(2), [&simulation] { simulation.RestartController(milliseconds(300)); });
  }
  simulation.RunUntil(minutes(2));
  return simulation.digest();
}

TEST(SimulationTest, EqualRunsHaveEqualDigests) {
  Story story;
  const std::string digest = DigestOf(1, false);
  EXPECT_EQ(DigestOf(1, false), digest);
  EXPECT_EQ(DigestOf(1, false, 0, &story), digest) << "observers change nothing";
  EXPECT_NE(DigestOf(2, false), digest);
  EXPECT_NE(DigestOf(1, true), digest);
  EXPECT_NE(DigestOf(1, false, 1), digest);
  EXPECT_EQ(DigestOf(1, false, 0, nullptr, false), DigestOf(1, false, 0, nullptr, false));
}

TEST(SimulationTest, StreamsAreIndependent) {
  SimulationOptions other;
  other.seed = 2;
  const Simulation a({}), b(other);
  EXPECT_EQ(a.Stream("rollout").Next(), a.Stream("rollout").Next());
  EXPECT_NE(a.Stream("rollout").Next(), a.Stream("rollout shop/web").Next());
  EXPECT_NE(a.Stream("rollout").Next(), b.Stream("rollout").Next());
}

TEST(SimulationTest, HandsOutAndTakesObjects) {
  Simulation simulation({});
  ASSERT_TRUE(simulation.Load(NodeOf("n", "a")).ok());
  EXPECT_FALSE(simulation.Load({}).ok());
  EXPECT_TRUE(simulation.Settle(seconds(1))) << "no controller has nothing to do";
  Node node = *simulation.Get(Kind::kNode, "", "n").As<Node>();
  EXPECT_FALSE(node.metadata.uid.empty());
  node.ready = false;
  node.unschedulable = true;
  EXPECT_TRUE(simulation.UpdateStatus(AnyObject::Of(node)).status.ok());
  EXPECT_FALSE(simulation.Get(Kind::kNode, "", "n").As<Node>()->unschedulable);
  EXPECT_FALSE(simulation.Get(Kind::kNode, "", "n").As<Node>()->ready);
  EXPECT_EQ(simulation.Update(AnyObject::Of(node)).status.code, 409) << "the version is old";
  node.metadata.resourceVersion = Text();
  EXPECT_TRUE(simulation.Update(AnyObject::Of(node)).status.ok());
  EXPECT_TRUE(simulation.Get(Kind::kNode, "", "n").As<Node>()->unschedulable);
  EXPECT_TRUE(simulation.Delete(Kind::kNode, "", "n").status.ok());
  EXPECT_FALSE(simulation.Get(Kind::kNode, "", "n").has_value());
  EXPECT_EQ(simulation.Delete(Kind::kNode, "", "n").status.code, 404);
}

}  // namespace
}  // namespace epslice::sim
