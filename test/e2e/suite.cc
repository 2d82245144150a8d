#include "test/e2e/suite.h"

#include <filesystem>
#include <iostream>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "apis/discovery.h"
#include "controllers/manager/authentication_config.h"
#include "informers/http/certificates.h"
#include "test/manifests/manifests.h"

namespace epslice::e2e {
namespace {

const char* const kAccounts[] = {"epslice-controller", "epslice-controller-b"};
constexpr char kLeaseName[] = "epslice-controller";
constexpr char kRbac[] = "/apis/rbac.authorization.k8s.io/v1";
// Of every cluster, in kube-system.
constexpr char kReaderRole[] = "extension-apiserver-authentication-reader";

}  // namespace

Replica::Replica(std::string folder, std::vector<std::string> args) : folder_(std::move(folder)) {
  args.insert(args.begin(), {EPSLICE_BIN_DIR "/endpointslice-controller", "--kubeconfig=" + folder_ + "/kubeconfig"});
  child_ = Launch(std::move(args));
}

Replica::~Replica() { EndChild(&child_, std::chrono::seconds(15)); }

void Replica::WriteToken(const std::string& token) const { WritePrivateFile(folder_ + "/token", token); }

std::string Replica::token() const { return ReadWholeFile(folder_ + "/token"); }

bool Replica::AwaitOutput(const std::string& part) const {
  return Poll(kPatience, [&] { return Says(*child_, part); });
}

int Replica::Stop() {
  child_->Signal(SIGTERM);
  return Wait();
}

int Replica::Wait() {
  if (!Poll(kPatience, [this] { return child_->Ended(); })) child_->Signal(SIGKILL);
  return child_->Wait();
}

void Replica::Kill() {
  child_->Signal(SIGKILL);
  child_->Wait();
}

Suite& Suite::Get() {
  // GoogleTest's, which outlives every test.
  static Suite* const suite = new Suite;
  return *suite;
}

void Suite::SetUp() {
  constexpr int kSuffixBytes = 3;
  suffix_ = RandomHex(kSuffixBytes);
  accounts_.namespace_ = "epslice-e2e-" + suffix_;
  accounts_.names.assign(std::begin(kAccounts), std::end(kAccounts));
  absl::StatusOr<std::unique_ptr<TestServer>> server = StartTestServer(accounts_, scratch_.path());
  ASSERT_TRUE(server.ok()) << server.status().message();
  server_ = *std::move(server);
  absl::StatusOr<std::unique_ptr<ApiClient>> admin = ApiClient::Create(server_->admin(), &clock_);
  ASSERT_TRUE(admin.ok()) << admin.status().message();
  admin_ = *std::move(admin);
  const Answer version = admin_->Get("/version");
  ASSERT_TRUE(version.ok()) << server_->Description() << " does not answer: " << version.ToString();
  std::cout << "Against " << server_->Description() << ", " << version.body.value("gitVersion", "") << std::endl;
  // Beside a cluster's own controller only under another name.
  controller_name_ = server_->owned() ? std::string(kDefaultControllerName) : "e2e.epslice.dev";
  const Answer made = MakeNamespace(system_namespace());
  ASSERT_TRUE(made.ok()) << made.ToString();
  rbac_ = admin_->Get(kRbac).ok();
}

Answer Suite::MakeNamespace(const std::string& name) {
  // Whatever the cluster's default: what the suite's pods look like is no
  // matter of security.
  const Json labels = {{"epslice-e2e", suffix_}, {"pod-security.kubernetes.io/enforce", "privileged"}};
  return admin_->PostPatiently(
      "/api/v1/namespaces",
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}, {"labels", labels}}}});
}

Json Suite::Create(const std::string& path, const Json& object) {
  const Answer answer = admin_->PostPatiently(path, object);
  EXPECT_TRUE(answer.ok()) << "POST " << path << " " << object.dump() << ": " << answer.ToString();
  return answer.body;
}

void Suite::MakeAccounts() {
  for (const std::string& name : accounts_.names) {
    Create("/api/v1/namespaces/" + system_namespace() + "/serviceaccounts",
           {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", name}}}});
  }
}

// Those of manifests/base, under names of this run's and for its accounts.
void Suite::MakeRoles() {
  Json subjects = Json::array();
  for (const std::string& name : accounts_.names) {
    subjects.push_back({{"kind", "ServiceAccount"}, {"name", name}, {"namespace", system_namespace()}});
  }
  const std::map<std::string, std::string> resources = {{"ClusterRole", "clusterroles"},
                                                        {"ClusterRoleBinding", "clusterrolebindings"},
                                                        {"Role", "roles"},
                                                        {"RoleBinding", "rolebindings"}};
  for (Json object : manifests::ParseYaml(manifests::ReadFile(manifests::ManifestPath("base/rbac.yaml")))) {
    const std::string kind = object.at("kind").get<std::string>();
    const auto resource = resources.find(kind);
    ASSERT_NE(resource, resources.end()) << "manifests/base/rbac.yaml has a " << kind;
    Json& meta = object["metadata"];
    meta["name"] = meta["name"].get<std::string>() + "-" + suffix_;
    // The reader of kube-system's ConfigMap is the cluster's, and stays where it is.
    const bool of_the_cluster = object.value("/roleRef/name"_json_pointer, "") == kReaderRole;
    if (object.contains("roleRef")) {
      if (!of_the_cluster) object["roleRef"]["name"] = object["roleRef"]["name"].get<std::string>() + "-" + suffix_;
      object["subjects"] = subjects;
    }
    std::string path = kRbac;
    if (of_the_cluster) {
      path += "/namespaces/kube-system";
    } else if (meta.contains("namespace")) {
      meta["namespace"] = system_namespace();
      path += "/namespaces/" + system_namespace();
    }
    path += "/" + resource->second;
    Create(path, object);
    cluster_objects_.push_back(path + "/" + meta["name"].get<std::string>());
  }
}

// A kube-apiserver sees new roles a moment after they were made. Asked for is
// what a replica asks for at its start, by each of the roles: where it was
// refused once, some of it is not asked for again soon.
void Suite::AwaitRoles() {
  for (const std::string& account : accounts_.names) {
    ClientConfig config = server_->admin();
    config.credentials = {};
    config.credentials.token = NewToken(account);
    absl::StatusOr<std::unique_ptr<ApiClient>> client = ApiClient::Create(config, &clock_);
    ASSERT_TRUE(client.ok()) << client.status();
    const struct {
      std::string path;
      bool there;  // 404 says that it may be read, too
    } kAsked[] = {
        {"/apis/discovery.k8s.io/v1/endpointslices?limit=1", true},
        {"/apis/coordination.k8s.io/v1/namespaces/" + system_namespace() + "/leases/" + kLeaseName, false},
        {std::string(kAuthenticationConfigPath), server_->publishes_authentication_config()},
    };
    for (const auto& asked : kAsked) {
      Answer answer;
      const bool works = Poll(kPatience, [&] {
        answer = (*client)->Get(asked.path);
        return answer.ok() || (answer.code == 404 && !asked.there);
      });
      ASSERT_TRUE(works) << account << " does not get " << asked.path << ": " << answer.ToString();
    }
  }
}

std::string Suite::NewToken(const std::string& account) {
  if (std::string token = server_->TakeToken(account); !token.empty()) return token;
  const std::string base = "/api/v1/namespaces/" + system_namespace();
  // Bound to a Secret of its own: the token ends with it.
  const Json secret = Create(
      base + "/secrets",
      {{"apiVersion", "v1"}, {"kind", "Secret"}, {"type", "Opaque"}, {"metadata", {{"generateName", "token-"}}}});
  if (!secret.is_object() || !secret.contains("metadata")) return "none";
  const std::string name = secret.at("metadata").at("name").get<std::string>();
  std::string token = AskForToken(
      account,
      {{"audiences", Json::array()},
       {"expirationSeconds", 3600},
       {"boundObjectRef",
        {{"kind", "Secret"}, {"apiVersion", "v1"}, {"name", name}, {"uid", secret.at("metadata").at("uid")}}}});
  token_secrets_[token] = base + "/secrets/" + name;
  return token;
}

std::string Suite::RequestToken(const std::string& account, Duration life) {
  return AskForToken(account, {{"audiences", Json::array()}, {"expirationSeconds", life / std::chrono::seconds(1)}});
}

std::string Suite::AskForToken(const std::string& account, const Json& spec) {
  const Json answer = Create("/api/v1/namespaces/" + system_namespace() + "/serviceaccounts/" + account + "/token",
                             {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", spec}});
  if (!answer.is_object() || !answer.contains("status")) return "none";
  return answer["status"].value("token", "none");
}

void Suite::RevokeToken(const std::string& token) {
  if (const auto it = token_secrets_.find(token); it != token_secrets_.end()) {
    const Answer answer = Patiently([&] { return admin_->Delete(it->second); });
    EXPECT_TRUE(answer.ok()) << answer.ToString();
  }
  const absl::Status status = server_->RevokeToken(token);
  EXPECT_TRUE(status.ok()) << status;
}

std::string Suite::KubeconfigFor(const std::string& folder) const {
  const ClientConfig& admin = server_->admin();
  Json cluster = {{"server", admin.server}};
  if (!admin.ca_pem.empty()) cluster["certificate-authority-data"] = absl::Base64Escape(admin.ca_pem);
  if (admin.insecure_skip_tls_verify) cluster["insecure-skip-tls-verify"] = true;
  if (!admin.tls_server_name.empty()) cluster["tls-server-name"] = admin.tls_server_name;
  const Json config = {
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"current-context", "e2e"},
      {"contexts", Json::array({{{"name", "e2e"}, {"context", {{"cluster", "e2e"}, {"user", "e2e"}}}}})},
      {"clusters", Json::array({{{"name", "e2e"}, {"cluster", cluster}}})},
      {"users", Json::array({{{"name", "e2e"}, {"user", {{"tokenFile", folder + "/token"}}}}})}};
  return config.dump(2);
}

std::unique_ptr<Replica> Suite::StartReplica(const std::string& account, const std::vector<std::string>& args,
                                             Duration life) {
  // Not before: a test that starts none needs nobody to issue tokens.
  if (rbac_ && !std::exchange(accounts_made_, true)) {
    MakeAccounts();
    MakeRoles();
    AwaitRoles();
  }
  const std::string folder = scratch_.path() + "/replica-" + std::to_string(++replicas_);
  std::filesystem::create_directories(folder);
  WritePrivateFile(folder + "/kubeconfig", KubeconfigFor(folder));
  WritePrivateFile(folder + "/token", life > Duration(0) ? RequestToken(account, life) : NewToken(account));
  std::vector<std::string> all = {"--secure-port=0",
                                  "--leader-elect-resource-namespace=" + system_namespace(),
                                  std::string("--leader-elect-resource-name=") + kLeaseName,
                                  "--kube-api-qps=500",
                                  "--kube-api-burst=1000",
                                  "-v=2"};
  if (controller_name_ != kDefaultControllerName) all.push_back("--controller-name=" + controller_name_);
  all.insert(all.end(), args.begin(), args.end());
  return std::make_unique<Replica>(folder, std::move(all));
}

void Suite::EnsureController() {
  if (controller_ != nullptr && !controller_->ended()) return;
  // A lease that outlives a restart of the API server.
  controller_ = StartReplica(kAccounts[0], {"--leader-elect-lease-duration=60s", "--leader-elect-renew-deadline=45s",
                                            "--leader-elect-retry-period=500ms"});
  EXPECT_TRUE(controller_->AwaitOutput("Leading")) << controller_->output();
}

void Suite::StopController() {
  if (controller_ == nullptr) return;
  EXPECT_EQ(controller_->Stop(), 0) << LastLines(controller_->output(), 20);
  controller_.reset();
}

// Of an existing cluster, whose other Services our controller cared for, too.
void Suite::RemoveWhatIsLeft() {
  for (const std::string& path : cluster_objects_) admin_->Delete(path);
  admin_->Delete("/api/v1/namespaces/" + system_namespace());
  const std::string group = "/apis/discovery.k8s.io/v1";
  const std::string selector = "?labelSelector=endpointslice.kubernetes.io%2Fmanaged-by%3D" + controller_name_;
  const Answer left = admin_->Get(group + "/endpointslices" + selector);
  EXPECT_TRUE(left.ok()) << left.ToString();
  if (!left.ok()) return;
  for (const Json& slice : left.body.at("items")) {
    const Json& meta = slice.at("metadata");
    admin_->Delete(group + "/namespaces/" + meta.at("namespace").get<std::string>() + "/endpointslices/" +
                   meta.at("name").get<std::string>());
  }
}

void Suite::TearDown() {
  if (admin_ != nullptr) StopController();
  controller_.reset();
  if (admin_ != nullptr && !server_->owned()) RemoveWhatIsLeft();
  admin_.reset();
  server_.reset();
}

}  // namespace epslice::e2e
