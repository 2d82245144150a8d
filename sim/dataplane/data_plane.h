// DataPlane: what kube-proxies do with the slices, and what becomes of the
// traffic.
//
// An observer of a simulation. Each node's kube-proxy sees a slice some time
// after its commit and writes its rules some time after that; from then on the
// node's requests go to what the rules say (controllers/topologyhints/
// proxy_view.h: hints, traffic policies, terminating endpoints). Traffic is a
// fluid: requests each second from each source, split evenly. A request is
//   served       by an endpoint that takes connections
//   black-holed  sent to an endpoint that is gone, or dropped by a Local policy
//                without local endpoints
//   rejected     the proxy knows no endpoint at all
//   misrouted    served, by an endpoint that is not ready by now (its slice
//                lags), or that is terminating while others are ready
// All is integrated exactly between the instants at which something changes.
// docs/report.md defines every number, and says what is approximate. Not
// thread-safe.
//
// Slices of any controller count, by their service-name label, but headless ones
// and those of other proxies; so do Services, but those of type ExternalName and
// without a selector. An endpoint that names no pod counts as alive and ready.
#ifndef EPSLICE_SIM_DATAPLANE_DATA_PLANE_H_
#define EPSLICE_SIM_DATAPLANE_DATA_PLANE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apis/discovery.h"
#include "sim/dataplane/data_plane_options.h"
#include "sim/engine/observer.h"
#include "sim/engine/scheduler.h"

namespace epslice::sim {

// Whether kube-proxies watch a slice: they select those without the label of headless
// Services and without that of another proxy.
bool IsForKubeProxy(const EndpointSlice& slice);

// Integrals over the run: requests, or seconds where it says so.
struct TrafficTotals {
  double requests = 0;
  // Served by an endpoint of the source's zone, and of another one. Where a
  // zone is not known a request is in neither.
  double in_zone = 0;
  double cross_zone = 0;
  double black_holed = 0;
  double rejected = 0;
  double misrouted = 0;
  // Seconds during which some endpoint got more than the threshold above an
  // even spread; and the highest such overload (0.2: 20 % above).
  double overload_seconds = 0;
  double max_overload = 0;

  double served() const { return requests - black_holed - rejected; }
};

class DataPlane : public RunObserver {
 public:
  // `scheduler` must outlive it, and runs nothing once it is gone; `seed` makes
  // the lags.
  DataPlane(DataPlaneOptions options, Scheduler* scheduler, std::uint64_t seed);
  ~DataPlane() override;

  void OnCommit(const Commit& commit) override;
  void OnPodServing(Instant now, const ObjectKey& pod, bool serving) override;
  void OnNodeUp(Instant now, const Text& node, bool up) override;
  void OnEnd(Instant now) override;

  // Called with each step of the integration, for time series: what a Service
  // had in [begin, end).
  struct Interval {
    ObjectKey service;
    Instant begin{0}, end{0};
    TrafficTotals totals;
    double worst_load = 0;  // of an endpoint, as a multiple of an even spread
  };
  void OnInterval(std::function<void(const Interval&)> callback);

  // Some Service had the requests of DataPlaneOptions::default_rps.
  bool used_default_rps() const;
  // Complete after OnEnd().
  const std::map<ObjectKey, TrafficTotals>& by_service() const;
  // Served requests by the zone of their source and that of their endpoint.
  struct ZoneFlow {
    std::string from, to;  // "" where a node has no zone
    double requests = 0;
  };
  const std::vector<ZoneFlow>& zone_flows() const;  // by from, then to
  struct ZoneLoad {
    std::string zone;
    double sent = 0;      // requests of its consumers
    double received = 0;  // served by its endpoints
    double max_load = 0;  // the highest of an endpoint, as a multiple of an even spread
  };
  const std::vector<ZoneLoad>& zone_loads() const;  // by zone
  // An address of a Service, from when a slice names it until no proxy has it.
  struct EndpointLoad {
    ObjectKey service;
    std::string address;
    std::string zone;     // where it was last
    double requests = 0;  // served by it
    double even = 0;      // what an even spread gave it while some proxy sent to it
  };
  // Of each Service those with the most requests, three at most; of all those with
  // the most requests above an even spread, ten at most. The most first.
  const std::map<ObjectKey, std::vector<EndpointLoad>>& busiest() const;
  const std::vector<EndpointLoad>& most_above() const;
  // From the commit of a slice to the rules of the last group of proxies that
  // took it; for all groups, in the order of commits.
  void OnProgrammed(std::function<void(const ObjectKey& service, Instant committed, Instant programmed)> callback);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_DATAPLANE_DATA_PLANE_H_
