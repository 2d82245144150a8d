#include "informers/http/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/escaping.h"
#include "apis/cat.h"
#include "apis/status_text.h"

namespace epslice {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Parsed(std::string_view url) {
  const auto proxy = ParseProxyUrl(url, "o");
  if (!proxy.ok()) return Cat({"error: ", MessageOf(proxy.status())});
  std::string user;
  const std::string& header = (*proxy)->authorization;
  EXPECT_TRUE(header.empty() || absl::Base64Unescape(header.substr(6), &user)) << header;
  return Cat({(*proxy)->Address(), header.empty() ? "" : " ", std::string_view(header).substr(0, 6), user});
}

TEST(ProxyTest, Urls) {
  const struct {
    const char* url;
    const char* parsed;
  } kCases[] = {
      {"http://p", "p:80"},
      {"http://p:3128", "p:3128"},
      {"HTTP://p:3128/", "p:3128"},
      {"http://p:3128/path?q#f", "p:3128"},
      {"http://[fd00::1]:3128", "[fd00::1]:3128"},
      {"http://me:secret@p:3128", "p:3128 Basic me:secret"},
      {"http://me@p", "p:80 Basic me:"},
      {"http://me:a%40b%3Ac%2fd@p", "p:80 Basic me:a@b:c/d"},
      {"http://me:a@b@p", "p:80 Basic me:a@b"},
      {"http://me:%0d%0aX: y@p", "p:80 Basic me:\r\nX: y"},  // base64 keeps it in its line
      {"http://:@p", "p:80 Basic :"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Parsed(c.url), c.parsed) << c.url;
}

TEST(ProxyTest, BadUrlsAreRefusedWithoutSayingWhatTheyHold) {
  const struct {
    const char* url;
    const char* why;
  } kCases[] = {
      {"https://me:s3cret@p", "https:// proxies are not supported; accepted is http://"},
      {"socks5://me:s3cret@p", "socks5:// proxies are not supported"},
      {"SOCKS5://me:s3cret@p", "socks5:// proxies are not supported"},
      {"s3cret://p", "no proxy has this scheme"},
      {"s3cret", "not an URL"},
      {"", "not an URL"},
      {"http://", "not the URL of a proxy"},
      {"http://me:s3cret@", "not the URL of a proxy"},
      {"http://me:s3cret@p:0", "not the URL of a proxy"},
      {"http://me:s3cret@p:s3cret", "not the URL of a proxy"},
      {"http://me:s3cret@p s3cret", "not the URL of a proxy"},
      {"http://me:s3cret@[fd00::1", "not the URL of a proxy"},
      {"http://me:s3cret%@p", "not percent-encoded"},
      {"http://me:s3cret%4@p", "not percent-encoded"},
      {"http://me:s3cret%zz@p", "not percent-encoded"},
      {"http://me:s3cret%+1@p", "not percent-encoded"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(Parsed(c.url), HasSubstr(c.why)) << c.url;
    EXPECT_THAT(Parsed(c.url), Not(HasSubstr("s3cret"))) << c.url;
  }
}

HttpEndpoint To(std::string_view host, int port = 6443) {
  HttpEndpoint endpoint;
  endpoint.host = host;
  endpoint.port = port;
  endpoint.tls = true;
  return endpoint;
}

HttpEndpoint Plain(std::string_view host) {
  HttpEndpoint server = To(host);
  server.tls = false;
  return server;
}

TEST(ProxyTest, WhatIsReachedDirectly) {
  const struct {
    const char* no_proxy;
    const char* host;
    bool direct;
  } kCases[] = {
      {"", "api.example.com", false},
      {"", "10.96.0.1", false},
      // The machine itself.
      {"", "localhost", true},
      {"", "LocalHost", true},
      {"", "127.0.0.1", true},
      {"", "127.8.9.10", true},
      {"", "::1", true},
      {"", "::ffff:127.0.0.1", true},
      {"", "128.0.0.1", false},
      {"", "localhost.example.com", false},
      // Names.
      {"example.com", "example.com", true},
      {"example.com", "api.example.com", true},
      {"example.com", "a.b.example.com", true},
      {"example.com", "notexample.com", false},
      {"Example.COM", "api.EXAMPLE.com", true},
      {".example.com", "example.com", false},
      {".example.com", "api.example.com", true},
      {"*.example.com", "api.example.com", true},
      {"*.example.com", "example.com", false},
      {"example.com", "example.org", false},
      {"com", "example.com", true},
      {"example.com:6443", "api.example.com", true},
      {"example.com:443", "api.example.com", false},
      {".example.com:6443", "api.example.com", true},
      {"example.com:", "api.example.com", true},
      // Addresses.
      {"10.96.0.1", "10.96.0.1", true},
      {"10.96.0.1", "10.96.0.10", false},
      {"10.96.0.1:6443", "10.96.0.1", true},
      {"10.96.0.1:443", "10.96.0.1", false},
      {"fd00::1", "fd00:0:0::1", true},
      {"[fd00::1]:6443", "fd00::1", true},
      {"[fd00::1]:443", "fd00::1", false},
      {"fd00::1", "fd00::2", false},
      {"::ffff:10.96.0.1", "10.96.0.1", true},
      {"10.96.0.1", "api.example.com", false},
      // Networks.
      {"10.96.0.0/12", "10.96.0.1", true},
      {"10.96.0.0/12", "10.111.255.255", true},
      {"10.96.0.0/12", "10.112.0.0", false},
      {"10.97.3.4/12", "10.96.0.1", true},
      {"10.96.0.1/32", "10.96.0.1", true},
      {"10.96.0.1/31", "10.96.0.2", false},
      {"0.0.0.0/0", "10.96.0.1", true},
      {"0.0.0.0/0", "fd00::1", false},
      {"0.0.0.0/0", "api.example.com", false},
      {"::/0", "10.96.0.1", false},
      {"::/0", "fd00::1", true},
      {"fd00::/8", "fd12::1", true},
      {"fd00::/8", "fe00::1", false},
      {"fd00::/9", "fd80::1", false},
      {"10.96.0.0/33", "10.96.0.1", false},
      {"10.96.0.0/-1", "10.96.0.1", false},
      {"10.96.0.0/", "10.96.0.1", false},
      {"10.96.0.0/8x", "10.96.0.1", false},
      {"fd00::/129", "fd00::1", false},
      // Everything.
      {"*", "api.example.com", true},
      {"*", "10.96.0.1", true},
      {"a,*", "10.96.0.1", true},
      // Lists.
      {"a.org, example.com ,10.0.0.0/8", "api.example.com", true},
      {"a.org, example.com ,10.0.0.0/8", "10.96.0.1", true},
      {",,\t, ,", "api.example.com", false},
      {":6443", "api.example.com", false},
      {":", "api.example.com", false},
      {"[", "api.example.com", false},
      {"[]", "api.example.com", false},
      {"[]:6443", "api.example.com", false},
      {".", "api.example.com", false},
      {"/", "api.example.com", false},
      {"*.", "api.example.com", false},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(ReachedDirectly(To(c.host), c.no_proxy), c.direct) << c.no_proxy << " " << c.host;
}

TEST(ProxyTest, TheEnvironmentsProxy) {
  using Env = std::map<std::string, std::string>;
  const struct {
    Env env;
    HttpEndpoint server;
    const char* proxy;  // and who named it; "": none
  } kCases[] = {
      {{}, To("api"), ""},
      {{{"HTTPS_PROXY", "http://p:1"}}, To("api"), "p:1 HTTPS_PROXY"},
      {{{"https_proxy", "http://p:1"}}, To("api"), "p:1 https_proxy"},
      {{{"HTTPS_PROXY", "http://p:1"}, {"https_proxy", "http://q:1"}}, To("api"), "p:1 HTTPS_PROXY"},
      {{{"HTTPS_PROXY", ""}, {"https_proxy", "http://q:1"}}, To("api"), "q:1 https_proxy"},
      {{{"HTTPS_PROXY", "p:1"}}, To("api"), "p:1 HTTPS_PROXY"},
      {{{"HTTPS_PROXY", "p"}}, To("api"), "p:80 HTTPS_PROXY"},
      {{{"HTTPS_PROXY", "me:pw@p:1"}}, To("api"), "p:1 HTTPS_PROXY"},
      {{{"HTTP_PROXY", "http://p:1"}}, To("api"), ""},
      {{{"ALL_PROXY", "http://p:1"}}, To("api"), ""},
      {{{"HTTPS_PROXY", "http://p:1"}, {"NO_PROXY", "api"}}, To("api"), ""},
      {{{"HTTPS_PROXY", "http://p:1"}, {"no_proxy", "api"}}, To("api"), ""},
      {{{"HTTPS_PROXY", "http://p:1"}, {"NO_PROXY", "x"}, {"no_proxy", "api"}}, To("api"), "p:1 HTTPS_PROXY"},
      {{{"HTTPS_PROXY", "http://p:1"}}, To("127.0.0.1"), ""},
      {{{"HTTPS_PROXY", "socks5://p:1"}},
       To("api"),
       "HTTPS_PROXY in the environment: socks5:// proxies are not supported; accepted is "
       "http://[user:password@]host[:port]; NO_PROXY names servers that need none"},
      {{{"HTTPS_PROXY", "socks5://p:1"}, {"NO_PROXY", "api"}}, To("api"), ""},
      {{{"HTTPS_PROXY", "socks5://p:1"}}, To("localhost"), ""},
      // For servers of http://.
      {{{"HTTPS_PROXY", "http://p:1"}}, Plain("api"), ""},
      {{{"HTTP_PROXY", "http://p:1"}}, Plain("api"), "p:1 HTTP_PROXY"},
      {{{"http_proxy", "p"}}, Plain("api"), "p:80 http_proxy"},
      {{{"HTTP_PROXY", "http://p:1"}, {"http_proxy", "q"}}, Plain("api"), "p:1 HTTP_PROXY"},
      {{{"HTTP_PROXY", "http://p:1"}, {"NO_PROXY", "api"}}, Plain("api"), ""},
      {{{"HTTP_PROXY", "http://p:1"}}, Plain("127.0.0.1"), ""},
      {{{"HTTP_PROXY", "socks5://p:1"}},
       Plain("api"),
       "HTTP_PROXY in the environment: socks5:// proxies are not supported; accepted is "
       "http://[user:password@]host[:port]; NO_PROXY names servers that need none"},
      {{{"HTTP_PROXY", "http://p:1"}, {"REQUEST_METHOD", "GET"}, {"NO_PROXY", "api"}},
       Plain("api"),
       "HTTP_PROXY in the environment: not heeded where REQUEST_METHOD is set, since a web server then makes it of a "
       "request's header; unset one of the two"},
      {{{"HTTP_PROXY", "http://p:1"}, {"REQUEST_METHOD", ""}}, Plain("api"), "p:1 HTTP_PROXY"},
      {{{"HTTPS_PROXY", "http://p:1"}, {"REQUEST_METHOD", "GET"}}, To("api"), "p:1 HTTPS_PROXY"},
      {{{"REQUEST_METHOD", "GET"}}, Plain("api"), ""},
  };
  for (const auto& c : kCases) {
    const auto proxy = ProxyFromEnvironment(c.server, [&c](const char* name) -> const char* {
      const auto found = c.env.find(name);
      return found == c.env.end() ? nullptr : found->second.c_str();
    });
    std::string got;
    if (!proxy.ok()) {
      got = MessageOf(proxy.status());
    } else if (*proxy != nullptr) {
      got = (*proxy)->Address() + " " + (*proxy)->origin;
    }
    EXPECT_EQ(got, c.proxy);
  }
}

}  // namespace
}  // namespace epslice
