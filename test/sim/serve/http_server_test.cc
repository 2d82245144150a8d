// The API server over real sockets on 127.0.0.1, asked by an HTTP client.
#include "sim/serve/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "apis/json.h"
#include "informers/clock.h"
#include "sim/serve/bodies.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

constexpr const char* kJson = "application/json";
constexpr const char* kPods = "/api/v1/namespaces/shop/pods";
constexpr const char* kSlices = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
const httplib::Headers kTable = {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}};

std::string PodJson(const std::string& name) {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
         R"(","labels":{"app":"web"}},"spec":{"nodeName":"n1","containers":[{"name":"c","image":"i"}]},
            "status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}]}})";
}

std::string SliceJson(const std::string& name) {
  return R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4","endpoints":[],
            "metadata":{"name":")" +
         name + R"("}})";
}

// Reads the lines of a watch in a thread of its own.
class WatchReader {
 public:
  WatchReader(int port, const std::string& path, const httplib::Headers& headers = {}) : client_("127.0.0.1", port) {
    client_.set_read_timeout(60);
    thread_ = std::thread([this, path, headers] {
      const auto result = client_.Get(
          path, headers,
          [this](const httplib::Response& response) {
            std::lock_guard<std::mutex> lock(mu_);
            code_ = response.status;
            wake_.notify_all();
            return true;
          },
          [this](const char* data, std::size_t size) {
            std::lock_guard<std::mutex> lock(mu_);
            text_.append(data, size);
            wake_.notify_all();
            return true;
          });
      std::lock_guard<std::mutex> lock(mu_);
      clean_end_ = result != nullptr;
      ended_ = true;
      wake_.notify_all();
    });
  }
  ~WatchReader() {
    client_.stop();
    thread_.join();
  }
  // The first `n` frames; fewer when the watch ends or 20 s pass.
  std::vector<Json> Frames(std::size_t n) {
    std::unique_lock<std::mutex> lock(mu_);
    const auto count = [this] { return static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '\n')); };
    wake_.wait_for(lock, std::chrono::seconds(20), [&] { return ended_ || count() >= n; });
    std::vector<Json> frames;
    std::istringstream lines(text_);
    std::string line;
    while (std::getline(lines, line)) frames.push_back(Json::parse(line));
    return frames;
  }
  // Waits for the answer to begin: the watch runs.
  int Code() {
    std::unique_lock<std::mutex> lock(mu_);
    wake_.wait_for(lock, std::chrono::seconds(20), [this] { return code_ != 0 || ended_; });
    return code_;
  }
  // True where the stream came to a regular end within 20 s.
  bool EndsCleanly() {
    std::unique_lock<std::mutex> lock(mu_);
    wake_.wait_for(lock, std::chrono::seconds(20), [this] { return ended_; });
    return ended_ && clean_end_;
  }

 private:
  httplib::Client client_;
  std::thread thread_;
  std::mutex mu_;
  std::condition_variable wake_;
  std::string text_;
  int code_ = 0;
  bool ended_ = false;
  bool clean_end_ = false;
};

class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override {
    MemoryApiServerOptions memory_options;
    memory_options.create_missing_namespaces = true;
    memory_ = std::make_unique<MemoryApiServer>(&clock_, memory_options);
  }
  void Start(HttpServerOptions options = {}) {
    http_ = std::make_unique<HttpServer>(&clock_, memory_.get(), options);
    ASSERT_TRUE(http_->Start().ok());
    client_ = std::make_unique<httplib::Client>("127.0.0.1", http_->port());
  }
  Json Body(const httplib::Result& result, int want_code) {
    EXPECT_TRUE(result) << "no answer";
    if (!result) return {};
    EXPECT_EQ(result->status, want_code) << result->body;
    EXPECT_EQ(result->get_header_value("Content-Type"), kJson);
    return Json::parse(result->body, nullptr, false);
  }
  void CreatePod(const std::string& name) { Body(client_->Post(kPods, PodJson(name), kJson), 201); }

  RealClock clock_;
  std::unique_ptr<MemoryApiServer> memory_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<httplib::Client> client_;
};

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
      {"dry run", "DELETE", pod, kJson, R"({"dryRun":["All"]})", 400, "dryRun"},
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

TEST_F(HttpServerTest, WatchStreams) {
  Start();
  CreatePod("a");
  const std::string version = Body(client_->Get("/api/v1/pods"), 200)["metadata"]["resourceVersion"];
  WatchReader watch(http_->port(), "/api/v1/pods?watch=true&resourceVersion=" + version);
  ASSERT_EQ(watch.Code(), 200);
  CreatePod("b");
  Body(
      client_->Patch(std::string(kPods) + "/b", R"({"metadata":{"labels":{"x":"1"}}})", "application/merge-patch+json"),
      200);
  Body(client_->Delete(std::string(kPods) + "/b?gracePeriodSeconds=0"), 200);
  const std::vector<Json> frames = watch.Frames(3);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0]["type"], "ADDED");
  EXPECT_EQ(frames[0]["object"]["metadata"]["name"], "b");
  EXPECT_EQ(frames[1]["type"], "MODIFIED");
  EXPECT_EQ(frames[2]["type"], "DELETED");
  EXPECT_EQ(http_->watches(), 1U);
}

TEST_F(HttpServerTest, WatchAsTable) {
  Start();
  CreatePod("a");
  CreatePod("b");
  WatchReader watch(http_->port(), std::string(kPods) + "?watch=true&includeObject=None", kTable);
  const std::vector<Json> frames = watch.Frames(2);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_TRUE(frames[0]["object"]["columnDefinitions"].is_array());
  EXPECT_TRUE(frames[1]["object"]["columnDefinitions"].is_null());
  EXPECT_EQ(frames[1]["object"]["rows"][0]["cells"][0], "b");
}

TEST_F(HttpServerTest, WatchEndsAfterItsTime) {
  Start();
  WatchReader watch(http_->port(), "/api/v1/pods?watch=true&timeoutSeconds=1");
  EXPECT_TRUE(watch.EndsCleanly());
}

TEST_F(HttpServerTest, WatchListAndBookmarks) {
  HttpServerOptions options;
  options.bookmark_period = std::chrono::milliseconds(50);
  Start(options);
  CreatePod("a");
  WatchReader watch(http_->port(),
                    "/api/v1/pods?watch=true&sendInitialEvents=true&allowWatchBookmarks=true"
                    "&resourceVersionMatch=NotOlderThan");
  const std::vector<Json> frames = watch.Frames(3);
  ASSERT_GE(frames.size(), 3U);
  EXPECT_EQ(frames[0]["type"], "ADDED");
  EXPECT_EQ(frames[1]["type"], "BOOKMARK");
  EXPECT_EQ(frames[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
  EXPECT_EQ(frames[2]["type"], "BOOKMARK");
  EXPECT_EQ(frames[2]["object"]["kind"], "Pod");
}

TEST_F(HttpServerTest, WatchFromTooLongAgoSaysExpired) {
  Start();
  CreatePod("a");
  memory_->CompactHistory();
  WatchReader watch(http_->port(), "/api/v1/pods?watch=true&resourceVersion=1");
  const std::vector<Json> frames = watch.Frames(1);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(watch.Code(), 200);
  EXPECT_EQ(frames[0]["type"], "ERROR");
  EXPECT_EQ(frames[0]["object"]["reason"], "Expired");
}

TEST_F(HttpServerTest, GracePeriodsEndByThemselves) {
  Start();
  CreatePod("a");
  WatchReader watch(http_->port(), std::string(kPods) + "?watch=true&fieldSelector=metadata.name%3Da");
  ASSERT_EQ(watch.Frames(1).size(), 1U);
  Body(client_->Delete(std::string(kPods) + "/a", R"({"gracePeriodSeconds":1})", kJson), 200);
  const std::vector<Json> frames = watch.Frames(3);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[2]["type"], "DELETED");
}

TEST_F(HttpServerTest, ManyWatchesDoNotStarveRequests) {
  HttpServerOptions options;
  options.max_threads = 24;
  options.max_watches = 16;
  Start(options);
  std::vector<std::unique_ptr<WatchReader>> watches;
  for (int i = 0; i < 16; ++i) {
    watches.push_back(std::make_unique<WatchReader>(http_->port(), "/api/v1/pods?watch=true"));
  }
  for (const auto& watch : watches) ASSERT_EQ(watch->Code(), 200);
  const auto refused = client_->Get("/api/v1/pods?watch=true");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->get_header_value("Retry-After"), "5");
  CreatePod("a");
  for (const auto& watch : watches) EXPECT_EQ(watch->Frames(1).size(), 1U);
}

TEST_F(HttpServerTest, StopEndsWatchesInGoodOrder) {
  Start();
  WatchReader watch(http_->port(), "/api/v1/pods?watch=true");
  ASSERT_EQ(watch.Code(), 200);
  const Instant begin = clock_.Now();
  http_->Stop();
  EXPECT_LT(clock_.Now() - begin, std::chrono::seconds(5));
  EXPECT_TRUE(watch.EndsCleanly());
  http_->Stop();
}

TEST_F(HttpServerTest, WatchOfAClientThatWentAwayIsDropped) {
  Start();
  {
    WatchReader watch(http_->port(), "/api/v1/pods?watch=true");
    ASSERT_EQ(watch.Code(), 200);
  }
  const Instant begin = clock_.Now();
  while (http_->watches() > 0 && clock_.Now() - begin < std::chrono::seconds(20)) std::this_thread::yield();
  EXPECT_EQ(http_->watches(), 0U);
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

// A client that speaks bytes.
class RawClient {
 public:
  explicit RawClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    timeval timeout{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  void Send(const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t n = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
  }
  // All up to the end of the connection.
  std::string ReadAll() {
    std::string all;
    char buffer[4096];
    ssize_t n = 0;
    while ((n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0) all.append(buffer, static_cast<std::size_t>(n));
    EXPECT_TRUE(n == 0 || errno == ECONNRESET) << "the server did not close";
    return all;
  }

 private:
  const int fd_;
};

TEST_F(HttpServerTest, BoundsWhatItReads) {
  HttpServerOptions options;
  options.request_timeout = std::chrono::milliseconds(300);
  options.idle_timeout = std::chrono::milliseconds(300);
  Start(options);
  {
    SCOPED_TRACE("endless request line");
    RawClient client(http_->port());
    client.Send("GET /" + std::string(300'000, 'a'));
    client.ReadAll();
  }
  {
    SCOPED_TRACE("endless headers");
    RawClient client(http_->port());
    client.Send("GET /healthz HTTP/1.1\r\n");
    for (int i = 0; i < 3000; ++i) client.Send("X-Header-" + std::to_string(i) + ": " + std::string(64, 'x') + "\r\n");
    client.ReadAll();
  }
  {
    SCOPED_TRACE("slow request");
    RawClient client(http_->port());
    client.Send("GET /healthz HT");
    EXPECT_EQ(client.ReadAll(), "");
  }
  {
    SCOPED_TRACE("silent connection");
    RawClient client(http_->port());
    EXPECT_EQ(client.ReadAll(), "");
  }
  {
    SCOPED_TRACE("no HTTP");
    RawClient client(http_->port());
    client.Send("\x16\x03\x01 hello\r\n\r\n");
    EXPECT_NE(client.ReadAll().find("400"), std::string::npos);
  }
  {
    SCOPED_TRACE("body announced too long");
    RawClient client(http_->port());
    client.Send("POST /api/v1/namespaces HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n{");
    EXPECT_NE(client.ReadAll().find(" 413 "), std::string::npos);
  }
  {
    SCOPED_TRACE("body too long, in chunks");
    RawClient client(http_->port());
    client.Send("POST /api/v1/namespaces HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "100000\r\n" + std::string(0x100000, ' ') + "\r\n";
    for (int i = 0; i < 4; ++i) client.Send(chunk);
    EXPECT_NE(client.ReadAll().find(" 413 "), std::string::npos);
  }
  {
    SCOPED_TRACE("long path with a body");
    RawClient client(http_->port());
    client.Send("POST /" + std::string(7000, 'a') + " HTTP/1.1\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_NE(client.ReadAll().find(" 404 "), std::string::npos);
  }
  {
    SCOPED_TRACE("delete without a length");
    RawClient client(http_->port());
    client.Send("DELETE /api/v1/nodes/none HTTP/1.1\r\n\r\n");
    EXPECT_NE(client.ReadAll().find(" 404 "), std::string::npos);
  }
  EXPECT_EQ(client_->Get("/healthz")->body, "ok");
}

TEST_F(HttpServerTest, SeveralRequestsOnOneConnection) {
  HttpServerOptions options;
  options.idle_timeout = std::chrono::milliseconds(500);
  Start(options);
  RawClient client(http_->port());
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += "GET /healthz HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n";
  client.Send(requests);
  const std::string answers = client.ReadAll();
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answers.find("200 OK", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 20U);
}

TEST_F(HttpServerTest, SlowWatchIsCutOffAndToldSo) {
  WatchLimits limits;
  limits.max_events = 50;
  WatchPlan plan;
  plan.request.verb = Verb::kWatch;
  plan.request.kind = Kind::kNode;
  Status status;
  const auto create = [&](int i) {
    Node node;
    node.metadata.name = "n" + std::to_string(i);
    Request request;
    request.verb = Verb::kCreate;
    request.kind = Kind::kNode;
    request.object = AnyObject::Of(node);
    ASSERT_TRUE(memory_->Handle(request).status.ok());
  };
  // What is there from the start does not count.
  for (int i = 0; i < 100; ++i) create(i);
  const auto stream = WatchStream::Start(memory_.get(), &clock_, plan, limits, &status);
  ASSERT_NE(stream, nullptr) << status.ToString();
  for (int i = 100; i < 150; ++i) create(i);
  std::string frames;
  EXPECT_EQ(stream->Next(Duration(0), &frames), WatchStream::Result::kFrames);
  EXPECT_EQ(std::count(frames.begin(), frames.end(), '\n'), 150);
  for (int i = 150; i < 201; ++i) create(i);
  frames.clear();
  EXPECT_EQ(stream->Next(Duration(0), &frames), WatchStream::Result::kFrames);
  EXPECT_EQ(std::count(frames.begin(), frames.end(), '\n'), 1);
  EXPECT_NE(frames.find("\"Expired\""), std::string::npos);
  EXPECT_EQ(stream->Next(Duration(0), &frames), WatchStream::Result::kEnd);
}

}  // namespace
}  // namespace epslice::sim
