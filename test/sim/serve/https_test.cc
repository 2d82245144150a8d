// The server over TLS, to those who show a token.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "apis/json.h"
#include "informers/http/http_transport.h"
#include "test/informers/http/pki.h"
#include "test/sim/serve/http_fixture.h"

namespace epslice::sim {
namespace {

class HttpsTest : public HttpServerTest {
 protected:
  void SetUp() override {
    HttpServerTest::SetUp();
    std::signal(SIGPIPE, SIG_IGN);
    options_.tls = ServerContext(Issue("server", {.issuer = &ca_, .hosts = {"127.0.0.1"}}));
    TokenAuth tokens;
    tokens.Add("good", "me");
    options_.tokens = std::make_shared<const TokenAuth>(tokens);
  }
  std::unique_ptr<HttpTransport> As(const std::string& token) {
    HttpTransportOptions options;
    options.base_url = "https://127.0.0.1:" + std::to_string(http_->port());
    options.ca_pem = ca_.certificate_pem;
    options.qps = 0;
    CredentialSource source;
    source.token = token;
    options.credentials = *NewCredentials(source, &clock_);
    return *HttpTransport::Create(options, &clock_);
  }
  static Request List() {
    Request request;
    request.verb = Verb::kList;
    request.kind = Kind::kPod;
    return request;
  }
  static Request Create(const std::string& name) {
    Request request;
    request.verb = Verb::kCreate;
    request.kind = Kind::kPod;
    request.namespace_ = "shop";
    request.object = *DecodeObjectJson(Kind::kPod, PodJson(name), false);
    return request;
  }

  const Identity ca_ = IssueAuthority("ca");
  HttpServerOptions options_;
};

TEST_F(HttpsTest, ServesThoseWithATokenOnly) {
  Start(options_);
  const auto me = As("good");
  EXPECT_EQ(me->Do(Create("a"), nullptr).status.code, 201);
  for (const char* token : {"", "bad", "goo", "good1"}) {
    const auto other = As(token);
    const Status refused = other->Do(Create("b"), nullptr).status;
    EXPECT_EQ(refused.code, 401);
    EXPECT_EQ(refused.reason, "Unauthorized");
    EXPECT_EQ(refused.message, "Unauthorized");
    EXPECT_EQ(other->Do(List(), nullptr).status.code, 401);
    Request watch = List();
    watch.verb = Verb::kWatch;
    EXPECT_EQ(other->Watch(watch, nullptr, [](const WatchEvent&) { return true; }).code, 401);
  }
  EXPECT_EQ(me->Do(List(), nullptr).list.items.size(), 1U);
}

TEST_F(HttpsTest, WatchesStreamAndStopEndsThem) {
  Start(options_);
  const auto me = As("good");
  Request watch = List();
  watch.verb = Verb::kWatch;
  std::atomic<int> seen{0};
  std::thread watcher([&] {
    me->Watch(watch, nullptr, [&](const WatchEvent&) {
      ++seen;
      return true;
    });
  });
  for (int i = 1; i <= 20; ++i) {
    EXPECT_EQ(me->Do(Create("p" + std::to_string(i)), nullptr).status.code, 201);
    while (seen < i) std::this_thread::yield();
  }
  http_->Stop();
  watcher.join();
}

TEST_F(HttpsTest, ManyClientsAtOnce) {
  Start(options_);
  std::vector<std::thread> threads;
  std::atomic<int> created{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const auto me = As("good");
      for (int i = 0; i < 20; ++i) {
        created += me->Do(Create(std::to_string(t) + "-" + std::to_string(i)), nullptr).status.code == 201;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(created, 160);
}

// Plain HTTP, garbage and silence on the port.
TEST_F(HttpsTest, WhoDoesNotSpeakTlsIsCut) {
  options_.request_timeout = std::chrono::milliseconds(200);
  Start(options_);
  for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("\x16\x03\x01\x02\x00\x01", 6),
                                   std::string(100, '\xff'), std::string()}) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(http_->port()));
    ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    char answer[256];
    std::string said;
    for (ssize_t n; (n = recv(fd, answer, sizeof(answer), 0)) > 0;) said.append(answer, static_cast<std::size_t>(n));
    EXPECT_EQ(said.find("HTTP"), std::string::npos);
    close(fd);
  }
  EXPECT_TRUE(As("good")->Do(List(), nullptr).status.ok());
}

}  // namespace
}  // namespace epslice::sim
