#include "informers/http/http_transport.h"

#include <gtest/gtest.h>

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

TEST(HttpTransport, CancelEndsABlockedRead) {
  const struct {
    const char* name;
    std::function<void(RawConnection&)> serve;
  } kCases[] = {
      {"before the head", [](RawConnection&) {}},
      {"in the body", [](RawConnection& c) { c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"); }},
      {"in a watch",
       [](RawConnection& c) {
         c.SendChunkedHead();
         c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
       }},
  };
  for (const auto& c : kCases) {
    for (const bool watch : {false, true}) {
      std::promise<void> asked;
      RawServer server([&](RawConnection& connection, int n) {
        connection.ReadRequest();
        c.serve(connection);
        if (n == 0) asked.set_value();
        connection.WaitForClose();
      });
      auto transport = Connect(server.url());
      CancelToken token;
      const Status status = CancelWhileBlocked(&token, asked.get_future(), [&]() -> Status {
        if (watch) return transport->Watch(WatchNodes(), &token, [](const WatchEvent&) { return true; });
        return transport->Do(Get("a"), &token).status;
      });
      EXPECT_EQ(status.code, 0) << c.name << ": " << status.ToString();
      EXPECT_NE(status.message.find("cancelled"), std::string::npos) << c.name << ": " << status.ToString();
      EXPECT_EQ(server.connections(), 1) << c.name << ": a cancelled call is not sent again";
    }
  }
}

TEST(HttpTransport, CancelBeforeTheCallMeansNoCall) {
  RawServer server([](RawConnection&, int) {});
  auto transport = Connect(server.url());
  CancelToken token;
  token.Cancel();
  EXPECT_EQ(transport->Do(Get("a"), &token).status.code, 0);
  EXPECT_EQ(transport->Watch(WatchNodes(), &token, [](const WatchEvent&) { return true; }).code, 0);
  EXPECT_EQ(server.connections(), 0);
}

// A listener whose queue is full and never emptied: connects to it hang.
class FullListener {
 public:
  FullListener() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 0) != 0) std::abort();
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    for (int i = 0; i < 8; ++i) {
      fillers_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      static_cast<void>(connect(fillers_.back(), reinterpret_cast<sockaddr*>(&address), size));
    }
  }
  ~FullListener() {
    for (const int fd : fillers_) close(fd);
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int listener_ = -1;
  int port_ = 0;
  std::vector<int> fillers_;
};

TEST(HttpTransport, CancelEndsABlockedConnect) {
  FullListener listener;
  auto transport = Connect(listener.url());
  CancelToken token;
  const Status status =
      CancelWhileBlocked(&token, {}, [&]() -> Status { return transport->Do(Get("a"), &token).status; });
  EXPECT_EQ(status.code, 0);
  EXPECT_NE(status.message.find("cancelled"), std::string::npos) << status.ToString();
}

TEST(HttpTransport, AConnectThatHangsTimesOut) {
  FullListener listener;
  HttpTransportOptions options;
  options.connect_timeout = milliseconds(200);
  const Status status = Connect(listener.url(), options)->Do(Get("a"), nullptr).status;
  EXPECT_EQ(status.code, 0);
  EXPECT_NE(status.message.find("timed out"), std::string::npos) << status.ToString();
}

// Cancelling at every possible moment: nothing hangs, nothing crashes.
TEST(HttpTransport, CancelAtAnyMoment) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) {
      c.SendChunkedHead();
      for (int i = 0; i < 20; ++i) c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
      c.SendChunk("");
    }
  });
  HttpTransportOptions options;
  options.qps = 0;
  auto transport = Connect(server.url(), options);
  for (int round = 0; round < 200; ++round) {
    CancelToken token;
    std::atomic<int> spins{0};
    std::thread canceller([&token, &spins, round] {
      while (spins < round * 200) ++spins;
      token.Cancel();
    });
    const Status status = transport->Watch(WatchNodes(), &token, [](const WatchEvent&) { return true; });
    EXPECT_TRUE(status.ok() || status.code == 0) << status.ToString();
    canceller.join();
  }
}

}  // namespace
}  // namespace epslice
