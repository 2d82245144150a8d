// Whatever parses as an IP address prints as one that parses to itself, in the
// same form as the C library's.
#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "apis/ip.h"
#include "test/fuzz/check.h"

using epslice::IpAddress;
using epslice::IpFamily;
using epslice::ParseIpLenient;
using epslice::fuzz::Check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(epslice::fuzz::Input(data, size));
  const std::optional<IpAddress> ip = ParseIpLenient(text);

  // inet_pton accepts a part of what we accept.
  in6_addr bytes;
  const bool nul = text.find('\0') != std::string::npos;
  const bool strict =
      !nul && (inet_pton(AF_INET, text.c_str(), &bytes) == 1 || inet_pton(AF_INET6, text.c_str(), &bytes) == 1);
  Check(!strict || ip.has_value(), "what inet_pton reads is read");
  if (!ip) return 0;

  const std::string printed = ip->text.str();
  Check(printed.size() <= 39, "an address is short");
  Check(ParseIpLenient(printed) == ip, "the canonical form parses to itself");
  const int family = ip->family == IpFamily::kIPv4 ? AF_INET : AF_INET6;
  Check(inet_pton(family, printed.c_str(), &bytes) == 1, "the canonical form is strict");
  char buffer[INET6_ADDRSTRLEN];
  const char* libc = inet_ntop(family, &bytes, buffer, sizeof(buffer));
  // glibc prints the last 32 bits of an IPv4-compatible address with dots,
  // which RFC 5952 leaves to well-known prefixes.
  const bool dotted = family == AF_INET6 && std::count(libc, libc + std::string_view(libc).size(), '.') != 0;
  Check(dotted || printed == libc, "it is printed as inet_ntop does");
  return 0;
}
