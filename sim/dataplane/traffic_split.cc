#include "sim/dataplane/traffic_split.h"

#include <algorithm>

namespace epslice::sim::internal {
namespace {

// What is left of a group's rate once its nodes were taken out one by one may
// be rounding only: up to this part of it, which is less than any node's.
constexpr double kRounding = 1e-11;

std::size_t At(int number) { return static_cast<std::size_t>(number); }

bool KnowsEndpoints(const FamilyView* view) { return view != nullptr && !view->view.usable().empty(); }

}  // namespace

Sources::Part Sources::Make(std::int64_t cpu_milli, std::int64_t nodes, const Sum& of) {
  const bool by_cpu = of.cpu_milli > 0;
  return {static_cast<double>(by_cpu ? cpu_milli : nodes), static_cast<double>(by_cpu ? of.cpu_milli : of.nodes)};
}

Sources::Part Sources::PartOf(const NodeState& node, bool of_zone) const {
  if (!node.sends()) return {};
  return Make(node.cpu_milli, 1, of_zone ? Find(zones_, node.zone) : all_);
}

Sources::Part Sources::PartOfGroup(int group, int zone, bool of_zone) const {
  const Sum sum = Find(groups_, group);
  return Make(sum.cpu_milli, sum.nodes, of_zone ? Find(zones_, zone) : all_);
}

double Sources::BalancedInGroup(int group) const { return static_cast<double>(Find(groups_, group).balanced); }

double Sources::BalancedDeadInZone(int zone) const { return static_cast<double>(Find(zones_, zone).balanced_dead); }

void Sources::Add(const NodeState& node, int sign) {
  if (!node.exists || node.group < 0) return;
  if (groups_.size() <= At(node.group)) groups_.resize(At(node.group) + 1);
  if (zones_.size() <= At(node.zone)) zones_.resize(At(node.zone) + 1);
  for (Sum* sum : {&all_, &groups_[At(node.group)], &zones_[At(node.zone)]}) {
    if (node.sends()) {
      sum->cpu_milli += sign * node.cpu_milli;
      sum->nodes += sign;
    }
    if (node.balancers_know() && node.probed_up) (node.up ? sum->balanced : sum->balanced_dead) += sign;
  }
}

void TrafficSplit::Work(ServiceState* service, double seconds) {
  service_ = service;
  seconds_ = seconds;
  rates_ = &service->rates;
  rates_->totals = TrafficTotals();
  rates_->worst_load = 0;
  rates_->flows.clear();
  const std::size_t zones = cluster_->zones.names().size();
  rates_->sent.assign(zones, 0);
  rates_->max_load.assign(zones, 0);
  flow_.assign(zones * zones, 0);
  one_zone_.assign(zones, 0);
  const auto families = static_cast<double>(std::count(service->families.begin(), service->families.end(), true));
  for (int family = 0; family < kFamilies; ++family) {
    if (service->families[At(family)]) Family(family, 1 / families);
  }
  for (std::size_t i = 0; i < flow_.size(); ++i) {
    if (flow_[i] <= 0) continue;
    const std::size_t from = i / zones;
    const std::size_t to = i % zones;
    rates_->flows.push_back({static_cast<int>(from), static_cast<int>(to), flow_[i]});
    if (from != 0 && to != 0) (from == to ? rates_->totals.in_zone : rates_->totals.cross_zone) += flow_[i];
  }
}

void TrafficSplit::Family(int family, double part) {
  counts_ = &service_->counts[At(family)];
  counts_->Begin(service_, family, rates_->sent.size(), &cluster_->marks);
  shares_.clear();
  by_class_ = true;
  views_.resize(At(groups_.size()));
  for (int g = 0; g < groups_.size(); ++g) views_[At(g)] = ViewAt(g, family);
  const double before = rates_->totals.requests;
  const double outside = service_->external ? options_.external_share : 0;
  if (outside < 1) Internal(part * (1 - outside));
  if (outside > 0) {
    service_->external_local ? ExternalLocal(part * outside) : ExternalCluster(part * outside);
  }
  const AliveCounts& alive = counts_->alive();
  const int endpoints = alive.ready > 0 ? alive.ready : alive.terminating;
  Loads(endpoints > 0 ? (rates_->totals.requests - before) / endpoints : 0);
}

const FamilyView* TrafficSplit::ViewAt(int group, int family) {
  if (At(group) >= service_->programmed.size()) return nullptr;
  return ViewOf(service_->programmed[At(group)].get(), family, *service_, cluster_);
}

double TrafficSplit::SourceRate(const Sources::Part& part, int zone) const {
  if (part.weight <= 0) return 0;
  if (!by_zone()) return service_->rps * part.weight / part.total;
  const auto given = service_->rps_by_zone->find(cluster_->zones.names()[At(zone)].str());
  return given == service_->rps_by_zone->end() ? 0 : given->second * part.weight / part.total;
}

template <typename RateOf>
void TrafficSplit::NodeSpecific(bool local, const RateOf& rate_of) {
  const std::vector<double> whole = rest_;
  for (std::size_t g = 0; g < views_.size(); ++g) {
    const FamilyView* view = views_[g];
    if (view == nullptr || std::find(views_.begin(), views_.begin() + static_cast<std::ptrdiff_t>(g), view) !=
                               views_.begin() + static_cast<std::ptrdiff_t>(g)) {
      continue;
    }
    for (const NodeState* node : local ? view->local_nodes : view->hinted_nodes) {
      if (node->group < 0 || views_[At(node->group)] != view) continue;
      const double rate = rate_of(*node);
      if (rate <= 0) continue;
      const ProxyView::Pick pick =
          local ? view->view.LocalEndpoints(node->name)
                : view->view.ClusterEndpoints(node->name, cluster_->zones.names()[At(node->zone)]);
      if (!local && pick.mode != TopologyMode::kSameNode) continue;
      double& rest = rest_[At(node->group)];
      rest = rest - rate > kRounding * whole[At(node->group)] ? rest - rate : 0;
      FromNode(view, pick.endpoints, node->zone, rate);
    }
  }
}

void TrafficSplit::Internal(double part) {
  const bool local = service_->internal_local;
  rest_.assign(At(groups_.size()), 0);
  for (int g = 0; g < groups_.size(); ++g) {
    const int zone = groups_.zone_of(g);
    rest_[At(g)] = part * SourceRate(sources_.PartOfGroup(g, zone, by_zone()), zone);
  }
  NodeSpecific(local,
               [&](const NodeState& node) { return part * SourceRate(sources_.PartOf(node, by_zone()), node.zone); });
  for (int g = 0; g < groups_.size(); ++g) FromGroup(g, rest_[At(g)], views_[At(g)], local);
  Flush();
}

void TrafficSplit::ExternalCluster(double part) {
  const double rate = part * service_->rps;
  const double nodes = sources_.balanced_total();
  if (nodes <= 0) {
    Sent(0, rate);
    rates_->totals.rejected += rate;
    return;
  }
  for (int zone = 0; zone < static_cast<int>(rates_->sent.size()); ++zone) {
    const double lost = rate * sources_.BalancedDeadInZone(zone) / nodes;
    Sent(zone, lost);
    rates_->totals.black_holed += lost;
  }
  rest_.assign(At(groups_.size()), 0);
  for (int g = 0; g < groups_.size(); ++g) rest_[At(g)] = rate * sources_.BalancedInGroup(g) / nodes;
  NodeSpecific(/*local=*/false, [&](const NodeState& node) {
    return node.balancers_know() && node.probed_up && node.up ? rate / nodes : 0;
  });
  for (int g = 0; g < groups_.size(); ++g) FromGroup(g, rest_[At(g)], views_[At(g)], /*local=*/false);
  Flush();
}

void TrafficSplit::ExternalLocal(double part) {
  const double rate = part * service_->rps;
  double nodes = 0;
  for (const auto& [name, probed] : service_->probed) nodes += probed.takes() ? 1 : 0;
  if (nodes <= 0) {
    Sent(0, rate);
    rates_->totals.rejected += rate;
    return;
  }
  for (const auto& [name, probed] : service_->probed) {
    if (!probed.takes()) continue;
    const NodeState& node = *probed.node;
    const FamilyView* view = node.group < 0 ? nullptr : views_[At(node.group)];
    const Indexes pick = view == nullptr ? Indexes() : view->view.LocalEndpoints(name).endpoints;
    const bool none = view == nullptr || pick.empty();
    if (!node.up || (none && KnowsEndpoints(view))) {
      Sent(node.zone, rate / nodes);
      rates_->totals.black_holed += rate / nodes;
    } else if (none) {
      Sent(node.zone, rate / nodes);
      rates_->totals.rejected += rate / nodes;
    } else {
      FromNode(view, pick, node.zone, rate / nodes);
    }
  }
}

void TrafficSplit::FromGroup(int group, double rate, const FamilyView* view, bool local) {
  if (rate <= 0) return;
  const int zone = groups_.zone_of(group);
  Sent(zone, rate);
  if (!KnowsEndpoints(view)) {
    rates_->totals.rejected += rate;
  } else if (local) {
    rates_->totals.black_holed += rate;
  } else {
    Bundled(view, view->view.ClusterEndpoints(Text(), cluster_->zones.names()[At(zone)]).endpoints, zone, rate);
  }
}

void TrafficSplit::Bundled(const FamilyView* view, Indexes pick, int zone, double rate) {
  const auto used = bundles_.begin() + static_cast<std::ptrdiff_t>(bundles_used_);
  auto bundle = std::find_if(bundles_.begin(), used,
                             [&](const Bundle& b) { return b.view == view && b.pick.data() == pick.data(); });
  if (bundle == used) {
    if (bundles_used_ == bundles_.size()) bundles_.emplace_back();
    bundle = bundles_.begin() + static_cast<std::ptrdiff_t>(bundles_used_++);
    bundle->view = view;
    bundle->pick = pick;
    bundle->by_zone.assign(rates_->sent.size(), 0);
  }
  bundle->by_zone[At(zone)] += rate;
}

void TrafficSplit::Flush() {
  for (std::size_t i = 0; i < bundles_used_; ++i) {
    const Bundle& bundle = bundles_[i];
    const int number = counts_->Find(*service_, *bundle.view, bundle.pick);
    if (number < 0) counts_->Count(*service_, *bundle.view, bundle.pick, &uncounted_);
    Send(*bundle.view, bundle.pick, bundle.by_zone, number, number < 0 ? uncounted_ : counts_->counts(number));
  }
  bundles_used_ = 0;
}

void TrafficSplit::FromNode(const FamilyView* view, Indexes pick, int zone, double rate) {
  Sent(zone, rate);
  one_zone_[At(zone)] = rate;
  counts_->Count(*service_, *view, pick, &uncounted_);
  Send(*view, pick, one_zone_, -1, uncounted_);
  one_zone_[At(zone)] = 0;
}

void TrafficSplit::Send(const FamilyView& view, Indexes pick, const std::vector<double>& by_zone, int number,
                        const PickCounts::Counts& counts) {
  double rate = 0;
  for (const double part : by_zone) rate += part;
  const auto size = static_cast<double>(pick.size());
  shares_.push_back({&view, pick, number, rate / size});
  by_class_ = by_class_ && number >= 0;
  rates_->totals.black_holed += rate * counts.dead / size;
  rates_->totals.misrouted += rate * counts.misrouted / size;
  for (std::size_t from = 0; from < by_zone.size(); ++from) {
    if (by_zone[from] <= 0) continue;
    for (std::size_t to = 0; to < counts.reached.size(); ++to) {
      flow_[from * by_zone.size() + to] += by_zone[from] * counts.reached[to] / size;
    }
  }
}

void TrafficSplit::Loads(double even) {
  if (by_class_) {
    std::uint64_t used = 0;
    for (const Share& share : shares_) {
      counts_->AddSent(share.number, share.each * seconds_);
      used |= std::uint64_t{1} << share.number;
    }
    if (used != 0) counts_->AddEven(used, even * seconds_);
    if (even > 0) LoadsOfClasses(even);
    return;
  }
  service_->sums.Resize(service_->targets.size());
  load_.assign(service_->targets.size(), 0);
  for (const Share& share : shares_) {
    for (const std::uint32_t i : share.pick) load_[share.view->targets[i]] += share.each;
  }
  for (std::size_t i = 0; i < load_.size(); ++i) {
    const Target& target = service_->targets[i];
    if (load_[i] <= 0 || !target.alive()) continue;
    if (even > 0) Load(target.zone(), load_[i] / even);
    EndpointSums::Sum& sum = service_->sums.sums()[i];
    sum.served += load_[i] * seconds_;
    sum.even += even * seconds_;
  }
}

void TrafficSplit::LoadsOfClasses(double even) {
  for (const PickCounts::Class& endpoints : counts_->classes()) {
    // In the order in which an endpoint of them would be sent to.
    double load = 0;
    for (const Share& share : shares_) {
      if ((endpoints.picks >> share.number & 1U) != 0) load += share.each;
    }
    if (load > 0) Load(endpoints.zone, load / even);
  }
}

void TrafficSplit::Load(int zone, double load) {
  rates_->worst_load = std::max(rates_->worst_load, load);
  double& of_zone = rates_->max_load[At(zone)];
  of_zone = std::max(of_zone, load);
}

void TrafficSplit::Sent(int zone, double rate) {
  rates_->totals.requests += rate;
  rates_->sent[At(zone)] += rate;
}

}  // namespace epslice::sim::internal
