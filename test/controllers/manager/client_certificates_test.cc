// endpointslice-controller as a process, and clients that show it certificates,
// as curl would; the API server has the last word on what they may.
#include <httplib.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/cluster/document_store.h"
#include "sim/serve/http_server.h"
#include "test/controllers/manager/child.h"
#include "test/controllers/manager/memory_transport.h"
#include "test/informers/http/pki.h"
#include "test/informers/http/raw_client.h"

namespace epslice {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

// Of kube-apiserver, which the one in memory does not have.
class ConfigMapServer {
 public:
  explicit ConfigMapServer(const Json& data) {
    server_.Get(
        "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication",
        [text = Json{{"kind", "ConfigMap"}, {"data", data}}.dump()](
            const httplib::Request&, httplib::Response& response) { response.set_content(text, "application/json"); });
    port_ = server_.bind_to_any_port("127.0.0.1");
    listener_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~ConfigMapServer() {
    server_.stop();
    listener_.join();
  }
  ConfigMapServer(const ConfigMapServer&) = delete;
  ConfigMapServer& operator=(const ConfigMapServer&) = delete;
  int port() const { return port_; }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread listener_;
};

class ClientCertificatesProgramTest : public testing::Test {
 protected:
  // The group scrapers may get /metrics.
  void SetUp() override {
    documents_.LoadBootstrapPolicy();
    for (const char* json :
         {R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"},
              "rules":[{"nonResourceURLs":["/metrics"],"verbs":["get"]}]})",
          R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"r"},
              "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},
              "subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"scrapers"}]})"}) {
      const std::string kind = Json::parse(json)["kind"];
      ASSERT_TRUE(documents_.Load(*sim::FindDocumentKind("rbac.authorization.k8s.io/v1", kind), json).ok());
    }
    sim::TokenAuth tokens;
    tokens.Add("s3cret-controller", sim::UserInfo{"admin", "", {"system:masters"}});
    sim::HttpServerOptions options;
    options.tls = ServerContext(Issue("server", {.issuer = &ca_, .hosts = {"127.0.0.1"}}));
    options.tokens = std::make_shared<const sim::TokenAuth>(std::move(tokens));
    options.authorization = sim::AuthorizationMode::kRbac;
    options.documents = &documents_;
    http_ = std::make_unique<sim::HttpServer>(&clock_, &server_, options);
    ASSERT_TRUE(http_->Start().ok());
    dir_.Write("ca.crt", ca_.certificate_pem);
    api_ = Kubeconfig(
        "api.conf", "certificate-authority: ca.crt, server: 'https://127.0.0.1:" + std::to_string(http_->port()) + "'");
  }
  std::string Kubeconfig(const std::string& name, const std::string& cluster) const {
    return dir_.Write(name,
                      "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                      "clusters: [{name: k, cluster: {" +
                          cluster + "}}]\nusers: [{name: u, user: {token: s3cret-controller}}]\n");
  }
  void Run(const std::vector<std::string>& more) {
    port_ = TakenPort().number();
    std::vector<std::string> args = {std::string(EPSLICE_BIN_DIR) + "/endpointslice-controller", "--kubeconfig=" + api_,
                                     "--secure-port=" + std::to_string(port_), "-v=10", "--leader-elect=false"};
    args.insert(args.end(), more.begin(), more.end());
    child_ = std::make_unique<Child>(std::move(args), [this] { progress_.Bump(); });
  }
  void Await() {
    ASSERT_TRUE(progress_.WaitUntil([&] { return child_->output().find("Lists are complete") != std::string::npos; }))
        << child_->output();
  }
  void Stop() {
    child_->Signal(SIGTERM);
    EXPECT_EQ(child_->Wait(), 0) << child_->output();
    EXPECT_THAT(child_->output(), Not(HasSubstr("s3cret")));
    EXPECT_THAT(child_->output(), Not(HasSubstr("PRIVATE")));
  }
  // 0: there was no answer.
  int Code(const Identity& shown, const httplib::Headers& headers, const char* path = "/metrics") const {
    const bool any = !shown.key_pem.empty();
    const std::string cert = dir_.Write("c.crt", shown.certificate_pem);
    const std::string key = dir_.Write("c.key", shown.key_pem);
    httplib::SSLClient client("127.0.0.1", port_, any ? cert : "", any ? key : "");
    client.enable_server_certificate_verification(false);
    const httplib::Result result = client.Get(path, headers);
    return result ? result->status : 0;
  }
  void ExpectClientsKnown() const {
    const Identity jane = Issue("jane", {.issuer = &ca_, .organizations = {"devs", "scrapers"}});
    const Identity joe = Issue("joe", {.issuer = &ca_, .organizations = {"devs"}});
    const Identity proxy = Issue("front-proxy-client", {.issuer = &proxy_ca_});
    const httplib::Headers says_jane = {{"X-Remote-User", "jane"}, {"X-Remote-Group", "scrapers"}};
    EXPECT_EQ(Code(jane, {}), 200);
    EXPECT_EQ(Code(jane, {}, "/configz"), 403);
    EXPECT_EQ(Code(joe, {}), 403);
    EXPECT_EQ(Code(joe, says_jane), 403) << "smuggled";
    EXPECT_EQ(Code({}, says_jane), 403) << "smuggled";
    EXPECT_EQ(Code(proxy, says_jane), 200);
    EXPECT_EQ(Code(proxy, {{"X-Remote-User", "joe"}}), 403);
    EXPECT_EQ(Code(proxy, {}), 401);
    EXPECT_EQ(Code(Issue("strange-proxy", {.issuer = &proxy_ca_}), says_jane), 401);
    EXPECT_EQ(Code(Issue("jane", {.organizations = {"scrapers"}}), {}), 401) << "signed by nobody";
    const IssueOptions ended = {.issuer = &ca_, .from_hours = -3, .to_hours = -1, .organizations = {"scrapers"}};
    EXPECT_EQ(Code(Issue("jane", ended), {}), 401);
    EXPECT_EQ(Code(Issue("root", {.issuer = &ca_, .organizations = {"system:masters"}}), {}, "/configz"), 200);
    EXPECT_EQ(Code({}, {}, "/livez"), 200);
  }

  const Identity ca_ = IssueAuthority("ca");
  const Identity proxy_ca_ = IssueAuthority("proxy ca");
  const TempDir dir_;
  RealClock clock_;
  Progress progress_;
  sim::DocumentStore documents_{&clock_, 1};
  sim::MemoryApiServer server_{&clock_, {}};
  std::unique_ptr<sim::HttpServer> http_;
  std::string api_;
  int port_ = 0;
  std::unique_ptr<Child> child_;
};

TEST_F(ClientCertificatesProgramTest, AreKnownByFiles) {
  Run({"--client-ca-file=" + dir_.Write("client-ca.crt", ca_.certificate_pem),
       "--requestheader-client-ca-file=" + dir_.Write("proxy-ca.crt", proxy_ca_.certificate_pem),
       "--requestheader-allowed-names=front-proxy-client"});
  Await();
  ExpectClientsKnown();
  Stop();
}

TEST_F(ClientCertificatesProgramTest, AreKnownByTheCluster) {
  std::vector<std::string> args;
  {
    const ConfigMapServer cluster({{"client-ca-file", ca_.certificate_pem},
                                   {"requestheader-client-ca-file", proxy_ca_.certificate_pem},
                                   {"requestheader-allowed-names", R"(["front-proxy-client"])"},
                                   {"requestheader-username-headers", R"(["X-Remote-User"])"},
                                   {"requestheader-group-headers", R"(["X-Remote-Group"])"}});
    args = {"--authorization-kubeconfig=" + api_,
            "--authentication-kubeconfig=" +
                Kubeconfig("cluster.conf", "server: 'http://127.0.0.1:" + std::to_string(cluster.port()) + "'")};
    Run(args);
    Await();
    ExpectClientsKnown();
    Stop();
  }
  // Nobody to ask: an error, unless that is tolerated.
  Run(args);
  EXPECT_EQ(child_->Wait(), 1) << child_->output();
  EXPECT_THAT(child_->output(),
              HasSubstr("endpointslice-controller: ConfigMap kube-system/extension-apiserver-authentication: "));
  args.emplace_back("--authentication-tolerate-lookup-failure");
  Run(args);
  Await();
  const Identity jane = Issue("jane", {.issuer = &ca_, .organizations = {"scrapers"}});
  EXPECT_EQ(Code(jane, {}), 403) << "anonymous";
  Stop();
}

}  // namespace
}  // namespace epslice
