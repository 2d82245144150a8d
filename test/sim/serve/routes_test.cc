#include "sim/serve/routes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/serve/negotiate.h"

namespace epslice::sim {
namespace {

struct ResourceCase {
  const char* method;
  const char* target;
  Verb verb;
  Kind kind;
  const char* namespace_;
  const char* name;
  const char* subresource;
};

TEST(RoutesTest, FindsResources) {
  const std::vector<ResourceCase> cases = {
      {"GET", "/api/v1/pods", Verb::kList, Kind::kPod, "", "", ""},
      {"GET", "/api/v1/pods/", Verb::kList, Kind::kPod, "", "", ""},
      {"GET", "/api/v1/pods?watch=true", Verb::kWatch, Kind::kPod, "", "", ""},
      {"GET", "/api/v1/pods?watch=0", Verb::kList, Kind::kPod, "", "", ""},
      {"GET", "/api/v1/pods?watch", Verb::kWatch, Kind::kPod, "", "", ""},
      {"GET", "/api/v1/namespaces/shop/pods", Verb::kList, Kind::kPod, "shop", "", ""},
      {"POST", "/api/v1/namespaces/shop/pods", Verb::kCreate, Kind::kPod, "shop", "", ""},
      {"DELETE", "/api/v1/namespaces/shop/pods", Verb::kDelete, Kind::kPod, "shop", "", ""},
      {"GET", "/api/v1/namespaces/shop/pods/a", Verb::kGet, Kind::kPod, "shop", "a", ""},
      {"PUT", "/api/v1/namespaces/shop/pods/a", Verb::kUpdate, Kind::kPod, "shop", "a", ""},
      {"PATCH", "/api/v1/namespaces/shop/pods/a", Verb::kPatch, Kind::kPod, "shop", "a", ""},
      {"DELETE", "/api/v1/namespaces/shop/pods/a", Verb::kDelete, Kind::kPod, "shop", "a", ""},
      {"PATCH", "/api/v1/namespaces/shop/pods/a/status", Verb::kPatch, Kind::kPod, "shop", "a", "status"},
      {"POST", "/api/v1/namespaces/shop/pods/a/binding", Verb::kCreate, Kind::kPod, "shop", "a", "binding"},
      {"POST", "/api/v1/namespaces/shop/pods/a/eviction", Verb::kCreate, Kind::kPod, "shop", "a", "eviction"},
      {"GET", "/api/v1/namespaces", Verb::kList, Kind::kNamespace, "", "", ""},
      {"GET", "/api/v1/namespaces/shop", Verb::kGet, Kind::kNamespace, "", "shop", ""},
      {"PUT", "/api/v1/namespaces/shop/status", Verb::kUpdate, Kind::kNamespace, "", "shop", "status"},
      // A Service may be called as a subresource is.
      {"GET", "/api/v1/namespaces/shop/services/status", Verb::kGet, Kind::kService, "shop", "status", ""},
      {"PATCH", "/api/v1/nodes/n1", Verb::kPatch, Kind::kNode, "", "n1", ""},
      {"PATCH", "/api/v1/nodes/n1/status", Verb::kPatch, Kind::kNode, "", "n1", "status"},
      {"GET", "/apis/discovery.k8s.io/v1/endpointslices", Verb::kList, Kind::kEndpointSlice, "", "", ""},
      {"GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l", Verb::kGet, Kind::kLease, "kube-system",
       "l", ""},
      {"GET", "/api/v1/namespaces/shop/pods/a%2Eb", Verb::kGet, Kind::kPod, "shop", "a.b", ""},
  };
  for (const ResourceCase& c : cases) {
    SCOPED_TRACE(std::string(c.method) + " " + c.target);
    const Route route = ParseRoute(c.method, c.target);
    ASSERT_EQ(route.target, Route::Target::kResource) << route.status.ToString();
    EXPECT_EQ(route.request.verb, c.verb);
    EXPECT_EQ(route.request.kind, c.kind);
    EXPECT_EQ(route.request.namespace_, c.namespace_);
    EXPECT_EQ(route.request.name, c.name);
    EXPECT_EQ(route.request.subresource, c.subresource);
    EXPECT_EQ(route.delete_collection, c.verb == Verb::kDelete && route.request.name.empty());
    EXPECT_FALSE(route.events_v1);
  }
}

TEST(RoutesTest, EventsHaveTwoSpellings) {
  EXPECT_FALSE(ParseRoute("GET", "/api/v1/namespaces/shop/events/e").events_v1);
  const Route route = ParseRoute("GET", "/apis/events.k8s.io/v1/namespaces/shop/events/e");
  ASSERT_EQ(route.target, Route::Target::kResource);
  EXPECT_TRUE(route.events_v1);
  EXPECT_EQ(route.request.kind, Kind::kEvent);
}

TEST(RoutesTest, ReadsListOptions) {
  const Route route =
      ParseRoute("GET",
                 "/api/v1/pods?limit=500&continue=abc%3D&labelSelector=app%3Da%2Ctier+in+%28x%29"
                 "&fieldSelector=spec.nodeName%3Dn1&resourceVersion=7&resourceVersionMatch=NotOlderThan"
                 "&watch=1&allowWatchBookmarks=true&sendInitialEvents=true&timeoutSeconds=30&pretty=true"
                 "&includeObject=Object");
  ASSERT_EQ(route.target, Route::Target::kResource);
  ListOptions want;
  want.limit = 500;
  want.continueToken = "abc=";
  want.labelSelector = "app=a,tier in (x)";
  want.fieldSelector = "spec.nodeName=n1";
  want.resourceVersion = "7";
  want.resourceVersionMatch = "NotOlderThan";
  want.allowWatchBookmarks = true;
  want.sendInitialEvents = true;
  want.timeoutSeconds = 30;
  EXPECT_EQ(route.request.list, want);
  EXPECT_EQ(route.request.verb, Verb::kWatch);
  EXPECT_EQ(route.include_object, IncludeObject::kObject);
}

TEST(RoutesTest, ReadsDeleteOptions) {
  const Route route =
      ParseRoute("DELETE", "/api/v1/namespaces/shop/pods/a?gracePeriodSeconds=0&propagationPolicy=Foreground");
  EXPECT_EQ(route.request.deletion.gracePeriodSeconds, 0);
  EXPECT_EQ(route.request.deletion.propagationPolicy, "Foreground");
}

TEST(RoutesTest, RefusesWithAReason) {
  const std::vector<std::tuple<const char*, std::string, int, const char*>> cases = {
      {"POST", "/api/v1/namespaces/shop/pods/a", 405, "method"},
      {"POST", "/api/v1/pods", 405, "method"},
      {"DELETE", "/api/v1/pods", 405, "method"},
      {"DELETE", "/api/v1/namespaces", 405, "method"},
      {"DELETE", "/api/v1/namespaces/shop/pods/a/status", 405, "method"},
      {"GET", "/api/v1/namespaces/shop/pods/a/eviction", 405, "method"},
      {"HEAD", "/api/v1/pods", 405, "method"},
      {"GET", "/api/v1/pods?limit=many", 400, "limit"},
      {"GET", "/api/v1/pods?limit=-1", 400, "limit"},
      {"GET", "/api/v1/pods?limit=99999999999999999999", 400, "limit"},
      {"GET", "/api/v1/pods?timeoutSeconds=1s", 400, "timeoutSeconds"},
      {"GET", "/api/v1/pods?labelSelector=%zz", 400, "escape"},
      {"GET", "/api/v1/pods?labelSelector=%0", 400, "escape"},
      {"GET", "/api/v1/pods?labelSelector=a%00b", 400, "escape"},
      {"GET", "/api/v1/pods?includeObject=All", 400, "includeObject"},
      {"DELETE", "/api/v1/nodes/n?dryRun=Some", 400, "dryRun"},
      {"GET", "/api/v1/pods?labelSelector=" + std::string(kMaxTargetBytes, 'a'), 414, "longer"},
  };
  for (const auto& [method, target, code, text] : cases) {
    SCOPED_TRACE(target.substr(0, 80));
    const Route route = ParseRoute(method, target);
    ASSERT_EQ(route.target, Route::Target::kRefused);
    EXPECT_EQ(route.status.code, code);
    EXPECT_NE(route.status.message.find(text), std::string::npos) << route.status.message;
  }
}

TEST(RoutesTest, WhatIsNoResource) {
  for (const char* target :
       {"/", "/api", "/apis", "/api/v1", "/api/v1/configmaps", "/api/v2/pods", "/apis/apps/v1/deployments",
        "/apis/discovery.k8s.io/v1beta1/endpointslices", "/api/v1/pods/a", "/api/v1/namespaces/shop/nodes",
        "/api/v1/namespaces/shop/pods/a/log", "/api/v1/namespaces/shop/pods/a/status/x", "/healthz"}) {
    EXPECT_EQ(ParseRoute("GET", target).target, Route::Target::kDocument) << target;
  }
  for (const char* target : {"", "pods", "/api/v1/..", "/api//v1", "/api/v1/namespaces/a%2Fb", "/%", "/a%00"}) {
    EXPECT_EQ(ParseRoute("GET", target).target, Route::Target::kUnknown) << target;
  }
  EXPECT_EQ(ParseRoute("GET", "/readyz?verbose").path, "/readyz");
  EXPECT_TRUE(ParseRoute("GET", "/readyz?verbose").HasQuery("verbose"));
}

TEST(NegotiateTest, Objects) {
  const std::string table = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const std::vector<std::pair<std::string, ObjectFormat>> cases = {
      {"", ObjectFormat::kJson},
      {"*/*", ObjectFormat::kJson},
      {"application/json", ObjectFormat::kJson},
      {"application/json, */*", ObjectFormat::kJson},
      {"application/json;stream=watch", ObjectFormat::kJson},
      {table, ObjectFormat::kTable},
      {table + ",application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", ObjectFormat::kTable},
      {"application/json, " + table, ObjectFormat::kJson},
      {"application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", ObjectFormat::kJson},
      {"application/json; as=Table; g=meta.k8s.io; v=v1", ObjectFormat::kTable},
      {"application/vnd.kubernetes.protobuf,application/json", ObjectFormat::kProtobuf},
      {"application/vnd.kubernetes.protobuf", ObjectFormat::kProtobuf},
      {"application/vnd.kubernetes.protobuf;stream=watch,application/json", ObjectFormat::kProtobuf},
      {"application/json,application/vnd.kubernetes.protobuf", ObjectFormat::kJson},
      {"application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json",
       ObjectFormat::kJson},
      {"application/yaml", ObjectFormat::kNone},
      {"application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", ObjectFormat::kNone},
      {",,;=", ObjectFormat::kNone},
  };
  for (const auto& [accept, want] : cases) EXPECT_EQ(NegotiateObject(accept), want) << accept;
  EXPECT_EQ(NegotiateObject("application/vnd.kubernetes.protobuf,application/json", {.protobuf = false}),
            ObjectFormat::kJson);
  EXPECT_EQ(NegotiateObject("application/vnd.kubernetes.protobuf", {.protobuf = false}), ObjectFormat::kNone);

  const Offer objects{.metadata = true};
  const std::string metadata = ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  EXPECT_EQ(NegotiateObject("application/json" + metadata, objects), ObjectFormat::kMetadataJson);
  EXPECT_EQ(NegotiateObject("application/vnd.kubernetes.protobuf" + metadata + ",application/json", objects),
            ObjectFormat::kMetadataProtobuf);
  EXPECT_EQ(NegotiateObject("application/vnd.kubernetes.protobuf" + metadata, {.protobuf = false, .metadata = true}),
            ObjectFormat::kNone);
  EXPECT_EQ(NegotiateObject("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1beta1,*/*", objects),
            ObjectFormat::kJson);
}

TEST(NegotiateTest, Discovery) {
  const std::string v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const std::string beta = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
  EXPECT_EQ(NegotiateDiscovery(""), DiscoveryFormat::kPlain);
  EXPECT_EQ(NegotiateDiscovery(v2 + "," + beta + ",application/json"), DiscoveryFormat::kAggregatedV2);
  EXPECT_EQ(NegotiateDiscovery(beta + ",application/json"), DiscoveryFormat::kAggregatedV2Beta1);
  EXPECT_EQ(NegotiateDiscovery("application/json"), DiscoveryFormat::kPlain);
}

}  // namespace
}  // namespace epslice::sim
