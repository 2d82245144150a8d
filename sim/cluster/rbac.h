// Role-based access control: may this user do this? Pure.
//
// The decision of a kube-apiserver run with --authorization-mode=RBAC
// (rbac.authorization.k8s.io/v1): what no rule allows is refused; rules only
// add. ClusterRoleBindings hold everywhere, RoleBindings in their namespace;
// paths that are no resources are granted by ClusterRoleBindings alone. Members
// of the group system:masters may do everything.
#ifndef EPSLICE_SIM_CLUSTER_RBAC_H_
#define EPSLICE_SIM_CLUSTER_RBAC_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace epslice::sim {

// A service account as a user: this, its namespace, ':' and its name.
inline constexpr std::string_view kServiceAccountPrefix = "system:serviceaccount:";
std::string ServiceAccountUser(std::string_view namespace_name, std::string_view name);

inline constexpr std::string_view kGroupMasters = "system:masters";
inline constexpr std::string_view kGroupAuthenticated = "system:authenticated";

// Whom a request comes from, as authentication found out.
struct UserInfo {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  friend bool operator==(const UserInfo&, const UserInfo&) = default;
};

// `user` with the groups that everybody has who showed who they are; a service
// account (system:serviceaccount:NAMESPACE:NAME) also has those of all service
// accounts, and of those in its namespace.
UserInfo WithImpliedGroups(UserInfo user);

// What a request is about, for authorization.
struct AccessAttributes {
  std::string verb;  // "list"; of a path: the HTTP method in lower case, "get"
  bool is_resource = true;
  // Of a resource.
  std::string namespace_;  // "": the cluster's
  std::string group;       // "": core
  std::string version;
  std::string resource;  // "pods"
  std::string subresource;
  std::string name;  // "": of none, or of all
  // Of anything else: "/metrics".
  std::string path;
  friend bool operator==(const AccessAttributes&, const AccessAttributes&) = default;
};

// "User "x" cannot list resource "services" in API group "" at the cluster
// scope", in the words of a kube-apiserver.
std::string DescribeRefusal(const UserInfo& user, const AccessAttributes& attributes);

// One rule of a Role or ClusterRole; "*" stands for all.
struct PolicyRule {
  std::vector<std::string> verbs;
  std::vector<std::string> apiGroups;
  std::vector<std::string> resources;        // "pods", "pods/status", "*/status"
  std::vector<std::string> resourceNames;    // empty: all
  std::vector<std::string> nonResourceURLs;  // "/healthz", "/debug/*"
};
bool RuleAllows(const PolicyRule& rule, const AccessAttributes& attributes);

struct RbacSubject {
  enum class Kind : std::uint8_t { kUser, kGroup, kServiceAccount };
  Kind kind = Kind::kUser;
  std::string name;
  std::string namespace_;  // of a service account; "": that of the RoleBinding
};

struct RbacBinding {
  bool to_cluster_role = true;  // roleRef.kind
  std::string role;             // roleRef.name
  std::vector<RbacSubject> subjects;
};

struct AccessDecision {
  bool allowed = false;
  // Which binding allowed it; or, where it is refused, which roles that are
  // bound to the user there is no trace of. May be empty.
  std::string reason;
};

// The roles and bindings there are. Not thread-safe.
class RbacPolicy {
 public:
  // A namespace of "" is that of ClusterRoles and ClusterRoleBindings. Put
  // replaces what has the name.
  void PutRole(const std::string& namespace_, const std::string& name, std::vector<PolicyRule> rules);
  void EraseRole(const std::string& namespace_, const std::string& name);
  void PutBinding(const std::string& namespace_, const std::string& name, RbacBinding binding);
  void EraseBinding(const std::string& namespace_, const std::string& name);

  AccessDecision Decide(const UserInfo& user, const AccessAttributes& attributes) const;

 private:
  using Key = std::pair<std::string, std::string>;  // namespace, name

  // Goes through the bindings of a namespace; true when one allows it.
  bool DecideIn(const std::string& namespace_, const UserInfo& user, const AccessAttributes& attributes,
                std::string* reason, std::vector<std::string>* missing) const;

  std::map<Key, std::vector<PolicyRule>> roles_;
  std::map<Key, RbacBinding> bindings_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_RBAC_H_
