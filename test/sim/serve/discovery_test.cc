// Discovery against the answers of a real kube-apiserver v1.36: what we list
// must be listed there, in the same words.
#include "sim/serve/discovery.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

Json Wire(const std::string& name) {
  std::ifstream file(EPSLICE_SOURCE_DIR "/test/testdata/wire/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return Json::parse(text.str());
}

Json Ours(std::string_view path, DiscoveryFormat format = DiscoveryFormat::kPlain) {
  const auto document = FindDocument(path, format, false);
  EXPECT_TRUE(document.has_value()) << path;
  return document.has_value() ? Json::parse(document->body) : Json();
}

TEST(DiscoveryTest, ResourcesAreThoseOfTheRealServer) {
  const std::map<std::string, std::string> cases = {{"/api/v1", "discovery-core-v1.body"},
                                                    {"/apis/discovery.k8s.io/v1", "discovery-discovery-v1.body"},
                                                    {"/apis/coordination.k8s.io/v1", "discovery-coordination-v1.body"},
                                                    {"/apis/events.k8s.io/v1", "discovery-events-v1.body"}};
  for (const auto& [path, file] : cases) {
    SCOPED_TRACE(path);
    const Json ours = Ours(path);
    const Json theirs = Wire(file);
    EXPECT_EQ(ours["kind"], theirs["kind"]);
    EXPECT_EQ(ours["groupVersion"], theirs["groupVersion"]);
    EXPECT_EQ(ours.contains("apiVersion"), theirs.contains("apiVersion"));
    std::map<std::string, Json> by_name;
    for (Json resource : theirs["resources"]) {
      resource.erase("storageVersionHash");
      by_name[resource["name"]] = resource;
    }
    EXPECT_FALSE(ours["resources"].empty());
    for (const Json& resource : ours["resources"]) {
      EXPECT_EQ(resource, by_name[resource["name"]]);
    }
  }
}

TEST(DiscoveryTest, AggregatedSaysTheSameAsTheRealServer) {
  const Json ours = Ours("/apis", DiscoveryFormat::kAggregatedV2);
  const Json theirs = Wire("discovery-aggregated.body");
  EXPECT_EQ(ours["kind"], theirs["kind"]);
  EXPECT_EQ(ours["apiVersion"], theirs["apiVersion"]);
  std::map<std::string, Json> by_name;
  for (const Json& group : theirs["items"]) by_name[group["metadata"]["name"]] = group;
  ASSERT_EQ(ours["items"].size(), 10U);
  for (const Json& group : ours["items"]) {
    // Kinds that are kept and no more have no subresources, and one group is of an add-on.
    const std::set<std::string> kept = {"apps", "policy", "networking.k8s.io", "monitoring.coreos.com"};
    if (kept.count(group["metadata"]["name"].get<std::string>()) != 0) continue;
    Json& theirs_too = by_name[group["metadata"]["name"]]["versions"][0]["resources"];
    std::map<std::string, Json> resources;
    for (const Json& resource : theirs_too) resources[resource["resource"]] = resource;
    for (const Json& resource : group["versions"][0]["resources"]) {
      EXPECT_EQ(resource, resources[resource["resource"]]);
    }
    // The rest: all but the resources, of which we have fewer.
    theirs_too = group["versions"][0]["resources"];
    EXPECT_EQ(group, by_name[group["metadata"]["name"]]);
  }
}

TEST(DiscoveryTest, AggregatedCore) {
  const Json core = Ours("/api", DiscoveryFormat::kAggregatedV2Beta1);
  EXPECT_EQ(core["apiVersion"], "apidiscovery.k8s.io/v2beta1");
  ASSERT_EQ(core["items"].size(), 1U);
  std::map<std::string, Json> by_name;
  for (const Json& resource : core["items"][0]["versions"][0]["resources"]) by_name[resource["resource"]] = resource;
  EXPECT_EQ(by_name["pods"]["shortNames"], Json({"po"}));
  EXPECT_EQ(by_name["pods"]["scope"], "Namespaced");
  EXPECT_EQ(by_name["nodes"]["scope"], "Cluster");
  EXPECT_EQ(by_name["pods"]["subresources"].size(), 3U);
  EXPECT_EQ(by_name["configmaps"]["shortNames"], Json({"cm"}));
  EXPECT_EQ(by_name.count("secrets"), 0U);
  const auto document = FindDocument("/api", DiscoveryFormat::kAggregatedV2, false);
  EXPECT_EQ(document->content_type, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
}

TEST(DiscoveryTest, GroupsAndVersions) {
  EXPECT_EQ(Ours("/api")["versions"], Json({"v1"}));
  std::set<std::string> groups;
  const Json list = Ours("/apis");
  for (const Json& group : list["groups"]) groups.insert(group["name"]);
  EXPECT_EQ(groups,
            (std::set<std::string>{"apps", "authentication.k8s.io", "authorization.k8s.io", "coordination.k8s.io",
                                   "discovery.k8s.io", "events.k8s.io", "monitoring.coreos.com", "networking.k8s.io",
                                   "policy", "rbac.authorization.k8s.io"}));
  EXPECT_EQ(Ours("/apis/discovery.k8s.io")["preferredVersion"]["groupVersion"], "discovery.k8s.io/v1");
  EXPECT_EQ(Ours("/version")["minor"], "36");
  EXPECT_TRUE(Ours("")["paths"].is_array());
}

TEST(DiscoveryTest, Health) {
  for (const char* path : {"/healthz", "/livez", "/readyz"}) {
    EXPECT_EQ(FindDocument(path, DiscoveryFormat::kPlain, false)->body, "ok");
    EXPECT_NE(FindDocument(path, DiscoveryFormat::kPlain, true)->body.find("check passed"), std::string::npos);
  }
}

// What kubectl (1.32) looks up before it writes.
TEST(DiscoveryTest, OpenApiNamesFieldValidation) {
  const Json index = Ours("/openapi/v3");
  ASSERT_TRUE(index["paths"].contains("api/v1"));
  const std::string path = index["paths"]["apis/discovery.k8s.io/v1"]["serverRelativeURL"];
  const Json patch =
      Ours(path)["paths"]["/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices/{name}"]["patch"];
  EXPECT_EQ(patch["parameters"][0]["name"], "fieldValidation");
  EXPECT_EQ(patch["x-kubernetes-group-version-kind"]["kind"], "EndpointSlice");
}

TEST(DiscoveryTest, UnknownPaths) {
  for (const char* path :
       {"/openapi/v2", "/apis/batch", "/apis/batch/v1", "/apis/apps/v2", "/api/v2", "/metrics", "/healthz/x"}) {
    EXPECT_FALSE(FindDocument(path, DiscoveryFormat::kPlain, false).has_value()) << path;
  }
}

}  // namespace
}  // namespace epslice::sim
