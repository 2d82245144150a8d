// Serving: the controller's own port: health, metrics, and what it is doing.
//
// HTTP/1.1 with TLS (or without), GET and HEAD only, answers made anew for
// each request. Who may ask: what a guard lets in (delegated_auth.h). Without
// one, paths that are open may be read by whoever reaches the port; all others
// by clients on this machine only (loopback), everybody else is answered 403,
// and no credentials are looked at.
//
// Bounds against clients that mean harm or are broken: bytes of a request's
// head, no bodies, time of a request, idle time, number of connections. When
// all connections are in use, a new one ends the one that has been without a
// new request for longest, so that a probe always gets through.
#ifndef EPSLICE_CONTROLLERS_MANAGER_SERVING_H_
#define EPSLICE_CONTROLLERS_MANAGER_SERVING_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "controllers/manager/header_fields.h"
#include "controllers/manager/log.h"
#include "informers/clock.h"
#include "informers/http/server_tls.h"
#include "informers/http/tls.h"

namespace epslice {

// A request, as handlers see it.
struct HttpQuery {
  std::string path;  // decoded: "/readyz/ping"
  // Decoded, in the order they came; "?verbose" has an empty value.
  std::vector<std::pair<std::string, std::string>> parameters;

  bool Has(std::string_view name) const;
  // The first value; empty without one.
  std::string Get(std::string_view name) const;
  // All values.
  std::vector<std::string> All(std::string_view name) const;
};

struct ServingReply {
  int code = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

// A request to be let in, or not.
struct GuardedRequest {
  std::string path;    // decoded
  std::string method;  // "GET"
  HeaderFields headers;
  // What the client showed of itself (TlsSession::PeerCertificates): it has the
  // key of the first, nothing else is verified. Empty: nothing. Until the guard
  // has answered.
  std::span<const std::string> certificates = {};
};

// "/a%20b?x=1&verbose" taken apart. nullopt: not a path, a bad %-escape, more
// than 64 parameters. '+' in the query is a space.
std::optional<HttpQuery> ParseTarget(std::string_view target);
// %XX as the bytes they stand for; nullopt: an escape that is none.
std::optional<std::string> PercentDecoded(std::string_view text);

// Whether `ip` is of this machine's loopback: 127.0.0.0/8, ::1, and the former
// as an IPv4-mapped address.
bool IsLoopback(std::string_view ip);

struct ServingOptions {
  std::string address = "127.0.0.1";  // an IP address; "0.0.0.0" or "::" for all
  int port = 0;                       // 0: any free one
  bool tls = true;
  // PEM files, re-read when they change; both empty: a certificate of its own.
  std::string tls_cert_file;
  std::string tls_private_key_file;
  // Others, for clients that ask for some name (server_tls.h).
  std::vector<NamedServerTlsFiles> tls_named = {};
  TlsServerPolicy tls_policy = {};
  // Clients are asked for certificates, and told whose are known
  // (ServerTlsOptions::client_ca_pem); null: they are not.
  std::function<std::shared_ptr<const std::string>()> client_ca_pem;
  bool permit_port_sharing = false;  // several servers may listen on the port
  std::size_t max_connections = 64;
  std::size_t max_waiting = 256;  // accepted, not yet served; more are closed
  // How long a connection may be idle, a request may take to arrive (with the
  // handshake), and a client may take to accept more bytes.
  Duration idle_timeout = std::chrono::seconds(60);
  Duration request_timeout = std::chrono::seconds(10);
  Duration write_timeout = std::chrono::seconds(10);
  std::size_t max_head_bytes = std::size_t{16} << 10;
  // Asked of each request, for whatever path, before it is answered; nullopt
  // lets it in. May block, from several threads. Null: see above.
  std::function<std::optional<ServingReply>(const GuardedRequest& request)> guard;
};

class Serving {
 public:
  // Called from several threads at once. May throw: answered 500.
  using Handler = std::function<ServingReply(const HttpQuery& query)>;
  enum class Access : std::uint8_t {
    kOpen,   // to all who reach the port
    kLocal,  // to clients on this machine
  };

  // `clock` and `log` must outlive this.
  Serving(ServingOptions options, const Clock* clock, Logger* log);
  // Stops.
  ~Serving();
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  // Answers GET and HEAD of `path` and, where it ends in '/', of all that
  // begins so; the longest one wins. What it uses must live until Stop(). Also
  // after Start(); a path added again replaces the handler.
  void AddHandler(std::string path, Handler handler, Access access = Access::kLocal);

  // Listens and returns; requests are answered by threads of the server's own.
  // InvalidArgument: the certificate or its key cannot be used.
  // FailedPrecondition: the port is taken, or the address is none of this
  // machine's. Call once.
  absl::Status Start();
  // Ends all connections and joins all threads. Safe to call again.
  void Stop();

  // The port listened on; 0 before Start().
  int port() const;
  // When the first of the certificates ends that are served now; nullopt over
  // plain HTTP, and before Start().
  std::optional<Timestamp> certificate_ends() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_SERVING_H_
