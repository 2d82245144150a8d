// Objects of hand-written manifests, as an API server would have stored them.
//
// A dump of a cluster needs none of this: what is filled in here everything
// has that comes from an API server.
#ifndef EPSLICE_SIM_CLUSTER_MANIFESTS_H_
#define EPSLICE_SIM_CLUSTER_MANIFESTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "apis/object.h"

namespace epslice::sim {

struct FilledIn {
  std::int64_t services = 0;
  std::int64_t namespaces = 0;  // objects that named none
  // What was made up, one sentence each, for who reads the result.
  std::vector<std::string> Sentences() const;
};

// In struct and JSON alike, all else stays:
// - Services without a cluster IP (headless ones: without IP families), or with a
//   port that has no target port, get the defaults, addresses and node ports of
//   a create (service_defaults.h), other ones than those the rest of `objects`
//   has. Those of type ExternalName are left alone; so is what a server would
//   refuse.
// - Namespaced objects without a namespace go into "default", as kubectl would
//   send them.
// Equal objects get equal addresses.
FilledIn FillInManifests(std::vector<AnyObject>* objects);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_MANIFESTS_H_
