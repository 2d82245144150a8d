// Request targets taken apart, and who is on this machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "controllers/manager/serving.h"

namespace epslice {
namespace {

TEST(ParseTargetTest, TakesApart) {
  const std::optional<HttpQuery> query = ParseTarget("/debug/a%20b?verbose&x=1&x=%2Fy+z&=&e=&&last=a=b#no");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->path, "/debug/a b");
  EXPECT_TRUE(query->Has("verbose"));
  EXPECT_FALSE(query->Has("no"));
  EXPECT_EQ(query->Get("x"), "1");
  EXPECT_THAT(query->All("x"), testing::ElementsAre("1", "/y z"));
  EXPECT_TRUE(query->Has("e"));
  EXPECT_EQ(query->Get("e"), "");
  EXPECT_EQ(query->Get("last"), "a=b");
  EXPECT_EQ(query->Get("missing"), "");
}

TEST(ParseTargetTest, Refuses) {
  std::string many = "/?";
  for (int i = 0; i < 65; ++i) many += "a&";
  for (const std::string& bad : {std::string(), std::string("livez"), std::string("*"), std::string("http://x/livez"),
                                 std::string("/%"), std::string("/%4"), std::string("/%zz"), std::string("/?a=%f"),
                                 std::string("/?%q=1"), std::string("?x"), many}) {
    EXPECT_FALSE(ParseTarget(bad)) << bad;
  }
  EXPECT_TRUE(ParseTarget(many.substr(0, many.size() - 2)));
  EXPECT_EQ(ParseTarget("/%41")->path, "/A");
}

TEST(LoopbackTest, Tells) {
  for (const char* ip : {"127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"}) EXPECT_TRUE(IsLoopback(ip)) << ip;
  for (const char* ip : {"", "10.0.0.1", "128.0.0.1", "::", "::2", "::ffff:10.0.0.1", "127::1", "1127.0.0.1"}) {
    EXPECT_FALSE(IsLoopback(ip)) << ip;
  }
}

}  // namespace
}  // namespace epslice
