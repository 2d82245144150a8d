#include "sim/cli/record_command.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "apis/concat.h"
#include "informers/http/connect.h"
#include "informers/http/http_transport.h"
#include "informers/http/kubeconfig.h"
#include "sim/cli/end_signals.h"
#include "sim/cli/record_threads.h"
#include "sim/cli/run_flags.h"
#include "sim/report/table.h"
#include "sim/run/settings.h"
#include "sim/trace/compressed_file.h"
#include "sim/trace/trace_recorder.h"

namespace epslice::sim {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(250);
constexpr Duration kFlush = std::chrono::milliseconds(500);

class RecordCommand : public Command {
 public:
  std::string_view name() const override { return "record"; }
  std::string_view summary() const override {
    return "write what happens to a live cluster as a trace; it lists and watches, nothing else";
  }
  void AddFlags(CLI::App* app) override {
    app->add_option("--kubeconfig", kubeconfig_, "how to reach the cluster; else the files in KUBECONFIG")
        ->type_name("FILE");
    app->add_option("--context", context_, "instead of the kubeconfig's current context")->type_name("NAME");
    app->add_option("--master", master_, "instead of the kubeconfig's server; alone, without credentials")
        ->type_name("URL");
    app->add_option("-o,--out", out_,
                    "where to write it, compressed where the name ends in .gz, .zst or .xz; - is standard output")
        ->capture_default_str()
        ->type_name("FILE");
    app->add_option("--duration", duration_, "end after this time: 90s, 1h30m; else on SIGINT or SIGTERM")
        ->check([](const std::string& text) {
          return ParseSpan(text) ? std::string() : "--duration: \"" + text + "\" is no duration (90s, 1h30m)";
        })
        ->type_name("D");
  }
  int Run(const Streams& streams) override;

 private:
  absl::StatusOr<ClientConfig> ChooseConfig() const;
  absl::StatusOr<std::unique_ptr<HttpTransport>> Connect(const Clock* clock) const;
  int Record(HttpTransport* transport, const Clock& clock, std::ostream* out, const Streams& streams) const;
  // Until it is to end; false where the output takes no more.
  bool Watch(const Clock& clock, RecordThreads* threads, TraceRecorder* recorder, EndSignals* signals,
             const Streams& streams) const;

  std::string kubeconfig_;
  std::string context_;
  std::string master_;
  std::string out_ = "-";
  std::string duration_;
};

absl::StatusOr<ClientConfig> RecordCommand::ChooseConfig() const {
  const KubeconfigChoice choice{context_, master_};
  if (!kubeconfig_.empty()) return LoadKubeconfig(kubeconfig_, choice);
  if (!master_.empty() && context_.empty()) {
    ClientConfig config;
    config.origin = "--master";
    config.server = master_;
    return config;
  }
  const char* const list = std::getenv("KUBECONFIG");
  if (list != nullptr && *list != 0) return LoadKubeconfigList(list, choice);
  return absl::InvalidArgumentError(
      "no API server is named: accepted are --kubeconfig FILE, files in KUBECONFIG, and --master URL");
}

absl::StatusOr<std::unique_ptr<HttpTransport>> RecordCommand::Connect(const Clock* clock) const {
  HttpTransportOptions options;
  options.user_agent = "endpointslice-sim";
  options.keep_json = true;
  return epslice::Connect(ChooseConfig(), options, clock);
}

int RecordCommand::Run(const Streams& streams) {
  // A server or a pipe that goes away in mid-write must not end us without a word.
  std::signal(SIGPIPE, SIG_IGN);
  const RealClock clock;
  const absl::StatusOr<std::unique_ptr<HttpTransport>> transport = Connect(&clock);
  if (!transport.ok()) return BadInput(streams, Concat("record: ", std::string(transport.status().message())));
  if (out_ == "-") return Record(transport->get(), clock, &streams.out, streams);
  const absl::StatusOr<std::unique_ptr<OutputFile>> file = OpenOutputFile(out_);
  if (!file.ok()) return BadInput(streams, Concat("record: --out: ", out_, " ", std::string(file.status().message())));
  const int code = Record(transport->get(), clock, &(*file)->stream(), streams);
  const absl::Status closed = (*file)->Close();
  if (closed.ok() || code == kExitBadInput) return code;
  return BadInput(streams, Concat("record: --out: ", out_, " ", std::string(closed.message())));
}

int RecordCommand::Record(HttpTransport* transport, const Clock& clock, std::ostream* out,
                          const Streams& streams) const {
  // Before the threads, which inherit the mask.
  EndSignals signals;
  TraceRecorder recorder(&clock, out);
  bool written = true;
  {
    RecordThreads threads(transport, &clock, &recorder);
    written = Watch(clock, &threads, &recorder, &signals, streams);
  }
  recorder.Finish();
  const TraceRecorder::Counts counts = recorder.counts();
  if (!written || counts.failed) return BadInput(streams, "record: the output could not be written");
  std::string missing;
  for (const Kind kind : recorder.missing()) missing += Concat(missing.empty() ? "" : ", ", InfoOf(kind).resource);
  if (!missing.empty()) {
    streams.err << "endpointslice-sim: record: ended before there was a start state; not listed: " << missing << '\n';
    return kExitNotAllWell;
  }
  streams.err << "endpointslice-sim: record: " << counts.objects << " objects, " << counts.events << " events, "
              << counts.bytes << " bytes\n";
  return kExitOk;
}

bool RecordCommand::Watch(const Clock& clock, RecordThreads* threads, TraceRecorder* recorder, EndSignals* signals,
                          const Streams& streams) const {
  ProgressLine progress(streams, false);
  const Instant begin = clock.Now();
  const std::optional<Duration> duration = duration_.empty() ? std::nullopt : ParseSpan(duration_);
  Instant flushed = begin;
  while (true) {
    const Instant now = clock.Now();
    if (duration && now - begin >= *duration) return true;
    if (signals->WaitFor(duration ? std::min(kLook, *duration - (now - begin)) : kLook)) return true;
    for (const std::string& trouble : threads->TakeTroubles()) {
      streams.err << (progress.on() ? "\r\x1b[K" : "") << "endpointslice-sim: record: " << Printable(trouble) << '\n'
                  << std::flush;
    }
    if (now - flushed >= kFlush) {
      recorder->Flush();
      flushed = now;
    }
    const TraceRecorder::Counts counts = recorder->counts();
    if (counts.failed) return false;
    progress.Show(Concat(ClockText(now - begin), "  ", counts.objects, " objects, ", counts.events, " events, ",
                         counts.bytes, " bytes"));
  }
}

}  // namespace

std::unique_ptr<Command> MakeRecordCommand() { return std::make_unique<RecordCommand>(); }

}  // namespace epslice::sim
