#include "controllers/manager/connection.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "informers/http/credentials.h"
#include "informers/http/kubeconfig.h"

namespace epslice {
namespace {

absl::StatusOr<ClientConfig> ChooseConfig(const ManagerOptions& options, const GetEnv& env,
                                          const std::string& service_account) {
  const KubeconfigChoice choice{options.context, options.master};
  if (!options.kubeconfig.empty()) return LoadKubeconfig(options.kubeconfig, choice);

  const char* const list = env("KUBECONFIG");
  const bool has_list = list != nullptr && *list != 0;
  if (!options.context.empty()) {
    if (has_list) return LoadKubeconfigList(list, choice);
    return absl::InvalidArgumentError("--context needs --kubeconfig=FILE, or files in KUBECONFIG");
  }
  if (!options.master.empty()) {
    ClientConfig config;
    config.origin = "--master";
    config.server = options.master;
    return config;
  }
  absl::StatusOr<ClientConfig> config = InClusterConfig(env, service_account);
  if (!absl::IsNotFound(config.status())) return config;
  if (has_list) return LoadKubeconfigList(list, choice);
  return absl::InvalidArgumentError(
      "no API server is named: accepted are --kubeconfig=FILE, --master=URL, files in KUBECONFIG, and to run in a pod "
      "(KUBERNETES_SERVICE_HOST is not set here)");
}

}  // namespace

absl::StatusOr<ApiConnection> ResolveConnection(const ManagerOptions& options, const GetEnv& env, const Clock* clock,
                                                const std::string& service_account) {
  absl::StatusOr<ClientConfig> config = ChooseConfig(options, env, service_account);
  if (!config.ok()) return config.status();
  absl::StatusOr<std::shared_ptr<Credentials>> credentials = NewCredentials(config->credentials, clock);
  if (!credentials.ok()) {
    const auto message = credentials.status().message();
    return absl::InvalidArgumentError(Cat({config->origin, ": ", std::string_view(message.data(), message.size())}));
  }
  ApiConnection out;
  out.origin = std::move(config->origin);
  out.http.base_url = std::move(config->server);
  out.http.ca_pem = std::move(config->ca_pem);
  out.http.ca_file = std::move(config->ca_file);
  out.http.insecure_skip_tls_verify = config->insecure_skip_tls_verify;
  out.http.tls_server_name = std::move(config->tls_server_name);
  out.http.credentials = *std::move(credentials);
  out.http.qps = options.kube_api_qps;
  out.http.burst = options.kube_api_burst;
  out.http.user_agent = UserAgent();
  out.http.content_type = options.kube_api_content_type;
  return out;
}

}  // namespace epslice
