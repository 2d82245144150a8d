// Kube-proxies in groups that lag alike: who takes which version when. A part
// of the data plane.
//
// A version comes to each group some time after its commit, in order. A group
// takes what has come, and has it in its rules when that sync ends; the next
// sync begins the sync period after that end or later. A group without a node
// that is up takes nothing; when one comes back its proxy lists first, and knows
// all.
#ifndef EPSLICE_SIM_DATAPLANE_PROXY_GROUPS_H_
#define EPSLICE_SIM_DATAPLANE_PROXY_GROUPS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>
#include <vector>

#include "informers/random.h"
#include "sim/dataplane/cluster_state.h"
#include "sim/dataplane/data_plane_options.h"
#include "sim/dataplane/service_state.h"
#include "sim/engine/scheduler.h"

namespace epslice::sim::internal {

class ProxyGroups {
 public:
  struct Callbacks {
    // The group has this version in its rules from now on.
    std::function<void(int group, ServiceState* service, const VersionPtr& version)> programmed;
    // All groups have it that were up when it was committed.
    std::function<void(const ServiceState& service, const ServiceVersion& version)> everywhere;
  };
  ProxyGroups(const DataPlaneOptions& options, Scheduler* scheduler, std::uint64_t seed, Callbacks callbacks);

  // The group for a new node of a zone. `is_new`: it begins with it.
  int Join(int zone, const Text& zone_name, bool* is_new);
  int size() const { return static_cast<int>(groups_.size()); }
  int zone_of(int group) const { return groups_[static_cast<std::size_t>(group)].zone; }
  // A node of the group is up, or no more. True: it is the first, and the
  // group's views are to be set to what is committed.
  bool Count(int group, bool node_up);

  void Deliver(ServiceState* service, const VersionPtr& version, Instant now);

 private:
  struct Delivery {
    Instant at;
    ServiceState* service;
    VersionPtr version;
  };
  struct Group {
    int zone;
    Random random;
    int nodes_up = 0;
    std::deque<Delivery> waiting;
    std::vector<Delivery> taken;
    Instant last_delivery{0};
    Instant next_begin{0};
    bool busy = false;  // an event for it is scheduled
    std::uint64_t life = 0;
  };
  void Schedule(int number);
  void Begin(int number);
  void End(int number);
  void Took(const Delivery& delivery);

  const DataPlaneOptions& options_;
  Scheduler* scheduler_;
  std::uint64_t seed_;
  Callbacks callbacks_;
  std::vector<Group> groups_;
  struct ZoneGroups {
    std::vector<int> groups;
    int joined = 0;
  };
  std::vector<ZoneGroups> by_zone_;
};

}  // namespace epslice::sim::internal

#endif  // EPSLICE_SIM_DATAPLANE_PROXY_GROUPS_H_
