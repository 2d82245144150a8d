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

  // What a node, or the nodes of a group, weigh as sources, and all of the
  // cluster, or of their zone: CPU; where none of these reports any, each node
  // counts alike. A weight of 0: they send nothing.
  struct Part {
    double weight = 0;
    double total = 0;
  };
  Part PartOf(const NodeState& node, bool of_zone) const;
  Part PartOfGroup(int group, int zone, bool of_zone) const;
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
  static Sum Find(const std::vector<Sum>& sums, int number) {
    return static_cast<std::size_t>(number) < sums.size() ? sums[static_cast<std::size_t>(number)] : Sum();
  }
  static Part Make(std::int64_t cpu_milli, std::int64_t nodes, const Sum& of);

  Sum all_;
  std::vector<Sum> groups_, zones_;
};

class TrafficSplit {
 public:
  TrafficSplit(const DataPlaneOptions& options, ClusterState* cluster, const ProxyGroups& groups,
               const Sources& sources)
      : options_(options), cluster_(cluster), groups_(groups), sources_(sources) {}

  // Sets service->rates, and adds what its endpoints get of so many seconds.
  void Work(ServiceState* service, double seconds);

 private:
  using Indexes = ProxyView::Indexes;
  // Requests of several zones to the same endpoints.
  struct Bundle {
    const FamilyView* view = nullptr;
    Indexes pick;
    std::vector<double> by_zone;
  };
  void Family(int family, double part);
  // Whether requests are given for each zone.
  bool by_zone() const { return service_->rps_by_zone != nullptr; }
  // Requests each second of these consumers.
  double SourceRate(const Sources::Part& part, int zone) const;
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
  // What the endpoints got, against `even`; 0: there are none to spread over.
  void Loads(double even);
  void LoadsOfClasses(double even);
  void Load(int zone, double load);
  void Sent(int zone, double rate);

  const DataPlaneOptions& options_;
  ClusterState* cluster_;
  const ProxyGroups& groups_;
  const Sources& sources_;

  ServiceState* service_ = nullptr;
  double seconds_ = 0;
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
