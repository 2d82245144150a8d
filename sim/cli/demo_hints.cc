#include "sim/cli/demo_hints.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "apis/concat.h"
#include "controllers/endpointslice/slice_tracker.h"
#include "controllers/topologyhints/traffic_distribution.h"
#include "controllers/topologyhints/zone_capacity.h"
#include "sim/report/table.h"

namespace epslice::sim {
namespace {

// Ready endpoints in a zone, and those hinted for it.
struct InZone {
  int own = 0;
  int hinted = 0;
};
using ByZone = std::map<Text, InZone>;

ByZone Count(const Dump& dump, const ObjectKey& service) {
  ByZone zones;
  for (const auto& slice : dump.Of<EndpointSlice>()) {
    if (ServiceOfSlice(*slice) != service) continue;
    for (const Endpoint& endpoint : slice->endpoints) {
      if (endpoint.conditions.ready != true) continue;
      ++zones[endpoint.zone].own;
      if (!endpoint.hints) continue;
      for (const Text& zone : endpoint.hints->forZones) ++zones[zone].hinted;
    }
  }
  return zones;
}

bool AnyHinted(const ByZone& zones) {
  for (const auto& [zone, count] : zones) {
    if (count.hinted > 0) return true;
  }
  return false;
}

// "40.5%" of parts in a whole.
std::string Percent(double share) {
  const std::int64_t tenths = std::lround(share * 1000);
  return Concat(tenths / 10, '.', tenths % 10, '%');
}

// "80", "0.5"
std::string CpuText(std::int64_t milli) {
  const std::string whole = Concat(milli / 1000);
  return milli % 1000 == 0 ? whole : Concat(whole, '.', milli % 1000 / 100);
}

}  // namespace

void PrintHintsByZone(const Dump& dump, std::ostream& out) {
  ZoneCapacities capacities;
  std::map<Text, int> nodes;
  for (const auto& node : dump.Of<Node>()) {
    capacities.Observe(nullptr, node.get());
    if (CountsAsCapacity(*node)) ++nodes[Text(node->metadata.labels.Get(kLabelZone))];
  }
  std::vector<std::string> header = {"ZONE", "NODES", "CPU", "SHARE"};
  std::vector<ByZone> services;
  for (const auto& service : dump.Of<Service>()) {
    if (!WantsTopologyAwareHints(*service)) continue;
    services.push_back(Count(dump, KeyOf(service->metadata)));
    header.push_back(service->metadata.name.str());
  }
  Table table(std::move(header));
  for (const ZoneCapacity::Share& share : capacities.snapshot()->consumer_zones) {
    std::vector<std::string> row = {share.zone.str(), Concat(nodes[share.zone]), CpuText(share.cpu_milli),
                                    Percent(share.ratio)};
    for (ByZone& zones : services) {
      const InZone& count = zones[share.zone];
      row.push_back(AnyHinted(zones) ? Concat(count.own, " -> ", count.hinted) : Concat(count.own, ", no hints"));
    }
    table.Add(std::move(row));
  }
  out << "   Services that ask for topology hints: ready endpoints in each zone -> hinted for it\n\n";
  table.Print(out);
}

}  // namespace epslice::sim
