#include "controllers/topologyhints/traffic_estimate.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "apis/discovery.h"
#include "controllers/topologyhints/zone_capacity.h"

namespace epslice {
namespace {

using Indexes = ProxyView::Indexes;

class Estimator {
 public:
  Estimator(const ProxyView& view, const Consumers& consumers)
      : view_(view), consumers_(consumers), load_(view.endpoints().size(), 0) {
    for (const std::uint32_t i : view.usable()) ++usable_in_zone_[view.endpoints()[i]->zone];
  }

  TrafficEstimate Make() {
    TrafficEstimate result;
    result.ready = static_cast<std::int64_t>(view_.ready().size());
    result.any = consumers_.weight > 0 && !view_.usable().empty();
    if (!result.any) return result;
    result.terminating = view_.ready().empty();
    picks_.resize(consumers_.zones.size());
    for (std::size_t z = 0; z < consumers_.zones.size(); ++z) {
      result.zones.push_back(Send(consumers_.zones[z], &picks_[z]));
      result.in_zone += result.zones.back().in_zone * result.zones.back().share;
    }
    const auto even = static_cast<double>(view_.usable().size());
    bool first = true;
    for (std::size_t z = 0; z < picks_.size(); ++z) {
      ZoneTraffic& zone = result.zones[z];
      for (const Indexes pick : picks_[z]) zone.load = std::max(zone.load, MaxLoad(pick) * even);
      // A difference below this is rounding, not load.
      constexpr double kNoise = 1e-9;
      if (first || zone.load - 1 > result.max_overload + kNoise) {
        result.max_overload = zone.load - 1;
        result.max_overload_zone = zone.zone;
        first = false;
      }
    }
    result.effect = EffectOf(result.zones);
    return result;
  }

 private:
  static HintEffect EffectOf(const std::vector<ZoneTraffic>& zones) {
    const bool any = std::any_of(zones.begin(), zones.end(), [](const auto& z) { return z.by_node + z.by_zone > 0; });
    const bool all = std::all_of(zones.begin(), zones.end(), [](const auto& z) { return z.from_all == 0; });
    return all ? HintEffect::kEverywhere : any ? HintEffect::kSomewhere : HintEffect::kNowhere;
  }

  ZoneTraffic Send(const Consumers::Zone& from, std::vector<Indexes>* picks) {
    ZoneTraffic traffic;
    traffic.zone = from.zone;
    const auto total = static_cast<double>(consumers_.weight);
    traffic.share = static_cast<double>(from.weight) / total;
    double stays = 0;
    std::int64_t rest = from.weight;
    auto rest_nodes = static_cast<std::int64_t>(from.nodes.size());
    if (view_.node_hints_complete()) {
      for (const Consumers::Source& source : from.nodes) {
        const ProxyView::Pick pick = view_.ClusterEndpoints(source.node, from.zone);
        if (pick.mode != TopologyMode::kSameNode) continue;
        stays += Spread(source.weight, pick.endpoints, from.zone);
        rest -= source.weight;
        --rest_nodes;
        ++traffic.by_node;
        traffic.picked += static_cast<std::int64_t>(pick.endpoints.size());
        picks->push_back(pick.endpoints);
      }
    }
    if (rest_nodes > 0) {
      const ProxyView::Pick pick = view_.ClusterEndpoints(Text(), from.zone);
      stays += Spread(rest, pick.endpoints, from.zone);
      (pick.mode == TopologyMode::kSameZone ? traffic.by_zone : traffic.from_all) += rest_nodes;
      traffic.picked = static_cast<std::int64_t>(pick.endpoints.size());
      picks->push_back(pick.endpoints);
    }
    // Without weight, what a consumer would see if there were one.
    const std::int64_t weight = std::max<std::int64_t>(from.weight, 1);
    if (from.weight == 0 && !picks->empty()) stays = Staying(picks->back(), from.zone);
    traffic.in_zone = stays / static_cast<double>(weight);
    return traffic;
  }

  // Returns how much of the weight stays in `zone`.
  double Spread(std::int64_t weight, Indexes pick, const Text& zone) {
    const double each =
        static_cast<double>(weight) / static_cast<double>(consumers_.weight) / static_cast<double>(pick.size());
    if (IsAll(pick)) {
      to_all_ += each;
    } else {
      for (const std::uint32_t i : pick) load_[i] += each;
    }
    return static_cast<double>(weight) * Staying(pick, zone);
  }

  // The share of a pick that is in `zone`.
  double Staying(Indexes pick, const Text& zone) const {
    if (zone.empty()) return 0;
    std::int64_t inside = 0;
    if (IsAll(pick)) {
      const auto at = usable_in_zone_.find(zone);
      inside = at == usable_in_zone_.end() ? 0 : at->second;
    } else {
      inside =
          std::count_if(pick.begin(), pick.end(), [&](std::uint32_t i) { return view_.endpoints()[i]->zone == zone; });
    }
    return static_cast<double>(inside) / static_cast<double>(pick.size());
  }

  double MaxLoad(Indexes pick) {
    if (IsAll(pick) && max_of_all_ >= 0) return max_of_all_;
    double most = 0;
    for (const std::uint32_t i : pick) most = std::max(most, load_[i] + to_all_);
    if (IsAll(pick)) max_of_all_ = most;
    return most;
  }

  bool IsAll(Indexes pick) const { return pick.data() == view_.usable().data(); }

  const ProxyView& view_;
  const Consumers& consumers_;
  std::vector<double> load_;  // beyond to_all_
  double to_all_ = 0;
  double max_of_all_ = -1;
  std::unordered_map<Text, std::int64_t> usable_in_zone_;
  std::vector<std::vector<Indexes>> picks_;  // of each zone
};

}  // namespace

std::string_view NameOf(HintEffect effect) {
  switch (effect) {
    case HintEffect::kNowhere: return "nowhere";
    case HintEffect::kSomewhere: return "somewhere";
    case HintEffect::kEverywhere: return "everywhere";
  }
  return "";
}

Consumers ConsumersOf(const std::vector<std::shared_ptr<const Node>>& nodes, HintsPolicy view) {
  const auto cpu_of = CapacityCpuMilli;
  std::int64_t cpu = 0;
  std::int64_t open_cpu = 0;
  for (const auto& node : nodes) {
    if (!CountsAsCapacity(*node)) continue;
    cpu += cpu_of(*node);
    if (TakesPods(*node)) open_cpu += cpu_of(*node);
  }
  const bool open_only = view == HintsPolicy::kResilient && open_cpu > 0;
  std::map<Text, Consumers::Zone> by_zone;
  Consumers consumers;
  for (const auto& node : nodes) {
    if (!CountsAsCapacity(*node)) continue;
    std::int64_t weight = open_only && !TakesPods(*node) ? 0 : cpu_of(*node);
    if (cpu == 0) weight = 1;
    Consumers::Zone& zone = by_zone[Text::Intern(node->metadata.labels.Get(kLabelZone))];
    zone.weight += weight;
    zone.nodes.push_back({node->metadata.name, weight});
    consumers.weight += weight;
  }
  for (auto& [name, zone] : by_zone) {
    zone.zone = name;
    consumers.zones.push_back(std::move(zone));
  }
  return consumers;
}

TrafficEstimate EstimateTraffic(const ProxyView& view, const Consumers& consumers) {
  return Estimator(view, consumers).Make();
}

}  // namespace epslice
