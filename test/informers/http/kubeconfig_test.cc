#include "informers/http/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "informers/http/credentials.h"
#include "pki.h"

namespace epslice {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string MessageText(const absl::Status& s) { return std::string(s.message()); }

class KubeconfigTest : public testing::Test {
 protected:
  // Fills in @CA@, @CERT@ and @KEY@ (base64).
  std::string Fill(const std::string& text) const {
    return absl::StrReplaceAll(text, {{"@CA@", absl::Base64Escape(ca_.certificate_pem)},
                                      {"@CERT@", absl::Base64Escape(me_.certificate_pem)},
                                      {"@KEY@", absl::Base64Escape(me_.key_pem)}});
  }
  absl::StatusOr<ClientConfig> Choose(const std::string& text, const KubeconfigChoice& choice = {}) const {
    const absl::StatusOr<Kubeconfig> parsed = ParseKubeconfig("/etc/k/conf", Fill(text));
    if (!parsed.ok()) return parsed.status();
    return ChooseContext(*parsed, "/etc/k/conf", choice,
                         [this](const std::string& path) -> absl::StatusOr<std::string> {
                           const auto it = files_.find(path);
                           if (it == files_.end()) return absl::NotFoundError("no such file");
                           return it->second;
                         });
  }
  // With these fields of the only cluster and the only user, in YAML's flow
  // style.
  static std::string Config(const std::string& cluster, const std::string& user) {
    return "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: k\n  cluster: {" + cluster +
           "}\nusers:\n- name: u\n  user: {" + user +
           "}\ncontexts:\n- name: c\n  context: {cluster: k, user: u, namespace: shop}\n";
  }

  const Identity ca_ = IssueAuthority("ca");
  const Identity me_ = Issue("me", {});
  const Identity other_ = Issue("other", {});
  std::map<std::string, std::string> files_ = {{"/etc/k/pki/ca.crt", ca_.certificate_pem},
                                               {"/abs/token", "t0k3n\n"},
                                               {"/etc/me.crt", me_.certificate_pem},
                                               {"/etc/k/me.key", me_.key_pem},
                                               {"/etc/k/other.key", other_.key_pem}};
};

constexpr const char* kServer = "server: \"https://h:6443\"";

TEST_F(KubeconfigTest, InlineData) {
  const auto config = Choose(Config(std::string(kServer) + ", certificate-authority-data: @CA@, tls-server-name: api",
                                    "client-certificate-data: @CERT@, client-key-data: @KEY@, token: t0k3n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://h:6443");
  EXPECT_EQ(config->origin, "kubeconfig /etc/k/conf, context \"c\"");
  EXPECT_EQ(config->namespace_, "shop");
  EXPECT_EQ(config->ca_pem, ca_.certificate_pem);
  EXPECT_EQ(config->ca_file, "");
  EXPECT_EQ(config->tls_server_name, "api");
  EXPECT_FALSE(config->insecure_skip_tls_verify);
  EXPECT_EQ(config->credentials.identity, me_);
  EXPECT_EQ(config->credentials.token, "t0k3n");
  EXPECT_EQ(config->credentials.certificate_file, "");
}

TEST_F(KubeconfigTest, FilesAreRelativeToTheKubeconfig) {
  const auto config = Choose(Config(std::string(kServer) + ", certificate-authority: pki/ca.crt",
                                    "client-certificate: ../me.crt, client-key: me.key, tokenFile: /abs/token"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->ca_pem, ca_.certificate_pem);
  EXPECT_EQ(config->ca_file, "/etc/k/pki/ca.crt");
  EXPECT_EQ(config->credentials.certificate_file, "/etc/me.crt");
  EXPECT_EQ(config->credentials.key_file, "/etc/k/me.key");
  EXPECT_EQ(config->credentials.token_file, "/abs/token");
}

TEST_F(KubeconfigTest, DataWinsOverFiles) {
  const auto config = Choose(
      Config(std::string(kServer) + ", certificate-authority: gone, certificate-authority-data: @CA@",
             "client-certificate: gone, client-certificate-data: @CERT@, client-key: gone, client-key-data: @KEY@"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->credentials.identity, me_);
  EXPECT_EQ(config->credentials.certificate_file, "");
}

TEST_F(KubeconfigTest, AnotherContextAndAnotherServer) {
  const std::string text =
      "current-context: a\ncontexts: [{name: a, context: {cluster: ca, user: ua}}, {name: b, context: {cluster: cb}}]\n"
      "clusters: [{name: ca, cluster: {server: 'https://a'}}, {name: cb, cluster: {server: 'https://b',"
      " insecure-skip-tls-verify: true}}]\nusers: [{name: ua, user: {token: t}}]\n";
  auto config = Choose(text);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://a");
  config = Choose(text, {"b", ""});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://b");
  EXPECT_TRUE(config->insecure_skip_tls_verify);
  EXPECT_EQ(config->credentials.token, "");
  config = Choose(text, {"", "https://else:1"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://else:1");
  EXPECT_EQ(config->credentials.token, "t");
  // Not over a line that everybody can read.
  config = Choose(text, {"", "http://else:1"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->credentials.token, "");
}

// As client-go has it.
TEST_F(KubeconfigTest, ATokenGoesBeforeWhatIsBesideIt) {
  auto config = Choose(Config(kServer, "token: t0k3n, tokenFile: gone"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->credentials.token, "t0k3n");
  EXPECT_EQ(config->credentials.token_file, "/etc/k/gone");
  FakeClock clock;
  const auto credentials = NewCredentials(config->credentials, &clock);
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_EQ((*credentials)->Get(nullptr)->authorization, "Bearer t0k3n");
  config = Choose(Config(kServer,
                         "token: t0k3n, exec: {apiVersion: client.authentication.k8s.io/v1, "
                         "interactiveMode: Never, command: c}"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->credentials.exec.has_value());
}

// What is named with a folder is not looked for in PATH, wherever the file is.
TEST_F(KubeconfigTest, PluginsBesideAFileThatIsNamedWithoutItsFolder) {
  for (const std::string command : {"./plug.sh", "bin/../plug.sh", "plug.sh"}) {
    const auto parsed = ParseKubeconfig("conf", Config(kServer,
                                                       "exec: {apiVersion: client.authentication.k8s.io/v1, "
                                                       "interactiveMode: Never, command: " +
                                                           command + "}"));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    const auto config = ChooseContext(*parsed, "conf", {}, [](const std::string&) { return std::string(); });
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->credentials.exec->command, command == "plug.sh" ? "plug.sh" : "./plug.sh");
  }
}

TEST_F(KubeconfigTest, JsonIsReadToo) {
  const auto config = Choose(
      R"({"current-context":"c","contexts":[{"name":"c","context":{"cluster":"k"}}],"unknown":{"a":[1,2]},
          "clusters":[{"name":"k","cluster":{"server":"https:\/\/h\u002ex"}}],"users":null})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://h.x");
}

TEST_F(KubeconfigTest, ExecPlugins) {
  const auto config = Choose(Config(
      std::string(kServer) +
          ", certificate-authority-data: @CA@, tls-server-name: api, extensions: [{name: other, extension: 1}, {name: "
          "client.authentication.k8s.io/exec, extension: {audience: x}}]",
      "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./bin/plugin, args: [a, '1'], env: [{name: NAME, "
      "value: v}], interactiveMode: IfAvailable, provideClusterInfo: true, installHint: get it}"));
  ASSERT_TRUE(config.ok()) << config.status();
  const ExecPluginConfig& exec = *config->credentials.exec;
  EXPECT_EQ(exec.api_version, "client.authentication.k8s.io/v1");
  EXPECT_EQ(exec.command, "/etc/k/bin/plugin");
  EXPECT_EQ(exec.args, (std::vector<std::string>{"a", "1"}));
  EXPECT_EQ(exec.env, (std::vector<std::pair<std::string, std::string>>{{"NAME", "v"}}));
  EXPECT_EQ(exec.install_hint, "get it");
  EXPECT_EQ(exec.cluster_json,
            Fill("{\"certificate-authority-data\":\"@CA@\",\"config\":{\"audience\":\"x\"},\"server\":"
                 "\"https://h:6443\",\"tls-server-name\":\"api\"}"));
  // A name without a slash is looked for in PATH; v1beta1 needs no mode.
  const auto plain =
      Choose(Config(kServer, "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: plugin}"));
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->credentials.exec->command, "plugin");
  EXPECT_EQ(plain->credentials.exec->cluster_json, "");
}

struct Bad {
  std::string text;
  std::string message;  // after "kubeconfig /etc/k/conf: "
};

TEST_F(KubeconfigTest, EveryErrorIsOneLineWithFileAndFieldAndWithoutSecrets) {
  const auto user = [](const std::string& fields, const std::string& message) {
    return Bad{Config(kServer, fields), "users[\"u\"].user." + message};
  };
  const auto cluster = [](const std::string& fields, const std::string& message) {
    return Bad{Config(fields, ""), "clusters[\"k\"].cluster." + message};
  };
  const std::string v1 = "exec: {interactiveMode: Never, apiVersion: client.authentication.k8s.io/v1, ";
  const Bad kCases[] = {
      {"s3cret", "line 1: is the text (not shown), not an object (\"key: value\" lines, or JSON)"},
      {"{\"s3cret\": ", "is neither YAML nor JSON"},
      {"{} {}", "is neither YAML nor JSON"},
      {"a: 1\n---\nb: 1\n", "line 2: more than 1 documents"},
      {"a: " + std::string(100, '[') + std::string(100, ']'), "line 1: is nested more than 64 deep"},
      {"{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}", "is nested more than 64 deep"},
      {"kind: Pod\n", "kind: is \"Pod\"; accepted is Config"},
      {"apiVersion: v2\n", "apiVersion: is \"v2\"; accepted is v1"},
      {"current-context: y\n", "current-context: is a boolean, not a string; quote it"},
      {"current-context: 1\n", "current-context: is a number, not a string; quote it"},
      {"users: s3cret\n", "users: is not a list"},
      {"users: [s3cret]\n", "users[0]: is not a map"},
      {"users: [{name: [s3cret]}]\n", "users[0].name: is a array, not a string; quote it"},
      {"users: [{name: a}, {name: a}]\n", "users[1]: the name \"a\" is there twice"},
      {"", "current-context is not set; choose a context by --context; there is none"},
      {"contexts: [{name: x}, {name: z}]\n",
       "current-context is not set; choose a context by --context; there are: \"x\", \"z\""},
      {"current-context: z\ncontexts: [{name: x}]\n", "current-context: there is no context \"z\"; there are: \"x\""},
      {"current-context: x\ncontexts: [{name: x, context: {cluster: k}}]\n",
       "contexts[\"x\"].context.cluster: there is no cluster \"k\"; there is none"},
      {"current-context: x\ncontexts: [{name: x, context: {cluster: k, user: u}}]\nclusters: [{name: k}]\n",
       "contexts[\"x\"].context.user: there is no user \"u\"; there is none"},
      cluster("", "server: is missing"),
      cluster("server: 'h:6443'",
              "server: server \"h:6443\": the scheme is neither https nor http; accepted: "
              "https://host[:port][/path], or http"),
      cluster("server: 'https://u:s3cret@h'",
              "server: server (not shown): user, query and fragment have no place here; "
              "accepted: https://host[:port][/path], or http"),
      cluster(std::string(kServer) + ", proxy-url: 'socks5://u:s3cret@p'",
              "proxy-url: socks5:// proxies are not supported; accepted is http://[user:password@]host[:port]"),
      cluster(std::string(kServer) + ", proxy-url: 'http://u:s3cret@p:0'",
              "proxy-url: not the URL of a proxy; accepted is http://[user:password@]host[:port]"),
      cluster("server: 'http://h', proxy-url: 'https://u:s3cret@p'",
              "proxy-url: https:// proxies are not supported; accepted is http://[user:password@]host[:port]"),
      cluster(std::string(kServer) + ", certificate-authority-data: s3cret!",
              "certificate-authority-data: is not base64"),
      cluster(std::string(kServer) + ", certificate-authority-data: czNjcmV0",
              "certificate-authority-data: holds no PEM certificate"),
      cluster(std::string(kServer) + ", certificate-authority: gone.crt",
              "certificate-authority: /etc/k/gone.crt: no such file"),
      cluster(std::string(kServer) + ", certificate-authority: /abs/token",
              "certificate-authority: holds no PEM certificate"),
      cluster(std::string(kServer) + ", certificate-authority-data: @CA@, insecure-skip-tls-verify: true",
              "insecure-skip-tls-verify: makes no sense with a certificate-authority; remove one of them"),
      cluster(std::string(kServer) + ", insecure-skip-tls-verify: 'true'",
              "insecure-skip-tls-verify: is a string; accepted are true and false"),
      user("username: u, password: s3cret",
           "username: basic authentication is gone since Kubernetes 1.19; accepted are token, tokenFile, "
           "client-certificate and exec"),
      user("auth-provider: {name: gcp, config: {access-token: s3cret}}",
           "auth-provider: is gone since Kubernetes 1.26; accepted are token, tokenFile, client-certificate and exec"),
      user("token: t, as: admin", "as: impersonation is not supported; be who you want to be"),
      user("token: 12345", "token: is a number, not a string; quote it"),
      user("token: 's3cret and'", "token: holds blanks or control characters"),
      user("tokenFile: gone", "tokenFile: /etc/k/gone: no such file"),
      user("client-certificate-data: @CERT@", "client-key: is missing beside the client certificate"),
      user("client-key-data: @KEY@", "client-certificate: is missing beside the client key"),
      user("client-certificate-data: @CERT@, client-key-data: s3cret-", "client-key-data: is not base64"),
      user("client-certificate-data: @CERT@, client-key-data: czNjcmV0",
           "client-certificate-data: there is no unencrypted PEM private key in the key"),
      user("client-certificate: /etc/me.crt, client-key: gone", "client-key: /etc/k/gone: no such file"),
      user("client-certificate: /etc/me.crt, client-key: other.key",
           "client-certificate: the private key is not the one of the certificate"),
      user("exec: {command: c}",
           "exec.apiVersion: is \"\"; accepted are client.authentication.k8s.io/v1 and "
           "client.authentication.k8s.io/v1beta1"),
      user("exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: c}",
           "exec.apiVersion: is \"client.authentication.k8s.io/v1alpha1\"; accepted are "
           "client.authentication.k8s.io/v1 and client.authentication.k8s.io/v1beta1"),
      user(v1 + "}", "exec.command: is missing"),
      user("exec: {apiVersion: client.authentication.k8s.io/v1, command: c}",
           "exec.interactiveMode: is \"\"; accepted are Never and IfAvailable"),
      user("exec: {apiVersion: client.authentication.k8s.io/v1, command: c, interactiveMode: Always}",
           "exec.interactiveMode: Always: there is no terminal here; accepted are Never and IfAvailable"),
      user(v1 + "command: c, args: [1]}", "exec.args: holds something that is not a string; quote it"),
      user(v1 + "command: c, env: [{name: A}]}", "exec.env: holds something that is no {name: string, value: string}"),
      user(v1 + "command: c, env: [{name: A=s3cret, value: s3cret}]}",
           "exec.env: holds a name that an environment cannot"),
      user("exec: 5", "exec: is not a map"),
  };
  for (const Bad& c : kCases) {
    const absl::Status status = Choose(c.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_EQ(MessageText(status), "kubeconfig /etc/k/conf: " + c.message) << c.text;
    EXPECT_THAT(MessageText(status), Not(HasSubstr("s3cret")));
    EXPECT_THAT(MessageText(status), Not(HasSubstr("\n")));
  }
  const std::string good = Config(kServer, "");
  EXPECT_EQ(MessageText(Choose(good, {"other", ""}).status()),
            "kubeconfig /etc/k/conf: there is no context \"other\"; there are: \"c\"");
}

TEST_F(KubeconfigTest, OfSeveralFilesTheFirstToNameAThingWins) {
  const TempDir dir;
  dir.Write("a/conf",
            "contexts: [{name: x, context: {cluster: k, user: u}}]\nusers: [{name: u, user: {tokenFile: tok}}]\n");
  dir.Write("a/tok", "abc");
  dir.Write("b/conf",
            "current-context: x\nclusters: [{name: k, cluster: {server: 'https://b'}}]\n"
            "users: [{name: u, user: {token: not-this, client-certificate: nor-that}}]\n");
  dir.Write("c/conf", "current-context: z\nclusters: [{name: k, cluster: {server: 'https://c'}}]\n");
  const std::string& root = dir.path();
  const std::string list = ":" + root + "/gone:" + root + "/a/conf:" + root + "/b/conf::" + root + "/c/conf";
  const auto config = LoadKubeconfigList(list, {});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://b");
  EXPECT_EQ(config->credentials.token_file, root + "/a/tok");
  EXPECT_EQ(config->credentials.token, "") << "a part is taken as a whole";

  EXPECT_EQ(MessageText(LoadKubeconfigList(root + "/gone:" + root + "/gone2", {}).status()),
            "KUBECONFIG=" + root + "/gone:" + root + "/gone2: no such file");
  EXPECT_EQ(MessageText(LoadKubeconfig(root + "/gone", {}).status()), "kubeconfig " + root + "/gone: no such file");
  EXPECT_EQ(MessageText(LoadKubeconfig(root, {}).status()), "kubeconfig " + root + ": not a file");
}

class InClusterTest : public testing::Test {
 protected:
  absl::StatusOr<ClientConfig> Config() {
    return InClusterConfig(
        [this](const char* name) -> const char* {
          const auto it = env_.find(name);
          return it == env_.end() ? nullptr : it->second.c_str();
        },
        dir_.path());
  }
  TempDir dir_;
  std::map<std::string, std::string> env_ = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                                             {"KUBERNETES_SERVICE_PORT", "443"}};
};

TEST_F(InClusterTest, ReadsWhatAPodIsGiven) {
  const Identity ca = IssueAuthority("ca");
  dir_.Write("ca.crt", ca.certificate_pem);
  dir_.Write("token", "abc\n");
  dir_.Write("namespace", "shop");
  auto config = Config();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://10.0.0.1:443");
  EXPECT_EQ(config->ca_pem, ca.certificate_pem);
  EXPECT_EQ(config->ca_file, dir_.path() + "/ca.crt");
  EXPECT_EQ(config->credentials.token_file, dir_.path() + "/token");
  EXPECT_EQ(config->namespace_, "shop");
  env_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  config = Config();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
}

TEST_F(InClusterTest, SaysWhatIsMissing) {
  EXPECT_EQ(MessageText(Config().status()), "in-cluster: " + dir_.path() + "/ca.crt: no such file");
  dir_.Write("ca.crt", "nothing");
  EXPECT_EQ(MessageText(Config().status()), "in-cluster: " + dir_.path() + "/ca.crt: holds no PEM certificate");
  dir_.Write("ca.crt", IssueAuthority("ca").certificate_pem);
  EXPECT_EQ(MessageText(Config().status()), "in-cluster: " + dir_.path() + "/token: no such file");
  env_["KUBERNETES_SERVICE_PORT"] = "x";
  EXPECT_THAT(MessageText(Config().status()), HasSubstr("make no address"));
  env_.erase("KUBERNETES_SERVICE_PORT");
  EXPECT_TRUE(absl::IsNotFound(Config().status()));
}

}  // namespace
}  // namespace epslice
