// Every number of a report, worked out by hand.
//
// Nodes na (2 CPU, zone a), nb and nc (1 CPU each, zones b and c). Service web,
// 90 requests/s, pods p1 p2 in a, p3 p4 in b, p5 p6 in c, one slice, no hints.
// Service api, 1 request/s, has no slice. All lags are constant: 0.1 s to the
// proxies, a sync each second at most, 0.2 s long.
//
//   10 s  zone c loses its power: node nc is down
//   11 s  p5, p6 are not ready any more, for the API server
//   12 s  the slice is written: they are not ready, and the others are hinted
//         for their own zone (the sync was due at 11, began at 11.9, the write
//         was sent at 11.95 and answered at 12.05)
//   12.3  the proxies of a and b have it
//   15 s  p3 is not ready any more
//   17 s  the slice is written again (due 15, begun 16.9, sent 16.95, answered
//         17.05), and hints are off, if not in the slice
//   17.3  the proxies have it
//   20 s  end
//
// In zone c nobody sends from 10 s on, and 90/s come from a and b by CPU.
//   [0, 10)     a 45/s, b 22.5/s, c 22.5/s, each evenly to six endpoints:
//               30/s stay in their zone, 60/s do not
//   [10, 12.3)  a 60/s, b 30/s to six endpoints, two of them dead: 30/s are
//               black-holed, 20 (a) + 10 (b) = 30/s stay, 20 + 10 = 30/s do not;
//               an endpoint gets 15/s, an even spread over the four is 22.5/s
//   [12.3, 15)  all stays: a's endpoints get 30/s each: 30/22.5 = 4/3 of an even
//               spread, b's 15/s
//   [15, 17.3)  three are ready, an even spread is 30/s; p3 still gets 15/s,
//               which are misrouted
//   [17.3, 20)  a's and p4 get 30/s each
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "apis/protobuf.h"
#include "sim/report/recorder.h"
#include "sim/report/run_report.h"
#include "test/sim/dataplane/hand_made.h"

namespace epslice::sim {
namespace {

using testkit::AtSeconds;
using testkit::ConstantLags;
using testkit::HandMade;
using testkit::MakeNode;
using testkit::MakePod;
using testkit::MakeService;
using testkit::MakeSlice;

struct Story {
  Story() : cluster(Options()), recorder(RecorderSettings(), &cluster.plane) { cluster.observers.push_back(&recorder); }
  static DataPlaneOptions Options() {
    DataPlaneOptions options = ConstantLags();
    options.rps["shop/api"] = 1;
    return options;
  }
  static RecorderOptions RecorderSettings() {
    RecorderOptions options;
    options.wall_start = Timestamp::FromSeconds(1'767'225'600);
    return options;
  }

  void Write(const EndpointSlice& slice, double now, HintState::Kind hints, std::string_view reason, double due) {
    cluster.Tell(slice, WatchEventType::kModified, /*by_controller=*/true);
    sizes.push_back(EncodeProtobuf(slice).size());
    WatchEvent event;
    event.type = WatchEventType::kModified;
    event.object = AnyObject::Of(slice);
    frames += 4 + EncodeWatchEventProtobuf(Kind::kEndpointSlice, event).size();
    cluster.RunTo(now + 0.05);
    ControllerWrite write;
    write.service = {Text("shop"), Text("web")};
    write.verb = Verb::kUpdate;
    write.planned = AtSeconds(now - 0.1);
    write.sent = AtSeconds(now - 0.05);
    write.committed = AtSeconds(now);
    write.answered = AtSeconds(now + 0.05);
    write.slice = std::make_shared<const EndpointSlice>(slice);
    recorder.OnWrite(write);
    Job job;
    job.service = write.service;
    job.input.service = std::make_shared<const Service>(MakeService());
    Plan plan;
    plan.metrics.hints = {hints, reason};
    recorder.OnSync(job, plan, Outcome(), SyncResult::kSuccess, AtSeconds(due), AtSeconds(now - 0.1),
                    AtSeconds(now + 0.05));
  }

  RunReport Tell() {
    cluster.Load(MakeNode("na", "a", 2000));
    cluster.Load(MakeNode("nb", "b", 1000));
    cluster.Load(MakeNode("nc", "c", 1000));
    cluster.Load(MakeService());
    cluster.Load(MakeService("api"));
    for (int i = 1; i <= 6; ++i) cluster.Load(MakePod(i, i <= 2 ? "na" : i <= 4 ? "nb" : "nc"));
    cluster.Load(MakeSlice(
        "web-1", {{1, "na", "a"}, {2, "na", "a"}, {3, "nb", "b"}, {4, "nb", "b"}, {5, "nc", "c"}, {6, "nc", "c"}}));
    cluster.RunTo(10);
    recorder.OnNote(AtSeconds(10), "zoneOutage c");
    cluster.Up("nc", false);
    cluster.RunTo(11);
    cluster.Tell(MakePod(5, "nc", false));
    cluster.Tell(MakePod(6, "nc", false));
    recorder.OnQueue(AtSeconds(11), 1, 0, 0);
    cluster.RunTo(11.9);
    recorder.OnQueue(AtSeconds(11.9), 0, 0, 1);
    cluster.RunTo(12);
    Write(MakeSlice("web-1", {{1, "na", "a", "a"},
                              {2, "na", "a", "a"},
                              {3, "nb", "b", "b"},
                              {4, "nb", "b", "b"},
                              {5, "nc", "c", "", "", false, false},
                              {6, "nc", "c", "", "", false, false}}),
          12, HintState::Kind::kEnabled, "Auto", 11);
    cluster.RunTo(15);
    cluster.Tell(MakePod(3, "nb", false));
    recorder.OnQueue(AtSeconds(15), 1, 0, 0);
    cluster.RunTo(16.9);
    recorder.OnQueue(AtSeconds(16.9), 0, 0, 1);
    cluster.RunTo(17);
    Write(MakeSlice("web-1", {{1, "na", "a", "a"},
                              {2, "na", "a", "a"},
                              {3, "nb", "b", "", "", false, false},
                              {4, "nb", "b", "b"},
                              {5, "nc", "c", "", "", false, false},
                              {6, "nc", "c", "", "", false, false}}),
          17, HintState::Kind::kDisabled, "TooFewEndpoints", 15);
    cluster.End(20);
    return recorder.MakeReport();
  }

  HandMade cluster;
  Recorder recorder;
  std::vector<std::size_t> sizes;
  std::size_t frames = 0;
};

TEST(RunNumbersTest, AreWhatArithmeticSays) {
  Story story;
  const RunReport report = story.Tell();
  const double bytes = static_cast<double>(story.sizes[0] + story.sizes[1]);
  const std::map<std::string_view, double> expected = {
      {"duration", 20},
      {"writes", 2},
      {"creates", 0},
      {"updates", 2},
      {"deletes", 0},
      {"refusedWrites", 0},
      {"writeBytes", bytes},
      {"createBytes", 0},
      {"updateBytes", bytes},
      {"deleteBytes", 0},
      {"foreignWrites", 0},
      // The controller and the proxies of the two nodes that are up.
      {"watchEvents", 2 * 3},
      {"fanOutBytes", 3.0 * static_cast<double>(story.frames)},
      {"syncs", 2},
      {"syncsSucceeded", 2},
      {"syncsStale", 0},
      {"syncsFailed", 0},
      {"maxQueueDepth", 1},
      // [11, 11.9) and [15, 16.9)
      {"meanQueueDepth", (0.9 + 1.9) / 20},
      // 0.9 and 1.9: of two the first is the median.
      {"queueWaitP50", 0.9},
      {"queueWaitP90", 1.9},
      {"queueWaitP99", 1.9},
      {"queueWaitMax", 1.9},
      {"writeLatencyP50", 0.1},
      {"writeLatencyP90", 0.1},
      {"writeLatencyP99", 0.1},
      {"writeLatencyMax", 0.1},
      // p5 and p6 from 11 to 12, p3 from 15 to 17.
      {"podChanges", 3},
      {"podToSliceP50", 1},
      {"podToSliceP90", 2},
      {"podToSliceP99", 2},
      {"podToSliceMax", 2},
      {"sliceToProxiesP50", 0.3},
      {"sliceToProxiesP90", 0.3},
      {"sliceToProxiesP99", 0.3},
      {"sliceToProxiesMax", 0.3},
      {"podToProxiesP50", 1.3},
      {"podToProxiesP90", 2.3},
      {"podToProxiesP99", 2.3},
      {"podToProxiesMax", 2.3},
      {"serviceCount", 2},
      {"slices", 1},
      {"endpoints", 6},
      {"fillRatio", 6.0 / 100},
      {"endpointsAdded", 0},
      {"endpointsRemoved", 0},
      {"endpointsChanged", 6 + 1},  // all, then p3
      {"hintedServices", 0},
      {"hintSwitches", 1},
      {"hintsOnSeconds", 17.05 - 12.05},
      {"hintsOffSeconds", 20 - 17.05},
      {"requests", 90 * 20 + 20},
      {"served", 1820 - 69 - 20},
      // 30 * 10 + 30 * 2.3 + 90 * 7.7
      {"inZoneRequests", 300 + 69 + 693},
      {"crossZoneRequests", 600 + 69},
      {"inZoneShare", 1062.0 / 1731},
      {"crossZoneShare", 669.0 / 1731},
      {"crossZoneBytes", 669 * 10'000},
      {"crossZoneCost", 669 * 10'000 / 1e9 * 0.01 * 2},
      {"blackHoled", 30 * 2.3},
      {"blackHoledShare", 69.0 / 1820},
      {"rejected", 20},
      {"rejectedShare", 20.0 / 1820},
      {"misrouted", 15 * 2.3},
      {"misroutedShare", 34.5 / 1820},
      {"maxOverload", 1.0 / 3},
      {"overloadSeconds", 15 - 12.3},
      {"overloadedServices", 1},
  };
  for (const NumberOf<RunNumbers>& number : RunNumberTable()) {
    const auto at = expected.find(number.name);
    ASSERT_NE(at, expected.end()) << number.name;
    const double value = report.numbers.*number.member;
    // Quantiles are off by 1 % at most, all else by rounding.
    const bool quantile = number.name.find("P50") != std::string_view::npos ||
                          number.name.find("P90") != std::string_view::npos ||
                          number.name.find("P99") != std::string_view::npos;
    EXPECT_NEAR(value, at->second, at->second * (quantile ? 0.01 : 1e-9)) << number.name;
    EXPECT_EQ(Lookup(report, number.name), value);
  }
  EXPECT_EQ(expected.size(), RunNumberTable().size());
}

TEST(RunNumbersTest, OfServicesZonesAndTime) {
  Story story;
  const RunReport report = story.Tell();
  EXPECT_EQ(report.begin, "2026-01-01T00:00:00Z");
  ASSERT_EQ(report.services.size(), 2U);
  EXPECT_EQ(report.services[0].name, "shop/api");
  const std::map<std::string_view, double> web = {
      {"creates", 0},
      {"updates", 2},
      {"deletes", 0},
      {"writeBytes", static_cast<double>(story.sizes[0] + story.sizes[1])},
      {"slices", 1},
      {"endpoints", 6},
      {"endpointsAdded", 0},
      {"endpointsRemoved", 0},
      {"endpointsChanged", 7},
      {"podToSliceMax", 2},
      {"hintSwitches", 1},
      {"hintsOnSeconds", 5},
      {"hintsOffSeconds", 2.95},
      {"requests", 1800},
      {"inZoneShare", 1062.0 / 1731},
      {"crossZoneShare", 669.0 / 1731},
      {"crossZoneBytes", 6'690'000},
      {"crossZoneCost", 0.0001338},
      {"blackHoled", 69},
      {"rejected", 0},
      {"misrouted", 34.5},
      {"maxOverload", 1.0 / 3},
      {"overloadSeconds", 2.7},
  };
  for (const NumberOf<ServiceNumbers>& number : ServiceNumberTable()) {
    const std::string path = "services.shop/web." + std::string(number.name);
    ASSERT_TRUE(Lookup(report, path).has_value()) << path;
    EXPECT_NEAR(*Lookup(report, path), web.at(number.name), 1e-9 * web.at(number.name)) << path;
  }
  EXPECT_EQ(web.size(), ServiceNumberTable().size());
  EXPECT_NEAR(*Lookup(report, "services.shop/api.rejected"), 20, 1e-9);

  // a sends 45 * 10 + 60 * 10 to web, and of api's requests half, then 2/3.
  const std::map<std::string_view, double> zones = {
      {"zones.a.sent", 450 + 600 + 5 + 20.0 / 3},
      {"zones.b.sent", 225 + 300 + 2.5 + 10.0 / 3},
      {"zones.c.sent", 225 + 2.5},
      // A third of all, at first; then of 60/s half; then what a sends.
      {"zones.a.received", 300 + 30 * 2.3 + 60 * 7.7},
      {"zones.b.received", 300 + 30 * 2.3 + 30 * 7.7},
      {"zones.c.received", 300},
      {"zones.a.inZoneRequests", 150 + 20 * 2.3 + 60 * 7.7},
      {"zones.b.inZoneRequests", 75 + 10 * 2.3 + 30 * 7.7},
      {"zones.c.inZoneRequests", 75},
      {"zones.a.maxLoad", 4.0 / 3},
      {"zones.b.maxLoad", 1},
      {"zones.c.maxLoad", 1},
  };
  for (const auto& [path, value] : zones) {
    ASSERT_TRUE(Lookup(report, path).has_value()) << path;
    EXPECT_NEAR(*Lookup(report, path), value, 1e-9 * value) << path;
  }
  ASSERT_EQ(report.flows.size(), 9U);
  EXPECT_EQ(report.flows[1].from + report.flows[1].to, "ab");
  EXPECT_NEAR(report.flows[1].requests, 150 + 20 * 2.3, 1e-9);

  ASSERT_EQ(report.series.size(), 200U);
  EXPECT_EQ(report.step_seconds, 0.1);
  double black_holed = 0;
  for (const StepNumbers& step : report.series) black_holed += step.black_holed;
  EXPECT_NEAR(black_holed, 69, 1e-9);
  EXPECT_NEAR(report.series[110].black_holed, 3, 1e-9);
  EXPECT_NEAR(report.series[130].max_overload, 1.0 / 3, 1e-9);
  EXPECT_EQ(report.series[115].mean_queue_depth, 1);
  EXPECT_EQ(report.series[199].endpoints, 6);
  const auto sum = [&report](double StepNumbers::*number) {
    double all = 0;
    for (const StepNumbers& step : report.series) all += step.*number;
    return all;
  };
  EXPECT_EQ(sum(&StepNumbers::create_bytes), 0);
  EXPECT_EQ(sum(&StepNumbers::update_bytes), static_cast<double>(story.sizes[0] + story.sizes[1]));
  EXPECT_EQ(sum(&StepNumbers::delete_bytes), 0);
  ASSERT_EQ(report.timeline.size(), 1U);
  EXPECT_EQ(report.timeline[0], (RunReport::Moment{10, "zoneOutage c"}));

  // p1: 15/s for 12.3 s, then 30/s. Evenly it were 15, 22.5 for 5 s (from 12.3 on
  // of 30/s), 30 from 15 s on. p4: 15/s until 17.3 s, then 30/s.
  const double p1 = 15 * 12.3 + 30 * 7.7, even = 15 * 10 + 22.5 * 5 + 30 * 5;
  const std::vector<RunReport::Endpoint>& busiest = report.services[1].busiest;
  ASSERT_EQ(busiest.size(), 3U);
  EXPECT_EQ(busiest[0].service, "shop/web");
  EXPECT_NE(busiest[0].address, busiest[1].address);
  for (const std::size_t i : {0, 1}) {
    EXPECT_EQ(busiest[i].zone, "a");
    EXPECT_NEAR(busiest[i].requests, p1, 1e-9 * p1);
    EXPECT_NEAR(busiest[i].load, p1 / even, 1e-9);
  }
  EXPECT_EQ(busiest[2].zone, "b");
  EXPECT_NEAR(busiest[2].requests, 15 * 17.3 + 30 * 2.7, 1e-6);
  EXPECT_NEAR(busiest[2].load, (15 * 17.3 + 30 * 2.7) / even, 1e-9);
  EXPECT_TRUE(report.services[0].busiest.empty());
  EXPECT_EQ(report.overloaded, (std::vector{busiest[0], busiest[1]}));

  const std::vector<RunReport::HintPeriod>& hints = report.services[1].hints;
  ASSERT_EQ(hints.size(), 2U);
  EXPECT_TRUE(hints[0].on);
  EXPECT_EQ(hints[0].reason, "Auto");
  EXPECT_NEAR(hints[0].begin, 12.05, 1e-9);
  EXPECT_NEAR(hints[0].duration, 5, 1e-9);
  EXPECT_EQ(hints[1].reason, "TooFewEndpoints");

  for (const WorstServices& list : WorstOf(report)) {
    if (list.number == "rejected") {
      EXPECT_EQ(list.services, std::vector{&report.services[0]});
    }
    if (list.number == "blackHoled") {
      EXPECT_EQ(list.services, std::vector{&report.services[1]});
    }
    if (list.number == "creates") {
      EXPECT_TRUE(list.services.empty());
    }
  }
}

TEST(RunNumbersTest, PathsThatNameNothing) {
  const RunReport report;
  for (const std::string_view path : {"", "crossZone", "services.shop/web", "services.shop/web.nothing", "zones.a",
                                      "services.", "zones..", "numbers.writes"}) {
    EXPECT_FALSE(Lookup(report, path).has_value()) << path;
    EXPECT_FALSE(IsMetricPath(path)) << path;
  }
  EXPECT_TRUE(IsMetricPath("services.shop/web.blackHoled"));
  EXPECT_TRUE(IsMetricPath("zones.eu.west-1.maxLoad"));
  EXPECT_TRUE(IsMetricPath("crossZoneShare"));
}

// docs/report.md has a row "| `name` | unit | ..." for each number, under the
// heading of its table, and no others.
TEST(RunNumbersTest, AreDocumented) {
  std::ifstream file(EPSLICE_SOURCE_DIR "/docs/report.md");
  ASSERT_TRUE(file.is_open());
  std::map<std::string, std::set<std::string>> documented;
  std::string heading;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("## ", 0) == 0) heading = line.substr(3);
    if (line.rfind("| `", 0) != 0) continue;
    const std::size_t name_end = line.find('`', 3);
    const std::size_t unit_begin = line.find("| ", name_end) + 2;
    const std::size_t unit_end = line.find(" |", unit_begin);
    documented[heading].insert(line.substr(3, name_end - 3) + ": " + line.substr(unit_begin, unit_end - unit_begin));
  }
  const auto names = [](const auto& table) {
    std::set<std::string> all;
    for (const auto& number : table) {
      all.insert(std::string(number.name) + ": " + (number.unit.empty() ? "count" : std::string(number.unit)));
    }
    return all;
  };
  EXPECT_EQ(documented["Numbers of the run"], names(RunNumberTable()));
  EXPECT_EQ(documented["Numbers of a Service"], names(ServiceNumberTable()));
  EXPECT_EQ(documented["Numbers of a step"], names(StepNumberTable()));
  EXPECT_EQ(documented["Numbers of a zone"], names(ZoneNumberTable()));
}

}  // namespace
}  // namespace epslice::sim
