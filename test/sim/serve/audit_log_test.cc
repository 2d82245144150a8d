#include "sim/serve/audit_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <set>

#include "apis/protobuf.h"
#include "test/informers/http/pki.h"
#include "test/sim/serve/http_fixture.h"

namespace epslice::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using OrderedJson = nlohmann::ordered_json;

constexpr const char* kEverything = R"(
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: Metadata, nonResourceURLs: ["*"]}
- {level: RequestResponse}
)";

std::unique_ptr<AuditLog> LogTo(const std::string& path, AuditPolicy policy,
                                std::size_t max_bytes = AuditLog::kMaxBytes) {
  static const RealClock clock;
  absl::StatusOr<std::unique_ptr<AuditFile>> file = AuditFile::Open(path, {}, &clock);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? std::make_unique<AuditLog>(*std::move(file), std::move(policy), max_bytes) : nullptr;
}

class ServeAuditLogTest : public HttpServerTest {
 protected:
  void StartWith(AuditPolicy policy, HttpServerOptions options = {}) {
    log_ = LogTo(dir_.path() + "/audit.jsonl", std::move(policy));
    ASSERT_NE(log_, nullptr);
    options.audit = log_.get();
    Start(options);
  }
  void TearDown() override {
    client_.reset();
    if (http_ != nullptr) http_->Stop();
  }
  // Ends server and log.
  std::vector<OrderedJson> Lines() {
    client_.reset();
    http_->Stop();
    EXPECT_TRUE(log_->Close().ok());
    std::vector<OrderedJson> lines;
    std::istringstream text(dir_.Read("audit.jsonl"));
    for (std::string line; std::getline(text, line);) lines.push_back(OrderedJson::parse(line));
    return lines;
  }

  const TempDir dir_;
  std::unique_ptr<AuditLog> log_;
};

std::vector<std::string> Keys(const OrderedJson& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST_F(ServeAuditLogTest, AWriteAsAKubeApiserverLogsIt) {
  StartWith(AuditPolicy::Default());
  Body(client_->Post(kPods, {{"User-Agent", "kubelet/v1"}}, PodJson("a"), kJson), 201);
  const std::vector<OrderedJson> lines = Lines();
  ASSERT_EQ(lines.size(), 1U);
  const OrderedJson& e = lines[0];
  EXPECT_THAT(Keys(e), ElementsAre("kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb", "user",
                                   "sourceIPs", "userAgent", "objectRef", "responseStatus", "requestObject",
                                   "responseObject", "requestReceivedTimestamp", "stageTimestamp", "annotations"));
  EXPECT_EQ(e["kind"], "Event");
  EXPECT_EQ(e["apiVersion"], "audit.k8s.io/v1");
  EXPECT_EQ(e["level"], "RequestResponse");
  EXPECT_THAT(std::string(e["auditID"]),
              testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(e["stage"], "ResponseComplete");
  EXPECT_EQ(e["requestURI"], kPods);
  EXPECT_EQ(e["verb"], "create");
  EXPECT_EQ(e["user"], OrderedJson::parse(R"({"username":"system:anonymous","groups":["system:unauthenticated"]})"));
  EXPECT_EQ(e["sourceIPs"], OrderedJson::parse(R"(["127.0.0.1"])"));
  EXPECT_EQ(e["userAgent"], "kubelet/v1");
  EXPECT_EQ(e["objectRef"],
            OrderedJson::parse(R"({"resource":"pods","namespace":"shop","name":"a","apiVersion":"v1"})"));
  EXPECT_EQ(e["responseStatus"], OrderedJson::parse(R"({"metadata":{},"code":201})"));
  EXPECT_EQ(e["requestObject"], OrderedJson::parse(PodJson("a")));
  EXPECT_EQ(e["responseObject"]["kind"], "Pod");
  EXPECT_FALSE(std::string(e["responseObject"]["metadata"]["resourceVersion"]).empty());
  for (const char* time : {"requestReceivedTimestamp", "stageTimestamp"}) {
    EXPECT_THAT(std::string(e[time]),
                testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z"));
  }
  EXPECT_LE(std::string(e["requestReceivedTimestamp"]), std::string(e["stageTimestamp"]));
  EXPECT_EQ(e["annotations"], OrderedJson::parse(R"({"authorization.k8s.io/decision":"allow",
                                                     "authorization.k8s.io/reason":""})"));
}

TEST_F(ServeAuditLogTest, WhatIsSentInProtobufIsShownAsJson) {
  StartWith(AuditPolicy::Default());
  EndpointSlice slice;
  slice.metadata.generateName = "web-";
  slice.metadata.namespace_ = "shop";
  slice.addressType = "IPv4";
  const httplib::Headers headers = {{"Accept", std::string(kProtobufMediaType)}};
  std::string body;
  AppendProtobuf(slice, &body);
  const auto result = client_->Post(kSlices, headers, body, std::string(kProtobufMediaType));
  ASSERT_TRUE(result);
  ASSERT_EQ(result->status, 201) << result->body;
  EXPECT_EQ(result->get_header_value("Content-Type"), kProtobufMediaType);
  const std::string id = result->get_header_value("Audit-Id");
  const std::vector<OrderedJson> lines = Lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["auditID"], id);
  EXPECT_EQ(lines[0]["requestObject"]["metadata"]["generateName"], "web-");
  EXPECT_THAT(std::string(lines[0]["responseObject"]["metadata"]["name"]), HasSubstr("web-"));
  // A generated name is not told where the request is looked at.
  EXPECT_THAT(Keys(lines[0]["objectRef"]), ElementsAre("resource", "namespace", "apiGroup", "apiVersion"));
}

TEST_F(ServeAuditLogTest, WhatCameOfARequest) {
  StartWith(AuditPolicy::Default());
  CreatePod("a");
  const std::string pod = std::string(kPods) + "/a";
  Body(client_->Patch(pod + "/status", R"({"status": {"phase":
      "Failed", "message": "a \" b"}})",
                      "application/merge-patch+json"),
       200);
  Body(client_->Post(kPods, PodJson("a"), kJson), 409);
  Body(client_->Post(kPods, "{no json", kJson), 400);
  Body(client_->Delete(pod, R"({"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0})", kJson), 200);
  Body(client_->Post(kSlices, SliceJson("s"), kJson), 201);
  Body(client_->Delete(std::string(kSlices) + "/s"), 200);
  Body(client_->Delete(kPods), 200);
  Body(client_->Get(kPods), 200);
  const std::vector<OrderedJson> lines = Lines();
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_EQ(lines[1]["objectRef"]["subresource"], "status");
  EXPECT_EQ(lines[1]["requestObject"].dump(), R"({"status":{"phase":"Failed","message":"a \" b"}})");
  const OrderedJson& conflict = lines[2]["responseStatus"];
  EXPECT_THAT(Keys(conflict), ElementsAre("metadata", "status", "message", "reason", "details", "code"));
  EXPECT_EQ(conflict["status"], "Failure");
  EXPECT_EQ(conflict["reason"], "AlreadyExists");
  EXPECT_EQ(conflict["code"], 409);
  EXPECT_EQ(lines[2]["responseObject"]["kind"], "Status");
  EXPECT_EQ(lines[3]["responseStatus"]["code"], 400);
  EXPECT_FALSE(lines[3].contains("requestObject"));
  EXPECT_EQ(lines[4]["verb"], "delete");
  EXPECT_EQ(lines[4]["requestObject"]["gracePeriodSeconds"], 0);
  EXPECT_EQ(lines[4]["responseObject"]["kind"], "Pod");
  EXPECT_THAT(Keys(lines[6]["responseStatus"]), ElementsAre("metadata", "status", "details", "code"));
  EXPECT_EQ(lines[6]["responseStatus"]["status"], "Success");
  EXPECT_EQ(lines[7]["verb"], "deletecollection");
  EXPECT_EQ(lines[7]["responseObject"]["kind"], "PodList");
}

TEST_F(ServeAuditLogTest, StagesOfAWatch) {
  StartWith(*AuditPolicy::Parse(kEverything));
  client_->Get("/version");
  {
    WatchReader watch(http_->port(), std::string(kPods) + "?watch=1&timeoutSeconds=1");
    EXPECT_EQ(watch.Code(), 200);
    EXPECT_TRUE(watch.EndsCleanly());
  }
  const std::vector<OrderedJson> lines = Lines();
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[1]["level"], "Metadata");
  EXPECT_FALSE(lines[1].contains("objectRef"));
  EXPECT_EQ(lines[2]["stage"], "RequestReceived");
  EXPECT_EQ(lines[2]["verb"], "watch");
  EXPECT_FALSE(lines[2].contains("responseStatus"));
  EXPECT_FALSE(lines[2].contains("annotations"));
  EXPECT_EQ(lines[3]["stage"], "ResponseStarted");
  EXPECT_EQ(lines[3]["responseStatus"]["code"], 200);
  EXPECT_EQ(lines[4]["stage"], "ResponseComplete");
  EXPECT_FALSE(lines[4].contains("responseObject"));
  for (const std::size_t i : {3, 4}) EXPECT_EQ(lines[i]["auditID"], lines[2]["auditID"]);
}

TEST_F(ServeAuditLogTest, WhoAsksAndMayNotButNeverTokens) {
  TokenAuth tokens;
  tokens.Add("t0k3n-of-root", UserInfo{"root", "1", {std::string(kGroupMasters)}});
  tokens.Add("t0k3n-of-bob", UserInfo{"bob", "", {}});
  HttpServerOptions options;
  options.tokens = std::make_shared<const TokenAuth>(tokens);
  options.authorization = AuthorizationMode::kRbac;
  StartWith(*AuditPolicy::Parse(kEverything), options);
  const httplib::Headers root = {{"Authorization", "Bearer t0k3n-of-root"}};
  client_->Get(kPods);
  client_->Get(kPods, {{"Authorization", "Bearer t0k3n-of-bob"}});
  client_->Get(kPods, {{"Authorization", "Bearer t0k3n-of-root"}, {"Impersonate-User", "carol"}});
  client_->Post("/apis/authentication.k8s.io/v1/tokenreviews", root,
                R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"t0k3n-of-bob"}})",
                kJson);
  const std::vector<OrderedJson> lines = Lines();
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_EQ(lines[1]["user"], OrderedJson::object());
  EXPECT_EQ(lines[1]["responseStatus"]["code"], 401);
  EXPECT_FALSE(lines[1].contains("annotations"));
  EXPECT_EQ(lines[3]["user"]["username"], "bob");
  EXPECT_EQ(lines[3]["responseStatus"]["code"], 403);
  EXPECT_EQ(lines[3]["annotations"]["authorization.k8s.io/decision"], "forbid");
  EXPECT_EQ(lines[5]["user"]["username"], "root");
  EXPECT_EQ(lines[5]["impersonatedUser"]["username"], "carol");
  EXPECT_EQ(lines[7]["level"], "Metadata");
  EXPECT_EQ(lines[7]["responseStatus"]["code"], 201);
  EXPECT_THAT(dir_.Read("audit.jsonl"), Not(HasSubstr("t0k3n")));
}

AuditEvent NumberedEvent(int i) {
  AuditEvent event;
  event.id = std::to_string(i);
  event.decision.level = AuditLevel::kMetadata;
  event.target = "/" + std::string(100, 'x');
  return event;
}

TEST(ServeAuditLogQueueTest, WhoAddsMoreThanFitsWaitsAndNothingIsLost) {
  const TempDir dir;
  const std::string path = dir.path() + "/fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::string text;
  std::thread reader([&] {
    const int fd = open(path.c_str(), O_RDONLY);
    char buffer[100];
    for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
    close(fd);
  });
  constexpr int kThreads = 4, kEach = 500;
  {
    const auto log = LogTo(path, AuditPolicy::Default(), 2000);
    ASSERT_NE(log, nullptr);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) log->Add(NumberedEvent(t * kEach + i));
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(log->Close().ok());
  }
  reader.join();
  std::set<std::string> ids;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) ids.insert(Json::parse(line)["auditID"]);
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kThreads * kEach));
}

TEST(ServeAuditLogQueueTest, AFullDiskEndsTheLogAndHoldsNobodyUp) {
  const auto log = LogTo("/dev/full", AuditPolicy::Default(), 2000);
  ASSERT_NE(log, nullptr);
  for (int i = 0; i < 1000; ++i) log->Add(NumberedEvent(i));
  const absl::Status status = log->Close();
  EXPECT_THAT(std::string(status.message()), HasSubstr("No space left"));
  EXPECT_EQ(log->Close(), status);
}

TEST(ServeAuditLogQueueTest, AppendsToAFileThatOthersCannotRead) {
  const TempDir dir;
  const std::string path = dir.path() + "/audit.jsonl";
  for (int i = 0; i < 2; ++i) {
    const auto log = LogTo(path, AuditPolicy::Default());
    ASSERT_NE(log, nullptr);
    log->Add(NumberedEvent(i));
  }
  const std::string text = dir.Read("audit.jsonl");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

}  // namespace
}  // namespace epslice::sim
