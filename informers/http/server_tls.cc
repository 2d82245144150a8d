#include "informers/http/server_tls.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <fstream>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/names.h"
#include "informers/http/certificates.h"

namespace epslice {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
constexpr Duration kLookEvery = std::chrono::seconds(1);
constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000'000;
constexpr std::int64_t kValid = 365 * 24 * kHour;
constexpr std::int64_t kRenewAfter = 335 * 24 * kHour;

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InvalidArgumentError(Cat({path, ": cannot be read"}));
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return absl::InvalidArgumentError(Cat({path, ": cannot be read"}));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) return absl::InvalidArgumentError(Cat({path, ": longer than 1 MiB"}));
  return text;
}

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
  if (files_.certificate.empty()) return MakeSelfSigned(clock_->WallNow());
  absl::StatusOr<std::string> certificate = ReadSmallFile(files_.certificate);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadSmallFile(files_.key);
  if (!key.ok()) return key.status();
  return Identity{*std::move(certificate), *std::move(key)};
}

absl::Status ServerTls::Load() {
  absl::StatusOr<Identity> identity = ReadOrMake();
  if (!identity.ok()) return identity.status();
  TlsServerOptions options;
  options.identity = *std::move(identity);
  absl::StatusOr<std::shared_ptr<const TlsContext>> context = TlsContext::Server(options);
  if (!context.ok()) {
    const absl::string_view why = context.status().message();
    return absl::Status(context.status().code(),
                        Cat({files_.certificate, ", ", files_.key, ": ", std::string_view(why.data(), why.size())}));
  }
  context_ = *std::move(context);
  certificate_pem_ = std::move(options.identity.certificate_pem);
  return absl::OkStatus();
}

std::string ServerTls::Stamp() const {
  std::string stamp;
  for (const std::string& path : {files_.certificate, files_.key}) {
    struct stat info {};
    if (path.empty() || ::stat(path.c_str(), &info) != 0) continue;
    for (const std::int64_t part :
         {static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino),
          static_cast<std::int64_t>(info.st_size), static_cast<std::int64_t>(info.st_mtim.tv_sec),
          static_cast<std::int64_t>(info.st_mtim.tv_nsec)}) {
      stamp += std::to_string(part) + ",";
    }
  }
  return stamp;
}

std::shared_ptr<const TlsContext> ServerTls::Context(std::string* problem) {
  std::lock_guard<std::mutex> lock(mu_);
  const Instant now = clock_->Now();
  if (now < next_look_) return context_;
  next_look_ = now + kLookEvery;
  std::string stamp = Stamp();
  const std::int64_t wall = clock_->WallNow().nanos;
  if (files_.certificate.empty() ? wall < renew_at_.nanos : stamp == stamp_) return context_;
  const absl::Status loaded = Load();
  // Of files that cannot be used now the next version may be: a rotation
  // writes one file after the other.
  stamp_ = std::move(stamp);
  renew_at_ = Timestamp{wall + kRenewAfter};
  if (!loaded.ok()) *problem = std::string(loaded.message());
  return context_;
}

std::string ServerTls::certificate_pem() const {
  std::lock_guard<std::mutex> lock(mu_);
  return certificate_pem_;
}

absl::StatusOr<std::unique_ptr<ServerTls>> ServerTls::FromFiles(ServerTlsFiles files, const Clock* clock) {
  std::unique_ptr<ServerTls> tls(new ServerTls(std::move(files), clock));
  std::lock_guard<std::mutex> lock(tls->mu_);
  tls->stamp_ = tls->Stamp();
  if (absl::Status loaded = tls->Load(); !loaded.ok()) return loaded;
  tls->renew_at_ = Timestamp{clock->WallNow().nanos + kRenewAfter};
  return tls;
}

absl::StatusOr<std::unique_ptr<ServerTls>> ServerTls::SelfSigned(const Clock* clock) {
  return FromFiles(ServerTlsFiles{}, clock);
}

}  // namespace epslice
