// What the controller may do is what it needs, no less and no more.
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "test/manifests/manifests.h"

namespace epslice::manifests {
namespace {

using Grants = std::set<std::string>;

// "group/resource verb", with "(name)" where it is for one object only, and
// "in NAMESPACE" where it is for one namespace only; core has no group.
void AddRules(const Json& role, const std::string& where, Grants* grants) {
  for (const Json& rule : role.at("rules")) {
    for (const Json& group : rule.at("apiGroups")) {
      for (const Json& resource : rule.at("resources")) {
        for (const Json& verb : rule.at("verbs")) {
          for (const Json& name : rule.value("resourceNames", Json::array({""}))) {
            std::ostringstream grant;
            grant << group.get<std::string>() << "/" << resource.get<std::string>();
            if (name != "") grant << "(" << name.get<std::string>() << ")";
            grant << " " << verb.get<std::string>() << where;
            grants->insert(grant.str());
          }
        }
      }
    }
  }
}

// Of Roles that are the cluster's own: "Role NAME in NAMESPACE".
void AddBindings(const std::vector<Json>& objects, Grants* grants) {
  std::set<std::string> ours;
  for (const Json& role : OfKind(objects, "Role")) ours.insert(role.at("metadata").at("name").get<std::string>());
  for (const Json& binding : OfKind(objects, "RoleBinding")) {
    const Json& role = binding.at("roleRef");
    EXPECT_EQ(role.at("kind"), "Role");
    const std::string name = role.at("name").get<std::string>();
    if (ours.count(name) == 0) {
      grants->insert("Role " + name + " in " + binding.at("metadata").at("namespace").get<std::string>());
    }
  }
}

Grants Granted(const std::vector<Json>& objects) {
  Grants grants;
  AddBindings(objects, &grants);
  for (const Json& role : OfKind(objects, "ClusterRole")) AddRules(role, "", &grants);
  for (const Json& role : OfKind(objects, "Role")) {
    AddRules(role, " in " + role.at("metadata").at("namespace").get<std::string>(), &grants);
  }
  return grants;
}

// Informers.
const Grants kReads = {
    "/services get",
    "/services list",
    "/services watch",
    "/pods get",
    "/pods list",
    "/pods watch",
    "/nodes get",
    "/nodes list",
    "/nodes watch",
    "discovery.k8s.io/endpointslices get",
    "discovery.k8s.io/endpointslices list",
    "discovery.k8s.io/endpointslices watch",
};
// Who may read what the serving port has.
const Grants kReviews = {
    "authentication.k8s.io/tokenreviews create",
    "authorization.k8s.io/subjectaccessreviews create",
    "Role extension-apiserver-authentication-reader in kube-system",
};
const Grants kWrites = {
    "/services/finalizers update",
    "discovery.k8s.io/endpointslices create",
    "discovery.k8s.io/endpointslices update",
    "discovery.k8s.io/endpointslices delete",
    "discovery.k8s.io/endpointslices/restricted create",
    "/events create",
    "/events patch",
    "events.k8s.io/events create",
    "events.k8s.io/events patch",
    "coordination.k8s.io/leases(epslice-controller) get in kube-system",
    "coordination.k8s.io/leases(epslice-controller) update in kube-system",
    "coordination.k8s.io/leases(epslice-controller) watch in kube-system",
    "coordination.k8s.io/leases create in kube-system",
};

Grants Union(const std::vector<Grants>& sets) {
  Grants all;
  for (const Grants& set : sets) all.insert(set.begin(), set.end());
  return all;
}

TEST(Rbac, TheBaseGrantsWhatIsNeeded) { EXPECT_EQ(Granted(Resources("base")), Union({kReads, kReviews, kWrites})); }

TEST(Rbac, TheOverlayGrantsWhatIsNeeded) {
  if (!HaveKubectl()) GTEST_SKIP() << "NOT TESTED: no kubectl in PATH that could render manifests/overlays/replace";
  EXPECT_EQ(Granted(Kustomize("overlays/replace")), Union({kReads, kReviews, kWrites}));
}

TEST(Rbac, AShadowMayReadOnly) {
  if (!HaveKubectl()) GTEST_SKIP() << "NOT TESTED: no kubectl in PATH that could render manifests/overlays/shadow";
  EXPECT_EQ(Granted(Kustomize("overlays/shadow")), Union({kReads, kReviews}));
}

}  // namespace
}  // namespace epslice::manifests
