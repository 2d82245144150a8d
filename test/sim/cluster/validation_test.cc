// What is refused, and in which words.
#include <fstream>
#include <sstream>

#include "test/sim/cluster/cluster_fixture.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

json SliceDoc() {
  return json::parse(R"({"metadata":{"name":"a","namespace":"shop"},"addressType":"IPv4",
    "endpoints":[{"addresses":["10.0.0.1"]}],"ports":[{"name":"http","port":80,"protocol":"TCP"}]})");
}

TEST_F(ClusterTest, InvalidSlices) {
  struct Case {
    const char* pointer;  // into SliceDoc()
    json value;
    const char* message;  // nullptr: it is fine
  };
  const json long_list = json::array({"10.0.0.1"});
  json many_endpoints = json::array(), many_ports = json::array(), many_zones = json::array();
  for (int i = 0; i < 1001; ++i) many_endpoints.push_back({{"addresses", {"10.0.0.1"}}});
  for (int i = 0; i < 101; ++i) many_ports.push_back({{"name", "p" + std::to_string(i)}, {"port", i + 1}});
  for (int i = 0; i < 9; ++i) many_zones.push_back({{"name", "z" + std::to_string(i)}});
  const Case kCases[] = {
      {"/addressType", "IPv5",
       "addressType: Unsupported value: \"IPv5\": supported values: \"FQDN\", \"IPv4\", \"IPv6\""},
      {"/addressType", "", "addressType: Required value"},
      {"/endpoints/0/addresses/0", "10.0.0.300",
       "endpoints[0].addresses[0]: Invalid value: \"10.0.0.300\": must be a valid IP address, (e.g. 10.9.8.7 or "
       "2001:db8::ffff)"},
      {"/endpoints/0/addresses/0", "2001:db8::1",
       "endpoints[0].addresses[0]: Invalid value: \"2001:db8::1\": must be a valid IPv4 address"},
      {"/endpoints/0/addresses/0", "127.0.0.1",
       "endpoints[0].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, "
       "::1/128)"},
      {"/endpoints/0/addresses/0", "169.254.1.1",
       "endpoints[0].addresses[0]: Invalid value: \"169.254.1.1\": may not be in the link-local range "
       "(169.254.0.0/16, fe80::/10)"},
      {"/endpoints/0/addresses", json::array(),
       "endpoints[0].addresses: Required value: must contain at least 1 address"},
      {"/endpoints", many_endpoints, "endpoints: Too many: 1001: must have at most 1000 items"},
      {"/ports", many_ports, "ports: Too many: 101: must have at most 100 items"},
      {"/endpoints/0/hints",
       {{"forZones", many_zones}},
       "endpoints[0].hints.forZones: Too many: 9: must have at most 8 items"},
      {"/endpoints/0/hostname", "Not_A_Label", nullptr},
      {"/ports/0/port", 70000, "ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive"},
      {"/ports/0/protocol", "QUIC",
       "ports[0].protocol: Unsupported value: \"QUIC\": supported values: \"SCTP\", \"TCP\", \"UDP\""},
      {"/ports/1", {{"name", "http"}, {"port", 81}}, "ports[1].name: Duplicate value: \"http\""},
  };
  for (const Case& c : kCases) {
    json doc = SliceDoc();
    doc[json::json_pointer(c.pointer)] = c.value;
    const Status status = CreateJson(Kind::kEndpointSlice, doc.dump()).status;
    EXPECT_EQ(status.code, 422) << c.pointer << c.value.dump().substr(0, 60);
    EXPECT_EQ(status.detailsKind, "EndpointSlice");
    if (c.message != nullptr) {
      EXPECT_EQ(status.message, "EndpointSlice.discovery.k8s.io \"a\" is invalid: " + std::string(c.message));
    }
  }
  EXPECT_TRUE(Names(Kind::kEndpointSlice).empty());
  EXPECT_EQ(CreateJson(Kind::kEndpointSlice, SliceDoc().dump()).status.code, 201);
}

TEST_F(ClusterTest, FineSlices) {
  for (const char* change : {
           R"([{"op":"replace","path":"/endpoints/0/addresses/0","value":"010.0.0.1"}])",
           R"([{"op":"add","path":"/endpoints/0/hostname","value":"web-0"}])",
           R"([{"op":"replace","path":"/ports","value":[]},{"op":"replace","path":"/endpoints","value":[]}])",
           R"([{"op":"replace","path":"/addressType","value":"FQDN"},
               {"op":"replace","path":"/endpoints/0/addresses/0","value":"a.example.com"}])",
           R"([{"op":"replace","path":"/addressType","value":"IPv6"},
               {"op":"replace","path":"/endpoints/0/addresses/0","value":"fd00::1"}])",
       }) {
    Restart(Options());
    const Status status = CreateJson(Kind::kEndpointSlice, SliceDoc().patch(json::parse(change)).dump()).status;
    EXPECT_EQ(status.code, 201) << status.ToString();
  }
}

TEST_F(ClusterTest, AddressTypeIsImmutable) {
  EndpointSlice slice = Slice("svc-0-tnpxt");
  Create(AnyObject::Of(slice));
  slice.addressType = Text("IPv6");
  const Status status = Update(AnyObject::Of(slice)).status;
  EXPECT_EQ(status.message,
            "EndpointSlice.discovery.k8s.io \"svc-0-tnpxt\" is invalid: addressType: Invalid value: \"IPv6\": field is "
            "immutable");
  ASSERT_EQ(status.causes.size(), 1u);
  EXPECT_EQ(status.causes[0].reason, "FieldValueInvalid");
  EXPECT_EQ(status.causes[0].field, "addressType");
}

TEST_F(ClusterTest, Names) {
  struct Case {
    Kind kind;
    const char* json;
    int code;
  };
  const Case kCases[] = {
      {Kind::kNode, R"({"metadata":{"name":"a.b-c"}})", 201},
      {Kind::kNode, R"({"metadata":{"name":"A"}})", 422},
      {Kind::kNode, R"({"metadata":{}})", 422},
      {Kind::kNamespace, R"({"metadata":{"name":"a.b"}})", 422},
      {Kind::kService, R"({"metadata":{"name":"1a","namespace":"shop"},"spec":{"ports":[{"port":1}]}})", 201},
      {Kind::kService, R"({"metadata":{"name":"a.b","namespace":"shop"},"spec":{"ports":[{"port":1}]}})", 422},
      {Kind::kService, R"({"metadata":{"name":"no-ports","namespace":"shop"},"spec":{}})", 422},
      {Kind::kService, R"({"metadata":{"name":"unnamed","namespace":"shop"},"spec":{"ports":[{"port":1},{"port":2}]}})",
       422},
      {Kind::kNode, R"({"metadata":{"name":"n","labels":{"-bad":"x"}}})", 422},
      {Kind::kNode, R"({"metadata":{"name":"n","labels":{"k":"not ok"}}})", 422},
      {Kind::kLease, R"({"metadata":{"name":"l","namespace":"shop"},"spec":{"leaseDurationSeconds":0}})", 422},
      {Kind::kLease, R"({"metadata":{"name":"l","namespace":"shop"},"spec":{"leaseDurationSeconds":15}})", 201},
      {Kind::kEvent, R"({"metadata":{"name":"e","namespace":"shop"},"involvedObject":{"namespace":"other"}})", 422},
      {Kind::kEvent, R"({"metadata":{"generateName":"svc.","namespace":"shop"},"involvedObject":{"namespace":"shop"}})",
       422},
      {Kind::kEvent, R"({"metadata":{"generateName":"svc-","namespace":"shop"},"involvedObject":{"namespace":"shop"}})",
       201},
      {Kind::kPod, R"({"metadata":{"name":"p"}})", 400},
  };
  for (const Case& c : kCases) {
    const Status status = CreateJson(c.kind, c.json).status;
    EXPECT_EQ(status.code, c.code) << c.json << status.ToString();
  }
}

TEST_F(ClusterTest, MismatchesAre400) {
  Create(AnyObject::Of(Slice("a")));
  Request request = Named(Verb::kUpdate, Kind::kEndpointSlice, "shop", "b");
  request.object = AnyObject::Of(Slice("a"));
  EXPECT_EQ(server_->Handle(request).status,
            StatusBadRequest("the name of the object (a) does not match the name on the URL (b)"));
  request = Named(Verb::kCreate, Kind::kEndpointSlice, "other", "");
  request.object = AnyObject::Of(Slice("c"));
  EXPECT_EQ(server_->Handle(request).status,
            StatusBadRequest("the namespace of the provided object does not match the namespace sent on the request"));
  request.object = AnyObject::Of(BoundPod("p"));
  EXPECT_EQ(server_->Handle(request).status.code, 400);
  EXPECT_EQ(server_->Handle(Named(Verb::kCreate, Kind::kPod, "shop", "")).status.code, 400);
  EXPECT_EQ(server_->Handle(Named(Verb::kWatch, Kind::kPod, "shop", "")).status.code, 400);
}

// The bodies a real kube-apiserver v1.36 answered with, against ours for the
// same mistakes.
TEST_F(ClusterTest, StatusesAreThoseOfARealServer) {
  const auto body = [](const std::string& name) {
    std::ifstream file(std::string(EPSLICE_SOURCE_DIR) + "/test/testdata/wire/" + name + ".body");
    std::ostringstream text;
    text << file.rdbuf();
    return json::parse(text.str());
  };
  const auto ours = [](const Status& status) { return json::parse(EncodeJson(status)); };
  Create(AnyObject::Of(Slice("svc-0-tnpxt")));
  Create(AnyObject::Of(BoundPod("p")));
  EndpointSlice stale = *Get(Kind::kEndpointSlice, "shop", "svc-0-tnpxt").object.As<EndpointSlice>();
  stale.metadata.resourceVersion = Text("1");
  EXPECT_EQ(ours(Update(AnyObject::Of(stale)).status), body("error-409-update"));
  stale.metadata.resourceVersion = Text();
  stale.addressType = Text("IPv6");
  EXPECT_EQ(ours(Update(AnyObject::Of(stale)).status), body("error-422-addresstype"));
  EXPECT_EQ(ours(Create(AnyObject::Of(Slice("x-dj4rm", {"10.0.0.300"}))).status), body("error-422-badip"));
  EXPECT_EQ(ours(Get(Kind::kPod, "shop", "none").status), body("error-404"));
  EXPECT_EQ(ours(CreateJson(Kind::kNamespace, R"({"metadata":{"name":"shop"}})").status), body("error-409-exists"));
  WatchLog log;
  Status status;
  ListOptions options;
  options.sendInitialEvents = true;
  options.allowWatchBookmarks = true;
  Watch(Kind::kService, options, &log, &status);
  EXPECT_EQ(ours(status), body("error-422-watchlist"));
  Delete(Kind::kNamespace, "", "shop");
  EXPECT_EQ(ours(Create(AnyObject::Of(Slice("late"))).status), body("error-403-terminating"));
}

}  // namespace
}  // namespace epslice::sim
