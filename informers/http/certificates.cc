#include "informers/http/certificates.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "informers/http/pem.h"

namespace epslice {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::Status Failed(std::string_view what) {
  ERR_clear_error();
  return absl::InternalError(Cat({"making a certificate: ", what}));
}

std::string Contents(const BioPtr& bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

bool SetSerial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, and of full length
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr), BN_free);
  return number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), X509_EXTENSION_free);
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool AddExtensions(const CertificateOptions& options, X509* certificate, X509* issuer) {
  if (options.authority) {
    return AddExtension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE") &&
           AddExtension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature") &&
           AddExtension(certificate, issuer, NID_subject_key_identifier, "hash");
  }
  std::string hosts;
  for (const std::string& host : options.hosts) {
    // A comma would begin another entry.
    if (host.empty() || host.find_first_of(", \n") != std::string::npos) return false;
    hosts += Cat({hosts.empty() ? "" : ",", IsIpAddress(host) ? "IP:" : "DNS:", host});
  }
  return AddExtension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         AddExtension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
         AddExtension(certificate, issuer, NID_ext_key_usage, hosts.empty() ? "clientAuth" : "serverAuth") &&
         (hosts.empty() || AddExtension(certificate, issuer, NID_subject_alt_name, hosts));
}

bool SetSubject(const CertificateOptions& options, X509_NAME* name) {
  const auto add = [name](const char* type, const std::string& value) {
    return X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  for (const std::string& organization : options.organizations) {
    if (!add("O", organization)) return false;
  }
  return options.common_name.empty() || add("CN", options.common_name);
}

bool SetTimes(const CertificateOptions& options, X509* certificate) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return ASN1_TIME_set(X509_getm_notBefore(certificate), options.not_before.nanos / kSecond) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), options.not_after.nanos / kSecond) != nullptr;
}

}  // namespace

absl::StatusOr<Identity> MakeCertificate(const CertificateOptions& options, const Identity* issuer) {
  const KeyPtr key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const X509Ptr certificate(X509_new(), X509_free);
  if (key == nullptr || certificate == nullptr) return Failed("no key");

  X509Ptr issuer_certificate(nullptr, X509_free);
  KeyPtr issuer_key(nullptr, EVP_PKEY_free);
  if (issuer != nullptr) {
    const BioPtr pem(BIO_new_mem_buf(issuer->certificate_pem.data(), static_cast<int>(issuer->certificate_pem.size())),
                     BIO_free);
    const BioPtr key_pem(BIO_new_mem_buf(issuer->key_pem.data(), static_cast<int>(issuer->key_pem.size())), BIO_free);
    issuer_certificate.reset(PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr));
    issuer_key.reset(PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (issuer_certificate == nullptr || issuer_key == nullptr) {
      return absl::InvalidArgumentError("the issuer is no certificate with its key");
    }
  }
  X509* const signer = issuer_certificate == nullptr ? certificate.get() : issuer_certificate.get();

  const bool good =
      X509_set_version(certificate.get(), X509_VERSION_3) == 1 && SetSerial(certificate.get()) &&
      SetTimes(options, certificate.get()) && SetSubject(options, X509_get_subject_name(certificate.get())) &&
      X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) == 1 &&
      X509_set_pubkey(certificate.get(), key.get()) == 1 && AddExtensions(options, certificate.get(), signer);
  if (!good) return Failed("a field is not accepted");
  EVP_PKEY* const signing_key = issuer_key == nullptr ? key.get() : issuer_key.get();
  if (X509_sign(certificate.get(), signing_key, EVP_sha256()) == 0) return Failed("it cannot be signed");

  const BioPtr certificate_out(BIO_new(BIO_s_mem()), BIO_free);
  const BioPtr key_out(BIO_new(BIO_s_secmem()), BIO_free);
  if (PEM_write_bio_X509(certificate_out.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return Failed("it cannot be written");
  }
  return Identity{Contents(certificate_out), Contents(key_out)};
}

std::string RandomHex(int bytes) {
  std::string raw(static_cast<std::size_t>(bytes), '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), bytes) != 1) return "";
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : raw) {
    const auto b = static_cast<unsigned char>(c);
    out += kHex[b >> 4];
    out += kHex[b & 15];
  }
  return out;
}

}  // namespace epslice
