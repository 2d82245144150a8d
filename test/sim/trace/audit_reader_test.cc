// Audit logs in which requests are logged in different detail, and what the
// API server does behind a request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "test/sim/trace/trace_testing.h"

namespace epslice::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// An entry of an audit log; `second` after 12:00 of 2026-01-01.
struct Entry {
  std::string second = {};
  std::string verb = {};
  std::string resource = {};  // "pods/status"
  std::string name = {};      // "a"; "shop/a"
  std::string request = {}, response = {};
  std::string level = "RequestResponse";
  std::string uri = "/x";
  int code = 200;
};

std::string LogLine(const Entry& e) {
  const std::size_t slash = e.resource.find('/'), in = e.name.find('/');
  const bool namespaced = in != std::string::npos;
  const std::string name = namespaced ? e.name.substr(in + 1) : e.name;
  std::string ref = Concat(R"({"resource":")", e.resource.substr(0, slash), "\"");
  if (namespaced) ref += Concat(R"(,"namespace":")", e.name.substr(0, in), "\"");
  if (!name.empty()) ref += Concat(R"(,"name":")", name, "\"");
  if (slash != std::string::npos) ref += Concat(R"(,"subresource":")", e.resource.substr(slash + 1), "\"");
  return Concat(R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":")", e.level,
                R"(","stage":"ResponseComplete","requestURI":")", e.uri, R"(","verb":")", e.verb,
                R"(","userAgent":"x","objectRef":)", ref, R"(},"responseStatus":{"code":)", e.code, "}",
                e.request.empty() ? "" : Concat(R"(,"requestObject":)", e.request),
                e.response.empty() ? "" : Concat(R"(,"responseObject":)", e.response),
                R"(,"stageTimestamp":"2026-01-01T12:00:)", e.second, "Z\"}\n");
}

ReadTrace ReadEntries(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) text += LogLine(entry);
  return ReadPartOfLog(text);
}

std::string PodText(const std::string& name, int version, const std::string& more = "") {
  return Concat(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")", name, R"(","namespace":"shop","uid":"u-)",
                name, R"(","resourceVersion":")", version, R"(","labels":{"app":"web"})", more,
                R"(},"spec":{"nodeName":"n1"}})");
}

Entry CreatePod(const std::string& second, const std::string& name, int version) {
  return {.second = second,
          .verb = "create",
          .resource = "pods",
          .name = "shop/" + name,
          .request = "{}",
          .response = PodText(name, version),
          .code = 201};
}

std::string Namespace(int version, const std::string& finalizers, const std::string& more = "") {
  return Concat(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tmp","uid":"u","resourceVersion":")",
                version, "\"", more, R"(},"spec":{"finalizers":[)", finalizers, "]}}");
}
constexpr const char* kDeletionTimestamp = R"(,"deletionTimestamp":"2026-01-01T12:00:02Z")";

TEST(AuditLevelsTest, SomeRequestsWithoutTheirObjectsAreNoted) {
  const Entry metadata{.second = "00", .verb = "create", .resource = "namespaces", .name = "shop", .level = "Metadata"};
  const Entry node{.second = "00", .verb = "patch", .resource = "nodes/status", .name = "n1", .level = "Metadata"};
  const Entry cut{.second = "02", .verb = "update", .resource = "pods", .name = "shop/a"};
  const ReadTrace read = ReadEntries({metadata, node, node, CreatePod("01", "a", 5), cut});
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("ADDED Pod shop/a node n1 12:00:01Z"));
  EXPECT_EQ(read.summary.skipped.at("writes logged without their objects"), 4);
  EXPECT_THAT(
      read.summary.notes,
      ElementsAre("these writes are logged without their objects, and not replayed: 1x create of namespaces, 2x "
                  "patch of nodes/status, 1x update of pods",
                  HasSubstr("no write of a node is logged with its object"), HasSubstr("whole seconds only")));
}

TEST(AuditLevelsTest, WithoutAnyPodOrServiceItIsRefused) {
  const Entry service{
      .second = "01", .verb = "create", .resource = "services", .name = "shop/web", .level = "Metadata"};
  const ReadTrace read = ReadEntries({CreatePod("00", "a", 5), service});
  EXPECT_THAT(read.error, HasSubstr("t: line 2: the create of services shop/web is logged at level Metadata, without "
                                    "its object; an audit log can be replayed where"));
}

TEST(AuditDryRunTest, ChangesNothing) {
  const std::string options = R"({"kind":"DeleteOptions","dryRun":["All"]})";
  std::vector<Entry> entries = {CreatePod("00", "a", 5)};
  entries.push_back({.second = "01",
                     .verb = "create",
                     .resource = "pods/eviction",
                     .name = "shop/a",
                     .request = Concat(R"({"kind":"Eviction","deleteOptions":)", options, "}"),
                     .code = 201});
  entries.push_back({.second = "02", .verb = "delete", .resource = "pods", .name = "shop/a", .request = options});
  entries.push_back({.second = "03",
                     .verb = "deletecollection",
                     .resource = "pods",
                     .name = "shop/",
                     .request = "{}",
                     .uri = "/api/v1/namespaces/shop/pods?dryRun=All"});
  const ReadTrace read = ReadEntries(entries);
  EXPECT_EQ(read.events.size(), 1U);
  EXPECT_EQ(read.summary.skipped.at("dry runs"), 3);
  // None named is none.
  entries[1].request = R"({"kind":"Eviction","deleteOptions":{"dryRun":[],"gracePeriodSeconds":7}})";
  EXPECT_THAT(ReadEntries(entries).events.back(), HasSubstr("terminating 12:00:01Z"));
}

TEST(AuditDeleteTest, OfACollectionWhatTheAnswerLists) {
  const std::string list = Concat(R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[)",
                                  PodText("b", 6), ",", PodText("unknown", 3), "]}");
  const std::vector<Entry> two = {CreatePod("00", "a", 5), CreatePod("01", "b", 6)};
  Entry collection{.second = "02",
                   .verb = "deletecollection",
                   .resource = "pods",
                   .name = "shop/",
                   .request = R"({"gracePeriodSeconds":0})",
                   .response = list};
  const ReadTrace listed = ReadEntries({two[0], two[1], collection});
  EXPECT_THAT(listed.events, ElementsAre("ADDED Pod shop/a node n1 12:00:00Z", "ADDED Pod shop/b node n1 12:00:01Z",
                                         "DELETED Pod shop/b node n1 12:00:02Z"));
  EXPECT_EQ(listed.summary.skipped.at("deletes of objects that were not shown before"), 1);
  collection.response.clear();
  collection.level = "Request";
  EXPECT_EQ(ReadEntries({two[0], two[1], collection}).events.size(), 4U);
}

TEST(AuditDeleteTest, AtLevelRequestNeedsNoBody) {
  const Entry slow{.second = "01",
                   .verb = "delete",
                   .resource = "pods",
                   .name = "shop/a",
                   .level = "Request",
                   .uri = "/api/v1/namespaces/shop/pods/a?gracePeriodSeconds=9"};
  Entry now = slow;
  now.second = "02";
  now.uri = "/api/v1/namespaces/shop/pods/a?propagationPolicy=Orphan&gracePeriodSeconds=0";
  const ReadTrace read = ReadEntries({CreatePod("00", "a", 5), slow, now});
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events,
              ElementsAre("ADDED Pod shop/a node n1 12:00:00Z", "MODIFIED Pod shop/a node n1 terminating 12:00:01Z",
                          "DELETED Pod shop/a node n1 terminating 12:00:02Z"));
}

TEST(AuditNamespaceTest, EndsWhenItIsFinalized) {
  const std::vector<std::string> want = {"ADDED Namespace tmp 12:00:01Z", "MODIFIED Namespace tmp 12:00:02Z",
                                         "MODIFIED Namespace tmp 12:00:03Z", "DELETED Namespace tmp 12:00:04Z"};
  const std::string kubernetes = "\"kubernetes\"";
  std::vector<Entry> entries = {{.second = "01",
                                 .verb = "create",
                                 .resource = "namespaces",
                                 .name = "tmp",
                                 .request = R"({"kind":"Namespace","metadata":{"name":"tmp"}})",
                                 .response = Namespace(1, kubernetes),
                                 .code = 201},
                                {.second = "02",
                                 .verb = "delete",
                                 .resource = "namespaces",
                                 .name = "tmp",
                                 .request = R"({"kind":"DeleteOptions"})",
                                 .response = Namespace(2, kubernetes, kDeletionTimestamp)},
                                {.second = "03",
                                 .verb = "update",
                                 .resource = "namespaces/status",
                                 .name = "tmp",
                                 .request = Namespace(2, kubernetes, kDeletionTimestamp),
                                 .response = Namespace(3, kubernetes, kDeletionTimestamp)},
                                {.second = "04",
                                 .verb = "update",
                                 .resource = "namespaces/finalize",
                                 .name = "tmp",
                                 .request = Namespace(3, "", kDeletionTimestamp),
                                 .response = Namespace(4, "", kDeletionTimestamp)}};
  EXPECT_EQ(ReadEntries(entries).events, want);
  for (Entry& entry : entries) {
    entry.level = "Request";
    entry.response.clear();
  }
  EXPECT_EQ(ReadEntries(entries).events, want);
}

std::vector<TraceEvent> EventsOf(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) text += LogLine(entry);
  auto reader = OpenTraceText("t", text);
  std::vector<TraceEvent> events;
  TraceEvent event;
  // In the end a log of some kinds alone is refused.
  while ((*reader)->Next(&event).value_or(false)) events.push_back(event);
  return events;
}

TEST(AuditLevelsTest, SlicesWhoseNamesNobodyTellsAppearAtTheEnd) {
  const auto create = [](const std::string& second, const std::string& resource, const std::string& kind) {
    return Entry{.second = second,
                 .verb = "create",
                 .resource = resource,
                 .name = "shop/",
                 .request = Concat(R"({"kind":")", kind, R"(","metadata":{"generateName":"web-","namespace":"shop"}})"),
                 .level = "Request",
                 .code = 201};
  };
  Entry slice = create("00", "endpointslices", "EndpointSlice");
  std::string text = LogLine(slice);
  text.replace(text.find(R"("resource":)"), 0, R"("apiGroup":"discovery.k8s.io",)");
  const ReadTrace read = ReadPartOfLog(text + LogLine(create("01", "pods", "Pod")) + LogLine(CreatePod("02", "a", 5)));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events,
              ElementsAre("ADDED Pod shop/a node n1 12:00:02Z", "ADDED EndpointSlice shop/web-unnamed-1 12:00:02Z"));
  EXPECT_EQ(read.summary.skipped.at("creates that do not tell the object's name"), 1);
}

// The Service's two slices were created in one sync; only the second is named, by an
// update of it.
TEST(AuditLevelsTest, TheNameOfALaterUpdateIsOfTheCreateThatIsMostLikeIt) {
  const auto slice = [](const std::string& name, const std::string& addresses) {
    std::string endpoints;
    for (const char last : addresses) {
      endpoints +=
          Concat(endpoints.empty() ? "" : ",", R"({"addresses":["10.0.0.)", std::string_view(&last, 1), "\"]}");
    }
    return Concat(R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{)", name,
                  R"("namespace":"shop"},"addressType":"IPv4","endpoints":[)", endpoints, "]}");
  };
  const Entry create = {.second = "00",
                        .verb = "create",
                        .resource = "endpointslices",
                        .name = "shop/",
                        .request = slice(R"("generateName":"web-",)", "12"),
                        .level = "Request",
                        .code = 201};
  Entry second = create;
  second.request = slice(R"("generateName":"web-",)", "34");
  const Entry update = {.second = "01",
                        .verb = "update",
                        .resource = "endpointslices",
                        .name = "shop/web-abcde",
                        .request = slice(R"("name":"web-abcde",)", "345"),
                        .level = "Request"};
  std::vector<std::string> seen;
  std::string text;
  for (const Entry& entry : {create, second, update}) {
    std::string line = LogLine(entry);
    text += line.insert(line.find(R"("resource":)"), R"("apiGroup":"discovery.k8s.io",)");
  }
  auto reader = OpenTraceText("t", text);
  ASSERT_TRUE(reader.ok());
  TraceEvent event;
  while ((*reader)->Next(&event).value_or(false)) {
    const auto is = event.object.As<EndpointSlice>();
    seen.push_back(Concat(WatchEventTypeName(event.type), " ", is->metadata.name, " ", is->endpoints.size(), " from ",
                          is->endpoints[0].addresses[0]));
  }
  EXPECT_THAT(seen, ElementsAre("ADDED web-abcde 2 from 10.0.0.3", "MODIFIED web-abcde 3 from 10.0.0.3",
                                "ADDED web-unnamed-1 2 from 10.0.0.1"));
}

TEST(AuditApplyTest, AtLevelRequestMakesTheObjectAndTakesBackWhatItSaidBefore) {
  const auto apply = [](const std::string& second, const std::string& spec, int code) {
    return Entry{
        .second = second,
        .verb = "patch",
        .resource = "services",
        .name = "shop/web",
        .request = Concat(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},)",
                          R"("spec":)", spec, "}"),
        .level = "Request",
        .uri = "/x?fieldManager=kubectl&force=true",
        .code = code};
  };
  const std::vector<TraceEvent> events = EventsOf(
      {apply("01", R"({"selector":{"app":"web","track":"a"},"ports":[{"port":80},{"name":"m","port":90}]})", 201),
       apply("02", R"({"selector":{"app":"web"},"ports":[{"port":81}]})", 200),
       apply("03", R"({"publishNotReadyAddresses":true})", 200)});
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].type, WatchEventType::kAdded);
  const auto first = events[0].object.As<Service>();
  EXPECT_EQ(first->spec.ports.size(), 2U);
  EXPECT_FALSE(first->spec.clusterIP.empty());
  const auto last = events[2].object.As<Service>();
  EXPECT_EQ(last->spec.selector->size(), 1U);
  ASSERT_EQ(last->spec.ports.size(), 1U);
  EXPECT_EQ(last->spec.ports[0].port, 81);
  // A port that the server fills in.
  EXPECT_EQ(last->spec.ports[0].targetPort.number, 81);
  EXPECT_TRUE(last->spec.publishNotReadyAddresses);
  EXPECT_EQ(last->spec.clusterIP, first->spec.clusterIP);
}

}  // namespace
}  // namespace epslice::sim
