// E2eTest: a namespace and nodes of the test's own, the hands of a user and of
// a kubelet, and the check that every test ends with: the slices are exactly
// what the oracle says.
#ifndef EPSLICE_TEST_E2E_FIXTURE_H_
#define EPSLICE_TEST_E2E_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "test/e2e/api_client.h"
#include "test/e2e/node_leases.h"
#include "test/e2e/oracle.h"
#include "test/e2e/slice_watch.h"
#include "test/e2e/suite.h"

namespace epslice::e2e {

struct PodSpec {
  std::string name;
  std::string node;  // as AddNode() was given it
  Json labels = {{"app", "web"}};
  // Of its one container: name and number.
  std::vector<std::pair<std::string, int>> ports = {{"http", 8080}};
  std::string hostname = "";
  std::string subdomain = "";
  bool ready = true;
  // To its node by the scheduler's way, not by spec.nodeName from the start.
  bool bind = false;
  Json extra_spec = Json::object();
};

class E2eTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  Suite& suite() { return Suite::Get(); }
  ApiClient& admin() { return suite().admin(); }
  const std::string& ns() const { return ns_; }
  SliceWatch& watch() { return *watch_; }

  // "/api/v1/namespaces/NS/pods/NAME", and the like.
  std::string Path(const std::string& resource, const std::string& name = "", const std::string& sub = "") const;
  // These fail the test where the server refuses, and give the object back. A
  // server that is not there is asked again until it is.
  Json Create(const std::string& resource, const Json& object);
  Json Patch(const std::string& resource, const std::string& name, const Json& patch, const std::string& sub = "");
  Json Get(const std::string& resource, const std::string& name);
  void Delete(const std::string& resource, const std::string& name, const Json& options = nullptr);

  // Nodes, in a namespace-like name of this test's. `cpu`: allocatable.
  void AddNode(const std::string& name, const std::string& zone, const std::string& cpu = "4");
  std::string NodeName(const std::string& name) const { return ns_ + "-" + name; }
  void DeleteNode(const std::string& name);
  // Nodes a1 b1 c1 and on, `each` in three zones: zone-a, zone-b, zone-c.
  void AddThreeZones(int each);
  // Whether nodes that are none of ours count, too (in an existing cluster).
  bool HasForeignNodes();

  // `spec` is what is not usual: selector app=web, port 80 to 8080.
  Json CreateService(const std::string& name, const Json& spec = Json::object(), const Json& metadata = Json::object());
  // Created, bound, and what a kubelet would say of it.
  void CreatePod(const PodSpec& spec);
  // NAME-FIRST ... over the nodes in turn.
  void CreatePods(const std::string& name, int first, int count, PodSpec like = {});
  void SetReady(const std::string& pod, bool ready);
  // Asked to go, within 30 s; and gone.
  void DeletePod(const std::string& pod);
  void FinishPod(const std::string& pod);
  // Step `i` of a load on the pods web-0 ... of Services: readiness that comes
  // and goes, pods that drain, go and come anew.
  void ChurnStep(int i, int pods);

  Listed List();
  // Our slices of a Service.
  std::vector<Json> Slices(const std::string& service);
  OracleOptions oracle_options();

  // Waits for a condition on the namespace; at the end of patience the test
  // fails with `what` and what the oracle says.
  bool Until(const std::string& what, const std::function<bool()>& condition);
  // Waits until the oracle has nothing to say, and the watch has seen what there
  // is; fails with what the oracle says.
  bool Settle();
  // The endpoint of a pod in the slices of a Service, or null.
  Json EndpointOf(const std::string& service, const std::string& pod);
  // "true/true/false": ready, serving, terminating; "" where there is none.
  std::string Conditions(const std::string& service, const std::string& pod);
  std::size_t EndpointCount(const std::string& service, const std::string& type = "");

 private:
  Json PodStatus(bool ready, const std::string& v4, const std::string& v6) const;
  std::vector<std::string> Wrong();
  void CleanUp();

  std::string ns_;
  std::vector<std::string> nodes_;           // as given
  std::unique_ptr<NodeLeases> node_leases_;  // where somebody looks at them
  std::map<std::string, int> pod_numbers_;
  int next_pod_ = 0;
  std::unique_ptr<SliceWatch> watch_;
};

// For tests that do to the API server what nobody does to a cluster in use.
#define EPSLICE_NEED_OWN_SERVER()                                                                       \
  if (!suite().server().owned()) {                                                                      \
    GTEST_SKIP() << "NOT TESTED: the API server of an existing cluster is not ours to stop or compact"; \
  }                                                                                                     \
  static_assert(true)

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_FIXTURE_H_
