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

std::string PodJson(const std::string& version, const std::string& more_meta, const std::string& node,
                    const std::string& ready) {
  return Concat(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"shop","uid":"u1","resourceVersion":")",
      version, R"(","creationTimestamp":"2026-01-01T12:00:00Z")", more_meta, R"(},"spec":{"nodeName":")", node,
      R"("},"status":{"phase":"Running","podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"}],)",
      R"("conditions":[{"type":"Ready","status":")", ready, R"(","lastTransitionTime":"2026-01-01T12:00:02Z"}]}})");
}

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
constexpr char kGoing[] = R"(,"deletionTimestamp":"2026-01-01T12:00:34Z","deletionGracePeriodSeconds":30)";
constexpr char kGone[] = R"(,"deletionTimestamp":"2026-01-01T12:00:05Z","deletionGracePeriodSeconds":0)";

// The life of a pod, in the order in which the log might have been written.
std::string AuditLife() {
  return Audit("create", "", "00.1", kCreated, kCreated) +
         Audit("patch", "status", "02.2", "{}", PodJson("13", "", "n1", "True")) +
         Audit("create", "binding", "01", kBinding, kSuccess) +
         Audit("patch", "status", "02.3", "{}", PodJson("12", "", "n1", "False")) + Audit("get", "", "02.4", "", "") +
         Audit("patch", "status", "03", "{}", "", "", "RequestResponse", 409) +
         Audit("delete", "", "04", R"({"kind":"DeleteOptions","dryRun":["All"]})",
               PodJson("13", kGoing, "n1", "True")) +
         Audit("delete", "", "04", R"({"kind":"DeleteOptions"})", PodJson("14", kGoing, "n1", "True")) +
         Audit("delete", "", "05", R"({"gracePeriodSeconds":0})", PodJson("15", kGone, "n1", "False"));
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

std::string Watch(std::string_view type, const std::string& object) {
  return Concat(R"({"type":")", type, R"(","object":)", object, "}\n");
}

TEST(OverlapTest, WhatTwoSourcesTellIsReplayedOnce) {
  const std::string dump = PodJson("15", "", "n1", "True");
  const std::string other =
      R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n1","uid":"un","resourceVersion":"9","creationTimestamp":"2026-01-01T11:00:00Z"}})";
  const std::string streams = Watch("ADDED", kCreated) + Watch("MODIFIED", PodJson("12", "", "n1", "False")) +
                              Watch("MODIFIED", PodJson("13", "", "n1", "True")) +
                              Watch("MODIFIED", PodJson("14", kGoing, "n1", "True")) +
                              Watch("DELETED", PodJson("15", kGone, "n1", "False"));
  // The log's first entry is older than the pod.
  const std::string before =
      R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"ResponseComplete","verb":"get",)"
      R"("requestURI":"/x","stageTimestamp":"2026-01-01T11:59:58Z"})"
      "\n";
  const ReadTrace read =
      ReadFiles({{"audit.jsonl", before + AuditLife()}, {"end.json", dump + other}, {"watch.jsonl", streams}});
  EXPECT_EQ(read.error, "");
  std::vector<std::string> events = {"start ADDED Namespace n1 12:00:00.1Z"};
  events.insert(events.end(), LifeEvents().begin(), LifeEvents().end());
  EXPECT_EQ(read.events, events);
  EXPECT_THAT(read.summary.notes,
              ElementsAre("5 events were told by two sources: audit log and watch streams; replayed once"));
  EXPECT_EQ(read.summary.skipped.at("objects of dumps that were created after the events begin, which tell of them"),
            1);
  EXPECT_THAT(read.summary.made_up, ::testing::IsEmpty());
}

TEST(OverlapTest, OfSeveralStatesTheEarliestIsTheStart) {
  const std::string early = PodJson("12", "", "n1", "False"), late = PodJson("15", "", "n1", "True");
  const ReadTrace read = ReadFiles({{"a-end.json", late},
                                    {"b-start.json", early},
                                    {"watch.jsonl", Watch("ADDED", PodJson("13", "", "n1", "True")) +
                                                        Watch("MODIFIED", PodJson("14", kGoing, "n1", "True"))}});
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

TEST(OverlapTest, SourcesThatDoNotMatchAreNotedAndReplayed) {
  std::string other = PodJson("12", "", "n1", "False");
  for (std::size_t at; (at = other.find("u1")) != std::string::npos;) other.replace(at, 2, "u7");
  const ReadTrace read = ReadFiles({{"audit.jsonl", AuditLife()}, {"watch.jsonl", Watch("MODIFIED", other)}});
  EXPECT_EQ(read.events.size(), LifeEvents().size() + 1);
  EXPECT_THAT(read.summary.notes, ElementsAre(HasSubstr("of 1 events of the watch streams none is recognised")));
}

TEST(AuditLogTest, EntriesThatAreThereTwiceCountOnce) {
  const ReadTrace read = ReadText(AuditLife() + AuditLife());
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
  const ReadTrace read = ReadText(Audit("patch", "status", "02.2", "{}", PodJson("13", "", "n1", "True")) +
                                  Audit("create", "", "01.1", "{}", kCreated, "", "RequestResponse", 201));
  EXPECT_THAT(read.events,
              ElementsAre("ADDED Pod shop/a 12:00:01.1Z", "MODIFIED Pod shop/a node n1 ready 12:00:02.2Z"));
  const ReadTrace late = ReadText(Audit("patch", "status", "02.2", "{}", PodJson("13", "", "n1", "True")));
  EXPECT_THAT(late.events, ElementsAre("MODIFIED Pod shop/a node n1 ready 12:00:02.2Z"));
}

TEST(AuditLogTest, TellsTheLifeOfAPod) {
  const ReadTrace read = ReadText(AuditLife());
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
  EXPECT_EQ(ReadText(aks).events, LifeEvents());
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
  const ReadTrace read = ReadText(gke);
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
  const ReadTrace read = ReadText(unnamed + bound + evicted);
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
      ReadText(create + Audit("update", "", "01", PodJson("10", "", "n1", "True"), partial + "11\"}}"));
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

TEST(WatchStreamTest, ListThenEventsWithTheTimesOfTheObjects) {
  const std::string pod = PodJson("5", "", "n1", "True");
  const ReadTrace read =
      ReadText(Concat("{\n\"type\":\"ADDED\",\n\"object\":", pod,
                      "}\n{\"type\":\"MODIFIED\",\"object\":", PodJson("6", kGoing, "n1", "True"),
                      "}\n{\"type\":\"DELETED\",\"object\":", PodJson("7", kGone, "n1", "True"), "}"));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("start ADDED Pod shop/a node n1 ready 12:00:02Z",
                                       "MODIFIED Pod shop/a node n1 ready terminating 12:00:04.5Z",
                                       "DELETED Pod shop/a node n1 ready terminating 12:00:05.5Z"));
  EXPECT_FALSE(read.summary.made_up.empty());
}

TEST(K8sharkTest, WatchRecords) {
  const ReadTrace read = ReadText(
      Concat(R"({"captured_at":"2026-01-01T12:00:01Z","event_type":"ADDED","response_code":200,"response_body":)",
             PodJson("5", "", "n1", "True"), "}\n"));
  EXPECT_THAT(read.events, ElementsAre("ADDED Pod shop/a node n1 ready 12:00:01Z"));
}

TEST(KwokTest, SnapshotAndPatches) {
  const ReadTrace read = ReadText(R"yaml(apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, creationTimestamp: "$(time-offset-nanosecond -5000000000)"}
spec: {}
---
kind: ResourcePatch
resource: {version: v1, resource: pods}
target: {name: a, namespace: shop}
durationNanosecond: 1500000000
method: patch
template: {spec: {nodeName: n1}}
---
kind: ResourcePatch
resource: {version: v1, resource: pods}
target: {name: a, namespace: shop}
durationNanosecond: 2000000000
method: delete
)yaml");
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("start ADDED Pod shop/a 00:00:00Z", "MODIFIED Pod shop/a node n1 00:00:01.5Z",
                                       "DELETED Pod shop/a node n1 00:00:02Z"));
}

TEST(KwokTest, JsonDocumentsBetweenMarks) {
  const ReadTrace read = ReadText(R"yaml({
  "kind": "Pod", "apiVersion": "v1",
  "metadata": {"name": "a", "namespace": "shop", "creationTimestamp": "$(time-offset-nanosecond -5)"}
}
---
{
  "kind": "ResourcePatch",
  "resource": {"version": "v1", "resource": "pods"},
  "method": "delete",
  "target": {"name": "a", "namespace": "shop"},
  "durationNanosecond": 2000000000
}
---
)yaml");
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("start ADDED Pod shop/a 00:00:00Z", "DELETED Pod shop/a 00:00:02Z"));
  EXPECT_TRUE(read.summary.skipped.empty());
}

TEST(CsvTest, LifetimesBecomePods) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / "lifetimes.csv").string();
  std::ofstream(path) << "app,from,to\nweb,,\nweb,5,20\nweb,30,10\nweb,x\n";
  const ReadTrace read = ReadAll(OpenTrace({Concat("csv(created=from,deleted=to,app=app):", path)}));
  EXPECT_EQ(read.error, "");
  ASSERT_EQ(read.events.size(), 3u + 1 + 1 + 5);  // nodes, Service, a pod, the life of another
  EXPECT_THAT(read.events[3], HasSubstr("start ADDED Service csv/web"));
  EXPECT_THAT(read.events[4], HasSubstr("start ADDED Pod csv/web-0 node"));
  EXPECT_EQ(read.events[5], "ADDED Pod csv/web-1 00:00:05Z");
  EXPECT_THAT(read.events[9], HasSubstr("DELETED Pod csv/web-1"));
  EXPECT_EQ(read.summary.skipped.at("negative lifetimes"), 1);
  EXPECT_EQ(read.summary.skipped.at("rows with another number of columns"), 1);
  EXPECT_GE(read.summary.made_up.size(), 5u);
  EXPECT_EQ(ReadAll(OpenTrace({Concat("csv(created=from,deleted=to,app=app):", path)})).events, read.events);
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

TEST(BadTraceTest, ManyWatchEventsOfOneSecond) {
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

TEST(BadTraceTest, CutOffRecordsAreSkippedAndTold) {
  const std::string life = AuditLife();
  const std::size_t second = life.find('\n', life.find('\n') + 1);
  // In the middle and at the end.
  const ReadTrace read = ReadText(life.substr(0, second - 20) + life.substr(second) + "{\"kind\":\"Event\",\"apiV");
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.summary.skipped.at("records that are cut off"), 2);
  EXPECT_THAT(read.summary.notes, ElementsAre(HasSubstr("t: line 2: the record is cut off")));
  // Behind a backslash, too: the next line is a record of its own, and at the
  // end nothing is read beyond it.
  const std::string first = life.substr(0, life.find('\n') + 1);
  const ReadTrace slash = ReadText(Concat(first, "{\"kind\":\"Ev\\\n", life, "{\"kind\":\"Ev\\"));
  EXPECT_EQ(slash.error, "");
  EXPECT_EQ(slash.summary.skipped.at("records that are cut off"), 2);
  EXPECT_EQ(slash.summary.skipped.at("dry runs"), 1);
}

}  // namespace
}  // namespace epslice::sim
