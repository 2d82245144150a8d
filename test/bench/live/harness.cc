#include "test/bench/live/harness.h"

#include <httplib.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <utility>

#include "controllers/endpointslice/service_controller.h"
#include "controllers/manager/connection.h"
#include "informers/informer.h"

namespace epslice::bench {
namespace {

// Makes all objects of a kind known, in pages.
template <typename T>
void Fill(Transport* transport, Store<T>* store, ServiceController* controller) {
  Request request;
  request.verb = Verb::kList;
  request.kind = T::kKind;
  request.list.limit = 2000;
  do {
    const Response response = transport->Do(request, nullptr);
    if (!response.status.ok()) throw std::runtime_error("list: " + response.status.ToString());
    for (const AnyObject& object : response.list.items) {
      controller->Observe(store->Apply(object.As<T>()), Instant(0));
    }
    request.list.continueToken = response.list.continueToken;
  } while (!request.list.continueToken.empty());
}

}  // namespace

ApiServer::ApiServer(const Clock* clock, const Programs& programs, const TempFolder& folder, const std::string& dump,
                     int port)
    : kubeconfig_(folder.Path("kubeconfig")) {
  std::remove(kubeconfig_.c_str());
  process_ = std::make_unique<Process>(
      std::vector<std::string>{programs.Sim(), "serve", "-f", dump, "--listen", "127.0.0.1:" + std::to_string(port),
                               "--self-signed", "--write-kubeconfig", kubeconfig_},
      folder.Path("serve.log"));
  const std::size_t before = process_->Output().size();
  const bool up = Await(*clock, std::chrono::minutes(5), [&] {
    return !process_->Running() || process_->Output().find("serving https", before) != std::string::npos;
  });
  if (!up || !process_->Running()) throw std::runtime_error("serve does not start: " + process_->Output());
}

std::unique_ptr<HttpTransport> ApiServer::Connect(const Clock* clock) const {
  ManagerOptions options;
  options.kubeconfig = kubeconfig_;
  absl::StatusOr<ApiConnection> connection = ResolveConnection(
      options, [](const char*) { return nullptr; }, clock);
  if (!connection.ok()) throw std::runtime_error(std::string(connection.status().message()));
  connection->http.qps = 0;
  connection->http.user_agent = "live-bench";
  absl::StatusOr<std::unique_ptr<HttpTransport>> transport = HttpTransport::Create(connection->http, clock);
  if (!transport.ok()) throw std::runtime_error(std::string(transport.status().message()));
  return *std::move(transport);
}

struct Controller::Client {
  explicit Client(int port) : http("127.0.0.1", port) {
    http.enable_server_certificate_verification(false);
    http.set_keep_alive(true);
    http.set_tcp_nodelay(true);
    http.set_connection_timeout(std::chrono::seconds(5));
  }
  httplib::SSLClient http;
};

Controller::Controller(const Clock* clock, const Programs& programs, const TempFolder& folder, const std::string& name,
                       const ApiServer& server, const std::vector<std::string>& more)
    : started_(clock->Now()), port_(FreePort()), client_(std::make_unique<Client>(port_)) {
  std::vector<std::string> args = {
      programs.Controller(), "--kubeconfig", server.kubeconfig(), "--kube-api-qps",     "100000",
      "--kube-api-burst",    "100000",       "--secure-port",     std::to_string(port_)};
  args.insert(args.end(), more.begin(), more.end());
  process_ = std::make_unique<Process>(std::move(args), folder.Path(name + ".log"));
}

Controller::~Controller() = default;

std::string Controller::Page(const std::string& path) {
  const httplib::Result result = client_->http.Get(path.c_str());
  return result && result->status == 200 ? result->body : "";
}

bool Controller::Ready() { return !Page("/readyz").empty(); }

double Controller::Metric(const std::string& series) {
  const std::string page = "\n" + Page("/metrics");
  if (page.size() == 1) return -1;
  const std::size_t at = page.find("\n" + series + " ");
  return at == std::string::npos ? 0 : std::strtod(page.c_str() + at + series.size() + 2, nullptr);
}

std::string WrongSlices(const Clock& clock, Transport* transport) {
  ServiceController controller(ServiceControllerOptions{});
  ClusterStores& stores = controller.stores();
  Fill(transport, &stores.nodes, &controller);
  Fill(transport, &stores.pods, &controller);
  Fill(transport, &stores.slices, &controller);
  Fill(transport, &stores.services, &controller);
  const Instant start = clock.Now();
  controller.Start(start);
  while (const std::optional<Job> job = controller.Next(start)) {
    const Plan plan = controller.MakePlan(*job);
    if (!plan.writes.empty() || !plan.retry_errors.empty()) {
      return job->service.ToString() + ": " + std::to_string(plan.writes.size()) + " slices are not as they should be";
    }
    controller.Complete(*job, plan, {}, start);
  }
  return "";
}

std::string Fixed(double value, int decimals, const std::string& unit) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text + unit;
}

}  // namespace epslice::bench
