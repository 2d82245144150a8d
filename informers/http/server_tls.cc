#include "informers/http/server_tls.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/names.h"
#include "apis/status_text.h"
#include "informers/http/certificates.h"
#include "informers/http/small_file.h"

namespace epslice {
namespace {

constexpr Duration kLookEvery = std::chrono::seconds(1);
constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000'000;
constexpr std::int64_t kValid = 365 * 24 * kHour;
constexpr std::int64_t kRenewAfter = 335 * 24 * kHour;

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "";
  const std::string host = name.data();
  return IsDns1123Subdomain(host) ? host : "";
}

absl::StatusOr<Identity> MakeSelfSigned(Timestamp now) {
  const std::string host = HostName();
  CertificateOptions options;
  options.common_name = host.empty() || host.size() > 64 ? "localhost" : host;
  options.hosts = {"localhost", "127.0.0.1", "::1"};
  if (!host.empty() && host != "localhost") options.hosts.push_back(host);
  options.not_before = Timestamp{now.nanos - kHour};  // a client's clock may be behind
  options.not_after = Timestamp{now.nanos + kValid};
  return MakeCertificate(options, nullptr);
}

absl::StatusOr<Identity> ReadIdentity(const ServerTlsFiles& files) {
  absl::StatusOr<std::string> certificate = ReadSmallFile(files.certificate);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadSmallFile(files.key);
  if (!key.ok()) return key.status();
  Identity identity{*std::move(certificate), *std::move(key)};
  if (const absl::Status good = CheckIdentity(identity); !good.ok()) {
    return absl::Status(good.code(), Cat({files.certificate, ", ", files.key, ": ", MessageOf(good)}));
  }
  return identity;
}

std::string StampOf(const ServerTlsFiles& files) {
  return FileStamp(std::vector<std::string>{files.certificate, files.key});
}

}  // namespace

absl::Status ServerTls::Load(Source* source) const {
  const std::int64_t wall = clock_->WallNow().nanos;
  source->renew_at = Timestamp{wall + kRenewAfter};
  source->stamp = StampOf(source->files);
  absl::StatusOr<Identity> identity =
      source->self_signed() ? MakeSelfSigned(Timestamp{wall}) : ReadIdentity(source->files);
  if (!identity.ok()) return identity.status();
  source->identity = *std::move(identity);
  return absl::OkStatus();
}

bool ServerTls::Renew(Source* source, std::string* problem) const {
  const bool same = source->self_signed() ? clock_->WallNow().nanos < source->renew_at.nanos
                                          : StampOf(source->files) == source->stamp;
  if (same) return false;
  // Of files that cannot be used now the next version may be: a rotation
  // writes one file after the other.
  const absl::Status loaded = Load(source);
  if (!loaded.ok()) *problem += Cat({problem->empty() ? "" : "; ", MessageOf(loaded)});
  return loaded.ok();
}

absl::Status ServerTls::Make() {
  TlsServerOptions options;
  options.identity = sources_.front().identity;
  for (std::size_t i = 1; i < sources_.size(); ++i) {
    options.named.push_back({sources_[i].identity, options_.named[i - 1].names});
  }
  options.policy = options_.policy;
  options.any_client_certificate = options_.client_ca_pem != nullptr;
  if (client_ca_pem_ != nullptr) options.client_ca_pem = *client_ca_pem_;
  absl::StatusOr<std::shared_ptr<const TlsContext>> context = TlsContext::Server(options);
  if (!context.ok()) return context.status();
  context_ = *std::move(context);
  return absl::OkStatus();
}

std::shared_ptr<const std::string> ServerTls::ClientCaPem() const {
  return options_.client_ca_pem ? options_.client_ca_pem() : nullptr;
}

std::shared_ptr<const TlsContext> ServerTls::Context(std::string* problem) {
  std::lock_guard<std::mutex> lock(mu_);
  const Instant now = clock_->Now();
  if (now < next_look_) return context_;
  next_look_ = now + kLookEvery;
  bool changed = false;
  for (Source& source : sources_) changed = Renew(&source, problem) || changed;
  std::shared_ptr<const std::string> client_ca_pem = ClientCaPem();
  changed = changed || client_ca_pem != client_ca_pem_;
  client_ca_pem_ = std::move(client_ca_pem);
  if (!changed) return context_;
  if (const absl::Status made = Make(); !made.ok()) *problem = MessageOf(made);
  return context_;
}

std::vector<std::string> ServerTls::certificate_pems() const {
  std::lock_guard<std::mutex> lock(mu_);
  std::vector<std::string> all;
  for (const Source& source : sources_) all.push_back(source.identity.certificate_pem);
  return all;
}

absl::StatusOr<std::unique_ptr<ServerTls>> ServerTls::Create(ServerTlsOptions options, const Clock* clock) {
  std::unique_ptr<ServerTls> tls(new ServerTls(std::move(options), clock));
  std::lock_guard<std::mutex> lock(tls->mu_);
  tls->sources_.push_back({tls->options_.files, {}, {}, {}});
  for (const NamedServerTlsFiles& named : tls->options_.named) tls->sources_.push_back({named.files, {}, {}, {}});
  for (Source& source : tls->sources_) {
    if (absl::Status loaded = tls->Load(&source); !loaded.ok()) return loaded;
  }
  tls->client_ca_pem_ = tls->ClientCaPem();
  if (absl::Status made = tls->Make(); !made.ok()) return made;
  return tls;
}

}  // namespace epslice
