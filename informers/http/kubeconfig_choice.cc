// From a kubeconfig to a ClientConfig: which parts, whether they make sense.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "apis/cat.h"
#include "apis/status_text.h"
#include "informers/http/http_routes.h"
#include "informers/http/kubeconfig.h"
#include "informers/http/proxy.h"

namespace epslice {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kExecGroup = "client.authentication.k8s.io/";

// Errors of one part: "kubeconfig FILE: users["a"].user.FIELD: WHAT".
class Part {
 public:
  Part(std::string file, std::string_view list, std::string_view name, std::string_view part)
      : file_(std::move(file)), path_(Cat({list, "[", QuoteForError(name), "].", part, "."})) {}

  absl::Status Bad(std::string_view field, std::string_view what) const {
    return absl::InvalidArgumentError(Cat({"kubeconfig ", file_, ": ", path_, field, ": ", what}));
  }
  // Relative to the folder of the file.
  std::string Resolve(const std::string& path) const {
    if (path.empty() || path.front() == '/') return path;
    return (std::filesystem::path(file_).parent_path() / path).lexically_normal().string();
  }
  absl::StatusOr<std::string> Decode(std::string_view field, const std::string& base64) const {
    std::string bytes;
    if (!absl::Base64Unescape(base64, &bytes)) return Bad(field, "is not base64");
    return bytes;
  }

 private:
  std::string file_;
  std::string path_;
};

template <typename T>
std::string Names(const std::map<std::string, T>& map) {
  constexpr std::size_t kMost = 10;
  std::string names;
  std::size_t i = 0;
  for (const auto& [name, value] : map) {
    if (++i > kMost) return names + ", ...";
    names += Cat({names.empty() ? "" : ", ", QuoteForError(name)});
  }
  return names.empty() ? "there is none" : "there are: " + names;
}

absl::Status FillTrust(const Kubeconfig::Cluster& cluster, const Part& part, const FileReader& read,
                       ClientConfig* config) {
  config->insecure_skip_tls_verify = cluster.insecure_skip_tls_verify;
  config->tls_server_name = cluster.tls_server_name;
  const bool has_ca = !cluster.certificate_authority_data.empty() || !cluster.certificate_authority.empty();
  if (cluster.insecure_skip_tls_verify) {
    if (!has_ca) return absl::OkStatus();
    return part.Bad("insecure-skip-tls-verify", "makes no sense with a certificate-authority; remove one of them");
  }
  if (!has_ca) return absl::OkStatus();
  const bool inline_data = !cluster.certificate_authority_data.empty();
  const char* const field = inline_data ? "certificate-authority-data" : "certificate-authority";
  if (inline_data) {
    absl::StatusOr<std::string> pem = part.Decode(field, cluster.certificate_authority_data);
    if (!pem.ok()) return pem.status();
    config->ca_pem = *std::move(pem);
  } else {
    const std::string path = part.Resolve(cluster.certificate_authority);
    absl::StatusOr<std::string> pem = read(path);
    if (!pem.ok()) return part.Bad(field, Cat({path, ": ", MessageOf(pem.status())}));
    config->ca_pem = *std::move(pem);
    config->ca_file = path;
  }
  if (absl::Status status = CheckCertificates(config->ca_pem); !status.ok()) return part.Bad(field, MessageOf(status));
  return absl::OkStatus();
}

absl::Status FillIdentity(const Kubeconfig::User& user, const Part& part, const FileReader& read,
                          CredentialSource* out) {
  const bool certificate = !user.client_certificate.empty() || !user.client_certificate_data.empty();
  const bool key = !user.client_key.empty() || !user.client_key_data.empty();
  if (!certificate && !key) return absl::OkStatus();
  if (!key) return part.Bad("client-key", "is missing beside the client certificate");
  if (!certificate) return part.Bad("client-certificate", "is missing beside the client key");
  if (user.client_certificate_data.empty() && user.client_key_data.empty()) {
    out->certificate_file = part.Resolve(user.client_certificate);
    out->key_file = part.Resolve(user.client_key);
  }
  const auto get = [&](const char* field, const std::string& data, const std::string& file,
                       std::string* pem) -> absl::Status {
    const std::string path = part.Resolve(file);
    absl::StatusOr<std::string> got = data.empty() ? read(path) : part.Decode(Cat({field, "-data"}), data);
    if (!got.ok() && data.empty()) return part.Bad(field, Cat({path, ": ", MessageOf(got.status())}));
    if (!got.ok()) return got.status();
    *pem = *std::move(got);
    return absl::OkStatus();
  };
  absl::Status status =
      get("client-certificate", user.client_certificate_data, user.client_certificate, &out->identity.certificate_pem);
  if (status.ok()) status = get("client-key", user.client_key_data, user.client_key, &out->identity.key_pem);
  if (!status.ok()) return status;
  status = CheckIdentity(out->identity);
  if (status.ok()) return status;
  return part.Bad(user.client_certificate_data.empty() ? "client-certificate" : "client-certificate-data",
                  MessageOf(status));
}

// spec.cluster of the ExecCredential that the plugin is given.
std::string ClusterJson(const Kubeconfig::Cluster& cluster, const ClientConfig& config) {
  Json json = {{"server", config.server}};
  if (!config.tls_server_name.empty()) json["tls-server-name"] = config.tls_server_name;
  if (config.insecure_skip_tls_verify) json["insecure-skip-tls-verify"] = true;
  if (!cluster.proxy_url.empty()) json["proxy-url"] = cluster.proxy_url;
  if (!config.ca_pem.empty()) json["certificate-authority-data"] = absl::Base64Escape(config.ca_pem);
  if (cluster.disable_compression) json["disable-compression"] = true;
  if (!cluster.exec_extension.empty()) json["config"] = Json::parse(cluster.exec_extension, nullptr, false);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::Status FillExec(const Kubeconfig::User& user, const Kubeconfig::Cluster& cluster, const Part& part,
                      ClientConfig* config) {
  const Kubeconfig::Exec& exec = *user.exec;
  const std::string& version = exec.config.api_version;
  if (version != Cat({kExecGroup, "v1"}) && version != Cat({kExecGroup, "v1beta1"})) {
    return part.Bad("exec.apiVersion", Cat({"is ", QuoteForError(version), "; accepted are ", kExecGroup, "v1 and ",
                                            kExecGroup, "v1beta1"}));
  }
  if (exec.config.command.empty()) return part.Bad("exec.command", "is missing");
  const std::string& mode = exec.interactive_mode;
  if (mode == "Always") {
    return part.Bad("exec.interactiveMode", "Always: there is no terminal here; accepted are Never and IfAvailable");
  }
  if (mode.empty() ? version == Cat({kExecGroup, "v1"}) : mode != "Never" && mode != "IfAvailable") {
    return part.Bad("exec.interactiveMode", Cat({"is ", QuoteForError(mode), "; accepted are Never and IfAvailable"}));
  }
  for (const auto& [name, value] : exec.config.env) {
    if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos) {
      return part.Bad("exec.env", "holds a name that an environment cannot");
    }
  }
  ExecPluginConfig plugin = exec.config;
  if (plugin.command.find('/') != std::string::npos) {
    plugin.command = part.Resolve(plugin.command);
    // Still a path, where the file was named without a folder: not what PATH has
    // under that name.
    if (plugin.command.find('/') == std::string::npos) plugin.command.insert(0, "./");
  }
  if (exec.provide_cluster_info) plugin.cluster_json = ClusterJson(cluster, *config);
  config->credentials.exec = std::move(plugin);
  return absl::OkStatus();
}

absl::Status FillCredentials(const Kubeconfig::User& user, const Kubeconfig::Cluster& cluster, const Part& part,
                             const FileReader& read, ClientConfig* config) {
  if (user.has_basic_auth) {
    return part.Bad("username",
                    "basic authentication is gone since Kubernetes 1.19; accepted are token, tokenFile, "
                    "client-certificate and exec");
  }
  if (user.has_auth_provider) {
    return part.Bad("auth-provider",
                    "is gone since Kubernetes 1.26; accepted are token, tokenFile, "
                    "client-certificate and exec");
  }
  if (user.has_impersonation) return part.Bad("as", "impersonation is not supported; be who you want to be");
  CredentialSource& out = config->credentials;
  out.token = user.token;
  out.token_file = part.Resolve(user.token_file);
  for (const char c : out.token) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return part.Bad("token", "holds blanks or control characters");
  }
  // Beside a token a file counts as soon as it can be read (client-go).
  if (!out.token_file.empty() && out.token.empty()) {
    absl::StatusOr<std::string> token = read(out.token_file);
    if (!token.ok()) return part.Bad("tokenFile", Cat({out.token_file, ": ", MessageOf(token.status())}));
  }
  if (absl::Status status = FillIdentity(user, part, read, &out); !status.ok()) return status;
  // A token goes before a plugin, which is not asked then (client-go).
  if (!user.exec.has_value() || !out.token.empty() || !out.token_file.empty()) return absl::OkStatus();
  if (out.identity != Identity()) {
    return part.Bad("exec", "is there beside a client certificate; remove one of them");
  }
  return FillExec(user, cluster, part, config);
}

}  // namespace

absl::StatusOr<ClientConfig> ChooseContext(const Kubeconfig& kubeconfig, const std::string& file,
                                           const KubeconfigChoice& choice, const FileReader& read) {
  const auto bad = [](const std::string& where, std::initializer_list<std::string_view> parts) {
    return absl::InvalidArgumentError(Cat({"kubeconfig ", where, ": ", Cat(parts)}));
  };
  const std::string& name = choice.context.empty() ? kubeconfig.current_context : choice.context;
  if (name.empty()) {
    return bad(file, {"current-context is not set; choose a context by --context; ", Names(kubeconfig.contexts)});
  }
  const auto context = kubeconfig.contexts.find(name);
  if (context == kubeconfig.contexts.end()) {
    const bool current = choice.context.empty();
    return bad(current ? kubeconfig.current_context_file : file,
               {current ? "current-context: " : "", "there is no context ", QuoteForError(name), "; ",
                Names(kubeconfig.contexts)});
  }
  const Part context_part(context->second.file, "contexts", name, "context");
  const auto cluster = kubeconfig.clusters.find(context->second.cluster);
  if (cluster == kubeconfig.clusters.end()) {
    return context_part.Bad("cluster", Cat({"there is no cluster ", QuoteForError(context->second.cluster), "; ",
                                            Names(kubeconfig.clusters)}));
  }
  const auto user = kubeconfig.users.find(context->second.user);
  if (user == kubeconfig.users.end() && !context->second.user.empty()) {
    return context_part.Bad(
        "user", Cat({"there is no user ", QuoteForError(context->second.user), "; ", Names(kubeconfig.users)}));
  }

  ClientConfig config;
  config.origin = Cat({"kubeconfig ", context->second.file, ", context ", QuoteForError(name)});
  config.namespace_ = context->second.namespace_;
  const Part cluster_part(cluster->second.file, "clusters", cluster->first, "cluster");
  config.server = choice.server.empty() ? cluster->second.server : choice.server;
  if (config.server.empty()) return cluster_part.Bad("server", "is missing");
  const absl::StatusOr<HttpEndpoint> endpoint = ParseHttpUrl(config.server);
  if (!endpoint.ok()) return cluster_part.Bad("server", MessageOf(endpoint.status()));
  if (const std::string& url = cluster->second.proxy_url; !url.empty()) {
    absl::StatusOr<std::shared_ptr<const HttpProxy>> proxy = ParseProxyUrl(url, "proxy-url");
    if (!proxy.ok()) return cluster_part.Bad("proxy-url", MessageOf(proxy.status()));
    config.proxy = *std::move(proxy);
  }
  if (!endpoint->tls) return config;  // nothing of the rest goes over a line without TLS
  if (absl::Status status = FillTrust(cluster->second, cluster_part, read, &config); !status.ok()) return status;
  if (user == kubeconfig.users.end()) return config;
  const Part user_part(user->second.file, "users", user->first, "user");
  absl::Status status = FillCredentials(user->second, cluster->second, user_part, read, &config);
  if (!status.ok()) return status;
  return config;
}

}  // namespace epslice
