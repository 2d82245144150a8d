#include "sim/cli/demo_cluster.h"

#include <algorithm>
#include <utility>

#include "apis/concat.h"
#include "apis/time_format.h"

namespace epslice::sim {

absl::StatusOr<Response> DemoCluster::Send(Request request) {
  request.userAgent = "endpointslice-sim demo";
  Response response = transport_.Do(request, nullptr);
  if (response.status.ok()) return response;
  return absl::UnavailableError(Concat(DescribeRequest(request), ": ", response.status.ToString()));
}

absl::StatusOr<Dump> DemoCluster::Read() {
  Dump dump;
  for (const Kind kind : {Kind::kNode, Kind::kPod, Kind::kService, Kind::kEndpointSlice}) {
    Request request;
    request.verb = Verb::kList;
    request.kind = kind;
    request.list.limit = 500;
    do {
      absl::StatusOr<Response> page = Send(request);
      if (!page.ok()) return page.status();
      dump.objects.insert(dump.objects.end(), page->list.items.begin(), page->list.items.end());
      request.list.continueToken = page->list.continueToken;
    } while (!request.list.continueToken.empty());
  }
  return dump;
}

absl::StatusOr<DemoCluster::PodPtr> DemoCluster::StartPodLike(const Pod& old, std::string_view version,
                                                              const Text& node) {
  const int number = pods_made_++;
  Pod pod = old;
  const Text* app = old.metadata.labels.Find("app");
  pod.metadata.name = Text(Concat(app == nullptr ? std::string_view("demo") : app->view(), '-', version, '-', number));
  pod.metadata.uid = Text();
  pod.metadata.resourceVersion = Text();
  pod.metadata.creationTimestamp = pod.metadata.deletionTimestamp = Timestamp();
  pod.metadata.labels = old.metadata.labels.With(Text("pod-template-hash"), Text(version));
  pod.nodeName = node;
  pod.ready = false;
  pod.readyTransitionTime = clock_.WallNow();
  pod.phase = PodPhase::kRunning;
  // TEST-NET style addresses of the demo's own, one for each pod.
  pod.podIPs = {*ParseIpLenient(Concat("10.200.", number / 250, '.', number % 250 + 1))};
  pod.hasPodIP = true;
  Request request;
  request.verb = Verb::kCreate;
  request.kind = Kind::kPod;
  request.namespace_ = pod.metadata.namespace_.str();
  request.object = AnyObject::Of(std::move(pod));
  absl::StatusOr<Response> response = Send(std::move(request));
  if (!response.ok()) return response.status();
  return response->object.As<Pod>();
}

absl::Status DemoCluster::Patch(Kind kind, const BasicMeta& meta, std::string_view subresource, std::string patch) {
  Request request;
  request.verb = Verb::kPatch;
  request.kind = kind;
  request.namespace_ = meta.namespace_.str();
  request.name = meta.name.str();
  request.subresource = std::string(subresource);
  request.patchType = PatchType::kStrategicMerge;
  request.patch = std::move(patch);
  return Send(std::move(request)).status();
}

std::string DemoCluster::ReadyCondition(std::string_view status) const {
  return Concat(R"({"status":{"conditions":[{"type":"Ready","status":")", status, R"(","lastTransitionTime":")",
                FormatRfc3339(clock_.WallNow()), R"("}]}})");
}

absl::Status DemoCluster::SetPodReady(const Pod& pod, bool ready) {
  return Patch(Kind::kPod, pod.metadata, "status", ReadyCondition(ready ? "True" : "False"));
}

absl::Status DemoCluster::DeletePod(const Pod& pod, std::int64_t grace_seconds) {
  Request request;
  request.verb = Verb::kDelete;
  request.kind = Kind::kPod;
  request.namespace_ = pod.metadata.namespace_.str();
  request.name = pod.metadata.name.str();
  request.deletion.gracePeriodSeconds = grace_seconds;
  return Send(std::move(request)).status();
}

absl::Status DemoCluster::LoseNode(const Node& node, const std::vector<PodPtr>& on_node) {
  absl::Status status = Patch(Kind::kNode, node.metadata, "status", ReadyCondition("Unknown"));
  for (const PodPtr& pod : on_node) {
    if (status.ok()) status = SetPodReady(*pod, false);
  }
  return status;
}

absl::Status DemoCluster::DeleteNode(const Node& node) {
  Request request;
  request.verb = Verb::kDelete;
  request.kind = Kind::kNode;
  request.name = node.metadata.name.str();
  return Send(std::move(request)).status();
}

}  // namespace epslice::sim
