// Clients that send too much, too slowly, or no HTTP at all.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "test/sim/serve/http_fixture.h"

namespace epslice::sim {
namespace {
// A client that speaks bytes.
class RawClient {
 public:
  explicit RawClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    timeval timeout{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  void Send(const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t n = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
  }
  // All up to the end of the connection.
  std::string ReadAll() {
    std::string all;
    char buffer[4096];
    ssize_t n = 0;
    while ((n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0) all.append(buffer, static_cast<std::size_t>(n));
    EXPECT_TRUE(n == 0 || errno == ECONNRESET) << "the server did not close";
    return all;
  }

 private:
  const int fd_;
};

TEST_F(HttpServerTest, BoundsWhatItReads) {
  HttpServerOptions options;
  options.request_timeout = std::chrono::milliseconds(300);
  options.idle_timeout = std::chrono::milliseconds(300);
  Start(options);
  {
    SCOPED_TRACE("endless request line");
    RawClient client(http_->port());
    client.Send("GET /" + std::string(300'000, 'a'));
    client.ReadAll();
  }
  {
    SCOPED_TRACE("endless headers");
    RawClient client(http_->port());
    client.Send("GET /healthz HTTP/1.1\r\n");
    for (int i = 0; i < 3000; ++i) client.Send("X-Header-" + std::to_string(i) + ": " + std::string(64, 'x') + "\r\n");
    client.ReadAll();
  }
  {
    SCOPED_TRACE("slow request");
    RawClient client(http_->port());
    client.Send("GET /healthz HT");
    EXPECT_EQ(client.ReadAll(), "");
  }
  {
    SCOPED_TRACE("silent connection");
    RawClient client(http_->port());
    EXPECT_EQ(client.ReadAll(), "");
  }
  {
    SCOPED_TRACE("no HTTP");
    RawClient client(http_->port());
    client.Send("\x16\x03\x01 hello\r\n\r\n");
    EXPECT_NE(client.ReadAll().find("400"), std::string::npos);
  }
  {
    SCOPED_TRACE("body announced too long");
    RawClient client(http_->port());
    client.Send("POST /api/v1/namespaces HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n{");
    EXPECT_NE(client.ReadAll().find(" 413 "), std::string::npos);
  }
  {
    SCOPED_TRACE("body too long, in chunks");
    RawClient client(http_->port());
    client.Send("POST /api/v1/namespaces HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "100000\r\n" + std::string(0x100000, ' ') + "\r\n";
    for (int i = 0; i < 4; ++i) client.Send(chunk);
    EXPECT_NE(client.ReadAll().find(" 413 "), std::string::npos);
  }
  {
    SCOPED_TRACE("long path with a body");
    RawClient client(http_->port());
    client.Send("POST /" + std::string(7000, 'a') + " HTTP/1.1\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_NE(client.ReadAll().find(" 404 "), std::string::npos);
  }
  {
    SCOPED_TRACE("delete without a length");
    RawClient client(http_->port());
    client.Send("DELETE /api/v1/nodes/none HTTP/1.1\r\n\r\n");
    EXPECT_NE(client.ReadAll().find(" 404 "), std::string::npos);
  }
  EXPECT_EQ(client_->Get("/healthz")->body, "ok");
}

TEST_F(HttpServerTest, SeveralRequestsOnOneConnection) {
  HttpServerOptions options;
  options.idle_timeout = std::chrono::milliseconds(500);
  Start(options);
  RawClient client(http_->port());
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += "GET /healthz HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n";
  client.Send(requests);
  const std::string answers = client.ReadAll();
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answers.find("200 OK", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 20U);
}

}  // namespace
}  // namespace epslice::sim
