#include "sim/serve/token_auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "informers/http/reviews.h"

namespace epslice::sim {
namespace {

TEST(TokenAuthTest, ReadsTheFileOfKubeApiserver) {
  const auto auth = TokenAuth::FromCsv(
      "t0k3n,alice,1\r\n\n\"quo\"\"ted\",\"bob, the second\",2,\"group1,group2\"\nthird, carol,3,x,y");
  ASSERT_TRUE(auth.ok()) << auth.status();
  EXPECT_EQ(auth->first_token(), "t0k3n");
  const std::vector<std::pair<std::string, std::optional<std::string>>> kCases = {
      {"Bearer t0k3n", "alice"},
      {"bearer t0k3n", "alice"},
      {"BEARER t0k3n", "alice"},
      {"Bearer   t0k3n", {}},
      {"Bearer quo\"ted", "bob, the second"},
      {"Bearer third", "carol"},
      {"Bearer t0k3", {}},
      {"Bearer t0k3nn", {}},
      {"Bearer T0K3N", {}},
      {"Bearer ", {}},
      {"Bearer", {}},
      {"", {}},
      {"Basic t0k3n", {}},
      {"t0k3n", {}},
      {"Bearer t0k3n ", "alice"},
  };
  for (const auto& [header, user] : kCases) {
    const auto found = auth->UserOf(BearerToken(header));
    EXPECT_EQ(found ? std::optional<std::string>(found->name) : std::nullopt, user) << header;
  }
  const UserInfo bob{"bob, the second", "2", {"group1", "group2", "system:authenticated"}};
  EXPECT_EQ(auth->UserOf("quo\"ted"), bob);
  EXPECT_EQ(auth->UserOf("Bearer t0k3n"), std::nullopt);
}

TEST(TokenAuthTest, RefusesWhatItCannotUseWithoutTellingIt) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"", "holds no token; accepted are lines of token,user,uid"},
      {"\n\n", "holds no token; accepted are lines of token,user,uid"},
      {"a,b,c\ns3cret,user\n", "line 2: accepted is token,user,uid and maybe \"group1,group2\""},
      {"s3cret\n", "line 1: accepted is token,user,uid and maybe \"group1,group2\""},
      {",user,1\n", "line 1: the token is empty"},
      {"\"a\nb\",c,d\n", "line 1: the token holds blanks or control characters"},
      {"a,b,c\n\"s3cret,b,c\n", "line 2: a quote is out of place"},
      {"s3\"cret\",b,c\n", "line 1: a quote is out of place"},
      {"\"s3\"cret,b,c\n", "line 1: a quote is out of place"},
  };
  for (const auto& [text, message] : kCases) {
    const auto auth = TokenAuth::FromCsv(text);
    ASSERT_FALSE(auth.ok()) << text;
    EXPECT_EQ(std::string(auth.status().message()), message) << text;
  }
}

}  // namespace
}  // namespace epslice::sim
