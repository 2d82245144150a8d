// The pages of a runner at work: health before, during and after, the queue,
// the metrics.
#include "controllers/manager/status_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "sim/cluster/memory_api_server.h"
#include "test/controllers/manager/memory_transport.h"

namespace epslice {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::HasSubstr;

class StatusPagesTest : public testing::Test {
 protected:
  // `clock`: of the runner and what watches it.
  void Start(const Clock* clock) {
    sim::MemoryApiServerOptions server_options;
    server_options.create_missing_namespaces = true;
    server_ = std::make_unique<sim::MemoryApiServer>(&real_clock_, server_options);
    transport_ = std::make_unique<MemoryTransport>(server_.get(), &progress_);
    log_ = std::make_unique<Logger>(LoggerOptions{LogFormat::kText, 4, 1}, clock,
                                    [this](std::string_view) { progress_.Bump(); });
    metrics_ = std::make_unique<Metrics>("http://127.0.0.1:8001", clock);
    LiveRunnerOptions options;
    options.controller.queue.base_delay = milliseconds(2);
    options.controller.queue.observer = metrics_->queue_observer();
    options.watcher.backoff_base = milliseconds(2);
    options.watcher.backoff_max = milliseconds(20);
    options.observe_sync = [this](const Job& job, const Plan& plan, const Outcome& outcome) {
      metrics_->ObserveSync(job, plan, outcome);
    };
    runner_ = std::make_unique<LiveRunner>(options, transport_.get(), clock, log_.get());
    ServingOptions serving_options;
    serving_options.tls = false;
    serving_ = std::make_unique<Serving>(serving_options, &real_clock_, log_.get());
    StatusPagesOptions pages;
    pages.version = "1.2.3";
    pages.flags = {{"--a", "1"}, {"--b", "\"x\""}};
    AddStatusPages(pages, runner_.get(), metrics_.get(), clock, log_.get(), serving_.get());
    const absl::Status started = serving_->Start();
    ASSERT_TRUE(started.ok()) << started;
    client_ = std::make_unique<httplib::Client>("127.0.0.1", serving_->port());
  }
  void TearDown() override {
    if (runner_ != nullptr) runner_->Stop();
    if (serving_ != nullptr) serving_->Stop();
  }

  std::pair<int, std::string> Get(const std::string& target) {
    const httplib::Result result = client_->Get(target);
    if (!result) return {0, httplib::to_string(result.error())};
    return {result->status, result->body};
  }
  Json GetJson(const std::string& target) {
    const httplib::Result result = client_->Get(target);
    EXPECT_TRUE(result);
    EXPECT_EQ(result->status, 200);
    EXPECT_EQ(result->get_header_value("Content-Type"), "application/json");
    return Json::parse(result->body);
  }
  void CreateService(const std::string& name) {
    Service service;
    service.metadata.namespace_ = "shop";
    service.metadata.name = name;
    service.spec.type = "ClusterIP";
    service.spec.ipFamilies = {"IPv4"};
    service.spec.selector = StringMap{{"app", Text(name)}};
    ServicePort port;
    port.protocol = "TCP";
    port.port = 80;
    port.targetPort.number = 8080;
    service.spec.ports = {port};
    Request request;
    request.verb = Verb::kCreate;
    request.kind = Kind::kService;
    request.namespace_ = "shop";
    request.object = AnyObject::Of(std::move(service));
    const Response response = server_->Handle(request);
    ASSERT_TRUE(response.status.ok()) << response.status.ToString();
  }
  bool WaitSynced() {
    return progress_.WaitUntil([&] { return runner_->stats().synced; });
  }

  const RealClock real_clock_{};
  FakeClock fake_clock_;
  Progress progress_;
  std::unique_ptr<sim::MemoryApiServer> server_;
  std::unique_ptr<MemoryTransport> transport_;
  std::unique_ptr<Logger> log_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<LiveRunner> runner_;
  std::unique_ptr<Serving> serving_;
  std::unique_ptr<httplib::Client> client_;
};

using Answer = std::pair<int, std::string>;

TEST_F(StatusPagesTest, IsReadyFromTheListsToTheStop) {
  Start(&real_clock_);
  transport_->SetDown(true);
  runner_->Start();
  EXPECT_EQ(Get("/livez"), Answer(200, "ok"));
  EXPECT_EQ(Get("/healthz"), Answer(200, "ok"));
  EXPECT_EQ(Get("/readyz"), Answer(500,
                                   "[+]ping ok\n[+]informers ok\n[+]workers ok\n"
                                   "[-]informer-sync failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n"));
  EXPECT_THAT(Get("/readyz/informer-sync").second, HasSubstr("pods are not listed yet"));

  transport_->SetDown(false);
  ASSERT_TRUE(WaitSynced());
  EXPECT_EQ(Get("/readyz"), Answer(200, "ok"));
  EXPECT_EQ(Get("/readyz?verbose"), Answer(200,
                                           "[+]ping ok\n[+]informers ok\n[+]workers ok\n[+]informer-sync ok\n"
                                           "[+]shutdown ok\nreadyz check passed\n"));

  runner_->Stop();
  EXPECT_EQ(Get("/readyz/shutdown"), Answer(500, "internal server error: the controller is stopping\n"));
  EXPECT_EQ(Get("/livez"), Answer(200, "ok"));
}

TEST_F(StatusPagesTest, IsNotAliveBeforeItsThreads) {
  Start(&real_clock_);
  EXPECT_EQ(Get("/livez/informers").first, 500);
}

TEST_F(StatusPagesTest, NoticesAWorkerThatIsStuck) {
  Start(&fake_clock_);
  runner_->Start();
  ASSERT_TRUE(WaitSynced());
  transport_->HoldWrites(true);
  CreateService("web");
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_->held() == 1; }));
  EXPECT_EQ(Get("/livez"), Answer(200, "ok"));
  fake_clock_.Advance(minutes(11));
  EXPECT_EQ(Get("/livez").first, 500);
  EXPECT_EQ(Get("/livez/workers"), Answer(500, "internal server error: a sync of shop/web is stuck for 11m0s\n"));
  EXPECT_EQ(Get("/readyz").first, 500);

  const Json queue = GetJson("/debug/queue");
  EXPECT_EQ(queue, Json::parse(R"({"ready": {"total": 0, "keys": []}, "delayed": {"total": 0, "keys": []},
                                   "processing": {"total": 1, "keys": [{"service": "shop/web", "runningSeconds": 660}]}
                                  })"));
  EXPECT_THAT(Get("/metrics").second,
              HasSubstr("\nworkqueue_longest_running_processor_seconds{name=\"endpoint_slice\"} 660\n"));

  transport_->HoldWrites(false);
  ASSERT_TRUE(progress_.WaitUntil([&] { return runner_->stats().queue_processing == 0; }));
  // One whole minute more and the informers, too, have been silent for long.
  EXPECT_EQ(Get("/livez/workers"), Answer(200, "ok"));
  fake_clock_.Advance(minutes(10));
  EXPECT_THAT(Get("/livez/informers").second, HasSubstr("the informer of pods is stuck for 21m0s"));
}

TEST_F(StatusPagesTest, ExplainsHints) {
  Start(&real_clock_);
  transport_->SetDown(true);
  runner_->Start();
  const std::string not_yet = "the lists of the API server's objects are not complete yet";
  EXPECT_EQ(Get("/debug/explain?service=web"), Answer(503, not_yet + "\n"));
  EXPECT_EQ(Get("/debug/explain?service=web&output=json"), Answer(503, "{\"error\":\"" + not_yet + "\"}\n"));
  transport_->SetDown(false);
  ASSERT_TRUE(WaitSynced());
  CreateService("web");
  ASSERT_TRUE(progress_.WaitUntil([&] { return runner_->stats().services == 1; }));
  EXPECT_THAT(Get("/debug/explain?service=shop%2Fweb").second, HasSubstr("shop/web, IPv4: hints are not asked for"));
  const Json one = GetJson("/debug/explain?service=web&output=json");
  EXPECT_EQ(one["kind"], "Explanation");
  EXPECT_EQ(one["apiVersion"], "epslice.dev/v1");
  EXPECT_EQ(GetJson("/debug/explain?output=json")["kind"], "ExplanationList");
  EXPECT_THAT(Get("/debug/explain").second, HasSubstr("shop/web"));
  EXPECT_EQ(Get("/debug/explain?service=wep").first, 404);
  EXPECT_EQ(Get("/debug/explain?services=web").first, 400);
  const Answer bad = Get("/debug/explain?services=web&output=json");
  EXPECT_EQ(bad.first, 400);
  EXPECT_THAT(Json::parse(bad.second)["error"].get<std::string>(), HasSubstr("\"services\" is no parameter"));
}

TEST_F(StatusPagesTest, ShowsVersionFlagsAndQueue) {
  Start(&real_clock_);
  runner_->Start();
  ASSERT_TRUE(WaitSynced());
  const Json version = GetJson("/version");
  EXPECT_EQ(version["major"], "1");
  EXPECT_EQ(version["minor"], "2");
  EXPECT_EQ(version["gitVersion"], "v1.2.3");
  EXPECT_THAT(version["platform"], testing::StartsWith("linux/"));
  EXPECT_EQ(GetJson("/configz"), Json::parse(R"({"endpointslice-controller": {"--a": "1", "--b": "\"x\""}})"));

  transport_->HoldWrites(true);
  for (int i = 0; i < 20; ++i) CreateService("web" + std::to_string(i));
  ASSERT_TRUE(progress_.WaitUntil([&] { return transport_->held() == 5 && runner_->stats().queue_ready == 15; }));
  const Json queue = GetJson("/debug/queue?limit=3");
  EXPECT_EQ(queue["ready"]["total"], 15);
  ASSERT_EQ(queue["ready"]["keys"].size(), 3U);
  EXPECT_EQ(queue["ready"]["keys"][0]["service"], "shop/web5");
  EXPECT_GE(queue["ready"]["keys"][0]["waitingSeconds"], 0);
  EXPECT_EQ(queue["processing"]["total"], 5);
  EXPECT_EQ(queue["processing"]["keys"].size(), 3U);
  EXPECT_EQ(GetJson("/debug/queue?limit=0")["processing"]["keys"].size(), 0U);
  for (const char* bad : {"", "-1", "x", "10001", "99999999999999999999", "1x"}) {
    EXPECT_EQ(Get(std::string("/debug/queue?limit=") + bad),
              Answer(400, "limit: accepted is a whole number from 0 to 10000\n"))
        << bad;
  }
  transport_->HoldWrites(false);
}

TEST_F(StatusPagesTest, ServesMetrics) {
  Start(&real_clock_);
  CreateService("web");
  runner_->Start();
  ASSERT_TRUE(progress_.WaitUntil([&] { return runner_->stats().syncs.success >= 1; }));
  const httplib::Result result = client_->Get("/metrics");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  for (const char* line :
       {"endpoint_slice_controller_changes{operation=\"create\"} 1\n",
        "endpoint_slice_controller_num_endpoint_slices 1\n",
        "endpoint_slice_controller_endpointslices_changed_per_sync_count{topology=\"Disabled\",traffic_distribution="
        "\"\"}",
        "# TYPE epslice_informer_age_seconds gauge\nepslice_informer_age_seconds{resource=\"endpointslices\"} "}) {
    EXPECT_THAT(result->body, HasSubstr(line));
  }
}

}  // namespace
}  // namespace epslice
