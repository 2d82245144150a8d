#include "controllers/topologyhints/proxy_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Spec {
  std::string address;
  std::string node;
  std::vector<std::string> for_zones = {};
  std::vector<std::string> for_nodes = {};
  EndpointConditions conditions = {true, true, false};
};

constexpr EndpointConditions kTerminating = {false, true, true};
constexpr EndpointConditions kNotReady = {false, false, false};

TextList Texts(const std::vector<std::string>& strings) { return {strings.begin(), strings.end()}; }

EndpointSlice MakeSlice(const std::vector<Spec>& specs, const std::string& port = "http") {
  EndpointSlice slice;
  EndpointPort p;
  p.name = Text(port);
  p.port = 80;
  slice.ports = {p};
  for (const Spec& spec : specs) {
    Endpoint endpoint;
    endpoint.addresses = {Text(spec.address)};
    endpoint.nodeName = Text(spec.node);
    endpoint.conditions = spec.conditions;
    if (!spec.for_zones.empty() || !spec.for_nodes.empty()) {
      endpoint.hints = EndpointHints{Texts(spec.for_zones), Texts(spec.for_nodes)};
    }
    slice.endpoints.push_back(std::move(endpoint));
  }
  return slice;
}

std::vector<std::string> Addresses(const ProxyView& view, ProxyView::Indexes indexes) {
  std::vector<std::string> addresses;
  for (const auto i : indexes) addresses.push_back(view.endpoints()[i]->addresses[0].str());
  return addresses;
}

TEST(ProxyViewTest, ClusterEndpoints) {
  struct Case {
    std::string what;
    std::vector<Spec> endpoints;
    std::string node, zone;
    TopologyMode mode;
    bool terminating;
    std::vector<std::string> picked;
  };
  const std::vector<Case> cases = {
      {"no hints", {{"1", "n1"}, {"2", "n2"}}, "n1", "a", TopologyMode::kNone, false, {"1", "2"}},
      {"own zone", {{"1", "", {"a"}}, {"2", "", {"b"}}}, "n1", "b", TopologyMode::kSameZone, false, {"2"}},
      {"several zones",
       {{"1", "", {"a", "b"}}, {"2", "", {"b"}}},
       "n",
       "b",
       TopologyMode::kSameZone,
       false,
       {"1", "2"}},
      {"a zone nobody names", {{"1", "", {"a"}}, {"2", "", {"b"}}}, "n", "c", TopologyMode::kNone, false, {"1", "2"}},
      {"one without a hint", {{"1", "", {"a"}}, {"2", ""}}, "n", "a", TopologyMode::kNone, false, {"1", "2"}},
      {"a node without a zone", {{"1", "", {"a"}}, {"2", "", {"b"}}}, "n", "", TopologyMode::kNone, false, {"1", "2"}},
      {"own node before zone",
       {{"1", "n1", {"a"}, {"n1"}}, {"2", "n2", {"a"}, {"n2"}}},
       "n2",
       "a",
       TopologyMode::kSameNode,
       false,
       {"2"}},
      {"zone where no endpoint names the node",
       {{"1", "n1", {"a"}, {"n1"}}, {"2", "n2", {"b"}, {"n2"}}},
       "n3",
       "b",
       TopologyMode::kSameZone,
       false,
       {"2"}},
      {"node hints on some only: by zone",
       {{"1", "n1", {"a"}, {"n1"}}, {"2", "n2", {"a"}}},
       "n1",
       "a",
       TopologyMode::kSameZone,
       false,
       {"1", "2"}},
      {"endpoints not ready do not count",
       {{"1", "", {"a"}}, {"2", "", {}, {}, kNotReady}, {"3", "", {}, {}, kTerminating}},
       "n",
       "a",
       TopologyMode::kSameZone,
       false,
       {"1"}},
      {"none ready: those that serve while they end",
       {{"1", "", {"a"}, {}, kTerminating}, {"2", "", {}, {}, kNotReady}, {"3", "", {"b"}, {}, kTerminating}},
       "n",
       "a",
       TopologyMode::kNone,
       true,
       {"1", "3"}},
      {"nothing said counts as ready", {{"1", "", {}, {}, {}}}, "n", "a", TopologyMode::kNone, false, {"1"}},
      {"a name twice in a hint", {{"1", "", {"a", "a"}}}, "n", "a", TopologyMode::kSameZone, false, {"1"}},
      {"nobody", {}, "n", "a", TopologyMode::kNone, true, {}},
  };
  for (const Case& c : cases) {
    const EndpointSlice slice = MakeSlice(c.endpoints);
    const ProxyView view({&slice});
    const ProxyView::Pick pick = view.ClusterEndpoints(Text(c.node), Text(c.zone));
    EXPECT_EQ(pick.mode, c.mode) << c.what;
    EXPECT_EQ(pick.terminating, c.terminating) << c.what;
    EXPECT_EQ(Addresses(view, pick.endpoints), c.picked) << c.what;
  }
}

TEST(ProxyViewTest, LocalEndpoints) {
  const EndpointSlice slice = MakeSlice({{"1", "n1", {"b"}, {"n2"}},
                                         {"2", "n1", {}, {}, kTerminating},
                                         {"3", "n2", {}, {}, kTerminating},
                                         {"4", "n2", {}, {}, kNotReady}});
  const ProxyView view({&slice});
  EXPECT_THAT(Addresses(view, view.LocalEndpoints(Text("n1")).endpoints), ElementsAre("1")) << "hints play no part";
  EXPECT_FALSE(view.LocalEndpoints(Text("n1")).terminating);
  EXPECT_THAT(Addresses(view, view.LocalEndpoints(Text("n2")).endpoints), ElementsAre("3"));
  EXPECT_TRUE(view.LocalEndpoints(Text("n2")).terminating);
  EXPECT_THAT(view.LocalEndpoints(Text("n3")).endpoints, IsEmpty());
  EXPECT_THAT(view.LocalEndpoints(Text()).endpoints, IsEmpty());
}

TEST(ProxyViewTest, AnAddressInTwoSlicesCountsOnce) {
  const EndpointSlice one = MakeSlice({{"1", "", {"a"}}, {"2", "", {"b"}}});
  const EndpointSlice two = MakeSlice({{"2", ""}, {"3", "", {"b"}}});
  const ProxyView view({&one, nullptr, &two});
  EXPECT_TRUE(view.zone_hints_complete()) << "as the first slice has it";
  EXPECT_THAT(Addresses(view, view.ClusterEndpoints(Text(), Text("b")).endpoints), ElementsAre("2", "3"));
}

TEST(ProxyViewTest, EachPortForItself) {
  const EndpointSlice http = MakeSlice({{"1", ""}}, "http");
  const EndpointSlice admin = MakeSlice({{"2", "", {"a"}}}, "admin");
  EXPECT_EQ(ProxyView({&http, &admin}, "admin").ClusterEndpoints(Text(), Text("a")).mode, TopologyMode::kSameZone);
  EXPECT_EQ(ProxyView({&http, &admin}).ClusterEndpoints(Text(), Text("a")).mode, TopologyMode::kNone);
}

}  // namespace
}  // namespace epslice
