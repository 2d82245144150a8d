#include "sim/run/unused_flags.h"

#include <algorithm>
#include <array>

namespace epslice::sim {
namespace {

// A test holds the list against the controller's own.
constexpr std::array<std::string_view, 45> kUnused = {
    "authentication-kubeconfig",
    "authentication-skip-lookup",
    "authentication-token-webhook-cache-ttl",
    "authentication-tolerate-lookup-failure",
    "authorization-always-allow-paths",
    "authorization-kubeconfig",
    "authorization-webhook-cache-authorized-ttl",
    "authorization-webhook-cache-unauthorized-ttl",
    "bind-address",
    "cert-dir",
    "client-ca-file",
    "config",
    "context",
    "disable-http2-serving",
    "http2-max-streams-per-connection",
    "insecure",
    "kube-api-content-type",
    "kubeconfig",
    "leader-elect",
    "leader-elect-lease-duration",
    "leader-elect-renew-deadline",
    "leader-elect-resource-lock",
    "leader-elect-resource-name",
    "leader-elect-resource-namespace",
    "leader-elect-retry-period",
    "logging-format",
    "master",
    "mode",
    "permit-address-sharing",
    "permit-port-sharing",
    "requestheader-allowed-names",
    "requestheader-client-ca-file",
    "requestheader-extra-headers-prefix",
    "requestheader-group-headers",
    "requestheader-uid-headers",
    "requestheader-username-headers",
    "secure-port",
    "shadow-grace",
    "shutdown-grace-period",
    "tls-cert-file",
    "tls-cipher-suites",
    "tls-min-version",
    "tls-private-key-file",
    "tls-sni-cert-key",
    "v",
};

}  // namespace

bool IsUnusedFlag(std::string_view name) { return std::find(kUnused.begin(), kUnused.end(), name) != kUnused.end(); }

}  // namespace epslice::sim
