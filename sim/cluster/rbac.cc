#include "sim/cluster/rbac.h"

#include <algorithm>

#include "apis/cat.h"

namespace epslice::sim {
namespace {

bool Contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool ContainsOrAll(const std::vector<std::string>& list, std::string_view text) {
  return Contains(list, "*") || Contains(list, text);
}

// As Go's %q prints what is plain text.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool ResourceMatches(const std::vector<std::string>& resources, const AccessAttributes& attributes) {
  if (attributes.subresource.empty()) return ContainsOrAll(resources, attributes.resource);
  return ContainsOrAll(resources, Cat({attributes.resource, "/", attributes.subresource})) ||
         Contains(resources, Cat({"*/", attributes.subresource}));
}

bool PathMatches(const std::string& rule, std::string_view path) {
  if (rule == "*" || rule == path) return true;
  if (rule.empty() || rule.back() != '*') return false;
  const std::string_view prefix = std::string_view(rule).substr(0, rule.find_last_not_of('*') + 1);
  return path.substr(0, prefix.size()) == prefix;
}

bool AppliesTo(const RbacSubject& subject, const std::string& binding_namespace, const UserInfo& user) {
  switch (subject.kind) {
    case RbacSubject::Kind::kUser: return subject.name == user.name;
    case RbacSubject::Kind::kGroup: return Contains(user.groups, subject.name);
    case RbacSubject::Kind::kServiceAccount: break;
  }
  const std::string& home = subject.namespace_.empty() ? binding_namespace : subject.namespace_;
  return !home.empty() && user.name == ServiceAccountUser(home, subject.name);
}

std::string Describe(const RbacSubject& subject, const std::string& binding_namespace) {
  switch (subject.kind) {
    case RbacSubject::Kind::kUser: return Cat({"User ", Quoted(subject.name)});
    case RbacSubject::Kind::kGroup: return Cat({"Group ", Quoted(subject.name)});
    case RbacSubject::Kind::kServiceAccount: break;
  }
  const std::string& home = subject.namespace_.empty() ? binding_namespace : subject.namespace_;
  return Cat({"ServiceAccount ", Quoted(Cat({subject.name, "/", home}))});
}

}  // namespace

std::string ServiceAccountUser(std::string_view namespace_name, std::string_view name) {
  return Cat({kServiceAccountPrefix, namespace_name, ":", name});
}

UserInfo WithImpliedGroups(UserInfo user) {
  const auto add = [&](std::string_view group) {
    if (!Contains(user.groups, group)) user.groups.emplace_back(group);
  };
  const std::string_view name = user.name;
  if (name.substr(0, kServiceAccountPrefix.size()) == kServiceAccountPrefix) {
    const std::string_view rest = name.substr(kServiceAccountPrefix.size());
    const std::size_t colon = rest.find(':');
    const bool whole = colon != std::string_view::npos && colon > 0 && colon + 1 < rest.size() &&
                       rest.find(':', colon + 1) == std::string_view::npos;
    if (whole) {
      add("system:serviceaccounts");
      add(Cat({"system:serviceaccounts:", rest.substr(0, colon)}));
    }
  }
  add(kGroupAuthenticated);
  return user;
}

std::string DescribeRefusal(const UserInfo& user, const AccessAttributes& attributes) {
  const std::string who = Cat({"User ", Quoted(user.name), " cannot ", attributes.verb});
  if (!attributes.is_resource) return Cat({who, " path ", Quoted(attributes.path)});
  const std::string_view slash = attributes.subresource.empty() ? "" : "/";
  const std::string what = Cat({" resource ", Quoted(Cat({attributes.resource, slash, attributes.subresource})),
                                " in API group ", Quoted(attributes.group)});
  if (attributes.namespace_.empty()) return Cat({who, what, " at the cluster scope"});
  return Cat({who, what, " in the namespace ", Quoted(attributes.namespace_)});
}

bool RuleAllows(const PolicyRule& rule, const AccessAttributes& attributes) {
  if (!ContainsOrAll(rule.verbs, attributes.verb)) return false;
  if (!attributes.is_resource) {
    return std::any_of(rule.nonResourceURLs.begin(), rule.nonResourceURLs.end(),
                       [&](const std::string& url) { return PathMatches(url, attributes.path); });
  }
  return ContainsOrAll(rule.apiGroups, attributes.group) && ResourceMatches(rule.resources, attributes) &&
         (rule.resourceNames.empty() || Contains(rule.resourceNames, attributes.name));
}

void RbacPolicy::PutRole(const std::string& namespace_, const std::string& name, std::vector<PolicyRule> rules) {
  roles_.insert_or_assign({namespace_, name}, std::move(rules));
}

void RbacPolicy::EraseRole(const std::string& namespace_, const std::string& name) { roles_.erase({namespace_, name}); }

void RbacPolicy::PutBinding(const std::string& namespace_, const std::string& name, RbacBinding binding) {
  bindings_.insert_or_assign({namespace_, name}, std::move(binding));
}

void RbacPolicy::EraseBinding(const std::string& namespace_, const std::string& name) {
  bindings_.erase({namespace_, name});
}

bool RbacPolicy::DecideIn(const std::string& namespace_, const UserInfo& user, const AccessAttributes& attributes,
                          std::string* reason, std::vector<std::string>* missing) const {
  const bool cluster = namespace_.empty();
  for (auto it = bindings_.lower_bound({namespace_, ""}); it != bindings_.end() && it->first.first == namespace_;
       ++it) {
    const RbacBinding& binding = it->second;
    const auto subject = std::find_if(binding.subjects.begin(), binding.subjects.end(),
                                      [&](const RbacSubject& s) { return AppliesTo(s, namespace_, user); });
    if (subject == binding.subjects.end()) continue;
    const auto role = roles_.find({binding.to_cluster_role ? std::string() : namespace_, binding.role});
    if (role == roles_.end()) {
      missing->push_back(Cat({binding.to_cluster_role ? "clusterrole" : "role", ".rbac.authorization.k8s.io ",
                              Quoted(binding.role), " not found"}));
      continue;
    }
    if (std::none_of(role->second.begin(), role->second.end(),
                     [&](const PolicyRule& rule) { return RuleAllows(rule, attributes); })) {
      continue;
    }
    const std::string& name = it->first.second;
    *reason = Cat({"RBAC: allowed by ", cluster ? "ClusterRoleBinding " : "RoleBinding ",
                   Quoted(cluster ? name : Cat({name, "/", namespace_})), " of ",
                   binding.to_cluster_role ? "ClusterRole " : "Role ", Quoted(binding.role), " to ",
                   Describe(*subject, namespace_)});
    return true;
  }
  return false;
}

AccessDecision RbacPolicy::Decide(const UserInfo& user, const AccessAttributes& attributes) const {
  AccessDecision decision;
  if (Contains(user.groups, kGroupMasters)) {
    decision.allowed = true;
    return decision;
  }
  std::vector<std::string> missing;
  decision.allowed = DecideIn("", user, attributes, &decision.reason, &missing) ||
                     (attributes.is_resource && !attributes.namespace_.empty() &&
                      DecideIn(attributes.namespace_, user, attributes, &decision.reason, &missing));
  if (decision.allowed || missing.empty()) return decision;
  // Each once, in the order they came up.
  std::vector<std::string> once;
  for (std::string& why : missing) {
    if (!Contains(once, why)) once.push_back(std::move(why));
  }
  std::string text;
  for (const std::string& why : once) text += Cat({text.empty() ? "" : ", ", why});
  decision.reason = once.size() == 1 ? Cat({"RBAC: ", text}) : Cat({"RBAC: [", text, "]"});
  return decision;
}

}  // namespace epslice::sim
