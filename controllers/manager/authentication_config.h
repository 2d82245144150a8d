// The ConfigMap in which a cluster says whose certificates name clients:
// kube-system/extension-apiserver-authentication, as kube-apiserver writes it.
// Pure. Thread-safety: functions without shared state.
#ifndef EPSLICE_CONTROLLERS_MANAGER_AUTHENTICATION_CONFIG_H_
#define EPSLICE_CONTROLLERS_MANAGER_AUTHENTICATION_CONFIG_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "controllers/manager/client_identity.h"

namespace epslice {

inline constexpr std::string_view kAuthenticationConfigPath =
    "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";

struct AuthenticationConfig {
  std::string client_ca_pem;                // "": it says none
  std::string requestheader_client_ca_pem;  // "": it says none
  RequestHeaderOptions request_headers;     // what it does not say is empty
};

// InvalidArgument where it is no ConfigMap, or a list in it is no list of
// strings in JSON. PEM is not looked at.
absl::StatusOr<AuthenticationConfig> ParseAuthenticationConfig(std::string_view json);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_AUTHENTICATION_CONFIG_H_
