// The serving port: routing, who may ask, bounds, and TLS.
#include "controllers/manager/serving.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "test/informers/http/pki.h"
#include "test/informers/http/raw_client.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

class ServingTest : public testing::Test {
 protected:
  ServingTest()
      : log_({LogFormat::kText, 4, 1}, &clock_, [this](std::string_view line) {
          std::lock_guard<std::mutex> lock(mu_);
          log_text_ += line;
        }) {}

  void Start(ServingOptions options) {
    serving_ = std::make_unique<Serving>(std::move(options), &clock_, &log_);
    serving_->AddHandler(
        "/open",
        [](const HttpQuery&) {
          return ServingReply{200, "open"};
        },
        Serving::Access::kOpen);
    serving_->AddHandler("/local", [](const HttpQuery& q) { return ServingReply{200, "hello " + q.Get("name")}; });
    serving_->AddHandler("/tree/", [](const HttpQuery& q) { return ServingReply{200, "under " + q.path}; });
    serving_->AddHandler("/throws", [](const HttpQuery&) -> ServingReply { throw std::runtime_error("secret"); });
    const absl::Status started = serving_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  static ServingOptions Plain() {
    ServingOptions options;
    options.tls = false;
    return options;
  }
  std::string Raw(const std::string& text) {
    RawClient client(serving_->port());
    client.Send(text);
    return client.ReadAll();
  }
  std::string log() {
    std::lock_guard<std::mutex> lock(mu_);
    return log_text_;
  }

  RealClock clock_;
  std::mutex mu_;
  std::string log_text_;
  Logger log_;
  std::unique_ptr<Serving> serving_;
};

TEST_F(ServingTest, RoutesAndAnswers) {
  Start(Plain());
  httplib::Client client("127.0.0.1", serving_->port());
  const struct {
    const char* target;
    int code;
    const char* body;
  } kCases[] = {
      {"/open", 200, "open"},
      {"/open/", 404, "404 page not found\n"},
      {"/local?name=a%26b", 200, "hello a&b"},
      {"/tree/", 200, "under /tree/"},
      {"/tree/a/b", 200, "under /tree/a/b"},
      {"/tree", 404, "404 page not found\n"},
      {"/", 404, "404 page not found\n"},
      {"/nothing", 404, "404 page not found\n"},
      {"/local?%zz", 400, "bad request target\n"},
      {"/throws", 500, "internal server error\n"},
  };
  for (const auto& c : kCases) {
    const httplib::Result result = client.Get(c.target);
    ASSERT_TRUE(result) << c.target;
    EXPECT_EQ(result->status, c.code) << c.target;
    EXPECT_EQ(result->body, c.body) << c.target;
    EXPECT_EQ(result->get_header_value("Content-Type"), "text/plain; charset=utf-8") << c.target;
    EXPECT_EQ(result->get_header_value("X-Content-Type-Options"), "nosniff") << c.target;
    EXPECT_EQ(result->get_header_value("Cache-Control"), "no-cache, private") << c.target;
  }
  EXPECT_THAT(log(), HasSubstr("\"A request to the serving port failed\" path=\"/throws\" err=\"secret\""));

  const httplib::Result head = client.Head("/open");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(head->get_header_value("Content-Length"), "4");

  serving_->AddHandler("/late", [](const HttpQuery&) { return ServingReply{200, "{}", "application/json"}; });
  EXPECT_EQ(client.Get("/late")->get_header_value("Content-Type"), "application/json");
}

TEST_F(ServingTest, RefusesMethods) {
  Start(Plain());
  for (const std::string method : {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}) {
    const std::string answer = Raw(method + " /open HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(answer, HasSubstr("\r\nAllow: GET, HEAD\r\n")) << method;
  }
  EXPECT_THAT(Raw("BREW /open HTTP/1.1\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

// Heads and targets as Go's server takes and refuses them.
TEST_F(ServingTest, LooksAtHostAndTargetFirst) {
  Start(Plain());
  const struct {
    const char* head;
    const char* want;
  } kCases[] = {
      {"GET http://a.example/open HTTP/1.1\r\nHost: b\r\n", "open"},
      {"GET https://a.example:10270/local?name=x HTTP/1.1\r\nHost: b\r\n", "hello x"},
      {"GET http://a.example HTTP/1.1\r\nHost: b\r\n", "404 page not found"},
      {"HEAD http://a.example/open HTTP/1.1\r\nHost: b\r\n", "200 OK"},
      {"GET /open HTTP/1.1\r\nHost:\r\n", "open"},
      {"GET /open HTTP/1.0\r\n", "open"},
      {"GET /open HTTP/1.1\r\n", "400 Bad Request"},
      {"GET /open HTTP/1.1\r\n", "missing required Host header"},
      {"POST /open HTTP/1.1\r\n", "missing required Host header"},
      {"GET http://a.example/open HTTP/1.1\r\n", "missing required Host header"},
      {"GET /open HTTP/1.1\r\nHost: a\r\nhost: a\r\n", "too many Host headers"},
      {"GET /open HTTP/1.0\r\nHost: a\r\nHost: b\r\n", "too many Host headers"},
      {"GET /open HTTP/1.1\r\nHost: a/b\r\n", "malformed Host header"},
      {"GET mailto:a HTTP/1.1\r\nHost: a\r\n", "bad request target"},
      {"GET http://a:b/open HTTP/1.1\r\nHost: a\r\n", "bad request target"},
      {"GET open HTTP/1.1\r\nHost: a\r\n", "bad request target"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(Raw(std::string(c.head) + "Connection: close\r\n\r\n"), HasSubstr(c.want)) << c.head;
  }
  // Whoever is refused so has nothing more to say.
  const std::string answer = Raw("GET /open HTTP/1.1\r\n\r\nGET /open HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(answer.find("200 OK"), std::string::npos) << answer;
}

// A body is not read: what follows it is no second request.
TEST_F(ServingTest, EndsAfterABody) {
  Start(Plain());
  const std::string answer =
      Raw("GET /open HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nGET /local HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("open"));
  EXPECT_EQ(answer.find("hello"), std::string::npos);
}

TEST_F(ServingTest, SurvivesGarbage) {
  ServingOptions options = Plain();
  options.request_timeout = milliseconds(300);
  options.idle_timeout = milliseconds(300);
  Start(options);
  std::string zeros(5000, '\0');
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += static_cast<char>(i * 7 + i / 256);
  for (const std::string& garbage :
       {std::string("\r\n\r\n\r\n"), std::string("\x16\x03\x01\x02 hello\r\n\r\n"), zeros, bytes,
        std::string("GET\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("GET /open HTTP/1.1\r\nHost: a\r\nx"),
        std::string("GET /open HTTP/1.1\r\nHost: a\r\n: : :\r\n\0\r\n\r\n", 41),
        std::string("GET /") + std::string(100'000, 'a'),
        std::string("GET /open HTTP/1.1\r\nHost: a\r\nRange: bytes=0-,1-,x\r\nConnection: close\r\n\r\n")}) {
    const std::string answer = Raw(garbage);
    EXPECT_LT(answer.size(), 2000U);
  }
  std::string headers = "GET /open HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 5000; ++i) headers += "X-" + std::to_string(i) + ": y\r\n";
  Raw(headers + "\r\n");
  EXPECT_THAT(Raw("GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), HasSubstr("open"));
}

// As many descriptors as this process may have, up to `wanted`.
std::size_t AllowDescriptors(std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, std::max<rlim_t>(limit.rlim_cur, wanted));
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// Far more connections than may be open, which say nothing, or little by
// little, or garbage, and stay.
TEST_F(ServingTest, ServesAmongTenThousandConnections) {
  constexpr std::size_t kWanted = 10'000;
  constexpr std::size_t kOthers = 600;  // the server's own ends, and what else is open
  const std::size_t allowed = AllowDescriptors(kWanted + kOthers);
  ASSERT_GE(allowed, 1000 + kOthers) << "the hard limit of open files is too low for this test";
  const std::size_t count = std::min(kWanted, allowed - kOthers);
  if (count < kWanted) std::cerr << "NOTE: " << count << " connections only, as no more files may be open\n";
  Start(Plain());
  const std::string kinds[] = {"", "GET /open HTTP/1.1\r\nHost: a\r\nX-Slow: ", "GET",
                               std::string(64, '\xff') + "\r\n\r\n"};
  std::vector<std::unique_ptr<RawClient>> many;
  many.reserve(count);
  int asked = 0;
  int answered = 0;
  for (std::size_t i = 0; i < count; ++i) {
    many.push_back(std::make_unique<RawClient>(serving_->port()));
    if (const std::string& text = kinds[i % 4]; !text.empty()) many.back()->Send(text);
    if (i % 1000 != 999) continue;
    // A probe may be one too many in line, but soon there is room.
    std::string answer;
    ++asked;
    const Instant end = clock_.Now() + std::chrono::seconds(10);
    while (answer.empty() && clock_.Now() < end)
      answer = Raw("GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    answered += answer.find("200 OK") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(answered, asked);
  // The first ones had to go, though their time was not over.
  EXPECT_EQ(many.front()->ReadAll(), "");
}

TEST_F(ServingTest, KeepsConnectionsThatAreUsed) {
  ServingOptions options = Plain();
  options.max_connections = 4;
  Start(options);
  httplib::Client client("127.0.0.1", serving_->port());
  client.set_keep_alive(true);
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 20; ++i) {
    const httplib::Result result = client.Get("/open");
    ASSERT_TRUE(result) << i;
    EXPECT_EQ(result->body, "open");
    idle.push_back(std::make_unique<RawClient>(serving_->port()));
  }
}

TEST_F(ServingTest, StopsAtOnceAndFreesItsPort) {
  Start(Plain());
  RawClient idle(serving_->port());
  RawClient half(serving_->port());
  half.Send("GET /op");
  const int port = serving_->port();
  serving_->Stop();
  serving_->Stop();
  EXPECT_EQ(idle.ReadAll(), "");
  // It may still be told that half a request is none.
  EXPECT_EQ(half.ReadAll().find("200 OK"), std::string::npos);
  ServingOptions again = Plain();
  again.port = port;
  Start(again);
  EXPECT_THAT(Raw("GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), HasSubstr("open"));
}

TEST_F(ServingTest, SaysWhenThePortIsTaken) {
  Start(Plain());
  ServingOptions same = Plain();
  same.port = serving_->port();
  Serving second(same, &clock_, &log_);
  const absl::Status status = second.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            "cannot listen on 127.0.0.1 port " + std::to_string(same.port) + ": Address already in use");
  ServingOptions elsewhere = Plain();
  elsewhere.address = "203.0.113.1";
  EXPECT_EQ(Serving(elsewhere, &clock_, &log_).Start().code(), absl::StatusCode::kFailedPrecondition);
}

// An address of this machine that is not loopback; empty: it has none.
std::string OtherAddress() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return "";
  std::string found;
  for (const ifaddrs* i = all; i != nullptr && found.empty(); i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr, text, sizeof text);
    if (!IsLoopback(text)) found = text;
  }
  ::freeifaddrs(all);
  return found;
}

TEST_F(ServingTest, KeepsStrangersOut) {
  const std::string address = OtherAddress();
  if (address.empty()) GTEST_SKIP() << "this machine has no address but loopback";
  ServingOptions options = Plain();
  options.address = "0.0.0.0";
  Start(options);
  httplib::Client stranger(address, serving_->port());
  EXPECT_EQ(stranger.Get("/open")->status, 200);
  for (const char* path : {"/local", "/tree/x", "/nothing", "/throws"}) {
    const httplib::Result result = stranger.Get(path);
    EXPECT_EQ(result->status, 403) << path;
    EXPECT_EQ(result->body, "forbidden: for clients on this machine only\n") << path;
  }
  httplib::Client friendly("127.0.0.1", serving_->port());
  EXPECT_EQ(friendly.Get("/local")->status, 200);
}

// A guard is asked for every path, and has the last word.
TEST_F(ServingTest, AsksItsGuard) {
  ServingOptions options = Plain();
  std::vector<std::string> asked;
  options.guard = [&](const GuardedRequest& request) -> std::optional<ServingReply> {
    const std::string authorization(request.headers.Get("Authorization"));
    asked.push_back(request.method + " " + request.path + " " + authorization);
    EXPECT_TRUE(request.certificates.empty());
    if (authorization == "Bearer good") return std::nullopt;
    return ServingReply{401, "{}\n", "application/json"};
  };
  Start(options);
  httplib::Client client("127.0.0.1", serving_->port());
  const httplib::Headers good = {{"Authorization", "Bearer good"}};
  EXPECT_EQ(client.Get("/local", good)->status, 200);
  EXPECT_EQ(client.Head("/open?x", good)->status, 200);
  EXPECT_EQ(client.Get("/nothing", good)->status, 404);
  for (const char* path : {"/open", "/local", "/nothing"}) {
    const httplib::Result refused = client.Get(path);
    EXPECT_EQ(refused->status, 401) << path;
    EXPECT_EQ(refused->body, "{}\n");
    EXPECT_EQ(refused->get_header_value("Content-Type"), "application/json");
  }
  EXPECT_THAT(asked, testing::ElementsAre("GET /local Bearer good", "HEAD /open Bearer good",
                                          "GET /nothing Bearer good", "GET /open ", "GET /local ", "GET /nothing "));
}

TEST_F(ServingTest, SpeaksTls) {
  ServingOptions options;
  options.request_timeout = milliseconds(500);
  Start(options);
  httplib::SSLClient client("127.0.0.1", serving_->port());
  client.enable_server_certificate_verification(false);
  client.set_keep_alive(true);
  for (int i = 0; i < 3; ++i) {
    const httplib::Result result = client.Get("/local?name=tls");
    ASSERT_TRUE(result) << httplib::to_string(result.error());
    EXPECT_EQ(result->body, "hello tls");
  }
  // Plain text is no TLS: the answer is not HTTP.
  EXPECT_EQ(Raw("GET /open HTTP/1.1\r\nHost: a\r\n\r\n").find("HTTP"), std::string::npos);
  // Nor is silence.
  RawClient silent(serving_->port());
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_EQ(client.Get("/open")->body, "open");
}

// The guard gets the bytes of the head, and whatever certificate was shown; the
// connection is made in any case.
TEST_F(ServingTest, ShowsItsGuardWhoTheClientIs) {
  ServingOptions options;
  std::vector<std::string> certificates;
  std::string user;
  options.guard = [&](const GuardedRequest& request) -> std::optional<ServingReply> {
    certificates.assign(request.certificates.begin(), request.certificates.end());
    user = request.headers.Get("X-Remote-User");
    return std::nullopt;
  };
  const Identity ca = IssueAuthority("ca");
  const auto pem = std::make_shared<const std::string>(ca.certificate_pem);
  options.client_ca_pem = [pem] { return pem; };
  Start(options);
  const TempDir dir;
  const auto get = [&](const Identity& shown, const std::string& says) {
    certificates = {"not asked"};
    user = "not asked";
    const std::string cert = dir.Write("c.crt", shown.certificate_pem);
    const std::string key = dir.Write("c.key", shown.key_pem);
    httplib::SSLClient client("127.0.0.1", serving_->port(), shown.key_pem.empty() ? "" : cert,
                              shown.key_pem.empty() ? "" : key);
    client.enable_server_certificate_verification(false);
    client.set_keep_alive(true);
    for (int i = 0; i < 2; ++i) {
      const httplib::Result result = client.Get("/open", {{"X-Remote-User", says}});
      ASSERT_TRUE(result) << httplib::to_string(result.error());
      EXPECT_EQ(result->status, 200);
      EXPECT_EQ(certificates, DerOf(shown));
      EXPECT_EQ(user, says) << "as it was sent";
    }
  };
  get({}, "a%41+b");
  get(Issue("jane", {.issuer = &ca}), "x");
  get(Issue("stranger", {}), "x");
  get(Issue("ended", {.issuer = &ca, .from_hours = -3, .to_hours = -1}), "x");
}

TEST_F(ServingTest, RefusesHeadsThatMayBeReadInTwoWays) {
  ServingOptions options = Plain();
  int asked = 0;
  options.guard = [&](const GuardedRequest&) -> std::optional<ServingReply> {
    ++asked;
    return std::nullopt;
  };
  Start(options);
  for (const std::string line : {"X-Remote-User : root\r\n", "A: b\r\n X-Remote-User: root\r\n", "A: b\nB: c\r\n"}) {
    EXPECT_THAT(Raw("GET /open HTTP/1.1\r\nHost: a\r\n" + line + "\r\n"), StartsWith("HTTP/1.1 400 ")) << line;
  }
  EXPECT_EQ(asked, 0);
  EXPECT_THAT(Raw("GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(asked, 1);
}

TEST_F(ServingTest, KnowsWhenTheFirstOfItsCertificatesEnds) {
  Start(Plain());
  EXPECT_EQ(serving_->certificate_ends(), std::nullopt);
  const TempDir dir;
  const auto put = [&dir](const std::string& name, std::int64_t hours) {
    const Identity identity = Issue(name, {.hosts = {name + ".example.org"}, .to_hours = hours});
    return ServerTlsFiles{dir.Write(name + ".crt", identity.certificate_pem),
                          dir.Write(name + ".key", identity.key_pem)};
  };
  const auto hours_left = [this] {
    return (serving_->certificate_ends()->nanos - RealClock().WallNow().nanos + 1'800'000'000'000) / 3'600'000'000'000;
  };
  ServingOptions options;
  Start(options);
  EXPECT_EQ(hours_left(), 365 * 24) << "its own";
  const ServerTlsFiles files = put("main", 100);
  options.tls_cert_file = files.certificate;
  options.tls_private_key_file = files.key;
  options.tls_named = {{put("other", 50), {}}};
  Start(options);
  EXPECT_EQ(hours_left(), 50);
}

TEST_F(ServingTest, KeepsToItsTlsPolicy) {
  const auto gets = [this](int max_version, const char* ciphers) {
    httplib::SSLClient client("127.0.0.1", serving_->port());
    client.enable_server_certificate_verification(false);
    SSL_CTX_set_max_proto_version(client.ssl_context(), max_version);
    if (*ciphers != 0) SSL_CTX_set_cipher_list(client.ssl_context(), ciphers);
    const httplib::Result result = client.Get("/open");
    return result && result->status == 200;
  };
  ServingOptions options;
  Start(options);
  EXPECT_TRUE(gets(TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"));
  EXPECT_TRUE(gets(TLS1_3_VERSION, ""));
  options.tls_policy.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  Start(options);
  EXPECT_TRUE(gets(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"));
  EXPECT_FALSE(gets(TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"));
  EXPECT_TRUE(gets(TLS1_3_VERSION, ""));
  options.tls_policy = {TlsServerPolicy::Version::kTls13, ""};
  Start(options);
  EXPECT_FALSE(gets(TLS1_2_VERSION, ""));
  EXPECT_TRUE(gets(TLS1_3_VERSION, ""));
}

TEST_F(ServingTest, SharesItsPortWhenTold) {
  ServingOptions options = Plain();
  options.permit_port_sharing = true;
  Start(options);
  options.port = serving_->port();
  Serving second(options, &clock_, &log_);
  EXPECT_TRUE(second.Start().ok());
}

// Several clients at once, each with connections of its own.
TEST_F(ServingTest, ServesManyAtOnce) {
  Start(ServingOptions());
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        httplib::SSLClient client("127.0.0.1", serving_->port());
        client.enable_server_certificate_verification(false);
        const httplib::Result result = client.Get("/tree/x");
        if (result && result->body == "under /tree/x") ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 20);
}

}  // namespace
}  // namespace epslice
