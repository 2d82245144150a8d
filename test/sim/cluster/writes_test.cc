// Create, update, delete: what the server makes of objects.
#include <set>

#include "test/sim/cluster/cluster_fixture.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

constexpr char kPodJson[] = R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"shop",
  "labels":{"app":"web"},"annotations":{"note":"kept"}},
  "spec":{"nodeName":"node-1","terminationGracePeriodSeconds":10,
    "containers":[{"name":"c","image":"x","ports":[{"name":"http","containerPort":8080}]}]},
  "status":{"phase":"Running","podIP":"10.1.0.1","podIPs":[{"ip":"10.1.0.1"}],
    "conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-02T03:04:05Z"}]}})";

TEST_F(ClusterTest, CreateStampsAStruct) {
  const std::uint64_t before = server_->resource_version();
  const Response response = Create(AnyObject::Of(Slice("a")));
  ASSERT_EQ(response.status.code, 201) << response.status.ToString();
  const auto slice = response.object.As<EndpointSlice>();
  EXPECT_EQ(slice->metadata.uid.size(), 36u);
  EXPECT_EQ(slice->metadata.generation, 1);
  EXPECT_EQ(slice->metadata.creationTimestamp, clock_.WallNow());
  // One change for the namespace, one for the slice.
  EXPECT_EQ(slice->metadata.resourceVersion, std::to_string(before + 2));
  EXPECT_EQ(response.object.json(), nullptr);
  EXPECT_EQ(Get(Kind::kEndpointSlice, "shop", "a").object.As<EndpointSlice>(), slice);
  EXPECT_EQ(Create(AnyObject::Of(Slice("a"))).status, StatusAlreadyExists(Kind::kEndpointSlice, "a"));
  EXPECT_EQ(server_->write_counts(Kind::kEndpointSlice).creates, 1);
}

TEST_F(ClusterTest, EqualSeedsMakeEqualBytes) {
  std::string bytes[2];
  for (std::string& out : bytes) {
    Restart(Options());
    EndpointSlice slice = Slice("");
    slice.metadata.generateName = Text("web-");
    for (int i = 0; i < 3; ++i) AppendJson(Create(AnyObject::Of(slice)).object, &out);
    AppendJson(Create(AnyObject::Of(WebService("web"))).object, &out);
  }
  EXPECT_EQ(bytes[0], bytes[1]);
  EXPECT_EQ(Names(Kind::kEndpointSlice).size(), 3u);
  for (const std::string& name : Names(Kind::kEndpointSlice)) EXPECT_EQ(name.size(), 9u) << name;
}

TEST_F(ClusterTest, GeneratedNamesAreFreeOnes) {
  EndpointSlice slice = Slice("");
  slice.metadata.generateName = Text("web-");
  std::set<std::string> names;
  for (int i = 0; i < 200; ++i) names.insert(Create(AnyObject::Of(slice)).object.meta().name.str());
  EXPECT_EQ(names.size(), 200u);
}

TEST_F(ClusterTest, UnknownNamespaceIs404WhereNamespacesAreNotMade) {
  Restart({});
  EXPECT_EQ(Create(AnyObject::Of(Slice("a"))).status, StatusNotFound(Kind::kNamespace, "shop"));
  EndpointSlice slice = Slice("a");
  slice.metadata.namespace_ = Text("default");
  EXPECT_EQ(Create(AnyObject::Of(slice)).status.code, 201);
}

TEST_F(ClusterTest, SliceGenerationAndNoOps) {
  struct Step {
    const char* what;
    void (*change)(EndpointSlice*);
    std::int64_t generation;
    bool bumps_version;
  };
  const Step kSteps[] = {
      {"nothing", [](EndpointSlice*) {}, 1, false},
      {"annotation",
       [](EndpointSlice* s) {
         s->metadata.annotations = {{"a", "b"}};
       },
       1, true},
      {"same annotation",
       [](EndpointSlice* s) {
         s->metadata.annotations = {{"a", "b"}};
       },
       1, false},
      {"labels",
       [](EndpointSlice* s) {
         s->metadata.labels = {{"l", "m"}};
       },
       2, true},
      {"endpoint", [](EndpointSlice* s) { s->endpoints[0].conditions.ready = true; }, 3, true},
      {"client sets server fields",
       [](EndpointSlice* s) {
         s->metadata.generation = 77;
         s->metadata.creationTimestamp = {};
         s->metadata.deletionTimestamp = Timestamp::FromSeconds(1);
       },
       3, false},
      {"owner",
       [](EndpointSlice* s) {
         s->metadata.ownerReferences = {{"apps/v1", "ReplicaSet", "r", "u", {}, {}}};
       },
       3, true},
  };
  for (const bool with_json : {false, true}) {
    Restart(Options());
    AnyObject now = AnyObject::Of(Slice("a"));
    if (with_json) now = Whole(Kind::kEndpointSlice, EncodeJson(Slice("a")));
    now = Create(now).object;
    for (const Step& step : kSteps) {
      EndpointSlice next = *now.As<EndpointSlice>();
      step.change(&next);
      const AnyObject sent = with_json ? Whole(Kind::kEndpointSlice, EncodeJson(next)) : AnyObject::Of(next);
      const Response response = Update(sent);
      ASSERT_EQ(response.status.code, 200) << step.what << response.status.ToString();
      const auto stored = response.object.As<EndpointSlice>();
      EXPECT_EQ(stored->metadata.generation, step.generation) << step.what << with_json;
      EXPECT_EQ(stored->metadata.resourceVersion != now.meta().resourceVersion, step.bumps_version)
          << step.what << with_json;
      EXPECT_EQ(stored->metadata.creationTimestamp, clock_.WallNow());
      EXPECT_FALSE(stored->metadata.deletionTimestamp.is_set());
      EXPECT_EQ(response.object.json() != nullptr, with_json);
      now = response.object;
    }
  }
}

TEST_F(ClusterTest, StaleUpdatesConflictAndUnconditionalOnesDoNot) {
  const AnyObject first = Create(AnyObject::Of(Slice("a"))).object;
  EndpointSlice change = *first.As<EndpointSlice>();
  change.endpoints[0].addresses = {Text("10.0.0.2")};
  ASSERT_TRUE(Update(AnyObject::Of(change)).status.ok());
  const Status conflict = Update(AnyObject::Of(change)).status;
  EXPECT_EQ(conflict.code, 409);
  EXPECT_EQ(conflict.reason, "Conflict");
  EXPECT_EQ(conflict.message,
            "Operation cannot be fulfilled on endpointslices.discovery.k8s.io \"a\": the object has been modified; "
            "please apply your changes to the latest version and try again");
  change.metadata.resourceVersion = Text();
  change.endpoints[0].addresses = {Text("10.0.0.3")};
  EXPECT_EQ(Update(AnyObject::Of(change)).status.code, 200);
  change.metadata.uid = Text("somebody-else");
  EXPECT_EQ(Update(AnyObject::Of(change)).status.code, 409);
  EXPECT_EQ(Update(AnyObject::Of(Slice("nobody"))).status, StatusNotFound(Kind::kEndpointSlice, "nobody"));
}

TEST_F(ClusterTest, StructUpdateKeepsManagedFieldsOfJson) {
  json doc = json::parse(EncodeJson(Slice("a")));
  doc["metadata"]["managedFields"] = json::array({{{"manager", "m"}}});
  const AnyObject stored = CreateJson(Kind::kEndpointSlice, doc.dump()).object;
  EndpointSlice next = *stored.As<EndpointSlice>();
  next.endpoints.clear();
  const json after = Doc(Update(AnyObject::Of(next)).object);
  EXPECT_EQ(after["metadata"]["managedFields"], doc["metadata"]["managedFields"]);
  EXPECT_EQ(after["metadata"]["generation"], 2);
}

TEST_F(ClusterTest, StructUpdateOfAWholePodKeepsWhatTheStructDoesNotKnow) {
  Pod pod = *CreateJson(Kind::kPod, kPodJson).object.As<Pod>();
  pod.ready = false;
  pod.metadata.labels = {{"app", "other"}};
  const json doc = Doc(Update(AnyObject::Of(pod)).object);
  EXPECT_EQ(doc["metadata"]["labels"], json({{"app", "other"}}));
  EXPECT_EQ(doc["metadata"]["annotations"]["note"], "kept");
  EXPECT_EQ(doc["spec"]["containers"][0]["image"], "x");
  EXPECT_EQ(doc["status"]["conditions"][0]["status"], "False");
}

// READY in `kubectl get pods` counts containers.
TEST_F(ClusterTest, ContainersAreAsReadyAsTheirPodIsMade) {
  const std::string bare = R"({"metadata":{"name":"c","namespace":"shop"},"spec":{"nodeName":"node-1","containers":[
      {"name":"a","image":"x"},{"name":"b","image":"y"}]}})";
  Pod pod = *CreateJson(Kind::kPod, bare).object.As<Pod>();
  const auto ready = [](const json& doc) {
    std::string all;
    for (const json& status : doc["status"].value("containerStatuses", json::array())) {
      all += status["name"].get<std::string>() + (status["ready"].get<bool>() ? "+" : "-");
    }
    return all;
  };
  pod.metadata.resourceVersion = Text();
  pod.ready = true;
  EXPECT_EQ(ready(Doc(Update(AnyObject::Of(pod), "status").object)), "");  // nothing runs yet
  pod.phase = PodPhase::kRunning;
  const json running = Doc(Update(AnyObject::Of(pod), "status").object);
  EXPECT_EQ(ready(running), "a+b+");
  EXPECT_EQ(running["status"]["containerStatuses"][1]["image"], "y");
  pod.ready = false;
  EXPECT_EQ(ready(Doc(Update(AnyObject::Of(pod), "status").object)), "a-b-");

  // Nor does a pod that was a struct lose them when a client labels it.
  Pod simulated = BoundPod("s");
  simulated.phase = PodPhase::kRunning;
  simulated.ready = true;
  Create(AnyObject::Of(simulated));
  const Response labelled = Patch(PatchType::kMerge, Kind::kPod, "shop", "s", R"({"metadata":{"labels":{"a":"b"}}})");
  ASSERT_TRUE(labelled.status.ok()) << labelled.status.ToString();
  EXPECT_EQ(ready(Doc(labelled.object)), "c+");
}

TEST_F(ClusterTest, StatusGoesThroughItsSubresource) {
  const AnyObject created = CreateJson(Kind::kPod, kPodJson).object;
  json doc = Doc(created);
  EXPECT_EQ(doc["status"]["phase"], "Running");  // kept on create
  EXPECT_EQ(doc["metadata"]["generation"], 1);
  doc["status"]["phase"] = "Failed";
  doc["metadata"]["labels"]["new"] = "x";
  Response response = Update(Whole(Kind::kPod, doc.dump()));
  ASSERT_TRUE(response.status.ok()) << response.status.ToString();
  EXPECT_EQ(Doc(response.object)["status"]["phase"], "Running");
  EXPECT_EQ(Doc(response.object)["metadata"]["labels"]["new"], "x");
  EXPECT_EQ(Doc(response.object)["metadata"]["generation"], 1);
  doc = Doc(response.object);
  doc["status"]["phase"] = "Failed";
  doc["metadata"]["labels"]["new"] = "y";
  doc["spec"]["nodeName"] = "elsewhere";
  response = Update(Whole(Kind::kPod, doc.dump()), "status");
  ASSERT_TRUE(response.status.ok()) << response.status.ToString();
  EXPECT_EQ(response.object.As<Pod>()->phase, PodPhase::kFailed);
  EXPECT_EQ(response.object.As<Pod>()->nodeName, "node-1");
  EXPECT_EQ(response.object.meta().labels.Get("new"), "x");
  EXPECT_EQ(Update(AnyObject::Of(Slice("a")), "status").status.code, 405);
}

TEST_F(ClusterTest, TypedStatusUpdateTakesStatusOnly) {
  Pod pod = *Create(AnyObject::Of(BoundPod("p"))).object.As<Pod>();
  pod.ready = true;
  pod.nodeName = Text("elsewhere");
  const auto after = Update(AnyObject::Of(pod), "status").object.As<Pod>();
  EXPECT_TRUE(after->ready);
  EXPECT_EQ(after->nodeName, "node-1");
}

TEST_F(ClusterTest, ServiceDefaults) {
  const std::string given = R"({"metadata":{"name":"web","namespace":"shop"},
      "spec":{"selector":{"app":"x"},"ports":[{"port":80}]}})";
  const json doc = Doc(CreateJson(Kind::kService, given).object);
  EXPECT_EQ(doc["metadata"]["resourceVersion"], std::to_string(server_->resource_version()));
  const json spec = doc["spec"];
  EXPECT_EQ(spec["type"], "ClusterIP");
  EXPECT_EQ(spec["sessionAffinity"], "None");
  EXPECT_EQ(spec["ipFamilies"], json({"IPv4"}));
  EXPECT_EQ(spec["ipFamilyPolicy"], "SingleStack");
  EXPECT_EQ(spec["internalTrafficPolicy"], "Cluster");
  EXPECT_EQ(spec["ports"], json::parse(R"([{"port":80,"protocol":"TCP","targetPort":80}])"));
  EXPECT_TRUE(spec["clusterIP"].get<std::string>().starts_with("10."));
  EXPECT_EQ(spec["clusterIPs"], json::array({spec["clusterIP"]}));
  EXPECT_EQ(doc["status"], json::parse(R"({"loadBalancer":{}})"));
  EXPECT_FALSE(doc["metadata"].contains("generation"));
  // A PUT of what was sent first keeps what was allocated: nothing changes.
  const Response again = Update(Whole(Kind::kService, given));
  EXPECT_EQ(again.status.code, 200) << again.status.ToString();
  EXPECT_EQ(Doc(again.object), doc);
}

TEST_F(ClusterTest, ServiceKindsOfAddresses) {
  struct Case {
    const char* spec;
    const char* expected;  // of the struct, as a merge patch test: each must be equal
    std::size_t ips;
  };
  const Case kCases[] = {
      {R"({"clusterIP":"None","selector":{"a":"b"}})", R"({"ipFamilies":["IPv4"],"clusterIPs":["None"]})", 1},
      {R"({"clusterIP":"None"})", R"({"ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"RequireDualStack"})", 1},
      {R"({"type":"ExternalName","externalName":"x.y"})", R"({"type":"ExternalName"})", 0},
      {R"({"ipFamilyPolicy":"PreferDualStack","ports":[{"port":1}]})", R"({"ipFamilies":["IPv4","IPv6"]})", 2},
      {R"({"ipFamilies":["IPv6"],"ports":[{"port":1}]})", R"({"ipFamilyPolicy":"SingleStack"})", 1},
      {R"({"clusterIP":"10.96.7.7","ports":[{"port":1}]})", R"({"clusterIPs":["10.96.7.7"]})", 1},
      {R"({"clusterIP":"fd00:10:96::5","ports":[{"port":1}]})", R"({"ipFamilies":["IPv6"]})", 1},
      {R"({"clusterIP":"192.168.1.1","ports":[{"port":1}]})", R"({"clusterIP":"192.168.1.1"})", 1},
      {R"({"type":"LoadBalancer","ports":[{"port":1}]})",
       R"({"externalTrafficPolicy":"Cluster","allocateLoadBalancerNodePorts":true})", 1},
  };
  int i = 0;
  for (const Case& c : kCases) {
    const std::string name = "s" + std::to_string(i++);
    const json given = {{"metadata", {{"name", name}, {"namespace", "shop"}}}, {"spec", json::parse(c.spec)}};
    const Response response = CreateJson(Kind::kService, given.dump());
    ASSERT_EQ(response.status.code, 201) << c.spec << response.status.ToString();
    const json spec = Doc(response.object)["spec"];
    const json expected = json::parse(c.expected);
    for (const auto& [key, value] : expected.items()) EXPECT_EQ(spec.value(key, json()), value) << c.spec;
    EXPECT_EQ(spec.value("clusterIPs", json::array()).size(), c.ips) << spec;
    if (spec["type"] == "LoadBalancer") {
      EXPECT_GE(spec["ports"][0]["nodePort"], 30000);
    }
  }
  json taken = {{"metadata", {{"name", "t"}, {"namespace", "shop"}}},
                {"spec", {{"clusterIP", "10.96.7.7"}, {"ports", {{{"port", 1}}}}}}};
  EXPECT_EQ(CreateJson(Kind::kService, taken.dump()).status.code, 422);
  // Refused creates reserve nothing; deleted Services free theirs.
  ASSERT_TRUE(Delete(Kind::kService, "shop", "s5").status.ok());
  EXPECT_EQ(CreateJson(Kind::kService, taken.dump()).status.code, 201);
}

TEST_F(ClusterTest, ClusterIpStays) {
  Service service = *Create(AnyObject::Of(WebService("web"))).object.As<Service>();
  const Text ip = service.spec.clusterIP;
  EXPECT_FALSE(ip.empty());
  service.spec.clusterIP = Text("10.96.0.99");
  service.spec.clusterIPs = {Text("10.96.0.99")};
  EXPECT_EQ(Update(AnyObject::Of(service)).status.code, 422);
  service.spec.clusterIP = Text();
  service.spec.clusterIPs.clear();
  service.spec.ports[0].port = 81;
  EXPECT_EQ(Update(AnyObject::Of(service)).object.As<Service>()->spec.clusterIP, ip);
}

TEST_F(ClusterTest, SmallRangesRunOut) {
  MemoryApiServerOptions options = Options();
  options.service_cidr = "10.9.0.0/29";  // six addresses
  Restart(options);
  std::set<std::string> ips;
  for (int i = 0; i < 6; ++i) {
    const Response response = Create(AnyObject::Of(WebService("w" + std::to_string(i))));
    ASSERT_TRUE(response.status.ok()) << response.status.ToString();
    ips.insert(response.object.As<Service>()->spec.clusterIP.str());
  }
  EXPECT_EQ(ips.size(), 6u);
  EXPECT_EQ(Create(AnyObject::Of(WebService("w6"))).status.code, 422);
}

TEST_F(ClusterTest, EventsOfBothApisAreOneKind) {
  const std::string v1 = R"({"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"e","namespace":"shop"},
    "regarding":{"kind":"Service","namespace":"shop","name":"web"},"note":"n","reason":"R","type":"Normal",
    "reportingController":"c","eventTime":"2026-01-02T03:04:05.000001Z"})";
  const Response response = CreateJson(Kind::kEvent, v1);
  ASSERT_EQ(response.status.code, 201) << response.status.ToString();
  const json doc = Doc(response.object);
  EXPECT_EQ(doc["apiVersion"], "v1");
  EXPECT_EQ(doc["involvedObject"]["name"], "web");
  EXPECT_EQ(doc["message"], "n");
  EXPECT_EQ(response.object.As<Event>()->message, "n");
  ListOptions options;
  options.fieldSelector = "involvedObject.name=web,reason=R,type!=Warning";
  EXPECT_EQ(Names(Kind::kEvent, options).size(), 1u);
  EXPECT_TRUE(Patch(PatchType::kMerge, Kind::kEvent, "shop", "e", R"({"note":"m"})").status.ok());
  EXPECT_EQ(Get(Kind::kEvent, "shop", "e").object.As<Event>()->message, "m");
}

TEST_F(ClusterTest, Binding) {
  Pod pod = BoundPod("p");
  pod.nodeName = Text();
  Create(AnyObject::Of(pod));
  Request request = Named(Verb::kCreate, Kind::kPod, "shop", "p");
  request.subresource = "binding";
  request.object = AnyObject::Of(BoundPod("p"));
  EXPECT_EQ(server_->Handle(request).status.code, 201);
  EXPECT_EQ(Get(Kind::kPod, "shop", "p").object.As<Pod>()->nodeName, "node-1");
  EXPECT_EQ(server_->Handle(request).status.message,
            "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"node-1\"");
}

TEST_F(ClusterTest, LoadKeepsWhatItIsGiven) {
  json doc = json::parse(kPodJson);
  doc["metadata"]["uid"] = "u-1";
  doc["metadata"]["resourceVersion"] = "700";
  doc["metadata"]["generation"] = 9;
  ASSERT_TRUE(server_->Load(Whole(Kind::kPod, doc.dump())).ok());
  EXPECT_EQ(server_->resource_version(), 700u);
  const AnyObject pod = Get(Kind::kPod, "shop", "p").object;
  EXPECT_EQ(Doc(pod), doc);
  WatchLog log;
  Status status;
  EXPECT_EQ(Watch(Kind::kPod, Since(699), &log, &status), nullptr);
  EXPECT_EQ(status, StatusExpired("too old resource version: 699 (700)"));
  // Without uid or version it gets some.
  ASSERT_TRUE(server_->Load(AnyObject::Of(Slice("a"))).ok());
  const AnyObject slice = Get(Kind::kEndpointSlice, "shop", "a").object;
  EXPECT_EQ(slice.meta().resourceVersion, "701");
  EXPECT_EQ(slice.meta().uid.size(), 36u);
  EXPECT_FALSE(server_->Load(AnyObject::Of(Slice(""))).ok());
}

}  // namespace
}  // namespace epslice::sim
