// Requests with dryRun: answered as ever, and nothing is stored.
#include "test/sim/cluster/cluster_fixture.h"

namespace epslice::sim {
namespace {

class DryRunTest : public ClusterTest {
 protected:
  void SetUp() override {
    Create(AnyObject::Of(Slice("s")));
    Create(AnyObject::Of(BoundPod("p")));
    Create(AnyObject::Of(WebService("w")));
    watch_ = Watch(Kind::kEndpointSlice, Since(server_->resource_version()), &log_);
    version_ = server_->resource_version();
  }

  Response Dry(Request request) {
    request.dryRun = true;
    return server_->Handle(request);
  }
  Response Dry(Verb verb, AnyObject object) {
    Request request = Named(verb, object.kind(), object.meta().namespace_.str(), object.meta().name.str());
    request.object = std::move(object);
    return Dry(std::move(request));
  }
  // Nothing has happened.
  void ExpectUntouched() {
    EXPECT_EQ(server_->resource_version(), version_);
    EXPECT_TRUE(log_.events.empty());
    EXPECT_EQ(Names(Kind::kEndpointSlice), std::vector<std::string>{"s"});
    EXPECT_EQ(Names(Kind::kPod), std::vector<std::string>{"p"});
    EXPECT_EQ(Names(Kind::kService), std::vector<std::string>{"w"});
    EXPECT_EQ(server_->write_counts(Kind::kEndpointSlice).creates, 1);
    EXPECT_EQ(server_->write_counts(Kind::kEndpointSlice).updates, 0);
    EXPECT_EQ(server_->write_counts(Kind::kPod).deletes, 0);
    EXPECT_FALSE(server_->Advance().has_value());
  }

  WatchLog log_;
  std::unique_ptr<MemoryApiServer::WatchHandle> watch_;
  std::uint64_t version_ = 0;
};

TEST_F(DryRunTest, ACreateHasWhatTheServerFillsInButNoVersion) {
  const Response slice = Dry(Verb::kCreate, AnyObject::Of(Slice("new")));
  EXPECT_EQ(slice.status.code, 201);
  EXPECT_EQ(slice.object.meta().uid.size(), 36u);
  EXPECT_EQ(slice.object.meta().resourceVersion, "");
  const Response service = Dry(Verb::kCreate, AnyObject::Of(WebService("new")));
  EXPECT_FALSE(service.object.As<Service>()->spec.clusterIPs.empty());
  EXPECT_EQ(Dry(Verb::kCreate, AnyObject::Of(Slice("s"))).status.code, 409);
  EndpointSlice bad = Slice("bad");
  bad.addressType = Text("IPv5");
  EXPECT_EQ(Dry(Verb::kCreate, AnyObject::Of(bad)).status.code, 422);
  ExpectUntouched();
}

TEST_F(DryRunTest, AnAddressThatWasTriedIsStillFree) {
  Service service = WebService("new");
  service.spec.clusterIPs = {Text("10.96.7.7")};
  service.spec.clusterIP = Text("10.96.7.7");
  for (int i = 0; i < 2; ++i) {
    const Response dry = Dry(Verb::kCreate, AnyObject::Of(service));
    EXPECT_EQ(dry.status.code, 201) << dry.status.ToString();
  }
  EXPECT_EQ(Create(AnyObject::Of(service)).status.code, 201);
  EXPECT_EQ(Dry(Verb::kCreate, AnyObject::Of(service)).status.code, 409);
}

TEST_F(DryRunTest, AnUpdateShowsTheChangeAndTheVersionBeforeIt) {
  const AnyObject before = Get(Kind::kEndpointSlice, "shop", "s").object;
  EndpointSlice changed = *before.As<EndpointSlice>();
  changed.endpoints.clear();
  const Response response = Dry(Verb::kUpdate, AnyObject::Of(changed));
  EXPECT_EQ(response.status.code, 200);
  EXPECT_TRUE(response.object.As<EndpointSlice>()->endpoints.empty());
  EXPECT_EQ(response.object.meta().resourceVersion, before.meta().resourceVersion);
  changed.metadata.resourceVersion = Text("1");
  EXPECT_EQ(Dry(Verb::kUpdate, AnyObject::Of(changed)).status.code, 409);

  Request patch = Named(Verb::kPatch, Kind::kEndpointSlice, "shop", "s");
  patch.patch = R"({"metadata":{"labels":{"a":"b"}}})";
  EXPECT_EQ(Dry(patch).object.meta().labels.Get("a"), "b");
  EXPECT_EQ(Get(Kind::kEndpointSlice, "shop", "s").object.meta().labels.Get("a"), "");
  ExpectUntouched();
}

TEST_F(DryRunTest, DeletesLeaveEverythingInPlace) {
  EXPECT_TRUE(Dry(Named(Verb::kDelete, Kind::kEndpointSlice, "shop", "s")).status.ok());
  const Response pod = Dry(Named(Verb::kDelete, Kind::kPod, "shop", "p"));
  EXPECT_TRUE(pod.object.meta().deletionTimestamp.is_set());
  EXPECT_FALSE(Get(Kind::kPod, "shop", "p").object.meta().deletionTimestamp.is_set());
  EXPECT_TRUE(Dry(Named(Verb::kDelete, Kind::kNamespace, "", "shop")).status.ok());
  EXPECT_EQ(Dry(Named(Verb::kDelete, Kind::kEndpointSlice, "shop", "")).list.items.size(), 1u);
  Request eviction = Named(Verb::kCreate, Kind::kPod, "shop", "p");
  eviction.subresource = "eviction";
  EXPECT_EQ(Dry(eviction).status.code, 201);
  EXPECT_EQ(Dry(Named(Verb::kDelete, Kind::kPod, "shop", "none")).status.code, 404);
  ExpectUntouched();
}

}  // namespace
}  // namespace epslice::sim
