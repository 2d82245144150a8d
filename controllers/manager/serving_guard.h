// ServingGuard: delegated authentication and authorization of the serving port,
// from flags to a guard that can be asked.
#ifndef EPSLICE_CONTROLLERS_MANAGER_SERVING_GUARD_H_
#define EPSLICE_CONTROLLERS_MANAGER_SERVING_GUARD_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
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
  // of a cluster without --authentication-kubeconfig or --authorization-
  // kubeconfig; and over plain HTTP, on which no token should be shown.
  // InvalidArgument: a kubeconfig that is no good.
  static absl::StatusOr<std::unique_ptr<ServingGuard>> Create(const ManagerOptions& options,
                                                              const ApiConnection& connection, const Clock* clock,
                                                              Logger* log);

  std::optional<HttpReply> Check(const GuardedRequest& request) { return auth_.Check(request); }
  // Ends reviews that run; before the port is closed, so that nobody waits.
  void Cancel() { reviewer_.Cancel(); }

 private:
  ServingGuard(DelegatedAuthOptions options, std::unique_ptr<HttpTransport> authentication,
               std::unique_ptr<HttpTransport> authorization, const Clock* clock, Logger* log);

  const std::unique_ptr<HttpTransport> authentication_;
  const std::unique_ptr<HttpTransport> authorization_;
  HttpReviewer reviewer_;
  DelegatedAuth auth_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_SERVING_GUARD_H_
