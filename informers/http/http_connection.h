// HttpConnection: one connection to one server, for one exchange at a time,
// that another thread can end at any moment.
#ifndef EPSLICE_INFORMERS_HTTP_HTTP_CONNECTION_H_
#define EPSLICE_INFORMERS_HTTP_HTTP_CONNECTION_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "informers/clock.h"
#include "informers/http/tls.h"

namespace epslice {

// What we look at of an answer's status line and headers.
struct HttpHead {
  int status = 0;
  std::string retry_after;
  std::string content_type;
  std::string content_encoding;  // the body is as it came: nothing unfolds it
};

struct HttpExchange {
  std::string method;
  std::string target;  // encoded path and query
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // How long the connection may be silent.
  Duration read_timeout = std::chrono::seconds(60);
  // The answer's status line and headers have come. False: stop here.
  std::function<bool(const HttpHead& head)> on_head;
  // The next bytes of the body. False: stop here.
  std::function<bool(std::string_view bytes)> on_data;
};

class HttpConnection {
 public:
  enum class Outcome {
    kDone,        // the whole answer was received
    kStopped,     // a callback returned false
    kNotReached,  // no connection: nothing was sent
    kBroken,      // the connection failed, or was silent too long
  };

  virtual ~HttpConnection() = default;

  // Blocks. Connects when there is no connection, or when the server closed
  // it meanwhile. After anything but kDone the connection is of no use.
  // `error` says why, for logs. Throws what the callbacks throw.
  virtual Outcome Run(const HttpExchange& exchange, std::string* error) = 0;
  // Ends a Run(), now or to come, within a fraction of a second, whatever it
  // waits for. From any thread.
  virtual void Abort() = 0;
  // There is a connection from an earlier Run(). Not during a Run().
  virtual bool open() const = 0;
};

struct HttpProxy;

struct HttpServerAddress {
  std::string host;  // without the brackets of an IPv6 address; with its zone, which only connecting needs
  int port = 80;
  std::shared_ptr<const TlsContext> tls;  // null: plain HTTP
  // Whom the server's certificate must be for; "": `host`.
  std::string tls_server_name;
  // With `tls` asked for a tunnel, otherwise for whole URLs; null: connects directly.
  std::shared_ptr<const HttpProxy> proxy = nullptr;
};

// HTTP/1.1 over TCP or TLS.
std::unique_ptr<HttpConnection> NewHttpConnection(const HttpServerAddress& address, Duration connect_timeout);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTP_CONNECTION_H_
