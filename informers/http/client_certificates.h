// Client certificates: whether one is to be believed, and whom it names.
//
// As Kubernetes does it with X.509: the chain must end at a certificate of the
// bundle, be valid now, and be good for client authentication, where a
// certificate says what it is good for (extended key usage; "any" counts). Then
// the subject's CN is the user, each O one of the groups. There are no
// revocation lists: what should no longer be believed must end, or its authority
// leave the bundle.
#ifndef EPSLICE_INFORMERS_HTTP_CLIENT_CERTIFICATES_H_
#define EPSLICE_INFORMERS_HTTP_CLIENT_CERTIFICATES_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/meta.h"

namespace epslice {

// All UTF-8, in the certificate's order.
struct CertificateSubject {
  std::string common_name;  // the last, where there are several; may be empty
  std::vector<std::string> organizations;
  std::vector<std::string> uids;  // 1.3.6.1.4.1.57683.2, Kubernetes' own
  std::string sha256;             // of the certificate, in 64 hexadecimal digits
  friend bool operator==(const CertificateSubject&, const CertificateSubject&) = default;
};

// A bundle of certificates that are trusted to name clients. Immutable,
// thread-safe.
class CertificateAuthorities {
 public:
  // Any of them is an anchor, whether or not it signed itself. InvalidArgument
  // where there is none in `pem`.
  static absl::StatusOr<std::shared_ptr<const CertificateAuthorities>> FromPem(std::string_view pem);
  ~CertificateAuthorities();
  CertificateAuthorities(const CertificateAuthorities&) = delete;
  CertificateAuthorities& operator=(const CertificateAuthorities&) = delete;

  // `chain`: DER, the client's own first (TlsSession::PeerCertificates); at most
  // 16, and paths of no more. Unauthenticated, with the reason in one line that
  // repeats nothing of the certificate: not to be believed at `now`.
  absl::StatusOr<CertificateSubject> Verify(std::span<const std::string> chain, Timestamp now) const;

 private:
  struct Impl;
  explicit CertificateAuthorities(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_CLIENT_CERTIFICATES_H_
