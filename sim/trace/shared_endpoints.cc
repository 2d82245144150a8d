#include "sim/trace/shared_endpoints.h"

#include <algorithm>
#include <set>

#include "apis/text.h"

namespace epslice::sim {

std::size_t SharedEndpoints(const EndpointSlice& a, const EndpointSlice& b) {
  std::set<Text> addresses;
  for (const Endpoint& endpoint : a.endpoints) addresses.insert(endpoint.addresses.begin(), endpoint.addresses.end());
  std::size_t shared = 0;
  for (const Endpoint& endpoint : b.endpoints) {
    shared += static_cast<std::size_t>(std::any_of(endpoint.addresses.begin(), endpoint.addresses.end(),
                                                   [&](const Text& address) { return addresses.count(address) > 0; }));
  }
  return shared;
}

}  // namespace epslice::sim
