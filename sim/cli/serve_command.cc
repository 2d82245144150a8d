#include "sim/cli/serve_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apis/cat.h"
#include "apis/status_text.h"
#include "informers/clock.h"
#include "informers/http/client_config.h"
#include "sim/cli/end_signals.h"
#include "sim/cli/run_flags.h"
#include "sim/cli/serve_audit.h"
#include "sim/cli/serve_cluster.h"
#include "sim/cli/serve_security.h"
#include "sim/cli/serve_state.h"
#include "sim/report/table.h"
#include "sim/serve/http_server.h"

namespace epslice::sim {
namespace {

std::string KindNames() {
  std::string names;
  for (Kind kind : kAllKinds) names += Cat({names.empty() ? "" : ", ", InfoOf(kind).resource});
  return names;
}

class ServeCommand : public Command {
 public:
  std::string_view name() const override { return "serve"; }
  std::string_view summary() const override {
    return "Serve a dump, or a scenario as it happens, as a Kubernetes API server in memory, for kubectl and "
           "controllers";
  }
  void AddFlags(CLI::App* app) override;
  int Run(const Streams& streams) override;

 private:
  // Nullopt: what is wrong with them was told.
  std::optional<ServeInput> Input(const Streams& streams);
  // Until a signal comes; returns the exit code.
  int Serve(ServedCluster* cluster, const Security& security, ListenAddress listen, AuditLog* audit,
            EndSignals* signals, const Streams& streams);
  HttpServerOptions Options(const ListenAddress& listen, const Streams& streams);
  // What is to be written at the end: the state, and the rest of the log.
  absl::Status Finish(const ServedCluster& cluster, AuditLog* audit) const;

  std::vector<std::string> files_;
  std::vector<std::string> without_;
  std::string listen_ = "127.0.0.1:8001";
  SecurityFlags security_;
  AuditFlags audit_;
  std::string state_;
  std::size_t watch_history_ = MemoryApiServerOptions().history;
  std::optional<std::uint64_t> seed_;
  std::string scenario_;
  std::string speed_;
  bool json_only_ = false;
  int verbosity_ = 0;
  std::mutex log_mu_;
};

void ServeCommand::AddFlags(CLI::App* app) {
  app->add_option("-f,--filename", files_,
                  "Dump to serve: a file, a directory, or - for standard input; may be given several times. With "
                  "--scenario, what the scenario goes on from; with --speed, a trace that is replayed. Without it and "
                  "--scenario the server is empty")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app->add_option("--scenario", scenario_,
                  "Serve the cluster of a scenario, and let its actions happen, in real time: a file, or the name of a "
                  "bundled one (run --list-scenarios). No controller runs inside")
      ->type_name("SCENARIO");
  app->add_option("--speed", speed_,
                  "How many times as fast what a scenario, or a trace (-f), tells of happens: 60 is a minute each "
                  "second; a scenario's is 1 unless told otherwise")
      ->type_name("X");
  app->add_option("--listen", listen_,
                  "Address and port to listen on; port 0 is any free one. Without tokens there is no "
                  "authentication: think before you leave loopback")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  AddSecurityFlags(app, &security_);
  app->add_option("--without", without_,
                  "Leave out a kind of the dump (\"endpointslices\"); may be given several times")
      ->type_name("KIND")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app->add_flag("--json-only", json_only_,
                "Answer in JSON also those who would rather have protobuf. Protobuf answers carry the fields that "
                "epslice knows; JSON is the whole object");
  app->add_option("--state", state_,
                  "Go on from what was written to this file, if it is there, rather than from a dump; at the end all "
                  "objects are written to it")
      ->type_name("FILE");
  AddAuditFlags(app, &audit_);
  app->add_option("--watch-history", watch_history_,
                  "Changes kept for watches, over all kinds: a watch from before them is answered 410 Gone")
      ->type_name("N")
      ->capture_default_str();
  app->add_option("--seed", seed_,
                  "Seed of uids, generated names, and what is drawn in a scenario; left out: the "
                  "scenario's, or 1")
      ->type_name("N");
  app->add_option("-v", verbosity_, "Verbosity: from 1 each request is logged to standard error")->type_name("N");
}

HttpServerOptions ServeCommand::Options(const ListenAddress& listen, const Streams& streams) {
  HttpServerOptions options;
  options.address = listen.host;
  options.port = listen.port;
  options.protobuf = !json_only_;
  if (verbosity_ >= 1) {
    options.access_log = [this, &streams](const AccessRecord& record) {
      const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(record.duration).count();
      const std::string line = Cat({record.remote, " ", record.method, " ", QuoteForError(record.target, 2048), " ",
                                    std::to_string(record.code), " ", std::to_string(record.bytes), "B ",
                                    std::to_string(micros), "us ", QuoteForError(record.user_agent, 128), "\n"});
      std::lock_guard<std::mutex> lock(log_mu_);
      streams.err << line << std::flush;
    };
  }
  return options;
}

std::optional<ServeInput> ServeCommand::Input(const Streams& streams) {
  ServeInput input;
  for (const std::string& name : without_) {
    const std::optional<Kind> kind = KindByName(name);
    if (!kind.has_value()) {
      BadInput(streams,
               Cat({"serve: --without: there is no kind ", QuoteForError(name), "; there are: ", KindNames()}));
      return std::nullopt;
    }
    input.without.push_back(*kind);
  }
  if (!speed_.empty()) {
    const absl::StatusOr<double> speed = ParseSpeed(speed_);
    if (!speed.ok()) {
      BadInput(streams, Cat({"serve: --speed: ", MessageOf(speed.status())}));
      return std::nullopt;
    }
    input.speed = *speed;
  }
  input.files = files_;
  input.scenario = scenario_;
  input.state = state_;
  input.seed = seed_;
  input.watch_history = watch_history_;
  input.log = [this, &streams](Instant at, const std::string& what) {
    const std::lock_guard<std::mutex> lock(log_mu_);
    streams.err << ClockText(at) << ' ' << Printable(what) << '\n' << std::flush;
  };
  return input;
}

int ServeCommand::Run(const Streams& streams) {
  const absl::StatusOr<ListenAddress> listen = ParseListenAddress(listen_);
  if (!listen.ok()) return BadInput(streams, Cat({"serve: --listen: ", MessageOf(listen.status())}));
  std::optional<ServeInput> input = Input(streams);
  if (!input) return kExitBadInput;
  const RealClock clock;
  absl::StatusOr<Security> security = PrepareSecurity(security_, listen->host, clock);
  if (!security.ok()) return BadInput(streams, Cat({"serve: ", MessageOf(security.status())}));
  input->bootstrap_policy = security->authorization == AuthorizationMode::kRbac;
  absl::StatusOr<ServedCluster> cluster = MakeServedCluster(*input, &clock, streams);
  if (!cluster.ok()) return BadInput(streams, Cat({"serve: ", MessageOf(cluster.status())}));
  // Before the threads of the log and the server, which inherit the mask.
  EndSignals signals;
  absl::StatusOr<std::unique_ptr<AuditLog>> audit = OpenAuditLog(audit_, &clock);
  if (!audit.ok()) return BadInput(streams, Cat({"serve: ", MessageOf(audit.status())}));
  const int code = Serve(&*cluster, *security, *listen, audit->get(), &signals, streams);
  if (code == kExitBadInput) return code;
  const absl::Status written = Finish(*cluster, audit->get());
  if (written.ok()) return code;
  streams.err << "endpointslice-sim: serve: " << MessageOf(written) << '\n';
  return kExitNotAllWell;
}

absl::Status ServeCommand::Finish(const ServedCluster& cluster, AuditLog* audit) const {
  absl::Status written =
      state_.empty() ? absl::OkStatus() : WriteServeState(state_, cluster.server, *cluster.documents);
  if (audit == nullptr) return written;
  const absl::Status logged = audit->Close();
  if (!logged.ok()) {
    written.Update(absl::FailedPreconditionError(
        Cat({"--audit-log-path ", audit_.path, ": ", MessageOf(logged), "; the log ends before the requests do"})));
  }
  return written;
}

int ServeCommand::Serve(ServedCluster* cluster, const Security& security, ListenAddress listen, AuditLog* audit,
                        EndSignals* signals, const Streams& streams) {
  HttpServerOptions options = Options(listen, streams);
  options.tls = security.tls;
  options.tokens = security.tokens;
  options.authorization = security.authorization;
  options.token_limits.shortest = std::chrono::seconds(security_.min_token_seconds);
  options.documents = cluster->documents.get();
  options.audit = audit;
  options.advance = cluster->live == nullptr;
  options.audit_start = cluster->live != nullptr;
  HttpServer http(cluster->clock, cluster->server, std::move(options));
  if (const absl::Status status = http.Start(); !status.ok()) {
    return BadInput(streams, Cat({"serve: ", MessageOf(status)}));
  }
  listen.port = http.port();
  const bool tls = security.tls != nullptr;
  if (!security_.write_kubeconfig.empty()) {
    const absl::Status status = WriteKubeconfig(security_.write_kubeconfig, listen.ForClients().Url(tls), security);
    if (!status.ok()) return BadInput(streams, Cat({"serve: ", MessageOf(status)}));
  }
  if (!listen.IsLoopback() && security.tokens == nullptr) {
    streams.err << "warning: " << listen.host
                << " can be reached from other machines, and there is no authentication\n";
  }
  {
    const std::lock_guard<std::mutex> lock(log_mu_);
    streams.err << "serving " << listen.Url(tls) << " (" << cluster->Describe() << ")\n" << std::flush;
  }
  LiveRun* const live = cluster->live.get();
  std::thread living;
  if (live != nullptr) living = std::thread([live] { live->Run(); });
  signals->Wait();
  http.Stop();
  if (live == nullptr) return kExitOk;
  live->Stop();
  living.join();
  return live->status().ok() ? kExitOk : kExitNotAllWell;
}

}  // namespace

std::unique_ptr<Command> MakeServeCommand() { return std::make_unique<ServeCommand>(); }

bool ListenAddress::IsLoopback() const { return host.rfind("127.", 0) == 0 || host == "::1" || host == "localhost"; }

ListenAddress ListenAddress::ForClients() const {
  if (host == "0.0.0.0") return {"127.0.0.1", port};
  if (host == "::") return {"::1", port};
  return *this;
}

std::string ListenAddress::Url(bool tls) const {
  const bool v6 = host.find(':') != std::string::npos;
  return Cat({tls ? "https://" : "http://", v6 ? "[" : "", host, v6 ? "]" : "", ":", std::to_string(port)});
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto refuse = [&] {
    return absl::InvalidArgumentError(
        Cat({QuoteForError(text), " is not HOST:PORT (127.0.0.1:8001, [::1]:8001, localhost:0)"}));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return refuse();
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.front() == '[') {
    if (host.size() < 3 || host.back() != ']') return refuse();
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse();
  }
  ListenAddress address;
  address.host = std::string(host);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() || address.port < 0 || address.port > 65535) {
    return refuse();
  }
  return address;
}

}  // namespace epslice::sim
