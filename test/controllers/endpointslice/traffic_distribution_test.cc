// Reconcile() of Services with a trafficDistribution.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/controllers/builders.h"
#include "test/controllers/endpointslice/reconcile_fixture.h"

namespace epslice {
namespace {

using ::testing::IsEmpty;
using testkit::PodBuilder;
using testkit::ServiceBuilder;
using testkit::Slices;

using TrafficDistributionTest = testkit::ReconcileTest;

TEST_F(TrafficDistributionTest, Hints) {
  struct Case {
    std::string value;
    std::vector<std::string> zones, nodes;  // of the endpoint on n1 in zone a
  };
  for (const Case& c : std::vector<Case>{{"PreferClose", {"a"}, {}},
                                         {"PreferSameZone", {"a"}, {}},
                                         {"PreferSameNode", {"a"}, {"n1"}},
                                         {"Sideways", {}, {}}}) {
    SCOPED_TRACE(c.value);
    input_.slices.clear();
    input_.service = ServiceBuilder().Distribution(c.value);
    input_.pods = {PodBuilder("a", "10.0.0.1"), PodBuilder("b", "10.0.0.2").Ready(false),
                   PodBuilder("c", "10.0.0.3").Node("bare")};
    const Slices slices = Settle();
    const auto& endpoints = slices[0]->endpoints;
    std::vector<std::string> zones, nodes;
    if (endpoints[0].hints) {
      for (const Text& t : endpoints[0].hints->forZones) zones.push_back(t.str());
      for (const Text& t : endpoints[0].hints->forNodes) nodes.push_back(t.str());
    }
    EXPECT_EQ(zones, c.zones);
    EXPECT_EQ(nodes, c.nodes);
    EXPECT_FALSE(endpoints[1].hints) << "not ready";
    EXPECT_EQ(endpoints[2].hints.has_value(), c.value == "PreferSameNode") << "no zone, but a node";
    // The field taken away: the hints go, by one write.
    input_.service = ServiceBuilder();
    EXPECT_EQ(Ops(Run()), c.value == "Sideways" ? "c0 u0 d0" : "c0 u1 d0");
    Settle();
  }
}

TEST_F(TrafficDistributionTest, HintsOfEndpointsThatAreNotReadyStay) {
  input_.service = ServiceBuilder().Distribution("PreferClose");
  input_.pods = {PodBuilder("a", "10.0.0.1"), PodBuilder("b", "10.0.0.2").Ready(false)};
  Settle();
  Edit(0, [](EndpointSlice* s) { s->endpoints[1].hints = EndpointHints{{Text("z")}, {}}; });
  EXPECT_THAT(Run().writes, IsEmpty());
}

// As the reference, which looks at the number of zones.
TEST_F(TrafficDistributionTest, HintsOfNothingAreAsGoodAsNone) {
  input_.service = ServiceBuilder().Distribution("PreferSameZone");
  input_.pods = {PodBuilder("a", "10.0.0.1").Node("bare"), PodBuilder("b", "10.0.0.2")};
  Settle();
  Edit(0, [](EndpointSlice* s) { s->endpoints[0].hints = EndpointHints(); });
  EXPECT_THAT(Run().writes, IsEmpty());
  Edit(0, [](EndpointSlice* s) { s->endpoints[1].hints = EndpointHints(); });
  EXPECT_EQ(Ops(Run()), "c0 u1 d0") << "this one has a zone";
}

}  // namespace
}  // namespace epslice
