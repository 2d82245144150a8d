// Ten thousand random clusters from a seed (fewer under sanitizers), each planned under both policies,
// changed a little, and planned again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "controllers/endpointslice/reconcile.h"
#include "controllers/topologyhints/allocation.h"
#include "controllers/topologyhints/resilient_allocation.h"
#include "informers/random.h"
#include "test/controllers/builders.h"
#include "test/controllers/topologyhints/allocation_oracle.h"
#include "test/sanitized.h"

namespace epslice {
namespace {

using testkit::AllocationProblem;
using testkit::Cost;
using Slices = std::vector<std::shared_ptr<const EndpointSlice>>;

const Text kIPv4 = Text::Intern("IPv4");

// Nodes and pods of one Service, to be changed and looked at.
struct Cluster {
  std::map<std::string, Node> nodes;
  std::map<std::string, Pod> pods;
  Service service;
  int made = 0;

  ReconcileInput Input(const Slices& slices, const HintStates& hints) const {
    ReconcileInput input;
    input.service = std::make_shared<const Service>(service);
    auto zones = std::make_shared<NodeZones>();
    ZoneCapacities capacities;
    for (const auto& [name, node] : nodes) {
      (*zones)[Text::Intern(name)] = Text::Intern(node.metadata.labels.Get(kLabelZone));
      capacities.Observe(nullptr, &node);
    }
    for (const auto& [name, pod] : pods) input.pods.push_back(std::make_shared<const Pod>(pod));
    input.nodes = zones;
    input.capacity = capacities.snapshot();
    input.slices = slices;
    input.hints = hints;
    return input;
  }
};

void SetZone(Node* node, const std::string& zone) {
  node->metadata.labels = zone.empty() ? node->metadata.labels.Without(kLabelZone)
                                       : node->metadata.labels.With(Text::Intern(kLabelZone), Text::Intern(zone));
}

std::string RandomZone(Random* random, int zones) {
  return std::string("zone-") + static_cast<char>('a' + random->Below(static_cast<std::uint64_t>(zones)));
}

Node RandomNode(Random* random, int zones) {
  Node node;
  node.ready = random->Chance(0.97);
  node.allocatableCpuMilli = random->Between(1, 16) * 500;
  SetZone(&node, RandomZone(random, zones));
  return node;
}

void AddPod(Random* random, Cluster* cluster) {
  auto node = cluster->nodes.begin();
  std::advance(node, random->Below(cluster->nodes.size()));
  const int n = cluster->made++;
  std::string number = std::to_string(n);
  number.insert(0, 4 - number.size(), '0');
  testkit::PodBuilder pod("web-" + number, "10.2." + std::to_string(n / 250) + "." + std::to_string(n % 250 + 1));
  cluster->pods[pod.pod.metadata.name.str()] = pod.Node(node->first).Ready(random->Chance(0.92)).pod;
}

// `trouble`: nodes that lack something, are cordoned, or tainted.
Cluster RandomCluster(Random* random, bool trouble) {
  Cluster cluster;
  const int zones = static_cast<int>(random->Between(2, 6));
  for (std::int64_t n = random->Between(zones, 12); n > 0; --n) {
    Node node = RandomNode(random, zones);
    if (trouble && random->Chance(0.1)) SetZone(&node, "");
    if (trouble && random->Chance(0.05)) node.allocatableCpuMilli = 0;
    if (trouble && random->Chance(0.15)) node.unschedulable = true;
    if (trouble && random->Chance(0.05)) node.taints = {{Text("x"), Text(), Text("NoExecute")}};
    if (trouble && random->Chance(0.1)) {
      node.metadata.labels = node.metadata.labels.With(Text("node-role.kubernetes.io/control-plane"), Text());
    }
    cluster.nodes["n" + std::to_string(n)] = node;
  }
  const std::int64_t pods = random->Chance(0.5) ? random->Between(0, 9) : random->Between(10, 60);
  for (std::int64_t n = 0; n < pods; ++n) AddPod(random, &cluster);
  cluster.service = testkit::ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto").service;
  return cluster;
}

void ChangeALittle(Random* random, Cluster* cluster) {
  const std::uint64_t what = random->Below(5);
  if (what == 0 || cluster->pods.empty()) return AddPod(random, cluster);
  auto pod = cluster->pods.begin();
  std::advance(pod, random->Below(cluster->pods.size()));
  auto node = cluster->nodes.begin();
  std::advance(node, random->Below(cluster->nodes.size()));
  if (what == 1) cluster->pods.erase(pod);
  if (what == 2) pod->second.ready = !pod->second.ready;
  if (what == 3) node->second.ready = !node->second.ready;
  if (what == 4) node->second.allocatableCpuMilli = random->Between(1, 16) * 500;
}

std::vector<const Endpoint*> ReadyOf(const Slices& slices) {
  std::vector<const Endpoint*> ready;
  for (const auto& slice : slices) {
    for (const Endpoint& endpoint : slice->endpoints) {
      if (endpoint.conditions.ready == true) ready.push_back(&endpoint);
    }
  }
  return ready;
}

// Hints on all ready endpoints, or on none.
void ExpectAllOrNone(const Slices& slices, bool enabled) {
  for (const Endpoint* endpoint : ReadyOf(slices)) {
    ASSERT_EQ(endpoint->hints.has_value() && !endpoint->hints->forZones.empty(), enabled);
  }
}

// By zone: how many endpoints name it.
std::map<Text, std::int64_t> Named(const Slices& slices) {
  std::map<Text, std::int64_t> named;
  for (const Endpoint* endpoint : ReadyOf(slices)) {
    for (const Text& zone : endpoint->hints->forZones) ++named[zone];
  }
  return named;
}

// The hints that were made from nothing. Returns how many zones have fewer than
// their minimum.
int ExpectReferenceAllocation(const ReconcileInput& input, const HintState& state, const Slices& slices) {
  std::map<Text, std::int64_t> named = Named(slices);
  const auto ready = static_cast<int>(ReadyOf(slices).size());
  const Allocation allocation = AllocateEndpoints(*input.capacity, state.options.overload_threshold, ready);
  int below = 0;
  double most_to_give = 0;
  double most_to_receive = 0;
  std::int64_t sum = 0;
  for (const auto& [zone, count] : named) sum += count;
  EXPECT_EQ(sum, ready);
  for (const ZoneAllocation& zone : allocation.zones) {
    const auto have = static_cast<double>(named[zone.zone]);
    below += have < zone.minimum ? 1 : 0;
    most_to_give = std::max(most_to_give, have - zone.desired);
    most_to_receive = std::max(most_to_receive, zone.desired - have);
  }
  // The reference stops giving when nobody has half an endpoint to give (or to
  // take): only then a zone may be left short.
  if (below > 0) {
    EXPECT_LT(std::min(most_to_give, most_to_receive), 0.5);
  }
  return below;
}

// What a resilient plan did, as a problem and its cost. `dirty`: names of the
// slices that packing alone would write.
Cost ResilientCost(const ReconcileInput& input, const Slices& after, const std::set<Text>& dirty,
                   AllocationProblem* problem) {
  std::map<Text, int> numbers;
  for (const ZoneCapacity::Share& share : input.capacity->consumer_zones) {
    numbers[share.zone] = static_cast<int>(problem->cpu.size());
    problem->cpu.push_back(share.cpu_milli);
  }
  const auto number = [&](const Text& zone) {
    const auto at = numbers.find(zone);
    return at == numbers.end() ? -1 : at->second;
  };
  // Zones without CPU are named beside others; the one that counts:
  const auto main_zone = [&](const std::optional<EndpointHints>& hints) {
    int only = -1;
    if (!hints) return only;
    if (hints->forZones.size() == 1) return number(hints->forZones[0]);
    for (const Text& zone : hints->forZones) {
      const int n = number(zone);
      if (n < 0) return -1;
      if (problem->cpu[static_cast<std::size_t>(n)] == 0) continue;
      if (only >= 0) return -1;
      only = n;
    }
    return only;
  };
  std::map<Text, const Endpoint*> before;
  for (const auto& slice : input.slices) {
    for (const Endpoint& endpoint : slice->endpoints) before[endpoint.addresses[0]] = &endpoint;
  }
  Cost cost{};
  for (const auto& slice : after) {
    const bool known = std::any_of(input.slices.begin(), input.slices.end(),
                                   [&](const auto& s) { return s->metadata.name == slice->metadata.name; });
    for (const Endpoint& endpoint : slice->endpoints) {
      if (endpoint.conditions.ready != true) continue;
      EndpointGroup group;
      group.own = number(endpoint.zone);
      const auto was = before.find(endpoint.addresses[0]);
      group.hinted = was == before.end() ? -1 : main_zone(was->second->hints);
      group.being_written = !known || dirty.contains(slice->metadata.name);
      group.count = 1;
      problem->groups.push_back(group);
      testkit::Add(&cost, testkit::CostOf(group, main_zone(endpoint.hints)), 1);
    }
  }
  return cost;
}

// The expected load of the busiest endpoint, as a multiple of an even spread.
double WorstLoad(const ReconcileInput& input, const Slices& slices) {
  std::map<Text, std::int64_t> named = Named(slices);
  std::map<Text, double> load;  // of an endpoint that names the zone
  double total = 0;
  for (const ZoneCapacity::Share& share : input.capacity->consumer_zones) {
    total += static_cast<double>(share.cpu_milli);
    EXPECT_GT(named[share.zone], 0) << "nobody is for " << share.zone;
    load[share.zone] = static_cast<double>(share.cpu_milli) / static_cast<double>(named[share.zone]);
  }
  double worst = 0;
  const std::vector<const Endpoint*> ready = ReadyOf(slices);
  for (const Endpoint* endpoint : ready) {
    double sum = 0;
    for (const Text& zone : endpoint->hints->forZones) sum += load[zone];
    worst = std::max(worst, sum / total * static_cast<double>(ready.size()));
  }
  return worst;
}

std::set<Text> DirtySlices(const ReconcileInput& input, const ReconcileConfig& config) {
  ReconcileInput bare = input;
  auto service = std::make_shared<Service>(*input.service);
  service->metadata.annotations = StringMap();
  bare.service = service;
  for (auto& slice : bare.slices) {
    auto copy = std::make_shared<EndpointSlice>(*slice);
    for (Endpoint& endpoint : copy->endpoints) endpoint.hints.reset();
    slice = copy;
  }
  std::set<Text> dirty;
  for (const SliceWrite& write : Reconcile(bare, config).writes) {
    if (write.op == SliceWrite::Op::kUpdate) dirty.insert(write.slice->metadata.name);
  }
  return dirty;
}

// What planning did over a run of changes.
struct Tally {
  int enabled = 0, disabled = 0, shared = 0, below_minimum = 0, optimal = 0, unsettled = 0;
};

// Plans, applies, checks, and plans again: nothing is left to write.
class Planner {
 public:
  Planner(HintsPolicy policy, Tally* tally) : tally_(*tally) {
    config_.hints.policy = policy;
    config_.max_endpoints_per_slice = 10;
  }

  const HintState& Step(const Cluster& cluster) {
    const ReconcileInput input = cluster.Input(slices_, hints_);
    const Plan plan = Reconcile(input, config_);
    const bool fresh = slices_.empty();
    slices_ = testkit::ApplyPlan(slices_, plan);
    hints_ = plan.hints;
    const HintState& state = hints_[kIPv4];
    const bool enabled = state.kind == HintState::Kind::kEnabled;
    ++(enabled ? tally_.enabled : tally_.disabled);
    ExpectAllOrNone(slices_, enabled);
    if (enabled && config_.hints.policy == HintsPolicy::kReference) {
      if (fresh) tally_.below_minimum += ExpectReferenceAllocation(input, state, slices_);
    } else if (enabled) {
      CheckResilient(input, state);
    }
    Settle(cluster);
    return state;
  }

 private:
  // Unchanged input writes nothing. The reference's steps may take another sync
  // to get there: hints that a slice keeps count before those that are made.
  void Settle(const Cluster& cluster) {
    for (int left = config_.hints.policy == HintsPolicy::kReference ? 3 : 0;; --left) {
      const Plan again = Reconcile(cluster.Input(slices_, hints_), config_);
      EXPECT_TRUE(again.events.empty()) << "told twice";
      if (again.writes.empty()) {
        EXPECT_EQ(again.hints, hints_);
        return;
      }
      ++tally_.unsettled;
      ASSERT_GT(left, 0) << "written again and again";
      slices_ = testkit::ApplyPlan(slices_, again);
      hints_ = again.hints;
    }
  }

  void CheckResilient(const ReconcileInput& input, const HintState& state) {
    EXPECT_LE(WorstLoad(input, slices_), 1 + static_cast<double>(state.options.overload_threshold) / 1e6 + 1e-8);
    AllocationProblem problem;
    problem.threshold = state.options.overload_threshold;
    const Cost cost = ResilientCost(input, slices_, DirtySlices(input, config_), &problem);
    const bool small = std::pow(problem.cpu.size(), problem.groups.size()) < 3000;
    const std::optional<Cost> best = small ? testkit::BruteForce(problem) : testkit::NetworkSimplex(problem);
    EXPECT_EQ(state.shared, !best.has_value());
    tally_.shared += state.shared ? 1 : 0;
    if (!best) return;
    EXPECT_EQ(cost, *best) << testkit::Describe(problem);
    ++tally_.optimal;
  }

  ReconcileConfig config_;
  Tally& tally_;
  Slices slices_;
  HintStates hints_;
};

TEST(RandomClustersTest, BothPolicies) {
  constexpr int kClusters = testkit::Rounds(10'000, 1'000);
  Tally reference;
  Tally resilient;
  int only_resilient = 0;
  const Random seeds(20261124);
  for (std::uint64_t round = 0; round < kClusters && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(round);
    Random random = seeds.Fork(round);
    Cluster cluster = RandomCluster(&random, round % 2 == 1);
    Planner by_reference(HintsPolicy::kReference, &reference);
    Planner by_resilient(HintsPolicy::kResilient, &resilient);
    for (int step = 0; step < 4; ++step) {
      SCOPED_TRACE(step);
      const bool hinted = by_reference.Step(cluster).kind == HintState::Kind::kEnabled;
      const bool resilient_hinted = by_resilient.Step(cluster).kind == HintState::Kind::kEnabled;
      EXPECT_TRUE(resilient_hinted || !hinted) << "hints dropped where the reference has them";
      only_resilient += resilient_hinted && !hinted ? 1 : 0;
      ChangeALittle(&random, &cluster);
    }
  }
  std::printf("reference: hints in %d of %d syncs, %d zones one short of their minimum\n", reference.enabled,
              reference.enabled + reference.disabled, reference.below_minimum);
  std::printf("resilient: hints in %d of %d syncs (%d of them without in the reference), shared in %d, optimal in %d\n",
              resilient.enabled, resilient.enabled + resilient.disabled, only_resilient, resilient.shared,
              resilient.optimal);
  std::printf("reference: %d syncs that only moved hints about\n", reference.unsettled);
  EXPECT_EQ(resilient.unsettled, 0);
  EXPECT_GT(reference.enabled, kClusters);
  EXPECT_LT(reference.below_minimum, reference.enabled / 20);
  EXPECT_GT(resilient.shared, kClusters * 3 / 10);
  EXPECT_GT(resilient.optimal, kClusters * 3 / 2);
}

}  // namespace
}  // namespace epslice
