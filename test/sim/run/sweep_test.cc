#include "sim/run/sweep.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <vector>

namespace epslice::sim {
namespace {

SweepSpec TwoAxes() {
  SweepSpec spec;
  spec.axes = {{"max", {"50", "100"}}, {"batch", {"0s", "1s", "2s"}}};
  spec.first_seed = 7;
  spec.seeds = 2;
  spec.inputs = {"scenario zone-outage"};
  return spec;
}

SweepRow RowOf(std::int64_t job, double writes) { return {job, "d" + std::to_string(job), {{"writes", writes}}}; }

TEST(SweepTest, AxisIsParsed) {
  struct Case {
    std::string text;
    std::vector<std::string> values;
    std::string error;
  };
  const std::vector<Case> cases = {
      {"k=1", {"1"}, ""},
      {"k=1,2", {"1", "2"}, ""},
      {"k=2ms,uniform(1ms,9ms)", {"2ms", "uniform(1ms,9ms)"}, ""},
      {"k", {}, "is no axis"},
      {"=1", {}, "is no axis"},
      {"k=", {}, "an empty value"},
      {"k=1,,2", {}, "an empty value"},
      {"k=1,1", {}, "is there twice"},
      {"k=uniform(1ms,9ms", {}, "not closed"},
  };
  for (const Case& c : cases) {
    const absl::StatusOr<GridAxis> axis = ParseGridAxis(c.text);
    if (c.error.empty()) {
      ASSERT_TRUE(axis.ok()) << c.text << ": " << axis.status();
      EXPECT_EQ(axis->key, "k");
      EXPECT_EQ(axis->values, c.values) << c.text;
    } else {
      ASSERT_FALSE(axis.ok()) << c.text;
      EXPECT_NE(std::string(axis.status().message()).find(c.error), std::string::npos) << axis.status();
    }
  }
}

TEST(SweepTest, JobsGoThroughTheGridSeedsInnermost) {
  const SweepSpec spec = TwoAxes();
  ASSERT_TRUE(spec.Check().ok());
  ASSERT_EQ(spec.jobs(), 12);
  std::set<std::string> seen;
  for (std::int64_t i = 0; i < spec.jobs(); ++i) {
    const SweepJob job = JobAt(spec, i);
    EXPECT_EQ(job.index, i);
    seen.insert(job.settings[0].second + " " + job.settings[1].second + " " + std::to_string(job.seed));
  }
  EXPECT_EQ(seen.size(), 12U) << "each combination once";
  EXPECT_EQ(JobAt(spec, 1).seed, 8);
  EXPECT_EQ(JobAt(spec, 2).settings[1].second, "1s");
  EXPECT_EQ(JobAt(spec, 6).settings[0].second, "100");
}

TEST(SweepTest, SpecIsChecked) {
  SweepSpec twice = TwoAxes();
  twice.axes[1].key = "max";
  EXPECT_FALSE(twice.Check().ok());
  SweepSpec none = TwoAxes();
  none.seeds = 0;
  EXPECT_FALSE(none.Check().ok());
  SweepSpec many = TwoAxes();
  many.seeds = 500'000;
  EXPECT_FALSE(many.Check().ok());
}

TEST(SweepTest, ShardIsParsed) {
  ASSERT_TRUE(ParseShard("2/3").ok());
  EXPECT_EQ(ParseShard("2/3")->i, 2);
  EXPECT_EQ(ParseShard("2/3")->n, 3);
  for (const char* bad : {"", "3", "3/3", "-1/3", "0/0", "1/x", "0/100001", "1/2/3"}) {
    EXPECT_FALSE(ParseShard(bad).ok()) << bad;
  }
}

TEST(SweepTest, StateIsReadBack) {
  const SweepSpec spec = TwoAxes();
  const std::string text = HeaderLine(spec) + RowLine(RowOf(3, 17.25)) + RowLine(RowOf(0, 1e-7)) + "{\"job\":4,\"dig";
  SweepSpec read;
  bool have = false;
  SweepRows rows;
  std::size_t complete = 0;
  ASSERT_TRUE(ReadState("s", text, &read, &have, &rows, &complete).ok());
  EXPECT_EQ(read, spec);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[3], RowOf(3, 17.25));
  EXPECT_EQ(rows[0], RowOf(0, 1e-7));
  EXPECT_EQ(text.substr(complete), "{\"job\":4,\"dig");

  // The same rows again are the same; other ones are not.
  ASSERT_TRUE(ReadState("t", HeaderLine(spec) + RowLine(RowOf(3, 17.25)), &read, &have, &rows).ok());
  EXPECT_EQ(rows.size(), 2U);
  const absl::Status other = ReadState("u", HeaderLine(spec) + RowLine(RowOf(3, 18)), &read, &have, &rows);
  EXPECT_EQ(other.message(), "u: line 2: job 3 measured something else elsewhere");
}

TEST(SweepTest, BadStateIsRefused) {
  const std::string header = HeaderLine(TwoAxes());
  SweepSpec another = TwoAxes();
  another.inputs.emplace_back("more");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"junk\n", "line 1: no header"},
      {"[]\n", "line 1: no header"},
      {header + "[1]\n", "line 2: no row"},
      {header + "{\"job\":12,\"digest\":\"\",\"metrics\":{}}\n", "line 2: a job that"},
      {header + "{\"job\":1,\"digest\":\"\",\"metrics\":{\"a\":\"b\"}}\n", "line 2: no row"},
      {header + std::string(100'000, '[') + "\n", "line 2: no row"},
      {HeaderLine(another), "line 1: another sweep"},
  };
  for (const auto& [text, error] : cases) {
    SweepSpec spec = TwoAxes();
    bool have = true;
    SweepRows rows;
    const absl::Status status = ReadState("s", text, &spec, &have, &rows);
    EXPECT_NE(std::string(status.message()).find(error), std::string::npos) << status << " for " << text.substr(0, 99);
  }
}

// Values 1, 2, 3, 4: mean 2.5, standard deviation sqrt(5/3), of the mean
// sqrt(5/12) = 0.6455; t for 3 degrees of freedom 3.182: +- 2.0540.
TEST(SweepTest, BandIsTheConfidenceIntervalOfTheMean) {
  SweepSpec spec;
  spec.axes = {{"k", {"a", "b"}}};
  spec.seeds = 4;
  SweepRows rows;
  for (int i = 0; i < 4; ++i) rows[i] = RowOf(i, i + 1);
  rows[5] = RowOf(5, 9);
  const SweepTable table = Tabulate(spec, rows);
  ASSERT_EQ(table.points.size(), 2U);
  const Band& band = table.points[0].metrics.at("writes");
  EXPECT_EQ(band.n, 4);
  EXPECT_DOUBLE_EQ(band.mean, 2.5);
  EXPECT_NEAR(band.high - band.mean, 2.0540, 1e-4);
  EXPECT_NEAR(band.mean - band.low, 2.0540, 1e-4);
  const Band& single = table.points[1].metrics.at("writes");
  EXPECT_EQ(single.n, 1);
  EXPECT_EQ(single.low, 9);
  EXPECT_EQ(single.high, 9);
  EXPECT_EQ(table.missing, 3);
  EXPECT_EQ(SweepCsv(table).substr(0, 48), "k,metric,n,mean,low,high\na,writes,4,2.5,0.446027");
  EXPECT_NE(SweepJson(table).find(R"("settings":{"k":"b"},"metrics":{"writes":{"n":1,"mean":9,"low":9,"high":9}})"),
            std::string::npos)
      << SweepJson(table);
}

TEST(SweepTest, ThreadsDoEachJobOnce) {
  const SweepSpec spec = TwoAxes();
  std::vector<SweepJob> jobs;
  for (std::int64_t i = 0; i < spec.jobs(); ++i) jobs.push_back(JobAt(spec, i));
  std::atomic<int> runs{0};
  std::multiset<std::int64_t> done;
  const absl::Status status = RunJobs(
      jobs, 4,
      [&runs](const SweepJob& job) -> absl::StatusOr<SweepRow> {
        ++runs;
        return RowOf(job.index, 1);
      },
      [&done](const SweepRow& row) {
        done.insert(row.job);
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(runs, 12);
  EXPECT_EQ(done.size(), 12U);
  EXPECT_EQ(std::set<std::int64_t>(done.begin(), done.end()).size(), 12U);
}

TEST(SweepTest, FirstErrorEndsIt) {
  std::vector<SweepJob> jobs(1000);
  std::atomic<int> runs{0};
  const absl::Status status = RunJobs(
      jobs, 2,
      [&runs](const SweepJob&) -> absl::StatusOr<SweepRow> {
        ++runs;
        return absl::InvalidArgumentError("no");
      },
      [](const SweepRow&) { return absl::OkStatus(); });
  EXPECT_EQ(status.message(), "no");
  EXPECT_LE(runs, 2);
}

TEST(SweepTest, WhatTheScenarioExpectsIsANumber) {
  RunReport report;
  EXPECT_EQ(MetricsOf(report).count(kMetricKept), 0U);
  report.expectations = {{"writes < 3", 1, true}, {"slices < 3", 5, false}};
  EXPECT_EQ(MetricsOf(report).at(kMetricKept), 0.5);
}

}  // namespace
}  // namespace epslice::sim
