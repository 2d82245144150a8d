#include "sim/serve/audit_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/serve/request_attributes.h"

namespace epslice::sim {
namespace {

using testing::HasSubstr;

std::string LevelOf(const AuditPolicy& policy, const std::string& user, const char* method, const char* target) {
  const UserInfo who{user, "", {"staff", "system:authenticated"}};
  return std::string(AuditLevelName(policy.Decide(who, AttributesOf(method, target)).level));
}

TEST(AuditPolicyTest, WithoutAPolicyWritesOfWhatIsReplayedAreLogged) {
  const AuditPolicy policy = AuditPolicy::Default();
  const std::vector<std::tuple<const char*, const char*, const char*>> cases = {
      {"POST", "/api/v1/namespaces/a/pods", "RequestResponse"},
      {"PATCH", "/api/v1/namespaces/a/pods/p/status", "RequestResponse"},
      {"POST", "/api/v1/namespaces/a/pods/p/eviction", "RequestResponse"},
      {"DELETE", "/api/v1/namespaces/a/pods", "RequestResponse"},
      {"PUT", "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices/s", "RequestResponse"},
      {"PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/l", "Metadata"},
      {"POST", "/apis/authentication.k8s.io/v1/tokenreviews", "Metadata"},
      {"GET", "/api/v1/pods?watch=1", "None"},
      {"GET", "/api/v1/namespaces/a/pods/p", "None"},
      {"GET", "/healthz", "None"},
  };
  for (const auto& [method, target, want] : cases) EXPECT_EQ(LevelOf(policy, "u", method, target), want) << target;
  const AuditDecision decision = policy.Decide({}, AttributesOf("POST", "/api/v1/namespaces"));
  EXPECT_FALSE(decision.Logs(AuditStage::kRequestReceived));
  EXPECT_TRUE(decision.Logs(AuditStage::kResponseComplete));
}

TEST(AuditPolicyTest, TheFirstRuleThatMatchesDecides) {
  const auto policy = AuditPolicy::Parse(R"(
apiVersion: audit.k8s.io/v1
kind: Policy
metadata: {name: p}
omitStages: [RequestReceived]
rules:
- {level: None, users: [quiet]}
- {level: Metadata, userGroups: [staff], verbs: [patch]}
- level: Request
  namespaces: [a]
  resources: [{group: "", resources: [pods, "*/status"]}]
- level: Request
  resources: [{group: "", resources: [nodes/*, secrets], resourceNames: [n1]}]
  omitStages: [ResponseStarted, Panic]
- {level: RequestResponse, resources: [{group: discovery.k8s.io}]}
- {level: Metadata, nonResourceURLs: ["/healthz*", /version]}
- {level: RequestResponse, namespaces: [b]}
)");
  ASSERT_TRUE(policy.ok()) << policy.status();
  const std::vector<std::tuple<const char*, const char*, const char*, const char*>> cases = {
      {"quiet", "DELETE", "/api/v1/namespaces/a/pods/p", "None"},
      {"u", "PATCH", "/api/v1/namespaces/a/pods/p", "Metadata"},
      {"u", "DELETE", "/api/v1/namespaces/a/pods/p", "Request"},
      {"u", "DELETE", "/api/v1/namespaces/b/pods/p", "RequestResponse"},
      {"u", "DELETE", "/api/v1/namespaces/c/pods/p", "None"},
      {"u", "PUT", "/api/v1/namespaces/a/services/s/status", "Request"},
      {"u", "POST", "/api/v1/namespaces/a/pods/p/binding", "None"},
      {"u", "PUT", "/api/v1/nodes/n1/status", "Request"},
      {"u", "PUT", "/api/v1/nodes/n1", "None"},
      {"u", "PUT", "/api/v1/nodes/n2/status", "None"},
      {"u", "GET", "/apis/discovery.k8s.io/v1/endpointslices", "RequestResponse"},
      {"u", "GET", "/healthz/ping", "Metadata"},
      {"u", "GET", "/version", "Metadata"},
      {"u", "GET", "/version/x", "None"},
  };
  for (const auto& [user, method, target, want] : cases) {
    EXPECT_EQ(LevelOf(*policy, user, method, target), want) << method << " " << target;
  }
  const AuditDecision decision = policy->Decide({}, AttributesOf("PUT", "/api/v1/nodes/n1/status"));
  EXPECT_FALSE(decision.Logs(AuditStage::kRequestReceived));
  EXPECT_FALSE(decision.Logs(AuditStage::kResponseStarted));
  EXPECT_TRUE(decision.Logs(AuditStage::kResponseComplete));
}

TEST(AuditPolicyTest, WhatMayCarrySecretsIsNeverLoggedWhole) {
  const auto policy =
      AuditPolicy::Parse("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n");
  ASSERT_TRUE(policy.ok()) << policy.status();
  for (const char* target : {"/apis/authentication.k8s.io/v1/tokenreviews", "/api/v1/namespaces/a/secrets",
                             "/api/v1/namespaces/a/serviceaccounts/s/token"}) {
    EXPECT_EQ(LevelOf(*policy, "u", "POST", target), "Metadata") << target;
  }
  EXPECT_EQ(LevelOf(*policy, "u", "POST", "/api/v1/namespaces/a/pods"), "RequestResponse");
}

TEST(AuditPolicyTest, Refuses) {
  const std::string head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
  const std::vector<std::pair<std::string, const char*>> cases = {
      {"apiVersion: v1\nkind: Policy\nrules: [{level: None}]\n", "line 1: apiVersion: is the text \"v1\""},
      {"apiVersion: audit.k8s.io/v1\nkind: List\nrules: [{level: None}]\n", "line 2: kind: is"},
      {head, "rules: is missing"},
      {head + "rules: []\n", "line 3: rules must be a list of at least one rule"},
      {head + "rules:\n- verbs: [get]\n", "line 4: rules[0].level: is missing"},
      {head + "rules:\n- level: All\n", "accepted are None, Metadata, Request, RequestResponse"},
      {head + "rules:\n- level: None\n  resource: pods\n", "line 5: rules[0]: unknown key \"resource\""},
      {head + "rules:\n- level: None\n  resources: pods\n", "line 5: rules[0].resources is"},
      {head + "omitStages: [Begin]\nrules: [{level: None}]\n", "there is no stage Begin"},
  };
  for (const auto& [text, want] : cases) {
    const auto policy = AuditPolicy::Parse(text);
    ASSERT_FALSE(policy.ok()) << text;
    EXPECT_THAT(std::string(policy.status().message()), HasSubstr(want));
  }
}

}  // namespace
}  // namespace epslice::sim
