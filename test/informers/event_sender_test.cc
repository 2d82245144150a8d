#include "informers/event_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "test/informers/lease_transport.h"

namespace epslice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EventSenderTest : public testing::Test {
 protected:
  void Make(std::function<bool()> may_send = nullptr) {
    EventRecorderOptions options;
    options.component = "my-controller";
    options.instance = "replica-1";
    sender_ = std::make_unique<EventSender>(options, std::move(may_send), &transport_, &clock_,
                                            [this](const Request& request, const Status& status) {
                                              failures_ += DescribeRequest(request) + status.ToString();
                                            });
  }
  void Start(std::function<bool()> may_send = nullptr) {
    Make(std::move(may_send));
    sender_->Start();
  }
  void Record(const std::string& message) {
    EventRecorder::Note note;
    note.regarding.kind = "Service";
    note.regarding.namespace_ = "shop";
    note.regarding.name = "web";
    note.regarding.uid = "u";
    note.type = "Warning";
    note.reason = "Why";
    note.message = message;
    sender_->Record(std::move(note));
  }
  static std::string Text(std::string_view message) {
    return Cat({"Warning Why on Service shop/web (u) by my-controller: ", message});
  }

  RealClock clock_;
  Progress progress_;
  testkit::LeaseTransport transport_{&progress_};
  std::string failures_;  // read when the sender has ended
  std::unique_ptr<EventSender> sender_;
};

TEST_F(EventSenderTest, PostsWhatIsRecorded) {
  Start();
  Record("too few");
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_.events().size() == 1; }));
  EXPECT_THAT(transport_.events(), ElementsAre(Text("too few")));
}

TEST_F(EventSenderTest, TheSameAgainIsNoOtherEvent) {
  Start();
  Record("too few");
  Record("too few");
  Record("none");
  sender_->Finish(std::chrono::seconds(60));
  EXPECT_THAT(transport_.events(), ElementsAre(Text("too few"), "patch", Text("none")));
}

TEST_F(EventSenderTest, StopsInTheMiddleOfACall) {
  transport_.HangEvents();
  Start();
  Record("too few");
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_.hanging() == 1; }));
  sender_->Stop();
  EXPECT_THAT(transport_.events(), ElementsAre());
  EXPECT_EQ(failures_, "") << "nobody is to look into that";
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
  sender_->Finish(std::chrono::seconds(60));  // drops it, and waits for nothing
  EXPECT_THAT(transport_.events(), ElementsAre());
  EXPECT_EQ(transport_.hanging(), 0);
}

TEST_F(EventSenderTest, FinishSendsWhatIsQueued) {
  Start();
  for (int i = 0; i < 5; ++i) Record(std::to_string(i));
  sender_->Finish(std::chrono::seconds(60));
  EXPECT_EQ(transport_.events().size(), 5);
  Record("too late");
  sender_->Stop();
  EXPECT_EQ(transport_.events().size(), 5);
}

TEST_F(EventSenderTest, FinishWaitsNoLongerThanItMay) {
  transport_.HangEvents();
  Start();
  Record("too few");
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_.hanging() == 1; }));
  sender_->Finish(Duration(0));
  EXPECT_THAT(transport_.events(), ElementsAre());
}

TEST_F(EventSenderTest, WhatFailsIsToldAndNotTriedAgainAtTheEnd) {
  transport_.RefuseEvents(503);
  Start();
  Record("too few");
  sender_->Finish(std::chrono::seconds(60));
  EXPECT_THAT(failures_, HasSubstr("503"));
  EXPECT_THAT(transport_.events(), ElementsAre());
}

TEST_F(EventSenderTest, RunsInAThreadOfTheCallers) {
  Make();
  Record("too few");
  std::thread thread([this] { sender_->Run(); });
  sender_->Finish(std::chrono::seconds(60));
  thread.join();
  EXPECT_THAT(transport_.events(), ElementsAre(Text("too few")));
}

}  // namespace
}  // namespace epslice
