// Desired endpoints: what the pods of a Service say its slices should hold.
// A part of reconcile(); pure.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_ENDPOINTS_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_ENDPOINTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "apis/core.h"
#include "apis/discovery.h"
#include "apis/ip.h"
#include "controllers/endpointslice/reconcile.h"

namespace epslice::internal {

// One desired endpoint, still as references into the input: the Endpoint is
// made (MakeEndpoint) only where it is written.
struct DesiredEndpoint {
  const Pod* pod = nullptr;
  const Text* zone = nullptr;           // null: none
  const IpAddress* first_ip = nullptr;  // the first one of the family
  std::uint32_t group = 0;              // index into DesiredState::groups
  bool single_ip = true;                // no further address of the family
  bool ready = false;
  bool serving = false;
  bool terminating = false;
  bool has_hostname = false;
  bool placed = false;  // found in, or put into, a slice
};

// The ports that some pods have in common, sorted. Slices hold one group.
struct PortGroup {
  std::vector<EndpointPort> ports;
};

struct DesiredState {
  std::vector<PortGroup> groups;           // sorted by ports
  std::vector<DesiredEndpoint> endpoints;  // in the order of the pods
  std::vector<std::string> errors;         // pods on nodes that are not known
};

// The input is referred to and must outlive the result.
DesiredState DesireEndpoints(const ReconcileInput& input, IpFamily family);

Endpoint MakeEndpoint(const DesiredEndpoint& desired, IpFamily family);

// The order in which new endpoints go into slices: by name.
inline bool ComesBefore(const DesiredEndpoint& a, const DesiredEndpoint& b) {
  return a.pod->metadata.name < b.pod->metadata.name;
}

// Whether `existing` says what `desired` would, hints and the resourceVersion
// of the targetRef aside.
bool SameBeyondIdentity(const DesiredEndpoint& desired, const Endpoint& existing);

// Finds the desired endpoint that an existing one stands for, by its identity:
// addresses, hostname, and targetRef namespace and name.
class EndpointMatcher {
 public:
  // `desired` must outlive the matcher.
  EndpointMatcher(std::vector<DesiredEndpoint>* desired, IpFamily family) : desired_(*desired), family_(family) {}

  // Not yet placed, of the given group; null when there is none.
  DesiredEndpoint* Find(const Endpoint& existing, std::uint32_t group);

 private:
  // Of the pods' names: open addressing; index + 1, 0 is free.
  struct Table {
    std::size_t (*hash)(const Text& name);
    std::vector<std::uint32_t> slots{};
    void Build(const std::vector<DesiredEndpoint>& desired);
  };

  bool Matches(const DesiredEndpoint& desired, const Endpoint& existing) const;
  static std::size_t HashOfIdentity(const Text& name);
  static std::size_t HashOfName(const Text& name);

  std::vector<DesiredEndpoint>& desired_;
  IpFamily family_;
  // Slices mostly list endpoints in the order of the pods: the one after the
  // last match is tried first, and a table made only where that fails. An endpoint
  // of ours mostly shares its pod's name, so that no name need be read; which of
  // them is found does not depend on it.
  std::size_t cursor_ = 0;
  Table by_identity_{HashOfIdentity};
  Table by_name_{HashOfName};
};

}  // namespace epslice::internal

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_ENDPOINTS_H_
