#include "sim/report/compare_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "apis/concat.h"
#include "apis/json_writer.h"
#include "sim/report/number_text.h"
#include "sim/report/table.h"

namespace epslice::sim {
namespace {

// The items of both reports side by side, by name; null where one lacks it.
template <typename T>
std::map<std::string_view, std::pair<const T*, const T*>> SideBySide(const std::vector<T>& baseline,
                                                                     const std::vector<T>& variant) {
  std::map<std::string_view, std::pair<const T*, const T*>> pairs;
  for (const T& item : baseline) pairs[item.name].first = &item;
  for (const T& item : variant) pairs[item.name].second = &item;
  return pairs;
}

template <typename T, typename N>
NumberDifference DifferenceOf(std::string_view prefix, std::string_view name, const std::pair<const T*, const T*>& pair,
                              const NumberOf<N>& number) {
  NumberDifference difference;
  difference.path = Concat(prefix, name, '.', number.name);
  difference.unit = number.unit;
  if (pair.first != nullptr) difference.baseline = pair.first->numbers.*number.member;
  if (pair.second != nullptr) difference.variant = pair.second->numbers.*number.member;
  return difference;
}

// Equal but for rounding: sums of the same in another order differ in their
// last bits.
bool IsNoise(const NumberDifference& d) {
  constexpr double kRounding = 1e-9;
  const double size = std::max(std::abs(d.baseline.value_or(0)), std::abs(d.variant.value_or(0)));
  return std::abs(d.difference()) <= kRounding * size;
}

void CompareSettings(const RunReport& baseline, const RunReport& variant, CompareReport* report) {
  std::map<std::string, std::pair<std::string, std::string>> values;
  for (const auto& [key, value] : baseline.settings) values[key].first = value;
  for (const auto& [key, value] : variant.settings) values[key].second = value;
  for (const auto& [key, pair] : values) {
    if (pair.first != pair.second) report->settings.push_back({key, pair.first, pair.second});
  }
}

void CompareExpectations(const RunReport& baseline, const RunReport& variant, CompareReport* report) {
  for (const bool first : {true, false}) {
    for (const RunReport::Expectation& e : first ? baseline.expectations : variant.expectations) {
      auto& all = report->expectations;
      auto it = std::find_if(all.begin(), all.end(), [&e](const auto& other) { return other.text == e.text; });
      if (it == all.end()) it = all.insert(all.end(), {e.text, {}, {}});
      (first ? it->baseline : it->variant) = e;
    }
  }
}

void CompareServices(const RunReport& baseline, const RunReport& variant, CompareReport* report) {
  const auto pairs = SideBySide(baseline.services, variant.services);
  for (const NumberOf<ServiceNumbers>& number : ServiceNumberTable()) {
    std::vector<NumberDifference> differences;
    for (const auto& [name, pair] : pairs) {
      NumberDifference difference = DifferenceOf("services.", name, pair, number);
      if (!IsNoise(difference)) differences.push_back(std::move(difference));
    }
    // They are by name.
    std::stable_sort(differences.begin(), differences.end(),
                     [](const auto& a, const auto& b) { return std::abs(a.difference()) > std::abs(b.difference()); });
    if (differences.size() > kWorstServices) differences.resize(kWorstServices);
    std::move(differences.begin(), differences.end(), std::back_inserter(report->services));
  }
}

void AppendRun(std::string_view key, const CompareReport::Run& run, JsonWriter* json) {
  json->Key(key);
  json->BeginObject();
  json->Field("name", run.name);
  json->Key("seed");
  json->Raw(std::to_string(run.seed));
  json->Field("digest", run.digest);
  json->EndObject();
}

void AppendOptional(std::string_view key, std::optional<double> value, JsonWriter* json) {
  json->Key(key);
  value ? json->Double(*value) : json->Null();
}

// Null where that run's scenario expects nothing of the kind.
void AppendKept(std::string_view key, const std::optional<RunReport::Expectation>& kept, JsonWriter* json) {
  json->Key(key);
  if (!kept) return json->Null();
  json->BeginObject();
  AppendOptional("value", std::isnan(kept->value) ? std::nullopt : std::optional(kept->value), json);
  json->BoolField("pass", kept->pass);
  json->EndObject();
}

std::string KeptText(const std::optional<RunReport::Expectation>& kept) {
  if (!kept) return "";
  const std::string value = std::isnan(kept->value) ? "no such number" : ExactNumber(kept->value);
  return Concat(kept->pass ? "pass" : "FAIL", " (", value, ")");
}

void AppendDifferences(std::string_view key, const std::vector<NumberDifference>& differences, JsonWriter* json) {
  json->Key(key);
  json->BeginArray();
  for (const NumberDifference& d : differences) {
    json->BeginObject();
    json->Field("number", d.path);
    json->Field("unit", d.unit);
    AppendOptional("baseline", d.baseline, json);
    AppendOptional("variant", d.variant, json);
    AppendOptional("difference", d.difference(), json);
    AppendOptional("ratio", d.ratio(), json);
    json->EndObject();
  }
  json->EndArray();
}

std::string Cell(std::optional<double> value, std::string_view unit) { return value ? NumberText(*value, unit) : ""; }

void AddRows(const std::vector<NumberDifference>& differences, Table* table) {
  for (const NumberDifference& d : differences) {
    if (IsNoise(d) && d.baseline.has_value() == d.variant.has_value()) continue;
    const std::string sign = d.difference() > 0 ? "+" : "";
    table->Add({d.path, Cell(d.baseline, d.unit), Cell(d.variant, d.unit), sign + Cell(d.difference(), d.unit),
                d.ratio() ? Concat(NumberText(*d.ratio(), ""), "x") : ""});
  }
}

}  // namespace

std::optional<double> NumberDifference::ratio() const {
  if (!baseline || !variant || *baseline == 0) return std::nullopt;
  return *variant / *baseline;
}

bool CompareReport::as_expected() const {
  return std::all_of(expectations.begin(), expectations.end(),
                     [](const Expected& e) { return !e.variant || e.variant->pass; });
}

CompareReport Compare(const RunReport& baseline, const RunReport& variant) {
  CompareReport report;
  report.baseline = {baseline.name, baseline.seed, baseline.digest};
  report.variant = {variant.name, variant.seed, variant.digest};
  CompareSettings(baseline, variant, &report);
  CompareExpectations(baseline, variant, &report);
  for (const NumberOf<RunNumbers>& number : RunNumberTable()) {
    report.numbers.push_back({std::string(number.name), std::string(number.unit), baseline.numbers.*number.member,
                              variant.numbers.*number.member});
  }
  for (const auto& [name, pair] : SideBySide(baseline.zones, variant.zones)) {
    for (const NumberOf<ZoneNumbers>& number : ZoneNumberTable()) {
      report.zones.push_back(DifferenceOf("zones.", name, pair, number));
    }
  }
  CompareServices(baseline, variant, &report);
  return report;
}

std::string ToJson(const CompareReport& report) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("kind", CompareReport::kKind);
  json.Field("apiVersion", CompareReport::kApiVersion);
  AppendRun("baseline", report.baseline, &json);
  AppendRun("variant", report.variant, &json);
  json.BoolField("same", report.same());
  json.Key("settings");
  json.BeginArray();
  for (const CompareReport::Setting& setting : report.settings) {
    json.BeginObject();
    json.Field("key", setting.key);
    json.Field("baseline", setting.baseline);
    json.Field("variant", setting.variant);
    json.EndObject();
  }
  json.EndArray();
  json.Key("expectations");
  json.BeginArray();
  for (const CompareReport::Expected& expected : report.expectations) {
    json.BeginObject();
    json.Field("expected", expected.text);
    AppendKept("baseline", expected.baseline, &json);
    AppendKept("variant", expected.variant, &json);
    json.EndObject();
  }
  json.EndArray();
  AppendDifferences("numbers", report.numbers, &json);
  AppendDifferences("zones", report.zones, &json);
  AppendDifferences("services", report.services, &json);
  json.EndObject();
  return out;
}

void PrintComparison(const CompareReport& report, std::ostream& out) {
  const auto about = [&](std::string_view role, const CompareReport::Run& run) {
    out << role << ": " << (run.name.empty() ? "(no name)" : Printable(run.name)) << ", seed " << run.seed
        << ", digest " << Printable(run.digest) << '\n';
  };
  about("Baseline", report.baseline);
  about("Variant", report.variant);
  if (!report.settings.empty()) {
    Table settings({"SETTING", "BASELINE", "VARIANT"});
    for (const CompareReport::Setting& s : report.settings) settings.Add({s.key, s.baseline, s.variant});
    out << '\n';
    settings.Print(out);
  }
  Table table({"NUMBER", "BASELINE", "VARIANT", "DIFFERENCE", "RATIO"});
  AddRows(report.numbers, &table);
  AddRows(report.zones, &table);
  AddRows(report.services, &table);
  out << '\n';
  if (table.empty()) {
    out << "No number differs.\n";
  } else {
    table.Print(out);
  }
  if (report.expectations.empty()) return;
  Table expected({"EXPECTED", "BASELINE", "VARIANT"});
  for (const CompareReport::Expected& e : report.expectations) {
    expected.Add({e.text, KeptText(e.baseline), KeptText(e.variant)});
  }
  out << '\n';
  expected.Print(out);
}

}  // namespace epslice::sim
