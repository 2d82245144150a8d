// external_endpoints KUBECONFIG LISTS NAME: keeps the slices of the Services in
// the file LISTS, with NAME as their managed-by label, until SIGTERM.
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "controller.h"
#include "informers/http/credentials.h"
#include "informers/http/http_transport.h"
#include "informers/http/kubeconfig.h"

namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "external_endpoints: %s\n", status.ToString().c_str());
  return 2;
}

int Run(const std::string& kubeconfig, const std::string& file, const std::string& name) {
  const epslice::RealClock clock;
  const auto config = epslice::LoadKubeconfig(kubeconfig, {});
  if (!config.ok()) return Fail(config.status());
  const auto credentials = epslice::NewCredentials(config->credentials, &clock);
  if (!credentials.ok()) return Fail(credentials.status());
  epslice::HttpTransportOptions http;
  http.base_url = config->server;
  http.ca_pem = config->ca_pem;
  http.ca_file = config->ca_file;
  http.insecure_skip_tls_verify = config->insecure_skip_tls_verify;
  http.tls_server_name = config->tls_server_name;
  http.credentials = *credentials;
  http.user_agent = "external-endpoints";
  const auto transport = epslice::HttpTransport::Create(http, &clock);
  if (!transport.ok()) return Fail(transport.status());

  external_endpoints::Controller controller(file, name, transport->get(), &clock);
  std::thread worker([&controller] { controller.Run(); });
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  int signal = 0;
  sigwait(&stop, &signal);
  controller.Stop();
  worker.join();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: external_endpoints KUBECONFIG LISTS NAME\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t stop;  // before any thread, which take it over
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return Run(argv[1], argv[2], argv[3]);
}
