// HttpTransport and credentials: what is sent, and what a 401 or a Retry-After
// makes it do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pki.h"
#include "raw_server.h"
#include "transport_test_util.h"

namespace epslice {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

class HttpCredentialsTest : public testing::Test {
 protected:
  HttpTransportOptions Options(const CredentialSource& source) {
    HttpTransportOptions options;
    options.ca_pem = ca_.certificate_pem;
    auto credentials = NewCredentials(source, &clock_);
    EXPECT_TRUE(credentials.ok()) << credentials.status();
    options.credentials = *credentials;
    return options;
  }
  HttpTransportOptions TokenFile(const std::string& token) {
    CredentialSource source;
    source.token_file = dir_.Write("token", token);
    return Options(source);
  }
  std::shared_ptr<const TlsContext> Tls(const std::string& client_ca = "") const {
    return ServerContext(server_, client_ca);
  }
  // Takes the token "good" only, and keeps a list of what it was shown.
  void Serve(RawConnection& c) {
    for (std::string request; !(request = c.ReadRequest()).empty();) {
      const std::size_t at = request.find("\r\nAuthorization: ");
      const std::string shown =
          at == std::string::npos ? "none" : request.substr(at + 17, request.find('\r', at + 2) - at - 17);
      {
        std::lock_guard<std::mutex> lock(mu_);
        shown_.push_back(request.substr(0, 3) + " " + shown);
      }
      if (shown != "Bearer good") {
        c.SendAnswer(401, StatusJson(401, "Unauthorized"));
      } else if (request.find("watch=true") != std::string::npos) {
        c.SendChunkedHead();
        c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
        c.SendChunk("");
      } else {
        c.SendAnswer(200, NodeJson("a", "1"));
      }
    }
  }
  std::vector<std::string> Shown() {
    std::lock_guard<std::mutex> lock(mu_);
    return std::exchange(shown_, {});
  }

  const Identity ca_ = IssueAuthority("ca");
  const Identity server_ = Issue("server", {.issuer = &ca_, .hosts = {"127.0.0.1"}});
  TempDir dir_;
  FakeClock clock_;
  std::mutex mu_;
  std::vector<std::string> shown_;
};

TEST_F(HttpCredentialsTest, ATokenIsPerRequest) {
  RawServer server([this](RawConnection& c, int) { Serve(c); }, Tls());
  auto transport = Connect(server.url(), TokenFile("good"), &clock_);
  EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  dir_.Write("token", "expired");
  EXPECT_TRUE(transport->Do(Update("a"), nullptr).status.ok());
  clock_.Advance(seconds(50));
  EXPECT_EQ(transport->Do(Get("a"), nullptr).status.code, 401);
  EXPECT_THAT(Shown(), ElementsAre("GET Bearer good", "PUT Bearer good", "GET Bearer expired"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpCredentialsTest, WhatWasRefusedIsAskedOnceMoreWithFresherCredentials) {
  RawServer server([this](RawConnection& c, int) { Serve(c); }, Tls());
  Seen seen;
  for (const char* what : {"read", "write", "watch"}) {
    auto transport = Connect(server.url(), TokenFile("old"), &clock_);
    dir_.Write("token", "good");
    const Status status = *what == 'r'                   ? transport->Do(Get("a"), nullptr).status
                          : std::string(what) == "write" ? transport->Do(Update("a"), nullptr).status
                                                         : transport->Watch(WatchNodes(), nullptr, seen.Collect());
    EXPECT_TRUE(status.ok()) << what << ": " << status.ToString();
    const std::vector<std::string> shown = Shown();
    ASSERT_EQ(shown.size(), 2U) << what;
    EXPECT_EQ(shown[0].substr(3), " Bearer old");
    EXPECT_EQ(shown[1].substr(3), " Bearer good");
  }
  EXPECT_EQ(seen.text, "ADDED:a ");

  // Fresher, and no better: once is enough.
  auto transport = Connect(server.url(), TokenFile("old"), &clock_);
  dir_.Write("token", "newer");
  EXPECT_EQ(transport->Do(Get("a"), nullptr).status.code, 401);
  EXPECT_THAT(Shown(), ElementsAre("GET Bearer old", "GET Bearer newer"));
  EXPECT_EQ(transport->Watch(WatchNodes(), nullptr, seen.Collect()).code, 401);
  EXPECT_THAT(Shown(), ElementsAre("GET Bearer newer"));
}

// Refused for its format, then for its token, then put off: one call.
TEST_F(HttpCredentialsTest, FallsBackRefreshesAndWaitsInOneCall) {
  std::atomic<int> formats{0}, tokens{0}, put_off{0};
  RawServer server(
      [&](RawConnection& c, int) {
        for (std::string request; !(request = c.ReadRequest()).empty();) {
          if (request.find("protobuf") != std::string::npos) {
            ++formats;
            c.SendAnswer(415, StatusJson(415, "UnsupportedMediaType"));
          } else if (request.find("Bearer good") == std::string::npos) {
            ++tokens;
            c.SendAnswer(401, StatusJson(401, "Unauthorized"));
          } else if (put_off++ == 0) {
            c.SendAnswer(429, StatusJson(429, "TooManyRequests"), "Retry-After: 2\r\n");
          } else {
            c.SendAnswer(200, request.substr(request.find("\r\n\r\n") + 4));
          }
        }
      },
      Tls());
  HttpTransportOptions options = TokenFile("old");
  options.content_type = "application/vnd.kubernetes.protobuf";
  options.qps = 0;
  std::atomic<int> told{0};
  options.on_fallback = [&told](const Status&) { ++told; };
  auto transport = Connect(server.url(), options, &clock_);
  dir_.Write("token", "good");
  Lease lease;
  lease.metadata.name = "l";
  lease.metadata.namespace_ = "kube-system";
  lease.holderIdentity = "me";
  Request update;
  update.verb = Verb::kUpdate;
  update.kind = Kind::kLease;
  update.object = AnyObject::Of(lease);
  auto call = std::async(std::launch::async, [&] { return transport->Do(update, nullptr); });
  while (put_off < 1) std::this_thread::yield();
  EXPECT_EQ(call.wait_for(std::chrono::milliseconds(60)), std::future_status::timeout);
  clock_.Advance(seconds(2));
  const Response response = call.get();
  ASSERT_TRUE(response.status.ok()) << response.status.ToString();
  EXPECT_EQ(response.object.As<Lease>()->holderIdentity, "me");
  EXPECT_EQ(formats, 1);
  EXPECT_EQ(tokens, 1);
  EXPECT_EQ(put_off, 2);
  EXPECT_EQ(told, 1);
}

TEST_F(HttpCredentialsTest, NothingIsSentOverPlainHttp) {
  RawServer server([this](RawConnection& c, int) { Serve(c); });
  EXPECT_EQ(Connect(server.url(), TokenFile("good"), &clock_)->Do(Get("a"), nullptr).status.code, 401);
  EXPECT_THAT(Shown(), ElementsAre("GET none"));
}

TEST_F(HttpCredentialsTest, APluginThatFailsIsNoAnswer) {
  RawServer server([this](RawConnection& c, int) { Serve(c); }, Tls());
  CredentialSource source;
  source.exec = ExecPluginConfig{.api_version = "client.authentication.k8s.io/v1",
                                 .command = dir_.WriteScript("plugin", "echo s3cret; exit 1"),
                                 .args = {},
                                 .env = {},
                                 .install_hint = "",
                                 .cluster_json = ""};
  auto transport = Connect(server.url(), Options(source), &clock_);
  for (const Status& status : {transport->Do(Get("a"), nullptr).status,
                               transport->Watch(WatchNodes(), nullptr, [](const WatchEvent&) { return true; })}) {
    EXPECT_EQ(status.code, 0);
    EXPECT_THAT(status.message, HasSubstr("no credentials: exec plugin"));
    EXPECT_THAT(status.message, testing::Not(HasSubstr("s3cret")));
  }
  EXPECT_THAT(Shown(), ElementsAre());
}

// A connection speaks for who opened it.
TEST_F(HttpCredentialsTest, AnotherCertificateIsAnotherConnection) {
  const Identity client_ca = IssueAuthority("client ca");
  RawServer server(
      [](RawConnection& c, int) {
        while (!c.ReadRequest().empty()) c.SendAnswer(200, NodeJson("a", "1"));
      },
      Tls(client_ca.certificate_pem));
  CredentialSource source;
  const auto write = [&](const Identity& identity) {
    source.certificate_file = dir_.Write("crt", identity.certificate_pem);
    source.key_file = dir_.Write("key", identity.key_pem);
  };
  write(Issue("me", {.issuer = &client_ca}));
  auto transport = Connect(server.url(), Options(source), &clock_);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  EXPECT_EQ(server.connections(), 1);
  write(Issue("me", {.issuer = &client_ca}));
  clock_.Advance(seconds(50));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpCredentialsTest, RetryAfterIsHeededWithinBounds) {
  const struct {
    const char* name;
    int code;
    const char* header;
    bool list;
    int advance;   // seconds until the next attempt
    int requests;  // in all, while the server goes on like that
  } kCases[] = {
      {"too many requests", 429, "Retry-After: 4\r\n", false, 4, 3},  // after 4 s and 8 s; 12 s are too much
      {"unavailable", 503, "Retry-After: 10\r\n", false, 10, 2},
      {"without the header", 429, "", false, 0, 1},
      {"too long", 429, "Retry-After: 11\r\n", false, 0, 1},
      {"much too long", 429, "Retry-After: 99999999999\r\n", false, 0, 1},
      {"not put off", 500, "Retry-After: 1\r\n", false, 0, 1},
      {"a list: its watcher waits", 429, "Retry-After: 1\r\n", true, 0, 1},
  };
  for (const auto& c : kCases) {
    for (const bool write : {false, true}) {
      if (c.list && write) continue;
      std::atomic<int> requests{0};
      RawServer server([&](RawConnection& connection, int) {
        while (!connection.ReadRequest().empty()) {
          ++requests;
          connection.SendAnswer(c.code, StatusJson(c.code, "X"), c.header);
        }
      });
      Request request = write ? Update("a") : Get("a");
      if (c.list) {
        request.verb = Verb::kList;
        request.name = "";
      }
      HttpTransportOptions options;
      options.qps = 0;
      auto transport = Connect(server.url(), options, &clock_);
      auto call = std::async(std::launch::async, [&] { return transport->Do(request, nullptr).status; });
      for (int n = 1; n < c.requests; ++n) {
        while (requests < n) std::this_thread::yield();
        EXPECT_EQ(call.wait_for(std::chrono::milliseconds(60)), std::future_status::timeout) << c.name;
        EXPECT_EQ(requests, n) << c.name << ": not before it is time";
        clock_.Advance(seconds(c.advance));
      }
      EXPECT_EQ(call.get().code, c.code) << c.name;
      EXPECT_EQ(requests, c.requests) << c.name;
    }
  }
}

// Who may not go on when the wait is over sends nothing.
TEST_F(HttpCredentialsTest, AfterAWaitItIsAskedAgainWhetherToSend) {
  std::atomic<bool> leads{true};
  std::atomic<int> requests{0};
  RawServer server([&](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) {
      leads = ++requests < 2;
      c.SendAnswer(429, StatusJson(429, "TooManyRequests"), "Retry-After: 1\r\n");
    }
  });
  auto transport = Connect(server.url(), {}, &clock_);
  CancelToken token([&] { return leads.load(); });
  auto call = std::async(std::launch::async, [&] { return transport->Do(Update("a"), &token).status; });
  while (call.wait_for(std::chrono::milliseconds(1)) == std::future_status::timeout) clock_.Advance(seconds(1));
  EXPECT_EQ(call.get().code, 0);
  EXPECT_EQ(requests, 2);
  EXPECT_EQ(transport->Do(Update("a"), &token).status.code, 0);
  EXPECT_EQ(requests, 2);
}

TEST_F(HttpCredentialsTest, WaitingForRetryAfterCanBeCancelled) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) c.SendAnswer(429, StatusJson(429, "TooManyRequests"), "Retry-After: 5\r\n");
  });
  auto transport = Connect(server.url(), {}, &clock_);
  CancelToken token;
  EXPECT_EQ(CancelWhileBlocked(&token, {}, [&]() -> Status { return transport->Do(Update("a"), &token).status; }).code,
            429);
}

}  // namespace
}  // namespace epslice
