// Hints in proportion to CPU: allocating them, and finding whom a change of the
// nodes concerns. Argument 0 is the reference policy, 1 the resilient one.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "controllers/endpointslice/service_controller.h"
#include "controllers/topologyhints/hints.h"
#include "test/controllers/builders.h"

namespace epslice {
namespace {

using Drafts = std::vector<std::shared_ptr<EndpointSlice>>;
using Slices = std::vector<std::shared_ptr<const EndpointSlice>>;

constexpr int kZones = 10;
constexpr int kEndpoints = 5000;
constexpr int kPerSlice = 100;

Text Zone(int number) { return Text::Intern("zone-" + std::to_string(number)); }

Node MakeNode(const std::string& name, int zone, std::int64_t cpu_milli) {
  Node node;
  node.metadata.name = Text(name);
  node.metadata.resourceVersion = Text("1");
  node.metadata.labels = StringMap{{Text::Intern(kLabelZone), Zone(zone)}};
  node.ready = true;
  node.allocatableCpuMilli = cpu_milli;
  return node;
}

// Zones of different sizes, which their endpoints do not quite match: some have
// to be for another zone.
std::shared_ptr<const ZoneCapacity> Capacity() {
  ZoneCapacities capacities;
  for (int z = 0; z < kZones; ++z) {
    const Node node = MakeNode("n" + std::to_string(z), z, 4000 + 1000 * z);
    capacities.Observe(nullptr, &node);
  }
  return capacities.snapshot();
}

Drafts WithoutHints() {
  Drafts slices;
  for (int s = 0; s < kEndpoints / kPerSlice; ++s) {
    auto slice = std::make_shared<EndpointSlice>();
    slice->metadata.name = Text("web-" + std::to_string(s));
    for (int e = 0; e < kPerSlice; ++e) {
      Endpoint endpoint;
      endpoint.addresses = {Text("10.1." + std::to_string(s) + "." + std::to_string(e))};
      endpoint.conditions = {true, true, false};
      endpoint.zone = Zone((s * kPerSlice + e) % kZones);
      slice->endpoints.push_back(std::move(endpoint));
    }
    slices.push_back(std::move(slice));
  }
  return slices;
}

HintsOptions Options(const benchmark::State& state) {
  HintsOptions options;
  options.policy = state.range(0) == 0 ? HintsPolicy::kReference : HintsPolicy::kResilient;
  return options;
}

// All of them new.
void BM_HintsFirst(benchmark::State& state) {
  const auto capacity = Capacity();
  Drafts create = WithoutHints();
  for (auto _ : state) {
    state.PauseTiming();
    for (const auto& slice : create) {
      for (Endpoint& endpoint : slice->endpoints) endpoint.hints.reset();
    }
    Drafts update;
    Slices unchanged;
    state.ResumeTiming();
    benchmark::DoNotOptimize(AddHints(capacity, Options(state), {&create, &update, &unchanged, nullptr, false}));
  }
}
BENCHMARK(BM_HintsFirst)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

// Slices with the hints that they should have.
Slices Hinted(const std::shared_ptr<const ZoneCapacity>& capacity, const HintsOptions& options) {
  Drafts create = WithoutHints();
  Drafts update;
  Slices unchanged;
  AddHints(capacity, options, {&create, &update, &unchanged, nullptr, false});
  return {create.begin(), create.end()};
}

// Nothing to change.
void BM_HintsUnchanged(benchmark::State& state) {
  const auto capacity = Capacity();
  const Slices written = Hinted(capacity, Options(state));
  Drafts create;
  Drafts update;
  for (auto _ : state) {
    Slices unchanged = written;
    benchmark::DoNotOptimize(AddHints(capacity, Options(state), {&create, &update, &unchanged, &written, false}));
    if (!update.empty()) state.SkipWithError("nothing should change");
  }
}
BENCHMARK(BM_HintsUnchanged)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

// One slice is written for another reason; its hints are made anew.
void BM_HintsOneSliceWritten(benchmark::State& state) {
  const auto capacity = Capacity();
  const Slices written = Hinted(capacity, Options(state));
  Drafts create;
  Drafts update;
  auto draft = std::make_shared<EndpointSlice>(*written[7]);
  for (auto _ : state) {
    Slices unchanged = written;
    unchanged.erase(unchanged.begin() + 7);
    update = {draft};
    benchmark::DoNotOptimize(AddHints(capacity, Options(state), {&create, &update, &unchanged, &written, false}));
  }
}
BENCHMARK(BM_HintsOneSliceWritten)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

// A cluster of 5,000 nodes and 10,000 Services that ask for hints, each with two
// endpoints in each of three zones.
class BigCluster {
 public:
  explicit BigCluster(const HintsOptions& hints) : controller_(Options(hints)) {
    constexpr int kNodes = 5000;
    for (int n = 0; n < kNodes; ++n) Put(n, n % 3);
    for (int s = 0; s < 10'000; ++s) AddService(s);
    controller_.Start(now_);
    WorkAll();
  }

  // -1: without a zone.
  void Put(int n, int zone, std::int64_t cpu_milli = 4000) {
    auto node = std::make_shared<Node>(MakeNode("n" + std::to_string(n), zone, cpu_milli));
    node->metadata.resourceVersion = Text(std::to_string(++version_));
    if (zone < 0) node->metadata.labels = StringMap();
    controller_.Observe(controller_.stores().nodes.Apply(std::shared_ptr<const Node>(std::move(node))), now_);
  }

  std::size_t queued() const { return controller_.queue().ready_size(); }

  // Syncs what is queued; writes are answered at once and come back.
  void WorkAll() {
    while (std::optional<Job> job = controller_.Next(now_)) {
      const Plan plan = controller_.MakePlan(*job);
      Outcome outcome;
      for (const SliceWrite& write : plan.writes) {
        auto slice = std::make_shared<EndpointSlice>(*write.slice);
        if (slice->metadata.name.empty()) slice->metadata.name = Text(slice->metadata.generateName.str() + "x");
        slice->metadata.uid = slice->metadata.name;
        slice->metadata.resourceVersion = Text(std::to_string(++version_));
        ++slice->metadata.generation;
        outcome.written.push_back(slice);
      }
      controller_.Complete(*job, plan, outcome, now_);
      for (const auto& slice : outcome.written) {
        controller_.Observe(controller_.stores().slices.Apply(slice), now_);
        controller_.ObserveSliceVersion(slice->metadata.resourceVersion, now_);
      }
    }
  }

 private:
  static ServiceControllerOptions Options(const HintsOptions& hints) {
    ServiceControllerOptions options;
    options.reconcile.hints = hints;
    return options;
  }

  void AddService(int s) {
    const std::string name = "web-" + std::to_string(s);
    const StringMap labels{{Text::Intern("app"), Text(name)}};
    const std::shared_ptr<const Service> service =
        testkit::ServiceBuilder(name).Selector(labels).Annotation(std::string(kAnnotationTopologyMode), "Auto");
    controller_.Observe(controller_.stores().services.Apply(service), now_);
    for (int p = 0; p < 6; ++p) {
      const std::string ip = "10." + std::to_string(p) + "." + std::to_string(s / 250) + "." + std::to_string(s % 250);
      const std::shared_ptr<const Pod> pod = testkit::PodBuilder(name + "-" + std::to_string(p), ip)
                                                 .Labels(labels)
                                                 .Node("n" + std::to_string((s + p) % 4999));
      controller_.Observe(controller_.stores().pods.Apply(pod), now_);
    }
  }

  ServiceController controller_;
  Instant now_{std::chrono::seconds(1000)};
  int version_ = 1;
};

enum class NodeEvent { kZoneLost, kZoneBack, kZoneNew, kMoreCpu };

// From the node event until the right Services are queued.
void BM_NodeEvent(benchmark::State& state, NodeEvent event) {
  BigCluster cluster(Options(state));
  constexpr int kNode = 4999;  // has no pods
  constexpr int kHome = kNode % 3;
  std::size_t queued = 0;
  for (auto _ : state) {
    state.PauseTiming();
    cluster.Put(kNode, event == NodeEvent::kZoneBack ? -1 : kHome);
    cluster.WorkAll();
    state.ResumeTiming();
    switch (event) {
      case NodeEvent::kZoneLost: cluster.Put(kNode, -1); break;
      case NodeEvent::kZoneBack: cluster.Put(kNode, kHome); break;
      case NodeEvent::kZoneNew: cluster.Put(kNode, 3); break;
      case NodeEvent::kMoreCpu: cluster.Put(kNode, kHome, 4100); break;
    }
    queued = cluster.queued();
  }
  state.counters["queued"] = static_cast<double>(queued);
}
BENCHMARK_CAPTURE(BM_NodeEvent, ZoneLost, NodeEvent::kZoneLost)
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(10);
BENCHMARK_CAPTURE(BM_NodeEvent, ZoneBack, NodeEvent::kZoneBack)
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(10);
BENCHMARK_CAPTURE(BM_NodeEvent, ZoneNew, NodeEvent::kZoneNew)
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(10);
BENCHMARK_CAPTURE(BM_NodeEvent, MoreCpu, NodeEvent::kMoreCpu)
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(10);

}  // namespace
}  // namespace epslice
