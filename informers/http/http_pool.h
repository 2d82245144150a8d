// HttpPool: connections to one server, kept for the next to use.
#ifndef EPSLICE_INFORMERS_HTTP_HTTP_POOL_H_
#define EPSLICE_INFORMERS_HTTP_HTTP_POOL_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/http/http_connection.h"
#include "informers/http/http_routes.h"
#include "informers/http/tls.h"

namespace epslice {

struct HttpPoolOptions {
  HttpEndpoint endpoint;
  Duration connect_timeout;
  Duration max_idle;
  // Of an endpoint with TLS; the identity comes with each Take().
  TlsClientOptions tls;
  std::string ca_file;  // HttpTransportOptions::ca_file
  std::string tls_server_name;
  std::shared_ptr<const HttpProxy> proxy;
};

// Thread-safe.
class HttpPool {
 public:
  // A connection, lent, and the context it is of.
  struct Lease {
    std::unique_ptr<HttpConnection> connection;
    std::shared_ptr<const TlsContext> tls;
  };

  // InvalidArgument where the trusted certificates cannot be read.
  static absl::StatusOr<std::unique_ptr<HttpPool>> Create(HttpPoolOptions options);

  // One that was kept, or else a new one, which is not connected yet. Those
  // of another identity (null: none) than this are dropped.
  Lease Take(Instant now, const std::shared_ptr<const Identity>& identity);
  // A new one, like `other`.
  Lease Fresh(const Lease& other) const;
  // A connection could not be made. Maybe the server has a certificate of a new
  // authority: the file is read again before the next one.
  void NotReached();
  // Kept if it is of use.
  void Return(Lease lease, Instant now);

 private:
  struct Idle {
    Lease lease;
    Instant since;
  };

  explicit HttpPool(HttpPoolOptions options) : options_(std::move(options)), trusted_(options_.tls) {}
  Lease NewLease(const std::shared_ptr<const TlsContext>& tls) const;
  std::unique_ptr<HttpConnection> NewConnection(std::shared_ptr<const TlsContext> tls) const;
  // What new connections are made with; kept ones of another context are
  // dropped.
  void UseIdentity(const std::shared_ptr<const Identity>& identity);
  void UseCaFile(Instant now);
  // False where there can be none of it: then the last one stays.
  bool Renew(const TlsClientOptions& options);

  const HttpPoolOptions options_;
  std::mutex mu_;
  // Below: guarded by mu_.
  TlsClientOptions trusted_;  // without an identity
  Instant ca_read_{0};        // when the file was last looked at; 0: never
  bool not_reached_ = false;  // since then
  std::shared_ptr<const Identity> identity_;
  std::shared_ptr<const TlsContext> tls_;
  std::vector<Idle> idle_;  // longest idle first
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTP_POOL_H_
