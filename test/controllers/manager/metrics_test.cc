#include "controllers/manager/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "controllers/manager/process_stats.h"
#include "controllers/manager/service_totals.h"
#include "informers/http/certificates.h"

namespace epslice {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

// The text format, read as Prometheus reads it. Throws nothing; what is wrong
// is in `errors`.
struct Exposition {
  struct Family {
    std::string type;
    bool help = false;
    std::map<std::string, double> series;  // "name{labels}"
  };
  std::map<std::string, Family> families;
  std::vector<std::string> errors;
  std::vector<std::string> order;

  explicit Exposition(const std::string& text) {
    if (text.empty() || text.back() != '\n') errors.push_back("no line end at the end");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) Line(line);
    for (const auto& [name, family] : families) CheckFamily(name, family);
  }
  double Value(const std::string& series) const {
    for (const auto& [name, family] : families) {
      if (const auto it = family.series.find(series); it != family.series.end()) return it->second;
    }
    ADD_FAILURE() << "no series " << series;
    return -1;
  }
  bool Has(const std::string& family) const { return families.contains(family); }

 private:
  static bool IsName(const std::string& s) {
    return !s.empty() && std::isdigit(static_cast<unsigned char>(s[0])) == 0 &&
           std::all_of(s.begin(), s.end(),
                       [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':'; });
  }
  void Line(const std::string& line) {
    std::istringstream words(line);
    std::string hash, kind, name, rest;
    if (line.rfind("# ", 0) == 0) {
      words >> hash >> kind >> name;
      std::getline(words, rest);
      if (kind == "HELP") {
        if (families.contains(name)) errors.push_back("second HELP of " + name);
        families[name].help = true;
        order.push_back(name);
      } else if (kind == "TYPE") {
        Family& family = families[name];
        if (!family.type.empty() || !family.series.empty()) errors.push_back("second or late TYPE of " + name);
        family.type = rest.substr(1);
      }
      return;
    }
    Sample(line);
  }
  void Sample(const std::string& line) {
    const std::size_t space = line.rfind(' ');
    const std::string series = line.substr(0, space);
    const std::string name = series.substr(0, series.find('{'));
    if (!IsName(name)) errors.push_back("bad name in " + line);
    if (series.find('{') != std::string::npos && series.back() != '}') errors.push_back("bad labels in " + line);
    std::string family = name;
    if (!order.empty() && families[order.back()].type == "histogram") {
      for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
        if (name == order.back() + suffix) family = order.back();
      }
    }
    if (order.empty() || family != order.back()) errors.push_back("not under its HELP: " + line);
    char* end = nullptr;
    const std::string number = line.substr(space + 1);
    const double value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0') errors.push_back("bad value in " + line);
    if (!families[family].series.emplace(series, value).second) errors.push_back("twice: " + series);
  }
  void CheckFamily(const std::string& name, const Family& family) {
    if (!family.help) errors.push_back("no HELP of " + name);
    if (family.series.empty()) errors.push_back("nothing in " + name);
    if (family.type != "counter" && family.type != "gauge" && family.type != "histogram") {
      errors.push_back("type of " + name + ": " + family.type);
    }
    if (family.type != "histogram") return;
    // Each series ends with le="+Inf", which is its count.
    for (const auto& [series, value] : family.series) {
      const std::size_t inf = series.find("le=\"+Inf\"");
      if (inf == std::string::npos) continue;
      std::string count = name + "_count" + series.substr(name.size() + std::string("_bucket").size());
      count.erase(count.find("le=\"+Inf\""), std::string("le=\"+Inf\"").size());
      if (const std::size_t comma = count.find(",}"); comma != std::string::npos) count.erase(comma, 1);
      if (count.size() >= 2 && count.substr(count.size() - 2) == "{}") count.resize(count.size() - 2);
      const auto total = family.series.find(count);
      if (total == family.series.end() || total->second != value) errors.push_back("+Inf is not the count of " + count);
    }
  }
};

std::shared_ptr<Service> MakeService(const std::string& name, const char* traffic = nullptr) {
  auto service = std::make_shared<Service>();
  service->metadata.namespace_ = "shop";
  service->metadata.name = name;
  if (traffic != nullptr) service->spec.trafficDistribution = Text(traffic);
  return service;
}

Job JobOf(std::shared_ptr<Service> service, Timestamp trigger = {}) {
  Job job;
  job.service = KeyOf(service->metadata);
  job.input.service = std::move(service);
  job.input.trigger_time = trigger;
  return job;
}

Plan MakePlan(std::int64_t endpoints, std::int64_t slices, std::vector<int> write_groups) {
  Plan plan;
  plan.metrics.per_address_type = {{"IPv4", endpoints, 1}, {"IPv6", 2, 0}};
  plan.metrics.desired_endpoints = endpoints;
  plan.metrics.desired_slices = slices;
  plan.metrics.actual_slices = slices + 1;
  for (const int group : write_groups) plan.writes.push_back({SliceWrite::Op::kUpdate, group, nullptr});
  return plan;
}

Request RequestOf(Verb verb, Kind kind) {
  Request request;
  request.verb = verb;
  request.kind = kind;
  return request;
}

class MetricsTest : public testing::Test {
 protected:
  std::string Scrape(const LiveRunner::Stats& stats = {}, const std::vector<Monitor::Informer>& informers = {},
                     const CertificateTimes& certificates = {}) const {
    return metrics_.Render(stats, informers, certificates);
  }
  Exposition Read() const {
    Exposition read(Scrape());
    EXPECT_THAT(read.errors, testing::IsEmpty());
    return read;
  }

  FakeClock clock_;
  Metrics metrics_{"https://api.example.com:6443/prefix", &clock_};
};

// Everything once, so that every name, type, label and bucket is in the file.
TEST_F(MetricsTest, IsAsTheGoldenFile) {
  clock_.Advance(seconds(100));
  Outcome written;
  written.creates = 1;
  const Timestamp trigger = clock_.WallNow();
  clock_.Advance(milliseconds(700));
  Job plain = JobOf(MakeService("plain"), trigger);
  plain.seen = Job::Seen{clock_.Now(), trigger};
  metrics_.ObserveSync(plain, MakePlan(130, 2, {0, 0, 1, 2}), written);
  metrics_.ObserveSync(JobOf(MakeService("close", "PreferClose")), MakePlan(8, 1, {}), Outcome());
  metrics_.ObserveSync(JobOf(MakeService("odd", "FarAway")), MakePlan(1, 1, {0}), Outcome());
  const auto hinted = MakeService("hinted", "PreferSameNode");
  hinted->metadata.annotations = StringMap{{"service.kubernetes.io/topology-mode", "Auto"}};
  metrics_.ObserveSync(JobOf(hinted), MakePlan(3, 1, {1}), Outcome());
  metrics_.queue_observer()->OnPop(milliseconds(2));
  metrics_.queue_observer()->OnDone(milliseconds(50));
  metrics_.ObserveRequest(RequestOf(Verb::kList, Kind::kPod), 200, milliseconds(30));
  metrics_.ObserveRequest(RequestOf(Verb::kWatch, Kind::kPod), 200, milliseconds(30));
  metrics_.ObserveRequest(RequestOf(Verb::kCreate, Kind::kEndpointSlice), 0, seconds(10));
  metrics_.ObserveRequest(RequestOf(Verb::kUpdate, Kind::kEndpointSlice), 409, milliseconds(3));
  metrics_.ObserveRequest(RequestOf(Verb::kDelete, Kind::kEndpointSlice), 777, milliseconds(3));
  metrics_.ObserveBytes(RequestOf(Verb::kList, Kind::kPod), 1000);
  metrics_.SetLeader("endpointslice-controller", true);
  metrics_.SetSlowRenewals("endpointslice-controller", [] { return 5; });
  metrics_.SetLostLogLines([] { return 17; });

  LiveRunner::Stats stats;
  stats.syncs = {11, 2, 3, 21, 22, 23};
  stats.hints.services = {{{HintState::Kind::kEnabled, "Auto"}, 3},
                          {{HintState::Kind::kDisabled, ReasonCode(HintFailure::kTooFewEndpoints)}, 1},
                          {{HintState::Kind::kOff, "NotRequested"}, 9}};
  stats.hints.endpoints = {40, 4, 7};
  stats.hints.changes = {5, 6, 7};
  stats.queue_depth = 4;
  stats.queue_adds = 50;
  stats.queue_retries = 6;
  stats.queue_unfinished = milliseconds(1500);
  stats.queue_longest = seconds(1);
  std::vector<Monitor::Informer> informers(2);
  informers[0] = {Kind::kPod, true, true, clock_.Now(), clock_.Now() - seconds(7), 3};
  informers[1] = {Kind::kNode, true, false, clock_.Now(), std::nullopt, 0};
  metrics_.ObserveClientCertificate(hours(24 * 30));
  metrics_.ObserveClientCertificate(-seconds(5));
  CertificateTimes certificates;
  certificates.client_ends = Timestamp::FromSeconds(2'000'000'000);
  certificates.serving_ends = Timestamp::FromSeconds(2'000'000'001);
  const std::string text = Scrape(stats, informers, certificates);
  const Exposition read(text);
  EXPECT_THAT(read.errors, testing::IsEmpty());
  EXPECT_TRUE(std::is_sorted(read.order.begin(), read.order.end()));

  // The process is never the same.
  std::istringstream lines(text);
  std::string stable;
  for (std::string line; std::getline(lines, line);) {
    stable += line.rfind("process_", 0) == 0 ? line.substr(0, line.rfind(' ')) + " ?\n" : line + "\n";
  }
  const std::string path = std::string(EPSLICE_SOURCE_DIR) + "/test/golden/manager/metrics.txt";
  if (std::getenv("EPSLICE_REWRITE_GOLDEN") != nullptr) std::ofstream(path) << stable;
  std::ifstream file(path);
  const std::string golden((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(stable, golden) << "to accept: EPSLICE_REWRITE_GOLDEN=1";
}

// What the reference's dashboards and alerts rely on; REFERENCE: component
// metrics of kube-controller-manager v1.36.
TEST_F(MetricsTest, HasTheReferencesNamesAndTypesFromTheStart) {
  const Exposition read = Read();
  const std::map<std::string, std::string> kWant = {
      {"endpoint_slice_controller_endpoints_added_per_sync", "histogram"},
      {"endpoint_slice_controller_endpoints_removed_per_sync", "histogram"},
      {"endpoint_slice_controller_endpoints_desired", "gauge"},
      {"endpoint_slice_controller_num_endpoint_slices", "gauge"},
      {"endpoint_slice_controller_desired_endpoint_slices", "gauge"},
      {"endpoint_slice_controller_changes", "counter"},
      {"endpoint_slice_controller_syncs", "counter"},
      {"apiserver_client_certificate_expiration_seconds", "histogram"},
      {"rest_client_exec_plugin_certificate_rotation_age", "histogram"},
      {"rest_client_exec_plugin_ttl_seconds", "gauge"},
      {"workqueue_depth", "gauge"},
      {"workqueue_adds_total", "counter"},
      {"workqueue_queue_duration_seconds", "histogram"},
      {"workqueue_work_duration_seconds", "histogram"},
      {"workqueue_unfinished_work_seconds", "gauge"},
      {"workqueue_longest_running_processor_seconds", "gauge"},
      {"workqueue_retries_total", "counter"},
      {"process_cpu_seconds_total", "counter"},
      {"process_resident_memory_bytes", "gauge"},
      {"process_virtual_memory_bytes", "gauge"},
      {"process_open_fds", "gauge"},
      {"process_max_fds", "gauge"},
      {"process_start_time_seconds", "gauge"},
  };
  for (const auto& [name, type] : kWant) {
    const auto family = read.families.find(name);
    ASSERT_NE(family, read.families.end()) << name;
    EXPECT_EQ(family->second.type, type) << name;
  }
  // Not there before there is something to say.
  for (const char* name : {"leader_election_master_status", "epslice_services_by_hints", "rest_client_requests_total",
                           "endpoint_slice_controller_services_count_by_traffic_distribution"}) {
    EXPECT_FALSE(read.Has(name)) << name;
  }
}

// Of certificates in files the reference says nothing; of a plugin's, how long
// they are good for, and how old they were when they went.
TEST_F(MetricsTest, TellsOfCertificates) {
  const std::string ttl = "rest_client_exec_plugin_ttl_seconds";
  const std::string age = "rest_client_exec_plugin_certificate_rotation_age_";
  const std::string ends = "epslice_certificate_expiry_timestamp_seconds";
  EXPECT_FALSE(Read().Has(ends + "{use=\"client\"}"));
  CertificateTimes times;
  times.client_ends = Timestamp{clock_.WallNow().nanos + Duration(hours(1)).count()};
  const Exposition file(Scrape({}, {}, times));
  EXPECT_EQ(file.Value(ttl), std::numeric_limits<double>::infinity());
  EXPECT_EQ(file.Value(ends + "{use=\"client\"}"), static_cast<double>(times.client_ends->nanos) / 1e9);
  EXPECT_FALSE(file.Has(ends + "{use=\"serving\"}"));
  times.client_from_plugin = true;
  clock_.Advance(hours(2));
  EXPECT_EQ(Exposition(Scrape({}, {}, times)).Value(ttl), -3600);

  CertificateOptions options;
  options.common_name = "x";
  options.not_before = Timestamp::FromSeconds(clock_.WallNow().nanos / 1'000'000'000 - 1200);
  options.not_after = *times.client_ends;
  metrics_.ObserveRotation(MakeCertificate(options, nullptr)->certificate_pem);
  metrics_.ObserveRotation("none");
  EXPECT_EQ(Read().Value(age + "bucket{le=\"600\"}"), 0);
  EXPECT_EQ(Read().Value(age + "bucket{le=\"1800\"}"), 1);
  EXPECT_EQ(Read().Value(age + "count"), 1);
}

TEST_F(MetricsTest, DifferencesAreThereInShadowOnly) {
  const std::string series = "epslice_shadow_differences{kind=\"changed-endpoint\"}";
  EXPECT_FALSE(Read().Has(series));
  LiveRunner::Stats stats;
  stats.shadow.emplace();
  stats.shadow->services = 1;
  stats.shadow->by_kind.at(static_cast<std::size_t>(DifferenceKind::kChangedEndpoint)) = 2;
  const Exposition read(metrics_.Render(stats, {}));
  EXPECT_EQ(read.Value(series), 2);
  EXPECT_EQ(read.Value("epslice_shadow_differences{kind=\"missing-endpoint\"}"), 0);
  EXPECT_EQ(read.Value("epslice_shadow_services"), 1);
}

TEST_F(MetricsTest, BoundariesBelongToTheirBuckets) {
  Plan plan = MakePlan(2, 1, {});
  plan.metrics.per_address_type = {{"IPv4", 2, 3}};
  metrics_.ObserveSync(JobOf(MakeService("a")), plan, Outcome());
  const Exposition read = Read();
  const std::string added = "endpoint_slice_controller_endpoints_added_per_sync_bucket";
  const std::string removed = "endpoint_slice_controller_endpoints_removed_per_sync_bucket";
  EXPECT_EQ(read.Value(added + "{le=\"2\"}"), 1);
  EXPECT_EQ(read.Value(removed + "{le=\"2\"}"), 0);
  EXPECT_EQ(read.Value(removed + "{le=\"4\"}"), 1);
  EXPECT_EQ(read.Value(added + "{le=\"32768\"}"), 1);
}

TEST_F(MetricsTest, GaugesAreSumsOverTheServicesThatThereAre) {
  const auto expect = [&](double endpoints, double desired, double actual) {
    const Exposition read = Read();
    EXPECT_EQ(read.Value("endpoint_slice_controller_endpoints_desired"), endpoints);
    EXPECT_EQ(read.Value("endpoint_slice_controller_desired_endpoint_slices"), desired);
    EXPECT_EQ(read.Value("endpoint_slice_controller_num_endpoint_slices"), actual);
  };
  expect(0, 0, 0);
  metrics_.ObserveSync(JobOf(MakeService("a", "PreferClose")), MakePlan(10, 1, {}), Outcome());
  metrics_.ObserveSync(JobOf(MakeService("b", "PreferClose")), MakePlan(200, 2, {}), Outcome());
  expect(210, 3, 5);
  const std::string close =
      "endpoint_slice_controller_services_count_by_traffic_distribution{traffic_distribution=\"PreferClose\"}";
  EXPECT_EQ(Read().Value(close), 2);
  metrics_.ObserveSync(JobOf(MakeService("b")), MakePlan(50, 1, {}), Outcome());
  expect(60, 2, 4);
  EXPECT_EQ(Read().Value(close), 1);
  Job gone;
  gone.service = {Text("shop"), Text("a")};
  metrics_.ObserveSync(gone, Plan(), Outcome());
  metrics_.ObserveSync(gone, Plan(), Outcome());
  expect(50, 1, 2);
  EXPECT_EQ(Read().Value(close), 0) << "it stays, as in the reference";
}

TEST_F(MetricsTest, LatencyIsOfWhatWasWrittenAndSeenToChange) {
  const auto count = [&] { return Read().Value("epslice_network_programming_seconds_count"); };
  Outcome written;
  written.updates = 1;
  const Timestamp begin = clock_.WallNow();
  const auto ago = [&](int s) { return Timestamp{begin.nanos - s * 1'000'000'000LL}; };
  const auto job = [&](Timestamp trigger, Timestamp moved) {
    Job out = JobOf(MakeService("a"), trigger);
    out.seen = Job::Seen{clock_.Now() - seconds(3), moved};
    return out;
  };
  clock_.Advance(seconds(3));
  metrics_.ObserveSync(JobOf(MakeService("a"), begin), Plan(), written);  // nothing was seen to change
  metrics_.ObserveSync(job({}, {}), Plan(), written);
  metrics_.ObserveSync(job(begin, begin), Plan(), Outcome());
  Outcome failed = written;
  failed.errors = {"no"};
  metrics_.ObserveSync(job(begin, begin), Plan(), failed);
  EXPECT_EQ(count(), 0);

  const struct {
    const char* what;
    Timestamp trigger, moved;
    double seconds;
  } cases[] = {
      {"a pod became ready a second before that was seen", ago(1), ago(1), 4},
      {"a pod that is ready for long got a label", ago(1000), {}, 3},
      {"both", ago(1000), ago(1), 4},
      {"the Service is older than what changed", ago(1000), ago(2), 5},
      {"another clock may be ahead of ours", Timestamp{clock_.WallNow().nanos + 500}, {}, 0},
  };
  for (const auto& c : cases) {
    const double before = Read().Value("epslice_network_programming_seconds_sum");
    metrics_.ObserveSync(job(c.trigger, c.moved), Plan(), written);
    EXPECT_DOUBLE_EQ(Read().Value("epslice_network_programming_seconds_sum") - before, c.seconds) << c.what;
  }
  EXPECT_EQ(count(), 5);
}

TEST_F(MetricsTest, IsUsedFromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 50; ++i) {
        metrics_.ObserveSync(JobOf(MakeService("s" + std::to_string((t + i) % 7))), MakePlan(1, 1, {0}), Outcome());
        metrics_.ObserveRequest(RequestOf(Verb::kUpdate, Kind::kEndpointSlice), 200 + i % 3, milliseconds(i));
        metrics_.ObserveBytes(RequestOf(Verb::kWatch, Kind::kPod), 10);
        metrics_.queue_observer()->OnPop(milliseconds(i));
        if (i % 10 == 0) Read();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Exposition read = Read();
  EXPECT_EQ(read.Value("epslice_decode_bytes{resource=\"pods\"}"), 2000);
  EXPECT_EQ(read.Value("endpoint_slice_controller_endpoints_desired"), 7);
  EXPECT_EQ(read.Value("workqueue_queue_duration_seconds_count{name=\"endpoint_slice\"}"), 200);
}

TEST(ProcessStatsTest, AreOfThisProcess) {
  const std::optional<ProcessStats> stats = ReadProcessStats();
  ASSERT_TRUE(stats);
  EXPECT_GT(stats->resident_bytes, 1 << 20);
  EXPECT_GT(stats->virtual_bytes, stats->resident_bytes);
  EXPECT_GE(stats->cpu_seconds, 0);
  EXPECT_GE(stats->open_fds, 3);
  EXPECT_GE(stats->max_fds, stats->open_fds);
  const double now = static_cast<double>(RealClock().WallNow().nanos) / 1e9;
  EXPECT_GT(stats->start_time_seconds, now - 24 * 3600);
  EXPECT_LE(stats->start_time_seconds, now + 2);
  std::ifstream held("/proc/self/stat");
  EXPECT_EQ(ReadProcessStats()->open_fds, stats->open_fds + 1);
}

TEST(TrafficLabelTest, IsBounded) {
  EXPECT_EQ(TrafficLabelName(TrafficLabelOf(*MakeService("a"))), "");
  for (const char* known : {"PreferClose", "PreferSameZone", "PreferSameNode"}) {
    EXPECT_EQ(TrafficLabelName(TrafficLabelOf(*MakeService("a", known))), known);
  }
  for (const char* other : {"", "preferclose", "Anything"}) {
    EXPECT_EQ(TrafficLabelName(TrafficLabelOf(*MakeService("a", other))), "ImplementationSpecific");
  }
}

}  // namespace
}  // namespace epslice
