// The flags of the serving port: where and how it serves, and whom.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "apis/ip.h"
#include "controllers/manager/header_fields.h"
#include "controllers/manager/option_flags.h"
#include "controllers/manager/option_setters.h"
#include "informers/http/server_names.h"
#include "informers/http/tls_ciphers.h"

namespace epslice {
namespace {

constexpr const char* kServing = "Secure serving flags";
constexpr const char* kAuthentication = "Authentication flags";
constexpr const char* kAuthorization = "Authorization flags";

void AddAddressFlags(CLI::App* app, ManagerOptions* o) {
  AddFlag(app, "--bind-address", kServing, "IP", o->bind_address,
          "Where health, metrics and /debug are served; 0.0.0.0 or :: for everywhere. In a cluster all but health is\n"
          "for those whom the API server lets; elsewhere clients of other machines get health and /version only",
          [o](const std::string& value) -> std::optional<std::string> {
            if (!ParseIpLenient(value)) return "accepted is an IP address";
            o->bind_address = ParseIpLenient(value)->text.str();
            return std::nullopt;
          });
  AddFlag(app, "--secure-port", kServing, "PORT", std::to_string(o->secure_port), "The port for it; 0: none",
          IntSetter(&o->secure_port, 0, 65535));
  app->add_flag("--insecure", o->insecure, "Serve plain HTTP instead of HTTPS")->group(kServing);
  app->add_flag("--permit-port-sharing", o->permit_port_sharing,
                "Several servers may listen on the port (SO_REUSEPORT)")
      ->group(kServing);
  // As in the reference on Linux, where it is on whatever this says.
  app->add_flag("--permit-address-sharing", o->permit_address_sharing,
                "SO_REUSEADDR, which is always on: the port can be had while old connections end")
      ->default_str("true")
      ->group(kServing);
}

std::string WithoutSpaceAround(std::string_view text) {
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

// "cert.pem,key.pem:a.example.org,*.b.example.org". Spaces around each are none of it.
Setter SniSetter(std::vector<NamedServerTlsFiles>* target) {
  return [=](const std::string& value) -> std::optional<std::string> {
    const std::string accepted =
        "accepted is CERT,KEY or CERT,KEY:NAME,..., two files and DNS names, *.NAME or IP addresses";
    const std::size_t colon = value.find(':');
    std::vector<std::string> files;
    std::vector<std::string> names;
    const auto any = [](const std::string&) { return true; };
    ListSetter(&files, any, "")(value.substr(0, colon));
    if (colon != std::string::npos) ListSetter(&names, any, "")(value.substr(colon + 1));
    for (std::string& file : files) file = WithoutSpaceAround(file);
    for (std::string& name : names) name = WithoutSpaceAround(name);
    const bool good_names = std::all_of(names.begin(), names.end(),
                                        [](const std::string& name) { return CanonicalServerName(name).has_value(); });
    if (files.size() != 2 || files[0].empty() || files[1].empty() || !good_names ||
        (colon != std::string::npos && names.empty())) {
      return accepted;
    }
    target->push_back({{files[0], files[1]}, std::move(names)});
    return std::nullopt;
  };
}

void AddTlsFlags(CLI::App* app, ManagerOptions* o) {
  const auto file_or_none = [](std::string* target) {
    return [target](const std::string& value) -> std::optional<std::string> {
      *target = value;
      return std::nullopt;
    };
  };
  AddFlag(app, "--tls-cert-file", kServing, "FILE", "",
          "Certificate to serve with, PEM, followed by its chain; read again when it changes. Without it one is made "
          "in memory",
          file_or_none(&o->tls_cert_file));
  AddFlag(app, "--tls-private-key-file", kServing, "FILE", "", "Its private key, PEM",
          file_or_none(&o->tls_private_key_file));
  AddRepeatedFlag(app, "--tls-sni-cert-key", kServing, "CERT,KEY[:NAME,...]",
                  "Another certificate with its key, PEM, for clients that ask for one of the names (DNS names, "
                  "*.example.org, IP addresses); without names for those in the certificate. May be there more than "
                  "once; of a name the first counts. Read again when they change",
                  SniSetter(&o->tls_sni_cert_keys));
  AddFlag(app, "--tls-min-version", kServing, "VERSION", "VersionTLS12", "VersionTLS12 or VersionTLS13",
          [o](const std::string& value) -> std::optional<std::string> {
            const absl::Status used = UseMinVersion(value, &o->tls_policy);
            if (!used.ok()) return std::string(used.message());
            return std::nullopt;
          });
  AddFlag(app, "--tls-cipher-suites", kServing, "NAMES", "",
          "For TLS 1.2, by IANA's names, with a comma between; those of TLS 1.3 are not chosen among. Without it "
          "those of the library",
          [o](const std::string& value) -> std::optional<std::string> {
            std::vector<std::string> names;
            ListSetter(
                &names, [](const std::string&) { return true; }, "")(value);
            const absl::Status used = UseCipherSuites(names, &o->tls_policy);
            if (!used.ok()) return std::string(used.message());
            return std::nullopt;
          });
  app->add_flag("--disable-http2-serving", o->disable_http2_serving,
                "HTTP/1.1 is served and no other, so that this holds")
      ->default_str("true")
      ->group(kServing);
  AddRefusedFlag(app, "--cert-dir", kServing, "DIR",
                 "no certificate is written to disk; --tls-cert-file names one, or one is made in memory");
  AddRefusedFlag(app, "--http2-max-streams-per-connection", kServing, "N", "HTTP/1.1 is served, which has no streams");
}

bool IsHeaderName(const std::string& name) {
  return name.find(':') == std::string::npos && HeaderFields::Parse("\r\n" + name + ":\r\n\r\n").has_value();
}

void AddRequestHeaderFlags(CLI::App* app, ManagerOptions* o) {
  const auto headers = [](std::vector<std::string>* target) {
    return ListSetter(target, IsHeaderName, "accepted are names of headers, with a comma between");
  };
  RequestHeaderOptions& names = o->client_trust.request_headers;
  AddFlag(app, "--requestheader-client-ca-file", kAuthentication, "FILE", "",
          "Who shows a certificate that these signed is a front proxy, and says in headers who asks. Without it the "
          "cluster's, with all that goes with it",
          FileSetter(&o->client_trust.requestheader_client_ca_file));
  AddFlag(app, "--requestheader-allowed-names", kAuthentication, "NAMES", "",
          "CNs of front proxies, with a comma between; without it all that --requestheader-client-ca-file signed",
          ListSetter(
              &names.allowed_names, [](const std::string& name) { return !name.empty(); },
              "accepted are names, with a comma between"));
  AddFlag(app, "--requestheader-username-headers", kAuthentication, "NAMES", "x-remote-user",
          "Headers that name the user; the first that says something counts", headers(&names.username_headers));
  AddFlag(app, "--requestheader-uid-headers", kAuthentication, "NAMES", "", "The same for the user's UID",
          headers(&names.uid_headers));
  AddFlag(app, "--requestheader-group-headers", kAuthentication, "NAMES", "x-remote-group",
          "Headers that name a group each", headers(&names.group_headers));
  AddFlag(app, "--requestheader-extra-headers-prefix", kAuthentication, "NAMES", "x-remote-extra-",
          "How headers begin that say more of the user", headers(&names.extra_header_prefixes));
}

void AddAuthenticationFlags(CLI::App* app, ManagerOptions* o) {
  AddFlag(app, "--authentication-kubeconfig", kAuthentication, "FILE", "",
          "As whom to ask the API server whose token it is that a client shows. In a cluster without it: as ourselves",
          FileSetter(&o->authentication_kubeconfig));
  AddFlag(app, "--authentication-token-webhook-cache-ttl", kAuthentication, "DURATION", "10s",
          "How long the answer about a token is remembered", DurationSetter(&o->authentication_cache_ttl));
  AddFlag(app, "--client-ca-file", kAuthentication, "FILE", "",
          "Who shows a certificate that these signed is its CN, in the groups its O name; read again when it changes. "
          "Without it the cluster's (ConfigMap kube-system/extension-apiserver-authentication)",
          FileSetter(&o->client_trust.client_ca_file));
  AddRequestHeaderFlags(app, o);
  app->add_flag("--authentication-skip-lookup", o->client_trust.skip_lookup,
                "Do not ask the cluster for what --client-ca-file and --requestheader-client-ca-file do not say")
      ->group(kAuthentication);
  app->add_flag("--authentication-tolerate-lookup-failure", o->client_trust.tolerate_lookup_failure,
                "Where the cluster does not answer that: start all the same, and ask again")
      ->group(kAuthentication);
}

// "/healthz", "/debug/*".
bool IsPathRule(const std::string& path) {
  const std::size_t star = path.find('*');
  return !path.empty() && path.front() == '/' && (star == std::string::npos || star + 1 == path.size());
}

void AddAuthorizationFlags(CLI::App* app, ManagerOptions* o) {
  AddFlag(app, "--authorization-kubeconfig", kAuthorization, "FILE", "",
          "As whom to ask the API server what a client may do. In a cluster without it: as ourselves",
          FileSetter(&o->authorization_kubeconfig));
  AddFlag(app, "--authorization-webhook-cache-authorized-ttl", kAuthorization, "DURATION", "10s",
          "How long it is remembered that a client may", DurationSetter(&o->authorized_cache_ttl));
  AddFlag(app, "--authorization-webhook-cache-unauthorized-ttl", kAuthorization, "DURATION", "10s",
          "How long it is remembered that one may not", DurationSetter(&o->unauthorized_cache_ttl));
  AddFlag(app, "--authorization-always-allow-paths", kAuthorization, "PATHS", "/healthz,/readyz,/livez",
          "For whoever reaches the port, without asking; empty: none",
          ListSetter(&o->always_allow_paths, IsPathRule,
                     "accepted are paths that begin with a slash, with a comma between, and * at an end at most"));
}

}  // namespace

void AddServingFlags(CLI::App* app, ManagerOptions* options) {
  AddAddressFlags(app, options);
  AddTlsFlags(app, options);
  AddAuthenticationFlags(app, options);
  AddAuthorizationFlags(app, options);
}

}  // namespace epslice
