#include "informers/http/client_certificates.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "informers/http/pem.h"

namespace epslice {
namespace {

constexpr std::size_t kMaxCertificates = 16;
// 112 bits, as TLS itself asks for: no SHA-1, no RSA under 2048.
constexpr int kSecurityLevel = 2;
constexpr char kUidOid[] = "1.3.6.1.4.1.57683.2";

using StorePtr = std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)>;
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};

absl::Status Refused(std::string_view why) {
  ERR_clear_error();
  return absl::UnauthenticatedError(Cat({"the client's certificate is not accepted: ", why}));
}

X509Ptr FromDer(const std::string& der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  return {d2i_X509(nullptr, &bytes, static_cast<int>(der.size())), X509_free};
}

// Whether it, and every certificate that vouches for it, may be used so.
bool IsForClients(X509_STORE_CTX* context) {
  const STACK_OF(X509)* const path = X509_STORE_CTX_get0_chain(context);
  for (int i = 0; i < sk_X509_num(path); ++i) {
    // All bits where the certificate does not say.
    if ((X509_get_extended_key_usage(sk_X509_value(path, i)) & (XKU_SSL_CLIENT | XKU_ANYEKU)) == 0) return false;
  }
  return true;
}

std::string Fingerprint(const std::string& der) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(der.data()), der.size(), digest.data());
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char b : digest) {
    out += kHex[b >> 4];
    out += kHex[b & 15];
  }
  return out;
}

absl::StatusOr<CertificateSubject> SubjectOf(X509* certificate) {
  CertificateSubject subject;
  const X509_NAME* const name = X509_get_subject_name(certificate);
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* const entry = X509_NAME_get_entry(name, i);
    const ASN1_OBJECT* const type = X509_NAME_ENTRY_get_object(entry);
    std::array<char, 64> oid{};
    OBJ_obj2txt(oid.data(), oid.size(), type, /*no_name=*/1);
    const int nid = OBJ_obj2nid(type);
    const bool uid = std::string_view(oid.data()) == kUidOid;
    if (nid != NID_commonName && nid != NID_organizationName && !uid) continue;
    std::optional<std::string> value = Asn1Text(X509_NAME_ENTRY_get_data(entry));
    if (!value) return Refused("its subject is no text");
    if (nid == NID_commonName)
      subject.common_name = *std::move(value);
    else if (uid)
      subject.uids.push_back(*std::move(value));
    else
      subject.organizations.push_back(*std::move(value));
  }
  return subject;
}

}  // namespace

struct CertificateAuthorities::Impl {
  StorePtr store{X509_STORE_new(), X509_STORE_free};
};

CertificateAuthorities::CertificateAuthorities(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CertificateAuthorities::~CertificateAuthorities() = default;

absl::StatusOr<std::shared_ptr<const CertificateAuthorities>> CertificateAuthorities::FromPem(std::string_view pem) {
  auto impl = std::make_unique<Impl>();
  if (impl->store == nullptr) return absl::ResourceExhaustedError("no memory for certificates");
  if (TrustCertificates(pem, impl->store.get()) == 0) return absl::InvalidArgumentError("holds no PEM certificate");
  return std::shared_ptr<const CertificateAuthorities>(new CertificateAuthorities(std::move(impl)));
}

absl::StatusOr<CertificateSubject> CertificateAuthorities::Verify(std::span<const std::string> chain,
                                                                  Timestamp now) const {
  if (chain.empty() || chain.size() > kMaxCertificates) return Refused("there are none, or too many");
  const X509Ptr own = FromDer(chain.front());
  if (own == nullptr) return Refused("it cannot be read");
  std::vector<X509Ptr> others;
  const std::unique_ptr<STACK_OF(X509), FreeStack> untrusted(sk_X509_new_null());
  for (const std::string& der : chain.subspan(1)) {
    others.push_back(FromDer(der));
    if (others.back() == nullptr) return Refused("its chain cannot be read");
    if (sk_X509_push(untrusted.get(), others.back().get()) == 0) return absl::ResourceExhaustedError("no memory");
  }
  const StoreContextPtr context(X509_STORE_CTX_new(), X509_STORE_CTX_free);
  if (context == nullptr || untrusted == nullptr ||
      X509_STORE_CTX_init(context.get(), impl_->store.get(), own.get(), untrusted.get()) != 1) {
    return absl::ResourceExhaustedError("no memory");
  }
  X509_VERIFY_PARAM* const param = X509_STORE_CTX_get0_param(context.get());
  constexpr std::int64_t kSecond = 1'000'000'000;
  X509_VERIFY_PARAM_set_time(param, static_cast<std::time_t>(now.nanos / kSecond));
  X509_VERIFY_PARAM_set_depth(param, static_cast<int>(kMaxCertificates));
  X509_VERIFY_PARAM_set_auth_level(param, kSecurityLevel);
  if (X509_verify_cert(context.get()) != 1) {
    return Refused(X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  }
  if (!IsForClients(context.get())) return Refused("it is not for the authentication of clients");
  ERR_clear_error();
  absl::StatusOr<CertificateSubject> subject = SubjectOf(own.get());
  if (subject.ok()) subject->sha256 = Fingerprint(chain.front());
  return subject;
}

}  // namespace epslice
