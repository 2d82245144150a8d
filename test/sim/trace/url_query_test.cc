#include "sim/trace/url_query.h"

#include <gtest/gtest.h>

namespace epslice::sim {
namespace {

TEST(UrlQueryTest, WhatIsBehindTheMark) {
  EXPECT_EQ(QueryOf("/api/v1/pods?a=1&b=2"), "a=1&b=2");
  EXPECT_EQ(QueryOf("/api/v1/pods?"), "");
  EXPECT_EQ(QueryOf("/api/v1/pods"), "");
}

TEST(UrlQueryTest, ValuesAreDecoded) {
  struct Case {
    const char* query;
    const char* value;  // of "a"
  };
  for (const Case& c : {Case{"a=1&b=2", "1"}, Case{"b=2&a=app%3Dweb%2cx", "app=web,x"}, Case{"a=1+2", "1 2"},
                        Case{"a=1&a=2", "1"}, Case{"aa=1&ba=2", ""}, Case{"a", ""}, Case{"a=", ""}, Case{"", ""},
                        Case{"a=%4", "%4"}, Case{"a=%zz", "%zz"}, Case{"&&a=1", "1"}}) {
    EXPECT_EQ(QueryValue(c.query, "a"), c.value) << c.query;
  }
}

}  // namespace
}  // namespace epslice::sim
