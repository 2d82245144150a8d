// A real kube-apiserver with an etcd of its own, started as envtest does.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/e2e/api_client.h"
#include "test/e2e/pki_files.h"
#include "test/e2e/process.h"
#include "test/e2e/request_log.h"
#include "test/e2e/test_server.h"

namespace epslice::e2e {
namespace {

// Far more than a run writes: the log is read from one file.
constexpr char kAuditLogMegabytes[] = "1000";
constexpr Duration kStartPatience = std::chrono::minutes(2);

// Without what the suite itself does as administrator: it is most of all, and
// nobody reads it.
constexpr char kAuditPolicy[] = R"({"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
  "omitStages": ["RequestReceived"], "rules": [
    {"level": "None", "userGroups": ["system:masters"]},
    {"level": "Metadata"}]})";

class KubeApiServer : public TestServer {
 public:
  KubeApiServer(const std::string& assets, const std::string& scratch)
      : assets_(assets),
        scratch_(scratch),
        port_(FreePort()),
        etcd_port_(FreePort()),
        pki_(MakeServerPki(scratch)),
        signing_(MakeSigningKey(scratch)),
        admin_token_(RandomToken()),
        admin_(AdminConfig("kube-apiserver", port_, pki_, admin_token_)) {}
  ~KubeApiServer() override {
    EndChild(&api_, std::chrono::seconds(3));
    EndChild(&etcd_, std::chrono::seconds(10));
  }

  std::string Description() const override { return "kube-apiserver and etcd of " + assets_; }
  const ClientConfig& admin() const override { return admin_; }
  // That is the business of kube-controller-manager.
  bool collects_garbage() const override { return false; }
  bool publishes_authentication_config() const override { return true; }

  absl::Status StartEtcd();
  absl::Status Start() override;
  absl::Status Stop() override {
    // Open watches hold a graceful end up for a minute. Whoever does not make it
    // in a few seconds is killed: what was answered is in etcd.
    EndChild(&api_, std::chrono::seconds(3));
    return absl::OkStatus();
  }
  absl::Status Compact() override;
  std::vector<LoggedRequest> Log() const override { return ReadAuditLog(ReadWholeFile(scratch_ + "/audit.log")); }
  std::string Output() const override {
    std::string text;
    if (etcd_ != nullptr) text += "--- etcd:\n" + LastLines(etcd_->output(), 10);
    if (api_ != nullptr) text += "--- kube-apiserver:\n" + LastLines(api_->output(), 20);
    return text;
  }

 private:
  std::string EtcdUrl() const { return "http://127.0.0.1:" + std::to_string(etcd_port_); }
  absl::StatusOr<std::unique_ptr<ApiClient>> EtcdClient() {
    ClientConfig config;
    config.server = EtcdUrl();
    return ApiClient::Create(config, &clock_);
  }

  const RealClock clock_;
  const std::string assets_;
  const std::string scratch_;
  const int port_;
  const int etcd_port_;
  const ServerPki pki_;
  const SigningKey signing_;
  const std::string admin_token_;
  const ClientConfig admin_;
  std::unique_ptr<Child> etcd_;
  std::unique_ptr<Child> api_;
};

absl::Status KubeApiServer::StartEtcd() {
  etcd_ =
      Launch({assets_ + "/etcd", "--data-dir=" + scratch_ + "/etcd", "--listen-client-urls=" + EtcdUrl(),
              "--advertise-client-urls=" + EtcdUrl(), "--listen-peer-urls=http://127.0.0.1:0", "--unsafe-no-fsync"});
  absl::StatusOr<std::unique_ptr<ApiClient>> client = EtcdClient();
  if (!client.ok()) return client.status();
  const bool up = Poll(kStartPatience, [&] { return etcd_->Ended() || (*client)->Get("/health").ok(); });
  if (up && !etcd_->Ended()) return absl::OkStatus();
  return absl::InternalError("etcd does not come up: " + LastLines(etcd_->output(), 10));
}

absl::Status KubeApiServer::Start() {
  WritePrivateFile(scratch_ + "/tokens.csv", admin_token_ + ",admin,admin,\"system:masters\"\n");
  WritePrivateFile(scratch_ + "/audit-policy.json", kAuditPolicy);
  api_ = Launch(
      {assets_ + "/kube-apiserver", "--etcd-servers=" + EtcdUrl(), "--bind-address=127.0.0.1",
       "--advertise-address=127.0.0.1", "--secure-port=" + std::to_string(port_),
       "--cert-dir=" + scratch_ + "/apiserver", "--tls-cert-file=" + pki_.cert_file,
       "--tls-private-key-file=" + pki_.key_file, "--token-auth-file=" + scratch_ + "/tokens.csv",
       "--service-account-issuer=https://127.0.0.1:" + std::to_string(port_) + "/",
       "--service-account-signing-key-file=" + signing_.private_file,
       "--service-account-key-file=" + signing_.public_file, "--service-cluster-ip-range=10.0.0.0/16,fd00:10:96::/112",
       "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--allow-privileged=true",
       // Without it kube-system gets no ConfigMap extension-apiserver-authentication.
       "--client-ca-file=" + pki_.ca_file, "--audit-policy-file=" + scratch_ + "/audit-policy.json",
       "--audit-log-path=" + scratch_ + "/audit.log", std::string("--audit-log-maxsize=") + kAuditLogMegabytes});
  absl::StatusOr<std::unique_ptr<ApiClient>> client = ApiClient::Create(admin_, &clock_);
  if (!client.ok()) return client.status();
  const bool up = Poll(kStartPatience, [&] { return api_->Ended() || (*client)->Get("/readyz").code == 200; });
  if (up && !api_->Ended()) return absl::OkStatus();
  return absl::InternalError("kube-apiserver does not come up: " + LastLines(api_->output(), 20));
}

// By etcd's JSON gateway: etcdctl is not part of the assets everywhere, and the
// API server's own compaction keeps what is younger than its interval.
absl::Status KubeApiServer::Compact() {
  absl::StatusOr<std::unique_ptr<ApiClient>> client = EtcdClient();
  if (!client.ok()) return client.status();
  const Answer status = (*client)->Post("/v3/maintenance/status", Json::object());
  if (!status.ok()) return absl::InternalError("etcd's status: " + status.ToString());
  const Answer compaction =
      (*client)->Post("/v3/kv/compaction", {{"revision", status.body.at("header").at("revision")}, {"physical", true}});
  if (!compaction.ok()) return absl::InternalError("etcd's compaction: " + compaction.ToString());
  // The API server's watch caches remember what etcd has forgotten; a new
  // process has but the present.
  if (absl::Status stopped = Stop(); !stopped.ok()) return stopped;
  return Start();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TestServer>> StartKubeApiServer(const std::string& assets, const std::string& scratch) {
  for (const char* program : {"/etcd", "/kube-apiserver"}) {
    if (access((assets + program).c_str(), X_OK) != 0) {
      return absl::InvalidArgumentError("KUBEBUILDER_ASSETS: there is no program " + assets + program);
    }
  }
  auto server = std::make_unique<KubeApiServer>(assets, scratch);
  if (absl::Status status = server->StartEtcd(); !status.ok()) return status;
  if (absl::Status status = server->Start(); !status.ok()) return status;
  return server;
}

}  // namespace epslice::e2e
