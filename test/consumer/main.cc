// Plans one Service with one pod through the installed package: exits 0 when
// the plan is the one slice with the one endpoint that it must be.
#include <cstdio>
#include <memory>

#include "controllers/endpointslice/reconcile.h"

int main() {
  using epslice::Text;

  auto service = std::make_shared<epslice::Service>();
  service->metadata.name = Text("web");
  service->metadata.namespace_ = Text("shop");
  service->spec.type = Text("ClusterIP");
  service->spec.selector = epslice::StringMap{{Text("app"), Text("web")}};
  service->spec.clusterIP = Text("10.96.0.10");
  service->spec.clusterIPs = {Text("10.96.0.10")};
  service->spec.ipFamilies = {Text("IPv4")};
  epslice::ServicePort port;
  port.protocol = Text("TCP");
  port.port = 80;
  port.targetPort.number = 8080;
  service->spec.ports = {port};

  auto pod = std::make_shared<epslice::Pod>();
  pod->metadata.name = Text("web-1");
  pod->metadata.namespace_ = Text("shop");
  pod->metadata.labels = epslice::StringMap{{Text("app"), Text("web")}};
  pod->nodeName = Text("node-a");
  pod->podIPs = {*epslice::ParseIpLenient("10.0.0.7")};
  pod->phase = epslice::PodPhase::kRunning;
  pod->ready = true;
  pod->hasPodIP = true;

  epslice::ReconcileInput input;
  input.service = service;
  input.pods = {pod};
  input.nodes = std::make_shared<epslice::NodeZones>(epslice::NodeZones{{Text("node-a"), Text("zone-a")}});
  const epslice::Plan plan = epslice::Reconcile(input, {});

  const bool right = plan.writes.size() == 1 && plan.writes[0].op == epslice::SliceWrite::Op::kCreate &&
                     plan.writes[0].slice->endpoints.size() == 1 && plan.retry_errors.empty();
  std::printf("%zu writes: %s\n", plan.writes.size(), right ? "as expected" : "NOT as expected");
  return right ? 0 : 1;
}
