#include "sim/report/compare_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace epslice::sim {
namespace {

RunReport Baseline() {
  RunReport report;
  report.name = "base";
  report.seed = 1;
  report.digest = "aa";
  report.settings = {{"kube-api-qps", "20"}, {"workers", "5"}};
  report.numbers.writes = 200;
  report.numbers.cross_zone_share = 0.5;
  for (int i = 0; i < 12; ++i) {
    RunReport::Service service;
    service.name = "shop/s" + std::to_string(10 + i);
    service.numbers.black_holed = i;
    report.services.push_back(std::move(service));
  }
  report.zones = {{"a", {10, 20, 5, 1.25}}};
  return report;
}

RunReport Variant() {
  RunReport report = Baseline();
  report.name = "variant";
  report.digest = "bb";
  report.settings = {{"kube-api-qps", "50"}, {"workers", "5"}, {"z", "1"}};
  report.numbers.writes = 50;
  report.numbers.black_holed = 3;
  for (RunReport::Service& service : report.services) service.numbers.black_holed *= 2;
  report.services.erase(report.services.begin());  // shop/s10, which had none
  report.services[0].numbers.rejected = 7;         // shop/s11
  report.zones.push_back({"b", {1, 2, 3, 4}});
  return report;
}

TEST(CompareReportTest, SaysWhatDiffers) {
  const CompareReport report = Compare(Baseline(), Variant());
  EXPECT_FALSE(report.same());
  ASSERT_EQ(report.settings.size(), 2U);
  EXPECT_EQ(report.settings[0].key + report.settings[0].baseline + report.settings[0].variant, "kube-api-qps2050");
  EXPECT_EQ(report.settings[1].key + report.settings[1].baseline + report.settings[1].variant, "z1");
  ASSERT_EQ(report.numbers.size(), RunNumberTable().size());
  for (const NumberDifference& d : report.numbers) {
    if (d.path == "writes") {
      EXPECT_EQ(d.difference(), -150);
      EXPECT_EQ(d.ratio(), 0.25);
    } else if (d.path == "blackHoled") {
      EXPECT_EQ(d.difference(), 3);
      EXPECT_EQ(d.ratio(), std::nullopt);  // of 0
    } else {
      EXPECT_EQ(d.difference(), 0) << d.path;
    }
  }
  ASSERT_EQ(report.zones.size(), 2 * ZoneNumberTable().size());
  EXPECT_EQ(report.zones[4].path, "zones.b.sent");
  EXPECT_EQ(report.zones[4].baseline, std::nullopt);
  EXPECT_EQ(report.zones[4].variant, 1);
  // The ten that differ most of the eleven that do, then the one rejection.
  ASSERT_EQ(report.services.size(), 11U);
  EXPECT_EQ(report.services[0].path, "services.shop/s21.blackHoled");
  EXPECT_EQ(report.services[0].difference(), 11);
  EXPECT_EQ(report.services[9].path, "services.shop/s12.blackHoled");
  EXPECT_EQ(report.services[10].path, "services.shop/s11.rejected");
}

TEST(CompareReportTest, WhatTheScenarioExpects) {
  RunReport baseline = Baseline(), variant = Variant();
  EXPECT_TRUE(Compare(baseline, variant).as_expected());
  baseline.expectations = {{"writes < 300", 200, true}, {"blackHoled < 1", 0, true}};
  variant.expectations = {{"writes < 300", 50, true}, {"blackHoled < 1", 3, false}};
  const CompareReport report = Compare(baseline, variant);
  EXPECT_FALSE(report.as_expected());
  // What the baseline does is no matter.
  EXPECT_TRUE(Compare(variant, baseline).as_expected());
  std::ostringstream text;
  PrintComparison(report, text);
  EXPECT_NE(text.str().find("blackHoled < 1   pass (0)     FAIL (3)"), std::string::npos) << text.str();
  const auto json = nlohmann::json::parse(ToJson(report));
  EXPECT_EQ(json["expectations"][1]["variant"]["pass"], false);
  EXPECT_EQ(json["expectations"][1]["baseline"]["value"], 0);
}

// Sums of the same in another order.
TEST(CompareReportTest, RoundingIsNoDifference) {
  RunReport baseline = Baseline();
  baseline.services[1].numbers.requests = 0.1 + 0.2;
  baseline.numbers.requests = 0.1 + 0.2;
  RunReport variant = baseline;
  variant.services[1].numbers.requests = 0.3;
  variant.numbers.requests = 0.3;
  const CompareReport report = Compare(baseline, variant);
  EXPECT_TRUE(report.services.empty());
  std::ostringstream out;
  PrintComparison(report, out);
  EXPECT_NE(out.str().find("No number differs."), std::string::npos) << out.str();
  variant.services[1].numbers.requests = 0.3001;
  EXPECT_EQ(Compare(baseline, variant).services.size(), 1U);
}

TEST(CompareReportTest, Forms) {
  const CompareReport report = Compare(Baseline(), Variant());
  const auto json = nlohmann::json::parse(ToJson(report));
  EXPECT_EQ(json["kind"], "CompareReport");
  EXPECT_EQ(json["variant"]["digest"], "bb");
  EXPECT_EQ(json["numbers"][1]["number"], "writes");
  EXPECT_EQ(json["numbers"][1]["ratio"], 0.25);
  EXPECT_TRUE(json["zones"][4]["baseline"].is_null());
  std::ostringstream out;
  PrintComparison(report, out);
  for (const std::string_view part : {"kube-api-qps", "writes", "-150", "0.25x", "services.shop/s11.rejected", "+7"}) {
    EXPECT_NE(out.str().find(part), std::string::npos) << part << '\n' << out.str();
  }
  EXPECT_EQ(out.str().find("\nupdates "), std::string::npos);
  std::ostringstream same;
  PrintComparison(Compare(Baseline(), Baseline()), same);
  EXPECT_NE(same.str().find("No number differs."), std::string::npos);
}

}  // namespace
}  // namespace epslice::sim
