// What the models of kube-proxies, traffic and load balancers are told.
#ifndef EPSLICE_SIM_DATAPLANE_DATA_PLANE_OPTIONS_H_
#define EPSLICE_SIM_DATAPLANE_DATA_PLANE_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "apis/meta.h"
#include "informers/clock.h"
#include "sim/engine/latency.h"

namespace epslice::sim {

struct DataPlaneOptions {
  // From the commit of a slice to the kube-proxy of a node.
  Latency proxy_watch_latency = Latency::LogNormal(std::chrono::milliseconds(5), std::chrono::milliseconds(50));
  // How long a kube-proxy waits after it wrote its rules (minSyncPeriod), ...
  Duration proxy_sync_period = std::chrono::seconds(1);
  // ... and how long it writes them.
  Latency proxy_sync_time = Latency::Constant(std::chrono::milliseconds(100));
  // Nodes of one zone are modelled in so many groups that lag alike. More is
  // finer, and slower in proportion.
  int proxy_groups = 4;

  // Requests each second to a Service that traffic does not name.
  double default_rps = 100;
  // By "namespace/name": requests each second.
  std::map<std::string, double> rps;
  // By "namespace/name", then by the zone of the source ("" for nodes without
  // one); goes before `rps`. Requests of a zone without a living consumer are
  // not made. Without this, requests come from the Ready nodes that are up and
  // no control-plane nodes, in proportion to their allocatable CPU, and those
  // that are left make the requests of those that are not.
  std::map<std::string, std::map<std::string, double>> rps_by_zone;
  // For those that neither names, the last of these that covers the Service: by
  // zone where that is not empty, else `rps`.
  struct Demand {
    std::function<bool(const ObjectKey&)> covers;
    double rps = 0;
    std::map<std::string, double> by_zone;
  };
  std::vector<Demand> demands;
  // Requests before this are not counted: until here the cluster comes up.
  Duration traffic_from{0};
  // Bytes that a request and its answer move between zones.
  double bytes_per_request = 10'000;
  // Dollars for 10^9 bytes that cross zones, charged once for each way.
  double cross_zone_price = 0.01;

  // An endpoint counts as overloaded above this much more than an even spread.
  double overload_threshold = 0.2;

  // Load balancers of externalTrafficPolicy Local: how often they probe a
  // node's health check, and how many probes in a row change their mind.
  Duration lb_probe_interval = std::chrono::seconds(5);
  int lb_probe_threshold = 2;
  // The part of a LoadBalancer or NodePort Service's traffic that comes
  // through it, from outside.
  double external_share = 1;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_DATAPLANE_DATA_PLANE_OPTIONS_H_
