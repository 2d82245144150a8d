// What is written can be read back as it was, and is written as Kubernetes
// would: one example of each kind byte by byte, then many random objects.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "apis/json.h"
#include "random_objects.h"

namespace epslice {
namespace {

template <typename T>
void ExpectRoundTrip(const T& object, std::string_view json) {
  EXPECT_EQ(EncodeJson(object), json);
  const absl::StatusOr<T> back = DecodeJson<T>(json);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(*back == object) << json;
}

Timestamp At(std::int64_t seconds, std::int64_t micros = 0) { return {seconds * 1'000'000'000 + micros * 1'000}; }

TEST(JsonRoundTrip, EmptyObjectsSayWhatTheyAre) {
  ExpectRoundTrip(Namespace(), R"({"apiVersion":"v1","kind":"Namespace","metadata":{},"status":{}})");
  ExpectRoundTrip(Node(), R"({"apiVersion":"v1","kind":"Node","metadata":{},"spec":{},)"
                          R"("status":{"conditions":[{"type":"Ready","status":"False"}]}})");
  ExpectRoundTrip(Pod(), R"({"apiVersion":"v1","kind":"Pod","metadata":{},"spec":{"containers":[{"name":"c"}]},)"
                         R"("status":{}})");
  ExpectRoundTrip(Service(), R"({"apiVersion":"v1","kind":"Service","metadata":{},"spec":{}})");
  ExpectRoundTrip(EndpointSlice(), R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{},)"
                                   R"("addressType":"","endpoints":[],"ports":[]})");
  ExpectRoundTrip(Lease(), R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{},"spec":{}})");
}

TEST(JsonRoundTrip, MetadataInKubernetesOrder) {
  Namespace object;
  ObjectMeta& m = object.metadata;
  m.name = "a";
  m.generateName = "a-";
  m.namespace_ = "n";
  m.uid = "u";
  m.resourceVersion = "7";
  m.generation = 3;
  m.creationTimestamp = At(1'000'000'000);
  m.deletionTimestamp = At(-1);
  m.deletionGracePeriodSeconds = 0;
  m.labels = {{"b", "2"}, {"a", "1"}};
  m.annotations = {{"x/y", "\"quoted\"\n"}};
  m.ownerReferences = {{"v1", "Service", "s", "su", true, std::nullopt}, {"v1", "Pod", "p", "pu", false, true}};
  m.finalizers = {"f1", "f2"};
  object.phase = "Active";
  ExpectRoundTrip(
      object,
      R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a","generateName":"a-","namespace":"n","uid":"u",)"
      R"("resourceVersion":"7","generation":3,"creationTimestamp":"2001-09-09T01:46:40Z",)"
      R"("deletionTimestamp":"1969-12-31T23:59:59Z","deletionGracePeriodSeconds":0,"labels":{"a":"1","b":"2"},)"
      R"("annotations":{"x/y":"\"quoted\"\n"},"ownerReferences":[)"
      R"({"apiVersion":"v1","kind":"Service","name":"s","uid":"su","controller":true},)"
      R"({"apiVersion":"v1","kind":"Pod","name":"p","uid":"pu","controller":false,"blockOwnerDeletion":true}],)"
      R"("finalizers":["f1","f2"]},"status":{"phase":"Active"}})");
}

TEST(JsonRoundTrip, Node) {
  Node object;
  object.metadata.name = "n1";
  object.unschedulable = true;
  object.taints = {{"k", "v", "NoSchedule"}, {"k2", "", "NoExecute"}};
  object.ready = true;
  object.allocatableCpuMilli = 3920;
  ExpectRoundTrip(object,
                  R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"},"spec":{"unschedulable":true,"taints":[)"
                  R"({"key":"k","value":"v","effect":"NoSchedule"},{"key":"k2","effect":"NoExecute"}]},)"
                  R"("status":{"allocatable":{"cpu":"3920m"},"conditions":[{"type":"Ready","status":"True"}]}})");
}

TEST(JsonRoundTrip, Pod) {
  Pod object;
  object.metadata.name = "p";
  object.metadata.namespace_ = "shop";
  object.nodeName = "n1";
  object.hostname = "h";
  object.subdomain = "s";
  object.namedPorts =
      std::make_shared<const std::vector<NamedPort>>(std::vector<NamedPort>{{"http", "TCP", 8080}, {"dns", "UDP", 53}});
  object.podIPs = {*ParseIpLenient("10.0.0.1"), *ParseIpLenient("fd00::1")};
  object.hasPodIP = true;
  object.phase = PodPhase::kRunning;
  object.ready = true;
  object.readyTransitionTime = At(0);
  ExpectRoundTrip(object,
                  R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"shop"},"spec":{"containers":[)"
                  R"({"name":"c","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"},)"
                  R"({"name":"dns","containerPort":53,"protocol":"UDP"}]}],)"
                  R"("nodeName":"n1","hostname":"h","subdomain":"s"},"status":{"phase":"Running","conditions":[)"
                  R"({"type":"Ready","status":"True","lastTransitionTime":"1970-01-01T00:00:00Z"}],)"
                  R"("podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}]}})");
}

TEST(JsonRoundTrip, Service) {
  Service object;
  ServiceSpec& s = object.spec;
  s.type = "LoadBalancer";
  s.selector = StringMap();
  s.clusterIP = "10.96.0.1";
  s.clusterIPs = {"10.96.0.1"};
  s.ipFamilies = {"IPv4"};
  s.ipFamilyPolicy = "SingleStack";
  s.ports = {{"a", "TCP", Text("http"), 80, 30080, {8080, {}}}, {"", "UDP", std::nullopt, 53, 0, {0, "dns"}}};
  s.publishNotReadyAddresses = true;
  s.trafficDistribution = "PreferClose";
  s.internalTrafficPolicy = "Cluster";
  s.externalTrafficPolicy = "Local";
  s.healthCheckNodePort = 30000;
  ExpectRoundTrip(
      object,
      R"({"apiVersion":"v1","kind":"Service","metadata":{},"spec":{"ports":[)"
      R"({"name":"a","protocol":"TCP","appProtocol":"http","port":80,"targetPort":8080,"nodePort":30080},)"
      R"({"protocol":"UDP","port":53,"targetPort":"dns"}],"selector":{},"clusterIP":"10.96.0.1",)"
      R"("clusterIPs":["10.96.0.1"],"type":"LoadBalancer","externalTrafficPolicy":"Local",)"
      R"("healthCheckNodePort":30000,"publishNotReadyAddresses":true,"ipFamilies":["IPv4"],)"
      R"("ipFamilyPolicy":"SingleStack","internalTrafficPolicy":"Cluster","trafficDistribution":"PreferClose"}})");
  s.selector = {{"app", "x"}};
  EXPECT_EQ(*DecodeJson<Service>(EncodeJson(object)), object);
  s.selector.reset();
  EXPECT_EQ(*DecodeJson<Service>(EncodeJson(object)), object);
}

TEST(JsonRoundTrip, EndpointSlice) {
  EndpointSlice object;
  object.addressType = "IPv4";
  Endpoint full;
  full.addresses = {"10.0.0.1", "10.0.0.2"};
  full.conditions = {true, false, std::nullopt};
  full.hostname = "h";
  full.nodeName = "n";
  full.zone = "z";
  full.targetRef = ObjectReference{"Pod", "shop", "p", "u", "v1", "5", "spec"};
  full.hints = EndpointHints{{"z"}, {"n"}};
  Endpoint bare;
  bare.targetRef = ObjectReference();
  bare.hints = EndpointHints();
  object.endpoints = {full, bare};
  object.ports = {{"", "TCP", std::nullopt, std::nullopt}, {"a", "SCTP", 0, Text()}};
  ExpectRoundTrip(
      object, R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{},"addressType":"IPv4",)"
              R"("endpoints":[{"addresses":["10.0.0.1","10.0.0.2"],"conditions":{"ready":true,"serving":false},)"
              R"("hostname":"h","targetRef":{"kind":"Pod","namespace":"shop","name":"p","uid":"u",)"
              R"("apiVersion":"v1","resourceVersion":"5","fieldPath":"spec"},"nodeName":"n","zone":"z",)"
              R"("hints":{"forZones":[{"name":"z"}],"forNodes":[{"name":"n"}]}},)"
              R"({"addresses":[],"conditions":{},"targetRef":{},"hints":{}}],)"
              R"("ports":[{"name":"","protocol":"TCP"},{"name":"a","protocol":"SCTP","port":0,"appProtocol":""}]})");
}

TEST(JsonRoundTrip, EventInBothSpellings) {
  Event object;
  object.involvedObject = {"Service", "shop", "cart", "u", "v1", "9", ""};
  object.type = "Warning";
  object.reason = "R";
  object.message = "M";
  object.action = "A";
  object.sourceComponent = "endpoint-slice-controller";
  object.reportingController = "rc";
  object.reportingInstance = "ri";
  object.count = 2;
  object.firstTimestamp = At(1);
  object.lastTimestamp = At(2);
  object.eventTime = At(3, 500'000);
  ExpectRoundTrip(
      object,
      R"({"apiVersion":"v1","kind":"Event","metadata":{},"involvedObject":{"kind":"Service","namespace":"shop",)"
      R"("name":"cart","uid":"u","apiVersion":"v1","resourceVersion":"9"},"reason":"R","message":"M",)"
      R"("source":{"component":"endpoint-slice-controller"},"firstTimestamp":"1970-01-01T00:00:01Z",)"
      R"("lastTimestamp":"1970-01-01T00:00:02Z","count":2,"type":"Warning",)"
      R"("eventTime":"1970-01-01T00:00:03.500000Z","action":"A","reportingComponent":"rc","reportingInstance":"ri"})");
  const std::string v1 = EncodeEventsV1Json(object);
  EXPECT_EQ(
      v1, R"({"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{},"eventTime":"1970-01-01T00:00:03.500000Z",)"
          R"("reportingController":"rc","reportingInstance":"ri","action":"A","reason":"R","regarding":{)"
          R"("kind":"Service","namespace":"shop","name":"cart","uid":"u","apiVersion":"v1","resourceVersion":"9"},)"
          R"("note":"M","type":"Warning","deprecatedSource":{"component":"endpoint-slice-controller"},)"
          R"("deprecatedFirstTimestamp":"1970-01-01T00:00:01Z","deprecatedLastTimestamp":"1970-01-01T00:00:02Z",)"
          R"("deprecatedCount":2})");
  EXPECT_EQ(*DecodeJson<Event>(v1), object);
}

TEST(JsonRoundTrip, Lease) {
  Lease object;
  object.holderIdentity = "host_1";
  object.leaseDurationSeconds = 15;
  object.acquireTime = At(0);
  object.renewTime = At(1, 1);
  object.leaseTransitions = 0;
  ExpectRoundTrip(object, R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{},"spec":{)"
                          R"("holderIdentity":"host_1","leaseDurationSeconds":15,)"
                          R"("acquireTime":"1970-01-01T00:00:00.000000Z","renewTime":"1970-01-01T00:00:01.000001Z",)"
                          R"("leaseTransitions":0}})");
}

TEST(JsonRoundTrip, Status) {
  Status status;
  EXPECT_EQ(EncodeJson(status), R"({"apiVersion":"v1","kind":"Status","metadata":{},"status":"Success","code":200})");
  EXPECT_EQ(*DecodeStatusJson(EncodeJson(status)), status);
  status.code = 422;
  status.reason = "Invalid";
  status.message = "m";
  status.detailsName = "n";
  status.detailsGroup = "g";
  status.detailsKind = "k";
  status.detailsUid = "u";
  status.causes = {{"FieldValueInvalid", "cm", "spec"}, {"", "", ""}};
  status.retryAfterSeconds = 2;
  EXPECT_EQ(EncodeJson(status),
            R"({"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","message":"m","reason":"Invalid",)"
            R"("details":{"name":"n","group":"g","kind":"k","uid":"u","causes":[{"reason":"FieldValueInvalid",)"
            R"("message":"cm","field":"spec"},{}],"retryAfterSeconds":2},"code":422})");
  EXPECT_EQ(*DecodeStatusJson(EncodeJson(status)), status);
}

TEST(JsonRoundTrip, StatusThatFailedNeverCountsAsSuccess) {
  EXPECT_EQ(DecodeStatusJson(R"({"kind":"Status","status":"Failure"})")->code, 500);
  EXPECT_EQ(DecodeStatusJson(R"({"kind":"Status","status":"Failure","code":0})")->code, 500);
  EXPECT_EQ(DecodeStatusJson(R"({"kind":"Status","status":"Failure","code":200})")->code, 500);
  EXPECT_EQ(DecodeStatusJson(R"({"kind":"Status","status":"Success"})")->code, 200);
}

TEST(JsonRoundTrip, WatchEvents) {
  WatchEvent event;
  event.type = WatchEventType::kBookmark;
  event.resourceVersion = "42";
  event.initialEventsEnd = true;
  const std::string bookmark = EncodeWatchEventJson(Kind::kPod, event);
  EXPECT_EQ(bookmark,
            R"({"type":"BOOKMARK","object":{"apiVersion":"v1","kind":"Pod","metadata":{"resourceVersion":"42",)"
            R"("annotations":{"k8s.io/initial-events-end":"true"}}}})");
  absl::StatusOr<WatchEvent> back = DecodeWatchEventJson(Kind::kPod, bookmark, false);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->type, WatchEventType::kBookmark);
  EXPECT_EQ(back->resourceVersion, "42");
  EXPECT_TRUE(back->initialEventsEnd);

  event = {};
  event.type = WatchEventType::kError;
  event.status = StatusExpired("too old");
  back = DecodeWatchEventJson(Kind::kPod, EncodeWatchEventJson(Kind::kPod, event), false);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->status, event.status);

  event = {};
  event.type = WatchEventType::kDeleted;
  Pod pod;
  pod.metadata.name = "p";
  event.object = AnyObject::Of(pod);
  const std::string deleted = EncodeWatchEventJson(Kind::kPod, event);
  EXPECT_EQ(deleted, R"({"type":"DELETED","object":)" + EncodeJson(pod) + "}");
  back = DecodeWatchEventJson(Kind::kPod, deleted, true);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back->object.As<Pod>(), pod);
  EXPECT_EQ(*back->object.json(), EncodeJson(pod));
}

// --- random objects -------------------------------------------------------

template <typename T>
class JsonRandomRoundTrip : public testing::Test {};
using AllKinds = testing::Types<Namespace, Node, Pod, Service, EndpointSlice, Event, Lease>;
TYPED_TEST_SUITE(JsonRandomRoundTrip, AllKinds);

TYPED_TEST(JsonRandomRoundTrip, ObjectsAndLists) {
  ObjectList list;
  list.resourceVersion = "9";
  list.continueToken = "more";
  list.remainingItemCount = 12;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    TypeParam object;
    Maker(seed).Make(&object);
    const std::string json = EncodeJson(object);
    const absl::StatusOr<TypeParam> back = DecodeJson<TypeParam>(json);
    ASSERT_TRUE(back.ok()) << back.status() << "\n" << json;
    ASSERT_TRUE(*back == object) << "seed " << seed << "\n" << json << "\n" << EncodeJson(*back);
    list.items.push_back(AnyObject::Of(object));
  }
  const std::string json = EncodeListJson(TypeParam::kKind, list);
  for (bool keep_json : {false, true}) {
    const absl::StatusOr<ObjectList> back = DecodeListJson(TypeParam::kKind, json, keep_json);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->resourceVersion, "9");
    EXPECT_EQ(back->continueToken, "more");
    EXPECT_EQ(back->remainingItemCount, 12);
    ASSERT_EQ(back->items.size(), list.items.size());
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      ASSERT_TRUE(*back->items[i].template As<TypeParam>() == *list.items[i].template As<TypeParam>()) << i;
    }
    EXPECT_EQ(EncodeListJson(TypeParam::kKind, *back), json);
  }
}

}  // namespace
}  // namespace epslice
