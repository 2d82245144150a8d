#include "sim/cli/demo_command.h"

#include <CLI/CLI.hpp>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <string>
#include <utility>

#include "apis/concat.h"
#include "apis/json.h"
#include "informers/clock.h"
#include "informers/http/http_transport.h"
#include "sim/cli/demo_story.h"

namespace epslice::sim {
namespace {

// Lets real time pass, in the one place of the demo that does.
void Pause(Duration duration) {
  std::mutex mu;
  std::condition_variable never;
  std::unique_lock<std::mutex> lock(mu);
  never.wait_for(lock, duration, [] { return false; });
}

class DemoCommand : public Command {
 public:
  std::string_view name() const override { return "demo"; }
  std::string_view summary() const override {
    return "plays a rolling update and the loss of a node on a server of `serve` that a controller works on";
  }

  void AddFlags(CLI::App* app) override {
    app->add_option("--master", master_, "the server, as `endpointslice-sim serve` printed it")
        ->required()
        ->type_name("URL");
    app->add_option("--save", save_, "write all objects, as they are in the end, to this file")->type_name("FILE");
  }

  int Run(const Streams& streams) override {
    // A server that goes away in mid-write must not end us without a word.
    std::signal(SIGPIPE, SIG_IGN);
    const RealClock clock;
    HttpTransportOptions options;
    options.base_url = master_;
    options.qps = 0;
    options.user_agent = "endpointslice-sim";
    absl::StatusOr<std::unique_ptr<HttpTransport>> transport = HttpTransport::Create(options, &clock);
    if (!transport.ok()) return BadInput(streams, Concat("--master: ", std::string(transport.status().message())));
    absl::Status status;
    {
      DemoStory story(transport->get(), &clock, &streams.out, Pause, {});
      status = story.Tell();
    }
    if (status.ok() && !save_.empty()) status = Save(transport->get(), &clock);
    if (status.ok()) return kExitOk;
    streams.out.flush();
    streams.err << "endpointslice-sim: demo: " << status.message() << '\n';
    return kExitNotAllWell;
  }

 private:
  absl::Status Save(Transport* transport, const Clock* clock) {
    absl::StatusOr<Dump> dump = DemoCluster(transport, clock).Read();
    if (!dump.ok()) return dump.status();
    std::string text;
    for (const AnyObject& object : dump->objects) {
      AppendJson(object, &text);
      text.push_back('\n');
    }
    std::ofstream file(save_, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) return absl::UnavailableError(Concat("--save: ", save_, " could not be written"));
    return absl::OkStatus();
  }

  std::string master_;
  std::string save_;
};

}  // namespace

std::unique_ptr<Command> MakeDemoCommand() { return std::make_unique<DemoCommand>(); }

}  // namespace epslice::sim
