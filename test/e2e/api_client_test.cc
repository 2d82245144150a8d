// Patience with a server that is not ready yet. No server but one that says what
// it is told.
#include "test/e2e/api_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "test/informers/http/raw_server.h"

namespace epslice::e2e {
namespace {

using testing::ElementsAre;

TEST(Patience, EndsWithAnAnswerThatStays) {
  const struct {
    int code;
    const char* text;
    bool passing;
  } kCases[] = {
      {0, "connection refused", true},
      {200, "{}", false},
      {403, R"({"message":"pods \"a\" is forbidden: not yet ready to handle request"})", true},
      {403, R"({"message":"pods is forbidden: User \"me\" cannot list resource"})", false},
      {404, "404 page not found", false},
      {409, "{}", false},
      {429, "{}", true},
      {500, R"({"message":"failed to allocate a serviceIP: range is full"})", true},
      {503, "{}", true},
      {504, "{}", true},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(IsPassing({.code = c.code, .body = nullptr, .text = c.text}), c.passing) << c.code << " " << c.text;
  }
}

struct Step {
  int code;  // 0: hangs up
  std::string body = "{}";
};
using Script = std::vector<Step>;

// Answers a client's requests with the steps of `script` in turn.
class Scripted {
 public:
  explicit Scripted(Script script)
      : script_(std::move(script)), server_([this](RawConnection& connection, int) { Serve(&connection); }) {}

  std::unique_ptr<ApiClient> Client() const {
    ClientConfig config;
    config.server = server_.url();
    absl::StatusOr<std::unique_ptr<ApiClient>> client = ApiClient::Create(config, &clock_);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  // "POST /x", in order.
  std::vector<std::string> asked() const {
    std::lock_guard<std::mutex> lock(mu_);
    return asked_;
  }

 private:
  void Serve(RawConnection* connection) {
    for (std::string request; !(request = connection->ReadRequest()).empty();) {
      Step step{404};
      {
        std::lock_guard<std::mutex> lock(mu_);
        if (asked_.size() < script_.size()) step = script_[asked_.size()];
        asked_.push_back(request.substr(0, request.find(" HTTP/")));
      }
      if (step.code == 0) return;
      connection->SendAnswer(step.code, step.body);
    }
  }

  const RealClock clock_;
  const Script script_;
  mutable std::mutex mu_;
  std::vector<std::string> asked_;  // guarded by mu_
  RawServer server_;                // last: its threads use the others
};

const Json kObject = {{"metadata", {{"name", "a"}}}};

TEST(Patience, WhatATryThatSeemedToFailHasMadeIsRead) {
  Scripted server(Script{{500}, {0}, {409}, {200, R"({"kind":"Made"})"}});
  const Answer answer = server.Client()->PostPatiently("/things", kObject);
  EXPECT_EQ(answer.code, 200);
  EXPECT_EQ(answer.body, Json({{"kind", "Made"}}));
  EXPECT_THAT(server.asked(), ElementsAre("POST /things", "POST /things", "POST /things", "GET /things/a"));
}

TEST(Patience, WhatWasThereBeforeIsAConflict) {
  Scripted server(Script{{409}});
  EXPECT_EQ(server.Client()->PostPatiently("/things", kObject).code, 409);
  EXPECT_THAT(server.asked(), ElementsAre("POST /things"));
}

TEST(Patience, WhatHasNoNameYetCannotBeRead) {
  Scripted server(Script{{503}, {409}});
  EXPECT_EQ(server.Client()->PostPatiently("/things", {{"metadata", {{"generateName", "a-"}}}}).code, 409);
  EXPECT_THAT(server.asked(), ElementsAre("POST /things", "POST /things"));
}

}  // namespace
}  // namespace epslice::e2e
