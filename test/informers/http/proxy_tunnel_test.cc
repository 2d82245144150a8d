// Tunnels through a proxy that is a thread of the test's.
#include "informers/http/proxy_tunnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "apis/cat.h"
#include "informers/http/credentials.h"
#include "test/informers/http/pki.h"
#include "test/informers/http/raw_server.h"
#include "test/informers/http/transport_test_util.h"

namespace epslice {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

int PortOf(const std::string& url) { return std::stoi(url.substr(url.rfind(':') + 1)); }

// A connection to a port of this machine; -1: none.
int Dial(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

// Bytes both ways, until one side ends.
void Relay(int a, int b) {
  const std::array<int, 2> fds = {a, b};
  for (;;) {
    std::array<pollfd, 2> p = {{{a, POLLIN, 0}, {b, POLLIN, 0}}};
    if (poll(p.data(), 2, -1) < 0) return;
    for (std::size_t i = 0; i < 2; ++i) {
      if (p[i].revents == 0) continue;
      std::array<char, 4096> bytes{};
      const ssize_t n = recv(fds[i], bytes.data(), bytes.size(), 0);
      if (n <= 0 || send(fds[1 - i], bytes.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) return;
    }
  }
}

class ProxyTunnelTest : public testing::Test {
 protected:
  // A server that is known as api.test, which nobody but the proxy finds.
  RawServer Server(const Identity& authority) {
    return RawServer(
        [this](RawConnection& c, int) {
          for (std::string request = c.ReadRequest(); !request.empty(); request = c.ReadRequest()) {
            {
              std::lock_guard<std::mutex> lock(mu_);
              requests_.push_back(request);
            }
            c.SendAnswer(200, NodeJson("a", "1"));
          }
        },
        ServerContext(Issue("server", {.issuer = &authority, .hosts = {"api.test"}})));
  }
  // What a proxy does that is in order.
  std::function<void(RawConnection&, int)> Forward(int to) {
    return [this, to](RawConnection& c, int) {
      const std::string head = c.ReadRequest();
      {
        std::lock_guard<std::mutex> lock(mu_);
        heads_.push_back(head);
      }
      const int upstream = Dial(to);
      c.Send("HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n");
      Relay(c.fd(), upstream);
      close(upstream);
    };
  }
  static std::shared_ptr<const HttpProxy> ProxyAt(const std::string& url, std::string_view user = "me:s3cret@") {
    return *ParseProxyUrl(Cat({"http://", user, "127.0.0.1:", std::to_string(PortOf(url))}), "HTTPS_PROXY");
  }
  std::unique_ptr<HttpTransport> By(std::shared_ptr<const HttpProxy> proxy, HttpTransportOptions options = {}) {
    options.ca_pem = authority_.certificate_pem;
    options.proxy = std::move(proxy);
    options.qps = 0;
    CredentialSource source;
    source.token = "t0ken";
    options.credentials = *NewCredentials(source, &Real());
    return Connect("https://api.test:6443", std::move(options));
  }
  // Of a proxy that answers so, whatever it is asked.
  std::string ErrorAfter(const std::string& answer) {
    RawServer proxy([&](RawConnection& c, int) {
      c.ReadRequest();
      c.Send(answer);
    });
    const Status status = By(ProxyAt(proxy.url()))->Do(Get("a"), nullptr).status;
    EXPECT_EQ(status.code, 0);
    EXPECT_THAT(status.message, HasSubstr(ProxyAt(proxy.url())->Address() + " (HTTPS_PROXY): "));
    EXPECT_THAT(status.message, Not(HasSubstr("s3cret")));
    EXPECT_THAT(status.message, Not(HasSubstr("Basic")));
    return status.message;
  }

  const Identity authority_ = IssueAuthority("ca");
  std::mutex mu_;
  std::vector<std::string> heads_, requests_;  // guarded by mu_
};

TEST_F(ProxyTunnelTest, ATunnelToTheServerWithTlsInside) {
  RawServer server = Server(authority_);
  RawServer proxy(Forward(PortOf(server.url())));
  {
    const auto transport = By(ProxyAt(proxy.url()));
    for (int i = 0; i < 3; ++i) {
      const Response response = transport->Do(Get("a"), nullptr);
      EXPECT_TRUE(response.status.ok()) << response.status.ToString();
    }
  }
  EXPECT_THAT(heads_, ElementsAre("CONNECT api.test:6443 HTTP/1.1\r\nHost: api.test:6443\r\n"
                                  "Proxy-Authorization: Basic bWU6czNjcmV0\r\n\r\n"))
      << "one tunnel, which is kept; no credentials of the server";
  ASSERT_EQ(requests_.size(), 3);
  EXPECT_THAT(requests_[0], HasSubstr("Authorization: Bearer t0ken"));
  EXPECT_THAT(requests_[0], HasSubstr("Host: api.test:6443"));
  EXPECT_THAT(requests_[0], Not(HasSubstr("Proxy-Authorization")));
}

TEST_F(ProxyTunnelTest, WithoutAUserNoneIsTold) {
  RawServer server = Server(authority_);
  RawServer proxy(Forward(PortOf(server.url())));
  EXPECT_TRUE(By(ProxyAt(proxy.url(), ""))->Do(Get("a"), nullptr).status.ok());
  EXPECT_THAT(heads_, ElementsAre("CONNECT api.test:6443 HTTP/1.1\r\nHost: api.test:6443\r\n\r\n"));
}

TEST_F(ProxyTunnelTest, TheServersCertificateIsVerifiedAsEver) {
  const Identity other = IssueAuthority("other");
  RawServer server = Server(other);
  RawServer proxy(Forward(PortOf(server.url())));
  const Status status = By(ProxyAt(proxy.url()))->Do(Get("a"), nullptr).status;
  EXPECT_THAT(status.message, HasSubstr("TLS: "));
  EXPECT_THAT(requests_, ElementsAre());
}

TEST_F(ProxyTunnelTest, WhatAProxyMayAnswer) {
  const struct {
    std::string answer;
    const char* error;
  } kCases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "answered 407 \"Proxy Authentication Required\""},
      {"HTTP/1.0 403 no\r\nContent-Length: 4\r\n\r\nbody", "answered 403 \"no\""},
      {"HTTP/1.1 502\r\n\r\n", "answered 502"},
      {"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n", "answered 302"},
      {"HTTP/1.1 100 Continue\r\n\r\n", "answered 100"},
      {"HTTP/1.1 403 \x1b[2J\n\r\n\r\n", "answered 403 \""},
      {"HTTP/1.1 200 OK\r\n\r\nhello", "said more than it was asked for"},
      {"HTTP/2 200\r\n\r\n", "answered something that is not HTTP"},
      {"HTTP/1.1 2000 OK\r\n\r\n", "answered something that is not HTTP"},
      {"HTTP/1.1 +00 OK\r\n\r\n", "answered something that is not HTTP"},
      {"SSH-2.0-x\r\n\r\n", "answered something that is not HTTP"},
      {"\r\n\r\n", "answered something that is not HTTP"},
      {"", "closed the connection"},
      {"HTTP/1.1 200 OK\r\n", "closed the connection"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(kMaxTunnelAnswerBytes, 'x'), "answered with too many bytes"},
  };
  for (const auto& c : kCases) {
    const std::string error = ErrorAfter(c.answer);
    EXPECT_THAT(error, HasSubstr(c.error)) << c.answer.substr(0, 40);
    EXPECT_EQ(error.find_first_of("\x1b\r\n"), std::string::npos);
  }
}

TEST_F(ProxyTunnelTest, ASilentProxyIsGivenUp) {
  RawServer proxy([](RawConnection& c, int) {
    c.ReadRequest();
    c.WaitForClose();
  });
  HttpTransportOptions options;
  options.connect_timeout = std::chrono::milliseconds(100);
  const Status status = By(ProxyAt(proxy.url()), options)->Do(Get("a"), nullptr).status;
  EXPECT_THAT(status.message, HasSubstr("took too long to answer"));
}

TEST_F(ProxyTunnelTest, OneThatGoesOnForEverIsGivenUp) {
  std::atomic<bool> done{false};
  RawServer proxy([&](RawConnection& c, int) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\nX: ");
    while (!done) {
      c.Send("x");
      std::this_thread::yield();
    }
  });
  const Status status = By(ProxyAt(proxy.url()))->Do(Get("a"), nullptr).status;
  done = true;
  EXPECT_THAT(status.message, AnyOf(HasSubstr("took too long to answer"), HasSubstr("too many bytes")));
}

TEST_F(ProxyTunnelTest, WaitingForAProxyCanBeCancelled) {
  std::promise<void> asked;
  RawServer proxy([&](RawConnection& c, int) {
    c.ReadRequest();
    asked.set_value();
    c.WaitForClose();
  });
  const auto transport = By(ProxyAt(proxy.url()));
  CancelToken token;
  const Status status =
      CancelWhileBlocked(&token, asked.get_future(), [&] { return transport->Do(Get("a"), &token).status; });
  EXPECT_EQ(status.code, 0);
}

TEST_F(ProxyTunnelTest, AProxyThatIsNotThere) {
  std::string url;
  {
    const RawServer gone([](RawConnection&, int) {});
    url = gone.url();
  }
  const Status status = By(ProxyAt(url))->Do(Get("a"), nullptr).status;
  EXPECT_THAT(status.message, HasSubstr("connect to api.test:6443: proxy " + ProxyAt(url)->Address() +
                                        " (HTTPS_PROXY): Connection refused"));
}

// Without TLS there is no tunnel: whole URLs, on a connection that is kept, and no
// credentials but the proxy's own.
TEST_F(ProxyTunnelTest, AServerWithoutTlsIsAskedForByWholeUrls) {
  std::vector<std::string> seen;
  RawServer proxy([&](RawConnection& c, int) {
    for (std::string request = c.ReadRequest(); !request.empty(); request = c.ReadRequest()) {
      {
        std::lock_guard<std::mutex> lock(mu_);
        seen.push_back(request);
      }
      c.SendAnswer(200, NodeJson("a", "1"));
    }
  });
  const auto ask = [&](const std::string& server, std::string_view user, int times) {
    HttpTransportOptions options;
    options.proxy = ProxyAt(proxy.url(), user);
    options.qps = 0;
    CredentialSource source;
    source.token = "t0ken";
    options.credentials = *NewCredentials(source, &Real());
    const auto transport = Connect(server, options);
    for (int i = 0; i < times; ++i) {
      const Response response = transport->Do(Get("a"), nullptr);
      EXPECT_TRUE(response.status.ok()) << response.status.ToString();
    }
  };
  ask("http://api.test:8001/prefix", "me:s3cret@", 2);
  EXPECT_EQ(proxy.connections(), 1);
  ask("http://api.test", "", 1);
  ask("http://[fe80::1%25eth0]:8001", "", 1);
  ask("http://[fe80::2%25eth0]", "", 1);
  ASSERT_EQ(seen.size(), 5U);
  const auto first_line = [&](std::size_t i) { return seen[i].substr(0, seen[i].find("\r\n")); };
  const auto hosts = [&](std::size_t i) {
    std::string all;
    for (std::size_t at = 0; (at = seen[i].find("\r\nHost: ", at)) != std::string::npos; ++at) {
      all += seen[i].substr(at + 8, seen[i].find("\r\n", at + 2) - at - 8) + ";";
    }
    return all;
  };
  EXPECT_EQ(first_line(1), "GET http://api.test:8001/prefix/api/v1/nodes/a HTTP/1.1");
  EXPECT_EQ(hosts(1), "api.test:8001;");
  EXPECT_THAT(seen[1], HasSubstr("\r\nProxy-Authorization: Basic bWU6czNjcmV0\r\n"));
  EXPECT_EQ(first_line(2), "GET http://api.test/api/v1/nodes/a HTTP/1.1");
  EXPECT_EQ(hosts(2), "api.test;");
  EXPECT_THAT(seen[2], Not(HasSubstr("Proxy-Authorization")));
  // A zone is nobody's business but ours.
  EXPECT_EQ(first_line(3), "GET http://[fe80::1]:8001/api/v1/nodes/a HTTP/1.1");
  EXPECT_EQ(hosts(3), "[fe80::1]:8001;");
  EXPECT_EQ(first_line(4), "GET http://[fe80::2]/api/v1/nodes/a HTTP/1.1");
  EXPECT_EQ(hosts(4), "[fe80::2];");
  for (const std::string& request : seen) EXPECT_THAT(request, Not(HasSubstr("t0ken")));
}

}  // namespace
}  // namespace epslice
