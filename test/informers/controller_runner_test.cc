#include "informers/controller_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "informers/leader_runner.h"
#include "test/informers/fake_cluster.h"
#include "test/informers/lease_transport.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Service ServiceNamed(std::string_view name) {
  Service service;
  service.metadata.namespace_ = "shop";
  service.metadata.name = name;
  return service;
}

EndpointSlice SliceOf(std::string_view name, std::string_view service) {
  EndpointSlice slice;
  slice.metadata.namespace_ = "shop";
  slice.metadata.name = name;
  slice.metadata.labels = StringMap{{Text(kLabelServiceName), Text(service)}};
  return slice;
}

ObjectKey Key(std::string_view name) { return {Text("shop"), Text(name)}; }

ObjectKey ServiceOf(const EndpointSlice& slice) { return Key(slice.metadata.labels.Get(kLabelServiceName)); }

// What happened, one line each; a test waits for what it expects, not for time.
class Record {
 public:
  void Add(std::string line) {
    const std::lock_guard<std::mutex> lock(mu_);
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  // Until there are `times` lines with `part`; far longer than any sane machine
  // needs.
  bool Wait(const std::string& part, int times = 1) {
    std::unique_lock<std::mutex> lock(mu_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return CountLocked(part) >= times; });
  }
  int Count(const std::string& part) {
    const std::lock_guard<std::mutex> lock(mu_);
    return CountLocked(part);
  }
  std::vector<std::string> lines() {
    const std::lock_guard<std::mutex> lock(mu_);
    return lines_;
  }

 private:
  int CountLocked(const std::string& part) const {
    int n = 0;
    for (const std::string& line : lines_) n += line.find(part) != std::string::npos ? 1 : 0;
    return n;
  }
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

class ControllerRunnerTest : public testing::Test {
 protected:
  static ControllerRunnerOptions Quick(Record* log) {
    ControllerRunnerOptions options;
    options.queue.base_delay = std::chrono::milliseconds(1);
    options.queue.overall_qps = 0;
    options.log = [log](std::string_view line) { log->Add(std::string(line)); };
    return options;
  }
  static WatcherOptions QuickWatcher() {
    WatcherOptions options;
    options.backoff_base = options.backoff_max = std::chrono::milliseconds(1);
    return options;
  }
  ControllerRunner::Call Noting() {
    return [this](const ObjectKey& key) -> WorkResult {
      calls_.Add(key.name.str());
      return absl::OkStatus();
    };
  }

  RealClock clock_;
  testkit::FakeCluster cluster_;
  Record calls_, log_;
  ControllerRunner runner_{Quick(&log_), &cluster_, &clock_};
};

TEST_F(ControllerRunnerTest, BeginsWithEveryKeyOnceAllListsAreThere) {
  cluster_.Put(ServiceNamed("a"));
  cluster_.Put(ServiceNamed("b"));
  cluster_.Put(SliceOf("c-1", "c"));
  cluster_.HoldLists(Kind::kEndpointSlice, true);
  const auto* services = runner_.Watch<Service>();
  const auto* slices = runner_.Watch<EndpointSlice>({}, ServiceOf);
  services->List();
  runner_.Start([&](const ObjectKey& key) -> WorkResult {
    EXPECT_TRUE(services->synced() && slices->synced() && runner_.synced());
    calls_.Add(key.name.str());
    return absl::OkStatus();
  });
  EXPECT_FALSE(runner_.synced());
  cluster_.HoldLists(Kind::kEndpointSlice, false);
  EXPECT_TRUE(calls_.Wait("a") && calls_.Wait("b") && calls_.Wait("c"));
  EXPECT_TRUE(runner_.Stop());
  EXPECT_TRUE(runner_.idle());
  EXPECT_EQ(calls_.lines().size(), 3);
}

TEST_F(ControllerRunnerTest, CallsForWhatChangedBeforeAndAfter) {
  const auto* slices = runner_.Watch<EndpointSlice>({}, ServiceOf);
  runner_.Start(Noting());
  cluster_.Put(SliceOf("1", "first"));
  ASSERT_TRUE(calls_.Wait("first"));
  EXPECT_EQ(slices->For(Key("first")).size(), 1);
  cluster_.Put(SliceOf("1", "second"));
  ASSERT_TRUE(calls_.Wait("first", 2) && calls_.Wait("second"));
  EXPECT_EQ(slices->For(Key("first")).size(), 0);
  cluster_.Remove(SliceOf("1", "second"));
  ASSERT_TRUE(calls_.Wait("second", 2));
  EXPECT_EQ(slices->Get(Key("1")), nullptr);
}

TEST_F(ControllerRunnerTest, AnIndexFnMayNameSeveralKeys) {
  runner_.Watch<EndpointSlice>({}, [](const EndpointSlice& slice, std::vector<ObjectKey>* keys) {
    keys->push_back(ServiceOf(slice));
    keys->push_back(Key("all"));
  });
  runner_.Start(Noting());
  cluster_.Put(SliceOf("1", "one"));
  EXPECT_TRUE(calls_.Wait("one") && calls_.Wait("all"));
}

TEST_F(ControllerRunnerTest, WhatFailsIsTriedAgainWithBackoff) {
  std::vector<Instant> times;  // of one worker
  runner_.Start([&](const ObjectKey&) -> WorkResult {
    times.push_back(clock_.Now());
    if (times.size() < 5) return absl::UnavailableError("not yet");
    calls_.Add("done");
    return absl::OkStatus();
  });
  runner_.Add(Key("a"));
  ASSERT_TRUE(calls_.Wait("done"));
  runner_.Stop();
  ASSERT_EQ(times.size(), 5);
  for (int i = 1; i < 5; ++i) {
    const auto n = static_cast<std::size_t>(i);
    EXPECT_GE(times[n] - times[n - 1], std::chrono::milliseconds(1 << (i - 1))) << i;
  }
  EXPECT_EQ(log_.Count("shop/a: UNAVAILABLE: not yet; will be tried again"), 4);
}

TEST_F(ControllerRunnerTest, ACallMayAskForTheNext) {
  int n = 0;  // of one worker
  runner_.Start([&](const ObjectKey&) -> WorkResult {
    ++n;
    calls_.Add("call");
    if (n == 1) return {absl::UnavailableError("asked to wait"), std::chrono::milliseconds(20)};
    return {absl::OkStatus(), n == 2 ? std::chrono::milliseconds(20) : Duration(0)};
  });
  const Instant begin = clock_.Now();
  runner_.Add(Key("a"));
  ASSERT_TRUE(calls_.Wait("call", 3));
  EXPECT_GE(clock_.Now() - begin, std::chrono::milliseconds(40));
  runner_.Stop();
  EXPECT_TRUE(runner_.idle());
}

TEST_F(ControllerRunnerTest, AKeyIsInOneCallAtATimeAndNotForgotten) {
  ControllerRunnerOptions options = Quick(&log_);
  options.workers = 4;
  ControllerRunner runner(options, &cluster_, &clock_);
  std::mutex mu;
  std::set<ObjectKey> under_way;  // guarded by mu
  std::map<ObjectKey, int> wanted, seen;
  bool all_added = false;
  runner.Start([&](const ObjectKey& key) -> WorkResult {
    {
      const std::lock_guard<std::mutex> lock(mu);
      EXPECT_TRUE(under_way.insert(key).second);
      seen[key] = wanted[key];
    }
    std::this_thread::yield();
    const std::lock_guard<std::mutex> lock(mu);
    under_way.erase(key);
    if (all_added && seen == wanted) calls_.Add("all");
    return absl::OkStatus();
  });
  for (int i = 0; i < 2000; ++i) {
    const ObjectKey key = Key(std::to_string(i % 7));
    {
      const std::lock_guard<std::mutex> lock(mu);
      ++wanted[key];
    }
    runner.Add(key);
  }
  {
    const std::lock_guard<std::mutex> lock(mu);
    all_added = true;
    ++wanted[Key("last")];
  }
  runner.Add(Key("last"));
  EXPECT_TRUE(calls_.Wait("all"));
  EXPECT_TRUE(runner.Stop());
  EXPECT_EQ(seen, wanted);
}

TEST_F(ControllerRunnerTest, CallsMayAdd) {
  runner_.Start([&](const ObjectKey& key) -> WorkResult {
    calls_.Add(key.name.str());
    if (key.name == "a") runner_.Add(Key("b"));
    if (key.name == "b") runner_.AddAfter(Key("c"), std::chrono::milliseconds(1));
    return absl::OkStatus();
  });
  runner_.Add(Key("a"));
  ASSERT_TRUE(calls_.Wait("c"));
  EXPECT_THAT(calls_.lines(), ElementsAre("a", "b", "c"));
}

TEST_F(ControllerRunnerTest, EveryAndResync) {
  cluster_.Put(ServiceNamed("a"));
  runner_.Watch<Service>();
  runner_.Every(std::chrono::milliseconds(1), [this] {
    if (runner_.synced()) runner_.Resync();
  });
  runner_.Start(Noting());
  EXPECT_TRUE(calls_.Wait("a", 5));
}

TEST_F(ControllerRunnerTest, AServerThatGoesAwayIsToldOnceAndComesBack) {
  cluster_.SetDown(true);
  runner_.Watch<Service>(QuickWatcher());
  runner_.Start(Noting());
  ASSERT_TRUE(log_.Wait("services: list or watch failed"));
  cluster_.Put(ServiceNamed("a"));
  cluster_.SetDown(false);
  ASSERT_TRUE(calls_.Wait("a"));
  EXPECT_THAT(log_.lines(),
              ElementsAre(HasSubstr("failed, and is tried until it works: "), "services: list or watch works again"));
}

TEST_F(ControllerRunnerTest, StopLetsACallFinish) {
  std::atomic<bool> finished = false;
  std::thread stopper;
  runner_.Start([&](const ObjectKey&) -> WorkResult {
    stopper = std::thread([&] {
      EXPECT_TRUE(runner_.Stop());
      EXPECT_TRUE(finished);
      calls_.Add("stopped");
    });
    cluster_.Put(ServiceNamed("late"));
    finished = true;
    calls_.Add("finished");
    return absl::OkStatus();
  });
  runner_.Add(Key("a"));
  ASSERT_TRUE(calls_.Wait("stopped"));
  stopper.join();
  EXPECT_THAT(calls_.lines(), ElementsAre("finished", "stopped"));
  EXPECT_TRUE(runner_.Stop());
}

TEST_F(ControllerRunnerTest, StopCancelsACallThatTakesTooLong) {
  ControllerRunnerOptions options = Quick(&log_);
  options.shutdown_grace = Duration(0);
  ControllerRunner runner(options, &cluster_, &clock_);
  runner.Start([&](const ObjectKey&) -> WorkResult {
    calls_.Add("begin");
    Request hangs;
    EXPECT_EQ(cluster_.Do(hangs, runner.cancel()).status.code, 0);
    return absl::UnavailableError("cancelled");
  });
  runner.Add(Key("a"));
  ASSERT_TRUE(calls_.Wait("begin"));
  EXPECT_FALSE(runner.Stop());
  EXPECT_THAT(log_.lines(), ElementsAre());  // nobody is to look into that
}

// A runner of one of several replicas.
class LedControllerTest : public ControllerRunnerTest {
 protected:
  // Long, so that a slow machine does not lose the lease where that is not meant.
  explicit LedControllerTest(Duration renew_deadline = std::chrono::seconds(500))
      : leader_(LeaderOptions(renew_deadline), &leases_, &clock_) {}
  static LeaderRunnerOptions LeaderOptions(Duration renew_deadline) {
    LeaderRunnerOptions options;
    options.elector.namespace_ = "ns";
    options.elector.name = "l";
    options.elector.retry_period = std::chrono::milliseconds(10);
    options.elector.renew_deadline = renew_deadline;
    options.elector.lease_duration = std::chrono::seconds(1000);
    return options;
  }
  ControllerRunnerOptions Led() {
    ControllerRunnerOptions options = Quick(&log_);
    options.leader = &leader_;
    return options;
  }

  Progress progress_;
  testkit::LeaseTransport leases_{&progress_};
  LeaderRunner leader_;
  ControllerRunner led_{Led(), &cluster_, &clock_};
};

TEST_F(LedControllerTest, AStandbyKeepsUpAndCallsWhenItLeads) {
  cluster_.Put(ServiceNamed("a"));
  led_.Watch<Service>();
  Record synced;
  led_.Every(std::chrono::milliseconds(1), [&] {
    if (led_.synced()) synced.Add("");
  });
  leader_.Start();
  led_.Start([&](const ObjectKey& key) -> WorkResult {
    EXPECT_TRUE(leader_.MayWrite() && led_.cancel()->may_send());
    calls_.Add(key.name.str());
    return absl::OkStatus();
  });
  ASSERT_TRUE(synced.Wait("")) << "its lists are there";
  EXPECT_FALSE(led_.cancel()->may_send());
  EXPECT_EQ(calls_.Count(""), 0);
  leases_.ReleaseByOther();
  ASSERT_TRUE(calls_.Wait("a"));
  cluster_.Put(ServiceNamed("b"));
  ASSERT_TRUE(calls_.Wait("b"));
  EXPECT_TRUE(led_.Stop());
  leader_.Stop();
  EXPECT_EQ(leases_.holder(), "") << "given back";
  EXPECT_FALSE(led_.cancel()->may_send());
}

class LosingControllerTest : public LedControllerTest {
 protected:
  LosingControllerTest() : LedControllerTest(std::chrono::seconds(1)) {}
};

TEST_F(LosingControllerTest, ALostLeaseEndsCalls) {
  leases_.ReleaseByOther();
  leader_.Start();
  led_.Start([&](const ObjectKey& key) -> WorkResult {
    calls_.Add(key.name.str());
    leases_.SetDown();
    Request hangs;
    EXPECT_EQ(cluster_.Do(hangs, led_.cancel()).status.code, 0);
    calls_.Add("cancelled");
    return absl::UnavailableError("cancelled");
  });
  led_.Add(Key("a"));
  ASSERT_TRUE(calls_.Wait("cancelled"));
  EXPECT_TRUE(leader_.lost());
  led_.Add(Key("b"));
  EXPECT_TRUE(led_.Stop());
  EXPECT_THAT(calls_.lines(), ElementsAre("a", "cancelled"));
  EXPECT_THAT(log_.lines(), ElementsAre());
}

TEST_F(LedControllerTest, OneThatLeadsAlreadyBeginsAtOnce) {
  leases_.ReleaseByOther();
  leader_.Start();
  ASSERT_TRUE(progress_.WaitUntil([&] { return leader_.MayWrite(); }));
  led_.Start(Noting());
  led_.Add(Key("a"));
  EXPECT_TRUE(calls_.Wait("a"));
}

TEST_F(LedControllerTest, MayBeStoppedAsAStandby) {
  leader_.Start();
  led_.Start(Noting());
  led_.Add(Key("a"));
  EXPECT_TRUE(led_.Stop());
  EXPECT_EQ(calls_.Count("a"), 0);
}

TEST_F(ControllerRunnerTest, OneThatWasNeverStartedEnds) { runner_.Watch<Service>(); }

}  // namespace
}  // namespace epslice
