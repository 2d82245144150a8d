// Recordings beside simulations of them.
#include "sim/run/against_recording.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "apis/concat.h"
#include "sim/run/settings.h"
#include "sim/trace/decompress.h"
#include "sim/trace/source_files.h"
#include "test/sim/cli/cli_testing.h"
#include "test/sim/run/recording_lines.h"
#include "test/sim/run/run_testing.h"

namespace epslice::sim {
namespace {

// Recordings of the live controller by `serve --audit-log-path`, with other
// flags and shapes than `shop`.
struct Recording {
  const char* file;
  std::vector<const char*> settings;
  std::int64_t writes;
  double within;
};

const Recording kShapes = {"shapes",
                           {"kube-api-qps=500", "kube-api-burst=1000", "endpointslice-updates-batch-period=300ms",
                            "max-endpoints-per-slice=7"},
                           255,
                           0.03};

AgainstRecording RunText(const std::string& text, const Recording& recording) {
  auto reader = OpenTraceText(recording.file, text);
  EXPECT_TRUE(reader.ok());
  auto result = RunAgainstRecording(reader->get(), {recording.settings.begin(), recording.settings.end()}, 1);
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return *std::move(result);
}

std::string TextOf(const Recording& recording) {
  const std::string path = SourcePath(Concat("test/testdata/recordings/", recording.file, ".audit.jsonl.xz"));
  const auto bytes = ReadSourceFile(path, nullptr, 1 << 20);
  EXPECT_TRUE(bytes.ok());
  auto text = Decompress(Compression::kXz, *bytes);
  EXPECT_TRUE(text.ok());
  return *std::move(text);
}

TEST(AgainstRecordingTest, OtherShapesAndFlagsAreFollowedClosely) {
  // Dual-stack, headless, named ports, publishNotReadyAddresses, ExternalName,
  // selectors that change, slices of others, hints; evictions, collections and
  // namespaces that are deleted, Services that are made again.
  const Recording ends = {"ends", {"max-endpoints-per-slice=20"}, 129, 0.05};
  for (const Recording& recording : {kShapes, ends}) {
    const AgainstRecording result = RunText(TextOf(recording), recording);
    EXPECT_EQ(result.RecordedTotal().all(), recording.writes);
    EXPECT_TRUE(Within(recording.within, recording.writes, result.SimulatedTotal().all()))
        << recording.file << ": " << result.SimulatedTotal().all();
    for (const auto& d : result.differences) ADD_FAILURE() << d.service.ToString() << ": " << d.what;
  }
}

TEST(AgainstRecordingTest, ARecordingMayEndWhileItsControllerIsAtWork) {
  const std::string text = TextOf(kShapes);
  // After a change of pods, which the batch period has the controller wait for.
  std::size_t at = 0;
  for (int line = 0; line < 600; ++line) at = text.find('\n', at) + 1;
  const AgainstRecording result = RunText(text.substr(0, at), kShapes);
  for (const auto& d : result.differences) ADD_FAILURE() << d.service.ToString() << ": " << d.what;
  const std::int64_t recorded = result.RecordedTotal().all(), simulated = result.SimulatedTotal().all();
  EXPECT_TRUE(Within(0.05, recorded, simulated)) << recorded << " recorded, " << simulated << " simulated";
  EXPECT_TRUE(std::any_of(result.notes.begin(), result.notes.end(), [](const std::string& note) {
    return note.find("the recording ends while its controller is at work") == 0;
  }));
}

// As `serve` logs what it does itself.
std::string ServesOwn(const std::string& lines) {
  std::string own = lines;
  for (const char* actor : {"admin", "kubelet/v1", "kubectl/v1"}) {
    own = Replaced(own, Concat(R"("actor":")", actor, "\""), R"("actor":"endpointslice-sim/serve/program")");
  }
  return own;
}

struct RecordingCase {
  const char* what;
  std::string lines;
  // Created and updated, recorded and simulated.
  std::vector<std::int64_t> writes;
  const char* note = nullptr;
};

TEST(AgainstRecordingTest, TellsWhoseWritesTheyAre) {
  const std::string begin = NodeLine() + PodLine("01", "ADDED", 0, true) + ServiceLine("02", "ADDED") +
                            SliceLine("02.02", "ADDED", kKcm, "10.0.0.1", "r");
  const std::string no = PodLine("05", "MODIFIED", 0, false), yes = PodLine("06", "MODIFIED", 0, true);
  const RecordingCase cases[] = {
      {"one controller",
       begin + no + SliceLine("05.02", "MODIFIED", kKcm, "10.0.0.1", "n") + yes +
           SliceLine("06.02", "MODIFIED", kKcm, "10.0.0.1", "r"),
       {1, 2, 1, 2}},
      {"one that names itself otherwise, known by what it creates",
       NodeLine() + PodLine("01", "ADDED", 0, true) + ServiceLine("02", "ADDED") +
           SliceLine("02.02", "ADDED", "slicer/v2 (linux) x/y", "10.0.0.1", "r") + no +
           SliceLine("05.02", "MODIFIED", "slicer/v2 (linux) x/y", "10.0.0.1", "n"),
       {1, 1, 1, 1}},
      {"the mirroring controller, a collector and a user write too",
       begin +
           SliceLine("03", "ADDED", "kcm/v1.36.0 (linux/amd64) kubernetes/abc/endpointslicemirroring-controller",
                     "10.0.0.1", "r", "endpointslicemirroring-controller.k8s.io") +
           // A user empties the slice, the controller fills it again.
           SliceLine("05", "MODIFIED", "kubectl/v1.36.0 (linux/amd64) kubernetes/abc", "10.0.0.9", "") +
           SliceLine("06", "MODIFIED", kKcm, "10.0.0.1", "r") +
           SliceLine("09", "DELETED", "kcm/v1.36.0 (linux/amd64) kubernetes/abc/generic-garbage-collector", "10.0.0.1",
                     "r"),
       {1, 1, 1, 1}},
      {"another instance takes over, after changes that nobody heeded",
       begin + no + SliceLine("05.02", "MODIFIED", kKcm, "10.0.0.1", "n") + yes + PodLine("08", "MODIFIED", 0, false) +
           PodLine("09", "MODIFIED", 0, true) + SliceLine("20", "MODIFIED", kKcm, "10.0.0.2", "r"),
       {1, 2, 1, 2},
       "another instance writes, after 14980.0 ms without writes"},
      {"another takes over at once, and later a third after some time",
       begin + no + SliceLine("05.02", "MODIFIED", kKcm, "10.0.0.1", "n") + PodLine("05.50", "MODIFIED", 0, true) +
           SliceLine("05.52", "MODIFIED", kKcm, "10.0.0.2", "r") + PodLine("08", "MODIFIED", 0, false) +
           PodLine("09", "MODIFIED", 0, true) + PodLine("10", "MODIFIED", 0, false) +
           SliceLine("20", "MODIFIED", kKcm, "10.0.0.3", "n"),
       {1, 3, 1, 3},
       "another instance writes, after 14480.0 ms without writes"},
      {"one at two addresses",
       begin + no + SliceLine("05.02", "MODIFIED", kKcm, "10.0.0.2", "n") + PodLine("05.50", "MODIFIED", 0, true) +
           SliceLine("05.52", "MODIFIED", kKcm, "10.0.0.1", "r") + PodLine("05.60", "MODIFIED", 0, false) +
           SliceLine("05.62", "MODIFIED", kKcm, "10.0.0.2", "n") + PodLine("20", "MODIFIED", 0, true) +
           SliceLine("20.02", "MODIFIED", kKcm, "10.0.0.1", "r"),
       {1, 4, 1, 4},
       "another instance writes, after 3000.0 ms without writes"},
      {"the Service had waited for it",
       NodeLine() + PodLine("01", "ADDED", 0, true) + ServiceLine("02", "ADDED") +
           PodLine("11.20", "MODIFIED", 0, false) + PodLine("11.40", "MODIFIED", 0, true) +
           SliceLine("12", "ADDED", kKcm, "10.0.0.1", "r"),
       {1, 0, 1, 0}},
      {"for longer than the trace is read ahead",
       NodeLine() + PodLine("01", "ADDED", 0, true) + ServiceLine("02", "ADDED") +
           PodLine("49.20", "MODIFIED", 0, false) + PodLine("49.40", "MODIFIED", 0, true) +
           SliceLine("50", "ADDED", kKcm, "10.0.0.1", "r"),
       {1, 0, 1, 0}},
      {"what `serve` began with is a start state",
       ServesOwn(NodeLine() + PodLine("00", "ADDED", 0, true) + ServiceLine("00", "ADDED") +
                 SliceLine("00", "ADDED", "endpointslice-sim/serve/endpointslice-controller", "127.0.0.1", "r")) +
           PodLine("20", "MODIFIED", 0, false) + SliceLine("20.02", "MODIFIED", kKcm, "10.0.0.1", "n"),
       {0, 1, 0, 1}},
      {"the Service is shown when it is changed, its slice was there",
       NodeLine() + PodLine("01", "ADDED", 0, true) + SliceLine("01.02", "MODIFIED", kKcm, "10.0.0.1", "r") +
           ServiceLine("03", "MODIFIED") + no + SliceLine("05.02", "MODIFIED", kKcm, "10.0.0.1", "n"),
       {0, 1, 0, 1},
       "1 writes are to slices of 1 Services that the trace does not show by then (the first: shop/web)"},
  };
  for (const RecordingCase& c : cases) {
    SCOPED_TRACE(c.what);
    const auto result = RunLines(c.lines);
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    ASSERT_EQ(result->writes.size(), 1u);
    const auto& w = result->writes[0];
    EXPECT_EQ(
        (std::vector<std::int64_t>{w.recorded.creates, w.recorded.updates, w.simulated.creates, w.simulated.updates}),
        c.writes);
    EXPECT_EQ(result->notes.size(), c.note == nullptr ? 0u : 1u);
    for (const std::string& note : result->notes)
      EXPECT_NE(note.find(c.note == nullptr ? "-" : c.note), note.npos) << note;
  }
}

// Nodes are not logged: the recorded slices name them.
TEST(AgainstRecordingTest, ARecordingWithoutItsNodes) {
  const std::string node =
      Replaced(NodeLine(), R"("uid":"u-n1")", R"("uid":"u-n1","labels":{"topology.kubernetes.io/zone":"a"})");
  const auto slice = [](const char* second, std::string_view type, std::string_view pods) {
    return Replaced(SliceLine(second, type, kKcm, "10.0.0.1", pods), R"("nodeName":"n1")",
                    R"("nodeName":"n1","zone":"a","hints":{"forZones":[{"name":"b"}]})");
  };
  const std::string hinted =
      Replaced(ServiceLine("01", "ADDED"), R"("namespace":"shop",)",
               R"("namespace":"shop","annotations":{"service.kubernetes.io/topology-mode":"Auto"},)");
  struct Case {
    const char* what;
    std::string lines;  // before the events
    std::size_t made_up, differences, notes;
  };
  const Case cases[] = {
      {"all there", node + ServiceLine("01", "ADDED"), 0, 1, 0},
      {"without", ServiceLine("01", "ADDED"), 1, 1, 0},
      {"hints in proportion to CPU", node + hinted, 0, 2, 0},
      {"these without nodes are not compared", hinted, 1, 0, 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto result = RunLines(c.lines + PodLine("02", "ADDED", 0, true) + slice("02.02", "ADDED", "r") +
                                 PodLine("05", "MODIFIED", 0, false) + slice("05.02", "MODIFIED", "n"));
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    EXPECT_EQ(result->RecordedTotal().all(), 2);
    EXPECT_EQ(result->SimulatedTotal().all(), 2);
    EXPECT_EQ(result->trace.made_up.size(), c.made_up);
    EXPECT_EQ(result->differences.size(), c.differences);
    EXPECT_EQ(result->notes.size(), c.notes);
    for (const std::string& note : result->notes) {
      EXPECT_NE(note.find("of 1 Service (the first: shop/web) the hints are not compared"), note.npos) << note;
    }
  }
}

// Whether anybody collects the slices of a Service that is gone, the recording shows.
TEST(AgainstRecordingTest, SlicesOfAServiceThatIsGoneGoAsTheyWentThen) {
  constexpr std::string_view kGc = "kcm/v1.36.0 (linux/amd64) kubernetes/abc/generic-garbage-collector";
  const auto again = [](const std::string& line) {
    return Replaced(Replaced(line, R"("uid":"u-web",)", R"("uid":"u-web2",)"), "web-31", "web-new");
  };
  struct Case {
    const char* what;
    std::string_view actor;    // of the controller
    std::string_view deletes;  // who deletes the old slice
    const char* when;          // and when; the Service goes at 05 and is made again at 06
    std::int64_t deleted;      // recorded as the controller's, and simulated
    bool with_uid = true;
  };
  const Case cases[] = {
      {"the controller itself, when the Service is made again", kKcm, kKcm, "06.02", 1},
      {"a collector, before it is made again", kKcm, kGc, "05.50", 0},
      {"a collector, before the Service goes", kKcm, kGc, "04.90", 0},
      {"a collector, of a Service whose uid is not logged", kKcm, kGc, "05.50", 0, false},
      {"somebody, in a trace that tells of nobody", "", "", "05.50", 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto service = [&c](const std::string& line) {
      return c.with_uid ? line : Replaced(line, R"(,"uid":"u-web")", "");
    };
    std::vector<std::string> lines = {NodeLine(),
                                      PodLine("01", "ADDED", 0, true),
                                      service(ServiceLine("02", "ADDED")),
                                      SliceLine("02.02", "ADDED", c.actor, "10.0.0.1", "r"),
                                      service(ServiceLine("05", "DELETED")),
                                      again(service(ServiceLine("06", "ADDED"))),
                                      again(SliceLine("06.01", "ADDED", c.actor, "10.0.0.1", "r")),
                                      SliceLine(c.when, "DELETED", c.deletes, "10.0.0.1", "r")};
    std::sort(lines.begin() + 1, lines.end());  // by time, with which each begins
    std::string text;
    for (const std::string& line : lines) text += line;
    const auto result = RunLines(text);
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    const WriteCounts recorded = result->RecordedTotal(), simulated = result->SimulatedTotal();
    EXPECT_EQ((std::vector<std::int64_t>{recorded.creates, recorded.deletes, simulated.creates, simulated.deletes}),
              (std::vector<std::int64_t>{2, c.deleted, 2, c.deleted}));
    for (const auto& d : result->differences) ADD_FAILURE() << d.service.ToString() << ": " << d.what;
  }
}

// Containers end one after the other: of a pod that is asked to go the reference
// heeds each change, and its batch period begins with the first.
TEST(AgainstRecordingTest, EachChangeOfAPodThatGoesIsHeeded) {
  const auto going = [](const std::string& line, const char* version) {
    return Replaced(
        line, R"("uid":"u-p0",)",
        Concat(R"("uid":"u-p0","deletionTimestamp":"2026-01-01T12:00:40Z","resourceVersion":")", version, "\","));
  };
  // Shown at 10, 5 s after it was asked to go. Then a change of nothing at 12, and
  // another pod at 15: worked on at 17.
  const std::string text =
      NodeLine() + PodLine("01", "ADDED", 0, true) + ServiceLine("02", "ADDED") +
      SliceLine("02.02", "ADDED", kKcm, "10.0.0.1", "r") + going(PodLine("05", "MODIFIED", 0, true), "5") +
      SliceLine("10.02", "MODIFIED", kKcm, "10.0.0.1", "n") + going(PodLine("12", "MODIFIED", 0, true), "6") +
      PodLine("15", "ADDED", 1, true) + SliceLine("17.02", "MODIFIED", kKcm, "10.0.0.1", "nr") +
      PodLine("18", "MODIFIED", 1, false) + SliceLine("23.02", "MODIFIED", kKcm, "10.0.0.1", "nn");
  const auto result = RunLines(text, "endpointslice-updates-batch-period=5s");
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->RecordedTotal().updates, 3);
  // Without the change at 12 the two of the other pod were one.
  EXPECT_EQ(result->SimulatedTotal().updates, 3);
}

// What changed is nothing that we keep (a load balancer's address); controllers work
// on the Service at once all the same, and on the pods that waited for the batch.
TEST(AgainstRecordingTest, AChangeOfAServiceEndsTheWaitForABatch) {
  const auto version = [](const std::string& line, const char* v) {
    return Replaced(line, R"("uid":"u-web",)", Concat(R"("uid":"u-web","resourceVersion":")", v, "\","));
  };
  const std::string begin = NodeLine() + PodLine("01", "ADDED", 0, true) + version(ServiceLine("02", "ADDED"), "3") +
                            SliceLine("02.02", "ADDED", kKcm, "10.0.0.1", "r") + PodLine("05", "MODIFIED", 0, false);
  const std::string end = PodLine("07", "MODIFIED", 0, true);
  const std::string wrote = SliceLine("06.02", "MODIFIED", kKcm, "10.0.0.1", "n");
  const std::string last = SliceLine("10.02", "MODIFIED", kKcm, "10.0.0.1", "r");
  const auto updates = [](const std::string& lines) {
    const auto result = RunLines(lines, "endpointslice-updates-batch-period=5s");
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return std::pair(result->RecordedTotal().updates, result->SimulatedTotal().updates);
  };
  EXPECT_EQ(updates(begin + version(ServiceLine("06", "MODIFIED"), "7") + wrote + end + last), std::pair(2L, 2L));
  // The same version again is no change.
  EXPECT_EQ(updates(begin + version(ServiceLine("06", "MODIFIED"), "3") + end), std::pair(0L, 0L));
}

// The log ends before the recorded controller has written what the simulated one
// has: the Service is being worked on as well.
TEST(AgainstRecordingTest, ARecordingMayEndBeforeItsControllerHasWritten) {
  const std::string pod_and_node = NodeLine() + PodLine("01", "ADDED", 0, true);
  const std::string begin =
      pod_and_node + ServiceLine("02", "ADDED") + SliceLine("02.02", "ADDED", kKcm, "10.0.0.1", "r");
  const std::string new_pod = PodLine("05", "ADDED", 1, true), unready = PodLine("05", "MODIFIED", 0, false);
  // Something else, later.
  const auto end = [](const std::string& second) {
    return Line(second, "MODIFIED", "admin", "10.0.0.9", Meta("Node", "n1", R"(},"apiVersion":"v1"})"));
  };
  struct Case {
    const char* what;
    std::string lines;
    std::size_t differences;
  };
  const Case cases[] = {
      {"a pod became not ready", begin + unready + end("05.50"), 0},
      {"a pod came", begin + new_pod + end("05.50"), 0},
      {"a pod went", begin + PodLine("05", "DELETED", 0, true) + end("05.50"), 0},
      {"another port",
       begin + Replaced(ServiceLine("05", "MODIFIED"), R"("targetPort":80)", R"("targetPort":81)") + end("05.50"), 0},
      {"longer ago than it ever took", begin + unready + end("07"), 1},
      {"it took as long before",
       begin + new_pod + SliceLine("08", "MODIFIED", kKcm, "10.0.0.1", "rr") + PodLine("10", "MODIFIED", 0, false) +
           end("12"),
       0},
      {"it wrote something else",
       begin + unready +
           Replaced(SliceLine("05.20", "MODIFIED", kKcm, "10.0.0.1", "n"), R"("port":80)", R"("port":81)"),
       2},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto result = RunLines(c.lines);
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    EXPECT_EQ(result->differences.size(), c.differences);
    ASSERT_EQ(result->notes.empty(), c.differences > 0);
    if (c.differences > 0) continue;
    EXPECT_EQ(result->notes[0].find("of 1 Service the end is not compared (the first: shop/web): the recording ends"),
              0u);
  }
}

// What an API server with --audit-log-truncate-enabled does to big entries.
std::string Truncated(const std::string& log, std::string_view resource, std::size_t most) {
  std::string out;
  for (std::size_t at = 0, end = 0; at < log.size(); at = end + 1) {
    end = log.find('\n', at);
    std::string line = log.substr(at, end - at);
    const std::size_t body = std::min(line.find(R"("requestObject":)"), line.find(R"("responseObject":)"));
    const std::size_t times = line.find(R"("requestReceivedTimestamp":)");
    const bool is_it = line.find(Concat(R"("objectRef":{"resource":")", resource, "\"")) != line.npos;
    if (is_it && line.size() > most && body < times && times != line.npos) line.erase(body, times - body);
    out += line + "\n";
  }
  return out;
}

TEST(AgainstRecordingTest, WritesWithoutTheirSlicesCountByTheSlicesName) {
  const std::string whole = TextOf(kShapes);
  const AgainstRecording result = RunText(Truncated(whole, "endpointslices", 5700), kShapes);
  EXPECT_EQ(result.RecordedTotal().all(), kShapes.writes);
  EXPECT_EQ(result.without_slice.all(), 44);
  EXPECT_EQ(result.not_counted.all(), 0);
  for (const auto& d : result.differences) ADD_FAILURE() << d.service.ToString() << ": " << d.what;
  EXPECT_NE(ToJson(result).find(R"("recordedWithoutSlice":{"counted":{"create":0,"update":44,"delete":0})"),
            std::string::npos);
  // All of some slices, too: nothing tells whose they are.
  const AgainstRecording less = RunText(Truncated(whole, "endpointslices", 4000), kShapes);
  EXPECT_GT(less.not_counted.all(), 50);
  EXPECT_EQ(less.RecordedTotal().all() + less.not_counted.all(), kShapes.writes);
  std::ostringstream table;
  PrintTable(less, table);
  EXPECT_NE(table.str().find("(Service not told)"), std::string::npos);
  EXPECT_NE(table.str().find(Concat("note: the recorded counts are short by ", less.not_counted.all(), " writes")),
            std::string::npos);
}

TEST(AgainstRecordingTest, RefusesALogWithoutAnySlice) {
  auto reader = OpenTraceText("t", Truncated(TextOf(kShapes), "endpointslices", 0));
  ASSERT_TRUE(reader.ok());
  const auto result = RunAgainstRecording(reader->get(), {}, 1);
  EXPECT_NE(std::string(result.status().message()).find("must be logged at level Request"), std::string::npos);
}

TEST(AgainstRecordingTest, RefusesALogThatBeginsInTheMiddle) {
  const auto result =
      RunLines(NodeLine() + PodLine("01", "MODIFIED", 0, true) + SliceLine("01.02", "MODIFIED", kKcm, "10.0.0.1", "r"));
  EXPECT_NE(std::string(result.status().message()).find("begins in the middle"), std::string::npos);
}

TEST(AgainstRecordingTest, SaysWhenThereIsNothingToCompareWith) {
  auto reader = OpenTrace({SourcePath("test/testdata/shop/pods.json")});
  ASSERT_TRUE(reader.ok());
  const auto result = RunAgainstRecording(reader->get(), {}, 1);
  EXPECT_NE(std::string(result.status().message()).find("nothing to compare with"), std::string::npos);
}

TEST(SettingsTest, EverySettingTakesItsOwnValueAndRefusesOthers) {
  for (const SettingDoc& doc : AllSettings()) {
    Settings settings;
    EXPECT_TRUE(settings.Set(doc.key, doc.preset).ok()) << doc.key << "=" << doc.preset;
    const absl::Status bad = settings.Set(doc.key, "-1 bananas");
    EXPECT_NE(std::string(bad.message()).find(doc.accepts), std::string::npos) << doc.key;
    EXPECT_EQ(settings.Effective(), Settings().Effective()) << doc.key;
  }
  Settings settings;
  EXPECT_TRUE(settings.SetPair("max-endpoints-per-slice=50").ok());
  EXPECT_EQ(settings.simulation.controller.reconcile.max_endpoints_per_slice, 50);
  EXPECT_FALSE(settings.SetPair("max-endpoints-per-slices=50").ok());
  EXPECT_FALSE(settings.SetPair("max-endpoints-per-slice").ok());
}

TEST(RunCommandTest, BadInputIsOneLine) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{"run"},
                                               {"run", "-f", "x"},
                                               {"run", "-f", "nowhere", "--against-recording"},
                                               {"run", "-f", "x", "--against-recording", "--set", "colour=red"}}) {
    const CliResult result = RunCliTest(args);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

}  // namespace
}  // namespace epslice::sim
