// Slices and their parts in a few words, for tables and differences.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_SLICE_TEXT_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_SLICE_TEXT_H_

#include <optional>
#include <string>
#include <vector>

#include "apis/discovery.h"

namespace epslice {

// "web-x7k2p"; "web-(new)" where the API server has yet to make the name up.
std::string SliceName(const EndpointSlice& slice);

// "http:8080/TCP,:9090/UDP", sorted; "" without ports. An appProtocol stands
// after the protocol ("TCP(h2c)"), "*" for an absent port number.
std::string PortsText(std::vector<EndpointPort> ports);

// "zones a,b nodes n1"; "" without hints.
std::string HintsText(const std::optional<EndpointHints>& hints);

// "Pod shop/web-0", or the addresses of an endpoint that refers to nothing.
std::string EndpointName(const Endpoint& endpoint);

// All addresses, comma-separated.
std::string AddressesText(const Endpoint& endpoint);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_SLICE_TEXT_H_
