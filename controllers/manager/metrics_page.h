// MetricsPage: the text of /metrics: what a registry has, and plain values that are
// read when somebody asks. For the .cc files beside it only.
#ifndef EPSLICE_CONTROLLERS_MANAGER_METRICS_PAGE_H_
#define EPSLICE_CONTROLLERS_MANAGER_METRICS_PAGE_H_

#include <prometheus/labels.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <vector>

#include "controllers/endpointslice/service_controller.h"
#include "controllers/endpointslice/shadow.h"
#include "controllers/manager/live_runner.h"
#include "controllers/manager/metrics.h"
#include "controllers/manager/monitor.h"
#include "controllers/manager/service_totals.h"
#include "informers/clock.h"

namespace epslice {

// The queue's name in the reference's metrics.
inline constexpr const char* kQueueName = "endpoint_slice";

// Not thread-safe.
class MetricsPage {
 public:
  using Labels = prometheus::Labels;

  // Values of one name are given one after the other.
  void Value(prometheus::MetricType type, const char* name, const char* help, double value, const Labels& labels = {});
  void Gauge(const char* name, const char* help, double value, const Labels& labels = {}) {
    Value(prometheus::MetricType::Gauge, name, help, value, labels);
  }
  void Count(const char* name, const char* help, std::int64_t value, const Labels& labels = {}) {
    Value(prometheus::MetricType::Counter, name, help, static_cast<double>(value), labels);
  }
  void Add(std::vector<prometheus::MetricFamily> families);

  // Sorted, as nothing in a registry is.
  std::string Text() &&;

 private:
  std::vector<prometheus::MetricFamily> families_;
};

// The states of the parts of a controller.
void AddSyncs(const ServiceController::Counters& c, MetricsPage* page);
void AddTotals(const ServiceTotals::Sums& sums, MetricsPage* page);
void AddQueue(const LiveRunner::Stats& stats, MetricsPage* page);
void AddInformers(const std::vector<Monitor::Informer>& informers, Instant now, MetricsPage* page);
void AddHints(const HintTotals::Totals& totals, MetricsPage* page);
void AddShadow(const Shadow::Totals& totals, MetricsPage* page);
void AddProcess(MetricsPage* page);
void AddCertificates(const CertificateTimes& times, Timestamp now, MetricsPage* page);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_METRICS_PAGE_H_
