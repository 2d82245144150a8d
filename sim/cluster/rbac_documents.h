// Roles and bindings as JSON documents: what they say, and what is wrong with
// them. Pure.
#ifndef EPSLICE_SIM_CLUSTER_RBAC_DOCUMENTS_H_
#define EPSLICE_SIM_CLUSTER_RBAC_DOCUMENTS_H_

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "apis/request.h"
#include "sim/cluster/rbac.h"

namespace epslice::sim {

// The rules of a Role or ClusterRole (`namespaced`: a Role). `causes`: what a
// kube-apiserver finds invalid in it; the rules are unspecified then.
std::vector<PolicyRule> ReadRules(const nlohmann::json& role, bool namespaced, std::vector<StatusCause>* causes);

// The same of a RoleBinding or ClusterRoleBinding. Fills in defaults: the
// apiGroups of roleRef and of subjects.
RbacBinding ReadBinding(bool namespaced, nlohmann::json* binding, std::vector<StatusCause>* causes);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_RBAC_DOCUMENTS_H_
