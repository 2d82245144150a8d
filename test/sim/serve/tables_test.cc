#include "sim/serve/tables.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "apis/json.h"
#include "apis/time_format.h"
#include "sim/serve/table_cells.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

std::string WireText(const std::string& name) {
  std::ifstream file(EPSLICE_SOURCE_DIR "/test/testdata/wire/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Timestamp At(std::string_view time) { return *ParseRfc3339(time); }

struct WireCase {
  Kind kind;
  const char* list;
  const char* table;
};

// The real server's list of a kind, printed by us, against its own print of
// the same objects moments before: columns, cells and metadata.
TEST(TablesTest, PrintsListsAsTheRealServer) {
  const std::vector<WireCase> cases = {
      {Kind::kPod, "list-pods.body", "table-pods.body"},
      {Kind::kService, "list-services.body", "table-services.body"},
      {Kind::kNode, "list-nodes.body", "table-nodes.body"},
      {Kind::kEndpointSlice, "list-endpointslices.body", "table-endpointslices.body"},
  };
  for (const WireCase& c : cases) {
    SCOPED_TRACE(c.table);
    const auto list = DecodeListJson(c.kind, WireText(c.list), true);
    ASSERT_TRUE(list.ok()) << list.status();
    const Json ours = Json::parse(EncodeTable(c.kind, *list, {IncludeObject::kMetadata, At("2026-11-22T23:40:59Z")}));
    const Json theirs = Json::parse(WireText(c.table));
    EXPECT_EQ(ours["kind"], theirs["kind"]);
    EXPECT_EQ(ours["apiVersion"], theirs["apiVersion"]);
    ASSERT_EQ(ours["columnDefinitions"].size(), theirs["columnDefinitions"].size());
    for (std::size_t i = 0; i < ours["columnDefinitions"].size(); ++i) {
      Json our_column = ours["columnDefinitions"][i];
      Json their_column = theirs["columnDefinitions"][i];
      EXPECT_FALSE(our_column["description"].get<std::string>().empty());
      our_column.erase("description");
      their_column.erase("description");
      EXPECT_EQ(our_column, their_column);
    }
    // list-pods is the first page of what table-pods has whole.
    ASSERT_LE(ours["rows"].size(), theirs["rows"].size());
    ASSERT_GE(ours["rows"].size(), 2U);
    for (std::size_t i = 0; i < ours["rows"].size(); ++i) EXPECT_EQ(ours["rows"][i], theirs["rows"][i]);
  }
}

TEST(TablesTest, PagesKeepTheirToken) {
  const auto list = DecodeListJson(Kind::kPod, WireText("list-pods.body"), true);
  ASSERT_TRUE(list.ok());
  const Json meta = Json::parse(EncodeTable(Kind::kPod, *list, {}))["metadata"];
  EXPECT_EQ(meta["continue"], list->continueToken);
  EXPECT_EQ(meta["remainingItemCount"], 3);
  EXPECT_EQ(meta["resourceVersion"], "366");
}

TEST(TablesTest, EmptyListHasColumnsAndNoRows) {
  const Json table = Json::parse(EncodeTable(Kind::kLease, ObjectList{}, {}));
  EXPECT_EQ(table["rows"], Json::array());
  EXPECT_EQ(table["columnDefinitions"].size(), 3U);
}

TEST(TablesTest, IncludeObject) {
  const auto slice = DecodeObjectJson(Kind::kEndpointSlice, WireText("get-endpointslice.body"), true);
  ASSERT_TRUE(slice.ok());
  const auto object = [&](IncludeObject include) {
    return Json::parse(EncodeTable(*slice, {include, {}}))["rows"][0]["object"];
  };
  EXPECT_EQ(object(IncludeObject::kMetadata)["kind"], "PartialObjectMetadata");
  EXPECT_FALSE(object(IncludeObject::kMetadata).contains("endpoints"));
  EXPECT_EQ(object(IncludeObject::kObject)["kind"], "EndpointSlice");
  EXPECT_TRUE(object(IncludeObject::kObject).contains("endpoints"));
  EXPECT_TRUE(object(IncludeObject::kNone).is_null());
}

TEST(TablesTest, WatchFramesAsTheRealServer) {
  std::istringstream frames(WireText("watch-endpointslices.body"));
  std::istringstream want(WireText("table-watch-endpointslices.body"));
  std::string frame;
  std::string want_frame;
  bool first = true;
  int compared = 0;
  const TableOptions options{IncludeObject::kMetadata, At("2026-11-22T23:40:59Z")};
  while (std::getline(frames, frame) && std::getline(want, want_frame)) {
    const auto event = DecodeWatchEventJson(Kind::kEndpointSlice, frame, true);
    ASSERT_TRUE(event.ok()) << event.status();
    if (event->type != WatchEventType::kAdded) break;
    const Json ours = Json::parse(EncodeTableWatchEvent(Kind::kEndpointSlice, *event, options, first));
    const Json theirs = Json::parse(want_frame);
    EXPECT_EQ(ours["type"], theirs["type"]);
    EXPECT_EQ(ours["object"]["metadata"], theirs["object"]["metadata"]);
    EXPECT_EQ(ours["object"]["rows"], theirs["object"]["rows"]);
    EXPECT_EQ(ours["object"]["columnDefinitions"].is_null(), theirs["object"]["columnDefinitions"].is_null());
    EXPECT_EQ(ours["object"]["columnDefinitions"].is_null(), !first);
    first = false;
    ++compared;
  }
  EXPECT_GE(compared, 2);
}

TEST(TablesTest, BookmarksAndErrorsInAWatch) {
  WatchEvent bookmark;
  bookmark.type = WatchEventType::kBookmark;
  bookmark.resourceVersion = "42";
  bookmark.initialEventsEnd = true;
  const Json frame = Json::parse(EncodeTableWatchEvent(Kind::kPod, bookmark, {}, false));
  EXPECT_EQ(frame["type"], "BOOKMARK");
  EXPECT_EQ(frame["object"]["metadata"]["resourceVersion"], "42");
  EXPECT_EQ(frame["object"]["rows"][0]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
  WatchEvent error;
  error.type = WatchEventType::kError;
  error.status = StatusExpired("too old");
  EXPECT_EQ(Json::parse(EncodeTableWatchEvent(Kind::kPod, error, {}, true))["object"]["kind"], "Status");
}

TEST(TablesTest, StructsWithoutJson) {
  EndpointSlice slice;
  slice.metadata.name = "s";
  slice.metadata.creationTimestamp = At("2026-01-01T00:00:00Z");
  slice.addressType = "IPv4";
  slice.ports.resize(1);
  slice.endpoints.resize(5);
  for (std::size_t i = 0; i < 5; ++i) slice.endpoints[i].addresses = {Text("10.0.0." + std::to_string(i))};
  const Json table = Json::parse(EncodeTable(AnyObject::Of(slice), {IncludeObject::kNone, At("2026-01-03T05:00:00Z")}));
  EXPECT_EQ(table["rows"][0]["cells"][3], "10.0.0.0,10.0.0.1,10.0.0.2 + 2 more...");
  EXPECT_EQ(table["rows"][0]["cells"][4], "2d5h");
}

TEST(HumanDurationTest, TwoDigitsOrSo) {
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  const hours day(24);
  const hours year = 365 * day;
  const std::vector<std::pair<Duration, const char*>> cases = {
      {seconds(-2), "<invalid>"},
      {seconds(-1), "0s"},
      {std::chrono::milliseconds(-500), "0s"},
      {seconds(0), "0s"},
      {seconds(119), "119s"},
      {seconds(120), "2m"},
      {seconds(125), "2m5s"},
      {minutes(10) - seconds(1), "9m59s"},
      {minutes(10) + seconds(5), "10m"},
      {minutes(179), "179m"},
      {minutes(180), "3h"},
      {minutes(185), "3h5m"},
      {hours(8) + minutes(5), "8h"},
      {hours(47), "47h"},
      {hours(48), "2d"},
      {hours(51), "2d3h"},
      {8 * day, "8d"},
      {2 * year - hours(1), "729d"},
      {2 * year, "2y"},
      {2 * year + 33 * day, "2y33d"},
      {8 * year + 33 * day, "8y"},
  };
  for (const auto& [duration, want] : cases) EXPECT_EQ(HumanDuration(duration), want);
}

struct CellsCase {
  const char* what;
  Kind kind;
  const char* object;
  std::vector<const char*> want;
};

TEST(TableCellsTest, PodStates) {
  const Timestamp now = At("2026-01-01T01:00:00Z");
  const std::vector<CellsCase> cases = {
      {"nothing known", Kind::kPod, "{}", {"", "0/0", "", "0", "<unknown>", "<none>"}},
      {"pending",
       Kind::kPod,
       R"({"metadata":{"name":"a"},"spec":{"containers":[{},{}]},"status":{"phase":"Pending"}})",
       {"a", "0/2", "Pending", "0", "<unknown>", "<none>"}},
      {"running, restarted",
       Kind::kPod,
       R"({"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}],
          "containerStatuses":[{"name":"c","ready":true,"restartCount":3,"state":{"running":{}},
          "lastState":{"terminated":{"finishedAt":"2026-01-01T00:55:00Z"}}}]}})",
       {"", "1/1", "Running", "3 (5m ago)", "<unknown>", "10.0.0.1"}},
      {"crash loop",
       Kind::kPod,
       R"({"spec":{"containers":[{}]},"status":{"phase":"Running","containerStatuses":[
          {"restartCount":1,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}})",
       {"", "0/1", "CrashLoopBackOff", "1"}},
      {"completed",
       Kind::kPod,
       R"({"spec":{"containers":[{}]},"status":{"phase":"Succeeded","containerStatuses":[
          {"state":{"terminated":{"reason":"Completed","exitCode":0}}}]}})",
       {"", "0/1", "Completed", "0"}},
      {"one done, one running, pod ready",
       Kind::kPod,
       R"({"spec":{"containers":[{},{}]},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],
          "containerStatuses":[{"state":{"terminated":{"reason":"Completed"}}},
          {"ready":true,"state":{"running":{}}}]}})",
       {"", "1/2", "Running", "0"}},
      {"one done, one running, pod not ready",
       Kind::kPod,
       R"({"spec":{"containers":[{},{}]},"status":{"phase":"Running","containerStatuses":[
          {"state":{"terminated":{"reason":"Completed"}}},{"ready":true,"state":{"running":{}}}]}})",
       {"", "1/2", "NotReady", "0"}},
      {"ended by a signal",
       Kind::kPod,
       R"({"spec":{"containers":[{}]},"status":{"phase":"Failed","containerStatuses":[
          {"state":{"terminated":{"signal":9,"exitCode":137}}}]}})",
       {"", "0/1", "Signal:9", "0"}},
      {"ended with a code",
       Kind::kPod,
       R"({"spec":{"containers":[{}]},"status":{"phase":"Failed","containerStatuses":[
          {"state":{"terminated":{"exitCode":3}}}]}})",
       {"", "0/1", "ExitCode:3", "0"}},
      {"evicted",
       Kind::kPod,
       R"({"spec":{"containers":[{}]},"status":{"phase":"Failed","reason":"Evicted"}})",
       {"", "0/1", "Evicted", "0"}},
      {"gated",
       Kind::kPod,
       R"({"spec":{"containers":[{}]},"status":{"phase":"Pending",
          "conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]}})",
       {"", "0/1", "SchedulingGated", "0"}},
      {"terminating",
       Kind::kPod,
       R"({"metadata":{"deletionTimestamp":"2026-01-01T00:59:00Z"},"spec":{"containers":[{}]},
          "status":{"phase":"Running"}})",
       {"", "0/1", "Terminating", "0"}},
      {"ended and terminating",
       Kind::kPod,
       R"({"metadata":{"deletionTimestamp":"2026-01-01T00:59:00Z"},"spec":{"containers":[{}]},
          "status":{"phase":"Succeeded"}})",
       {"", "0/1", "Succeeded", "0"}},
      {"node lost",
       Kind::kPod,
       R"({"metadata":{"deletionTimestamp":"2026-01-01T00:59:00Z"},"spec":{"containers":[{}]},
          "status":{"phase":"Running","reason":"NodeLost"}})",
       {"", "0/1", "Unknown", "0"}},
      {"second init container runs",
       Kind::kPod,
       R"({"spec":{"containers":[{}],"initContainers":[{"name":"a"},{"name":"b"}]},"status":{"phase":"Pending",
          "initContainerStatuses":[{"name":"a","state":{"terminated":{"exitCode":0}}},
          {"name":"b","restartCount":2,"state":{"running":{}}}]}})",
       {"", "0/1", "Init:1/2", "2"}},
      {"init container failed",
       Kind::kPod,
       R"({"spec":{"containers":[{}],"initContainers":[{"name":"a"}]},"status":{"phase":"Pending",
          "initContainerStatuses":[{"name":"a","state":{"terminated":{"exitCode":2}}}]}})",
       {"", "0/1", "Init:ExitCode:2", "0"}},
      {"init container cannot start",
       Kind::kPod,
       R"({"spec":{"containers":[{}],"initContainers":[{"name":"a"}]},"status":{"phase":"Pending",
          "initContainerStatuses":[{"name":"a","state":{"waiting":{"reason":"ImagePullBackOff"}}}]}})",
       {"", "0/1", "Init:ImagePullBackOff", "0"}},
      {"sidecar counts as a container",
       Kind::kPod,
       R"({"spec":{"containers":[{}],"initContainers":[{"name":"s","restartPolicy":"Always"}]},
          "status":{"phase":"Running","initContainerStatuses":[
          {"name":"s","started":true,"ready":true,"restartCount":1,"state":{"running":{}}}],
          "containerStatuses":[{"ready":true,"state":{"running":{}}}]}})",
       {"", "2/2", "Running", "1"}},
      {"wrong types",
       Kind::kPod,
       R"({"metadata":7,"spec":{"containers":{"a":1}},"status":{"containerStatuses":[1,null]}})",
       {"", "0/0", "", "0", "<unknown>", "<none>"}},
  };
  for (const CellsCase& c : cases) {
    SCOPED_TRACE(c.what);
    const Json cells = TableCells(c.kind, Json::parse(c.object), now);
    ASSERT_EQ(cells.size(), TableColumns(c.kind).size());
    for (std::size_t i = 0; i < c.want.size(); ++i) EXPECT_EQ(cells[i], c.want[i]) << TableColumns(c.kind)[i].name;
  }
}

TEST(TableCellsTest, KindsKeptAsDocuments) {
  constexpr std::string_view kRbac = "rbac.authorization.k8s.io/v1";
  const struct {
    const char* kind;
    const char* object;
    std::vector<std::string> cells;
  } kCases[] = {
      {"ClusterRole",
       R"({"metadata":{"name":"r","creationTimestamp":"2026-01-01T00:00:00Z"},"rules":[]})",
       {"r", "2026-01-01T00:00:00Z"}},
      {"Role", R"({"metadata":{"name":"r"}})", {"r", ""}},
      {"RoleBinding",
       R"({"metadata":{"name":"b","creationTimestamp":"2026-01-01T00:00:00Z"},"roleRef":{"kind":"Role","name":"r"},
          "subjects":[{"kind":"User","name":"u1"},{"kind":"ServiceAccount","name":"a","namespace":"n"},
                      {"kind":"Group","name":"g"},{"kind":"User","name":"u2"}]})",
       {"b", "Role/r", "60m", "u1, u2", "g", "n/a"}},
      {"ClusterRoleBinding",
       R"({"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"}})",
       {"b", "ClusterRole/r", "<unknown>", "", "", ""}},
  };
  const Timestamp now = At("2026-01-01T01:00:00Z");
  for (const auto& c : kCases) {
    const DocumentKind& kind = *FindDocumentKind(kRbac, c.kind);
    const Json cells = TableCells(kind, Json::parse(c.object), now);
    EXPECT_EQ(cells, Json(c.cells)) << c.kind;
    EXPECT_EQ(cells.size(), TableColumns(kind).size()) << c.kind;
  }
  const DocumentKind& account = *FindDocumentKind("v1", "ServiceAccount");
  EXPECT_EQ(TableCells(account, Json::parse(R"({"metadata":{"name":"a"}})"), now), Json({"a", "<unknown>"}));
}

TEST(TableCellsTest, OtherKinds) {
  const Timestamp now = At("2026-01-01T01:00:00Z");
  const std::vector<CellsCase> cases = {
      {"headless",
       Kind::kService,
       R"({"spec":{"type":"ClusterIP","clusterIP":"None","clusterIPs":["None"]}})",
       {"", "ClusterIP", "None", "<none>", "<none>", "<unknown>", "<none>"}},
      {"node port",
       Kind::kService,
       R"({"spec":{"type":"NodePort","clusterIPs":["10.0.0.1"],"selector":{"b":"2","a":"1"},
          "ports":[{"port":80,"nodePort":30080,"protocol":"TCP"},{"port":53,"protocol":"UDP"}]}})",
       {"", "NodePort", "10.0.0.1", "<none>", "80:30080/TCP,53/UDP", "<unknown>", "a=1,b=2"}},
      {"balancer waits",
       Kind::kService,
       R"({"spec":{"type":"LoadBalancer"}})",
       {"", "LoadBalancer", "<none>", "<pending>"}},
      {"balancer",
       Kind::kService,
       R"({"spec":{"type":"LoadBalancer","externalIPs":["192.0.2.9"]},
          "status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.2"},{"hostname":"b.example"},{"ip":"192.0.2.1"}]}}})",
       {"", "LoadBalancer", "<none>", "192.0.2.1,192.0.2.2,b.example,192.0.2.9"}},
      {"external name",
       Kind::kService,
       R"({"spec":{"type":"ExternalName","externalName":"db.example"}})",
       {"", "ExternalName", "<none>", "db.example"}},
      {"placeholder slice",
       Kind::kEndpointSlice,
       R"({"addressType":"IPv6","ports":null,"endpoints":null})",
       {"", "IPv6", "<unset>", "<unset>"}},
      {"ports",
       Kind::kEndpointSlice,
       R"({"ports":[{"name":"any"},{"port":80},{},{"port":1},{"port":2}],"endpoints":[{"addresses":["a","b"]}]})",
       {"", "", "any,80,* + 2 more...", "a,b"}},
      {"node",
       Kind::kNode,
       R"({"metadata":{"name":"n","creationTimestamp":"2026-01-01T00:00:00Z",
          "labels":{"node-role.kubernetes.io/worker":"","node-role.kubernetes.io/control-plane":""}},
          "spec":{"unschedulable":true},
          "status":{"conditions":[{"type":"Ready","status":"Unknown"}],
          "addresses":[{"type":"InternalIP","address":"192.0.2.1"}],"nodeInfo":{"kubeletVersion":"v1.36.0"}}})",
       {"n", "NotReady,SchedulingDisabled", "control-plane,worker", "60m", "v1.36.0", "192.0.2.1", "<none>"}},
      {"node without status", Kind::kNode, "{}", {"", "Unknown", "<none>"}},
      {"namespace", Kind::kNamespace, R"({"metadata":{"name":"s"},"status":{"phase":"Active"}})", {"s", "Active"}},
      {"lease", Kind::kLease, R"({"metadata":{"name":"l"},"spec":{"holderIdentity":"h_1"}})", {"l", "h_1"}},
      {"event",
       Kind::kEvent,
       R"({"metadata":{"name":"e"},"type":"Normal","reason":"R","message":" m \n","count":4,
          "involvedObject":{"kind":"Service","name":"s"},"source":{"component":"c","host":"h"},
          "firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:59:00Z"})",
       {"60s", "Normal", "R", "service/s", "", "c, h", "m", "60m"}},
      {"event of the new kind",
       Kind::kEvent,
       R"({"metadata":{"name":"e"},"eventTime":"2026-01-01T00:59:30.000000Z","reportingComponent":"c",
          "involvedObject":{"kind":"Node"}})",
       {"30s", "", "", "node", "", "c", "", "30s"}},
  };
  for (const CellsCase& c : cases) {
    SCOPED_TRACE(c.what);
    const Json cells = TableCells(c.kind, Json::parse(c.object), now);
    ASSERT_EQ(cells.size(), TableColumns(c.kind).size());
    for (std::size_t i = 0; i < c.want.size(); ++i) EXPECT_EQ(cells[i], c.want[i]) << TableColumns(c.kind)[i].name;
  }
}

}  // namespace
}  // namespace epslice::sim
