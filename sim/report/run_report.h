// RunReport: every number of a simulated run, and its forms.
//
// docs/report.md defines each number with unit and formula; the tables below
// hold their names, and a test holds the two together. A report holds nothing
// of the machine or the time it was made at: equal runs give equal bytes.
// Values only; functions without shared state.
#ifndef EPSLICE_SIM_REPORT_RUN_REPORT_H_
#define EPSLICE_SIM_REPORT_RUN_REPORT_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace epslice::sim {

// One number of a struct of numbers: its name in JSON, CSV and Lookup().
template <typename T>
struct NumberOf {
  std::string_view name;
  std::string_view unit;  // "requests", "seconds", "bytes", "share", ...; "" is a count
  double T::*member;
};

// Of the whole run.
struct RunNumbers {
  double duration = 0;
  double writes = 0, creates = 0, updates = 0, deletes = 0, refused_writes = 0;
  double write_bytes = 0, create_bytes = 0, update_bytes = 0, delete_bytes = 0;
  double foreign_writes = 0, watch_events = 0, fan_out_bytes = 0;
  double syncs = 0, syncs_succeeded = 0, syncs_stale = 0, syncs_failed = 0;
  double max_queue_depth = 0, mean_queue_depth = 0;
  double queue_wait_p50 = 0, queue_wait_p90 = 0, queue_wait_p99 = 0, queue_wait_max = 0;
  double write_latency_p50 = 0, write_latency_p90 = 0, write_latency_p99 = 0, write_latency_max = 0;
  double pod_to_slice_p50 = 0, pod_to_slice_p90 = 0, pod_to_slice_p99 = 0, pod_to_slice_max = 0;
  double slice_to_proxies_p50 = 0, slice_to_proxies_p90 = 0, slice_to_proxies_p99 = 0, slice_to_proxies_max = 0;
  double pod_to_proxies_p50 = 0, pod_to_proxies_p90 = 0, pod_to_proxies_p99 = 0, pod_to_proxies_max = 0;
  double pod_changes = 0;
  double services = 0, slices = 0, endpoints = 0, fill_ratio = 0;
  double endpoints_added = 0, endpoints_removed = 0, endpoints_changed = 0;
  double hinted_services = 0, hint_switches = 0, hints_on_seconds = 0, hints_off_seconds = 0;
  double requests = 0, served = 0, in_zone_requests = 0, cross_zone_requests = 0;
  double in_zone_share = 0, cross_zone_share = 0, cross_zone_bytes = 0, cross_zone_cost = 0;
  double black_holed = 0, black_holed_share = 0, rejected = 0, rejected_share = 0;
  double misrouted = 0, misrouted_share = 0;
  double max_overload = 0, overload_seconds = 0, overloaded_services = 0;
};
const std::vector<NumberOf<RunNumbers>>& RunNumberTable();

// Of one Service.
struct ServiceNumbers {
  double creates = 0, updates = 0, deletes = 0, write_bytes = 0;
  double slices = 0, endpoints = 0;
  double endpoints_added = 0, endpoints_removed = 0, endpoints_changed = 0;
  double pod_to_slice_max = 0;
  double hint_switches = 0, hints_on_seconds = 0, hints_off_seconds = 0;
  double requests = 0, in_zone_share = 0, cross_zone_share = 0, cross_zone_bytes = 0, cross_zone_cost = 0;
  double black_holed = 0, rejected = 0, misrouted = 0;
  double max_overload = 0, overload_seconds = 0;
};
const std::vector<NumberOf<ServiceNumbers>>& ServiceNumberTable();

// Of one step of the time series.
struct StepNumbers {
  double creates = 0, updates = 0, deletes = 0, refused_writes = 0;
  double write_bytes = 0, create_bytes = 0, update_bytes = 0, delete_bytes = 0, fan_out_bytes = 0;
  double syncs_succeeded = 0, syncs_stale = 0, syncs_failed = 0;
  double max_queue_depth = 0, mean_queue_depth = 0;
  double slices = 0, endpoints = 0;
  double endpoints_added = 0, endpoints_removed = 0, endpoints_changed = 0;
  double requests = 0, in_zone_requests = 0, cross_zone_requests = 0;
  double black_holed = 0, rejected = 0, misrouted = 0, max_overload = 0, overload_seconds = 0;
};
const std::vector<NumberOf<StepNumbers>>& StepNumberTable();

// Of one zone.
struct ZoneNumbers {
  double sent = 0, received = 0, in_zone_requests = 0, max_load = 0;
};
const std::vector<NumberOf<ZoneNumbers>>& ZoneNumberTable();

struct RunReport {
  static constexpr std::string_view kKind = "RunReport";
  static constexpr std::string_view kApiVersion = "epslice.dev/v1";

  // What was run, in words of whoever ran it; "" where nobody said.
  std::string name;
  std::uint64_t seed = 0;
  std::string begin;  // what the simulated wall clock showed at 0, RFC 3339
  std::string digest;
  // Every setting in effect, by key.
  std::vector<std::pair<std::string, std::string>> settings;
  // What the input lacked and was made up; what else is to be said of it; what
  // of it was skipped, and how often.
  std::vector<std::string> made_up;
  std::vector<std::string> notes;
  std::vector<std::pair<std::string, std::int64_t>> skipped;
  struct Expectation {
    std::string text;
    double value = 0;  // NaN: the report has no such number
    bool pass = false;
    friend bool operator==(const Expectation&, const Expectation&) = default;
  };
  std::vector<Expectation> expectations;

  RunNumbers numbers;
  // Steps of equal length from 0 on.
  double step_seconds = 0;
  std::vector<StepNumbers> series;
  // What was told of as it began ("zoneOutage a"); in seconds.
  struct Moment {
    double at = 0;
    std::string text;
    friend bool operator==(const Moment&, const Moment&) = default;
  };
  std::vector<Moment> timeline;

  struct HintPeriod {
    bool on = false;
    std::string reason;  // by what they are on, or why they are off
    double begin = 0, duration = 0;
    friend bool operator==(const HintPeriod&, const HintPeriod&) = default;
  };
  // What an endpoint (an address of a Service) got over its time.
  struct Endpoint {
    std::string service;  // namespace/name
    std::string address, zone;
    double requests = 0;
    double load = 0;  // times an even spread; 0: there was none
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
  };
  struct Service {
    std::string name;  // namespace/name
    ServiceNumbers numbers;
    // At most kMaxHintPeriods; `hint_switches` counts them all.
    std::vector<HintPeriod> hints;
    std::vector<Endpoint> busiest;  // the most requests first
  };
  static constexpr std::size_t kMaxHintPeriods = 100;
  std::vector<Service> services;  // by name

  struct Zone {
    std::string name;  // "": nodes without a zone
    ZoneNumbers numbers;
  };
  std::vector<Zone> zones;  // by name
  struct Flow {
    std::string from, to;
    double requests = 0;
    friend bool operator==(const Flow&, const Flow&) = default;
  };
  std::vector<Flow> flows;  // by from, then to
  // With the most requests above an even spread, the most first.
  std::vector<Endpoint> overloaded;
};

// A number by its path; nullopt: there is no such.
//   crossZoneShare                       of the run
//   services.shop/web.blackHoled         of a Service
//   zones.zone-a.maxLoad                 of a zone
std::optional<double> Lookup(const RunReport& report, std::string_view path);
// Whether a path could name a number at all, in whatever report.
bool IsMetricPath(std::string_view path);

// The Services with the highest of a number, the highest first, of equals by
// name; none where it is 0.
struct WorstServices {
  std::string_view number;
  std::vector<const RunReport::Service*> services;
};
inline constexpr std::size_t kWorstServices = 10;
std::vector<WorstServices> WorstOf(const RunReport& report);

// JSON without white space (sim/report/structured.h indents it).
std::string ToJson(const RunReport& report);
// Reads what ToJson() writes, indented or not. InvalidArgument says what is
// wrong and where; unknown and missing fields are.
absl::StatusOr<RunReport> RunReportFromJson(std::string_view json);
// For people.
void PrintReport(const RunReport& report, std::ostream& out);
// "section,name,time,metric,value", a line for each number.
void PrintCsv(const RunReport& report, std::ostream& out);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_REPORT_RUN_REPORT_H_
