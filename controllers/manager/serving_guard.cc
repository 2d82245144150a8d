#include "controllers/manager/serving_guard.h"

#include <utility>

namespace epslice {
namespace {

absl::StatusOr<std::unique_ptr<HttpTransport>> MakeTransport(const std::string& kubeconfig,
                                                             const ApiConnection& connection, const Clock* clock) {
  absl::StatusOr<HttpTransportOptions> http = ReviewConnection(kubeconfig, connection, clock);
  if (!http.ok()) return http.status();
  return HttpTransport::Create(*std::move(http), clock);
}

}  // namespace

ServingGuard::ServingGuard(DelegatedAuthOptions options, std::unique_ptr<HttpTransport> authentication,
                           std::unique_ptr<HttpTransport> authorization, const Clock* clock, Logger* log)
    : authentication_(std::move(authentication)),
      authorization_(std::move(authorization)),
      reviewer_(authentication_.get(), authorization_.get()),
      auth_(std::move(options), &reviewer_, clock, log) {}

absl::StatusOr<std::unique_ptr<ServingGuard>> ServingGuard::Create(const ManagerOptions& options,
                                                                   const ApiConnection& connection, const Clock* clock,
                                                                   Logger* log) {
  const bool asked_for = !options.authentication_kubeconfig.empty() || !options.authorization_kubeconfig.empty();
  if (options.secure_port == 0 || options.insecure || (!asked_for && !connection.in_cluster)) {
    return std::unique_ptr<ServingGuard>();
  }
  absl::StatusOr<std::unique_ptr<HttpTransport>> authentication =
      MakeTransport(options.authentication_kubeconfig, connection, clock);
  if (!authentication.ok()) return authentication.status();
  absl::StatusOr<std::unique_ptr<HttpTransport>> authorization =
      MakeTransport(options.authorization_kubeconfig, connection, clock);
  if (!authorization.ok()) return authorization.status();
  DelegatedAuthOptions auth;
  auth.token_ttl = options.authentication_cache_ttl;
  auth.authorized_ttl = options.authorized_cache_ttl;
  auth.unauthorized_ttl = options.unauthorized_cache_ttl;
  auth.always_allow_paths = options.always_allow_paths;
  return std::unique_ptr<ServingGuard>(
      new ServingGuard(std::move(auth), *std::move(authentication), *std::move(authorization), clock, log));
}

}  // namespace epslice
