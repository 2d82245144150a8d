// Names of TLS versions and cipher suites, as Kubernetes' flags write them.
// Pure. Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_TLS_CIPHERS_H_
#define EPSLICE_INFORMERS_HTTP_TLS_CIPHERS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "informers/http/tls.h"

namespace epslice {

// Sets the ciphers of TLS 1.2 by their IANA names; of an empty list nothing.
// Those of TLS 1.3 may be among them and choose nothing; without any other, 1.3
// is the least that is accepted. InvalidArgument, with what is accepted: a name
// that is not known, or of a suite without forward secrecy or with a broken
// cipher.
absl::Status UseCipherSuites(const std::vector<std::string>& names, TlsServerPolicy* policy);

// "VersionTLS12" or "VersionTLS13", and no other.
absl::Status UseMinVersion(std::string_view name, TlsServerPolicy* policy);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_TLS_CIPHERS_H_
