#include <algorithm>
#include <string>

#include "apis/time_format.h"
#include "sim/report/recorder_impl.h"

namespace epslice::sim {

using internal::Seconds;

namespace {

double Share(double part, double whole) { return whole > 0 ? part / whole : 0; }

void Quantiles(const LogHistogram& histogram, double* p50, double* p90, double* p99, double* max) {
  *p50 = Seconds(histogram.Percentile(50));
  *p90 = Seconds(histogram.Percentile(90));
  *p99 = Seconds(histogram.Percentile(99));
  *max = Seconds(histogram.max());
}

RunReport::Endpoint EndpointOf(const DataPlane::EndpointLoad& load) {
  return {load.service.ToString(), load.address, load.zone, load.requests, Share(load.requests, load.even)};
}

}  // namespace

RunReport Recorder::MakeReport() const {
  const Impl& r = *impl_;
  RunReport report;
  report.begin = FormatRfc3339Nano(r.options.wall_start);
  report.timeline = r.timeline;
  RunNumbers& n = report.numbers;
  n = r.numbers;
  n.duration = Seconds(r.end);
  n.mean_queue_depth = Share(r.queue_integral, n.duration);
  n.fill_ratio = Share(n.endpoints, n.slices * r.options.max_endpoints_per_slice);
  Quantiles(r.queue_wait, &n.queue_wait_p50, &n.queue_wait_p90, &n.queue_wait_p99, &n.queue_wait_max);
  Quantiles(r.write_latency, &n.write_latency_p50, &n.write_latency_p90, &n.write_latency_p99, &n.write_latency_max);
  Quantiles(r.pod_to_slice, &n.pod_to_slice_p50, &n.pod_to_slice_p90, &n.pod_to_slice_p99, &n.pod_to_slice_max);
  Quantiles(r.slice_to_proxies, &n.slice_to_proxies_p50, &n.slice_to_proxies_p90, &n.slice_to_proxies_p99,
            &n.slice_to_proxies_max);
  Quantiles(r.pod_to_proxies, &n.pod_to_proxies_p50, &n.pod_to_proxies_p90, &n.pod_to_proxies_p99,
            &n.pod_to_proxies_max);
  r.FillServices(&report);
  r.FillSeries(&report);
  r.FillTraffic(&report);
  return report;
}

void Recorder::Impl::FillServices(RunReport* report) const {
  RunNumbers& n = report->numbers;
  std::vector<const internal::ServiceInfo*> sorted;
  for (const auto& [key, service] : services) sorted.push_back(&service);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->key < b->key; });
  for (const internal::ServiceInfo* service : sorted) {
    n.services += service->exists ? 1 : 0;
    n.hinted_services += service->hints == internal::ServiceInfo::Hints::kOn ? 1 : 0;
    n.hint_switches += service->numbers.hint_switches;
    n.hints_on_seconds += service->numbers.hints_on_seconds;
    n.hints_off_seconds += service->numbers.hints_off_seconds;
    if (service->key.name.empty()) continue;  // of slices that name no Service
    RunReport::Service out;
    out.name = service->key.ToString();
    out.numbers = service->numbers;
    out.numbers.pod_to_slice_max = Seconds(service->pod_to_slice_max);
    out.hints = service->periods;
    if (data_plane != nullptr) {
      const auto at = data_plane->by_service().find(service->key);
      if (at != data_plane->by_service().end()) AddTraffic(at->second, &out.numbers);
      const auto busiest = data_plane->busiest().find(service->key);
      if (busiest != data_plane->busiest().end()) {
        for (const DataPlane::EndpointLoad& load : busiest->second) out.busiest.push_back(EndpointOf(load));
      }
    }
    report->services.push_back(std::move(out));
  }
}

void Recorder::Impl::AddTraffic(const TrafficTotals& t, ServiceNumbers* out) const {
  out->requests = t.requests;
  out->in_zone_share = Share(t.in_zone, t.in_zone + t.cross_zone);
  out->cross_zone_share = Share(t.cross_zone, t.in_zone + t.cross_zone);
  out->cross_zone_bytes = t.cross_zone * options.bytes_per_request;
  // What leaves one zone is charged there, and where it comes in.
  out->cross_zone_cost = out->cross_zone_bytes / 1e9 * options.cross_zone_price * 2;
  out->black_holed = t.black_holed;
  out->rejected = t.rejected;
  out->misrouted = t.misrouted;
  out->max_overload = t.max_overload;
  out->overload_seconds = t.overload_seconds;
}

void Recorder::Impl::FillSeries(RunReport* report) const {
  report->step_seconds = Seconds(series.width());
  report->series = series.steps();
  for (std::size_t i = 0; i < report->series.size(); ++i) {
    // The last step may be a part of one.
    const Duration begin = series.width() * static_cast<std::int64_t>(i);
    const double length = Seconds(std::min(series.width(), end - begin));
    report->series[i].mean_queue_depth = Share(report->series[i].mean_queue_depth, length);
  }
}

void Recorder::Impl::FillTraffic(RunReport* report) const {
  if (data_plane == nullptr) return;
  RunNumbers& n = report->numbers;
  for (const auto& [key, t] : data_plane->by_service()) {
    n.requests += t.requests;
    n.served += t.served();
    n.in_zone_requests += t.in_zone;
    n.cross_zone_requests += t.cross_zone;
    n.black_holed += t.black_holed;
    n.rejected += t.rejected;
    n.misrouted += t.misrouted;
    n.max_overload = std::max(n.max_overload, t.max_overload);
    n.overload_seconds += t.overload_seconds;
    n.overloaded_services += t.overload_seconds > 0 ? 1 : 0;
  }
  n.in_zone_share = Share(n.in_zone_requests, n.in_zone_requests + n.cross_zone_requests);
  n.cross_zone_share = Share(n.cross_zone_requests, n.in_zone_requests + n.cross_zone_requests);
  n.cross_zone_bytes = n.cross_zone_requests * options.bytes_per_request;
  n.cross_zone_cost = n.cross_zone_bytes / 1e9 * options.cross_zone_price * 2;
  n.black_holed_share = Share(n.black_holed, n.requests);
  n.rejected_share = Share(n.rejected, n.requests);
  n.misrouted_share = Share(n.misrouted, n.requests);
  for (const DataPlane::EndpointLoad& load : data_plane->most_above()) report->overloaded.push_back(EndpointOf(load));
  for (const DataPlane::ZoneLoad& load : data_plane->zone_loads()) {
    report->zones.push_back({load.zone, {load.sent, load.received, 0, load.max_load}});
  }
  for (const DataPlane::ZoneFlow& flow : data_plane->zone_flows()) {
    report->flows.push_back({flow.from, flow.to, flow.requests});
    if (flow.from.empty() || flow.from != flow.to) continue;
    for (RunReport::Zone& zone : report->zones) {
      if (zone.name == flow.from) zone.numbers.in_zone_requests = flow.requests;
    }
  }
}

}  // namespace epslice::sim
