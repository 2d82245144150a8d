#include "informers/http/http_transport.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "apis/json.h"
#include "raw_server.h"
#include "transport_test_util.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(HttpTransport, RefusesAddressesItCannotUse) {
  for (const char* url : {"", "https://", "ftp://x", "http://"}) {
    HttpTransportOptions options;
    options.base_url = url;
    EXPECT_FALSE(HttpTransport::Create(options, &Real()).ok()) << url;
  }
}

TEST(HttpTransport, SaysWhatWasAskedAndReadsTheAnswer) {
  std::promise<std::string> got;
  RawServer server([&got](RawConnection& c, int) {
    got.set_value(c.ReadRequest());
    c.SendAnswer(200, NodeJson("n1", "8"));
  });
  HttpTransportOptions options;
  options.user_agent = "tester/1\r\nX-Evil: 1";
  auto transport = Connect(server.url() + "/prefix", options);
  const Response r = transport->Do(Update("n1"), nullptr);
  EXPECT_TRUE(r.status.ok()) << r.status.ToString();
  EXPECT_EQ(r.object.meta().resourceVersion, "8");
  const std::string request = got.get_future().get();
  EXPECT_EQ(request.rfind("PUT /prefix/api/v1/nodes/n1 HTTP/1.1\r\n", 0), 0u) << request;
  EXPECT_NE(request.find("\r\nUser-Agent: tester/1X-Evil: 1\r\n"), std::string::npos) << request;
  EXPECT_NE(request.find("\r\nAccept: application/json\r\n"), std::string::npos);
  EXPECT_NE(request.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(request.find("\"name\":\"n1\""), std::string::npos);
}

TEST(HttpTransport, RequestsWithoutAPathAreNotSent) {
  auto transport = Connect("http://127.0.0.1:1");
  EXPECT_EQ(transport->Do(Get(".."), nullptr).status.code, 400);
  EXPECT_EQ(transport->Do(WatchNodes(), nullptr).status.code, 400);
  EXPECT_EQ(transport->Watch(Get("a"), nullptr, [](const WatchEvent&) { return true; }).code, 400);
}

// What comes of a call, by what the server does.
TEST(HttpTransport, CallOutcomes) {
  const struct {
    const char* name;
    std::function<void(RawConnection&)> serve;
    int code;
    const char* reason;
  } kCases[] = {
      {"fine", [](RawConnection& c) { c.SendAnswer(200, NodeJson("a", "1")); }, 200, ""},
      {"without a length",
       [](RawConnection& c) { c.Send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + NodeJson("a", "1")); }, 200, ""},
      {"in chunks",
       [](RawConnection& c) {
         c.SendChunkedHead();
         for (const char b : NodeJson("a", "1")) c.SendChunk(std::string(1, b));
         c.SendChunk("");
       },
       200, ""},
      {"not found", [](RawConnection& c) { c.SendAnswer(404, StatusJson(404, "NotFound")); }, 404, "NotFound"},
      {"conflict", [](RawConnection& c) { c.SendAnswer(409, StatusJson(409, "Conflict")); }, 409, "Conflict"},
      {"unavailable", [](RawConnection& c) { c.SendAnswer(503, "", "Retry-After: 4\r\n"); }, 503, "ServiceUnavailable"},
      {"a redirect is not followed",
       [](RawConnection& c) { c.SendAnswer(302, "", "Location: http://127.0.0.1:1/\r\n"); }, 302, "Unknown"},
      {"no content", [](RawConnection& c) { c.Send("HTTP/1.1 204 X\r\n\r\n"); }, 0, "InvalidResponse"},
      {"closed in mid-body",
       [](RawConnection& c) { c.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"kind\":"); }, 0, ""},
      {"closed in mid-head", [](RawConnection& c) { c.Send("HTTP/1.1 200 OK\r\nContent-Le"); }, 0, ""},
      {"closed at once", [](RawConnection&) {}, 0, ""},
      {"too large", [](RawConnection& c) { c.SendAnswer(200, std::string(20'000, ' ')); }, 0, "InvalidResponse"},
      {"compressed, unasked", [](RawConnection& c) { c.SendAnswer(200, "\x1f\x8b\x08", "Content-Encoding: gzip\r\n"); },
       0, "InvalidResponse"},
  };
  for (const bool write : {false, true}) {
    for (const auto& c : kCases) {
      std::atomic<int> requests{0};
      RawServer server([&](RawConnection& connection, int) {
        if (connection.ReadRequest().empty()) return;
        ++requests;
        c.serve(connection);
      });
      HttpTransportOptions options;
      options.max_response_bytes = 10'000;
      options.max_retry_after = Duration(0);
      auto transport = Connect(server.url(), options);
      const Response r = transport->Do(write ? Update("a") : Get("a"), nullptr);
      EXPECT_EQ(r.status.code, c.code) << c.name << ": " << r.status.ToString();
      if (*c.reason != 0) {
        EXPECT_EQ(r.status.reason, c.reason) << c.name;
      }
      if (c.code == 503) {
        EXPECT_EQ(r.status.retryAfterSeconds, 4);
      }
      EXPECT_EQ(requests, 1) << c.name;
    }
  }
}

TEST(HttpTransport, KeepsConnectionsAndDropsIdleOnes) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) c.SendAnswer(200, NodeJson("a", "1"));
  });
  FakeClock clock;
  auto transport = Connect(server.url(), {}, &clock);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  EXPECT_EQ(server.connections(), 1);
  clock.Advance(seconds(60));
  EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  EXPECT_EQ(server.connections(), 1);
  clock.Advance(seconds(61));
  EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  EXPECT_EQ(server.connections(), 2);
}

// The server takes a second request on a kept connection and closes instead of
// answering, as one that had just decided to close.
TEST(HttpTransport, AReadOnADeadKeptConnectionIsSentAgainAWriteIsNot) {
  for (const bool write : {false, true}) {
    std::atomic<int> requests{0};
    RawServer server([&requests](RawConnection& c, int n) {
      while (!c.ReadRequest().empty()) {
        if (++requests == 2) return;
        c.SendAnswer(200, NodeJson("a", std::to_string(n)));
      }
    });
    auto transport = Connect(server.url());
    ASSERT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
    const Response r = transport->Do(write ? Update("a") : Get("a"), nullptr);
    EXPECT_EQ(r.status.code, write ? 0 : 200) << r.status.ToString();
    EXPECT_EQ(requests, write ? 2 : 3);
    EXPECT_TRUE(transport->Do(Update("a"), nullptr).status.ok()) << "a new connection works";
  }
}

TEST(HttpTransport, ConnectionRefused) {
  int port = 0;
  {
    RawServer server([](RawConnection&, int) {});
    port = std::stoi(server.url().substr(server.url().rfind(':') + 1));
  }
  auto transport = Connect("http://127.0.0.1:" + std::to_string(port));
  const Response r = transport->Do(Get("a"), nullptr);
  EXPECT_EQ(r.status.code, 0);
  EXPECT_NE(r.status.message.find("refused"), std::string::npos) << r.status.message;
  EXPECT_EQ(transport->Watch(WatchNodes(), nullptr, [](const WatchEvent&) { return true; }).code, 0);
}

TEST(HttpTransport, ASilentServerTimesOut) {
  RawServer server([](RawConnection& c, int) { c.WaitForClose(); });
  HttpTransportOptions options;
  options.read_timeout = milliseconds(100);
  auto transport = Connect(server.url(), options);
  EXPECT_EQ(transport->Do(Get("a"), nullptr).status.code, 0);
}

TEST(HttpTransport, AnAnswerThatDripsTimesOutAsAWhole) {
  FakeClock clock;
  std::promise<void> first_half;
  RawServer server([&](RawConnection& c, int) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
    first_half.get_future().wait();
    c.Send("}");
    c.WaitForClose();
  });
  auto transport = Connect(server.url(), {}, &clock);
  auto call = std::async(std::launch::async, [&] { return transport->Do(Get("a"), nullptr); });
  EXPECT_EQ(call.wait_for(milliseconds(50)), std::future_status::timeout);
  clock.Advance(std::chrono::minutes(6));
  first_half.set_value();
  const Response r = call.get();
  EXPECT_EQ(r.status.code, 0);
  EXPECT_EQ(r.status.reason, "InvalidResponse") << r.status.ToString();
}

// The client's end of a connection to this port of loopback.
int SocketTo(int port) {
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && peer.sin_family == AF_INET &&
        ntohs(peer.sin_port) == port) {
      return fd;
    }
  }
  return -1;
}

TEST(HttpTransport, ADeadPeerIsNoticedWithin30Seconds) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) c.SendAnswer(200, NodeJson("a", "1"));
  });
  auto transport = Connect(server.url());
  ASSERT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  const int fd = SocketTo(std::stoi(server.url().substr(server.url().rfind(':') + 1)));
  ASSERT_GE(fd, 0);
  const auto option = [fd](int level, int name) {
    int value = -1;
    socklen_t size = sizeof(value);
    EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
    return value;
  };
  EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_LE(option(IPPROTO_TCP, TCP_KEEPIDLE) + option(IPPROTO_TCP, TCP_KEEPINTVL) * option(IPPROTO_TCP, TCP_KEEPCNT),
            30);
  EXPECT_GT(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
  EXPECT_LE(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 30'000);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(HttpTransport, ManyThreadsAtOnce) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) c.SendAnswer(200, NodeJson("a", "1"));
  });
  HttpTransportOptions options;
  options.qps = 0;
  std::atomic<int> observed{0};
  options.observe = [&observed](const Request&, int code, Duration took) {
    if (code == 200 && took >= Duration::zero()) ++observed;
  };
  auto transport = Connect(server.url(), options);
  std::vector<std::thread> threads;
  std::atomic<int> ok{0};
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) ok += transport->Do(i % 2 == 0 ? Get("a") : Update("a"), nullptr).status.ok();
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(ok, 300);
  EXPECT_EQ(observed, 300);
  EXPECT_LE(server.connections(), 6);
}

TEST(HttpTransport, CallsAboveTheRateWait) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) c.SendAnswer(200, NodeJson("a", "1"));
  });
  FakeClock clock;
  HttpTransportOptions options;
  options.qps = 1;
  options.burst = 2;
  auto transport = Connect(server.url(), options, &clock);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  auto third = std::async(std::launch::async, [&] { return transport->Do(Get("a"), nullptr).status; });
  EXPECT_EQ(third.wait_for(milliseconds(150)), std::future_status::timeout);
  clock.Advance(seconds(1));
  EXPECT_EQ(third.wait_for(seconds(5)), std::future_status::ready);
  EXPECT_TRUE(third.get().ok());

  CancelToken token;
  const Status status =
      CancelWhileBlocked(&token, {}, [&]() -> Status { return transport->Do(Get("a"), &token).status; });
  EXPECT_EQ(status.code, 0) << "waiting for the limiter can be cancelled";
}

}  // namespace
}  // namespace epslice
