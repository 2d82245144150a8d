// Metrics: what Prometheus gets to see, under the names, labels and buckets
// that the reference (kube-controller-manager v1.36) uses, and a few of ours,
// which begin with epslice_.
//
// What happens in moments is observed here as it happens (histograms, requests);
// what is a state is handed to Render() when somebody asks. The core of the
// controller knows nothing of either.
// No label holds a name from the cluster, so the number of series is bounded.
// Thread-safe.
#ifndef EPSLICE_CONTROLLERS_MANAGER_METRICS_H_
#define EPSLICE_CONTROLLERS_MANAGER_METRICS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apis/request.h"
#include "controllers/endpointslice/plan_applier.h"
#include "controllers/endpointslice/reconcile.h"
#include "controllers/endpointslice/service_controller.h"
#include "controllers/manager/live_runner.h"
#include "controllers/manager/monitor.h"
#include "informers/clock.h"
#include "informers/work_queue.h"

namespace epslice {

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

// The certificates that this process shows, at the time of a scrape.
struct CertificateTimes {
  std::optional<Timestamp> client_ends;   // to the API server; nullopt: none
  std::optional<Timestamp> serving_ends;  // at the port, the first of several; nullopt: none
  bool client_from_plugin = false;        // by an exec plugin
};

class Metrics {
 public:
  // `api_server`: its URL, of which the label `host` is made. `clock` must
  // outlive this.
  Metrics(std::string_view api_server, const Clock* clock);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // For ServiceControllerOptions::queue; lives as long as this.
  WorkQueueObserver* queue_observer();
  // For HttpTransportOptions::observe and observe_bytes.
  void ObserveRequest(const Request& request, int code, Duration took);
  void ObserveBytes(const Request& request, std::size_t bytes);
  // For LiveRunnerOptions::observe_sync: a sync (no verification) that ended.
  void ObserveSync(const Job& job, const Plan& plan, const Outcome& outcome);
  // epslice_log_lines_dropped_total, asked for at each scrape, from any thread. Before
  // the first scrape; without it, it is not there.
  void SetLostLogLines(std::function<std::int64_t()> lost);
  // leader_election_master_status{name}; not there before the first.
  void SetLeader(const std::string& name, bool leading);
  // leader_election_slowpath_total{name}, as SetLostLogLines().
  void SetSlowRenewals(const std::string& name, std::function<std::int64_t()> slow_renewals);

  // For DelegatedAuthOptions::observe_certificate.
  void ObserveClientCertificate(Duration remaining);
  // For Credentials::OnRotation().
  void ObserveRotation(const std::string& certificate_pem);

  // In the text format, families by name, series by labels.
  std::string Render(const LiveRunner& runner, const CertificateTimes& certificates) const;
  // The same, of what Render() takes from the runner.
  std::string Render(const LiveRunner::Stats& stats, const std::vector<Monitor::Informer>& informers,
                     const CertificateTimes& certificates = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_METRICS_H_
