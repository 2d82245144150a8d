// endpointslice-controller as a process whose log nobody takes.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "apis/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/serve/http_server.h"
#include "test/controllers/manager/child.h"
#include "test/informers/progress.h"

namespace epslice {
namespace {

class ProgramLogTest : public testing::Test {
 protected:
  ProgramLogTest() : server_(&clock_, ServerOptions()), http_(&clock_, &server_, {}) {
    Request watch;
    watch.verb = Verb::kWatch;
    watch.kind = Kind::kEndpointSlice;
    Status status;
    watch_ = server_.Watch(
        watch, [this](const WatchEvent&) { progress_.Bump(); }, &status);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_TRUE(http_.Start().ok());
    EXPECT_EQ(pipe2(full_.data(), O_CLOEXEC | O_NONBLOCK), 0);
    const std::string page(4096, '.');
    while (write(full_[1], page.data(), page.size()) > 0) continue;
    EXPECT_EQ(fcntl(full_[1], F_SETFL, 0), 0);
  }
  ~ProgramLogTest() override {
    close(full_[0]);
    close(full_[1]);
  }
  static sim::MemoryApiServerOptions ServerOptions() {
    sim::MemoryApiServerOptions options;
    options.create_missing_namespaces = true;
    return options;
  }
  void CreateService(const std::string& name) {
    const auto object =
        DecodeObjectJson(Kind::kService,
                         R"({"apiVersion":"v1","kind":"Service","metadata":{"namespace":"shop","name":")" + name +
                             R"("},"spec":{"selector":{"app":"web"},"ports":[{"port":80}]}})",
                         /*keep_json=*/true);
    ASSERT_TRUE(object.ok()) << object.status();
    Request request;
    request.verb = Verb::kCreate;
    request.kind = Kind::kService;
    request.namespace_ = "shop";
    request.object = *object;
    ASSERT_TRUE(server_.Handle(request).status.ok());
  }
  std::vector<AnyObject> List(Kind kind) const {
    Request request;
    request.verb = Verb::kList;
    request.kind = kind;
    return server_.Handle(request).list.items;
  }

  RealClock clock_;
  Progress progress_;
  mutable sim::MemoryApiServer server_;
  sim::HttpServer http_;
  std::unique_ptr<sim::MemoryApiServer::WatchHandle> watch_;
  std::array<int, 2> full_{-1, -1};  // a pipe that takes no byte more
};

TEST_F(ProgramLogTest, HoldsUpNeitherSyncsNorTheEnd) {
  CreateService("s0");
  Child child({"/bin/sh", "-c", R"(exec "$@" 2>/proc/)" + std::to_string(getpid()) + "/fd/" + std::to_string(full_[1]),
               "sh", std::string(EPSLICE_BIN_DIR) + "/endpointslice-controller", "--secure-port=0", "-v=4",
               "--master=http://127.0.0.1:" + std::to_string(http_.port())},
              [] {});
  for (std::size_t i = 1; i <= 4; ++i) {
    ASSERT_TRUE(progress_.WaitUntil([&] { return List(Kind::kEndpointSlice).size() == i; }));
    CreateService("s" + std::to_string(i));
  }
  child.Signal(SIGTERM);
  EXPECT_EQ(child.Wait(), 0);
  const std::vector<AnyObject> leases = List(Kind::kLease);
  ASSERT_EQ(leases.size(), 1U);
  EXPECT_EQ(leases[0].As<Lease>()->holderIdentity.view(), "") << "given back";
}

}  // namespace
}  // namespace epslice
