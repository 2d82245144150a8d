#include "sim/trace/trace_recorder.h"

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "apis/json.h"
#include "apis/text.h"
#include "sim/trace/trace.h"

namespace epslice::sim {
namespace {

// As a list has its items: without their type.
AnyObject Item(Kind kind, const std::string& name, const std::string& uid, int version) {
  const std::string json = R"({"metadata":{"name":")" + name + R"(","managedFields":[{"manager":"m"}],"uid":")" + uid +
                           R"(","namespace":"shop","resourceVersion":")" + std::to_string(version) +
                           R"("},"extra":{"metadata":[1]}})";
  absl::StatusOr<AnyObject> object = DecodeObjectJson(kind, json, true);
  EXPECT_TRUE(object.ok()) << object.status();
  return object.ok() ? *object : AnyObject();
}
AnyObject ThePod(const std::string& name, const std::string& uid, int version) {
  return Item(Kind::kPod, name, uid, version);
}

WatchUpdate List(std::vector<AnyObject> objects) { return {true, std::move(objects), {}}; }
WatchUpdate Shown(AnyObject object) { return {false, {std::move(object)}, {}}; }
WatchUpdate Gone(AnyObject object) { return {false, {}, {std::move(object)}}; }

class TraceRecorderTest : public testing::Test {
 protected:
  // Every kind but pods is listed and empty.
  void ListOthers() {
    for (const Kind kind : kRecordedKinds) {
      if (kind != Kind::kPod) recorder_.Apply(kind, List({}));
    }
  }
  // "+1s MODIFIED web-1 uid@7", as the trace reads back; "start" for ADDED
  // where it is part of that.
  std::vector<std::string> ReadBack() {
    std::vector<std::string> lines;
    const absl::StatusOr<std::unique_ptr<TraceReader>> reader = OpenTraceText("recorded", out_.str());
    EXPECT_TRUE(reader.ok()) << reader.status();
    if (!reader.ok()) return lines;
    TraceEvent event;
    while (true) {
      const absl::StatusOr<bool> more = (*reader)->Next(&event);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
      const BasicMeta& meta = event.object.meta();
      std::ostringstream line;
      line << '+' << (event.time.nanos - begin_.nanos) / 1'000'000'000 << "s "
           << (event.start ? "start" : WatchEventTypeName(event.type)) << ' ' << meta.name.view() << ' '
           << meta.uid.view() << '@' << meta.resourceVersion.view();
      lines.push_back(line.str());
    }
    made_up_ = (*reader)->summary().made_up;
    return lines;
  }

  FakeClock clock_;
  const Timestamp begin_ = clock_.WallNow();
  std::ostringstream out_;
  TraceRecorder recorder_{&clock_, &out_};
  std::vector<std::string> made_up_;
};

using Lines = std::vector<std::string>;

TEST_F(TraceRecorderTest, TheStartStateWaitsForEveryKind) {
  recorder_.Apply(Kind::kPod, List({ThePod("b", "u2", 2), ThePod("a", "u1", 1)}));
  recorder_.Apply(Kind::kPod, Shown(ThePod("c", "u3", 3)));
  recorder_.Apply(Kind::kPod, Gone(ThePod("a", "u1", 4)));
  EXPECT_EQ(out_.str(), "{\"kind\":\"TraceHeader\",\"apiVersion\":\"epslice.dev/v1\",\"madeUp\":[]}\n");
  EXPECT_EQ(recorder_.missing().size(), 4u);
  clock_.Advance(std::chrono::seconds(5));
  ListOthers();
  EXPECT_TRUE(recorder_.missing().empty());
  EXPECT_EQ(ReadBack(), (Lines{"+5s start b u2@2", "+5s start c u3@3"}));
  const TraceRecorder::Counts counts = recorder_.counts();
  EXPECT_EQ(counts.objects, 2);
  EXPECT_EQ(counts.events, 0);
  EXPECT_EQ(counts.bytes, static_cast<std::int64_t>(out_.str().size()));
}

TEST_F(TraceRecorderTest, EventsAreWrittenAsTheyAreSeenAndTimesNeverGoBack) {
  recorder_.Apply(Kind::kPod, List({ThePod("a", "u1", 1)}));
  ListOthers();
  clock_.Advance(std::chrono::seconds(2));
  recorder_.Apply(Kind::kPod, Shown(ThePod("b", "u2", 3)));
  recorder_.Apply(Kind::kNode, Shown(Item(Kind::kNode, "n", "u9", 2)));
  clock_.Advance(std::chrono::seconds(-1));
  recorder_.Apply(Kind::kPod, Shown(ThePod("a", "u1", 4)));
  recorder_.Apply(Kind::kPod, Shown(ThePod("a", "u1", 4)));  // seen before
  clock_.Advance(std::chrono::seconds(2));
  recorder_.Apply(Kind::kPod, Gone(ThePod("a", "u1", 5)));
  recorder_.Apply(Kind::kPod, Gone(ThePod("never", "u8", 6)));
  recorder_.Finish();
  EXPECT_EQ(ReadBack(), (Lines{"+0s start a u1@1", "+2s ADDED b u2@3", "+2s ADDED n u9@2", "+2s MODIFIED a u1@4",
                               "+3s DELETED a u1@5"}));
  EXPECT_TRUE(made_up_.empty());
}

TEST_F(TraceRecorderTest, AfterAGapOnlyTheDifferencesAreWritten) {
  recorder_.Apply(Kind::kPod, List({ThePod("again", "u1", 1), ThePod("changed", "u2", 2), ThePod("gone", "u3", 3),
                                    ThePod("same", "u4", 4)}));
  ListOthers();
  clock_.Advance(std::chrono::seconds(60));
  recorder_.Apply(Kind::kPod, List({ThePod("again", "u7", 9), ThePod("changed", "u2", 8), ThePod("new", "u5", 7),
                                    ThePod("same", "u4", 4)}));
  recorder_.Finish();
  const Lines lines = ReadBack();
  EXPECT_EQ(Lines(lines.begin() + 4, lines.end()),
            (Lines{"+60s DELETED again u1@1", "+60s DELETED gone u3@3", "+60s ADDED again u7@9",
                   "+60s MODIFIED changed u2@8", "+60s ADDED new u5@7"}));
  EXPECT_EQ(made_up_, (Lines{"the times of 5 changes of pods that no watch showed: when they were found by listing "
                             "again"}));
}

TEST_F(TraceRecorderTest, AnotherUnderTheSameNameIsADeleteAndAnAdd) {
  recorder_.Apply(Kind::kPod, List({ThePod("a", "u1", 1)}));
  ListOthers();
  recorder_.Apply(Kind::kPod, Shown(ThePod("a", "u2", 5)));
  recorder_.Apply(Kind::kPod, Gone(ThePod("a", "u1", 4)));  // late: it is not that one
  EXPECT_EQ(ReadBack(), (Lines{"+0s start a u1@1", "+0s DELETED a u1@1", "+0s ADDED a u2@5"}));
  EXPECT_EQ(recorder_.counts().objects, 1);
}

TEST_F(TraceRecorderTest, ObjectsAreWholeButForManagedFields) {
  ListOthers();
  recorder_.Apply(Kind::kPod, List({ThePod("a", "u1", 1)}));
  EXPECT_NE(
      out_.str().find(R"("start":true,"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","uid":"u1",)"
                      R"("namespace":"shop","resourceVersion":"1"},"extra":{"metadata":[1]}}})"),
      std::string::npos)
      << out_.str();
}

TEST_F(TraceRecorderTest, AStreamThatTakesNoMoreIsTold) {
  out_.setstate(std::ios::badbit);
  ListOthers();
  recorder_.Apply(Kind::kPod, List({ThePod("a", "u1", 1)}));
  EXPECT_TRUE(recorder_.counts().failed);
}

}  // namespace
}  // namespace epslice::sim
