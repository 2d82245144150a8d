// Which API server to talk to, and as whom: from flags and environment.
#ifndef EPSLICE_CONTROLLERS_MANAGER_CONNECTION_H_
#define EPSLICE_CONTROLLERS_MANAGER_CONNECTION_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "controllers/manager/log.h"
#include "controllers/manager/options.h"
#include "informers/clock.h"
#include "informers/http/client_config.h"
#include "informers/http/credentials.h"
#include "informers/http/http_transport.h"

namespace epslice {

// The first of these that is there:
//   --kubeconfig FILE, with --context and --master taking the place of what it
//     says;
//   --context NAME, in the files that KUBECONFIG names;
//   --master URL, without credentials (KUBECONFIG is not asked then: its
//     credentials are for other servers);
//   in-cluster: what a pod is given (`service_account`: the folder of it);
//   KUBECONFIG.
// InvalidArgument otherwise, or where it is no good: one line, without secrets.
struct ApiConnection {
  std::string origin;       // for the log
  bool in_cluster = false;  // as a pod is told to
  HttpTransportOptions http;
};
absl::StatusOr<ApiConnection> ResolveConnection(const ManagerOptions& options, const GetEnv& env, const Clock* clock,
                                                const std::string& service_account = kServiceAccountFolder);

// The same for reviews (delegated_auth.h): with a kubeconfig of their own, or,
// where it is "", by `main`. Calls end within 10 s and have a rate limit apart.
absl::StatusOr<HttpTransportOptions> ReviewConnection(const std::string& kubeconfig, const ApiConnection& main,
                                                      const Clock* clock);

// Has `log` tell when a file that `credentials` (null: nothing to tell) come from
// can no longer be used, and when all can again. `flag`: what names a kubeconfig of
// reviews' own, "--authentication-kubeconfig"; "" for the controller's. Before the
// first call is made with them.
void LogTroubleOf(Credentials* credentials, std::string_view flag, Logger* log);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_CONNECTION_H_
