// OpenTunnel(): has a proxy connect a socket to a server (HTTP CONNECT).
#ifndef EPSLICE_INFORMERS_HTTP_PROXY_TUNNEL_H_
#define EPSLICE_INFORMERS_HTTP_PROXY_TUNNEL_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "informers/clock.h"
#include "informers/http/proxy.h"

namespace epslice {

// What a proxy may say before the tunnel is there.
inline constexpr std::size_t kMaxTunnelAnswerBytes = std::size_t{16} << 10;

// `fd`: connected to the proxy, and does not block. "" when what is sent there now
// goes to the server; else why not, one line without secrets. Takes little longer
// than `timeout`, however slowly the proxy answers, and ends soon after `aborted`
// says so. The proxy's answer is read up to its end and not beyond: it has nothing
// to say before the server has.
std::string OpenTunnel(int fd, const HttpProxy& proxy, std::string_view host, int port, Duration timeout,
                       const std::function<bool()>& aborted);

// What the head of its answer comes to: "" for 2xx, or what went wrong.
std::string TunnelError(std::string_view head);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_PROXY_TUNNEL_H_
