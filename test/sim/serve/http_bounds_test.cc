// Clients that send too much, too slowly, or no HTTP at all.
#include <gtest/gtest.h>

#include <string>

#include "test/informers/http/raw_client.h"
#include "test/sim/serve/http_fixture.h"

namespace epslice::sim {
namespace {

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
    client.Send("GET /healthz HTTP/1.1\r\nHost: a\r\n");
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
    client.Send("POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n{");
    EXPECT_NE(client.ReadAll().find(" 413 "), std::string::npos);
  }
  {
    SCOPED_TRACE("body too long, in chunks");
    RawClient client(http_->port());
    client.Send("POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "100000\r\n" + std::string(0x100000, ' ') + "\r\n";
    for (int i = 0; i < 4; ++i) client.Send(chunk);
    EXPECT_NE(client.ReadAll().find(" 413 "), std::string::npos);
  }
  {
    SCOPED_TRACE("long path with a body");
    RawClient client(http_->port());
    client.Send("POST /" + std::string(7000, 'a') + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_NE(client.ReadAll().find(" 404 "), std::string::npos);
  }
  {
    SCOPED_TRACE("delete without a length");
    RawClient client(http_->port());
    client.Send("DELETE /api/v1/nodes/none HTTP/1.1\r\nHost: a\r\n\r\n");
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
  for (int i = 0; i < 20; ++i) requests += "GET /healthz HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n";
  client.Send(requests);
  const std::string answers = client.ReadAll();
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answers.find("200 OK", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 20U);
}

TEST_F(HttpServerTest, LooksAtHostAndTargetFirst) {
  Start();
  const struct {
    const char* head;
    const char* want;
  } kCases[] = {
      {"GET http://a.example/healthz HTTP/1.1\r\nHost: b\r\n", "\r\nok"},
      {"GET http://a.example/api/v1/namespaces/shop/pods?limit=1 HTTP/1.1\r\nHost: b\r\n", "PodList"},
      {"POST http://a.example/api/v1/namespaces HTTP/1.1\r\nHost: b\r\nContent-Length: 1\r\n", " 400 "},
      {"GET /healthz HTTP/1.0\r\n", "\r\nok"},
      {"GET /healthz HTTP/1.1\r\nHost: \r\n", "\r\nok"},
      {"GET /healthz HTTP/1.1\r\n", "missing required Host header"},
      {"PUT /healthz HTTP/1.1\r\nContent-Length: 1\r\n", "missing required Host header"},
      {"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n", "too many Host headers"},
      {"GET /healthz HTTP/1.1\r\nHost: a b\r\n", "malformed Host header"},
      {"GET http://a:b/healthz HTTP/1.1\r\nHost: a\r\n", "bad request target"},
  };
  for (const auto& c : kCases) {
    RawClient client(http_->port());
    client.Send(std::string(c.head) + "Connection: close\r\n\r\n{");
    EXPECT_NE(client.ReadAll().find(c.want), std::string::npos) << c.head;
  }
}

}  // namespace
}  // namespace epslice::sim
