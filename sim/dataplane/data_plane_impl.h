// DataPlane's parts together. For the .cc files beside it.
#ifndef EPSLICE_SIM_DATAPLANE_DATA_PLANE_IMPL_H_
#define EPSLICE_SIM_DATAPLANE_DATA_PLANE_IMPL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/dataplane/cluster_state.h"
#include "sim/dataplane/data_plane.h"
#include "sim/dataplane/proxy_groups.h"
#include "sim/dataplane/service_state.h"
#include "sim/dataplane/traffic_split.h"

namespace epslice::sim {

// Every change comes in the same three steps: Touch() what it concerns, which
// brings the integrals up to this instant with the rates from before; change
// it; and leave the new rates to be worked out when time has passed.
struct DataPlane::Impl {
  using NodeState = internal::NodeState;
  using PodState = internal::PodState;
  using ServiceState = internal::ServiceState;

  Impl(DataPlaneOptions given, Scheduler* given_scheduler, std::uint64_t given_seed);

  // data_plane.cc: objects and their truth.
  void OnNode(const Node& node, bool deleted);
  void SetNodeUp(const Text& name, bool up);
  void OnPod(const Pod& pod, bool deleted);
  void OnService(const Service& service, bool deleted);
  void OnSlice(const std::shared_ptr<const EndpointSlice>& slice, bool deleted, bool start);
  // `change` alters the node; sources, groups and probes follow. `sends`: who
  // sends, or what is alive, may be others then; else only load balancers.
  void ChangeNode(NodeState* node, bool sends, const std::function<void()>& change);
  void Adopt(NodeState* node, const Text& zone);
  void CatchUp(int group);
  ServiceState* ServiceAt(const ObjectKey& key);
  // What is asked of a new Service.
  void SetDemand(ServiceState* service);
  bool used_default_rps = false;
  void Commit(ServiceState* service, const std::shared_ptr<const EndpointSlice>& slice, bool deleted, bool start);
  void Program(int group, ServiceState* service, const internal::VersionPtr& version);

  // integration.cc
  // Before anything that concerns the Service changes.
  void Touch(ServiceState* service);
  // The same where only what proxies have in their rules changes.
  void BringUp(ServiceState* service);
  void TouchAll();
  void TouchBalanced();  // those that have traffic through load balancers
  void TouchUsers(const PodState& pod);
  void Add(ServiceState* service, Instant begin, Instant end);
  void Finish();
  void FinishEndpoints(ServiceState* service);

  // probes.cc: what load balancers believe.
  void ProbeNode(NodeState* node);
  void ProbeService(ServiceState* service, internal::ServiceVersion* before, internal::ServiceVersion* after);
  // After a change of the Service. `asked_nodes`: its load balancer went by
  // whether a node is up until now.
  void ProbeAnew(ServiceState* service, bool asked_nodes);
  void ProbeAt(ServiceState* service, NodeState* node);
  bool Answers(const ServiceState& service, const NodeState& node);
  // When so many probes since now that the mind is changed have been made.
  Instant MindChanged(std::uint64_t phase_of) const;

  const DataPlaneOptions options;
  Scheduler* const scheduler;
  const std::uint64_t seed;
  internal::ClusterState cluster;
  internal::Sources sources;
  // Before `groups`, whose deliveries refer to them.
  std::vector<std::unique_ptr<ServiceState>> services;  // in the order they came
  internal::ProxyGroups groups;
  internal::TrafficSplit split;
  std::unordered_map<ObjectKey, ServiceState*> by_key;
  std::unordered_map<ObjectKey, ServiceState*> service_of_slice;
  std::optional<Instant> all_touched;
  std::uint64_t last_probe_event = 0;
  bool ended = false;

  std::function<void(const Interval&)> on_interval;
  std::function<void(const ObjectKey&, Instant, Instant)> on_programmed;
  std::map<ObjectKey, TrafficTotals> by_service;
  std::vector<std::vector<double>> flow_sums;  // from, to
  std::vector<double> sent_sums, max_loads;    // by zone
  std::vector<ZoneFlow> zone_flows;
  std::vector<ZoneLoad> zone_loads;
  std::map<ObjectKey, std::vector<EndpointLoad>> busiest;
  std::vector<EndpointLoad> most_above;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_DATAPLANE_DATA_PLANE_IMPL_H_
