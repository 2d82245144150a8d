// Certificates and files for tests.
#ifndef EPSLICE_TEST_INFORMERS_HTTP_PKI_H_
#define EPSLICE_TEST_INFORMERS_HTTP_PKI_H_

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "informers/clock.h"
#include "informers/http/certificates.h"
#include "informers/http/pem.h"

namespace epslice {

inline Timestamp HoursFromNow(std::int64_t hours) {
  return Timestamp{RealClock().WallNow().nanos + hours * 3600 * 1'000'000'000};
}

struct IssueOptions {
  const Identity* issuer = nullptr;     // null: signs itself
  std::vector<std::string> hosts = {};  // none: a client's
  bool authority = false;
  std::int64_t from_hours = -1;
  std::int64_t to_hours = 1;
  std::vector<std::string> organizations = {};
};

inline Identity Issue(const std::string& name, const IssueOptions& options) {
  CertificateOptions o;
  o.common_name = name;
  o.hosts = options.hosts;
  o.organizations = options.organizations;
  o.authority = options.authority;
  o.not_before = HoursFromNow(options.from_hours);
  o.not_after = HoursFromNow(options.to_hours);
  absl::StatusOr<Identity> made = MakeCertificate(o, options.issuer);
  EXPECT_TRUE(made.ok()) << made.status();
  return made.ok() ? *made : Identity();
}
inline Identity IssueAuthority(const std::string& name, const Identity* issuer = nullptr) {
  return Issue(name, {.issuer = issuer, .authority = true});
}
// With the certificate of `issuer` behind its own.
inline Identity WithChain(Identity leaf, const Identity& issuer) {
  leaf.certificate_pem += issuer.certificate_pem;
  return leaf;
}

inline std::shared_ptr<const TlsContext> ServerContext(const Identity& identity, const std::string& client_ca = "") {
  TlsServerOptions options;
  options.identity = identity;
  options.client_ca_pem = client_ca;
  auto context = TlsContext::Server(options);
  EXPECT_TRUE(context.ok()) << context.status();
  return context.ok() ? *context : nullptr;
}

// What a TLS client with it shows (TlsSession::PeerCertificates).
inline std::vector<std::string> DerOf(const Identity& identity) {
  std::vector<std::string> all;
  ForEachCertificate(identity.certificate_pem, [&all](X509Ptr certificate) {
    std::string der(static_cast<std::size_t>(i2d_X509(certificate.get(), nullptr)), '\0');
    auto* to = reinterpret_cast<unsigned char*>(der.data());
    i2d_X509(certificate.get(), &to);
    all.push_back(std::move(der));
  });
  return all;
}

// A folder that goes with the test.
class TempDir {
 public:
  TempDir() {
    std::string name = testing::TempDir() + "epslice-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // Replaces the file at once, as volumes of Secrets do.
  std::string Write(const std::string& name, const std::string& text) const {
    const std::string path = path_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
    return path;
  }
  std::string WriteScript(const std::string& name, const std::string& text) const {
    const std::string path = Write(name, "#!/bin/sh\n" + text);
    chmod(path.c_str(), 0755);
    return path;
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(path_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string path_;
};

}  // namespace epslice

#endif  // EPSLICE_TEST_INFORMERS_HTTP_PKI_H_
