#include "test/e2e/test_server.h"

#include <cstdlib>
#include <string_view>
#include <utility>

#include "informers/http/kubeconfig.h"

namespace epslice::e2e {
namespace {

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class ExistingCluster : public TestServer {
 public:
  explicit ExistingCluster(ClientConfig admin) : admin_(std::move(admin)) {}

  std::string Description() const override { return "the cluster of " + admin_.origin; }
  const ClientConfig& admin() const override { return admin_; }
  bool owned() const override { return false; }
  absl::Status Stop() override { return NotOurs(); }
  absl::Status Start() override { return NotOurs(); }
  absl::Status Compact() override { return NotOurs(); }
  bool collects_garbage() const override { return true; }

 private:
  static absl::Status NotOurs() { return absl::FailedPreconditionError("the cluster is not the suite's own"); }

  const ClientConfig admin_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TestServer>> UseExistingCluster(const std::string& kubeconfig,
                                                               const std::string& context) {
  absl::StatusOr<ClientConfig> config = LoadKubeconfig(kubeconfig, {.context = context, .server = ""});
  if (!config.ok()) return config.status();
  return std::make_unique<ExistingCluster>(*std::move(config));
}

absl::StatusOr<std::unique_ptr<TestServer>> StartTestServer(const ControllerAccounts& accounts,
                                                            const std::string& scratch) {
  const std::string assets = Environment("KUBEBUILDER_ASSETS");
  const std::string kubeconfig = Environment("E2E_KUBECONFIG");
  if (!assets.empty() && !kubeconfig.empty()) {
    return absl::InvalidArgumentError("KUBEBUILDER_ASSETS and E2E_KUBECONFIG are both set: one of them, or neither");
  }
  if (!assets.empty()) return StartKubeApiServer(assets, scratch);
  if (!kubeconfig.empty()) return UseExistingCluster(kubeconfig, Environment("E2E_CONTEXT"));
  return StartEmbeddedServer(accounts, scratch);
}

}  // namespace epslice::e2e
