// HttpTransport over TLS: whom it believes, and who it says it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>

#include "pki.h"
#include "raw_server.h"
#include "transport_test_util.h"

namespace epslice {
namespace {

using testing::HasSubstr;

class TlsTest : public testing::Test {
 protected:
  // A server with this certificate; what a GET comes to.
  Status Ask(const Identity& server_identity, HttpTransportOptions options, const std::string& client_ca = "") {
    RawServer server(
        [](RawConnection& c, int) {
          while (!c.ReadRequest().empty()) c.SendAnswer(200, NodeJson("a", "1"));
        },
        ServerContext(server_identity, client_ca));
    return Connect(server.url(), std::move(options))->Do(Get("a"), nullptr).status;
  }
  HttpTransportOptions Trusting(const Identity& authority) const {
    HttpTransportOptions options;
    options.ca_pem = authority.certificate_pem;
    return options;
  }
  HttpTransportOptions As(const Identity& identity) const {
    HttpTransportOptions options = Trusting(ca_);
    CredentialSource source;
    source.identity = identity;
    auto credentials = NewCredentials(source, &Real());
    EXPECT_TRUE(credentials.ok()) << credentials.status();
    options.credentials = *credentials;
    return options;
  }
  Identity ServerIdentity(std::vector<std::string> hosts) const {
    return Issue("server", {.issuer = &ca_, .hosts = std::move(hosts)});
  }

  const Identity ca_ = IssueAuthority("test CA");
  const Identity other_ca_ = IssueAuthority("another CA");
};

TEST_F(TlsTest, ServersAreVerified) {
  const Identity intermediate = IssueAuthority("intermediate", &ca_);
  const Identity below = Issue("server", {.issuer = &intermediate, .hosts = {"127.0.0.1"}});
  HttpTransportOptions named = Trusting(ca_);
  named.tls_server_name = "api.example.com";
  HttpTransportOptions insecure;
  insecure.insecure_skip_tls_verify = true;
  const struct {
    const char* name;
    Identity server;
    HttpTransportOptions options;
    const char* error;  // null: fine
  } kCases[] = {
      {"right CA, IP address", ServerIdentity({"127.0.0.1"}), Trusting(ca_), nullptr},
      {"wrong CA", ServerIdentity({"127.0.0.1"}), Trusting(other_ca_), "unable to get local issuer certificate"},
      {"both CAs", ServerIdentity({"127.0.0.1"}), Trusting({other_ca_.certificate_pem + ca_.certificate_pem, ""}),
       nullptr},
      {"another address", ServerIdentity({"127.0.0.2", "localhost"}), Trusting(ca_),
       "not accepted for \"127.0.0.1\": IP address mismatch"},
      {"tls-server-name", ServerIdentity({"api.example.com"}), named, nullptr},
      {"tls-server-name, wildcard", ServerIdentity({"*.example.com"}), named, nullptr},
      {"tls-server-name, partial wildcard", ServerIdentity({"a*.example.com"}), named, "hostname mismatch"},
      {"tls-server-name, another name", ServerIdentity({"127.0.0.1", "other.example.com"}), named,
       "not accepted for \"api.example.com\": hostname mismatch"},
      {"a name in the subject only", Issue("127.0.0.1", {.issuer = &ca_, .hosts = {"x"}}), Trusting(ca_), "mismatch"},
      {"expired", Issue("s", {.issuer = &ca_, .hosts = {"127.0.0.1"}, .from_hours = -2, .to_hours = -1}), Trusting(ca_),
       "certificate has expired"},
      {"not yet valid", Issue("s", {.issuer = &ca_, .hosts = {"127.0.0.1"}, .from_hours = 1, .to_hours = 2}),
       Trusting(ca_), "certificate is not yet valid"},
      {"a client's certificate", Issue("s", {.issuer = &ca_}), Trusting(ca_), "certificate purpose"},
      {"with its intermediate", WithChain(below, intermediate), Trusting(ca_), nullptr},
      {"without its intermediate", below, Trusting(ca_), "unable to get local issuer certificate"},
      {"the intermediate is what is trusted", below, Trusting(intermediate), nullptr},
      {"not verified at all", ServerIdentity({"127.0.0.2"}), insecure, nullptr},
      {"nothing given, and not in the system", ServerIdentity({"127.0.0.1"}), {}, "unable to get local issuer"},
  };
  for (const auto& c : kCases) {
    const Status status = Ask(c.server, c.options);
    if (c.error == nullptr) {
      EXPECT_TRUE(status.ok()) << c.name << ": " << status.ToString();
    } else {
      EXPECT_EQ(status.code, 0) << c.name;
      EXPECT_THAT(status.message, HasSubstr(c.error)) << c.name;
      EXPECT_THAT(status.message, HasSubstr("TLS: ")) << c.name;
    }
  }
}

// What nobody asked to be verified is not what broke the connection.
TEST_F(TlsTest, ALostConnectionIsNoMatterOfTheCertificate) {
  HttpTransportOptions insecure;
  insecure.insecure_skip_tls_verify = true;
  for (const HttpTransportOptions& options : {insecure, Trusting(ca_)}) {
    RawServer server([](RawConnection& c, int) { c.ReadRequest(); }, ServerContext(ServerIdentity({"127.0.0.1"})));
    const Status status = Connect(server.url(), options)->Do(Get("a"), nullptr).status;
    EXPECT_EQ(status.code, 0) << status.ToString();
    EXPECT_THAT(status.message, HasSubstr("the connection was lost"));
    EXPECT_THAT(status.message, testing::Not(HasSubstr("certificate")));
  }
}

// Where a CA is given, what the system trusts counts for nothing.
TEST_F(TlsTest, TheSystemIsTrustedOnlyWithoutACa) {
  const TempDir dir;
  const std::string file = dir.Write("system.pem", ca_.certificate_pem);
  setenv("SSL_CERT_FILE", file.c_str(), 1);
  EXPECT_TRUE(Ask(ServerIdentity({"127.0.0.1"}), {}).ok());
  EXPECT_THAT(Ask(ServerIdentity({"127.0.0.1"}), Trusting(other_ca_)).message, HasSubstr("unable to get local issuer"));
  unsetenv("SSL_CERT_FILE");
}

TEST_F(TlsTest, TheCaFileIsReadAgain) {
  RawServer server(
      [](RawConnection& c, int) {
        while (!c.ReadRequest().empty()) c.SendAnswer(200, NodeJson("a", "1"));
      },
      ServerContext(ServerIdentity({"127.0.0.1"})));
  const TempDir dir;
  FakeClock clock;
  clock.Advance(std::chrono::hours(1));
  HttpTransportOptions options = Trusting(other_ca_);
  options.ca_file = dir.Write("ca.crt", other_ca_.certificate_pem);
  options.base_url = server.url();
  options.qps = 0;
  const auto transport = HttpTransport::Create(options, &clock);
  ASSERT_TRUE(transport.ok()) << transport.status();
  const auto ask = [&](int seconds_later) {
    clock.Advance(std::chrono::seconds(seconds_later));
    return (*transport)->Do(Get("a"), nullptr).status.code;
  };
  EXPECT_EQ(ask(0), 0) << "another CA";
  // After a connection that was not made the file is looked at soon.
  dir.Write("ca.crt", ca_.certificate_pem);
  EXPECT_EQ(ask(0), 0);
  EXPECT_EQ(ask(1), 200);
  // Otherwise within a minute; what is kept from before is not used then.
  dir.Write("ca.crt", other_ca_.certificate_pem);
  EXPECT_EQ(ask(1), 200);
  EXPECT_EQ(ask(50), 0);
  // In the middle of being written.
  dir.Write("ca.crt", "-----BEGIN CERT");
  EXPECT_EQ(ask(1), 0);
  std::filesystem::remove(dir.path() + "/ca.crt");
  EXPECT_EQ(ask(1), 0);
  dir.Write("ca.crt", other_ca_.certificate_pem + ca_.certificate_pem);
  EXPECT_EQ(ask(1), 200);
  dir.Write("ca.crt", "");
  EXPECT_EQ(ask(50), 200);
}

TEST_F(TlsTest, ClientCertificates) {
  const Identity client_ca = IssueAuthority("client CA");
  const Identity intermediate = IssueAuthority("client intermediate", &client_ca);
  const Identity below = Issue("me", {.issuer = &intermediate});
  const Identity server = ServerIdentity({"127.0.0.1"});
  const auto ask = [&](const HttpTransportOptions& options) { return Ask(server, options, client_ca.certificate_pem); };
  EXPECT_TRUE(ask(As(Issue("me", {.issuer = &client_ca}))).ok());
  EXPECT_TRUE(ask(As(WithChain(below, intermediate))).ok()) << "the chain is sent too";
  for (const HttpTransportOptions& bad : {As(below), As(Issue("me", {.issuer = &other_ca_})), Trusting(ca_)}) {
    const Status status = ask(bad);
    EXPECT_EQ(status.code, 0) << status.ToString();
    EXPECT_THAT(status.message, HasSubstr("TLS: ")) << status.ToString();
  }
}

TEST_F(TlsTest, APlainServerIsToldApart) {
  RawServer server([](RawConnection& c, int) { c.SendAnswer(400, "Client sent an HTTP request to an HTTPS server"); });
  const std::string url = "https" + server.url().substr(4);
  EXPECT_THAT(Connect(url, Trusting(ca_))->Do(Get("a"), nullptr).status.message, HasSubstr("speaking TLS?"));
}

TEST_F(TlsTest, NothingBelowTls12) {
  for (const int version : {TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    std::promise<bool> secure;
    RawServer server([&secure](RawConnection& c, int) { secure.set_value(c.secure()); },
                     ServerContext(ServerIdentity({"127.0.0.1"})));
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    BIO* bio = BIO_new_ssl_connect(context);
    BIO_set_conn_hostname(bio, server.url().substr(8).c_str());
    BIO_do_handshake(bio);
    BIO_free_all(bio);
    SSL_CTX_free(context);
    EXPECT_EQ(secure.get_future().get(), version >= TLS1_2_VERSION) << version;
  }
}

TEST_F(TlsTest, LargeBodiesAndKeptConnections) {
  const std::string big(3'000'000, 'x');
  std::atomic<std::size_t> received{0};
  RawServer server(
      [&](RawConnection& c, int) {
        for (std::string request; !(request = c.ReadRequest()).empty(); received += request.size()) {
          Node node;
          node.metadata.name = "a";
          node.metadata.labels = StringMap({{Text("k"), Text(big)}});
          c.SendAnswer(200, EncodeJson(node));
        }
      },
      ServerContext(ServerIdentity({"127.0.0.1"})));
  auto transport = Connect(server.url(), Trusting(ca_));
  for (int i = 0; i < 3; ++i) {
    const Response r = transport->Do(Get("a"), nullptr);
    ASSERT_TRUE(r.status.ok()) << r.status.ToString();
    Request update = Update("a");
    update.object = r.object;
    EXPECT_TRUE(transport->Do(update, nullptr).status.ok());
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_GT(received, 3 * big.size());
}

// What ends a session in good order is seen before the next request is sent on
// it: a write then has a known outcome.
TEST_F(TlsTest, AWriteDoesNotGoToAConnectionThatHasEnded) {
  std::promise<void> closed;
  std::promise<void> done;
  RawServer server(
      [&](RawConnection& c, int n) {
        c.ReadRequest();
        c.SendAnswer(200, NodeJson("a", "1"));
        if (n > 0) return;
        c.CloseTls();
        closed.set_value();
        done.get_future().wait();  // TCP stays
      },
      ServerContext(ServerIdentity({"127.0.0.1"})));
  auto transport = Connect(server.url(), Trusting(ca_));
  ASSERT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  closed.get_future().wait();
  const Status status = transport->Do(Update("a"), nullptr).status;
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(server.connections(), 2);
  done.set_value();
}

TEST_F(TlsTest, HandshakesAndWatchesCanBeCancelledAndTimeOut) {
  RawServer silent([](RawConnection& c, int) { c.WaitForClose(); });
  HttpTransportOptions options = Trusting(ca_);
  const std::string url = "https" + silent.url().substr(4);
  {
    CancelToken token;
    auto transport = Connect(url, options);
    EXPECT_EQ(
        CancelWhileBlocked(&token, {}, [&]() -> Status { return transport->Do(Get("a"), &token).status; }).message,
        "cancelled");
  }
  options.connect_timeout = std::chrono::milliseconds(100);
  EXPECT_THAT(Connect(url, options)->Do(Get("a"), nullptr).status.message, HasSubstr("handshake took too long"));

  std::promise<void> streaming;
  RawServer server(
      [&](RawConnection& c, int) {
        c.ReadRequest();
        c.SendChunkedHead();
        c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
        c.WaitForClose();
      },
      ServerContext(ServerIdentity({"127.0.0.1"})));
  CancelToken token;
  auto transport = Connect(server.url(), Trusting(ca_));
  const auto on_event = [&](const WatchEvent&) {
    streaming.set_value();
    return true;
  };
  const Status status = CancelWhileBlocked(
      &token, streaming.get_future(), [&]() -> Status { return transport->Watch(WatchNodes(), &token, on_event); });
  EXPECT_EQ(status.code, 0);
  EXPECT_EQ(status.message, "cancelled");
}

TEST_F(TlsTest, WhatIsNoCertificateIsRefused) {
  HttpTransportOptions options;
  options.base_url = "https://a";
  options.ca_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_THAT(std::string(HttpTransport::Create(options, &Real()).status().message()), HasSubstr("no PEM certificate"));
  EXPECT_TRUE(CheckIdentity(ca_).ok());
  EXPECT_FALSE(CheckIdentity({ca_.certificate_pem, other_ca_.key_pem}).ok());
  EXPECT_FALSE(CheckIdentity({ca_.certificate_pem, ""}).ok());
  EXPECT_FALSE(CheckIdentity({"", ca_.key_pem}).ok());
  EXPECT_FALSE(CheckCertificates(ca_.key_pem).ok());
}

}  // namespace
}  // namespace epslice
