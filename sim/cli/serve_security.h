// TLS and tokens of `serve`: what its flags ask for, made ready.
#ifndef EPSLICE_SIM_CLI_SERVE_SECURITY_H_
#define EPSLICE_SIM_CLI_SERVE_SECURITY_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/http/tls.h"
#include "sim/serve/access_control.h"
#include "sim/serve/token_auth.h"

namespace CLI {
class App;
}

namespace epslice::sim {

struct SecurityFlags {
  std::string tls_cert_file;
  std::string tls_private_key_file;
  bool self_signed = false;
  std::string write_kubeconfig;
  std::string token_auth_file;
  std::string authorization_mode = "AlwaysAllow";
  int min_token_seconds = 600;
};

void AddSecurityFlags(CLI::App* app, SecurityFlags* flags);

struct Security {
  std::shared_ptr<const TlsContext> tls;    // null: plain HTTP
  std::shared_ptr<const TokenAuth> tokens;  // null: nobody is asked
  AuthorizationMode authorization = AuthorizationMode::kAlwaysAllow;
  // For the kubeconfig, where one is wanted.
  std::string ca_pem;
  std::string token;
};

// `host`: what the server listens on, for the name in a certificate made here.
// InvalidArgument where flags do not go together or a file is no good; one
// line, without secrets.
absl::StatusOr<Security> PrepareSecurity(const SecurityFlags& flags, const std::string& host, const Clock& clock);

// Writes a kubeconfig for a server at `url` that only its owner can read.
absl::Status WriteKubeconfig(const std::string& path, const std::string& url, const Security& security);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_SERVE_SECURITY_H_
