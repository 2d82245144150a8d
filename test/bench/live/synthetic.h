// A cluster made up: nodes in three zones, Services of as many pods each, all
// ready. Objects are as a kube-apiserver gives them out, with what kubelets,
// controllers and a chart put in: in protobuf a Pod is about 2 KB, a Node
// about 3 KB.
#ifndef EPSLICE_TEST_BENCH_LIVE_SYNTHETIC_H_
#define EPSLICE_TEST_BENCH_LIVE_SYNTHETIC_H_

#include <iosfwd>
#include <string>

namespace epslice::bench {

struct SyntheticCluster {
  int nodes = 500;
  int services = 200;
  int pods = 20'000;
  int namespaces = 1;

  // The Services take turns in the namespaces, the pods in the Services.
  std::string NamespaceOf(int service) const { return "shop-" + std::to_string(service % namespaces); }
  static std::string ServiceName(int service) { return "app-" + std::to_string(service); }
  int ServiceOf(int pod) const { return pod % services; }
  std::string PodName(int pod) const;
};

// As a dump for `endpointslice-sim serve`: an object to a line.
void WriteDump(const SyntheticCluster& cluster, std::ostream& out);

// A Pod with the index `pod` as JSON; `version` is its resourceVersion.
std::string PodJson(const SyntheticCluster& cluster, int pod, int version);

}  // namespace epslice::bench

#endif  // EPSLICE_TEST_BENCH_LIVE_SYNTHETIC_H_
