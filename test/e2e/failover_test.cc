// Two replicas, one of which leads: no change is lost, nothing is done twice,
// whichever way the leader goes.
#include <signal.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "test/e2e/churn.h"
#include "test/e2e/fixture.h"

namespace epslice::e2e {
namespace {

using testing::IsEmpty;

constexpr Duration kLease = std::chrono::seconds(6);

class Failover : public E2eTest {
 protected:
  static constexpr int kPods = 12;

  void MakeServices() {
    AddThreeZones(1);
    CreateService("web", {{"trafficDistribution", "PreferClose"}});
    CreateService("second");
    CreatePods("web", 0, kPods);
    suite().StopController();
  }
  std::unique_ptr<Replica> Start(int account) {
    return suite().StartReplica(
        suite().accounts().names[static_cast<std::size_t>(account)],
        {"--leader-elect-lease-duration=6s", "--leader-elect-renew-deadline=5s", "--leader-elect-retry-period=500ms"});
  }
  // How long it took until it led.
  Duration AwaitLeading(const Replica& replica) {
    const Instant begin = suite().clock().Now();
    EXPECT_TRUE(replica.AwaitOutput("\"Leading\"")) << LastLines(replica.output(), 20);
    return suite().clock().Now() - begin;
  }
  void AwaitStandby(const Replica& replica) {
    EXPECT_TRUE(replica.AwaitOutput("Another replica leads")) << LastLines(replica.output(), 20);
    EXPECT_TRUE(replica.AwaitOutput("Lists are complete")) << LastLines(replica.output(), 20);
  }
  // Requests of controllers to write slices of this namespace, as far as the
  // server has a log.
  std::vector<LoggedRequest> SliceWrites() {
    std::vector<LoggedRequest> log = suite().server().Log();
    std::erase_if(log, [this](const LoggedRequest& request) {
      return request.resource != "endpointslices" || request.namespace_ != ns() || !request.writes() ||
             request.user_agent.rfind("endpointslice-controller/", 0) != 0;
    });
    return log;
  }
  // Waits for the watch and the server's log (if there is one) to tell of all
  // that was done: none of it was for nothing. `killed`: a replica was, in the
  // midst of a write perhaps, of which the log need not say what came of it.
  void EachWriteIsAChange(bool killed) {
    if (suite().server().Log().empty()) return;
    WriteCount writes;
    std::ptrdiff_t changes = 0;
    EXPECT_TRUE(Poll(std::chrono::seconds(10),
                     [&] {
                       writes = CountWrites(SliceWrites());
                       changes = static_cast<std::ptrdiff_t>(watch().EventCount());
                       return killed ? writes.least() <= changes && changes <= writes.most()
                                     : writes.answered == changes;
                     }))
        << writes.answered << " writes (" << writes.faked << " of them cut off), and " << writes.unknown
        << " of which nobody knows; " << changes << " changes";
  }
};

TEST_F(Failover, UnderLoadByKillAndByTerm) {
  MakeServices();
  std::unique_ptr<Replica> first = Start(0);
  AwaitLeading(*first);
  std::unique_ptr<Replica> second = Start(1);
  AwaitStandby(*second);
  Churn churn([this](int i) { ChurnStep(i, kPods); });
  ASSERT_TRUE(Poll(kPatience, [&] { return churn.steps() > 30; }));

  first->Kill();
  const Duration crash = AwaitLeading(*second);
  // The lease has to end, and the standby looks again when it does; what is
  // above two seconds is for machines that are busy.
  EXPECT_LT(crash, kLease + std::chrono::seconds(5));
  const int steps = churn.steps();
  std::unique_ptr<Replica> third = Start(0);
  AwaitStandby(*third);
  ASSERT_TRUE(Poll(kPatience, [&] { return churn.steps() > steps + 30; }));

  second->Signal(SIGTERM);
  const Duration release = AwaitLeading(*third);
  EXPECT_LT(release, kLease);
  EXPECT_EQ(second->Stop(), 0) << LastLines(second->output(), 20);
  ASSERT_TRUE(Poll(kPatience, [&] { return churn.steps() > steps + 60; }));
  churn.Stop();
  ASSERT_TRUE(Settle());
  std::cout << "taken over after " << crash / std::chrono::milliseconds(1) << " ms from one that was killed, "
            << release / std::chrono::milliseconds(1) << " ms from one that was told to stop" << std::endl;

  EXPECT_THAT(MomentsOfDuplicates(watch().Events()), IsEmpty());
  EXPECT_THAT(EmptyWrites(watch().Events()), IsEmpty());
  EachWriteIsAChange(/*killed=*/true);
  EXPECT_EQ(third->Stop(), 0);
}

// One that was suspended past its lease wakes up with work to do, and must not
// do it.
TEST_F(Failover, AFormerLeaderWritesNothing) {
  MakeServices();
  const std::unique_ptr<Replica> first = Start(0);
  AwaitLeading(*first);
  const std::unique_ptr<Replica> second = Start(1);
  AwaitStandby(*second);
  ASSERT_TRUE(Settle());

  first->Suspend();
  for (int i = 0; i < kPods; i += 2) SetReady("web-" + std::to_string(i), false);
  CreateService("third");
  FinishPod("web-1");
  AwaitLeading(*second);
  ASSERT_TRUE(Settle());
  for (const char* service : {"web", "second", "third"}) {
    ASSERT_TRUE(Poll(kPatience, [&] { return watch().HasSeen(Slices(service)); })) << service;
  }
  EachWriteIsAChange(/*killed=*/false);
  const std::size_t events = watch().EventCount();
  const std::size_t writes = SliceWrites().size();
  first->Signal(SIGCONT);
  EXPECT_TRUE(first->AwaitOutput("Lost the lease")) << LastLines(first->output(), 20);
  EXPECT_EQ(first->Wait(), 1);
  EXPECT_EQ(SliceWrites().size(), writes) << LastLines(first->output(), 40);
  EXPECT_EQ(watch().EventCount(), events);
  // And the other still leads.
  SetReady("web-0", true);
  EXPECT_TRUE(Settle());
  EXPECT_EQ(second->Stop(), 0);
}

}  // namespace
}  // namespace epslice::e2e
