#include "informers/http/request_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace epslice {
namespace {

TEST(OriginFormTest, AsGoReadsTargets) {
  const struct {
    const char* target;
    std::optional<std::string> want;
  } kCases[] = {
      {"/healthz", "/healthz"},
      {"/a?b=http://c/d", "/a?b=http://c/d"},
      {"//host/healthz", "//host/healthz"},
      {"*", "*"},
      {"", ""},
      {"healthz", "healthz"},
      {"1http://host/a", "1http://host/a"},
      {":/a", ":/a"},
      {"http://host/healthz", "/healthz"},
      {"HTTPS://Host:6443/a%20b?c=%2F&d", "/a%20b?c=%2F&d"},
      {"ws+x-1.0://h/a", "/a"},
      {"http://host", "/"},
      {"http://host:", "/"},
      {"http://host?a=b", "/?a=b"},
      {"http:///healthz", "/healthz"},
      {"http:/healthz", "/healthz"},
      {"http://[::1]:8080/a", "/a"},
      {"http://[fe80::1%25eth0]/a", "/a"},
      {"http://user:pass@host/a", "/a"},
      {"http://host/a://b", "/a://b"},
      {"http:healthz", std::nullopt},
      {"mailto:a@b", std::nullopt},
      {"http:", std::nullopt},
      {"http://host:http/a", std::nullopt},
      {"http://[::1/a", std::nullopt},
      {"http://[::1]8080/a", std::nullopt},
      {"http://ho^st/a", std::nullopt},
      {"http://us\"er@host/a", std::nullopt},
  };
  for (const auto& c : kCases) EXPECT_EQ(OriginForm(c.target), c.want) << c.target;
}

TEST(HostFieldTest, TakesWhatHostsAreMadeOf) {
  for (const char* good : {"", "a", "api.example.org:6443", "[::1]:80", "[fe80::1%25eth0]", "10.0.0.1", "a_b~c"}) {
    EXPECT_TRUE(IsHostField(good)) << good;
  }
  for (const char* bad : {"a b", "a/b", "a@b", "a\"b", "\x01", "a\xc3\xa4", "http://a", "a?b", "a#b", "<a>"}) {
    EXPECT_FALSE(IsHostField(bad)) << bad;
  }
}

TEST(HostFieldTest, AreFoundInAHead) {
  using testing::ElementsAre;
  EXPECT_THAT(HostFields("GET / HTTP/1.1\r\nHost: a:1 \r\nX-Host: b\r\nHOST:\r\nhost:\tc\r\n\r\nHost: body\r\n"),
              ElementsAre("a:1", "", "c"));
  for (const char* none : {"", "Host: a", "Host: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost"}) {
    EXPECT_THAT(HostFields(none), ElementsAre()) << none;
  }
}

}  // namespace
}  // namespace epslice
