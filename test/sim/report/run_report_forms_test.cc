// The forms of a report: JSON and back, CSV, table.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apis/protobuf.h"
#include "sim/report/histogram.h"
#include "sim/report/number_text.h"
#include "sim/report/run_report.h"
#include "sim/report/slice_churn.h"
#include "sim/report/step_series.h"
#include "sim/report/structured.h"

namespace epslice::sim {
namespace {

template <typename T>
void FillAll(const std::vector<NumberOf<T>>& table, double first, T* numbers) {
  for (const NumberOf<T>& number : table) numbers->*number.member = first += 0.375;
}

// Every field has a value of its own.
RunReport FullReport() {
  RunReport report;
  report.name = "what \"if\" </script>\n\xe2\x82\xac";
  report.seed = 18'446'744'073'709'551'615U;
  report.begin = "2026-01-01T00:00:00Z";
  report.digest = "0123456789abcdef0123456789abcdef";
  report.settings = {{"kube-api-qps", "20"}, {"watch-latency", "lognormal(2ms, 20ms)"}};
  report.made_up = {"zones, evenly"};
  report.notes = {"=1+1"};
  report.skipped = {{"unknown kind \"Foo\"", 3}};
  report.expectations = {{"crossZoneShare < 0.2", 0.25, false}};
  FillAll(RunNumberTable(), 1, &report.numbers);
  report.step_seconds = 0.2;
  report.series.resize(3);
  for (StepNumbers& step : report.series) FillAll(StepNumberTable(), 1e-9, &step);
  report.timeline = {{10, "zoneOutage a"}};
  report.services.resize(2);
  report.services[0].name = "shop/api";
  report.services[1].name = "shop/web";
  FillAll(ServiceNumberTable(), 7, &report.services[1].numbers);
  report.services[1].hints = {{true, "Auto", 0.5, 3}, {false, "TooFewEndpoints", 3.5, 1}};
  report.services[1].busiest = {{"shop/web", "10.0.0.1", "a", 250.5, 1.25}};
  report.overloaded = {{"shop/web", "10.0.0.1", "a", 250.5, 1.25}, {"shop/api", "fd00::1", "", 3, 1.5}};
  report.zones.resize(1);
  report.zones[0].name = "a";
  FillAll(ZoneNumberTable(), 70, &report.zones[0].numbers);
  report.flows = {{"a", "b", 12.5}};
  return report;
}

TEST(RunReportFormsTest, JsonReadsBackEqual) {
  const std::string json = ToJson(FullReport());
  const absl::StatusOr<RunReport> read = RunReportFromJson(IndentJson(json));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(ToJson(*read), json);
  const auto parsed = nlohmann::json::parse(json);
  EXPECT_EQ(parsed["numbers"]["crossZoneShare"], FullReport().numbers.cross_zone_share);
  EXPECT_EQ(parsed["worst"]["blackHoled"], nlohmann::json::array({"shop/web"}));
  RunReport bare;
  bare.expectations = {{"zones.x.sent > 1", std::nan(""), false}};
  const absl::StatusOr<RunReport> empty = RunReportFromJson(ToJson(bare));
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_TRUE(std::isnan(empty->expectations[0].value));
}

TEST(RunReportFormsTest, JsonThatIsNoReport) {
  using Json = nlohmann::json;
  struct {
    std::function<void(Json*)> change;
    std::string error;
  } const cases[] = {
      {[](Json* j) { *j = Json::array(); }, "the report is no object"},
      {[](Json* j) { (*j)["kind"] = "Pod"; }, "the report is no RunReport of epslice.dev/v1"},
      {[](Json* j) { (*j)["apiVersion"] = "epslice.dev/v2"; }, "the report is no RunReport of epslice.dev/v1"},
      {[](Json* j) { j->erase("digest"); }, "the report has no \"digest\""},
      {[](Json* j) { (*j)["more"] = 1; }, "the report has fields that are not known"},
      {[](Json* j) { (*j)["seed"] = 1.5; }, "seed is no whole number from 0 on"},
      {[](Json* j) { (*j)["seed"] = -1; }, "seed is no whole number from 0 on"},
      {[](Json* j) { (*j)["settings"]["a"] = 1; }, "settings.a is no text"},
      {[](Json* j) { (*j)["notes"] = {1}; }, "notes[0] is no text"},
      {[](Json* j) { (*j)["numbers"]["writes"] = "1"; }, "numbers.writes is no number"},
      {[](Json* j) { (*j)["numbers"].erase("writes"); }, "numbers has no \"writes\""},
      {[](Json* j) { (*j)["services"][1]["numbers"]["new"] = 1; }, "services[1].numbers has fields that are not known"},
      {[](Json* j) { (*j)["services"][1]["hints"][0]["on"] = 1; }, "services[1].hints[0].on is no boolean"},
      {[](Json* j) { (*j)["series"]["updates"].push_back(1); }, "series.updates is longer or shorter than the others"},
      {[](Json* j) { (*j)["series"]["updates"][1] = nullptr; }, "series.updates holds what is no number"},
      {[](Json* j) { (*j)["flows"][0] = 1; }, "flows[0] is no object"},
  };
  for (const auto& c : cases) {
    Json json = Json::parse(ToJson(FullReport()));
    c.change(&json);
    EXPECT_EQ(RunReportFromJson(json.dump()).status().message(), c.error);
  }
  EXPECT_EQ(RunReportFromJson("{\"kind\":").status().message(), "the report is no JSON");
  EXPECT_EQ(RunReportFromJson(std::string(200'000, '[')).status().message(), "the report is no JSON");
}

TEST(RunReportFormsTest, CsvHasEachNumberOnce) {
  std::ostringstream out;
  PrintCsv(FullReport(), out);
  const std::string csv = out.str();
  EXPECT_EQ(csv.substr(0, csv.find('\n')), "section,name,time,metric,value");
  EXPECT_NE(csv.find("\nseries,,0.2,creates,"), std::string::npos);
  EXPECT_NE(csv.find("\nservice,shop/web,,creates,7.375\n"), std::string::npos);
  EXPECT_NE(csv.find("\nflow,a->b,,requests,12.5\n"), std::string::npos);
  EXPECT_NE(csv.find("\nbusiest,shop/web 10.0.0.1,,load,1.25\n"), std::string::npos);
  EXPECT_NE(csv.find("\noverloaded,shop/api fd00::1,,requests,3\n"), std::string::npos);
  const std::size_t lines = RunNumberTable().size() + 3 * StepNumberTable().size() + 2 * ServiceNumberTable().size() +
                            ZoneNumberTable().size() + 1 + 3 * 2;
  EXPECT_EQ(static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')), 1 + lines);
}

TEST(RunReportFormsTest, TableIsForPeople) {
  std::ostringstream out;
  PrintReport(FullReport(), out);
  const std::string text = out.str();
  for (const std::string_view part :
       {"seed 18446744073709551615", "pod to all proxies", "cross zone", "WORST BY blackHoled", "shop/web",
        "MOST ABOVE AN EVEN SPREAD", "1.25x", "Made up: zones, evenly", "Skipped: 3 x unknown kind",
        "crossZoneShare < 0.2", "FAIL", "</script>?"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << '\n' << text;
  }
}

TEST(RunReportFormsTest, NumbersForPeople) {
  struct {
    double value;
    std::string_view unit, text;
  } const cases[] = {
      {0, "", "0"},
      {1234567, "", "1,234,567"},
      {12.345, "", "12.35"},
      {-1234, "", "-1,234"},
      {0.1234, "share", "12.34 %"},
      {999, "bytes", "999 B"},
      {1234567, "bytes", "1.235 MB"},
      {0.0123, "seconds", "12.3 ms"},
      {90, "seconds", "90 s"},
      {1234.5, "dollars", "$1,234"},
      {0.5, "requests", "0.5"},
      {1e300 * 1e300, "", "-"},
  };
  for (const auto& c : cases) EXPECT_EQ(NumberText(c.value, c.unit), c.text);
}

TEST(LogHistogramTest, QuantilesAreWithinOnePercent) {
  LogHistogram histogram;
  EXPECT_EQ(histogram.Percentile(50), Duration(0));
  for (std::int64_t i = 1; i <= 10'000; ++i) histogram.Add(Duration(i * i));
  for (const int p : {1, 10, 50, 90, 99, 100}) {
    const double exact = 10'000.0 * p * p * 10'000.0 / 100 / 100;
    EXPECT_NEAR(static_cast<double>(histogram.Percentile(p).count()), exact, exact / 100) << p;
  }
  EXPECT_EQ(histogram.max(), Duration(100'000'000));
  LogHistogram extreme;
  extreme.Add(Duration::max());
  extreme.Add(Duration(-5));
  EXPECT_EQ(extreme.Percentile(50), Duration(0));
  EXPECT_NEAR(static_cast<double>(extreme.Percentile(100).count()), 9.22e18, 9.3e16);
}

TEST(StepSeriesTest, WidensAndKeepsSums) {
  internal::StepSeries series(10);
  double expected = 0;
  for (int i = 0; i < 1000; ++i) {
    series.At(Instant(std::chrono::milliseconds(70 * i))).creates += i;
    series.At(Instant(std::chrono::milliseconds(70 * i))).slices = i;
    expected += i;
  }
  EXPECT_EQ(series.width(), std::chrono::seconds(10));
  ASSERT_EQ(series.steps().size(), 7U);
  double sum = 0;
  for (const StepNumbers& step : series.steps()) sum += step.creates;
  EXPECT_EQ(sum, expected);
  EXPECT_EQ(series.steps()[0].slices, 142);  // at 9.94 s
  EXPECT_EQ(series.steps()[6].slices, 999);
  double parts = 0;
  series.Spread(std::chrono::seconds(15), std::chrono::seconds(38), [&](StepNumbers&, Duration part) {
    parts = parts * 100 + static_cast<double>(part / std::chrono::seconds(1));
  });
  EXPECT_EQ(parts, 51008);  // 5, 10, 8
}

TEST(SliceChurnTest, WhatCameWentAndChanged) {
  const auto slice = [](const std::vector<std::string>& addresses, const std::string& zone) {
    EndpointSlice s;
    for (const std::string& address : addresses) {
      Endpoint e;
      e.addresses = {Text(address)};
      if (address == "b") e.zone = Text(zone);
      s.endpoints.push_back(std::move(e));
    }
    return s;
  };
  struct {
    std::vector<std::string> before, after;
    std::string zone;
    std::size_t added, removed, changed;
  } const cases[] = {
      {{}, {"a", "b"}, "", 2, 0, 0},
      {{"a", "b"}, {}, "", 0, 2, 0},
      {{"a", "b", "c"}, {"a", "b", "c"}, "x", 0, 0, 1},
      {{"a", "b", "c"}, {"b", "c", "d"}, "x", 1, 1, 1},
      {{"a", "b", "c"}, {"c", "b", "a"}, "", 0, 0, 0},
      {{"a", "b", "c"}, {"c", "b", "e"}, "x", 1, 1, 1},
  };
  for (const auto& c : cases) {
    const EndpointSlice before = slice(c.before, "");
    const EndpointSlice after = slice(c.after, c.zone);
    const internal::SliceChurn churn = internal::ChurnOf(&before, &after);
    EXPECT_EQ(churn.added.size(), c.added);
    EXPECT_EQ(churn.removed.size(), c.removed);
    EXPECT_EQ(churn.changed.size(), c.changed);
  }
}

TEST(SliceChurnTest, FrameIsAsLongAsItIsOnTheWire) {
  for (const std::size_t endpoints : {0U, 1U, 5U, 300U}) {
    EndpointSlice slice;
    slice.metadata.name = Text("web-1");
    for (std::size_t i = 0; i < endpoints; ++i) {
      Endpoint e;
      e.addresses = {Text("10.0.0.1")};
      slice.endpoints.push_back(std::move(e));
    }
    for (const WatchEventType type : {WatchEventType::kAdded, WatchEventType::kModified}) {
      WatchEvent event;
      event.type = type;
      event.object = AnyObject::Of(slice);
      std::string framed;
      AppendWatchFrame(EncodeWatchEventProtobuf(Kind::kEndpointSlice, event), &framed);
      EXPECT_EQ(internal::WatchFrameBytes(WatchEventTypeName(type).size(), EncodeProtobuf(slice).size()),
                static_cast<std::int64_t>(framed.size()));
    }
  }
}

}  // namespace
}  // namespace epslice::sim
