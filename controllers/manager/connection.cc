#include "controllers/manager/connection.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "apis/status_text.h"
#include "informers/http/connect.h"
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
  absl::StatusOr<ClientConfig> config = FindClientConfig("", env, service_account);
  if (!absl::IsNotFound(config.status())) return config;
  return absl::InvalidArgumentError(
      "no API server is named: accepted are --kubeconfig=FILE, --master=URL, files in KUBECONFIG, and to run in a pod "
      "(KUBERNETES_SERVICE_HOST is not set here)");
}

HttpTransportOptions OurOptions() {
  HttpTransportOptions options;
  options.user_agent = UserAgent();
  return options;
}

}  // namespace

absl::StatusOr<ApiConnection> ResolveConnection(const ManagerOptions& options, const GetEnv& env, const Clock* clock,
                                                const std::string& service_account) {
  absl::StatusOr<ClientConfig> config = ChooseConfig(options, env, service_account);
  if (!config.ok()) return config.status();
  ApiConnection out;
  out.in_cluster = config->origin == kInClusterOrigin;
  out.origin = config->origin;
  absl::StatusOr<HttpTransportOptions> http = OptionsFor(*config, OurOptions(), clock, env);
  if (!http.ok()) return http.status();
  out.http = *std::move(http);
  out.http.qps = options.kube_api_qps;
  out.http.burst = options.kube_api_burst;
  out.http.content_type = options.kube_api_content_type;
  return out;
}

absl::StatusOr<HttpTransportOptions> ReviewConnection(const std::string& kubeconfig, const ApiConnection& main,
                                                      const Clock* clock) {
  HttpTransportOptions http = main.http;
  if (!kubeconfig.empty()) {
    absl::StatusOr<ClientConfig> config = LoadKubeconfig(kubeconfig, {});
    if (!config.ok()) return config.status();
    absl::StatusOr<HttpTransportOptions> own = OptionsFor(*config, OurOptions(), clock);
    if (!own.ok()) return own.status();
    own->observe = http.observe;
    http = *std::move(own);
  }
  // As the reference's: reviews must not wait for the controller's own calls.
  http.qps = 200;
  http.burst = 400;
  http.connect_timeout = std::chrono::seconds(5);
  http.call_timeout = http.read_timeout = std::chrono::seconds(10);
  http.max_retry_after = std::chrono::seconds(2);
  http.max_response_bytes = std::size_t{1} << 20;
  http.observe_bytes = nullptr;
  return http;
}

void LogTroubleOf(Credentials* credentials, std::string_view flag, Logger* log) {
  if (credentials == nullptr) return;
  credentials->OnTrouble([flag = std::string(flag), log](const absl::Status& status) {
    if (flag.empty() && status.ok()) {
      log->Info(0, "The files of our credentials are good again");
    } else if (flag.empty()) {
      log->Warning("A file of our credentials is no good; the API server is asked with what was read before",
                   {{"err", MessageOf(status)}});
    } else if (status.ok()) {
      log->Info(0, "The files of the credentials for reviews are good again", {{"flag", flag}});
    } else {
      log->Warning("A file of the credentials for reviews is no good; they are asked for with what was read before",
                   {{"flag", flag}, {"err", MessageOf(status)}});
    }
  });
}

}  // namespace epslice
