#include "informers/leader_election.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "apis/json.h"
#include "test/sanitized.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ElectionState = LeaderElector::State;

constexpr std::int64_t kWall = 1'767'323'045;

// A server with one Lease: versions, conflicts.
class LeaseServer {
 public:
  Response Handle(const Request& request) {
    ++requests;
    Response response;
    if (request.verb == Verb::kGet) {
      if (!lease) {
        response.status = StatusNotFound(Kind::kLease, request.name);
      } else {
        response.object = AnyObject::Of(*lease);
      }
      return response;
    }
    Lease wanted = *request.object.As<Lease>();
    if (request.verb == Verb::kCreate && lease) {
      response.status = StatusAlreadyExists(Kind::kLease, request.name);
      return response;
    }
    if (request.verb == Verb::kUpdate &&
        (!lease || lease->metadata.resourceVersion != wanted.metadata.resourceVersion)) {
      response.status = StatusConflict(Kind::kLease, request.name, "modified");
      return response;
    }
    wanted.metadata.resourceVersion = Text(std::to_string(++version_));
    lease = wanted;
    ++writes;
    response.object = AnyObject::Of(std::move(wanted));
    return response;
  }

  std::optional<Lease> lease;
  int requests = 0;
  int writes = 0;

 private:
  int version_ = 0;
};

class LeaderElectorTest : public ::testing::Test {
 protected:
  std::unique_ptr<LeaderElector> Make(const std::string& identity, std::uint64_t seed = 1) {
    LeaderElectorOptions options;
    options.namespace_ = "kube-system";
    options.name = "endpointslice-controller";
    options.identity = identity;
    options.seed = seed;
    return std::make_unique<LeaderElector>(options);
  }
  Timestamp Wall() const { return Timestamp{Timestamp::FromSeconds(kWall).nanos + now_.count()}; }

  // Sends what the elector has to send now; answers are `answer`'s, or the
  // server's.
  void Drive(LeaderElector* elector) {
    for (;;) {
      const LeaderElector::Action action = elector->Next(now_, Wall());
      if (action.kind != LeaderElector::Action::Kind::kSend) return;
      elector->OnResponse(outage_ ? Response{StatusUnreachable("no route"), {}, {}} : server_.Handle(action.request),
                          now_);
    }
  }
  // Until `done`, in steps of 10 ms; how long it took.
  Duration RunUntil(const std::vector<LeaderElector*>& electors, const std::function<bool()>& done,
                    Duration limit = seconds(60)) {
    const Instant start = now_;
    for (; !done() && now_ - start < limit; now_ += milliseconds(10)) {
      int leading = 0;
      for (LeaderElector* elector : electors) {
        Drive(elector);
        leading += elector->MayWrite(now_) ? 1 : 0;
      }
      EXPECT_LE(leading, 1);
    }
    return now_ - start;
  }

  Instant now_{seconds(100)};
  LeaseServer server_;
  bool outage_ = false;
};

TEST_F(LeaderElectorTest, TheFirstOneMakesTheLeaseAndRenewsIt) {
  const auto a = Make("a");
  Drive(a.get());
  ASSERT_EQ(a->state(), ElectionState::kLeading);
  EXPECT_TRUE(a->MayWrite(now_));
  EXPECT_EQ(a->leader(), "a");
  const Timestamp acquired = Wall();
  EXPECT_EQ(server_.lease->metadata.namespace_, "kube-system");
  EXPECT_EQ(server_.lease->metadata.name, "endpointslice-controller");
  EXPECT_EQ(server_.lease->holderIdentity, "a");
  EXPECT_EQ(server_.lease->leaseDurationSeconds, 15);
  EXPECT_EQ(server_.lease->leaseTransitions, 0);
  EXPECT_EQ(server_.lease->acquireTime, acquired);
  EXPECT_EQ(server_.requests, 2) << "read, create";
  RunUntil(
      {a.get()}, [] { return false; }, seconds(20));
  EXPECT_EQ(server_.requests, 11) << "one every 2 s";
  EXPECT_EQ(server_.lease->acquireTime, acquired);
  EXPECT_EQ(server_.lease->renewTime.nanos, acquired.nanos + 18'000'000'000) << "and not at 20, where it ended";
}

TEST_F(LeaderElectorTest, TakesOverAsSoonAsACrashedLeadersLeaseEnds) {
  const auto a = Make("a");
  const auto b = Make("b", 2);
  RunUntil(
      {a.get(), b.get()}, [] { return false; }, seconds(7));
  ASSERT_EQ(a->state(), ElectionState::kLeading);
  ASSERT_EQ(b->state(), ElectionState::kStandby);
  EXPECT_EQ(b->leader(), "a");
  // a is gone without a word, right after it renewed.
  const Duration took = RunUntil({b.get()}, [&] { return b->state() == ElectionState::kLeading; });
  EXPECT_GE(took, seconds(13));
  EXPECT_LE(took, seconds(17)) << "lease duration + 2 s";
  EXPECT_EQ(server_.lease->holderIdentity, "b");
  EXPECT_EQ(server_.lease->leaseTransitions, 1);
  EXPECT_GT(server_.lease->acquireTime, Timestamp::FromSeconds(kWall + 100));
}

TEST_F(LeaderElectorTest, AReleasedLeaseIsFreeAtOnce) {
  const auto a = Make("a");
  const auto b = Make("b", 2);
  RunUntil(
      {a.get(), b.get()}, [] { return false; }, seconds(5));
  a->Release();
  Drive(a.get());
  EXPECT_EQ(a->state(), ElectionState::kReleased);
  EXPECT_FALSE(a->MayWrite(now_));
  EXPECT_EQ(server_.lease->holderIdentity, "");
  EXPECT_EQ(server_.lease->leaseDurationSeconds, 1);
  EXPECT_EQ(a->Next(now_, Wall()).kind, LeaderElector::Action::Kind::kDone);
  const Duration took = RunUntil({b.get()}, [&] { return b->state() == ElectionState::kLeading; });
  EXPECT_LE(took, milliseconds(2410)) << "the next try";
}

TEST_F(LeaderElectorTest, AWatchedReleaseIsTakenAtOnce) {
  const auto a = Make("a");
  const auto b = Make("b");
  Drive(a.get());
  Drive(b.get());
  now_ += milliseconds(100);
  b->OnWatched(&*server_.lease, now_);
  const int before = server_.requests;
  Drive(b.get());
  EXPECT_EQ(b->state(), ElectionState::kStandby);
  EXPECT_EQ(server_.requests, before) << "a renewal is no reason to do anything";
  a->Release();
  Drive(a.get());
  b->OnWatched(&*server_.lease, now_);
  Drive(b.get());
  EXPECT_EQ(b->state(), ElectionState::kLeading);
  EXPECT_EQ(server_.requests, before + 2) << "a's release, and one write of b's, without a read";
}

TEST_F(LeaderElectorTest, WhatAWatchShowsMayBeOld) {
  const auto a = Make("a");
  const auto b = Make("b");
  Drive(a.get());
  Drive(b.get());
  Lease released = *server_.lease;
  released.holderIdentity = Text();
  released.metadata.resourceVersion = Text("0");
  b->OnWatched(&released, now_);
  Drive(b.get());
  EXPECT_EQ(b->state(), ElectionState::kStandby);
  EXPECT_THAT(b->error(), HasSubstr("409"));
  // Of a leader what a watch shows changes nothing.
  a->OnWatched(&released, now_);
  now_ += seconds(2);
  Drive(a.get());
  EXPECT_EQ(a->state(), ElectionState::kLeading);
  EXPECT_EQ(server_.lease->holderIdentity, "a");
}

TEST_F(LeaderElectorTest, AWatchedDeletionIsLookedUp) {
  const auto a = Make("a");
  const auto b = Make("b");
  Drive(a.get());
  Drive(b.get());
  b->OnWatched(nullptr, now_);
  Drive(b.get());
  EXPECT_EQ(b->state(), ElectionState::kStandby) << "it is there";
  server_.lease.reset();
  b->OnWatched(nullptr, now_);
  Drive(b.get());
  EXPECT_EQ(b->state(), ElectionState::kLeading);
}

TEST_F(LeaderElectorTest, AStandbyThatStopsLeavesTheLeaseAlone) {
  const auto a = Make("a");
  const auto b = Make("b", 2);
  RunUntil(
      {a.get(), b.get()}, [] { return false; }, seconds(3));
  const int writes = server_.writes;
  b->Release();
  Drive(b.get());
  EXPECT_EQ(b->state(), ElectionState::kReleased);
  EXPECT_EQ(server_.writes, writes);
}

TEST_F(LeaderElectorTest, LostAfterTheRenewDeadlineAndForGood) {
  const auto a = Make("a");
  Drive(a.get());
  outage_ = true;
  const Duration took = RunUntil({a.get()}, [&] { return a->state() == ElectionState::kLost; });
  EXPECT_EQ(took, seconds(10) + milliseconds(10));
  EXPECT_THAT(a->error(), HasSubstr("no route"));
  outage_ = false;
  RunUntil(
      {a.get()}, [] { return false; }, seconds(30));
  EXPECT_EQ(a->state(), ElectionState::kLost);
  EXPECT_FALSE(a->MayWrite(now_));
}

TEST_F(LeaderElectorTest, AnOutageShorterThanTheDeadlineIsSurvived) {
  const auto a = Make("a");
  Drive(a.get());
  outage_ = true;
  RunUntil(
      {a.get()}, [] { return false; }, seconds(7));
  outage_ = false;
  RunUntil(
      {a.get()}, [] { return false; }, seconds(9));
  EXPECT_EQ(a->state(), ElectionState::kLeading);
  EXPECT_TRUE(a->MayWrite(now_));
}

// Where a renewal went wrong, the Lease is read before the next, once.
TEST_F(LeaderElectorTest, CountsRenewalsThatHadToReadFirst) {
  const auto a = Make("a");
  const auto b = Make("b", 2);
  const auto run = [&] {
    RunUntil(
        {a.get(), b.get()}, [] { return false; }, seconds(9));
  };
  run();
  EXPECT_EQ(a->slow_renewals(), 0);
  for (int i = 1; i <= 2; ++i) {
    // Written to by another hand: a conflict.
    server_.lease->metadata.resourceVersion = Text("9" + std::to_string(i));
    run();
    EXPECT_EQ(a->slow_renewals(), i);
    EXPECT_TRUE(a->MayWrite(now_));
  }
  EXPECT_EQ(b->slow_renewals(), 0);
}

// Its own Lease of before a restart: the identity is new each time, so it has to
// wait; with the same identity it goes on.
TEST_F(LeaderElectorTest, ALeaseOfTheSameIdentityIsTakenUpAgain) {
  const auto before = Make("a");
  Drive(before.get());
  const auto again = Make("a");
  Drive(again.get());
  EXPECT_EQ(again->state(), ElectionState::kLeading);
  EXPECT_EQ(server_.lease->leaseTransitions, 0);
}

TEST_F(LeaderElectorTest, WallClocksDoNotMatter) {
  const auto a = Make("a");
  Drive(a.get());
  // A Lease whose times are far in the past or future is waited for as any.
  server_.lease->renewTime = Timestamp::FromSeconds(1);
  const auto b = Make("b", 2);
  const Duration took = RunUntil({b.get()}, [&] { return b->state() == ElectionState::kLeading; });
  EXPECT_GE(took, seconds(15));
}

TEST_F(LeaderElectorTest, SomebodyElsesHandFencesAtOnce) {
  const auto a = Make("a");
  Drive(a.get());
  server_.lease->holderIdentity = Text("thief");
  server_.lease->metadata.resourceVersion = Text("99");
  now_ += seconds(2);
  Drive(a.get());
  EXPECT_FALSE(a->MayWrite(now_));
  RunUntil({a.get()}, [&] { return a->state() == ElectionState::kLost; });
  EXPECT_EQ(a->state(), ElectionState::kLost);
}

TEST_F(LeaderElectorTest, OptionsThatDoNotFit) {
  LeaderElectorOptions options;
  EXPECT_EQ(CheckLeaderElectorOptions(options), "");
  options.lease_duration = milliseconds(15'900);
  EXPECT_THAT(CheckLeaderElectorOptions(options), HasSubstr("--leader-elect-lease-duration must be of whole seconds"));
  options.lease_duration = seconds(15);
  options.renew_deadline = seconds(2);
  EXPECT_THAT(CheckLeaderElectorOptions(options), HasSubstr("--leader-elect-renew-deadline must be above"));
  options.renew_deadline = seconds(15);
  EXPECT_THAT(CheckLeaderElectorOptions(options), HasSubstr("--leader-elect-lease-duration must be above"));
  options.retry_period = seconds(0);
  EXPECT_THAT(CheckLeaderElectorOptions(options), HasSubstr("--leader-elect-retry-period"));
}

// Requests take their time, get lost, or their answers do; replicas hang for
// longer than a lease. Never may two write at once, and somebody leads again
// when it is over.
TEST_F(LeaderElectorTest, NeverTwoLeaders) {
  struct Flight {
    Instant at;
    bool arrived = false;
    Request request;
    Response response;
  };
  int led = 0;
  for (std::uint64_t seed = 1; seed <= testkit::Rounds<std::uint64_t>(300, 60); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    server_ = LeaseServer();
    std::vector<std::unique_ptr<LeaderElector>> electors;
    std::vector<std::optional<Flight>> flights(3);
    std::vector<Instant> hangs(3, Instant{0});
    for (int i = 0; i < 3; ++i) {
      electors.push_back(Make(std::string(1, static_cast<char>('a' + i)), seed * 10 + static_cast<std::uint64_t>(i)));
    }
    const Instant end = now_ + seconds(200);
    const Instant calm = now_ + seconds(120);
    for (; now_ < end; now_ += milliseconds(50)) {
      const bool faults = now_ < calm;
      int writing = 0;
      for (std::size_t i = 0; i < electors.size(); ++i) {
        auto& elector = electors[i];
        auto& flight = flights[i];
        if (flight && !flight->arrived && now_ >= flight->at) {
          flight->arrived = true;
          const double fate = faults ? random.Unit() : 1;
          if (fate < 0.1) {
            flight->response.status = StatusUnreachable("lost");
          } else {
            flight->response = server_.Handle(flight->request);
            if (fate < 0.25) flight->response = {StatusUnreachable("the answer was lost"), {}, {}};
          }
          flight->at = now_ + milliseconds(random.Between(0, faults ? 3000 : 50));
        }
        if (now_ >= hangs[i]) {
          if (flight && flight->arrived && now_ >= flight->at) {
            elector->OnResponse(flight->response, now_);
            flight.reset();
          }
          if (elector->state() == ElectionState::kLost || (faults && random.Chance(0.0005))) {
            elector = Make(std::string(1, static_cast<char>('a' + i)) + std::to_string(now_.count()), random.Next());
            flight.reset();
          }
          if (!flight) {
            const LeaderElector::Action action = elector->Next(now_, Wall());
            if (action.kind == LeaderElector::Action::Kind::kSend) {
              flight = Flight{now_ + milliseconds(random.Between(0, faults ? 3000 : 50)), false, action.request, {}};
            }
          }
          if (faults && random.Chance(0.002)) hangs[i] = now_ + seconds(random.Between(1, 40));
        }
        writing += elector->MayWrite(now_) ? 1 : 0;
      }
      ASSERT_LE(writing, 1);
      led += writing;
    }
    int leading = 0;
    for (const auto& elector : electors) leading += elector->MayWrite(now_) ? 1 : 0;
    EXPECT_EQ(leading, 1);
  }
  EXPECT_GT(led, testkit::Rounds(300, 60) * 2000) << "of 4,000 steps each: mostly somebody leads";
}

}  // namespace
}  // namespace epslice
