// A LiveRunner with all its threads, against an API server in memory.
#ifndef EPSLICE_TEST_CONTROLLERS_MANAGER_LIVE_RUNNER_FIXTURE_H_
#define EPSLICE_TEST_CONTROLLERS_MANAGER_LIVE_RUNNER_FIXTURE_H_

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "controllers/manager/live_runner.h"
#include "gtest/gtest.h"
#include "sim/cluster/memory_api_server.h"
#include "test/controllers/manager/memory_transport.h"

namespace epslice::testkit {

class LiveRunnerTest : public testing::Test {
 protected:
  LiveRunnerTest()
      : server_(&clock_, ServerOptions()),
        transport_(&server_, &progress_),
        log_({LogFormat::kText, 4, 1}, &clock_, [this](std::string_view line) {
          {
            std::lock_guard<std::mutex> lock(log_mu_);
            lines_.emplace_back(line);
          }
          progress_.Bump();
        }) {}

  static sim::MemoryApiServerOptions ServerOptions() {
    sim::MemoryApiServerOptions options;
    options.create_missing_namespaces = true;
    return options;
  }

  static LiveRunnerOptions Quick() {
    LiveRunnerOptions options;
    options.controller.queue.base_delay = std::chrono::milliseconds(2);
    options.controller.queue.max_delay = std::chrono::milliseconds(20);
    options.controller.queue.overall_qps = 0;
    options.watcher.backoff_base = std::chrono::milliseconds(2);
    options.watcher.backoff_max = std::chrono::milliseconds(20);
    options.watcher.page_size = 7;
    return options;
  }

  void StartRunner(LiveRunnerOptions options = Quick()) {
    runner_ = std::make_unique<LiveRunner>(std::move(options), &transport_, &clock_, &log_);
    runner_->Start();
  }

  template <typename T>
  void Send(Verb verb, T object, const std::string& subresource = "") {
    Request request;
    request.verb = verb;
    request.kind = T::kKind;
    request.namespace_ = object.metadata.namespace_.str();
    request.name = object.metadata.name.str();
    request.subresource = subresource;
    if (verb == Verb::kDelete) {
      request.deletion.gracePeriodSeconds = 0;
    } else {
      request.object = AnyObject::Of(std::move(object));
    }
    const Response response = server_.Handle(request);
    EXPECT_TRUE(response.status.ok()) << DescribeRequest(request) << ": " << response.status.ToString();
  }

  void CreateNode(const std::string& name, const std::string& zone) {
    Node node;
    node.metadata.name = name;
    node.metadata.labels = StringMap{{Text(kLabelZone), Text(zone)}};
    node.ready = true;
    Send(Verb::kCreate, node);
  }
  void CreateService(const std::string& name, const char* ns = "shop") {
    Service service;
    service.metadata.namespace_ = ns;
    service.metadata.name = name;
    service.spec.type = "ClusterIP";
    service.spec.ipFamilies = {"IPv4"};
    service.spec.selector = StringMap{{"app", Text(name)}};
    ServicePort port;
    port.protocol = "TCP";
    port.port = 80;
    port.targetPort.number = 8080;
    service.spec.ports = {port};
    Send(Verb::kCreate, service);
  }
  static Pod MakePod(const std::string& app, int i, bool ready, const std::string& node) {
    Pod pod;
    pod.metadata.namespace_ = "shop";
    pod.metadata.name = app + "-" + std::to_string(i);
    pod.metadata.labels = StringMap{{"app", Text(app)}};
    pod.nodeName = node;
    pod.podIPs = {*ParseIpLenient("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1))};
    pod.hasPodIP = true;
    pod.phase = PodPhase::kRunning;
    pod.ready = ready;
    return pod;
  }
  void CreatePods(const std::string& app, int from, int to, bool ready = true, const std::string& node = "n1") {
    for (int i = from; i < to; ++i) Send(Verb::kCreate, MakePod(app, i, ready, node));
  }
  void SetReady(const std::string& app, int i, bool ready, const std::string& node = "n1") {
    Send(Verb::kUpdate, MakePod(app, i, ready, node), "status");
  }

  struct View {
    int slices = 0;
    int endpoints = 0;
    int ready = 0;
    std::set<std::string> names;
  };
  View Look(const std::string& service) const {
    Request request;
    request.verb = Verb::kList;
    request.kind = Kind::kEndpointSlice;
    request.namespace_ = "shop";
    request.list.labelSelector = std::string(kLabelServiceName) + "=" + service;
    const Response response = server_.Handle(request);
    View view;
    for (const AnyObject& item : response.list.items) {
      const auto slice = item.As<EndpointSlice>();
      ++view.slices;
      for (const Endpoint& endpoint : slice->endpoints) {
        ++view.endpoints;
        if (endpoint.conditions.ready.value_or(false)) ++view.ready;
        view.names.insert(endpoint.targetRef->name.str());
      }
    }
    return view;
  }
  bool Has(const std::string& service, int slices, int endpoints, int ready) const {
    const View v = Look(service);
    return v.slices == slices && v.endpoints == endpoints && v.ready == ready &&
           v.names.size() == static_cast<std::size_t>(endpoints);
  }
  bool WaitFor(const std::string& service, int slices, int endpoints, int ready) {
    const bool came = progress_.WaitUntil([&] { return Has(service, slices, endpoints, ready); });
    if (!came) {
      const View v = Look(service);
      ADD_FAILURE() << service << " has " << v.slices << " slices, " << v.endpoints << " endpoints, " << v.ready
                    << " ready\n"
                    << Log();
    }
    return came;
  }
  // Nothing waits, and nothing is in flight.
  bool WaitIdle() {
    return progress_.WaitUntil([&] {
      const LiveRunner::Stats s = runner_->stats();
      return s.synced && s.queue_ready + s.queue_delayed + s.queue_processing == 0;
    });
  }
  bool WaitForLog(const std::string& part, int times = 1) {
    return progress_.WaitUntil([&] { return Logged(part) >= times; });
  }
  int Logged(const std::string& part) {
    std::lock_guard<std::mutex> lock(log_mu_);
    int n = 0;
    for (const std::string& line : lines_) n += line.find(part) != std::string::npos ? 1 : 0;
    return n;
  }
  std::string Log() {
    std::lock_guard<std::mutex> lock(log_mu_);
    std::string all;
    for (const std::string& line : lines_) all += line;
    return all;
  }
  std::int64_t Creates() const { return server_.write_counts(Kind::kEndpointSlice).creates; }
  std::int64_t Writes() const {
    const auto counts = server_.write_counts(Kind::kEndpointSlice);
    return counts.creates + counts.updates + counts.deletes;
  }

  RealClock clock_;
  Progress progress_;
  mutable sim::MemoryApiServer server_;
  MemoryTransport transport_;
  std::mutex log_mu_;
  std::vector<std::string> lines_;
  Logger log_;
  std::unique_ptr<LiveRunner> runner_;
};

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_CONTROLLERS_MANAGER_LIVE_RUNNER_FIXTURE_H_
