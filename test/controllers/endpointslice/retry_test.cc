// When a Service is worked on again: after failures, behind a store that lags, and
// as an onlooker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "test/controllers/builders.h"
#include "test/controllers/endpointslice/controller_fixture.h"

namespace epslice {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testkit::PodBuilder;

using RetryTest = testkit::ServiceControllerTest;

// While it lags each try in vain makes the backoff longer. What is put off for that
// is not put off for longer than it lags: the echo, which is no news, ends it.
TEST_F(RetryTest, ALaggingStorePutsOffNoLongerThanItLags) {
  StartAndSettle();
  PutPod(PodBuilder("web-w", "10.2.1.1"));
  WorkAll();  // written; the echo has not come
  PutPod(PodBuilder("web-x", "10.2.0.1"));
  EXPECT_THAT(WorkAll(), IsEmpty());
  while (controller_.NextWakeup(now_).value() - now_ < seconds(60)) {
    now_ = controller_.NextWakeup(now_).value();
    EXPECT_THAT(WorkAll(), IsEmpty());
  }
  EXPECT_EQ(controller_.remembered().awaited, 1U);
  Echo();
  EXPECT_EQ(controller_.NextWakeup(now_), now_ + seconds(1));
  now_ += seconds(1);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
  EXPECT_EQ(controller_.remembered().awaited, 0U);
}

// An event is worked on at once, whatever the backoff; its failure is no reason to
// wait for longer than for the retry that is due.
TEST_F(RetryTest, EventsWhileWritesFailDoNotLengthenTheBackoff) {
  StartAndSettle();
  refuse_.code = 500;
  PutPod(PodBuilder("web-x", "10.2.0.1"));
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web error"));
  const Instant due = controller_.NextWakeup(now_).value();
  EXPECT_EQ(due, now_ + seconds(1));
  for (int i = 0; i < 20; ++i) {
    now_ += std::chrono::milliseconds(40);
    PutPod(PodBuilder("web-x", "10.2.0." + std::to_string(i + 2)));
    // A 500 may have been written: it is looked up first.
    EXPECT_THAT(WorkAll(), ElementsAre("shop/web verify", "shop/web error"));
    EXPECT_EQ(controller_.NextWakeup(now_), due);
  }
  now_ = due;
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web verify", "shop/web error"));
  EXPECT_EQ(controller_.NextWakeup(now_), now_ + seconds(2));
  refuse_.code = 200;
  now_ += seconds(2);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web verify", "shop/web u1"));
  EXPECT_EQ(controller_.NextWakeup(now_), std::nullopt);
}

TEST_F(RetryTest, NoBackoffIsLongerThanFourMinutes) {
  StartAndSettle();
  refuse_.code = 409;
  PutPod(PodBuilder("web-x", "10.2.0.1"));
  for (int i = 0; i < 12; ++i) {
    EXPECT_THAT(WorkAll(), ElementsAre("shop/web error"));
    const Duration wait = controller_.NextWakeup(now_).value() - now_;
    EXPECT_EQ(wait, i < 8 ? Duration(seconds(1 << i)) : Duration(minutes(4)));
    now_ += wait;
  }
}

ServiceControllerOptions Onlooker() {
  ServiceControllerOptions options;
  options.onlooker = true;
  options.batch_period = seconds(10);
  return options;
}

class OnlookerTest : public testkit::ServiceControllerTest {
 protected:
  OnlookerTest() : testkit::ServiceControllerTest(Onlooker()) {}
};

// What another controller wrote is compared when it comes, and not a batch later, when
// a pod may have changed again.
TEST_F(OnlookerTest, LooksAsSoonAsASliceCame) {
  StartAndSettle();
  auto edited = std::make_shared<EndpointSlice>(*OnlySlice());
  edited->metadata.generation += 1;
  edited->metadata.resourceVersion = Text(std::to_string(++version_));
  edited->endpoints[0].conditions.ready = false;
  server_.begin()->second = edited;
  Put<EndpointSlice>(controller_.stores().slices, edited);
  EXPECT_THAT(WorkAll(), ElementsAre("shop/web u1"));
}

}  // namespace
}  // namespace epslice
