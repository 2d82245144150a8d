// Tokens that service accounts are given: how they are asked for, and how long
// they are good.
#include "sim/serve/token_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/escaping.h"
#include "sim/serve/access_control.h"
#include "sim/serve/api_handler.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr char kTokenPath[] = "/api/v1/namespaces/shop/serviceaccounts/ctl/token";

class TokenRequestTest : public testing::Test {
 protected:
  TokenRequestTest() {
    documents_.LoadBootstrapPolicy();
    TokenAuth tokens;
    tokens.Add("t-root", UserInfo{"root", "", {"system:masters"}});
    access_ = std::make_unique<AccessControl>(
        AuthorizationMode::kRbac, std::make_shared<const TokenAuth>(std::move(tokens)), &documents_, &issued_);
    handler_ =
        std::make_unique<ApiHandler>(&clock_, &memory_, &documents_, access_.get(), true, TokenIssuing{&issued_, {}});
    Ask("t-root", "POST", "/api/v1/namespaces", R"({"metadata":{"name":"shop"}})", 201);
    MakeAccount();
  }
  void MakeAccount() {
    Ask("t-root", "POST", "/api/v1/namespaces/shop/serviceaccounts", R"({"metadata":{"name":"ctl"}})", 201);
  }
  Json Ask(const std::string& token, const std::string& method, const std::string& target, const std::string& body,
           int code) {
    const std::optional<UserInfo> user = access_->Authenticate("Bearer " + token);
    if (!user) {
      EXPECT_EQ(code, 401);
      return {};
    }
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.content_type = "application/json";
    request.body = body;
    request.user = *user;
    const HttpAnswer answer = handler_->Handle(request);
    EXPECT_EQ(answer.code, code) << answer.body;
    return Json::parse(answer.body, nullptr, false);
  }
  Json Request(const std::string& spec, int code = 201) {
    return Ask("t-root", "POST", kTokenPath, R"({"kind":"TokenRequest","spec":)" + spec + "}", code);
  }
  // Whose it is; "": nobody's.
  std::string Who(const std::string& token) const {
    const std::optional<UserInfo> user = access_->UserOfToken(token);
    return user ? user->name : "";
  }

  FakeClock clock_;
  MemoryApiServer memory_{&clock_};
  DocumentStore documents_{&clock_, 1};
  int secrets_ = 0;
  IssuedTokens issued_{&clock_, [this] { return std::string(31, 's') + static_cast<char>('a' + secrets_++ % 26); }};
  std::unique_ptr<AccessControl> access_;
  std::unique_ptr<ApiHandler> handler_;
};

TEST_F(TokenRequestTest, IsAnsweredWithATokenThatIsGoodUntilItEnds) {
  const Json answer = Request(R"({"expirationSeconds":600})");
  EXPECT_EQ(answer["kind"], "TokenRequest");
  EXPECT_EQ(answer["apiVersion"], "authentication.k8s.io/v1");
  EXPECT_EQ(answer["metadata"]["name"], "ctl");
  EXPECT_EQ(answer["metadata"]["namespace"], "shop");
  EXPECT_EQ(answer["spec"]["expirationSeconds"], 600);
  EXPECT_EQ(answer["spec"]["audiences"], Json({kApiAudience}));
  const std::string token = answer["status"]["token"];
  EXPECT_EQ(Who(token), "system:serviceaccount:shop:ctl");
  EXPECT_EQ(
      access_->UserOfToken(token)->groups,
      (std::vector<std::string>{"system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"}));
  EXPECT_EQ(Who(token + "x"), "");

  // What it says of itself, for clients that look.
  const std::size_t dot = token.find('.');
  std::string claims;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(token.substr(dot + 1, token.rfind('.') - dot - 1), &claims));
  const Json said = Json::parse(claims);
  EXPECT_EQ(said["sub"], "system:serviceaccount:shop:ctl");
  EXPECT_EQ(said["exp"].get<std::int64_t>() - said["iat"].get<std::int64_t>(), 600);

  // It may what roles say, as everybody.
  Ask(token, "GET", "/api/v1/namespaces/shop/pods", "", 403);
  Ask(token, "GET", "/version", "", 200);
  const Json review = Ask("t-root", "POST", "/apis/authentication.k8s.io/v1/tokenreviews",
                          Json({{"spec", {{"token", token}}}}).dump(), 201);
  EXPECT_EQ(review["status"]["authenticated"], true);

  const std::string other = Request(R"({"expirationSeconds":601})")["status"]["token"];
  EXPECT_NE(other, token);
  clock_.Advance(seconds(599));
  EXPECT_EQ(Who(token), "system:serviceaccount:shop:ctl");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Who(token), "");
  Ask(token, "GET", "/version", "", 401);
  EXPECT_EQ(Who(other), "system:serviceaccount:shop:ctl");
}

TEST_F(TokenRequestTest, ATokenEndsWithItsAccount) {
  const std::string token = Request("{}")["status"]["token"];
  Ask("t-root", "DELETE", "/api/v1/namespaces/shop/serviceaccounts/ctl", "", 200);
  EXPECT_EQ(Who(token), "");
  MakeAccount();
  EXPECT_EQ(Who(token), "") << "it is another account";
  EXPECT_EQ(Who(Request("{}")["status"]["token"]), "system:serviceaccount:shop:ctl");
}

TEST_F(TokenRequestTest, LivesAreBounded) {
  const auto lives = [this](const std::string& spec) {
    return Request(spec)["spec"]["expirationSeconds"].get<std::int64_t>();
  };
  EXPECT_EQ(lives("{}"), 3600);
  EXPECT_EQ(lives(R"({"expirationSeconds":null,"audiences":[]})"), 3600);
  EXPECT_EQ(lives(R"({"expirationSeconds":4294967296})"), 24 * 3600);
  EXPECT_EQ(lives(R"({"expirationSeconds":18446744073709551615})"), 24 * 3600);
  EXPECT_EQ(Request(R"({"expirationSeconds":599})", 422)["message"],
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 599: may not "
            "specify a duration less than 10 minutes");
  Request(R"({"expirationSeconds":-9223372036854775808})", 422);
  Request(R"({"expirationSeconds":"600"})", 400);
}

TEST_F(TokenRequestTest, WhatThereIsNotIsRefused) {
  EXPECT_THAT(Request(R"({"audiences":["vault"]})", 400)["message"].get<std::string>(), HasSubstr("spec.audiences"));
  EXPECT_EQ(Request(R"({"audiences":["vault","https://kubernetes.default.svc"]})")["spec"]["audiences"],
            Json({kApiAudience}));
  EXPECT_THAT(Request(R"({"boundObjectRef":{"kind":"Pod","name":"p"}})", 400)["message"].get<std::string>(),
              HasSubstr("spec.boundObjectRef"));
  Ask("t-root", "POST", kTokenPath, R"({"kind":"Pod"})", 400);
  Ask("t-root", "POST", kTokenPath, "{", 400);
  Ask("t-root", "GET", kTokenPath, "", 405);
  EXPECT_EQ(Ask("t-root", "POST", "/api/v1/namespaces/shop/serviceaccounts/nobody/token", "{}", 404)["message"],
            "serviceaccounts \"nobody\" not found");
  const std::string token = Request("{}")["status"]["token"];
  Ask(token, "POST", kTokenPath, "{}", 403);
}

TEST_F(TokenRequestTest, TheyAreNotWithoutEnd) {
  for (std::size_t i = 0; i < IssuedTokens::kMaxTokens; ++i) {
    // Of the same account at the same time, with the same secret: one.
    ASSERT_TRUE(issued_.Issue({"shop", "a" + std::to_string(i), "u"}, kApiAudience, minutes(10)).has_value());
  }
  Request("{}", 429);
  clock_.Advance(hours(1));
  EXPECT_EQ(Who(Request("{}")["status"]["token"]), "system:serviceaccount:shop:ctl");
}

TEST_F(TokenRequestTest, WhereNobodyIsAskedAnAccountIsKnownByItsToken) {
  const AccessControl open(AuthorizationMode::kAlwaysAllow, nullptr, &documents_, &issued_);
  const std::string token = Request("{}")["status"]["token"];
  EXPECT_EQ(open.Authenticate("")->name, "system:anonymous");
  EXPECT_EQ(open.Authenticate("Bearer x")->name, "system:anonymous");
  EXPECT_EQ(open.Authenticate("Bearer " + token)->name, "system:serviceaccount:shop:ctl");
  clock_.Advance(hours(1));
  EXPECT_EQ(open.Authenticate("Bearer " + token), std::nullopt);
}

TEST(IssuedTokensTest, SecretsAreNeverTheSame) {
  EXPECT_EQ(IssuedTokens::RandomSecret().size(), 32U);
  EXPECT_NE(IssuedTokens::RandomSecret(), IssuedTokens::RandomSecret());
}

}  // namespace
}  // namespace epslice::sim
