// Kubeconfigs, as kubectl reads them.
//
// Parsing, merging and choosing are pure; files are read through a FileReader.
// Every error is one line that names the file and the field, and never holds
// what a field says where that may be a secret.
//
// Refused, with a line that says so, rather than ignored: a proxy-url of https:// or
// socks5:// (proxy.h), basic authentication (gone since Kubernetes 1.19),
// auth-provider (gone since 1.26), impersonation, exec plugins that need a terminal.
// Unknown fields are ignored, as kubectl does.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_KUBECONFIG_H_
#define EPSLICE_INFORMERS_HTTP_KUBECONFIG_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "informers/http/client_config.h"

namespace epslice {

// What a file, or several merged, say. `file` in each part: where it is from.
struct Kubeconfig {
  struct Cluster {
    std::string file;
    std::string server;
    std::string certificate_authority;
    std::string certificate_authority_data;
    bool insecure_skip_tls_verify = false;
    std::string tls_server_name;
    std::string proxy_url;  // may hold a password
    bool disable_compression = false;
    std::string exec_extension;  // extension client.authentication.k8s.io/exec, as JSON
  };
  struct Exec {
    ExecPluginConfig config;
    bool provide_cluster_info = false;
    std::string interactive_mode;
  };
  struct User {
    std::string file;
    std::string client_certificate;
    std::string client_certificate_data;
    std::string client_key;
    std::string client_key_data;
    std::string token;
    std::string token_file;
    bool has_basic_auth = false;
    bool has_auth_provider = false;
    bool has_impersonation = false;
    std::optional<Exec> exec;
  };
  struct Context {
    std::string file;
    std::string cluster;
    std::string user;
    std::string namespace_;
  };
  std::string current_context;
  std::string current_context_file;
  std::map<std::string, Cluster> clusters;
  std::map<std::string, User> users;
  std::map<std::string, Context> contexts;
};

// YAML or JSON; `file` is for messages, and for paths relative to it.
absl::StatusOr<Kubeconfig> ParseKubeconfig(const std::string& file, std::string_view text);

// Adds what `*into` does not have: the first file to name a thing wins, and
// its part is taken as a whole.
void MergeKubeconfig(Kubeconfig from, Kubeconfig* into);

struct KubeconfigChoice {
  // Instead of current-context; "": that.
  std::string context;
  // Instead of the cluster's server; "": that. Trust and credentials stay.
  std::string server;
};

// `file`: for messages where no part is to blame. Credentials are left out
// where the server is plain http://: they would be told to everybody.
absl::StatusOr<ClientConfig> ChooseContext(const Kubeconfig& kubeconfig, const std::string& file,
                                           const KubeconfigChoice& choice, const FileReader& read = ReadFileBounded);

// All of it for one file.
absl::StatusOr<ClientConfig> LoadKubeconfig(const std::string& path, const KubeconfigChoice& choice);
// For the value of KUBECONFIG: paths with ':' between them. Files that are not
// there are passed over, but not all of them.
absl::StatusOr<ClientConfig> LoadKubeconfigList(std::string_view paths, const KubeconfigChoice& choice);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_KUBECONFIG_H_
