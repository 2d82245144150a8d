#include "apis/names.h"

#include <gtest/gtest.h>

#include <string>

namespace epslice {
namespace {

const std::string k63(63, 'a');

TEST(NamesTest, Labels) {
  const struct {
    std::string name;
    bool label;      // RFC 1123
    bool dns1035;    // RFC 1035
    bool subdomain;  // RFC 1123
  } cases[] = {
      {"web", true, true, true},
      {"a", true, true, true},
      {"1", true, false, true},
      {"1web", true, false, true},
      {"web-1", true, true, true},
      {"a--b", true, true, true},
      {"", false, false, false},
      {"-web", false, false, false},
      {"web-", false, false, false},
      {"Web", false, false, false},
      {"we_b", false, false, false},
      {"web ", false, false, false},
      {"w\xC3\xA9", false, false, false},
      {"web.shop", false, false, true},
      {"web..shop", false, false, false},
      {".web", false, false, false},
      {"web.", false, false, false},
      {"web.-shop", false, false, false},
      {"web-.shop", false, false, false},
      {k63, true, true, true},
      {k63 + "a", false, false, true},  // the parts of a subdomain are not bounded
      {k63 + "." + k63 + "." + k63 + "." + std::string(61, 'b'), false, false, true},
      {k63 + "." + k63 + "." + k63 + "." + std::string(62, 'b'), false, false, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(IsDns1123Label(c.name), c.label) << c.name;
    EXPECT_EQ(IsDns1035Label(c.name), c.dns1035) << c.name;
    EXPECT_EQ(IsDns1123Subdomain(c.name), c.subdomain) << c.name;
  }
}

TEST(NamesTest, LabelKeysAndValues) {
  for (const std::string& key : {std::string("app"), std::string("App_1.x-y"), std::string("example.com/app"),
                                 std::string("a/b"), k63, "example.com/" + k63}) {
    EXPECT_TRUE(IsQualifiedName(key)) << key;
  }
  for (const std::string& key :
       {std::string(), std::string("/"), std::string("/a"), std::string("a/"), std::string("a/b/c"), std::string("-a"),
        std::string("a-"), std::string("a b"), std::string("Example.com/a"), k63 + "a", std::string("a_b/c"),
        std::string(254, 'a') + "/c"}) {
    EXPECT_FALSE(IsQualifiedName(key)) << key;
  }
  for (const std::string& value : {std::string(), std::string("1"), std::string("a.B_c-d"), k63}) {
    EXPECT_TRUE(IsLabelValue(value)) << value;
  }
  for (const std::string& value :
       {std::string("-"), std::string("a/b"), std::string("a "), std::string("_a"), std::string("a."), k63 + "a"}) {
    EXPECT_FALSE(IsLabelValue(value)) << value;
  }
}

TEST(NamesTest, SlicePrefix) {
  EXPECT_EQ(EndpointSliceNamePrefix("web"), "web-");
  EXPECT_EQ(EndpointSliceNamePrefix("a"), "a-");
  EXPECT_EQ(EndpointSliceNamePrefix(""), "");
  EXPECT_EQ(EndpointSliceNamePrefix("web.shop"), "web.shop-");
  EXPECT_EQ(EndpointSliceNamePrefix("Web"), "Web");
  EXPECT_EQ(EndpointSliceNamePrefix(std::string(253, 'a')), std::string(253, 'a') + "-");
  EXPECT_EQ(EndpointSliceNamePrefix(std::string(254, 'a')), std::string(254, 'a'));
}

}  // namespace
}  // namespace epslice
