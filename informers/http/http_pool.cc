#include "informers/http/http_pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "informers/http/client_config.h"
#include "informers/http/credentials.h"

namespace epslice {

absl::StatusOr<std::unique_ptr<HttpPool>> HttpPool::Create(HttpPoolOptions options) {
  std::unique_ptr<HttpPool> pool(new HttpPool(std::move(options)));
  if (pool->options_.endpoint.tls) {
    absl::StatusOr<std::shared_ptr<const TlsContext>> tls = TlsContext::Client(pool->options_.tls);
    if (!tls.ok()) return tls.status();
    pool->tls_ = *std::move(tls);
  }
  return pool;
}

bool HttpPool::Renew(const TlsClientOptions& options) {
  absl::StatusOr<std::shared_ptr<const TlsContext>> tls = TlsContext::Client(options);
  if (!tls.ok()) return false;
  tls_ = *std::move(tls);
  return true;
}

void HttpPool::UseIdentity(const std::shared_ptr<const Identity>& identity) {
  if (identity == identity_ || tls_ == nullptr) return;
  TlsClientOptions options = trusted_;
  if (identity != nullptr) options.identity = *identity;
  // Identities are checked where they are read: otherwise go on with the last.
  if (Renew(options)) identity_ = identity;
}

void HttpPool::UseCaFile(Instant now) {
  // A server that is away for long is no reason to read without a pause.
  constexpr Duration kPause = std::chrono::seconds(1);
  if (options_.ca_file.empty() || tls_ == nullptr) return;
  const Duration age = now - ca_read_;
  if (ca_read_ == Instant{0}) ca_read_ = now;  // the owner has just read it
  if (age < (not_reached_ ? kPause : kCredentialFileAge)) return;
  ca_read_ = now;
  not_reached_ = false;
  absl::StatusOr<std::string> pem = ReadFileBounded(options_.ca_file);
  if (!pem.ok() || *pem == trusted_.ca_pem || !CheckCertificates(*pem).ok()) return;
  TlsClientOptions options = trusted_;
  options.ca_pem = *std::move(pem);
  TlsClientOptions with_identity = options;
  if (identity_ != nullptr) with_identity.identity = *identity_;
  if (Renew(with_identity)) trusted_ = std::move(options);
}

void HttpPool::NotReached() {
  std::lock_guard<std::mutex> lock(mu_);
  not_reached_ = true;
}

HttpPool::Lease HttpPool::Take(Instant now, const std::shared_ptr<const Identity>& identity) {
  std::vector<Idle> dead;  // closed after the lock is gone
  std::lock_guard<std::mutex> lock(mu_);
  UseIdentity(identity);
  UseCaFile(now);
  const auto first_dead = std::stable_partition(idle_.begin(), idle_.end(), [&](const Idle& i) {
    return now - i.since <= options_.max_idle && i.lease.tls == tls_;
  });
  std::move(first_dead, idle_.end(), std::back_inserter(dead));
  idle_.erase(first_dead, idle_.end());
  if (idle_.empty()) return NewLease(tls_);
  // The last one used is the least likely to have been closed.
  Lease lease = std::move(idle_.back().lease);
  idle_.pop_back();
  return lease;
}

HttpPool::Lease HttpPool::Fresh(const Lease& other) const { return NewLease(other.tls); }

HttpPool::Lease HttpPool::NewLease(const std::shared_ptr<const TlsContext>& tls) const {
  Lease lease;
  lease.connection = NewConnection(tls);
  lease.tls = tls;
  return lease;
}

void HttpPool::Return(Lease lease, Instant now) {
  constexpr std::size_t kMost = 64;
  if (!lease.connection->open()) return;
  std::lock_guard<std::mutex> lock(mu_);
  if (idle_.size() < kMost) idle_.push_back(Idle{std::move(lease), now});
}

std::unique_ptr<HttpConnection> HttpPool::NewConnection(std::shared_ptr<const TlsContext> tls) const {
  return NewHttpConnection(
      {options_.endpoint.host, options_.endpoint.port, std::move(tls), options_.tls_server_name, options_.proxy},
      options_.connect_timeout);
}

}  // namespace epslice
