// Whatever goes wrong, and however much is logged: nothing that the controller
// says holds a token, a key, or what an exec plugin is told.
#include <httplib.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "apis/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/serve/http_server.h"
#include "test/controllers/manager/child.h"
#include "test/controllers/manager/memory_transport.h"
#include "test/informers/http/pki.h"
#include "test/informers/http/raw_client.h"
#include "test/informers/http/raw_server.h"

namespace epslice {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kToken = "marker-token-b1946ac92492d2347c6235b4d2611184";
const std::string kEnv = "marker-env-591785b794601e212b260e25925636fd";
const std::string kArg = "marker-arg-e2fc714c4727ee9395f324cd2e7f331f";
const std::string kPluginToken = "marker-plugin-9a0364b9e99bb480dd25e1f0284c8555";

const std::string kProxyPassword = "marker-proxy-3b5d5c3712955042212316173ccf37be";

// A line from the middle of a PEM file.
std::string MiddleOf(const std::string& pem) {
  const std::size_t begin = pem.find('\n', pem.size() / 2) + 1;
  return pem.substr(begin, 40);
}

class SecretsTest : public testing::TestWithParam<std::string> {
 protected:
  SecretsTest() : server_(&clock_, ServerOptions()) {
    key_data_ = absl::Base64Escape(me_.key_pem);
    secrets_ = {kToken,
                kEnv,
                kArg,
                kPluginToken,
                kProxyPassword,
                absl::Base64Escape("me:" + kProxyPassword),
                MiddleOf(me_.key_pem),
                key_data_.substr(key_data_.size() / 2, 40)};
  }
  static sim::MemoryApiServerOptions ServerOptions() {
    sim::MemoryApiServerOptions options;
    options.create_missing_namespaces = true;
    return options;
  }

  // Accepts `token` only.
  void Serve(const Identity& authority, const std::string& token) {
    sim::HttpServerOptions options;
    options.tls = ServerContext(Issue("server", {.issuer = &authority, .hosts = {"127.0.0.1"}}));
    sim::TokenAuth tokens;
    tokens.Add(token, "somebody");
    options.tokens = std::make_shared<const sim::TokenAuth>(tokens);
    http_ = std::make_unique<sim::HttpServer>(&clock_, &server_, options);
    const absl::Status status = http_->Start();
    ASSERT_TRUE(status.ok()) << status;
    api_port_ = http_->port();
  }
  std::string TokenAndKey() const {
    return "token: " + kToken + ", client-certificate-data: " + absl::Base64Escape(me_.certificate_pem) +
           ", client-key-data: " + key_data_;
  }
  // The plugin that does what `script` says, and leaves what it was told.
  std::string Plugin(const std::string& script) const {
    const std::string path = dir_.WriteScript("plugin", "echo \"$1 $SECRET\" >" + dir_.path() + "/told\n" + script);
    return "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: " + path +
           ", args: [" + kArg + "], env: [{name: SECRET, value: " + kEnv + "}]}";
  }
  std::string Kubeconfig(const std::string& user) const {
    dir_.Write("ca.crt", ca_.certificate_pem);
    return dir_.Write("conf",
                      "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                      "clusters: [{name: k, cluster: {certificate-authority: ca.crt, server: 'https://127.0.0.1:" +
                          std::to_string(api_port_) + "'" + proxy_ + "}}]\nusers:\n- name: u\n  user: {" + user +
                          "}\n");
  }
  void Start(const std::string& user) {
    port_ = TakenPort().number();
    child_ = std::make_unique<Child>(
        std::vector<std::string>{std::string(EPSLICE_BIN_DIR) + "/endpointslice-controller",
                                 "--kubeconfig=" + Kubeconfig(user), "-v=9", "--logging-format=" + GetParam(),
                                 "--insecure", "--secure-port=" + std::to_string(port_)},
        [this] { progress_.Bump(); });
  }
  bool WaitForOutput(const std::string& part) {
    return progress_.WaitUntil([&] { return child_->output().find(part) != std::string::npos; });
  }
  void ExpectNoSecretIn(const std::string& text, const std::string& where) const {
    for (const std::string& secret : secrets_) EXPECT_THAT(text, Not(HasSubstr(secret))) << where;
  }
  // Runs until it has said `part`, looks at all that it shows, and ends it.
  void RunUntil(const std::string& part, const std::string& user) {
    Start(user);
    ASSERT_TRUE(WaitForOutput(part)) << child_->output();
    httplib::Client client("127.0.0.1", port_);
    for (const char* path : {"/configz", "/metrics", "/debug/queue", "/debug/explain", "/readyz?verbose",
                             "/livez/informers", "/version"}) {
      const httplib::Result result = client.Get(path);
      ASSERT_TRUE(result) << path;
      ExpectNoSecretIn(result->body, path);
    }
    child_->Signal(SIGTERM);
    EXPECT_EQ(child_->Wait(), 0) << child_->output();
    ExpectNoSecretIn(child_->output(), "log");
  }

  const Identity ca_ = IssueAuthority("ca");
  const Identity me_ = Issue("me", {.issuer = &ca_});
  const TempDir dir_;
  RealClock clock_;
  Progress progress_;
  sim::MemoryApiServer server_;
  std::unique_ptr<sim::HttpServer> http_;
  std::unique_ptr<Child> child_;
  std::string key_data_;
  std::vector<std::string> secrets_;
  std::string proxy_;  // of the kubeconfig's cluster, with a comma before it
  int api_port_ = 1;
  int port_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Formats, SecretsTest, testing::Values("text", "json"),
                         [](const auto& format) { return format.param; });

TEST_P(SecretsTest, WhenAllIsWell) {
  Serve(ca_, kToken);
  RunUntil("Lists are complete", TokenAndKey());
}

TEST_P(SecretsTest, WhenTheServerKnowsNobodyLikeThat) {
  Serve(ca_, "another");
  RunUntil("401 Unauthorized", TokenAndKey());
}

TEST_P(SecretsTest, WhenNobodyListens) { RunUntil("List or watch failed", TokenAndKey()); }

TEST_P(SecretsTest, WhenTheServerIsNotToBeTrusted) {
  const Identity other = IssueAuthority("other");
  Serve(other, kToken);
  RunUntil("certificate is not accepted", TokenAndKey());
}

TEST_P(SecretsTest, OfAnExecPlugin) {
  const std::string credential =
      R"({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": ")";
  Serve(ca_, kPluginToken);
  RunUntil("Lists are complete", Plugin("echo '" + credential + kPluginToken + "\"}}'\n"));
  EXPECT_EQ(dir_.Read("told"), kArg + " " + kEnv + "\n");
  // Nonsense for an answer, with the token in it; and none.
  RunUntil("exec plugin", Plugin("echo '" + credential + kPluginToken + "'\n"));
  RunUntil("exec plugin", Plugin("exit 7\n"));
  Serve(ca_, "another");
  RunUntil("401 Unauthorized", Plugin("echo '" + credential + kPluginToken + "\"}}'\n"));
}

TEST_P(SecretsTest, OfAProxy) {
  const auto by = [this](const std::string& scheme, const std::string& address) {
    proxy_ = ", proxy-url: '" + scheme + "://me:" + kProxyPassword + "@" + address + "'";
  };
  by("http", "127.0.0.1:1");
  RunUntil("proxy 127.0.0.1:1 (proxy-url): Connection refused", TokenAndKey());
  RawServer refuses([](RawConnection& c, int) {
    c.ReadRequest();
    c.Send("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  });
  by("http", refuses.url().substr(7));
  RunUntil("answered 407", TokenAndKey());
  for (const char* scheme : {"https", "socks5", "ftp"}) {
    by(scheme, "127.0.0.1:1");
    Start(TokenAndKey());
    EXPECT_EQ(child_->Wait(), 2);
    EXPECT_THAT(child_->output(), HasSubstr("proxy-url: "));
    ExpectNoSecretIn(child_->output(), scheme);
  }
}

// A kubeconfig that is no good is one line, about the field and not what it says.
TEST_P(SecretsTest, OfAKubeconfigThatIsRefused) {
  const std::string bad_key =
      "client-certificate-data: " + absl::Base64Escape(me_.certificate_pem) + ", client-key-data: ";
  for (const std::string& user :
       {"token: [" + kToken + "]", "token: " + kToken + ", token: " + kToken, "token: {" + kToken,
        "token: \"" + kToken + "\\n\"", bad_key + "'*" + key_data_ + "'", bad_key + absl::Base64Escape(kToken),
        "exec: {apiVersion: v7, command: x, env: [{name: SECRET, value: [" + kEnv + "]}]}",
        "exec: {apiVersion: v7, command: x, args: [" + kArg + "], env: [{name: S, value: " + kEnv + "}]}"}) {
    Start(user);
    EXPECT_EQ(child_->Wait(), 2) << user;
    EXPECT_THAT(child_->output(), testing::StartsWith("endpointslice-controller: ")) << user;
    ExpectNoSecretIn(child_->output(), user);
  }
}

}  // namespace
}  // namespace epslice
