// HttpProxy: a proxy that leads to a server, and how it is chosen, as client-go
// and Go's net/http do it.
//
// Supported are proxies that are themselves spoken to in plain HTTP (http://). For a
// server of https:// the proxy is asked for a tunnel (CONNECT), inside of which is
// TLS with the server, so that it sees neither credentials nor objects. For one of
// http:// it is asked for whole URLs, and sees all objects; credentials are not sent
// there. Others (https://, socks5://) are refused with a line that says so.
// Errors are one line and never hold what a proxy's URL says: it may be a password.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_PROXY_H_
#define EPSLICE_INFORMERS_HTTP_PROXY_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "informers/http/client_config.h"
#include "informers/http/http_routes.h"

namespace epslice {

struct HttpProxy {
  std::string host;  // without the brackets of an IPv6 address
  int port = 80;
  // The value of Proxy-Authorization, "": none. A secret.
  std::string authorization;
  std::string origin;  // who named it, for logs: "HTTPS_PROXY", "proxy-url"

  // "host:port", for logs.
  std::string Address() const;
  // "proxy host:port (origin): ", before what went wrong with it.
  std::string ErrorPrefix() const;
};

// "http://[user[:password]@]host[:port]"; a path is passed over. `origin`: as above,
// and not part of the error.
absl::StatusOr<std::shared_ptr<const HttpProxy>> ParseProxyUrl(std::string_view url, std::string_view origin);

// Whether `server` is reached directly: it is localhost or a loopback address, or
// `no_proxy` names it. That has ',' between entries:
//   example.com    that name and those below it
//   .example.com   those below it only, as *.example.com
//   10.1.2.3, fd00::1, 10.0.0.0/8, fd00::/8
//   host:port, 10.1.2.3:port, [fd00::1]:port    this port only
//   *              every server
// Case does not matter; what is none of these is passed over. Names are not looked
// up: an address matches no name, nor the other way round.
bool ReachedDirectly(const HttpEndpoint& server, std::string_view no_proxy);

// The proxy that the environment names for this server: HTTPS_PROXY, or HTTP_PROXY
// for one of http://, unless NO_PROXY names the server; each also in small letters,
// where the capitals are unset or "". The scheme may be left out. Null: none.
// InvalidArgument for a proxy that is none, or not supported; and for HTTP_PROXY where
// REQUEST_METHOD is set, too: in a CGI program the former is a client's to choose.
absl::StatusOr<std::shared_ptr<const HttpProxy>> ProxyFromEnvironment(const HttpEndpoint& server, const GetEnv& env);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_PROXY_H_
