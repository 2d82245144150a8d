// endpointslice-controller: the EndpointSlice controller as a program.
#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controllers/endpointslice/service_event.h"
#include "controllers/manager/connection.h"
#include "controllers/manager/live_runner.h"
#include "controllers/manager/log.h"
#include "controllers/manager/log_writer.h"
#include "controllers/manager/metrics.h"
#include "controllers/manager/options.h"
#include "controllers/manager/serving.h"
#include "controllers/manager/serving_guard.h"
#include "controllers/manager/status_pages.h"
#include "informers/clock.h"
#include "informers/http/certificate_facts.h"
#include "informers/http/connect.h"
#include "informers/http/credentials.h"
#include "informers/http/http_transport.h"
#include "informers/http/proxy.h"
#include "informers/leader_runner.h"
#include "informers/stop_signals.h"

namespace epslice {
namespace {

LiveRunnerOptions RunnerOptions(const ManagerOptions& options, const Clock& clock) {
  LiveRunnerOptions out;
  out.controller.reconcile.max_endpoints_per_slice = options.max_endpoints_per_slice;
  out.controller.reconcile.controller_name = Text::Intern(options.controller_name);
  out.controller.reconcile.hints = options.hints;
  out.controller.batch_period = options.endpointslice_updates_batch_period;
  out.workers = options.concurrent_service_endpoint_syncs;
  out.watcher.stream_lists = true;
  // Where they do not stream: a few MB of pods, and 150,000 in few enough pages that
  // the limit on calls (20 a second) holds them up for seconds only.
  out.watcher.page_size = 1000;
  out.min_resync_period = options.min_resync_period;
  out.shutdown_grace = options.shutdown_grace_period;
  if (options.mode == ManagerMode::kShadow) {
    out.shadow.emplace();
    out.shadow->grace = options.shadow_grace;
    // It has nothing to write, and is not let.
    out.may_write = [] { return false; };
  }
  // Two replicas started at once should not wait in step.
  out.seed = static_cast<std::uint64_t>(clock.WallNow().nanos) ^ static_cast<std::uint64_t>(getpid()) << 48;
  return out;
}

int Fail(const absl::Status& status) {
  std::cerr << "endpointslice-controller: " << status.message() << "\n";
  return absl::IsUnavailable(status) ? 1 : 2;  // what is wrong may pass
}

CertificateTimes TimesOf(const Credentials* credentials, const Serving& serving) {
  CertificateTimes times;
  times.serving_ends = serving.certificate_ends();
  if (credentials == nullptr) return times;
  times.client_from_plugin = credentials->from_plugin();
  const absl::StatusOr<CertificateFacts> facts = ReadCertificateFacts(credentials->certificate_pem());
  if (facts.ok()) times.client_ends = facts->not_after;
  return times;
}

// Health, metrics and the like on a port. `code`: where it cannot be had, the
// exit code, after one line to standard error. Null without a port.
std::unique_ptr<Serving> StartServing(const ManagerOptions& options, ServingGuard* guard, const LiveRunner* runner,
                                      const Metrics* metrics, const Credentials* credentials, const Clock* clock,
                                      Logger* log, std::optional<int>* code) {
  if (options.secure_port == 0) return nullptr;
  ServingOptions serving_options;
  serving_options.address = options.bind_address;
  serving_options.port = options.secure_port;
  serving_options.tls = !options.insecure;
  serving_options.tls_cert_file = options.tls_cert_file;
  serving_options.tls_private_key_file = options.tls_private_key_file;
  serving_options.tls_named = options.tls_sni_cert_keys;
  serving_options.tls_policy = options.tls_policy;
  serving_options.permit_port_sharing = options.permit_port_sharing;
  if (guard != nullptr) {
    serving_options.guard = [guard](const GuardedRequest& request) { return guard->Check(request); };
    serving_options.client_ca_pem = [guard] { return guard->client_ca_pem(); };
  }
  auto serving = std::make_unique<Serving>(serving_options, clock, log);
  StatusPagesOptions pages;
  pages.version = std::string(Version());
  pages.flags = options.effective;
  pages.certificates = [credentials, serving = serving.get()] { return TimesOf(credentials, *serving); };
  AddStatusPages(pages, runner, metrics, clock, log, serving.get());
  if (const absl::Status started = serving->Start(); !started.ok()) {
    const bool bad_argument = started.code() == absl::StatusCode::kInvalidArgument;
    std::cerr << "endpointslice-controller: " << started.message()
              << (bad_argument ? "\n" : " (see --bind-address, --secure-port)\n");
    *code = bad_argument ? 2 : 1;
    return nullptr;
  }
  log->Info(0, "Serving",
            {{"address", options.bind_address},
             {"port", serving->port()},
             {"tls", !options.insecure},
             {"delegatedAuth", guard != nullptr}});
  return serving;
}

// Leader election, with a transport of its own: its calls must neither wait for
// others in the rate limit nor longer than the lease allows.
struct Leading {
  std::unique_ptr<HttpTransport> transport;
  std::unique_ptr<LeaderRunner> runner;
  LiveRunner* work = nullptr;

  void Start(LiveRunner* live) {
    work = live;
    runner->Start();
  }
};

void LogNews(const LeaderNews& news, Logger* log) {
  const LogField lease("lease", news.lease);
  const LogField more(news.key, news.value);
  if (news.weight == LeaderNews::Weight::kWarning) {
    log->Warning(news.what, {lease, more});
  } else if (news.key.empty()) {
    log->Info(0, news.what, {lease});
  } else {
    log->Info(news.weight == LeaderNews::Weight::kDetail ? 2 : 0, news.what, {lease, more});
  }
}

absl::StatusOr<std::unique_ptr<Leading>> MakeLeading(const ManagerOptions& options, const std::string& identity,
                                                     HttpTransportOptions http, Metrics* metrics, const Clock* clock,
                                                     Logger* log) {
  auto leading = std::make_unique<Leading>();
  absl::StatusOr<std::unique_ptr<HttpTransport>> transport =
      HttpTransport::Create(LeaseTransportOptions(std::move(http), options.leader_election.renew_deadline), clock);
  if (!transport.ok()) return transport.status();
  leading->transport = *std::move(transport);
  LeaderRunnerOptions runner;
  runner.elector = options.leader_election;
  runner.elector.identity = identity;
  runner.component = std::string(kEventComponent);
  const std::string name = runner.elector.name;
  metrics->SetLeader(name, false);
  runner.on_leading = [metrics, name, leading = leading.get()] {
    metrics->SetLeader(name, true);
    leading->work->Lead();
  };
  runner.on_lost = [metrics, name, leading = leading.get()] {
    metrics->SetLeader(name, false);
    // The grace period of a shutdown is not for who leads no more.
    leading->work->StopWriting();
    RequestStop();
  };
  runner.tell = [log](const LeaderNews& news) { LogNews(news, log); };
  leading->runner = std::make_unique<LeaderRunner>(std::move(runner), leading->transport.get(), clock);
  metrics->SetSlowRenewals(name, [runner = leading->runner.get()] { return runner->slow_renewals(); });
  return leading;
}

int Run(const ManagerOptions& options) {
  PrepareStopSignals();
  const RealClock clock;
  const LoggerOptions logging{options.logging_format, options.verbosity, getpid()};
  LogWriterOptions to_stderr;
  to_stderr.lost_line = LostLine(logging, &clock);
  LogWriter lines(std::move(to_stderr));
  Logger log(logging, &clock, [&lines](std::string_view line) { lines.Write(line); });
  absl::StatusOr<ApiConnection> connection = ResolveConnection(options, std::getenv, &clock);
  if (!connection.ok()) return Fail(connection.status());
  Metrics metrics(connection->http.base_url, &clock);
  metrics.SetLostLogLines([&lines] { return lines.lost(); });
  connection->http.observe = [&metrics](const Request& r, int c, Duration took) { metrics.ObserveRequest(r, c, took); };
  connection->http.observe_bytes = [&metrics](const Request& r, std::size_t bytes) { metrics.ObserveBytes(r, bytes); };
  connection->http.on_fallback = [&log](const Status& why) {
    log.Warning("The API server refuses protobuf: JSON from now on", {{"status", why.ToString()}});
  };
  if (connection->http.credentials != nullptr) {
    connection->http.credentials->OnRotation([&metrics](const std::string& pem) { metrics.ObserveRotation(pem); });
    LogTroubleOf(connection->http.credentials.get(), "", &log);
  }
  connection->http.metadata_of_written_suffices = true;  // for SliceTracker
  absl::StatusOr<std::unique_ptr<HttpTransport>> transport = HttpTransport::Create(connection->http, &clock);
  if (!transport.ok()) return Fail(transport.status());
  if (connection->http.insecure_skip_tls_verify) {
    log.Warning("The API server's certificate is not verified: insecure-skip-tls-verify");
  }
  const absl::StatusOr<std::unique_ptr<ServingGuard>> guard =
      ServingGuard::Create(options, *connection, &clock, &log, StopToken(),
                           [&metrics](Duration remaining) { metrics.ObserveClientCertificate(remaining); });
  if (StopToken()->cancelled()) {
    log.Info(0, "Stopped before it was started", {{"signal", WaitForStopSignal()}});
    return 0;
  }
  if (!guard.ok()) return Fail(guard.status());
  LiveRunnerOptions runner_options = RunnerOptions(options, clock);
  runner_options.controller.queue.observer = metrics.queue_observer();
  runner_options.observe_sync = [&metrics](const Job& job, const Plan& plan, const Outcome& outcome) {
    metrics.ObserveSync(job, plan, outcome);
  };
  runner_options.identity = NewLeaderIdentity();
  std::unique_ptr<Leading> leading;
  if (options.leader_elect) {
    absl::StatusOr<std::unique_ptr<Leading>> made =
        MakeLeading(options, runner_options.identity, connection->http, &metrics, &clock, &log);
    if (!made.ok()) return Fail(made.status());
    leading = *std::move(made);
    runner_options.standby = true;
    runner_options.may_write = [leader = leading->runner.get()] { return leader->MayWrite(); };
  }
  LiveRunner runner(std::move(runner_options), transport->get(), &clock, &log);
  log.Info(0, "Starting",
           {{"version", Version()}, {"server", connection->http.base_url}, {"config", connection->origin}});
  if (const auto& proxy = connection->http.proxy; proxy != nullptr) {
    log.Info(0, "The API server is reached by a proxy", {{"proxy", proxy->Address()}, {"from", proxy->origin}});
  }
  if (options.mode == ManagerMode::kShadow) {
    log.Info(0, "Shadow mode: reads and compares only; no slice, Event or Lease is written",
             {{"managedBy", options.controller_name}, {"grace", options.shadow_grace}});
  }
  std::optional<int> code;
  const std::unique_ptr<Serving> serving =
      StartServing(options, guard->get(), &runner, &metrics, connection->http.credentials.get(), &clock, &log, &code);
  if (code) return *code;
  runner.Start();
  if (leading != nullptr) leading->Start(&runner);
  const int signal = WaitForStopSignal();
  runner.BeginStop();
  const bool lost = leading != nullptr && leading->runner->lost();
  if (!lost) log.Info(0, "Stopping", {{"signal", signal}});
  if (!runner.Stop()) log.Warning("A sync did not end in time and was cancelled");
  if (leading != nullptr) leading->runner->Stop();
  if (*guard != nullptr) (*guard)->Cancel();
  log.Info(0, "Stopped");
  return lost ? 1 : 0;
}

}  // namespace
}  // namespace epslice

int main(int argc, char** argv) {
  // An arena for each thread: what one takes and another gives back leaves holes in
  // each of them, and memory grows for hours. Two are enough for threads that wait
  // for the network most of the time. Who has said otherwise is heeded.
  const char* const tunables = std::getenv("GLIBC_TUNABLES");
  const bool told = std::getenv("MALLOC_ARENA_MAX") != nullptr ||
                    (tunables != nullptr && std::string_view(tunables).find("arena_max") != std::string_view::npos);
  if (!told) mallopt(M_ARENA_MAX, 2);
  epslice::ManagerOptions options;
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (const std::optional<int> code = epslice::ParseOptions(args, &options, std::cout, std::cerr)) return *code;
  return epslice::Run(options);
}
