#include "informers/http/tls_ciphers.h"

#include <algorithm>

#include "apis/cat.h"

namespace epslice {
namespace {

struct Suite {
  std::string_view name;
  std::string_view cipher;  // the library's name; "": of TLS 1.3
};

constexpr Suite kSuites[] = {
    {"TLS_AES_128_GCM_SHA256", ""},
    {"TLS_AES_256_GCM_SHA384", ""},
    {"TLS_CHACHA20_POLY1305_SHA256", ""},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
};

std::string Accepted() {
  std::string all = "accepted are, with a comma between, ";
  for (const Suite& suite : kSuites) all += Cat({&suite == kSuites ? "" : ", ", suite.name});
  return all;
}

}  // namespace

absl::Status UseCipherSuites(const std::vector<std::string>& names, TlsServerPolicy* policy) {
  std::string ciphers;
  for (const std::string& name : names) {
    const Suite* const suite =
        std::find_if(std::begin(kSuites), std::end(kSuites), [&](const Suite& s) { return s.name == name; });
    if (suite == std::end(kSuites)) return absl::InvalidArgumentError(Accepted());
    if (!suite->cipher.empty()) ciphers += Cat({ciphers.empty() ? "" : ":", suite->cipher});
  }
  policy->ciphers = ciphers;
  if (!names.empty() && ciphers.empty()) policy->min_version = TlsServerPolicy::Version::kTls13;
  return absl::OkStatus();
}

absl::Status UseMinVersion(std::string_view name, TlsServerPolicy* policy) {
  if (name == "VersionTLS13") policy->min_version = TlsServerPolicy::Version::kTls13;
  if (name == "VersionTLS12" || name == "VersionTLS13") return absl::OkStatus();
  return absl::InvalidArgumentError(
      "accepted is VersionTLS12 or VersionTLS13: what came before is broken, and not spoken here");
}

}  // namespace epslice
