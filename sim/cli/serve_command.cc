#include "sim/cli/serve_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "apis/cat.h"
#include "informers/clock.h"
#include "informers/http/client_config.h"
#include "sim/cli/end_signals.h"
#include "sim/cli/flags.h"
#include "sim/cli/serve_security.h"
#include "sim/cli/serve_state.h"
#include "sim/cluster/document_store.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/serve/audit_log.h"
#include "sim/serve/http_server.h"

namespace epslice::sim {
namespace {

using Counts = std::array<std::int64_t, kAllKinds.size()>;

std::string_view Message(const absl::Status& status) { return {status.message().data(), status.message().size()}; }

// A kind by what kubectl calls it: "endpointslices", "EndpointSlice", "svc".
std::optional<Kind> KindByName(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::array<std::pair<std::string_view, Kind>, 5> kShort = {{{"ns", Kind::kNamespace},
                                                                        {"no", Kind::kNode},
                                                                        {"po", Kind::kPod},
                                                                        {"svc", Kind::kService},
                                                                        {"ev", Kind::kEvent}}};
  for (const auto& [short_name, kind] : kShort) {
    if (name == short_name) return kind;
  }
  for (Kind kind : kAllKinds) {
    if (name == InfoOf(kind).resource || name == InfoOf(kind).singular) return kind;
  }
  return std::nullopt;
}

std::string KindNames() {
  std::string names;
  for (Kind kind : kAllKinds) names += Cat({names.empty() ? "" : ", ", InfoOf(kind).resource});
  return names;
}

using DocumentCounts = std::map<const DocumentKind*, std::int64_t>;

// "2 nodes, 1 service", of the kinds there are.
std::string Describe(const Counts& counts, const DocumentCounts& documents) {
  std::string text;
  for (Kind kind : kAllKinds) {
    const std::int64_t count = counts[static_cast<std::size_t>(kind)];
    if (count == 0) continue;
    const KindInfo& info = InfoOf(kind);
    text += Cat({text.empty() ? "" : ", ", std::to_string(count), " ", count == 1 ? info.singular : info.resource});
  }
  for (const DocumentKind& kind : DocumentKinds()) {
    const auto found = documents.find(&kind);
    if (found == documents.end()) continue;
    text += Cat({text.empty() ? "" : ", ", std::to_string(found->second), " ",
                 found->second == 1 ? kind.singular : kind.resource});
  }
  return text.empty() ? "nothing" : text;
}

class ServeCommand : public Command {
 public:
  std::string_view name() const override { return "serve"; }
  std::string_view summary() const override {
    return "Serve the objects of a dump as a Kubernetes API server in memory, for kubectl and controllers";
  }
  void AddFlags(CLI::App* app) override;
  int Run(const Streams& streams) override;

 private:
  // Puts the dump in place, but for the kinds left out.
  absl::Status Load(const Dump& dump, const std::vector<Kind>& without, MemoryApiServer* server, Counts* counts) const;
  // The same for what is kept as documents.
  static absl::Status LoadDocuments(const Dump& dump, DocumentStore* documents, DocumentCounts* counts);
  HttpServerOptions Options(const ListenAddress& listen, const Streams& streams);
  // Null without --audit-log-path.
  absl::StatusOr<std::unique_ptr<AuditLog>> OpenAuditLog() const;

  std::vector<std::string> files_;
  std::vector<std::string> without_;
  std::string listen_ = "127.0.0.1:8001";
  SecurityFlags security_;
  std::string audit_log_;
  std::string audit_policy_;
  std::string state_;
  std::size_t watch_history_ = MemoryApiServerOptions().history;
  std::uint64_t seed_ = 1;
  bool json_only_ = false;
  int verbosity_ = 0;
  std::mutex log_mu_;
};

void ServeCommand::AddFlags(CLI::App* app) {
  app->add_option("-f,--filename", files_,
                  "Dump to serve: a file, a directory, or - for standard input; may be given several times. Without "
                  "it the server is empty")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
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
  app->add_option("--audit-log-path", audit_log_,
                  "Append what clients ask for to this file as kube-apiserver does (audit.k8s.io/v1, one JSON line "
                  "each; - for standard output): `run -f` replays it. Credentials are never in it")
      ->type_name("FILE");
  app->add_option("--audit-policy-file", audit_policy_,
                  "What --audit-log-path logs: a Policy of audit.k8s.io/v1. Without it writes of pods, services, "
                  "nodes, namespaces and endpointslices at level RequestResponse, other writes at level Metadata")
      ->type_name("FILE");
  app->add_option("--watch-history", watch_history_,
                  "Changes kept for watches, over all kinds: a watch from before them is answered 410 Gone")
      ->type_name("N")
      ->capture_default_str();
  app->add_option("--seed", seed_, "Seed of uids and generated names")->type_name("N")->capture_default_str();
  app->add_option("-v", verbosity_, "Verbosity: from 1 each request is logged to standard error")->type_name("N");
}

absl::Status ServeCommand::Load(const Dump& dump, const std::vector<Kind>& without, MemoryApiServer* server,
                                Counts* counts) const {
  for (const AnyObject& object : dump.objects) {
    if (std::find(without.begin(), without.end(), object.kind()) != without.end()) continue;
    const absl::Status status = server->Load(object);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          Cat({InfoOf(object.kind()).name, " ", KeyOf(object.meta()).ToString(), ": ", Message(status)}));
    }
    ++(*counts)[static_cast<std::size_t>(object.kind())];
  }
  return absl::OkStatus();
}

absl::Status ServeCommand::LoadDocuments(const Dump& dump, DocumentStore* documents, DocumentCounts* counts) {
  for (const DumpDocument& document : dump.documents) {
    const DocumentKind& kind = *FindDocumentKind(document.apiVersion, document.kind);
    if (const absl::Status status = documents->Load(kind, document.json); !status.ok()) {
      return absl::InvalidArgumentError(Cat({document.where, ": ", Message(status)}));
    }
    ++(*counts)[&kind];
  }
  return absl::OkStatus();
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

absl::StatusOr<std::unique_ptr<AuditLog>> ServeCommand::OpenAuditLog() const {
  const auto wrong = [](std::string_view what, const absl::Status& why) {
    return absl::InvalidArgumentError(Cat({what, ": ", Message(why)}));
  };
  if (audit_log_.empty()) {
    if (audit_policy_.empty()) return nullptr;
    return absl::InvalidArgumentError("--audit-policy-file needs --audit-log-path");
  }
  AuditPolicy policy = AuditPolicy::Default();
  if (!audit_policy_.empty()) {
    const std::string what = Cat({"--audit-policy-file ", audit_policy_});
    const absl::StatusOr<std::string> text = ReadFileBounded(audit_policy_);
    if (!text.ok()) return wrong(what, text.status());
    absl::StatusOr<AuditPolicy> parsed = AuditPolicy::Parse(*text);
    if (!parsed.ok()) return wrong(what, parsed.status());
    policy = *std::move(parsed);
  }
  absl::StatusOr<std::unique_ptr<AuditLog>> log = AuditLog::Open(audit_log_, std::move(policy));
  return log.ok() ? std::move(log) : wrong("--audit-log-path", log.status());
}

int ServeCommand::Run(const Streams& streams) {
  absl::StatusOr<ListenAddress> listen = ParseListenAddress(listen_);
  if (!listen.ok()) return BadInput(streams, Cat({"serve: --listen: ", Message(listen.status())}));
  std::vector<Kind> without;
  for (const std::string& name : without_) {
    const std::optional<Kind> kind = KindByName(name);
    if (!kind.has_value()) {
      return BadInput(streams,
                      Cat({"serve: --without: there is no kind ", QuoteForError(name), "; there are: ", KindNames()}));
    }
    without.push_back(*kind);
  }
  const RealClock clock;
  absl::StatusOr<Security> security = PrepareSecurity(security_, listen->host, clock);
  if (!security.ok()) return BadInput(streams, Cat({"serve: ", Message(security.status())}));
  absl::StatusOr<ServeState> state = state_.empty() ? ServeState() : ReadServeState(state_);
  if (!state.ok()) return BadInput(streams, Cat({"serve: ", Message(state.status())}));
  MemoryApiServerOptions server_options;
  // Not the uids and names again that are in use.
  server_options.seed = seed_ + state->resource_version;
  server_options.history = watch_history_;
  MemoryApiServer server(&clock, server_options);
  DocumentStore documents(&clock, server_options.seed);
  if (security->authorization == AuthorizationMode::kRbac) documents.LoadBootstrapPolicy();
  Counts counts{};
  DocumentCounts document_counts;
  if (state->resource_version != 0) {
    Dump stored;
    stored.objects = std::move(state->objects);
    stored.documents = std::move(state->documents);
    absl::Status status = Load(stored, {}, &server, &counts);
    if (status.ok()) status = LoadDocuments(stored, &documents, &document_counts);
    if (!status.ok()) return BadInput(streams, Cat({"serve: --state ", state_, ": ", Message(status)}));
    server.LoadVersion(state->resource_version);
  } else if (!files_.empty()) {
    DumpOptions dump_options;
    dump_options.keep_json = true;
    dump_options.standard_input = &streams.in;
    dump_options.keep_documents = IsDocumentKind;
    const absl::StatusOr<Dump> dump = ReadDump(files_, dump_options);
    if (!dump.ok()) return BadInput(streams, Cat({"serve: ", Message(dump.status())}));
    for (const std::string& note : dump->notes) streams.err << note << '\n';
    absl::Status status = Load(*dump, without, &server, &counts);
    if (status.ok()) status = LoadDocuments(*dump, &documents, &document_counts);
    if (!status.ok()) return BadInput(streams, Cat({"serve: ", Message(status)}));
  }
  // Before the server's threads, which inherit the mask.
  EndSignals signals;
  absl::StatusOr<std::unique_ptr<AuditLog>> audit = OpenAuditLog();
  if (!audit.ok()) return BadInput(streams, Cat({"serve: ", Message(audit.status())}));
  HttpServerOptions http_options = Options(*listen, streams);
  http_options.tls = security->tls;
  http_options.tokens = security->tokens;
  http_options.authorization = security->authorization;
  http_options.documents = &documents;
  http_options.audit = audit->get();
  HttpServer http(&clock, &server, std::move(http_options));
  if (const absl::Status status = http.Start(); !status.ok()) {
    return BadInput(streams, Cat({"serve: ", Message(status)}));
  }
  listen->port = http.port();
  const bool tls = security->tls != nullptr;
  if (!security_.write_kubeconfig.empty()) {
    const absl::Status status = WriteKubeconfig(security_.write_kubeconfig, listen->ForClients().Url(tls), *security);
    if (!status.ok()) return BadInput(streams, Cat({"serve: ", Message(status)}));
  }
  if (!listen->IsLoopback() && security->tokens == nullptr) {
    streams.err << "warning: " << listen->host
                << " can be reached from other machines, and there is no authentication\n";
  }
  streams.err << "serving " << listen->Url(tls) << " (" << Describe(counts, document_counts) << ")\n" << std::flush;
  signals.Wait();
  http.Stop();
  absl::Status written = state_.empty() ? absl::OkStatus() : WriteServeState(state_, &server, documents);
  if (*audit != nullptr) {
    const absl::Status logged = (*audit)->Close();
    if (!logged.ok()) {
      written.Update(absl::FailedPreconditionError(
          Cat({"--audit-log-path ", audit_log_, ": ", Message(logged), "; the log ends before the requests do"})));
    }
  }
  if (written.ok()) return kExitOk;
  streams.err << "endpointslice-sim: serve: " << Message(written) << '\n';
  return kExitNotAllWell;
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
