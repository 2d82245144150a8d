// One Service in the data plane: its slices as versions, which of them each
// group of proxies has programmed, and what its traffic came to so far.
#ifndef EPSLICE_SIM_DATAPLANE_SERVICE_STATE_H_
#define EPSLICE_SIM_DATAPLANE_SERVICE_STATE_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "apis/core.h"
#include "apis/discovery.h"
#include "controllers/topologyhints/proxy_view.h"
#include "informers/clock.h"
#include "sim/dataplane/cluster_state.h"
#include "sim/dataplane/data_plane.h"
#include "sim/dataplane/data_plane_options.h"
#include "sim/dataplane/endpoint_sums.h"
#include "sim/dataplane/pick_counts.h"

namespace epslice::sim::internal {

inline constexpr int kFamilies = 2;  // IPv4, IPv6

// An address of a Service that some slice names, or named until lately.
struct Target {
  Text address;
  PodState* pod = nullptr;  // null: the slice names none
  int slice_zone = 0;
  bool matches = true;  // the pod has this address
  std::uint32_t slices = 0;

  bool alive() const { return pod == nullptr || (matches && pod->alive()); }
  bool ready() const { return pod == nullptr || (pod->ready && !pod->terminating); }
  bool terminating() const { return pod != nullptr && pod->terminating; }
  int zone() const { return pod != nullptr && pod->node != nullptr ? pod->node->zone : slice_zone; }
};

// A slice as it was committed, with the targets of its endpoints. Holds them.
class SliceVersion {
 public:
  // `before`: the version that this one comes after; null: none. It only saves
  // looking up what both have.
  SliceVersion(std::shared_ptr<const EndpointSlice> slice, const SliceVersion* before, ServiceState* service,
               ClusterState* cluster);
  ~SliceVersion();
  SliceVersion(const SliceVersion&) = delete;
  SliceVersion& operator=(const SliceVersion&) = delete;

  const EndpointSlice& slice() const { return *slice_; }
  int family() const { return family_; }  // -1: of no use to a proxy
  // Of each endpoint; of one without an address, 0.
  const std::vector<std::uint32_t>& targets() const { return targets_; }

 private:
  std::shared_ptr<const EndpointSlice> slice_;
  ServiceState* service_;
  ClusterState* cluster_;
  int family_;
  std::vector<std::uint32_t> targets_;
};

// What a proxy knows of one family of a Service.
struct FamilyView {
  // No other view of the run has it.
  std::uint64_t id = 0;
  ProxyView view;
  std::vector<std::uint32_t> targets;  // of each endpoint of the view
  // Nodes whose proxies may choose otherwise than their neighbours: those that
  // node hints name, while these count, and those with endpoints (of Services of
  // a Local policy only). By name.
  std::vector<NodeState*> hinted_nodes;
  std::vector<NodeState*> local_nodes;
};

// All slices of a Service after one commit.
struct ServiceVersion {
  std::vector<std::shared_ptr<const SliceVersion>> slices;  // by name
  Instant committed{0};
  int waiting = 0;  // groups of proxies that have not taken it
  // Made when first asked for.
  std::array<std::unique_ptr<const FamilyView>, kFamilies> views;
  // That the views are for; and whether they know which endpoint is on which node.
  std::optional<Text> port;
  bool by_node = false;
};
using VersionPtr = std::shared_ptr<ServiceVersion>;

// What becomes of a Service's requests, each second.
struct Rates {
  TrafficTotals totals;  // without the part about overload
  double worst_load = 0;
  struct Flow {
    int from, to;
    double rate;
  };
  std::vector<Flow> flows;
  std::vector<double> sent, max_load;  // by zone
};

// Whether a load balancer takes a node for healthy, where it asks the node's
// health check (externalTrafficPolicy Local).
struct ProbedNode {
  NodeState* node = nullptr;
  bool answer = false;   // of the health check now
  bool healthy = false;  // to the load balancer
  std::uint64_t event = 0;

  bool takes() const { return healthy && node->balancers_know(); }
};

struct ServiceState {
  ObjectKey key;
  // Of the Service object.
  bool routed = false;  // kube-proxy has rules for it
  bool internal_local = false;
  bool external = false;  // NodePort or LoadBalancer
  bool external_local = false;
  bool publish_not_ready = false;
  std::optional<Text> port;
  std::array<bool, kFamilies> families{};
  // Requests each second; by zone where that is given.
  double rps = 0;
  const std::map<std::string, double>* rps_by_zone = nullptr;

  std::vector<Target> targets;
  std::vector<std::uint32_t> free_targets;
  std::unordered_map<Text, std::uint32_t> target_of;

  // Counted since something last happened to the pods, nodes or slices. Before the
  // versions, the ends of which are told to it.
  std::array<PickCounts, kFamilies> counts;
  EndpointSums sums;  // by target
  void Settle() {
    for (PickCounts& of_family : counts) of_family.Settle(&sums);
  }
  void ForgetCounts() {
    Settle();
    for (PickCounts& of_family : counts) of_family.Forget();
  }

  VersionPtr current;                  // as committed; null: no slices ever
  std::vector<VersionPtr> programmed;  // by group of proxies

  std::map<Text, ProbedNode> probed;  // by node

  Instant since{0};  // everything before is in `totals`
  Rates rates;       // of the last step
  TrafficTotals totals;
  bool has_traffic() const { return routed && rps > 0; }
  // Some choose among the endpoints of their own node.
  bool any_local() const { return internal_local || external_local; }
};

// The endpoints that a proxy takes from the slices of a family, for take(slice,
// index): those of slices with the Service's port, and of an address that is in
// two slices the first one.
template <typename F>
void ForEachEndpoint(const ServiceVersion& version, int family, const ServiceState& service, Marks* marks, F take) {
  marks->Begin(service.targets.size());
  for (const auto& slice : version.slices) {
    if (slice->family() != family || (service.port && !HasPort(slice->slice(), service.port->view()))) continue;
    for (std::size_t i = 0; i < slice->targets().size(); ++i) {
      if (slice->slice().endpoints[i].addresses.empty() || !marks->Insert(slice->targets()[i])) continue;
      take(*slice, i);
    }
  }
}

// The proxies' view of `version`; null for null.
const FamilyView* ViewOf(ServiceVersion* version, int family, const ServiceState& service, ClusterState* cluster);

}  // namespace epslice::sim::internal

#endif  // EPSLICE_SIM_DATAPLANE_SERVICE_STATE_H_
