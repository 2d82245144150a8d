// Recorder's state. For the .cc files beside it.
#ifndef EPSLICE_SIM_REPORT_RECORDER_IMPL_H_
#define EPSLICE_SIM_REPORT_RECORDER_IMPL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/report/histogram.h"
#include "sim/report/recorder.h"
#include "sim/report/slice_churn.h"
#include "sim/report/step_series.h"

namespace epslice::sim {

namespace internal {

// What of a pod's state shows in slices.
struct ShownState {
  bool listed = false;  // has an address and has not finished
  bool ready = false;
  bool terminating = false;
  friend bool operator==(const ShownState&, const ShownState&) = default;
};

struct PodInfo {
  ShownState state;
  ShownState shown;  // what the slices say of it, as the last one that does
  bool exists = false;
  std::int64_t slices = 0;         // that it is in
  std::optional<Instant> changed;  // and no slice showed it; of no meaning while shown == state
};

struct SliceInfo {
  std::shared_ptr<const EndpointSlice> slice;
  std::int64_t bytes = 0;
};

struct ServiceInfo {
  ObjectKey key;
  bool exists = false;
  ServiceNumbers numbers;
  Duration pod_to_slice_max{0};
  enum class Hints : std::uint8_t { kNone, kOn, kOff } hints = Hints::kNone;
  bool hints_known = false;  // they were on or off before
  std::string reason;
  Instant since{0};
  std::vector<RunReport::HintPeriod> periods;
};

inline double Seconds(Duration d) { return static_cast<double>(d.count()) / 1e9; }

}  // namespace internal

struct Recorder::Impl {
  explicit Impl(const RecorderOptions& o) : options(o), series(kMaxSteps) {}

  internal::ServiceInfo& ServiceAt(const ObjectKey& key) {
    internal::ServiceInfo& service = services[key];
    if (service.key.name.empty()) service.key = key;
    return service;
  }
  internal::ServiceInfo& ServiceOf(const EndpointSlice& slice) {
    return ServiceAt({slice.metadata.namespace_, Text(slice.metadata.labels.Get(kLabelServiceName))});
  }

  void OnNode(const Commit& commit);
  void OnPod(const Commit& commit, const Pod& pod);
  void OnSlice(const Commit& commit, const std::shared_ptr<const EndpointSlice>& slice);
  void Count(const Commit& commit, const internal::SliceChurn& churn, internal::ServiceInfo* service);
  void Measure(const Commit& commit, const internal::SliceChurn& churn, internal::ServiceInfo* service);
  void MeasureOne(Instant at, const Endpoint& endpoint, bool removed, internal::ServiceInfo* service,
                  std::vector<Instant>* changes);
  void OnInterval(const DataPlane::Interval& interval);
  void OnProgrammed(const ObjectKey& service, Instant committed, Instant programmed);
  void OnHints(internal::ServiceInfo* service, const HintSummary& hints, Instant now);
  static void ClosePeriod(internal::ServiceInfo* service, Instant now);
  void QueueUntil(Instant now);
  // recorder_report.cc
  void FillServices(RunReport* report) const;
  void FillSeries(RunReport* report) const;
  void FillTraffic(RunReport* report) const;
  void AddTraffic(const TrafficTotals& totals, ServiceNumbers* out) const;
  internal::PodInfo* PodOf(const Endpoint& endpoint, const ObjectKey& service);

  const RecorderOptions options;
  DataPlane* data_plane = nullptr;
  RunNumbers numbers;
  internal::StepSeries series;
  std::string scratch;
  std::unordered_map<Text, bool> nodes;  // that are there, and whether their machines are up; looked up only
  std::int64_t nodes_up = 0;
  std::unordered_map<ObjectKey, internal::SliceInfo> slices;
  std::unordered_map<ObjectKey, internal::PodInfo> pods;
  std::unordered_map<ObjectKey, internal::ServiceInfo> services;
  LogHistogram queue_wait, write_latency, pod_to_slice, slice_to_proxies, pod_to_proxies;
  // When the pods changed that a commit to a Service shows first.
  std::map<std::pair<Instant, ObjectKey>, std::vector<Instant>> awaiting;
  std::size_t queue_depth = 0;
  double queue_integral = 0;
  Instant queue_since{0};
  std::vector<RunReport::Moment> timeline;
  Instant end{0};
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_REPORT_RECORDER_IMPL_H_
