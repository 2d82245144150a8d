// Kinds that the server keeps as documents only: what nothing but a client, or
// authorization, reads. Of those beside roles and accounts, such as Deployments, no
// more is looked at than their metadata, and nobody acts on them.
#ifndef EPSLICE_SIM_CLUSTER_DOCUMENT_KINDS_H_
#define EPSLICE_SIM_CLUSTER_DOCUMENT_KINDS_H_

#include <string_view>
#include <vector>

namespace epslice::sim {

struct DocumentKind {
  std::string_view name;        // "ClusterRole"
  std::string_view group;       // "" for core
  std::string_view apiVersion;  // "rbac.authorization.k8s.io/v1"
  std::string_view resource;    // "clusterroles"
  std::string_view singular;
  bool namespaced = true;
  std::vector<std::string_view> short_names = {};
};

inline constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";

// Roles, bindings and accounts, and what else a controller is installed with
// (manifests/). They live as long as the program.
const std::vector<DocumentKind>& DocumentKinds();

// Whether it is one of these.
bool IsDocumentKind(std::string_view api_version, std::string_view kind);
// Null where there is none.
const DocumentKind* FindDocumentKind(std::string_view api_version, std::string_view kind);
const DocumentKind* FindDocumentResource(std::string_view group, std::string_view version, std::string_view resource);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_DOCUMENT_KINDS_H_
