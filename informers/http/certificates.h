// Certificates made on the spot: for servers that were given none, and tests.
//
// Keys are ECDSA P-256. Serial numbers come from the operating system.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_CERTIFICATES_H_
#define EPSLICE_INFORMERS_HTTP_CERTIFICATES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/meta.h"
#include "informers/http/tls.h"

namespace epslice {

struct CertificateOptions {
  std::string common_name;  // "": without one
  std::vector<std::string> organizations = {};
  // What a server is reached by: DNS names and IP addresses, mixed.
  std::vector<std::string> hosts = {};
  Timestamp not_before;
  Timestamp not_after;
  // May sign others; otherwise it is a server's or, without hosts, a client's.
  bool authority = false;
};

// Signed by `issuer` (its leaf), or by itself where that is null. The result
// holds the one certificate, without the issuer's.
// InvalidArgument where the issuer is no certificate with its key; Internal
// where the library fails.
absl::StatusOr<Identity> MakeCertificate(const CertificateOptions& options, const Identity* issuer);

// `bytes` random bytes from the operating system in hexadecimal digits: for
// tokens. "" where there are none to be had.
std::string RandomHex(int bytes);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_CERTIFICATES_H_
