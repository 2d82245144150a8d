#include "informers/event_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "apis/json.h"
#include "apis/names.h"
#include "apis/time_format.h"

namespace epslice {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

class EventRecorderTest : public testing::Test {
 protected:
  static EventRecorderOptions Options(bool events_v1 = true) {
    EventRecorderOptions options;
    options.component = "endpoint-slice-controller";
    options.instance = "pod-1";
    options.events_v1 = events_v1;
    return options;
  }
  void Record(const std::string& message, const std::string& service = "cart") {
    EventRecorder::Note note;
    note.regarding.kind = "Service";
    note.regarding.apiVersion = "v1";
    note.regarding.namespace_ = "shop";
    note.regarding.name = service;
    note.regarding.uid = "uid-" + service;
    note.type = "Warning";
    note.reason = "TopologyAwareHintsDisabled";
    note.message = message;
    recorder_->Record(std::move(note), clock_.WallNow());
  }
  static Response Answer(int code, std::string details_kind = "") {
    Response response;
    response.status.code = code;
    response.status.detailsKind = std::move(details_kind);
    return response;
  }
  // The next request, which is answered with success.
  std::optional<Request> Send() {
    std::optional<Request> request = recorder_->NextRequest(clock_.Now());
    if (request.has_value()) recorder_->OnResponse(Answer(request->verb == Verb::kCreate ? 201 : 200), clock_.Now());
    return request;
  }
  // Sends all there is: "create MESSAGE", "patch COUNT".
  std::vector<std::string> SendAll() {
    std::vector<std::string> sent;
    while (std::optional<Request> request = Send()) {
      sent.push_back(request->verb == Verb::kCreate ? "create " + request->object.As<Event>()->message.str()
                                                    : "patch " + request->patch);
    }
    return sent;
  }

  FakeClock clock_;
  std::unique_ptr<EventRecorder> recorder_ = std::make_unique<EventRecorder>(Options());
};

TEST_F(EventRecorderTest, ACreateInEventsV1) {
  EXPECT_EQ(recorder_->NextRequest(clock_.Now()), std::nullopt);
  EXPECT_EQ(recorder_->NextWakeup(), std::nullopt);
  Record("no zones");
  EXPECT_LE(*recorder_->NextWakeup(), clock_.Now());
  const auto request = recorder_->NextRequest(clock_.Now());
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->verb, Verb::kCreate);
  EXPECT_TRUE(request->eventsV1);
  EXPECT_EQ(request->namespace_, "shop");
  const auto event = request->object.As<Event>();
  EXPECT_THAT(event->metadata.name.str(), StartsWith("cart."));
  const std::string json = EncodeEventsV1Json(*event);
  for (const char* part :
       {"\"eventTime\":\"2026-01-02T03:04:05.000000Z\"", "\"reportingController\":\"endpoint-slice-controller\"",
        "\"reportingInstance\":\"pod-1\"", "\"action\":\"TopologyAwareHintsDisabled\"", "\"note\":\"no zones\"",
        "\"reason\":\"TopologyAwareHintsDisabled\"", "\"type\":\"Warning\"", "\"name\":\"cart\""}) {
    EXPECT_THAT(json, HasSubstr(part));
  }
  // An API server refuses a new Event with any of these.
  EXPECT_EQ(event->count, 0);
  EXPECT_FALSE(event->firstTimestamp.is_set());
  EXPECT_TRUE(event->sourceComponent.empty());

  EXPECT_EQ(recorder_->NextRequest(clock_.Now()), std::nullopt) << "one at a time";
  EXPECT_EQ(recorder_->NextWakeup(), std::nullopt);
  recorder_->OnResponse(Answer(201), clock_.Now());
  EXPECT_EQ(recorder_->counters().sent, 1);
  EXPECT_EQ(recorder_->NextRequest(clock_.Now()), std::nullopt);
}

TEST_F(EventRecorderTest, WhatWasSaidBeforeIsCounted) {
  for (const bool events_v1 : {true, false}) {
    recorder_ = std::make_unique<EventRecorder>(Options(events_v1));
    Record("a");
    const std::string name = Send()->object.meta().name.str();
    clock_.Advance(seconds(3));
    const std::string now = events_v1 ? FormatRfc3339Micro(clock_.WallNow()) : FormatRfc3339(clock_.WallNow());
    Record("a");
    const auto patch = Send();
    ASSERT_EQ(patch->verb, Verb::kPatch);
    EXPECT_EQ(patch->patchType, PatchType::kStrategicMerge);
    EXPECT_EQ(patch->name, name);
    EXPECT_EQ(patch->eventsV1, events_v1);
    EXPECT_EQ(patch->patch, events_v1 ? R"({"series":{"count":2,"lastObservedTime":")" + now + "\"}}"
                                      : R"({"count":2,"lastTimestamp":")" + now + R"(","message":"a"})");
    Record("b");
    EXPECT_EQ(Send()->verb, Verb::kCreate);
    Record("a", "other");
    EXPECT_EQ(Send()->verb, Verb::kCreate);
    Record("a");
    EXPECT_THAT(Send()->patch, HasSubstr("\"count\":3"));
  }
}

TEST_F(EventRecorderTest, TheTenthThatIsAlikeCombinesThem) {
  for (int i = 1; i <= 12; ++i) Record("m" + std::to_string(i));
  const std::vector<std::string> sent = SendAll();
  ASSERT_EQ(sent.size(), 12U);
  EXPECT_EQ(sent[8], "create m9");
  EXPECT_EQ(sent[9], "create (combined from similar events): m10");
  EXPECT_THAT(sent[10], HasSubstr("patch {\"series\":{\"count\":2,"));
  EXPECT_THAT(sent[11], HasSubstr("patch {\"series\":{\"count\":3,"));
  // The window begins anew with each of them, and ends 10 minutes after the last.
  clock_.Advance(minutes(10));
  Record("m13");
  EXPECT_THAT(SendAll()[0], HasSubstr("\"count\":4,"));
  clock_.Advance(minutes(10) + seconds(1));
  Record("m14");
  EXPECT_EQ(SendAll()[0], "create m14");
}

TEST_F(EventRecorderTest, OneObjectMayNotFlood) {
  for (int i = 0; i < 40; ++i) Record("m");
  EXPECT_EQ(SendAll().size(), 25U);
  EXPECT_EQ(recorder_->counters().filtered, 15);
  Record("m", "other");
  EXPECT_EQ(SendAll().size(), 1U);
  clock_.Advance(minutes(5));
  for (int i = 0; i < 3; ++i) Record("m");
  const std::vector<std::string> sent = SendAll();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_THAT(sent[0], HasSubstr("\"count\":41,")) << "what was not sent counts too";
}

TEST_F(EventRecorderTest, TheQueueIsBounded) {
  for (int i = 0; i < 1200; ++i) Record("m", "s" + std::to_string(i));
  EXPECT_EQ(recorder_->counters().overflowed, 200);
  EXPECT_EQ(SendAll().size(), 1000U);
}

TEST_F(EventRecorderTest, FallsBackToCoreV1AtOnce) {
  // Without the group: for good. Forbidden, as while an API server starts: this one.
  for (const int code : {404, 403}) {
    recorder_ = std::make_unique<EventRecorder>(Options());
    Record("a");
    ASSERT_TRUE(recorder_->NextRequest(clock_.Now())->eventsV1);
    recorder_->OnResponse(Answer(code), clock_.Now());
    EXPECT_LE(*recorder_->NextWakeup(), clock_.Now());
    const auto again = Send();
    ASSERT_TRUE(again.has_value()) << code;
    EXPECT_FALSE(again->eventsV1);
    const auto event = again->object.As<Event>();
    EXPECT_EQ(event->count, 1);
    EXPECT_EQ(event->sourceComponent, "endpoint-slice-controller");
    EXPECT_EQ(event->firstTimestamp, event->lastTimestamp);
    EXPECT_TRUE(event->firstTimestamp.is_set());
    EXPECT_FALSE(event->eventTime.is_set());
    Record("b");
    EXPECT_EQ(Send()->eventsV1, code == 403);
    // One that is counted, too.
    Record("b");
    const auto count = recorder_->NextRequest(clock_.Now());
    EXPECT_EQ(count->verb, Verb::kPatch);
    EXPECT_EQ(count->eventsV1, code == 403);
    EXPECT_EQ(count->patch.find("series") != std::string::npos, code == 403);
    recorder_->OnResponse(Answer(200), clock_.Now());
    EXPECT_EQ(recorder_->counters().sent, 3);
  }
}

TEST_F(EventRecorderTest, ForbiddenInBothIsRefused) {
  for (const char* message : {"a", "b"}) {
    Record(message);
    for (const bool events_v1 : {true, false}) {
      const auto request = recorder_->NextRequest(clock_.Now());
      ASSERT_TRUE(request.has_value()) << message;
      EXPECT_EQ(request->eventsV1, events_v1) << message;
      recorder_->OnResponse(Answer(403), clock_.Now());
    }
    EXPECT_EQ(recorder_->NextWakeup(), std::nullopt) << message;
  }
  EXPECT_EQ(recorder_->counters().refused, 2);
}

// What goes with its namespace is refused in either group.
TEST_F(EventRecorderTest, NothingMoreOfANamespaceThatIsBeingDeleted) {
  for (const bool events_v1 : {true, false}) {
    recorder_ = std::make_unique<EventRecorder>(Options(events_v1));
    Record("a");
    ASSERT_TRUE(recorder_->NextRequest(clock_.Now()).has_value());
    Response terminating = Answer(403, "events");
    terminating.status.causes.push_back({std::string(kCauseNamespaceTerminating), "namespace shop is terminating", ""});
    recorder_->OnResponse(terminating, clock_.Now());
    EXPECT_EQ(recorder_->NextWakeup(), std::nullopt);
    EXPECT_EQ(recorder_->counters().refused, 1);
    Record("b", "other");
    EXPECT_EQ(Send()->eventsV1, events_v1);
  }
}

TEST_F(EventRecorderTest, WhatTheServerAnswers) {
  const struct {
    const char* name;
    int code;
    const char* details_kind;
    bool repeated;  // the second of two equal ones
    bool again;     // it is sent again, at once or later
    const char* counter;
  } kCases[] = {
      {"refused", 422, "events", false, false, "refused"},
      {"the namespace is not there", 404, "namespaces", false, false, "refused"},
      {"made by somebody else", 409, "events", false, false, "refused"},
      {"expired, to be counted", 404, "events", true, true, ""},
      {"no answer", 0, "", false, true, ""},
      {"put off", 429, "", false, true, ""},
      {"unavailable", 503, "", true, true, ""},
  };
  for (const auto& c : kCases) {
    recorder_ = std::make_unique<EventRecorder>(Options());
    Record("a");
    if (c.repeated) {
      Send();
      Record("a");
    }
    ASSERT_TRUE(recorder_->NextRequest(clock_.Now()).has_value());
    recorder_->OnResponse(Answer(c.code, c.details_kind), clock_.Now());
    EXPECT_EQ(recorder_->NextWakeup().has_value(), c.again) << c.name;
    EXPECT_EQ(recorder_->counters().refused, std::string(c.counter) == "refused" ? 1 : 0) << c.name;
    if (!c.again) continue;
    clock_.AdvanceTo(*recorder_->NextWakeup());
    const auto again = Send();
    ASSERT_TRUE(again.has_value()) << c.name;
    EXPECT_EQ(again->verb, c.code == 503 ? Verb::kPatch : Verb::kCreate) << c.name;
    EXPECT_EQ(recorder_->NextWakeup(), std::nullopt);
  }
}

TEST_F(EventRecorderTest, RetriesAreSpacedAndEnd) {
  Record("a");
  Record("b");
  std::vector<Instant> times;
  while (recorder_->counters().given_up == 0) {
    ASSERT_TRUE(recorder_->NextRequest(clock_.Now()).has_value());
    times.push_back(clock_.Now());
    recorder_->OnResponse(Answer(0), clock_.Now());
    ASSERT_LE(times.size(), 12U);
    if (recorder_->counters().given_up > 0) break;
    EXPECT_FALSE(recorder_->NextRequest(clock_.Now()).has_value());
    clock_.AdvanceTo(*recorder_->NextWakeup());
  }
  ASSERT_EQ(times.size(), 12U);
  EXPECT_EQ(Send()->object.As<Event>()->message, "b");
  EXPECT_LE(times[1] - times[0], seconds(10));
  for (std::size_t i = 2; i < times.size(); ++i) EXPECT_EQ(times[i] - times[i - 1], seconds(10));
}

// A create that got no answer, and is there when it is sent again.
TEST_F(EventRecorderTest, RetryAfterIsHeededUpToAMinute) {
  const struct {
    std::int64_t asked;
    Duration waits;
  } kCases[] = {{45, seconds(45)}, {60, seconds(60)}, {61, seconds(60)}, {1'000'000'000'000, seconds(60)}};
  for (const auto& c : kCases) {
    recorder_ = std::make_unique<EventRecorder>(Options());
    Record("no zones");
    ASSERT_TRUE(recorder_->NextRequest(clock_.Now()).has_value());
    Response busy = Answer(429);
    busy.status.retryAfterSeconds = c.asked;
    recorder_->OnResponse(busy, clock_.Now());
    EXPECT_EQ(recorder_->NextWakeup(), clock_.Now() + c.waits) << c.asked;
  }
}

TEST_F(EventRecorderTest, AConflictAfterNoAnswerIsASuccess) {
  Record("a");
  const std::string name = recorder_->NextRequest(clock_.Now())->object.meta().name.str();
  recorder_->OnResponse(Answer(0), clock_.Now());
  clock_.Advance(seconds(10));
  EXPECT_EQ(recorder_->NextRequest(clock_.Now())->object.meta().name, name) << "the same one";
  recorder_->OnResponse(Answer(409, "events"), clock_.Now());
  EXPECT_EQ(recorder_->counters().sent, 1);
}

TEST_F(EventRecorderTest, NamesAndTextsFit) {
  Record(std::string(1023, 'x') + "\xc3\xa9", std::string(253, 'n'));
  Record("other", std::string(253, 'n'));
  const auto first = Send()->object.As<Event>();
  const auto second = Send()->object.As<Event>();
  EXPECT_EQ(first->message.str(), std::string(1023, 'x')) << "no half of a character";
  EXPECT_EQ(first->metadata.name.str().size(), 253U);
  EXPECT_TRUE(IsDns1123Subdomain(first->metadata.name.view()));
  EXPECT_NE(first->metadata.name, second->metadata.name) << "made in the same moment";
}

}  // namespace
}  // namespace epslice
