// ServingGuard: delegated authentication and authorization of the serving port,
// from flags to a guard that can be asked.
#ifndef EPSLICE_CONTROLLERS_MANAGER_SERVING_GUARD_H_
#define EPSLICE_CONTROLLERS_MANAGER_SERVING_GUARD_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "controllers/manager/client_trust.h"
#include "controllers/manager/connection.h"
#include "controllers/manager/delegated_auth.h"
#include "controllers/manager/log.h"
#include "controllers/manager/options.h"
#include "controllers/manager/serving.h"
#include "informers/clock.h"
#include "informers/http/http_transport.h"

namespace epslice {

// Thread-safe.
class ServingGuard {
 public:
  // Null where nobody is asked, and the port is for this machine alone: outside
  // of a cluster without --authentication-kubeconfig, --authorization-kubeconfig,
  // --client-ca-file and --requestheader-client-ca-file; and over plain HTTP, on
  // which no token should be shown.
  // `observe_certificate`: DelegatedAuthOptions has it.
  // InvalidArgument: a kubeconfig or a bundle of certificates that is no good.
  // Unavailable: the cluster does not say whose certificates name clients
  // (client_trust.h), and has to. May wait for the API server, unless `stop` is
  // cancelled: Unavailable then, or a guard that has not looked.
  static absl::StatusOr<std::unique_ptr<ServingGuard>> Create(const ManagerOptions& options,
                                                              const ApiConnection& connection, const Clock* clock,
                                                              Logger* log, CancelToken* stop,
                                                              std::function<void(Duration)> observe_certificate);

  std::optional<ServingReply> Check(const GuardedRequest& request) { return auth_.Check(request); }
  // Of those whose certificates name clients (ServingOptions::client_ca_pem).
  std::shared_ptr<const std::string> client_ca_pem() { return trust_->client_ca_pem(); }
  // Ends reviews that run; before the port is closed, so that nobody waits.
  void Cancel() {
    look_up_cancel_->Cancel();
    reviewer_.Cancel();
  }

 private:
  struct Parts {
    std::unique_ptr<HttpTransport> authentication;
    std::unique_ptr<HttpTransport> authorization;
    std::unique_ptr<CancelToken> look_up_cancel;
    std::unique_ptr<ClientTrustSource> trust;
  };
  ServingGuard(DelegatedAuthOptions options, Parts parts, const Clock* clock, Logger* log);

  const std::unique_ptr<HttpTransport> authentication_;
  const std::unique_ptr<HttpTransport> authorization_;
  const std::unique_ptr<CancelToken> look_up_cancel_;
  const std::unique_ptr<ClientTrustSource> trust_;
  HttpReviewer reviewer_;
  DelegatedAuth auth_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_SERVING_GUARD_H_
