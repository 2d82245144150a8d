// Topology hints: in proportion to CPU, by traffic distribution, on and off.
#include <map>
#include <string>
#include <vector>

#include "test/e2e/fixture.h"

namespace epslice::e2e {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class Hints : public E2eTest {
 protected:
  // How many ready endpoints are hinted for each zone.
  std::map<std::string, int> Zones(const std::string& service) {
    std::map<std::string, int> zones;
    for (const Json& slice : Slices(service)) {
      for (const Json& endpoint : slice.value("endpoints", Json::array())) {
        if (endpoint.at("conditions").at("ready") != true) continue;
        const Json hints = endpoint.value("hints", Json::object());
        for (const Json& zone : hints.value("forZones", Json::array())) ++zones[zone.at("name").get<std::string>()];
      }
    }
    return zones;
  }
  bool UntilZones(const std::map<std::string, int>& want) {
    return Until("hints for " + Json(want).dump(), [&] { return Zones("web") == want; });
  }
  void Annotate(const Json& mode) {
    Patch("services", "web", {{"metadata", {{"annotations", {{"service.kubernetes.io/topology-mode", mode}}}}}});
  }
  // Whether the Service was told so by an Event.
  bool WasTold(const std::string& reason, const std::string& part) {
    const Answer answer = admin().Get(Path("events"));
    if (!answer.ok()) return false;
    for (const Json& event : answer.body.at("items")) {
      if (event.at("involvedObject").value("name", "") == "web" && event.value("reason", "") == reason &&
          event.value("message", "").find(part) != std::string::npos) {
        return true;
      }
    }
    return false;
  }
  // A node falls silent, or is back, and what runs on it with it.
  void SetNodeReady(const std::string& node, const std::vector<std::string>& pods, bool ready) {
    Patch("nodes", NodeName(node),
          {{"status", {{"conditions", Json::array({{{"type", "Ready"}, {"status", ready ? "True" : "Unknown"}}})}}}},
          "status");
    for (const std::string& pod : pods) SetReady(pod, ready);
  }
};

#define EPSLICE_NEED_ALL_NODES()                                                                     \
  if (HasForeignNodes()) GTEST_SKIP() << "NOT TESTED: the cluster has nodes that count beside ours"; \
  static_assert(true)

TEST_F(Hints, InProportionToCpuOnAndOff) {
  EPSLICE_NEED_ALL_NODES();
  AddNode("a1", "zone-a", "4");
  AddNode("b1", "zone-b", "4");
  AddNode("c1", "zone-c", "8");
  CreateService("web");
  CreatePods("web", 0, 12);
  ASSERT_TRUE(Settle());
  EXPECT_THAT(Zones("web"), IsEmpty());
  // Four in each zone; zone-c has half of the CPU, and so half of the traffic.
  Annotate("Auto");
  ASSERT_TRUE(UntilZones({{"zone-a", 3}, {"zone-b", 3}, {"zone-c", 6}}));
  Until("an Event that says so", [&] { return WasTold("TopologyAwareHintsEnabled", "addressType: IPv4"); });
  Annotate(nullptr);
  ASSERT_TRUE(UntilZones({}));
  Annotate("Auto");
  ASSERT_TRUE(UntilZones({{"zone-a", 3}, {"zone-b", 3}, {"zone-c", 6}}));
  ASSERT_TRUE(Settle());
  EXPECT_THAT(EmptyWrites(watch().Events()), IsEmpty());
}

TEST_F(Hints, ZonesAreLostAndFound) {
  EPSLICE_NEED_ALL_NODES();
  AddThreeZones(1);
  CreateService("web", Json::object(), {{"annotations", {{"service.kubernetes.io/topology-mode", "Auto"}}}});
  CreatePods("web", 0, 12);
  ASSERT_TRUE(UntilZones({{"zone-a", 4}, {"zone-b", 4}, {"zone-c", 4}}));
  const std::vector<std::string> on_c1 = {"web-2", "web-5", "web-8", "web-11"};
  SetNodeReady("c1", on_c1, false);
  ASSERT_TRUE(UntilZones({{"zone-a", 4}, {"zone-b", 4}}));
  ASSERT_TRUE(Settle());
  SetNodeReady("c1", on_c1, true);
  ASSERT_TRUE(UntilZones({{"zone-a", 4}, {"zone-b", 4}, {"zone-c", 4}}));
  // And with its node its pods go.
  DeleteNode("c1");
  ASSERT_TRUE(UntilZones({{"zone-a", 4}, {"zone-b", 4}}));
  // One zone alone needs no hints.
  DeleteNode("b1");
  ASSERT_TRUE(UntilZones({}));
  Until("an Event that says so", [&] { return WasTold("TopologyAwareHintsDisabled", "addressType: IPv4"); });
  AddNode("b1", "zone-b");
  AddNode("c1", "zone-c");
  ASSERT_TRUE(UntilZones({{"zone-a", 4}, {"zone-b", 4}, {"zone-c", 4}}));
  // Fewer endpoints than zones.
  for (int i = 2; i < 12; ++i) FinishPod("web-" + std::to_string(i));
  ASSERT_TRUE(UntilZones({}));
  Until("an Event that says so", [&] {
    return WasTold("TopologyAwareHintsDisabled", "Insufficient number of endpoints (2 endpoints, 3 zones)");
  });
}

TEST_F(Hints, TrafficDistribution) {
  AddThreeZones(1);
  CreateService("web", {{"trafficDistribution", "PreferClose"}});
  CreateService("near", {{"trafficDistribution", "PreferSameNode"}});
  CreatePods("web", 0, 5);
  CreatePods("late", 5, 1, {.name = "", .node = "", .ready = false});
  ASSERT_TRUE(Settle());
  EXPECT_THAT(Zones("web"), UnorderedElementsAre(Pair("zone-a", 2), Pair("zone-b", 2), Pair("zone-c", 1)));
  EXPECT_EQ(EndpointOf("near", "web-1").at("hints"), Json({{"forZones", Json::array({{{"name", "zone-b"}}})},
                                                           {"forNodes", Json::array({{{"name", NodeName("b1")}}})}}));
  SetReady("late-5", true);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Zones("web").at("zone-c"), 2);
  Patch("services", "web", {{"spec", {{"trafficDistribution", "PreferSameNode"}}}});
  Patch("services", "near", {{"spec", {{"trafficDistribution", nullptr}}}});
  ASSERT_TRUE(Settle());
  EXPECT_TRUE(EndpointOf("web", "web-0").at("hints").contains("forNodes"));
  EXPECT_FALSE(EndpointOf("near", "web-0").contains("hints"));
}

}  // namespace
}  // namespace epslice::e2e
