// The rates with what is kept between steps against the rates worked out from
// nothing, and against a sum over every endpoint, on random histories.
#include "sim/dataplane/traffic_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "informers/random.h"
#include "test/sanitized.h"
#include "test/sim/dataplane/hand_made.h"

namespace epslice::sim::internal {
namespace {

using sim::testkit::ConstantLags;
using sim::testkit::End;
using sim::testkit::MakeSlice;

constexpr std::array<const char*, 3> kZones = {"a", "b", "c"};
constexpr int kNodes = 9, kPods = 24, kSlices = 3;

DataPlaneOptions Options() {
  DataPlaneOptions options = ConstantLags();
  options.proxy_groups = 2;
  options.external_share = 0.5;
  return options;
}

// One Service, its slices and pods, and proxies in two groups for each zone.
struct World {
  explicit World(std::uint64_t seed) : random(seed) {
    for (int i = 0; i < kNodes; ++i) {
      NodeState* node = cluster.NodeAt(Text("n" + std::to_string(i)));
      bool is_new = false;
      const Text zone = Text::Intern(kZones[static_cast<std::size_t>(i) % kZones.size()]);
      node->zone = cluster.zones.Number(zone);
      node->group = groups.Join(node->zone, zone, &is_new);
      node->cpu_milli = 1000 + 100 * i;
      node->exists = node->consumer = node->balanced = true;
      sources.Insert(*node);
      nodes.push_back(node);
    }
    for (int i = 0; i < kPods; ++i) {
      PodState* pod = cluster.PodAt({Text("shop"), Text("p" + std::to_string(i))});
      pod->exists = pod->started = pod->ready = true;
      pod->node = nodes[random.Below(kNodes)];
      pod->addresses = {Text("10.0.0." + std::to_string(i))};
      pods.push_back(pod);
    }
    service.key = {Text("shop"), Text("web")};
    service.routed = true;
    service.families[0] = true;
    service.port = Text("http");
    service.rps = 90;
    service.external = random.Chance(0.3);
    service.internal_local = random.Chance(0.2);
    service.programmed.resize(static_cast<std::size_t>(groups.size()));
    hinted = random.Chance(0.5);
    by_node = random.Chance(0.3);
  }

  // One slice is written anew: its endpoints stay, go, change or come.
  void Commit() {
    service.ForgetCounts();
    const std::string name = "s" + std::to_string(random.Below(kSlices));
    std::vector<End> ends;
    for (int pod = 0; pod < kPods; ++pod) {
      if (!random.Chance(0.4)) continue;
      const std::string zone = kZones[random.Below(kZones.size())];
      End end{pod, pods[static_cast<std::size_t>(pod)]->node->name.str(), zone};
      if (hinted) end.hint_zone = zone;
      if (hinted && by_node) end.hint_node = end.node;
      end.ready = random.Chance(0.8);
      end.terminating = !end.ready && random.Chance(0.7);
      ends.push_back(end);
    }
    auto version = std::make_shared<ServiceVersion>();
    if (service.current != nullptr) version->slices = service.current->slices;
    const auto slice = std::make_shared<const EndpointSlice>(MakeSlice(name, ends));
    auto at = std::find_if(version->slices.begin(), version->slices.end(),
                           [&](const auto& s) { return s->slice().metadata.name >= std::string_view(name); });
    const bool found = at != version->slices.end() && (*at)->slice().metadata.name == name;
    auto made = std::make_shared<const SliceVersion>(slice, found ? at->get() : nullptr, &service, &cluster);
    found ? * at = std::move(made) : *version->slices.insert(at, std::move(made));
    // Each address has one number, whichever way it was found.
    std::map<Text, std::uint32_t> numbers;
    for (const auto& one : version->slices) {
      for (std::size_t i = 0; i < one->targets().size(); ++i) {
        const Text& address = one->slice().endpoints[i].addresses[0];
        EXPECT_EQ(numbers.emplace(address, one->targets()[i]).first->second, one->targets()[i]);
        EXPECT_EQ(service.targets[one->targets()[i]].address, address);
      }
    }
    service.current = version;
    versions.push_back(version);
    if (versions.size() > 3) versions.erase(versions.begin());
  }

  void Step() {
    switch (random.Below(8)) {
      case 0: return Commit();
      case 1: {
        service.ForgetCounts();
        PodState& pod = *pods[random.Below(kPods)];
        (random.Chance(0.5) ? pod.ready : random.Chance(0.5) ? pod.terminating : pod.finished) ^= true;
        return;
      }
      case 2: {
        service.ForgetCounts();
        NodeState* node = nodes[random.Below(kNodes)];
        sources.Remove(*node);
        node->up = !node->up;
        sources.Insert(*node);
        return;
      }
      default: break;
    }
    if (!versions.empty()) {
      service.programmed[random.Below(service.programmed.size())] = versions[random.Below(versions.size())];
    }
  }

  // For policy Cluster: each node sends evenly to what its own view takes.
  void ExpectSumOverEndpoints(const Rates& rates) {
    double black_holed = 0, rejected = 0;
    std::map<std::string, double> load;
    const double share = service.external ? 0.5 : 1;
    for (const NodeState* node : nodes) {
      const Sources::Part of_all = sources.PartOf(*node, /*of_zone=*/false);
      double rate = node->sends() ? service.rps * share * of_all.weight / of_all.total : 0;
      if (service.external && node->up) rate += service.rps / 2 / sources.balanced_total();
      if (service.external && !node->up) black_holed += service.rps / 2 / sources.balanced_total();
      const ServiceVersion* version = service.programmed[static_cast<std::size_t>(node->group)].get();
      std::vector<const EndpointSlice*> slices;
      if (version != nullptr) {
        for (const auto& slice : version->slices) slices.push_back(&slice->slice());
      }
      const ProxyView view(slices, "http");
      const auto pick = view.ClusterEndpoints(node->name, cluster.zones.names()[static_cast<std::size_t>(node->zone)]);
      if (pick.endpoints.empty()) rejected += rate;
      for (const std::uint32_t i : pick.endpoints) {
        const Endpoint& endpoint = *view.endpoints()[i];
        const double part = rate / static_cast<double>(pick.endpoints.size());
        load[endpoint.addresses[0].str()] += part;
        if (!cluster.FindPod({Text("shop"), endpoint.targetRef->name})->alive()) black_holed += part;
      }
    }
    EXPECT_NEAR(rates.totals.requests, service.rps, 1e-6);
    EXPECT_NEAR(rates.totals.black_holed, black_holed, 1e-6);
    EXPECT_NEAR(rates.totals.rejected, rejected, 1e-6);
    double worst = 0;
    for (const auto& [address, sum] : load) {
      if (service.targets[service.target_of.at(Text(address))].alive()) worst = std::max(worst, sum);
    }
    const double even = EvenLoad();
    EXPECT_NEAR(rates.worst_load, even > 0 ? worst / even : 0, 1e-6);
  }

  double EvenLoad() const {
    std::set<std::uint32_t> ready, terminating;
    if (service.current == nullptr) return 0;
    for (const auto& slice : service.current->slices) {
      for (const std::uint32_t number : slice->targets()) {
        const Target& target = service.targets[number];
        if (!target.alive()) continue;
        if (target.terminating()) {
          terminating.insert(number);
        } else if (target.ready()) {
          ready.insert(number);
        }
      }
    }
    const std::size_t endpoints = ready.empty() ? terminating.size() : ready.size();
    return endpoints == 0 ? 0 : service.rps / static_cast<double>(endpoints);
  }

  Random random;
  const DataPlaneOptions options = Options();
  Scheduler scheduler{Timestamp::FromSeconds(1'767'225'600)};
  ClusterState cluster;
  Sources sources;
  ProxyGroups groups{options, &scheduler, 1, {}};
  std::vector<NodeState*> nodes;
  std::vector<PodState*> pods;
  ServiceState service;
  std::vector<VersionPtr> versions;
  bool hinted = false, by_node = false;
};

void ExpectSame(const Rates& a, const Rates& b) {
  // To the last bit: runs are compared by their digests.
  const auto numbers = [](const Rates& r) {
    std::vector<double> all = {r.totals.requests, r.totals.in_zone,   r.totals.cross_zone, r.totals.black_holed,
                               r.totals.rejected, r.totals.misrouted, r.worst_load};
    for (const Rates::Flow& flow : r.flows) all.insert(all.end(), {1.0 * flow.from, 1.0 * flow.to, flow.rate});
    all.insert(all.end(), r.sent.begin(), r.sent.end());
    all.insert(all.end(), r.max_load.begin(), r.max_load.end());
    return all;
  };
  EXPECT_EQ(numbers(a), numbers(b));
}

double ServedByEndpoints(ServiceState* service) {
  service->Settle();
  double all = 0;
  for (const EndpointSums::Sum& sum : service->sums.sums()) all += sum.served;
  return all;
}

TEST(TrafficSplitTest, WhatIsKeptBetweenStepsChangesNothing) {
  for (std::uint64_t seed = 1; seed <= epslice::testkit::Rounds<std::uint64_t>(60, 15); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    TrafficSplit split(world.options, &world.cluster, world.groups, world.sources);
    for (int step = 0; step < 200; ++step) {
      world.Step();
      const double before = ServedByEndpoints(&world.service);
      constexpr double kSeconds = 0.5;
      split.Work(&world.service, kSeconds);
      const Rates kept = world.service.rates;
      const auto counts = world.service.counts;
      world.service.ForgetCounts();
      split.Work(&world.service, kSeconds);
      // What endpoints got, by picks and one by one, is what was served; twice here.
      EXPECT_NEAR(ServedByEndpoints(&world.service) - before, 2 * kSeconds * kept.totals.served(), 1e-6);
      world.service.counts = counts;
      ExpectSame(kept, world.service.rates);
      if (!world.service.internal_local) world.ExpectSumOverEndpoints(kept);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace epslice::sim::internal
