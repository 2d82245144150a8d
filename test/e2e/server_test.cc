// The API server goes away, forgets, and takes other credentials.
#include <signal.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/e2e/churn.h"
#include "test/e2e/fixture.h"

namespace epslice::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Server : public E2eTest {
 protected:
  static constexpr int kPods = 12;

  void MakeService() {
    AddThreeZones(1);
    CreateService("web", {{"trafficDistribution", "PreferClose"}});
    CreatePods("web", 0, kPods);
    ASSERT_TRUE(Settle());
  }
  void Check(const absl::Status& status) { ASSERT_TRUE(status.ok()) << status.message(); }
};

TEST_F(Server, RestartsInMidChurn) {
  EPSLICE_NEED_OWN_SERVER();
  MakeService();
  TestServer& server = suite().server();
  Churn churn([this](int i) { ChurnStep(i, kPods); });
  const auto advance = [&](int steps) {
    const int until = churn.steps() + steps;
    ASSERT_TRUE(Poll(kPatience, [&] { return churn.steps() >= until; }));
  };
  for (int i = 0; i < 2; ++i) {
    advance(20);
    Check(server.Stop());
    // Down for as long as it takes to be noticed.
    ASSERT_TRUE(suite().controller()->AwaitOutput("List or watch failed"));
    Check(server.Start());
    advance(20);
  }
  churn.Stop();
  ASSERT_TRUE(Settle());
  EXPECT_FALSE(suite().controller()->ended()) << LastLines(suite().controller()->output(), 20);
  EXPECT_THAT(MomentsOfDuplicates(watch().Events()), IsEmpty());
  EXPECT_THAT(EmptyWrites(watch().Events()), IsEmpty());
}

// The controller sleeps while the server is started again and forgets all that
// happened: it must list anew, and find what it missed.
TEST_F(Server, HistoryIsCompacted) {
  EPSLICE_NEED_OWN_SERVER();
  MakeService();
  CreateService("other");
  ASSERT_TRUE(Settle());
  suite().StopController();
  const std::unique_ptr<Replica> replica = suite().StartReplica(suite().accounts().names[0], {"--leader-elect=false"});
  ASSERT_TRUE(replica->AwaitOutput("Lists are complete"));
  ASSERT_TRUE(Settle());

  replica->Suspend();
  Check(suite().server().Stop());
  Check(suite().server().Start());
  for (int i = 0; i < kPods; ++i) SetReady("web-" + std::to_string(i), i % 2 == 0);
  FinishPod("web-0");
  CreatePods("new", 0, 3);
  CreateService("third");
  Delete("services", "other");
  Delete("endpointslices", Slices("web").at(0).at("metadata").at("name").get<std::string>());
  DeleteNode("c1");
  Check(suite().server().Compact());
  replica->Signal(SIGCONT);
  EXPECT_TRUE(Settle());
  EXPECT_THAT(replica->output(), HasSubstr("Watch is too old; listing again"));
  EXPECT_EQ(replica->Stop(), 0);
}

// The file has another token, and the old one is refused from now on.
TEST_F(Server, TokenIsRotatedAndTheOldOneRevoked) {
  MakeService();
  const std::string account = suite().accounts().names[0];
  suite().StopController();
  const std::unique_ptr<Replica> replica = suite().StartReplica(account, {"--leader-elect=false"});
  ASSERT_TRUE(replica->AwaitOutput("Lists are complete"));
  SetReady("web-0", false);
  ASSERT_TRUE(Settle());

  const std::string old_token = replica->token();
  replica->WriteToken(suite().NewToken(account));
  suite().RevokeToken(old_token);
  ClientConfig config = suite().server().admin();
  config.credentials = {};
  config.credentials.token = old_token;
  const absl::StatusOr<std::unique_ptr<ApiClient>> client = ApiClient::Create(config, &suite().clock());
  ASSERT_TRUE(client.ok()) << client.status();
  // A kube-apiserver remembers good tokens for some seconds.
  ASSERT_TRUE(Poll(kPatience, [&] {
    return (*client)->Get("/apis/discovery.k8s.io/v1/namespaces/" + ns() + "/endpointslices").code == 401;
  }));
  for (int i = 0; i < kPods; ++i) SetReady("web-" + std::to_string(i), i % 2 == 0);
  CreatePods("new", 0, 3);
  EXPECT_TRUE(Settle());
  EXPECT_FALSE(replica->ended());
  EXPECT_THAT(replica->output(), testing::Not(HasSubstr(old_token)));
  EXPECT_EQ(replica->Stop(), 0);
}

// The token ends by itself. Another was in the file in time, which is read again
// within a minute, and no request is refused.
TEST_F(Server, TokenIsReplacedBeforeItEnds) {
  const Duration life = suite().server().shortest_token();
  if (life > std::chrono::minutes(2) && std::getenv("E2E_LONG") == nullptr) {
    GTEST_SKIP()
        << "NOT TESTED: this server's tokens are good for ten minutes at least; E2E_LONG=1 waits for the end of one";
  }
  MakeService();
  const std::string account = suite().accounts().names[0];
  suite().StopController();
  const std::size_t logged = suite().server().Log().size();
  const Clock& clock = suite().clock();
  const Instant begin = clock.Now();
  const std::unique_ptr<Replica> replica = suite().StartReplica(account, {"--leader-elect=false"}, life);
  ASSERT_TRUE(replica->AwaitOutput("Lists are complete")) << LastLines(replica->output(), 20);
  SetReady("web-0", false);
  ASSERT_TRUE(Settle());
  const std::string old_token = replica->token();
  ASSERT_TRUE(Poll(life, [&] { return clock.Now() - begin > life - std::chrono::seconds(54); }));
  replica->WriteToken(suite().RequestToken(account, std::chrono::hours(1)));

  // Writes all the while, and beyond.
  ClientConfig config = suite().server().admin();
  config.credentials = {};
  config.credentials.token = old_token;
  const absl::StatusOr<std::unique_ptr<ApiClient>> old = ApiClient::Create(config, &clock);
  ASSERT_TRUE(old.ok()) << old.status();
  const std::string slices = "/apis/discovery.k8s.io/v1/namespaces/" + ns() + "/endpointslices";
  bool ready = false;
  ASSERT_TRUE(Poll(life + kPatience, [&] {
    SetReady("web-1", std::exchange(ready, !ready));
    return (*old)->Get(slices).code == 401;
  })) << "the token does not end";
  EXPECT_GE(clock.Now() - begin, life - std::chrono::seconds(2));
  for (int i = 0; i < kPods; ++i) SetReady("web-" + std::to_string(i), i % 2 == 0);
  CreatePods("new", 0, 3);
  EXPECT_TRUE(Settle());
  EXPECT_THAT(replica->output(), testing::Not(HasSubstr("Unauthorized")));
  const std::vector<LoggedRequest> log = suite().server().Log();
  for (std::size_t i = logged; i < log.size(); ++i) {
    if (log[i].user_agent.rfind("endpointslice-controller/", 0) == 0) {
      EXPECT_NE(log[i].code, 401) << log[i].verb << " " << log[i].resource;
    }
  }
  EXPECT_EQ(replica->Stop(), 0);
}

}  // namespace
}  // namespace epslice::e2e
