// one_of_several KUBECONFIG: a controller that runs in several replicas, of which
// one works and the others stand by, until SIGTERM. It writes nothing: it says which
// Services it would look after.
#include <cstdio>
#include <string>

#include "apis/core.h"
#include "informers/controller_runner.h"
#include "informers/http/connect.h"
#include "informers/leader_runner.h"
#include "informers/stop_signals.h"

namespace {

void Say(std::string_view line) { std::fprintf(stderr, "%s\n", std::string(line).c_str()); }

int Fail(const absl::Status& status) {
  Say(status.ToString());
  return 2;
}

int Run(const std::string& kubeconfig) {
  const epslice::RealClock clock;
  const auto config = epslice::FindClientConfig(kubeconfig);
  if (!config.ok()) return Fail(config.status());
  const auto http = epslice::OptionsFor(*config, {.user_agent = "one-of-several"}, &clock);
  if (!http.ok()) return Fail(http.status());
  const auto transport = epslice::HttpTransport::Create(*http, &clock);
  if (!transport.ok()) return Fail(transport.status());

  // docs/library.md shows what follows.
  epslice::LeaderRunnerOptions election;
  election.elector.namespace_ = "shop";
  election.elector.name = "one-of-several";
  election.component = "one-of-several";    // source of the Events on the Lease
  election.on_lost = epslice::RequestStop;  // who lost the Lease ends, and is started anew
  election.tell = [](const epslice::LeaderNews& news) { Say(news.ToLine()); };
  const auto lease_transport =
      epslice::HttpTransport::Create(epslice::LeaseTransportOptions(*http, election.elector.renew_deadline), &clock);
  if (!lease_transport.ok()) return Fail(lease_transport.status());
  epslice::LeaderRunner leader(election, lease_transport->get(), &clock);
  epslice::ControllerRunner runner({.log = Say, .leader = &leader}, transport->get(), &clock);

  const auto* services = runner.Watch<epslice::Service>();
  leader.Start();
  runner.Start([&](const epslice::ObjectKey& key) -> epslice::WorkResult {
    // Requests with runner.cancel() are not sent any more once another may lead.
    Say((services->Get(key) != nullptr ? "here is " : "gone is ") + key.ToString());
    return absl::OkStatus();
  });
  epslice::WaitForStopSignal();
  const bool in_time = runner.Stop();  // first: after it nothing is written
  leader.Stop();                       // gives the Lease back: another replica takes it at once
  return in_time && !leader.lost() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    Say("usage: one_of_several KUBECONFIG");
    return 2;
  }
  epslice::PrepareStopSignals();  // before the first thread
  return Run(argv[1]);
}
