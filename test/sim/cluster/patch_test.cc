// The three patches, as functions and through the server.
#include "sim/cluster/patch.h"

#include "sim/cluster/json_doc.h"
#include "test/sim/cluster/cluster_fixture.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

struct Case {
  const char* what;
  Kind kind;
  const char* before;
  const char* patch;
  const char* after;  // nullptr: refused
};

void RunCases(PatchType type, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    json doc = json::parse(c.before);
    const absl::Status status = ApplyPatch(type, c.kind, c.patch, &doc);
    if (c.after == nullptr) {
      EXPECT_FALSE(status.ok()) << c.what;
    } else {
      EXPECT_TRUE(status.ok()) << c.what << ": " << status.message();
      EXPECT_EQ(doc, json::parse(c.after)) << c.what;
    }
  }
}

TEST(StrategicMerge, Tables) {
  RunCases(
      PatchType::kStrategicMerge,
      {
          {"maps merge, null deletes", Kind::kPod, R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
           R"({"metadata":{"labels":{"a":null,"c":"3"}}})", R"({"metadata":{"labels":{"b":"2","c":"3"}}})"},
          {"null is not stored", Kind::kPod, R"({})", R"({"metadata":{"labels":{"a":null}}})",
           R"({"metadata":{"labels":{}}})"},
          {"$patch replace of a map", Kind::kPod, R"({"metadata":{"labels":{"a":"1"}}})",
           R"({"metadata":{"labels":{"$patch":"replace","c":"3"}}})", R"({"metadata":{"labels":{"c":"3"}}})"},
          {"$patch delete of a map", Kind::kPod, R"({"spec":{"securityContext":{"a":1}}})",
           R"({"spec":{"securityContext":{"$patch":"delete"}}})", R"({"spec":{"securityContext":{}}})"},
          {"$patch unknown", Kind::kPod, R"({})", R"({"$patch":"explode"})", nullptr},
          {"$retainKeys", Kind::kPod, R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}]}})",
           R"({"spec":{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/"}}]}})",
           R"({"spec":{"volumes":[{"name":"v","hostPath":{"path":"/"}}]}})"},
          {"conditions by type", Kind::kPod,
           R"({"status":{"conditions":[{"type":"Ready","status":"True","reason":"r"},{"type":"X","status":"True"}]}})",
           R"({"status":{"conditions":[{"type":"Ready","status":"False"},{"type":"New","status":"True"}]}})",
           R"({"status":{"conditions":[{"type":"Ready","status":"False","reason":"r"},{"type":"X","status":"True"},
             {"type":"New","status":"True"}]}})"},
          {"delete of an element", Kind::kPod, R"({"status":{"podIPs":[{"ip":"a"},{"ip":"b"}]}})",
           R"({"status":{"podIPs":[{"$patch":"delete","ip":"a"},{"ip":"c"}]}})",
           R"({"status":{"podIPs":[{"ip":"b"},{"ip":"c"}]}})"},
          {"$setElementOrder", Kind::kPod, R"({"status":{"podIPs":[{"ip":"a"},{"ip":"b"}]}})",
           R"({"status":{"$setElementOrder/podIPs":[{"ip":"b"},{"ip":"a"}],"podIPs":[{"ip":"a"}]}})",
           R"({"status":{"podIPs":[{"ip":"b"},{"ip":"a"}]}})"},
          {"$setElementOrder leaves others near their place", Kind::kPod,
           R"({"spec":{"containers":[{"name":"side"},{"name":"a"},{"name":"b"}]}})",
           R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}})",
           R"({"spec":{"containers":[{"name":"side"},{"name":"b"},{"name":"a"}]}})"},
          {"containers: env by name, ports by containerPort", Kind::kPod,
           R"({"spec":{"containers":[{"name":"c","image":"i","env":[{"name":"E","value":"1"}],
             "ports":[{"containerPort":1,"name":"p"}]}]}})",
           R"({"spec":{"containers":[{"name":"c","env":[{"name":"F","value":"2"}],
             "ports":[{"containerPort":1,"protocol":"UDP"}]}]}})",
           R"({"spec":{"containers":[{"name":"c","image":"i","env":[{"name":"E","value":"1"},{"name":"F","value":"2"}],
             "ports":[{"containerPort":1,"name":"p","protocol":"UDP"}]}]}})"},
          {"list replaced by directive", Kind::kPod, R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
           R"({"spec":{"containers":[{"name":"c"},{"$patch":"replace"}]}})",
           R"({"spec":{"containers":[{"name":"c"}]}})"},
          {"a missing merge key", Kind::kPod, R"({"spec":{"containers":[{"name":"a"}]}})",
           R"({"spec":{"containers":[{"image":"x"}]}})", nullptr},
          {"not maps", Kind::kPod, R"({"spec":{"containers":[{"name":"a"}]}})", R"({"spec":{"containers":["x"]}})",
           nullptr},
          {"service ports by port", Kind::kService, R"({"spec":{"ports":[{"port":80,"name":"a"},{"port":81}]}})",
           R"({"spec":{"ports":[{"port":80,"targetPort":8080}]}})",
           R"({"spec":{"ports":[{"port":80,"name":"a","targetPort":8080},{"port":81}]}})"},
          {"node addresses by type, taints whole", Kind::kNode,
           R"({"spec":{"taints":[{"key":"a","effect":"E"}]},"status":{"addresses":[{"type":"Hostname","address":"x"}]}})",
           R"({"spec":{"taints":[{"key":"b","effect":"E"}]},"status":{"addresses":[{"type":"InternalIP","address":"y"}]}})",
           R"({"spec":{"taints":[{"key":"b","effect":"E"}]},"status":{"addresses":[{"type":"Hostname","address":"x"},
             {"type":"InternalIP","address":"y"}]}})"},
          {"owners by uid", Kind::kEndpointSlice, R"({"metadata":{"ownerReferences":[{"uid":"1","name":"a"}]}})",
           R"({"metadata":{"ownerReferences":[{"uid":"2","name":"b"},{"uid":"1","$patch":"delete"}]}})",
           R"({"metadata":{"ownerReferences":[{"uid":"2","name":"b"}]}})"},
          {"finalizers are a set", Kind::kService, R"({"metadata":{"finalizers":["a","b"]}})",
           R"({"metadata":{"finalizers":["b","c"]}})", R"({"metadata":{"finalizers":["a","b","c"]}})"},
          {"$deleteFromPrimitiveList", Kind::kService, R"({"metadata":{"finalizers":["a","b"]}})",
           R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a"],"$setElementOrder/finalizers":["b"]}})",
           R"({"metadata":{"finalizers":["b"]}})"},
          {"atomic lists", Kind::kEndpointSlice, R"({"endpoints":[{"addresses":["a"]}],"ports":[{"name":"x"}]})",
           R"({"endpoints":[{"addresses":["b"]}]})", R"({"endpoints":[{"addresses":["b"]}],"ports":[{"name":"x"}]})"},
          {"not an object", Kind::kPod, R"({})", R"([])", nullptr},
      });
}

TEST(MergePatch, Tables) {
  RunCases(PatchType::kMerge,
           {
               {"RFC 7386", Kind::kPod, R"({"a":"b","c":{"d":"e","f":"g"}})", R"({"a":"z","c":{"f":null}})",
                R"({"a":"z","c":{"d":"e"}})"},
               {"lists are replaced", Kind::kPod, R"({"spec":{"containers":[{"name":"a"}]}})",
                R"({"spec":{"containers":[{"name":"b"}]}})", R"({"spec":{"containers":[{"name":"b"}]}})"},
               {"not JSON", Kind::kPod, R"({})", R"({"a":)", nullptr},
               {"not an object", Kind::kPod, R"({})", R"("x")", nullptr},
           });
}

TEST(JsonPatch, Tables) {
  RunCases(PatchType::kJson,
           {
               {"add, replace, remove", Kind::kPod, R"({"a":1,"b":[1,2]})",
                R"([{"op":"add","path":"/b/-","value":3},{"op":"replace","path":"/a","value":2},
                  {"op":"remove","path":"/b/0"}])",
                R"({"a":2,"b":[2,3]})"},
               {"test holds", Kind::kPod, R"({"a":1})",
                R"([{"op":"test","path":"/a","value":1},{"op":"copy","from":"/a","path":"/b"}])", R"({"a":1,"b":1})"},
               {"test fails", Kind::kPod, R"({"a":1})", R"([{"op":"test","path":"/a","value":2}])", nullptr},
               {"no such path", Kind::kPod, R"({"a":1})", R"([{"op":"remove","path":"/x"}])", nullptr},
               {"not a list", Kind::kPod, R"({"a":1})", R"({"op":"remove","path":"/a"})", nullptr},
               {"unknown operation", Kind::kPod, R"({"a":1})", R"([{"op":"smash","path":"/a"}])", nullptr},
           });
}

TEST(JsonPatch, HostileOnesAreBounded) {
  // Each copy doubles; a hundred would not fit any machine.
  json patch = json::array();
  for (int i = 0; i < 100; ++i) {
    patch.push_back({{"op", "copy"}, {"from", "/a"}, {"path", "/a/k" + std::to_string(i)}});
  }
  json doc = {{"a", {{"x", "y"}}}};
  EXPECT_FALSE(ApplyPatch(PatchType::kJson, Kind::kPod, patch.dump(), &doc).ok());
  patch = json::array();
  std::string path;
  for (int i = 0; i < 5000; ++i) {
    path += "/a";
    if (path.size() > 300) break;
    patch.push_back({{"op", "add"}, {"path", path}, {"value", json::object()}});
  }
  doc = json::object();
  EXPECT_FALSE(ApplyPatch(PatchType::kJson, Kind::kPod, patch.dump(), &doc).ok());
  doc = json::object();
  EXPECT_FALSE(ApplyPatch(PatchType::kMerge, Kind::kPod, std::string(100'000, '['), &doc).ok());
  EXPECT_FALSE(ApplyPatch(PatchType::kMerge, Kind::kPod, std::string(kMaxObjectBytes + 1, ' '), &doc).ok());
}

TEST_F(ClusterTest, PatchesGoThroughTheRulesOfUpdates) {
  const AnyObject first = Create(AnyObject::Of(Slice("a"))).object;
  const auto patch = [&](PatchType type, const std::string& text, const std::string& sub = "") {
    return Patch(type, Kind::kEndpointSlice, "shop", "a", text, sub);
  };
  Response response = patch(PatchType::kMerge, R"({"metadata":{"labels":{"a":"b"},"uid":"x","generation":9}})");
  EXPECT_EQ(response.status.code, 409);  // another uid
  response = patch(PatchType::kMerge, R"({"metadata":{"labels":{"a":"b"},"generation":9}})");
  ASSERT_TRUE(response.status.ok()) << response.status.ToString();
  EXPECT_EQ(response.object.object_meta()->generation, 2);
  EXPECT_EQ(response.object.meta().labels.Get("a"), "b");
  const std::uint64_t version = server_->resource_version();
  EXPECT_TRUE(patch(PatchType::kMerge, R"({"metadata":{"labels":{"a":"b"}}})").status.ok());
  EXPECT_EQ(server_->resource_version(), version);  // changed nothing
  EXPECT_EQ(patch(PatchType::kMerge, R"({"metadata":{"resourceVersion":"1"}})").status.code, 409);
  EXPECT_EQ(patch(PatchType::kMerge, R"({"addressType":"IPv6"})").status.code, 422);
  EXPECT_EQ(patch(PatchType::kMerge, R"({"endpoints":"x"})").status.code, 400);
  EXPECT_EQ(patch(PatchType::kMerge, R"({"metadata":{"name":"b"}})").status.code, 400);
  EXPECT_EQ(patch(PatchType::kMerge, "{").status.code, 400);
  EXPECT_EQ(patch(PatchType::kJson, R"([{"op":"test","path":"/addressType","value":"IPv6"}])").status.code, 422);
  EXPECT_EQ(patch(PatchType::kMerge, "{}", "status").status.code, 405);
  EXPECT_EQ(patch(PatchType::kJson, R"([{"op":"add","path":"/metadata/labels/c","value":"d"}])")
                .object.object_meta()
                ->generation,
            3);
  EXPECT_EQ(Patch(PatchType::kMerge, Kind::kEndpointSlice, "shop", "none", "{}").status.code, 404);
  EXPECT_EQ(server_->write_counts(Kind::kEndpointSlice).patches, 3);
}

TEST_F(ClusterTest, KubeletPatchesPodStatus) {
  Pod pod = BoundPod("p");
  pod.ready = true;
  Create(AnyObject::Of(pod));
  const Response response = Patch(PatchType::kStrategicMerge, Kind::kPod, "shop", "p",
                                  R"({"metadata":{"uid":""},"status":{"$setElementOrder/conditions":[{"type":"Ready"}],
              "conditions":[{"type":"Ready","status":"False","lastTransitionTime":"2026-01-02T03:04:09Z"}]}})",
                                  "status");
  ASSERT_TRUE(response.status.ok()) << response.status.ToString();
  EXPECT_FALSE(response.object.As<Pod>()->ready);
  EXPECT_EQ(response.object.As<Pod>()->nodeName, "node-1");
  EXPECT_NE(response.object.json(), nullptr);
}

}  // namespace
}  // namespace epslice::sim
