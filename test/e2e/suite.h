// Suite: what all tests share: the API server, an administrator's client for
// it, the controllers' service accounts with the roles of manifests/base and
// nothing more, and one running controller for the tests that do not care.
#ifndef EPSLICE_TEST_E2E_SUITE_H_
#define EPSLICE_TEST_E2E_SUITE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "informers/clock.h"
#include "test/e2e/api_client.h"
#include "test/e2e/process.h"
#include "test/e2e/test_server.h"
#include "test/informers/http/pki.h"

namespace epslice::e2e {

// One process of endpointslice-controller, with a token file of its own.
// Not thread-safe.
class Replica {
 public:
  // `folder`: for its kubeconfig and token.
  Replica(std::string folder, std::vector<std::string> args);
  ~Replica();
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // Of the file that it reads its token from.
  void WriteToken(const std::string& token) const;
  std::string token() const;
  void Signal(int signal) { child_->Signal(signal); }
  // SIGSTOP; once this returns, nothing of it runs until SIGCONT.
  void Suspend() { child_->Suspend(); }
  bool ended() const { return child_->Ended(); }
  std::string output() const { return child_->output(); }
  // False when it has not said so in time.
  bool AwaitOutput(const std::string& part) const;
  // For its end: the exit code.
  int Wait();
  // SIGTERM, and its exit code.
  int Stop();
  // SIGKILL.
  void Kill();

 private:
  const std::string folder_;
  std::unique_ptr<Child> child_;
};

class Suite : public testing::Environment {
 public:
  static Suite& Get();

  void SetUp() override;
  void TearDown() override;

  const Clock& clock() const { return clock_; }
  TestServer& server() { return *server_; }
  ApiClient& admin() { return *admin_; }
  // Of this run, in all names that are not in a namespace of its own.
  const std::string& suffix() const { return suffix_; }
  // Where service accounts and the Lease are.
  const std::string& system_namespace() const { return accounts_.namespace_; }
  const ControllerAccounts& accounts() const { return accounts_; }
  // Where pods of all kinds are admitted. What came of it.
  Answer MakeNamespace(const std::string& name);
  // The value of the managed-by label of the slices that are ours.
  const std::string& controller_name() const { return controller_name_; }
  // Whether the roles of manifests/base are made, and enforced.
  bool rbac() const { return rbac_; }

  // A replica of `account`; `args` come after those that all have.
  // `life`: of its first token, by the TokenRequest API; 0: a token of NewToken().
  std::unique_ptr<Replica> StartReplica(const std::string& account, const std::vector<std::string>& args,
                                        Duration life = Duration(0));
  std::string NewToken(const std::string& account);
  // By the TokenRequest API: one that ends by itself. "none", and the test fails,
  // where the server refuses it.
  std::string RequestToken(const std::string& account, Duration life);
  // The token is no longer good, or will not be in a few seconds.
  void RevokeToken(const std::string& token);

  // The shared one: started where it does not run, and the only one then.
  void EnsureController();
  void StopController();
  Replica* controller() { return controller_.get(); }

 private:
  void RemoveWhatIsLeft();
  void MakeAccounts();
  void MakeRoles();
  void AwaitRoles();
  // The token; "none" where the server refuses it.
  std::string AskForToken(const std::string& account, const Json& spec);
  std::string KubeconfigFor(const std::string& folder) const;
  // Creates it, patiently; fails the test where that is refused. The object as it is.
  Json Create(const std::string& path, const Json& object);

  const RealClock clock_{};
  const TempDir scratch_;
  std::string suffix_;
  ControllerAccounts accounts_;
  std::string controller_name_;
  bool rbac_ = false;
  bool accounts_made_ = false;
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<ApiClient> admin_;
  std::vector<std::string> cluster_objects_;          // paths, to be deleted at the end
  std::map<std::string, std::string> token_secrets_;  // token -> path of the Secret it is bound to
  int replicas_ = 0;
  std::unique_ptr<Replica> controller_;
};

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_SUITE_H_
