// How a Service's traffic would spread over its endpoints, if the consumers of
// every node sent in proportion to the node's CPU and every kube-proxy kept to
// its rules (proxy_view.h). Pure.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_TRAFFIC_ESTIMATE_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_TRAFFIC_ESTIMATE_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "apis/core.h"
#include "apis/text.h"
#include "controllers/topologyhints/policy.h"
#include "controllers/topologyhints/proxy_view.h"

namespace epslice {

// Who sends: the Ready nodes that are no control-plane nodes. Weights are
// allocatable CPU in thousandths; where no node reports any, each counts as 1.
// In the resilient view nodes that take no pods send nothing, unless all are
// such (ZoneCapacity::consumer_zones).
struct Consumers {
  struct Source {
    Text node;
    std::int64_t weight = 0;
  };
  struct Zone {
    Text zone;  // "" for nodes without a zone label
    std::int64_t weight = 0;
    std::vector<Source> nodes;  // by name
  };
  std::vector<Zone> zones;  // by name
  std::int64_t weight = 0;
};
// `nodes` by name.
Consumers ConsumersOf(const std::vector<std::shared_ptr<const Node>>& nodes, HintsPolicy view);

struct ZoneTraffic {
  Text zone;
  double share = 0;  // of all traffic, that its consumers send
  // By nodes: how many of its proxies pick by node, by zone, and from all.
  std::int64_t by_node = 0;
  std::int64_t by_zone = 0;
  std::int64_t from_all = 0;
  // Endpoints that those pick from who do not pick by node; where all do, the
  // endpoints picked by any of its nodes.
  std::int64_t picked = 0;
  // The most that an endpoint picked here gets, from all zones, as a multiple
  // of an even spread.
  double load = 0;
  double in_zone = 0;  // share of its traffic that goes to endpoints in the zone
};

// Whether the proxies heed hints.
enum class HintEffect : std::uint8_t { kNowhere, kSomewhere, kEverywhere };
// "nowhere", "somewhere", "everywhere"
std::string_view NameOf(HintEffect effect);

struct TrafficEstimate {
  // Without nodes or endpoints there is nothing to estimate: all is 0.
  bool any = false;
  bool terminating = false;        // no endpoint is ready, some still serve
  std::int64_t ready = 0;          // endpoints
  std::vector<ZoneTraffic> zones;  // as Consumers::zones
  double in_zone = 0;              // share of all traffic that stays in its zone
  double max_overload = 0;         // the highest load of an endpoint, less 1
  Text max_overload_zone;          // whose consumers pick that endpoint; the first of equals
  HintEffect effect = HintEffect::kNowhere;
};

// O(zones x endpoints) at worst; with node hints also once for each node.
TrafficEstimate EstimateTraffic(const ProxyView& view, const Consumers& consumers);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_TRAFFIC_ESTIMATE_H_
