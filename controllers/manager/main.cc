// endpointslice-controller: the EndpointSlice controller as a program.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "controllers/manager/connection.h"
#include "controllers/manager/live_runner.h"
#include "controllers/manager/log.h"
#include "controllers/manager/options.h"
#include "controllers/manager/signals.h"
#include "informers/clock.h"
#include "informers/http/http_transport.h"

namespace epslice {
namespace {

LiveRunnerOptions RunnerOptions(const ManagerOptions& options, const Clock& clock) {
  LiveRunnerOptions out;
  out.controller.reconcile.max_endpoints_per_slice = options.max_endpoints_per_slice;
  out.controller.reconcile.controller_name = Text::Intern(options.controller_name);
  out.controller.batch_period = options.endpointslice_updates_batch_period;
  out.workers = options.concurrent_service_endpoint_syncs;
  out.min_resync_period = options.min_resync_period;
  // Two replicas started at once should not wait in step.
  out.seed = static_cast<std::uint64_t>(clock.WallNow().nanos) ^ static_cast<std::uint64_t>(getpid()) << 48;
  return out;
}

int Fail(const absl::Status& status) {
  std::cerr << "endpointslice-controller: " << status.message() << "\n";
  return 2;
}

int Run(const ManagerOptions& options) {
  PrepareStopSignals();
  const RealClock clock;
  Logger log({options.logging_format, options.verbosity, getpid()}, &clock, WriteToStderr);
  absl::StatusOr<ApiConnection> connection = ResolveConnection(options, std::getenv, &clock);
  if (!connection.ok()) return Fail(connection.status());
  absl::StatusOr<std::unique_ptr<HttpTransport>> transport = HttpTransport::Create(connection->http, &clock);
  if (!transport.ok()) return Fail(transport.status());
  if (connection->http.insecure_skip_tls_verify) {
    log.Warning("The API server's certificate is not verified: insecure-skip-tls-verify");
  }
  LiveRunner runner(RunnerOptions(options, clock), transport->get(), &clock, &log);
  log.Info(0, "Starting",
           {{"version", Version()}, {"server", connection->http.base_url}, {"config", connection->origin}});
  runner.Start();
  const int signal = WaitForStopSignal();
  log.Info(0, "Stopping", {{"signal", signal}});
  if (!runner.Stop()) log.Warning("A sync did not end in time and was cancelled");
  log.Info(0, "Stopped");
  return 0;
}

}  // namespace
}  // namespace epslice

int main(int argc, char** argv) {
  epslice::ManagerOptions options;
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (const std::optional<int> code = epslice::ParseOptions(args, &options, std::cout, std::cerr)) return *code;
  return epslice::Run(options);
}
