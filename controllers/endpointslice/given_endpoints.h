// Desired endpoints that are given (ReconcileInput::endpoints), in place of those
// that pods stand for (endpoints.h). A part of reconcile(); pure.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_GIVEN_ENDPOINTS_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_GIVEN_ENDPOINTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "apis/discovery.h"
#include "apis/ip.h"
#include "controllers/endpointslice/endpoints.h"
#include "controllers/endpointslice/reconcile.h"

namespace epslice::internal {

struct GivenEndpoint {
  const Endpoint* endpoint = nullptr;
  std::uint32_t group = 0;  // there is one
  bool placed = false;      // found in, or put into, a slice
};

// As DesiredState. The input is referred to and must outlive it.
struct GivenState {
  GivenState(const ReconcileInput& input, IpFamily family);

  std::vector<PortGroup> groups;         // one; none where nothing is given
  std::vector<GivenEndpoint> endpoints;  // by identity, each once
  std::vector<std::string> errors;       // none
};

// By identity: addresses, hostname, and targetRef kind, namespace and name.
bool ComesBefore(const GivenEndpoint& a, const GivenEndpoint& b);
// Without hints.
Endpoint MakeEndpoint(const GivenEndpoint& desired, IpFamily family);
// Whether `existing`, of the same identity, says what `desired` would, hints and
// the resourceVersion of the targetRef aside.
bool SameBeyondIdentity(const GivenEndpoint& desired, const Endpoint& existing);

// As EndpointMatcher.
class GivenMatcher {
 public:
  // `desired` must outlive the matcher.
  GivenMatcher(std::vector<GivenEndpoint>* desired, IpFamily /*family*/) : desired_(*desired) {}

  // Not yet placed; null when there is none.
  GivenEndpoint* Find(const Endpoint& existing, std::uint32_t group);

 private:
  std::vector<GivenEndpoint>& desired_;
};

}  // namespace epslice::internal

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_GIVEN_ENDPOINTS_H_
