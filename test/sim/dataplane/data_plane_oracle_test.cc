// The integrals of a DataPlane against the same worked out from nothing for
// each endpoint and node, on random histories of nodes, pods, slices and
// Services. Without lags, so that what is committed is what proxies and load
// balancers know.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "informers/random.h"
#include "test/sanitized.h"
#include "test/sim/dataplane/hand_made.h"

namespace epslice::sim {
namespace {

using testkit::HandMade;
using testkit::MakeNode;
using testkit::MakePod;
using testkit::MakeService;
using testkit::MakeSlice;

constexpr int kNodes = 7, kPods = 10, kSlices = 4, kServices = 3;
constexpr double kRps = 90;
constexpr double kShare = 0.4;  // from outside, of Services that are open to it
const std::vector<std::string> kZones = {"a", "b", "c", ""};
const std::vector<std::string> kFamilies = {"IPv4", "IPv6"};

DataPlaneOptions NoLags() {
  DataPlaneOptions options;
  options.proxy_watch_latency = Latency::Constant(Duration(0));
  options.proxy_sync_period = Duration(0);
  options.proxy_sync_time = Latency::Constant(Duration(0));
  options.proxy_groups = 2;
  options.default_rps = kRps;
  options.external_share = kShare;
  options.lb_probe_interval = Duration(0);
  options.lb_probe_threshold = 1;
  options.rps_by_zone["shop/web-2"] = {{"a", 60}, {"c", 20}, {"", 10}};
  return options;
}

// What is true, told to the plane as it changes.
struct World {
  struct NodeTruth {
    Node object;
    std::string zone;  // the last one it had
    bool exists = false, up = true;
  };
  struct PodTruth {
    Pod object;
    bool exists = false, started = false;
    std::optional<bool> serving;
  };

  explicit World(std::uint64_t seed) : random(seed), made(NoLags()) {
    for (int i = 0; i < kNodes; ++i) ChangeNode(i);
    for (int i = 0; i < kPods; ++i) ChangePod(i);
    for (int i = 0; i < kServices; ++i) ChangeService(i);
  }

  bool Coin(double p) { return random.Chance(p); }
  int Below(int n) { return static_cast<int>(random.Below(static_cast<std::uint64_t>(n))); }
  template <typename T>
  const T& OneOf(const std::vector<T>& list) {
    return list[random.Below(list.size())];
  }

  void ChangeNode(int i) {
    const std::string name = "n" + std::to_string(i);
    NodeTruth& node = nodes[name];
    if (node.exists && Coin(0.2)) {
      node.exists = false;
      return made.Tell(node.object, WatchEventType::kDeleted);
    }
    node.zone = OneOf(kZones);
    node.object = MakeNode(name, node.zone, Coin(0.2) ? 0 : 1000 * (1 + Below(4)));
    node.object.ready = Coin(0.8);
    auto labels = node.zone.empty() ? StringMap() : StringMap{{Text::Intern(kLabelZone), Text(node.zone)}};
    if (Coin(0.2)) labels = labels.With(Text("node.kubernetes.io/exclude-from-external-load-balancers"), Text());
    node.object.metadata.labels = labels;
    node.exists = true;
    made.Tell(node.object);
  }
  void TurnNode(int i) {
    NodeTruth& node = nodes["n" + std::to_string(i)];
    node.up = !node.up;
    made.Up("n" + std::to_string(i), node.up);
  }
  void ChangePod(int i) {
    PodTruth& pod = pods[i];
    if (pod.exists && Coin(0.2)) {
      made.Tell(pod.object, WatchEventType::kDeleted);
      pod = {};
      return;
    }
    const std::string node = "n" + std::to_string(Below(kNodes));
    // One after the other, so that each compiler plays the same.
    const std::string home = pod.exists && Coin(0.7) ? pod.object.nodeName.str() : node;
    const bool ready = Coin(0.7), terminating = Coin(0.2);
    pod.object = MakePod(i, home, ready, terminating);
    if (Coin(0.1)) pod.object.podIPs = {*ParseIpLenient("10.0.1." + std::to_string(i))};
    if (Coin(0.1)) pod.object.phase = PodPhase::kFailed;
    pod.exists = true;
    pod.started |= pod.object.ready;
    made.Tell(pod.object);
  }
  void TurnPod(int i) {
    PodTruth& pod = pods[i];
    if (!pod.exists) return;
    pod.serving = !pod.serving.value_or(true);
    made.plane.OnPodServing(made.scheduler.now(), {Text("shop"), Text("p" + std::to_string(i))}, *pod.serving);
  }
  void ChangeService(int i) {
    const std::string name = "web-" + std::to_string(i);
    const auto at = services.find(name);
    if (at != services.end() && Coin(0.2)) {
      made.Tell(at->second, WatchEventType::kDeleted);
      services.erase(at);
      return;
    }
    Service service = MakeService(name);
    service.spec.type = Text(OneOf<std::string>({"ClusterIP", "ClusterIP", "NodePort", "LoadBalancer"}));
    if (Coin(0.3)) service.spec.internalTrafficPolicy = Text("Local");
    if (Coin(0.5)) service.spec.externalTrafficPolicy = Text("Local");
    service.spec.publishNotReadyAddresses = Coin(0.2);
    if (Coin(0.3)) service.spec.ipFamilies = {Text("IPv4"), Text("IPv6")};
    if (Coin(0.2)) service.spec.ports[0].name = Text("other");
    if (Coin(0.1)) service.spec.clusterIP = Text("None");
    services[name] = service;
    made.Tell(service);
  }
  void ChangeSlice(int i) {
    const std::string name = "s" + std::to_string(i);
    const auto at = slices.find(name);
    if (at != slices.end() && Coin(0.2)) {
      made.Tell(at->second, WatchEventType::kDeleted);
      slices.erase(at);
      return;
    }
    std::vector<testkit::End> ends;
    const bool hinted = Coin(0.7);
    const bool by_node = Coin(0.4);
    for (int pod = 0; pod < kPods; ++pod) {
      if (!Coin(0.4)) continue;
      testkit::End end{pod, "n" + std::to_string(Below(kNodes)), OneOf(kZones)};
      if (hinted) end.hint_zone = OneOf<std::string>({"a", "b"});
      if (hinted && by_node) end.hint_node = "n" + std::to_string(Below(kNodes));
      end.ready = Coin(0.7);
      end.serving = end.ready || Coin(0.7);
      end.terminating = Coin(0.2) || (!end.ready && Coin(0.5));
      ends.push_back(end);
    }
    const bool is_new = at == slices.end();
    const std::string service = is_new || Coin(0.1) ? "web-" + std::to_string(Below(kServices))
                                                    : std::string(at->second.metadata.labels.Get(kLabelServiceName));
    EndpointSlice slice = MakeSlice(name, ends, service, is_new ? OneOf(kFamilies) : at->second.addressType.str());
    if (Coin(0.1)) slice.ports[0].name = Text("other");
    slices.insert_or_assign(name, slice);
    made.Tell(slice);
  }
  void Step() {
    switch (Below(7)) {
      case 0: return ChangeNode(Below(kNodes));
      case 1: return TurnNode(Below(kNodes));
      case 2: return ChangePod(Below(kPods));
      case 3: return TurnPod(Below(kPods));
      case 4: return ChangeService(Below(kServices));
      default: return ChangeSlice(Below(kSlices));
    }
  }

  // ---- what comes of it, from nothing ----
  const PodTruth* PodOf(const Endpoint& endpoint) const {
    return &pods.at(std::stoi(endpoint.targetRef->name.str().substr(1)));
  }
  bool Alive(const Endpoint& endpoint) const {
    const PodTruth& pod = *PodOf(endpoint);
    if (!pod.exists || pod.object.phase == PodPhase::kFailed || !pod.serving.value_or(pod.started)) return false;
    if (!nodes.at(pod.object.nodeName.str()).up) return false;
    return std::any_of(pod.object.podIPs.begin(), pod.object.podIPs.end(),
                       [&](const IpAddress& ip) { return ip.text == endpoint.addresses[0]; });
  }
  std::string ZoneOf(const Endpoint& endpoint) const { return nodes.at(PodOf(endpoint)->object.nodeName.str()).zone; }

  struct Load {
    const Endpoint* endpoint;
    double rate = 0;
  };
  struct Family {
    const Service* service;
    std::vector<Load> all;
    int even = 0;  // endpoints of an even spread
    int ready_alive = 0;
    double requests = 0;
  };
  static bool Ready(const Endpoint& e) { return e.conditions.ready.value_or(true); }
  static bool Ending(const Endpoint& e) {
    return !Ready(e) && e.conditions.serving.value_or(true) && e.conditions.terminating.value_or(false);
  }

  Family Gather(const std::string& name, const Service& service, const std::string& family) const {
    Family out{&service, {}, 0, 0, 0};
    std::set<std::string> seen;
    int terminating = 0;
    for (const auto& [key, slice] : slices) {
      if (slice.metadata.labels.Get(kLabelServiceName) != name || !(slice.addressType == family)) continue;
      if (!(slice.ports[0].name == service.spec.ports[0].name)) continue;
      for (const Endpoint& e : slice.endpoints) {
        if (!seen.insert(e.addresses[0].str()).second) continue;
        out.all.push_back({&e, 0});
        if (!Alive(e)) continue;
        const Pod& pod = PodOf(e)->object;
        if (pod.metadata.deletionTimestamp.is_set()) {
          ++terminating;
        } else if (pod.ready || service.spec.publishNotReadyAddresses) {
          ++out.ready_alive;
        }
      }
    }
    out.even = out.ready_alive > 0 ? out.ready_alive : terminating;
    return out;
  }

  std::vector<Load*> Choose(Family* f, const std::string& node, const std::string& zone, bool local) const {
    std::vector<Load*> ready, ending;
    for (Load& load : f->all) {
      if (local && !(load.endpoint->nodeName == node)) continue;
      if (Ready(*load.endpoint)) ready.push_back(&load);
      if (Ending(*load.endpoint)) ending.push_back(&load);
    }
    if (ready.empty()) return ending;
    if (local) return ready;
    for (const bool by_node : {true, false}) {
      const std::string& name = by_node ? node : zone;
      std::vector<Load*> named;
      bool all = true;
      for (Load* load : ready) {
        const auto& hints = load->endpoint->hints;
        const TextList names = !hints ? TextList() : by_node ? hints->forNodes : hints->forZones;
        all = all && !names.empty();
        if (std::find(names.begin(), names.end(), Text(name)) != names.end()) named.push_back(load);
      }
      if (all && !named.empty() && !name.empty()) return named;
    }
    return ready;
  }

  void From(Family* f, const std::string& node, const std::string& zone, double rate, bool local, double seconds,
            TrafficTotals* t) const {
    if (rate <= 0) return;
    f->requests += rate;
    t->requests += rate * seconds;
    const std::vector<Load*> chosen = Choose(f, node, zone, local);
    if (chosen.empty()) {
      const bool any = std::any_of(f->all.begin(), f->all.end(),
                                   [](const Load& l) { return Ready(*l.endpoint) || Ending(*l.endpoint); });
      (local && any ? t->black_holed : t->rejected) += rate * seconds;
      return;
    }
    for (Load* load : chosen) {
      const double part = rate / static_cast<double>(chosen.size());
      load->rate += part;
      if (!Alive(*load->endpoint)) {
        t->black_holed += part * seconds;
        continue;
      }
      const std::string to = ZoneOf(*load->endpoint);
      if (!zone.empty() && !to.empty()) (zone == to ? t->in_zone : t->cross_zone) += part * seconds;
      const Pod& pod = PodOf(*load->endpoint)->object;
      const bool ending = pod.metadata.deletionTimestamp.is_set();
      if (ending ? f->ready_alive > 0 : !pod.ready && !f->service->spec.publishNotReadyAddresses) {
        t->misrouted += part * seconds;
      }
    }
  }

  bool Sends(const NodeTruth& n) const { return n.exists && n.up && n.object.ready; }
  bool Balanced(const NodeTruth& n) const {
    return n.exists && n.object.ready &&
           !n.object.metadata.labels.Contains("node.kubernetes.io/exclude-from-external-load-balancers");
  }

  void AddInternal(Family* f, double part, double seconds, TrafficTotals* t) const {
    const std::string name = f->service->metadata.name.str();
    const bool by_zone = name == "web-2";
    const bool local = f->service->spec.internalTrafficPolicy == "Local";
    const std::map<std::string, double> given = {{"a", 60}, {"c", 20}, {"", 10}};
    for (const auto& [node, truth] : nodes) {
      if (!Sends(truth)) continue;
      double cpu = 0, count = 0;
      for (const auto& [other, o] : nodes) {
        if (!Sends(o) || (by_zone && o.zone != truth.zone)) continue;
        cpu += static_cast<double>(*o.object.allocatableCpuMilli);
        count += 1;
      }
      const double weight = cpu > 0 ? static_cast<double>(*truth.object.allocatableCpuMilli) / cpu : 1 / count;
      const double rps = !by_zone ? kRps : given.count(truth.zone) != 0 ? given.at(truth.zone) : 0;
      From(f, node, truth.zone, part * rps * weight, local, seconds, t);
    }
  }
  void AddExternal(Family* f, double part, double seconds, TrafficTotals* t) const {
    const bool local = f->service->spec.externalTrafficPolicy == "Local";
    std::vector<std::string> healthy;
    for (const auto& [node, truth] : nodes) {
      if (!Balanced(truth) || !truth.up) continue;
      bool answers = !local;
      for (const std::string& family : kFamilies) {
        Family of = Gather(f->service->metadata.name.str(), *f->service, family);
        for (const Load& l : of.all) answers |= Ready(*l.endpoint) && l.endpoint->nodeName == node;
      }
      if (answers) healthy.push_back(node);
    }
    const double rate = part * kRps;
    if (healthy.empty()) {
      f->requests += rate;
      t->requests += rate * seconds;
      t->rejected += rate * seconds;
    }
    for (const std::string& node : healthy) {
      From(f, node, nodes.at(node).zone, rate / static_cast<double>(healthy.size()), local, seconds, t);
    }
  }

  // One step of the integration.
  void Expect(double seconds) {
    for (const auto& [name, service] : services) {
      if (service.spec.clusterIP == "None") continue;
      TrafficTotals& t = totals[name];
      double worst = 0;
      for (const Text& family : service.spec.ipFamilies) {
        Family f = Gather(name, service, family.str());
        const double part = 1.0 / static_cast<double>(service.spec.ipFamilies.size());
        const double outside = service.spec.type == "ClusterIP" ? 0 : kShare;
        AddInternal(&f, part * (1 - outside), seconds, &t);
        if (outside > 0) AddExternal(&f, part * outside, seconds, &t);
        if (f.even == 0 || f.requests <= 0) continue;
        for (const Load& load : f.all) {
          if (Alive(*load.endpoint)) worst = std::max(worst, load.rate / (f.requests / f.even));
        }
      }
      t.max_overload = std::max(t.max_overload, worst - 1);
      if (worst - 1 > 0.2 + 1e-9) t.overload_seconds += seconds;
    }
  }

  Random random;
  HandMade made;
  std::map<std::string, NodeTruth> nodes;
  std::map<int, PodTruth> pods;
  std::map<std::string, Service> services;
  std::map<std::string, EndpointSlice> slices;
  std::map<std::string, TrafficTotals> totals;
};

void ExpectNear(const TrafficTotals& got, const TrafficTotals& expected) {
  EXPECT_NEAR(got.requests, expected.requests, 1e-6);
  EXPECT_NEAR(got.in_zone, expected.in_zone, 1e-6);
  EXPECT_NEAR(got.cross_zone, expected.cross_zone, 1e-6);
  EXPECT_NEAR(got.black_holed, expected.black_holed, 1e-6);
  EXPECT_NEAR(got.rejected, expected.rejected, 1e-6);
  EXPECT_NEAR(got.misrouted, expected.misrouted, 1e-6);
  EXPECT_NEAR(got.max_overload, expected.max_overload, 1e-6);
  EXPECT_NEAR(got.overload_seconds, expected.overload_seconds, 1e-6);
}

TEST(DataPlaneOracleTest, IntegralsAreThoseWorkedOutFromNothing) {
  for (std::uint64_t seed = 1; seed <= epslice::testkit::Rounds<std::uint64_t>(200, 20); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    std::map<std::string, TrafficTotals> seen;
    world.made.plane.OnInterval([&](const DataPlane::Interval& i) {
      TrafficTotals& t = seen[i.service.name.str()];
      t.requests += i.totals.requests;
      t.in_zone += i.totals.in_zone;
      t.cross_zone += i.totals.cross_zone;
      t.black_holed += i.totals.black_holed;
      t.rejected += i.totals.rejected;
      t.misrouted += i.totals.misrouted;
      t.overload_seconds += i.totals.overload_seconds;
      t.max_overload = std::max(t.max_overload, i.totals.max_overload);
    });
    const int steps = 150;
    for (int step = 0; step < steps; ++step) {
      // Several at an instant.
      for (int i = world.Below(4); i >= 0; --i) world.Step();
      world.Expect(1);
      world.made.RunTo(step + 1);
    }
    world.made.End(steps);
    for (const auto& [name, expected] : world.totals) {
      SCOPED_TRACE(name);
      if (expected.requests == 0) continue;
      ExpectNear(world.made.Of(name), expected);
      ExpectNear(seen[name], expected);
    }
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace epslice::sim
