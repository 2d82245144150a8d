#include "sim/report/run_report.h"

#include <algorithm>

namespace epslice::sim {
namespace {

template <typename T>
const NumberOf<T>* Find(const std::vector<NumberOf<T>>& table, std::string_view name) {
  const auto at = std::find_if(table.begin(), table.end(), [&](const auto& number) { return number.name == name; });
  return at == table.end() ? nullptr : &*at;
}

constexpr std::string_view kServices = "services.";
constexpr std::string_view kZones = "zones.";

// "services.shop/web.blackHoled" -> "shop/web", "blackHoled".
bool Split(std::string_view path, std::string_view prefix, std::string_view* name, std::string_view* number) {
  if (path.substr(0, prefix.size()) != prefix) return false;
  path.remove_prefix(prefix.size());
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return false;
  *name = path.substr(0, dot);
  *number = path.substr(dot + 1);
  return true;
}

}  // namespace

const std::vector<NumberOf<RunNumbers>>& RunNumberTable() {
  using N = RunNumbers;
  static const std::vector<NumberOf<N>> kTable = {
      {"duration", "seconds", &N::duration},
      {"writes", "", &N::writes},
      {"creates", "", &N::creates},
      {"updates", "", &N::updates},
      {"deletes", "", &N::deletes},
      {"refusedWrites", "", &N::refused_writes},
      {"writeBytes", "bytes", &N::write_bytes},
      {"createBytes", "bytes", &N::create_bytes},
      {"updateBytes", "bytes", &N::update_bytes},
      {"deleteBytes", "bytes", &N::delete_bytes},
      {"foreignWrites", "", &N::foreign_writes},
      {"watchEvents", "", &N::watch_events},
      {"fanOutBytes", "bytes", &N::fan_out_bytes},
      {"syncs", "", &N::syncs},
      {"syncsSucceeded", "", &N::syncs_succeeded},
      {"syncsStale", "", &N::syncs_stale},
      {"syncsFailed", "", &N::syncs_failed},
      {"maxQueueDepth", "", &N::max_queue_depth},
      {"meanQueueDepth", "", &N::mean_queue_depth},
      {"queueWaitP50", "seconds", &N::queue_wait_p50},
      {"queueWaitP90", "seconds", &N::queue_wait_p90},
      {"queueWaitP99", "seconds", &N::queue_wait_p99},
      {"queueWaitMax", "seconds", &N::queue_wait_max},
      {"writeLatencyP50", "seconds", &N::write_latency_p50},
      {"writeLatencyP90", "seconds", &N::write_latency_p90},
      {"writeLatencyP99", "seconds", &N::write_latency_p99},
      {"writeLatencyMax", "seconds", &N::write_latency_max},
      {"podChanges", "", &N::pod_changes},
      {"podToSliceP50", "seconds", &N::pod_to_slice_p50},
      {"podToSliceP90", "seconds", &N::pod_to_slice_p90},
      {"podToSliceP99", "seconds", &N::pod_to_slice_p99},
      {"podToSliceMax", "seconds", &N::pod_to_slice_max},
      {"sliceToProxiesP50", "seconds", &N::slice_to_proxies_p50},
      {"sliceToProxiesP90", "seconds", &N::slice_to_proxies_p90},
      {"sliceToProxiesP99", "seconds", &N::slice_to_proxies_p99},
      {"sliceToProxiesMax", "seconds", &N::slice_to_proxies_max},
      {"podToProxiesP50", "seconds", &N::pod_to_proxies_p50},
      {"podToProxiesP90", "seconds", &N::pod_to_proxies_p90},
      {"podToProxiesP99", "seconds", &N::pod_to_proxies_p99},
      {"podToProxiesMax", "seconds", &N::pod_to_proxies_max},
      {"serviceCount", "", &N::services},
      {"slices", "", &N::slices},
      {"endpoints", "", &N::endpoints},
      {"fillRatio", "share", &N::fill_ratio},
      {"endpointsAdded", "", &N::endpoints_added},
      {"endpointsRemoved", "", &N::endpoints_removed},
      {"endpointsChanged", "", &N::endpoints_changed},
      {"hintedServices", "", &N::hinted_services},
      {"hintSwitches", "", &N::hint_switches},
      {"hintsOnSeconds", "Service-seconds", &N::hints_on_seconds},
      {"hintsOffSeconds", "Service-seconds", &N::hints_off_seconds},
      {"requests", "requests", &N::requests},
      {"served", "requests", &N::served},
      {"inZoneRequests", "requests", &N::in_zone_requests},
      {"crossZoneRequests", "requests", &N::cross_zone_requests},
      {"inZoneShare", "share", &N::in_zone_share},
      {"crossZoneShare", "share", &N::cross_zone_share},
      {"crossZoneBytes", "bytes", &N::cross_zone_bytes},
      {"crossZoneCost", "dollars", &N::cross_zone_cost},
      {"blackHoled", "requests", &N::black_holed},
      {"blackHoledShare", "share", &N::black_holed_share},
      {"rejected", "requests", &N::rejected},
      {"rejectedShare", "share", &N::rejected_share},
      {"misrouted", "requests", &N::misrouted},
      {"misroutedShare", "share", &N::misrouted_share},
      {"maxOverload", "share", &N::max_overload},
      {"overloadSeconds", "Service-seconds", &N::overload_seconds},
      {"overloadedServices", "", &N::overloaded_services},
  };
  return kTable;
}

const std::vector<NumberOf<ServiceNumbers>>& ServiceNumberTable() {
  using N = ServiceNumbers;
  static const std::vector<NumberOf<N>> kTable = {
      {"creates", "", &N::creates},
      {"updates", "", &N::updates},
      {"deletes", "", &N::deletes},
      {"writeBytes", "bytes", &N::write_bytes},
      {"slices", "", &N::slices},
      {"endpoints", "", &N::endpoints},
      {"endpointsAdded", "", &N::endpoints_added},
      {"endpointsRemoved", "", &N::endpoints_removed},
      {"endpointsChanged", "", &N::endpoints_changed},
      {"podToSliceMax", "seconds", &N::pod_to_slice_max},
      {"hintSwitches", "", &N::hint_switches},
      {"hintsOnSeconds", "seconds", &N::hints_on_seconds},
      {"hintsOffSeconds", "seconds", &N::hints_off_seconds},
      {"requests", "requests", &N::requests},
      {"inZoneShare", "share", &N::in_zone_share},
      {"crossZoneShare", "share", &N::cross_zone_share},
      {"crossZoneBytes", "bytes", &N::cross_zone_bytes},
      {"crossZoneCost", "dollars", &N::cross_zone_cost},
      {"blackHoled", "requests", &N::black_holed},
      {"rejected", "requests", &N::rejected},
      {"misrouted", "requests", &N::misrouted},
      {"maxOverload", "share", &N::max_overload},
      {"overloadSeconds", "seconds", &N::overload_seconds},
  };
  return kTable;
}

const std::vector<NumberOf<StepNumbers>>& StepNumberTable() {
  using N = StepNumbers;
  static const std::vector<NumberOf<N>> kTable = {
      {"creates", "", &N::creates},
      {"updates", "", &N::updates},
      {"deletes", "", &N::deletes},
      {"refusedWrites", "", &N::refused_writes},
      {"writeBytes", "bytes", &N::write_bytes},
      {"createBytes", "bytes", &N::create_bytes},
      {"updateBytes", "bytes", &N::update_bytes},
      {"deleteBytes", "bytes", &N::delete_bytes},
      {"fanOutBytes", "bytes", &N::fan_out_bytes},
      {"syncsSucceeded", "", &N::syncs_succeeded},
      {"syncsStale", "", &N::syncs_stale},
      {"syncsFailed", "", &N::syncs_failed},
      {"maxQueueDepth", "", &N::max_queue_depth},
      {"meanQueueDepth", "", &N::mean_queue_depth},
      {"slices", "", &N::slices},
      {"endpoints", "", &N::endpoints},
      {"endpointsAdded", "", &N::endpoints_added},
      {"endpointsRemoved", "", &N::endpoints_removed},
      {"endpointsChanged", "", &N::endpoints_changed},
      {"requests", "requests", &N::requests},
      {"inZoneRequests", "requests", &N::in_zone_requests},
      {"crossZoneRequests", "requests", &N::cross_zone_requests},
      {"blackHoled", "requests", &N::black_holed},
      {"rejected", "requests", &N::rejected},
      {"misrouted", "requests", &N::misrouted},
      {"maxOverload", "share", &N::max_overload},
      {"overloadSeconds", "Service-seconds", &N::overload_seconds},
  };
  return kTable;
}

const std::vector<NumberOf<ZoneNumbers>>& ZoneNumberTable() {
  using N = ZoneNumbers;
  static const std::vector<NumberOf<N>> kTable = {
      {"sent", "requests", &N::sent},
      {"received", "requests", &N::received},
      {"inZoneRequests", "requests", &N::in_zone_requests},
      {"maxLoad", "times an even spread", &N::max_load},
  };
  return kTable;
}

std::optional<double> Lookup(const RunReport& report, std::string_view path) {
  std::string_view name;
  std::string_view number;
  if (Split(path, kServices, &name, &number)) {
    const auto* found = Find(ServiceNumberTable(), number);
    const auto at = std::find_if(report.services.begin(), report.services.end(),
                                 [&](const RunReport::Service& service) { return service.name == name; });
    if (found == nullptr || at == report.services.end()) return std::nullopt;
    return at->numbers.*found->member;
  }
  if (Split(path, kZones, &name, &number)) {
    const auto* found = Find(ZoneNumberTable(), number);
    const auto at = std::find_if(report.zones.begin(), report.zones.end(),
                                 [&](const RunReport::Zone& zone) { return zone.name == name; });
    if (found == nullptr || at == report.zones.end()) return std::nullopt;
    return at->numbers.*found->member;
  }
  const auto* found = Find(RunNumberTable(), path);
  if (found == nullptr) return std::nullopt;
  return report.numbers.*found->member;
}

bool IsMetricPath(std::string_view path) {
  std::string_view name;
  std::string_view number;
  if (Split(path, kServices, &name, &number)) {
    return name.find('/') != std::string_view::npos && Find(ServiceNumberTable(), number) != nullptr;
  }
  if (Split(path, kZones, &name, &number)) return Find(ZoneNumberTable(), number) != nullptr;
  return Find(RunNumberTable(), path) != nullptr;
}

std::vector<WorstServices> WorstOf(const RunReport& report) {
  // Where more is no worse, there is no worst.
  static const std::vector<std::string_view> kNumbers = {
      "creates",         "updates",        "writeBytes",     "podToSliceMax", "hintSwitches",
      "hintsOffSeconds", "crossZoneShare", "crossZoneBytes", "blackHoled",    "rejected",
      "misrouted",       "maxOverload",    "overloadSeconds"};
  std::vector<WorstServices> worst;
  for (const std::string_view name : kNumbers) {
    const auto member = Find(ServiceNumberTable(), name)->member;
    WorstServices list{name, {}};
    for (const RunReport::Service& service : report.services) {
      if (service.numbers.*member > 0) list.services.push_back(&service);
    }
    const std::size_t kept = std::min(list.services.size(), kWorstServices);
    std::partial_sort(list.services.begin(), list.services.begin() + static_cast<std::ptrdiff_t>(kept),
                      list.services.end(), [&](const RunReport::Service* a, const RunReport::Service* b) {
                        const double x = a->numbers.*member;
                        const double y = b->numbers.*member;
                        return x != y ? x > y : a->name < b->name;
                      });
    list.services.resize(kept);
    worst.push_back(std::move(list));
  }
  return worst;
}

}  // namespace epslice::sim
