// Watch streams: what is the list, what order and times events get, and how
// much of the files was read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "apis/concat.h"
#include "sim/trace/trace.h"
#include "test/sim/trace/trace_testing.h"

namespace epslice::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(WatchStreamTest, ListThenEventsWithTheTimesOfTheObjects) {
  const std::string pod = PodJson("5", "", "n1", "True");
  const ReadTrace read =
      ReadText(Concat("{\n\"type\":\"ADDED\",\n\"object\":", pod,
                      "}\n{\"type\":\"MODIFIED\",\"object\":", PodJson("6", kPodGoing, "n1", "True"),
                      "}\n{\"type\":\"DELETED\",\"object\":", PodJson("7", kPodGone, "n1", "True"), "}"));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("start ADDED Pod shop/a node n1 ready 12:00:02Z",
                                       "MODIFIED Pod shop/a node n1 ready terminating 12:00:04.5Z",
                                       "DELETED Pod shop/a node n1 ready terminating 12:00:05.5Z"));
  EXPECT_FALSE(read.summary.made_up.empty());
}

std::string Versioned(const std::string& kind, const std::string& name, int version) {
  const bool namespaced = kind != "Node";
  return Concat(R"({"apiVersion":"v1","kind":")", kind, R"(","metadata":{"name":")", name,
                namespaced ? R"(","namespace":"shop)" : "", R"(","resourceVersion":")", version,
                R"(","creationTimestamp":"2026-01-01T12:00:00Z"},"spec":{}})");
}

TEST(WatchStreamTest, WhatWouldGoBackToAnOlderVersionIsSkipped) {
  std::string text = WatchText("MODIFIED", Versioned("Pod", "first", 1));
  for (int i = 0; i < 1100; ++i) text += WatchText("MODIFIED", Versioned("Pod", "a", 5000 + i));
  // Too far behind to be put in order: of an object that was told later, or gone.
  text += WatchText("DELETED", Versioned("Pod", "b", 9000)) + WatchText("MODIFIED", Versioned("Pod", "a", 10));
  for (int i = 0; i < 1100; ++i) text += WatchText("MODIFIED", Versioned("Pod", "a", 10000 + i));
  text += WatchText("MODIFIED", Versioned("Pod", "b", 11)) + WatchText("MODIFIED", Versioned("Pod", "c", 12));
  const ReadTrace read = ReadText(text);
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.summary.events, 1 + 1100 + 1 + 1100 + 1);
  EXPECT_EQ(read.summary.skipped.at("changes older than what was shown of the object before"), 2);
  EXPECT_THAT(read.summary.notes, ElementsAre(HasSubstr("1 event is more than 1000 events behind later ones")));
}

TEST(WatchStreamTest, KindsOneAfterAnotherAreOrderedOrRefused) {
  const auto joined = [](int changes) {
    std::string text = WatchText("ADDED", Versioned("Node", "n1", 1));
    for (int i = 0; i < changes; ++i) text += WatchText("MODIFIED", Versioned("Node", "n1", 10 * i + 10));
    return text + WatchText("ADDED", Versioned("Service", "s", 2)) +
           WatchText("MODIFIED", Versioned("Service", "s", 15));
  };
  const ReadTrace read = ReadText(joined(2));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre(HasSubstr("start ADDED Node n1"), HasSubstr("start ADDED Service shop/s"),
                                       HasSubstr("MODIFIED Node n1"), HasSubstr("MODIFIED Service shop/s"),
                                       HasSubstr("MODIFIED Node n1")));
  EXPECT_THAT(ReadText(joined(1100)).error,
              ::testing::AllOf(HasSubstr("t: line 1102: the list of services (shop/s, version 2) comes more than 1000 "
                                         "events behind"),
                               HasSubstr("give each as a file of its own")));
}

TEST(WatchStreamTest, AListThatIsToldAgainAddsNothing) {
  const std::string list = WatchText("ADDED", Versioned("Pod", "a", 3)) + WatchText("ADDED", Versioned("Pod", "b", 4));
  const ReadTrace read = ReadText(list + WatchText("MODIFIED", Versioned("Pod", "b", 6)) + list);
  EXPECT_THAT(read.events, ElementsAre(HasSubstr("start ADDED Pod shop/a"), HasSubstr("start ADDED Pod shop/b"),
                                       HasSubstr("MODIFIED Pod shop/b")));
  EXPECT_EQ(read.summary.skipped.at("objects that were told in the same version before"), 2);
}

TEST(WatchStreamTest, ManyWatchEventsOfOneSecond) {
  // The list's time has a fraction: what follows may not lie before it.
  std::string pod = PodJson("5", "", "n1", "True");
  pod.replace(pod.find("12:00:02Z"), 9, "12:00:02.9Z");
  std::string text = Concat(R"({"type":"ADDED","object":)", pod, "}\n");
  for (int i = 0; i < 9; ++i) text += Concat(R"({"type":"MODIFIED","object":)", pod, "}\n");
  std::string later = PodJson("6", "", "n1", "True");
  later.replace(later.find("12:00:02Z"), 9, "12:00:03Z");
  const ReadTrace read = ReadText(Concat(text, R"({"type":"MODIFIED","object":)", later, "}\n"));
  ASSERT_EQ(read.events.size(), 11u);
  EXPECT_THAT(read.events[0], HasSubstr("12:00:02Z"));
  EXPECT_THAT(read.events[1], HasSubstr("12:00:02.1Z"));
  EXPECT_THAT(read.events[10], HasSubstr("12:00:03.5Z"));
}

TEST(InputBytesTest, SaysHowMuchOfTheFilesWasRead) {
  // Long enough that opening it does not read all of it.
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text +=
        Concat(R"({"time":"2026-01-01T12:00:00Z","type":"MODIFIED","object":)", Versioned("Pod", "a", i + 1), "}\n");
  }
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / Concat("epslice-bytes-", getpid());
  std::ofstream(path) << text;
  InputBytes bytes;
  TraceOptions options;
  options.bytes = &bytes;
  auto reader = OpenTrace({path.string()}, options);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(bytes.total, static_cast<std::int64_t>(text.size()));
  EXPECT_EQ(bytes.Share(), 0.0);
  double last = 0;
  TraceEvent event;
  while ((*reader)->Next(&event).value()) {
    EXPECT_GE(*bytes.Share(), last);
    last = *bytes.Share();
    if (event.object.meta().resourceVersion == "10000") {
      EXPECT_NEAR(last, 0.5, 0.3);
    }
  }
  EXPECT_EQ(bytes.Share(), 1.0);
  std::filesystem::remove(path);

  std::istringstream pipe(text);
  options.standard_input = &pipe;
  bytes = InputBytes();
  EXPECT_TRUE(OpenTrace({"-"}, options).ok());
  EXPECT_EQ(bytes.Share(), std::nullopt);
}

}  // namespace
}  // namespace epslice::sim
