#include "sim/cli/serve_security.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <sstream>
#include <string>
#include <vector>

#include "informers/http/credentials.h"
#include "informers/http/http_transport.h"
#include "informers/http/kubeconfig.h"
#include "sim/cli/command.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/serve/http_server.h"
#include "test/informers/http/pki.h"

namespace epslice::sim {
namespace {

using testing::HasSubstr;

TEST(ServeSecurityTest, FlagsGoTogether) {
  const TempDir dir;
  const Identity identity = Issue("server", {.hosts = {"localhost"}});
  const std::string crt = dir.Write("crt", identity.certificate_pem);
  const std::string key = dir.Write("key", identity.key_pem);
  const std::string other = dir.Write("other", Issue("other", {}).key_pem);
  const std::string csv = dir.Write("csv", "s3cret,user\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> kCases = {
      {{"--tls-cert-file", crt}, "--tls-cert-file and --tls-private-key-file go together"},
      {{"--tls-private-key-file", key}, "--tls-cert-file and --tls-private-key-file go together"},
      {{"--tls-cert-file", crt, "--tls-private-key-file", key, "--self-signed"},
       "--self-signed and --tls-cert-file: one of them"},
      {{"--self-signed"}, "--self-signed and --write-kubeconfig FILE go together: the file says whom to trust"},
      {{"--write-kubeconfig", "k"},
       "--self-signed and --write-kubeconfig FILE go together: the file says whom to trust"},
      {{"--token-auth-file", csv},
       "--token-auth-file needs TLS: --tls-cert-file or --self-signed (clients send no token without)"},
      {{"--tls-cert-file", dir.path() + "/gone", "--tls-private-key-file", key},
       "--tls-cert-file " + dir.path() + "/gone: no such file"},
      {{"--tls-cert-file", crt, "--tls-private-key-file", other},
       "--tls-cert-file " + crt + ": the private key is not the one of the certificate"},
      {{"--tls-cert-file", crt, "--tls-private-key-file", key, "--token-auth-file", csv},
       "--token-auth-file " + csv + ": line 1: accepted is token,user,uid and maybe \"group1,group2\""},
      {{"--authorization-mode", "ABAC"}, "--authorization-mode=\"ABAC\": accepted are RBAC and AlwaysAllow"},
      {{"--authorization-mode", "RBAC"},
       "--authorization-mode=RBAC needs to know who asks: --token-auth-file or --self-signed"},
      {{"--self-signed", "--write-kubeconfig", dir.path() + "/no/folder"},
       "--write-kubeconfig " + dir.path() + "/no/folder: No such file or directory"},
  };
  for (const auto& [args, message] : kCases) {
    std::vector<std::string> all = {"serve", "--listen", "127.0.0.1:0"};
    all.insert(all.end(), args.begin(), args.end());
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunCli(all, {in, out, err}), kExitBadInput);
    EXPECT_THAT(err.str(), HasSubstr("serve: " + message + "\n"));
    EXPECT_THAT(err.str(), testing::Not(HasSubstr("s3cret")));
  }
}

// The written kubeconfig is all that a client needs, and for its owner alone.
TEST(ServeSecurityTest, AKubeconfigThatWorks) {
  const RealClock clock;
  const TempDir dir;
  const std::string path = dir.Write("conf", "from before");
  for (const bool token_file : {false, true}) {
    SecurityFlags flags;
    flags.self_signed = true;
    flags.write_kubeconfig = path;
    if (token_file) flags.token_auth_file = dir.Write("csv", "it's,user,1\nother,user,2\n");
    const auto security = PrepareSecurity(flags, "127.0.0.1", clock);
    ASSERT_TRUE(security.ok()) << security.status();
    if (!token_file) {
      EXPECT_EQ(security->token.size(), 64U);
    }
    MemoryApiServer memory(&clock);
    HttpServerOptions options;
    options.tls = security->tls;
    options.tokens = security->tokens;
    HttpServer http(&clock, &memory, options);
    ASSERT_TRUE(http.Start().ok());
    const std::string url = "https://127.0.0.1:" + std::to_string(http.port());
    ASSERT_TRUE(WriteKubeconfig(path, url, *security).ok());
    struct stat info {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);

    const auto config = LoadKubeconfig(path, {});
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->server, url);
    HttpTransportOptions client;
    client.base_url = config->server;
    client.ca_pem = config->ca_pem;
    client.credentials = *NewCredentials(config->credentials, &clock);
    Request list;
    list.verb = Verb::kList;
    list.kind = Kind::kNode;
    const Status status = (*HttpTransport::Create(client, &clock))->Do(list, nullptr).status;
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
}

}  // namespace
}  // namespace epslice::sim
