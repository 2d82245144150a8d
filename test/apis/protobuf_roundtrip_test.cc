// What is written as protobuf reads back equal: a few objects byte by byte,
// then many random ones.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "apis/json.h"
#include "apis/protobuf.h"
#include "random_objects.h"

namespace epslice {
namespace {

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

TEST(ProtobufRoundTrip, BytesOfALease) {
  Lease lease;
  lease.metadata.name = "n";
  lease.leaseTransitions = 0;
  lease.renewTime = Timestamp{1'000'001'999};
  EXPECT_EQ(Hex(EncodeProtobuf(lease)),
            "6b387300"                                      // k8s
            "0a1f"                                          // 1: typeMeta
            "0a16636f6f7264696e6174696f6e2e6b38732e696f2f"  // 1: coordination.k8s.io/
            "7631"                                          // v1
            "12054c65617365"                                // 2: Lease
            "1210"                                          // 2: raw
            "0a030a016e"                                    // 1: metadata{1: "n"}
            "1209"                                          // 2: spec
            "2205"                                          // 4: renewTime, cut to microseconds
            "080110e807"                                    // {1 s, 2: 1000 ns}
            "2800");                                        // 5: leaseTransitions
}

TEST(ProtobufRoundTrip, BytesOfDeleteOptions) {
  DeleteOptions options;
  options.gracePeriodSeconds = 0;
  options.preconditionUid = "u";
  options.propagationPolicy = "Orphan";
  EXPECT_EQ(Hex(EncodeProtobuf(options)),
            "6b387300"
            "0a13"
            "0a027631"
            "120d44656c6574654f7074696f6e73"
            "120f"
            "0800"                // 1: gracePeriodSeconds
            "12030a0175"          // 2: preconditions{1: uid}
            "22064f727068616e");  // 4: propagationPolicy
}

TEST(ProtobufRoundTrip, FramesCarryTheirLength) {
  std::string out = "x";
  AppendWatchFrame(std::string(258, 'y'), &out);
  EXPECT_EQ(out.substr(1, 4), std::string("\0\0\1\2", 4));
  EXPECT_EQ(out.size(), 1 + 4 + 258U);
}

TEST(ProtobufRoundTrip, PresentButEmptyIsNotAbsent) {
  EndpointSlice slice;
  Endpoint bare;
  bare.targetRef = ObjectReference();
  bare.hints = EndpointHints();
  bare.conditions = {false, std::nullopt, true};
  slice.endpoints = {bare, Endpoint()};
  slice.ports = {{"", "TCP", std::nullopt, std::nullopt}, {"a", "SCTP", 0, Text()}};
  EXPECT_EQ(*DecodeProtobuf<EndpointSlice>(EncodeProtobuf(slice)), slice);

  Service service;
  service.spec.trafficDistribution = Text();
  service.spec.ports = {{"", "TCP", Text(), 80, 0, {}}};
  EXPECT_EQ(*DecodeProtobuf<Service>(EncodeProtobuf(service)), service);
  // But for the one thing protobuf cannot say.
  service.spec.selector = StringMap();
  EXPECT_EQ(DecodeProtobuf<Service>(EncodeProtobuf(service))->spec.selector, std::nullopt);
}

TEST(ProtobufRoundTrip, Statuses) {
  Status status;
  EXPECT_EQ(*DecodeStatusProtobuf(EncodeProtobuf(status)), status);
  status = StatusInvalid(Kind::kPod, "n", {{"FieldValueInvalid", "cm", "spec"}, {"", "", ""}});
  status.detailsUid = "u";
  status.retryAfterSeconds = 2;
  EXPECT_EQ(*DecodeStatusProtobuf(EncodeProtobuf(status)), status);
  // A failure never passes for a success.
  status.code = 0;
  EXPECT_EQ(DecodeStatusProtobuf(EncodeProtobuf(status))->code, 500);
}

TEST(ProtobufRoundTrip, WatchEvents) {
  for (const EventSpelling spelling : {EventSpelling::kCore, EventSpelling::kEventsV1}) {
    WatchEvent event;
    event.type = WatchEventType::kBookmark;
    event.resourceVersion = "42";
    for (const bool end : {false, true}) {
      event.initialEventsEnd = end;
      const auto back = DecodeWatchEventProtobuf(Kind::kEvent, EncodeWatchEventProtobuf(Kind::kEvent, event, spelling));
      ASSERT_TRUE(back.ok()) << back.status();
      EXPECT_EQ(back->type, WatchEventType::kBookmark);
      EXPECT_EQ(back->resourceVersion, "42");
      EXPECT_EQ(back->initialEventsEnd, end);
    }
    event = {};
    event.type = WatchEventType::kError;
    event.status = StatusExpired("too old");
    auto back = DecodeWatchEventProtobuf(Kind::kEvent, EncodeWatchEventProtobuf(Kind::kEvent, event, spelling));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->status, event.status);

    event = {};
    event.type = WatchEventType::kModified;
    Event object;
    Maker(1).Make(&object);
    event.object = AnyObject::Of(object);
    back = DecodeWatchEventProtobuf(Kind::kEvent, EncodeWatchEventProtobuf(Kind::kEvent, event, spelling));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->type, WatchEventType::kModified);
    EXPECT_EQ(*back->object.As<Event>(), object);
  }
}

template <typename T>
class ProtobufRandomRoundTrip : public testing::Test {};
using AllKinds = testing::Types<Namespace, Node, Pod, Service, EndpointSlice, Event, Lease>;
TYPED_TEST_SUITE(ProtobufRandomRoundTrip, AllKinds);

TYPED_TEST(ProtobufRandomRoundTrip, ObjectsAndLists) {
  ObjectList list;
  list.resourceVersion = "9";
  list.continueToken = "more";
  list.remainingItemCount = 12;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    TypeParam object;
    Maker(seed).Make(&object);
    if constexpr (TypeParam::kKind == Kind::kService) {
      if (object.spec.selector.has_value() && object.spec.selector->empty()) object.spec.selector.reset();
    }
    const std::string bytes = EncodeProtobuf(object);
    const absl::StatusOr<TypeParam> back = DecodeProtobuf<TypeParam>(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_TRUE(*back == object) << "seed " << seed << "\n" << EncodeJson(object) << "\n" << EncodeJson(*back);
    EXPECT_EQ(EncodeProtobuf(*back), bytes);
    // And the JSON decoder agrees on what the object is.
    EXPECT_TRUE(*DecodeJson<TypeParam>(EncodeJson(*back)) == object);
    if constexpr (TypeParam::kKind == Kind::kEvent) {
      EXPECT_TRUE(*DecodeProtobuf<Event>(EncodeEventsV1Protobuf(object)) == object) << seed;
    }
    list.items.push_back(AnyObject::Of(object));
  }
  for (const EventSpelling spelling : {EventSpelling::kCore, EventSpelling::kEventsV1}) {
    const std::string bytes = EncodeListProtobuf(TypeParam::kKind, list, spelling);
    const absl::StatusOr<ObjectList> back = DecodeListProtobuf(TypeParam::kKind, bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->resourceVersion, "9");
    EXPECT_EQ(back->continueToken, "more");
    EXPECT_EQ(back->remainingItemCount, 12);
    ASSERT_EQ(back->items.size(), list.items.size());
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      ASSERT_TRUE(*back->items[i].template As<TypeParam>() == *list.items[i].template As<TypeParam>()) << i;
    }
    EXPECT_EQ(EncodeListProtobuf(TypeParam::kKind, *back, spelling), bytes);
  }
}

TEST(ProtobufMetadata, OfASliceNothingElseIsRead) {
  EndpointSlice slice;
  slice.metadata.name = "web-x";
  slice.metadata.uid = "u1";
  slice.metadata.generation = 7;
  slice.addressType = "IPv4";
  slice.endpoints.resize(3);
  slice.ports.resize(1);
  const auto read = DecodeObjectMetadataProtobuf(Kind::kEndpointSlice, EncodeProtobuf(slice));
  ASSERT_TRUE(read.ok()) << read.status();
  EndpointSlice metadata;
  metadata.metadata = slice.metadata;
  EXPECT_EQ(*read->As<EndpointSlice>(), metadata);

  std::string partial;
  AppendMetadataProtobuf(AnyObject::Of(slice), &partial);
  const auto from_partial = DecodeObjectMetadataProtobuf(Kind::kEndpointSlice, partial);
  ASSERT_TRUE(from_partial.ok()) << from_partial.status();
  EXPECT_EQ(*from_partial->As<EndpointSlice>(), metadata);
  // Never for the whole.
  EXPECT_FALSE(DecodeObjectProtobuf(Kind::kEndpointSlice, partial).ok());
  EXPECT_FALSE(DecodeObjectMetadataProtobuf(Kind::kEndpointSlice, EncodeProtobuf(Service())).ok());
}

}  // namespace
}  // namespace epslice
