#include "test/bench/live/harness.h"

#include <httplib.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <utility>

#include "controllers/endpointslice/service_controller.h"
#include "controllers/manager/connection.h"
#include "informers/http/certificates.h"
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

ApiServer::ApiServer(const Clock* clock, const Programs& programs, const TempFolder& folder, const std::string& dump)
    : clock_(clock),
      programs_(programs),
      port_(FreePort()),
      kubeconfig_(folder.Path("kubeconfig")),
      certificate_(folder.Path("server.crt")),
      key_(folder.Path("server.key")),
      state_(folder.Path("state.jsonl")),
      log_(folder.Path("serve.log")) {
  CertificateOptions options;
  options.common_name = "127.0.0.1";
  options.hosts = {"127.0.0.1"};
  constexpr std::int64_t kDay = std::int64_t{24} * 3600 * 1'000'000'000;
  options.not_before = Timestamp{clock->WallNow().nanos - kDay};
  options.not_after = Timestamp{clock->WallNow().nanos + 7 * kDay};
  const absl::StatusOr<Identity> identity = MakeCertificate(options, nullptr);
  if (!identity.ok()) throw std::runtime_error("no certificate");
  std::ofstream(certificate_) << identity->certificate_pem;
  std::ofstream(key_) << identity->key_pem;
  std::ofstream(kubeconfig_) << "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                             << "clusters:\n- name: c\n  cluster:\n    server: https://127.0.0.1:" << port_
                             << "\n    certificate-authority: " << certificate_ << "\n"
                             << "users:\n- name: c\n  user: {}\n"
                             << "contexts:\n- name: c\n  context: {cluster: c, user: c}\n";
  std::remove(state_.c_str());
  Start(dump);
}

void ApiServer::Start(const std::string& dump) {
  std::vector<std::string> args = {programs_.Sim(),
                                   "serve",
                                   "--listen",
                                   "127.0.0.1:" + std::to_string(port_),
                                   "--state",
                                   state_,
                                   "--tls-cert-file",
                                   certificate_,
                                   "--tls-private-key-file",
                                   key_};
  if (!dump.empty()) args.insert(args.end(), {"-f", dump});
  std::remove(log_.c_str());
  process_ = std::make_unique<Process>(std::move(args), log_);
  const bool up = Await(*clock_, std::chrono::minutes(5), [&] {
    return !process_->Running() || process_->Output().find("serving https") != std::string::npos;
  });
  if (!up || !process_->Running()) throw std::runtime_error("serve does not start: " + process_->Output());
}

void ApiServer::Restart() {
  process_->Signal(SIGTERM);
  if (const int code = process_->Wait(); code != 0)
    throw std::runtime_error("serve ended with " + std::to_string(code));
  Start("");
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
