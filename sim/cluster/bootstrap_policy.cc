// What a kube-apiserver grants by itself, as far as it is of use here.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/cluster/document_store.h"
#include "sim/cluster/json_doc.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

json Role(const char* name, json rules) {
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRole"},
          {"metadata", {{"name", name}, {"labels", {{"kubernetes.io/bootstrapping", "rbac-defaults"}}}}},
          {"rules", std::move(rules)}};
}

json NamespacedRole(const char* name, const char* name_space, json rules) {
  json role = Role(name, std::move(rules));
  role["kind"] = "Role";
  role["metadata"]["namespace"] = name_space;
  return role;
}

json BindGroups(const char* role, const std::vector<const char*>& groups) {
  json subjects = json::array();
  for (const char* group : groups) {
    subjects.push_back({{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Group"}, {"name", group}});
  }
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRoleBinding"},
          {"metadata", {{"name", role}, {"labels", {{"kubernetes.io/bootstrapping", "rbac-defaults"}}}}},
          {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", role}}},
          {"subjects", std::move(subjects)}};
}

json Create(const char* group, std::vector<const char*> resources) {
  return {{"apiGroups", {group}}, {"resources", std::move(resources)}, {"verbs", {"create"}}};
}

}  // namespace

void DocumentStore::LoadBootstrapPolicy() {
  const json everything = {{{"apiGroups", {"*"}}, {"resources", {"*"}}, {"verbs", {"*"}}},
                           {{"nonResourceURLs", {"*"}}, {"verbs", {"*"}}}};
  const json discovery = {{{"nonResourceURLs",
                            {"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*",
                             "/readyz", "/version", "/version/"}},
                           {"verbs", {"get"}}}};
  const json info = {
      {{"nonResourceURLs", {"/healthz", "/livez", "/readyz", "/version", "/version/"}}, {"verbs", {"get"}}}};
  const json basic = json::array({Create("authorization.k8s.io", {"selfsubjectaccessreviews"}),
                                  Create("authentication.k8s.io", {"selfsubjectreviews"})});
  const json delegator = json::array(
      {Create("authentication.k8s.io", {"tokenreviews"}), Create("authorization.k8s.io", {"subjectaccessreviews"})});
  const json authentication_config = {{{"apiGroups", {""}},
                                       {"resources", {"configmaps"}},
                                       {"resourceNames", {"extension-apiserver-authentication"}},
                                       {"verbs", {"get", "list", "watch"}}}};
  const std::vector<json> objects = {
      NamespacedRole("extension-apiserver-authentication-reader", "kube-system", authentication_config),
      Role("cluster-admin", everything),
      Role("system:discovery", discovery),
      Role("system:public-info-viewer", info),
      Role("system:basic-user", basic),
      Role("system:auth-delegator", delegator),
      BindGroups("cluster-admin", {"system:masters"}),
      BindGroups("system:discovery", {"system:authenticated"}),
      BindGroups("system:public-info-viewer", {"system:authenticated", "system:unauthenticated"}),
      BindGroups("system:basic-user", {"system:authenticated"}),
  };
  for (const json& object : objects) {
    Load(*FindDocumentKind(StringAt(object, "apiVersion"), StringAt(object, "kind")), DumpDoc(object)).IgnoreError();
  }
}

}  // namespace epslice::sim
