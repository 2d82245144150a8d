// TestServer: the API server that the suite runs against, chosen by the
// environment, and what the suite may do to it.
//   KUBEBUILDER_ASSETS  a folder with etcd and kube-apiserver (the convention of
//                       controller-runtime's envtest): both are started, with
//                       data of their own, and ended with the suite
//   E2E_KUBECONFIG      an existing cluster (E2E_CONTEXT: of the file's
//                       contexts), as an administrator; nothing is done to it
//                       but in namespaces and with objects of the suite's own
//   neither             endpointslice-sim serve, as a process of its own
// All of them over TLS. Nothing but the API server runs in the first and the
// last: the suite is kubelet, and nobody collects what Services owned unless
// collects_garbage().
#ifndef EPSLICE_TEST_E2E_TEST_SERVER_H_
#define EPSLICE_TEST_E2E_TEST_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/http/client_config.h"
#include "test/e2e/request_log.h"

namespace epslice::e2e {

// The service accounts that controllers run as, in a namespace of the suite's.
struct ControllerAccounts {
  std::string namespace_;
  std::vector<std::string> names;
  std::string UserOf(const std::string& name) const { return "system:serviceaccount:" + namespace_ + ":" + name; }
};

class TestServer {
 public:
  virtual ~TestServer() = default;

  // "kube-apiserver in /opt/kubebuilder", for messages.
  virtual std::string Description() const = 0;
  // How an administrator reaches it.
  virtual const ClientConfig& admin() const = 0;

  // Of an existing cluster neither is done.
  virtual bool owned() const { return true; }
  // Ends the server, and starts it again on the same port and data.
  virtual absl::Status Stop() = 0;
  virtual absl::Status Start() = 0;
  // Forgets the history that watches could go on from.
  virtual absl::Status Compact() = 0;

  // Whether what a Service owned goes with it.
  virtual bool collects_garbage() const = 0;
  // Whether it writes, a moment after its start, whose client certificates are
  // known: ConfigMap kube-system/extension-apiserver-authentication.
  virtual bool publishes_authentication_config() const { return false; }
  // Of a server that issues no tokens for service accounts itself (serve takes
  // those of a file): one that has not been taken yet, and its end. "": the
  // server issues them.
  virtual std::string TakeToken(const std::string& /*account*/) { return ""; }
  virtual absl::Status RevokeToken(const std::string& /*token*/) { return absl::OkStatus(); }

  // The shortest life of a token that a service account can ask for.
  virtual Duration shortest_token() const { return std::chrono::minutes(10); }

  // Requests answered so far; nothing where there is no log to read.
  virtual std::vector<LoggedRequest> Log() const { return {}; }
  // The end of what the server itself said, for a test that failed.
  virtual std::string Output() const { return ""; }
};

// `scratch`: a folder for files of the server's. An error says what is wrong
// with the environment, in one line.
absl::StatusOr<std::unique_ptr<TestServer>> StartTestServer(const ControllerAccounts& accounts,
                                                            const std::string& scratch);

// The kinds of server; see above.
absl::StatusOr<std::unique_ptr<TestServer>> StartEmbeddedServer(const ControllerAccounts& accounts,
                                                                const std::string& scratch);
absl::StatusOr<std::unique_ptr<TestServer>> StartKubeApiServer(const std::string& assets, const std::string& scratch);
absl::StatusOr<std::unique_ptr<TestServer>> UseExistingCluster(const std::string& kubeconfig,
                                                               const std::string& context);

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_TEST_SERVER_H_
