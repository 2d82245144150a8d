// The two programs under measurement, started and asked: `endpointslice-sim
// serve` with a dump, over TLS, and the controller against it.
#ifndef EPSLICE_TEST_BENCH_LIVE_HARNESS_H_
#define EPSLICE_TEST_BENCH_LIVE_HARNESS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "informers/clock.h"
#include "informers/http/http_transport.h"
#include "test/bench/live/process.h"
#include "test/bench/live/synthetic.h"

namespace epslice::bench {

// Where endpointslice-sim and endpointslice-controller are.
struct Programs {
  std::string folder;
  std::string Sim() const { return folder + "/endpointslice-sim"; }
  std::string Controller() const { return folder + "/endpointslice-controller"; }
};

// The API server in memory. Everything throws std::runtime_error where the
// programs do not do what they should.
class ApiServer {
 public:
  // Serves `dump`; returns when it answers. Trusted through a kubeconfig.
  ApiServer(const Clock* clock, const Programs& programs, const TempFolder& folder, const std::string& dump);

  const std::string& kubeconfig() const { return kubeconfig_; }
  Process& process() { return *process_; }
  // A transport for us, without a rate limit.
  std::unique_ptr<HttpTransport> Connect(const Clock* clock) const;
  // Ends it in good order and starts it again, with the objects and the
  // certificate it had, at the same port.
  void Restart();

 private:
  void Start(const std::string& dump);

  const Clock* const clock_;
  const Programs programs_;
  const int port_;
  const std::string kubeconfig_;
  const std::string certificate_;
  const std::string key_;
  const std::string state_;
  const std::string log_;
  std::unique_ptr<Process> process_;
};

// The controller, with its defaults but for the limits on calls, which would
// measure the wait: --kube-api-qps is as good as none.
class Controller {
 public:
  Controller(const Clock* clock, const Programs& programs, const TempFolder& folder, const std::string& name,
             const ApiServer& server, const std::vector<std::string>& more = {});
  ~Controller();

  Process& process() { return *process_; }
  Instant started() const { return started_; }
  // /readyz says ok.
  bool Ready();
  // A series of /metrics, labels included as they are printed; -1 without an
  // answer, 0 where there is none of the name.
  double Metric(const std::string& series);
  // A page of its port; "" without an answer of code 200.
  std::string Page(const std::string& path);

 private:
  struct Client;
  const Instant started_;
  int port_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Client> client_;
};

// Whether the slices that the server has are what a controller would leave: ""
// or what is not.
std::string WrongSlices(const Clock& clock, Transport* transport);

// "12.3 MB" and the like, for tables.
std::string Fixed(double value, int decimals, const std::string& unit = "");

}  // namespace epslice::bench

#endif  // EPSLICE_TEST_BENCH_LIVE_HARNESS_H_
