// endpointslice-controller: the EndpointSlice controller as a program.
#include <unistd.h>

#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

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

int Run(const ManagerOptions& options) {
  PrepareStopSignals();
  const RealClock clock;
  Logger log({options.logging_format, options.verbosity, getpid()}, &clock, WriteToStderr);
  HttpTransportOptions http;
  http.base_url = options.master;
  http.qps = options.kube_api_qps;
  http.burst = options.kube_api_burst;
  http.user_agent = UserAgent();
  absl::StatusOr<std::unique_ptr<HttpTransport>> transport = HttpTransport::Create(http, &clock);
  if (!transport.ok()) {
    std::cerr << "endpointslice-controller: --master=" << options.master << ": " << transport.status().message()
              << "\n";
    return 2;
  }
  LiveRunner runner(RunnerOptions(options, clock), transport->get(), &clock, &log);
  log.Info(0, "Starting", {{"version", Version()}, {"master", options.master}});
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
