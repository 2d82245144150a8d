// Which client certificates are believed, and whom they name; and that a TLS
// server which takes any of them gets to see them.
#include "informers/http/client_certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "test/informers/http/pki.h"

namespace epslice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::shared_ptr<const CertificateAuthorities> Authorities(const std::string& pem) {
  auto made = CertificateAuthorities::FromPem(pem);
  EXPECT_TRUE(made.ok()) << made.status();
  return *made;
}

// A certificate that `change` has had its hands on before it was signed.
Identity Odd(const Identity& issuer, const std::function<void(X509*)>& change) {
  Identity made = Issue("odd", {.issuer = &issuer});
  const BioPtr pem = PemReader(made.certificate_pem);
  const BioPtr key_pem = PemReader(issuer.key_pem);
  const X509Ptr certificate(PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr), X509_free);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr);
  change(certificate.get());
  EXPECT_NE(X509_sign(certificate.get(), key, EVP_sha256()), 0);
  EVP_PKEY_free(key);
  const BioPtr out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(out.get(), certificate.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  made.certificate_pem.assign(bytes, static_cast<std::size_t>(size));
  return made;
}

// "": what it is good for, it does not say.
Identity WithUsage(const Identity& issuer, const char* usage) {
  return Odd(issuer, [usage](X509* certificate) {
    const int at = X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1);
    X509_EXTENSION_free(X509_delete_ext(certificate, at));
    if (*usage == 0) return;
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_ext_key_usage, usage);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  });
}

Identity WithSubject(const Identity& issuer, const std::vector<std::pair<const char*, const char*>>& entries) {
  return Odd(issuer, [&](X509* certificate) {
    X509_NAME* const name = X509_NAME_new();
    for (const auto& [oid, value] : entries) {
      ASN1_OBJECT* const object = OBJ_txt2obj(oid, 0);
      X509_NAME_add_entry_by_OBJ(name, object, V_ASN1_UTF8STRING, reinterpret_cast<const unsigned char*>(value), -1, -1,
                                 0);
      ASN1_OBJECT_free(object);
    }
    X509_set_subject_name(certificate, name);
    X509_NAME_free(name);
  });
}

constexpr char kUid[] = "1.3.6.1.4.1.57683.2";

class ClientCertificatesTest : public testing::Test {
 protected:
  absl::StatusOr<CertificateSubject> Verify(const Identity& shown) const {
    return authorities_->Verify(DerOf(shown), RealClock().WallNow());
  }

  const Identity ca_ = IssueAuthority("ca");
  const Identity other_ca_ = IssueAuthority("other");
  const std::shared_ptr<const CertificateAuthorities> authorities_ = Authorities(ca_.certificate_pem);
};

TEST_F(ClientCertificatesTest, NamesWhoShowsThem) {
  const auto jane = Verify(Issue("jane", {.issuer = &ca_, .organizations = {"devs", "system:masters"}}));
  ASSERT_TRUE(jane.ok()) << jane.status();
  EXPECT_EQ(jane->common_name, "jane");
  EXPECT_THAT(jane->organizations, ElementsAre("devs", "system:masters"));
  EXPECT_THAT(jane->uids, IsEmpty());
  EXPECT_EQ(jane->sha256.size(), 64U);

  const auto nobody = Verify(Issue("", {.issuer = &ca_}));
  ASSERT_TRUE(nobody.ok()) << nobody.status();
  EXPECT_EQ(nobody->common_name, "");

  // As Go reads a subject: the last CN, and every O.
  const auto many = Verify(WithSubject(ca_, {{"CN", "first"}, {"O", "a"}, {kUid, "17"}, {"CN", "last"}, {"O", "b"}}));
  ASSERT_TRUE(many.ok()) << many.status();
  EXPECT_EQ(many->common_name, "last");
  EXPECT_THAT(many->organizations, ElementsAre("a", "b"));
  EXPECT_THAT(many->uids, ElementsAre("17"));
}

TEST_F(ClientCertificatesTest, BelievesChainsAndAnchorsOfAllKinds) {
  const Identity intermediate = IssueAuthority("intermediate", &ca_);
  const Identity leaf = Issue("leaf", {.issuer = &intermediate});
  EXPECT_TRUE(Verify(WithChain(leaf, intermediate)).ok());
  EXPECT_THAT(std::string(Verify(leaf).status().message()), HasSubstr("unable to get local issuer"));
  // A bundle of several, and an intermediate as an anchor.
  const auto both = Authorities(other_ca_.certificate_pem + "\nnoise\n" + intermediate.certificate_pem);
  const Timestamp now = RealClock().WallNow();
  EXPECT_TRUE(both->Verify(DerOf(leaf), now).ok());
  EXPECT_TRUE(both->Verify(DerOf(Issue("x", {.issuer = &other_ca_})), now).ok());
  EXPECT_FALSE(both->Verify(DerOf(Issue("x", {.issuer = &ca_})), now).ok());
  EXPECT_FALSE(CertificateAuthorities::FromPem("").ok());
  EXPECT_FALSE(CertificateAuthorities::FromPem(ca_.key_pem).ok());
}

TEST_F(ClientCertificatesTest, RefusesTheRest) {
  const Identity leaf = Issue("leaf", {.issuer = &ca_});
  const Identity namesake = IssueAuthority("ca");
  const Identity no_authority = Issue("below a leaf", {.issuer = &leaf});
  const Identity server_authority = Odd(ca_, [](X509* certificate) {
    for (const int nid : {NID_basic_constraints, NID_key_usage}) {
      X509_EXTENSION_free(X509_delete_ext(certificate, X509_get_ext_by_NID(certificate, nid, -1)));
    }
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    const int at = X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1);
    X509_EXTENSION_free(X509_delete_ext(certificate, at));
    X509_EXTENSION* const usage = X509V3_EXT_conf_nid(nullptr, nullptr, NID_ext_key_usage, "serverAuth");
    X509_add_ext(certificate, usage, -1);
    X509_EXTENSION_free(usage);
  });
  const struct {
    const char* what;
    Identity shown;
    const char* why;
  } kCases[] = {
      {"another authority's", Issue("jane", {.issuer = &other_ca_}), "unable to get local issuer"},
      {"its own", Issue("jane", {}), "self-signed"},
      {"another's of the same name", Issue("jane", {.issuer = &namesake}), "signature"},
      {"ended", Issue("jane", {.issuer = &ca_, .from_hours = -3, .to_hours = -1}), "expired"},
      {"not begun", Issue("jane", {.issuer = &ca_, .from_hours = 1, .to_hours = 3}), "not yet valid"},
      {"a server's", Issue("jane", {.issuer = &ca_, .hosts = {"jane"}}), "not for the authentication of clients"},
      {"for signing code", WithUsage(ca_, "codeSigning"), "not for the authentication of clients"},
      {"signed by no authority", WithChain(no_authority, leaf), "the client's certificate is not accepted"},
      {"signed by an authority for servers", WithChain(Issue("x", {.issuer = &server_authority}), server_authority),
       "not for the authentication of clients"},
  };
  for (const auto& c : kCases) {
    const auto subject = Verify(c.shown);
    EXPECT_EQ(subject.status().code(), absl::StatusCode::kUnauthenticated) << c.what;
    EXPECT_THAT(std::string(subject.status().message()), HasSubstr(c.why)) << c.what;
    EXPECT_THAT(std::string(subject.status().message()), testing::Not(HasSubstr("jane"))) << c.what;
  }
  EXPECT_TRUE(Verify(WithUsage(ca_, "")).ok()) << "does not say";
  EXPECT_TRUE(Verify(WithUsage(ca_, "anyExtendedKeyUsage")).ok());
  EXPECT_TRUE(Verify(WithUsage(ca_, "serverAuth,clientAuth")).ok());
}

TEST_F(ClientCertificatesTest, RefusesBytesThatAreNone) {
  const Timestamp now = RealClock().WallNow();
  const std::string good = DerOf(Issue("jane", {.issuer = &ca_})).front();
  std::string forged = good;
  forged[forged.size() - 5] = static_cast<char>(forged[forged.size() - 5] ^ 1);
  EXPECT_TRUE(authorities_->Verify(std::vector<std::string>{good}, now).ok());
  const std::vector<std::vector<std::string>> kBad = {{},
                                                      {""},
                                                      {"hello"},
                                                      {good.substr(0, good.size() / 2)},
                                                      {forged},
                                                      {good, std::string("hello")},
                                                      std::vector<std::string>(17, good)};
  for (const std::vector<std::string>& bad : kBad) {
    EXPECT_EQ(authorities_->Verify(bad, now).status().code(), absl::StatusCode::kUnauthenticated) << bad.size();
  }
  EXPECT_TRUE(authorities_->Verify(std::vector<std::string>(16, good), now).ok());
}

// --- handshakes -------------------------------------------------------------

// A server that takes any certificate, and a client over a pair of sockets.
class HandshakeTest : public testing::Test {
 protected:
  // What the server gets to see; nullopt: no connection.
  std::optional<std::vector<std::string>> Shown(const Identity& shown) {
    TlsServerOptions server_options;
    server_options.identity = server_;
    server_options.client_ca_pem = ca_.certificate_pem;
    server_options.any_client_certificate = true;
    TlsClientOptions client_options;
    client_options.ca_pem = ca_.certificate_pem;
    client_options.identity = shown;
    const auto server_context = TlsContext::Server(server_options);
    const auto client_context = TlsContext::Client(client_options);
    EXPECT_TRUE(server_context.ok()) << server_context.status();
    EXPECT_TRUE(client_context.ok()) << client_context.status();
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
    const auto server = TlsSession::Server(**server_context, fds[0]);
    const auto client = TlsSession::Client(**client_context, fds[1], "localhost");
    TlsSession::Io server_io = TlsSession::Io::kWantRead;
    TlsSession::Io client_io = TlsSession::Io::kWantRead;
    for (int i = 0; i < 20; ++i) {
      if (client_io == TlsSession::Io::kWantRead) client_io = client->Handshake();
      if (server_io == TlsSession::Io::kWantRead) server_io = server->Handshake();
    }
    std::optional<std::vector<std::string>> seen;
    if (server_io == TlsSession::Io::kDone && client_io == TlsSession::Io::kDone) {
      seen = server->PeerCertificates();
      EXPECT_EQ(client->PeerCertificates(), DerOf(server_));
    }
    ::close(fds[0]);
    ::close(fds[1]);
    return seen;
  }

  const Identity ca_ = IssueAuthority("ca");
  const Identity server_ = Issue("server", {.issuer = &ca_, .hosts = {"localhost"}});
};

TEST_F(HandshakeTest, ShowsWhateverTheClientHas) {
  EXPECT_EQ(Shown({}), std::vector<std::string>());
  const Identity stranger = Issue("stranger", {});
  EXPECT_EQ(Shown(stranger), DerOf(stranger));
  const Identity intermediate = IssueAuthority("intermediate", &ca_);
  const Identity leaf = WithChain(Issue("leaf", {.issuer = &intermediate}), intermediate);
  ASSERT_EQ(DerOf(leaf).size(), 2U);
  EXPECT_EQ(Shown(leaf), DerOf(leaf));
  // Of an authority that the client does not trust: it adds one that it does.
  const Identity client_ca = IssueAuthority("client ca");
  const Identity ended = Issue("ended", {.issuer = &client_ca, .from_hours = -3, .to_hours = -1});
  EXPECT_EQ(Shown(ended), DerOf(ended));
}

TEST_F(HandshakeTest, IsBounded) {
  Identity long_chain = Issue("leaf", {.issuer = &ca_});
  const Identity big =
      Issue("big", {.issuer = &ca_, .organizations = std::vector<std::string>(1000, std::string(60, 'o'))});
  for (int i = 0; i < 2; ++i) long_chain.certificate_pem += big.certificate_pem;
  EXPECT_EQ(Shown(long_chain), std::nullopt);
}

}  // namespace
}  // namespace epslice
