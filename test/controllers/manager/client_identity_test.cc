// Whom certificates and the headers of front proxies name, and whom not.
#include "controllers/manager/client_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/informers/http/pki.h"

namespace epslice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Fields = std::vector<std::pair<std::string, std::string>>;

class ClientIdentityTest : public testing::Test {
 protected:
  ClientIdentityTest() {
    trust_.clients = *CertificateAuthorities::FromPem(ca_.certificate_pem);
    trust_.front_proxies = *CertificateAuthorities::FromPem(proxy_ca_.certificate_pem);
    trust_.request_headers.allowed_names = {"front-proxy-client", "other-proxy"};
    trust_.request_headers.uid_headers = {"x-remote-uid"};
  }
  ClientIdentity Identify(const Identity& shown, const Fields& fields) const {
    const std::vector<std::string> certificates = DerOf(shown);
    GuardedRequest request{"/metrics", "GET", {}, certificates};
    for (const auto& [name, value] : fields) request.headers.Add(name, value);
    return IdentifyClient(trust_, request, RealClock().WallNow());
  }
  // "alice [devs]", "refused", "nobody".
  std::string Who(const Identity& shown, const Fields& fields = {}) const {
    const ClientIdentity identity = Identify(shown, fields);
    if (!identity.user) return identity.refused.empty() ? "nobody" : "refused";
    EXPECT_EQ(identity.refused, "");
    std::string groups;
    for (const std::string& group : identity.user->groups) groups += (groups.empty() ? "" : ",") + group;
    return identity.user->name + " [" + groups + "]";
  }

  const Identity ca_ = IssueAuthority("ca");
  const Identity proxy_ca_ = IssueAuthority("proxy ca");
  const Identity jane_ = Issue("jane", {.issuer = &ca_, .organizations = {"devs"}});
  const Identity proxy_ = Issue("front-proxy-client", {.issuer = &proxy_ca_, .organizations = {"proxies"}});
  const Fields says_alice_ = {{"X-Remote-User", "alice"}, {"X-Remote-Group", "ops"}};
  ClientTrust trust_;
};

TEST_F(ClientIdentityTest, OneNamesWhomItMay) {
  const Identity ended_proxy = Issue("front-proxy-client", {.issuer = &proxy_ca_, .from_hours = -3, .to_hours = -1});
  const Identity false_proxy = Issue("front-proxy-client", {.issuer = &ca_});
  const struct {
    const char* what;
    Identity shown;
    Fields fields;
    const char* who;
  } kCases[] = {
      {"nothing shown", {}, {}, "nobody"},
      {"headers alone", {}, says_alice_, "nobody"},
      {"a client", jane_, {}, "jane [devs]"},
      {"a client that would be another", jane_, says_alice_, "jane [devs]"},
      {"a client that would be a proxy", false_proxy, says_alice_, "front-proxy-client []"},
      {"a proxy", proxy_, says_alice_, "alice [ops]"},
      {"another proxy", Issue("other-proxy", {.issuer = &proxy_ca_}), says_alice_, "alice [ops]"},
      {"a proxy for nobody", proxy_, {}, "refused"},
      {"a proxy for an empty name", proxy_, {{"X-Remote-User", ""}, {"X-Remote-User", "alice"}}, "refused"},
      {"a proxy that is not allowed", Issue("strange", {.issuer = &proxy_ca_}), says_alice_, "refused"},
      {"a proxy without a name", Issue("", {.issuer = &proxy_ca_}), says_alice_, "refused"},
      {"a proxy that has ended", ended_proxy, says_alice_, "refused"},
      {"a server of the proxies' authority", Issue("front-proxy-client", {.issuer = &proxy_ca_, .hosts = {"a"}}),
       says_alice_, "refused"},
      {"one that has ended", Issue("jane", {.issuer = &ca_, .from_hours = -3, .to_hours = -1}), {}, "refused"},
      {"a server", Issue("jane", {.issuer = &ca_, .hosts = {"a"}}), {}, "refused"},
      {"a stranger", Issue("jane", {}), says_alice_, "refused"},
      {"a client without a name", Issue("", {.issuer = &ca_}), {}, "refused"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Who(c.shown, c.fields), c.who) << c.what;
}

// Of whom a proxy names the proxy's certificate says nothing.
TEST_F(ClientIdentityTest, SaysWhenTheClientsOwnCertificateEnds) {
  const auto hours_left = [this](const Identity& shown) -> std::optional<std::int64_t> {
    const auto ends = Identify(shown, says_alice_).certificate_ends;
    if (!ends) return std::nullopt;
    return (ends->nanos - RealClock().WallNow().nanos + 1'800'000'000'000) / 3'600'000'000'000;
  };
  EXPECT_EQ(hours_left(Issue("jane", {.issuer = &ca_, .to_hours = 100})), 100);
  EXPECT_EQ(hours_left(Issue("stranger", {.to_hours = 100})), 100);
  EXPECT_EQ(hours_left(Issue("jane", {.issuer = &ca_, .from_hours = -9, .to_hours = -4})), -3) << "rounded to 0";
  EXPECT_EQ(hours_left(proxy_), std::nullopt);
  EXPECT_EQ(hours_left({}), std::nullopt);
  trust_.clients = nullptr;
  EXPECT_EQ(hours_left(jane_), std::nullopt);
}

TEST_F(ClientIdentityTest, AllNamesAreAllowedWithoutAList) {
  trust_.request_headers.allowed_names.clear();
  EXPECT_EQ(Who(Issue("strange", {.issuer = &proxy_ca_}), says_alice_), "alice [ops]");
  EXPECT_EQ(Who(Issue("", {.issuer = &proxy_ca_}), says_alice_), "alice [ops]");
  EXPECT_EQ(Who(jane_, says_alice_), "jane [devs]");
}

TEST_F(ClientIdentityTest, WithOneKindOfAuthorityAlone) {
  ClientTrust both = trust_;
  trust_.front_proxies = nullptr;
  EXPECT_EQ(Who(jane_, says_alice_), "jane [devs]");
  EXPECT_EQ(Who(proxy_, says_alice_), "refused");
  EXPECT_EQ(Who(Issue("", {.issuer = &ca_})), "nobody") << "as the reference: it may still have a token";
  trust_ = both;
  trust_.clients = nullptr;
  EXPECT_EQ(Who(proxy_, says_alice_), "alice [ops]");
  EXPECT_EQ(Who(proxy_), "nobody");
  EXPECT_EQ(Who(jane_), "refused");
  trust_.front_proxies = nullptr;
  EXPECT_EQ(Who(jane_, says_alice_), "nobody") << "nobody looks";
}

TEST_F(ClientIdentityTest, HeadersSayItAll) {
  trust_.request_headers.username_headers = {"X-First", "X-Remote-User"};
  const ClientIdentity identity = Identify(proxy_, {{"x-first", ""},
                                                    {"x-REMOTE-user", "alice"},
                                                    {"X-Remote-User", "root"},
                                                    {"X-Remote-Uid", "42"},
                                                    {"X-Remote-Group", "a,b"},
                                                    {"X-Remote-Group", ""},
                                                    {"x-remote-group", "c"},
                                                    {"X_Remote_Group", "system:masters"},
                                                    {"X-Remote-Extra-Scopes", "one"},
                                                    {"X-Remote-Extra-SCOPES", "two"},
                                                    {"X-Remote-Extra-Example.org%2FKey", "three"},
                                                    {"X-Remote-Extra-%zz", "four"}});
  ASSERT_TRUE(identity.user);
  EXPECT_EQ(*identity.user,
            (ReviewedUser{"alice",
                          "42",
                          {"a,b", "c"},
                          {{"%zz", {"four"}}, {"example.org/key", {"three"}}, {"scopes", {"one", "two"}}}}));
}

TEST_F(ClientIdentityTest, ACertificateSaysWhichItIs) {
  const ClientIdentity identity = Identify(jane_, {});
  ASSERT_TRUE(identity.user);
  EXPECT_EQ(identity.user->uid, "");
  ASSERT_EQ(identity.user->extra.size(), 1U);
  EXPECT_THAT(identity.user->extra.at("authentication.kubernetes.io/credential-id"),
              ElementsAre(HasSubstr("X509SHA256=")));
}

TEST(AuthenticatedGroupTest, IsAddedOnce) {
  const struct {
    ReviewedUser user;
    std::vector<std::string> groups;
  } kCases[] = {
      {{"jane", "", {"devs"}, {}}, {"devs", "system:authenticated"}},
      {{"jane", "", {"system:authenticated", "devs"}, {}}, {"system:authenticated", "devs"}},
      {{"jane", "", {"system:unauthenticated"}, {}}, {"system:unauthenticated"}},
      {{"system:anonymous", "", {}, {}}, {}},
  };
  for (const auto& c : kCases) {
    ReviewedUser user = c.user;
    AddAuthenticatedGroup(&user);
    EXPECT_EQ(user.groups, c.groups) << c.user.name;
  }
}

}  // namespace
}  // namespace epslice
