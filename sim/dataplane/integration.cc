// The integrals of a DataPlane over time.
#include <algorithm>
#include <tuple>

#include "sim/dataplane/data_plane_impl.h"

namespace epslice::sim {

void DataPlane::Impl::Touch(ServiceState* service) {
  BringUp(service);
  service->ForgetCounts();
}

void DataPlane::Impl::BringUp(ServiceState* service) {
  const Instant now = scheduler->now();
  const Instant begin = std::max(service->since, options.traffic_from);
  if (now == service->since || ended) return;
  if (service->has_traffic() && begin < now) {
    // Nothing that matters has changed since then.
    split.Work(service, static_cast<double>((now - begin).count()) / 1e9);
    Add(service, begin, now);
  }
  service->since = now;
}

void DataPlane::Impl::TouchAll() {
  // Many nodes change at once: what was touched at this instant stays so.
  if (all_touched == scheduler->now()) return;
  for (const auto& service : services) Touch(service.get());
  all_touched = scheduler->now();
}

void DataPlane::Impl::TouchBalanced() {
  if (all_touched == scheduler->now()) return;
  for (const auto& service : services) {
    if (service->external) Touch(service.get());
  }
}

void DataPlane::Impl::TouchUsers(const PodState& pod) {
  for (const PodState::User& user : pod.users) Touch(user.service);
}

void DataPlane::Impl::Add(ServiceState* service, Instant begin, Instant end) {
  const double seconds = static_cast<double>((end - begin).count()) / 1e9;
  const internal::Rates& rates = service->rates;
  Interval interval;
  TrafficTotals& step = interval.totals;
  step.requests = rates.totals.requests * seconds;
  step.in_zone = rates.totals.in_zone * seconds;
  step.cross_zone = rates.totals.cross_zone * seconds;
  step.black_holed = rates.totals.black_holed * seconds;
  step.rejected = rates.totals.rejected * seconds;
  step.misrouted = rates.totals.misrouted * seconds;
  // Beyond rounding.
  constexpr double kNoise = 1e-9;
  step.max_overload = std::max(rates.worst_load - 1, 0.0);
  if (step.max_overload < kNoise) step.max_overload = 0;
  if (step.max_overload > options.overload_threshold + kNoise) step.overload_seconds = seconds;

  TrafficTotals& sum = service->totals;
  sum.requests += step.requests;
  sum.in_zone += step.in_zone;
  sum.cross_zone += step.cross_zone;
  sum.black_holed += step.black_holed;
  sum.rejected += step.rejected;
  sum.misrouted += step.misrouted;
  sum.overload_seconds += step.overload_seconds;
  sum.max_overload = std::max(sum.max_overload, step.max_overload);

  const std::size_t zones = cluster.zones.names().size();
  if (flow_sums.size() < zones) {
    flow_sums.resize(zones);
    for (std::vector<double>& from : flow_sums) from.resize(zones, 0);
    sent_sums.resize(zones, 0);
    max_loads.resize(zones, 0);
  }
  for (const internal::Rates::Flow& flow : rates.flows) {
    flow_sums[static_cast<std::size_t>(flow.from)][static_cast<std::size_t>(flow.to)] += flow.rate * seconds;
  }
  for (std::size_t zone = 0; zone < rates.sent.size(); ++zone) {
    sent_sums[zone] += rates.sent[zone] * seconds;
    max_loads[zone] = std::max(max_loads[zone], rates.max_load[zone]);
  }
  if (!on_interval) return;
  interval.service = service->key;
  interval.begin = begin;
  interval.end = end;
  interval.worst_load = rates.worst_load;
  on_interval(interval);
}

void DataPlane::Impl::FinishEndpoints(ServiceState* service) {
  for (const auto& [address, number] : service->target_of) {
    service->sums.End(number, address, service->targets[number].zone());
  }
  const auto load = [&](const internal::EndpointSums::Endpoint& endpoint) {
    const internal::EndpointSums::Sum& sum = endpoint.sum;
    return EndpointLoad{service->key, endpoint.address.str(),
                        cluster.zones.names()[static_cast<std::size_t>(endpoint.zone)].str(), sum.served, sum.even};
  };
  for (const auto& endpoint : service->sums.busiest()) busiest[service->key].push_back(load(endpoint));
  for (const auto& endpoint : service->sums.above()) most_above.push_back(load(endpoint));
  if (most_above.size() <= internal::EndpointSums::kMostAbove) return;
  std::sort(most_above.begin(), most_above.end(), [](const EndpointLoad& a, const EndpointLoad& b) {
    const double x = a.requests - a.even, y = b.requests - b.even;
    return x != y ? x > y : std::tie(a.service, a.address) < std::tie(b.service, b.address);
  });
  most_above.resize(internal::EndpointSums::kMostAbove);
}

void DataPlane::Impl::Finish() {
  if (ended) return;
  for (const auto& service : services) {
    Touch(service.get());
    if (service->totals.requests > 0) by_service[service->key] = service->totals;
    FinishEndpoints(service.get());
  }
  ended = true;
  std::map<Text, std::size_t> by_name;
  const std::vector<Text>& names = cluster.zones.names();
  for (std::size_t i = 0; i < flow_sums.size(); ++i) by_name[names[i]] = i;
  for (const auto& [from, i] : by_name) {
    ZoneLoad load{from.str(), sent_sums[i], 0, max_loads[i]};
    for (const auto& [to, j] : by_name) {
      load.received += flow_sums[j][i];
      if (flow_sums[i][j] > 0) zone_flows.push_back({from.str(), to.str(), flow_sums[i][j]});
    }
    if (load.sent > 0 || load.received > 0) zone_loads.push_back(std::move(load));
  }
}

}  // namespace epslice::sim
