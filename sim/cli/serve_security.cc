#include "sim/cli/serve_security.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "apis/cat.h"
#include "apis/status_text.h"
#include "informers/http/certificates.h"
#include "informers/http/client_config.h"
#include "sim/serve/write_all.h"

namespace epslice::sim {
namespace {

absl::Status Invalid(std::initializer_list<std::string_view> parts) { return absl::InvalidArgumentError(Cat(parts)); }

absl::StatusOr<std::string> ReadFlagFile(std::string_view flag, const std::string& path) {
  absl::StatusOr<std::string> text = ReadFileBounded(path);
  if (!text.ok()) return Invalid({flag, " ", path, ": ", MessageOf(text.status())});
  return text;
}

// A CA and a certificate for this server, good for a year.
absl::Status SelfSign(const std::string& host, const Clock& clock, Security* out) {
  const std::int64_t now = clock.WallNow().nanos;
  constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000'000;
  CertificateOptions options;
  options.common_name = "endpointslice-sim CA";
  options.authority = true;
  // Clocks of other machines may be behind.
  options.not_before = Timestamp{now - kHour};
  options.not_after = Timestamp{now + 365 * 24 * kHour};
  absl::StatusOr<Identity> ca = MakeCertificate(options, nullptr);
  if (!ca.ok()) return ca.status();
  options.common_name = "endpointslice-sim";
  options.authority = false;
  options.hosts = {"localhost", "127.0.0.1", "::1"};
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0 && name[0] != 0) options.hosts.emplace_back(name.data());
  options.hosts.push_back(host);
  absl::StatusOr<Identity> server = MakeCertificate(options, &*ca);
  if (!server.ok()) return server.status();
  absl::StatusOr<std::shared_ptr<const TlsContext>> tls = TlsContext::Server({*server, ""});
  if (!tls.ok()) return tls.status();
  out->tls = *std::move(tls);
  out->ca_pem = ca->certificate_pem;
  return absl::OkStatus();
}

absl::Status UseFiles(const SecurityFlags& flags, Security* out) {
  absl::StatusOr<std::string> certificate = ReadFlagFile("--tls-cert-file", flags.tls_cert_file);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadFlagFile("--tls-private-key-file", flags.tls_private_key_file);
  if (!key.ok()) return key.status();
  absl::StatusOr<std::shared_ptr<const TlsContext>> tls = TlsContext::Server({{*certificate, *key}, ""});
  if (!tls.ok()) return Invalid({"--tls-cert-file ", flags.tls_cert_file, ": ", MessageOf(tls.status())});
  out->tls = *std::move(tls);
  return absl::OkStatus();
}

absl::Status CheckFlags(const SecurityFlags& flags) {
  const bool files = !flags.tls_cert_file.empty() || !flags.tls_private_key_file.empty();
  if (files && (flags.tls_cert_file.empty() || flags.tls_private_key_file.empty())) {
    return Invalid({"--tls-cert-file and --tls-private-key-file go together"});
  }
  if (files && flags.self_signed) return Invalid({"--self-signed and --tls-cert-file: one of them"});
  if (flags.self_signed != !flags.write_kubeconfig.empty()) {
    return Invalid({"--self-signed and --write-kubeconfig FILE go together: the file says whom to trust"});
  }
  if (!flags.token_auth_file.empty() && !files && !flags.self_signed) {
    return Invalid({"--token-auth-file needs TLS: --tls-cert-file or --self-signed (clients send no token without)"});
  }
  const bool rbac = flags.authorization_mode == "RBAC";
  if (!rbac && flags.authorization_mode != "AlwaysAllow") {
    return Invalid(
        {"--authorization-mode=", QuoteForError(flags.authorization_mode), ": accepted are RBAC and AlwaysAllow"});
  }
  if (rbac && flags.token_auth_file.empty() && !flags.self_signed) {
    return Invalid({"--authorization-mode=RBAC needs to know who asks: --token-auth-file or --self-signed"});
  }
  return absl::OkStatus();
}

}  // namespace

void AddSecurityFlags(CLI::App* app, SecurityFlags* flags) {
  app->add_option("--tls-cert-file", flags->tls_cert_file, "Serve HTTPS with this certificate (PEM, with its chain)")
      ->type_name("FILE");
  app->add_option("--tls-private-key-file", flags->tls_private_key_file, "The key of --tls-cert-file")
      ->type_name("FILE");
  app->add_flag("--self-signed", flags->self_signed,
                "Serve HTTPS with a certificate made now, to clients that show a token");
  app->add_option("--write-kubeconfig", flags->write_kubeconfig,
                  "With --self-signed: where to write how to reach the server, and a token for it")
      ->type_name("FILE");
  app->add_option("--token-auth-file", flags->token_auth_file,
                  "Serve those alone who show one of these bearer tokens: lines of token,user,uid,\"group1,group2\"")
      ->type_name("FILE");
  app->add_option("--authorization-mode", flags->authorization_mode,
                  "RBAC: who is known may do what Roles and their bindings say, of the dump or created later; the "
                  "group system:masters everything. AlwaysAllow: everything")
      ->type_name("MODE")
      ->capture_default_str();
  app->add_option("--min-token-seconds", flags->min_token_seconds,
                  "The shortest life of a token that a service account may be given (kubectl create token), 1-3600; "
                  "600 as a kube-apiserver has it, less to see tokens end")
      ->type_name("N")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
}

absl::StatusOr<Security> PrepareSecurity(const SecurityFlags& flags, const std::string& host, const Clock& clock) {
  if (absl::Status status = CheckFlags(flags); !status.ok()) return status;
  Security out;
  if (flags.authorization_mode == "RBAC") out.authorization = AuthorizationMode::kRbac;
  absl::Status status;
  if (flags.self_signed) status = SelfSign(host, clock, &out);
  if (!flags.tls_cert_file.empty()) status = UseFiles(flags, &out);
  if (!status.ok()) return status;

  if (!flags.token_auth_file.empty()) {
    absl::StatusOr<std::string> csv = ReadFlagFile("--token-auth-file", flags.token_auth_file);
    if (!csv.ok()) return csv.status();
    absl::StatusOr<TokenAuth> tokens = TokenAuth::FromCsv(*csv);
    if (!tokens.ok()) return Invalid({"--token-auth-file ", flags.token_auth_file, ": ", MessageOf(tokens.status())});
    out.token = tokens->first_token();
    out.tokens = std::make_shared<const TokenAuth>(*std::move(tokens));
  } else if (flags.self_signed) {
    constexpr int kTokenBytes = 32;
    out.token = RandomHex(kTokenBytes);
    if (out.token.empty()) return absl::ResourceExhaustedError("there are no random bytes for a token");
    TokenAuth tokens;
    tokens.Add(out.token, UserInfo{"endpointslice-sim", "", {std::string(kGroupMasters)}});
    out.tokens = std::make_shared<const TokenAuth>(std::move(tokens));
  }
  return out;
}

absl::Status WriteKubeconfig(const std::string& path, const std::string& url, const Security& security) {
  std::string token;  // of a file, it may be anything
  for (const char c : security.token) token += c == '\'' ? std::string("''") : std::string(1, c);
  constexpr std::string_view kContexts =
      "contexts:\n- name: endpointslice-sim\n  context:\n    cluster: endpointslice-sim\n    user: endpointslice-sim\n";
  const std::string text = Cat({"apiVersion: v1\nkind: Config\ncurrent-context: endpointslice-sim\n",
                                "clusters:\n- name: endpointslice-sim\n  cluster:\n    server: ", url,
                                "\n    certificate-authority-data: ", absl::Base64Escape(security.ca_pem),
                                "\nusers:\n- name: endpointslice-sim\n  user:\n    token: '", token, "'\n", kContexts});
  const auto failed = [&](std::string_view why) { return Invalid({"--write-kubeconfig ", path, ": ", why}); };
  // Beside it first: never half a file, nor one that others could read.
  const std::string beside = path + ".new";
  unlink(beside.c_str());
  const int fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failed(std::strerror(errno));
  absl::Status status = WriteAll(fd, text);
  if (close(fd) != 0 && status.ok()) status = absl::FailedPreconditionError(std::strerror(errno));
  if (status.ok() && std::rename(beside.c_str(), path.c_str()) != 0) {
    status = absl::FailedPreconditionError(std::strerror(errno));
  }
  if (status.ok()) return status;
  unlink(beside.c_str());
  return failed(MessageOf(status));
}

}  // namespace epslice::sim
