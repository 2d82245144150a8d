#include "informers/http/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <utility>

namespace epslice {
namespace {

constexpr std::size_t kMaxPemBytes = std::size_t{4} << 20;

}  // namespace

BioPtr PemReader(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(std::min(text.size(), kMaxPemBytes))), BIO_free};
}

std::optional<std::string> Asn1Text(const ASN1_STRING* text) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, text);
  if (size < 0) return std::nullopt;
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

int NoPemPassword(char*, int, int, void*) { return -1; }

std::size_t ForEachCertificate(std::string_view pem, const std::function<void(X509Ptr)>& take) {
  const BioPtr bio = PemReader(pem);
  std::size_t count = 0;
  while (bio != nullptr) {
    X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPemPassword, nullptr), X509_free);
    if (certificate == nullptr) break;
    take(std::move(certificate));
    ++count;
  }
  ERR_clear_error();
  return count;
}

std::size_t TrustCertificates(std::string_view pem, X509_STORE* store) {
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  const std::size_t count =
      ForEachCertificate(pem, [store](X509Ptr certificate) { X509_STORE_add_cert(store, certificate.get()); });
  ERR_clear_error();  // one that was there already is no error
  return count;
}

}  // namespace epslice
