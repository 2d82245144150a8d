#include "sim/report/html_report.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "apis/json_writer.h"
#include "sim/report/assets.h"
#include "sim/report/compare_report.h"

namespace epslice::sim {
namespace {

// In a script element nothing may look like its end, or like a comment.
std::string ForScript(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// The Services worth a page, in their order.
RunReport Shortened(const RunReport& report) {
  if (report.services.size() <= kHtmlServices) return report;
  std::set<const RunReport::Service*> kept;
  for (const WorstServices& list : WorstOf(report)) kept.insert(list.services.begin(), list.services.end());
  std::vector<const RunReport::Service*> others;
  for (const RunReport::Service& service : report.services) others.push_back(&service);
  std::stable_sort(others.begin(), others.end(),
                   [](const auto* a, const auto* b) { return a->numbers.requests > b->numbers.requests; });
  for (const RunReport::Service* service : others) {
    if (kept.size() >= kHtmlServices) break;
    kept.insert(service);
  }
  RunReport shorter = report;
  shorter.services.clear();
  for (const RunReport::Service& service : report.services) {
    if (kept.count(&service) != 0) shorter.services.push_back(service);
  }
  return shorter;
}

void AppendSweep(const HtmlSweep& sweep, JsonWriter* json) {
  const auto texts = [&](std::string_view key, const std::vector<std::string>& list) {
    json->Key(key);
    json->BeginArray();
    for (const std::string& text : list) json->String(text);
    json->EndArray();
  };
  json->BeginObject();
  texts("parameters", sweep.parameters);
  texts("metrics", sweep.metrics);
  texts("shown", sweep.shown);
  json->Key("rows");
  json->BeginArray();
  for (const HtmlSweep::Row& row : sweep.rows) {
    json->BeginObject();
    texts("values", row.values);
    json->IntField("runs", row.runs);
    json->Key("bands");
    json->BeginArray();
    for (const HtmlSweep::Band& band : row.bands) {
      json->BeginObject();
      json->Key("mean"), json->Double(band.mean);
      json->Key("low"), json->Double(band.low);
      json->Key("high"), json->Double(band.high);
      json->EndObject();
    }
    json->EndArray();
    json->EndObject();
  }
  json->EndArray();
  json->EndObject();
}

template <typename T>
void AppendUnits(std::string_view key, const std::vector<NumberOf<T>>& table, JsonWriter* json) {
  json->Key(key);
  json->BeginObject();
  for (const NumberOf<T>& number : table) json->Field(number.name, number.unit);
  json->EndObject();
}

std::string DataOf(const HtmlParts& parts) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  std::string title = parts.title;
  if (title.empty() && parts.report != nullptr) title = parts.report->name;
  json.Field("title", title.empty() ? "Simulated run" : title);
  json.Key("units");
  json.BeginObject();
  AppendUnits("run", RunNumberTable(), &json);
  AppendUnits("service", ServiceNumberTable(), &json);
  json.EndObject();
  if (parts.report != nullptr) {
    const RunReport shown = Shortened(*parts.report);
    // Scripts know no integers of 64 bits.
    json.Field("seed", std::to_string(shown.seed));
    json.IntField("servicesLeftOut", static_cast<std::int64_t>(parts.report->services.size() - shown.services.size()));
    json.Key("report");
    json.Raw(ToJson(shown));
  }
  if (parts.report != nullptr && parts.baseline != nullptr) {
    json.Key("baseline");
    json.Raw(ToJson(Shortened(*parts.baseline)));
    json.Key("comparison");  // of all Services, those left out too
    json.Raw(ToJson(Compare(*parts.baseline, *parts.report)));
  }
  if (parts.sweep != nullptr) {
    json.Key("sweep");
    AppendSweep(*parts.sweep, &json);
  }
  json.EndObject();
  return ForScript(out);
}

}  // namespace

std::string HtmlPage(const HtmlParts& parts) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; "
      "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Simulated "
      "run</title>\n<style>\n";
  out += assets::Style();
  out += "</style>\n</head>\n<body>\n<main></main>\n<script type=\"application/json\" id=\"data\">";
  out += DataOf(parts);
  out += "</script>\n<script>";
  out += assets::ChartJs();
  out += "</script>\n<script>\n";
  out += assets::Script();
  out += "</script>\n</body>\n</html>\n";
  return out;
}

}  // namespace epslice::sim
