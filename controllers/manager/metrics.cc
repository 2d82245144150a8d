#include "controllers/manager/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <tuple>
#include <vector>

#include "apis/kind.h"
#include "controllers/manager/metrics_page.h"
#include "controllers/manager/service_totals.h"
#include "controllers/topologyhints/traffic_distribution.h"
#include "informers/http/certificate_facts.h"

namespace epslice {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::Labels;
using Buckets = Histogram::BucketBoundaries;

// Multiplied step by step, as the reference's library does it: 1e-05 comes out
// as 9.999999999999999e-06, and rules and dashboards know it so.
Buckets ExponentialBuckets(double start, double factor, int count) {
  Buckets buckets;
  for (double bound = start; count > 0; --count, bound *= factor) buckets.push_back(bound);
  return buckets;
}

const Buckets& DefaultBuckets() {
  static const Buckets kBuckets = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
  return kBuckets;
}

const Buckets& RequestBuckets() {
  static const Buckets kBuckets = {.005, .025, .1, .25, .5, 1, 2, 4, 8, 15, 30, 60};
  return kBuckets;
}

const Buckets& ProgrammingBuckets() {
  static const Buckets kBuckets = {.005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600};
  return kBuckets;
}

// From too soon to far off, as the reference has them.
const Buckets& ExpirationBuckets() {
  static const Buckets kBuckets = {0,      1800,   3600,   7200,    21600,   43200,    86400,
                                   172800, 345600, 604800, 2592000, 7776000, 15552000, 31104000};
  return kBuckets;
}

const Buckets& RotationBuckets() {
  static const Buckets kBuckets = {600,     1800,    3600,     14400,    86400,    604800,
                                   2592000, 7776000, 15552000, 31104000, 124416000};
  return kBuckets;
}

std::string HostOf(std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find('/')));
}

std::string_view MethodOf(Verb verb) {
  switch (verb) {
    case Verb::kGet:
    case Verb::kList:
    case Verb::kWatch: return "GET";
    case Verb::kCreate: return "POST";
    case Verb::kUpdate: return "PUT";
    case Verb::kPatch: return "PATCH";
    case Verb::kDelete: return "DELETE";
  }
  return "";
}
constexpr std::size_t kVerbs = 7;

class QueueHistograms : public WorkQueueObserver {
 public:
  explicit QueueHistograms(prometheus::Registry* registry) {
    const Buckets buckets = ExponentialBuckets(10e-9, 10, 10);
    wait_ = &prometheus::BuildHistogram()
                 .Name("workqueue_queue_duration_seconds")
                 .Help("How long keys were ready before a worker took them.")
                 .Register(*registry)
                 .Add({{"name", kQueueName}}, buckets);
    work_ = &prometheus::BuildHistogram()
                 .Name("workqueue_work_duration_seconds")
                 .Help("How long a worker was busy with a key.")
                 .Register(*registry)
                 .Add({{"name", kQueueName}}, buckets);
  }
  void OnPop(Duration waited) override { wait_->Observe(InSeconds(waited)); }
  void OnDone(Duration worked) override { work_->Observe(InSeconds(worked)); }

 private:
  Histogram* wait_ = nullptr;
  Histogram* work_ = nullptr;
};

// From the change that a sync wrote down until now. The trigger time alone would
// not do: where a pod gets a label, it says since when the pod is ready, which may be
// weeks. So it counts from no earlier than the changes say that they were made, which
// is when they were seen where they say nothing. nullopt: nothing changed that we saw,
// or nothing with a time.
std::optional<Duration> TimeSinceChange(const Job& job, const Clock& clock) {
  if (!job.seen.has_value() || !job.input.trigger_time.is_set()) return std::nullopt;
  const Timestamp wall = clock.WallNow();
  Duration took = clock.Now() - job.seen->at;
  if (job.seen->moved.is_set()) took = std::max(took, Duration(wall.nanos - job.seen->moved.nanos));
  return std::max(Duration(0), std::min(took, Duration(wall.nanos - job.input.trigger_time.nanos)));
}

}  // namespace

struct Metrics::Impl {
  Impl(std::string_view api_server, const Clock* c) : clock(c), host(HostOf(api_server)), queue(&registry) {
    added = &AddHistogram("endpoint_slice_controller_endpoints_added_per_sync",
                          "Endpoints that a sync added, for each address type.")
                 .Add({}, ExponentialBuckets(2, 2, 15));
    removed = &AddHistogram("endpoint_slice_controller_endpoints_removed_per_sync",
                            "Endpoints that a sync removed, for each address type.")
                   .Add({}, ExponentialBuckets(2, 2, 15));
    programming = &AddHistogram("epslice_network_programming_seconds",
                                "From what changed endpoints (the time that a pod's Ready condition tells, which is "
                                "of whole seconds, a Service's creation; else when the change was seen) to the slices "
                                "written.")
                       .Add({}, ProgrammingBuckets());
    expiration = &AddHistogram("apiserver_client_certificate_expiration_seconds",
                               "How long certificates were still good for with which requests to the port came.")
                      .Add({}, ExpirationBuckets());
    rotation = &AddHistogram("rest_client_exec_plugin_certificate_rotation_age",
                             "How old, in seconds, client certificates of an exec plugin were when others took their "
                             "place.")
                    .Add({}, RotationBuckets());
  }

  Family<Histogram>& AddHistogram(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
  Histogram* ChangedFor(bool topology, TrafficLabel traffic);

  const Clock* const clock;
  const std::string host;
  prometheus::Registry registry;
  QueueHistograms queue;
  Histogram* added = nullptr;
  Histogram* removed = nullptr;
  Histogram* programming = nullptr;
  Histogram* expiration = nullptr;
  Histogram* rotation = nullptr;
  Family<Histogram>& changed = AddHistogram("endpoint_slice_controller_endpointslices_changed_per_sync",
                                            "EndpointSlices that a sync wrote, for each address type.");
  Family<Counter>& requests = prometheus::BuildCounter()
                                  .Name("rest_client_requests_total")
                                  .Help("Requests to the API server; code <error>: no answer came.")
                                  .Register(registry);
  Family<Histogram>& durations =
      AddHistogram("rest_client_request_duration_seconds", "How long the API server took to answer; without watches.");
  Family<Counter>& bytes = prometheus::BuildCounter()
                               .Name("epslice_decode_bytes")
                               .Help("Bytes of answers and watch events that were decoded.")
                               .Register(registry);

  mutable std::mutex mu;
  // Below: guarded by mu. Series are made when first needed, and found again
  // here without the registry's hashing of labels.
  std::array<std::array<Histogram*, kTrafficLabels>, 2> changed_of{};
  std::map<std::pair<std::string_view, int>, Counter*> requests_of;
  std::array<Histogram*, kVerbs> duration_of{};
  std::map<Kind, Counter*> bytes_of;
  ServiceTotals totals;
  std::map<std::string, bool> leading;
  std::map<std::string, std::function<std::int64_t()>> slow_renewals;
  std::function<std::int64_t()> lost_log_lines;
};

Histogram* Metrics::Impl::ChangedFor(bool topology, TrafficLabel traffic) {
  Histogram*& histogram = changed_of.at(topology ? 1 : 0).at(static_cast<std::size_t>(traffic));
  if (histogram == nullptr) {
    histogram = &changed.Add({{"topology", topology ? "Auto" : "Disabled"},
                              {"traffic_distribution", std::string(TrafficLabelName(traffic))}},
                             DefaultBuckets());
  }
  return histogram;
}

Metrics::Metrics(std::string_view api_server, const Clock* clock) : impl_(std::make_unique<Impl>(api_server, clock)) {}
Metrics::~Metrics() = default;

WorkQueueObserver* Metrics::queue_observer() { return &impl_->queue; }

void Metrics::ObserveRequest(const Request& request, int code, Duration took) {
  const std::string_view method = MethodOf(request.verb);
  std::lock_guard<std::mutex> lock(impl_->mu);
  // A server may answer with any number.
  const int known = code == 0 || (code >= 100 && code <= 599) ? code : -1;
  Counter*& counter = impl_->requests_of[{method, known}];
  if (counter == nullptr) {
    counter = &impl_->requests.Add({{"code", known == 0  ? "<error>"
                                             : known < 0 ? "other"
                                                         : std::to_string(known)},
                                    {"host", impl_->host},
                                    {"method", std::string(method)}});
  }
  counter->Increment();
  // A watch is answered at once, and its end is no latency.
  if (request.verb == Verb::kWatch) return;
  Histogram*& histogram = impl_->duration_of.at(static_cast<std::size_t>(request.verb));
  if (histogram == nullptr) {
    histogram = &impl_->durations.Add({{"host", impl_->host}, {"verb", std::string(method)}}, RequestBuckets());
  }
  histogram->Observe(InSeconds(took));
}

void Metrics::ObserveBytes(const Request& request, std::size_t bytes) {
  std::lock_guard<std::mutex> lock(impl_->mu);
  Counter*& counter = impl_->bytes_of[request.kind];
  if (counter == nullptr) counter = &impl_->bytes.Add({{"resource", std::string(InfoOf(request.kind).resource)}});
  counter->Increment(static_cast<double>(bytes));
}

void Metrics::ObserveSync(const Job& job, const Plan& plan, const Outcome& outcome) {
  std::lock_guard<std::mutex> lock(impl_->mu);
  if (job.input.service == nullptr) {
    impl_->totals.Forget(job.service);
    return;
  }
  const Service& service = *job.input.service;
  const TrafficLabel traffic = TrafficLabelOf(service);
  impl_->totals.Set(job.service, plan.metrics, traffic);
  for (const PlanMetrics::PerAddressType& one : plan.metrics.per_address_type) {
    impl_->added->Observe(static_cast<double>(one.endpoints_added));
    impl_->removed->Observe(static_cast<double>(one.endpoints_removed));
  }
  if (!outcome.errors.empty()) return;
  // Address types are the first groups of writes, in their order; groups after
  // them take away what other address types left.
  std::vector<int> changed(plan.metrics.per_address_type.size());
  for (const SliceWrite& write : plan.writes) {
    const auto group = static_cast<std::size_t>(write.group);
    if (group < changed.size()) ++changed[group];
  }
  Histogram* const histogram = impl_->ChangedFor(WantsTopologyAwareHints(service), traffic);
  for (const int count : changed) histogram->Observe(count);
  if (outcome.creates + outcome.updates == 0) return;
  if (const std::optional<Duration> took = TimeSinceChange(job, *impl_->clock)) {
    impl_->programming->Observe(InSeconds(*took));
  }
}

void Metrics::SetLostLogLines(std::function<std::int64_t()> lost) {
  std::lock_guard<std::mutex> lock(impl_->mu);
  impl_->lost_log_lines = std::move(lost);
}

void Metrics::SetLeader(const std::string& name, bool leading) {
  std::lock_guard<std::mutex> lock(impl_->mu);
  impl_->leading[name] = leading;
}

void Metrics::SetSlowRenewals(const std::string& name, std::function<std::int64_t()> slow_renewals) {
  std::lock_guard<std::mutex> lock(impl_->mu);
  impl_->slow_renewals[name] = std::move(slow_renewals);
}

void Metrics::ObserveClientCertificate(Duration remaining) { impl_->expiration->Observe(InSeconds(remaining)); }

void Metrics::ObserveRotation(const std::string& certificate_pem) {
  const absl::StatusOr<CertificateFacts> facts = ReadCertificateFacts(certificate_pem);
  if (!facts.ok()) return;
  const double age = static_cast<double>(impl_->clock->WallNow().nanos - facts->not_before.nanos) / 1e9;
  impl_->rotation->Observe(age);
}

std::string Metrics::Render(const LiveRunner& runner, const CertificateTimes& certificates) const {
  return Render(runner.stats(), runner.monitor().informers(), certificates);
}

std::string Metrics::Render(const LiveRunner::Stats& stats, const std::vector<Monitor::Informer>& informers,
                            const CertificateTimes& certificates) const {
  MetricsPage page;
  page.Add(impl_->registry.Collect());
  AddSyncs(stats.syncs, &page);
  AddQueue(stats, &page);
  AddInformers(informers, impl_->clock->Now(), &page);
  AddProcess(&page);
  AddCertificates(certificates, impl_->clock->WallNow(), &page);
  std::lock_guard<std::mutex> lock(impl_->mu);
  AddTotals(impl_->totals.sums(), &page);
  AddHints(stats.hints, &page);
  if (stats.shadow) AddShadow(*stats.shadow, &page);
  if (impl_->lost_log_lines != nullptr) {
    page.Count("epslice_log_lines_dropped_total",
               "Lines of the log that were lost, as standard error did not take them.", impl_->lost_log_lines());
  }
  for (const auto& [name, leading] : impl_->leading) {
    page.Gauge("leader_election_master_status", "1: this process leads; 0: another one does, or nobody.",
               leading ? 1 : 0, {{"name", name}});
  }
  for (const auto& [name, slow_renewals] : impl_->slow_renewals) {
    page.Count("leader_election_slowpath_total", "Renewals of the lease that had to read it first.", slow_renewals(),
               {{"name", name}});
  }
  return std::move(page).Text();
}

}  // namespace epslice
