// Whole runs of the simulator, as `endpointslice-sim run` does them: trace or
// scenario, controller, data plane and recorder. Events and simulated seconds
// for each second, and how much memory it takes at most.
//
//   sim/run/rollout  5,000 nodes, 10,000 Services, 150,000 pods, each Service
//                    rolled out once
//   sim/run/shop     the recorded audit log of the tests
//   sim/run/alibaba  156 Services on 1,523 nodes for 31 days: the public traces
//                    alibaba-dlrm and openb, in the folder that EPSLICE_TRACES
//                    names; left out without
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "sim/run/run.h"
#include "test/bench/peak_memory.h"

namespace epslice::sim {
namespace {

void Bench(const RunSpec& spec, benchmark::State& state) {
  ResetPeak();
  RunProgress last;
  double simulated = 0, writes = 0;
  for ([[maybe_unused]] auto _ : state) {
    const absl::StatusOr<RunOutput> output = RunOnce(spec, [&last](const RunProgress& at) { last = at; });
    if (!output.ok()) {
      state.SkipWithError(std::string(output.status().message()).c_str());
      return;
    }
    simulated = output->report.numbers.duration;
    writes = output->report.numbers.writes;
  }
  state.counters["events/s"] = benchmark::Counter(static_cast<double>(last.events), benchmark::Counter::kIsRate);
  state.counters["simulated_s/s"] = benchmark::Counter(simulated, benchmark::Counter::kIsRate);
  state.counters["slice_writes"] = writes;
  state.counters["peak_MiB"] = static_cast<double>(PeakBytes()) / (1 << 20);
}

void Rollout(benchmark::State& state) {
  const std::string file =
      (std::filesystem::temp_directory_path() / ("rollout-" + std::to_string(getpid()) + ".yaml")).string();
  std::ofstream(file) << "apiVersion: epslice.dev/v1\nkind: Scenario\nmetadata: {name: rollout}\nduration: 1h\n"
                         "settings: {kube-api-qps: 0}\n"
                         "cluster: {nodes: [{zones: [a, b, c], count: 1667}]}\n"
                         "services: [{name: \"web-{n}\", count: 10000, replicas: 15}]\n"
                         "actions: [{at: 1s, rollout: {service: \"*\", stagger: 300ms}}]\n";
  RunSpec spec;
  spec.scenario = file;
  Bench(spec, state);
  std::remove(file.c_str());
}
BENCHMARK(Rollout)->Name("sim/run/rollout")->Iterations(1)->Unit(benchmark::kSecond);

void Shop(benchmark::State& state) {
  RunSpec spec;
  spec.sources = {EPSLICE_SOURCE_DIR "/test/testdata/shop/audit.jsonl.xz"};
  Bench(spec, state);
}
BENCHMARK(Shop)->Name("sim/run/shop")->Iterations(1)->Unit(benchmark::kSecond);

void Alibaba(benchmark::State& state) {
  const char* folder = std::getenv("EPSLICE_TRACES");
  if (folder == nullptr) return state.SkipWithError("EPSLICE_TRACES names no folder with the traces");
  RunSpec spec;
  spec.sources = {"alibaba-dlrm:" + std::string(folder) + "/alibaba/disaggregated_DLRM_trace.csv",
                  "alibaba-openb-nodes:" + std::string(folder) + "/alibaba/openb_node_list_all_node.csv"};
  Bench(spec, state);
}
BENCHMARK(Alibaba)->Name("sim/run/alibaba")->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace epslice::sim
