// What the demo does to a cluster, through any Transport: reads it whole,
// rolls a workload over, lets a node go. It plays the parts of the Deployment
// controller, the scheduler and the kubelets.
#ifndef EPSLICE_SIM_CLI_DEMO_CLUSTER_H_
#define EPSLICE_SIM_CLI_DEMO_CLUSTER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "apis/core.h"
#include "informers/clock.h"
#include "informers/transport.h"
#include "sim/trace/dump_reader.h"

namespace epslice::sim {

// Not thread-safe. The transport and the clock are not owned. Errors name the
// request that failed.
class DemoCluster {
 public:
  using PodPtr = std::shared_ptr<const Pod>;

  DemoCluster(Transport* transport, const Clock* clock) : transport_(*transport), clock_(*clock) {}

  // All Nodes, Pods, Services and EndpointSlices.
  absl::StatusOr<Dump> Read();

  // A pod like `old`, under another name and address and with the template
  // hash `version`, on `node`; running, not ready.
  absl::StatusOr<PodPtr> StartPodLike(const Pod& old, std::string_view version, const Text& node);
  absl::Status SetPodReady(const Pod& pod, bool ready);
  absl::Status DeletePod(const Pod& pod, std::int64_t grace_seconds);

  // The kubelet of a node falls silent: the node is not Ready, nor its pods.
  absl::Status LoseNode(const Node& node, const std::vector<PodPtr>& on_node);
  absl::Status DeleteNode(const Node& node);

 private:
  absl::StatusOr<Response> Send(Request request);
  absl::Status Patch(Kind kind, const BasicMeta& meta, std::string_view subresource, std::string patch);
  std::string ReadyCondition(std::string_view status) const;

  Transport& transport_;
  const Clock& clock_;
  int pods_made_ = 0;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_DEMO_CLUSTER_H_
