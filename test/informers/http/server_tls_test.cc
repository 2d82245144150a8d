#include "informers/http/server_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>

#include "informers/http/certificates.h"
#include "informers/http/server_connection.h"

namespace epslice {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;

Identity NewIdentity() {
  CertificateOptions options;
  options.common_name = "test";
  options.hosts = {"localhost"};
  options.not_before = Timestamp::FromSeconds(1'700'000'000);
  options.not_after = Timestamp::FromSeconds(2'000'000'000);
  absl::StatusOr<Identity> made = MakeCertificate(options, nullptr);
  EXPECT_TRUE(made.ok()) << made.status();
  return *made;
}

class ServerTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    files_.certificate = testing::TempDir() + "server_tls_" + name + ".crt";
    files_.key = testing::TempDir() + "server_tls_" + name + ".key";
  }
  void TearDown() override {
    ::unlink(files_.certificate.c_str());
    ::unlink(files_.key.c_str());
  }
  // As a rotation does: a new file takes the place of the old one.
  static void Put(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new", std::ios::binary) << text;
    ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
  }
  void PutBoth(const Identity& identity) {
    Put(files_.certificate, identity.certificate_pem);
    Put(files_.key, identity.key_pem);
  }
  std::string Served(ServerTls* tls) {
    EXPECT_NE(tls->Context(&problem_), nullptr);
    return tls->certificate_pems().front();
  }

  ServerTlsFiles files_;
  FakeClock clock_;
  std::string problem_;
};

TEST_F(ServerTlsTest, MakesACertificateOfItsOwn) {
  const auto tls = ServerTls::Create({}, &clock_);
  ASSERT_TRUE(tls.ok()) << tls.status();
  const std::string pem = (*tls)->certificate_pems().front();
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  ASSERT_NE(certificate, nullptr);
  EXPECT_EQ(X509_check_host(certificate, "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(certificate, "example.com", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate, "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate, "10.0.0.1", 0), 0);
  std::array<char, 64> group{};
  EXPECT_EQ(EVP_PKEY_get_group_name(X509_get0_pubkey(certificate), group.data(), group.size(), nullptr), 1);
  EXPECT_STREQ(group.data(), "prime256v1");
  time_t now = clock_.WallNow().nanos / 1'000'000'000;
  EXPECT_EQ(X509_cmp_time(X509_get0_notBefore(certificate), &now), -1);
  EXPECT_EQ(X509_cmp_time(X509_get0_notAfter(certificate), &now), 1);
  now += 366 * 24 * 3600;
  EXPECT_EQ(X509_cmp_time(X509_get0_notAfter(certificate), &now), -1);
  X509_free(certificate);
}

TEST_F(ServerTlsTest, MakesItAnewBeforeItEnds) {
  const auto tls = ServerTls::Create({}, &clock_);
  const std::string first = Served(tls->get());
  clock_.Advance(hours(24 * 334));
  EXPECT_EQ(Served(tls->get()), first);
  clock_.Advance(hours(24 * 2));
  const std::string second = Served(tls->get());
  EXPECT_NE(second, first);
  clock_.Advance(hours(24));
  EXPECT_EQ(Served(tls->get()), second);
  EXPECT_EQ(problem_, "");
}

TEST_F(ServerTlsTest, FollowsItsFiles) {
  const Identity first = NewIdentity();
  const Identity second = NewIdentity();
  PutBoth(first);
  const auto tls = ServerTls::Create({files_}, &clock_);
  ASSERT_TRUE(tls.ok()) << tls.status();
  EXPECT_EQ(Served(tls->get()), first.certificate_pem);

  // Half of a rotation: told of once, and the old one goes on.
  clock_.Advance(seconds(1));
  Put(files_.certificate, second.certificate_pem);
  EXPECT_EQ(Served(tls->get()), first.certificate_pem);
  EXPECT_THAT(problem_, HasSubstr(files_.certificate + ", " + files_.key + ": "));
  problem_.clear();
  clock_.Advance(seconds(1));
  EXPECT_EQ(Served(tls->get()), first.certificate_pem);
  EXPECT_EQ(problem_, "");

  Put(files_.key, second.key_pem);
  EXPECT_EQ(Served(tls->get()), first.certificate_pem) << "looked again too soon";
  clock_.Advance(seconds(1));
  EXPECT_EQ(Served(tls->get()), second.certificate_pem);
  EXPECT_EQ(problem_, "");

  // Files that go away change nothing.
  ASSERT_EQ(::unlink(files_.key.c_str()), 0);
  clock_.Advance(seconds(1));
  EXPECT_EQ(Served(tls->get()), second.certificate_pem);
  EXPECT_EQ(problem_, files_.key + ": cannot be read");
}

TEST_F(ServerTlsTest, RefusesWhatItCannotUse) {
  const Identity good = NewIdentity();
  const std::string both = files_.certificate + ", " + files_.key + ": ";
  const struct {
    const char* what;
    Identity identity;
    std::string error;
  } kCases[] = {
      {"no certificate", {"hello\n", good.key_pem}, both},
      {"empty", {"", good.key_pem}, both},
      {"the key twice", {good.key_pem, good.key_pem}, both},
      {"no key", {good.certificate_pem, "hello\n"}, both},
      {"another's key", {good.certificate_pem, NewIdentity().key_pem}, both},
      {"endless", {std::string((1 << 20) + 1, 'a'), good.key_pem}, files_.certificate + ": longer than 1 MiB"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    PutBoth(c.identity);
    const auto tls = ServerTls::Create({files_}, &clock_);
    EXPECT_EQ(tls.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(tls.status().message()), HasSubstr(c.error));
  }
  EXPECT_EQ(ServerTls::Create({{"/nonexistent.crt", files_.key}}, &clock_).status().message(),
            "/nonexistent.crt: cannot be read");
}

// A TLS client on the other end of a pair of sockets.
class TlsClient {
 public:
  explicit TlsClient(int fd) : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)), fd_(fd) {
    SSL_set_fd(ssl_, fd);
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  bool Connect() { return SSL_connect(ssl_) == 1; }
  void Write(const std::string& text) {
    EXPECT_EQ(SSL_write(ssl_, text.data(), static_cast<int>(text.size())), text.size());
  }
  // All up to the goodbye; adds "<cut>" without one.
  std::string ReadAll() {
    std::string all;
    std::array<char, 1000> buffer{};
    int n = 0;
    while ((n = SSL_read(ssl_, buffer.data(), buffer.size())) > 0)
      all.append(buffer.data(), static_cast<std::size_t>(n));
    return SSL_get_error(ssl_, n) == SSL_ERROR_ZERO_RETURN ? all : all + "<cut>";
  }

 private:
  SSL_CTX* const context_;
  SSL* const ssl_;
  const int fd_;
};

TEST_F(ServerTlsTest, CarriesMoreThanABuffer) {
  const RealClock real;
  const auto tls = ServerTls::Create({}, &real);
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()), 0);
  const std::string question(40'000, 'q');
  const std::string answer(3'000'000, 'a');
  std::string got;
  std::thread server([&] {
    std::string problem;
    ServerConnection connection(fds[0], &real, {seconds(20), seconds(20), seconds(20), 100'000},
                                (*tls)->Context(&problem).get());
    if (!connection.AwaitRequest()) return;
    std::array<char, 777> buffer{};
    while (got.size() < question.size()) {
      const ssize_t n = connection.Read(buffer.data(), buffer.size());
      if (n <= 0) return;
      got.append(buffer.data(), static_cast<std::size_t>(n));
    }
    for (std::size_t sent = 0; sent < answer.size();) {
      const ssize_t n = connection.Write(answer.data() + sent, answer.size() - sent);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
  });
  TlsClient client(fds[1]);
  EXPECT_TRUE(client.Connect());
  client.Write(question);
  EXPECT_TRUE(client.ReadAll() == answer);
  server.join();
  EXPECT_TRUE(got == question);
}

// The bound of a head counts what is decrypted.
TEST_F(ServerTlsTest, BoundsTheHead) {
  const RealClock real;
  const auto tls = ServerTls::Create({}, &real);
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()), 0);
  std::size_t got = 0;
  std::thread server([&] {
    std::string problem;
    ServerConnection connection(fds[0], &real, {seconds(20), seconds(20), seconds(20), 1000},
                                (*tls)->Context(&problem).get());
    if (!connection.AwaitRequest()) return;
    std::array<char, 300> buffer{};
    for (ssize_t n = 0; (n = connection.Read(buffer.data(), buffer.size())) > 0;) got += static_cast<std::size_t>(n);
  });
  TlsClient client(fds[1]);
  EXPECT_TRUE(client.Connect());
  client.Write(std::string(5000, 'x'));
  server.join();
  EXPECT_EQ(got, 1000U);
}

}  // namespace
}  // namespace epslice
