#include "sim/engine/event_calls.h"

#include <gtest/gtest.h>

#include <string>

namespace epslice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

EventRecorder::Note NoteOn(const std::string& service, const std::string& message) {
  EventRecorder::Note note;
  note.regarding.kind = "Service";
  note.regarding.apiVersion = "v1";
  note.regarding.namespace_ = Text("shop");
  note.regarding.name = Text(service);
  note.type = Text("Warning");
  note.reason = Text("TopologyAwareHintsDisabled");
  note.message = message;
  return note;
}

class EventCallsTest : public ::testing::Test {
 protected:
  Duration Wait() { return bucket_.Reserve(scheduler_.now()); }

  Scheduler scheduler_{Timestamp::FromSeconds(1)};
  TokenBucket bucket_{10, 5};  // a token in 100 ms
  Latency latency_ = Latency::Constant(milliseconds(4));
  bool stopped_ = false;
  EventCalls calls_{[this] { return stopped_; }, &scheduler_, &bucket_, &latency_, Random(1)};
};

// Writes that come after events wait for the limit that these have used up.
TEST_F(EventCallsTest, TakeFromTheLimitOneAfterTheOther) {
  for (const char* service : {"a", "b", "c"}) calls_.Record(NoteOn(service, "why"));
  scheduler_.RunUntil(milliseconds(11));
  EXPECT_EQ(calls_.sent(), 2) << "4 ms for each";
  scheduler_.RunUntil(milliseconds(12));
  EXPECT_EQ(calls_.sent(), 3);
  EXPECT_EQ(Wait(), Duration(0));
  EXPECT_EQ(Wait(), Duration(0));
  EXPECT_GT(Wait(), milliseconds(80));
}

TEST_F(EventCallsTest, WaitForTheLimitThemselves) {
  for (int i = 0; i < 5; ++i) Wait();
  calls_.Record(NoteOn("a", "why"));
  scheduler_.RunUntil(milliseconds(103));
  EXPECT_EQ(calls_.sent(), 0);
  scheduler_.RunUntil(milliseconds(104));
  EXPECT_EQ(calls_.sent(), 1);
}

TEST_F(EventCallsTest, AreNoFlood) {
  for (int i = 0; i < 100; ++i) calls_.Record(NoteOn("a", "why"));
  scheduler_.RunUntil(seconds(60));
  EXPECT_EQ(calls_.sent(), 25) << "as client-go's correlator has it";
}

TEST_F(EventCallsTest, EndWithTheProcess) {
  calls_.Record(NoteOn("a", "why"));
  calls_.Record(NoteOn("b", "why"));
  stopped_ = true;
  scheduler_.RunUntil(seconds(1));
  EXPECT_EQ(calls_.sent(), 0);
}

}  // namespace
}  // namespace epslice::sim
