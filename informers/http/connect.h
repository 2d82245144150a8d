// From where an API server is named to a transport that talks to it:
//
//   HttpTransportOptions options;
//   options.user_agent = "my-controller";
//   absl::StatusOr<std::unique_ptr<HttpTransport>> transport = Connect(FindClientConfig(kubeconfig), options, &clock);
//
// Errors are one line, without secrets, and begin with the file they are about.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_CONNECT_H_
#define EPSLICE_INFORMERS_HTTP_CONNECT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/http/client_config.h"
#include "informers/http/http_transport.h"

namespace epslice {

// As client-go looks for it, the first of: the file `kubeconfig`, if it is not "";
// what a pod is given (`service_account`: the folder of it); the files that
// KUBECONFIG names. NotFound where there is none of them; InvalidArgument where the
// first that is there is no good. `env`: null is the process's.
absl::StatusOr<ClientConfig> FindClientConfig(const std::string& kubeconfig, const GetEnv& env = nullptr,
                                              const std::string& service_account = kServiceAccountFolder);

// `options` with where to call, by which proxy, whom to trust and who to be taken
// from `config`; the rest stays. Where it names no proxy, the environment may
// (ProxyFromEnvironment; `env`: null is the process's). `clock` must outlive the
// credentials in it.
absl::StatusOr<HttpTransportOptions> OptionsFor(const ClientConfig& config, HttpTransportOptions options,
                                                const Clock* clock, const GetEnv& env = nullptr);

// `options` for the transport that a LeaderRunner with this renew deadline has for
// itself: no rate limit, no waiting for Retry-After, and calls that end in half of
// that time, so that a second one fits in.
HttpTransportOptions LeaseTransportOptions(HttpTransportOptions options, Duration renew_deadline);

// All of it. `clock` must outlive the transport; a config that is an error is
// returned as it is.
absl::StatusOr<std::unique_ptr<HttpTransport>> Connect(const absl::StatusOr<ClientConfig>& config,
                                                       const HttpTransportOptions& options, const Clock* clock);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_CONNECT_H_
