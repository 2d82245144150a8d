// The roles of manifests/base are enough, and each of their rules is used, or
// there for a reason that this suite cannot bring about.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "test/e2e/fixture.h"
#include "test/manifests/manifests.h"

namespace epslice::e2e {
namespace {

using testing::IsEmpty;

// "group/resource verb".
using Grants = std::set<std::string>;

std::string Grant(const std::string& group, const std::string& resource, const std::string& verb) {
  return group + "/" + resource + " " + verb;
}

Grants GrantsOfTheBase() {
  Grants grants;
  for (const Json& object : manifests::ParseYaml(manifests::ReadFile(manifests::ManifestPath("base/rbac.yaml")))) {
    // The cluster's own, to which one is bound.
    if (object.value("/roleRef/name"_json_pointer, "") == "extension-apiserver-authentication-reader") {
      for (const char* verb : {"get", "list", "watch"}) grants.insert(Grant("", "configmaps", verb));
    }
    for (const Json& rule : object.value("rules", Json::array())) {
      for (const Json& group : rule.at("apiGroups")) {
        for (const Json& resource : rule.at("resources")) {
          for (const Json& verb : rule.at("verbs")) {
            grants.insert(Grant(group.get<std::string>(), resource.get<std::string>(), verb.get<std::string>()));
          }
        }
      }
    }
  }
  return grants;
}

// Not needed in every run, and why they are there.
const std::map<std::string, const char*>& Reserves() {
  static const std::map<std::string, const char*> kReserves = {
      {"/services list", "lists are streamed by watches; a server that cannot is asked for pages"},
      {"/pods list", "as for Services"},
      {"/nodes list", "as for Services"},
      {"discovery.k8s.io/endpointslices list", "as for Services"},
      {"/services get", "reading is one right; a single one is read after an odd answer only"},
      {"/pods get", "as for Services"},
      {"/nodes get", "as for Services"},
      {"discovery.k8s.io/endpointslices get", "a write that got no answer is looked up"},
      {"/services/finalizers update", "the admission plugin OwnerReferencesPermissionEnforcement asks for it"},
      {"discovery.k8s.io/endpointslices/restricted create", "OpenShift's admission asks for it"},
      {"/events create", "servers without events.k8s.io"},
      {"/events patch", "servers without events.k8s.io"},
      {"events.k8s.io/events patch", "an Event that comes again within minutes is counted on"},
      {"authentication.k8s.io/tokenreviews create", "whoever asks for metrics is asked who they are"},
      {"authorization.k8s.io/subjectaccessreviews create", "and whether they may"},
      {"/configmaps get", "whose certificates are known, where anybody is asked"},
      {"/configmaps list", "the Role is the cluster's, not ours"},
      {"/configmaps watch", "the Role is the cluster's, not ours"},
  };
  return kReserves;
}

using Rbac = E2eTest;

TEST_F(Rbac, TheBaseGrantsWhatIsUsedAndNoMore) {
  if (suite().server().Log().empty()) GTEST_SKIP() << "NOT TESTED: the cluster shows us no log of its requests";
  if (!suite().rbac()) std::cout << "roles are not enforced by this server: only what is used is compared" << std::endl;
  // What a server refuses that has just started, in tests before this one, is no
  // matter of roles.
  suite().StopController();
  const std::size_t before = suite().server().Log().size();
  suite().EnsureController();
  // It watches the Lease, and learns from that, long before its next look, that it is given back.
  const std::unique_ptr<Replica> standby = suite().StartReplica(
      suite().accounts().names[1],
      {"--leader-elect-lease-duration=400s", "--leader-elect-renew-deadline=350s", "--leader-elect-retry-period=200s"});
  ASSERT_TRUE(standby->AwaitOutput("Another replica leads")) << standby->output();
  suite().StopController();
  ASSERT_TRUE(standby->AwaitOutput("\"Leading\"")) << LastLines(standby->output(), 20);
  // One of each: lists, watches, the Lease, an Event, a slice made, changed and deleted.
  AddThreeZones(1);
  CreateService("web", {{"ipFamilyPolicy", "PreferDualStack"}},
                {{"annotations", {{"service.kubernetes.io/topology-mode", "Auto"}}}});
  CreatePods("web", 0, 1);
  ASSERT_TRUE(Settle());
  CreatePods("web", 1, 1);
  ASSERT_TRUE(Settle());
  CreateService("numbers", {{"ports", Json::array({{{"port", 80}, {"targetPort", "http"}}})}});
  CreatePods("odd", 0, 1, {.name = "", .node = "", .ports = {{"http", 1234}}});
  ASSERT_TRUE(Settle());
  FinishPod("odd-0");
  ASSERT_TRUE(Settle());

  const Grants granted = GrantsOfTheBase();
  const auto made = [&] {
    Grants used;
    const std::vector<LoggedRequest> log = suite().server().Log();
    for (std::size_t i = 0; i < log.size(); ++i) {
      const LoggedRequest& request = log[i];
      if (request.user_agent.rfind("endpointslice-controller/", 0) != 0) continue;
      const std::string resource =
          request.subresource.empty() ? request.resource : request.resource + "/" + request.subresource;
      const std::string grant = Grant(request.group, resource, request.verb);
      if (i >= before) {
        EXPECT_NE(request.code, 403) << grant << " in " << request.namespace_;
      }
      used.insert(grant);
    }
    return used;
  };
  Grants used;
  const auto unused = [&] {
    used = made();
    Grants left;
    for (const std::string& grant : granted) {
      if (used.count(grant) == 0 && Reserves().count(grant) == 0) left.insert(grant);
    }
    return left;
  };
  // Logs lag, and so do Events.
  Poll(std::chrono::seconds(10), [&] { return unused().empty(); });
  EXPECT_THAT(unused(), IsEmpty()) << "granted and not used";
  Grants beyond;
  std::set_difference(used.begin(), used.end(), granted.begin(), granted.end(), std::inserter(beyond, beyond.end()));
  EXPECT_THAT(beyond, IsEmpty()) << "used and not granted";
  EXPECT_EQ(standby->Stop(), 0) << LastLines(standby->output(), 20);
}

}  // namespace
}  // namespace epslice::e2e
