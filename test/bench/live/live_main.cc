// `./dev bench live`: the controller against an API server, over TLS and in
// protobuf: what a start costs, what a readiness flip costs, how soon a flip is
// in the slices.
//
// Times of the wall depend on what else the machine does, and on the API server
// in memory, which shares it; CPU and memory are the controller's alone. The
// figures of the reference (kube-controller-manager v1.36) are from another
// machine of 2 cores.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "informers/random.h"
#include "test/bench/live/harness.h"
#include "test/bench/live/slice_watch.h"

namespace epslice::bench {
namespace {

double Ms(Duration d) { return std::chrono::duration<double, std::milli>(d).count(); }
double Sec(Duration d) { return std::chrono::duration<double>(d).count(); }

// A line of the table: what was measured, what the reference takes, and what is
// the most that it may take; 0: no such figure.
struct Figure {
  std::string what;
  double value = 0;
  std::string unit;
  int decimals = 2;
  double reference = 0;
  double limit = 0;
};

void Print(const std::vector<Figure>& figures) {
  std::printf("  %-58s %12s %12s %8s %16s\n", "", "measured", "reference", "ratio", "limit");
  for (const Figure& f : figures) {
    const std::string ratio =
        f.reference > 0 ? Fixed(f.reference / f.value, f.reference / f.value < 10 ? 1 : 0) + "x" : "";
    std::string limit;
    if (f.limit > 0) limit = Fixed(f.limit, f.limit < 1 ? 1 : 0, f.unit) + (f.value <= f.limit ? " met" : " MISSED");
    std::printf("  %-58s %12s %12s %8s %16s\n", f.what.c_str(), Fixed(f.value, f.decimals, f.unit).c_str(),
                f.reference > 0 ? Fixed(f.reference, f.reference < 10 ? 1 : 0, f.unit).c_str() : "", ratio.c_str(),
                limit.c_str());
  }
  std::cout << std::flush;
}

// What the issue allows, of the three clusters it names.
struct Limits {
  double cold_cpu_s = 0, cold_rss_mb = 0, ready_s = 0, flip_cpu_ms = 0, flip_p50_ms = 0;
};

struct Options {
  Programs programs;
  SyntheticCluster cluster;
  int flips = 300;
  std::vector<double> rates = {10, 50};
  std::vector<std::string> controller_flags;
};

class LiveBench {
 public:
  LiveBench(const Clock* clock, Options options) : clock_(clock), options_(std::move(options)) {}

  // Idle, without an object.
  void Idle() {
    Make(SyntheticCluster{0, 0, 0, 1});
    Controller controller(clock_, options_.programs, folder_, "idle", *server_, options_.controller_flags);
    AwaitReady(&controller);
    Pause(*clock_, std::chrono::seconds(10));
    const Process::Sample sample = controller.process().Look();
    const Duration cpu = controller.process().Cpu();
    Pause(*clock_, std::chrono::seconds(10));
    Print({{"RSS, idle on an empty cluster", sample.rss_mb, " MB", 1, 100, 15},
           {"its peak", sample.peak_rss_mb, " MB", 1},
           {"CPU while idle, of one core", Sec(controller.process().Cpu() - cpu) / 10 * 100, " %", 3}});
  }

  void Cluster(const Limits& limits, bool compare) {
    Make(options_.cluster);
    const std::unique_ptr<HttpTransport> transport = server_->Connect(clock_);
    SliceWatch watch(clock_, transport.get());
    if (!Await(*clock_, kLong, [&] { return watch.synced(); })) throw std::runtime_error("no list of slices");
    std::vector<Figure> figures;
    {
      Controller first(clock_, options_.programs, folder_, "first", *server_, options_.controller_flags);
      const Start start = MeasureStart(&first, watch);
      figures.push_back({"first start, all slices written: CPU", start.cpu_s, " s"});
      figures.push_back({"  wall", start.wall_s, " s"});
      figures.push_back({"  peak RSS", start.peak_mb, " MB", 1});
      Stop(&first);
    }
    CheckSlices(transport.get());
    Controller second(clock_, options_.programs, folder_, "second", *server_, options_.controller_flags);
    const std::int64_t events = watch.events();
    const Start start = MeasureStart(&second, watch);
    if (watch.events() != events) throw std::runtime_error("slices that were right were written");
    figures.push_back(
        {"cold start, slices already right: CPU", start.cpu_s, " s", 3, compare ? 7.8 : 0, limits.cold_cpu_s});
    figures.push_back({"  wall", start.wall_s, " s", 2, compare ? 5.3 : 0, limits.ready_s});
    figures.push_back({"  peak RSS", start.peak_mb, " MB", 1, compare ? 394.0 : 0, limits.cold_rss_mb});
    figures.push_back({"  a pod on the wire, protobuf",
                       second.Metric(R"(epslice_decode_bytes{resource="pods"})") / options_.cluster.pods, " B", 0});
    for (const double rate : options_.rates) Flips(rate, limits, compare, transport.get(), &second, &watch, &figures);
    figures.push_back(
        {"peak RSS after all flips", second.process().Look().peak_rss_mb, " MB", 1, 0, limits.cold_rss_mb});
    figures.push_back({"RSS after all flips", second.process().Look().rss_mb, " MB", 1});
    Stop(&second);
    CheckSlices(transport.get());
    Print(figures);
  }

 private:
  static constexpr Duration kLong = std::chrono::minutes(10);
  struct Start {
    double cpu_s = 0, wall_s = 0, peak_mb = 0;
  };

  void Make(const SyntheticCluster& cluster) {
    server_.reset();
    const std::string dump = folder_.Path("cluster.jsonl");
    {
      std::ofstream file(dump, std::ios::binary | std::ios::trunc);
      WriteDump(cluster, file);
      if (!file.good()) throw std::runtime_error("the cluster cannot be written to " + dump);
    }
    std::printf("%d nodes, %d Services, %d pods%s\n", cluster.nodes, cluster.services, cluster.pods,
                cluster.namespaces > 1 ? (" in " + std::to_string(cluster.namespaces) + " namespaces").c_str() : "");
    std::cout << std::flush;
    server_ = std::make_unique<ApiServer>(clock_, options_.programs, folder_, dump);
    std::remove(dump.c_str());
  }

  void AwaitReady(Controller* controller) {
    const bool ready = Await(*clock_, kLong, [&] { return !controller->process().Running() || controller->Ready(); });
    if (!ready || !controller->process().Running()) {
      throw std::runtime_error("the controller does not become ready:\n" + controller->process().Output());
    }
  }

  // From the spawn until /readyz is ok, every Service was synced, and the
  // slices, as a watcher sees them, hold every pod.
  Start MeasureStart(Controller* controller, const SliceWatch& watch) {
    AwaitReady(controller);
    const auto services = static_cast<double>(options_.cluster.services);
    const auto pods = static_cast<std::size_t>(options_.cluster.pods);
    const bool done = Await(
        *clock_, kLong,
        [&] {
          return watch.endpoints() == pods &&
                 controller->Metric(R"(endpoint_slice_controller_syncs{result="success"})") >= services;
        },
        std::chrono::milliseconds(20));
    Start start;
    start.wall_s = Sec(clock_->Now() - controller->started());
    start.cpu_s = Sec(controller->process().Cpu());
    start.peak_mb = controller->process().Look().peak_rss_mb;
    if (!done) throw std::runtime_error("the slices do not become right:\n" + controller->process().Output());
    return start;
  }

  void Stop(Controller* controller) {
    controller->process().Signal(SIGTERM);
    if (const int code = controller->process().Wait(); code != 0) {
      throw std::runtime_error("the controller ended with " + std::to_string(code) + ":\n" +
                               controller->process().Output());
    }
  }

  void CheckSlices(Transport* transport) const {
    if (const std::string wrong = WrongSlices(*clock_, transport); !wrong.empty()) throw std::runtime_error(wrong);
  }

  // One pod at a time, `rate` a second, each of another Service than the last.
  void Flips(double rate, const Limits& limits, bool compare, Transport* transport, Controller* controller,
             SliceWatch* watch, std::vector<Figure>* figures) {
    Random random(static_cast<std::uint64_t>(rate));
    const auto interval = Duration(static_cast<std::int64_t>(1e9 / rate));
    Pause(*clock_, std::chrono::seconds(2));  // whatever the start left to do
    const Duration before = controller->process().Cpu();
    const Instant begin = clock_->Now();
    for (int i = 0; i < options_.flips; ++i) {
      Pause(*clock_, begin + interval * i - clock_->Now());
      const int pod = static_cast<int>(random.Below(static_cast<std::uint64_t>(options_.cluster.pods)));
      Flip(pod, transport, watch);
    }
    if (!Await(*clock_, std::chrono::minutes(1), [&] { return watch->missing() == 0; })) {
      throw std::runtime_error(std::to_string(watch->missing()) + " flips never showed in a slice");
    }
    Pause(*clock_, std::chrono::milliseconds(200));  // echoes
    const Duration cpu = controller->process().Cpu() - before;
    const double lasted = Sec(clock_->Now() - begin);
    std::vector<Duration> latencies = watch->TakeLatencies();
    std::sort(latencies.begin(), latencies.end());
    const auto percentile = [&](std::size_t p) {
      return Ms(latencies[std::min(latencies.size() - 1, latencies.size() * p / 100)]);
    };
    const std::string at = Fixed(rate, 0) + "/s";
    const bool slow = compare && rate == 10;
    figures->push_back({"flips at " + at + " (" + Fixed(options_.flips / lasted, 1) + " reached): CPU for each",
                        Ms(cpu) / options_.flips, " ms", 3, slow ? 33.0 : 0, limits.flip_cpu_ms});
    figures->push_back({"  patch sent to slice event: p50", percentile(50), " ms", 2,
                        slow                    ? 28.0
                        : compare && rate == 50 ? 1000.0
                                                : 0,
                        limits.flip_p50_ms});
    figures->push_back({"  p90", percentile(90), " ms", 2});
    figures->push_back({"  p99", percentile(99), " ms", 2, slow ? 59.0 : 0});
  }

  void Flip(int pod, Transport* transport, SliceWatch* watch) {
    bool& ready = ready_.try_emplace(pod, true).first->second;
    ready = !ready;
    Request patch;
    patch.verb = Verb::kPatch;
    patch.kind = Kind::kPod;
    patch.namespace_ = options_.cluster.NamespaceOf(options_.cluster.ServiceOf(pod));
    patch.name = options_.cluster.PodName(pod);
    patch.subresource = "status";
    patch.patchType = PatchType::kStrategicMerge;
    patch.patch =
        std::string(R"({"status":{"conditions":[{"type":"Ready","status":")") + (ready ? "True" : "False") + R"("}]}})";
    watch->Expect(patch.name, ready);
    const Response response = transport->Do(patch, nullptr);
    if (!response.status.ok()) throw std::runtime_error("patch: " + response.status.ToString());
  }

  const Clock* const clock_;
  const Options options_;
  TempFolder folder_;
  std::unique_ptr<ApiServer> server_;
  std::map<int, bool> ready_;
};

int Run(int argc, char** argv) {
  Options options;
  options.programs.folder = EPSLICE_BIN_DIR;
  std::optional<int> nodes, services, pods;
  std::vector<std::string> only;
  CLI::App app("Measures the controller against an API server in memory");
  app.add_option("--nodes", nodes, "Nodes of a cluster of your own, instead of the ones that have limits");
  app.add_option("--services", services, "Services, likewise");
  app.add_option("--pods", pods, "Pods, likewise");
  app.add_option("--namespaces", options.cluster.namespaces, "Namespaces that they share")->check(CLI::Range(1, 10000));
  app.add_option("--flips", options.flips, "Readiness flips at each rate")->check(CLI::Range(1, 1000000));
  app.add_option("--rate", options.rates, "Flips a second; may be given several times")
      ->check(CLI::Range(0.1, 10000.0));
  app.add_option("--only", only, "Of the three clusters with limits: idle, medium, large")
      ->check(CLI::IsMember({"idle", "medium", "large"}));
  app.add_option("--programs", options.programs.folder, "Where endpointslice-sim and endpointslice-controller are")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
  app.add_option("--controller-flag", options.controller_flags,
                 "A flag for the controller; may be given several times");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const RealClock clock;
  if (nodes || services || pods) {
    options.cluster.nodes = nodes.value_or(options.cluster.nodes);
    options.cluster.services = services.value_or(options.cluster.services);
    options.cluster.pods = pods.value_or(options.cluster.pods);
    if (options.cluster.nodes < 1 || options.cluster.services < 1 || options.cluster.pods < options.cluster.services) {
      std::cerr << "live: at least one node, one Service, and as many pods as Services\n";
      return 2;
    }
    LiveBench(&clock, options).Cluster({}, false);
    return 0;
  }
  const auto wanted = [&](const char* name) {
    return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
  };
  if (wanted("idle")) LiveBench(&clock, options).Idle();
  if (wanted("medium")) LiveBench(&clock, options).Cluster({0.5, 40, 0, 0.4, 8}, true);
  if (wanted("large")) {
    options.cluster = {5000, 10'000, 150'000, 100};
    LiveBench(&clock, options).Cluster({0, 200, 15, 0, 0}, false);
  }
  return 0;
}

}  // namespace
}  // namespace epslice::bench

int main(int argc, char** argv) {
  try {
    return epslice::bench::Run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "live: " << e.what() << "\n";
    return 1;
  }
}
