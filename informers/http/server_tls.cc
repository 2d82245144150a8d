#include "informers/http/server_tls.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/names.h"
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

}  // namespace

absl::StatusOr<Identity> ServerTls::ReadOrMake() const {
  if (self_signed()) return MakeSelfSigned(clock_->WallNow());
  absl::StatusOr<std::string> certificate = ReadSmallFile(options_.files.certificate);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadSmallFile(options_.files.key);
  if (!key.ok()) return key.status();
  return Identity{*std::move(certificate), *std::move(key)};
}

std::string ServerTls::Stamp() const {
  return FileStamp(std::vector<std::string>{options_.files.certificate, options_.files.key});
}

std::shared_ptr<const std::string> ServerTls::ClientCaPem() const {
  return options_.client_ca_pem ? options_.client_ca_pem() : nullptr;
}

absl::Status ServerTls::Load(bool keep_identity) {
  absl::StatusOr<Identity> identity = keep_identity ? absl::StatusOr<Identity>(identity_) : ReadOrMake();
  if (!identity.ok()) return identity.status();
  TlsServerOptions options;
  options.identity = *std::move(identity);
  options.policy = options_.policy;
  options.any_client_certificate = options_.client_ca_pem != nullptr;
  if (client_ca_pem_ != nullptr) options.client_ca_pem = *client_ca_pem_;
  absl::StatusOr<std::shared_ptr<const TlsContext>> context = TlsContext::Server(options);
  if (!context.ok()) {
    const absl::string_view why = context.status().message();
    return absl::Status(context.status().code(), Cat({options_.files.certificate, ", ", options_.files.key, ": ",
                                                      std::string_view(why.data(), why.size())}));
  }
  context_ = *std::move(context);
  identity_ = std::move(options.identity);
  return absl::OkStatus();
}

std::shared_ptr<const TlsContext> ServerTls::Context(std::string* problem) {
  std::lock_guard<std::mutex> lock(mu_);
  const Instant now = clock_->Now();
  if (now < next_look_) return context_;
  next_look_ = now + kLookEvery;
  std::string stamp = Stamp();
  const std::int64_t wall = clock_->WallNow().nanos;
  const bool same_identity = self_signed() ? wall < renew_at_.nanos : stamp == stamp_;
  std::shared_ptr<const std::string> client_ca_pem = ClientCaPem();
  if (same_identity && client_ca_pem == client_ca_pem_) return context_;
  client_ca_pem_ = std::move(client_ca_pem);
  absl::Status loaded = Load(same_identity);
  if (!same_identity) {
    // Of files that cannot be used now the next version may be: a rotation
    // writes one file after the other.
    stamp_ = std::move(stamp);
    renew_at_ = Timestamp{wall + kRenewAfter};
  }
  if (loaded.ok()) return context_;
  *problem = std::string(loaded.message());
  if (!same_identity) Load(/*keep_identity=*/true).IgnoreError();  // with the names of now
  return context_;
}

std::string ServerTls::certificate_pem() const {
  std::lock_guard<std::mutex> lock(mu_);
  return identity_.certificate_pem;
}

absl::StatusOr<std::unique_ptr<ServerTls>> ServerTls::Create(ServerTlsOptions options, const Clock* clock) {
  std::unique_ptr<ServerTls> tls(new ServerTls(std::move(options), clock));
  std::lock_guard<std::mutex> lock(tls->mu_);
  tls->stamp_ = tls->Stamp();
  tls->client_ca_pem_ = tls->ClientCaPem();
  if (absl::Status loaded = tls->Load(/*keep_identity=*/false); !loaded.ok()) return loaded;
  tls->renew_at_ = Timestamp{clock->WallNow().nanos + kRenewAfter};
  return tls;
}

}  // namespace epslice
