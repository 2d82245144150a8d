// Which of a server's certificates a client gets: by name, and over TLS.
#include "informers/http/server_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <thread>

#include "informers/http/certificate_facts.h"
#include "informers/http/server_tls.h"
#include "test/informers/http/pki.h"

namespace epslice {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ServerNamesTest, ExactBeforeWildcardGivenBeforeFoundFirstBeforeLater) {
  ServerNames names;
  names.AddFound(0, {"a.example.org", "*.example.org", "found.example.org"});
  names.AddGiven(1, {"*.EXAMPLE.org", "a.b.example.org", "no name"});
  names.AddGiven(2, {"*.example.org", "a.example.org", "10.0.0.1", "::0:1"});
  names.AddFound(3, {"a.example.org", "*"});
  const struct {
    const char* asked;
    std::optional<std::size_t> index;
  } kCases[] = {
      {"a.example.org", 2},
      {"A.Example.ORG", 2},
      {"found.example.org", 0},
      {"b.example.org", 1},
      {"a.b.example.org", 1},
      {"x.b.example.org", {}},
      {"example.org", {}},
      {"localhost", 3},
      {"10.0.0.1", 2},
      {"::ffff:10.0.0.1", 2},
      {"::1", 2},
      {"10.0.0.2", {}},
      {"", {}},
      {".example.org", {}},
      {"a.example.org.", {}},
      {"...", {}},
  };
  for (const auto& c : kCases) EXPECT_EQ(names.IndexOf(c.asked), c.index) << c.asked;
}

TEST(ServerNamesTest, OfACertificateTheCnAndItsDnsNames) {
  const auto names = [](const std::string& cn, const std::vector<std::string>& hosts) {
    return NamesOfCertificate(Issue(cn, {.hosts = hosts}).certificate_pem);
  };
  EXPECT_THAT(names("cn.example.org", {"a.example.org", "10.0.0.1", "*.b.example.org"}),
              ElementsAre("cn.example.org", "a.example.org", "*.b.example.org"));
  EXPECT_THAT(names("10.0.0.2", {"10.0.0.1"}), ElementsAre());
  EXPECT_THAT(NamesOfCertificate("none"), ElementsAre());
}

TEST(CertificateFactsTest, SaysWhenItEnds) {
  CertificateOptions options;
  options.common_name = "x";
  options.hosts = {"a.example.org", "::1"};
  options.not_before = Timestamp::FromSeconds(1'700'000'000);
  options.not_after = Timestamp::FromSeconds(2'000'000'001);
  const absl::StatusOr<Identity> made = MakeCertificate(options, nullptr);
  ASSERT_TRUE(made.ok());
  for (const auto& facts : {ReadCertificateFacts(made->certificate_pem + Issue("next", {}).certificate_pem),
                            ReadDerCertificateFacts(DerOf(*made).front())}) {
    ASSERT_TRUE(facts.ok()) << facts.status();
    EXPECT_EQ(facts->common_name, "x");
    EXPECT_THAT(facts->dns_names, ElementsAre("a.example.org"));
    EXPECT_EQ(facts->not_after.nanos, 2'000'000'001'000'000'000);
  }
  EXPECT_FALSE(ReadCertificateFacts("hello").ok());
  EXPECT_FALSE(ReadDerCertificateFacts("hello").ok());
}

class ServerNamesTlsTest : public testing::Test {
 protected:
  // The CN of what a client gets that asks for `name` ("": for none).
  static std::string Served(const TlsContext& context, const std::string& name, bool only_tls12 = false) {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()), 0);
    std::thread server([&] {
      const std::unique_ptr<TlsSession> session = TlsSession::Server(context, fds[0]);
      EXPECT_EQ(session->Handshake(), TlsSession::Io::kDone) << session->error();
    });
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> client(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    if (only_tls12) SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(client.get()), SSL_free);
    SSL_set_fd(ssl.get(), fds[1]);
    if (!name.empty()) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    EXPECT_EQ(SSL_connect(ssl.get()), 1);
    server.join();
    std::string der(static_cast<std::size_t>(i2d_X509(SSL_get0_peer_certificate(ssl.get()), nullptr)), '\0');
    auto* to = reinterpret_cast<unsigned char*>(der.data());
    i2d_X509(SSL_get0_peer_certificate(ssl.get()), &to);
    for (const int fd : fds) ::close(fd);
    const auto facts = ReadDerCertificateFacts(der);
    return facts.ok() ? facts->common_name : "";
  }
};

TEST_F(ServerNamesTlsTest, EachGetsItsOwn) {
  const Identity ca = IssueAuthority("ca");
  TlsServerOptions options;
  options.identity = Issue("default", {.hosts = {"localhost"}});
  options.named = {{Issue("given", {.hosts = {"not.example.org"}}), {"*.example.org"}},
                   {Issue("found", {.hosts = {"a.example.org"}}), {}}};
  options.client_ca_pem = ca.certificate_pem;
  options.any_client_certificate = true;
  const auto context = TlsContext::Server(options);
  ASSERT_TRUE(context.ok()) << context.status();
  for (const bool only_tls12 : {false, true}) {
    EXPECT_EQ(Served(**context, "b.example.org", only_tls12), "given");
    EXPECT_EQ(Served(**context, "a.example.org", only_tls12), "found");
    EXPECT_EQ(Served(**context, "localhost", only_tls12), "default");
    EXPECT_EQ(Served(**context, "", only_tls12), "default");
  }
}

// Each is read again when its files change, whatever is the matter with others.
TEST_F(ServerNamesTlsTest, FollowsTheFilesOfEach) {
  const TempDir dir;
  const auto put = [&dir](const std::string& file, const Identity& identity) {
    dir.Write(file + ".crt", identity.certificate_pem);
    dir.Write(file + ".key", identity.key_pem);
    return ServerTlsFiles{dir.path() + "/" + file + ".crt", dir.path() + "/" + file + ".key"};
  };
  ServerTlsOptions options;
  options.files = put("main", Issue("main-1", {.hosts = {"localhost"}}));
  options.named = {{put("a", Issue("a-1", {.hosts = {"a.example.org"}})), {"a.example.org"}},
                   {put("b", Issue("b-1", {.hosts = {"b.example.org"}})), {}}};
  FakeClock clock;
  const auto tls = ServerTls::Create(options, &clock);
  ASSERT_TRUE(tls.ok()) << tls.status();
  std::string problem;
  const auto served = [&](const std::string& name) {
    clock.Advance(seconds(1));
    return Served(*(*tls)->Context(&problem), name);
  };
  EXPECT_EQ(served("a.example.org"), "a-1");
  dir.Write("a.crt", "broken");
  put("b", Issue("b-2", {.hosts = {"c.example.org"}}));
  EXPECT_EQ(served("a.example.org"), "a-1");
  EXPECT_THAT(problem, HasSubstr(dir.path() + "/a.crt, "));
  problem.clear();
  EXPECT_EQ(served("c.example.org"), "b-2");
  EXPECT_EQ(served("b.example.org"), "main-1") << "the names are those of the certificate that is there now";
  put("a", Issue("a-2", {.hosts = {"a.example.org"}}));
  put("main", Issue("main-2", {.hosts = {"localhost"}}));
  EXPECT_EQ(served("a.example.org"), "a-2");
  EXPECT_EQ(served("localhost"), "main-2");
  EXPECT_EQ(problem, "");
  EXPECT_EQ((*tls)->certificate_pems().size(), 3U);

  options.named[1].files.key = dir.path() + "/a.key";
  EXPECT_EQ(ServerTls::Create(options, &clock).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace epslice
