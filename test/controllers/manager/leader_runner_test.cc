#include "controllers/manager/leader_runner.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "test/controllers/manager/memory_transport.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Where one Lease is, held by "other" at first.
class LeaseTransport : public Transport {
 public:
  explicit LeaseTransport(Progress* progress) : progress_(progress) {
    lease_.metadata.name = Text("l");
    lease_.holderIdentity = Text("other");
    lease_.leaseDurationSeconds = 1000;
    lease_.renewTime = Timestamp::FromSeconds(1);
  }

  Response Do(const Request& request, CancelToken*) override {
    Response response;
    {
      std::lock_guard<std::mutex> lock(mu_);
      if (request.verb == Verb::kGet) ++gets_;
      if (request.verb == Verb::kUpdate && down_) {
        response.status = StatusUnreachable("no answer");
        return response;
      }
      if (request.verb == Verb::kUpdate) Set(*request.object.As<Lease>());
      response.object = AnyObject::Of(lease_);
    }
    progress_->Bump();
    return response;
  }

  Status Watch(const Request& request, CancelToken* cancel,
               const std::function<bool(const WatchEvent&)>& on_event) override {
    const int id = cancel->Register([this] {
      std::lock_guard<std::mutex> lock(mu_);
      cv_.notify_all();
    });
    Status status = Stream(request, cancel, on_event);
    cancel->Unregister(id);
    return status;
  }

  // 0: not any more.
  void RefuseWatches(int code) {
    std::lock_guard<std::mutex> lock(mu_);
    refused_ = code;
  }
  void SetDown() {
    std::lock_guard<std::mutex> lock(mu_);
    down_ = true;
  }
  void ReleaseByOther() {
    std::lock_guard<std::mutex> lock(mu_);
    Lease released = lease_;
    released.holderIdentity = Text();
    Set(std::move(released));
  }
  int gets() const {
    std::lock_guard<std::mutex> lock(mu_);
    return gets_;
  }
  int watches() const {
    std::lock_guard<std::mutex> lock(mu_);
    return watches_;
  }
  bool watching() const {
    std::lock_guard<std::mutex> lock(mu_);
    return watching_;
  }
  std::string selector() const {
    std::lock_guard<std::mutex> lock(mu_);
    return selector_;
  }

 private:
  void Set(Lease lease) {
    lease_ = std::move(lease);
    lease_.metadata.resourceVersion = Text(std::to_string(++version_));
    cv_.notify_all();
  }
  Status Stream(const Request& request, CancelToken* cancel, const std::function<bool(const WatchEvent&)>& on_event) {
    std::unique_lock<std::mutex> lock(mu_);
    ++watches_;
    selector_ = request.list.fieldSelector;
    if (refused_ != 0) {
      Status status;
      status.code = refused_;
      lock.unlock();
      progress_->Bump();
      return status;
    }
    watching_ = true;
    for (int seen = -1; !cancel->cancelled();) {
      if (seen == version_) {
        cv_.wait(lock);
        continue;
      }
      seen = version_;
      WatchEvent event;
      event.object = AnyObject::Of(lease_);
      lock.unlock();
      progress_->Bump();
      if (!on_event(event)) return Status();
      lock.lock();
    }
    watching_ = false;
    progress_->Bump();
    return StatusUnreachable("cancelled");
  }

  Progress* const progress_;
  mutable std::mutex mu_;
  std::condition_variable cv_;
  Lease lease_;
  int version_ = 0, gets_ = 0, watches_ = 0;
  int refused_ = 0;
  bool watching_ = false;
  bool down_ = false;
  std::string selector_;
};

class LeaderRunnerTest : public testing::Test {
 protected:
  void Start(Duration retry_period, Duration refused_watch_period = seconds(30)) {
    LeaderRunnerOptions options;
    options.refused_watch_period = refused_watch_period;
    options.elector.identity = "me";
    options.elector.name = "l";
    options.elector.retry_period = retry_period;
    options.elector.renew_deadline = 2 * retry_period;
    options.elector.lease_duration = 3 * retry_period + seconds(1);
    options.on_leading = [this](const Lease& lease) {
      {
        std::lock_guard<std::mutex> lock(mu_);
        led_by_ = lease;
      }
      progress_.Bump();
    };
    runner_ = std::make_unique<LeaderRunner>(options, &transport_, &clock_, &log_);
    runner_->Start();
  }
  // What was logged since the last call.
  std::string TakeSaid() {
    std::lock_guard<std::mutex> lock(mu_);
    return std::exchange(said_, "");
  }
  bool WaitUntil(const std::function<bool()>& condition) { return progress_.WaitUntil(condition); }
  Lease LedBy() {
    std::lock_guard<std::mutex> lock(mu_);
    return led_by_;
  }

  RealClock clock_;
  Progress progress_;
  LeaseTransport transport_{&progress_};
  std::mutex mu_;
  std::string said_;
  Logger log_{{LogFormat::kText, 2, 1}, &clock_, [this](std::string_view text) {
                std::lock_guard<std::mutex> lock(mu_);
                said_ += text;
              }};
  Lease led_by_;  // guarded by mu_
  std::unique_ptr<LeaderRunner> runner_;
};

TEST_F(LeaderRunnerTest, TakesAReleasedLeaseAtOnceAndWatchesNoMore) {
  Start(seconds(600));
  ASSERT_TRUE(WaitUntil([&] { return transport_.gets() >= 1 && transport_.watching(); }));
  EXPECT_EQ(transport_.selector(), "metadata.name=l");
  EXPECT_FALSE(runner_->MayWrite());
  transport_.ReleaseByOther();
  ASSERT_TRUE(WaitUntil([&] { return runner_->MayWrite(); }));
  ASSERT_TRUE(WaitUntil([&] { return !transport_.watching(); }));
  EXPECT_EQ(transport_.watches(), 1);

  // Told after it may write.
  ASSERT_TRUE(WaitUntil([&] { return LedBy().holderIdentity == "me"; }));
  const EventRecorder::Note note = BecameLeader(LedBy(), "me");
  EXPECT_EQ(note.message, "me became leader");
  EXPECT_EQ(note.reason, "LeaderElection");
  EXPECT_EQ(note.type, "Normal");
  EXPECT_EQ(note.regarding.kind, "Lease");
  EXPECT_EQ(note.regarding.name, "l");
  EXPECT_EQ(note.regarding.namespace_, "kube-system");
}

TEST_F(LeaderRunnerTest, PollsWhereItMayNotWatch) {
  transport_.RefuseWatches(403);
  Start(milliseconds(10));
  ASSERT_TRUE(WaitUntil([&] { return transport_.gets() >= 5; }));
  EXPECT_EQ(transport_.watches(), 1) << "not with each poll";
  transport_.ReleaseByOther();
  ASSERT_TRUE(WaitUntil([&] { return runner_->MayWrite(); }));
}

// As a server that is starting does, or whose roles come later.
TEST_F(LeaderRunnerTest, ARefusedWatchIsTriedAgain) {
  for (const int code : {401, 403}) {
    transport_.RefuseWatches(code);
    const int before = transport_.watches();
    Start(seconds(600), milliseconds(1));
    ASSERT_TRUE(WaitUntil([&] { return transport_.watches() >= before + 3; })) << code;
    EXPECT_FALSE(transport_.watching());
    transport_.RefuseWatches(0);
    ASSERT_TRUE(WaitUntil([&] { return transport_.watching(); })) << code;
    runner_->Stop();
    const std::string said = TakeSaid();
    const std::size_t first = said.find("watch of the lease is refused");
    EXPECT_NE(first, std::string::npos) << said;
    EXPECT_EQ(said.find("watch of the lease is refused", first + 1), std::string::npos) << said;
  }
}

TEST_F(LeaderRunnerTest, AServerWithoutSuchAWatchIsAskedOnce) {
  for (const int code : {404, 405, 422}) {
    transport_.RefuseWatches(code);
    const int watches = transport_.watches();
    const int gets = transport_.gets();
    Start(milliseconds(10), milliseconds(1));
    ASSERT_TRUE(WaitUntil([&] { return transport_.gets() >= gets + 5 && transport_.watches() > watches; }));
    runner_->Stop();
    EXPECT_EQ(transport_.watches(), watches + 1) << code;
  }
}

TEST_F(LeaderRunnerTest, SaysWhetherTheLeaseWasGivenBack) {
  for (const bool down : {false, true}) {
    transport_.ReleaseByOther();
    Start(seconds(600));
    ASSERT_TRUE(WaitUntil([&] { return runner_->MayWrite(); }));
    if (down) transport_.SetDown();
    runner_->Stop();
    const std::string said = TakeSaid();
    EXPECT_EQ(said.find("Gave the lease back") != std::string::npos, !down) << said;
    EXPECT_EQ(said.find("The lease could not be given back") != std::string::npos, down) << said;
  }
}

TEST_F(LeaderRunnerTest, StopsWhileItWatches) {
  Start(seconds(600));
  ASSERT_TRUE(WaitUntil([&] { return transport_.watching(); }));
  runner_->Stop();
  EXPECT_EQ(TakeSaid().find("Gave the lease back"), std::string::npos) << "it had none";
  EXPECT_FALSE(runner_->MayWrite());
  EXPECT_FALSE(transport_.watching());
}

}  // namespace
}  // namespace epslice
