// Deletes: graceful ends, finalizers, garbage collection, namespaces.
#include "test/sim/cluster/cluster_fixture.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

DeleteOptions Grace(std::int64_t seconds) {
  DeleteOptions options;
  options.gracePeriodSeconds = seconds;
  return options;
}

Timestamp In(const Clock& clock, std::int64_t seconds) {
  return Timestamp{clock.WallNow().nanos + seconds * 1'000'000'000};
}

std::string PodJson(const std::string& more_meta, const std::string& more_spec) {
  return R"({"metadata":{"name":"p","namespace":"shop")" + more_meta + R"(},"spec":{"nodeName":"node-1")" + more_spec +
         R"(},"status":{"phase":"Running"}})";
}

TEST_F(ClusterTest, GraceComesFromTheOptionsThePodOrTheDefault) {
  struct Case {
    const char* spec;
    DeleteOptions options;
    std::int64_t grace;
  };
  const Case kCases[] = {
      {R"(,"terminationGracePeriodSeconds":10)", {}, 10},
      {R"(,"terminationGracePeriodSeconds":10)", Grace(3), 3},
      {"", {}, 30},
      {"", Grace(-5), 1},
      {R"(,"terminationGracePeriodSeconds":10)", Grace(40), 40},
  };
  for (const Case& c : kCases) {
    Restart(Options());
    CreateJson(Kind::kPod, PodJson("", c.spec));
    const Response response = Delete(Kind::kPod, "shop", "p", c.options);
    ASSERT_EQ(response.status.code, 200);
    const json meta = Doc(response.object)["metadata"];
    EXPECT_EQ(meta["deletionGracePeriodSeconds"], c.grace);
    EXPECT_EQ(meta["generation"], 2);
    EXPECT_EQ(response.object.meta().deletionTimestamp, In(clock_, c.grace));
    EXPECT_TRUE(Get(Kind::kPod, "shop", "p").status.ok());
  }
}

TEST_F(ClusterTest, StructPodsEndGracefullyToo) {
  Create(AnyObject::Of(BoundPod("p")));
  WatchLog log;
  const auto watch = Watch(Kind::kPod, Since(server_->resource_version()), &log);
  EXPECT_EQ(Delete(Kind::kPod, "shop", "p").object.meta().deletionTimestamp, In(clock_, 30));
  EXPECT_EQ(server_->Advance(), clock_.Now() + std::chrono::seconds(30));
  clock_.Advance(std::chrono::seconds(29));
  server_->Advance();
  EXPECT_TRUE(Get(Kind::kPod, "shop", "p").status.ok());
  // A longer grace changes nothing, a shorter one shortens from the first delete.
  EXPECT_EQ(Delete(Kind::kPod, "shop", "p", Grace(60)).object.meta().deletionTimestamp, In(clock_, 1));
  EXPECT_EQ(Delete(Kind::kPod, "shop", "p").object.meta().deletionTimestamp, In(clock_, 1));
  EXPECT_EQ(Delete(Kind::kPod, "shop", "p", Grace(10)).object.meta().deletionTimestamp, In(clock_, -19));
  EXPECT_EQ(server_->Advance(), clock_.Now() + std::chrono::seconds(1));  // the old end; the pod is gone by then
  EXPECT_FALSE(Get(Kind::kPod, "shop", "p").status.ok());
  EXPECT_EQ(log.Lines(), (std::vector<std::string>{"MODIFIED p", "MODIFIED p", "DELETED p"}));
  // Another pod of the same name is not ended in its place.
  Create(AnyObject::Of(BoundPod("p")));
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_EQ(server_->Advance(), std::nullopt);
  EXPECT_TRUE(Get(Kind::kPod, "shop", "p").status.ok());
}

TEST_F(ClusterTest, WithoutKubeletsPodsStayUntilGraceZero) {
  MemoryApiServerOptions options = Options();
  options.end_graceful_deletions = false;
  Restart(options);
  Create(AnyObject::Of(BoundPod("p")));
  Delete(Kind::kPod, "shop", "p");
  clock_.Advance(std::chrono::hours(1));
  EXPECT_EQ(server_->Advance(), std::nullopt);
  EXPECT_TRUE(Get(Kind::kPod, "shop", "p").status.ok());
  EXPECT_EQ(Delete(Kind::kPod, "shop", "p", Grace(0)).object.meta().deletionTimestamp, clock_.WallNow());
  EXPECT_FALSE(Get(Kind::kPod, "shop", "p").status.ok());
}

TEST_F(ClusterTest, PodsThatDoNotRunGoAtOnce) {
  Pod unbound = BoundPod("unbound");
  unbound.nodeName = Text();
  Pod done = BoundPod("done");
  done.phase = PodPhase::kSucceeded;
  for (const Pod& pod : {unbound, done}) {
    Create(AnyObject::Of(pod));
    EXPECT_TRUE(Delete(Kind::kPod, "shop", pod.metadata.name.str()).status.ok());
    EXPECT_EQ(Get(Kind::kPod, "shop", pod.metadata.name.str()).status.code, 404);
  }
}

TEST_F(ClusterTest, DeletesAnswerWithWhatWasThere) {
  Create(AnyObject::Of(Slice("a")));
  const std::string uid = Get(Kind::kEndpointSlice, "shop", "a").object.meta().uid.str();
  WatchLog log;
  const auto watch = Watch(Kind::kEndpointSlice, Since(server_->resource_version()), &log);
  const Response response = Delete(Kind::kEndpointSlice, "shop", "a");
  EXPECT_EQ(response.status.code, 200);
  EXPECT_EQ(response.status.detailsUid, uid);
  EXPECT_EQ(response.status.detailsKind, "endpointslices");
  EXPECT_EQ(response.status.detailsGroup, "discovery.k8s.io");
  ASSERT_EQ(log.events.size(), 1u);
  // The last state, with the version of the delete.
  EXPECT_EQ(log.events[0].object.meta().resourceVersion, std::to_string(server_->resource_version()));
  EXPECT_EQ(Delete(Kind::kEndpointSlice, "shop", "a").status, StatusNotFound(Kind::kEndpointSlice, "a"));
}

TEST_F(ClusterTest, Preconditions) {
  const AnyObject slice = Create(AnyObject::Of(Slice("a"))).object;
  DeleteOptions options;
  options.preconditionUid = "other";
  EXPECT_EQ(Delete(Kind::kEndpointSlice, "shop", "a", options).status.message,
            "Operation cannot be fulfilled on endpointslices.discovery.k8s.io \"a\": Precondition failed: UID in "
            "precondition: other, UID in object meta: " +
                slice.meta().uid.str());
  options.preconditionUid = slice.meta().uid.str();
  options.preconditionResourceVersion = "1";
  EXPECT_EQ(Delete(Kind::kEndpointSlice, "shop", "a", options).status.code, 409);
  options.preconditionResourceVersion = slice.meta().resourceVersion.str();
  EXPECT_EQ(Delete(Kind::kEndpointSlice, "shop", "a", options).status.code, 200);
}

TEST_F(ClusterTest, FinalizersHoldAnObject) {
  EndpointSlice slice = Slice("a");
  slice.metadata.finalizers = {Text("example.com/hold")};
  Create(AnyObject::Of(slice));
  const Response response = Delete(Kind::kEndpointSlice, "shop", "a");
  EXPECT_EQ(response.object.meta().deletionTimestamp, clock_.WallNow());
  EXPECT_EQ(response.object.object_meta()->generation, 2);
  const std::uint64_t version = server_->resource_version();
  EXPECT_TRUE(Delete(Kind::kEndpointSlice, "shop", "a").status.ok());
  EXPECT_EQ(server_->resource_version(), version);
  WatchLog log;
  const auto watch = Watch(Kind::kEndpointSlice, Since(version), &log);
  slice = *Get(Kind::kEndpointSlice, "shop", "a").object.As<EndpointSlice>();
  slice.metadata.finalizers.clear();
  EXPECT_TRUE(Update(AnyObject::Of(slice)).status.ok());
  EXPECT_EQ(log.Lines(), (std::vector<std::string>{"DELETED a"}));
  EXPECT_TRUE(Names(Kind::kEndpointSlice).empty());
}

TEST_F(ClusterTest, FinalizersHoldAPodBeyondItsGrace) {
  CreateJson(Kind::kPod, PodJson(R"(,"finalizers":["example.com/hold"])", ""));
  Delete(Kind::kPod, "shop", "p", Grace(5));
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_EQ(server_->Advance(), std::nullopt);
  json doc = Doc(Get(Kind::kPod, "shop", "p").object);
  EXPECT_EQ(doc["metadata"]["deletionGracePeriodSeconds"], 0);
  EXPECT_TRUE(Patch(PatchType::kMerge, Kind::kPod, "shop", "p", R"({"metadata":{"finalizers":null}})").status.ok());
  EXPECT_EQ(Get(Kind::kPod, "shop", "p").status.code, 404);
}

EndpointSlice Owned(EndpointSlice slice, const AnyObject& service) {
  slice.metadata.ownerReferences.push_back(
      {Text("v1"), Text("Service"), service.meta().name, service.meta().uid, true, true});
  return slice;
}

TEST_F(ClusterTest, SlicesGoWithTheirService) {
  for (const bool with_json : {false, true}) {
    Restart(Options());
    const auto as_sent = [&](const EndpointSlice& slice) {
      return with_json ? Whole(Kind::kEndpointSlice, EncodeJson(slice)) : AnyObject::Of(slice);
    };
    const AnyObject web = Create(AnyObject::Of(WebService("web"))).object;
    const AnyObject api = Create(AnyObject::Of(WebService("api"))).object;
    Create(as_sent(Owned(Slice("a"), web)));
    Create(as_sent(Owned(Slice("b"), api)));
    Create(as_sent(Owned(Owned(Slice("both"), web), api)));
    Create(as_sent(Slice("free")));
    EndpointSlice set_owned = Slice("foreign");
    set_owned.metadata.ownerReferences = {{Text("apps/v1"), Text("ReplicaSet"), Text("r"), Text("u"), {}, {}}};
    Create(as_sent(set_owned));
    Delete(Kind::kService, "shop", "web");
    EXPECT_EQ(Names(Kind::kEndpointSlice), (std::vector<std::string>{"b", "both", "foreign", "free"}));
    const AnyObject both = Get(Kind::kEndpointSlice, "shop", "both").object;
    ASSERT_EQ(both.object_meta()->ownerReferences.size(), 1u);
    EXPECT_EQ(both.object_meta()->ownerReferences[0].name, "api");
    Delete(Kind::kService, "shop", "api");
    EXPECT_EQ(Names(Kind::kEndpointSlice), (std::vector<std::string>{"foreign", "free"}));
  }
}

TEST_F(ClusterTest, DanglingOwnersAreCollected) {
  const AnyObject web = Create(AnyObject::Of(WebService("web"))).object;
  Delete(Kind::kService, "shop", "web");
  Create(AnyObject::Of(WebService("web")));  // same name, another uid
  WatchLog log;
  const auto watch = Watch(Kind::kEndpointSlice, Since(server_->resource_version()), &log);
  EXPECT_EQ(Create(AnyObject::Of(Owned(Slice("late"), web))).status.code, 201);
  EXPECT_EQ(log.Lines(), (std::vector<std::string>{"ADDED late", "DELETED late"}));
}

TEST_F(ClusterTest, Propagation) {
  struct Case {
    const char* policy;
    bool held;  // the slice has a finalizer
    std::vector<std::string> services, slices;
  };
  const Case kCases[] = {
      {"Background", false, {}, {}},        {"Foreground", false, {}, {}}, {"Background", true, {}, {"a"}},
      {"Foreground", true, {"web"}, {"a"}}, {"Orphan", false, {}, {"a"}},
  };
  for (const Case& c : kCases) {
    Restart(Options());
    EndpointSlice slice = Owned(Slice("a"), Create(AnyObject::Of(WebService("web"))).object);
    if (c.held) slice.metadata.finalizers = {Text("example.com/hold")};
    Create(AnyObject::Of(slice));
    DeleteOptions options;
    options.propagationPolicy = c.policy;
    ASSERT_TRUE(Delete(Kind::kService, "shop", "web", options).status.ok());
    EXPECT_EQ(Names(Kind::kService), c.services) << c.policy;
    EXPECT_EQ(Names(Kind::kEndpointSlice), c.slices) << c.policy;
    if (c.held) {
      Patch(PatchType::kMerge, Kind::kEndpointSlice, "shop", "a", R"({"metadata":{"finalizers":[]}})");
      EXPECT_TRUE(Names(Kind::kService).empty()) << c.policy;
      EXPECT_TRUE(Names(Kind::kEndpointSlice).empty()) << c.policy;
    }
    if (std::string(c.policy) == "Orphan") {
      EXPECT_TRUE(Get(Kind::kEndpointSlice, "shop", "a").object.object_meta()->ownerReferences.empty());
    }
  }
}

TEST_F(ClusterTest, NamespacesEmptyThemselves) {
  Create(AnyObject::Of(BoundPod("p")));
  Create(AnyObject::Of(WebService("web")));
  Create(AnyObject::Of(Slice("a")));
  const Response response = Delete(Kind::kNamespace, "", "shop");
  ASSERT_TRUE(response.status.ok()) << response.status.ToString();
  EXPECT_EQ(response.object.As<Namespace>()->phase, "Terminating");
  // The pod ends gracefully and holds the namespace so long.
  EXPECT_TRUE(Names(Kind::kService).empty());
  EXPECT_TRUE(Names(Kind::kEndpointSlice).empty());
  EXPECT_EQ(Names(Kind::kPod).size(), 1u);
  const Status refused = Create(AnyObject::Of(Slice("late"))).status;
  EXPECT_EQ(refused.code, 403);
  EXPECT_EQ(refused.message,
            "endpointslices.discovery.k8s.io \"late\" is forbidden: unable to create new content in namespace shop "
            "because it is being terminated");
  EXPECT_TRUE(refused.HasCause(kCauseNamespaceTerminating));
  EXPECT_EQ(refused.causes[0].message, "namespace shop is being terminated");
  EXPECT_EQ(refused.causes[0].field, "metadata.namespace");
  EXPECT_EQ(Delete(Kind::kNamespace, "", "shop").status.code, 409);
  clock_.Advance(std::chrono::seconds(30));
  server_->Advance();
  EXPECT_EQ(Get(Kind::kNamespace, "", "shop").status.code, 404);
  EXPECT_EQ(Create(AnyObject::Of(Slice("anew"))).status.code, 201);
  EXPECT_EQ(Delete(Kind::kNamespace, "", "default").status.code, 403);
}

TEST_F(ClusterTest, NamespaceDocuments) {
  const json doc = Doc(CreateJson(Kind::kNamespace, R"({"metadata":{"name":"new"}})").object);
  EXPECT_EQ(doc["metadata"]["labels"]["kubernetes.io/metadata.name"], "new");
  EXPECT_EQ(doc["spec"]["finalizers"], json({"kubernetes"}));
  EXPECT_EQ(doc["status"]["phase"], "Active");
}

TEST_F(ClusterTest, DeleteCollectionAndEviction) {
  for (const char* name : {"a", "b", "c"}) {
    EndpointSlice slice = Slice(name);
    if (*name != 'b') slice.metadata.labels = {{"gone", "yes"}};
    Create(AnyObject::Of(slice));
  }
  Request request = Named(Verb::kDelete, Kind::kEndpointSlice, "shop", "");
  request.list.labelSelector = "gone=yes";
  EXPECT_EQ(server_->Handle(request).list.items.size(), 2u);
  EXPECT_EQ(Names(Kind::kEndpointSlice), (std::vector<std::string>{"b"}));

  Create(AnyObject::Of(BoundPod("p")));
  request = Named(Verb::kCreate, Kind::kPod, "shop", "p");
  request.subresource = "eviction";
  request.deletion = Grace(7);
  EXPECT_EQ(server_->Handle(request).status.code, 201);
  EXPECT_EQ(Get(Kind::kPod, "shop", "p").object.meta().deletionTimestamp, In(clock_, 7));
}

}  // namespace
}  // namespace epslice::sim
