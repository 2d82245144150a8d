#include "informers/http/connect.h"

#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/status_text.h"
#include "informers/http/credentials.h"
#include "informers/http/http_routes.h"
#include "informers/http/kubeconfig.h"
#include "informers/http/proxy.h"

namespace epslice {
namespace {

GetEnv OrProcess(const GetEnv& env) {
  return env ? env : GetEnv([](const char* name) -> const char* { return std::getenv(name); });
}

absl::Status OfOrigin(const ClientConfig& config, const absl::Status& status) {
  return absl::InvalidArgumentError(Cat({config.origin, ": ", MessageOf(status)}));
}

}  // namespace

absl::StatusOr<ClientConfig> FindClientConfig(const std::string& kubeconfig, const GetEnv& env,
                                              const std::string& service_account) {
  if (!kubeconfig.empty()) return LoadKubeconfig(kubeconfig, {});
  const GetEnv get = OrProcess(env);
  absl::StatusOr<ClientConfig> config = InClusterConfig(get, service_account);
  if (!absl::IsNotFound(config.status())) return config;
  const char* const list = get("KUBECONFIG");
  if (list != nullptr && *list != 0) return LoadKubeconfigList(list, {});
  return absl::NotFoundError("no API server is named: by a kubeconfig, KUBECONFIG, or what a pod is given");
}

absl::StatusOr<HttpTransportOptions> OptionsFor(const ClientConfig& config, HttpTransportOptions options,
                                                const Clock* clock, const GetEnv& env) {
  const absl::StatusOr<HttpEndpoint> endpoint = ParseHttpUrl(config.server);
  if (!endpoint.ok()) return OfOrigin(config, endpoint.status());
  options.proxy = config.proxy;
  if (options.proxy == nullptr) {
    absl::StatusOr<std::shared_ptr<const HttpProxy>> proxy = ProxyFromEnvironment(*endpoint, OrProcess(env));
    if (!proxy.ok()) return proxy.status();
    options.proxy = *std::move(proxy);
  }
  absl::StatusOr<std::shared_ptr<Credentials>> credentials = NewCredentials(config.credentials, clock);
  if (!credentials.ok()) return OfOrigin(config, credentials.status());
  options.base_url = config.server;
  options.ca_pem = config.ca_pem;
  options.ca_file = config.ca_file;
  options.insecure_skip_tls_verify = config.insecure_skip_tls_verify;
  options.tls_server_name = config.tls_server_name;
  options.credentials = *std::move(credentials);
  return options;
}

HttpTransportOptions LeaseTransportOptions(HttpTransportOptions options, Duration renew_deadline) {
  options.qps = 0;
  options.max_retry_after = Duration::zero();
  options.call_timeout = options.read_timeout = options.connect_timeout = renew_deadline / 2;
  return options;
}

absl::StatusOr<std::unique_ptr<HttpTransport>> Connect(const absl::StatusOr<ClientConfig>& config,
                                                       const HttpTransportOptions& options, const Clock* clock) {
  if (!config.ok()) return config.status();
  absl::StatusOr<HttpTransportOptions> http = OptionsFor(*config, options, clock);
  if (!http.ok()) return http.status();
  absl::StatusOr<std::unique_ptr<HttpTransport>> transport = HttpTransport::Create(*std::move(http), clock);
  if (!transport.ok()) return OfOrigin(*config, transport.status());
  return transport;
}

}  // namespace epslice
