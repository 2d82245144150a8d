// IP addresses as the endpointslice controller needs them: parsed leniently,
// printed canonically.
#ifndef EPSLICE_APIS_IP_H_
#define EPSLICE_APIS_IP_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "apis/text.h"

namespace epslice {

enum class IpFamily : std::uint8_t { kIPv4, kIPv6 };

struct IpAddress {
  Text text;  // canonical: dotted decimal, or RFC 5952
  IpFamily family = IpFamily::kIPv4;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// A pod's addresses: one, or one of each family. The first one needs no memory
// of its own.
using IpList = absl::InlinedVector<IpAddress, 1>;
static_assert(sizeof(IpList) == 3 * sizeof(void*));

// Leading zeros of an IPv4 octet are decimal ("010.1.2.3" is 10.1.2.3), as
// old clusters stored them; an IPv4-mapped IPv6 address is IPv4, as in Go's
// net.ParseIP. No zone ("%eth0"), no spaces, no CIDR suffix. nullopt: not an
// IP address.
std::optional<IpAddress> ParseIpLenient(std::string_view s);

}  // namespace epslice

#endif  // EPSLICE_APIS_IP_H_
