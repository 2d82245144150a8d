// ExecCredential of client.authentication.k8s.io, v1 and v1beta1: what is said
// to an exec plugin, and what it says. Pure.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_EXEC_CREDENTIAL_H_
#define EPSLICE_INFORMERS_HTTP_EXEC_CREDENTIAL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "apis/meta.h"
#include "informers/http/client_config.h"

namespace epslice {

struct ExecCredential {
  std::string token;
  Identity identity;
  Timestamp expiration;  // unset: good until the server refuses it
};

// The value of KUBERNETES_EXEC_INFO.
std::string ExecInfoJson(const ExecPluginConfig& config);

// InvalidArgument where it is of another version than was asked for, or holds
// neither token nor certificate. Errors hold nothing of the text but the
// version.
absl::StatusOr<ExecCredential> ParseExecCredential(std::string_view json, const std::string& api_version);

// True for what can stand in an Authorization header: visible ASCII.
bool IsTokenText(std::string_view token);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_EXEC_CREDENTIAL_H_
