// Where a Service's requests go, by what each proxy has in its rules: the
// rates between two changes. A part of the data plane.
#ifndef EPSLICE_SIM_DATAPLANE_TRAFFIC_SPLIT_H_
#define EPSLICE_SIM_DATAPLANE_TRAFFIC_SPLIT_H_

#include <cstdint>
#include <vector>

#include "sim/dataplane/cluster_state.h"
#include "sim/dataplane/data_plane_options.h"
#include "sim/dataplane/proxy_groups.h"
#include "sim/dataplane/service_state.h"

namespace epslice::sim::internal {

// Who sends: sums over nodes, kept as these change.
class Sources {
 public:
  // Around each change of a node: take it out, put it in.
  void Remove(const NodeState& node) { Add(node, -1); }
  void Insert(const NodeState& node) { Add(node, 1); }

  // What a node, group or zone weighs as a source within the cluster.
  double WeightOf(const NodeState& node) const;
  double WeightOfGroup(int group) const { return Weight(groups_, group); }
  double WeightOfZone(int zone) const { return Weight(zones_, zone); }
  double total() const { return Pick(all_); }
  // Nodes that load balancers send to under policy Cluster: those that are up,
  // and those that only are taken to be.
  double BalancedInGroup(int group) const;
  double BalancedDeadInZone(int zone) const;
  double balanced_total() const { return static_cast<double>(all_.balanced + all_.balanced_dead); }

 private:
  struct Sum {
    std::int64_t cpu_milli = 0;
    std::int64_t nodes = 0;
    std::int64_t balanced = 0;
    std::int64_t balanced_dead = 0;
  };
  void Add(const NodeState& node, int sign);
  // Where no node reports any CPU each counts alike.
  double Pick(const Sum& sum) const { return static_cast<double>(all_.cpu_milli > 0 ? sum.cpu_milli : sum.nodes); }
  double Weight(const std::vector<Sum>& sums, int number) const {
    return static_cast<std::size_t>(number) < sums.size() ? Pick(sums[static_cast<std::size_t>(number)]) : 0;
  }

  Sum all_;
  std::vector<Sum> groups_, zones_;
};

class TrafficSplit {
 public:
  TrafficSplit(const DataPlaneOptions& options, ClusterState* cluster, const ProxyGroups& groups,
               const Sources& sources)
      : options_(options), cluster_(cluster), groups_(groups), sources_(sources) {}

  // Sets service->rates.
  void Work(ServiceState* service);

 private:
  using Indexes = ProxyView::Indexes;
  // Requests of several zones to the same endpoints.
  struct Bundle {
    const FamilyView* view = nullptr;
    Indexes pick;
    std::vector<double> by_zone;
  };
  void Family(int family, double part);
  // Requests each second of consumers with this weight.
  double SourceRate(double weight, int zone) const;
  const FamilyView* ViewAt(int group, int family);
  void Internal(double part);
  void ExternalCluster(double part);
  void ExternalLocal(double part);
  // The requests of nodes that choose otherwise than their neighbours; takes
  // them out of rest_.
  template <typename RateOf>
  void NodeSpecific(bool local, const RateOf& rate_of);
  // Of proxies without node-specific endpoints. `local`: policy Local, and the
  // nodes have no endpoints.
  void FromGroup(int group, double rate, const FamilyView* view, bool local);
  void Bundled(const FamilyView* view, Indexes pick, int zone, double rate);
  void Flush();
  // Directly, from one zone.
  void FromNode(const FamilyView* view, Indexes pick, int zone, double rate);
  // `number`: what PickCounts knows the pick as, or -1.
  void Send(const FamilyView& view, Indexes pick, const std::vector<double>& by_zone, int number,
            const PickCounts::Counts& counts);
  // What the endpoints got, against `even`.
  void Loads(double even);
  void LoadsOfClasses(double even);
  void Load(int zone, double load);
  void Sent(int zone, double rate);

  const DataPlaneOptions& options_;
  ClusterState* cluster_;
  const ProxyGroups& groups_;
  const Sources& sources_;

  ServiceState* service_ = nullptr;
  Rates* rates_ = nullptr;
  PickCounts* counts_ = nullptr;
  PickCounts::Counts uncounted_;  // of a pick that no number is for
  // What was sent, in order, and what each endpoint of it got.
  struct Share {
    const FamilyView* view;
    Indexes pick;
    int number;
    double each;
  };
  std::vector<Share> shares_;
  bool by_class_ = true;                  // all of them have a number
  std::vector<double> load_;              // by target
  std::vector<double> rest_;              // by group
  std::vector<const FamilyView*> views_;  // by group
  std::vector<Bundle> bundles_;
  std::size_t bundles_used_ = 0;
  std::vector<double> one_zone_;
  std::vector<double> flow_;  // zone x zone
};

}  // namespace epslice::sim::internal

#endif  // EPSLICE_SIM_DATAPLANE_TRAFFIC_SPLIT_H_
