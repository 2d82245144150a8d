// Load balancers and their probes. Under policy Cluster a balancer asks whether
// the node is up; under Local it asks the node's health check for the Service,
// which is well while an endpoint on the node is ready. It changes its mind
// after so many answers in a row, so some time after the truth has changed.
#include <algorithm>

#include "apis/fnv.h"
#include "sim/dataplane/data_plane_impl.h"

namespace epslice::sim {

using internal::FamilyView;
using internal::ProbedNode;
using internal::ServiceVersion;

// Probes come at phase + k * interval; the phase is that of who is asked.
Instant DataPlane::Impl::MindChanged(std::uint64_t phase_of) const {
  const Instant now = scheduler->now();
  const Duration interval = options.lb_probe_interval;
  if (interval <= Duration(0)) return now;
  const auto phase = Duration(
      static_cast<std::int64_t>(Random(seed).Fork(phase_of).Below(static_cast<std::uint64_t>(interval.count()))));
  const std::int64_t passed = now < phase ? 0 : (now - phase + interval - Duration(1)) / interval;
  return phase + interval * (passed + std::max(options.lb_probe_threshold, 1) - 1);
}

void DataPlane::Impl::ProbeNode(NodeState* node) {
  if (!node->exists) {
    // A node that comes anew is one that balancers know of.
    ++node->probe_event;
    node->probed_up = true;
  } else if (node->up != node->probed_up) {
    const std::uint64_t event = ++node->probe_event;
    scheduler->At(MindChanged(Fnv1a(node->name)), [this, node, event] {
      if (ended || node->probe_event != event) return;
      TouchBalanced();
      sources.Remove(*node);
      node->probed_up = node->up;
      sources.Insert(*node);
    });
  } else {
    ++node->probe_event;
  }
  for (const auto& service : services) {
    // One that was out of it is not remembered: what it answers now may be well.
    const bool asked = service->routed && service->external_local;
    if (service->probed.count(node->name) != 0 || (asked && Answers(*service, *node))) ProbeAt(service.get(), node);
  }
}

bool DataPlane::Impl::Answers(const ServiceState& service, const NodeState& node) {
  if (!node.exists || !node.up || node.group < 0) return false;
  const auto group = static_cast<std::size_t>(node.group);
  if (group >= service.programmed.size()) return false;
  for (int family = 0; family < internal::kFamilies; ++family) {
    const FamilyView* view = internal::ViewOf(service.programmed[group].get(), family, service, &cluster);
    if (view == nullptr) continue;
    const ProxyView::Pick pick = view->view.LocalEndpoints(node.name);
    if (!pick.terminating && !pick.endpoints.empty()) return true;
  }
  return false;
}

void DataPlane::Impl::ProbeService(ServiceState* service, ServiceVersion* before, ServiceVersion* after) {
  for (ServiceVersion* version : {before, after}) {
    if (version == nullptr) continue;
    for (int family = 0; family < internal::kFamilies; ++family) {
      const FamilyView* view = internal::ViewOf(version, family, *service, &cluster);
      for (NodeState* node : view->local_nodes) ProbeAt(service, node);
    }
  }
}

void DataPlane::Impl::ProbeAnew(ServiceState* service, bool asked_nodes) {
  if (asked_nodes) {
    // A balancer that is told of another health check has not changed its mind.
    cluster.ForEachNode([&](NodeState* node) {
      if (node->balancers_know() && node->probed_up) service->probed[node->name] = {node, true, true, 0};
    });
  }
  for (const auto& [name, probed] : service->probed) ProbeAt(service, probed.node);
  for (const internal::VersionPtr& version : service->programmed) ProbeService(service, nullptr, version.get());
}

void DataPlane::Impl::ProbeAt(ServiceState* service, NodeState* node) {
  ProbedNode& probed = service->probed[node->name];
  probed.node = node;
  const bool answer = Answers(*service, *node);
  if (scheduler->now() == Instant(0)) {
    // At the start everything has settled.
    probed.answer = answer;
    probed.healthy = answer;
    return;
  }
  if (answer == probed.answer) return;
  probed.answer = answer;
  const std::uint64_t event = probed.event = ++last_probe_event;
  if (answer == probed.healthy) return;
  const std::uint64_t phase = Fnv1a(service->key.ToString()) ^ Fnv1a(node->name);
  scheduler->At(MindChanged(phase), [this, service, name = node->name, event] {
    const auto at = service->probed.find(name);
    if (ended || at == service->probed.end() || at->second.event != event) return;
    Touch(service);
    at->second.healthy = at->second.answer;
    // Nodes that are out of it need not be remembered.
    if (!at->second.healthy) service->probed.erase(at);
  });
}

}  // namespace epslice::sim
