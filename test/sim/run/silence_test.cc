// When a recorded controller was away, told by what waited for it.
#include "sim/run/silence.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apis/time_format.h"
#include "sim/trace/trace.h"
#include "test/sim/run/recording_lines.h"

namespace epslice::sim {
namespace {

// "05.02 to 20" for each time that it was away. Every line of a slice is a write.
std::vector<std::string> AwayIn(const std::string& lines, Duration batch_period) {
  auto reader = OpenTraceText("t", lines);
  EXPECT_TRUE(reader.ok());
  Silence silence("endpointslice-controller.k8s.io", batch_period);
  std::vector<std::string> found;
  const auto second = [](Timestamp time) {
    const std::string text = FormatRfc3339Nano(time);
    return text.substr(17, text.size() - 18);
  };
  TraceEvent event;
  while (true) {
    const absl::StatusOr<bool> more = (*reader)->Next(&event);
    EXPECT_TRUE(more.ok());
    if (!more.ok() || !*more) return found;
    const auto away = silence.OnEvent(event, event.object.kind() == Kind::kEndpointSlice);
    if (away) found.push_back(Concat(second(away->last_write), " to ", second(away->next_write)));
  }
}

std::string Slice(const std::string& second, std::string_view pods) {
  return SliceLine(second, "MODIFIED", kKcm, "10.0.0.1", pods);
}
// Of another Service, shop/api, that selects the same pods.
std::string OtherSlice(const std::string& second, std::string_view pods) {
  return Replaced(Slice(second, pods), "web", "api");
}
std::string OtherService(const std::string& second) {
  return Replaced(Replaced(ServiceLine(second, "ADDED"), "web", "api"), R"("app":"api")", R"("app":"web")");
}

struct SilenceCase {
  const char* what;
  std::string lines;
  std::vector<std::string> away;
  Duration batch_period{0};
};

TEST(SilenceTest, WhatWaitedTells) {
  const std::string begin = NodeLine() + PodLine("01", "ADDED", 0, true) + ServiceLine("02", "ADDED") +
                            SliceLine("02.02", "ADDED", kKcm, "10.0.0.1", "r");
  const auto pod = [](const char* second, bool ready) { return PodLine(second, "MODIFIED", 0, ready); };
  const auto new_pod = [](const char* second) { return PodLine(second, "ADDED", 1, true); };
  const std::string on_n2 = Replaced(new_pod("10"), R"("nodeName":"n1")", R"("nodeName":"n2")");
  const std::string other_labels = Replaced(new_pod("10"), R"("app":"web")", R"("app":"x")");
  const std::string part = Replaced(Slice("28.01", "r"), "web-", "web-more-");
  const SilenceCase cases[] = {
      {"a pod became not ready", begin + pod("10", false) + Slice("20", "n"), {"02.02 to 20"}},
      {"a pod came", begin + new_pod("10") + Slice("20", "rr"), {"02.02 to 20"}},
      {"a pod went", begin + PodLine("10", "DELETED", 0, true) + Slice("20", ""), {"02.02 to 20"}},
      {"one that waited is not the first that is shown",
       begin + pod("10", false) + new_pod("19") + Slice("20", "rr") + Slice("20.50", "nr"),
       {"02.02 to 20"}},
      {"twice",
       begin + pod("10", false) + Slice("20", "n") + pod("24", true) + Slice("40", "r"),
       {"02.02 to 20", "20 to 40"}},
      {"not for long enough", begin + pod("10", false) + Slice("14.90", "n"), {}},
      {"not for long enough, of one Service",
       begin + OtherService("02.50") + OtherSlice("03", "r") + pod("10", false) + Slice("14", "n"),
       {}},
      {"for long enough of two",
       begin + OtherService("02.50") + OtherSlice("03", "r") + pod("10", false) + Slice("14", "n") +
           OtherSlice("14.01", "n"),
       {"03 to 14"}},
      {"nothing to do", begin + pod("30", false) + Slice("30.02", "n"), {}},
      {"taken back in time",
       begin + pod("10", false) + pod("10.01", true) + pod("30", false) + Slice("30.02", "n"),
       {}},
      {"within the batch period", begin + pod("10", false) + Slice("19.90", "n"), {}, std::chrono::seconds(5)},
      {"beyond it", begin + pod("10", false) + Slice("20.10", "n"), {"02.02 to 20.1"}, std::chrono::seconds(5)},
      {"others were written meanwhile",
       begin + OtherService("02.50") + OtherSlice("03", "r") + pod("10", false) + OtherSlice("10.50", "n") +
           OtherSlice("13", "n") + OtherSlice("17", "n") + Slice("20", "n"),
       {}},
      {"it waited before the last write already",
       begin + OtherService("02.50") + OtherSlice("03", "r") + pod("10", false) + OtherSlice("10.50", "n") +
           Slice("20", "n"),
       {}},
      {"its Service came late",
       begin + new_pod("05") + Slice("05.02", "rr") + OtherService("20") + OtherSlice("20.02", "rr"),
       {}},
      {"its node came late",
       begin + on_n2 + Replaced(Replaced(NodeLine(), ":00Z", ":20Z"), "n1", "n2") + Slice("20.02", "rr"),
       {}},
      {"its node came late, the next try later",
       begin + on_n2 + Replaced(Replaced(NodeLine(), ":00Z", ":20Z"), "n1", "n2") + Slice("50.02", "rr"),
       {}},
      {"its labels came late", begin + other_labels + PodLine("20", "MODIFIED", 1, true) + Slice("20.02", "rr"), {}},
      {"moved to another slice",
       begin + new_pod("05") + Slice("05.02", "rr") + PodLine("28", "DELETED", 1, true) + part + Slice("28.02", ""),
       {}},
      {"taken from one slice first, then in another",
       begin + PodLine("28", "ADDED", 1, true) + Slice("28.01", "") +
           Replaced(Slice("28.02", "rr"), "web-", "web-more-"),
       {}},
      {"the end of it is not in the recording", begin + pod("10", false) + pod("30", true), {}},
  };
  for (const SilenceCase& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(AwayIn(c.lines, c.batch_period), c.away);
  }
}

// The simulated controller is away as well, for as long as that takes.
TEST(SilenceTest, TheSimulatedControllerIsAwayToo) {
  const std::string begin = NodeLine() + PodLine("01", "ADDED", 0, true) + ServiceLine("02", "ADDED") +
                            SliceLine("02.02", "ADDED", kKcm, "10.0.0.1", "r");
  std::string meanwhile;
  for (const char* second : {"08", "16", "24", "32"}) {
    meanwhile += PodLine(second, "MODIFIED", 0, false) + PodLine(Concat(second, ".50"), "MODIFIED", 0, true);
  }
  meanwhile += PodLine("36", "MODIFIED", 0, false);
  struct Case {
    const char* address;
    const char* note;
  };
  for (const Case& c : {Case{"10.0.0.1", "on the controller writes again, after 42980.0 ms without writes in which"},
                        Case{"10.0.0.2", "on another instance writes, after 42980.0 ms without writes:"}}) {
    const auto result = RunLines(begin + meanwhile + SliceLine("45", "MODIFIED", kKcm, c.address, "n"));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->RecordedTotal().updates, 1);
    EXPECT_EQ(result->SimulatedTotal().updates, 1);
    ASSERT_EQ(result->notes.size(), 1U);
    EXPECT_NE(result->notes[0].find(c.note), std::string::npos) << result->notes[0];
    EXPECT_NE(result->notes[0].find("was away for as long"), std::string::npos) << result->notes[0];
  }
}

}  // namespace
}  // namespace epslice::sim
