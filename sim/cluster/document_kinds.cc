#include "sim/cluster/document_kinds.h"

#include "apis/cat.h"

namespace epslice::sim {

const std::vector<DocumentKind>& DocumentKinds() {
  static const std::vector<DocumentKind> kinds = [] {
    constexpr std::string_view kRbacV1 = "rbac.authorization.k8s.io/v1";
    constexpr std::string_view kMonitoring = "monitoring.coreos.com";
    constexpr std::string_view kMonitoringV1 = "monitoring.coreos.com/v1";
    return std::vector<DocumentKind>{
        {"ConfigMap", "", "v1", "configmaps", "configmap", true, {"cm"}},
        {"ServiceAccount", "", "v1", "serviceaccounts", "serviceaccount", true, {"sa"}},
        {"ClusterRoleBinding", kRbacGroup, kRbacV1, "clusterrolebindings", "clusterrolebinding", false},
        {"ClusterRole", kRbacGroup, kRbacV1, "clusterroles", "clusterrole", false},
        {"RoleBinding", kRbacGroup, kRbacV1, "rolebindings", "rolebinding"},
        {"Role", kRbacGroup, kRbacV1, "roles", "role"},
        {"Deployment", "apps", "apps/v1", "deployments", "deployment", true, {"deploy"}},
        {"PodDisruptionBudget", "policy", "policy/v1", "poddisruptionbudgets", "poddisruptionbudget", true, {"pdb"}},
        {"NetworkPolicy",
         "networking.k8s.io",
         "networking.k8s.io/v1",
         "networkpolicies",
         "networkpolicy",
         true,
         {"netpol"}},
        {"PrometheusRule", kMonitoring, kMonitoringV1, "prometheusrules", "prometheusrule", true, {"promrule"}},
        {"ServiceMonitor", kMonitoring, kMonitoringV1, "servicemonitors", "servicemonitor", true, {"smon"}},
    };
  }();
  return kinds;
}

const DocumentKind* FindDocumentKind(std::string_view api_version, std::string_view kind) {
  for (const DocumentKind& candidate : DocumentKinds()) {
    if (candidate.name == kind && candidate.apiVersion == api_version) return &candidate;
  }
  return nullptr;
}

bool IsDocumentKind(std::string_view api_version, std::string_view kind) {
  return FindDocumentKind(api_version, kind) != nullptr;
}

const DocumentKind* FindDocumentResource(std::string_view group, std::string_view version, std::string_view resource) {
  const std::string api_version = group.empty() ? std::string(version) : Cat({group, "/", version});
  for (const DocumentKind& candidate : DocumentKinds()) {
    if (candidate.resource == resource && candidate.apiVersion == api_version) return &candidate;
  }
  return nullptr;
}

}  // namespace epslice::sim
