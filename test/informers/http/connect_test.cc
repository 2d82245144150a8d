#include "informers/http/connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "informers/http/proxy.h"
#include "test/informers/http/pki.h"

namespace epslice {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ConnectTest : public testing::Test {
 protected:
  absl::StatusOr<ClientConfig> Find(const std::string& kubeconfig) {
    return FindClientConfig(
        kubeconfig,
        [this](const char* name) -> const char* {
          const auto it = env_.find(name);
          return it == env_.end() ? nullptr : it->second.c_str();
        },
        dir_.path() + "/sa");
  }
  std::string Server(const std::string& kubeconfig) {
    const auto config = Find(kubeconfig);
    return config.ok() ? config->server : std::string(config.status().message());
  }
  std::string Write(const std::string& name, const std::string& cluster, const std::string& user) {
    return dir_.Write(name,
                      "current-context: x\ncontexts: [{name: x, context: {cluster: k, user: u}}]\nclusters: "
                      "[{name: k, cluster: {" +
                          cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n");
  }

  TempDir dir_;
  FakeClock clock_;
  std::map<std::string, std::string> env_;
};

TEST_F(ConnectTest, TheFirstThatIsThere) {
  EXPECT_TRUE(absl::IsNotFound(Find("").status()));
  const std::string a = Write("a", "server: 'https://a'", "token: t");
  const std::string b = Write("b", "server: 'https://b'", "token: t");
  env_["KUBECONFIG"] = b;
  EXPECT_EQ(Server(""), "https://b");
  env_["KUBERNETES_SERVICE_HOST"] = "10.0.0.1";
  env_["KUBERNETES_SERVICE_PORT"] = "443";
  // A pod that lacks a part of what it should have does not go elsewhere.
  EXPECT_THAT(Server(""), HasSubstr("ca.crt: no such file"));
  dir_.Write("sa/ca.crt", IssueAuthority("ca").certificate_pem);
  dir_.Write("sa/token", "pod");
  EXPECT_EQ(Server(""), "https://10.0.0.1:443");
  EXPECT_EQ(Server(a), "https://a");
  EXPECT_THAT(Server(dir_.path() + "/none"), HasSubstr("no such file"));
}

TEST_F(ConnectTest, AProxyOfTheKubeconfigElseOfTheEnvironment) {
  const auto proxy = [this](const std::string& cluster) -> std::string {
    const auto config = Find(Write("a", cluster, "token: t"));
    if (!config.ok()) return std::string(config.status().message());
    const auto options = OptionsFor(*config, {}, &clock_, [this](const char* name) -> const char* {
      const auto it = env_.find(name);
      return it == env_.end() ? nullptr : it->second.c_str();
    });
    if (!options.ok()) return std::string(options.status().message());
    return options->proxy == nullptr ? "" : options->proxy->Address() + " " + options->proxy->origin;
  };
  const std::string api = "server: 'https://api.example.com'";
  const std::string by_proxy = api + ", proxy-url: 'http://me:s3cret@mine:3128'";
  EXPECT_EQ(proxy(api), "");
  EXPECT_EQ(proxy(by_proxy), "mine:3128 proxy-url");
  env_["HTTPS_PROXY"] = "http://theirs";
  EXPECT_EQ(proxy(api), "theirs:80 HTTPS_PROXY");
  EXPECT_EQ(proxy(by_proxy), "mine:3128 proxy-url");
  env_["NO_PROXY"] = "example.com";
  EXPECT_EQ(proxy(api), "");
  EXPECT_EQ(proxy(by_proxy), "mine:3128 proxy-url") << "NO_PROXY is of the environment's";
  const std::string plain = "server: 'http://api.example.org'";
  EXPECT_EQ(proxy(plain), "");
  env_["HTTP_PROXY"] = "http://plain";
  EXPECT_EQ(proxy(plain), "plain:80 HTTP_PROXY");
  EXPECT_EQ(proxy(plain + ", proxy-url: 'http://mine:3128'"), "mine:3128 proxy-url");
  env_["HTTPS_PROXY"] = "socks5://me:s3cret@theirs";
  EXPECT_EQ(proxy(api), "");
  env_["NO_PROXY"] = "";
  EXPECT_THAT(proxy(api), StartsWith("HTTPS_PROXY in the environment: socks5:// proxies are not supported"));
}

TEST_F(ConnectTest, OptionsTakeFromAConfigWhatItSaysAndKeepTheRest) {
  const std::string ca = dir_.Write("ca.crt", IssueAuthority("ca").certificate_pem);
  const auto config =
      Find(Write("a", "server: 'https://a', certificate-authority: " + ca + ", tls-server-name: api", "token: secret"));
  ASSERT_TRUE(config.ok()) << config.status();
  HttpTransportOptions mine;
  mine.user_agent = "mine";
  mine.qps = 3;
  const auto options = OptionsFor(*config, mine, &clock_, [](const char*) -> const char* { return nullptr; });
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->base_url, "https://a");
  EXPECT_THAT(options->ca_pem, StartsWith("-----BEGIN CERTIFICATE"));
  EXPECT_EQ(options->ca_file, ca);
  EXPECT_EQ(options->tls_server_name, "api");
  EXPECT_FALSE(options->insecure_skip_tls_verify);
  EXPECT_EQ(options->credentials->Get(nullptr)->authorization, "Bearer secret");
  EXPECT_EQ(options->user_agent, "mine");
  EXPECT_EQ(options->qps, 3);
}

TEST_F(ConnectTest, ErrorsNameTheFile) {
  EXPECT_TRUE(Connect(Find(Write("a", "server: 'https://a'", "token: t")), {}, &clock_).ok());
  EXPECT_EQ(Connect(absl::NotFoundError("nothing"), {}, &clock_).status(), absl::NotFoundError("nothing"));
  ClientConfig config;
  config.origin = "kubeconfig x";
  config.server = "ftp://a";
  EXPECT_THAT(std::string(Connect(config, {}, &clock_).status().message()), StartsWith("kubeconfig x: "));
  config.server = "https://a";
  config.credentials.token_file = dir_.path() + "/none";
  EXPECT_THAT(std::string(Connect(config, {}, &clock_).status().message()), StartsWith("kubeconfig x: "));
}

}  // namespace
}  // namespace epslice
