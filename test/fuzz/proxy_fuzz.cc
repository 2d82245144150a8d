// A proxy's URL, NO_PROXY and what a proxy answers, from anywhere: the first line is
// a server's host, the rest each of them in turn. What is said of them is one line,
// and what is sent to a proxy stays in its line.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "apis/cat.h"
#include "apis/status_text.h"
#include "informers/http/proxy.h"
#include "informers/http/proxy_tunnel.h"
#include "test/fuzz/check.h"

namespace epslice {
namespace {

using fuzz::Check;

bool IsPrintable(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; });
}

void TryUrl(std::string_view url) {
  const auto proxy = ParseProxyUrl(url, "HTTPS_PROXY");
  if (!proxy.ok()) return Check(IsPrintable(MessageOf(proxy.status())), "an error is one line");
  Check(!(*proxy)->host.empty() && (*proxy)->port >= 1 && (*proxy)->port <= 65535, "a proxy has an address");
  Check(IsPrintable((*proxy)->Address()) && IsPrintable((*proxy)->authorization), "no line begins in a header");
}

void TryNoProxy(std::string_view host, std::string_view no_proxy) {
  HttpEndpoint server;
  server.host = host;
  server.port = 443;
  server.tls = true;
  const bool direct = ReachedDirectly(server, no_proxy);
  Check(!direct || ReachedDirectly(server, Cat({no_proxy, ",example.com"})), "another entry takes nothing away");
  Check(ReachedDirectly(server, Cat({no_proxy, ",*"})), "* is everything");
}

}  // namespace
}  // namespace epslice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = epslice::fuzz::Input(data, size);
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view rest = input.substr(std::min(end + 1, input.size()));
  epslice::TryUrl(rest);
  epslice::TryNoProxy(input.substr(0, end), rest);
  epslice::fuzz::Check(epslice::IsPrintable(epslice::TunnelError(rest)), "what went wrong is one line");
  return 0;
}
