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

  void RefuseWatches() {
    std::lock_guard<std::mutex> lock(mu_);
    refused_ = true;
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
    if (refused_) {
      Status status;
      status.code = 403;
      status.reason = "Forbidden";
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
  bool refused_ = false, watching_ = false;
  std::string selector_;
};

class LeaderRunnerTest : public testing::Test {
 protected:
  void Start(Duration retry_period) {
    LeaderRunnerOptions options;
    options.elector.identity = "me";
    options.elector.name = "l";
    options.elector.retry_period = retry_period;
    options.elector.renew_deadline = 2 * retry_period;
    options.elector.lease_duration = 3 * retry_period + seconds(1);
    options.on_leading = [this] { progress_.Bump(); };
    runner_ = std::make_unique<LeaderRunner>(options, &transport_, &clock_, &log_);
    runner_->Start();
  }
  bool WaitUntil(const std::function<bool()>& condition) { return progress_.WaitUntil(condition); }

  RealClock clock_;
  Progress progress_;
  LeaseTransport transport_{&progress_};
  Logger log_{{LogFormat::kText, 0, 1}, &clock_, [](std::string_view) {}};
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
}

TEST_F(LeaderRunnerTest, PollsWhereItMayNotWatch) {
  transport_.RefuseWatches();
  Start(milliseconds(10));
  ASSERT_TRUE(WaitUntil([&] { return transport_.gets() >= 5; }));
  EXPECT_EQ(transport_.watches(), 1) << "asked once";
  transport_.ReleaseByOther();
  ASSERT_TRUE(WaitUntil([&] { return runner_->MayWrite(); }));
}

TEST_F(LeaderRunnerTest, StopsWhileItWatches) {
  Start(seconds(600));
  ASSERT_TRUE(WaitUntil([&] { return transport_.watching(); }));
  runner_->Stop();
  EXPECT_FALSE(runner_->MayWrite());
  EXPECT_FALSE(transport_.watching());
}

}  // namespace
}  // namespace epslice
