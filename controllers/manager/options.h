// The command line of endpointslice-controller.
//
// Flags have the names and defaults of kube-controller-manager v1.36, so that
// its arguments can be kept. What this version cannot do yet is refused with a
// line that says so, never accepted without effect.
#ifndef EPSLICE_CONTROLLERS_MANAGER_OPTIONS_H_
#define EPSLICE_CONTROLLERS_MANAGER_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/discovery.h"
#include "controllers/manager/client_trust.h"
#include "controllers/manager/log.h"
#include "controllers/topologyhints/policy.h"
#include "informers/clock.h"
#include "informers/http/server_tls.h"
#include "informers/http/tls.h"
#include "informers/leader_election.h"

namespace epslice {

// --mode
enum class ManagerMode : std::uint8_t {
  kActive,  // keeps the slices as they should be
  kShadow,  // reads only, and says where they are not (endpointslice/shadow.h)
};

struct ManagerOptions {
  ManagerMode mode = ManagerMode::kActive;
  Duration shadow_grace = std::chrono::seconds(10);           // --shadow-grace; above 0
  Duration shutdown_grace_period = std::chrono::seconds(10);  // --shutdown-grace-period
  // Which API server: connection.h says how these go together.
  std::string kubeconfig;  // a file
  std::string context;     // of the kubeconfig; "": its current-context
  std::string master;      // "https://host[:port][/prefix]", or http
  double kube_api_qps = 20;
  int kube_api_burst = 30;
  // --kube-api-content-type: this, or "application/json".
  std::string kube_api_content_type = "application/vnd.kubernetes.protobuf";
  int concurrent_service_endpoint_syncs = 5;  // 1..50
  int max_endpoints_per_slice = 100;          // 1..1000
  Duration endpointslice_updates_batch_period{0};
  Duration min_resync_period = std::chrono::hours(12);  // 0: never
  std::string controller_name{kDefaultControllerName};
  HintsOptions hints;  // --hints-policy, --hints-unknown-nodes, --hints-overload-threshold
  // --leader-elect and what goes with it; the identity is made in main. In shadow
  // false, whatever was given: nobody leads there, and no Lease is written.
  bool leader_elect = true;
  LeaderElectorOptions leader_election{.identity = "", .namespace_ = "kube-system", .name = "endpointslice-controller"};
  int verbosity = 0;
  LogFormat logging_format = LogFormat::kText;

  std::string bind_address = "127.0.0.1";  // --bind-address
  int secure_port = 10270;                 // --secure-port; 0: no serving
  bool insecure = false;                   // --insecure: plain HTTP
  std::string tls_cert_file;               // both, or neither
  std::string tls_private_key_file;
  std::vector<NamedServerTlsFiles> tls_sni_cert_keys;  // --tls-sni-cert-key, in the order given
  TlsServerPolicy tls_policy;                          // --tls-min-version, --tls-cipher-suites
  bool permit_port_sharing = false;                    // --permit-port-sharing
  // --disable-http2-serving, --permit-address-sharing: as it is in any case; the
  // first cannot be false.
  bool disable_http2_serving = true;
  bool permit_address_sharing = true;
  // Delegated authentication and authorization of the serving port (serving_guard.h).
  std::string authentication_kubeconfig;  // "": as the controller itself
  std::string authorization_kubeconfig;
  Duration authentication_cache_ttl = std::chrono::seconds(10);  // --authentication-token-webhook-cache-ttl
  Duration authorized_cache_ttl = std::chrono::seconds(10);      // --authorization-webhook-cache-authorized-ttl
  Duration unauthorized_cache_ttl = std::chrono::seconds(10);    // --authorization-webhook-cache-unauthorized-ttl
  std::vector<std::string> always_allow_paths = {"/healthz", "/readyz", "/livez"};
  // --client-ca-file, --requestheader-*, --authentication-skip-lookup and the like.
  ClientTrustOptions client_trust;

  std::string config;  // --config, a file

  // All flags as they hold now, given (by file or argument) or preset: {"--kube-api-qps", "20"}, by
  // name. No flag holds a secret.
  std::vector<std::pair<std::string, std::string>> effective;
};

// Reads the arguments (without the program's name) into `options`. Returns the
// exit code where there is nothing to run: 0 after --help or --version, which
// go to `out`; 2 for a bad argument, after one line to `err`.
std::optional<int> ParseOptions(std::vector<std::string> args, ManagerOptions* options, std::ostream& out,
                                std::ostream& err);

// A Go duration ("500ms", "1m30s", "1.5h", "0") that is not negative.
// InvalidArgument otherwise, and above 100 years.
absl::StatusOr<Duration> ParseDuration(const std::string& s);

// "0.1.0"
std::string_view Version();
// "endpointslice-controller/0.1.0 (linux/amd64) epslice"; the part before the
// slash becomes the manager in managedFields.
std::string UserAgent();

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_OPTIONS_H_
