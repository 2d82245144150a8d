#include "controllers/manager/monitor.h"

#include <gtest/gtest.h>

namespace epslice {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(MonitorTest, TellsOfListsThatAreMissing) {
  Monitor monitor;
  EXPECT_EQ(monitor.NotSynced(),
            "services are not listed yet; pods are not listed yet; nodes are not listed yet; "
            "endpointslices are not listed yet");
  for (const Kind kind : {Kind::kService, Kind::kNode, Kind::kEndpointSlice}) monitor.InformerSynced(kind);
  EXPECT_EQ(monitor.NotSynced(), "pods are not listed yet");
  monitor.InformerSynced(Kind::kPod);
  EXPECT_EQ(monitor.NotSynced(), "");
}

TEST(MonitorTest, TellsOfInformersThatEndedOrAreStuck) {
  Monitor monitor;
  FakeClock clock;
  for (const Kind kind : Monitor::kKinds) monitor.InformerStarted(kind, clock.Now());
  EXPECT_EQ(monitor.InformerTrouble(clock.Now(), minutes(20)), "");
  clock.Advance(minutes(19));
  monitor.InformerNews(Kind::kService, clock.Now());
  monitor.InformerStep(Kind::kNode, clock.Now(), 0);
  monitor.InformerStep(Kind::kEndpointSlice, clock.Now(), 3);
  clock.Advance(minutes(2));
  EXPECT_EQ(monitor.InformerTrouble(clock.Now(), minutes(20)), "the informer of pods is stuck for 21m0s");
  monitor.InformerStep(Kind::kPod, clock.Now(), 1);
  monitor.InformerEnded(Kind::kNode);
  EXPECT_EQ(monitor.InformerTrouble(clock.Now(), minutes(20)), "the informer of nodes does not run");

  const auto informers = monitor.informers();
  ASSERT_EQ(informers.size(), 4U);
  EXPECT_EQ(informers[0].kind, Kind::kService);
  EXPECT_EQ(informers[0].last_news, Instant(minutes(19)));
  EXPECT_EQ(informers[1].last_news, std::nullopt);
  EXPECT_EQ(informers[1].watch_restarts, 1);
  EXPECT_EQ(informers[3].watch_restarts, 3);
}

TEST(MonitorTest, TellsOfWorkersWithoutASignOfLife) {
  Monitor monitor;
  FakeClock clock;
  EXPECT_EQ(monitor.WorkerTrouble(clock.Now(), minutes(10)), "");
  monitor.WorkBegins(3, {Text("shop"), Text("cart")}, clock.Now());
  monitor.WorkBegins(0, {Text("shop"), Text("ads")}, clock.Now());
  clock.Advance(minutes(10));
  EXPECT_EQ(monitor.WorkerTrouble(clock.Now(), minutes(10)), "");
  monitor.WorkGoesOn(0, clock.Now());
  clock.Advance(seconds(1));
  EXPECT_EQ(monitor.WorkerTrouble(clock.Now(), minutes(10)), "a sync of shop/cart is stuck for 10m1s");
  monitor.WorkEnds(3);
  EXPECT_EQ(monitor.WorkerTrouble(clock.Now(), minutes(10)), "");
}

}  // namespace
}  // namespace epslice
