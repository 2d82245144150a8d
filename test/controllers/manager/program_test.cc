// endpointslice-controller as a process, against an API server over HTTP.
#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "apis/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/cluster/document_store.h"
#include "sim/serve/http_server.h"
#include "sim/trace/dump_reader.h"
#include "test/controllers/manager/child.h"
#include "test/controllers/manager/memory_transport.h"
#include "test/informers/http/pki.h"
#include "test/informers/http/raw_client.h"

namespace epslice {
namespace {

using testing::HasSubstr;

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() : server_(&clock_, ServerOptions()) {
    Request watch;
    watch.verb = Verb::kWatch;
    watch.kind = Kind::kEndpointSlice;
    Status status;
    watch_ = server_.Watch(
        watch, [this](const WatchEvent&) { progress_.Bump(); }, &status);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }

  static sim::MemoryApiServerOptions ServerOptions() {
    sim::MemoryApiServerOptions options;
    options.create_missing_namespaces = true;
    return options;
  }

  void Run(std::vector<std::string> args) {
    // Tests run side by side: no port for it unless a test says so.
    args.insert(args.begin(), {std::string(EPSLICE_BIN_DIR) + "/endpointslice-controller", "--secure-port=0"});
    child_ = std::make_unique<Child>(std::move(args), [this] { progress_.Bump(); });
  }
  // On the port of before, if there was one.
  void Serve(sim::HttpServerOptions options = {}) {
    options.port = port_;
    http_ = std::make_unique<sim::HttpServer>(&clock_, &server_, options);
    const absl::Status status = http_->Start();
    ASSERT_TRUE(status.ok()) << status;
    port_ = http_->port();
  }
  std::string Master() const { return "--master=http://127.0.0.1:" + std::to_string(port_); }

  void Create(Kind kind, const std::string& json) {
    const auto object = DecodeObjectJson(kind, json, /*keep_json=*/true);
    ASSERT_TRUE(object.ok()) << object.status();
    Request request;
    request.verb = Verb::kCreate;
    request.kind = kind;
    request.namespace_ = object->meta().namespace_.str();
    request.object = *object;
    const Status status = server_.Handle(request).status;
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  void CreateNodeAndService() {
    Create(Kind::kNode, R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1",
        "labels":{"topology.kubernetes.io/zone":"a"}},"status":{"conditions":[{"type":"Ready","status":"True"}]}})");
    Create(Kind::kService, R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},
        "spec":{"selector":{"app":"web"},"ports":[{"port":80,"targetPort":8080}]}})");
  }
  void CreatePod(int i) {
    const std::string n = std::to_string(i);
    Create(Kind::kPod, R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-)" + n +
                           R"(","namespace":"shop","labels":{"app":"web"}},
        "spec":{"nodeName":"n1","containers":[{"name":"c","image":"i"}]},
        "status":{"phase":"Running","podIP":"10.0.0.)" +
                           n + R"(","podIPs":[{"ip":"10.0.0.)" + n +
                           R"("}],"conditions":[{"type":"Ready","status":"True"}]}})");
  }
  std::vector<std::string> Addresses(std::size_t* slices) const {
    Request request;
    request.verb = Verb::kList;
    request.kind = Kind::kEndpointSlice;
    const Response response = server_.Handle(request);
    *slices = response.list.items.size();
    std::vector<std::string> addresses;
    for (const AnyObject& item : response.list.items) {
      for (const Endpoint& endpoint : item.As<EndpointSlice>()->endpoints) {
        addresses.push_back(endpoint.addresses.front().str());
      }
    }
    std::sort(addresses.begin(), addresses.end());
    return addresses;
  }
  // One slice with the first n pods.
  std::vector<std::string> LeaseEvents() const {
    Request request;
    request.verb = Verb::kList;
    request.kind = Kind::kEvent;
    std::vector<std::string> messages;
    for (const AnyObject& item : server_.Handle(request).list.items) {
      const auto event = item.As<Event>();
      if (event->involvedObject.kind == "Lease") messages.push_back(event->message.str());
    }
    return messages;
  }
  bool WaitForPods(int n) {
    std::vector<std::string> want;
    for (int i = 1; i <= n; ++i) want.push_back("10.0.0." + std::to_string(i));
    return progress_.WaitUntil([&] {
      std::size_t slices = 0;
      return Addresses(&slices) == want && slices == 1;
    });
  }
  bool WaitForOutput(const std::string& part) {
    return progress_.WaitUntil([&] { return child_->output().find(part) != std::string::npos; });
  }

  RealClock clock_;
  Progress progress_;
  mutable sim::MemoryApiServer server_;
  std::unique_ptr<sim::MemoryApiServer::WatchHandle> watch_;
  int port_ = 0;
  std::unique_ptr<sim::HttpServer> http_;
  std::unique_ptr<Child> child_;
};

// Of two replicas one writes; the other takes over when that one is killed, and
// when it stops.
TEST_F(ProgramTest, AStandbyTakesOver) {
  const std::vector<std::string> quick = {"--leader-elect-lease-duration=3s", "--leader-elect-renew-deadline=2s",
                                          "--leader-elect-retry-period=500ms"};
  Serve();
  CreateNodeAndService();
  CreatePod(1);
  const auto start = [&] {
    std::vector<std::string> args = quick;
    args.push_back(Master());
    Run(args);
  };
  start();
  ASSERT_TRUE(WaitForOutput("Leading")) << child_->output();
  ASSERT_TRUE(WaitForPods(1)) << child_->output();

  std::unique_ptr<Child> first = std::move(child_);
  start();
  ASSERT_TRUE(WaitForOutput("Another replica leads")) << child_->output();
  ASSERT_TRUE(WaitForOutput("Lists are complete")) << child_->output();
  first->Signal(SIGKILL);
  first.reset();
  CreatePod(2);
  ASSERT_TRUE(WaitForPods(2)) << child_->output();
  EXPECT_TRUE(WaitForOutput("Leading")) << child_->output();

  first = std::move(child_);
  start();
  ASSERT_TRUE(WaitForOutput("Another replica leads")) << child_->output();
  first->Signal(SIGTERM);
  EXPECT_EQ(first->Wait(), 0) << first->output();
  EXPECT_THAT(first->output(), HasSubstr("Gave the lease back"));
  // The second of three, told from beginning to end.
  int became = 0, stopped = 0;
  for (const std::string& message : LeaseEvents()) {
    became += message.ends_with(" became leader") ? 1 : 0;
    stopped += message.ends_with(" stopped leading") ? 1 : 0;
  }
  EXPECT_GE(became, 2);
  EXPECT_EQ(stopped, 1);
  CreatePod(3);
  ASSERT_TRUE(WaitForPods(3)) << child_->output();
}

// Long before it would look again by itself.
TEST_F(ProgramTest, AReleasedLeaseIsTakenAtOnce) {
  Serve();
  CreateNodeAndService();
  const std::vector<std::string> slow = {Master(), "--leader-elect-lease-duration=600s",
                                         "--leader-elect-renew-deadline=500s", "--leader-elect-retry-period=400s"};
  Run(slow);
  ASSERT_TRUE(WaitForOutput("Leading")) << child_->output();
  const std::unique_ptr<Child> first = std::move(child_);
  Run(slow);
  ASSERT_TRUE(WaitForOutput("Another replica leads")) << child_->output();
  ASSERT_TRUE(WaitForOutput("Lists are complete")) << child_->output();
  const Instant signalled = clock_.Now();
  first->Signal(SIGTERM);
  ASSERT_TRUE(WaitForOutput("Leading")) << child_->output();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Now() - signalled);
  std::cout << "took over " << took.count() << " ms after SIGTERM\n";
  EXPECT_EQ(first->Wait(), 0) << first->output();
  CreatePod(1);
  ASSERT_TRUE(WaitForPods(1)) << child_->output();
}

TEST_F(ProgramTest, LosingTheLeaseExits1) {
  Serve();
  Run({Master(), "--leader-elect-lease-duration=2s", "--leader-elect-renew-deadline=1s",
       "--leader-elect-retry-period=200ms"});
  ASSERT_TRUE(WaitForOutput("Leading")) << child_->output();
  http_->Stop();
  EXPECT_EQ(child_->Wait(), 1) << child_->output();
  EXPECT_THAT(child_->output(), HasSubstr("Lost the lease"));
}

TEST_F(ProgramTest, BadFlagsExit2WithOneLine) {
  Run({"--max-endpoints-per-slice=0", "--master=http://127.0.0.1:1"});
  EXPECT_EQ(child_->Wait(), 2);
  EXPECT_EQ(child_->output(),
            "endpointslice-controller: --max-endpoints-per-slice=0: accepted is a whole number from 1 to 1000 "
            "(see --help)\n");
}

TEST_F(ProgramTest, StopsWithoutAnApiServer) {
  Run({"--master=http://127.0.0.1:1", "--logging-format=json"});
  ASSERT_TRUE(WaitForOutput("List or watch failed"));
  child_->Signal(SIGTERM);
  EXPECT_EQ(child_->Wait(), 0) << child_->output();
  EXPECT_THAT(child_->output(), HasSubstr("\"msg\":\"Stopped\""));
}

TEST_F(ProgramTest, KeepsSlicesOverHttpThroughAnOutage) {
  CreateNodeAndService();
  CreatePod(1);
  Serve();
  Run({Master(), "-v=2"});
  ASSERT_TRUE(WaitForPods(1)) << child_->output();
  CreatePod(2);
  ASSERT_TRUE(WaitForPods(2)) << child_->output();

  http_.reset();
  ASSERT_TRUE(WaitForOutput("List or watch failed"));
  CreatePod(3);
  Serve();
  ASSERT_TRUE(WaitForPods(3)) << child_->output();
  EXPECT_EQ(server_.write_counts(Kind::kEndpointSlice).creates, 1) << child_->output();
  child_->Signal(SIGINT);
  EXPECT_EQ(child_->Wait(), 0) << child_->output();
  EXPECT_THAT(child_->output(), HasSubstr("\"Stopping\" signal=2"));
}

TEST_F(ProgramTest, KeepsSlicesOverTlsWhileItsTokenIsRotated) {
  const TempDir dir;
  const Identity ca = IssueAuthority("ca");
  sim::HttpServerOptions options;
  options.tls = ServerContext(Issue("server", {.issuer = &ca, .hosts = {"127.0.0.1"}}));
  const auto use = [&](const std::string& token) {
    dir.Write("token", token);
    sim::TokenAuth tokens;
    tokens.Add(token, "me");
    options.tokens = std::make_shared<const sim::TokenAuth>(tokens);
    http_.reset();
    Serve(options);
  };
  CreateNodeAndService();
  CreatePod(1);
  use("s3cret-1");
  dir.Write("ca.crt", ca.certificate_pem);
  Run({"--kubeconfig=" + dir.Write("conf",
                                   "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                                   "clusters: [{name: k, cluster: {certificate-authority: ca.crt, server: "
                                   "'https://127.0.0.1:" +
                                       std::to_string(port_) + "'}}]\nusers: [{name: u, user: {tokenFile: token}}]\n"),
       "-v=10"});
  ASSERT_TRUE(WaitForPods(1)) << child_->output();
  use("s3cret-2");  // the old one is refused from now on
  CreatePod(2);
  ASSERT_TRUE(WaitForPods(2)) << child_->output();
  child_->Signal(SIGTERM);
  EXPECT_EQ(child_->Wait(), 0) << child_->output();
  EXPECT_THAT(child_->output(), HasSubstr("context \\\"c\\\""));
  EXPECT_THAT(child_->output(), testing::Not(HasSubstr("s3cret")));
}

// With the rights of manifests/base and no more: slices are kept, and the port
// serves whom the API server lets.
TEST_F(ProgramTest, AsksTheApiServerWhoMayReadMetrics) {
  sim::DocumentStore documents(&clock_, 1);
  std::mutex mu;
  std::vector<std::string> refused;
  const std::shared_ptr<void> end_before_them(nullptr, [this](void*) { http_.reset(); });
  documents.LoadBootstrapPolicy();
  sim::DumpOptions read;
  read.keep_documents = sim::IsDocumentKind;
  const auto dump = sim::ReadDump(
      {EPSLICE_SOURCE_DIR "/manifests/base/rbac.yaml", EPSLICE_SOURCE_DIR "/manifests/monitoring/rbac.yaml"}, read);
  ASSERT_TRUE(dump.ok()) << dump.status();
  for (const sim::DumpDocument& document : dump->documents) {
    const sim::DocumentKind& kind = *sim::FindDocumentKind(document.apiVersion, document.kind);
    ASSERT_TRUE(documents.Load(kind, document.json).ok());
  }
  const TempDir dir;
  const Identity ca = IssueAuthority("ca");
  sim::TokenAuth tokens;
  tokens.Add("s3cret-controller", sim::UserInfo{"system:serviceaccount:kube-system:epslice-controller", "", {}});
  tokens.Add("s3cret-prometheus", sim::UserInfo{"system:serviceaccount:monitoring:prometheus-k8s", "", {}});
  tokens.Add("s3cret-stranger", sim::UserInfo{"stranger", "", {}});
  sim::HttpServerOptions options;
  options.tls = ServerContext(Issue("server", {.issuer = &ca, .hosts = {"127.0.0.1"}}));
  options.tokens = std::make_shared<const sim::TokenAuth>(std::move(tokens));
  options.authorization = sim::AuthorizationMode::kRbac;
  options.documents = &documents;
  options.access_log = [&](const sim::AccessRecord& record) {
    std::lock_guard<std::mutex> lock(mu);
    if (record.code == 403 || record.code == 401) refused.push_back(record.method + " " + record.target);
  };
  CreateNodeAndService();
  CreatePod(1);
  Serve(options);
  dir.Write("ca.crt", ca.certificate_pem);
  const std::string kubeconfig =
      dir.Write("conf",
                "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                "clusters: [{name: k, cluster: {certificate-authority: ca.crt, server: 'https://127.0.0.1:" +
                    std::to_string(port_) + "'}}]\nusers: [{name: u, user: {token: s3cret-controller}}]\n");
  const int port = TakenPort().number();
  Run({"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig,
       "--authorization-kubeconfig=" + kubeconfig, "--secure-port=" + std::to_string(port),
       "--leader-elect-resource-name=epslice-controller", "-v=10"});
  ASSERT_TRUE(WaitForPods(1)) << child_->output();

  httplib::SSLClient client("127.0.0.1", port);
  client.enable_server_certificate_verification(false);
  const auto get = [&](const char* path, const std::string& token) {
    httplib::Headers headers;
    if (!token.empty()) headers.emplace("Authorization", "Bearer " + token);
    const httplib::Result result = client.Get(path, headers);
    return result ? std::make_pair(result->status, result->body) : std::make_pair(0, std::string());
  };
  EXPECT_EQ(get("/readyz", "").first, 200);
  EXPECT_EQ(get("/metrics", "s3cret-prometheus").first, 200);
  EXPECT_EQ(get("/debug/queue", "s3cret-prometheus").first, 403);
  EXPECT_EQ(get("/metrics", "s3cret-wrong").first, 401);
  EXPECT_EQ(get("/version", "").first, 200);  // as the API server's own
  EXPECT_THAT(get("/metrics", "").second, HasSubstr("User \\\"system:anonymous\\\" cannot get path"));
  EXPECT_THAT(get("/metrics", "s3cret-stranger").second, HasSubstr("User \\\"stranger\\\" cannot get path"));
  http_.reset();
  EXPECT_EQ(get("/metrics", "s3cret-prometheus").first, 200);  // remembered
  EXPECT_EQ(get("/metrics", "s3cret-other").first, 500);
  EXPECT_EQ(get("/livez", "").first, 200);
  child_->Signal(SIGTERM);
  child_->Wait();
  EXPECT_THAT(child_->output(), testing::Not(HasSubstr("s3cret")));
  std::lock_guard<std::mutex> lock(mu);
  EXPECT_THAT(refused, testing::IsEmpty());
}

TEST_F(ProgramTest, AServerThatIsNotToBeTrustedIsNotTalkedTo) {
  const TempDir dir;
  sim::HttpServerOptions options;
  options.tls = ServerContext(Issue("server", {.hosts = {"127.0.0.1"}}));
  Serve(options);
  Run({"--master=https://127.0.0.1:" + std::to_string(port_)});
  ASSERT_TRUE(WaitForOutput("List or watch failed"));
  EXPECT_THAT(child_->output(), HasSubstr("certificate is not accepted"));
}

// Beside a controller that agrees there is nothing to say; what somebody spoils
// is told of once when it lasts, and once when it is gone. Nothing is written.
TEST_F(ProgramTest, AShadowTellsWhereItDisagrees) {
  CreateNodeAndService();
  CreatePod(1);
  Serve();
  Run({Master(), "--leader-elect=false"});
  ASSERT_TRUE(WaitForPods(1)) << child_->output();
  child_->Signal(SIGTERM);
  ASSERT_EQ(child_->Wait(), 0) << child_->output();

  const int port = TakenPort().number();
  Run({Master(), "--mode=shadow", "--shadow-grace=1s", "--insecure", "--secure-port=" + std::to_string(port), "-v=4"});
  ASSERT_TRUE(WaitForOutput("\"Compared\" service=\"shop/web\" differences=0")) << child_->output();
  EXPECT_THAT(child_->output(), HasSubstr("Shadow mode: reads and compares only; no slice, Event or Lease is written"));
  httplib::Client client("127.0.0.1", port);
  EXPECT_EQ(client.Get("/readyz")->status, 200);
  const std::string series = "\nepslice_shadow_differences{kind=\"changed-endpoint\"} ";
  EXPECT_THAT(client.Get("/metrics")->body, HasSubstr(series + "0\n"));

  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kEndpointSlice;
  const auto set_ready = [&](bool ready) {
    EndpointSlice slice = *server_.Handle(list).list.items.at(0).As<EndpointSlice>();
    slice.endpoints.at(0).conditions.ready = ready;
    Request update;
    update.verb = Verb::kUpdate;
    update.kind = Kind::kEndpointSlice;
    update.namespace_ = "shop";
    update.name = slice.metadata.name.str();
    update.object = AnyObject::Of(std::move(slice));
    const Status status = server_.Handle(update).status;
    EXPECT_TRUE(status.ok()) << status.ToString();
  };
  set_ready(false);
  ASSERT_TRUE(WaitForOutput("Shadow: the slices differ")) << child_->output();
  EXPECT_THAT(
      child_->output(),
      HasSubstr("service=\"shop/web\" kind=\"changed-endpoint\" addressType=\"IPv4\" object=\"Pod shop/web-1\""));
  EXPECT_THAT(child_->output(), HasSubstr("conditions.ready: want \\\"true\\\", have \\\"false\\\""));
  EXPECT_THAT(client.Get("/metrics")->body, HasSubstr(series + "1\n"));
  set_ready(true);
  ASSERT_TRUE(WaitForOutput("Shadow: a difference is gone")) << child_->output();
  EXPECT_THAT(client.Get("/metrics")->body, HasSubstr(series + "0\n"));

  child_->Signal(SIGTERM);
  EXPECT_EQ(child_->Wait(), 0) << child_->output();
  const std::string output = child_->output();
  EXPECT_EQ(output.find("Shadow: the slices differ"), output.rfind("Shadow: the slices differ")) << output;
  for (const Kind kind : {Kind::kLease, Kind::kEvent}) {
    const auto counts = server_.write_counts(kind);
    EXPECT_EQ(counts.creates + counts.updates + counts.deletes, 0);
  }
  const auto counts = server_.write_counts(Kind::kEndpointSlice);
  EXPECT_EQ(counts.creates, 1);
  EXPECT_EQ(counts.updates, 2) << "those of this test";
}

TEST_F(ProgramTest, ServesHealthAndMetricsOverTls) {
  CreateNodeAndService();
  CreatePod(1);
  Serve();
  const int port = TakenPort().number();  // and given back at once
  Run({Master(), "--secure-port=" + std::to_string(port)});
  ASSERT_TRUE(WaitForPods(1)) << child_->output();
  httplib::SSLClient client("127.0.0.1", port);
  client.enable_server_certificate_verification(false);
  const httplib::Result ready = client.Get("/readyz");
  ASSERT_TRUE(ready) << child_->output();
  EXPECT_EQ(ready->body, "ok");
  const httplib::Result metrics = client.Get("/metrics");
  ASSERT_TRUE(metrics);
  for (const std::string& part : {std::string("\nendpoint_slice_controller_changes{operation=\"create\"} "),
                                  std::string("\nepslice_certificate_expiry_timestamp_seconds{use=\"serving\"} "),
                                  std::string("\nepslice_decode_bytes{resource=\"pods\"} "),
                                  "\nrest_client_requests_total{code=\"201\",host=\"127.0.0.1:" +
                                      std::to_string(port_) + "\",method=\"POST\"} "}) {
    EXPECT_THAT(metrics->body, HasSubstr(part));
  }
  EXPECT_THAT(client.Get("/configz")->body, HasSubstr("\"--secure-port\": \"" + std::to_string(port) + "\""));
  child_->Signal(SIGTERM);
  EXPECT_EQ(child_->Wait(), 0) << child_->output();
}

TEST_F(ProgramTest, ServesACertificateForTheNameThatIsAskedFor) {
  const TempDir dir;
  const Identity ca = IssueAuthority("ca");
  const auto put = [&](const std::string& name, const std::vector<std::string>& hosts) {
    const Identity identity = Issue(name, {.issuer = &ca, .hosts = hosts});
    return dir.Write(name + ".crt", identity.certificate_pem) + "," + dir.Write(name + ".key", identity.key_pem);
  };
  const int port = TakenPort().number();  // and given back at once
  Run({"--master=http://127.0.0.1:1", "--secure-port=" + std::to_string(port),
       "--tls-sni-cert-key=" + put("found", {"localhost"}),
       "--tls-sni-cert-key=" + put("given", {"127.0.0.1"}) + ":127.0.0.1"});
  ASSERT_TRUE(WaitForOutput("Serving")) << child_->output();
  const std::string trusted = dir.Write("ca.crt", ca.certificate_pem);
  // Verified for the name in the URL; "127.0.0.1" goes without SNI.
  for (const char* host : {"localhost", "127.0.0.1"}) {
    httplib::SSLClient client(host, port);
    client.set_ca_cert_path(trusted.c_str());
    const httplib::Result result = client.Get("/livez/ping");
    ASSERT_TRUE(result) << host << ": " << httplib::to_string(result.error()) << "\n" << child_->output();
  }
  child_->Signal(SIGTERM);
  EXPECT_EQ(child_->Wait(), 0) << child_->output();
}

TEST_F(ProgramTest, ExitsWhereItCannotServe) {
  const TakenPort other;
  const std::string port = std::to_string(other.number());
  Run({"--master=http://127.0.0.1:1", "--secure-port=" + port});
  EXPECT_EQ(child_->Wait(), 1);
  EXPECT_THAT(child_->output(), HasSubstr("endpointslice-controller: cannot listen on 127.0.0.1 port " + port +
                                          ": Address already in use (see --bind-address, --secure-port)\n"));
  Run({"--master=http://127.0.0.1:1", "--secure-port=" + port, "--tls-cert-file=/nonexistent",
       "--tls-private-key-file=x"});
  EXPECT_EQ(child_->Wait(), 2);
  EXPECT_THAT(child_->output(), HasSubstr("endpointslice-controller: /nonexistent: cannot be read\n"));
}

}  // namespace
}  // namespace epslice
