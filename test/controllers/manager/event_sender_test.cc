#include "controllers/manager/event_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "controllers/endpointslice/service_event.h"
#include "test/controllers/builders.h"
#include "test/controllers/manager/memory_transport.h"

namespace epslice {
namespace {

class EventSenderTest : public ::testing::Test {
 protected:
  EventSenderTest()
      : server_(&clock_, {.create_missing_namespaces = true}),
        transport_(&server_, &progress_),
        log_({LogFormat::kText, 0, 1}, &clock_, [](std::string_view) {}) {}

  void Start(std::function<bool()> may_send = nullptr) {
    EventRecorderOptions options;
    options.component = std::string(kEventComponent);
    options.instance = "replica-1";
    sender_ = std::make_unique<EventSender>(options, std::move(may_send), &transport_, &clock_, &log_);
    sender_->Start();
  }
  void Record(const std::string& message) {
    const Service service = testkit::ServiceBuilder("web").service;
    Plan plan;
    plan.events = {{"Warning", "TopologyAwareHintsDisabled", message}};
    for (EventRecorder::Note& note : NotesOf(service, plan, {})) sender_->Record(std::move(note));
  }
  std::vector<std::shared_ptr<const Event>> Events() {
    Request list;
    list.verb = Verb::kList;
    list.kind = Kind::kEvent;
    std::vector<std::shared_ptr<const Event>> events;
    for (const AnyObject& item : server_.Handle(list).list.items) events.push_back(item.As<Event>());
    return events;
  }

  RealClock clock_;
  Progress progress_;
  sim::MemoryApiServer server_;
  MemoryTransport transport_;
  Logger log_;
  std::unique_ptr<EventSender> sender_;
};

TEST_F(EventSenderTest, PostsWhatIsRecorded) {
  Start();
  Record("too few");
  ASSERT_TRUE(progress_.WaitUntil([&] { return Events().size() == 1; }));
  const auto event = Events()[0];
  EXPECT_EQ(event->metadata.namespace_, "shop");
  EXPECT_EQ(event->involvedObject.kind, "Service");
  EXPECT_EQ(event->involvedObject.name, "web");
  EXPECT_EQ(event->involvedObject.uid, "svc-web");
  EXPECT_EQ(event->type, "Warning");
  EXPECT_EQ(event->reason, "TopologyAwareHintsDisabled");
  EXPECT_EQ(event->message, "too few");
  EXPECT_EQ(event->reportingController, "endpoint-slice-controller");
  EXPECT_EQ(event->reportingInstance, "replica-1");
}

TEST_F(EventSenderTest, TheSameAgainIsNoOtherEvent) {
  Start();
  Record("too few");
  Record("too few");
  Record("none");
  ASSERT_TRUE(progress_.WaitUntil([&] { return Events().size() == 2; }));
}

TEST_F(EventSenderTest, StopsInTheMiddleOfACall) {
  Start();
  transport_.HoldEvents(true);
  Record("too few");
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_.held() == 1; }));
  sender_->Stop();
  EXPECT_TRUE(Events().empty());
}

TEST_F(EventSenderTest, SendsNothingThatItMayNot) {
  std::atomic<int> asked{0};
  Start([&] {
    ++asked;
    progress_.Bump();
    return false;
  });
  Record("too few");
  ASSERT_TRUE(progress_.WaitUntil([&] { return asked > 0; }));
  sender_->Stop();
  EXPECT_EQ(transport_.calls(), 0);
}

}  // namespace
}  // namespace epslice
