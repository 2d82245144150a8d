// NodeLeases: the heartbeats of nodes without a kubelet, for clusters whose
// node-lifecycle controller takes a node that says nothing for 50 s for lost, and
// its pods for not ready.
#ifndef EPSLICE_TEST_E2E_NODE_LEASES_H_
#define EPSLICE_TEST_E2E_NODE_LEASES_H_

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "informers/clock.h"
#include "test/e2e/api_client.h"

namespace epslice::e2e {

// Thread-safe.
class NodeLeases {
 public:
  // How often a kubelet does it.
  static constexpr Duration kPeriod = std::chrono::seconds(10);

  // All Leases are renewed each `period` by a thread. `client` and `clock` must
  // outlive this.
  NodeLeases(ApiClient* client, const Clock* clock, Duration period = kPeriod);
  // Ends the thread, and deletes the Leases.
  ~NodeLeases();
  NodeLeases(const NodeLeases&) = delete;
  NodeLeases& operator=(const NodeLeases&) = delete;

  // Makes the Lease of a node; the answer to that.
  Answer Add(const std::string& node);
  // Deletes it.
  void Remove(const std::string& node);

  static std::string Path(const std::string& node);

 private:
  std::string Now() const;
  void Run();

  ApiClient* const client_;
  const Clock* const clock_;
  const Duration period_;
  std::mutex mu_;
  std::condition_variable wake_;
  std::set<std::string> nodes_;  // guarded by mu_
  bool stopping_ = false;        // guarded by mu_
  std::thread thread_;           // last: it uses the others
};

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_NODE_LEASES_H_
