// The HTML page: its text here, and once in a headless Chromium.
#include "sim/report/html_report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "sim/report/compare_report.h"

namespace epslice::sim {
namespace {

template <typename T>
void Fill(const std::vector<NumberOf<T>>& table, double first, T* numbers) {
  for (const NumberOf<T>& number : table) numbers->*number.member = first += 0.378;
}

// With a value of its own for each number, something for each chart, and names
// that would be HTML if anybody took them for it.
RunReport MakeReport(const std::string& name, double first) {
  RunReport report;
  report.name = name;
  report.seed = 18'446'744'073'709'551'615U;
  report.begin = "2026-01-01T00:00:00Z";
  report.digest = "0123456789abcdef0123456789abcdef";
  report.settings = {{"watch-latency", "lognormal(2ms, 20ms)"}};
  report.notes = {"<img src=http://example.com/x onerror=alert(1)>", "\xe2\x82\xac</script><!--<script>"};
  report.expectations = {{"crossZoneShare < 0.2", 0.25, false}};
  Fill(RunNumberTable(), first, &report.numbers);
  report.step_seconds = 1;
  report.series.resize(60);
  for (std::size_t i = 0; i < 60; ++i) Fill(StepNumberTable(), first + static_cast<double>(i), &report.series[i]);
  for (int i = 0; i < 30; ++i) {
    RunReport::Service& service = report.services.emplace_back();
    service.name = "shop/web-" + std::to_string(10 + i);
    Fill(ServiceNumberTable(), first + i, &service.numbers);
    service.hints = {{true, "Auto", 0, 10}, {false, "TooFewEndpoints", 10, 50}};
  }
  for (const std::string zone : {"", "a", "b"}) {
    Fill(ZoneNumberTable(), 100, &report.zones.emplace_back(RunReport::Zone{zone, {}}).numbers);
    report.flows.push_back({zone, "a", 50});
  }
  return report;
}

struct Page {
  RunReport report = MakeReport("</script><script>alert(1)</script>", 10);
  RunReport baseline = MakeReport("<b>baseline</b>", 30);
  HtmlSweep sweep{{"max-endpoints-per-slice", "<i>"},
                  {"blackHoled", "crossZoneShare", "slices", "writes"},
                  {"writes", "crossZoneShare"},
                  {{{"100", "x"}, 3, {{5, 4, 6}, {0.2, 0.1, 0.3}, {31, 30, 34}, {10, 9, 12}}},
                   {{"200", "y"}, 3, {{6, 5, 7}, {0.3, 0.3, 0.3}, {32, 31, 33}, {7, 6, 8}}}}};
  std::string html = HtmlPage({"", &report, &baseline, &sweep});
};

std::string DataIn(const std::string& html) {
  const std::string begin = "<script type=\"application/json\" id=\"data\">";
  const std::size_t from = html.find(begin) + begin.size();
  return html.substr(from, html.find("</script>", from) - from);
}

TEST(HtmlReportTest, HoldsTheReportAndNothingOfItAsHtml) {
  const Page page;
  const std::string data = DataIn(page.html);
  EXPECT_EQ(data.find('<'), std::string::npos);
  const auto json = nlohmann::json::parse(data);
  EXPECT_EQ(json["report"], nlohmann::json::parse(ToJson(page.report)));
  EXPECT_EQ(json["baseline"], nlohmann::json::parse(ToJson(page.baseline)));
  EXPECT_EQ(json["title"], page.report.name);
  EXPECT_EQ(json["sweep"]["rows"][0]["bands"][3]["high"], 12);
  EXPECT_EQ(json["comparison"], nlohmann::json::parse(ToJson(Compare(page.baseline, page.report))));
  EXPECT_NE(page.html.find("content=\"default-src 'none';"), std::string::npos);
  // No part of it is elsewhere.
  for (const std::string_view text : {" src=", "@import", "url(", " href="}) {
    EXPECT_EQ(page.html.substr(0, page.html.find("<script")).find(text), std::string::npos) << text;
  }
  EXPECT_EQ(HtmlPage({"", &page.report, &page.baseline, &page.sweep}), page.html);
}

TEST(HtmlReportTest, ManyServicesAreShortened) {
  RunReport report;
  for (std::size_t i = 0; i < kHtmlServices + 100; ++i) {
    RunReport::Service& service = report.services.emplace_back();
    service.name = "shop/web-" + std::to_string(1000 + i);
    service.numbers.requests = i == 0 ? 0 : static_cast<double>(i);
    service.numbers.black_holed = i == 0 ? 1 : 0;
  }
  const auto json = nlohmann::json::parse(DataIn(HtmlPage({"t", &report, nullptr, nullptr})));
  EXPECT_EQ(json["servicesLeftOut"], 100);
  ASSERT_EQ(json["report"]["services"].size(), kHtmlServices);
  EXPECT_EQ(json["report"]["services"][0]["name"], "shop/web-1000");  // the worst by blackHoled
  EXPECT_EQ(json["report"]["services"][1]["name"], "shop/web-1101");
}

std::string Attribute(const std::string& dom, const std::string& name) {
  const std::size_t at = dom.find(name + "=\"");
  if (at == std::string::npos) return "(none)";
  const std::size_t from = at + name.size() + 2;
  return dom.substr(from, dom.find('"', from) - from);
}

// What the page shows for a number, as exactly as it has it.
double Shown(const std::string& dom, const std::string& number) {
  const std::size_t at = dom.find("data-number=\"" + number + "\" data-value=\"");
  if (at == std::string::npos) return std::nan("");
  return std::strtod(Attribute(dom.substr(at, 200), "data-value").c_str(), nullptr);
}

// The page draws itself in a browser that reaches no network: without errors,
// with something on each chart, nothing wider than a phone, and with the
// numbers of the JSON form.
TEST(HtmlReportTest, InHeadlessChromium) {
  const std::string chromium = "/usr/bin/chromium";
  if (!std::filesystem::exists(chromium)) {
    std::cerr << "NOT TESTED: the HTML page in a browser, for want of " << chromium
              << " (apt-get install --no-install-recommends chromium)\n";
    GTEST_SKIP();
  }
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("epslice-html-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const Page page;
  std::ofstream(folder / "page.html") << page.html;
  const std::string command =
      chromium +
      " --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --virtual-time-budget=3000"
      " --host-resolver-rules='MAP * ~NOTFOUND' --window-size=400,800 --user-data-dir='" +
      (folder / "profile").string() + "' --dump-dom 'file://" + (folder / "page.html").string() + "#check' 2>/dev/null";
  std::string dom;
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  char buffer[65536];
  for (std::size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) dom.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);

  ASSERT_GT(dom.size(), 1000U);
  EXPECT_EQ(Attribute(dom, "data-errors"), "[]");
  EXPECT_EQ(Attribute(dom, "data-overflow"), "false");
  EXPECT_EQ(Attribute(dom, "data-charts"), "20");
  EXPECT_EQ(Attribute(dom, "data-drawn"), "20");
  EXPECT_NE(dom.find("&lt;img src=http://example.com/x onerror=alert(1)&gt;"), std::string::npos);
  for (const NumberOf<RunNumbers>& number : RunNumberTable()) {
    const std::string name(number.name);
    const double value = page.report.numbers.*number.member;
    EXPECT_EQ(Shown(dom, name), value) << name;
    EXPECT_EQ(Shown(dom, "variant." + name), value) << name;
    EXPECT_EQ(Shown(dom, "baseline." + name), page.baseline.numbers.*number.member) << name;
  }
  for (const RunReport::Zone& zone : page.report.zones) {
    EXPECT_EQ(Shown(dom, "zones." + zone.name + ".maxLoad"), zone.numbers.max_load);
  }
  for (const WorstServices& list : WorstOf(page.report)) {
    const std::string path = "services." + list.services.at(0)->name + "." + std::string(list.number);
    EXPECT_EQ(Shown(dom, path), Lookup(page.report, path)) << path;
  }
  EXPECT_EQ(Shown(dom, "sweep.1.crossZoneShare"), 0.3);
  // The last metric was picked: its band is on the chart, and it has a column,
  // which one that was not picked has not.
  EXPECT_EQ(Attribute(dom, "data-picked"), "[&quot;slices&quot;,[34,33],[31,32],[30,31]]");
  EXPECT_EQ(Shown(dom, "sweep.0.slices"), 31);
  EXPECT_TRUE(std::isnan(Shown(dom, "sweep.0.blackHoled")));
  const CompareReport comparison = Compare(page.baseline, page.report);
  EXPECT_EQ(comparison.services.size(), ServiceNumberTable().size() * kWorstServices);
  for (const NumberDifference& d : comparison.services) {
    EXPECT_EQ(Shown(dom, "baseline." + d.path), d.baseline) << d.path;
    EXPECT_EQ(Shown(dom, "variant." + d.path), d.variant) << d.path;
    EXPECT_EQ(Shown(dom, "difference." + d.path), d.difference()) << d.path;
  }
}

}  // namespace
}  // namespace epslice::sim
