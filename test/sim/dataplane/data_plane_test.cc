// What becomes of traffic under each of kube-proxy's rules. All lags are
// constant: 0.1 s to the proxies, then a sync of 0.2 s.
#include <gtest/gtest.h>

#include <functional>

#include "test/sim/dataplane/hand_made.h"

namespace epslice::sim {
namespace {

using testkit::ConstantLags;
using testkit::End;
using testkit::HandMade;
using testkit::MakeNode;
using testkit::MakePod;
using testkit::MakeService;
using testkit::MakeSlice;

// Nodes na1, na2 in zone a and nb in b, 1 CPU each; pods by `pods` (node of p1,
// p2, ...); Service web of 90 requests/s, 30 from each node.
struct Cluster : HandMade {
  explicit Cluster(const std::vector<std::string>& pods, DataPlaneOptions options = ConstantLags())
      : HandMade(std::move(options)) {
    Load(MakeNode("na1", "a", 1000));
    Load(MakeNode("na2", "a", 1000));
    Load(MakeNode("nb", "b", 1000));
    for (std::size_t i = 0; i < pods.size(); ++i) Load(MakePod(static_cast<int>(i) + 1, pods[i]));
  }
};

struct Expected {
  double in_zone = 0, cross_zone = 0, black_holed = 0, rejected = 0, misrouted = 0, max_overload = 0;
};

void ExpectEach(const TrafficTotals& totals, double seconds, const Expected& each, const std::string& what) {
  EXPECT_NEAR(totals.requests, 90 * seconds, 1e-6) << what;
  EXPECT_NEAR(totals.in_zone, each.in_zone * seconds, 1e-6) << what;
  EXPECT_NEAR(totals.cross_zone, each.cross_zone * seconds, 1e-6) << what;
  EXPECT_NEAR(totals.black_holed, each.black_holed * seconds, 1e-6) << what;
  EXPECT_NEAR(totals.rejected, each.rejected * seconds, 1e-6) << what;
  EXPECT_NEAR(totals.misrouted, each.misrouted * seconds, 1e-6) << what;
  EXPECT_NEAR(totals.max_overload, each.max_overload, 1e-9) << what;
}

// Ten seconds of a state that does not change.
struct TrafficCase {
  std::string what;
  std::vector<End> ends;
  Expected each;
  std::function<void(Service*)> service = [](Service*) {};
  std::function<void(Cluster*)> truth = [](Cluster*) {};
};

const std::vector<TrafficCase>& Cases() {
  static const std::vector<TrafficCase> kCases = {
      {"no hints: evenly", {{1, "na1", "a"}, {2, "nb", "b"}}, {.in_zone = 45, .cross_zone = 45}},
      {"no endpoints", {}, {.rejected = 90}},
      {"zone hints: 60 from a, 30 from b",
       {{1, "na1", "a", "a"}, {2, "nb", "b", "b"}},
       {.in_zone = 90, .max_overload = 1.0 / 3}},
      {"one without a hint: evenly", {{1, "na1", "a", "a"}, {2, "nb", "b"}}, {.in_zone = 45, .cross_zone = 45}},
      {"nobody hinted for b: it sends to all",
       {{1, "na1", "a", "a"}, {2, "nb", "b", "a"}},
       {.in_zone = 45, .cross_zone = 45}},
      {"node hints, na2 has none and goes by zone: p1 gets 60",
       {{1, "na1", "a", "a", "na1"}, {2, "nb", "b", "b", "nb"}},
       {.in_zone = 90, .max_overload = 1.0 / 3}},
      {"node hints only: na2 sends to all",
       {{1, "na1", "a", "", "na1"}, {2, "nb", "b", "", "nb"}},
       {.in_zone = 75, .cross_zone = 15}},
      {"not ready ones get nothing",
       {{1, "na1", "a"}, {2, "nb", "b", "", "", false, true}},
       {.in_zone = 60, .cross_zone = 30},
       [](Service*) {},
       [](Cluster* c) { c->Load(MakePod(2, "nb", false)); }},
      {"terminating ones, where none is ready: no misrouting",
       {{1, "na1", "a", "", "", false, true, true}, {2, "nb", "b", "", "", false, true, true}},
       {.in_zone = 45, .cross_zone = 45},
       [](Service*) {},
       [](Cluster* c) {
         c->Load(MakePod(1, "na1", true, true));
         c->Load(MakePod(2, "nb", true, true));
       }},
      {"not serving any more: nobody", {{1, "na1", "a", "", "", false, false, true}}, {.rejected = 90}},
      {"internal Local: na2 has none and drops",
       {{1, "na1", "a"}, {2, "nb", "b"}},
       {.in_zone = 60, .black_holed = 30},
       [](Service* s) { s->spec.internalTrafficPolicy = Text("Local"); }},
      {"internal Local, no endpoints at all",
       {},
       {.rejected = 90},
       [](Service* s) { s->spec.internalTrafficPolicy = Text("Local"); }},
      {"external Cluster: 30 by each node, as from within",
       {{1, "na1", "a", "a"}, {2, "nb", "b", "b"}},
       {.in_zone = 90, .max_overload = 1.0 / 3},
       [](Service* s) { s->spec.type = Text("LoadBalancer"); }},
      {"external Local: half by each node with endpoints, p2 and p3 share one",
       {{1, "na1", "a"}, {2, "nb", "b"}, {3, "nb", "b"}},
       {.in_zone = 90, .max_overload = 0.5},
       [](Service* s) {
         s->spec.type = Text("LoadBalancer");
         s->spec.externalTrafficPolicy = Text("Local");
       }},
      {"external Local without a healthy node",
       {},
       {.rejected = 90},
       [](Service* s) {
         s->spec.type = Text("LoadBalancer");
         s->spec.externalTrafficPolicy = Text("Local");
       }},
      {"dual stack, only IPv4 has endpoints",
       {{1, "na1", "a"}, {2, "nb", "b"}},
       {.in_zone = 22.5, .cross_zone = 22.5, .rejected = 45},
       [](Service* s) {
         s->spec.ipFamilies = {Text("IPv4"), Text("IPv6")};
       }},
      {"published though not ready: not misrouted",
       {{1, "na1", "a"}, {2, "nb", "b"}},
       {.in_zone = 45, .cross_zone = 45},
       [](Service* s) { s->spec.publishNotReadyAddresses = true; },
       [](Cluster* c) { c->Load(MakePod(2, "nb", false)); }},
      {"ready in the slice only: p2 is misrouted, and p1 alone counts as ready",
       {{1, "na1", "a"}, {2, "nb", "b"}},
       {.in_zone = 45, .cross_zone = 45, .misrouted = 45},
       [](Service*) {},
       [](Cluster* c) { c->Load(MakePod(2, "nb", false)); }},
      {"terminating while others are ready: misrouted",
       {{1, "na1", "a"}, {2, "nb", "b"}},
       {.in_zone = 45, .cross_zone = 45, .misrouted = 45},
       [](Service*) {},
       [](Cluster* c) { c->Load(MakePod(2, "nb", true, true)); }},
      {"never was ready: no process",
       {{1, "na1", "a"}, {3, "nb", "b"}},
       {.in_zone = 30, .cross_zone = 15, .black_holed = 45},
       [](Service*) {},
       [](Cluster* c) {
         c->Tell(MakePod(3, "nb"), WatchEventType::kDeleted);
         c->Load(MakePod(3, "nb", false));
       }},
      {"stopped listening",
       {{1, "na1", "a"}, {2, "nb", "b"}},
       {.in_zone = 30, .cross_zone = 15, .black_holed = 45},
       [](Service*) {},
       [](Cluster* c) {
         c->plane.OnPodServing(Instant(0), {Text("shop"), Text("p2")}, false);
       }},
      {"another pod has the address now",
       {{1, "na1", "a"}, {2, "nb", "b"}},
       {.in_zone = 30, .cross_zone = 15, .black_holed = 45},
       [](Service*) {},
       [](Cluster* c) {
         Pod pod = MakePod(2, "nb");
         pod.podIPs = {*ParseIpLenient("10.0.0.99")};
         c->Load(std::move(pod));
       }},
  };
  return kCases;
}

TEST(DataPlaneTest, Rules) {
  for (const TrafficCase& c : Cases()) {
    Cluster cluster({"na1", "nb", "nb"});
    Service service = MakeService();
    c.service(&service);
    cluster.Load(service);
    cluster.Load(MakeSlice("web-1", c.ends));
    c.truth(&cluster);
    cluster.End(10);
    ExpectEach(cluster.Of("web"), 10, c.each, c.what);
  }
}

TEST(DataPlaneTest, ServicesWithoutProxiesHaveNoTraffic) {
  const std::vector<std::function<void(Service*)>> changes = {
      [](Service* s) { s->spec.type = Text("ExternalName"); },
      [](Service* s) { s->spec.selector.reset(); },
      [](Service* s) { s->spec.clusterIP = Text("None"); },
      [](Service* s) { s->spec.clusterIP = Text(); },
      [](Service* s) {
        s->metadata.labels = StringMap{{Text("service.kubernetes.io/service-proxy-name"), Text("other")}};
      },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Cluster cluster({"na1"});
    Service service = MakeService();
    changes[i](&service);
    cluster.Load(service);
    cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}}));
    cluster.End(10);
    EXPECT_TRUE(cluster.plane.by_service().empty()) << i;
  }
}

TEST(DataPlaneTest, SlicesOfAnyControllerAndAddressesInTwoSlicesCountOnce) {
  Cluster cluster({"na1", "nb"});
  cluster.Load(MakeService());
  cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}}));
  EndpointSlice foreign = MakeSlice("zz", {{1, "na1", "a"}, {2, "nb", "b"}});
  foreign.endpoints[1].targetRef.reset();  // names no pod: alive and ready
  cluster.Load(foreign);
  cluster.End(10);
  ExpectEach(cluster.Of("web"), 10, {.in_zone = 45, .cross_zone = 45}, "foreign");
}

// Slices of headless Services and of other proxies, and ports without a number.
TEST(DataPlaneTest, SlicesThatProxiesPassOver) {
  const std::vector<std::function<void(EndpointSlice*)>> changes = {
      [](EndpointSlice* s) { s->metadata.labels = s->metadata.labels.With(Text(kLabelHeadless), Text()); },
      [](EndpointSlice* s) {
        s->metadata.labels = s->metadata.labels.With(Text("service.kubernetes.io/service-proxy-name"), Text("other"));
      },
      [](EndpointSlice* s) { s->ports[0].port.reset(); },
      [](EndpointSlice* s) { s->ports[0].name = Text("other"); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Cluster cluster({"na1", "nb"});
    cluster.Load(MakeService());
    cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}}));
    EndpointSlice slice = MakeSlice("web-2", {{2, "nb", "b"}});
    changes[i](&slice);
    cluster.Load(slice);
    cluster.End(10);
    ExpectEach(cluster.Of("web"), 10, {.in_zone = 60, .cross_zone = 30}, std::to_string(i));
  }
}

// A change of slices comes 0.1 s later, and 0.2 s later into force; the next
// one waits until a second after the end of that sync.
TEST(DataPlaneTest, ProxiesLag) {
  Cluster cluster({"na1", "nb"});
  cluster.Load(MakeService());
  cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}}));
  std::vector<std::pair<double, double>> programmed;
  cluster.plane.OnProgrammed([&](const ObjectKey& service, Instant committed, Instant done) {
    EXPECT_EQ(service.name, "web");
    programmed.emplace_back(static_cast<double>(committed.count()) / 1e9, static_cast<double>(done.count()) / 1e9);
  });
  cluster.RunTo(5);
  cluster.Tell(MakeSlice("web-1", {{1, "na1", "a"}, {2, "nb", "b"}}));
  cluster.RunTo(5.5);
  cluster.Tell(MakeSlice("web-1", {{2, "nb", "b"}}));
  cluster.RunTo(5.8);
  cluster.Tell(MakeSlice("web-1", {}));
  cluster.RunTo(7);
  cluster.Tell(MakeSlice("web-1", {}), WatchEventType::kDeleted);
  cluster.End(10);
  // Syncs begin at 5.1, 6.3 (with both that came since) and 7.5.
  EXPECT_EQ(programmed, (std::vector<std::pair<double, double>>{{5, 5.3}, {5.5, 6.5}, {5.8, 6.5}, {7, 7.7}}));
  const TrafficTotals& totals = cluster.Of("web");
  EXPECT_NEAR(totals.in_zone, 60 * 5.3 + 45 * 1.2, 1e-6);
  EXPECT_NEAR(totals.cross_zone, 30 * 5.3 + 45 * 1.2, 1e-6);
  EXPECT_NEAR(totals.rejected, 90 * 3.5, 1e-6);
}

// Zone b loses its power at 5 s. Its consumers are gone; a's send half of all
// to a dead pod until the slice is in force at 8.3 s. It comes back at 10 s, and
// its proxies know the slices of then.
TEST(DataPlaneTest, NodesGoDownAndUp) {
  Cluster cluster({"na1", "nb"});
  cluster.Load(MakeService());
  cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}, {2, "nb", "b"}}));
  cluster.RunTo(5);
  cluster.Up("nb", false);
  cluster.RunTo(8);
  cluster.Tell(MakeSlice("web-1", {{1, "na1", "a"}}));
  cluster.RunTo(10);
  cluster.Up("nb", true);
  cluster.End(12);
  const TrafficTotals& totals = cluster.Of("web");
  EXPECT_NEAR(totals.requests, 90 * 12, 1e-6);
  EXPECT_NEAR(totals.black_holed, 45 * 3.3, 1e-6);
  EXPECT_NEAR(totals.in_zone, 45 * 5 + 45 * 3.3 + 90 * 1.7 + 60 * 2, 1e-6);
  EXPECT_NEAR(totals.cross_zone, 45 * 5 + 30 * 2, 1e-6);
}

// Given by zone: those of a zone without a living node are not made.
TEST(DataPlaneTest, RequestsGivenByZone) {
  DataPlaneOptions options = ConstantLags();
  options.rps_by_zone["shop/web"] = {{"a", 10}, {"b", 40}, {"elsewhere", 5}};
  options.traffic_from = std::chrono::seconds(1);
  Cluster cluster({"na1", "nb"}, options);
  cluster.Load(MakeService());
  cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}}));
  cluster.RunTo(5);
  cluster.Up("nb", false);
  cluster.End(10);
  const TrafficTotals& totals = cluster.Of("web");
  EXPECT_NEAR(totals.requests, 50 * 4 + 10 * 5, 1e-6);
  EXPECT_NEAR(totals.in_zone, 10 * 9, 1e-6);
  EXPECT_NEAR(totals.cross_zone, 40 * 4, 1e-6);
}

// A zone whose nodes report no CPU, beside one whose nodes do: each makes the
// requests that are given for it.
TEST(DataPlaneTest, RequestsOfAZoneWithoutCpu) {
  DataPlaneOptions options = ConstantLags();
  options.rps_by_zone["shop/web"] = {{"a", 10}, {"b", 40}};
  HandMade cluster(options);
  cluster.Load(MakeNode("na1", "a", 1000));
  cluster.Load(MakeNode("nb1", "b", 0));
  cluster.Load(MakeNode("nb2", "b", 0));
  cluster.Load(MakePod(1, "na1"));
  cluster.Load(MakeService());
  cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}}));
  cluster.End(10);
  EXPECT_NEAR(cluster.Of("web").requests, 500, 1e-6);
  EXPECT_NEAR(cluster.Of("web").cross_zone, 400, 1e-6);
}

// Where each node has an endpoint of its own nothing is left over: not even
// what rounding leaves of a group's requests.
TEST(DataPlaneTest, NothingIsLostToRounding) {
  DataPlaneOptions options = ConstantLags();
  options.default_rps = 777.7;
  HandMade cluster(options);
  std::vector<End> ends;
  for (int i = 0; i < 250; ++i) {
    const std::string node = "n" + std::to_string(i);
    cluster.Load(MakeNode(node, "a", i % 3 == 0 ? 330 : 7000 + i));
    cluster.Load(MakePod(i, node));
    ends.push_back({i, node, "a"});
  }
  Service service = MakeService();
  service.spec.internalTrafficPolicy = Text("Local");
  cluster.Load(service);
  cluster.Load(MakeSlice("web-1", ends));
  cluster.End(10);
  EXPECT_EQ(cluster.Of("web").black_holed, 0);
  EXPECT_NEAR(cluster.Of("web").in_zone, 7777, 1e-6);
}

Service Balanced(const std::string& policy) {
  Service service = MakeService();
  service.spec.type = Text("LoadBalancer");
  service.spec.externalTrafficPolicy = Text(policy);
  return service;
}

// Nodes that are labelled so get nothing of load balancers, of either policy.
TEST(DataPlaneTest, NodesThatLoadBalancersDoNotKnow) {
  for (const std::string policy : {"Cluster", "Local"}) {
    Cluster cluster({"na1", "nb"});
    cluster.Load(Balanced(policy));
    cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}, {2, "nb", "b"}}));
    Node node = MakeNode("nb", "b", 1000);
    node.metadata.labels =
        node.metadata.labels.With(Text("node.kubernetes.io/exclude-from-external-load-balancers"), Text());
    cluster.Load(node);
    cluster.End(10);
    const double sent_by_b = [&] {
      for (const DataPlane::ZoneLoad& load : cluster.plane.zone_loads()) {
        if (load.zone == "b") return load.sent;
      }
      return 0.0;
    }();
    EXPECT_EQ(sent_by_b, 0) << policy;
    EXPECT_NEAR(cluster.Of("web").requests, 900, 1e-6) << policy;
    EXPECT_NEAR(cluster.Of("web").rejected + cluster.Of("web").black_holed, 0, 1e-6) << policy;
  }
}

// A machine that is down, and known to be so, stays so when its Node gets
// another label.
TEST(DataPlaneTest, RelabelledWhileItIsDown) {
  Cluster cluster({"na1"});
  cluster.Load(Balanced("Cluster"));
  cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}}));
  cluster.RunTo(5);
  cluster.Up("nb", false);
  cluster.RunTo(30);
  cluster.Tell(MakeNode("nb", "c", 1000));
  cluster.End(60);
  // 30 a second, until two probes have failed.
  EXPECT_GE(cluster.Of("web").black_holed, 30 * 5);
  EXPECT_LE(cluster.Of("web").black_holed, 30 * 10);
}

// From Cluster to Local: at first all three nodes are healthy still, and two of
// them drop what comes.
TEST(DataPlaneTest, ThePolicyBecomesLocal) {
  Cluster cluster({"na1"});
  cluster.Load(Balanced("Cluster"));
  cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}}));
  cluster.RunTo(20);
  cluster.Tell(Balanced("Local"));
  cluster.RunTo(40);
  cluster.Tell(Balanced("Cluster"));
  cluster.End(60);
  const TrafficTotals& totals = cluster.Of("web");
  EXPECT_NEAR(totals.requests, 90 * 60, 1e-6);
  EXPECT_NEAR(totals.rejected, 0, 1e-6);
  EXPECT_GE(totals.black_holed, 45 * 5);
  EXPECT_LE(totals.black_holed, 60 * 10);
}

// Another port: the health check asks about another set of endpoints.
TEST(DataPlaneTest, HealthChecksFollowTheService) {
  Cluster cluster({"na1", "nb"});
  Service service = Balanced("Local");
  cluster.Load(service);
  EndpointSlice other = MakeSlice("web-2", {{2, "nb", "b"}});
  other.ports[0].name = Text("other");
  cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}}));
  cluster.Load(other);
  cluster.RunTo(10);
  service.spec.ports[0].name = Text("other");
  cluster.Tell(service);
  cluster.RunTo(30);
  cluster.Tell(service, WatchEventType::kDeleted);
  cluster.End(40);
  const TrafficTotals& totals = cluster.Of("web");
  EXPECT_NEAR(totals.requests, 90 * 30, 1e-6);
  // Until two probes have failed na1 still gets all, or its half.
  EXPECT_GE(totals.black_holed, 90 * 5);
  EXPECT_LE(totals.black_holed + totals.rejected, 90 * 10);
}

// externalTrafficPolicy Local: p2, the only one on nb, begins to terminate at
// 20 s and is gone at `gone`. Its proxy says so at 20.3; the load balancer
// believes it after two probes, so between 25.3 and 30.3 s. Until then nb's half
// goes to the terminating pod, or into the void.
TEST(DataPlaneTest, LoadBalancersLagBehindHealthChecks) {
  struct {
    double gone;
    bool black_hole;
  } const cases[] = {{20.0, true}, {60.0, false}};
  for (const auto& c : cases) {
    Cluster cluster({"na1", "nb"});
    cluster.Load(Balanced("Local"));
    cluster.Load(MakeSlice("web-1", {{1, "na1", "a"}, {2, "nb", "b"}}));
    cluster.RunTo(20);
    if (c.black_hole) {
      cluster.Tell(MakePod(2, "nb"), WatchEventType::kDeleted);
      cluster.Tell(MakeSlice("web-1", {{1, "na1", "a"}}));
    } else {
      cluster.Tell(MakePod(2, "nb", true, true));
      cluster.Tell(MakeSlice("web-1", {{1, "na1", "a"}, {2, "nb", "b", "", "", false, true, true}}));
    }
    cluster.End(50);
    const TrafficTotals& totals = cluster.Of("web");
    EXPECT_NEAR(totals.requests, 90 * 50, 1e-6);
    const double lost = totals.black_holed;
    if (c.black_hole) {
      EXPECT_GE(lost, 45 * 5.3);
      EXPECT_LE(lost, 45 * 10.3);
      EXPECT_NEAR(totals.misrouted, 0, 1e-6);
    } else {
      EXPECT_NEAR(lost, 0, 1e-6);
      EXPECT_GE(totals.misrouted, 45 * 5.3);
      EXPECT_LE(totals.misrouted, 45 * 10.3);
    }
  }
}

// A load balancer of policy Local gives up a node that is down, and takes it
// again, whatever other nodes of its zone do.
TEST(DataPlaneTest, ANodeThatIsUpAgainIsAskedAgain) {
  DataPlaneOptions options = ConstantLags();
  options.external_share = 1;
  options.lb_probe_interval = Duration(0);
  options.lb_probe_threshold = 1;
  Cluster c({"na1", "na2"}, options);
  Service service = MakeService();
  service.spec.type = Text("LoadBalancer");
  service.spec.externalTrafficPolicy = Text("Local");
  c.Load(service);
  c.Load(MakeSlice("s", {{1, "na1", "a"}, {2, "na2", "a"}}));
  // Dead, but in the slice: what goes to its node is lost.
  c.plane.OnPodServing(c.scheduler.now(), {Text("shop"), Text("p2")}, false);
  c.RunTo(1);
  c.Up("na1", false);
  c.RunTo(2);
  c.Up("na1", true);
  c.End(3);
  EXPECT_NEAR(c.Of("web").black_holed, 45 + 90 + 45, 1e-6);
}

}  // namespace
}  // namespace epslice::sim
