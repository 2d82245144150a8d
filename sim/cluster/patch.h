// The three patches of the API server, as pure functions on documents.
#ifndef EPSLICE_SIM_CLUSTER_PATCH_H_
#define EPSLICE_SIM_CLUSTER_PATCH_H_

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "absl/status/status.h"
#include "apis/kind.h"
#include "apis/request.h"

namespace epslice::sim {

// Applies the text of a patch to `doc`.
// Errors: InvalidArgument where the patch is malformed (HTTP 400);
// FailedPrecondition where it does not fit the object (HTTP 422: a JSON patch
// whose test fails or whose path is missing, a result too large). `doc` is
// then unspecified.
absl::Status ApplyPatch(PatchType type, Kind kind, std::string_view patch, nlohmann::json* doc);

// Strategic merge patch (kubernetes/community, strategic-merge-patch): like a
// JSON merge patch (RFC 7386), but the lists of a known merge key are merged
// element by element, and directives say what else to do: $patch: replace,
// delete or merge in a map; {"$patch": "delete" | "replace"} as an element of
// a merged list; $deleteFromPrimitiveList/x; $setElementOrder/x; $retainKeys.
// Merge keys are those of core/v1: containers, volumes, env and the like by
// name, ports of containers by containerPort, ports of Services by port,
// conditions and addresses by type, podIPs by ip, ownerReferences by uid;
// finalizers are a set. Other lists (a Node's taints, an EndpointSlice's
// endpoints and ports) are atomic.
absl::Status StrategicMergePatch(Kind kind, const nlohmann::json& patch, nlohmann::json* doc);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_PATCH_H_
