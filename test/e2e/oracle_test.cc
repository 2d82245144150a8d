// The oracle finds what is wrong. No server.
#include "test/e2e/oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "test/e2e/request_log.h"
#include "test/e2e/slice_watch.h"

namespace epslice::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const OracleOptions kOptions = {.managed_by = "me"};

// One Service, one pod, one slice, and all is well.
Listed Good() {
  return {
      .services = {Json::parse(R"({"metadata":{"name":"web","uid":"s1","labels":{"team":"a"}},"spec":{
          "selector":{"app":"web"},"clusterIP":"10.0.0.1","ipFamilies":["IPv4"],"trafficDistribution":"PreferClose",
          "ports":[{"name":"p","port":80,"protocol":"TCP","targetPort":"http"}]}})")},
      .pods = {Json::parse(R"({"metadata":{"name":"p1","namespace":"ns","uid":"u1","labels":{"app":"web"}},
          "spec":{"nodeName":"n1","containers":[{"name":"c","ports":[{"name":"http","containerPort":8080}]}]},
          "status":{"phase":"Running","podIPs":[{"ip":"10.1.0.1"},{"ip":"fd00::1"}],
          "conditions":[{"type":"Ready","status":"True"}]}})")},
      .nodes = {Json::parse(R"({"metadata":{"name":"n1","labels":{"topology.kubernetes.io/zone":"a"}}})")},
      .slices = {Json::parse(R"({"metadata":{"name":"web-x","labels":{"team":"a","kubernetes.io/service-name":"web",
          "endpointslice.kubernetes.io/managed-by":"me"},"ownerReferences":[{"apiVersion":"v1","kind":"Service",
          "name":"web","uid":"s1","controller":true,"blockOwnerDeletion":true}]},"addressType":"IPv4",
          "endpoints":[{"addresses":["10.1.0.1"],"conditions":{"ready":true,"serving":true,"terminating":false},
          "targetRef":{"kind":"Pod","namespace":"ns","name":"p1","uid":"u1"},"nodeName":"n1","zone":"a",
          "hints":{"forZones":[{"name":"a"}]}}],
          "ports":[{"name":"p","port":8080,"protocol":"TCP"}]})")},
  };
}

TEST(Oracle, SaysNothingWhereAllIsWell) { EXPECT_THAT(Differences(Good(), kOptions), IsEmpty()); }

TEST(Oracle, FindsWhatIsWrong) {
  const auto set = [](const char* pointer, const Json& value) {
    return [=](Listed* listed) { listed->slices[0][Json::json_pointer(pointer)] = value; };
  };
  const std::vector<std::pair<const char*, std::function<void(Listed*)>>> cases = {
      {"another address", set("/endpoints/0/addresses/0", "10.1.0.2")},
      {"not ready", set("/endpoints/0/conditions/ready", false)},
      {"terminating", set("/endpoints/0/conditions/terminating", true)},
      {"another node", set("/endpoints/0/nodeName", "n2")},
      {"another zone", set("/endpoints/0/zone", "b")},
      {"another pod's uid", set("/endpoints/0/targetRef/uid", "u2")},
      {"a hostname", set("/endpoints/0/hostname", "h")},
      {"hinted for another zone", set("/endpoints/0/hints/forZones/0/name", "b")},
      {"no hint", [](Listed* l) { l->slices[0]["endpoints"][0].erase("hints"); }},
      {"another port", set("/ports/0/port", 8081)},
      {"another protocol", set("/ports/0/protocol", "UDP")},
      {"another type", set("/addressType", "IPv6")},
      {"a label more", set("/metadata/labels/x", "1")},
      {"a label less", [](Listed* l) { l->slices[0]["metadata"]["labels"].erase("team"); }},
      {"an annotation", set("/metadata/annotations", {{"x", "y"}})},
      {"another owner", set("/metadata/ownerReferences/0/uid", "s2")},
      {"no owner", [](Listed* l) { l->slices[0]["metadata"].erase("ownerReferences"); }},
      {"twice", [](Listed* l) { l->slices.push_back(l->slices[0]); }},
      {"twice in one slice",
       [](Listed* l) { l->slices[0]["endpoints"].push_back(Json(l->slices[0]["endpoints"][0])); }},
      {"no slice", [](Listed* l) { l->slices.clear(); }},
      {"an empty slice beside it",
       [](Listed* l) {
         l->slices.push_back(l->slices[0]);
         l->slices[1]["endpoints"] = nullptr;
       }},
      {"no empty slice for no endpoints",
       [](Listed* l) {
         l->pods.clear();
         l->slices.clear();
       }},
      {"a pod that is done", [](Listed* l) { l->pods[0]["status"]["phase"] = "Failed"; }},
      {"a pod of another app", [](Listed* l) { l->pods[0]["metadata"]["labels"]["app"] = "x"; }},
      {"a node that is gone", [](Listed* l) { l->nodes.clear(); }},
      {"a Service of two families",
       [](Listed* l) {
         l->services[0]["spec"]["ipFamilies"] = Json::array({"IPv4", "IPv6"});
       }},
      {"a headless Service", [](Listed* l) { l->services[0]["spec"]["clusterIP"] = "None"; }},
      {"a Service that is gone", [](Listed* l) { l->services.clear(); }},
      {"too full",
       [](Listed* l) {
         for (int i = 0; i < 100; ++i) l->slices[0]["endpoints"].push_back(Json(l->slices[0]["endpoints"][0]));
       }},
      {"half hinted under Auto",
       [](Listed* l) {
         l->services[0]["metadata"]["annotations"] = {{"service.kubernetes.io/topology-mode", "Auto"}};
         l->pods.push_back(l->pods[0]);
         l->slices[0]["endpoints"].push_back(Json(l->slices[0]["endpoints"][0]));
         l->slices[0]["endpoints"][1].erase("hints");
       }},
      {"hinted for no zone under Auto",
       [](Listed* l) {
         l->services[0]["metadata"]["annotations"] = {{"service.kubernetes.io/topology-mode", "Auto"}};
         l->slices[0]["endpoints"][0]["hints"]["forZones"][0]["name"] = "nowhere";
       }},
  };
  for (const auto& [what, change] : cases) {
    Listed listed = Good();
    change(&listed);
    EXPECT_THAT(Differences(listed, kOptions), Not(IsEmpty())) << what;
  }
}

TEST(Oracle, LeavesAloneWhatIsNotOurs) {
  Listed listed = Good();
  Json foreign = listed.slices[0];
  foreign["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] = "them";
  foreign["endpoints"] = Json::array();
  listed.slices.push_back(foreign);
  EXPECT_THAT(Differences(listed, kOptions), IsEmpty());
  listed.slices.erase(listed.slices.begin());
  listed.services[0]["spec"].erase("selector");
  EXPECT_THAT(Differences(listed, kOptions), IsEmpty());
}

TEST(SliceHistory, FindsDuplicatesAndEmptyWrites) {
  Json one = Good().slices[0];
  one["metadata"]["resourceVersion"] = "1";
  Json two = one;
  two["metadata"]["name"] = "web-y";
  Json same = one;
  same["metadata"]["resourceVersion"] = "2";
  Json moved = one;
  moved["endpoints"] = Json::array();
  EXPECT_THAT(MomentsOfDuplicates({{"ADDED", one}, {"ADDED", two}}), Not(IsEmpty()));
  EXPECT_THAT(MomentsOfDuplicates({{"ADDED", one}, {"MODIFIED", same}}), IsEmpty());
  EXPECT_THAT(MomentsOfDuplicates({{"ADDED", one}, {"MODIFIED", moved}, {"ADDED", two}}), IsEmpty());
  EXPECT_THAT(MomentsOfDuplicates({{"ADDED", one}, {"DELETED", one}, {"ADDED", two}}), IsEmpty());
  EXPECT_THAT(EmptyWrites({{"ADDED", one}, {"MODIFIED", same}}), Not(IsEmpty()));
  EXPECT_THAT(EmptyWrites({{"ADDED", one}, {"MODIFIED", moved}}), IsEmpty());
}

std::string Print(const std::vector<LoggedRequest>& requests) {
  std::string text;
  for (const LoggedRequest& r : requests) {
    text += r.user + "|" + r.user_agent + "|" + r.verb + "|" + r.group + "|" + r.resource + "|" + r.subresource + "|" +
            r.namespace_ + "|" + r.name + "|" + std::to_string(r.code) + (r.message.empty() ? "" : " ") + r.message +
            "\n";
  }
  return text;
}

TEST(RequestLog, ReadsWhatServersWrite) {
  EXPECT_EQ(Print(ReadAccessLog("serving https://127.0.0.1:1 (nothing)\n"
                                "127.0.0.1 GET \"/readyz\" 200 2B 1us \"x\"\n"
                                "127.0.0.1 GET \"/api/v1/pods?watch=true&x=1\" 200 0B 5us \"ctl/1 (linux)\"\n"
                                "127.0.0.1 DELETE \"/apis/g.io/v1/namespaces/ns/things/a\" 404 9B 5us \"ctl\"\n"
                                "127.0.0.1 PATCH \"/api/v1/namespaces/ns/pods/p/status\" 200 9B 5us \"ctl\" \"me\"\n"
                                "127.0.0.1 GET \"/api/v1/namespaces/ns\" 200 9B 5us \"ctl\"\n")),
            "|ctl/1 (linux)|watch||pods||||200\n"
            "|ctl|delete|g.io|things||ns|a|404\n"
            "me|ctl|patch||pods|status|ns|p|200\n"
            "|ctl|get||namespaces|||ns|200\n");
  EXPECT_EQ(
      Print(ReadAuditLog(
          "garbage\n"
          R"({"stage":"ResponseComplete","verb":"create","user":{"username":"me"},"userAgent":"ctl/1",)"
          R"("objectRef":{"resource":"events","namespace":"ns","apiVersion":"v1"},"responseStatus":{"code":201}})"
          "\n"
          R"({"stage":"ResponseComplete","verb":"watch","user":{"username":"me"},"objectRef":{"resource":"pods"}})"
          "\n"
          R"({"stage":"ResponseStarted","verb":"watch","user":{"username":"me"},"objectRef":{"resource":"pods"}})"
          "\n"
          R"({"stage":"ResponseComplete","verb":"delete","objectRef":{"resource":"pods","name":"p"},)"
          R"("responseStatus":{"code":504,"message":"context canceled"}})"
          "\n"
          R"({"stage":"Panic","verb":"list","objectRef":{"resource":"pods"},"responseStatus":{"code":500}})"
          "\n{\"stage\":\"ResponseComplete\",\"verb\":\"get\",\"requestURI\":\"/readyz\"}\n")),
      "me|ctl/1|create||events||ns||201\nme||watch||pods||||0\n||delete||pods|||p|504 context canceled\n"
      "||list||pods||||500\n");
}

TEST(RequestLog, CountsWhatMayHaveBeenDone) {
  const struct {
    int code;
    const char* message;
    int least, most;
  } kCases[] = {
      {200, "", 1, 1},
      {201, "", 1, 1},
      {200, "Connection closed early", 0, 1},
      {0, "", 0, 1},
      {499, "", 0, 1},
      {500, "", 0, 1},
      {504, "request did not complete within requested timeout - context canceled", 0, 1},
      {403, "", 0, 0},
      {409, "", 0, 0},
      {429, "", 0, 0},
  };
  std::vector<LoggedRequest> all;
  for (const auto& c : kCases) {
    LoggedRequest write;
    write.verb = "create";
    write.code = c.code;
    write.message = c.message;
    all.push_back(write);
    const WriteCount count = CountWrites({write});
    EXPECT_EQ(count.least(), c.least) << c.code << c.message;
    EXPECT_EQ(count.most(), c.most) << c.code << c.message;
  }
  const WriteCount count = CountWrites(all);
  EXPECT_EQ(count.answered, 3);
  EXPECT_EQ(count.faked, 1);
  EXPECT_EQ(count.unknown, 4);
}

}  // namespace
}  // namespace epslice::e2e
