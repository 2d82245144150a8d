#include "apis/kind.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "apis/object.h"

namespace epslice {
namespace {

TEST(KindTest, TableIsInEnumOrder) {
  for (Kind kind : kAllKinds) {
    const KindInfo& info = InfoOf(kind);
    EXPECT_EQ(info.kind, kind);
    EXPECT_EQ(KindFromName(info.apiVersion, info.name), kind);
    const std::string api_version =
        info.group.empty() ? std::string(info.version) : std::string(info.group) + "/" + std::string(info.version);
    EXPECT_EQ(info.apiVersion, api_version);
    EXPECT_EQ(info.path, (info.group.empty() ? "/api/" : "/apis/") + api_version);
    EXPECT_EQ(info.resource, std::string(info.singular) + "s");
  }
}

TEST(KindTest, FindsByApiVersionAndKind) {
  EXPECT_EQ(KindFromName("events.k8s.io/v1", "Event"), Kind::kEvent);
  EXPECT_EQ(KindFromName("v1", "EndpointSlice"), std::nullopt);
  EXPECT_EQ(KindFromName("discovery.k8s.io/v1beta1", "EndpointSlice"), std::nullopt);
  EXPECT_EQ(KindFromName("v1", "pod"), std::nullopt);
  EXPECT_EQ(KindFromName("", ""), std::nullopt);
}

template <typename T>
void ExpectHolds() {
  T object;
  object.metadata.name = "n";
  object.metadata.namespace_ = "ns";
  const AnyObject any = AnyObject::Of(object);
  ASSERT_TRUE(any.has_value());
  EXPECT_EQ(any.kind(), T::kKind);
  EXPECT_EQ(any.meta().name, "n");
  EXPECT_EQ(any.object_meta() == nullptr, T::kKind == Kind::kPod);
  ASSERT_NE(any.As<T>(), nullptr);
  EXPECT_EQ(*any.As<T>(), object);
  EXPECT_EQ(any.json(), nullptr);
  if constexpr (T::kKind != Kind::kLease) {
    EXPECT_EQ(any.As<Lease>(), nullptr);
  }
}

TEST(AnyObjectTest, HoldsEveryKind) {
  ExpectHolds<Namespace>();
  ExpectHolds<Node>();
  ExpectHolds<Pod>();
  ExpectHolds<Service>();
  ExpectHolds<EndpointSlice>();
  ExpectHolds<Event>();
  ExpectHolds<Lease>();
}

TEST(AnyObjectTest, EmptyHoldsNothing) {
  const AnyObject any;
  EXPECT_FALSE(any.has_value());
  EXPECT_EQ(any.As<Namespace>(), nullptr);
}

TEST(AnyObjectTest, SharesTheObjectAndItsJson) {
  const auto pod = std::make_shared<const Pod>();
  const auto json = std::make_shared<const std::string>("{}");
  const AnyObject any(pod, json);
  const AnyObject copy = any;
  EXPECT_EQ(copy.As<Pod>(), pod);
  EXPECT_EQ(copy.json(), json);
}

}  // namespace
}  // namespace epslice
