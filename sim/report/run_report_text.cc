// RunReport for people, and as CSV.
#include <algorithm>
#include <cmath>

#include "apis/concat.h"
#include "sim/report/number_text.h"
#include "sim/report/run_report.h"
#include "sim/report/table.h"

namespace epslice::sim {
namespace {

std::string Cell(double value, std::string_view unit) { return NumberText(value, unit); }

void PrintWrites(const RunNumbers& n, std::ostream& out) {
  Table table({"API WRITES", "COUNT", "BYTES"});
  table.Add({"create", Cell(n.creates, ""), Cell(n.create_bytes, "bytes")});
  table.Add({"update", Cell(n.updates, ""), Cell(n.update_bytes, "bytes")});
  table.Add({"delete", Cell(n.deletes, ""), Cell(n.delete_bytes, "bytes")});
  table.Add({"all", Cell(n.writes, ""), Cell(n.write_bytes, "bytes")});
  table.Add({"refused", Cell(n.refused_writes, ""), ""});
  table.Add({"by others", Cell(n.foreign_writes, ""), ""});
  table.Add({"to watchers", Cell(n.watch_events, ""), Cell(n.fan_out_bytes, "bytes")});
  table.Print(out);
}

void PrintLatencies(const RunNumbers& n, std::ostream& out) {
  Table table({"LATENCY", "P50", "P90", "P99", "MAX"});
  const auto row = [&](std::string name, double p50, double p90, double p99, double max) {
    table.Add(
        {std::move(name), Cell(p50, "seconds"), Cell(p90, "seconds"), Cell(p99, "seconds"), Cell(max, "seconds")});
  };
  row("due to sync", n.queue_wait_p50, n.queue_wait_p90, n.queue_wait_p99, n.queue_wait_max);
  row("write", n.write_latency_p50, n.write_latency_p90, n.write_latency_p99, n.write_latency_max);
  row("pod to slice", n.pod_to_slice_p50, n.pod_to_slice_p90, n.pod_to_slice_p99, n.pod_to_slice_max);
  row("slice to all proxies", n.slice_to_proxies_p50, n.slice_to_proxies_p90, n.slice_to_proxies_p99,
      n.slice_to_proxies_max);
  row("pod to all proxies", n.pod_to_proxies_p50, n.pod_to_proxies_p90, n.pod_to_proxies_p99, n.pod_to_proxies_max);
  table.Print(out);
}

void PrintController(const RunNumbers& n, std::ostream& out) {
  Table table({"CONTROLLER", "VALUE"});
  table.Add({"syncs", Concat(Cell(n.syncs, ""), " (", Cell(n.syncs_stale, ""), " stale, ", Cell(n.syncs_failed, ""),
                             " failed)")});
  table.Add({"queue depth", Concat("max ", Cell(n.max_queue_depth, ""), ", mean ", Cell(n.mean_queue_depth, ""))});
  table.Add({"slices", Concat(Cell(n.slices, ""), ", ", Cell(n.fill_ratio, "share"), " full")});
  table.Add({"endpoints", Concat(Cell(n.endpoints, ""), " (+", Cell(n.endpoints_added, ""), " -",
                                 Cell(n.endpoints_removed, ""), " ~", Cell(n.endpoints_changed, ""), ")")});
  table.Add(
      {"hints", Concat("on for ", Cell(n.hinted_services, ""), " Services, ", Cell(n.hint_switches, ""), " switches")});
  table.Print(out);
}

void PrintTraffic(const RunReport& report, std::ostream& out) {
  const RunNumbers& n = report.numbers;
  if (n.requests <= 0) return;
  Table table({"TRAFFIC", "REQUESTS", "SHARE"});
  table.Add({"all", Cell(n.requests, ""), ""});
  table.Add({"in zone", Cell(n.in_zone_requests, ""), Cell(n.in_zone_share, "share")});
  table.Add({"cross zone", Cell(n.cross_zone_requests, ""), Cell(n.cross_zone_share, "share")});
  table.Add({"black-holed", Cell(n.black_holed, ""), Cell(n.black_holed_share, "share")});
  table.Add({"rejected", Cell(n.rejected, ""), Cell(n.rejected_share, "share")});
  table.Add({"misrouted", Cell(n.misrouted, ""), Cell(n.misrouted_share, "share")});
  table.Print(out);
  out << "Cross-zone: " << Cell(n.cross_zone_bytes, "bytes") << ", " << Cell(n.cross_zone_cost, "dollars")
      << ". Highest overload of an endpoint: " << Cell(n.max_overload, "share") << "; over the threshold for "
      << Cell(n.overload_seconds, "") << " Service-seconds, in " << Cell(n.overloaded_services, "") << " Services.\n\n";
  Table zones({"ZONE", "SENT", "RECEIVED", "MAX LOAD"});
  for (const RunReport::Zone& zone : report.zones) {
    zones.Add({zone.name.empty() ? "(none)" : zone.name, Cell(zone.numbers.sent, ""), Cell(zone.numbers.received, ""),
               Concat(Cell(zone.numbers.max_load, ""), "x")});
  }
  zones.Print(out);
}

void PrintWorst(const RunReport& report, std::ostream& out) {
  for (const WorstServices& list : WorstOf(report)) {
    if (list.services.empty()) continue;
    const auto number = std::find_if(ServiceNumberTable().begin(), ServiceNumberTable().end(),
                                     [&](const auto& entry) { return entry.name == list.number; });
    Table table({Concat("WORST BY ", list.number), "VALUE"});
    for (const RunReport::Service* service : list.services) {
      table.Add({service->name, Cell(service->numbers.*number->member, number->unit)});
    }
    out << '\n';
    table.Print(out);
  }
}

void PrintOverloaded(const RunReport& report, std::ostream& out) {
  if (report.overloaded.empty()) return;
  Table table({"MOST ABOVE AN EVEN SPREAD", "ENDPOINT", "ZONE", "REQUESTS", "LOAD"});
  for (const RunReport::Endpoint& endpoint : report.overloaded) {
    table.Add({endpoint.service, endpoint.address, endpoint.zone.empty() ? "(none)" : endpoint.zone,
               Cell(endpoint.requests, ""), Concat(Cell(endpoint.load, ""), "x")});
  }
  out << '\n';
  table.Print(out);
}

void PrintRemarks(const RunReport& report, std::ostream& out) {
  for (const std::string& text : report.made_up) out << "Made up: " << Printable(text) << '\n';
  for (const std::string& text : report.notes) out << "Note: " << Printable(text) << '\n';
  for (const auto& [reason, count] : report.skipped) out << "Skipped: " << count << " x " << Printable(reason) << '\n';
  if (report.expectations.empty()) return;
  Table table({"EXPECTED", "VALUE", "RESULT"});
  for (const RunReport::Expectation& e : report.expectations) {
    table.Add({e.text, std::isnan(e.value) ? "no such number" : ExactNumber(e.value), e.pass ? "pass" : "FAIL"});
  }
  out << '\n';
  table.Print(out);
}

// A field of CSV (RFC 4180); a text that a spreadsheet would take for a formula
// is kept one by an apostrophe.
std::string Csv(std::string_view text) {
  std::string field(Printable(text));
  if (!field.empty() && std::string_view("=+-@").find(field[0]) != std::string_view::npos) field.insert(0, 1, '\'');
  if (field.find_first_of(",\"") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

template <typename T>
void CsvRows(std::string_view section, std::string_view name, const T& numbers, const std::vector<NumberOf<T>>& table,
             std::string_view time, std::ostream& out) {
  for (const NumberOf<T>& number : table) {
    out << section << ',' << Csv(name) << ',' << time << ',' << number.name << ','
        << ExactNumber(numbers.*number.member) << '\n';
  }
}

}  // namespace

void PrintReport(const RunReport& report, std::ostream& out) {
  const RunNumbers& n = report.numbers;
  if (!report.name.empty()) out << Printable(report.name) << ": ";
  out << NumberText(n.duration, "seconds") << " simulated, " << NumberText(n.services, "") << " Services, seed "
      << report.seed << ", digest " << report.digest << "\n\n";
  PrintWrites(n, out);
  out << '\n';
  PrintLatencies(n, out);
  out << '\n';
  PrintController(n, out);
  out << '\n';
  PrintTraffic(report, out);
  PrintWorst(report, out);
  PrintOverloaded(report, out);
  out << '\n';
  PrintRemarks(report, out);
}

void PrintCsv(const RunReport& report, std::ostream& out) {
  out << "section,name,time,metric,value\n";
  CsvRows("run", "", report.numbers, RunNumberTable(), "", out);
  for (std::size_t i = 0; i < report.series.size(); ++i) {
    const std::string time = ExactNumber(report.step_seconds * static_cast<double>(i));
    CsvRows("series", "", report.series[i], StepNumberTable(), time, out);
  }
  for (const RunReport::Service& service : report.services) {
    CsvRows("service", service.name, service.numbers, ServiceNumberTable(), "", out);
  }
  const auto endpoints = [&out](std::string_view section, const std::vector<RunReport::Endpoint>& list) {
    for (const RunReport::Endpoint& endpoint : list) {
      const std::string name = Csv(endpoint.service + " " + endpoint.address);
      out << section << ',' << name << ",,requests," << ExactNumber(endpoint.requests) << '\n';
      out << section << ',' << name << ",,load," << ExactNumber(endpoint.load) << '\n';
    }
  };
  for (const RunReport::Service& service : report.services) endpoints("busiest", service.busiest);
  endpoints("overloaded", report.overloaded);
  for (const RunReport::Zone& zone : report.zones) {
    CsvRows("zone", zone.name, zone.numbers, ZoneNumberTable(), "", out);
  }
  for (const RunReport::Flow& flow : report.flows) {
    out << "flow," << Csv(flow.from + "->" + flow.to) << ",,requests," << ExactNumber(flow.requests) << '\n';
  }
}

}  // namespace epslice::sim
