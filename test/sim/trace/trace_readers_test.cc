// Small traces of every format: the events they give, what is passed over and
// made up, and the errors of bad ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "apis/concat.h"
#include "apis/json_writer.h"
#include "apis/time_format.h"
#include "sim/trace/trace.h"
#include "test/sim/trace/trace_testing.h"

namespace epslice::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// An audit event of pod shop/a; `time`: seconds (with fraction) after 12:00.
std::string Audit(const std::string& verb, const std::string& subresource, const std::string& time,
                  const std::string& request, const std::string& response, const std::string& more = "",
                  const std::string& level = "RequestResponse", int code = 200) {
  return Concat(
      R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":")", level,
      R"(","stage":"ResponseComplete","requestURI":"/x","verb":")", verb,
      R"(","userAgent":"kubelet/v1","objectRef":{"resource":"pods","namespace":"shop","name":"a","apiVersion":"v1")",
      subresource.empty() ? "" : Concat(R"(,"subresource":")", subresource, "\""), R"(},"responseStatus":{"code":)",
      code, "}", more, request.empty() ? "" : Concat(R"(,"requestObject":)", request),
      response.empty() ? "" : Concat(R"(,"responseObject":)", response),
      R"(,"requestReceivedTimestamp":"2026-01-01T12:00:)", time, R"(Z","stageTimestamp":"2026-01-01T12:00:)", time,
      "Z\"}\n");
}

const std::string& kCreated = *new std::string(
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"shop","uid":"u1","resourceVersion":"10","creationTimestamp":"2026-01-01T12:00:00Z"},"spec":{},"status":{"phase":"Pending"}})");
constexpr char kBinding[] = R"({"kind":"Binding","metadata":{"name":"a"},"target":{"kind":"Node","name":"n1"}})";
constexpr char kSuccess[] = R"({"kind":"Status","apiVersion":"v1","status":"Success"})";
// The life of a pod, in the order in which the log might have been written.
std::string AuditLife() {
  return Audit("create", "", "00.1", kCreated, kCreated) +
         Audit("patch", "status", "02.2", "{}", PodJson("13", "", "n1", "True")) +
         Audit("create", "binding", "01", kBinding, kSuccess) +
         Audit("patch", "status", "02.3", "{}", PodJson("12", "", "n1", "False")) + Audit("get", "", "02.4", "", "") +
         Audit("patch", "status", "03", "{}", "", "", "RequestResponse", 409) +
         Audit("delete", "", "04", R"({"kind":"DeleteOptions","dryRun":["All"]})",
               PodJson("13", kPodGoing, "n1", "True")) +
         Audit("delete", "", "04", R"({"kind":"DeleteOptions"})", PodJson("14", kPodGoing, "n1", "True")) +
         Audit("delete", "", "05", R"({"gracePeriodSeconds":0})", PodJson("15", kPodGone, "n1", "False"));
}

const std::vector<std::string>& LifeEvents() {
  static const std::vector<std::string> kEvents = {
      "ADDED Pod shop/a 12:00:00.1Z",
      "MODIFIED Pod shop/a node n1 12:00:01Z",
      // Version 12 was committed before 13, whose answer is from 2.2.
      "MODIFIED Pod shop/a node n1 12:00:02.2Z",
      "MODIFIED Pod shop/a node n1 ready 12:00:02.2Z",
      "MODIFIED Pod shop/a node n1 ready terminating 12:00:04Z",
      "DELETED Pod shop/a node n1 terminating 12:00:05Z",
  };
  return kEvents;
}

// Files in a directory of their own, also when tests run beside one another.
ReadTrace ReadFiles(const std::vector<std::pair<std::string, std::string>>& files) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("epslice-overlap-" + std::to_string(getpid()));
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  for (const auto& [name, text] : files) std::ofstream(folder / name) << text;
  const ReadTrace read = ReadAll(OpenTrace({folder.string()}));
  std::filesystem::remove_all(folder);
  return read;
}

TEST(OverlapTest, WhatTwoSourcesTellIsReplayedOnce) {
  const std::string dump = PodJson("15", "", "n1", "True");
  const std::string other =
      R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n1","uid":"un","resourceVersion":"9","creationTimestamp":"2026-01-01T11:00:00Z"}})";
  const std::string streams = WatchText("ADDED", kCreated) + WatchText("MODIFIED", PodJson("12", "", "n1", "False")) +
                              WatchText("MODIFIED", PodJson("13", "", "n1", "True")) +
                              WatchText("MODIFIED", PodJson("14", kPodGoing, "n1", "True")) +
                              WatchText("DELETED", PodJson("15", kPodGone, "n1", "False"));
  // The log's first entry is older than the pod.
  const std::string before =
      R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"ResponseComplete","verb":"get",)"
      R"("requestURI":"/x","stageTimestamp":"2026-01-01T11:59:58Z"})"
      "\n";
  const ReadTrace read =
      ReadFiles({{"audit.jsonl", before + AuditLife()}, {"end.json", dump + other}, {"watch.jsonl", streams}});
  std::vector<std::string> events = {"start ADDED Namespace n1 12:00:00.1Z"};
  events.insert(events.end(), LifeEvents().begin(), LifeEvents().end());
  EXPECT_EQ(read.events, events);
  EXPECT_THAT(read.summary.notes,
              ElementsAre("5 events were told by two sources: audit log and watch streams; replayed once"));
  EXPECT_EQ(read.summary.skipped.at("objects of dumps that were created after the events begin, which tell of them"),
            1);
  EXPECT_THAT(read.summary.made_up, ::testing::IsEmpty());
}

// The log is without nodes and Services; a dump that was made afterwards has them.
TEST(OverlapTest, WhatTheLogDoesNotTellComesFromTheDump) {
  const auto object = [](const char* kind, const char* name, const char* created) {
    return Concat(R"({"apiVersion":"v1","kind":")", kind, R"(","metadata":{"name":")", name,
                  R"(","namespace":"shop","uid":"u-)", name, R"(","resourceVersion":"90","creationTimestamp":")",
                  created, "\"}}\n");
  };
  const ReadTrace read = ReadFiles({{"audit.jsonl", AuditLife()},
                                    {"end.json", Concat(object("Node", "n1", "2026-01-01T12:00:02Z"),
                                                        object("Service", "web", "2026-01-01T12:00:01Z"),
                                                        object("Node", "n2", "2026-01-01T12:00:30Z"))}});
  EXPECT_EQ(read.error, "");
  std::vector<std::string> events = LifeEvents();
  events.insert(events.begin() + 4, "ADDED Node shop/n1 12:00:03Z");
  events.insert(events.begin() + 2, "ADDED Service shop/web 12:00:02Z");
  EXPECT_EQ(read.events, events);
  EXPECT_THAT(read.summary.notes, ElementsAre(HasSubstr("2 objects of dumps (nodes, namespaces, services)")));
  EXPECT_EQ(read.summary.skipped.at("objects of dumps that were created after the last event"), 1);
}

TEST(OverlapTest, OfSeveralStatesTheEarliestIsTheStart) {
  const std::string early = PodJson("12", "", "n1", "False"), late = PodJson("15", "", "n1", "True");
  const ReadTrace read =
      ReadFiles({{"a-end.json", late},
                 {"b-start.json", early},
                 {"watch.jsonl", WatchText("ADDED", PodJson("13", "", "n1", "True")) +
                                     WatchText("MODIFIED", PodJson("14", kPodGoing, "n1", "True"))}});
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("start ADDED Pod shop/a node n1 12:00:02Z",
                                       "MODIFIED Pod shop/a node n1 ready terminating 12:00:04.5Z"));
}

TEST(OverlapTest, ADumpTakenWhileALogGoesOnIsWhereItStarts) {
  const std::string older =
      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","uid":"un","resourceVersion":"9","creationTimestamp":"2026-01-01T11:00:00Z"}})";
  const ReadTrace read = ReadFiles({{"audit.jsonl", AuditLife()},
                                    {"b-start.json", older + PodJson("12", "", "n1", "False")},
                                    {"c-end.json", older + PodJson("15", "", "n1", "True")}});
  EXPECT_THAT(read.events, ElementsAre("start ADDED Node n1 12:00:02.2Z", "start ADDED Pod shop/a node n1 12:00:02.2Z",
                                       "MODIFIED Pod shop/a node n1 ready 12:00:02.2Z",
                                       "MODIFIED Pod shop/a node n1 ready terminating 12:00:04Z",
                                       "DELETED Pod shop/a node n1 terminating 12:00:05Z"));
  EXPECT_EQ(read.summary.skipped.at("changes from before the start state"), 3);
  EXPECT_EQ(read.summary.skipped.at("objects of later dumps"), 2);
}

TEST(OverlapTest, WithoutEventsTheEarliestStateIsTheStartToo) {
  const std::string node =
      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","uid":"un","resourceVersion":"14"}})";
  const ReadTrace read = ReadFiles({{"a-late.json", PodJson("15", kPodGoing, "n1", "True")},
                                    {"b-early.json", PodJson("12", "", "n1", "False")},
                                    {"nodes.json", node}});
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("start ADDED Node n1 12:00:02Z", "start ADDED Pod shop/a node n1 12:00:02Z"));
  EXPECT_EQ(read.summary.skipped.at("objects of later dumps"), 1);
}

// A file of this name, with nothing that can be read in it.
std::string Named(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / name;
  std::ofstream(path) << "PK";
  return path.string();
}

TEST(BadTraceTest, ArchivesThatAreNotReadAreNamed) {
  EXPECT_THAT(ReadAll(OpenTrace({Named("a.kshrk")})).error, HasSubstr("the NDJSON of its records"));
  EXPECT_THAT(ReadText(std::string("PK\x03\x04\x14\0\0\0\x08", 9)).error, HasSubstr("is a zip archive"));
  EXPECT_THAT(ReadAll(OpenTrace({Named("a.sktrace")})).error, HasSubstr("neither Services nor Pods"));
}

TEST(BadTraceTest, WhatIsGivenByMistakeIsNamed) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"apiVersion: epslice.dev/v1\nkind: Scenario\nduration: 1m\n",
       "is a Scenario, no trace: give it with --scenario"},
      {R"({"kind":"RunReport","apiVersion":"epslice.dev/v1","name":"x"})",
       "is a RunReport that was written by this program, no trace"},
      {"2026-11-22T22:50:53.961Z stdout F {\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\"}\n",
       "is a container's log as its runtime keeps it"},
  };
  for (const auto& c : cases) {
    const auto reader = OpenTraceText("t", c.text);
    ASSERT_FALSE(reader.ok()) << c.text;
    EXPECT_THAT(std::string(reader.status().message()), HasSubstr(c.error));
    EXPECT_THAT(std::string(reader.status().message()), HasSubstr("t: line 1: "));
  }
  const auto preset = OpenTrace({"alibaba-dlmr:/dev/null"});
  ASSERT_FALSE(preset.ok());
  EXPECT_THAT(std::string(preset.status().message()), HasSubstr("there is no preset \"alibaba-dlmr\""));
}

TEST(OverlapTest, SourcesThatDoNotMatchAreNotedAndReplayed) {
  std::string other = PodJson("12", "", "n1", "False");
  for (std::size_t at; (at = other.find("u1")) != std::string::npos;) other.replace(at, 2, "u7");
  const ReadTrace read = ReadFiles({{"audit.jsonl", AuditLife()}, {"watch.jsonl", WatchText("MODIFIED", other)}});
  EXPECT_EQ(read.events.size(), LifeEvents().size() + 1);
  EXPECT_THAT(read.summary.notes, ElementsAre(HasSubstr("of 1 events of the watch streams none is recognised")));
}

TEST(AuditLogTest, EntriesThatAreThereTwiceCountOnce) {
  const ReadTrace read = ReadPartOfLog(AuditLife() + AuditLife());
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.events, LifeEvents());
  EXPECT_EQ(read.summary.skipped.at("entries that are there twice"), 6);
}

TEST(AuditLogTest, AServiceRequestIsReadWithTheServersDefaults) {
  const auto audit = [](const std::string& spec) {
    return Concat(
        R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","stage":"ResponseComplete","verb":"create",)",
        R"("requestURI":"/x","objectRef":{"resource":"services","namespace":"shop","name":"web"},)",
        R"("responseStatus":{"code":201},"requestObject":{"kind":"Service","apiVersion":"v1","metadata":{"name":"web",)",
        R"("namespace":"shop"},"spec":)", spec, R"(},"stageTimestamp":"2026-01-01T12:00:00.5Z"})", "\n");
  };
  const auto service = [&](const std::string& spec) {
    auto reader = OpenTraceText("t", audit(spec));
    TraceEvent event;
    EXPECT_TRUE((*reader)->Next(&event).value());
    return *event.object.As<Service>();
  };
  const Service plain = service(R"({"selector":{"a":"b"},"ports":[{"port":80}]})");
  EXPECT_EQ(plain.spec.ipFamilies, std::vector<Text>{Text("IPv4")});
  EXPECT_EQ(plain.spec.clusterIP.view().substr(0, 3), "10.");
  EXPECT_EQ(plain.spec.ports[0].targetPort.number, 80);
  EXPECT_EQ(service(R"({"clusterIP":"None","selector":{"a":"b"}})").spec.clusterIP, "None");
}

TEST(AuditLogTest, WhatIsFirstSeenChangingWasThereBefore) {
  const ReadTrace read = ReadPartOfLog(Audit("patch", "status", "02.2", "{}", PodJson("13", "", "n1", "True")) +
                                       Audit("create", "", "01.1", "{}", kCreated, "", "RequestResponse", 201));
  EXPECT_THAT(read.events,
              ElementsAre("ADDED Pod shop/a 12:00:01.1Z", "MODIFIED Pod shop/a node n1 ready 12:00:02.2Z"));
  const ReadTrace late = ReadPartOfLog(Audit("patch", "status", "02.2", "{}", PodJson("13", "", "n1", "True")));
  EXPECT_THAT(late.events, ElementsAre("MODIFIED Pod shop/a node n1 ready 12:00:02.2Z"));
}

TEST(AuditLogTest, TellsTheLifeOfAPod) {
  const ReadTrace read = ReadPartOfLog(AuditLife());
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.events, LifeEvents());
  const std::map<std::string, std::int64_t> skipped = {{"verb get", 1}, {"refused requests", 1}, {"dry runs", 1}};
  EXPECT_EQ(read.summary.skipped, skipped);
  EXPECT_EQ(read.summary.format, "audit log");
}

TEST(AuditLogTest, CloudsWrapIt) {
  std::string aks;
  for (std::size_t at = 0; at < AuditLife().size();) {
    const std::string life = AuditLife();
    const std::size_t end = life.find('\n', at);
    aks += R"({"category":"kube-audit","properties":)";
    std::string log;
    JsonWriter json(&log);
    json.BeginObject();
    json.Field("log", life.substr(at, end - at));
    json.EndObject();
    aks += log + "}\n";
    at = end + 1;
  }
  EXPECT_EQ(ReadPartOfLog(aks).events, LifeEvents());
  const std::string gke = R"(protoPayload:
  methodName: io.k8s.core.v1.pods.create
  resourceName: core/v1/namespaces/shop/pods/a
  serviceName: k8s.io
  requestMetadata: {callerSuppliedUserAgent: kcm/v1}
  request: {kind: Pod}
  response: {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, uid: u1, resourceVersion: "10"}, spec: {}}
timestamp: "2026-01-01T12:00:00Z"
---
protoPayload:
  methodName: io.k8s.core.v1.pods.status.patch
  resourceName: core/v1/namespaces/shop/pods/a/status
  serviceName: k8s.io
  status: {code: 0}
  request: {status: {conditions: [{type: Ready, status: "True", lastTransitionTime: "2026-01-01T12:00:01Z"}]}}
timestamp: "2026-01-01T12:00:01Z"
)";
  const ReadTrace read = ReadPartOfLog(gke);
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("ADDED Pod shop/a 12:00:00Z", "MODIFIED Pod shop/a ready 12:00:01Z"));
  EXPECT_EQ(read.summary.made_up.size(), 1u);
}

TEST(AuditLogTest, LevelRequestIsPutTogether) {
  // The name of a generated pod is told by its binding first; an eviction only
  // says that it was asked to go.
  const std::string create =
      Audit("create", "", "00", R"({"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"a-"},"spec":{}})", "",
            "", "Request");
  std::string unnamed = create;
  unnamed.replace(unnamed.find(R"("name":"a",)"), 11, "");
  std::string bound = Audit("create", "binding", "01", kBinding, "", "", "Request");
  bound.replace(bound.find(R"("name":"a",)"), 11, R"("name":"a-12345",)");
  std::string evicted = Audit("create", "eviction", "02", R"({"kind":"Eviction"})", kSuccess, "", "Request");
  evicted.replace(evicted.find(R"("name":"a",)"), 11, R"("name":"a-12345",)");
  const ReadTrace read = ReadPartOfLog(unnamed + bound + evicted);
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events,
              ElementsAre("ADDED Pod shop/a-12345 12:00:01Z", "MODIFIED Pod shop/a-12345 node n1 12:00:01Z",
                          "MODIFIED Pod shop/a-12345 node n1 terminating 12:00:02Z"));
}

// Writers that ask for no more than the metadata of what they wrote.
TEST(AuditLogTest, PartialAnswersArePutTogether) {
  const std::string partial =
      R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a-x7","namespace":"shop",)"
      R"("uid":"u1","resourceVersion":")";
  const std::string sent = R"({"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"a-"},"spec":{}})";
  std::string create = Audit("create", "", "00", sent, partial + "10\"}}", "", "RequestResponse", 201);
  create.replace(create.find(R"("name":"a",)"), 11, "");
  const ReadTrace read =
      ReadPartOfLog(create + Audit("update", "", "01", PodJson("10", "", "n1", "True"), partial + "11\"}}"));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events,
              ElementsAre("ADDED Pod shop/a-x7 12:00:00Z", "MODIFIED Pod shop/a-x7 node n1 ready 12:00:01Z"));
}

TEST(LinesTest, OursInOrder) {
  const std::string pod = PodJson("1", "", "n1", "True");
  const ReadTrace read =
      ReadText(Concat(R"({"kind":"TraceHeader","apiVersion":"epslice.dev/v1","madeUp":["zones"]})", "\n",
                      R"({"time":"2026-01-01T12:00:00Z","type":"ADDED","start":true,"object":)", pod, "}\n",
                      R"({"time":"2026-01-01T12:00:02Z","type":"DELETED","object":)", pod, "}\n",
                      R"({"time":"2026-01-01T12:00:01Z","type":"MODIFIED","object":)", pod, "}\n",
                      R"({"time":"2026-01-01T12:00:03Z","type":"ADDED","object":{"kind":"Lease"}})", "\n"));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events,
              ElementsAre("start ADDED Pod shop/a node n1 ready 12:00:00Z",
                          "MODIFIED Pod shop/a node n1 ready 12:00:01Z", "DELETED Pod shop/a node n1 ready 12:00:02Z"));
  EXPECT_THAT(read.summary.made_up, ElementsAre("zones"));
  EXPECT_EQ(read.summary.skipped.at("Lease"), 1);
}

TEST(K8sharkTest, WatchRecords) {
  const ReadTrace read = ReadText(
      Concat(R"({"captured_at":"2026-01-01T12:00:01Z","event_type":"ADDED","response_code":200,"response_body":)",
             PodJson("5", "", "n1", "True"), "}\n"));
  EXPECT_THAT(read.events, ElementsAre("ADDED Pod shop/a node n1 ready 12:00:01Z"));
}

TEST(AuditLogTest, ALogThatRunsBackwardsIsRefused) {
  const auto entry = [](int second) {  // after 12:00
    const std::string in_minute = Concat(second % 60 < 10 ? "0" : "", second % 60);
    std::string line = Audit("patch", "status", in_minute, "{}", PodJson(Concat(100 + second), "", "n1", "True"));
    const std::string minute = Concat("T12:0", second / 60, ":");
    for (std::size_t at = 0; (at = line.find("T12:00:", at)) != std::string::npos;) line.replace(at++, 7, minute);
    return line;
  };
  std::string forwards, backwards;
  for (int second = 0; second <= 180; ++second) {
    forwards += entry(second);
    backwards += entry(180 - second);
  }
  EXPECT_EQ(ReadPartOfLog(forwards).error, "");
  // Within 60 s all is put in order.
  EXPECT_THAT(ReadPartOfLog(backwards).error,
              ::testing::AllOf(HasSubstr("t: line 62: the log runs backwards"), HasSubstr("--order=asc")));
}

TEST(AuditLogTest, WithoutPodsOrServicesItIsRefused) {
  EXPECT_THAT(ReadText(AuditLife()).error, HasSubstr("t: no Service is shown with its object, and no dump beside"));
  const std::string service =
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop","uid":"us","resourceVersion":"3"}})";
  std::string entry = Audit("create", "", "00", service, service);
  entry.replace(entry.find(R"("resource":"pods")"), 17, R"("resource":"services")");
  EXPECT_THAT(ReadText(entry).error, HasSubstr("t: no Pod is shown with its object"));
  // Pods may come later.
  EXPECT_EQ(ReadText(entry + AuditLife()).error, "");
  EXPECT_EQ(ReadFiles({{"audit.jsonl", AuditLife()}, {"services.json", service}}).error, "");
}

TEST(BadTraceTest, OneLineSaysWhatIsWrong) {
  const std::string life = AuditLife();
  const struct {
    std::string text, error;
  } kCases[] = {
      {"{\"a\":1}\n", "t: line 1: is in no format that is known"},
      {" \n", "t: is empty; accepted are dumps, our JSON lines, audit logs"},
      {"", "and CSV files named with a preset (alibaba-dlrm:FILE)"},
      {Audit("patch", "status", "01", "", "", "", "Metadata"),
       "t: line 1: the patch of pods/status shop/a is logged at level Metadata"},
      {Audit("get", "", "01", "", "", "", "Metadata"), "t: all of its 1 entries are of level Metadata"},
      {life + Audit("create", "", "09", "{}", R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":7}})"),
       "t: line 10: "},
      {R"({"time":"0001-01-01T00:00:00Z","type":"ADDED","object":{}})", "t: line 1: time: is not set"},
      {R"({"time":"yesterday","type":"ADDED","object":{}})", "t: line 1: time: "},
      {R"({"type":"ADDED","object":{"apiVersion":"v1"}})", "t: line 1: an object without kind"},
      {R"({"type":"RENAMED","object":{"kind":"Pod"}})", "t: line 1: type: \"RENAMED\""},
      {R"({"type":"RE\nNAMED","object":{"kind":"Pod"}})", "t: line 1: type: \"RE?NAMED\""},
  };
  for (const auto& c : kCases) EXPECT_THAT(ReadText(c.text).error, HasSubstr(c.error)) << c.text;
}

std::string Line(const std::string& time, bool start) {
  return Concat(R"({"time":"2026-01-01T12:00:)", time, R"(Z","type":"ADDED","start":)", start ? "true" : "false",
                R"(,"object":)", PodJson("1", "", "n1", "True"), "}\n");
}

TEST(BadTraceTest, WhatIsOlderThanTheStartStateHappensWithIt) {
  const ReadTrace read = ReadText(Line("05", true) + Line("03", false) + Line("06", false));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre(HasSubstr("12:00:05Z"), HasSubstr("12:00:05Z"), HasSubstr("12:00:06Z")));
  EXPECT_THAT(read.summary.notes,
              ElementsAre("1 event is told as older than the start state; replayed as of its time"));
}

TEST(BadTraceTest, NoStartStateInTheMiddle) {
  // More events than are held back to be put in order.
  std::string text;
  for (int i = 0; i < 1100; ++i) text += Line("07", false);
  const ReadTrace read = ReadText(text + Line("08", true));
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.summary.start_objects, 0);
  EXPECT_EQ(read.summary.events, 1101);
}

TEST(BadTraceTest, CutOffRecordsAreSkippedAndTold) {
  const std::string life = AuditLife();
  const std::size_t second = life.find('\n', life.find('\n') + 1);
  // In the middle and at the end.
  const ReadTrace read =
      ReadPartOfLog(life.substr(0, second - 20) + life.substr(second) + "{\"kind\":\"Event\",\"apiV");
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.summary.skipped.at("records that are cut off"), 2);
  EXPECT_THAT(read.summary.notes, ElementsAre(HasSubstr("t: line 2: the record is cut off")));
  // Behind a backslash, too: the next line is a record of its own, and at the
  // end nothing is read beyond it.
  const std::string first = life.substr(0, life.find('\n') + 1);
  const ReadTrace slash = ReadPartOfLog(Concat(first, "{\"kind\":\"Ev\\\n", life, "{\"kind\":\"Ev\\"));
  EXPECT_EQ(slash.error, "");
  EXPECT_EQ(slash.summary.skipped.at("records that are cut off"), 2);
  EXPECT_EQ(slash.summary.skipped.at("dry runs"), 1);
}

TEST(BadTraceTest, GarbageBetweenRecordsIsCalledThat) {
  const std::string life = AuditLife();
  const std::size_t second = life.find('\n') + 1;
  const ReadTrace read = ReadPartOfLog(Concat(life.substr(0, second), "garbage, not JSON\n", life.substr(second)));
  EXPECT_EQ(read.events, LifeEvents());
  EXPECT_EQ(read.summary.skipped.at("records that are no JSON objects"), 1);
  EXPECT_THAT(read.summary.notes, ElementsAre(HasSubstr("t: line 2: the record is no JSON object")));
}

}  // namespace
}  // namespace epslice::sim
