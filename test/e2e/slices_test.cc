// What slices say, from Services and pods as users and kubelets change them.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "test/e2e/fixture.h"

namespace epslice::e2e {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class Slices : public E2eTest {
 protected:
  // Numbers of endpoints, in falling order.
  std::vector<std::size_t> Fill(const std::string& service) {
    std::vector<std::size_t> fill;
    for (const Json& slice : E2eTest::Slices(service)) fill.push_back(slice.value("endpoints", Json::array()).size());
    std::sort(fill.rbegin(), fill.rend());
    return fill;
  }
};

TEST_F(Slices, ColdStart) {
  constexpr int kServices = 20;
  constexpr int kPodsEach = 6;
  suite().StopController();
  AddThreeZones(2);
  for (int i = 0; i < kServices; ++i) {
    const std::string app = "app-" + std::to_string(i);
    CreateService(app, {{"selector", {{"app", app}}}}, {{"labels", {{"team", "t" + std::to_string(i % 3)}}}});
    // Each third pod is not ready yet; the first ones come by the scheduler's way.
    for (int p = 0; p < kPodsEach; ++p) {
      CreatePods(app, p, 1, {.name = "", .node = "", .labels = {{"app", app}}, .ready = p % 3 != 2, .bind = p == 0});
    }
  }
  EXPECT_THAT(watch().Events(), IsEmpty());
  suite().EnsureController();
  ASSERT_TRUE(Settle());
  // One write each, and no second thoughts.
  EXPECT_THAT(watch().Events(), SizeIs(kServices));
}

TEST_F(Slices, RollingUpdateDrainsGracefully) {
  constexpr int kPods = 4;
  AddThreeZones(1);
  CreateService("web");
  CreatePods("old", 0, kPods);
  ASSERT_TRUE(Settle());
  const std::size_t before = watch().EventCount();
  for (int i = 0; i < kPods; ++i) {
    const std::string old_pod = "old-" + std::to_string(i);
    const std::string new_pod = "new-" + std::to_string(i);
    CreatePods("new", i, 1, {.name = "", .node = "", .ready = false});
    Until(new_pod + " not ready", [&] { return Conditions("web", new_pod) == "false/false/false"; });
    SetReady(new_pod, true);
    Until(new_pod + " ready", [&] { return Conditions("web", new_pod) == "true/true/false"; });
    DeletePod(old_pod);
    Until(old_pod + " draining", [&] { return Conditions("web", old_pod) == "false/true/true"; });
    SetReady(old_pod, false);
    Until(old_pod + " drained", [&] { return Conditions("web", old_pod) == "false/false/true"; });
    FinishPod(old_pod);
    Until(old_pod + " gone", [&] { return Conditions("web", old_pod).empty(); });
  }
  ASSERT_TRUE(Settle());
  // At no moment were there fewer ready endpoints than pods were wanted.
  const std::vector<SliceEvent> events = watch().Events();
  for (std::size_t i = before; i < events.size(); ++i) {
    const Json endpoints = events[i].slice.value("endpoints", Json::array());
    EXPECT_GE(std::count_if(endpoints.begin(), endpoints.end(),
                            [](const Json& endpoint) { return endpoint.at("conditions").at("ready") == true; }),
              kPods)
        << events[i].slice.dump();
  }
  EXPECT_THAT(EmptyWrites(events), IsEmpty());
}

TEST_F(Slices, ScaleOverTheBordersOfSlices) {
  constexpr int kMany = 250;
  AddThreeZones(2);
  // All at once, for a Service that comes last: as few slices as can be. Pods
  // and Services come to the controller by watches of their own; that it has
  // all pods is known when another Service's slices have them.
  CreatePods("web", 0, kMany);
  CreateService("herald");
  ASSERT_TRUE(Settle());
  const std::size_t heralded = watch().EventCount();
  CreateService("web");
  ASSERT_TRUE(Settle());
  EXPECT_THAT(Fill("web"), ElementsAre(100, 100, 50));
  EXPECT_EQ(watch().EventCount(), heralded + 3);
  Patch("services", "herald", {{"spec", {{"selector", {{"app", "nobody"}}}}}});
  ASSERT_TRUE(Settle());

  for (int i = 3; i < kMany; ++i) FinishPod("web-" + std::to_string(i));
  ASSERT_TRUE(Settle());
  // Slices are not rebalanced; those without endpoints are deleted.
  const std::size_t left = E2eTest::Slices("web").size();
  EXPECT_LE(left, 3U);
  EXPECT_GE(left, 1U);

  // One after another, as they come: slices fill up before new ones are made.
  const std::size_t before = watch().EventCount();
  CreatePods("web", 3, kMany - 3);
  ASSERT_TRUE(Settle());
  EXPECT_LE(E2eTest::Slices("web").size(), 6U);
  const std::vector<SliceEvent> events = watch().Events();
  EXPECT_LE(events.size() - before, static_cast<std::size_t>(kMany)) << "more writes than pods that came";
  EXPECT_THAT(EmptyWrites(events), IsEmpty());
  EXPECT_THAT(MomentsOfDuplicates(events), IsEmpty());

  for (int i = 0; i < kMany; ++i) FinishPod("web-" + std::to_string(i));
  ASSERT_TRUE(Settle());
  EXPECT_THAT(Fill("web"), ElementsAre(0));
}

TEST_F(Slices, DualStackAndHeadless) {
  AddThreeZones(1);
  CreateService("single");
  const Json dual = CreateService("dual", {{"ipFamilyPolicy", "PreferDualStack"}});
  CreateService("headless", {{"clusterIP", "None"}, {"ipFamilyPolicy", "PreferDualStack"}});
  CreateService("portless", {{"clusterIP", "None"}, {"ports", nullptr}});
  CreateService("early", {{"publishNotReadyAddresses", true}});
  CreatePods("web", 0, 3, {.name = "", .node = "", .hostname = "web", .subdomain = "headless"});
  CreatePods("late", 3, 1, {.name = "", .node = "", .ready = false});
  ASSERT_TRUE(Settle());
  EXPECT_EQ(EndpointCount("single"), 4U);
  EXPECT_EQ(EndpointOf("headless", "web-0").at("hostname"), "web");
  EXPECT_FALSE(EndpointOf("dual", "web-0").contains("hostname"));
  EXPECT_EQ(Conditions("early", "late-3"), "true/false/false");
  EXPECT_EQ(Conditions("dual", "late-3"), "false/false/false");
  if (suite().server().owned()) {
    EXPECT_THAT(dual.at("spec").at("ipFamilies"), SizeIs(2));
  }
  if (dual.at("spec").at("ipFamilies").size() == 2) {
    EXPECT_EQ(EndpointCount("dual", "IPv4"), 4U);
    EXPECT_EQ(EndpointCount("dual", "IPv6"), 4U);
    // Back to one family: the other's slices go.
    const Json& families = dual.at("spec").at("ipFamilies");
    Patch("services", "dual",
          {{"spec",
            {{"ipFamilyPolicy", "SingleStack"},
             {"ipFamilies", Json::array({families[0]})},
             {"clusterIPs", Json::array({dual.at("spec").at("clusterIP")})}}}});
    ASSERT_TRUE(Settle());
    EXPECT_EQ(EndpointCount("dual", families[0].get<std::string>()), 4U);
    EXPECT_EQ(EndpointCount("dual", families[1].get<std::string>()), 0U);
  }
}

TEST_F(Slices, NamedPortsThatDifferBetweenPods) {
  AddThreeZones(1);
  CreateService("web", {{"ports", Json::array({{{"name", "web"}, {"port", 80}, {"targetPort", "http"}},
                                               {{"name", "metrics"}, {"port", 9090}, {"targetPort", "metrics"}}})}});
  CreatePods("v1", 0, 2, {.name = "", .node = "", .ports = {{"http", 8080}}});
  CreatePods("v2", 2, 2, {.name = "", .node = "", .ports = {{"http", 9000}, {"metrics", 9100}}});
  CreatePods("v3", 4, 1, {.name = "", .node = "", .ports = {{"other", 1}}});
  const Json sidecar = {{"name", "sidecar"},
                        {"image", "registry.example/proxy:1"},
                        {"restartPolicy", "Always"},
                        {"ports", Json::array({{{"name", "metrics"}, {"containerPort", 15090}}})}};
  CreatePods(
      "v4", 5, 1,
      {.name = "", .node = "", .ports = {{"http", 8080}}, .extra_spec = {{"initContainers", Json::array({sidecar})}}});
  ASSERT_TRUE(Settle());
  // Four sets of ports, each in slices of its own.
  std::set<std::string> ports;
  for (const Json& slice : E2eTest::Slices("web")) ports.insert(slice.value("ports", Json::array()).dump());
  EXPECT_THAT(ports, SizeIs(4));
  EXPECT_THAT(E2eTest::Slices("web"), SizeIs(4));

  // The Service's ports change under them.
  Patch("services", "web",
        {{"spec",
          {{"ports", Json::array({{{"name", "web"},
                                   {"port", 80},
                                   {"protocol", "TCP"},
                                   {"appProtocol", "http"},
                                   {"targetPort", "http"}}})}}}});
  ASSERT_TRUE(Settle());
  FinishPod("v3-4");
  ASSERT_TRUE(Settle());
  EXPECT_THAT(E2eTest::Slices("web"), SizeIs(2));
}

TEST_F(Slices, SelectorAndLabelsChange) {
  AddThreeZones(1);
  CreateService("web", {{"selector", {{"app", "blue"}}}}, {{"labels", {{"team", "a"}}}});
  CreatePods("blue", 0, 3, {.name = "", .node = "", .labels = {{"app", "blue"}}});
  CreatePods("green", 3, 2, {.name = "", .node = "", .labels = {{"app", "green"}}});
  ASSERT_TRUE(Settle());
  EXPECT_EQ(EndpointCount("web"), 3U);
  Patch("services", "web", {{"spec", {{"selector", {{"app", "green"}}}}}});
  ASSERT_TRUE(Settle());
  EXPECT_EQ(EndpointCount("web"), 2U);
  // A pod changes sides.
  Patch("pods", "blue-0", {{"metadata", {{"labels", {{"app", "green"}}}}}});
  Patch("pods", "green-3", {{"metadata", {{"labels", {{"app", "blue"}}}}}});
  ASSERT_TRUE(Settle());
  EXPECT_FALSE(EndpointOf("web", "blue-0").is_null());
  EXPECT_TRUE(EndpointOf("web", "green-3").is_null());
  // Labels of the Service are those of its slices.
  Patch("services", "web", {{"metadata", {{"labels", {{"team", nullptr}, {"tier", "front"}}}}}});
  ASSERT_TRUE(Settle());
  // Without a selector the slices are left to whoever cares.
  const std::vector<Json> kept = E2eTest::Slices("web");
  Patch("services", "web", {{"spec", {{"selector", nullptr}}}});
  CreateService("after", {{"selector", {{"app", "blue"}}}});
  // Pods have a watch of their own, which may be quicker: who made slices of the second
  // Service has seen what became of the first.
  ASSERT_TRUE(Settle());
  Patch("pods", "blue-0", {{"metadata", {{"labels", {{"app", "blue"}}}}}});
  ASSERT_TRUE(Settle());
  EXPECT_EQ(E2eTest::Slices("web"), kept);
}

TEST_F(Slices, ServiceDeletedMadeAgainAndExternalName) {
  AddThreeZones(1);
  CreateService("web");
  CreatePods("web", 0, 2);
  ASSERT_TRUE(Settle());
  Delete("services", "web");
  if (suite().server().collects_garbage()) {
    Until("slices gone with their Service", [&] { return E2eTest::Slices("web").empty(); });
  }
  FinishPod("web-0");
  CreateService("web");
  // Its own slices only, whatever the one before it left.
  ASSERT_TRUE(Settle());
  EXPECT_EQ(EndpointCount("web"), 1U);

  const std::vector<Json> kept = E2eTest::Slices("web");
  Patch("services", "web",
        {{"spec",
          {{"type", "ExternalName"},
           {"externalName", "web.example.com"},
           {"clusterIP", nullptr},
           {"clusterIPs", nullptr}}}});
  CreatePods("web", 5, 1);
  CreateService("after");
  ASSERT_TRUE(Settle());
  EXPECT_EQ(E2eTest::Slices("web"), kept);
  CreateService("outside", {{"type", "ExternalName"}, {"externalName", "www.example.com"}, {"ports", nullptr}});
  ASSERT_TRUE(Settle());
  EXPECT_THAT(E2eTest::Slices("outside"), IsEmpty());
}

TEST_F(Slices, ForeignSlicesAreLeftAlone) {
  AddThreeZones(1);
  const auto slice = [](const std::string& name, const Json& labels) -> Json {
    return {{"apiVersion", "discovery.k8s.io/v1"},
            {"kind", "EndpointSlice"},
            {"metadata", {{"name", name}, {"labels", labels}}},
            {"addressType", "IPv4"},
            {"endpoints", Json::array({{{"addresses", Json::array({"192.0.2.1"})}}})},
            {"ports", Json::array({{{"name", "http"}, {"port", 8080}, {"protocol", "TCP"}}})}};
  };
  const Json theirs = Create("endpointslices", slice("theirs", {{"kubernetes.io/service-name", "web"},
                                                                {"endpointslice.kubernetes.io/managed-by", "them"}}));
  const Json nobodys = Create("endpointslices", slice("nobodys", {{"kubernetes.io/service-name", "web"}}));
  CreateService("web");
  CreatePods("web", 0, 2);
  ASSERT_TRUE(Settle());
  FinishPod("web-0");
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Get("endpointslices", "theirs"), theirs);
  EXPECT_EQ(Get("endpointslices", "nobodys"), nobodys);
  // One that claims to be ours, of a Service it does not belong to, goes.
  Create("endpointslices", slice("pretender", {{"kubernetes.io/service-name", "web"},
                                               {"endpointslice.kubernetes.io/managed-by", suite().controller_name()}}));
  ASSERT_TRUE(Settle());
  EXPECT_THAT(E2eTest::Slices("web"), SizeIs(1));
}

TEST_F(Slices, EditsAndDeletesByHandHeal) {
  const std::vector<std::pair<std::string, Json>> edits = {
      {"endpoints", {{"endpoints", Json::array()}}},
      {"ports", {{"ports", Json::array({{{"name", "http"}, {"port", 1}, {"protocol", "TCP"}}})}}},
      {"label-less", {{"metadata", {{"labels", {{"team", nullptr}}}}}}},
      {"label-more", {{"metadata", {{"labels", {{"extra", "1"}}}}}}},
      {"managed-by", {{"metadata", {{"labels", {{"endpointslice.kubernetes.io/managed-by", "them"}}}}}}},
      {"deleted", nullptr},
  };
  AddThreeZones(1);
  for (const auto& [service, edit] : edits) CreateService(service, Json::object(), {{"labels", {{"team", "a"}}}});
  CreatePods("web", 0, 3);
  ASSERT_TRUE(Settle());
  for (const auto& [service, edit] : edits) {
    const std::string name = E2eTest::Slices(service).at(0).at("metadata").at("name").get<std::string>();
    if (edit.is_null()) {
      Delete("endpointslices", name);
    } else {
      Patch("endpointslices", name, edit);
    }
  }
  ASSERT_TRUE(Settle());
  for (const auto& [service, edit] : edits) EXPECT_THAT(E2eTest::Slices(service), SizeIs(1)) << service;
}

TEST_F(Slices, ANodeGoesAndComesBack) {
  AddThreeZones(1);
  CreateService("web");
  CreateService("early", {{"publishNotReadyAddresses", true}});
  CreatePods("web", 0, 3);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(EndpointOf("web", "web-1").at("zone"), "zone-b");
  DeleteNode("b1");
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Conditions("web", "web-1"), "");
  EXPECT_EQ(Conditions("early", "web-1"), "true/true/false");
  // The same name, in another zone.
  AddNode("b1", "zone-c");
  ASSERT_TRUE(Settle());
  EXPECT_EQ(EndpointOf("web", "web-1").at("zone"), "zone-c");
  Patch("nodes", NodeName("b1"), {{"metadata", {{"labels", {{"topology.kubernetes.io/zone", "zone-b"}}}}}});
  ASSERT_TRUE(Settle());
  EXPECT_EQ(EndpointOf("early", "web-1").at("zone"), "zone-b");
}

}  // namespace
}  // namespace epslice::e2e
