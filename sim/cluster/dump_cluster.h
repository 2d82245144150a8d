// From a dump to what reconcile() is given for each Service.
#ifndef EPSLICE_SIM_CLUSTER_DUMP_CLUSTER_H_
#define EPSLICE_SIM_CLUSTER_DUMP_CLUSTER_H_

#include <cstdint>
#include <vector>

#include "controllers/endpointslice/reconcile.h"
#include "sim/trace/dump_reader.h"

namespace epslice::sim {

struct DumpCluster {
  // One for each Service that the controller cares for, in key order. They
  // share the dump's objects.
  std::vector<ReconcileInput> inputs;
  // Services without a selector, or of type ExternalName.
  std::int64_t skipped_services = 0;
  // Objects of the dump that say nothing about slices: not Service, Pod, Node
  // or EndpointSlice.
  std::int64_t ignored_objects = 0;
};

// What a controller of `config.controller_name` would see that starts on a
// cluster like this. The trigger time of a Service without slices is its
// creation, as at the reference's first sync of it. Where there are slices, an
// earlier sync has made them, and a dump does not say what moved since: unset.
DumpCluster MakeDumpCluster(const Dump& dump, const ReconcileConfig& config);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_DUMP_CLUSTER_H_
