// What the server itself writes into objects: versions, deletion times, and
// the few fields its background work changes.
#ifndef EPSLICE_SIM_CLUSTER_STAMP_H_
#define EPSLICE_SIM_CLUSTER_STAMP_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "apis/object.h"
#include "sim/cluster/object_store.h"

namespace epslice::sim {

// A change the server makes to an object; what is not set stays.
struct ServerEdit {
  std::optional<Timestamp> deletionTimestamp;
  std::optional<std::int64_t> deletionGracePeriodSeconds;
  std::optional<std::int64_t> generation;
  std::optional<std::vector<Text>> finalizers;
  std::optional<std::vector<OwnerReference>> ownerReferences;
  std::optional<Text> nodeName;  // of a Pod (binding)
  std::optional<Text> phase;     // of a Namespace
};

// The object with the edit made and the given resourceVersion, in struct and
// JSON alike.
Record Edited(const Record& record, const ServerEdit& edit, std::uint64_t version);

// The object with another resourceVersion (0: none) and nothing else changed.
AnyObject WithVersion(const AnyObject& object, std::uint64_t version);

// The server-managed metadata that is kept beside the object: from its
// ObjectMeta, or, for a Pod, from its document (null: it has none).
Extras ExtrasOf(const AnyObject& object, const nlohmann::json* doc);

// The metadata of an API server: whole seconds.
Timestamp WholeSeconds(Timestamp t);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_STAMP_H_
