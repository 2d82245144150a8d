// endpointslice-controller as a process that is stopped before it got anywhere.
#include <signal.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/controllers/manager/child.h"
#include "test/informers/http/pki.h"
#include "test/informers/http/raw_client.h"
#include "test/informers/http/raw_server.h"
#include "test/informers/progress.h"

namespace epslice {
namespace {

using testing::HasSubstr;

class ProgramStartTest : public testing::Test {
 protected:
  void Run(std::vector<std::string> args) {
    args.insert(args.begin(), {std::string(EPSLICE_BIN_DIR) + "/endpointslice-controller", "--secure-port=0"});
    child_ = std::make_unique<Child>(std::move(args), [this] { progress_.Bump(); });
  }

  Progress progress_;
  std::unique_ptr<Child> child_;
};

// Before its threads run: it asks first whose certificates name clients.
TEST_F(ProgramStartTest, StopsWhileItStarts) {
  const TempDir dir;
  RawServer mute([this](RawConnection& connection, int) {
    connection.ReadRequest();
    progress_.Bump();
    connection.ReadRequest();
  });
  const std::string kubeconfig = dir.Write("conf",
                                           "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
                                           "clusters: [{name: k, cluster: {server: '" +
                                               mute.url() + "'}}]\n");
  Run({"--master=http://127.0.0.1:1", "--authentication-kubeconfig=" + kubeconfig,
       "--secure-port=" + std::to_string(TakenPort().number())});
  ASSERT_TRUE(progress_.WaitUntil([&] { return mute.connections() == 1; }));
  child_->Signal(SIGTERM);
  EXPECT_EQ(child_->Wait(), 0) << child_->output();
  EXPECT_THAT(child_->output(), HasSubstr("\"Stopped before it was started\" signal=15"));
}

TEST_F(ProgramStartTest, StopsWhileAPluginHangs) {
  const TempDir dir;
  const std::string plugin = dir.WriteScript("plugin", "echo run; exec tail -f /dev/null");
  const std::string kubeconfig =
      dir.Write("conf",
                "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}]\n"
                "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: '" +
                    plugin + "', interactiveMode: Never}}}]\n");
  Run({"--kubeconfig=" + kubeconfig});
  ASSERT_TRUE(progress_.WaitUntil([&] { return child_->output().find("Starting") != std::string::npos; }));
  child_->Signal(SIGTERM);
  EXPECT_EQ(child_->Wait(), 0) << child_->output();
}

}  // namespace
}  // namespace epslice
