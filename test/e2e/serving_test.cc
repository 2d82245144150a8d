// The controller's own port: whom it lets in, as the API server says.
#include <memory>
#include <string>

#include "controllers/manager/authentication_config.h"
#include "test/e2e/fixture.h"
#include "test/e2e/process.h"

namespace epslice::e2e {
namespace {

using ServingPort = E2eTest;

// With the rights of manifests/base: look-up of the cluster's authorities and
// reviews are allowed, as otherwise it would not start, or answer 500.
TEST_F(ServingPort, KnowsClientsByTheirCertificates) {
  const TempDir dir;
  const Identity ca = IssueAuthority("clients");
  const std::string ca_file = dir.Write("ca.crt", ca.certificate_pem);
  const int port = FreePort();
  suite().StopController();
  const std::unique_ptr<Replica> replica = suite().StartReplica(
      suite().accounts().names[0],
      {"--leader-elect=false", "--client-ca-file=" + ca_file, "--secure-port=" + std::to_string(port)});
  ASSERT_TRUE(replica->AwaitOutput("Lists are complete")) << replica->output();
  // Where the cluster has authorities of its own, they were read.
  const bool published = admin().Get(std::string(kAuthenticationConfigPath)).ok();
  EXPECT_EQ(replica->output().find("There is no such ConfigMap") == std::string::npos, published) << replica->output();
  const auto code = [&](const Identity& shown, const std::string& path) {
    ClientConfig config;
    config.server = "https://127.0.0.1:" + std::to_string(port);
    config.insecure_skip_tls_verify = true;
    config.credentials.identity = shown;
    const absl::StatusOr<std::unique_ptr<ApiClient>> client = ApiClient::Create(config, &suite().clock());
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? (*client)->Get(path).code : 0;
  };
  const Identity master = Issue("root", {.issuer = &ca, .organizations = {"system:masters"}});
  const Identity stranger = Issue("stranger", {.issuer = &ca});
  EXPECT_EQ(code({}, "/readyz"), 200);
  EXPECT_EQ(code(master, "/metrics"), 200);
  EXPECT_EQ(code(stranger, "/version"), 200) << "whoever is known may";
  EXPECT_EQ(code(Issue("root", {.organizations = {"system:masters"}}), "/metrics"), 401);
  EXPECT_EQ(code(Issue("root", {.issuer = &ca, .from_hours = -3, .to_hours = -1}), "/metrics"), 401);
  if (suite().rbac()) {
    EXPECT_EQ(code(stranger, "/metrics"), 403);
    EXPECT_EQ(code({}, "/metrics"), 403);
  }
  EXPECT_EQ(replica->Stop(), 0);
}

}  // namespace
}  // namespace epslice::e2e
