// The API server over real sockets on 127.0.0.1, asked by an HTTP client.
#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

#include "test/sim/serve/http_fixture.h"

namespace epslice::sim {
namespace {
TEST_F(HttpServerTest, CreateGetListUpdateDelete) {
  Start();
  Json pod = Body(client_->Post(kPods, PodJson("a"), kJson), 201);
  EXPECT_EQ(pod["kind"], "Pod");
  EXPECT_FALSE(pod["metadata"]["uid"].get<std::string>().empty());
  EXPECT_EQ(Body(client_->Get("/api/v1/namespaces/shop/pods/a"), 200), pod);
  const Json list = Body(client_->Get("/api/v1/pods?labelSelector=app%3Dweb"), 200);
  EXPECT_EQ(list["kind"], "PodList");
  ASSERT_EQ(list["items"].size(), 1U);
  EXPECT_EQ(Body(client_->Get("/api/v1/pods?labelSelector=app%3Dother"), 200)["items"].size(), 0U);

  pod["metadata"]["labels"]["tier"] = "front";
  const Json updated = Body(client_->Put("/api/v1/namespaces/shop/pods/a", pod.dump(), kJson), 200);
  EXPECT_EQ(updated["metadata"]["labels"]["tier"], "front");
  EXPECT_NE(updated["metadata"]["resourceVersion"], pod["metadata"]["resourceVersion"]);
  EXPECT_EQ(Body(client_->Put("/api/v1/namespaces/shop/pods/a", pod.dump(), kJson), 409)["reason"], "Conflict");

  const Json going =
      Body(client_->Delete("/api/v1/namespaces/shop/pods/a", R"({"gracePeriodSeconds":60})", kJson), 200);
  EXPECT_EQ(going["metadata"]["deletionGracePeriodSeconds"], 60);
  Body(client_->Delete("/api/v1/namespaces/shop/pods/a?gracePeriodSeconds=0"), 200);
  EXPECT_EQ(Body(client_->Get("/api/v1/namespaces/shop/pods/a"), 404)["details"]["kind"], "pods");
}

TEST_F(HttpServerTest, DryRuns) {
  Start();
  CreatePod("a");
  const std::string pod = std::string(kPods) + "/a";
  const Json made = Body(client_->Post(std::string(kPods) + "?dryRun=All", PodJson("b"), kJson), 201);
  EXPECT_FALSE(made["metadata"].contains("resourceVersion"));
  const Json patched = Body(
      client_->Patch(pod + "?dryRun=All", R"({"metadata":{"labels":{"x":"y"}}})", "application/merge-patch+json"), 200);
  EXPECT_EQ(patched["metadata"]["labels"]["x"], "y");
  Body(client_->Delete(pod, R"({"dryRun":["All"],"gracePeriodSeconds":0})", kJson), 200);
  Body(client_->Delete(pod + "?dryRun=All&gracePeriodSeconds=0"), 200);
  const Json list = Body(client_->Get(kPods), 200);
  ASSERT_EQ(list["items"].size(), 1U);
  EXPECT_EQ(list["items"][0]["metadata"]["resourceVersion"], patched["metadata"]["resourceVersion"]);
}

// A lease is made by an update, as a slice is not.
TEST_F(HttpServerTest, UpdatesOfWhatIsNotThere) {
  Start();
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/shop/leases";
  Json lease = {{"metadata", {{"name", "l"}, {"uid", "gone"}}}, {"spec", {{"holderIdentity", "me"}}}};
  EXPECT_EQ(Body(client_->Put(leases + "/l", lease.dump(), kJson), 409)["reason"], "Conflict");
  lease["metadata"].erase("uid");
  EXPECT_EQ(Body(client_->Put(leases + "/l", lease.dump(), kJson), 201)["spec"]["holderIdentity"], "me");
  EXPECT_EQ(Body(client_->Put(leases + "/l", lease.dump(), kJson), 200)["metadata"]["name"], "l");
  Body(client_->Put(std::string(kSlices) + "/s", SliceJson("s"), kJson), 404);
}

TEST_F(HttpServerTest, DeleteOfASliceAnswersAStatus) {
  Start();
  const Json slice = Body(client_->Post(kSlices, SliceJson("s"), kJson), 201);
  const Json status = Body(client_->Delete("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/s"), 200);
  EXPECT_EQ(status["kind"], "Status");
  EXPECT_EQ(status["status"], "Success");
  EXPECT_EQ(status["details"]["uid"], slice["metadata"]["uid"]);
  EXPECT_EQ(status["details"]["group"], "discovery.k8s.io");
}

TEST_F(HttpServerTest, DeleteCollection) {
  Start();
  for (const char* name : {"a", "b", "c"}) Body(client_->Post(kSlices, SliceJson(name), kJson), 201);
  Body(client_->Patch(std::string(kSlices) + "/b", R"({"metadata":{"labels":{"keep":"me"}}})",
                      "application/merge-patch+json"),
       200);
  const Json deleted = Body(client_->Delete(std::string(kSlices) + "?labelSelector=%21keep"), 200);
  EXPECT_EQ(deleted["kind"], "EndpointSliceList");
  EXPECT_EQ(deleted["items"].size(), 2U);
  EXPECT_EQ(Body(client_->Get(kSlices), 200)["items"].size(), 1U);
}

TEST_F(HttpServerTest, Patches) {
  Start();
  CreatePod("a");
  const std::string path = "/api/v1/namespaces/shop/pods/a";
  const auto label = [](const Json& pod) { return pod["metadata"]["labels"].value("x", ""); };
  EXPECT_EQ(
      label(Body(client_->Patch(path, R"({"metadata":{"labels":{"x":"1"}}})", "application/merge-patch+json"), 200)),
      "1");
  EXPECT_EQ(label(Body(client_->Patch(path, R"({"metadata":{"labels":{"x":"2"}}})",
                                      "application/strategic-merge-patch+json; charset=utf-8"),
                       200)),
            "2");
  EXPECT_EQ(label(Body(client_->Patch(path, R"([{"op":"replace","path":"/metadata/labels/x","value":"3"}])",
                                      "application/json-patch+json"),
                       200)),
            "3");
  const Json ready =
      Body(client_->Patch(path + "/status", R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})",
                          "application/strategic-merge-patch+json"),
           200);
  EXPECT_EQ(ready["status"]["conditions"][0]["status"], "True");
  EXPECT_EQ(ready["status"]["phase"], "Running");
  const Json apply = Body(client_->Patch(path, "{}", "application/apply-patch+yaml"), 415);
  EXPECT_NE(apply["message"].get<std::string>().find("server-side apply"), std::string::npos);
  Body(client_->Patch(path, "{}", kJson), 415);
  Body(client_->Patch(path, "{", "application/merge-patch+json"), 400);
}

TEST_F(HttpServerTest, BindingAndEviction) {
  Start();
  Json pod = Json::parse(PodJson("a"));
  pod["spec"].erase("nodeName");
  Body(client_->Post(kPods, pod.dump(), kJson), 201);
  const std::string path = std::string(kPods) + "/a";
  const Json bound = Body(client_->Post(path + "/binding",
                                        R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":"a"},
                                            "target":{"kind":"Node","name":"n7"}})",
                                        kJson),
                          201);
  EXPECT_EQ(bound["status"], "Success");
  EXPECT_EQ(Body(client_->Get(path), 200)["spec"]["nodeName"], "n7");
  Body(client_->Post(path + "/binding", R"({"target":{}})", kJson), 400);
  Body(client_->Post(path + "/eviction",
                     R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"a"},
                         "deleteOptions":{"gracePeriodSeconds":5}})",
                     kJson),
       201);
  EXPECT_EQ(Body(client_->Get(path), 200)["metadata"]["deletionGracePeriodSeconds"], 5);
}

struct ErrorCase {
  const char* what;
  const char* method;
  std::string path;
  std::string content_type;
  std::string body;
  int code;
  const char* message;  // is in it
};

TEST_F(HttpServerTest, Errors) {
  Start();
  CreatePod("a");
  const std::string pod = std::string(kPods) + "/a";
  const std::vector<ErrorCase> cases = {
      {"no such object", "GET", std::string(kPods) + "/none", "", "", 404, "pods \"none\" not found"},
      {"method", "POST", pod, kJson, PodJson("a"), 405, "does not allow this method"},
      {"exists", "POST", kPods, kJson, PodJson("a"), 409, "pods \"a\" already exists"},
      {"cut off", "POST", kPods, kJson, R"({"apiVersion":"v1","kind":)", 400,
       "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error"},
      {"no object", "POST", kPods, kJson, "[]", 400, "is not a JSON object"},
      {"nothing", "POST", kPods, kJson, "", 400, "must be of type Pod"},
      {"deep", "POST", kPods, kJson, std::string(100'000, '['), 400, "nested deeper"},
      {"kind", "POST", kPods, kJson, R"({"apiVersion":"v1","kind":"Service"})", 400, "cannot be handled as a Pod"},
      {"version", "POST", kPods, kJson, R"({"apiVersion":"v2","kind":"Pod"})", 400,
       "does not match the expected API version (v1)"},
      {"namespace", "POST", kPods, kJson, R"({"metadata":{"name":"b","namespace":"other"}})", 400,
       "the namespace of the provided object does not match the namespace sent on the request"},
      {"name", "PUT", pod, kJson, PodJson("b"), 400, "does not match the name on the URL (a)"},
      {"namespace of an update", "PUT", pod, kJson, R"({"metadata":{"name":"a","namespace":"x"}})", 400,
       "does not match the namespace on the request (shop)"},
      {"type of a field", "POST", kPods, kJson, R"({"metadata":{"name":"b"},"spec":{"nodeName":7}})", 400, "nodeName"},
      {"protobuf", "POST", kPods, "application/vnd.kubernetes.protobuf", "k8s", 400, "does not begin with"},
      {"yaml", "POST", kPods, "application/yaml", "a: b", 415, "application/json"},
      {"form", "POST", kPods, "multipart/form-data; boundary=x", "--x--", 415, "application/json"},
      {"delete options", "DELETE", pod, kJson, R"({"gracePeriodSeconds":-1})", 400, "gracePeriodSeconds"},
      {"dry run", "DELETE", pod, kJson, R"({"dryRun":["Some"]})", 400, "dryRun"},
      {"propagation", "DELETE", pod, kJson, R"({"propagationPolicy":"Sideways"})", 400, "Sideways"},
      {"selector", "GET", "/api/v1/pods?labelSelector=a%20b", "", "", 400, "label selector"},
      {"future", "GET", "/api/v1/pods?resourceVersion=99999999", "", "", 504, "Too large resource version"},
      {"precondition", "DELETE", pod, kJson, R"({"preconditions":{"uid":"other"}})", 409, "Precondition"},
  };
  for (const ErrorCase& c : cases) {
    SCOPED_TRACE(c.what);
    httplib::Request request;
    request.method = c.method;
    request.path = c.path;
    request.body = c.body;
    if (!c.content_type.empty()) request.headers.emplace("Content-Type", c.content_type);
    const Json status = Body(client_->send(request), c.code);
    EXPECT_EQ(status["kind"], "Status");
    EXPECT_EQ(status["status"], "Failure");
    EXPECT_EQ(status["code"], c.code);
    EXPECT_NE(status.value("message", "").find(c.message), std::string::npos) << status["message"];
  }
}

TEST_F(HttpServerTest, NegotiationAndDocuments) {
  Start();
  CreatePod("a");
  EXPECT_EQ(Body(client_->Get("/api/v1/pods", kTable), 200)["kind"], "Table");
  EXPECT_EQ(Body(client_->Get(std::string(kPods) + "/a", kTable), 200)["rows"][0]["cells"][0], "a");
  EXPECT_EQ(Body(client_->Get("/api/v1/pods", httplib::Headers{{"Accept", "application/yaml"}}), 406)["reason"],
            "NotAcceptable");
  const auto unknown = client_->Get("/openapi/v2");
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->status, 404);
  EXPECT_EQ(unknown->body, "404 page not found\n");
  EXPECT_EQ(client_->Get("/healthz")->body, "ok");
  EXPECT_EQ(Body(client_->Post("/version", "", kJson), 405)["code"], 405);
  const auto aggregated = client_->Get(
      "/apis", httplib::Headers{{"Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}});
  ASSERT_TRUE(aggregated);
  EXPECT_NE(aggregated->get_header_value("Content-Type").find("as=APIGroupDiscoveryList"), std::string::npos);
  const auto head = client_->Head("/healthz");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
}

TEST_F(HttpServerTest, EventsInBothSpellings) {
  Start();
  const std::string events = "/apis/events.k8s.io/v1/namespaces/shop/events";
  const Json event = Body(client_->Post(events,
                                        R"({"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"e"},
                                            "eventTime":"2026-01-01T00:00:00.000000Z","note":"hello","reason":"R",
                                            "type":"Normal","action":"A","reportingController":"c",
                                            "reportingInstance":"c-0",
                                            "regarding":{"kind":"Pod","name":"a","namespace":"shop"}})",
                                        kJson),
                          201);
  EXPECT_EQ(event["apiVersion"], "events.k8s.io/v1");
  EXPECT_EQ(event["note"], "hello");
  const Json core = Body(client_->Get("/api/v1/namespaces/shop/events/e"), 200);
  EXPECT_EQ(core["apiVersion"], "v1");
  EXPECT_EQ(core["message"], "hello");
  EXPECT_EQ(core["involvedObject"]["name"], "a");
  const Json list = Body(client_->Get(events), 200);
  EXPECT_EQ(list["apiVersion"], "events.k8s.io/v1");
  EXPECT_EQ(list["items"][0]["regarding"]["name"], "a");
  WatchReader watch(http_->port(), events + "?watch=1");
  const std::vector<Json> frames = watch.Frames(1);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0]["object"]["note"], "hello");
}

TEST_F(HttpServerTest, PortInUse) {
  Start();
  HttpServerOptions options;
  options.port = http_->port();
  HttpServer second(&clock_, memory_.get(), options);
  const absl::Status status = second.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("in use"), std::string::npos) << status;
  HttpServerOptions elsewhere;
  elsewhere.address = "192.0.2.1";
  EXPECT_FALSE(HttpServer(&clock_, memory_.get(), elsewhere).Start().ok());
}

TEST_F(HttpServerTest, AccessLog) {
  std::mutex mu;
  std::vector<AccessRecord> records;
  HttpServerOptions options;
  options.access_log = [&](const AccessRecord& record) {
    std::lock_guard<std::mutex> lock(mu);
    records.push_back(record);
  };
  Start(options);
  client_->Get("/api/v1/pods?limit=1", httplib::Headers{{"User-Agent", "me/1"}});
  http_->Stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].method, "GET");
  EXPECT_EQ(records[0].target, "/api/v1/pods?limit=1");
  EXPECT_EQ(records[0].user_agent, "me/1");
  EXPECT_EQ(records[0].remote, "127.0.0.1");
  EXPECT_EQ(records[0].code, 200);
  EXPECT_GT(records[0].bytes, 10U);
}

}  // namespace
}  // namespace epslice::sim
