// Directories of traces: which files are taken, and what is said of the others; and
// summaries while a trace is being read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "test/sim/trace/trace_testing.h"

namespace epslice::sim {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TraceFolder {
 public:
  using Files = std::vector<std::pair<std::string, std::string>>;
  explicit TraceFolder(const Files& files)
      : path_(std::filesystem::path(testing::TempDir()) / ("epslice-folder-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
    for (const auto& [name, text] : files) std::ofstream(path_ / name) << text;
  }
  ~TraceFolder() { std::filesystem::remove_all(path_); }
  ReadTrace Read() const { return ReadAll(OpenTrace({path_.string()})); }

 private:
  const std::filesystem::path path_;
};

// Pod shop/a is created at that second, logged in this detail.
std::string LoggedPod(const std::string& second, const std::string& version, const std::string& name,
                      std::string_view level = "RequestResponse") {
  std::string object = PodJson(version, "", "n1", "True");
  object.replace(object.find(R"("name":"a")"), 10, Concat(R"("name":")", name, "\""));
  object.replace(object.find(R"("uid":"u1")"), 10, Concat(R"("uid":"u-)", name, "\""));
  return Concat(R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":")", level,
                R"(","stage":"ResponseComplete","verb":"create","requestURI":"/x","objectRef":{"resource":"pods",)",
                R"("namespace":"shop","name":")", name, R"("},"responseStatus":{"code":201},"requestObject":)", object,
                level == "Request" ? "" : Concat(R"(,"responseObject":)", object),
                R"(,"requestReceivedTimestamp":"2026-01-01T12:00:)", second,
                R"(000Z","stageTimestamp":"2026-01-01T12:00:)", second, "400Z\"}\n");
}

std::string ServiceManifest() {
  return R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},"spec":{"clusterIP":"10.96.0.1","ports":[{"port":80,"targetPort":80}]}})";
}

TEST(TraceFolderTest, RotatedLogsOfAnApiServerAreRead) {
  const TraceFolder folder({{"audit.log", LoggedPod("05.500", "13", "c")},
                            {"audit-2026-01-01T12-00-04.000.log", LoggedPod("03.500", "12", "b")},
                            {"audit.log.1", LoggedPod("01.500", "11", "a")},
                            {"start.ndjson", ServiceManifest()},
                            // What a container says, what another program logs, a table.
                            {"current.log", "2026-01-01 starting up\n"},
                            {"klog.log", R"({"ts":1,"msg":"x"})"},
                            {"empty.log", ""},
                            {"notes.txt", "x"},
                            {".hidden", "x"}});
  const ReadTrace read = folder.Read();
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.events.size(), 4U);
  EXPECT_THAT(read.summary.notes, ElementsAre("4 files of the directory passed over, by name or as no trace: "
                                              "notes.txt, current.log, empty.log, ..."));
}

TEST(TraceFolderTest, ALogThatIsNoTraceIsNoneAlone) {
  EXPECT_THAT(TraceFolder(TraceFolder::Files{{"current.log", "starting up\n"}}).Read().error,
              HasSubstr("current.log: is in no format that is known, and there is no other file"));
  EXPECT_THAT(TraceFolder(TraceFolder::Files{{"notes.txt", "x"}}).Read().error,
              HasSubstr(".ndjson, .log, .yaml or .yml"));
}

// A run may end before the trace: what was made up until then is known by then.
TEST(TraceSummaryTest, IsOfWhatWasReadSoFar) {
  std::string text = LoggedPod("01.500", "11", "a", "Request");
  for (int i = 10; i < 59; ++i) text += LoggedPod(Concat(i, ".500"), Concat(i + 10), Concat("p", i), "Request");
  const auto reader = OpenTraceText("t", text);
  ASSERT_TRUE(reader.ok()) << reader.status();
  TraceEvent event;
  ASSERT_TRUE((*reader)->Next(&event).ok());
  const TraceSummary summary = (*reader)->summary();
  EXPECT_EQ(summary.format, "audit log");
  EXPECT_EQ(summary.events, 1);
  EXPECT_THAT(summary.made_up, Contains(HasSubstr("writes are logged without the server's answer")));
  // The same of streams that tell no times.
  const auto watch = OpenTraceText("t", WatchText("ADDED", PodJson("12", "", "n1", "False")) +
                                            WatchText("MODIFIED", PodJson("13", "", "n1", "True")));
  ASSERT_TRUE(watch.ok()) << watch.status();
  ASSERT_TRUE((*watch)->Next(&event).ok());
  EXPECT_THAT((*watch)->summary().made_up, ElementsAre(HasSubstr("a watch stream tells no times")));
}

// Nodes that a log does not tell of come from elsewhere: that is not told twice.
TEST(TraceFolderTest, KindsThatTheLogDoesNotTellAreNotReplayedTwice) {
  const auto node = [](const char* version) {
    return Concat(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","uid":"u-n1","resourceVersion":")",
                  version,
                  R"(","creationTimestamp":"2026-01-01T11:00:00Z"},"status":{"conditions":[{"type":"Ready","status":)",
                  R"("True","lastTransitionTime":"2026-01-01T12:00:02Z"}]}})");
  };
  const TraceFolder folder({{"audit.log", LoggedPod("01.500", "11", "a") + LoggedPod("05.500", "13", "b")},
                            {"nodes.jsonl", WatchText("ADDED", node("9")) + WatchText("MODIFIED", node("12"))},
                            {"service.json", ServiceManifest()}});
  const ReadTrace read = folder.Read();
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, Contains(HasSubstr("Node")));
  EXPECT_THAT(read.summary.notes, IsEmpty());
}

TEST(AuditLogTest, ClocksThatDifferAreTold) {
  // Received after a later version was answered, by 3 s; with one clock that cannot be.
  const std::string later = LoggedPod("01.500", "12", "b");
  const ReadTrace read = ReadPartOfLog(later + LoggedPod("04.500", "11", "a"));
  EXPECT_THAT(read.events, ElementsAre(HasSubstr("ADDED Pod shop/a"), HasSubstr("ADDED Pod shop/b")));
  EXPECT_THAT(read.summary.notes, ElementsAre(HasSubstr("1 entries were asked for up to 2999 ms or more after")));
  // One that took long is no sign of that.
  std::string slow = LoggedPod("04.500", "11", "a");
  slow.replace(slow.find("12:00:04.500000Z"), 16, "12:00:01.400000Z");
  EXPECT_THAT(ReadPartOfLog(later + slow).summary.notes, IsEmpty());
}

}  // namespace
}  // namespace epslice::sim
