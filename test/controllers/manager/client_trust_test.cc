// Whose certificates name clients: from files, from the cluster, and when they change.
#include "controllers/manager/client_trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controllers/manager/authentication_config.h"
#include "test/informers/http/pki.h"

namespace epslice {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

std::string ConfigMap(const Json& data) { return Json{{"kind", "ConfigMap"}, {"data", data}}.dump(); }

class ClientTrustTest : public testing::Test {
 protected:
  ClientTrustTest() : log_({LogFormat::kText, 0, 1}, &clock_, [this](std::string_view line) { log_text_ += line; }) {}

  absl::Status Make(const ClientTrustOptions& options) {
    auto made = ClientTrustSource::Create(
        options,
        [this] {
          ++look_ups_;
          return answer_;
        },
        &clock_, &log_);
    if (!made.ok()) return made.status();
    source_ = *std::move(made);
    return absl::OkStatus();
  }
  // Whose word counts: "clients a; proxies b", by the names of the authorities.
  std::string Trusted() {
    const std::shared_ptr<const ClientTrust> trust = source_->Current();
    const auto of = [this](const std::shared_ptr<const CertificateAuthorities>& authorities) {
      std::string names;
      if (authorities == nullptr) return std::string("none");
      for (const auto& [name, ca] : {std::pair("a", &a_), std::pair("b", &b_), std::pair("c", &c_)}) {
        const Identity leaf = Issue("x", {.issuer = ca});
        if (authorities->Verify(DerOf(leaf), RealClock().WallNow()).ok()) names += name;
      }
      return names;
    };
    return "clients " + of(trust->clients) + "; proxies " + of(trust->front_proxies);
  }

  const Identity a_ = IssueAuthority("a");
  const Identity b_ = IssueAuthority("b");
  const Identity c_ = IssueAuthority("c");
  const TempDir dir_;
  FakeClock clock_;
  std::string log_text_;
  Logger log_;
  absl::StatusOr<std::string> answer_ = absl::NotFoundError("there is none");
  int look_ups_ = 0;
  std::unique_ptr<ClientTrustSource> source_;
};

TEST_F(ClientTrustTest, FilesGoBeforeTheCluster) {
  ClientTrustOptions options;
  options.client_ca_file = dir_.Write("a.crt", a_.certificate_pem);
  options.requestheader_client_ca_file = dir_.Write("b.crt", b_.certificate_pem);
  options.request_headers.allowed_names = {"p"};
  EXPECT_TRUE(options.Given());
  ASSERT_TRUE(Make(options).ok());
  EXPECT_EQ(Trusted(), "clients a; proxies b");
  EXPECT_THAT(source_->Current()->request_headers.allowed_names, ElementsAre("p"));
  EXPECT_THAT(*source_->client_ca_pem(), testing::AllOf(HasSubstr(a_.certificate_pem), HasSubstr(b_.certificate_pem)));
  clock_.Advance(seconds(3600));
  EXPECT_EQ(Trusted(), "clients a; proxies b");
  EXPECT_EQ(look_ups_, 0);
  EXPECT_EQ(log_text_, "");
}

TEST_F(ClientTrustTest, FilesAreFollowed) {
  ClientTrustOptions options;
  options.skip_lookup = true;
  options.client_ca_file = dir_.Write("a.crt", a_.certificate_pem);
  ASSERT_TRUE(Make(options).ok());
  const auto pem = source_->client_ca_pem();
  EXPECT_EQ(source_->client_ca_pem(), pem);
  dir_.Write("a.crt", a_.certificate_pem + c_.certificate_pem);
  clock_.Advance(seconds(1));
  EXPECT_EQ(Trusted(), "clients ac; proxies none");
  EXPECT_NE(source_->client_ca_pem(), pem);
  EXPECT_THAT(log_text_, HasSubstr("Other authorities of client certificates hold from now on\" from=\"" +
                                   options.client_ca_file));
  // Not again within the second; and what is no good changes nothing.
  dir_.Write("a.crt", "hello");
  EXPECT_EQ(Trusted(), "clients ac; proxies none");
  log_text_.clear();
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(seconds(1));
    EXPECT_EQ(Trusted(), "clients ac; proxies none");
  }
  EXPECT_THAT(log_text_, HasSubstr("verified as before\" err=\"" + options.client_ca_file + ": holds no PEM"));
  EXPECT_EQ(log_text_.find("verified as before"), log_text_.rfind("verified as before")) << "said once";
  EXPECT_EQ(look_ups_, 0);
}

TEST_F(ClientTrustTest, WarnsWhereEveryClientMayBeAProxy) {
  ClientTrustOptions options;
  options.client_ca_file = dir_.Write("a.crt", a_.certificate_pem);
  options.requestheader_client_ca_file = options.client_ca_file;
  options.request_headers.allowed_names = {"front-proxy-client"};
  ASSERT_TRUE(Make(options).ok());
  EXPECT_EQ(log_text_, "");
  options.request_headers.allowed_names.clear();
  ASSERT_TRUE(Make(options).ok());
  EXPECT_THAT(log_text_, HasSubstr("Every client may be a front proxy"));
}

TEST_F(ClientTrustTest, AFileThatIsNoGoodIsAnErrorAtTheStart) {
  ClientTrustOptions options;
  options.client_ca_file = dir_.Write("a.crt", "hello");
  EXPECT_EQ(Make(options), absl::InvalidArgumentError(options.client_ca_file + ": holds no PEM certificate"));
  options.client_ca_file = "/nonexistent";
  EXPECT_EQ(Make(options), absl::InvalidArgumentError("/nonexistent: cannot be read"));
}

TEST_F(ClientTrustTest, TheClusterSaysWhatFilesDoNot) {
  const Json data = {{"client-ca-file", a_.certificate_pem},
                     {"requestheader-client-ca-file", b_.certificate_pem},
                     {"requestheader-allowed-names", R"(["front-proxy-client"])"},
                     {"requestheader-username-headers", R"(["X-Remote-User"])"},
                     {"requestheader-group-headers", R"(["X-Remote-Group"])"}};
  answer_ = ConfigMap(data);
  ClientTrustOptions options;
  options.request_headers.username_headers = {"x-of-the-flags"};
  EXPECT_FALSE(options.Given());
  ASSERT_TRUE(Make(options).ok());
  EXPECT_EQ(Trusted(), "clients a; proxies b");
  const RequestHeaderOptions headers = source_->Current()->request_headers;
  EXPECT_THAT(headers.allowed_names, ElementsAre("front-proxy-client"));
  EXPECT_THAT(headers.username_headers, ElementsAre("X-Remote-User"));
  EXPECT_THAT(headers.uid_headers, IsEmpty());
  EXPECT_THAT(headers.extra_header_prefixes, IsEmpty());

  options.client_ca_file = dir_.Write("c.crt", c_.certificate_pem);
  ASSERT_TRUE(Make(options).ok());
  EXPECT_EQ(Trusted(), "clients c; proxies b");
  options.client_ca_file = "";
  options.requestheader_client_ca_file = dir_.Write("c.crt", c_.certificate_pem);
  ASSERT_TRUE(Make(options).ok());
  EXPECT_EQ(Trusted(), "clients a; proxies c");
  EXPECT_THAT(source_->Current()->request_headers.username_headers, ElementsAre("x-of-the-flags"));
  options = {};
  options.skip_lookup = true;
  ASSERT_TRUE(Make(options).ok());
  EXPECT_EQ(Trusted(), "clients none; proxies none");
}

TEST_F(ClientTrustTest, TheClusterIsAskedOnceAMinute) {
  ASSERT_TRUE(Make({}).ok());
  EXPECT_EQ(Trusted(), "clients none; proxies none") << "there is none yet";
  answer_ = ConfigMap({{"client-ca-file", a_.certificate_pem}});
  clock_.Advance(seconds(59));
  EXPECT_EQ(Trusted(), "clients none; proxies none");
  EXPECT_EQ(look_ups_, 1);
  clock_.Advance(seconds(1));
  EXPECT_EQ(Trusted(), "clients a; proxies none");
  EXPECT_EQ(look_ups_, 2);
  // Failures, nonsense, and one that says nothing more change nothing.
  for (const absl::StatusOr<std::string>& bad :
       {absl::StatusOr<std::string>(absl::UnavailableError("connection refused")), absl::StatusOr<std::string>("{}"),
        absl::StatusOr<std::string>(ConfigMap({{"requestheader-allowed-names", "x"}}))}) {
    answer_ = bad;
    log_text_.clear();
    clock_.Advance(seconds(60));
    EXPECT_EQ(Trusted(), "clients a; proxies none");
    EXPECT_THAT(log_text_, HasSubstr("verified as before"));
  }
  const int before = look_ups_;
  answer_ = ConfigMap(Json::object());
  clock_.Advance(seconds(9));
  EXPECT_EQ(Trusted(), "clients a; proxies none");
  EXPECT_EQ(look_ups_, before) << "ten seconds after a failure";
  clock_.Advance(seconds(1));
  EXPECT_EQ(Trusted(), "clients a; proxies none");
  EXPECT_EQ(look_ups_, before + 1);
  answer_ = ConfigMap({{"client-ca-file", "hello"}, {"requestheader-client-ca-file", b_.certificate_pem}});
  clock_.Advance(seconds(60));
  EXPECT_EQ(Trusted(), "clients a; proxies b");
  EXPECT_THAT(log_text_, HasSubstr("client-ca-file: holds no PEM certificate"));
}

TEST_F(ClientTrustTest, AFailureAtTheStartIsToleratedOnRequest) {
  answer_ = absl::UnavailableError("403 Forbidden");
  const absl::Status failed = Make({});
  EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(failed.message()),
              testing::AllOf(HasSubstr("ConfigMap kube-system/extension-apiserver-authentication: 403 Forbidden"),
                             HasSubstr("extension-apiserver-authentication-reader"),
                             HasSubstr("--authentication-tolerate-lookup-failure")));
  ClientTrustOptions options;
  options.tolerate_lookup_failure = true;
  ASSERT_TRUE(Make(options).ok());
  EXPECT_EQ(Trusted(), "clients none; proxies none");
  EXPECT_THAT(log_text_, HasSubstr("403 Forbidden"));
  answer_ = ConfigMap({{"client-ca-file", a_.certificate_pem}});
  clock_.Advance(seconds(10));
  EXPECT_EQ(Trusted(), "clients a; proxies none");
}

TEST(AuthenticationConfigTest, RefusesWhatIsNone) {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string(R"({"kind":"Secret","data":{}})"),
        std::string(R"({"kind":"ConfigMap","data":[]})"), R"({"kind":"ConfigMap","data":)" + deep + "}",
        ConfigMap({{"requestheader-allowed-names", "[1]"}}), ConfigMap({{"requestheader-uid-headers", "{}"}}),
        ConfigMap({{"requestheader-group-headers", deep}}), ConfigMap({{"requestheader-username-headers", "a,b"}})}) {
    EXPECT_EQ(ParseAuthenticationConfig(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_TRUE(ParseAuthenticationConfig(R"({"kind":"ConfigMap"})").ok());
  EXPECT_TRUE(ParseAuthenticationConfig(ConfigMap({{"requestheader-allowed-names", "null"}})).ok());
}

}  // namespace
}  // namespace epslice
