// Finding the Services of a pod, and what a stored pod costs.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "apis/json.h"
#include "controllers/endpointslice/service_controller.h"
#include "informers/selector_index.h"
#include "test/controllers/builders.h"

namespace epslice {
namespace {

std::string Num(int i) { return std::to_string(i); }

// 10 labels, as charts put them on the pods of a Deployment. With `own`, the
// last one is the pod's alone, as on those of a StatefulSet.
StringMap TenLabels(int app, int pod, bool own) {
  std::vector<StringMap::Entry> labels = {
      {Text::Intern("app.kubernetes.io/name"), Text::Intern("app-" + Num(app))},
      {Text::Intern("app.kubernetes.io/part-of"), Text::Intern("shop")},
      {Text::Intern("app.kubernetes.io/managed-by"), Text::Intern("Helm")},
      {Text::Intern("app.kubernetes.io/component"), Text::Intern("backend")},
      {Text::Intern("app.kubernetes.io/version"), Text::Intern("1.2." + Num(app % 7))},
      {Text::Intern("helm.sh/chart"), Text::Intern("app-" + Num(app) + "-0.4.1")},
      {Text::Intern("pod-template-hash"), Text::Intern("6f5c8d9b7" + Num(app))},
      {Text::Intern("team"), Text::Intern("team-" + Num(app % 20))},
      {Text::Intern("tier"), Text::Intern("silver")}};
  if (own) {
    labels.emplace_back(Text::Intern("statefulset.kubernetes.io/pod-name"),
                        Text::Intern("app-" + Num(app) + "-" + Num(pod)));
  } else {
    labels.emplace_back(Text::Intern("app.kubernetes.io/instance"), Text::Intern("prod"));
  }
  return StringMap(std::move(labels));
}

Pod MakePod(int i, bool own_label) {
  Pod pod = testkit::PodBuilder("app-" + Num(i / 50) + "-6f5c8d9b7-" + Num(10000 + i)).pod;
  pod.metadata.uid = Text("b21be8a9-84a6-402d-a78a-0001" + Num(10000000 + i));
  pod.metadata.resourceVersion = Text(Num(1000000 + i));
  pod.metadata.labels = TenLabels(i / 50, i, own_label);
  pod.nodeName = Text::Intern("ip-10-0-" + Num(i % 1000) + ".eu-central-1.compute.internal");
  pod.podIPs = {*ParseIpLenient("10." + Num(i / 65025 + 1) + "." + Num(i / 255 % 255) + "." + Num(i % 255))};
  pod.hasPodIP = true;
  pod.namedPorts =
      std::make_shared<const std::vector<NamedPort>>(std::vector<NamedPort>{{Text("http"), Text("TCP"), 8080}});
  return pod;
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
  for (int i = 0; i < 1000; ++i) labels.push_back(TenLabels(i * 7 % services, i, true));
  std::vector<ObjectKey> found;
  std::size_t next = 0;
  for (auto _ : state) {
    found.clear();
    index.Find(ns, labels[next++ % labels.size()], &found);
    if (found.size() != 1) state.SkipWithError("one Service expected");
  }
}
BENCHMARK(BM_ServicesOfPod)->Arg(10000)->Unit(benchmark::kNanosecond);

// Heap growth over 100,000 pods that come as an informer gets them: lists in
// pages of 500, decoded from JSON, put into the store with its indexes.
void BM_MemoryOfPod(benchmark::State& state, bool own_label) {
  constexpr int kPods = 100'000;
  constexpr int kPage = 500;
  std::vector<std::string> pages;
  for (int first = 0; first < kPods; first += kPage) {
    ObjectList list;
    for (int i = first; i < first + kPage; ++i) list.items.push_back(AnyObject::Of(MakePod(i, own_label)));
    pages.push_back(EncodeListJson(Kind::kPod, list));
  }
  for (auto _ : state) {
    ClusterStores stores;
    malloc_trim(0);
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (const std::string& page : pages) {
      const absl::StatusOr<ObjectList> list = DecodeListJson(Kind::kPod, page, /*keep_json=*/false);
      if (!list.ok()) state.SkipWithError("a page did not decode");
      for (const AnyObject& pod : list->items) stores.pods.Apply(pod.As<Pod>());
    }
    const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    state.counters["bytes_per_pod"] = static_cast<double>(after - before) / kPods;
  }
}
BENCHMARK_CAPTURE(BM_MemoryOfPod, labels_of_its_deployment, false)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_MemoryOfPod, with_a_label_of_its_own, true)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace epslice
