#include "informers/http/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "apis/cat.h"
#include "apis/status_text.h"

namespace epslice {
namespace {

constexpr std::string_view kScheme = "http://";

// An IPv4 address is ::ffff:a.b.c.d.
using Address16 = std::array<std::uint8_t, 16>;
constexpr std::size_t kMappedBits = 96;

std::optional<Address16> ParseAddress(std::string_view text, bool* v4 = nullptr) {
  const std::string terminated(text);
  Address16 out{};
  in6_addr six{};
  in_addr four{};
  if (inet_pton(AF_INET, terminated.c_str(), &four) == 1) {
    out[10] = out[11] = 0xff;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&four);
    std::copy(bytes, bytes + 4, out.begin() + 12);
    if (v4 != nullptr) *v4 = true;
    return out;
  }
  if (inet_pton(AF_INET6, terminated.c_str(), &six) != 1) return std::nullopt;
  std::copy(std::begin(six.s6_addr), std::end(six.s6_addr), out.begin());
  if (v4 != nullptr) *v4 = false;
  return out;
}

bool SameBits(const Address16& a, const Address16& b, std::size_t bits) {
  const std::size_t bytes = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(bytes), b.begin())) return false;
  const std::size_t rest = bits % 8;
  return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

bool IsLoopback(const Address16& address) {
  static const Address16 kV4 = *ParseAddress("127.0.0.0"), kV6 = *ParseAddress("::1");
  return SameBits(address, kV4, kMappedBits + 8) || address == kV6;
}

// nullopt: no such entry. Else whether the address, where there is one, is in it.
std::optional<bool> InNetwork(std::string_view entry, const std::optional<Address16>& address) {
  const std::size_t slash = entry.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  bool v4 = false;
  const std::optional<Address16> network = ParseAddress(entry.substr(0, slash), &v4);
  const std::string_view digits = entry.substr(slash + 1);
  std::size_t bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (!network || error != std::errc() || end != digits.data() + digits.size() || bits > (v4 ? 32 : 128)) {
    return std::nullopt;
  }
  // One of IPv6 holds no address of IPv4, though these are written as some of its own.
  static const Address16 kV4 = *ParseAddress("0.0.0.0");
  return address && SameBits(*address, kV4, kMappedBits) == v4 &&
         SameBits(*address, *network, bits + (v4 ? kMappedBits : 0));
}

// Takes "host:port" and "[host]:port" apart; else `*host` is all of it.
void SplitPort(std::string_view entry, std::string_view* host, std::string_view* port) {
  *host = entry;
  *port = {};
  const std::size_t colon = entry.rfind(':');
  if (colon == std::string_view::npos) return;
  std::string_view before = entry.substr(0, colon);
  const bool brackets = before.size() >= 2 && before.front() == '[' && before.back() == ']';
  if (brackets) before = before.substr(1, before.size() - 2);
  if (!brackets && before.find(':') != std::string_view::npos) return;
  *host = before;
  *port = entry.substr(colon + 1);
}

std::string_view Trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

std::string SmallLetters(std::string_view s) {
  std::string out(s);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// nullopt where a '%' is not followed by two digits.
std::optional<std::string> PercentDecode(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    unsigned value = static_cast<unsigned char>(s[i]);
    if (s[i] == '%') {
      if (s.size() - i < 3) return std::nullopt;
      const auto [end, error] = std::from_chars(&s[i + 1], &s[i + 1] + 2, value, 16);
      if (error != std::errc() || end != &s[i + 1] + 2) return std::nullopt;
      i += 2;
    }
    out += static_cast<char>(value);
  }
  return out;
}

absl::Status BadProxyUrl(std::string_view why) {
  return absl::InvalidArgumentError(Cat({why, "; accepted is http://[user:password@]host[:port]"}));
}

}  // namespace

std::string HttpProxy::Address() const {
  const bool v6 = host.find(':') != std::string::npos;
  return Cat({v6 ? "[" : "", host, v6 ? "]" : "", ":", std::to_string(port)});
}

std::string HttpProxy::ErrorPrefix() const { return Cat({"proxy ", Address(), " (", origin, "): "}); }

absl::StatusOr<std::shared_ptr<const HttpProxy>> ParseProxyUrl(std::string_view url, std::string_view origin) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return BadProxyUrl("not an URL");
  if (SmallLetters(url.substr(0, scheme + 3)) != kScheme) {
    const std::string name = SmallLetters(url.substr(0, scheme));
    for (const std::string_view known : {"https", "socks5", "socks5h"}) {
      if (name == known) return BadProxyUrl(Cat({known, ":// proxies are not supported"}));
    }
    return BadProxyUrl("no proxy has this scheme");
  }
  std::string_view authority = url.substr(kScheme.size());
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const std::size_t at = authority.rfind('@');
  auto proxy = std::make_shared<HttpProxy>();
  proxy->origin = origin;
  if (at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    const std::size_t colon = user.find(':');
    const std::optional<std::string> name = PercentDecode(user.substr(0, colon));
    const std::optional<std::string> password =
        PercentDecode(colon == std::string_view::npos ? "" : user.substr(colon + 1));
    if (!name || !password) return BadProxyUrl("user or password is not percent-encoded");
    proxy->authorization = Cat({"Basic ", absl::Base64Escape(Cat({*name, ":", *password}))});
    authority.remove_prefix(at + 1);
  }
  const absl::StatusOr<HttpEndpoint> endpoint = ParseHttpUrl(Cat({kScheme, authority}));
  if (!endpoint.ok()) return BadProxyUrl("not the URL of a proxy");
  proxy->host = endpoint->host;
  proxy->port = endpoint->port;
  return proxy;
}

bool ReachedDirectly(const HttpEndpoint& server, std::string_view no_proxy) {
  const std::string host = SmallLetters(server.host);
  const std::string port = std::to_string(server.port);
  const std::optional<Address16> address = ParseAddress(host);
  if (host == "localhost" || (address && IsLoopback(*address))) return true;
  const std::string entries = SmallLetters(no_proxy);
  for (std::size_t begin = 0; begin <= entries.size();) {
    const std::size_t end = std::min(entries.find(',', begin), entries.size());
    const std::string_view entry = Trim(std::string_view(entries).substr(begin, end - begin));
    begin = end + 1;
    if (entry == "*") return true;
    if (const std::optional<bool> inside = InNetwork(entry, address)) {
      if (*inside) return true;
      continue;
    }
    std::string_view name, only_port;
    SplitPort(entry, &name, &only_port);
    if (name.empty() || (!only_port.empty() && only_port != port)) continue;
    if (const std::optional<Address16> one = ParseAddress(name)) {
      if (one == address) return true;
      continue;
    }
    if (name.substr(0, 2) == "*.") name.remove_prefix(1);
    const bool below_only = name.front() == '.';
    if (!below_only && host == name) return true;
    const std::string suffix = below_only ? std::string(name) : Cat({".", name});
    if (host.size() >= suffix.size() && host.compare(host.size() - suffix.size(), suffix.size(), suffix) == 0)
      return true;
  }
  return false;
}

absl::StatusOr<std::shared_ptr<const HttpProxy>> ProxyFromEnvironment(const HttpEndpoint& server, const GetEnv& env) {
  const auto get = [&env](std::initializer_list<const char*> names, const char** found) -> std::string_view {
    for (const char* name : names) {
      const char* const value = env(name);
      *found = name;
      if (value != nullptr && *value != 0) return value;
    }
    return "";
  };
  const char* name = nullptr;
  const char* ignored = nullptr;
  const std::string_view url =
      server.tls ? get({"HTTPS_PROXY", "https_proxy"}, &name) : get({"HTTP_PROXY", "http_proxy"}, &name);
  if (!server.tls && !url.empty() && !get({"REQUEST_METHOD"}, &ignored).empty()) {
    return absl::InvalidArgumentError(
        Cat({name,
             " in the environment: not heeded where REQUEST_METHOD is set, since a web server then makes it of a "
             "request's header; unset one of the two"}));
  }
  if (url.empty() || ReachedDirectly(server, get({"NO_PROXY", "no_proxy"}, &ignored))) return nullptr;
  const bool has_scheme = url.find("://") != std::string_view::npos;
  absl::StatusOr<std::shared_ptr<const HttpProxy>> proxy = ParseProxyUrl(Cat({has_scheme ? "" : kScheme, url}), name);
  if (proxy.ok()) return proxy;
  return absl::InvalidArgumentError(
      Cat({name, " in the environment: ", MessageOf(proxy.status()), "; NO_PROXY names servers that need none"}));
}

}  // namespace epslice
