// Who may ask the serving port for what: answers, what is remembered, and what
// happens while the API server does not answer.
#include "controllers/manager/delegated_auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "controllers/manager/review_cache.h"
#include "test/informers/http/pki.h"

namespace epslice {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using Json = nlohmann::json;

class HandClock : public Clock {
 public:
  Instant Now() const override {
    std::lock_guard<std::mutex> lock(mu_);
    return now_;
  }
  Timestamp WallNow() const override { return RealClock().WallNow(); }
  void Advance(Duration by) {
    std::lock_guard<std::mutex> lock(mu_);
    now_ += by;
  }

 private:
  mutable std::mutex mu_;
  Instant now_{seconds(1000)};
};

// Knows alice (may get /metrics), bob (may nothing) and anonymous (/version);
// any other token is nobody's.
class FakeReviewer : public Reviewer {
 public:
  absl::StatusOr<TokenVerdict> ReviewToken(std::string_view token) override {
    std::unique_lock<std::mutex> lock(mu_);
    ++token_reviews;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !hold; });
    if (broken) return absl::UnavailableError("connection refused");
    TokenVerdict verdict;
    verdict.authenticated = token == "t-alice" || token == "t-bob";
    if (verdict.authenticated) verdict.user.name = std::string(token.substr(2));
    return verdict;
  }
  absl::StatusOr<AccessVerdict> ReviewAccess(const std::string& review_json) override {
    std::lock_guard<std::mutex> lock(mu_);
    ++access_reviews;
    last_review = review_json;
    if (access_broken) return absl::UnavailableError("connection refused");
    const Json spec = Json::parse(review_json)["spec"];
    const std::string what = spec["user"].get<std::string>() + " " +
                             spec["nonResourceAttributes"]["verb"].get<std::string>() + " " +
                             spec["nonResourceAttributes"]["path"].get<std::string>();
    if (what == "bob get /debug/queue") return AccessVerdict{false, "RBAC: role not found"};
    return AccessVerdict{what == "alice get /metrics" || what == "system:anonymous get /version", ""};
  }
  void WaitForReviews(int n) {
    std::unique_lock<std::mutex> lock(mu_);
    changed_.wait(lock, [&] { return token_reviews >= n; });
  }
  void Release() {
    std::lock_guard<std::mutex> lock(mu_);
    hold = false;
    changed_.notify_all();
  }

  int token_reviews = 0;
  int access_reviews = 0;
  std::string last_review;
  bool broken = false;
  bool access_broken = false;
  bool hold = false;

 private:
  std::mutex mu_;
  std::condition_variable changed_;
};

class DelegatedAuthTest : public testing::Test {
 protected:
  DelegatedAuthTest() : log_({LogFormat::kText, 9, 1}, &clock_, [this](std::string_view line) { log_text_ += line; }) {
    Make({});
  }
  void Make(DelegatedAuthOptions options) {
    auth_ = std::make_unique<DelegatedAuth>(std::move(options), &reviewer_, trust_.get(), &clock_, &log_);
  }
  // The code (200: let in), and the message of the Status.
  std::pair<int, std::string> Ask(const std::string& header, const std::string& path, const std::string& method = "GET",
                                  const Identity& shown = {}, const std::string& remote_user = "") {
    const std::vector<std::string> certificates = DerOf(shown);
    GuardedRequest request{path, method, {}, certificates};
    if (!header.empty()) request.headers.Add("authorization", header);
    if (!remote_user.empty()) request.headers.Add("X-Remote-User", remote_user);
    const std::optional<ServingReply> refused = auth_->Check(request);
    if (!refused) return {200, ""};
    EXPECT_EQ(refused->content_type, "application/json");
    const Json status = Json::parse(refused->body);
    EXPECT_EQ(status["kind"], "Status");
    EXPECT_EQ(status["code"], refused->code);
    return {refused->code, status["message"]};
  }
  int Code(const std::string& header, const std::string& path) { return Ask(header, path).first; }

  HandClock clock_;
  std::string log_text_;
  Logger log_;
  FakeReviewer reviewer_;
  std::unique_ptr<ClientTrustSource> trust_;
  std::unique_ptr<DelegatedAuth> auth_;
};

TEST_F(DelegatedAuthTest, Answers) {
  struct Case {
    const char* header;
    const char* method;
    const char* path;
    int code;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"Bearer t-alice", "GET", "/metrics", 200, ""},
      {"  bearer t-alice  ", "GET", "/metrics", 200, ""},
      {"Bearer t-alice and more", "GET", "/metrics", 200, ""},
      {"Bearer t-alice", "HEAD", "/metrics", 403, R"(forbidden: User "alice" cannot head path "/metrics")"},
      {"Bearer t-alice", "GET", "/a\"b", 403, R"(forbidden: User "alice" cannot get path "/a\"b")"},
      {"Bearer t-bob", "GET", "/metrics", 403, R"(forbidden: User "bob" cannot get path "/metrics")"},
      {"Bearer t-bob", "GET", "/debug/queue", 403,
       R"(forbidden: User "bob" cannot get path "/debug/queue": RBAC: role not found)"},
      {"Bearer other", "GET", "/metrics", 401, "Unauthorized"},
      {"Bearer other", "GET", "/nothing", 401, "Unauthorized"},
      {"", "GET", "/metrics", 403, R"(forbidden: User "system:anonymous" cannot get path "/metrics")"},
      {"Basic t-alice", "GET", "/metrics", 403, R"(forbidden: User "system:anonymous" cannot get path "/metrics")"},
      {"Bearer  t-alice", "GET", "/metrics", 403, R"(forbidden: User "system:anonymous" cannot get path "/metrics")"},
      {"", "GET", "/version", 200, ""},
      {"", "GET", "/healthz", 200, ""},
      {"Bearer other", "GET", "/livez", 200, ""},
      {"", "GET", "/healthz/ping", 403, R"(forbidden: User "system:anonymous" cannot get path "/healthz/ping")"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Ask(c.header, c.path, c.method), std::make_pair(c.code, std::string(c.message))) << c.header << c.path;
  }
  DelegatedAuthOptions options;
  options.always_allow_paths = {"/metrics", "/debug/*"};
  Make(options);
  EXPECT_EQ(Code("", "/debug/queue"), 200);
  EXPECT_EQ(Code("", "/metrics"), 200);
  EXPECT_EQ(Code("", "/debug"), 403);
  EXPECT_EQ(Code("", "/healthz"), 403);
  EXPECT_THAT(log_text_, HasSubstr("is nobody's\" err=\"the token is nobody's\""));
}

TEST_F(DelegatedAuthTest, RemembersForAWhile) {
  DelegatedAuthOptions options;
  options.token_ttl = seconds(10);
  options.authorized_ttl = seconds(20);
  options.unauthorized_ttl = seconds(5);
  Make(options);
  const auto counts = [&](const std::string& header, const std::string& path) {
    Ask(header, path);
    return std::make_pair(reviewer_.token_reviews, reviewer_.access_reviews);
  };
  EXPECT_EQ(counts("Bearer t-alice", "/metrics"), std::make_pair(1, 1));
  EXPECT_EQ(counts("Bearer t-alice", "/metrics"), std::make_pair(1, 1));
  EXPECT_EQ(counts("Bearer t-alice", "/configz"), std::make_pair(1, 2));  // refused
  EXPECT_EQ(counts("Bearer other", "/metrics"), std::make_pair(2, 2));
  EXPECT_EQ(counts("Bearer other", "/metrics"), std::make_pair(2, 2));
  clock_.Advance(seconds(5));
  EXPECT_EQ(counts("Bearer t-alice", "/configz"), std::make_pair(2, 3));
  clock_.Advance(seconds(5));
  EXPECT_EQ(counts("Bearer t-alice", "/metrics"), std::make_pair(3, 3));
  clock_.Advance(seconds(10));
  EXPECT_EQ(counts("Bearer t-alice", "/metrics"), std::make_pair(4, 4));
}

TEST_F(DelegatedAuthTest, LetsNobodyInWithoutAnAnswer) {
  reviewer_.broken = true;
  EXPECT_EQ(Ask("Bearer t-alice", "/metrics"),
            std::make_pair(500, std::string("Internal error occurred: no review of the token")));
  EXPECT_EQ(Code("Bearer t-alice", "/healthz"), 200);
  EXPECT_THAT(log_text_, HasSubstr("no review\" of=\"the token\" err=\"connection refused\""));
  EXPECT_THAT(log_text_, testing::Not(HasSubstr("t-alice")));
  // One line in ten seconds.
  const std::string before = log_text_;
  EXPECT_EQ(Code("Bearer t-alice", "/metrics"), 500);
  EXPECT_EQ(log_text_, before);
  // No answer is not remembered.
  reviewer_.broken = false;
  EXPECT_EQ(Code("Bearer t-alice", "/metrics"), 200);
  // What is remembered holds while the server is away, and no longer.
  reviewer_.access_broken = true;
  clock_.Advance(seconds(9));
  EXPECT_EQ(Code("Bearer t-alice", "/metrics"), 200);
  clock_.Advance(seconds(1));
  EXPECT_EQ(Ask("Bearer t-alice", "/metrics"),
            std::make_pair(500, std::string("Internal error occurred: no review of the access")));
  EXPECT_THAT(log_text_, HasSubstr("of=\"the access\""));
}

// Those with one token wait for one answer.
TEST_F(DelegatedAuthTest, JoinsThoseWhoAskTheSame) {
  reviewer_.hold = true;
  std::vector<std::thread> threads;
  std::vector<int> codes(4);
  for (int& code : codes) threads.emplace_back([&] { code = Code("Bearer t-alice", "/metrics"); });
  reviewer_.WaitForReviews(1);
  reviewer_.Release();
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(codes, testing::Each(200));
  EXPECT_EQ(reviewer_.token_reviews, 1);
  EXPECT_EQ(reviewer_.access_reviews, 1);
}

// Only so many wait: the others' threads are free for probes.
TEST_F(DelegatedAuthTest, BoundsWhoWait) {
  DelegatedAuthOptions options;
  options.max_waiting = 1;
  Make(options);
  reviewer_.hold = true;
  int first = 0;
  std::thread thread([&] { first = Code("Bearer t-alice", "/metrics"); });
  reviewer_.WaitForReviews(1);
  for (const char* token : {"Bearer t-alice", "Bearer t-bob"}) {
    EXPECT_EQ(Ask(token, "/metrics"),
              std::make_pair(503, std::string("too many requests wait for the API server's word")));
  }
  EXPECT_EQ(Code("", "/readyz"), 200);
  reviewer_.Release();
  thread.join();
  EXPECT_EQ(first, 200);
  EXPECT_EQ(Code("Bearer t-bob", "/metrics"), 403);
}

class CertificatesTest : public DelegatedAuthTest {
 protected:
  CertificatesTest() {
    ClientTrustOptions options;
    options.client_ca_file = dir_.Write("ca.crt", ca_.certificate_pem);
    options.requestheader_client_ca_file = dir_.Write("proxy-ca.crt", proxy_ca_.certificate_pem);
    options.request_headers.allowed_names = {"front-proxy-client"};
    auto made = ClientTrustSource::Create(
        options, [] { return absl::StatusOr<std::string>(absl::UnavailableError("not asked")); }, &clock_, &log_);
    EXPECT_TRUE(made.ok()) << made.status();
    trust_ = *std::move(made);
    Make({});
  }
  Json Reviewed() const { return Json::parse(reviewer_.last_review)["spec"]; }

  const TempDir dir_;
  const Identity ca_ = IssueAuthority("ca");
  const Identity proxy_ca_ = IssueAuthority("proxy ca");
  const Identity alice_ = Issue("alice", {.issuer = &ca_, .organizations = {"devs"}});
  const Identity bob_ = Issue("bob", {.issuer = &ca_});
  const Identity proxy_ = Issue("front-proxy-client", {.issuer = &proxy_ca_});
  const Identity ended_ = Issue("alice", {.issuer = &ca_, .from_hours = -3, .to_hours = -1});
};

// The reference's order: a front proxy's headers, a certificate, a token.
TEST_F(CertificatesTest, GoBeforeTokens) {
  const struct {
    const char* what;
    Identity shown;
    const char* user;
    const char* header;
    int code;
  } kCases[] = {
      {"a certificate", alice_, "", "", 200},
      {"one of somebody who may not", bob_, "", "", 403},
      {"one of somebody who may not, with the token of one who may", bob_, "", "Bearer t-alice", 403},
      {"a certificate and a token that is nobody's", alice_, "", "Bearer other", 200},
      {"a certificate that ended", ended_, "", "", 401},
      {"a certificate that ended, and a token", ended_, "", "Bearer t-alice", 200},
      {"a certificate that ended, and a token that is nobody's", ended_, "", "Bearer other", 401},
      {"a proxy", proxy_, "alice", "", 200},
      {"a proxy for somebody who may not", proxy_, "bob", "Bearer t-alice", 403},
      {"a proxy for nobody, with a token", proxy_, "", "Bearer t-alice", 200},
      {"a proxy for nobody", proxy_, "", "", 401},
      {"headers without a certificate", {}, "alice", "", 403},
      {"headers with a client's certificate", bob_, "alice", "", 403},
      {"headers with a certificate that ended", ended_, "alice", "", 401},
  };
  for (const auto& c : kCases) EXPECT_EQ(Ask(c.header, "/metrics", "GET", c.shown, c.user).first, c.code) << c.what;
  EXPECT_EQ(Ask("", "/healthz", "GET", ended_).first, 200) << "as with tokens: for everybody";
  EXPECT_EQ(Ask("", "/metrics", "GET", {}, "alice").second,
            R"(forbidden: User "system:anonymous" cannot get path "/metrics")");
}

TEST_F(CertificatesTest, AreObserved) {
  std::vector<bool> good;
  DelegatedAuthOptions options;
  options.observe_certificate = [&good](Duration remaining) { good.push_back(remaining > Duration(0)); };
  Make(options);
  Ask("", "/metrics", "GET", alice_);
  Ask("", "/metrics", "GET", alice_);
  Ask("", "/metrics", "GET", ended_);
  Ask("", "/metrics", "GET", proxy_, "alice");
  Ask("Bearer t-alice", "/metrics");
  Ask("", "/healthz", "GET", alice_);
  EXPECT_EQ(good, (std::vector<bool>{true, true, false}));
}

TEST_F(CertificatesTest, AreReviewedAsTheyAre) {
  EXPECT_EQ(Ask("", "/metrics", "GET", alice_).first, 200);
  EXPECT_EQ(Reviewed()["groups"], Json::array({"devs", "system:authenticated"}));
  EXPECT_EQ(Reviewed()["extra"]["authentication.kubernetes.io/credential-id"][0].get<std::string>().size(), 11 + 64);
  EXPECT_EQ(Ask("", "/metrics", "GET", alice_).first, 200);
  EXPECT_EQ(reviewer_.access_reviews, 1) << "remembered";
  // Another certificate is another question.
  EXPECT_EQ(Ask("", "/metrics", "GET", Issue("alice", {.issuer = &ca_})).first, 200);
  EXPECT_EQ(reviewer_.access_reviews, 2);
  EXPECT_EQ(Ask("", "/metrics", "GET", proxy_, "alice").first, 200);
  EXPECT_EQ(Reviewed()["groups"], Json::array({"system:authenticated"}));
  EXPECT_FALSE(Reviewed().contains("extra"));
  EXPECT_EQ(reviewer_.token_reviews, 0);
}

// As the reference: they may all, even while the API server does not answer.
TEST_F(CertificatesTest, OfSystemMastersAreNotReviewed) {
  reviewer_.access_broken = true;
  EXPECT_EQ(
      Ask("", "/debug/queue", "GET", Issue("root", {.issuer = &ca_, .organizations = {"a", "system:masters"}})).first,
      200);
  EXPECT_EQ(reviewer_.access_reviews, 0);
  EXPECT_EQ(
      Ask("", "/debug/queue", "GET", Issue("root", {.issuer = &proxy_ca_, .organizations = {"system:masters"}})).first,
      401);
  EXPECT_EQ(Ask("", "/debug/queue", "GET", Issue("system:masters", {.issuer = &ca_})).first, 500);
}

TEST_F(CertificatesTest, OfNobodyAreToldOfInTheLogNowAndThen) {
  EXPECT_EQ(Ask("", "/metrics", "GET", ended_).second, "Unauthorized");
  EXPECT_THAT(log_text_,
              HasSubstr("is nobody's\" err=\"the client's certificate is not accepted: certificate has expired\""));
  const std::string before = log_text_;
  EXPECT_EQ(Ask("", "/metrics", "GET", ended_).first, 401);
  EXPECT_EQ(log_text_, before);
  clock_.Advance(seconds(10));
  EXPECT_EQ(Ask("", "/metrics", "GET", Issue("p\"\n", {.issuer = &proxy_ca_})).first, 401);
  EXPECT_EQ(std::count(log_text_.begin(), log_text_.end(), '\n'), 2) << log_text_;
}

TEST(ReviewCacheTest, IsBounded) {
  ReviewCache<int> cache(3);
  const Instant now{seconds(100)};
  cache.Put("a", 1, now + seconds(3), now);
  cache.Put("b", 2, now + seconds(1), now);
  cache.Put("c", 3, now + seconds(2), now);
  cache.Put("a", 4, now + seconds(9), now);
  cache.Put("d", 5, now + seconds(5), now);  // b ends soonest
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_EQ(cache.Find("b", now), nullptr);
  ASSERT_NE(cache.Find("a", now), nullptr);
  EXPECT_EQ(*cache.Find("a", now), 4);
  EXPECT_EQ(cache.Find("c", now + seconds(2)), nullptr);
  cache.Put("e", 6, now + seconds(3), now + seconds(3));  // over before it begins
  EXPECT_EQ(cache.Find("e", now + seconds(3)), nullptr);
  EXPECT_EQ(cache.size(), 2U);  // and c is gone
}

TEST(ReviewsTest, ReadsAnswers) {
  const auto user = ParseTokenReview(
      R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"u","uid":"1","groups":["g",7],
          "extra":{"k":["v"]}}}})");
  ASSERT_TRUE(user.ok());
  EXPECT_EQ(user->user, (ReviewedUser{"u", "1", {"g"}, {{"k", {"v"}}}}));
  EXPECT_EQ(AccessReviewJson(user->user, "/a b", "get"),
            R"({"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"nonResourceAttributes":)"
            R"({"path":"/a b","verb":"get"},"user":"u","uid":"1","groups":["g"],"extra":{"k":["v"]}}})");
  EXPECT_EQ(TokenReviewJson("a\"b"),
            R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"a\"b"}})");
  EXPECT_FALSE(ParseTokenReview(R"({"kind":"TokenReview","status":{"error":"no","user":{}}})")->authenticated);
  EXPECT_TRUE(ParseAccessReview(R"({"kind":"SubjectAccessReview","status":{"allowed":true}})")->allowed);
  EXPECT_FALSE(ParseAccessReview(R"({"kind":"SubjectAccessReview","status":{"allowed":true,"denied":true}})")->allowed);
  EXPECT_FALSE(ParseAccessReview(R"({"kind":"SubjectAccessReview","status":{"allowed":"true"}})")->allowed);
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  for (const std::string& bad :
       {std::string(), std::string("{"), std::string("[]"), deep, R"({"kind":"TokenReview","status":)" + deep + "}",
        std::string(R"({"kind":"Status","status":{"authenticated":true}})"),
        std::string(R"({"kind":"TokenReview","status":"authenticated"})"),
        std::string(R"({"kind":"TokenReview","status":{"authenticated":true}})"),
        std::string(R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":""}}})")}) {
    EXPECT_FALSE(ParseTokenReview(bad).ok()) << bad.substr(0, 80);
    EXPECT_FALSE(ParseAccessReview(bad).ok()) << bad.substr(0, 80);
  }
}

}  // namespace
}  // namespace epslice
