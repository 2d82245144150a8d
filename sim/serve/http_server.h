// HttpServer: a MemoryApiServer on a TCP port, for kubectl and controllers.
//
// HTTP/1.1, plain or over TLS. Without tokens whoever reaches the port may do
// anything to the objects in memory: listen on loopback unless you mean it.
// With tokens whoever shows one may, or, under RBAC, may do what roles say.
//
// Every connection holds a thread while it is open (a watch streams from it),
// so the pool is large and grows with use. Bounds against clients that mean
// harm or are broken: bytes and time of a request's head and body, idle time
// of connections, number of watches, what a slow watch may queue.
#ifndef EPSLICE_SIM_SERVE_HTTP_SERVER_H_
#define EPSLICE_SIM_SERVE_HTTP_SERVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "informers/clock.h"
#include "informers/http/tls.h"
#include "sim/cluster/document_store.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/serve/access_control.h"
#include "sim/serve/audit_log.h"
#include "sim/serve/issued_tokens.h"
#include "sim/serve/token_auth.h"
#include "sim/serve/token_request.h"
#include "sim/serve/watch_stream.h"

namespace epslice::sim {

// One line of the access log.
struct AccessRecord {
  std::string remote;  // address of the client
  std::string method;
  std::string target;
  std::string user_agent;
  int code = 0;
  std::size_t bytes = 0;  // of the body; 0 for a watch, which has no end yet
  Duration duration{0};   // until the answer began
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // an IP address or host name
  int port = 0;                       // 0: any free one
  std::size_t max_threads = 512;      // connections worked on at once; others wait
  std::size_t max_watches = 448;      // more are answered 429
  WatchLimits watch_limits;
  Duration bookmark_period = std::chrono::minutes(1);
  // Whether the server sees to it that Advance() is called when something is due;
  // false: who drives the MemoryApiServer does.
  bool advance = true;
  // How long a connection may be idle, a request may take to arrive, and a
  // client may take to accept more bytes.
  Duration idle_timeout = std::chrono::seconds(90);
  Duration request_timeout = std::chrono::seconds(30);
  Duration write_timeout = std::chrono::seconds(30);
  std::size_t max_head_bytes = std::size_t{64} << 10;
  // Whether clients that ask for protobuf get it (api_handler.h says what is in
  // it), or JSON.
  bool protobuf = true;
  std::shared_ptr<const TlsContext> tls;  // null: plain HTTP
  // Null: nobody is asked who they are. Others than these are answered 401.
  std::shared_ptr<const TokenAuth> tokens;
  // What those who are known may do.
  AuthorizationMode authorization = AuthorizationMode::kAlwaysAllow;
  // Roles, bindings and service accounts; null: an empty store of the server's
  // own. Must outlive the server.
  DocumentStore* documents = nullptr;
  // Of tokens that service accounts ask for.
  TokenRequestLimits token_limits;
  // What makes them; null: the operating system's random numbers.
  IssuedTokens::NewSecret new_token_secret;
  // Where requests are logged as its policy says; may be null. Must outlive the
  // server.
  AuditLog* audit = nullptr;
  // Whether what is there at the start is logged, too, as if it were created then.
  bool audit_start = false;
  // Called for each request from the thread that answers it; may be null.
  std::function<void(const AccessRecord&)> access_log;
};

class HttpServer {
 public:
  // `clock` and `server` must outlive this.
  HttpServer(const Clock* clock, MemoryApiServer* server, HttpServerOptions options = {});
  // Stops.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Listens and returns; requests are answered by threads of the server's own.
  // Another one keeps the MemoryApiServer going: Advance() when due, bookmarks.
  // Error (FailedPrecondition): the port is taken, or the address is none of
  // this machine's. Call once.
  absl::Status Start();
  // Ends watches and connections and joins all threads; takes well under a
  // second. Safe to call again, and from any thread but the server's.
  void Stop();

  // The port listened on; 0 before Start().
  int port() const;
  // Watches running now.
  std::size_t watches() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_HTTP_SERVER_H_
