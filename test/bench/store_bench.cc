// Finding the Services of a pod, and what a stored pod costs.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "controllers/endpointslice/service_controller.h"
#include "informers/selector_index.h"
#include "test/controllers/builders.h"

namespace epslice {
namespace {

std::string Num(int i) { return std::to_string(i); }

// 10 labels, as charts put on pods; the last one is different for every pod.
StringMap TenLabels(int app, int pod) {
  std::vector<StringMap::Entry> labels = {
      {Text::Intern("app.kubernetes.io/name"), Text::Intern("app-" + Num(app))},
      {Text::Intern("app.kubernetes.io/part-of"), Text::Intern("shop")},
      {Text::Intern("app.kubernetes.io/managed-by"), Text::Intern("Helm")},
      {Text::Intern("app.kubernetes.io/component"), Text::Intern("backend")},
      {Text::Intern("app.kubernetes.io/version"), Text::Intern("1.2." + Num(app % 7))},
      {Text::Intern("helm.sh/chart"), Text::Intern("app-" + Num(app) + "-0.4.1")},
      {Text::Intern("pod-template-hash"), Text::Intern("6f5c8d9b7" + Num(app))},
      {Text::Intern("team"), Text::Intern("team-" + Num(app % 20))},
      {Text::Intern("topology.kubernetes.io/zone"), Text::Intern("zone-" + Num(pod % 3))},
      {Text::Intern("statefulset.kubernetes.io/pod-name"), Text::Intern("app-" + Num(app) + "-" + Num(pod))}};
  return StringMap(std::move(labels));
}

void BM_ServicesOfPod(benchmark::State& state) {
  const int services = static_cast<int>(state.range(0));
  SelectorIndex index;
  const Text ns = Text::Intern("shop");
  for (int i = 0; i < services; ++i) {
    index.Set({ns, Text("svc-" + Num(i))},
              StringMap{{Text::Intern("app.kubernetes.io/part-of"), Text::Intern("shop")},
                        {Text::Intern("app.kubernetes.io/name"), Text::Intern("app-" + Num(i))}});
  }
  std::vector<StringMap> labels;
  for (int i = 0; i < 1000; ++i) labels.push_back(TenLabels(i * 7 % services, i));
  std::vector<ObjectKey> found;
  std::size_t next = 0;
  for (auto _ : state) {
    found.clear();
    index.Find(ns, labels[next++ % labels.size()], &found);
    if (found.size() != 1) state.SkipWithError("one Service expected");
  }
}
BENCHMARK(BM_ServicesOfPod)->Arg(10000)->Unit(benchmark::kNanosecond);

// Heap growth over 100,000 pods in the store with its indexes.
void BM_MemoryOfPod(benchmark::State& state) {
  const int count = static_cast<int>(state.range(0));
  for (auto _ : state) {
    ClusterStores stores;
    malloc_trim(0);
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (int i = 0; i < count; ++i) {
      Pod pod = testing::PodBuilder("app-" + Num(i / 50) + "-6f5c8d9b7-" + Num(10000 + i)).pod;
      pod.metadata.namespace_ = Text::Intern("shop");
      pod.metadata.uid = Text("b21be8a9-84a6-402d-a78a-0001" + Num(10000000 + i));
      pod.metadata.resourceVersion = Text(Num(1000000 + i));
      pod.metadata.labels = TenLabels(i / 50, i);
      pod.nodeName = Text::Intern("ip-10-0-" + Num(i % 1000) + ".eu-central-1.compute.internal");
      pod.podIPs.reserve(1);
      pod.podIPs.push_back(*ParseIpLenient("10." + Num(i / 65025 + 1) + "." + Num(i / 255 % 255) + "." + Num(i % 255)));
      pod.podIPs.shrink_to_fit();
      pod.hasPodIP = true;
      static const auto ports = std::make_shared<const std::vector<NamedPort>>(
          std::vector<NamedPort>{{Text::Intern("http"), Text::Intern("TCP"), 8080}});
      pod.namedPorts = std::make_shared<const std::vector<NamedPort>>(*ports);
      stores.pods.Apply(std::make_shared<const Pod>(std::move(pod)));
    }
    const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    state.counters["bytes_per_pod"] = static_cast<double>(after - before) / count;
  }
}
BENCHMARK(BM_MemoryOfPod)->Arg(100000)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace epslice
