#include "sim/cluster/manifests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "apis/json.h"
#include "sim/trace/dump_reader.h"

namespace epslice::sim {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kManifests = R"(apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec:
  type: NodePort
  selector: {app: front}
  ports: [{port: 80, targetPort: http, nodePort: 30080}, {name: tls, port: 443}]
---
apiVersion: v1
kind: Service
metadata: {name: dns, namespace: kube-system}
spec:
  clusterIP: 10.96.0.10
  selector: {app: dns}
  ports: [{port: 53, protocol: UDP}]
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: family, namespace: shop}
spec: {clusterIP: None, ipFamilies: [IPv6], selector: {app: db}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: far, namespace: shop}
spec: {type: ExternalName, externalName: example.com}
---
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: web}}
spec: {nodeName: node-1}
)";

Dump ReadManifests(std::string_view text, bool keep_json) {
  DumpOptions options;
  options.keep_json = keep_json;
  absl::StatusOr<Dump> dump = ReadDumpText("d", text, options);
  EXPECT_TRUE(dump.ok()) << dump.status();
  return dump.ok() ? *std::move(dump) : Dump();
}

const Service& ServiceNamed(const Dump& dump, std::string_view name) {
  static const Service kNone;
  for (const auto& service : dump.Of<Service>()) {
    if (service->metadata.name == name) return *service;
  }
  ADD_FAILURE() << name;
  return kNone;
}

TEST(ManifestsTest, WhatAServerWouldFillInIsFilledIn) {
  for (const bool keep_json : {false, true}) {
    Dump dump = ReadManifests(kManifests, keep_json);
    const Service far = ServiceNamed(dump, "far");
    const FilledIn filled = FillInManifests(&dump.objects);
    EXPECT_EQ(filled.services, 5);
    EXPECT_EQ(filled.namespaces, 1);
    EXPECT_THAT(filled.Sentences(),
                ElementsAre("5 Services lack what an API server fills in, as in manifests: defaults were set, a "
                            "cluster IP drawn where there was none",
                            "1 object names no namespace: put into default"));

    const ServiceSpec web = ServiceNamed(dump, "web").spec;
    EXPECT_EQ(web.type, "ClusterIP");
    EXPECT_EQ(web.clusterIP.view().substr(0, 3), "10.");
    EXPECT_THAT(web.clusterIPs, ElementsAre(web.clusterIP));
    EXPECT_THAT(web.ipFamilies, ElementsAre("IPv4"));
    EXPECT_EQ(web.ports.at(0).targetPort.number, 80);
    const ServiceSpec front = ServiceNamed(dump, "front").spec;
    EXPECT_EQ(front.ports.at(0).nodePort, 30080);
    EXPECT_GE(front.ports.at(1).nodePort, 30000);
    EXPECT_EQ(front.externalTrafficPolicy, "Cluster");
    const ServiceSpec dns = ServiceNamed(dump, "dns").spec;
    EXPECT_EQ(dns.clusterIP, "10.96.0.10");
    EXPECT_EQ(dns.ports.at(0).targetPort.number, 53);
    EXPECT_EQ(std::set<Text>({web.clusterIP, front.clusterIP, dns.clusterIP}).size(), 3U);
    const ServiceSpec db = ServiceNamed(dump, "db").spec, family = ServiceNamed(dump, "family").spec;
    EXPECT_EQ(db.clusterIP, "None");
    EXPECT_THAT(db.clusterIPs, ElementsAre("None"));
    EXPECT_THAT(db.ipFamilies, ElementsAre("IPv4"));
    EXPECT_EQ(db.ipFamilyPolicy, "SingleStack");
    EXPECT_EQ(db.ports.at(0).targetPort.number, 5432);
    EXPECT_THAT(family.ipFamilies, ElementsAre("IPv6"));
    EXPECT_EQ(family.ports.at(0).targetPort.number, 80);
    EXPECT_EQ(ServiceNamed(dump, "far"), far);
    EXPECT_EQ(dump.Of<Pod>().at(0)->metadata.namespace_, "default");

    // The JSON says the same.
    for (const AnyObject& object : dump.objects) {
      if (!keep_json) continue;
      ASSERT_NE(object.json(), nullptr);
      const absl::StatusOr<AnyObject> again = DecodeObjectJson(object.kind(), *object.json(), /*keep_json=*/false);
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_EQ(KeyOf(again->meta()), KeyOf(object.meta()));
      if (object.kind() == Kind::kService) {
        EXPECT_EQ(again->As<Service>()->spec, object.As<Service>()->spec);
      }
    }

    // Once is enough; and equal manifests become equal objects.
    EXPECT_THAT(FillInManifests(&dump.objects).Sentences(), IsEmpty());
    Dump other = ReadManifests(kManifests, keep_json);
    FillInManifests(&other.objects);
    EXPECT_EQ(ServiceNamed(other, "web"), ServiceNamed(dump, "web"));
  }
}

TEST(ManifestsTest, WhatAServerWouldRefuseIsLeftAlone) {
  Dump dump = ReadManifests(
      "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: x}\nspec: {clusterIP: nonsense, ports: [{port: "
      "80}]}\n",
      true);
  const Service before = ServiceNamed(dump, "a");
  EXPECT_EQ(FillInManifests(&dump.objects).services, 0);
  EXPECT_EQ(ServiceNamed(dump, "a"), before);
}

}  // namespace
}  // namespace epslice::sim
