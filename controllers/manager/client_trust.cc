#include "controllers/manager/client_trust.h"

#include <span>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/status_text.h"
#include "controllers/manager/authentication_config.h"
#include "informers/http/small_file.h"

namespace epslice {
namespace {

constexpr Duration kFilesEvery = std::chrono::seconds(1);
constexpr Duration kLookUpEvery = std::chrono::minutes(1);
constexpr Duration kAgainAfter = std::chrono::seconds(10);  // a look-up that failed
constexpr std::string_view kConfigMap = "ConfigMap kube-system/extension-apiserver-authentication";

}  // namespace

ClientTrustSource::ClientTrustSource(ClientTrustOptions options, LookUp look_up, const Clock* clock, Logger* log)
    : options_(std::move(options)), look_up_(std::move(look_up)), clock_(clock), log_(log) {
  clients_.file = options_.client_ca_file;
  clients_.name = clients_.file.empty() ? Cat({kConfigMap, ", client-ca-file"}) : clients_.file;
  front_proxies_.file = options_.requestheader_client_ca_file;
  front_proxies_.name =
      front_proxies_.file.empty() ? Cat({kConfigMap, ", requestheader-client-ca-file"}) : front_proxies_.file;
  if (!front_proxies_.file.empty()) request_headers_ = options_.request_headers;
}

absl::Status ClientTrustSource::Use(std::string pem, Bundle* bundle) {
  if (pem == bundle->pem) return absl::OkStatus();
  absl::StatusOr<std::shared_ptr<const CertificateAuthorities>> made = CertificateAuthorities::FromPem(pem);
  if (!made.ok()) return absl::InvalidArgumentError(Cat({bundle->name, ": ", MessageOf(made.status())}));
  if (bundle->authorities != nullptr) {
    log_->Info(0, "Other authorities of client certificates hold from now on", {{"from", bundle->name}});
  }
  bundle->authorities = *std::move(made);
  bundle->pem = std::move(pem);
  return absl::OkStatus();
}

void ClientTrustSource::Warn(const absl::Status& why) const {
  log_->Warning("Client certificates are verified as before", {{"err", MessageOf(why)}});
}

absl::Status ClientTrustSource::ReadFile(Bundle* bundle) {
  absl::StatusOr<std::string> pem = ReadSmallFile(bundle->file);
  return pem.ok() ? Use(*std::move(pem), bundle) : pem.status();
}

void ClientTrustSource::FollowFiles(Instant now) {
  if (now < next_file_look_) return;
  next_file_look_ = now + kFilesEvery;
  bool changed = false;
  for (Bundle* bundle : {&clients_, &front_proxies_}) {
    if (bundle->file.empty()) continue;
    std::string stamp = FileStamp({&bundle->file, 1});
    if (stamp == bundle->stamp) continue;
    bundle->stamp = std::move(stamp);
    changed = true;
    if (const absl::Status read = ReadFile(bundle); !read.ok()) Warn(read);
  }
  if (changed) Publish();
}

absl::Status ClientTrustSource::UseConfigMap(const absl::StatusOr<std::string>& answer) {
  if (absl::IsNotFound(answer.status())) {
    if (trust_ == nullptr)
      log_->Info(0, "There is no such ConfigMap: no certificates of its authorities are accepted",
                 {{"configMap", "kube-system/extension-apiserver-authentication"}});
    return absl::OkStatus();
  }
  absl::StatusOr<AuthenticationConfig> config =
      answer.ok() ? ParseAuthenticationConfig(*answer) : absl::StatusOr<AuthenticationConfig>(answer.status());
  if (!config.ok()) return absl::UnavailableError(Cat({kConfigMap, ": ", MessageOf(config.status())}));
  if (front_proxies_.file.empty()) request_headers_ = std::move(config->request_headers);
  for (auto& [bundle, pem] : {std::pair(&clients_, &config->client_ca_pem),
                              std::pair(&front_proxies_, &config->requestheader_client_ca_pem)}) {
    // What it does not say is as it was.
    if (!bundle->file.empty() || pem->empty()) continue;
    if (const absl::Status used = Use(std::move(*pem), bundle); !used.ok()) Warn(used);
  }
  Publish();
  return absl::OkStatus();
}

void ClientTrustSource::Publish() {
  auto trust = std::make_shared<ClientTrust>();
  trust->clients = clients_.authorities;
  trust->front_proxies = front_proxies_.authorities;
  trust->request_headers = request_headers_;
  trust_ = std::move(trust);
  std::string pem = Cat({clients_.pem, "\n", front_proxies_.pem});
  if (client_ca_pem_ == nullptr || pem != *client_ca_pem_) {
    client_ca_pem_ = std::make_shared<const std::string>(std::move(pem));
  }
}

std::shared_ptr<const ClientTrust> ClientTrustSource::Current() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    const Instant now = clock_->Now();
    FollowFiles(now);
    if (!looks_up() || looking_up_ || now < next_look_up_) return trust_;
    looking_up_ = true;
  }
  const absl::StatusOr<std::string> answer = look_up_();
  std::lock_guard<std::mutex> lock(mu_);
  looking_up_ = false;
  const absl::Status used = UseConfigMap(answer);
  next_look_up_ = clock_->Now() + (used.ok() ? kLookUpEvery : kAgainAfter);
  if (!used.ok()) Warn(used);
  return trust_;
}

std::shared_ptr<const std::string> ClientTrustSource::client_ca_pem() {
  std::lock_guard<std::mutex> lock(mu_);
  FollowFiles(clock_->Now());
  return client_ca_pem_;
}

absl::StatusOr<std::unique_ptr<ClientTrustSource>> ClientTrustSource::Create(ClientTrustOptions options, LookUp look_up,
                                                                             const Clock* clock, Logger* log) {
  std::unique_ptr<ClientTrustSource> source(new ClientTrustSource(std::move(options), std::move(look_up), clock, log));
  std::lock_guard<std::mutex> lock(source->mu_);
  for (Bundle* bundle : {&source->clients_, &source->front_proxies_}) {
    if (bundle->file.empty()) continue;
    bundle->stamp = FileStamp({&bundle->file, 1});
    if (absl::Status read = source->ReadFile(bundle); !read.ok()) return read;
  }
  if (source->looks_up()) {
    const absl::Status used = source->UseConfigMap(source->look_up_());
    source->next_look_up_ = clock->Now() + (used.ok() ? kLookUpEvery : kAgainAfter);
    if (!used.ok() && !source->options_.tolerate_lookup_failure) {
      return absl::UnavailableError(
          Cat({MessageOf(used),
               "; bind the Role extension-apiserver-authentication-reader of kube-system, name the files "
               "(--client-ca-file, --requestheader-client-ca-file), or do without "
               "(--authentication-tolerate-lookup-failure, --authentication-skip-lookup)"}));
    }
    if (!used.ok()) {
      log->Warning(
          "Goes on without the cluster's authorities of client certificates: their certificates are not "
          "accepted until the look-up succeeds",
          {{"err", MessageOf(used)}});
    }
  }
  source->Publish();
  if (source->request_headers_.allowed_names.empty() && !source->clients_.pem.empty() &&
      source->clients_.pem == source->front_proxies_.pem) {
    log->Warning(
        "Every client may be a front proxy, and so name anybody: the authorities of both are the same, and "
        "--requestheader-allowed-names is empty");
  }
  return source;
}

}  // namespace epslice
