#include "controllers/manager/serving_guard.h"

#include <string_view>
#include <utility>

#include "controllers/manager/authentication_config.h"

namespace epslice {
namespace {

// `flag` names the kubeconfig.
absl::StatusOr<std::unique_ptr<HttpTransport>> MakeTransport(const std::string& kubeconfig, std::string_view flag,
                                                             const ApiConnection& connection, const Clock* clock,
                                                             Logger* log) {
  absl::StatusOr<HttpTransportOptions> http = ReviewConnection(kubeconfig, connection, clock);
  if (!http.ok()) return http.status();
  if (!kubeconfig.empty()) LogTroubleOf(http->credentials.get(), flag, log);
  return HttpTransport::Create(*std::move(http), clock);
}

// The ConfigMap that says whose certificates name clients.
absl::StatusOr<std::string> LookUpConfigMap(HttpTransport* transport, CancelToken* cancel) {
  HttpTransport::Answer answer = transport->Get(kAuthenticationConfigPath, cancel);
  if (answer.status.ok()) return std::move(answer.body);
  if (answer.status.code == 404) return absl::NotFoundError("there is none");
  return absl::UnavailableError(answer.status.ToString());
}

}  // namespace

ServingGuard::ServingGuard(DelegatedAuthOptions options, Parts parts, const Clock* clock, Logger* log)
    : authentication_(std::move(parts.authentication)),
      authorization_(std::move(parts.authorization)),
      look_up_cancel_(std::move(parts.look_up_cancel)),
      trust_(std::move(parts.trust)),
      reviewer_(authentication_.get(), authorization_.get()),
      auth_(std::move(options), &reviewer_, trust_.get(), clock, log) {}

absl::StatusOr<std::unique_ptr<ServingGuard>> ServingGuard::Create(const ManagerOptions& options,
                                                                   const ApiConnection& connection, const Clock* clock,
                                                                   Logger* log, CancelToken* stop,
                                                                   std::function<void(Duration)> observe_certificate) {
  const bool asked_for = !options.authentication_kubeconfig.empty() || !options.authorization_kubeconfig.empty() ||
                         options.client_trust.Given();
  if (options.secure_port == 0 || options.insecure || (!asked_for && !connection.in_cluster)) {
    return std::unique_ptr<ServingGuard>();
  }
  Parts parts;
  absl::StatusOr<std::unique_ptr<HttpTransport>> authentication =
      MakeTransport(options.authentication_kubeconfig, "--authentication-kubeconfig", connection, clock, log);
  if (!authentication.ok()) return authentication.status();
  parts.authentication = *std::move(authentication);
  absl::StatusOr<std::unique_ptr<HttpTransport>> authorization =
      MakeTransport(options.authorization_kubeconfig, "--authorization-kubeconfig", connection, clock, log);
  if (!authorization.ok()) return authorization.status();
  parts.authorization = *std::move(authorization);
  parts.look_up_cancel = std::make_unique<CancelToken>();
  const int stopped = stop->Register([cancel = parts.look_up_cancel.get()] { cancel->Cancel(); });
  absl::StatusOr<std::unique_ptr<ClientTrustSource>> trust = ClientTrustSource::Create(
      options.client_trust,
      [transport = parts.authentication.get(), cancel = parts.look_up_cancel.get()] {
        return LookUpConfigMap(transport, cancel);
      },
      clock, log);
  stop->Unregister(stopped);
  if (!trust.ok()) return trust.status();
  parts.trust = *std::move(trust);
  DelegatedAuthOptions auth;
  auth.token_ttl = options.authentication_cache_ttl;
  auth.authorized_ttl = options.authorized_cache_ttl;
  auth.unauthorized_ttl = options.unauthorized_cache_ttl;
  auth.always_allow_paths = options.always_allow_paths;
  auth.observe_certificate = std::move(observe_certificate);
  return std::unique_ptr<ServingGuard>(new ServingGuard(std::move(auth), std::move(parts), clock, log));
}

}  // namespace epslice
