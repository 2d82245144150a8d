#include "informers/http/certificate_facts.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "informers/http/pem.h"

namespace epslice {
namespace {

// As far as a Timestamp reaches, in seconds: certificates without an end
// are dated 9999.
constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;

std::optional<Timestamp> TimeOf(const ASN1_TIME* time) {
  std::tm utc{};
  if (ASN1_TIME_to_tm(time, &utc) != 1) return std::nullopt;
  return Timestamp::FromSeconds(std::clamp(static_cast<std::int64_t>(::timegm(&utc)), -kLast, kLast));
}

std::string CommonName(const X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  std::string name;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    name = Asn1Text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))).value_or("");
  }
  return name;
}

std::vector<std::string> DnsNames(const X509* certificate) {
  std::vector<std::string> all;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) all.push_back(Asn1Text(name->d.dNSName).value_or(""));
  }
  return all;
}

absl::StatusOr<CertificateFacts> FactsOf(const X509* certificate) {
  const auto not_before = certificate == nullptr ? std::nullopt : TimeOf(X509_get0_notBefore(certificate));
  const auto not_after = certificate == nullptr ? std::nullopt : TimeOf(X509_get0_notAfter(certificate));
  ERR_clear_error();
  if (!not_before || !not_after) return absl::InvalidArgumentError("there is no certificate");
  CertificateFacts facts;
  facts.common_name = CommonName(certificate);
  facts.dns_names = DnsNames(certificate);
  facts.not_before = *not_before;
  facts.not_after = *not_after;
  ERR_clear_error();
  return facts;
}

}  // namespace

absl::StatusOr<CertificateFacts> ReadCertificateFacts(std::string_view pem) {
  X509Ptr first(nullptr, X509_free);
  ForEachCertificate(pem, [&first](X509Ptr certificate) {
    if (first == nullptr) first = std::move(certificate);
  });
  return FactsOf(first.get());
}

absl::StatusOr<CertificateFacts> ReadDerCertificateFacts(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const X509Ptr certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())),
                            X509_free);  // NOLINT(google-runtime-int)
  return FactsOf(certificate.get());
}

}  // namespace epslice
