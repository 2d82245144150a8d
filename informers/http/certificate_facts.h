// What a certificate says of itself, nothing of it verified.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_CERTIFICATE_FACTS_H_
#define EPSLICE_INFORMERS_HTTP_CERTIFICATE_FACTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/meta.h"

namespace epslice {

struct CertificateFacts {
  std::string common_name;             // the last, where there are several; may be empty
  std::vector<std::string> dns_names;  // subject alternative names
  Timestamp not_before;                // the first second it is valid
  Timestamp not_after;                 // the last
};

// Of the first certificate in a PEM. InvalidArgument: there is none.
absl::StatusOr<CertificateFacts> ReadCertificateFacts(std::string_view pem);
// Of a certificate in DER. InvalidArgument: it is none.
absl::StatusOr<CertificateFacts> ReadDerCertificateFacts(std::string_view der);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_CERTIFICATE_FACTS_H_
