// The simulator's engine at the sizes it is made for: events and simulated
// seconds for each second, and how much memory it takes at most.
//
//   sim/month    156 Services of up to 1,332 endpoints, 31 days, 31,584 pods
//                that come and go (the size of the trace alibaba-dlrm)
//   sim/rollout  5,000 nodes, 10,000 Services, 150,000 pods, each Service rolled
//                out once within an hour, without a rate limit
#include <benchmark/benchmark.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sim/engine/simulation.h"
#include "test/bench/peak_memory.h"

namespace epslice::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Text Numbered(std::string_view prefix, int number) { return Text(std::string(prefix) + std::to_string(number)); }

// A cluster whose pods a ReplicaSet-like owner makes.
class Load {
 public:
  Load(Simulation* simulation, int nodes) : sim_(*simulation), random_(sim_.Stream("load")) {
    for (int i = 0; i < nodes; ++i) {
      Node node;
      node.metadata.name = nodes_.emplace_back(Text::Intern(Numbered("node-", i)));
      node.metadata.labels = StringMap({{Text::Intern(kLabelZone), Text::Intern(Numbered("zone-", i % 3))},
                                        {Text::Intern("kubernetes.io/hostname"), node.metadata.name}});
      node.ready = true;
      node.allocatableCpuMilli = 32'000;
      Check(sim_.Load(AnyObject::Of(std::move(node))));
    }
  }

  void AddService(int number) {
    Service service;
    service.metadata.namespace_ = Namespace(number);
    service.metadata.name = AppOf(number);
    service.spec.selector = StringMap({{Text::Intern("app"), AppOf(number)}});
    service.spec.ipFamilies = {Text::Intern("IPv4")};
    ServicePort port;
    port.protocol = Text::Intern("TCP");
    port.port = 80;
    port.targetPort.number = 8080;
    service.spec.ports.push_back(port);
    Check(sim_.Load(AnyObject::Of(std::move(service))));
  }

  Pod NewPod(int service, bool ready) {
    Pod pod;
    pod.metadata.namespace_ = Namespace(service);
    pod.metadata.name = Text(AppOf(service).str() + "-" + std::to_string(++pods_));
    pod.metadata.labels = StringMap({{Text::Intern("app"), AppOf(service)}});
    pod.nodeName = nodes_[random_.Below(nodes_.size())];
    pod.phase = PodPhase::kRunning;
    pod.hasPodIP = true;
    pod.podIPs = {*ParseIpLenient("10." + std::to_string(pods_ / 62'500 % 250) + "." +
                                  std::to_string(pods_ / 250 % 250) + "." + std::to_string(pods_ % 250 + 1))};
    SetReady(&pod, ready);
    return pod;
  }
  void SetReady(Pod* pod, bool ready) {
    pod->ready = ready;
    pod->readyTransitionTime = Timestamp{sim_.scheduler().clock().WallNow().nanos / 1'000'000'000 * 1'000'000'000};
  }
  ObjectKey LoadPod(int service) {
    const Pod pod = NewPod(service, true);
    Check(sim_.Load(AnyObject::Of(pod)));
    return KeyOf(pod.metadata);
  }
  // Made now, ready a while later; then `next`.
  ObjectKey StartPod(int service, std::function<void()> next) {
    const Pod pod = NewPod(service, false);
    const ObjectKey key = KeyOf(pod.metadata);
    Check(sim_.Create(AnyObject::Of(pod)));
    sim_.scheduler().After(seconds(5) + milliseconds(random_.Below(10'000)), [this, key, next = std::move(next)] {
      Pod changed = *sim_.Get(Kind::kPod, key.namespace_, key.name).As<Pod>();
      SetReady(&changed, true);
      Check(sim_.UpdateStatus(AnyObject::Of(std::move(changed))));
      if (next) next();
    });
    return key;
  }
  void DeletePod(const ObjectKey& key) { Check(sim_.Delete(Kind::kPod, key.namespace_, key.name)); }

  Random& random() { return random_; }

 private:
  static void Check(const absl::Status& status) {
    if (!status.ok()) throw std::runtime_error(std::string(status.message()));
  }
  static void Check(const Response& response) {
    if (!response.status.ok()) throw std::runtime_error(response.status.ToString());
  }
  static Text Namespace(int service) { return Text::Intern(Numbered("ns-", service % 50)); }
  static Text AppOf(int service) { return Text::Intern(Numbered("app-", service)); }

  Simulation& sim_;
  Random random_;
  std::vector<Text> nodes_;
  int pods_ = 0;
};

// Replaces a Service's pods, three at a time.
class Rollout {
 public:
  Rollout(Simulation* simulation, Load* load, int service, int pods)
      : sim_(*simulation), load_(*load), service_(service) {
    for (int i = 0; i < pods; ++i) old_.push_back(load_.LoadPod(service));
  }
  void Begin() {
    for (int i = 0; i < 3; ++i) Step();
  }

 private:
  void Step() {
    if (started_ == old_.size()) return;
    const std::size_t mine = started_++;
    load_.StartPod(service_, [this, mine] {
      load_.DeletePod(old_[mine]);
      Step();
    });
  }
  Simulation& sim_;
  Load& load_;
  const int service_;
  std::vector<ObjectKey> old_;
  std::size_t started_ = 0;
};

class Counter : public RunObserver {
 public:
  void OnCommit(const Commit&) override { ++commits; }
  void OnWrite(const ControllerWrite&) override { ++writes; }
  void OnSync(const Job&, const Plan&, const Outcome&, SyncResult, Instant, Instant, Instant) override { ++syncs; }
  std::int64_t commits = 0, writes = 0, syncs = 0;
};

void Report(const Counter& counter, Simulation* simulation, benchmark::State* state) {
  const auto rate = benchmark::Counter::kIsRate;
  state->counters["events/s"] = {static_cast<double>(simulation->scheduler().events()), rate};
  state->counters["sim_s/s"] = {std::chrono::duration<double>(simulation->now()).count(), rate};
  state->counters["peak_MiB"] = static_cast<double>(PeakBytes() >> 20);
  state->counters["commits"] = static_cast<double>(counter.commits);
  state->counters["writes"] = static_cast<double>(counter.writes);
  state->counters["syncs"] = static_cast<double>(counter.syncs);
  state->SetLabel(simulation->digest());
}

void Month(benchmark::State& state) {
  for (auto _ : state) {
    ResetPeak();
    SimulationOptions options;
    Simulation simulation(options);
    Counter counter;
    simulation.AddObserver(&counter);
    Load load(&simulation, 1523);
    constexpr int kServices = 156, kPods = 15'792;
    // Few large ones, many small ones; the largest has some 1,300 at a time.
    std::vector<int> shares;
    for (int i = 0; i < kServices; ++i) {
      load.AddService(i);
      shares.insert(shares.end(), static_cast<std::size_t>(600 / (i + 1) + 1), i);
    }
    const Duration month = hours(24 * 31);
    for (int i = 0; i < kPods; ++i) {
      const int service = shares[load.random().Below(shares.size())];
      const Duration begin(load.random().Between(0, month.count()));
      const Duration life(load.random().Between(minutes(10).count(), (month - begin).count() + minutes(11).count()));
      simulation.scheduler().At(begin, [&load, &simulation, service, life] {
        const ObjectKey key = load.StartPod(service, {});
        simulation.scheduler().After(life, [&load, key] { load.DeletePod(key); });
      });
    }
    simulation.StartController();
    simulation.RunUntil(month);
    simulation.Finish();
    Report(counter, &simulation, &state);
  }
}
BENCHMARK(Month)->Name("sim/month")->Iterations(1)->Unit(benchmark::kSecond);

void RolloutOfAll(benchmark::State& state) {
  for (auto _ : state) {
    ResetPeak();
    SimulationOptions options;
    options.models.qps = 0;
    Simulation simulation(options);
    Counter counter;
    simulation.AddObserver(&counter);
    Load load(&simulation, 5000);
    std::vector<std::unique_ptr<Rollout>> rollouts;
    for (int i = 0; i < 10'000; ++i) {
      load.AddService(i);
      rollouts.push_back(std::make_unique<Rollout>(&simulation, &load, i, 15));
      simulation.scheduler().At(minutes(2) + Duration(load.random().Between(0, Duration(hours(1)).count())),
                                [rollout = rollouts.back().get()] { rollout->Begin(); });
    }
    simulation.StartController();
    simulation.RunUntil(minutes(70));
    simulation.Settle(minutes(90));
    simulation.Finish();
    Report(counter, &simulation, &state);
  }
}
BENCHMARK(RolloutOfAll)->Name("sim/rollout")->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace epslice::sim
