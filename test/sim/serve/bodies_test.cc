#include "sim/serve/bodies.h"

#include <gtest/gtest.h>

#include <functional>
#include <protozero/pbf_writer.hpp>
#include <string>

#include "apis/json.h"
#include "apis/protobuf.h"
#include "sim/serve/protobuf_body.h"
#include "test/apis/random_objects.h"
#include "test/sanitized.h"

namespace epslice::sim {
namespace {

Route RouteOf(Verb verb, Kind kind, std::string name) {
  Route route;
  route.target = Route::Target::kResource;
  route.request.verb = verb;
  route.request.kind = kind;
  route.request.namespace_ = "shop";
  route.request.name = verb == Verb::kCreate ? "" : std::move(name);
  return route;
}

// The short way for what controllers write and the long one over JSON agree,
// in what they read and in what they refuse.
template <typename T>
class WholeBodiesTest : public testing::Test {
 protected:
  static void ExpectBothAlike(const T& object, const std::string& bytes, const std::string& name) {
    const auto json = ProtobufToJson(bytes);
    ASSERT_TRUE(json.ok()) << json.status();
    for (const Verb verb : {Verb::kCreate, Verb::kUpdate}) {
      Route by_protobuf = RouteOf(verb, T::kKind, name);
      Route by_json = RouteOf(verb, T::kKind, name);
      const Status status = ReadBody("application/vnd.kubernetes.protobuf", bytes, &by_protobuf);
      const Status want = ReadBody("application/json", *json, &by_json);
      ASSERT_EQ(status.code, want.code) << status.message;
      EXPECT_EQ(status.message, want.message);
      if (!want.ok()) continue;
      EXPECT_TRUE(*by_protobuf.request.object.As<T>() == *by_json.request.object.As<T>()) << EncodeJson(object);
    }
  }
};
using WholeKinds = testing::Types<EndpointSlice, Lease>;
TYPED_TEST_SUITE(WholeBodiesTest, WholeKinds);

TYPED_TEST(WholeBodiesTest, AgreeWithTheWayOverJson) {
  constexpr int kObjects = epslice::testkit::Rounds(200, 40);
  int short_ways = 0;
  for (std::uint64_t seed = 0; seed < kObjects; ++seed) {
    TypeParam object;
    Maker(seed).Make(&object);
    object.metadata.name = "a";
    for (const char* ns : {"shop", "", "other"}) {
      object.metadata.namespace_ = ns;
      const std::string bytes = EncodeProtobuf(object);
      this->ExpectBothAlike(object, bytes, "a");
      this->ExpectBothAlike(object, bytes, "b");
    }
    object.metadata.namespace_ = "shop";
    Route route = RouteOf(Verb::kUpdate, TypeParam::kKind, "a");
    ASSERT_TRUE(ReadBody("application/vnd.kubernetes.protobuf", EncodeProtobuf(object), &route).ok());
    short_ways += route.request.object.json() == nullptr ? 1 : 0;
  }
  EXPECT_EQ(short_ways, kObjects);
}

std::string BytesOf(const std::function<void(protozero::pbf_writer*)>& fill) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  fill(&writer);
  return bytes;
}

// What the struct has no place for is kept, by the way over JSON.
TEST(BodiesTest, KeepsWhatTheStructDoesNotHold) {
  const auto body = [] {
    const std::string endpoint = BytesOf([](protozero::pbf_writer* w) {
      w->add_string(1, "10.0.0.1");
      w->add_message(5, BytesOf([](protozero::pbf_writer* entry) {
                       entry->add_string(1, "rack");
                       entry->add_string(2, "r1");
                     }));
    });
    const std::string slice = BytesOf([&](protozero::pbf_writer* w) {
      w->add_message(1, BytesOf([](protozero::pbf_writer* meta) { meta->add_string(1, "a"); }));
      w->add_message(2, endpoint);
      w->add_string(4, "IPv4");
    });
    return std::string("k8s\0", 4) + BytesOf([&](protozero::pbf_writer* w) {
             w->add_message(1, BytesOf([](protozero::pbf_writer* type) {
                              type->add_string(1, "discovery.k8s.io/v1");
                              type->add_string(2, "EndpointSlice");
                            }));
             w->add_message(2, slice);
           });
  };
  Route route = RouteOf(Verb::kUpdate, Kind::kEndpointSlice, "a");
  Status status = ReadBody("application/vnd.kubernetes.protobuf", body(), &route);
  ASSERT_TRUE(status.ok()) << status.message;
  ASSERT_NE(route.request.object.json(), nullptr);
  EXPECT_NE(route.request.object.json()->find("rack"), std::string::npos) << *route.request.object.json();
}

}  // namespace
}  // namespace epslice::sim
