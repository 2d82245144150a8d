#include "controllers/manager/connection.h"

#include <map>
#include <memory>
#include <string>

#include "controllers/manager/log.h"
#include "controllers/manager/serving_guard.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/informers/http/pki.h"

namespace epslice {
namespace {

using testing::HasSubstr;

class ConnectionTest : public testing::Test {
 protected:
  absl::StatusOr<ApiConnection> Resolve(const ManagerOptions& options) {
    return ResolveConnection(
        options,
        [this](const char* name) -> const char* {
          const auto it = env_.find(name);
          return it == env_.end() ? nullptr : it->second.c_str();
        },
        &clock_, dir_.path() + "/sa");
  }
  // "server, token", or what is wrong.
  std::string Told(const ManagerOptions& options) {
    const auto connection = Resolve(options);
    if (!connection.ok()) return std::string(connection.status().message());
    std::string text = connection->http.base_url;
    if (connection->http.credentials != nullptr)
      text += ", " + connection->http.credentials->Get(nullptr)->authorization;
    return text;
  }
  std::string WriteConfig(const std::string& name, const std::string& server) {
    return dir_.Write(
        name, "current-context: x\nclusters: [{name: k, cluster: {server: '" + server +
                  "'}}, {name: k2, cluster: {server: 'https://second'}}]\nusers: [{name: u, user: {token: " + name +
                  "}}]\ncontexts: [{name: x, context: {cluster: k, user: u}}, {name: second, context: "
                  "{cluster: k2, user: u}}]\n");
  }
  void BeInAPod() {
    env_["KUBERNETES_SERVICE_HOST"] = "10.0.0.1";
    env_["KUBERNETES_SERVICE_PORT"] = "443";
    dir_.Write("sa/ca.crt", IssueAuthority("ca").certificate_pem);
    dir_.Write("sa/token", "pod");
  }
  static ManagerOptions Options(const std::string& kubeconfig, const std::string& context, const std::string& master) {
    ManagerOptions options;
    options.kubeconfig = kubeconfig;
    options.context = context;
    options.master = master;
    return options;
  }

  TempDir dir_;
  FakeClock clock_;
  std::map<std::string, std::string> env_;
};

TEST_F(ConnectionTest, CarriesTheLimitsAndTheContentType) {
  ManagerOptions options = Options("", "", "https://m");
  EXPECT_EQ(Resolve(options)->http.content_type, "application/vnd.kubernetes.protobuf");
  options.kube_api_content_type = "application/json";
  options.kube_api_qps = 3;
  options.kube_api_burst = 4;
  const auto connection = Resolve(options);
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(connection->http.content_type, "application/json");
  EXPECT_EQ(connection->http.qps, 3);
  EXPECT_EQ(connection->http.burst, 4);
}

TEST_F(ConnectionTest, TheFirstThatIsThere) {
  const std::string a = WriteConfig("a", "https://a");
  const std::string b = WriteConfig("b", "https://b");
  EXPECT_EQ(Told(Options("", "", "")),
            "no API server is named: accepted are --kubeconfig=FILE, --master=URL, files in KUBECONFIG, and to run in "
            "a pod (KUBERNETES_SERVICE_HOST is not set here)");
  EXPECT_EQ(Told(Options("", "x", "")), "--context needs --kubeconfig=FILE, or files in KUBECONFIG");
  env_["KUBECONFIG"] = b;
  EXPECT_EQ(Told(Options("", "", "")), "https://b, Bearer b");
  EXPECT_EQ(Told(Options("", "second", "")), "https://second, Bearer b");
  EXPECT_EQ(Told(Options("", "second", "https://m")), "https://m, Bearer b");
  BeInAPod();
  EXPECT_EQ(Told(Options("", "", "")), "https://10.0.0.1:443, Bearer pod");
  EXPECT_EQ(Told(Options("", "", "https://m")), "https://m") << "credentials are for other servers";
  EXPECT_EQ(Told(Options("", "", "http://m")), "http://m");
  EXPECT_EQ(Told(Options(a, "", "")), "https://a, Bearer a");
  EXPECT_EQ(Told(Options(a, "second", "")), "https://second, Bearer a");
  EXPECT_EQ(Told(Options(a, "", "https://m")), "https://m, Bearer a");
  EXPECT_EQ(Told(Options(a, "", "http://m")), "http://m");
  EXPECT_EQ(Told(Options(a, "third", "")),
            "kubeconfig " + a + ": there is no context \"third\"; there are: \"second\", \"x\"");
  dir_.Write("sa/token", "s3cret s3cret");
  EXPECT_EQ(Told(Options("", "", "")), "in-cluster: " + dir_.path() + "/sa/token: is no token");
}

TEST_F(ConnectionTest, TakesOverWhatConcernsTheTransport) {
  ManagerOptions options;
  const Identity ca = IssueAuthority("ca");
  dir_.Write("ca.crt", ca.certificate_pem);
  options.kubeconfig = dir_.Write("conf",
                                  "current-context: x\nclusters: [{name: k, cluster: {server: 'https://h', "
                                  "certificate-authority: ca.crt, tls-server-name: api}}]\n"
                                  "contexts: [{name: x, context: {cluster: k}}]\n");
  options.kube_api_qps = 7;
  options.kube_api_burst = 8;
  const auto connection = Resolve(options);
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(connection->http.ca_pem, ca.certificate_pem);
  EXPECT_EQ(connection->http.ca_file, dir_.path() + "/ca.crt");
  EXPECT_EQ(connection->http.tls_server_name, "api");
  EXPECT_EQ(connection->http.qps, 7);
  EXPECT_EQ(connection->http.burst, 8);
  EXPECT_EQ(connection->http.user_agent, UserAgent());
  EXPECT_EQ(connection->http.credentials, nullptr);
  EXPECT_THAT(connection->origin, HasSubstr("context \"x\""));
}

// Of files that reviews alone use, too.
TEST_F(ConnectionTest, TroubleWithCredentialsIsLogged) {
  std::string text;
  Logger log({LogFormat::kText, 0, 1}, &clock_, [&text](std::string_view line) { text += line; });
  ManagerOptions options = Options("", "", "https://127.0.0.1:1");
  options.secure_port = 10270;
  options.client_trust.skip_lookup = true;
  for (std::string* kubeconfig : {&options.authentication_kubeconfig, &options.authorization_kubeconfig}) {
    const std::string name = kubeconfig == &options.authentication_kubeconfig ? "authn" : "authz";
    *kubeconfig = dir_.Write(name,
                             "current-context: x\nclusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}]\n"
                             "contexts: [{name: x, context: {cluster: k, user: u}}]\n"
                             "users: [{name: u, user: {tokenFile: token-" +
                                 name + "}}]\n");
    dir_.Write("token-" + name, "good");
  }
  const auto connection = Resolve(options);
  ASSERT_TRUE(connection.ok()) << connection.status();
  CancelToken stop;
  const auto guard = ServingGuard::Create(options, *connection, &clock_, &log, &stop, nullptr);
  ASSERT_TRUE(guard.ok()) << guard.status();
  // What is logged of files when somebody asks, with a token to review and without.
  const auto ask = [&](bool with_token) {
    clock_.Advance(std::chrono::seconds(60));
    text.clear();
    GuardedRequest request{.path = "/metrics", .method = "GET", .headers = {}};
    if (with_token) request.headers.Add("Authorization", "Bearer t");
    EXPECT_TRUE((*guard)->Check(request).has_value());
    std::string lines;
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      const std::string line = text.substr(at, end + 1 - at);
      if (line.find("redentials") != std::string::npos) lines += line.substr(line.find(']') + 2);
    }
    return lines;
  };
  EXPECT_EQ(ask(true), "");
  dir_.Write("token-authn", "");
  dir_.Write("token-authz", "s3cret s3cret");
  EXPECT_EQ(ask(true),
            "\"A file of the credentials for reviews is no good; they are asked for with what was read before\" "
            "flag=\"--authentication-kubeconfig\" err=\"" +
                dir_.path() + "/token-authn: is empty\"\n");
  EXPECT_EQ(ask(false),
            "\"A file of the credentials for reviews is no good; they are asked for with what was read before\" "
            "flag=\"--authorization-kubeconfig\" err=\"" +
                dir_.path() + "/token-authz: is no token\"\n");
  EXPECT_EQ(ask(true), "") << "once";
  dir_.Write("token-authn", "good");
  EXPECT_EQ(ask(true),
            "\"The files of the credentials for reviews are good again\" flag=\"--authentication-kubeconfig\"\n");
}

}  // namespace
}  // namespace epslice
