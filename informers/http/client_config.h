// ClientConfig: how to reach an API server and who to be there, as a value.
//
// kubeconfig.h reads it from kubeconfigs, InClusterConfig() from what a pod is
// given. credentials.h makes headers and certificates of it.
#ifndef EPSLICE_INFORMERS_HTTP_CLIENT_CONFIG_H_
#define EPSLICE_INFORMERS_HTTP_CLIENT_CONFIG_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "informers/http/tls.h"

namespace epslice {

struct HttpProxy;  // proxy.h

// A program that gives credentials (client.authentication.k8s.io, KEP-541).
struct ExecPluginConfig {
  std::string api_version;  // "client.authentication.k8s.io/v1" or ".../v1beta1"
  std::string command;      // a path, or a name to be found in PATH
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;  // beside our own environment
  std::string install_hint;                              // for who lacks the command
  // spec.cluster of KUBERNETES_EXEC_INFO as JSON; "" where it is not wanted.
  std::string cluster_json;
};

// Who to be. Files win over what is in place, and are read again and again.
struct CredentialSource {
  std::string token;
  std::string token_file;
  Identity identity;
  std::string certificate_file;  // both or neither
  std::string key_file;
  std::optional<ExecPluginConfig> exec;
};

struct ClientConfig {
  std::string origin;   // for messages: "kubeconfig a.conf, context \"b\""
  std::string server;   // "https://host[:port][/path]"
  std::string ca_pem;   // "": the system's
  std::string ca_file;  // where ca_pem is from, to be read again; "": not from a file
  bool insecure_skip_tls_verify = false;
  std::string tls_server_name;             // "": the host in `server`
  std::shared_ptr<const HttpProxy> proxy;  // null: none is named here
  CredentialSource credentials;
  std::string namespace_;
};

// The whole of a file. Errors say what is wrong with it, not its name.
using FileReader = std::function<absl::StatusOr<std::string>(const std::string& path)>;
// From disk: regular files (or what links to one), at most 16 MiB.
absl::StatusOr<std::string> ReadFileBounded(const std::string& path);

// As getenv(); null where it is not set.
using GetEnv = std::function<const char*(const char* name)>;

inline constexpr char kServiceAccountFolder[] = "/var/run/secrets/kubernetes.io/serviceaccount";

// ClientConfig::origin of what InClusterConfig() returns.
inline constexpr char kInClusterOrigin[] = "in-cluster";

// What a pod is given: KUBERNETES_SERVICE_HOST and _PORT, and in `folder` token
// and ca.crt. NotFound outside of a pod (no such environment);
// InvalidArgument where something of it is missing or no good.
absl::StatusOr<ClientConfig> InClusterConfig(const GetEnv& env, const std::string& folder = kServiceAccountFolder,
                                             const FileReader& read = ReadFileBounded);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_CLIENT_CONFIG_H_
