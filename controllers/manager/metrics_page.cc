#include "controllers/manager/metrics_page.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "apis/kind.h"
#include "controllers/manager/process_stats.h"
#include "controllers/topologyhints/explain.h"
#include "controllers/topologyhints/traffic_distribution.h"

namespace epslice {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

}  // namespace

void MetricsPage::Value(MetricType type, const char* name, const char* help, double value, const Labels& labels) {
  if (families_.empty() || families_.back().name != name) {
    families_.emplace_back();
    families_.back().name = name;
    families_.back().help = help;
    families_.back().type = type;
  }
  ClientMetric metric;
  for (const auto& [label, text] : labels) metric.label.push_back({label, text});
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  families_.back().metric.push_back(std::move(metric));
}

void MetricsPage::Add(std::vector<MetricFamily> families) {
  for (MetricFamily& family : families) families_.push_back(std::move(family));
}

std::string MetricsPage::Text() && {
  std::erase_if(families_, [](const MetricFamily& family) { return family.metric.empty(); });
  std::sort(families_.begin(), families_.end(),
            [](const MetricFamily& a, const MetricFamily& b) { return a.name < b.name; });
  for (MetricFamily& family : families_) {
    for (ClientMetric& metric : family.metric) std::sort(metric.label.begin(), metric.label.end());
    std::sort(family.metric.begin(), family.metric.end(),
              [](const ClientMetric& a, const ClientMetric& b) { return a.label < b.label; });
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_);
  return out.str();
}

void AddSyncs(const ServiceController::Counters& c, MetricsPage* page) {
  constexpr const char* kSyncs = "endpoint_slice_controller_syncs";
  constexpr const char* kSyncsHelp = "Syncs of Services, by how they ended.";
  page->Count(kSyncs, kSyncsHelp, c.success, {{"result", "success"}});
  page->Count(kSyncs, kSyncsHelp, c.stale, {{"result", "stale"}});
  page->Count(kSyncs, kSyncsHelp, c.error, {{"result", "error"}});
  constexpr const char* kChanges = "endpoint_slice_controller_changes";
  constexpr const char* kChangesHelp = "EndpointSlices created, updated and deleted.";
  page->Count(kChanges, kChangesHelp, c.creates, {{"operation", "create"}});
  page->Count(kChanges, kChangesHelp, c.updates, {{"operation", "update"}});
  page->Count(kChanges, kChangesHelp, c.deletes, {{"operation", "delete"}});
}

void AddTotals(const ServiceTotals::Sums& sums, MetricsPage* page) {
  page->Gauge("endpoint_slice_controller_endpoints_desired", "Endpoints that the Services should have.",
              static_cast<double>(sums.desired_endpoints));
  page->Gauge("endpoint_slice_controller_num_endpoint_slices", "EndpointSlices that the Services have.",
              static_cast<double>(sums.actual_slices));
  page->Gauge("endpoint_slice_controller_desired_endpoint_slices",
              "EndpointSlices that would do if each were as full as may be.", static_cast<double>(sums.desired_slices));
  for (std::size_t i = 1; i < kTrafficLabels; ++i) {
    if (!sums.traffic_seen.at(i)) continue;  // a series that is there stays
    page->Gauge("endpoint_slice_controller_services_count_by_traffic_distribution",
                "Services by their spec.trafficDistribution.", static_cast<double>(sums.services_by_traffic.at(i)),
                {{"traffic_distribution", std::string(TrafficLabelName(static_cast<TrafficLabel>(i)))}});
  }
}

void AddQueue(const LiveRunner::Stats& stats, MetricsPage* page) {
  const prometheus::Labels name = {{"name", kQueueName}};
  page->Gauge("workqueue_depth", "Keys that wait for a worker.", static_cast<double>(stats.queue_depth), name);
  page->Count("workqueue_adds_total", "Keys that were queued.", stats.queue_adds, name);
  page->Count("workqueue_retries_total", "Keys that were queued with a delay, after failures among others.",
              stats.queue_retries, name);
  page->Gauge("workqueue_unfinished_work_seconds", "The time that the keys being worked on have taken so far, summed.",
              InSeconds(stats.queue_unfinished), name);
  page->Gauge("workqueue_longest_running_processor_seconds", "The longest time that one of them has taken so far.",
              InSeconds(stats.queue_longest), name);
}

void AddInformers(const std::vector<Monitor::Informer>& informers, Instant now, MetricsPage* page) {
  for (const Monitor::Informer& informer : informers) {
    if (!informer.last_news) continue;
    page->Gauge("epslice_informer_age_seconds",
                "Time since the API server was last heard of: event, bookmark, list or accepted watch.",
                std::max(0.0, InSeconds(now - *informer.last_news)),
                {{"resource", std::string(InfoOf(informer.kind).resource)}});
  }
  for (const Monitor::Informer& informer : informers) {
    page->Count("epslice_watch_restarts", "Watches that ended, for whatever reason.", informer.watch_restarts,
                {{"resource", std::string(InfoOf(informer.kind).resource)}});
  }
}

void AddHints(const HintTotals::Totals& totals, MetricsPage* page) {
  for (const auto& [state, count] : totals.services) {
    page->Gauge("epslice_services_by_hints", "Services by the state of their topology hints, and why.",
                static_cast<double>(count),
                {{"state", std::string(NameOf(state.first))}, {"reason", std::string(state.second)}});
  }
  constexpr const char* kEndpoints = "epslice_endpoints_with_hints";
  constexpr const char* kEndpointsHelp = "Ready endpoints by what their hints name; node: mostly a zone, too.";
  page->Gauge(kEndpoints, kEndpointsHelp, static_cast<double>(totals.endpoints.zone), {{"kind", "zone"}});
  page->Gauge(kEndpoints, kEndpointsHelp, static_cast<double>(totals.endpoints.node), {{"kind", "node"}});
  page->Gauge(kEndpoints, kEndpointsHelp, static_cast<double>(totals.endpoints.none), {{"kind", "none"}});
  constexpr const char* kChanges = "epslice_hint_changes";
  constexpr const char* kChangesHelp = "Endpoints whose hints were added, changed and removed.";
  page->Count(kChanges, kChangesHelp, totals.changes.add, {{"operation", "add"}});
  page->Count(kChanges, kChangesHelp, totals.changes.change, {{"operation", "change"}});
  page->Count(kChanges, kChangesHelp, totals.changes.remove, {{"operation", "remove"}});
}

void AddShadow(const Shadow::Totals& totals, MetricsPage* page) {
  for (std::size_t i = 0; i < kDifferenceKinds; ++i) {
    page->Gauge("epslice_shadow_differences",
                "Differences from the slices of another controller that have lasted longer than --shadow-grace.",
                static_cast<double>(totals.by_kind.at(i)),
                {{"kind", std::string(NameOf(static_cast<DifferenceKind>(i)))}});
  }
  page->Gauge("epslice_shadow_services", "Services that have such differences.", static_cast<double>(totals.services));
}

void AddProcess(MetricsPage* page) {
  const std::optional<ProcessStats> stats = ReadProcessStats();
  if (!stats) return;
  page->Value(MetricType::Counter, "process_cpu_seconds_total", "CPU time used, user and system.", stats->cpu_seconds);
  page->Gauge("process_resident_memory_bytes", "Memory in use.", stats->resident_bytes);
  page->Gauge("process_virtual_memory_bytes", "Address space in use.", stats->virtual_bytes);
  page->Gauge("process_open_fds", "Open file descriptors.", stats->open_fds);
  page->Gauge("process_max_fds", "File descriptors that may be open.", stats->max_fds);
  page->Gauge("process_start_time_seconds", "When the process was started, in seconds since 1970.",
              stats->start_time_seconds);
}

void AddCertificates(const CertificateTimes& times, Timestamp now, MetricsPage* page) {
  constexpr const char* kExpiry = "epslice_certificate_expiry_timestamp_seconds";
  constexpr const char* kExpiryHelp =
      "When the certificate ends that is shown to the API server, or the first of those at the port, in seconds since "
      "1970.";
  const auto seconds = [](Timestamp t) { return static_cast<double>(t.nanos) / 1e9; };
  if (times.client_ends) page->Gauge(kExpiry, kExpiryHelp, seconds(*times.client_ends), {{"use", "client"}});
  if (times.serving_ends) page->Gauge(kExpiry, kExpiryHelp, seconds(*times.serving_ends), {{"use", "serving"}});
  const bool plugin = times.client_from_plugin && times.client_ends.has_value();
  page->Gauge("rest_client_exec_plugin_ttl_seconds",
              "How long the client certificate of an exec plugin is still good for; +Inf: there is none.",
              plugin ? seconds(*times.client_ends) - seconds(now) : std::numeric_limits<double>::infinity());
}

}  // namespace epslice
