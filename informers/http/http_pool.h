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
  std::string tls_server_name;
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
  // Kept if it is of use.
  void Return(Lease lease, Instant now);

 private:
  struct Idle {
    Lease lease;
    Instant since;
  };

  explicit HttpPool(HttpPoolOptions options) : options_(std::move(options)) {}
  std::unique_ptr<HttpConnection> NewConnection(std::shared_ptr<const TlsContext> tls) const;
  void UseIdentity(const std::shared_ptr<const Identity>& identity);

  const HttpPoolOptions options_;
  std::mutex mu_;
  // Below: guarded by mu_.
  std::shared_ptr<const Identity> identity_;
  std::shared_ptr<const TlsContext> tls_;
  std::vector<Idle> idle_;  // longest idle first
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTP_POOL_H_
