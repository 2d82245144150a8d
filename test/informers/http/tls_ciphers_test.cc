#include "informers/http/tls_ciphers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace epslice {
namespace {

using testing::HasSubstr;
using Version = TlsServerPolicy::Version;

TEST(TlsCiphersTest, KnowsTheNames) {
  TlsServerPolicy policy;
  EXPECT_TRUE(UseCipherSuites({}, &policy).ok());
  EXPECT_EQ(policy.ciphers, "");
  EXPECT_TRUE(UseCipherSuites({"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256",
                               "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"},
                              &policy)
                  .ok());
  EXPECT_EQ(policy.ciphers, "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305");
  EXPECT_EQ(policy.min_version, Version::kTls12);
  // TLS 1.2 with no cipher left is none.
  EXPECT_TRUE(UseCipherSuites({"TLS_AES_128_GCM_SHA256"}, &policy).ok());
  EXPECT_EQ(policy.ciphers, "");
  EXPECT_EQ(policy.min_version, Version::kTls13);
}

TEST(TlsCiphersTest, RefusesTheBroken) {
  TlsServerPolicy policy;
  for (const char* name : {"", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "ALL"}) {
    const absl::Status used = UseCipherSuites({"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", name}, &policy);
    EXPECT_THAT(std::string(used.message()), HasSubstr("TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, ")) << name;
  }
  for (const char* name : {"", "VersionTLS10", "VersionTLS11", "1.2"}) {
    EXPECT_THAT(std::string(UseMinVersion(name, &policy).message()), HasSubstr("VersionTLS12 or VersionTLS13")) << name;
  }
  EXPECT_EQ(policy, TlsServerPolicy());
  EXPECT_TRUE(UseMinVersion("VersionTLS12", &policy).ok());
  EXPECT_EQ(policy, TlsServerPolicy());
  EXPECT_TRUE(UseMinVersion("VersionTLS13", &policy).ok());
  EXPECT_EQ(policy.min_version, Version::kTls13);
}

}  // namespace
}  // namespace epslice
