#include "controllers/endpointslice/apply_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controllers/endpointslice/slice_tracker.h"
#include "test/controllers/builders.h"
#include "test/informers/scripted_transport.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

Plan PlanOfCreates(int n) {
  Plan plan;
  for (int i = 0; i < n; ++i) {
    auto slice = std::make_shared<EndpointSlice>();
    slice->metadata.namespace_ = "shop";
    slice->metadata.generateName = "web-";
    slice->metadata.labels = StringMap{{Text(kLabelServiceName), "web"}};
    plan.writes.push_back({SliceWrite::Op::kCreate, i, slice});
  }
  return plan;
}

// Names what is created, with versions from 100 on, and fails from the
// `fail_from`th request on.
class Server : public testkit::ScriptedTransport {
 public:
  explicit Server(int fail_from = 1000) {
    on_do = [this, fail_from](const Request& request) {
      requests.push_back(DescribeRequest(request));
      Response response;
      if (static_cast<int>(requests.size()) > fail_from) {
        response.status.code = 429;
        response.status.retryAfterSeconds = 7;
        return response;
      }
      if (request.verb == Verb::kDelete) return response;
      EndpointSlice slice = *request.object.As<EndpointSlice>();
      slice.metadata.name = "web-" + std::to_string(requests.size());
      slice.metadata.resourceVersion = std::to_string(100 + requests.size());
      response.object = AnyObject::Of(std::move(slice));
      return response;
    };
  }
  std::vector<std::string> requests;
};

class ApplyPlanTest : public testing::Test {
 protected:
  const ObjectKey web_{"shop", "web"};
  SharedInformer<EndpointSlice> slices_{
      {}, [](const EndpointSlice& slice, std::vector<ObjectKey>* keys) { keys->push_back(ServiceOfSlice(slice)); }};
};

TEST_F(ApplyPlanTest, WhatIsWrittenOrDeletedIsKnownAtOnce) {
  Server server;
  WorkResult result = ApplyPlan(PlanOfCreates(2), &server, nullptr, &slices_);
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.again_after, Duration(0));
  ASSERT_THAT(slices_.For(web_), SizeIs(2));
  result = ApplyPlan(DeleteSlices(web_, {slices_.For(web_)[0]}), &server, nullptr, &slices_);
  EXPECT_TRUE(result.status.ok());
  ASSERT_THAT(slices_.For(web_), SizeIs(1));
  EXPECT_EQ(slices_.For(web_)[0]->metadata.name, "web-2");
  EXPECT_THAT(server.requests, ElementsAre("POST endpointslices shop/web-*", "POST endpointslices shop/web-*",
                                           "DELETE endpointslices shop/web-1"));
}

TEST_F(ApplyPlanTest, AFailureSaysWhenToTryAgain) {
  Server server(/*fail_from=*/1);
  const WorkResult result = ApplyPlan(PlanOfCreates(3), &server, nullptr, &slices_);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(result.again_after, std::chrono::seconds(7));
  EXPECT_THAT(slices_.For(web_), SizeIs(1));
}

TEST_F(ApplyPlanTest, RetryErrorsOfAPlanAreFailures) {
  Server server;
  Plan plan = PlanOfCreates(1);
  plan.retry_errors = {"no such Node"};
  const WorkResult result = ApplyPlan(plan, &server, nullptr, &slices_);
  EXPECT_EQ(result.status, absl::FailedPreconditionError("no such Node"));
  EXPECT_THAT(slices_.For(web_), SizeIs(1));
}

TEST_F(ApplyPlanTest, WithoutAnInformerItGivesTheOutcome) {
  Server server;
  const Outcome outcome = ApplyPlan(PlanOfCreates(2), &server, nullptr);
  EXPECT_EQ(outcome.creates, 2);
  EXPECT_THAT(outcome.written, SizeIs(2));
}

TEST_F(ApplyPlanTest, WatchSlicesSelectsByManagedBy) {
  const RealClock clock;
  Server server;
  CancelToken listed;
  std::string selector;
  server.on_do = [&](const Request& request) {
    selector = request.list.labelSelector;
    listed.Cancel();
    return Response();
  };
  server.on_watch = [](const Request&, const auto&) { return StatusUnreachable("none"); };
  std::mutex mu;
  std::condition_variable told;
  bool done = false;
  listed.Register([&] {
    const std::lock_guard<std::mutex> lock(mu);
    done = true;
    told.notify_all();
  });
  ControllerRunner runner({}, &server, &clock);
  WatchSlices("external.example.com", &runner);
  runner.Start([](const ObjectKey&) -> WorkResult { return absl::OkStatus(); });
  {
    std::unique_lock<std::mutex> lock(mu);
    ASSERT_TRUE(told.wait_for(lock, std::chrono::seconds(60), [&] { return done; }));
  }
  runner.Stop();
  EXPECT_EQ(selector, "endpointslice.kubernetes.io/managed-by=external.example.com");
}

}  // namespace
}  // namespace epslice
