#include "controllers/manager/service_event.h"

#include <string>

#include "apis/names.h"
#include "gtest/gtest.h"

namespace epslice {
namespace {

TEST(ServiceEventTest, NamesTheServiceAndTheComponent) {
  Service service;
  service.metadata.namespace_ = "shop";
  service.metadata.name = "cart";
  service.metadata.uid = "u1";
  service.metadata.resourceVersion = "7";
  const PlannedEvent planned{"Warning", "TopologyAwareHintsDisabled", "No hints, addressType: IPv4"};
  const Timestamp now = Timestamp::FromSeconds(1'767'323'045);
  const Request request = ServiceEventRequest(service, planned, 0, now);
  EXPECT_EQ(request.verb, Verb::kCreate);
  EXPECT_EQ(request.kind, Kind::kEvent);
  EXPECT_EQ(request.namespace_, "shop");
  const auto event = request.object.As<Event>();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->metadata.namespace_, "shop");
  EXPECT_EQ(event->metadata.name, "cart.1886caf21c963200");
  EXPECT_EQ(event->involvedObject.kind, "Service");
  EXPECT_EQ(event->involvedObject.uid, "u1");
  EXPECT_EQ(event->type, "Warning");
  EXPECT_EQ(event->reason, "TopologyAwareHintsDisabled");
  EXPECT_EQ(event->message, "No hints, addressType: IPv4");
  EXPECT_EQ(event->sourceComponent, "endpoint-slice-controller");
  EXPECT_EQ(event->count, 1);
  EXPECT_EQ(event->firstTimestamp, now);
  EXPECT_EQ(event->lastTimestamp, now);
}

TEST(ServiceEventTest, NamesAreValidAndDiffer) {
  for (const std::string& name : {std::string("a"), std::string(253, 'a'), std::string(235, 'a') + ".b"}) {
    Service service;
    service.metadata.name = name;
    const Timestamp now = Timestamp::FromSeconds(1);
    const auto a = ServiceEventRequest(service, {}, 0, now).object.As<Event>();
    const auto b = ServiceEventRequest(service, {}, 1, now).object.As<Event>();
    EXPECT_TRUE(IsDns1123Subdomain(a->metadata.name)) << a->metadata.name;
    EXPECT_NE(a->metadata.name, b->metadata.name);
  }
}

}  // namespace
}  // namespace epslice
